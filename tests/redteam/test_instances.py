"""Layers that make their own parameters: a wrong gradient of these is refuted, or said unchecked.

Where the checker is handed no parameter by name, a pass may not be claimed of those that the object
holds and fills gradients in for.
"""

from __future__ import annotations

import functools

import numpy as np
import pytest
from redteam.case import due

import gradproof as gp


class Linear:
    """Right by its input, seventeenfold by its weights."""

    def __init__(self, inputs, outputs):
        self.W, self.b = np.ones((inputs, outputs)), np.zeros(outputs)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = 17 * self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


class InDicts(Linear):
    """The same, in the dicts of many courses."""

    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.params, self.grads = {"W": self.W, "b": self.b}, {}

    def forward(self, x):
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, dout):
        self.grads["W"] = 17 * self.x.T @ dout
        self.grads["b"] = dout.sum(axis=0)
        return dout @ self.params["W"].T


class Named(Linear):
    """Gradients by other names."""

    def backward(self, dout):
        self.grad_W, self.grad_b = 17 * self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T


class InTuples(Linear):
    """Backward returns all of them."""

    def backward(self, dout):
        return dout @ self.W.T, 17 * self.x.T @ dout, dout.sum(axis=0)


class InLists(Linear):
    """Lists, as small libraries keep them."""

    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.parameters, self.gradients = [self.W, self.b], [None, None]

    def backward(self, dout):
        self.gradients = [17 * self.x.T @ dout, dout.sum(axis=0)]
        return dout @ self.W.T


LAYERS = [Linear, InDicts, Named, InTuples, InLists]
MAKERS = {
    "an instance": lambda layer: layer(4, 3),
    "a lambda": lambda layer: lambda: layer(4, 3),
    "a partial": lambda layer: functools.partial(layer, 4, 3),
}


def titled():
    waiting, found = due("instance"), []
    for layer in LAYERS:
        for how in MAKERS:
            name = f"{layer.__name__}, {how}"
            why = waiting.get(name)
            marks = [] if layer is Linear else [pytest.mark.slow]
            if why is not None:
                marks.append(pytest.mark.xfail(reason=why, strict=False))
            found.append(pytest.param(layer, how, id=name, marks=marks))
    return found


@pytest.mark.parametrize(("layer", "how"), titled())
def test_no_parameter_is_passed_over(layer, how):
    made = MAKERS[how](layer)
    try:
        result = gp.check_layer(made, x="m 4", repair_seconds=0)
    except ValueError:
        return  # it says that it cannot be checked so
    assert result.verdict == "refuted" or "W" in " ".join(result.unchecked), str(result)
    with pytest.raises(AssertionError):
        gp.assert_layer(MAKERS[how](layer), x="m 4", require="proved")


def test_what_is_due_is_there():
    assert set(due("instance")) <= {f"{layer.__name__}, {how}" for layer in LAYERS
                                    for how in MAKERS}
