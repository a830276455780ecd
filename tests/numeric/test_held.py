"""What stops elsewhere than at the point gives no difference."""

import numpy as np
import pytest

import gradproof as gp
from gradproof.numeric import Slopes
from gradproof.numeric.held import Held, OtherStopsError, stopped


def fewer(x):
    """At x[0] = 1 another value is stopped first, which to one side of it is not."""
    s = stopped(x[1]) if x[0] <= 1 else 0.0
    return np.sum(x * x) * stopped(x[2]) + 0 * s


def more(x):
    s = stopped(x[1]) if x[0] > 1 else 0.0
    return np.sum(x * x) * stopped(x[2]) + 0 * s


@pytest.mark.parametrize("loss", [fewer, more])
def test_other_stops_than_at_the_point_are_said(loss):
    held = Held(loss)
    assert held.at_point(np.array([1.0, 2, 3])) == 42
    assert held(np.array([0.5, 2, 3])) == pytest.approx(39.75)
    with pytest.raises(OtherStopsError, match="not what it stops at the point"):
        held(np.array([1.5, 2, 3]))


@pytest.mark.parametrize("loss", [fewer, more])
def test_a_derivative_between_other_stops_is_not_known(loss):
    slopes = Slopes(lambda given: loss(given["x"]), "x")
    there = {"x": np.array([1.0, 2, 3])}
    assert np.isnan(slopes.at(there, np.zeros(3), np.array([1.0, 0, 0])))
    assert slopes.at({"x": np.array([0.5, 2, 3])}, np.zeros(3), np.array([1.0, 0, 0])) == (
        pytest.approx(3))


@pytest.mark.parametrize("loss", [fewer, more])
def test_a_check_at_a_branch_of_other_stops_is_undecided(loss):
    def gradient(x):
        return {"x": 2 * x * x[2]}

    def public(x):
        s = gp.stop_gradient(x[1]) if (x[0] <= 1) == (loss is fewer) else 0.0
        return np.sum(x * x) * gp.stop_gradient(x[2]) + 0 * s

    assert gp.check(public, gradient, x=np.array([1.0, 2, 3])).verdict == "undecided"
