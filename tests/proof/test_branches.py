"""Branches that random inputs do not take: reached by search, or named."""

import math

import numpy as np
import pytest

import gradproof as gp
from gradproof.numeric import Reaching, missing, watched_run

SHAPES = {"X": "m n", "w": "n"}


def untraceable(X):
    """Something that no trace follows, and that changes nothing."""
    return np.linalg.svd(X)


def smooth(X, w):
    return np.sum(np.tanh(X @ w))


def floored(X, w):
    return np.sum(np.maximum(X @ w, -30))


def quadratic(X, w):
    return np.sum((X @ w) ** 2) / 2


def hidden_in_where(X, w):
    untraceable(X)
    z = X @ w
    return {"w": X.T @ np.where(z > 50, 1, 1 - np.tanh(z) ** 2)}


def without_floor(X, w):
    untraceable(X)
    return {"w": X.T @ np.ones(len(X))}


def with_floor(X, w):
    untraceable(X)
    return {"w": X.T @ (X @ w >= -30)}


def hidden_in_mask(X, w):
    untraceable(X)
    z = X @ w
    d = z.copy()
    d[z < -25] = -25
    return {"w": X.T @ d}


def hidden_in_if(X, w):
    untraceable(X)
    z = X @ w
    if np.max(np.abs(z)) > 20:
        z = z / 2
    return {"w": X.T @ z}


def hidden_in_loop(X, w):
    d = np.zeros(len(X))
    for i in range(len(X)):
        for j in range(len(w)):
            d[i] += X[i, j] * w[j]
        d[i] = d[i] if d[i] < 40 else 40.0 + math.cos(0)
    return {"w": X.T @ np.asarray(d)}


def hidden_in_clip(X, w):
    untraceable(X)
    return {"w": X.T @ np.clip(X @ w, -40, 40)}


@pytest.mark.parametrize(("loss", "gradient"), [
    (smooth, hidden_in_where), (floored, without_floor), (quadratic, hidden_in_mask),
    (quadratic, hidden_in_if), (quadratic, hidden_in_loop), (quadratic, hidden_in_clip),
])
def test_a_bug_beyond_a_branch_is_found(loss, gradient):
    result = gp.check(loss, gradient, wrt=["w"], repair_seconds=0, **SHAPES)
    assert result.verdict == "refuted"
    assert "test_branches.py" in result["w"].reason


def test_a_bug_beyond_a_branch_is_found_in_given_arrays():
    rng = np.random.default_rng(0)
    arrays = {"X": rng.normal(size=(5, 3)), "w": rng.normal(size=3)}
    result = gp.check(smooth, hidden_in_where, wrt=["w"], repair_seconds=0, **arrays)
    assert result.verdict == "refuted"


def test_right_on_both_sides_agrees_on_both():
    result = gp.check(floored, with_floor, wrt=["w"], **SHAPES)
    assert result.verdict == "agrees"
    assert "second operand the larger" in result["w"].scope


def dead(X, w):
    untraceable(X)
    t = np.tanh(X @ w)
    return {"w": X.T @ np.where(t > 2, 7, 1 - t**2)}


def test_a_branch_that_no_input_takes_is_named():
    result = gp.check(smooth, dead, wrt=["w"], **SHAPES)
    assert result.verdict == "agrees"
    assert any("no input was found with '>' true" in note and "np.where(t > 2" in note
               for note in result["w"].notes)


def traced_dead(X, w):
    t = np.tanh(X @ w)
    return {"w": X.T @ (np.where(t > 0, 1 - t**2, 1 - t**2))}


def test_a_proof_covers_every_branch():
    result = gp.check(smooth, traced_dead, wrt=["w"], **SHAPES)
    assert result.verdict == "proved"
    assert not any("no input" in note for note in result["w"].notes)


def by_python_numbers(X, w):
    z = [float(entry) for entry in X @ w]
    return {"w": X.T @ np.array([1 - math.tanh(entry) ** 2 for entry in z])}


def test_what_leaves_numpy_is_said_to_be_unseen():
    result = gp.check(smooth, by_python_numbers, wrt=["w"], **SHAPES)
    assert result.verdict == "agrees"
    assert any("leave NumPy" in note and "float(entry)" in note for note in result["w"].notes)


@pytest.mark.parametrize(("function", "asks"), [
    (lambda v: np.where(v["x"] > 0, 1, 2), ">"),
    (lambda v: np.where(v["x"] <= 0, 1, 2), "<="),
    (lambda v: np.minimum(v["x"], 0), "the smaller of"),
    (lambda v: np.abs(np.asarray(v["x"])), "the sign of"),
    (lambda v: 0 if np.array(v["x"])[0] < 0 else 1, "<"),
    (lambda v: [0 for entry in v["x"] if entry >= 0], ">="),
    (lambda v: np.add(v["x"], 0, out=np.zeros(3)) > 0, ">"),
])
def test_one_side_taken_leaves_the_other_missing(function, asks):
    record = watched_run(function, {"x": np.array([1.0, 2.0, 3.0])}, ["x"])
    assert [branch.asks for branch, _ in missing(record)] == [asks]


def test_watching_changes_no_result_and_leaves_numpy_as_it_is():
    before, seen = np.asarray, []
    values = {"x": np.linspace(-1.0, 1.0, 6).reshape(2, 3)}

    def function(at):
        z = np.concatenate([at["x"], np.zeros((1, 3))]) @ np.eye(3)
        z[z < 0] *= 0.1
        seen.append(np.clip(z, -0.05, 0.5).sum(axis=0))

    watched_run(function, values, ["x"])
    function(values)
    assert np.asarray is before
    np.testing.assert_array_equal(*map(np.asarray, seen))
    np.testing.assert_array_equal(values["x"], np.linspace(-1.0, 1.0, 6).reshape(2, 3))


def test_a_positive_array_stays_positive_while_it_is_moved():
    def run(values):
        assert np.all(values["x"] > 0)
        return watched_run(lambda at: np.log(at["x"]) > 5, values, ["x"])

    search = Reaching(run, {"x": np.array([0.5, 2.0])}, ("x",), {"x": (0.0, None)})
    (side,) = missing(run(search.start))
    search.reach([side])
    assert np.any(np.log(search.found[side]["x"]) > 5)
