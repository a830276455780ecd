"""Axes of length 1: what is written without an einsum when they are left out is written so."""

import numpy as np
import pytest

import gradproof as gp
from gradproof.codegen.interpret import evaluate


@pytest.mark.parametrize(("units", "activation", "of", "einsum"), [
    ([2, 4, 1], "tanh", ("W2", "W2"), False),
    ([2, 4, 1], "sigmoid", ("W2", "b2"), False),
    ([2, 4, 2], "tanh", ("W2", "W2"), True),
    ([1, 3, 1], "tanh", ("W1", "W1"), None),
    ([1, 1, 1], "tanh", ("W2", "W2"), None),
])
@pytest.mark.parametrize("dtype", [float, np.float32])
def test_a_hessian_of_one_output(units, activation, of, einsum, dtype):
    hessian = gp.derive(gp.Network(units, activation=activation, output="sigmoid",
                                   loss="binary_cross_entropy")).hessian(*of)
    rng = np.random.default_rng(0)
    values = {a.name: rng.normal(size=[7 if not n.is_number else int(n) for n in a.shape])
              for a in hessian.system.inputs}
    values["Y"] = (values["Y"] > 0).astype(float)
    due = evaluate(hessian.system, values)[hessian.name]
    given = {name: values[name].astype(dtype) for name in hessian.inputs}
    space: dict = {}
    source = hessian.numpy_source()
    exec(source, space)
    assert einsum is None or ("einsum" in source) == einsum, source
    for found in (space["derivative"](**given), hessian.compile()(**given)):
        assert (found.shape, found.dtype) == (due.shape, dtype)
        np.testing.assert_allclose(found, due, atol=1e-12 if dtype is float else 1e-6)
