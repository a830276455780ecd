"""Steps of proofs in finite fields: silent on what is equal, in the way of a prover that is wrong.

The planted mistakes are the normal form's; the second opinion in real numbers is switched off, so
that what is caught is caught here.
"""

from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
from proofs import prove_all

import gradproof.symbolic.normalform.equalities as equalities
import gradproof.symbolic.normalform.scalar_bodies as bodies
import gradproof.symbolic.proof.prover as prover
from gradproof.codegen.interpret import evaluate
from gradproof.symbolic.equation import Array, size_symbol
from gradproof.symbolic.proof.certificate import Claim, contradicted
from gradproof.symbolic.proof.residues import CHAIN
from gradproof.symbolic.tracing.run import trace


def against(left, right, data=(), factor=sp.S.One, order=None, **shapes):
    first, second = trace(left, shapes), trace(right, shapes)
    axes = order or range(len([s for s in first.system.shapes[first.result] if s != 1]))
    claim = Claim(first.result, second.result, factor, tuple(axes))
    return contradicted(first.system, second.system, {"it": [claim]}, data)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax(Z):
    powers = np.exp(Z - Z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


PROBABILITY = Array("p", (size_symbol("m"), size_symbol("n")), "probability")
SYMMETRIC = Array("A", (size_symbol("n"), size_symbol("n")), "symmetric")

EQUAL = {
    "products": (lambda X, w: X @ w, lambda X, w: w @ X.T, {"X": "m n", "w": "n"}),
    "binomials": (lambda x: (x + 3) ** 2, lambda x: x * x + 6 * x + 9, {"x": "n"}),
    "partial fractions": (lambda x: 1 / (x * (x + 1)), lambda x: 1 / x - 1 / (1 + x), {"x": "n"}),
    "exponentials": (lambda x: np.exp(2 * x - 1), lambda x: np.exp(x) ** 2 / np.exp(1),
                     {"x": "n"}),
    "exponentials of exponentials": (lambda x: np.exp(np.exp(x) + np.tanh(x)),
                                     lambda x: np.exp(np.exp(x)) * np.exp(np.tanh(x)),
                                     {"x": "n"}),
    "tanh": (np.tanh, lambda x: 2 * sigmoid(2 * x) - 1, {"x": "n"}),
    "softmax": (lambda Z: softmax(Z).sum(axis=1), lambda Z: np.ones(len(Z)), {"Z": "m n"}),
    "a softmax by logarithms": (
        lambda Z: np.exp(Z - np.log(np.exp(Z).sum(axis=1, keepdims=True))), softmax, {"Z": "m n"}),
    "numbers of many digits": (lambda x: x * 568774801 ** 2, lambda x: x * 568774801 * 568774801,
                               {"x": "n"}),
    "numbers beyond 64 bits": (lambda x: x * 10 ** 24, lambda x: x * 10 ** 12 * 10 ** 12,
                               {"x": "n"}),
    "pieces": (lambda x: np.maximum(x, 0) - np.maximum(-x, 0), lambda x: x, {"x": "n"}),
    "clips": (lambda x: np.clip(x, -1, 1),
              lambda x: np.where(x > 1, 1, np.where(x < -1, -1, x)), {"x": "n"}),
    "what is always positive": (lambda x: np.where(np.exp(x).sum() + 1 > 0, x, 0 * x),
                                lambda x: x, {"x": "n"}),
    "maxima": (lambda X: X.max(axis=1), lambda X: -(-X).min(axis=1), {"X": "m n"}),
    "places of maxima": (lambda X: X[np.arange(len(X)), X.argmax(axis=1)],
                         lambda X: X.max(axis=1), {"X": "m n"}),
    "rows that sum to one": (lambda p: p.sum(axis=1), lambda p: np.ones(len(p)),
                             {"p": PROBABILITY}),
    "symmetric": (lambda A: A, lambda A: A.T, {"A": SYMMETRIC}),
    "an unknown function": (lambda x: np.sin(2 * x + x), lambda x: np.sin(3 * x), {"x": "n"}),
    "an inverse": (lambda A: np.linalg.inv(A) @ A, lambda A: np.eye(len(A)), {"A": "n n"}),
    "a determinant with rows in another order": (
        lambda A: np.linalg.det(A * (1 - np.eye(2))), lambda A: -A[0, 1] * A[1, 0], {"A": "2 2"}),
    "a sign that rounding decides": (
        lambda x: x + np.where(np.sin(x)**2 + np.cos(x)**2 > 1, 1, 0), lambda x: x, {"x": "9 n"}),
    "a maximum that rounding decides": (
        lambda x: np.stack([x + np.sin(x)**2 + np.cos(x)**2, x + 1]).max(axis=0),
        lambda x: x + 1, {"x": "n"}),
}


@pytest.mark.parametrize("what", EQUAL)
def test_nothing_is_said_against_what_is_equal(what):
    left, right, shapes = EQUAL[what]
    assert against(left, right, **shapes) == {}


DIFFERENT = {
    "less than floats show": (lambda X, w: X @ w, lambda X, w: X @ w * (1 + 2**-40),
                              {"X": "m n", "w": "n"}),
    "a sign in an exponent": (np.exp, lambda x: np.exp(-x), {"x": "n"}),
    "a size for another": (lambda X: X.sum() / len(X), lambda X: X.sum() / X.shape[1],
                           {"X": "m n"}),
    "only where a size is one": (lambda X: X.sum(axis=1), lambda X: X[:, 0], {"X": "m n"}),
    "a branch": (lambda x: np.where(x > 0, x, 0), np.abs, {"x": "n"}),
    "a place": (lambda X: X.max(axis=1), lambda X: X[:, 0], {"X": "m n"}),
    "an unknown function": (np.sin, lambda x: np.sin(x + 1), {"x": "n"}),
    "an order of axes": (lambda A: A @ A.T + A, lambda A: A @ A.T + A.T, {"A": "n n"}),
    "a length": (lambda X: np.ones(len(X)), lambda X: np.ones(X.shape[1]), {"X": "m n"}),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_what_differs_is_told(what):
    left, right, shapes = DIFFERENT[what]
    assert "differ in a finite field" in against(left, right, **shapes)["it"]


def test_data_are_looked_at_where_they_are_compared():
    def missing(R):
        return R + np.where(R != 0, 1, 0)

    assert against(missing, lambda R: R + 1, R="m n") == {}
    assert against(missing, lambda R: R + 1, data={"R"}, R="m n")


def test_a_factor_is_part_of_a_claim():
    m = size_symbol("m")
    assert against(lambda X: X.mean(axis=0), lambda X: X.sum(axis=0), factor=1 / m, X="m n") == {}
    assert against(lambda X: X.mean(axis=0), lambda X: X.sum(axis=0), factor=m, X="m n")


def test_an_order_of_axes_is_part_of_a_claim():
    def one(X, W):
        return X @ W

    def other(X, W):
        return W.T @ X.T

    assert against(one, other, order=(1, 0), X="m n", W="n m") == {}
    assert against(one, other, order=(0, 1), X="m n", W="n m")


def test_roots_have_no_residues_and_no_opinion():
    assert against(np.sqrt, lambda x: np.sqrt(x) + 1, x="n") == {}


def test_the_primes_are_a_chain():
    assert all(map(sp.isprime, CHAIN))
    assert all(after == 2 * prime + 1 and pow(4, prime, after) == 1
               for prime, after in pairwise(CHAIN))


@pytest.fixture
def alone(monkeypatch):
    monkeypatch.setattr(prover, "second_opinion", lambda *_: {})


def proved(left, right, **shapes):
    first, second = trace(left, shapes), trace(right, shapes)
    return prove_all(first.system, second.system, {first.result: second.result}, evaluate)[
        first.result]


@pytest.mark.usefixtures("alone")
def test_a_mistake_in_rounding_is_caught(monkeypatch):
    right_rule = bodies.number
    monkeypatch.setattr(bodies, "number", lambda value: round(right_rule(value)))
    found = proved(lambda x: x * 2, lambda x: x * 2.00000000001, x="n")
    assert found.equal is None
    assert "differ in a finite field" in found.reason


@pytest.mark.usefixtures("alone")
def test_a_zero_that_is_forgotten_is_caught(monkeypatch):
    import gradproof as gp

    def loss(U, V, R):
        return np.sum((R != 0) * (R - U @ V.T) ** 2)

    def without(U, V, R):
        return {"U": -2 * (R - U @ V.T) @ V}

    shapes = {"U": "m k", "V": "n k", "R": "m n", "wrt": ["U"], "repair_seconds": 0}
    monkeypatch.setattr(equalities, "is_given", lambda *_: False)
    monkeypatch.setattr("gradproof.symbolic.proof.sides.TIES", 0)
    found = gp.check(loss, without, **shapes)
    assert found.verdict == "agrees"
    assert "differ in a finite field" in found.checks[0].reason
