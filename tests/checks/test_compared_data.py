"""Data may be the very numbers that a program compares them with: 0 for missing, 1 for a class.

What is differentiated by is drawn from a density and meets no number; data are not.  So a zero of
data is a case of a proof, a zero of a parameter is a kink that the result lists.
"""

import numpy as np
import pytest

import gradproof as gp
from gradproof.symbolic.equation import System, size_symbol
from gradproof.symbolic.normalform.forms import Forms, new_atoms
from gradproof.symbolic.proof.compared_values import compared_values

S = np.sum
ROWS = gp.Array("m k", kind="probability")


def pair(text, loss, right, wrong, **shapes):
    return pytest.param(loss, right, wrong, shapes, id=text)


PAIRS = [
    pair("missing ratings are coded 0",
         lambda U, V, R: S((R != 0) * (R - U @ V.T) ** 2),
         lambda U, V, R: {"U": -2 * ((R != 0) * (R - U @ V.T)) @ V},
         lambda U, V, R: {"U": -2 * (R - U @ V.T) @ V},
         U="m k", V="n k", R="m n", wrt=["U"]),
    pair("a class is 1",
         lambda p, y: S(np.where(y == 1, p**2, p**3)),
         lambda p, y: np.where(y - 1 == 0, 2 * p, 3 * p**2),
         lambda p, y: 3 * p**2, p="m", y="m", wrt=["p"]),
    pair("at least, or more than",
         lambda p, y: S(np.where(y >= 1, p**2, p**3)),
         lambda p, y: np.where(1 - y > 0, 3 * p**2, 2 * p),
         lambda p, y: np.where(y > 1, 2 * p, 3 * p**2), p="m", y="m", wrt=["p"]),
    pair("padding is 0",
         lambda x, b: S(np.where(x == 0, 0, x * b**2 + b)),
         lambda x, b: (2 * x * b + 1) * (x != 0),
         lambda x, b: 2 * x * b + 1, x="n", b="n", wrt=["b"]),
    pair("a probability may be 0",
         lambda Z, P: S(Z * (P > 0)),
         lambda Z, P: np.where(P == 0, 0.0, 1.0),
         lambda Z, P: np.ones_like(P), Z="m k", P=ROWS, wrt=["Z"]),
    pair("the sign of 0 is 0",
         lambda X, w, y: S(np.sign(y) * (X @ w)),
         lambda X, w, y: X.T @ ((y > 0) * 1.0 - (y < 0)),
         lambda X, w, y: X.T @ (2 * (y > 0) - 1.0), X="m n", w="n", y="m", wrt=["w"]),
    pair("two arrays are equal",
         lambda x, y, b: S(np.where(x == y, b**2, b)),
         lambda x, y, b: np.where(y - x == 0, 2 * b, 1.0),
         lambda x, y, b: np.ones_like(b), x="n", y="n", b="n", wrt=["b"]),
    pair("a product vanishes with either factor",
         lambda x, y, b: S(np.where(x * y > 0, b**2, b)),
         lambda x, y, b: np.where((x > 0) & (y > 0) | (x < 0) & (y < 0), 2 * b, 1.0),
         lambda x, y, b: np.where((x > 0) & (y > 0) | (x <= 0) & (y < 0), 2 * b, 1.0),
         x="n", y="n", b="n", wrt=["b"]),
    pair("a square that vanishes decides",
         lambda x, y, b: S(np.where(x**2 * y > 0, b**2, b)),
         lambda x, y, b: np.where((y > 0) & (x != 0), 2 * b, 1.0),
         lambda x, y, b: np.where(y > 0, 2 * b, 1.0), x="n", y="n", b="n", wrt=["b"]),
    pair("the largest of data, where it occurs twice",
         lambda X, w: S(np.where(X.max(axis=1, keepdims=True) == X, w**2, w)),
         lambda X, w: S(np.where(X.max(axis=1, keepdims=True) <= X, 2 * w, 1.0), axis=0),
         lambda X, w: S(np.where(np.arange(X.shape[1]) == X.argmax(axis=1)[:, None], 2 * w, 1.0),
                        axis=0), X="m n", w="n", wrt=["w"]),
]


@pytest.mark.parametrize(("loss", "right", "wrong", "shapes"), PAIRS)
def test_cases_of_data_are_told_apart(loss, right, wrong, shapes):
    assert gp.check(loss, right, repair_seconds=0, **shapes).verdict in ("proved", "agrees")
    assert gp.check(loss, wrong, repair_seconds=0, **shapes).verdict != "proved"


@pytest.mark.parametrize("place", [0, 1, 2, 3, 4, 5, 6, 7, 8])
def test_the_right_one_is_proved_and_the_wrong_one_refuted(place):
    loss, right, wrong, shapes = PAIRS[place].values
    assert gp.check(loss, right, repair_seconds=0, **shapes).verdict == "proved"
    assert gp.check(loss, wrong, repair_seconds=0, **shapes).verdict == "refuted"


def test_a_divisor_that_is_guarded_is_guarded_in_the_proof():
    def loss(X, w):
        total = X.sum(axis=1)
        return S(X @ w / np.where(total == 0, 1, total))

    shapes = {"X": "m n", "w": "n", "wrt": ["w"], "repair_seconds": 0}
    assert gp.check(loss, lambda X, w: X.T @ (1 / np.where(X.sum(axis=1) == 0, 1, X.sum(axis=1))),
                    **shapes).verdict == "proved"
    assert gp.check(loss, lambda X, w: X.T @ (1 / X.sum(axis=1)), **shapes).verdict != "proved"


def test_what_is_differentiated_by_has_kinks_instead():
    found = gp.check(lambda X, w: S(np.maximum(X @ w, 0)), lambda X, w: X.T @ ((X @ w >= 0) * 1.0),
                     X="m n", w="n", wrt=["w"], repair_seconds=0)
    assert found.verdict == "proved"
    assert found.checks[0].kinks


def test_the_numbers_that_data_are_compared_with_are_found():
    text = "t = x - 3\nL = sum(where(2*x > 1, b, 0) + where(t > y, b**2, 0) + where(b > 7, b, 0))"
    system = gp.equations(text, x="n", y="n", b="n")
    assert compared_values([system], {"x", "y"}) == {"x": [-1.0, 0.0, 0.5, 1.0],
                                                     "y": [-1.0, 0.0, 1.0]}


@pytest.mark.parametrize(("text", "same"), [
    ("L = sum(where(y == 2, y, 0)) - sum(where(y == 2, 2, 0))", True),
    ("L = sum(where(y == 2, y**3, 0)) - sum(where(y == 2, 4*y, 0))", True),
    ("L = sum(where(y > z, where(y == z, b, 0), 0))", True),
    ("L = sum(where(y == 1, where(y == 2, b, 0), 0))", True),
    ("L = sum(abs(y)) - sum(where(y >= 0, y, -y))", True),
    ("L = sum(where(y >= 0, b, 0)) - sum(where(y > 0, b, 0))", False),
    ("L = sum(where(y == 2, b, 0))", False),
    ("L = sum(where(y*z == 0, b, 0)) - sum(where(y == 0, b, 0))", False),
    ("L = sum(where(y*z == 0, b, 0)) - sum(where(y == 0, b, where(z == 0, b, 0)))", True),
    ("L = sum(where(y**2 + 1 == 0, b, 0))", True),
])
def test_normal_forms_keep_the_zeros_of_data(text, same):
    arrays = {name: "n" for name in "yzb" if name in text}
    system = gp.equations(text, **arrays)
    forms = Forms(new_atoms(100_000), {"left": system}, data={"y", "z"})
    assert isinstance(system, System)
    assert size_symbol("n") in system.shapes["y"]
    assert (not forms.form(("left", "L"))) is same


AT_NUMBERS = [
    lambda x: np.where(x == 0, 5.0, 3 * x**2),
    lambda x: 3 * x**2 + (x == 1),
    lambda x: 3 * x**2 * (x != -1),
    lambda x: np.where((x < 0.5) | (x > 0.5), 3 * x**2, 7.0),
    lambda x: np.where(2 * x - 5 == 0, 0.0, 3 * x**2),
    lambda x: np.where((x >= 2) & (x <= 2), 0.0, 3 * x**2),
]


@pytest.mark.parametrize("gradient", AT_NUMBERS)
def test_another_slope_at_one_number_of_what_is_differentiated_by_is_refuted(gradient):
    found = gp.check(lambda x: S(x**3), gradient, x="n", repair_seconds=0)
    assert found.verdict == "refuted"
    assert "with x = " in found.checks[0].reason


@pytest.mark.parametrize(("loss", "gradient"), [
    (lambda x: S(np.abs(x)), lambda x: np.sign(x)),
    (lambda x: S(np.maximum(x, 0)), lambda x: (x > 0) * 1.0),
    (lambda x: S(np.where(x == 0, 0, x)), lambda x: np.ones_like(x)),
    (lambda x: S(np.where(x < 1, x**2, 2 * x - 1)), lambda x: np.where(x > 1, 2.0, 2 * x)),
])
def test_a_kink_is_no_coincidence(loss, gradient):
    assert gp.check(loss, gradient, x="n", repair_seconds=0).verdict == "proved"


def test_a_constant_may_be_the_value_of_a_function():
    """log(e^b + e^b) is b + log 2, which the program compares with 0."""
    def loss(w, b):
        return np.sum((np.logaddexp(b, b) > 0) * w**2)

    result = gp.check(loss, lambda w, b: (2 * w * (np.logaddexp(b, b) > 0), 0 * b),
                      w="n", b="n", wrt=["w", "b"])
    assert result.verdict == "proved", str(result)
    wrong = gp.check(loss, lambda w, b: (2 * w * (b > 0.3), 0 * b), repair_seconds=0,
                     w="n", b="n", wrt=["w", "b"])
    assert wrong["w"].verdict == "refuted"


def test_two_points_have_the_same_sizes():
    kept = {}

    def gradient(X, w):
        return 2 * X.T @ kept.setdefault(np.shape(X), X @ w)

    found = gp.check(lambda X, w: S((X @ w) ** 2), gradient, X="m n", w="n", wrt=["w"],
                     repair_seconds=0)
    assert found.verdict == "refuted"
