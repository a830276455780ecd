"""Sizes are part of the scope: least ones, sums of others, and those that are fixed."""

import numpy as np
import pytest

import gradproof as gp

S = np.sum
RNG = np.random.default_rng(8)


def flat(X, w, y):
    return np.mean((X @ w[:-1] + w[-1] - y) ** 2)


def flat_back(X, w, y):
    r = 2 * (X @ w[:-1] + w[-1] - y) / len(y)
    return np.concatenate([X.T @ r, np.sum(r, keepdims=True)])


def doubled(x, w):
    return S((x @ w[:, 0::2] + x @ w[:, 1::2]) ** 2)


SCOPES = [  # loss, gradient, inputs, scope
    (flat, flat_back, {"X": "m n", "w": "n+1", "y": "m", "wrt": ["w"]}, "for all m, n"),
    (flat, flat_back, {"X": RNG.normal(size=(6, 3)), "w": RNG.normal(size=4),
                       "y": RNG.normal(size=6), "wrt": ["w"]}, "for all m, n"),
    (lambda x: S(np.diff(x) ** 2), lambda x: 2 * (np.concatenate([[0.0], np.diff(x)])
                                                  - np.concatenate([np.diff(x), [0.0]])),
     {"x": "n"}, "for all n >= 2"),
    (lambda x: np.std(x), lambda x: (x - x.mean()) / (len(x) * np.std(x)), {"x": "n"},
     "for all n >= 2"),
    (lambda x: np.var(x, ddof=1), lambda x: 2 * (x - x.mean()) / (len(x) - 1), {"x": "n"},
     "for all n >= 2"),
    (lambda x: S(x**2), lambda x: 2 * x, {"x": "m n>=3"}, "for all m, n >= 3"),
    (lambda x, y, w: S(x[: len(y)] * y) + S(w),
     lambda x, y, w: np.concatenate([y, np.zeros(len(w))]),
     {"x": "n", "y": "n-k", "w": "k", "wrt": ["x"]}, "for all k, n, with -k + n >= 1"),
    (lambda x, w: S(x @ w), lambda x, w: np.outer(x.sum(axis=0), np.ones(w.shape[1])),
     {"x": RNG.normal(size=(1, 3)), "w": RNG.normal(size=(3, 2)), "wrt": ["w"]},
     "for all m, n, with x 1 × m"),
    (lambda x, w: S((x @ w) ** 2), lambda x, w: 2 * x.T @ x @ w,
     {"x": RNG.normal(size=(4, 4)), "w": RNG.normal(size=4), "wrt": ["w"]}, "for all m, n"),
]


@pytest.mark.parametrize(("loss", "gradient", "inputs", "scope"), SCOPES)
def test_the_scope_names_the_sizes(loss, gradient, inputs, scope):
    (found,) = gp.check(loss, gradient, repair_seconds=0, **inputs)
    assert (found.verdict, found.scope) == ("proved", scope), str(found)


def test_sums_of_sizes_are_drawn_with_entries_on_each_axis():
    inputs = {"x": "n", "y": "n-k", "z": gp.Array("2*k+1"), "w": gp.Array("k>=4")}
    found = gp.check(lambda x, y, z, w: S(x) * S(y) * S(z) * S(w),
                     lambda x, y, z, w: np.full(x.shape, 0.1 + S(y) * S(z) * S(w)), wrt=["x"],
                     repair_seconds=0, **inputs)
    assert found.verdict == "refuted"


def test_a_loop_over_given_steps_names_them():
    def states(x, w):
        h = [np.zeros(w.shape[0])]
        for t in range(len(x)):
            h.append(np.tanh(x[t] + h[-1] @ w))
        return h

    def gradient(x, w):
        h, d, g = states(x, w), np.ones(w.shape[0]), np.zeros_like(w)
        for t in reversed(range(len(x))):
            a = d * (1 - h[t + 1] ** 2)
            g += np.outer(h[t], a)
            d = w @ a
        return g

    found = gp.check(lambda x, w: S(states(x, w)[-1]), gradient, wrt=["w"], repair_seconds=0,
                     x=RNG.normal(size=(3, 2)), w=RNG.normal(size=(2, 2)))
    assert found.verdict in ("proved", "agrees")
    assert found.verdict == "agrees" or "x 3 × " in found.checks[0].scope


def test_square_arrays_do_not_hide_the_other_axis():
    def gradient(x):
        return 2 * x / x.shape[0]  # shape[1] is due

    found = gp.check(lambda x: S(x**2) / x.shape[1], gradient, x=RNG.normal(size=(4, 4)),
                     repair_seconds=0)
    assert found.verdict == "refuted"


@pytest.mark.parametrize("n", ["n", np.arange(5.0) / 7])
def test_a_gradient_that_needs_more_than_one_entry_is_not_undecided(n):
    def gradient(x):
        g = np.zeros_like(x)
        g[0] = 2 * (x[0] - x[1])
        g[1:-1] = 2 * (2 * x[1:-1] - x[:-2] - x[2:])
        g[-1] = 2 * (x[-1] - x[-2])
        return g

    found = gp.check(lambda x: S((x[1:] - x[:-1]) ** 2), gradient, x=n, repair_seconds=0)
    assert found.verdict in ("proved", "agrees"), str(found)


def summed_back(g, shape):
    """What undoes broadcasting, as autograd, chainer and others have it."""
    while g.ndim > len(shape):
        g = np.sum(g, axis=0)
    for axis, size in enumerate(shape):
        if size == 1:
            g = np.sum(g, axis=axis, keepdims=True)
    return g


def product(x, y):
    return x * y, (x, y)


def product_back(dout, kept):
    x, y = kept
    return summed_back(dout * y, x.shape), summed_back(dout * x, y.shape)


def wrong_of_one_column(dout, kept):
    x, y = kept
    return summed_back(dout * y, x.shape) * (2 if x.shape[1] == 1 else 1), dout * x


def wrong_of_two_rows(dout, kept):
    x, y = kept
    return dout * y * (1 if len(x) > 2 else len(x)), dout * x


def wrong_of_the_large(dout, kept):
    x, y = kept
    return dout * y * (1 if x.shape[1] < 300 else 2), dout * x


@pytest.mark.parametrize(("backward", "x", "y", "verdict", "scope"), [
    (product_back, "m n", "m n", "proved", "for all m, n"),
    (product_back, "m n", "n", "proved", "for all m, n"),
    (product_back, "m n", "m 1", "proved", "for all m, n"),
    (product_back, "m n>=2", "m n", "proved", "for all m, n >= 2"),
    (wrong_of_one_column, "m n", "m n", "refuted", ""),
    (wrong_of_two_rows, "m n", "m n", "refuted", ""),
    (wrong_of_two_rows, "m>=3 n", "m n", "proved", "for all m >= 3, n"),
    (wrong_of_the_large, "m n", "m n", "agrees", None),
])
def test_code_that_tells_sizes_apart_is_checked_case_by_case(backward, x, y, verdict, scope):
    found = gp.check_layer(product, backward, x=x, y=y, repair_seconds=0)
    assert found["x"].verdict == verdict, str(found)
    assert scope is None or found["x"].scope == scope


@pytest.mark.parametrize(("gradient", "verdict"), [
    (lambda x: 2 * x if len(x) > 2 else x + x, "proved"),
    (lambda x: 2 * x if len(x) != 2 else x, "refuted"),
    (lambda x: 2 * x if len(x) % 7 else x, "agrees"),
    (lambda x: 2 * x if 5 - len(x) > 0 else x + x, "agrees"),  # five cases: too many
])
def test_of_a_loss_each_case_of_sizes_is_checked(gradient, verdict):
    found = gp.check(lambda x: S(x**2), gradient, x="n", repair_seconds=0)
    assert found.verdict == verdict, str(found)


def padded(x):
    return 2 * x + np.concatenate([np.zeros(4), 2 * x[4:]])


CASES = [
    # What one case needs of a size, all need: where m = 1 the gradient is right for n >= 5 alone.
    (lambda x, y: S(x**2) + (S(x[4:] ** 2) if len(y) == 1 else 0),
     lambda x, y: padded(x) if len(y) == 1 else 2 * x,
     {"x": "n", "y": "m", "wrt": ["x"]}, "proved", "for all m, n >= 5"),
    (lambda x, y: S(x**2) + (S(x) if len(y) == 1 else 0),
     lambda x, y: 2 * x + 1 if len(y) == 1 else 2 * x,
     {"x": "n", "y": "m", "wrt": ["x"]}, "proved", "for all m, n"),
    (lambda x: S(x**2), lambda x: 2 * x if len(x) == 1 else x + x, {"x": "n>=1"}, "proved",
     "for all n"),
    (lambda x: S(x**2), lambda x: (3 if len(x) == 2 else 2) * x, {"x": "n"}, "refuted", ""),
    (lambda x: S(x**2), lambda x: (3 if len(x) == 7 else 2) * x, {"x": "n"}, "agrees", None),
    # Where n = 1 there is no array of n - k entries.
    (lambda x, y, w: S(x[: len(y)] * y) + S(w),
     lambda x, y, w: (np.concatenate([y, np.zeros(len(w))]) if len(x) == 1 else
                      np.concatenate([y, 0 * w])),
     {"x": "n", "y": "n-k", "w": "k", "wrt": ["x"]}, "agrees", None),
]


@pytest.mark.parametrize(("loss", "gradient", "inputs", "verdict", "scope"), CASES)
def test_cases_of_sizes(loss, gradient, inputs, verdict, scope):
    (found,) = gp.check(loss, gradient, repair_seconds=0, **inputs)
    assert found.verdict == verdict, str(found)
    assert scope is None or found.scope == scope, str(found)
    assert "for all sizes" not in str(found)


def test_what_one_case_of_sizes_leaves_open_is_not_proved():
    """A singular value decomposition leaves the equations: right, which is seen and not proved."""
    def gradient(x):
        if len(x) > 2:
            return 2 * x
        u, s, v = np.linalg.svd(2 * x[None, :], full_matrices=False)
        return (u * s @ v)[0]

    found = gp.check(lambda x: S(x**2), gradient, x="n", repair_seconds=0)
    assert found.verdict == "agrees", str(found)
