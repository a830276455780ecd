"""Where inputs lie is part of what is declared, drawn, proved and said."""

import numpy as np
import pytest
import sympy as sp

import gradproof as gp
from gradproof.checks.places.likeness import given_array
from gradproof.symbolic.equation import size_symbol
from gradproof.symbolic.proof.certificate import draw as draw_residues
from gradproof.symbolic.proof.recheck import _draw
from gradproof.symbolic.proof.sampling import draw

S = np.sum
RNG = np.random.default_rng(4)
UNIT = np.array([0.2, 0.7, 0.45, 0.9, 0.33])
SIGNS = np.array([1.0, -1, -1, 1, 1])
K = RNG.normal(size=(4, 4))
K = K + K.T
INTERVALS = [(0, 1), (-1, 1), (2, None), (None, -3), (0, None), (None, None), (0.25, 7.5)]


@pytest.mark.parametrize(("low", "high"), INTERVALS)
def test_an_interval_is_kept_to_wherever_numbers_are_drawn(low, high):
    array = gp.Array("n", kind="interval", low=low, high=high, name="p")
    sizes, rng = {size_symbol("n"): 40}, np.random.default_rng(0)
    drawn = [draw(array, sizes, rng), _draw(array, sizes, rng, False).astype(float),
             draw_residues(array, sizes, rng, True).shown]
    for found in drawn:
        assert low is None or np.all(found > low)
        assert high is None or np.all(found < high)
        assert np.ptp(found) > 0.1


@pytest.mark.parametrize("axis", [0, 1, -1, -2])
def test_one_hot_and_probabilities_sum_to_one_along_their_axis(axis):
    sizes, rng = {size_symbol("k"): 3, size_symbol("m"): 5}, np.random.default_rng(0)
    for kind in ("one_hot", "probability"):
        array = gp.Array("k m", kind=kind, axis=axis, name="Y")
        for found in (draw(array, sizes, rng), _draw(array, sizes, rng, False).astype(float),
                      draw_residues(array, sizes, rng, False).shown):
            assert np.allclose(np.asarray(found, float).sum(axis=axis), 1)


PROVED = [  # loss, gradient, inputs, what the scope or the assumptions say
    (lambda p: S(np.log(p / (1 - p))), lambda p: 1 / (p * (1 - p)),
     {"p": gp.Array("n", kind="interval", low=0, high=1)}, "for 0 < p < 1"),
    (lambda p: S(np.sqrt(1 - p)), lambda p: -0.5 / np.sqrt(1 - p),
     {"p": gp.Array("n", kind="interval", high=1)}, "for p < 1"),
    (lambda p: S(np.abs(1 - p)), lambda p: -np.ones_like(p),
     {"p": gp.Array("n", kind="interval", low=0, high=1)}, "0 < p < 1"),
    (lambda x: S(np.log(np.log(x))), lambda x: 1 / (x * np.log(x)),
     {"x": gp.Array("n", kind="interval", low=1)}, "x > 1"),
    (lambda p: S(p**1.5 * (1 - p) ** 0.5),
     lambda p: 1.5 * np.sqrt(p * (1 - p)) - 0.5 * p**1.5 / np.sqrt(1 - p), {"p": UNIT},
     "0 < p < 1"),
    (lambda p: S(np.log(p) * p), lambda p: np.log(p) + 1, {"p": UNIT}, "for 0 < p < 1"),
    (lambda x: S(x**0.3), lambda x: 0.3 * x**-0.7, {"x": 3 * UNIT}, "x is positive"),
]


@pytest.mark.parametrize(("loss", "gradient", "inputs", "said"), PROVED)
def test_a_proof_in_a_domain_says_where(loss, gradient, inputs, said):
    (found,) = gp.check(loss, gradient, repair_seconds=0, **inputs)
    assert found.verdict == "proved", str(found)
    assert said in " ".join((found.scope, *found.assumptions))


CODED = [  # right at such arrays alone
    (lambda x, y: S((1 - y * x) ** 2), lambda x, y: 2 * (x - y), {"y": SIGNS}, "1 or -1"),
    (lambda x, y: S(np.log(1 + np.exp(-y * x))), lambda x, y: 1 / (1 + np.exp(-x)) - (y + 1) / 2,
     {"y": SIGNS}, "1 or -1"),
    (lambda x, y: S(x * y**3), lambda x, y: y, {"y": SIGNS.astype(int)}, "1 or -1"),
    (lambda x, y: S(x * y**2), lambda x, y: y, {"y": np.array([0.0, 1, 1, 0, 1])}, "0 or 1"),
    (lambda x, y: S(np.abs(x / y)), lambda x, y: np.sign(x) / y, {"y": 3 * UNIT}, "y is positive"),
    (lambda x, y: S(x @ y @ x), lambda x, y: 2 * y @ x, {"x": K[0], "y": K}, "y is symmetric"),
    (lambda x, y: S(x @ y @ x), lambda x, y: 2 * y @ x,
     {"x": K[0], "y": np.array([[0.0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 1], [1, 0, 1, 0]])},
     "y is symmetric"),
    (lambda x, y: S(x * y.sum(axis=0)), lambda x, y: np.ones_like(x),
     {"y": np.eye(3)[[0, 2, 1, 1, 0]].T}, "columns that sum to one"),
    (lambda x, y: S(np.abs(np.log(y)) * x), lambda x, y: -np.log(y), {"y": UNIT}, "0 < y < 1"),
]


@pytest.mark.parametrize(("loss", "gradient", "inputs", "said"), CODED)
def test_what_given_data_are_like_is_assumed_and_said(loss, gradient, inputs, said):
    inputs = {"x": RNG.normal(size=5), **inputs}
    (found,) = gp.check(loss, gradient, wrt=["x"], repair_seconds=0, **inputs)
    assert found.verdict != "refuted", str(found)
    if found.verdict == "proved":
        assert said in " ".join((found.scope, *found.assumptions))
    else:
        assert found.verdict == "agrees"


UNNAMED = [  # a property that has no name here
    (lambda x, y: S((x - y) ** 2), lambda x, y: 2 * x - 2 * np.sort(y), np.array([1.0, 2.5, 4, 7])),
    (lambda x, y: S(x) * S(y) + S(x * y), lambda x, y: y, np.array([1.5, -0.25, -1, -0.25])),
    (lambda x, y: S(x * y**2) - S(x) * S(y**2), lambda x, y: y**2 - 1.0,
     np.array([0.6, 0.0, -0.8, 0.0])),
    (lambda x, y: S(x * y * y[::-1]), lambda x, y: y**2, np.array([1.5, -2.5, -2.5, 1.5])),
]


@pytest.mark.parametrize(("loss", "gradient", "y"), UNNAMED)
def test_a_property_that_only_the_given_data_have_never_refutes(loss, gradient, y):
    found = gp.check(loss, gradient, x=RNG.normal(size=4), y=y, wrt=["x"], repair_seconds=0)
    assert found.verdict in ("undecided", "agrees"), str(found)
    assert "given" in found.checks[0].scope + found.checks[0].reason


WRONG = [  # what is differentiated by does not stay what it was, and sizes are no property
    (lambda x, y: S(np.maximum(x, 0) * y), lambda x, y: y, {"x": UNIT, "y": K[0, 0] + UNIT}),
    (lambda x, y: S((x + y) ** 3), lambda x, y: 3 * (x + y) ** 2 * (1 + x),
     {"x": np.zeros(5), "y": UNIT}),
    (lambda x, y: np.mean((x - y) ** 2), lambda x, y: 2 * (x - y) / 5,
     {"x": RNG.normal(size=5), "y": UNIT}),
    (lambda x, y: S(x**4) + S(y), lambda x, y: 4 * x, {"x": SIGNS, "y": UNIT}),
]


@pytest.mark.parametrize(("loss", "gradient", "inputs"), WRONG)
def test_a_gradient_that_is_wrong_beside_the_given_arrays_is_refuted(loss, gradient, inputs):
    found = gp.check(loss, gradient, wrt=["x"], repair_seconds=0, **inputs)
    assert found.verdict == "refuted", str(found)


@pytest.mark.parametrize(("value", "kinds"), [
    (UNIT, ["interval", "positive"]), (UNIT - 1.5, ["interval"]), (300 * UNIT, ["positive"]),
    (SIGNS, ["sign"]), (np.ones(5), []), (np.zeros(3), []), (np.array([0.0, 1, 1]), ["mask"]),
    (np.eye(3)[[0, 0, 1]], ["one_hot"]), (K, ["symmetric"]), (np.array([[0.5, 2], [2, -1]]),
                                                             ["symmetric"]),
    (np.array([0.0, 2.5, -1]), []), (np.array([[0.5, 0.5], [0.25, 0.75]]), ["probability"]),
])
def test_what_numbers_are_like_is_seen(value, kinds):
    given = given_array("a", value)
    assert [array.kind for array in given.kinds] == kinds
    like = given_array("a", given.like(value.shape, np.random.default_rng(1)))
    assert set(kinds) & {array.kind for array in like.kinds} or not kinds


@pytest.mark.parametrize("made", [
    {"kind": "real", "low": 0}, {"kind": "interval", "low": 1, "high": 1},
    {"kind": "one_hot", "axis": 2},
])
def test_a_declaration_that_says_nothing_is_an_error(made):
    with pytest.raises(ValueError, match="expected"):
        gp.Array("m n", **made)


def test_bounds_are_exact():
    assert gp.Array("n", kind="interval", low=0.5).bounds == (sp.Rational(1, 2), None)
