"""Derivatives by matrices as Kronecker products: the spelling, and the numbers it stands for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import gradproof as gp
from gradproof.codegen.interpret import evaluate
from gradproof.symbolic.matrices.kronecker import kronecker_form

FACTORISATION = ("L = sum((A - U @ V)**2)/2", {"A": "m n", "U": "m p", "V": "p n"})
BILINEAR = ("Y = A @ X @ B; L = sum(Y)", {"A": "m n", "X": "n p", "B": "p q"})
LAYER = ("y = tanh(M @ x); L = sum(y)", {"M": "m n", "x": "n"})
SCALAR = ("L = u @ M @ x", {"u": "m", "M": "m n", "x": "n"})
SIZES = {"m": 3, "n": 4, "p": 2, "q": 5}

CASES = [
    (FACTORISATION, "hessian", ("U",), "H = I ⊗ V Vᵀ", r"H = I \otimes V V^{\top}"),
    (FACTORISATION, "hessian", ("V",), "H = Uᵀ U ⊗ I", r"H = U^{\top} U \otimes I"),
    (FACTORISATION, "hessian", ("U", "V"), "H = (U V ⊗ I) K - (A ⊗ I) K + U ⊗ V",
     r"H = (U V \otimes I) K - (A \otimes I) K + U \otimes V"),
    (BILINEAR, "jacobian", ("Y", "X"), "J = A ⊗ Bᵀ", r"J = A \otimes B^{\top}"),
    (("Y = X @ X; L = sum(Y)", {"X": "n n"}), "jacobian", ("Y", "X"), "J = I ⊗ Xᵀ + X ⊗ I", None),
    (("L = tr(X @ A)**2", {"X": "n n", "A": "n n"}), "hessian", ("X",),
     "H = 2 vec(Aᵀ) vec(Aᵀ)ᵀ", r"H = 2 \mathrm{vec}(A^{\top}) \mathrm{vec}(A^{\top})^{\top}"),
    (("L = tr(X @ X)", {"X": "n n"}), "hessian", ("X",), "H = 2 (I ⊗ I) K", None),
    (("L = sum(X**3)/6", {"X": "m n"}), "hessian", ("X",), "H = diag(vec(X))", None),
    (("L = sum((M @ x - u)**2)/2", {"M": "m n", "x": "n", "u": "m"}), "hessian", ("M",),
     "H = I ⊗ x xᵀ", None),
    (LAYER, "jacobian", ("y", "M"), "J = (I - diag(y∘²)) ⊗ xᵀ", None),
    # u stands on the left, where a column has a ᵀ.
    (SCALAR, "hessian", ("M", "x"), "H = u ⊗ I", None),
    (SCALAR, "hessian", ("x", "M"), "H = uᵀ ⊗ I", None),
]


def derivatives(case):
    (text, shapes), order, of, *_ = case
    return getattr(gp.derive(gp.equations(text, **shapes)), order)(*of)


def sample(derivative, seed=0):
    random = np.random.default_rng(seed)
    return {a.name: random.normal(size=[SIZES[str(size)] for size in a.shape])
            for a in derivative.system.inputs}


def commutation(rows, columns):
    """K with vec(Xᵀ) = K vec(X) for X of the shape (columns, rows), the last axis fastest."""
    return np.eye(rows * columns).reshape(rows, columns, rows, columns).transpose(
        0, 1, 3, 2).reshape(rows * columns, rows * columns)


def as_matrix(product, system, values):
    """What a product stands for, by NumPy's own kron."""
    sides = []
    for side in (product.left, product.right):
        made = evaluate(system.extended([replace(side, name="side")]), values)["side"]
        column = made[:, None] if product.column else made[None, :]
        sides.append(made if made.ndim == 2 else column)
    left, right = sides
    number = float(product.number)
    if product.way == "diagonal":
        return number * np.diag(left.ravel())
    if product.way == "outer":
        return number * np.outer(left.ravel(), right.ravel())
    whole = np.kron(left, right)
    if product.way == "commuted":
        whole = whole @ commutation(left.shape[1], right.shape[1])
    return number * whole


@pytest.mark.parametrize("case", CASES, ids=[case[3] for case in CASES])
def test_a_derivative_by_a_matrix_is_written_with_its_factors(case):
    found = derivatives(case)
    assert str(found).splitlines()[-1] == case[3]
    if case[4] is not None:
        assert found.latex() == case[4]


@pytest.mark.parametrize("case", CASES, ids=[case[3] for case in CASES])
def test_the_factors_are_the_matrix_that_reshape_gives(case):
    found = derivatives(case)
    values = sample(found)
    leading = found.writer.leading[found.name]
    whole = evaluate(found.system, values)[found.name]
    np.testing.assert_allclose(found.compile()(**values), whole, 1e-12, 1e-12)
    rows = int(np.prod(whole.shape[:leading]))
    products = kronecker_form(found.steps[-1], leading)
    built = sum(as_matrix(product, found.system, values) for product in products)
    np.testing.assert_allclose(built, whole.reshape(rows, -1), 1e-12, 1e-12)


def test_what_is_no_such_product_keeps_its_indices():
    derivation = gp.derive(gp.equations("L = sum(tanh(X @ X))", X="n n"))
    hessian = derivation.hessian("X")
    assert "⊗" not in str(hessian).splitlines()[-1]
    assert kronecker_form(hessian.steps[-1], 2) is None


def test_the_hessian_product_never_holds_the_hessian():
    """(I ⊗ V Vᵀ) vec(D) = vec(D V Vᵀ): each array on the way has two axes."""
    (text, shapes), *_ = CASES[0]
    product = gp.derive(gp.equations(text, **shapes)).hvp("U")
    assert all(len(equation.out) <= 2 for equation in product.steps)
    values = {**sample(product), "U_dot": np.ones((3, 2))}
    np.testing.assert_allclose(product.compile()(**values),
                               np.ones((3, 2)) @ values["V"] @ values["V"].T, 1e-12)


def test_a_large_hessian_is_an_outer_product_of_small_arrays():
    """The evaluator entry by entry would hold 400⁴ / 10 numbers here."""
    (text, shapes), *_ = CASES[0]
    hessian = gp.derive(gp.equations(text, **shapes)).hessian("U").compile()
    random = np.random.default_rng(1)
    values = {"A": random.normal(size=(40, 400)), "U": random.normal(size=(40, 10)),
              "V": random.normal(size=(10, 400))}
    expected = np.kron(np.eye(40), values["V"] @ values["V"].T)
    np.testing.assert_allclose(hessian(**values).reshape(400, 400), expected, 1e-12, 1e-12)


@pytest.mark.parametrize(("text", "by", "shapes"), [
    ("C = X.T @ X\nL = tr(C @ C)", "C", {"X": "m n"}),
    ("C = X.T @ X\nL = sum((C @ C)*B)", "C", {"X": "m n", "B": "n n"}),
    ("C = A*A.T\nL = tr(C @ C)", "C", {"A": "n n"}),
    ('P = softmax(Z)\nL = einsum("ij,ik->", P, P)', "P", {"Z": "m n"}),
    ('P = softmax(Z)\nL = einsum("ij,ik,ik->", P, P, B)', "P", {"Z": "m n", "B": "m n"}),
    ('z = A @ x\nL = einsum("ij,j,i->", A, x, z)', "z", {"A": "m n", "x": "n"}),
])
def test_a_hessian_by_a_computed_array_takes_it_as_any(text, by, shapes):
    """What it is computed as (symmetric, shares, a sum) holds at the point, not beside it."""
    derivation = gp.derive(gp.equations(text, **shapes))
    loss = text.rpartition("L = ")[2]
    free = gp.derive(gp.equations(f"L = {loss}", **{
        **{name: shape for name, shape in shapes.items() if name in loss},
        by: {"C": "n n", "P": "m n", "z": "m"}[by]}))
    rng = np.random.default_rng(3)
    values = {name: rng.normal(size=tuple({"m": 3, "n": 2}[size] for size in shape.split()))
              for name, shape in shapes.items()}
    found = derivation.hessian(by)
    due = free.hessian(by)
    at = {**values, by: evaluate(derivation.system, values, {"m": 3, "n": 2})[by]}
    np.testing.assert_allclose(found.compile()(**{name: values[name] for name in found.inputs}),
                               due.compile()(**{name: at[name] for name in due.inputs}), atol=1e-12)


def test_a_diagonal_that_terms_have_in_common_stands_before_all_of_them():
    derivation = gp.derive(gp.equations(
        "C = K*outer(r, r)\nL = sum(C*B)", K="m m", r="m", B="m m"))
    shown = str(derivation.jvp("C", "K", "r"))
    assert shown.count("diag(r)") == 3
    assert "ᵀ" not in shown
