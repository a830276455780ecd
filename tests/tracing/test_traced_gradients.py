"""Gradients of losses with NumPy's functions: right ones proved, wrong ones refuted."""

import numpy as np
import pytest

import gradproof as gp

VECTORS, SQUARES = {"x": "n", "w": "n"}, {"x": "n n", "w": "n n"}


def back_from_windows(x, w):
    found = np.zeros_like(x)
    for offset in range(2):
        found[offset : offset + w.shape[0]] += w[:, offset]
    return found


def back_from_deletion(x, w):
    return np.insert(w, 1, 0.0)


def back_from_rolls(x, w):
    return np.roll(w, (-1, 1), axis=(0, 1))


def masked_rows_gradient(x, w):
    chosen = x[:, 0] > 0
    found = np.zeros_like(x)
    found[chosen] = 2 * x[chosen] * w
    return found


def inverse_of(A):
    return np.linalg.inv(A)


def power_gradient(x, w):
    return 3 * np.sum(np.abs(x) ** 3) ** (1 / 3 - 1) * np.abs(x) * x / 3


def triangle_gradient(x, w):
    found = np.zeros_like(x)
    found[np.tril_indices(3)] = w
    return found


def positive_part(x, w):
    found = w.copy()
    found[x < 0] = 0
    return found


def clipped(x, w):
    found = w.copy()
    np.putmask(found, (x <= -1) | (x >= 1), 0)
    return found


def chosen_column(x, w):
    found = np.zeros_like(x)
    np.put_along_axis(found, w[:, None], 1.0, axis=1)
    return found


def placed_on(x, w):
    return np.diagonal(w, 1)


def running_products(x, w):
    found = np.zeros_like(x)
    for k in range(x.shape[0]):
        for j in range(k, x.shape[0]):
            found[k] += w[j] * np.prod(np.delete(x[: j + 1], k))
    return found


RIGHT = {
    "cumprod": (lambda x, w: np.sum(np.cumprod(x) * w), running_products, {"x": "3", "w": "3"}),
    "delete": (lambda x, w: np.sum(np.delete(x, 1) * w), back_from_deletion, {"x": "4", "w": "3"}),
    "insert": (lambda x, w: np.sum(np.insert(x, 0, 1, axis=1) * w), lambda x, w: w[:, 1:],
               {"x": "m n", "w": "m n+1"}),
    "roll": (lambda x, w: np.sum(np.roll(x, (1, -1), (0, 1)) * w), back_from_rolls,
             {"x": "3 4", "w": "3 4"}),
    "rot90": (lambda x, w: np.sum(np.rot90(x) * w), lambda x, w: np.rot90(w, -1),
              {"x": "m n", "w": "n m"}),
    "windows": (lambda x, w: np.sum(np.lib.stride_tricks.sliding_window_view(x, 2) * w),
                back_from_windows, {"x": "5", "w": "4 2"}),
    "convolution": (lambda x, w: np.sum(np.convolve(x, w, "valid") ** 2) / 2,
                    lambda x, w: np.convolve(np.convolve(x, w, "valid"), w[::-1]),
                    {"x": "6", "w": "3"}),
    "diagonal": (lambda x, w: np.sum(np.diag(x, 1) * w), lambda x, w: placed_on(x, w),
                 {"x": "n", "w": "n+1 n+1"}),
    "trace": (lambda x, w: np.trace(x @ w), lambda x, w: w.T, SQUARES),
    "triangle": (lambda x, w: np.sum(x[np.tril_indices(3)] * w), triangle_gradient,
                 {"x": "3 3", "w": "6"}),
    "kron": (lambda x, w: np.sum(np.kron(x, np.ones(2)) * w),
             lambda x, w: w.reshape(-1, 2).sum(axis=1), {"x": "3", "w": "6"}),
    "pad by the edge": (lambda x, w: np.sum(np.pad(x, 1, mode="edge") * w),
                        lambda x, w: w[1:-1] + np.append(w[:1], 0 * x[1:]) + np.append(
                            0 * x[1:], w[-1:]), {"x": "n", "w": "n+2"}),
    "block": (lambda x, w: np.sum(np.block([[x, 2 * x]]) * w),
              lambda x, w: w[:, : x.shape[1]] + 2 * w[:, x.shape[1] :], {"x": "m n", "w": "m 2*n"}),
    "einsum with dots": (lambda x, w: np.einsum("...i,...i->...", x, w).sum(), lambda x, w: w,
                         {"x": "m n k", "w": "m n k"}),
    "inner": (lambda x, w: np.sum(np.inner(x, w) ** 2) / 2, lambda x, w: np.inner(x, w) @ w,
              {"x": "m k", "w": "n k"}),
    "dot of stacks": (lambda x, w: np.sum(np.dot(x, w)), lambda x, w: np.ones(x.shape) * w.sum(1),
                      {"x": "m n k", "w": "k h"}),
    "norm of rows": (lambda x, w: np.sum(np.linalg.norm(x, axis=1) * w),
                     lambda x, w: x / np.linalg.norm(x, axis=1, keepdims=True) * w[:, None],
                     {"x": "m n", "w": "m"}),
    "norm, ord=1": (lambda x, w: np.linalg.norm(x, 1) * w, lambda x, w: np.sign(x) * w,
                    {"x": "n", "w": ""}),
    "norm, ord=3": (lambda x, w: np.linalg.norm(x, 3), power_gradient, VECTORS),
    "matrix power": (lambda x, w: np.sum(np.linalg.matrix_power(x, 2) * w),
                     lambda x, w: w @ x.T + x.T @ w, SQUARES),
    "solve": (lambda x, w: np.sum(np.linalg.solve(x, w)),
              lambda x, w: -np.outer(inverse_of(x).T @ np.ones(len(x)), inverse_of(x) @ w),
              {"x": "n n", "w": "n"}),
    "determinant": (lambda x, w: np.linalg.det(x), lambda x, w: np.linalg.det(x) * inverse_of(x).T,
                    {"x": "n n", "w": "n"}),
    "rows of a mask": (lambda x, w: np.sum(x[x[:, 0] > 0] ** 2 * w), masked_rows_gradient,
                       {"x": "m n", "w": "n"}),
    "sum of a mask": (lambda x, w: x[x > 0].sum() * w, lambda x, w: (x > 0) * w,
                      {"x": "m n", "w": ""}),
    "sum with where=": (lambda x, w: np.sum(x * w, where=x > 0), lambda x, w: np.where(x > 0, w, 0),
                        VECTORS),
    "positive part": (lambda x, w: np.sum(np.maximum(x, 0) * w), positive_part, VECTORS),
    "clip and putmask": (lambda x, w: np.sum(np.clip(x, -1, 1) * w), clipped, VECTORS),
    "select": (lambda x, w: np.sum(np.select([x > 1, x < -1], [x, 2 * x], 0) * w),
               lambda x, w: np.select([x > 1, x < -1], [w, 2 * w], 0), VECTORS),
    "take along an axis": (
        lambda x, w: np.take_along_axis(x, w[:, None], axis=1).sum(), chosen_column,
        {"x": "m k", "w": gp.Array("m", kind="labels k")}),
    "average": (lambda x, w: np.average(x, weights=w), lambda x, w: w / w.sum(), VECTORS),
    "covariance": (lambda x, w: np.cov(x), lambda x, w: 2 * (x - x.mean()) / (x.shape[0] - 1),
                   VECTORS),
    "outer of a ufunc": (lambda x, w: np.sum(np.subtract.outer(x, x) ** 2) / 4,
                         lambda x, w: x.shape[0] * x - x.sum(), VECTORS),
    "logaddexp.reduce": (lambda x, w: np.logaddexp.reduce(x), lambda x, w: np.exp(x) / np.exp(
        x).sum(), VECTORS),
    "arctan2": (lambda x, w: np.sum(np.arctan2(x, w)), lambda x, w: w / (x**2 + w**2), VECTORS),
    "arcsinh": (lambda x, w: np.sum(np.arcsinh(x) * w),
                lambda x, w: w / np.sqrt(x**2 + 1), VECTORS),
    "hypot": (lambda x, w: np.sum(np.hypot(x, w)), lambda x, w: x / np.hypot(x, w), VECTORS),
    "vectorize": (lambda x, w: np.sum(np.vectorize(lambda v: v**3)(x) * w),
                  lambda x, w: 3 * x**2 * w, VECTORS),
    "a loss of shape (1,)": (lambda x, w: (x * w).sum(keepdims=True), lambda x, w: w, VECTORS),
    "column order": (lambda x, w: x.ravel("F") @ w, lambda x, w: w.reshape(x.shape, order="F"),
                     {"x": "2 3", "w": "6"}),
}  # fmt: skip


@pytest.mark.parametrize(("loss", "gradient", "inputs"), RIGHT.values(), ids=RIGHT)
def test_right_gradients_are_proved(loss, gradient, inputs):
    result = gp.check(loss, gradient, wrt=["x"], inputs=inputs, repair_seconds=0)
    assert result.verdict == "proved", str(result)


@pytest.mark.parametrize(("loss", "gradient", "inputs"), RIGHT.values(), ids=RIGHT)
def test_with_one_entry_wrong_they_are_refuted(loss, gradient, inputs):
    def wrong(x, w):
        found = gradient(x, w) * 1.0
        found[..., 0] *= 2
        return found + 0.1

    result = gp.check(loss, wrong, wrt=["x"], inputs=inputs, repair_seconds=0)
    assert result.verdict == "refuted", str(result)
