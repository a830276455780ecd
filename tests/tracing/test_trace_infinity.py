"""Entries that are -inf, in masks of attention and in paths that are not there."""

import numpy as np
import pytest
from traced_values import same_values

import gradproof as gp
from gradproof.symbolic.tracing.run import TraceError, trace


def softmax(S):
    E = np.exp(S - S.max(axis=-1, keepdims=True))
    return E / E.sum(axis=-1, keepdims=True)


def causal(x):
    return np.tril(np.ones((x.shape[-2], x.shape[-1]))) == 1


def by_where(x):
    return softmax(np.where(causal(x), x, -np.inf))


def by_where_turned(x):
    return softmax(np.where(np.triu(np.ones(x.shape), 1) > 0, -np.inf, x))


def by_assignment(x):
    S = x / 2
    S[np.triu(np.ones(x.shape), 1) == 1] = float("-inf")
    return softmax(S)


def by_addition(x):
    return softmax(x + np.triu(np.full(x.shape, -np.inf), 1))


def by_a_mask_of_numbers(x):
    return softmax(x + np.where(causal(x), 0.0, -np.inf))


def by_places(x):
    i = np.arange(x.shape[0])
    return softmax(np.where(i[:, None] >= i, x, -np.inf) * 2.0)


def over_heads(x):
    S = np.where(causal(x), x, -np.inf)
    return softmax(S.transpose(0, 2, 1).swapaxes(1, 2))[:, ::-1]


def paths(x):
    """A forward pass in logarithms, which begins in the first state alone."""
    state = np.full(x.shape[1], -np.inf)
    state[0] = x[0, 0]
    for row in x[1:]:
        top = state.max()
        state = np.log(np.exp(state - top).sum()) + top + row
    return state


def beside_sizes(x):
    """Sizes and constants that are floats are no -inf."""
    n = x.shape[0]
    S = np.where(causal(x), x / np.sqrt(2 * np.pi), -np.inf) + n / 2.0
    return np.where(np.isinf(S), n / 3.0, np.exp(S - n * 0.5)) * (2 * np.pi)


def with_questions(x):
    S = np.where(causal(x), x, -np.inf)
    return np.where(np.isinf(S), 0, np.exp(S)) + (-np.inf == S) + np.maximum(S, -1) * np.isfinite(S)


@pytest.mark.parametrize(("function", "shape"), [
    (by_where, "n n"), (by_where_turned, "n n"), (by_assignment, "n n"), (by_addition, "n n"),
    (by_a_mask_of_numbers, "n n"), (by_places, "n n"), (over_heads, "m n n"), (paths, "3 k"),
    (with_questions, "n n"), (beside_sizes, "n n"),
])
def test_the_equations_compute_what_numpy_computes(function, shape):
    same_values(function, {"x": shape})


def attention_gradient(x, w, probabilities=by_where):
    P = probabilities(x)
    return P * (w - (P * w).sum(axis=-1, keepdims=True))


@pytest.mark.parametrize("forward", [by_where, by_where_turned, by_addition, by_places])
def test_gradients_under_a_mask_are_proved(forward):
    scale = 2 if forward is by_places else 1
    result = gp.check(lambda x, w: np.sum(forward(x) * w),
                      lambda x, w: scale * attention_gradient(x, w, forward), wrt=["x"], x="n n",
                      w="n n", repair_seconds=0)
    assert result.verdict == "proved", str(result)


def test_without_the_mask_they_are_refuted():
    result = gp.check(lambda x, w: np.sum(by_where(x) * w),
                      lambda x, w: attention_gradient(x, w, softmax), wrt=["x"], x="n n", w="n n",
                      repair_seconds=0)
    assert result.verdict == "refuted", str(result)


@pytest.mark.parametrize("function", [
    lambda x: np.where(x > 0, x, -np.inf), lambda x: np.sum(np.where(x > 0, x, -np.inf)),
    lambda x: np.log(np.where(x > 0, x, -np.inf)), lambda x: np.where(x > 0, x, -np.inf) * x,
    lambda x: x - np.where(x > 0, x, -np.inf), lambda x: np.where(x > 0, x, -np.inf) * -1.0,
    lambda x: np.where(np.where(x > 0, x, -np.inf), 1.0, x),
    lambda x: np.where(x > 0, x, -np.inf) == 0.0, lambda x: np.where(x > 0, x, -np.inf) == x,
    lambda x: np.where(x > 0, x, -np.inf) @ x, lambda x: np.where(x > 0, x, -np.inf) * 0,
])
def test_what_is_no_number_is_explained(function):
    with pytest.raises(TraceError, match=r"-inf"):
        trace(function, {"x": "n"})


def masked(x):
    return np.where(x > 0, x, -np.inf)


@pytest.mark.parametrize("function", [
    lambda x: x - masked(x), lambda x: masked(x) * -1.0, lambda x: masked(x) * x,
    lambda x: 2.0 / masked(x), lambda x: np.maximum(masked(x), masked(x - 1)),
])
def test_no_exponential_makes_a_zero_of_what_is_no_number(function):
    """exp(-(-inf)) is infinite, and exp(-inf) where both are -inf is no number of either."""
    with pytest.raises(TraceError, match=r"-inf"):
        trace(lambda x: np.exp(function(x)), {"x": "n"})


def test_a_maximum_of_nothing_but_minus_infinity_is_assumed_away():
    assert "no maximum is taken of entries that are all -inf" in map(
        str, trace(by_where, {"x": "n n"}).assumptions)


def test_a_view_sees_what_is_written_later():
    def function(x):
        S = np.where(causal(x), x, -np.inf)
        row = S[0]
        S[0] = 1.0
        return np.exp(row)

    same_values(function, {"x": "n n"})
