"""The benchmark's cases: every injected bug is found, no right gradient is blamed."""

import sys
from pathlib import Path

import numpy as np
import pytest

import gradproof as gp
from gradproof.numeric import compare_gradient, derivative_along
from gradproof.numeric.evaluation import Evaluator

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from checker_cases import BUGS, PROBES, SHAPES, WEIGHTS, case

WRONG_PARTS = {
    "a": WEIGHTS, "b": WEIGHTS, "c": WEIGHTS[:4], "d": WEIGHTS[:2], "e": ("b1",), "f": ("b1",),
    "h": WEIGHTS, "i": WEIGHTS[:2], "j": WEIGHTS[:4], "k": ("b1",), "l": ("W1",), "n": ("W2",),
}
SLOW = ("grad1e-12",)


def checked(letter, regime, **given):
    made = case(letter, regime)
    given = given or made.arrays(8)
    return gp.check(made.loss, made.gradient, wrt=WEIGHTS, repair_seconds=0, **given)


def titled(cases):
    return [pytest.param(letter, regime, id=f"{letter}-{regime}",
                         marks=pytest.mark.slow if regime in SLOW else ())
            for letter, regime in cases if letter != "g"]


@pytest.mark.parametrize(("letter", "regime"), titled(BUGS))
@pytest.mark.slow
def test_a_bug_is_found_in_real_arrays_and_only_where_it_is(letter, regime):
    result = checked(letter, regime)
    refuted = tuple(check.name for check in result if check.verdict == "refuted")
    assert refuted == WRONG_PARTS[letter], str(result)
    assert {c.verdict for c in result if c.name not in refuted} <= {"proved", "agrees"}


@pytest.mark.parametrize(("letter", "regime"), titled(b for b in BUGS if b[0] in "acehjn"))
def test_a_bug_is_found_from_shapes(letter, regime):
    assert checked(letter, regime, **SHAPES).verdict == "refuted"


@pytest.mark.parametrize("regime", [
    pytest.param(p, marks=pytest.mark.slow if p in SLOW else ()) for p in PROBES])
def test_a_right_gradient_is_proved_in_every_regime(regime):
    result = checked("", regime)
    assert result.verdict == "proved", str(result)
    assert result["W1"].scope == "for all m, n"


def test_at_a_kink_both_conventions_pass_and_the_kink_is_named():
    for letter in ("", "g"):
        result = checked(letter, "kink")
        assert result.verdict in ("proved", "agrees"), str(result)
        assert any("at a kink at the given arrays" in note for note in result["b1"].notes)


def test_what_holds_for_one_batch_size_is_told_from_what_is_wrong_there():
    result = checked("h", "plain")
    assert "right at the given arrays, differs at other sizes" in result["W1"].reason
    assert "multiply by 16/m" in result["W1"].diagnosis


@pytest.mark.slow
def test_a_branch_that_the_given_arrays_do_not_reach_is_reached():
    result = checked("j", "piecewise")
    assert result["W1"].verdict == "refuted"
    assert result["W3"].verdict == "proved"


@pytest.mark.parametrize("letter", [
    pytest.param("b", marks=pytest.mark.slow), "e", pytest.param("l", marks=pytest.mark.slow)])
def test_a_wide_layer_is_checked_within_seconds(letter):
    made = case(letter, "plain")
    result = gp.check(made.loss, made.gradient, wrt=WEIGHTS, repair_seconds=0, **made.arrays(128))
    assert result.verdict == "refuted"
    assert all(np.isfinite(c.witness) for c in result if c.verdict == "refuted")


# --- from arrays to shapes ----------------------------------------------------------------------


def softmax_loss(X, Y, W):
    e = np.exp(X @ W)
    return -np.sum(Y * np.log(e / e.sum(axis=1, keepdims=True))) / len(X)


def softmax_gradient(X, Y, W):
    e = np.exp(X @ W)
    return {"W": X.T @ (e / e.sum(axis=1, keepdims=True) - Y) / len(X)}


def test_one_hot_rows_are_seen_in_the_numbers_and_stated():
    rng = np.random.default_rng(0)
    Y = np.eye(3)[rng.integers(3, size=7)]
    result = gp.check(softmax_loss, softmax_gradient, X=rng.normal(size=(7, 4)), Y=Y,
                      W=rng.normal(size=(4, 3)), wrt=["W"])
    assert result.verdict == "proved", str(result)
    assert any("one-hot" in text for text in result["W"].assumptions)
    assert result["W"].scope == "for all m, n, p"


def test_sizes_that_code_loops_over_stay_numbers():
    def loss(x, w):
        h = 0.0
        for t in range(x.shape[1]):
            h = np.tanh(w * h + x[:, t])
        return np.sum(h)

    def gradient(x, w):
        states, carry, dw = [0.0], 1.0, 0.0
        for t in range(x.shape[1]):
            states.append(np.tanh(w * states[-1] + x[:, t]))
        for t in reversed(range(x.shape[1])):
            carry = carry * (1 - states[t + 1] ** 2)
            dw = dw + np.sum(carry * states[t])
            carry = carry * w
        return {"w": dw}

    result = gp.check(loss, gradient, x=np.ones((5, 2)) / 3, w=np.array(0.7), wrt=["w"])
    assert result.verdict in ("proved", "agrees"), str(result)


def test_code_for_the_given_sizes_alone_is_not_blamed_for_others():
    def loss(x):
        return np.sum(x.reshape(2, 3) ** 2)

    def gradient(x):
        return {"x": 2 * x.reshape(2, 3).reshape(6)}

    result = gp.check(loss, gradient, x=np.arange(6.0))
    assert result.verdict in ("proved", "agrees"), str(result)


# --- numbers ------------------------------------------------------------------------------------


def test_a_loss_may_be_analytic_in_one_input_and_not_in_another():
    """np.var of a complex array is Σ|x - mean|², which no complex step differentiates."""
    def loss(p):
        return np.sum(p["g"] * (p["x"].var() + p["x"]) ** 2)

    rng = np.random.default_rng(0)
    x, g = rng.normal(size=3), rng.normal(size=3)
    common = 2 * g * (x.var() + x)
    claimed = {"g": (x.var() + x) ** 2, "x": common + common.sum() * 2 * (x - x.mean()) / 3}
    found = compare_gradient(loss, {"x": x, "g": g}, claimed)
    assert [found[name].verdict for name in "xg"] == ["agrees", "agrees"]


def test_suspects_are_measured_first():
    x = np.linspace(1, 2, 5000)
    claimed = 2 * x
    claimed[4321] *= 1 + 1e-6
    found = compare_gradient(lambda p: np.sum(p["x"] ** 2), {"x": x}, {"x": claimed},
                             suspects={"x": [4321]}, budget=100)["x"]
    assert found.verdict == "refuted"
    assert found.worst is not None
    assert found.worst.entry == (4321,)


def test_the_zero_gradient_of_a_zero_loss_agrees():
    found = compare_gradient(lambda p: 0.0 * np.sum(p["x"]), {"x": np.ones(3)},
                             {"x": np.zeros(3)})["x"]
    assert found.verdict == "agrees"
    measured = derivative_along(Evaluator(lambda p: 0.0 * np.sum(p["x"]), {"x": np.ones(3)}),
                                "x", np.ones(3))
    assert measured.value == 0
