"""Axes without entries: what is printed, compiled and interpreted is the same, or is refused with
the size that is 0."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

import gradproof as gp
from gradproof.codegen.interpret import evaluate

LABELS = gp.Array("m", kind="labels", classes="k")
RECURRENCE = "h[-1] = h0\nh[t] = tanh(a*h[t-1] + x[t])\n"
CASES = {
    "products": ("L = sum((X @ w - y)**2)", {"X": "m n", "w": "n", "y": "m"}, ""),
    "softmax": ("L = sum(Y*softmax(X @ W))", {"X": "m n", "W": "n k", "Y": "m k"}, "k"),
    "log Σ exp": ("L = sum(logsumexp(X, axis=1))", {"X": "m n"}, "n"),
    "maxima": ("L = sum(max(X, axis=1))", {"X": "m n"}, "n"),
    "an entry": ("L = sum(X[0]*w)", {"X": "m n", "w": "n"}, "m"),
    "outer": ("L = sum(outer(x, y)*A)", {"x": "m", "y": "n", "A": "m n"}, ""),
    "a norm of rows": ("L = sum(C*layer_norm(X, g, b))",
                       {"X": "m n", "g": "n", "b": "n", "C": "m n"}, ""),
    "attention": ("L = sum(C*attention(Q, K, V))",
                  {"Q": "m 2", "K": "n 2", "V": "n e", "C": "m e"}, "n"),
    "convolution": ("L = sum(conv1d(X, W, b)**2)", {"X": "m 2 5", "W": "3 2 3", "b": "3"}, ""),
    "gathers": ("L = sum(E[s]*C)", {"E": "k n", "s": LABELS, "C": "m n"}, "k"),
    "inverse": ("L = sum(inv(A.T @ A + eye(n)*3))", {"A": "m n"}, ""),
    "a layer with steps": ("H = rnn(X, W, U, b)\nL = sum(H*Y)", {
        "X": "T m n", "W": "n k", "U": "k k", "b": "k", "Y": "T m k"}, ""),
    "steps from zero": (RECURRENCE.replace("h0", "zeros(n)") + "L = sum(h**2)",
                        {"x": "T n", "a": "n"}, ""),
    "steps from a state": (RECURRENCE + "L = sum(h**2)", {"x": "T n", "a": "n", "h0": "n"}, "T"),
    "the last step": (RECURRENCE + "L = sum(h[T-1]**2)", {"x": "T n", "a": "n", "h0": "n"}, "T"),
}
"""text, shapes, and the sizes that must not be 0."""


@pytest.mark.parametrize("what", CASES)
def test_no_entries_are_no_entries_in_every_spelling(what):
    text, shapes, needed = CASES[what]
    derivation = gp.derive(gp.equations(text, **shapes))
    arrays = [derivation.chain.loss, *(f.array for f in derivation.gradients.values())]
    space: dict = {}
    exec(derivation.numpy_source(), space)
    random = np.random.default_rng(0)
    sizes = sorted({str(s) for a in derivation.system.inputs for n in a.shape
                    for s in n.free_symbols})
    for zero in sizes:
        known = {name: 0 if name == zero else place + 2 for place, name in enumerate(sizes)}
        values = {}
        for array in derivation.system.inputs:
            shape = [int(n) if n.is_Integer else known[str(n)] for n in array.shape]
            values[array.name] = (random.integers(0, max(known.get("k", 1), 1), shape)
                                  if array.is_integer else random.normal(size=shape))
        if zero in needed.split():
            with pytest.raises(ValueError, match=rf"{zero} = 0"):
                derivation.compile()(**values)
            continue
        with np.errstate(all="ignore"):
            expected = evaluate(derivation.system, values)
            loss, printed = space["gradient"](**values)
        compiled = derivation.compile()(**values)
        for name, one, other in zip(arrays, (loss, *printed.values()),
                                    (compiled[0], *compiled[1].values()), strict=True):
            assert np.shape(one) == np.shape(other) == expected[name].shape, (zero, name)
            np.testing.assert_allclose(one, expected[name], 1e-12, 1e-12)
            np.testing.assert_allclose(other, expected[name], 1e-12, 1e-12)


def test_a_window_that_fits_nowhere_reads_nothing():
    model = gp.Model("m T n", [{"type": "conv1d", "channels": 4, "kernel": 3, "stride": 2},
                               {"type": "conv1d", "channels": 4, "kernel": 2, "dilation": 2},
                               {"type": "dense", "units": 1}], "half_squared_error")
    derivation = gp.derive(model)
    sizes, random = {"m": 2, "T": 3, "n": 5}, np.random.default_rng(0)
    values = {array.name: random.normal(size=[
        int(sp.sympify(n).subs({s: sizes[str(s)] for s in n.free_symbols})) for n in array.shape])
        for array in derivation.system.inputs}
    assert 0 in values["W3"].shape
    arrays = evaluate(derivation.system, values, sizes)
    loss, gradients = derivation.compile()(**values)
    np.testing.assert_allclose(arrays[derivation.chain.loss], loss)
    for name, found in gradients.items():
        np.testing.assert_allclose(arrays[derivation.gradients[name].array], found)
