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


@pytest.mark.parametrize(("text", "shapes"), [
    ('t = einsum("abc,cd->abd", A, B)', {"A": "k l m", "B": "m n"}),
    ('t = einsum("abc,cd->bda", A, B)', {"A": "k l m", "B": "m n"}),
    ('t = einsum("dc,abc->bad", B, A)', {"A": "k l m", "B": "n m"}),
    ('t = einsum("abc,cd->bd", A, B)', {"A": "k l m", "B": "m n"}),
    ('t = einsum("abc,bd->abd", A, B)', {"A": "k l m", "B": "l n"}),
    ('t = einsum("abce,ed->cadb", A, B)', {"A": "k l n m", "B": "m n"}),
])
def test_a_stack_times_a_matrix(text, shapes):
    """What multiplies each matrix of a stack is written so, with the axes in the result's order."""
    derivation = gp.derive(gp.equations(f"{text}; L = sum(tanh(t)*t)", **shapes))
    rng, sizes = np.random.default_rng(0), {"k": 2, "l": 3, "m": 4, "n": 5}
    values = {name: rng.normal(size=[sizes[n] for n in shape.split()])
              for name, shape in shapes.items()}
    due = evaluate(derivation.system, values)
    space: dict = {}
    exec(derivation.numpy_source(), space)
    for run in (space["gradient"], derivation.compile()):
        loss, found = run(**values)
        np.testing.assert_allclose(loss, due[derivation.chain.loss], rtol=1e-12)
        for key, formula in derivation.gradients.items():
            np.testing.assert_allclose(found[key], due[formula.array], atol=1e-12)
