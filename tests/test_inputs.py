"""What a compiled function does with the arrays it is given: types, labels, memory, maxima in
recurrences."""

from __future__ import annotations

import numpy as np
import pytest

import gradproof as gp
from gradproof.codegen.interpret import evaluate

RECURRENT_MAXIMA = [
    ("h[-1]=s\nh[t]=max(A+h[t-1],axis=1)+e[t]\nL=sum(h[T-1]*s)",
     {"s": "k", "A": "k k", "e": "T k"}),
    ("h[-1]=s\nh[t]=min(A*h[t-1],axis=0)+e[t]\nL=sum(h[T-1]**2)",
     {"s": "k", "A": "k k", "e": "T k"}),
    ("h[-1]=s\nh[t]=h[t-1]*max(e[t])\nL=sum(h[T-1])", {"s": "k", "e": "T k"}),
]


@pytest.mark.parametrize(("text", "shapes"), RECURRENT_MAXIMA)
def test_a_maximum_in_a_recurrence_keeps_its_place_for_every_step(
    text: str, shapes: dict[str, str]
) -> None:
    rng = np.random.default_rng(5)
    derivation = gp.derive(gp.equations(text, **shapes))
    sizes = {"k": 3, "T": 4}
    values = {n: rng.normal(size=[sizes[s] for s in shape.split()]) for n, shape in shapes.items()}
    loss, gradients = derivation.compile()(**values)
    everything = evaluate(derivation.system, values)
    assert loss == pytest.approx(everything["L"])
    value = derivation.loss_function()
    for name, gradient in gradients.items():
        np.testing.assert_allclose(gradient, everything[derivation.gradients[name].array])
        step = 1e-6 * rng.normal(size=gradient.shape)
        ahead, behind = (value(**{**values, name: values[name] + s}) for s in (step, -step))
        assert (ahead - behind) / 2 == pytest.approx(np.sum(gradient * step), rel=1e-5)
