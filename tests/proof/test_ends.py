"""Arrays that are written by slices are cut at their ends, where their guards are decided."""

import numpy as np
import pytest

import gradproof as gp
from gradproof.codegen.interpret import evaluate
from gradproof.symbolic.derive.chain import differentiate
from gradproof.symbolic.proof.ends import cuts, with_sizes
from gradproof.symbolic.proof.prover import Prover

S = np.sum


def rosen(x):
    return S(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosen_der(x):
    xm, before, after = x[1:-1], x[:-2], x[2:]
    d = np.zeros_like(x)
    d[1:-1] = 200 * (xm - before**2) - 400 * (after - xm**2) * xm - 2 * (1 - xm)
    d[0] = -400 * x[0] * (x[1] - x[0] ** 2) - 2 * (1 - x[0])
    d[-1] = 200 * (x[-1] - x[-2] ** 2)
    return d


def variation(x):
    return S((x[1:] - x[:-1]) ** 2)


def variation_der(x):
    g = np.zeros_like(x)
    g[0], g[-1] = 2 * (x[0] - x[1]), 2 * (x[-1] - x[-2])
    g[1:-1] = 2 * (2 * x[1:-1] - x[2:] - x[:-2])
    return g


def bending(x):
    return S((x[2:] - 2 * x[1:-1] + x[:-2]) ** 2) / 2


def bending_der(x):
    r = x[2:] - 2 * x[1:-1] + x[:-2]
    g = np.zeros_like(x)
    g[0], g[1], g[-1], g[-2] = r[0], r[1] - 2 * r[0], r[-1], r[-2] - 2 * r[-1]
    g[2:-2] = r[2:] - 2 * r[1:-1] + r[:-2]
    return g


def smoothness(X):
    return S((X[1:] - X[:-1]) ** 2) + S((X[:, 1:] - X[:, :-1]) ** 2)


def smoothness_der(X):
    P = np.concatenate([X[:1], X, X[-1:]], axis=0)
    Q = np.concatenate([X[:, :1], X, X[:, -1:]], axis=1)
    return 2 * (2 * X - P[2:] - P[:-2]) + 2 * (2 * X - Q[:, 2:] - Q[:, :-2])


def first_two(x):
    return S(x[:2] ** 2) + S(x[2:])


def first_two_der(x):
    g = np.ones_like(x)
    g[0], g[1] = 2 * x[0], 2 * x[1]
    return g


CASES = [
    (rosen, rosen_der, "n>=3", "for all n >= 3"),
    (variation, variation_der, "n>=2", "for all n >= 3"),
    (bending, bending_der, "n>=4", "for all n >= 5"),
    (smoothness, smoothness_der, "m n", "for all m >= 2, n >= 2"),
    (first_two, first_two_der, "n>=3", "for all n >= 3"),
]


@pytest.mark.parametrize(("loss", "gradient", "shape", "scope"), CASES)
def test_gradients_that_slices_write_are_proved(loss, gradient, shape, scope):
    (found,) = gp.check(loss, gradient, repair_seconds=0, **named(loss, shape))
    assert (found.verdict, found.scope) == ("proved", scope), str(found)


def named(loss, shape):
    return {loss.__code__.co_varnames[0]: shape}


@pytest.mark.parametrize("place", [0, 1, 2, -1, -2, -3, slice(1, -1), slice(2, None)])
@pytest.mark.parametrize(("loss", "gradient", "shape", "scope"), CASES)
def test_one_that_is_wrong_in_a_place_is_equal_in_no_cut(loss, gradient, shape, scope, place):
    """The prover alone, which no number helps."""
    def wrong(x):
        g = gradient(x)
        g[place] = g[place] + 0.001 * x[place] ** 2
        return g

    shape = {"n>=3": "n>=6", "n>=2": "n>=6", "n>=4": "n>=6"}.get(shape, shape)
    traced = gp.trace(loss, **named(loss, shape))
    name = next(iter(named(loss, shape)))
    chain = differentiate(traced.system, traced.result, [name])
    hand = gp.trace(lambda **given: wrong(*given.values()), **{name: shape})
    for cut in cuts(chain.system, hand.system, (chain.of[name], hand.result)):
        prover = Prover(cut.left, cut.right, evaluate)
        assert not all(proof.equal for proof in prover._walked(cut.pairs).values())


def test_sizes_that_the_pieces_leave_out_are_looked_at_one_by_one():
    """Two entries have no middle."""
    def loss(x):
        return S(x[1:] * x[:-1])

    def gradient(x):
        g = np.zeros_like(x)
        g[:-1] = x[1:]
        g[1:] = g[1:] + x[:-1]
        return g

    traced, hand = gp.trace(loss, x="n>=2"), gp.trace(gradient, x="n>=2")
    chain = differentiate(traced.system, traced.result, ["x"])
    proof = Prover(chain.system, hand.system, evaluate).prove({chain.of["x"]: hand.result})
    assert proof[chain.of["x"]].equal
    size = traced.system.shapes["x"][0]
    small = with_sizes(traced.system, {size: size + 1})
    assert small.shapes["x"] == (size + 1,)
    assert gp.check(loss, gradient, x="n>=2")["x"].scope == "for all n >= 2"
