"""Published identities of matrix calculus, each as the text of equations: one row, one identity.

A scalar by an array has the array's shape; a Jacobian is J[i, j] = ∂y[i]/∂x[j] and a Hessian
H[i, j] = ∂²L/∂x[i]∂x[j], with as many axes as their two arrays together.  Of `published`, the
last line is the derivative as its source states it.  A symmetric matrix is written S + S.T, or is
G, which is declared to be one.

Sources: MC, Petersen & Pedersen, The Matrix Cookbook, 2012-11-15, by equation number; P&H,
Parr & Howard, The Matrix Calculus You Need For Deep Learning, 2018; M&N, Magnus & Neudecker,
Matrix Differential Calculus, 3rd edition, by chapter; LMG, Laue, Mitterreiter & Giesen, Computing
Higher Order Derivatives of Matrix and Tensor Expressions, 2018.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gradproof.symbolic.equation import Array, size_symbol

Order = Literal["gradient", "jacobian", "hessian"]

SHAPES: dict[str, str | Array] = {
    **dict.fromkeys(("a", "b", "c", "d", "w", "v", "t", "x"), "n"),
    **dict.fromkeys(("u", "y"), "m"),
    **dict.fromkeys(("A", "B", "C", "D", "X", "S"), "n n"),
    **dict.fromkeys(("Z", "P"), "n p"),
    "s": "p", "k": "", "M": "m n", "Q": "p n", "R": "p p",
    "U": "m p", "V": "p n", "Y": "m n",
    "W1": "h n", "b1": "h", "W2": "m h", "b2": "m",
    "G": Array("G", (size_symbol("n"), size_symbol("n")), "symmetric"),
}  # fmt: skip
"""The shapes of the arrays in the rows."""


@dataclass(frozen=True)
class Identity:
    """∂(expression)/∂wrt = published.  `also` is the second array of a mixed Hessian."""

    id: str
    group: str
    expression: str
    wrt: str
    published: str
    source: str
    order: Order = "gradient"
    also: str = ""


def _rows(group: str, order: Order, *rows: tuple[str, ...]) -> list[Identity]:
    return [Identity(row[0], group, *row[1:5], order, *row[5:]) for row in rows]


IDENTITIES: list[Identity] = [
    *_rows(
        "vectors", "gradient",
        ("V1", "a @ x", "x", "a", "MC 69"),
        ("V2", "x @ x", "x", "2*x", "MC 131"),
        ("V3", "x @ A @ x", "x", "(A + A.T) @ x", "MC 81"),
        ("V4", "sum((M @ x - u)**2)/2", "x", "M.T @ (M @ x - u)", "matrixcalculus.org"),
        ("V5", "sum((M @ x - u)**2)/2", "M", "outer(M @ x - u, x)", "MC 88, W = I"),
        ("V6", "norm(x - a)", "x", "(x - a)/norm(x - a)", "MC 129"),
        ("V7", "(x - P @ s) @ (S + S.T) @ (x - P @ s)", "s",
         "-2*P.T @ (S + S.T) @ (x - P @ s)", "MC 84"),
        ("V8", "(x - a) @ (S + S.T) @ (x - a)", "x", "2*(S + S.T) @ (x - a)", "MC 85"),
        ("V9", "sum(abs(M @ x - u))", "x", "M.T @ sign(M @ x - u)", "matrixcalculus.org"),
        ("V10", "(x - a) @ (S + S.T) @ (x - a)", "a", "-2*(S + S.T) @ (x - a)", "MC 86"),
        ("V11", "(x - P @ s) @ (S + S.T) @ (x - P @ s)", "x",
         "2*(S + S.T) @ (x - P @ s)", "MC 87"),
        ("V12", "(x - P @ s) @ (S + S.T) @ (x - P @ s)", "P",
         "-2*outer((S + S.T) @ (x - P @ s), s)", "MC 88"),
        ("V13", "(B @ x + b) @ C @ (D @ x + d)", "x",
         "B.T @ C @ (D @ x + d) + D.T @ C.T @ (B @ x + b)", "MC 78"),
        ("V14", "x @ A @ x + b @ x", "x", "(A + A.T) @ x + b", "MC 97"),
        ("V15", "a @ x * (b @ x)", "x", "a * (b @ x) + b * (a @ x)", "M&N ch. 9"),
        ("V16", "x @ A @ x / (x @ x)", "x",
         "(A + A.T) @ x / (x @ x) - 2*(x @ A @ x)*x/(x @ x)**2", "quotient rule"),
        ("V17", "a @ x / (norm(a)*norm(x))", "x",
         "a/(norm(a)*norm(x)) - (a @ x)*x/(norm(a)*norm(x)**3)", "cosine similarity"),
    ),
    *_rows(
        "bilinear forms", "gradient",
        ("M1", "a @ X @ b", "X", "outer(a, b)", "MC 70"),
        ("M2", "a @ X.T @ b", "X", "outer(b, a)", "MC 71"),
        ("M3", "b @ X.T @ X @ c", "X", "X @ (outer(b, c) + outer(c, b))", "MC 77"),
        ("M4", "a @ X @ a", "X", "outer(a, a)", "MC 72"),
        ("M5", "sum(X)**2", "X", "2*sum(X) + 0*X", "MC 76"),
        ("M6", "b @ X.T @ D @ X @ c", "X", "D.T @ X @ outer(b, c) + D @ X @ outer(c, b)", "MC 82"),
        ("M7", "(X @ b + c) @ D @ (X @ b + c)", "X", "outer((D + D.T) @ (X @ b + c), b)", "MC 83"),
        ("M8", "a @ X @ X @ b", "X", "outer(a, X @ b) + outer(X.T @ a, b)", "MC 91, n = 2"),
        ("M9", "a @ X @ X @ X @ b", "X",
         "outer(a, X @ X @ b) + outer(X.T @ a, X @ b) + outer(X.T @ X.T @ a, b)", "MC 91, n = 3"),
        ("M10", "a @ (X @ X).T @ X @ X @ b", "X",
         "outer(X @ X @ b, X @ a) + outer(X.T @ X @ X @ b, a)"
         " + outer(X @ X @ a, X @ b) + outer(X.T @ X @ X @ a, b)", "MC 91 and the product rule"),
        ("M11", "sum((M @ X - Y)**2)/2", "X", "M.T @ (M @ X - Y)", "LMG"),
        ("M12", "u @ M @ x", "M", "outer(u, x)", "MC 70"),
    ),
    *_rows(
        "traces", "gradient",
        ("T1", "tr(X)", "X", "eye(n)", "MC 99"),
        ("T2", "tr(A @ X @ B)", "X", "A.T @ B.T", "MC 101"),
        ("T3", "tr(A @ X.T @ B)", "X", "B @ A", "MC 102"),
        ("T4", "tr(X @ X)", "X", "2*X.T", "MC 106"),
        ("T5", "tr(X.T @ B @ X)", "X", "(B + B.T) @ X", "MC 108"),
        ("T6", "tr(X @ A)", "X", "A.T", "MC 100"),
        ("T7", "tr(A @ X @ B @ X.T @ C)", "X", "A.T @ C.T @ X @ B.T + C @ A @ X @ B", "MC 118"),
        ("T8", "tr(X.T @ A)", "X", "A", "MC 103"),
        ("T9", "tr(X @ X @ X)", "X", "3*(X @ X).T", "MC 121, k = 3"),
        ("T10", "tr(A @ X.T)", "X", "A", "MC 104"),
        ("T11", "tr(X @ X @ B)", "X", "(X @ B + B @ X).T", "MC 107"),
        ("T12", "tr(B @ Z @ Z.T)", "Z", "B @ Z + B.T @ Z", "MC 109"),
        ("T13", "tr(Z @ Z.T @ B)", "Z", "B @ Z + B.T @ Z", "MC 110"),
        ("T14", "tr(Z @ R @ Z.T)", "Z", "Z @ R.T + Z @ R", "MC 111"),
        ("T15", "tr(R @ Z.T @ Z)", "Z", "Z @ R.T + Z @ R", "MC 112"),
        ("T16", "tr(Z.T @ Z @ R)", "Z", "Z @ R.T + Z @ R", "MC 113"),
        ("T17", "tr(A @ X @ B @ X)", "X", "A.T @ X.T @ B.T + B.T @ X.T @ A.T", "MC 114"),
        ("T18", "tr(Z.T @ Z)", "Z", "2*Z", "MC 115"),
        ("T19", "tr(B.T @ X.T @ C @ X @ B)", "X", "C.T @ X @ B @ B.T + C @ X @ B @ B.T", "MC 116"),
        ("T20", "tr(X.T @ B @ X @ C)", "X", "B @ X @ C + B.T @ X @ C.T", "MC 117"),
        ("T21", "E = A @ X @ B + C; tr(E @ E.T)", "X", "2*A.T @ (A @ X @ B + C) @ B.T", "MC 119"),
        ("T22", "tr(A @ X @ X @ X)", "X",
         "(A @ X @ X + X @ A @ X + X @ X @ A).T", "MC 122, k = 3"),
        ("T23", "tr(B.T @ X.T @ C @ X @ X.T @ C @ X @ B)", "X",
         "C @ X @ X.T @ C @ X @ B @ B.T + C.T @ X @ B @ B.T @ X.T @ C.T @ X"
         " + C @ X @ B @ B.T @ X.T @ C @ X + C.T @ X @ X.T @ C.T @ X @ B @ B.T", "MC 123"),
        ("T24", "sum(X**2)", "X", "2*X", "MC 132"),
        ("T25", "tr(X)**2", "X", "2*tr(X)*eye(n)", "MC 120, as tr(X ⊗ X) = tr(X)²"),
        ("T26", "tr(A)*tr(X)", "X", "tr(A)*eye(n)", "MC 105, as tr(A ⊗ X) = tr(A) tr(X)"),
        ("T27", "norm(X)", "X", "X/norm(X)", "M&N ch. 9, Frobenius norm"),
        ("T28", "sum(diag(X)**2)", "X", "2*diag(diag(X))", "M&N ch. 9"),
        ("T29", "exp(tr(A @ X))", "X", "exp(tr(A @ X))*A.T", "MC 100 and the chain rule"),
        ("T30", "tr(A @ X)/tr(B @ X)", "X", "A.T/tr(B @ X) - tr(A @ X)*B.T/tr(B @ X)**2",
         "MC 100 and the quotient rule"),
    ),
    *_rows(
        "inverses", "gradient",
        ("I1", "tr(inv(X))", "X", "-(inv(X) @ inv(X)).T", "MC 64, A = 0"),
        ("I2", "a @ inv(X) @ b", "X", "-inv(X).T @ outer(a, b) @ inv(X).T", "MC 61"),
        ("I3", "tr(A @ inv(X) @ B)", "X", "-(inv(X) @ B @ A @ inv(X)).T", "MC 63"),
        ("I4", "tr(inv(X + A))", "X", "-(inv(X + A) @ inv(X + A)).T", "MC 64"),
        ("I5", "tr(inv(Z.T @ (S + S.T) @ Z) @ R)", "Z",
         "W = S + S.T; N = inv(Z.T @ W @ Z); -(W @ Z @ N) @ (R + R.T) @ N", "MC 125"),
        ("I6", "W = S + S.T; tr(inv(Z.T @ W @ Z) @ (Z.T @ (A + A.T) @ Z))", "Z",
         "W = S + S.T; N = inv(Z.T @ W @ Z); E = A + A.T; "
         "-2*W @ Z @ N @ Z.T @ E @ Z @ N + 2*E @ Z @ N", "MC 126"),
    ),
    *_rows(
        "determinants", "gradient",
        ("D1", "det(X)", "X", "det(X)*inv(X).T", "MC 49"),
        ("D2", "logdet(X)", "X", "inv(X).T", "MC 57"),
        ("D3", "det(A @ X @ B)", "X", "det(A @ X @ B)*inv(X).T", "MC 51"),
        ("D4", "logdet(Z.T @ Z)", "Z", "2*Z @ inv(Z.T @ Z)", "MC 55"),
        ("D5", "det(X.T @ A @ X)", "X", "2*det(X.T @ A @ X)*inv(X).T", "MC 52"),
        ("D6", "W = S + S.T; det(Z.T @ W @ Z)", "Z",
         "W = S + S.T; 2*det(Z.T @ W @ Z)*(W @ Z @ inv(Z.T @ W @ Z))", "MC 53"),
        ("D7", "det(Z.T @ A @ Z)", "Z",
         "det(Z.T @ A @ Z)*(A @ Z @ inv(Z.T @ A @ Z) + A.T @ Z @ inv(Z.T @ A.T @ Z))", "MC 54"),
        ("D8", "det(X @ X)", "X", "2*det(X @ X)*inv(X).T", "MC 58, k = 2"),
        ("D9", "det(inv(X))", "X", "-det(inv(X))*inv(X).T", "MC 62"),
        ("D10", "log(det(X))", "X", "inv(X).T", "MC 57"),
        ("D11", "logdet(X + A) - tr(B @ X)", "X", "inv(X + A).T - B.T", "MC 57 and 100"),
        ("D12", "W = inv(X + X.T); a @ W @ a/2 + logdet(X + X.T)/2", "X",
         "N = inv(X + X.T); N - N @ outer(a, a) @ N", "MC 57 and 61, Gaussian likelihood"),
    ),
    *_rows(
        "elementwise", "gradient",
        ("E3", "sum(exp(x))", "x", "exp(x)", "P&H, sum reduction"),
        ("E5", "sum(k*x)", "k", "sum(x)", "P&H, sum(x z)"),
        ("E6", "sum(A*X*B)", "X", "A*B", "M&N ch. 9"),
        ("E7", "sum(log(x))", "x", "1/x", "P&H, sum reduction"),
        ("E8", "tr((A*X) @ B)", "X", "A*B.T", "M&N ch. 9"),
        ("E9", "w @ tanh(X @ x)", "X", "outer(w*(1 - tanh(X @ x)**2), x)", "P&H, chain rule"),
    ),
    *_rows(
        "Jacobians", "jacobian",
        ("J1", "w * x", "x", "diag(w)", "P&H"),
        ("J2", "w / x", "x", "-diag(w/x**2)", "P&H"),
        ("J3", "w + x", "x", "eye(n)", "P&H"),
        ("J4", "w - x", "x", "-eye(n)", "P&H"),
        ("J5", "x + k", "k", "1 + 0*x", "P&H, scalar expansion"),
        ("J6", "x * k", "x", "k*eye(n)", "P&H, scalar expansion"),
        ("J7", "M @ x", "x", "M", "MC 69"),
        ("J8", "sigmoid(M @ x)", "x",
         "diag(sigmoid(M @ x)*(1 - sigmoid(M @ x))) @ M", "P&H, chain rule"),
        ("J9", "softmax(x)", "x", "diag(softmax(x)) - outer(softmax(x), softmax(x))", "standard"),
        ("J10", "log_softmax(x)", "x", "eye(n) - outer(1 + 0*x, softmax(x))", "standard"),
        ("J11", "(x - a)/norm(x - a)", "x",
         "eye(n)/norm(x - a) - outer(x - a, x - a)/norm(x - a)**3", "MC 130"),
        ("J12", "x * (w @ x)", "x", "(w @ x)*eye(n) + outer(x, w)", "M&N ch. 9"),
        ("J13", "max(M @ x, 0)", "x", "diag((M @ x > 0)) @ M", "P&H, neuron activation"),
        ("J14", "(A @ x) * (B @ x)", "x", "diag(B @ x) @ A + diag(A @ x) @ B", "M&N ch. 9"),
        ("J15", "exp(A @ x) / sum(exp(A @ x))", "x",
         "q = softmax(A @ x); (diag(q) - outer(q, q)) @ A", "standard"),
        ("J16", "X @ A", "X", 'einsum("im,nj->ijmn", eye(n), A)', "MC 74"),
        ("J17", "X.T @ A", "X", 'einsum("in,mj->ijmn", eye(n), A)', "MC 75"),
        ("J18", "X.T @ B @ X", "X",
         'einsum("lj,ki->klij", eye(n), X.T @ B) + einsum("kj,il->klij", eye(n), B @ X)', "MC 79"),
        ("J19", "A @ X @ B", "X", 'einsum("in,mj->ijnm", A, B)', "M&N ch. 9, Bᵀ ⊗ A"),
        ("J20", "inv(X)", "X", '-einsum("ki,jl->klij", inv(X), inv(X))', "MC 60"),
        ("J21", "X @ X", "X",
         'einsum("im,nj->ijmn", eye(n), X) + einsum("im,nj->ijmn", X, eye(n))', "MC 90, n = 2"),
    ),
    *_rows(
        "Hessians", "hessian",
        ("H1", "x @ A @ x + b @ x", "x", "A + A.T", "MC 98"),
        ("H2", "sum((M @ x - u)**2)/2", "x", "M.T @ M", "least squares; LMG"),
        ("H3", "sum(softplus(M @ x) - y*(M @ x))", "x",
         "q = sigmoid(M @ x); M.T @ diag(q*(1 - q)) @ M", "logistic regression; LMG"),
        ("H4", "logsumexp(x)", "x", "diag(softmax(x)) - outer(softmax(x), softmax(x))",
         "Boyd & Vandenberghe 2004, §3.1.5"),
        ("H5", "-(t @ log_softmax(x))", "x",
         "sum(t)*(diag(softmax(x)) - outer(softmax(x), softmax(x)))", "standard"),
        ("H6", "norm(x)", "x", "eye(n)/norm(x) - outer(x, x)/norm(x)**3", "MC 130, a = 0"),
        ("H7", "sum(exp(A @ x))", "x", "A.T @ diag(exp(A @ x)) @ A", "M&N ch. 10"),
        ("H8", "sum((U @ V - Y)**2)/2", "U", 'einsum("ac,be->abce", eye(m), V @ V.T)',
         "matrix factorisation; LMG"),
        ("H9", "tr(Z.T @ A @ Z)", "Z", 'einsum("ac,be->abce", A + A.T, eye(p))', "M&N ch. 10"),
        ("H10", "(a @ x)**2", "x", "2*outer(a, a)", "M&N ch. 10"),
        ("H11", "(a @ x)*(b @ x)", "x", "outer(a, b) + outer(b, a)", "M&N ch. 10"),
        ("H12", "(x @ x)**2", "x", "4*(x @ x)*eye(n) + 8*outer(x, x)", "M&N ch. 10"),
        ("H13", "tr(X @ X @ A)", "X",
         'einsum("bc,da->abcd", eye(n), A) + einsum("ad,bc->abcd", eye(n), A)',
         "MC 107, once more"),
        ("H14", "u @ M @ x", "M", 'einsum("a,bc->abc", u, eye(n))', "mixed, M&N ch. 10", "x"),
        ("H15", "sum((M @ x - u)**2)/2", "x", "-M.T", "mixed, least squares", "u"),
        ("H16", "sum(log(x))", "x", "-diag(1/x**2)", "Boyd & Vandenberghe 2004, §3.1.5"),
        ("H17", "-sum(log(u - M @ x))", "x", "M.T @ diag(1/(u - M @ x)**2) @ M",
         "log barrier, Boyd & Vandenberghe 2004, §9.5"),
        ("H18", "logdet(X)", "X", '-einsum("bc,da->abcd", inv(X), inv(X))', "MC 57 and 60"),
        ("H19", "a @ inv(X) @ b", "X",
         "N = inv(X); p1 = N.T @ a; q1 = N @ b; "
         'einsum("a,bc,d->abcd", p1, N, q1) + einsum("c,da,b->abcd", p1, N, q1)',
         "MC 61 and 60"),
    ),
    *_rows(
        "symmetric matrices", "gradient",
        ("S1", "x @ (G @ x)", "x", "2*G @ x", "MC 81"),
        ("S2", "(x - P @ s) @ G @ (x - P @ s)", "s", "-2*P.T @ G @ (x - P @ s)", "MC 84"),
        ("S3", "(x - a) @ (G @ (x - a))", "x", "2*G @ (x - a)", "MC 85"),
        ("S4", "(x - a) @ (G @ (x - a))", "a", "-2*G @ (x - a)", "MC 86"),
        ("S5", "(x - P @ s) @ G @ (x - P @ s)", "x", "2*G @ (x - P @ s)", "MC 87"),
        ("S6", "(x - P @ s) @ G @ (x - P @ s)", "P", "-2*outer(G @ (x - P @ s), s)", "MC 88"),
        ("S7", "tr(Z.T @ G @ Z)", "Z", "2*G @ Z", "MC 108"),
        ("S8", "tr(G @ X @ G)", "X", "G @ G", "MC 101"),
    ),
    *_rows(
        "Kronecker structure", "hessian",
        ("K1", "sum((A @ X @ B - C)**2)/2", "X", 'einsum("ac,bd->abcd", A.T @ A, B @ B.T)',
         "M&N ch. 10; AᵀA ⊗ BBᵀ"),
        ("K2", "tr(X @ A @ X.T @ B)", "X",
         'einsum("ac,db->abcd", B, A) + einsum("ca,bd->abcd", B, A)', "M&N ch. 10, MC 118"),
        ("K3", "sum((M @ x - u)**2)/2", "M", 'einsum("ac,b,d->abcd", eye(m), x, x)',
         "M&N ch. 10; I ⊗ xxᵀ"),
        ("K4", "tr(A @ X)**2/2", "X", 'einsum("ba,dc->abcd", A, A)', "MC 100, the chain rule"),
        ("K5", "sum(X**2)/2", "X", 'einsum("ac,bd->abcd", eye(n), eye(n))', "MC 115"),
    ),
    *_rows(
        "learning", "gradient",
        ("N1", "max(0, w @ x + k)", "w", "(w @ x + k > 0)*x", "P&H, neuron activation"),
        ("N2", "max(0, w @ x + k)", "k", "(w @ x + k > 0)", "P&H, neuron activation"),
        ("N3", "logsumexp(x)", "x", "softmax(x)", "standard"),
        ("N4", "-(t @ log_softmax(x))", "x", "sum(t)*softmax(x) - t", "standard"),
        ("N5", "mean((y - max(M @ w + k, 0))**2)", "w",
         "z = M @ w + k; e = max(z, 0) - y; 2*M.T @ ((z > 0)*e)/m", "P&H, loss of a neuron"),
        ("N6", "mean((y - max(M @ w + k, 0))**2)", "k",
         "z = M @ w + k; e = max(z, 0) - y; 2*sum((z > 0)*e)/m", "P&H, loss of a neuron"),
        ("N7", "sum(softplus(M @ x) - y*(M @ x))", "x", "M.T @ (sigmoid(M @ x) - y)",
         "logistic regression; LMG"),
        ("N8", "sum((U @ V - Y)**2)/2", "V", "U.T @ (U @ V - Y)", "matrix factorisation; LMG"),
    ),
    *(
        Identity(
            f"N9{letter}", "learning",
            "a1 = sigmoid(W1 @ x + b1); a2 = sigmoid(W2 @ a1 + b2); sum((a2 - u)**2)/2", wrt,
            "a1 = sigmoid(W1 @ x + b1); a2 = sigmoid(W2 @ a1 + b2); "
            "d2 = (a2 - u)*a2*(1 - a2); d1 = (W2.T @ d2)*a1*(1 - a1); " + published,
            "backpropagation, two layers",
        )
        for letter, wrt, published in (
            ("a", "W2", "outer(d2, a1)"), ("b", "b2", "d2 + 0"),
            ("c", "W1", "outer(d1, x)"), ("d", "b1", "d1 + 0"),
        )
    ),
]


UNDECIDED: dict[str, str] = {}
"""Rows that are not proven, each with the reason."""
