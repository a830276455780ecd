"""What a computation divides by: found where it may be zero, and known in another's words."""

from __future__ import annotations

import numpy as np
import pytest

import gradproof as gp
from gradproof.symbolic.derive.divisors import Entries, divisors
from gradproof.symbolic.equation import Array, size_symbol

N = size_symbol("n")
X = {"x": "n"}
DIVIDES = {
    "an input": (lambda x: np.sum(1 / x), ["x[i]"]),
    "a power": (lambda x: np.sum(x**-3), ["x[i]"]),
    "a product": (lambda x: np.sum(1 / (x * (x - 1))), ["1 - x[i]", "x[i]"]),
    "a root": (lambda x: np.sum(1 / np.sqrt(x + 1)), ["x[i] + 1"]),
    "a sum": (lambda x: 1 / np.sum(x**2), ["t1"]),
    "a norm": (lambda x: np.sum(x / np.sqrt(np.sum(x**2))), ["t1"]),
    "twice": (lambda x: np.sum(x / x[0] + 1 / x), ["x[0]", "x[i]"]),
    "a sigmoid": (lambda x: np.sum(1 / (1 + np.exp(-x))), []),
    "a softmax": (lambda x: np.sum(np.exp(x) ** 2) / np.sum(np.exp(x)), []),
    "a square and one": (lambda x: np.sum(x / (1 + x**2)), []),
    "a softsign": (lambda x: np.sum(x / (1 + np.abs(x))), []),
    "a root of a sum and one": (lambda x: np.sum(x) / (np.sqrt(np.sum(x**2)) + 1e-8), []),
    "exponentials of far scales": (
        lambda x: np.sum(1 / (x * (np.exp(x) - 2 * np.exp(1e-8 * x)))),
        ["2*exp(x[i]/100000000) - exp(x[i])", "x[i]"]),
    "a large power": (lambda x: np.sum(x / (x**3000 - 2)), ["2 - x[i]**3000"]),
    "a mean": (lambda x: np.mean(x**2), []),
    "a case of its own": (lambda x: np.sum(np.where(x > 0, x, 2 * x)), []),
    "nothing": (lambda x: np.sum(x**2), []),
}


def names_of(text):
    """The text of a divisor with arrays in the place of what is not the input's."""
    return text if "x[" in text else "t1"


@pytest.mark.parametrize("name", DIVIDES)
def test_what_may_be_zero_is_found(name):
    loss, expected = DIVIDES[name]
    traced = gp.trace(loss, **X)
    found = divisors(Entries(traced.system), [traced.result]).values()
    assert sorted(map(names_of, found)) == sorted(expected)


def test_what_is_positive_is_none():
    traced = gp.trace(lambda x: np.sum(1 / x), x=Array("x", (N,), "positive"))
    assert divisors(Entries(traced.system), [traced.result]) == {}


@pytest.mark.parametrize(("one", "other"), [
    (lambda x: np.sum(x / np.sqrt(np.sum(x**2))), lambda x: np.sum(x / np.linalg.norm(x))),
    (lambda x: np.sum(1 / (x - 2)), lambda x: np.sum(3 / (2 - x) ** 2)),
    (lambda x: np.sum(x / np.sum(x * x)), lambda x: np.sum(x[::-1]) / (x**2).sum()),
    (lambda x: np.sum(np.exp(x) / (x * (x + 1))), lambda x: np.sum(np.exp(x) / (x**2 + x))),
])
def test_the_same_divisors_have_the_same_keys(one, other):
    first, second = gp.trace(one, **X), gp.trace(other, **X)
    assert divisors(Entries(first.system), [first.result]).keys() == divisors(
        Entries(second.system), [second.result]).keys() != set()


NOT_ZERO = [
    (lambda x: np.sum(x**2 / x), lambda x: np.ones_like(x), "the loss divides by"),
    (lambda x: np.sum(1 / (1 / x)), lambda x: np.ones_like(x), "the loss divides by"),
    (lambda x: np.sum(x**2), lambda x: 2 * x**3 / x**2, "the hand-written gradient divides by"),
    (lambda x: np.sum(x**3), lambda x: 3 * x**3 / x, "the hand-written gradient divides by"),
    (lambda x: np.sum(x**2), lambda x: 2 * x * (x / x), "by which it is divided"),
]


@pytest.mark.parametrize(("loss", "gradient", "why"), NOT_ZERO)
def test_a_proof_says_what_is_taken_to_be_no_zero(loss, gradient, why):
    check = gp.check(loss, gradient, wrt=["x"], x="n", repair_seconds=0)["x"]
    assert check.verdict == "proved", check
    assert any("is not 0" in said and why in said for said in check.assumptions), check


@pytest.mark.parametrize(("loss", "gradient"), [
    (lambda x: np.sum(1 / x), lambda x: -1 / x**2),
    (lambda x: np.sqrt(np.sum(x**2)), lambda x: x / np.linalg.norm(x)),
    (lambda x: np.log(np.sum(np.exp(x))), lambda x: np.exp(x) / np.sum(np.exp(x))),
    (lambda x: np.mean(x**2), lambda x: 2 * x / x.size),
    (lambda x: np.sum(np.log(x**2)), lambda x: 2 / x),
])
def test_what_both_show_is_not_said(loss, gradient):
    check = gp.check(loss, gradient, wrt=["x"], x="n", repair_seconds=0)["x"]
    assert check.verdict == "proved", check
    assert not any("is not 0" in said for said in check.assumptions), check
