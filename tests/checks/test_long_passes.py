"""Passes of very many steps: an answer in time, a right one never refuted, a wrong one always."""

import numpy as np
import pytest

import gradproof as gp

pytestmark = pytest.mark.slow
SECONDS = 60
"""For an answer that takes a few seconds of a processor, on a machine that is busy."""


def chained(steps, slip=1.0):
    def loss(x, w):
        h = x
        for _ in range(steps):
            h = np.tanh(h * w)
        return np.sum(h**2) / 2

    def gradient(x, w):
        hs = [x]
        for _ in range(steps):
            hs.append(np.tanh(hs[-1] * w))
        d, dw = hs[-1], np.zeros_like(w)
        for k in range(steps, 0, -1):
            dz = d * (slip - hs[k] ** 2)
            dw = dw + (dz * hs[k - 1]).sum(axis=0)
            d = dz * w
        return dw

    return loss, gradient, {"wrt": ["w"], "x": "m n", "w": "n"}


def recurrent(steps, slip=1.0):
    def loss(X, W, U, y):
        h = np.zeros(U.shape[0])
        for t in range(steps):
            h = np.tanh(X[t] @ W + h @ U)
        return np.sum((h - y) ** 2) / 2

    def gradient(X, W, U, y):
        hs = [np.zeros(U.shape[0])]
        for t in range(steps):
            hs.append(np.tanh(X[t] @ W + hs[-1] @ U))
        d, dW, dU = hs[-1] - y, np.zeros_like(W), np.zeros_like(U)
        for t in range(steps - 1, -1, -1):
            dz = d * (slip - hs[t + 1] ** 2)
            dW, dU = dW + np.outer(X[t], dz), dU + np.outer(hs[t], dz)
            d = dz @ U.T
        return {"W": dW, "U": dU}

    return loss, gradient, {"wrt": ["W", "U"], "X": f"{steps} n", "W": "n h", "U": "h h", "y": "h"}


def convolved(size, slip=1.0):
    places = [(i, j) for i in range(size - 2) for j in range(size - 2)]

    def images(x, w):
        out = np.zeros((size - 2, size - 2))
        for i, j in places:
            out[i, j] = np.sum(x[i:i + 3, j:j + 3] * w)
        return out

    def loss(x, w, y):
        return np.sum((images(x, w) - y) ** 2) / 2

    def gradient(x, w, y):
        d, dw = images(x, w) - slip * y, np.zeros_like(w)
        for i, j in places:
            dw = dw + d[i, j] * x[i:i + 3, j:j + 3]
        return dw

    shapes = {"x": f"{size} {size}", "w": "3 3", "y": f"{size - 2} {size - 2}"}
    return loss, gradient, {"wrt": ["w"], **shapes}


@pytest.mark.parametrize(("made", "steps"), [
    (chained, 12), (convolved, 8), (recurrent, 10),
    pytest.param(chained, 200, marks=pytest.mark.rows),
    pytest.param(recurrent, 60, marks=pytest.mark.rows)])
def test_long_passes_have_an_answer(made, steps):
    loss, gradient, given = made(steps)
    for check in gp.check(loss, gradient, time_limit=SECONDS, **given):
        assert check.verdict in ("proved", "agrees"), str(check)
        assert "RecursionError" not in check.reason
    loss, gradient, given = made(steps, 0.5)
    assert gp.check(loss, gradient, time_limit=SECONDS, repair_seconds=0,
                    **given).verdict == "refuted"
