"""A layer that runs step after step: batches of other lengths, and states that it keeps."""

import re

import numpy as np
import pytest

import gradproof as gp


class Affine:
    """A layer, and what it is to remember."""

    def __init__(self, W):
        self.W, self.steps, self.h = W, 0, 0.0

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dout):
        self.dW = self.x.T @ dout
        return dout @ self.W.T


class FirstLength(Affine):
    """Divides by the length of the batch that it saw first."""

    length = None

    def forward(self, x):
        self.length = self.length or len(x)
        return super().forward(x) / len(x)

    def backward(self, dout):
        return super().backward(dout / self.length)


class EachLength(FirstLength):
    """Divides by the length of each batch."""

    def forward(self, x):
        self.length = len(x)
        return super().forward(x)


class Adds(Affine):
    """Adds its gradients up, and keeps a buffer for batches of one length."""

    def __init__(self, W):
        super().__init__(W)
        self.dW, self.buffer = np.zeros_like(W), None

    def forward(self, x):
        if self.buffer is None:
            self.buffer = np.zeros((len(x), self.W.shape[1]))
        self.buffer[:] = super().forward(x)
        return self.buffer.copy()

    def backward(self, dout):
        before = self.dW
        dx = super().backward(dout)
        self.dW = before + self.dW
        return dx


class Counts(Affine):
    """Multiplies its output by how often it ran."""

    def forward(self, x):
        self.steps += 1
        return super().forward(x) * self.steps


class CountsRight(Counts):
    """And so its gradients."""

    def backward(self, dout):
        return super().backward(dout * self.steps)


class Carries(Affine):
    """Adds half of what it returned before; no gradient goes back through that."""

    def forward(self, x):
        out = np.tanh(super().forward(x) + 0.5 * np.sum(self.h))
        self.slope, self.h = 1 - out**2, out
        return out

    def backward(self, dout):
        return super().backward(dout * self.slope)


@pytest.mark.parametrize(("layer", "verdict"), [
    (FirstLength, "refuted"), (EachLength, "proved"), (Adds, "proved"), (CountsRight, "proved"),
    (Carries, "proved")])
@pytest.mark.parametrize("x", ["m n", "n m"])
def test_batches_of_other_lengths(layer, verdict, x):
    if x == "n m":  # samples in columns
        class Columns(layer):
            def forward(self, x):
                return super().forward(x.T).T

            def backward(self, dout):
                return super().backward(dout.T).T

        layer = Columns
    result = gp.check_layer(layer, x=x, W="n h", repair_seconds=0)
    assert result.verdict == verdict, str(result)
    if verdict == "refuted":
        assert re.search(r"with m = \d after \d, on other inputs", result["x"].reason)


def test_what_a_layer_with_a_state_returns_later():
    result = gp.check_layer(Counts, x="m n", W="n h", repair_seconds=0)
    assert result["x"].verdict == "refuted"
    assert "which keeps a state" in result["x"].reason
