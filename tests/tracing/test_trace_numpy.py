"""NumPy's functions on traced arrays: the equations, evaluated, are what NumPy computes."""

import math
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from numpy_coverage import coverage, table

import gradproof as gp
from gradproof.codegen.interpret import evaluate
from gradproof.symbolic.equation import size_symbol
from gradproof.symbolic.shapes import parse_shape
from gradproof.symbolic.tracing.run import TraceError, trace

SIZES = ({"m": 5, "n": 4}, {"m": 2, "n": 3}, {"m": 1, "n": 6})


def value_at(function, shapes, sizes, seed):
    """The traced function's value, and NumPy's, at random arrays."""
    traced = trace(function, shapes)
    rng = np.random.default_rng(seed)
    by = {size_symbol(name): number for name, number in sizes.items()}
    arrays = {name: rng.normal(size=tuple(int(s.xreplace(by)) for s in parse_shape(shape)))
              for name, shape in shapes.items()}
    found = evaluate(traced.system, arrays, sizes)[traced.result]
    return np.asarray(found), np.asarray(function(**arrays))


def prod_of_shape(x):
    return x.reshape(x.shape[0], np.prod(x.shape[1:])) * np.prod(x[0].shape)


def product_of_entries(x):
    return np.prod(x, axis=1) + x.prod(axis=1, keepdims=True)[:, 0]


def triangles(x):
    return np.tril(x) - 2 * np.triu(x, 1) + np.tril(x, -1)


def diagonal(x):
    return np.diag(x @ x.T) + np.diag(np.diag(x @ x.T)).sum(axis=0)


def stepped_assignment(x):
    out = np.zeros_like(x)
    out[:, ::2] = x[:, 1::2]
    out[:, 1::2] = -x[:, ::2]
    return out


def stepped_half(x):
    return x[::2] - x[1::2]


def reversed_steps(x):
    return x[:, ::-2] + x[:, -1:0:-2]


def masked_sums(x):
    return x[x > 0].sum() + np.sum(x) * 0 + (x[x < 10] ** 2).mean()


def divided_where(x):
    return np.divide(1.0, x, out=np.zeros_like(x), where=x > 0)


def rounded_numbers(x):
    n = x.shape[1]
    half = math.floor(7 / 2) + np.floor(2.5) + math.ceil(np.sqrt(16)) + math.log(8, 2)
    return x * half * (n / 1).is_integer() * math.floor(n)


def scalar_types(x):
    return np.float64(x) * np.int64(x > 0) + (x > 0).astype(np.float64) * x.astype(bool)


def repeated(x):
    return np.repeat(x, 3, axis=1) + np.repeat(x, 3, 1)


def of_inverse(x):
    A = x.T @ x + np.eye(x.shape[1])
    sign, logdet = np.linalg.slogdet(A)
    return np.linalg.solve(A, x.T) + np.linalg.inv(A) @ x.T + logdet * sign + np.linalg.det(A)


def chosen_columns(x):
    out = x.copy()
    out[:, [2, 0]] = 2 * x[:, [0, 1]]
    out[:, [1, 1]] += x[:, [0, 2]]
    out[:, [0]] = 7
    return out


CASES = [
    (prod_of_shape, "m n"), (prod_of_shape, "m n 3"), (product_of_entries, "m 3"),
    (lambda x: np.cumsum(x, axis=1), "m n"), (lambda x: x.cumsum(0) * 2, "m n"),
    (lambda x: np.cumsum(x), "n"), (lambda x: np.cumsum(x[:, :2]), "m 3"),
    (lambda x: np.diff(x), "m 4"), (lambda x: np.diff(x, n=2, axis=0), "4 n"),
    (triangles, "n n"), (triangles, "m n n"), (lambda x: x * np.tri(3), "3 3"),
    (diagonal, "m n"), (lambda x: np.diag(x), "n"),
    (repeated, "m n"), (lambda x: np.repeat(x, 2), "m n"), (lambda x: x.repeat(2, 0), "m n"),
    (lambda x: np.tile(x, 2), "n"), (lambda x: np.tile(x, (2, 3)), "m n"),
    (lambda x: np.tile(x, (2, 1)), "n"), (lambda x: np.roll(x, 1, axis=1), "m 3"),
    (lambda x: np.roll(x, -2), "5"), (lambda x: np.roll(x, 1), "2 3"),
    (lambda x: np.append(x, 2 * x, axis=0), "m n"), (lambda x: np.append(x, x), "m n"),
    (lambda x: np.split(x, 2, axis=1)[1], "m 4"), (lambda x: np.hsplit(x, [1, 3])[1], "m 4"),
    (lambda x: np.array_split(x, 3)[2], "6 n"),
    (stepped_assignment, "m 4"), (stepped_half, "4 n"), (reversed_steps, "m 4"),
    (lambda x: x[1:5:2], "6"), (masked_sums, "m n"), (divided_where, "m n"),
    (rounded_numbers, "m 3"), (scalar_types, "m n"),
    (lambda x: np.clip(x, 0, np.inf) + np.clip(x, -math.inf, 1), "m n"),
    (lambda x: np.hypot(x, 2 * x), "m n"), (lambda x: np.nan_to_num(x), "m n"),
    (lambda x: np.flip(x), "m n"), (lambda x: np.flip(x, (0, 1)) + np.flipud(x), "m n"),
    (lambda x: np.atleast_2d(x, x)[1] + np.atleast_1d(x), "n"),
    (lambda x: np.add.accumulate(x, axis=1), "m n"),
    (lambda x: np.multiply.reduce(x, axis=1), "m 3"),
    (lambda x: x[[0, 2, 2]] + x[np.array([2, 1, 0])], "3 n"), (chosen_columns, "m 3"),
    (lambda x: x[:, [True, False, True]], "m 3"),
    (lambda x: np.kron(x, x[:, :1] + 1), "m 3"), (lambda x: np.kron(np.eye(2), x), "m n"),
    (lambda x: np.column_stack([x[:, 0], x, x[:, 1]]), "m 3"),
    (lambda x: np.linalg.multi_dot([x, x.T, x]), "m n"),
    (of_inverse, "m 2"), (lambda x: x * 2**0.5 + x / 3, "n"),
    (lambda x: np.argmin(x, axis=1) * 1.0, "m n"),
]


@pytest.mark.parametrize(("function", "shape"), CASES,
                         ids=lambda x: getattr(x, "__name__", x))
def test_the_equations_compute_what_numpy_computes(function, shape):
    for seed, sizes in enumerate(SIZES):
        found, expected = value_at(function, {"x": shape}, sizes, seed)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def cross_entropy(Z, y):
    P = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    return -np.log(P[np.arange(len(y)), y]).mean()


def cross_entropy_gradient(Z, y):
    P = np.exp(Z) / np.exp(Z).sum(axis=1, keepdims=True)
    one_hot = (y[:, None] == np.arange(Z.shape[1])).astype(float)
    return (P - one_hot) / y.copy().shape[0]


def test_labels_compared_with_an_arange_are_one_hot_rows():
    y = gp.Array("m", kind="labels k")
    result = gp.check(cross_entropy, cross_entropy_gradient, Z="m k", y=y, wrt=["Z"],
                      repair_seconds=0)
    assert result.verdict == "proved", str(result)


def test_rows_chosen_by_labels_of_two_axes():
    """An embedding of a batch of sentences; words repeat, so its gradient is added up."""
    def gradient(E, i, C):
        found = np.zeros_like(E)
        np.add.at(found, i, C)
        return found

    inputs = {"E": "v d", "i": gp.Array("m t", kind="labels v"), "C": "m t d"}
    result = gp.check(lambda E, i, C: np.sum(E[i] * C), gradient, wrt=["E"], repair_seconds=0,
                      **inputs)
    assert result.verdict == "proved", str(result)


@pytest.mark.parametrize(("function", "message"), [
    (lambda x: np.minimum.accumulate(x), "symbolic size"), (lambda x: x[::2], "divided by 2"),
    (lambda x: x[::-2], "step -2"), (lambda x: np.divide(1, x, where=x > 0), "np.empty"),
    (lambda x: np.repeat(x, [1, 2]), "number of repeats"),
])
def test_what_is_not_traced_is_explained(function, message):
    with pytest.raises(TraceError, match=message):
        trace(function, {"x": "n"})


# --- gradients with them ------------------------------------------------------------------------

def first_differences(x, w=None):
    d = 2 * (x[1:] - x[:-1])
    g = np.zeros_like(x)
    g[1:] += d
    g[:-1] -= d
    return g


def second_differences(x, w):
    d = 2 * (x[2:] - 2 * x[1:-1] + x[:-2]) * w
    g = np.zeros_like(x)
    g[2:] += d
    g[1:-1] -= 2 * d
    g[:-2] += d
    return g


def trapezoids(x, w):
    g = np.zeros_like(x)
    g[1:] += x[1:] * (w[1:] - w[:-1])
    g[:-1] += x[:-1] * (w[1:] - w[:-1])
    return g


RIGHT = {
    "running sum": (lambda x, w: np.sum(np.cumsum(x) * w),
                    lambda x, w: np.flip(np.cumsum(np.flip(w))), {"x": "4", "w": "4"}),
    "differences": (lambda x, w: np.sum(np.diff(x) * w),
                    lambda x, w: np.append(0, w) - np.append(w, 0), {"x": "5", "w": "4"}),
    "lower triangle": (lambda x, w: np.sum(np.tril(x) * w), lambda x, w: np.tril(w),
                       {"x": "n n", "w": "n n"}),
    "repetition": (lambda x, w: np.sum(np.repeat(x, 2, axis=0) * w),
                   lambda x, w: w.reshape(x.shape[0], 2, x.shape[1]).sum(axis=1),
                   {"x": "3 n", "w": "6 n"}),
    "every second": (lambda x, w: np.sum(x[::2] * w),
                     lambda x, w: np.stack([w, 0 * w], axis=1).reshape(x.shape),
                     {"x": "6", "w": "3"}),
    "flattened by a product": (
        lambda x, w: np.sum(x.reshape(x.shape[0], np.prod(x.shape[1:])) @ w),
        lambda x, w: np.tile(w.reshape(x.shape[1:]), (x.shape[0], 1, 1)) * 1.0,
        {"x": "m 2 3", "w": "6"}),
    "half of the log determinant": (
        lambda x, w: np.linalg.slogdet(x)[1] / 2, lambda x, w: np.linalg.inv(x).T / 2,
        {"x": "n n", "w": "n"}),
    "squares of differences, added at both ends": (
        lambda x, w: np.sum((x[1:] - x[:-1]) ** 2), first_differences, {"x": "n", "w": ""}),
    "squares of second differences, added at three places": (
        lambda x, w: np.sum((x[2:] - 2 * x[1:-1] + x[:-2]) ** 2) * w, second_differences,
        {"x": "n", "w": ""}),
    "squares of differences along both axes": (
        lambda x, w: np.sum((x[1:] - x[:-1]) ** 2) + w * np.sum((x[:, 1:] - x[:, :-1]) ** 2),
        lambda x, w: first_differences(x) + w * first_differences(x.T).T, {"x": "m n", "w": ""}),
    "trapezoids": (
        lambda x, w: np.sum((w[1:] - w[:-1]) * (x[1:] ** 2 + x[:-1] ** 2)) / 2, trapezoids,
        {"x": "n", "w": "n"}),
}


@pytest.mark.parametrize(("loss", "gradient", "shapes"), RIGHT.values(), ids=RIGHT)
def test_right_gradients_are_proved(loss, gradient, shapes):
    result = gp.check(loss, gradient, wrt=["x"], repair_seconds=0, **shapes)
    assert result.verdict == "proved", str(result)


@pytest.mark.parametrize(("loss", "gradient", "shapes"), RIGHT.values(), ids=RIGHT)
def test_scaled_they_are_refuted(loss, gradient, shapes):
    def wrong(x, w):
        return 1.5 * gradient(x, w)

    assert gp.check(loss, wrong, wrt=["x"], repair_seconds=0, **shapes).verdict == "refuted"


def test_the_documented_table_is_the_computed_one():
    text = (Path(__file__).parents[2] / "docs" / "tracing.md").read_text(encoding="utf-8")
    version = ".".join(np.__version__.split(".")[:2])
    if f"of NumPy {version}" in text:
        assert table().strip() in text, (
            "run python tests/tables/numpy_coverage.py docs/tracing.md")
    traced, missing = coverage()["functions"]
    assert {"cumsum", "exp", "matmul", "where"} <= set(traced)
    assert {"sort", "unique", "interp"} <= set(missing)


# --- other packages -----------------------------------------------------------------------------


class Strict(type):
    """A metaclass that neither makes a second class nor lets attributes be set, as compiled ones.
    """

    made = 0

    def __new__(cls, *args):
        if cls.made:
            raise RuntimeError("classes of this kind are made once")
        cls.made += 1
        return super().__new__(cls, *args)

    def __getattr__(cls, name):
        raise (AttributeError if name == "pytestmark" else RuntimeError)(name)  # pytest may ask


class Foreign(metaclass=Strict):
    scale = 2.0

    def __call__(self, x):
        return self.scale * x


class Compiled:
    """Has no attributes that can be asked for."""

    __slots__ = ()

    def __getattribute__(self, name):
        if name in ("__class__", "__dict__"):
            return object.__getattribute__(self, name)
        raise RuntimeError(name)


def test_objects_of_other_packages_do_not_stop_the_trace():
    package = types.ModuleType("jnp_like")
    package.array, package.tool, package.exp = Foreign, Compiled(), np.exp
    sys.modules["jnp_like"] = package
    layer, unused = Foreign(), [Compiled(), package, sys, Strict]

    def function(x):
        import jnp_like
        return layer(x) + len(unused) * jnp_like.exp(x)

    try:
        found, expected = value_at(function, {"x": "m n"}, SIZES[0], 0)
    finally:
        del sys.modules["jnp_like"]
    np.testing.assert_allclose(found, expected)


def test_compiled_code_that_is_given_an_array_is_named():
    with pytest.raises(TraceError, match=r"test_trace_numpy.py:\d+"):
        trace(lambda x: memoryview(x), {"x": "n"})


NARROW = [
    (lambda X, w: w.astype(np.float32), "float32"),
    (lambda X, w: np.sum(X * w, axis=0, dtype=np.float16), "float16"),
    (lambda X, w: np.zeros(len(w), np.float16) + w, "float16"),
    (lambda X, w: np.array([0.5], dtype=np.float32) * w, "float32"),
    (lambda X, w: np.uint8(len(w)) * w, "uint8"),
    (lambda X, w: np.arange(len(w), dtype=np.int8) * w, "int8"),
    (lambda X, w: np.eye(len(w), dtype=np.uint8) @ w, "uint8"),
    (lambda X, w: (w > 0).astype(np.uint8) * w, "uint8"),
    (lambda X, w: np.ones(len(w), np.int16) * w, "int16"),
]


@pytest.mark.parametrize(("function", "dtype"), NARROW)
def test_numbers_that_a_narrow_dtype_may_not_hold_are_taken_as_exact_and_it_is_said(
        function, dtype):
    assert f"numbers of {dtype} are taken as exact" in trace(
        function, {"X": "m n", "w": "n"}).assumptions


@pytest.mark.parametrize("function", [
    lambda X, w: np.array([len(w)], dtype=np.int8) * w,
    lambda X, w: np.array([w[0], w[1]], dtype=int) * w[0],
    lambda X, w: np.array([len(w) / 2], dtype=int) * w,
    lambda X, w: np.prod(X[:2], axis=0, dtype=int), lambda X, w: np.cumsum(w, dtype=int),
    lambda X, w: np.var(w, dtype=int) * w,
])
def test_what_a_dtype_would_round_is_not_traced(function):
    with pytest.raises(TraceError, match="would round"):
        trace(function, {"X": "m n", "w": "n"})


def test_given_arrays_of_a_narrow_dtype_are_taken_as_exact_and_it_is_said():
    codes = np.array([1, 2, 3], dtype=np.uint8)
    (found,) = gp.check(lambda c, x: np.sum(c * x), lambda c, x: (c - np.uint8(1)) + 1.0,
                        c=codes, x=np.array([0.1, -0.4, 2.0]), wrt=["x"])
    assert (found.verdict, found.assumptions) == (
        "proved", ("numbers of uint8 are taken as exact",))
