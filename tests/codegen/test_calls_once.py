"""Calls that a printed text makes more than once on the same values have a name."""

import itertools

import numpy as np
import pytest

import gradproof as gp
from gradproof.codegen.lean.calls_once import named_calls


def once(text, arrays="x"):
    fresh = itertools.count(2)
    taken = set()

    def new(wish):
        name = f"{wish}{next(fresh)}" if wish in taken else wish
        taken.add(name)
        return name

    return "\n".join(named_calls(text.split("\n"), arrays.split(), {"gelu", "windows"}, new))


@pytest.mark.parametrize(("text", "made"), [
    ("y = gelu(x) + 1\nz = 2 * gelu(x)", "gelu_x = gelu(x)\ny = gelu_x + 1\nz = 2 * gelu_x"),
    ("y = np.tanh(x)**2 * np.tanh(x)", "tanh_x = np.tanh(x)\ny = tanh_x**2 * tanh_x"),
    # the longest one, and what is left of those in it
    ("y = np.exp(gelu(x))\nz = np.exp(gelu(x)) + gelu(x)",
     "gelu_x = gelu(x)\nexp_x = np.exp(gelu_x)\ny = exp_x\nz = exp_x + gelu_x"),
    ("y = windows(windows(x, 2), 4)  # δ\nz = windows(windows(x, 2), 4) @ y",
     "windows_x = windows(windows(x, 2), 4)\ny = windows_x  # δ\nz = windows_x @ y"),
    ("y = (x +\n     gelu(x))\nz = gelu(x)",
     "gelu_x = gelu(x)\ny = (x +\n     gelu_x)\nz = gelu_x"),
    ("y = x * 1\nfor t in range(3):\n    y[t] = np.exp(x[t]) * np.exp(x[t])",
     "y = x * 1\nfor t in range(3):\n    exp_x = np.exp(x[t])\n    y[t] = exp_x * exp_x"),
])
def test_a_call_that_is_made_twice_has_a_name(text, made):
    assert once(text) == made


@pytest.mark.parametrize("text", [
    "y = gelu(x)\nz = np.sum(x) * np.sum(x)",
    "y = np.sqrt(2) * x\nz = np.sqrt(2) * x",  # of no array
    "y = x * 1\nz = gelu(y)\ny[0] = 2\nw = gelu(y)",
    "y = x * 1\nz = gelu(y)\ny += 2\nw = gelu(y)",
    "y = x * 1\nv = y.T\nz = gelu(v)\ny[0] = 2\nw = gelu(v)",  # a view of what changes
    "y = x * 1\ny[0] = gelu(y)\ny[1] = gelu(y)",
    "y = gelu(x)\nif t > 0:\n    z = gelu(x)",  # of two blocks
    "y = [gelu(x[i]) for i in range(2)]\nz = [gelu(x[i]) for i in range(2)]",
    "z = gelu(x)\nfor t in range(3):\n    x = x + 1\nw = gelu(x)",
])
def test_a_call_on_other_values_has_none(text):
    assert once(text) == text


def test_the_values_of_a_named_call_are_those_of_the_calls():
    text = "y = gelu(x) * gelu(x[0])\nz = gelu(x) - gelu(x[0])\nw = gelu(z) + gelu(z) * y"
    found, due = {}, {}
    for space, source in ((found, once(text)), (due, text)):
        exec(source, {"gelu": np.tanh, "x": np.arange(6.0).reshape(2, 3)}, space)
    assert found.keys() > due.keys()
    for name, value in due.items():
        np.testing.assert_array_equal(found[name], value)


def test_a_printed_gradient_calls_a_function_once_on_a_value():
    derivation = gp.derive(gp.Model(
        "m T 4", [{"type": "transformer_block", "heads": 2, "units": 8, "activation": "gelu"}],
        loss="mean_squared_error"))
    text = derivation.numpy_source()
    body = text[text.index("def gradient"):]
    assert body.count(" gelu(") == 1
    assert body.count("np.sqrt(1e-05 + var1") == 1


def test_a_value_that_is_changed_in_place_is_nobody_elses():
    """E = exp_S; E += … would change exp_S, too."""
    derivation = gp.derive(gp.equations(
        "E = exp(S)*(1 - eye(m))\nL = mean(log(sum(E, axis=1)))", S="m m"))
    space = {}
    exec(derivation.numpy_source(), space)
    values = np.random.default_rng(0).normal(size=(4, 4))
    found, due = space["gradient"](values)[1]["S"], derivation.compile()(S=values)[1]["S"]
    np.testing.assert_allclose(found, due, rtol=1e-13, atol=1e-16)
    assert not np.diagonal(found).any()
