"""Transposed, reshaped, summed along the wrong axis, in the wrong order; widths of 1 included."""

from __future__ import annotations

import numpy as np
from redteam.case import row


def sig(z):
    return 1 / (1 + np.exp(-z))


def columns(X, W, y):
    return np.sum((X @ W - y) ** 2) / 2


ONE = {"X": "m n", "W": "n 1", "y": "m 1"}
NET = {"X": "m n", "W": "n h", "V": "h 1", "y": "m 1"}
MORE = {"X": "m n", "W": "n k", "y": "m k"}


def net(X, W, V, y):
    return np.sum((np.tanh(X @ W) @ V - y) ** 2) / 2


def net_back(X, W, V, y, out):
    A = np.tanh(X @ W)
    d = A @ V - y
    return out(X, A, d, V)


FAMILY = "shapes"
CASES = [
    row(FAMILY, "shapes: a row for a column of weights", columns,
        lambda X, W, y: (X @ W - y).T @ X, "W", "transposed", **ONE),
    row(FAMILY, "shapes: a row for a column, two layers", net,
        lambda X, W, V, y: net_back(X, W, V, y, lambda X, A, d, V: d.T @ A), "V", "transposed",
        **NET),
    row(FAMILY, "shapes: both gradients, one transposed", net,
        lambda X, W, V, y: net_back(X, W, V, y, lambda X, A, d, V: {
            "W": X.T @ ((d @ V.T) * (1 - A**2)), "V": d.T @ A}), "W V", "V is transposed", **NET),
    row(FAMILY, "shapes: a column for a row", lambda X, w, y: np.sum((X @ w.T - y) ** 2) / 2,
        lambda X, w, y: X.T @ (X @ w.T - y), "w", "transposed", X="m n", w="1 n", y="m 1"),
    row(FAMILY, "shapes: a batch of one, transposed", columns,
        lambda X, W, y: (X.T @ (X @ W - y)).T, "W", "transposed", X="1 n", W="n k", y="1 k"),
    row(FAMILY, "shapes: a bias of a column net, transposed",
        lambda X, W, b: np.sum(np.tanh(W @ X + b)),
        lambda X, W, b: (1 - np.tanh(W @ X + b) ** 2).sum(axis=1, keepdims=True).T, "b",
        "transposed", X="n m", W="h n", b="h 1"),
    row(FAMILY, "shapes: one by one more", columns, lambda X, W, y: (X.T @ (X @ W - y))[None], "W",
        "an axis too many in front", X="m n", W="n k", y="m k"),
    row(FAMILY, "shapes: transposed", columns, lambda X, W, y: (X.T @ (X @ W - y)).T, "W",
        "transposed", **MORE),
    row(FAMILY, "shapes: reshaped for transposed", columns,
        lambda X, W, y: ((X @ W - y).T @ X).reshape(W.shape), "W", "reshape is no transpose",
        **MORE),
    row(FAMILY, "shapes: Fortran order", lambda x, C: np.sum(x.reshape(-1) * C),
        lambda x, C: C.reshape(x.shape, order="F"), "x", "the order is C's",
        x="3 2", C="6"),
    row(FAMILY, "shapes: ravel of the transpose", lambda x, C: np.sum(x.ravel() * C),
        lambda x, C: C.reshape(2, 3).T, "x", "ravel goes by rows", x="3 2", C="6"),
    row(FAMILY, "shapes: channels last", lambda x, C: np.sum(x.reshape(len(x), -1) @ C),
        lambda x, C: np.broadcast_to(C[:, 0].reshape(3, 2).T, x.shape), "x", "channels are first",
        x="m 2 3", C="6 1"),
    row(FAMILY, "shapes: a square weight untransposed", lambda x, W: np.sum((x @ W) ** 2),
        lambda x, W: 2 * (x @ W) @ W, "x", "Wᵀ is due", x="m n", W="n n"),
    row(FAMILY, "shapes: a square product in the other order",
        lambda A, B: np.sum((A @ B) ** 2), lambda A, B: 2 * B.T @ (A @ B), "A", "… Bᵀ on the right",
        A="n n", B="n n"),
    row(FAMILY, "shapes: einsum gives the transpose", lambda A, B: np.sum((A @ B) ** 2),
        lambda A, B: 2 * np.einsum("ij,kj->ki", A @ B, B), "A", "ik, not ki", A="n n", B="n n"),
    row(FAMILY, "shapes: einsum sums the wrong index", lambda A, B: np.sum((A @ B) ** 2),
        lambda A, B: 2 * np.einsum("ij,jk->ik", A @ B, B), "A", "B is to be transposed", A="n n",
        B="n n"),
    row(FAMILY, "shapes: outer in the other order", lambda W, x, y: x @ W @ y,
        lambda W, x, y: np.outer(y, x), "W", "x yᵀ", W="n n", x="n", y="n"),
    row(FAMILY, "shapes: outer with a width of one", lambda W, x, y: x @ W @ y,
        lambda W, x, y: np.outer(y, x), "W", "x yᵀ", W="n 1", x="n", y="1"),
    row(FAMILY, "shapes: bias summed along the other axis", lambda X, b: np.sum((X + b) ** 2),
        lambda X, b: 2 * (X + b).sum(axis=1), "b", "axis 0", X="n n", b="n"),
    row(FAMILY, "shapes: bias summed up wholly", lambda X, b: np.sum((X + b) ** 2),
        lambda X, b: np.full(b.shape, 2 * (X + b).sum()), "b", "one sum a column", X="m n", b="n"),
    row(FAMILY, "shapes: bias not summed", lambda X, b: np.sum((X + b) ** 2),
        lambda X, b: 2 * (X + b), "b", "to be summed over rows", X="m n", b="n"),
    row(FAMILY, "shapes: mean by the other size", lambda X, b: np.mean(X + b, axis=0).sum(),
        lambda X, b: np.full(X.shape, 1 / X.shape[1]), "X", "1/m, not 1/n", X="m n", b="n"),
    row(FAMILY, "shapes: mean of all, divided by m", lambda X: np.mean(X**2),
        lambda X: 2 * X / len(X), "X", "m n", X="m n"),
    row(FAMILY, "shapes: residual spreads to a matrix", lambda X, W, y: np.sum(
        ((X @ W)[:, 0] - y) ** 2), lambda X, W, y: 2 * X.T @ (X @ W - y).sum(axis=1,
        keepdims=True), "W", "m by m by broadcasting", X="m n", W="n 1", y="m"),
    row(FAMILY, "shapes: concatenated in the other order",
        lambda a, b, C: np.sum(np.concatenate([a, b]) * C),
        lambda a, b, C: {"a": C[len(b):], "b": C[: len(b)]}, "a b", "a comes first",
        a="n", b="n", C="2*n"),
    row(FAMILY, "shapes: concatenated along the other axis",
        lambda a, b, C: np.sum(np.concatenate([a, b], axis=1) * C),
        lambda a, b, C: {"a": C[:, 3:], "b": C[:, :3]}, "a b", "a comes first",
        a="m 3", b="m 3", C="m 6"),
    row(FAMILY, "shapes: stacked along the other axis", lambda a, b, C: np.sum(
        np.stack([a, b], axis=1) * C), lambda a, b, C: {"a": C[0], "b": C[1]}, "a b",
        "columns, not rows", a="2", b="2", C="2 2"),
    row(FAMILY, "shapes: flipped twice", lambda x, C: np.sum(x[::-1] * C), lambda x, C: C, "x",
        "to be flipped back", x="n", C="n"),
    row(FAMILY, "shapes: rolled on, not back", lambda x, C: np.sum(np.roll(x, 1) * C),
        lambda x, C: np.roll(C, 1), "x", "-1", x="5", C="5"),
    row(FAMILY, "shapes: shifted by one too many", lambda x, C: np.sum(x[1:] * C[:-1]),
        lambda x, C: np.concatenate([C[:-1], np.zeros(1)]), "x", "zero comes first",
        x="5", C="5"),
    row(FAMILY, "shapes: cumsum forward again", lambda x, C: np.sum(np.cumsum(x) * C),
        lambda x, C: np.cumsum(C), "x", "summed from behind", x="5", C="5"),
    row(FAMILY, "shapes: axes of three exchanged",
        lambda X, W: np.sum(np.einsum("bij,jk->bik", X, W) ** 2),
        lambda X, W: 2 * np.einsum("bij,bik->kj", X, np.einsum("bij,jk->bik", X, W)), "W",
        "jk, not kj", X="m n d", W="d d"),
    row(FAMILY, "shapes: heads not brought back",
        lambda X, C: np.sum(X.reshape(4, 2, 3).transpose(1, 0, 2) * C),
        lambda X, C: C.reshape(4, 6), "X", "transpose first", X="4 6", C="2 4 3"),
    row(FAMILY, "shapes: batch matmul untransposed", lambda A, B: np.sum((A @ B) ** 2),
        lambda A, B: 2 * (A @ B) @ B, "A", "Bᵀ of each", A="m n n", B="m n n"),
    row(FAMILY, "shapes: trace of the other product", lambda A, B: np.trace(A @ B),
        lambda A, B: B, "A", "Bᵀ", A="n n", B="n n"),
    row(FAMILY, "shapes: diagonal only", lambda A: np.sum(A @ A), lambda A: 2 * A, "A",
        "row and column sums", A="n n"),
    row(FAMILY, "shapes: kernel rows for columns", lambda X, y: y @ (X @ X.T) @ y,
        lambda X, y: np.outer(y, y) @ X, "X", "twice that", X="m n", y="m"),
    row(FAMILY, "shapes: a scalar for an array", lambda x: np.sum(x**2), lambda x: 2 * x.sum(), "x",
        "one number", x="n"),
    row(FAMILY, "shapes: right at n = 1 alone", lambda x: np.sum(x) ** 2, lambda x: 2 * x, "x",
        "2 Σ x", x="n"),
]
