"""What a backward pass does with what it is handed, said beside a refutation."""

import numpy as np
import pytest

import gradproof as gp


def hands_on(dout, x):
    return dout


def reverses(dout, x):
    return -0.5 * dout


def forgets(dout, x):
    return 2 * x


def exchanges(dout, cache):
    x, y = cache
    return dout * x, dout * y


def not_turned(dout, x):
    inverse = np.linalg.inv(x)
    return -inverse @ dout @ inverse


def overwrites(dout, cache):
    places, shape = cache
    made = np.zeros(shape)
    made[places] = dout
    return made


PICKED = {"table": "n d", "places": gp.Array("m", kind="integer", classes="n")}


@pytest.mark.parametrize(("forward", "backward", "inputs", "said"), [
    (lambda x: np.round(x), hands_on, {"x": "m n"}, "straight-through estimator"),
    (lambda x: np.clip(x, -1, 1), hands_on, {"x": "m n"}, "straight-through estimator"),
    (lambda x: x * 1.0, reverses, {"x": "m n"}, "a gradient reversal"),
    (lambda x: x ** 2, forgets, {"x": "m n"}, "the upstream gradient dout is not used"),
    (lambda x, y: (x * y, (x, y)), exchanges, {"x": "m n", "y": "m n"}, "in the place of"),
    (lambda x: np.linalg.inv(x), not_turned, {"x": "n n"}, "with the transpose of x"),
    (lambda table, places: (table[places], (places, table.shape)), overwrites, PICKED,
     "places names a place more than once"),
])
def test_it_is_said(forward, backward, inputs, said):
    result = gp.check_layer(forward, backward, repair_seconds=0, **inputs)
    assert result.verdict == "refuted"
    assert said in str(result), str(result)


def test_a_place_that_is_named_once_and_wrong_is_not_said_to_be_named_twice():
    def doubled(dout, cache):
        return 2 * overwrites(dout, cache)

    result = gp.check_layer(lambda table, places: (table[places], (places, table.shape)), doubled,
                            repair_seconds=0, **PICKED)
    assert result.verdict == "refuted"
    assert "more than once" not in str(result), str(result)


@pytest.mark.parametrize(("forward", "backward"), [
    (lambda x: 2.0 * x, lambda dout, x: dout),
    (lambda x: x ** 2, lambda dout, x: 3 * x * dout),
    (lambda x: x ** 3, lambda dout, x: 2 * x * dout),
    (lambda x: np.sin(x), lambda dout, x: dout * x),
])
def test_nothing_is_said_where_it_is_not_so(forward, backward):
    result = gp.check_layer(forward, backward, x="m n", repair_seconds=0)
    assert result.verdict == "refuted"
    for said in ("straight-through", "reversal", "not used", "in the place of", "transpose"):
        assert said not in str(result), str(result)


@pytest.mark.parametrize(("forward", "backward", "inputs", "said"), [
    (lambda x: x * 1.0, lambda dout, x: 0 * dout, {"x": "m n"}, "hand-written = 0 everywhere"),
    (lambda x, W: (x @ W, (x, W)), lambda dout, cache: (dout @ cache[1].T, dout.T @ cache[0]),
     {"x": "m n", "W": "n n"}, "derivedᵀ: transpose it"),
])
def test_what_a_gradient_is_not_computed_of_is_no_cause(forward, backward, inputs, said):
    result = gp.check_layer(forward, backward, repair_seconds=0, **inputs)
    assert result.verdict == "refuted"
    assert said in str(result), str(result)
    assert "is not used" not in str(result)
    assert "the transpose of" not in str(result)
