"""Copies and views, out=, where= and initial=, kinds and lengths: a trace does as NumPy does.

Each case is a function of one array.  Its trace has the function's values, at the smallest sizes,
too, or the function is refused; there is no third way.
"""

from __future__ import annotations

import numpy as np
import pytest

from gradproof import check
from gradproof.codegen.interpret import evaluate
from gradproof.symbolic.tracing.run import TraceError, trace


def out_of(shape, write):
    """What `write` leaves in an array of zeros."""
    def function(x):
        made = np.zeros(shape)
        write(x, made)
        return made

    return function


def then_changed(look):
    """What an array shows that was made of `x` before `x` was changed."""
    def function(x):
        x = x.copy()
        seen = look(x)
        x[0] = 7.0
        return seen + 0

    return function


def changed_through(look):
    """What is in `x` after what was made of it was changed."""
    def function(x):
        x = x.copy()
        look(x)[0] = 7.0
        return x + 0

    return function


VALUES = {
    "initial=, traced": ("4 3", lambda x: np.sum(x, axis=0, initial=x[0, 0])),
    "prod out=": ("4 3", out_of(3, lambda x, z: np.prod(x, axis=0, out=z))),
    "prod initial= out=": ("4 3", out_of(3, lambda x, z: np.prod(x, axis=0, initial=2, out=z))),
    "outer out=": ("4", out_of((4, 4), lambda x, z: np.outer(x, x, out=z))),
    "dot out=": ("4", out_of(4, lambda x, z: np.dot(x, 2.0, out=z))),
    "stack out=": ("4", out_of((2, 4), lambda x, z: np.stack([x, x], out=z))),
    "concatenate out=": ("4", out_of(8, lambda x, z: np.concatenate([x, x], out=z))),
    "clip of no bound, then": ("4 3", then_changed(lambda x: np.clip(x, None, np.inf))),
    "clip of no bound": ("4 3", changed_through(lambda x: np.clip(x, -np.inf, np.inf))),
    "one factor": ("4 3", changed_through(lambda x: np.prod(x[:, :1], axis=1))),
    "a spread view": ("m n", then_changed(lambda x: np.broadcast_to(x, (2, *x.shape)))),
    "meshgrid": ("4", then_changed(lambda x: np.meshgrid(x, x[:2])[0])),
    "float64 of an array": ("4 3", changed_through(np.float64)),
    "ndmin": ("4", lambda x: np.array(x, ndmin=2).T @ np.ones((1, 2))),
    "sum of counts": ("n", lambda x: (np.cumsum(x > 0) + np.cumsum(x < 0.5)) * 1.0),
    "product of truth": ("4", lambda x: np.prod(x > -9) + np.prod(x > -8) + x),
    "running product of truth": ("4", lambda x: np.cumprod(x > -9) + np.cumprod(x > 0) + x),
    "roll by nothing": ("4 3", lambda x: np.roll(x, 0)),
    "array_split": ("5", lambda x: np.array_split(x, 3)[0] * np.array_split(x, 3)[1][::-1]),
    "insert a row of values": ("4 3", lambda x: np.insert(x, 1, [[1.0, 2, 3, 4]], axis=1)),
    "insert columns": ("4 3", lambda x: np.insert(x, 1, np.ones((4, 1)), axis=1)),
    "insert at a list": ("4 3", lambda x: np.insert(x, [1], [1.0, 2, 3, 4], axis=1)),
    "insert in three": ("2 3 2", lambda x: np.insert(x, -1, [1.0, 2.0], axis=1)),
    "same, from 3 on": ("n", lambda x: np.convolve(x, np.array([1.0, 2, 3]), "same")),
    "piecewise, of the chosen": ("4", lambda x: np.piecewise(x, [x > 0], [lambda v: v**2, -1.0])),
    "c_ in three": ("2 3 4", lambda x: np.c_[x, x]),
    "rollaxis from the end": ("2 3 4", lambda x: np.rollaxis(x, 0, -1)),
    "the last two, from 2 on": ("n", lambda x: x[len(x) - 2:]),
    "not the same shape": ("4", lambda x: x + np.array_equal(x * 0, np.zeros(1))),
    "a whole fill": ("4", lambda x: np.full(4, 2.0, dtype=int) * x),
}


if np.lib.NumpyVersion(np.__version__) >= "2.0.0":  # asarray takes no copy before
    VALUES |= {
        "asarray copy=, then": ("4 3", then_changed(lambda x: np.asarray(x, copy=True))),
        "asarray copy=": ("4 3", changed_through(lambda x: np.asarray(x, copy=True))),
    }


@pytest.mark.parametrize("name", VALUES)
def test_the_values_are_numpy_s(name):
    shape, function = VALUES[name]
    traced = trace(function, {"x": shape})
    rng = np.random.default_rng(3)
    least = traced.least
    for by in range(3):
        sizes = {s: max(least.get(s, 1), 1) + by for s in shape.split() if not s.isdigit()}
        x = rng.normal(size=[sizes.get(s) or int(s) for s in shape.split()])
        found = evaluate(traced.system, {"x": x}, sizes)[traced.result]
        expected = np.asarray(function(x.copy()), float)
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=1e-12)


REFUSED = {
    "sum dtype=": ("4", lambda x: np.sum(x, dtype=int, initial=0) * x),
    "all where=": ("4", lambda x: np.all(x > 0, where=x < 0.5) * x),
    "any out=": ("4", lambda x: np.any(x > 0, out=np.zeros((), bool)) * x),
    "choose mode=": ("4", lambda x: np.choose(np.array([-1, 5, 0, 1]), [x, -x], mode="clip")),
    "choose out=": ("4", lambda x: np.choose(np.array([1, 1, 0, 1]), [x, -x], out=np.zeros(4))),
    "compress out=": ("4", lambda x: np.compress([True, False], x, out=np.zeros(1))),
    "layout C": ("4 3", changed_through(lambda x: np.ascontiguousarray(x.T))),
    "layout F": ("4 3", changed_through(lambda x: np.asfortranarray(x.T))),
    "a view of einsum": ("4 3", changed_through(lambda x: np.einsum("ij->ji", x))),
    "a diagonal of einsum": ("3 3", then_changed(lambda x: np.einsum("ii->i", x))),
    "writing what is spread": ("4 3", changed_through(lambda x: np.broadcast_to(x, (1, 4, 3)))),
    "order A": ("4 3", lambda x: x.T.reshape(6, 2, order="A")),
    "order K": ("4 3", lambda x: x.T.ravel("K")),
    "flatten K": ("4 3", lambda x: x.T.flatten("K")),
    "a rounded fill": ("4", lambda x: np.full(4, 2.7, dtype=int) * x),
    "a rounded fill like": ("4", lambda x: np.full_like(np.arange(4), 2.7) * x),
    "a running and": ("4", lambda x: np.logical_and.accumulate(x) * 1.0),
    "gradient at places": ("4", lambda x: np.gradient(x, [0.0, 1.0, 3.0, 4.0])),
    "whole numbers of entries": ("n", lambda x: np.vectorize(lambda a: a, otypes=[int])(x) * 1.0),
    "matrices of rows": ("4 3", lambda x: np.apply_along_axis(lambda v: np.outer(v, v), 0, x)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_differ_is_refused(name):
    shape, function = REFUSED[name]
    with pytest.raises(TraceError):
        trace(function, {"x": shape})


@pytest.mark.parametrize("options", [{"assume_a": "pos"}, {"assume_a": "sym", "lower": True}])
def test_a_triangle_of_a_matrix_is_not_all_of_it(options):
    linalg = pytest.importorskip("scipy.linalg")
    with pytest.raises(TraceError, match="assume_a"):
        trace(lambda A, b: linalg.solve(A, b, **options), {"A": "n n", "b": "n"})
    assert trace(lambda A, b: linalg.solve(A, b, assume_a="gen"), {"A": "n n", "b": "n"}).result


def test_the_mean_of_the_chosen_is_not_the_mean_of_all():
    def loss(x):
        return np.sum(np.piecewise(x, [x > 0], [lambda v: v * np.sum(v), 0.0]))

    def of_the_chosen(x):
        return 2 * (x > 0) * np.sum(x, where=x > 0)

    def of_all(x):
        return (x > 0) * np.sum(x) + np.sum(x, where=x > 0)

    wrong = check(loss, of_all, wrt=["x"], x="n", repair_seconds=0)["x"]
    assert wrong.verdict == "refuted"
    right = check(loss, of_the_chosen, wrt=["x"], x="n", repair_seconds=0)["x"]
    assert right.verdict == "proved"


def test_a_convolution_of_the_same_length_says_from_which_on():
    def loss(x):
        return np.sum(np.convolve(x, np.array([1.0, 2.0, 4.0]), "same") ** 2)

    def gradient(x):
        made = 2 * np.convolve(x, np.array([1.0, 2.0, 4.0]), "same")
        return np.convolve(made, np.array([4.0, 2.0, 1.0]), "same")

    found = check(loss, gradient, wrt=["x"], x="n", repair_seconds=0)["x"]
    assert found.verdict == "proved"
    assert found.scope == "for all n >= 3"
