"""Losses and gradients are as finite as they are in exact numbers, to 1e-12, where the
exponentials on the way overflow and the probabilities vanish.

The witness evaluates the formula's own text in mpmath with as many digits as it takes, and its
slopes by a central difference with a step of 1e-60.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import mpmath as mp
import numpy as np
import pytest

import gradproof as gp
from gradproof.codegen.called import SOURCES
from gradproof.codegen.spelling import softplus_ratio

FORMULAS = [
    "L = sum(x/(1+exp(-x)))",
    "L = sum(log(sigmoid(x)))",
    "L = -sum(log(1-sigmoid(x)))",
    "p = 1/(1+exp(-x))\nL = -sum(y*log(p) + (1-y)*log(1-p))",
    "t = exp(-x)\np = 1/(1+t)\nL = -sum(y*log(p) + (1-y)*log(1-p))",
    "L = -sum(y*log(sigmoid(x)) + (1-y)*log(1-sigmoid(x)))",
    "L = sum(log(sigmoid(y*x)))",
    "L = sum(log(1+exp(-y*x)))",
    "d = y*x\nL = -sum(log(1/(1+exp(-d))))",
    "L = sum(log(softmax(x)))",
    "p = softmax(x)\nL = -sum(y*(1-p)**2*log(p))",
    "p = sigmoid(x)\nL = -sum(y*(1-p)**2*log(p))",
    "p = exp(x)/sum(exp(x))\nL = -sum(y*log(p))",
    "p = softmax(x)\nq = log(p)\nL = -sum(y*q)",
    "p = sigmoid(x)\nq = 1-p\nL = -sum(log(q))",
    "p = sigmoid(x)\nL = sum(p*log(p) + (1-p)*log(1-p))",
    "p = sigmoid(x)\nL = sum(log(p/(1-p)))",
    "L = sum(1/cosh(x))",
    "L = sum(log(cosh(x)))",
    "L = sum(sinh(x)/cosh(x))",
    "L = sum((exp(x)-exp(-x))/(exp(x)+exp(-x)))",
    "L = sum(exp(x)/(exp(x)+exp(-x)))",
    "L = sum(exp(x)/(exp(x)+exp(y)))",
    "L = sum(x*tanh(log(1+exp(x))))",
    "L = sum(sqrt(1/(1+exp(-x))))",
    "L = sum(1/sqrt(1+exp(x)))",
    "L = sum(1/(1+exp(x))**3)",
    "L = sum(log(1+exp(x)+exp(2*x)))",
    "L = sum(log(1+exp(x))*log(1+exp(-x)))",
    "L = sum(log(tanh(x)+1))",
    "L = sum(x*exp(x)/(exp(x)-1))",
]
POINTS = {
    "usual": (0.3, -1.2, 2.0, -0.4), "40": (40.0, -40.0, 0.1, 1.0),
    "700": (700.0, -700.0, 300.0, -300.0), "1000": (1000.0, -1000.0, 0.25, 900.0),
}
Y = (1.0, 0.0, 1.0, 0.0)


class Vector:
    """Entries of many digits, with the arithmetic that a formula asks for."""

    def __init__(self, entries: Sequence[Any]) -> None:
        self.entries = [mp.mpf(entry) for entry in entries]

    def _with(self, other: Any, how: Callable[[Any, Any], Any]) -> Vector:
        others = other.entries if isinstance(other, Vector) else [other] * len(self.entries)
        return Vector([how(one, two) for one, two in zip(self.entries, others, strict=True)])

    def __add__(self, other: Any) -> Vector:
        return self._with(other, lambda a, b: a + b)

    def __sub__(self, other: Any) -> Vector:
        return self._with(other, lambda a, b: a - b)

    def __rsub__(self, other: Any) -> Vector:
        return self._with(other, lambda a, b: b - a)

    def __mul__(self, other: Any) -> Vector:
        return self._with(other, lambda a, b: a * b)

    def __truediv__(self, other: Any) -> Vector:
        return self._with(other, lambda a, b: a / b)

    def __rtruediv__(self, other: Any) -> Vector:
        return self._with(other, lambda a, b: b / a)

    def __pow__(self, other: int) -> Vector:
        return self._with(other, lambda a, b: a**b)

    def __neg__(self) -> Vector:
        return Vector([-entry for entry in self.entries])

    __radd__, __rmul__ = __add__, __mul__


def entrywise(function: Callable[[Any], Any]) -> Callable[[Vector], Vector]:
    return lambda vector: Vector(list(map(function, vector.entries)))


def softmax(vector: Vector) -> Vector:
    powers = list(map(mp.exp, vector.entries))
    return Vector([power / mp.fsum(powers) for power in powers])


NAMES = {
    **{name: entrywise(getattr(mp, name))
       for name in ("exp", "log", "tanh", "sinh", "cosh", "sqrt")},
    "sigmoid": entrywise(lambda t: 1 / (1 + mp.exp(-t))), "softmax": softmax,
    "sum": lambda vector: mp.fsum(vector.entries),
}


def exact(formula: str, x: Sequence[Any], y: Sequence[float]) -> Any:
    """The loss of a formula of this file in mpmath's numbers."""
    space = {**NAMES, "x": Vector(x), "y": Vector(y), "__builtins__": {}}
    exec(formula, space)  # a constant of this file
    return space["L"]


def slopes(formula: str, x: Sequence[float], y: Sequence[float]) -> list[Any]:
    step = mp.mpf(10)**-60

    def along(place: int, sign: int) -> Any:
        moved = [mp.mpf(entry) for entry in x]
        moved[place] += sign * step
        return exact(formula, moved, y)

    return [(along(place, 1) - along(place, -1)) / (2 * step) for place in range(len(x))]


@pytest.mark.parametrize("formula", FORMULAS)
def test_values_and_slopes_are_those_of_exact_numbers(formula):
    shapes = {"x": "n", "y": "n"} if "y" in formula else {"x": "n"}
    derivation = gp.derive(gp.equations(formula, **shapes), ["x"])
    run = derivation.compile()
    for at, x in POINTS.items():
        given = {name: np.array(values) for name, values in (("x", x), ("y", Y)) if name in shapes}
        loss, gradients = run(**given)
        with mp.workdps(1000 if max(x) > 100 else 150):
            value, expected = exact(formula, x, Y), slopes(formula, x, Y)
            assert abs(mp.mpf(float(loss)) - value) <= max(1e-12 * abs(value), 1e-15), (at, loss)
            largest = max(map(abs, expected))
            for found, slope in zip(gradients["x"], expected, strict=True):
                # What is lost against the largest entry, in a difference of two numbers of its
                # size, is lost to whoever computes with floats; so is what is below the floats.
                bound = max(1e-12 * abs(slope), mp.mpf(1e-15) * largest, mp.mpf(10)**-300)
                assert abs(mp.mpf(float(found)) - slope) <= bound, (at, gradients["x"], expected)


def test_a_named_sum_of_exponentials_is_never_divided_by():
    derivation = gp.derive(gp.equations("e = exp(x)\np = e/sum(e)\nL = -sum(y*log(p))",
                                        x="n", y="n"), ["x"])
    x, y = np.array([700.0, -700.0, 300.0]), np.array([0.0, 1.0, 0.0])
    loss, gradients = derivation.compile()(x=x, y=y)
    np.testing.assert_allclose(loss, 1400.0, rtol=1e-12)
    np.testing.assert_allclose(gradients["x"], [1.0, -1.0, 0.0], atol=1e-12)


def test_a_traced_loss_has_the_gradient_of_exact_numbers_where_it_saturates():
    def loss(X, w, y):
        p = 1 / (1 + np.exp(-(X @ w)))
        return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))

    derivation = gp.derive(gp.trace(loss, X="m n", w="n", y="m"), ["w"])
    X, w, y = np.array([[40.0, 1.0], [-36.5, 2.0], [900.0, 0.5]]), np.ones(2), np.zeros(3)
    _, gradients = derivation.compile()(X=X, w=w, y=y)
    np.testing.assert_allclose(gradients["w"], X[[0, 2]].sum(axis=0) / 3, rtol=1e-12)


def test_an_output_that_is_spelled_out_saturates_as_the_named_one_does():
    made = [gp.derive(gp.Network([2, 1], output=output, loss="binary_cross_entropy")).compile()
            for output in ("sigmoid", "1/(1+exp(-z))", "exp(z)/(1+exp(z))")]
    given = {"X": np.array([[900.0, 1.0], [-900.0, 2.0]]), "W1": np.ones((2, 1)),
             "b1": np.zeros(1), "Y": np.array([[0.0], [1.0]])}
    values = [run(**given) for run in made]
    for loss, gradients in values:
        assert np.isfinite(loss)
        np.testing.assert_allclose(loss, 899.5, rtol=1e-12)
        for name in gradients:
            np.testing.assert_allclose(gradients[name], values[0][1][name], rtol=1e-12)


def test_softplus_over_sigmoid_is_exact_from_end_to_end():
    points = np.array([-800.0, -40, -37.5, -37, -36.9, -20, -1, 0, 1e-9, 1, 30, 800])
    with mp.workdps(400):
        exact = [float(mp.log(1 + mp.exp(t)) * (1 + mp.exp(-t))) for t in map(mp.mpf, points)]
    space: dict[str, Any] = {"np": np}
    exec(SOURCES["softplus_ratio"], space)
    for found in (space["softplus_ratio"](points), softplus_ratio(points)):
        np.testing.assert_allclose(found, exact, rtol=4e-15)
    quotient = gp.equations("L = sum(c*sigmoid(x)/log(1 + exp(x)))", x="n", c="n")
    slope = gp.derive(quotient, ["c"]).compile()(x=points, c=points * 0)[1]["c"]
    np.testing.assert_allclose(slope, 1 / np.array(exact), rtol=4e-15)


@pytest.mark.parametrize(("text", "exact", "points"), [
    ("expm1(x)", mp.expm1, (-40.0, -1e-10, 1e-20, 1e-10, 1.0)),
    ("exp(x) - 1", mp.expm1, (-1e-10, 1e-20)),
    ("(3 - 3*exp(-x))*2", lambda t: -6 * mp.expm1(-t), (1e-20, -1e-12, 2.0)),
    ("log1p(x)", lambda t: mp.log1p(t), (-0.5, -1e-10, 1e-20, 1e-10, 1e30)),
    ("log(1 - x)", lambda t: mp.log1p(-t), (0.5, -1e-10, 1e-20)),
    ("erfc(x)", mp.erfc, (-3.0, 0.0, 3.0, 9.0, 26.0)),
    ("log(erfc(x))", lambda t: mp.log(mp.erfc(t)), (-3.0, 3.0, 9.0, 26.0)),
    ("ndtr(x)", mp.ncdf, (-37.0, -10.0, -3.0, 0.0, 5.0)),
    ("log(ndtr(x))", lambda t: mp.log(mp.ncdf(t)), (-37.0, -10.0, -3.0, 0.5)),
    ("log(1 - ndtr(x))", lambda t: mp.log(mp.ncdf(-t)), (-3.0, 3.0, 10.0, 37.0)),
])
def test_what_is_near_zero_keeps_its_digits(text, exact, points):
    derivation = gp.derive(gp.equations(f"L = sum({text})", x="n"))
    space: dict[str, Any] = {}
    exec(derivation.numpy_source(), space)
    with mp.workdps(120):
        for point in points:
            given = np.array([point])
            loss, gradients = derivation.compile()(x=given)
            again, printed = space["gradient"](given)
            assert (again, printed["x"]) == (loss, gradients["x"])
            near = mp.mpf(point)
            slope = (exact(near + mp.mpf(10)**-25) - exact(near - mp.mpf(10)**-25)) / (
                2 * mp.mpf(10)**-25)
            assert float(loss) == pytest.approx(float(exact(near)), rel=2e-13, abs=0)
            assert float(gradients["x"][0]) == pytest.approx(float(slope), rel=2e-13, abs=0)
