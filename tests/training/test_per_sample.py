"""The gradients of each sample's share of a loss: those of blocks of one sample, all at once.

What is refused names its equation; what is the same for all samples is computed once.
"""

from dataclasses import replace

import numpy as np
import pytest
from additive import ADDITIVE, REFUSED, derived, sized, stated
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import random_networks, values_for

import gradproof as gp
from gradproof.symbolic.equation import EquationError
from gradproof.symbolic.splitting.additive import NotAdditiveError
from gradproof.symbolic.validation import validate

LONGER = ("an LSTM, with steps in front", "penalties", "a convolution", "layer norm", "dropout",
          "what is solved for, for each sample")
FREE = {
    "weights of norm 1": ("V = W/sqrt(sum(W**2, axis=0))\nL = mean((X @ V - Y)**2)", {}),
    "a penalty on what is computed of weights": (
        "V = tanh(W)\nL = mean((X @ V - Y)**2) + sum(V**4)", {}),
    "weights by a softmax": ("V = softmax(W)\nU = V @ Q\nL = mean((X @ U - Y)**2)", {"Q": "k k"}),
    "an inverse": ("V = inv(Q)\nL = mean(tanh(X @ W @ V - Y)**2)",
                   {"Q": gp.Array("k k", kind="invertible")}),
    "the largest weights": ("V = max(W, axis=0)\nL = mean((X @ W - V)**2)", {}),
    "a factor of all": ("c = exp(sum(W*W))\nL = sum(c*tanh(X @ W))", {}),
    "what is solved for of weights": (
        "Z = fixed_point(tanh(0.2*(Z @ V) + U), start=U)\nL = mean((X @ Z - Y)**2)",
        {"V": "k k", "U": "n k"}),
    "an embedding": ("S = E[t]\nL = mean((S @ Q - Y)**2)",
                     {"E": "n k", "Q": "k k", "t": gp.Array("m", kind="labels", classes="n")}),
}


def expect_those_of_one_sample(derivation, values):
    """Each share and its gradients are what a block of this one sample gives."""
    shares, gradients = derivation.per_sample().compile()(**values)
    blocks = derivation.additive()
    of_one = blocks.of_block.compiled()
    (samples,) = shares.shape
    for s in range(samples):
        one = {name: np.take(value, [s], axis=blocks.along[name]) if name in blocks.along else value
               for name, value in values.items()}
        loss, due = of_one(**blocks.given(blocks.block, one, samples))
        np.testing.assert_allclose(shares[s], loss, rtol=1e-12, atol=1e-14)
        for name, gradient in gradients.items():
            expected = due.get(name, np.zeros(values[name].shape))
            np.testing.assert_allclose(gradient[s], expected, rtol=1e-11, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.slow if name in LONGER else ()) for name in ADDITIVE])
def test_they_are_those_of_blocks_of_one_sample(name):
    derivation = derived(ADDITIVE[name])
    validate(derivation.per_sample().system)
    expect_those_of_one_sample(
        derivation, sized(derivation.system, 5, np.random.default_rng(1)))


@pytest.mark.parametrize("name", FREE)
def test_what_is_computed_of_parameters_alone_is_so_once(name):
    text, shapes = FREE[name]
    source = stated(text, **shapes)
    wrt = [array.name for array in source.inputs if array.name in "WQUVE"]
    derivation = gp.derive(source, wrt=wrt)
    values = sized(derivation.system, 4, np.random.default_rng(2))
    if "t" in values:
        values["t"] = np.array([2, 0, 2, 1])
    expect_those_of_one_sample(derivation, values)
    made, given = derivation.per_sample().system.shapes, derivation.system.shapes
    forward = {formula.name for formula in derivation.forward.values()} & made.keys()
    assert {name: made[name] for name in forward - {"L"}} == {
        name: given[name] for name in forward - {"L"}}


@pytest.mark.parametrize("name", REFUSED)
def test_what_mixes_samples_is_refused_by_its_equation(name):
    make, said = REFUSED[name]
    derivation = derived(make)
    with pytest.raises(NotAdditiveError, match=rf"(?s)does not split along m.*({said})"):
        derivation.per_sample()


@settings(max_examples=6)
@given(random_networks(), st.integers(0, 2**32 - 1))
def test_their_sum_is_the_gradient(network, seed):
    """Of networks with penalties: but for what no sample has a share in."""
    network = replace(network, batch="m")
    derivation = gp.derive(network)
    values = values_for(network, seed=seed)
    loss, due = derivation.compile()(**values)
    shares, found = derivation.per_sample().compile()(**values)
    blocks = derivation.additive()
    samples = shares.shape[0]
    rest = (0.0, {}) if blocks.of_once is None else blocks.of_once.compiled()(
        **blocks.given(blocks.once, values, samples))
    assert np.sum(shares) + rest[0] == pytest.approx(loss, rel=1e-12, abs=1e-13)
    for name, gradient in due.items():
        assert found[name].shape == (samples, *gradient.shape)
        np.testing.assert_allclose(np.sum(found[name], axis=0) + rest[1].get(name, 0.0), gradient,
                                   rtol=1e-11, atol=1e-12 * max(1, np.abs(found[name]).max()))


def test_a_bias_that_is_added_for_each_sample_is_of_each():
    """Though the sum of it is m times it, which a sum over all samples does not show."""
    each = gp.derive(stated("L = sum(X @ W + b)/m + sum(b)"), wrt=["b"]).per_sample()
    values = {"X": np.ones((4, 3)), "W": np.ones((3, 2)), "b": np.ones(2)}
    shares, gradients = each.compile()(**values)
    assert gradients["b"].tolist() == [[0.25, 0.25]] * 4
    assert shares.tolist() == [2.0] * 4
    assert each.apart == ("L",)


def test_the_gradient_by_the_samples_is_that_of_the_batch():
    derivation = gp.derive(stated("L = mean((X @ W - Y)**2)"), wrt=["X", "W"])
    values = sized(derivation.system, 3, np.random.default_rng(0))
    each = derivation.per_sample()
    assert each.own == {"X"}
    np.testing.assert_array_equal(
        each.compile()(**values)[1]["X"], derivation.compile()(**values)[1]["X"])


def test_the_formulas_are_those_before_the_sum_over_the_samples():
    each = gp.derive(gp.Network([3, 4, 2], activation="tanh", l2=0.1)).per_sample()
    assert str(each.gradients["W1"]) == "∂L/∂w⁽¹⁾ₛᵢⱼ = δ⁽¹⁾ₛⱼ xₛᵢ"
    assert str(each.gradients["b2"]) == "∂L/∂b⁽²⁾ = δ⁽²⁾"
    assert "without the sum over the samples" in each.gradients["W1"].because[0]
    assert str(each).endswith("no sample has a share in it: what is free of the samples in L")
    assert "dW1 = dZ1[:, None, :] * X[:, :, None]" in each.numpy_source()


@pytest.mark.parametrize("target", ["numpy", "c", pytest.param(
    "numba", marks=[pytest.mark.peers, pytest.mark.rows])])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_target_gives_the_same(target, dtype):
    derivation = derived(ADDITIVE["a softmax of each sample"])
    each = derivation.per_sample()
    values = {name: value.astype(dtype) for name, value in
              sized(derivation.system, 6, np.random.default_rng(0)).items()}
    space = {}
    exec(each.numpy_source(), space)
    due = space["gradient"](**values)
    for workspace in (False, True):
        found = each.compile(workspace=workspace, target=target)(**values)
        for one, other in zip((found[0], *found[1].values()), (due[0], *due[1].values()),
                              strict=True):
            assert one.dtype == other.dtype == dtype
            np.testing.assert_allclose(one, other, rtol=1e-4 if dtype == np.float32 else 1e-12)
    assert each.c_source().results[:2] == ("L", "dW1")
    assert "dW1" in each.array_api_source(only=["W1"], loss=False)


def test_what_no_library_can_differentiate_says_so():
    each = derived(ADDITIVE["a mean"]).per_sample()
    for source in (each.torch_source, each.jax_source):
        with pytest.raises(EquationError, match="gradients of samples are no"):
            source()
    with pytest.raises(NotAdditiveError, match="P is a sum over m: no sample has one of its own"):
        gp.derive(stated("P = mean((X @ W)**2)\nL = 2*P"), wrt=["P"]).per_sample()


def peer_loss(xp, log_softmax, tanh):
    """One sample's share of the network's loss, in the words of a library."""
    def share(parameters, x, y, samples):
        hidden = tanh(x @ parameters["W1"] + parameters["b1"])
        return -xp.sum(y * log_softmax(hidden @ parameters["W2"] + parameters["b2"], 0)) / samples
    return share


@pytest.mark.peers
@pytest.mark.parametrize("library", ["torch", "jax"])
def test_vmap_of_grad_gives_the_same(library):
    """An outside witness: torch.func.vmap(grad), jax.vmap(jax.grad)."""
    derivation = derived(ADDITIVE["a softmax of each sample"])
    values = sized(derivation.system, 7, np.random.default_rng(4))
    found = derivation.per_sample().compile()(**values)[1]
    if library == "torch":
        torch = pytest.importorskip("torch")
        share = peer_loss(torch, torch.log_softmax, torch.tanh)
        given = {name: torch.tensor(value) for name, value in values.items()}
        vmap, grad = torch.func.vmap, torch.func.grad
        ways = {"in_dims": (None, 0, 0, None)}
    else:
        jax = pytest.importorskip("jax")
        jax.config.update("jax_enable_x64", True)
        share = peer_loss(jax.numpy, jax.nn.log_softmax, jax.numpy.tanh)
        given = {name: jax.numpy.asarray(value) for name, value in values.items()}
        vmap, grad = jax.vmap, jax.grad
        ways = {"in_axes": (None, 0, 0, None)}
    parameters = {name: given[name] for name in found}
    due = vmap(grad(share), **ways)(parameters, given["X"], given["Y"], 7)
    for name, gradient in found.items():
        np.testing.assert_allclose(gradient, np.asarray(due[name]), rtol=1e-11, atol=1e-14)
