"""The ways in which SciPy and others call a function: x first, args behind, value and gradient."""

import numpy as np
import pytest

import gradproof as gp
from gradproof.checks.asserting import assert_marked

RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(6, 3)), RNG.normal(size=6)


def cost(theta, X, y):
    r = X @ theta[:-1] + theta[-1] - y
    return r @ r / 2


def slope(t, A, b):  # other names than the cost has
    r = A @ t[:-1] + t[-1] - b
    return np.concatenate([A.T @ r, np.array([np.sum(r)])])


def both(theta, X, y):
    return cost(theta, X, y), slope(theta, X, y)


FLAT = {"theta": "n+1", "X": "m n", "y": "m"}


@pytest.mark.parametrize("given", [
    FLAT, {"theta": "n+1", "args": (X, Y)}, {"theta": np.arange(4), "args": (X, Y)}])
def test_other_names_and_arguments_behind_x(given):
    if given is FLAT:
        given = {**given, "wrt": ["theta"]}
    elif isinstance(given["theta"], str):
        given = {**given, "theta": "4"}
    found = gp.check(cost, slope, **given)
    assert [(check.name, check.verdict) for check in found] == [("theta", "proved")], str(found)


def test_a_wrong_one_is_refuted_in_the_same_ways():
    def wrong(t, A, b):
        return 2 * slope(t, A, b)

    found = gp.check(cost, wrong, theta=np.ones(4), args=(X, Y))
    assert found.verdict == "refuted"
    assert "2 × derived" in str(found)


def test_a_function_that_returns_value_and_gradient():
    assert gp.check(both, wrt=["theta"], **FLAT).verdict == "proved"
    assert gp.check(both, theta=np.ones(4), args=(X, Y))["theta"].verdict == "proved"
    assert gp.check(both, slope, wrt=["theta"], **FLAT).verdict == "proved"

    def wrong(theta, X, y):
        r = X @ theta[:-1] + theta[-1] - y
        return r @ r, np.concatenate([X.T @ r, np.array([np.sum(r)])])

    found = gp.check(wrong, wrt=["theta"], **FLAT)
    assert found.verdict == "refuted"
    assert "½ × derived" in str(found)


def test_gradients_by_name_beside_the_loss():
    def train(W, b, X, y):
        r = X @ W + b - y
        return np.mean(r**2), {"dW": 2 * X.T @ r / len(y), "db": 2 * np.mean(r)}

    found = gp.check(train, W="n", b="", X="m n", y="m")
    assert [(check.name, check.verdict) for check in found] == [("W", "proved"), ("b", "proved")]
    found = gp.check(lambda W, b, X, y: train(W, b, X, y[::-1]), W="n", b="", X="m n", y="m",
                     repair_seconds=0)
    assert found.verdict == "proved"


def test_constants_among_the_arguments():
    def power(x, a, n, kind, shift=None):
        assert kind == "sum"
        return np.sum(a * x**n)

    def by_x(x, a, n, kind, shift=None):
        return n * a * x ** (n - 1)

    assert gp.check(power, by_x, x="n", args=(np.array(2.5), 3, "sum")).verdict == "proved"
    assert gp.check(power, by_x, x="n", args=(2.5, 3, "sum", None)).verdict == "proved"


def test_what_cannot_be_called_is_said():
    with pytest.raises(ValueError, match="gradient: missing a required argument"):
        gp.check(cost, lambda y_, X, theta: theta, wrt=["theta"], **FLAT)
    with pytest.raises(ValueError, match="it may be left out where"):
        gp.check(cost, wrt=["theta"], **FLAT)
    with pytest.raises(ValueError, match="args has 3 entries"):
        gp.check(cost, slope, theta="n+1", args=(X, Y, 1))


@pytest.mark.slow
def test_marks_and_assertions_know_the_orders():
    def cube(x):
        return np.sum(x**3)

    for order, hand in (("hessian", lambda x: np.diag(6 * x)), ("product", lambda x, p: 6 * x * p),
                        ("gradient", lambda x: 3 * x**2)):
        assert assert_marked(order, cube, hand, x="n", require="proved").verdict == "proved"
    gp.assert_jacobian(lambda x: x**2, jac=lambda x: np.diag(2 * x), x="n", require="proved")
    gp.assert_hessian(cube, hessp=lambda x, p: 6 * x * p, x="n")
    with pytest.raises(AssertionError, match="hess: refuted"):
        gp.assert_hessian(cube, lambda x: np.diag(3 * x), x="n", repair_seconds=0)
    with pytest.raises(AssertionError, match="hess: refuted"):
        gp.assert_objective(lambda preds, labels: preds**2,
                            lambda preds, labels: (2 * preds, preds),
                            preds="m", labels="m", repair_seconds=0)
    with pytest.raises(ValueError, match="order: expected one of gradient"):
        gp.gradient_of(cube, order="third", x="n")
