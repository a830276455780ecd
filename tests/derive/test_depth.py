"""Deep chains: what is derived of them is right, and no longer than their depth asks for."""

from __future__ import annotations

import numpy as np
import pytest

import gradproof as gp

STEPS = {
    "pointwise": ("a{after} = tanh(a{before})", {"x": "n"}),
    "shared weight": ("a{after} = tanh(w*a{before})", {"x": "n", "w": "n"}),
    "residual, shared gain": ("a{after} = a{before} + g*tanh(a{before})", {"x": "n", "g": "n"}),
    "recurrence, unrolled": ("a{after} = tanh(a{before} @ W + x)", {"x": "m n", "W": "n n"}),
}


def derived(what: str, depth: int) -> gp.Derivation:
    step, shapes = STEPS[what]
    lines = [step.format(before=layer, after=layer + 1) for layer in range(depth)]
    text = "\n".join(["a0 = x", *lines, f"L = sum(a{depth}**2)"])
    return gp.derive(gp.equations(text, **shapes))


@pytest.mark.parametrize("what", STEPS)
def test_deep_chains_have_the_slopes_that_are_measured(what):
    derivation = derived(what, 40)
    run, rng = derivation.compile(), np.random.default_rng(3)
    values = {array.name: rng.uniform(0.1, 0.4, [2] * len(array.shape))
              for array in derivation.system.inputs}
    _, gradients = run(**values)
    for name, gradient in gradients.items():
        direction = rng.normal(size=gradient.shape)
        moved = {**values, name: values[name] + 1e-30j * direction}
        slope = run(**moved)[0].imag / 1e-30  # a complex step, exact to rounding
        np.testing.assert_allclose(np.sum(gradient * direction), slope, rtol=1e-9)


@pytest.mark.parametrize("what", STEPS)
def test_the_length_of_a_derivation_is_linear_in_the_depth(what):
    short, long = (len(str(derived(what, depth))) for depth in (30, 60))
    assert long <= 2.5 * short
