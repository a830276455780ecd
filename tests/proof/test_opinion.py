"""The second opinion: silent on what is equal, and in the way of a prover that is wrong."""

import numpy as np
import pytest
from proofs import prove_all

import gradproof.symbolic.normalform.forms as normal
import gradproof.symbolic.normalform.scalar_bodies as bodies
from gradproof.codegen.interpret import evaluate
from gradproof.symbolic.equation import Array, size_symbol
from gradproof.symbolic.normalform.polynomial import scaled
from gradproof.symbolic.proof.recheck import second_opinion
from gradproof.symbolic.tracing.run import trace


def sides(left, right, **shapes):
    first, second = trace(left, shapes), trace(right, shapes)
    return first.system, second.system, {first.result: second.result}


EQUAL = [
    (lambda X, w: X @ w, lambda X, w: (w @ X.T), {"X": "m n", "w": "n"}),
    (lambda x: x / 3 + 0.25, lambda x: (4 * x + 3) / 12, {"x": "n"}),
    (lambda x: np.exp(2 * x), lambda x: np.exp(x) ** 2, {"x": "n"}),
    (lambda x: np.exp(np.exp(x) + np.tanh(x)), lambda x: np.exp(np.exp(x)) * np.exp(np.tanh(x)),
     {"x": "n"}),
    (lambda x: np.sqrt(np.sum(x**2)) ** 2, lambda x: np.sum(x * x), {"x": "n"}),
    (lambda x: np.maximum(x, 0) - np.maximum(-x, 0), lambda x: x, {"x": "n"}),
    (lambda x: np.where(x > 0, x, 0), lambda x: (np.abs(x) + x) / 2, {"x": "n"}),
    (lambda x: np.where(np.exp(x).sum() + 1 > 0, x, 0 * x), lambda x: x, {"x": "n"}),
    (lambda x: np.log(x**2 + 1), lambda x: 2 * np.log(np.sqrt(1 + x * x)), {"x": "n"}),
    (lambda X: X.max(axis=1), lambda X: -(-X).min(axis=1), {"X": "m n"}),
    (lambda X: X[np.arange(len(X)), X.argmax(axis=1)], lambda X: X.max(axis=1), {"X": "m n"}),
    (lambda x: np.log(x), lambda x: -np.log(1 / x), {"x": "n"}),
    (lambda p: p.sum(axis=1), lambda p: np.ones(len(p)),
     {"p": Array("p", (size_symbol("m"), size_symbol("n")), "probability")}),
]


@pytest.mark.parametrize(("left", "right", "shapes"), EQUAL)
def test_nothing_is_said_against_what_is_equal(left, right, shapes):
    assert second_opinion(*sides(left, right, **shapes)) == {}


DIFFERENT = [
    (lambda X, w: X @ w, lambda X, w: X @ w * (1 + 1e-15), {"X": "m n", "w": "n"}),
    (lambda x: np.exp(2 * x), lambda x: np.exp(x) ** 2 + 1e-25, {"x": "n"}),
    (lambda x: np.where(x > 0, x, 0), lambda x: np.abs(x), {"x": "n"}),
    (lambda X: X.max(axis=1), lambda X: X[:, 0], {"X": "m n"}),
    (lambda x: np.mean(x), lambda x: np.sum(x) / 3, {"x": "n"}),
]


@pytest.mark.parametrize(("left", "right", "shapes"), DIFFERENT)
def test_what_differs_is_said_to(left, right, shapes):
    first, second, pair = sides(left, right, **shapes)
    (text,) = second_opinion(first, second, pair).values()
    assert "the two sides differ by" in text


def test_it_looks_where_a_logarithm_has_values_and_has_no_opinion_where_there_are_none():
    pair = sides(lambda x: np.log(x), lambda x: np.log(x) + 1, x="n")
    assert len(second_opinion(*pair)) == 1
    pair = sides(lambda x: np.log(-(x**2)), lambda x: np.log(-(x**2)) + 1, x="n")
    assert second_opinion(*pair) == {}


def test_a_wrong_rule_for_the_exponential_proves_nothing(monkeypatch):
    """exp(-x) = exp(x), as a normal form that loses a sign would have it."""
    left, right, pair = sides(lambda x: np.exp(x), lambda x: np.exp(-x), x="n")
    (name,) = pair
    right_rule = bodies.exponential

    def wrong(table, poly):
        return right_rule(table, {mono: abs(c) for mono, c in poly.items()})

    monkeypatch.setattr(bodies, "exponential", wrong)
    proof = prove_all(left, right, pair)[name]
    assert proof.equal is None
    assert "the normal forms agree, but the two sides differ" in proof.reason


def test_a_rule_that_is_wrong_by_less_than_floats_show_proves_nothing(monkeypatch):
    left, right, pair = sides(lambda x: x * 2, lambda x: x * 2.00000000001, x="n")
    (name,) = pair
    right_rule = bodies.number
    monkeypatch.setattr(bodies, "number", lambda value: round(right_rule(value)))
    proof = prove_all(left, right, pair, evaluate)[name]
    assert proof.equal is None
    assert "the two sides differ by" in proof.reason


def test_a_sum_that_forgets_its_length_proves_nothing(monkeypatch):
    left, right, pair = sides(lambda X, y: (X + y[:, None] * 0).sum(axis=1) * 0 + len(y) * y,
                              lambda X, y: y, X="m n", y="m")
    (name,) = pair
    monkeypatch.setattr(bodies, "size_poly", lambda table, size: {(): 1})
    monkeypatch.setattr(normal, "contract", lambda table, poly, bound: scaled(poly, 1))
    proof = prove_all(left, right, pair)[name]
    assert proof.equal is None
    monkeypatch.undo()
    assert prove_all(left, right, pair)[name].equal is None  # and so it is without the rules
