"""Loss alone, gradients alone, one gradient, Hessian-vector product, gradients of samples: each
text computes what is returned, nothing that none of it needs, and no product of matrices twice."""

import ast
from collections import Counter

import numpy as np
import pytest
from additive import ADDITIVE, derived, sized

import gradproof as gp
from gradproof.symbolic.equation import EquationError

NETWORK = gp.Network([5, 4, 3, 2], activation="tanh", output="softmax", loss="cross_entropy")
LONGER = ("an LSTM, with steps in front", "layer norm")
CASES = {
    "dense": lambda: gp.derive(NETWORK),
    "penalties": lambda: gp.derive(gp.Network([3, 4, 2], activation="relu", l2=0.1, l1=0.2)),
    **{name: lambda name=name: derived(ADDITIVE[name]) for name in (
        "layer norm", "an LSTM, with steps in front", "a convolution")},
}


def main_of(text):
    return [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)][-1]


def unread(text):
    """Names that the function sets and nothing in it reads."""
    names = [node for node in ast.walk(main_of(text)) if isinstance(node, ast.Name)]
    read = {node.id for node in names if isinstance(node.ctx, ast.Load)}
    return {node.id for node in names if isinstance(node.ctx, ast.Store)} - read


def products(text):
    """Products of matrices, as they are written."""
    return Counter(
        ast.unparse(node) for node in ast.walk(main_of(text))
        if (isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult))
        or (isinstance(node, ast.Call) and ast.unparse(node.func) in ("np.einsum", "np.tensordot")))


def texts_of(derivation):
    names = list(derivation.gradients)
    yield "gradients alone", derivation.numpy_source(loss=False)
    yield "both", derivation.numpy_source()
    yield "loss alone", derivation.numpy_source(only=[])
    for name in (names[0], names[-1]):
        yield f"{name} alone", derivation.numpy_source(only=[name], loss=False)
        yield f"Hessian times vector, {name}", derivation.hvp(name).numpy_source()
    each = derivation.per_sample()
    yield "of samples", each.numpy_source()
    yield "of samples without the loss", each.numpy_source(loss=False, only=names[-1:])


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.slow if name in LONGER else ()) for name in CASES])
def test_nothing_is_computed_in_vain_or_twice(name):
    for what, text in texts_of(CASES[name]()):
        assert not unread(text), (what, text)
        twice = {product for product, count in products(text).items() if count > 1}
        assert not twice, (what, twice, text)


def test_as_many_products_as_there_have_to_be():
    """Three layers: one product each forwards, one each for dW, and one each but the first back."""
    derivation = gp.derive(NETWORK)
    count = {what: products(text).total() for what, text in texts_of(derivation)}
    assert count["loss alone"] == 3
    assert count["both"] == count["gradients alone"] == 3 + 3 + 2
    assert count["W1 alone"] == 3 + 2 + 1
    assert count["b3 alone"] == 3
    # In a direction of W1: forwards X V and two more; back δ and its tangent, with (A - Y) W3ᵀ once
    # more as (Y - A) W3ᵀ; and the result.
    assert count["Hessian times vector, W1"] == (3 + 3) + (2 + 2 + 1) + 1
    assert count["Hessian times vector, b3"] == 3 + 1  # of what a softmax is made, A v
    assert count["of samples"] == 3 + 2  # that are products of entries
    assert count["of samples without the loss"] == 3
    assert "log" not in derivation.numpy_source(loss=False).partition("def gradient")[2]


@pytest.mark.parametrize("target", ["numpy", "c", pytest.param(
    "numba", marks=[pytest.mark.peers, pytest.mark.rows])])
@pytest.mark.parametrize("workspace", [False, True])
def test_what_is_left_out_leaves_the_others_as_they_are(target, workspace):
    derivation = gp.derive(NETWORK)
    values = sized(derivation.system, 4, np.random.default_rng(0))
    loss, due = derivation.compile(target=target)(**values)
    for only in (None, ["b1"], ["W3", "W1"]):
        alone = derivation.compile(workspace, target, only=only, loss=False)(**values)
        both = derivation.compile(workspace, target, only=only)(**values)
        assert list(alone) == list(both[1]) == (only or list(due))
        assert both[0] == loss
        for name, value in alone.items():
            np.testing.assert_allclose(value, due[name], rtol=1e-13, atol=1e-16)
            np.testing.assert_array_equal(value, both[1][name])
    assert derivation.compile(workspace, target, only=[])(**values) == (loss, {})


def test_texts_leave_out_the_same():
    derivation = gp.derive(NETWORK)
    assert derivation.c_source(only=["W1"], loss=False).results == ("dW1",)
    assert derivation.c_source(only=[]).results == ("L",)
    assert "return dW1,\n" in derivation.numba_source(only=["W1"], loss=False)
    assert "return {'W1': dW1}" in derivation.array_api_source(only=["W1"], loss=False)


def test_a_gradient_that_was_not_derived_is_an_error():
    derivation = gp.derive(NETWORK, wrt=["W1", "b1"])
    for ask in (derivation.compile, derivation.numpy_source, derivation.c_source):
        with pytest.raises(EquationError, match="no gradient by 'W2'; expected some of W1, b1"):
            ask(only=["W2"])
        with pytest.raises(EquationError, match="expected a name, where the loss is left out"):
            ask(only=[], loss=False)
