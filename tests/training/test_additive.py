"""Which losses are sums over the samples, by their equations; and that blocks add up to the batch.

A table of each: what is refused names the equation, and of what is not, blocks of any lengths give
the loss and the gradients of the whole batch.
"""

import doctest
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradproof as gp
from gradproof.derivations.blocks import summed
from gradproof.symbolic.splitting.additive import NotAdditiveError
from gradproof.symbolic.text.statements import parse_equations

SHAPES = {"X": "m n", "Y": "m k", "W": "n k", "v": "m", "b": "k"}


def stated(text, **shapes):
    """Equations, and the inputs that stand in them."""
    known = {**SHAPES, **shapes}
    used = {name: shape for name, shape in known.items() if re.search(rf"\b{name}\b", text)}
    return parse_equations(text, used)


def dense(**options):
    return gp.Network([3, 4, 2], activation="tanh", **options)


def layers(*table, loss="cross_entropy_from_logits", shape="m n"):
    return gp.Model(shape, list(table), loss=loss)


DENSE = {"type": "dense", "units": 3}
ADDITIVE = {
    "a mean": lambda: stated("D = X @ W - Y\nL = sum(D**2)/m"),
    "a sum": lambda: stated("D = X @ W - Y\nL = sum(D**2)"),
    "a mean over all entries": lambda: stated("D = X @ W - Y\nL = mean(D**2)"),
    "one over m - 1": lambda: stated("D = X @ W - Y\nL = sum(D**2)/(m - 1)"),
    "m inside each sample's term": lambda: stated("D = X @ W - Y\nL = sum(tanh(D/m)**2)*sqrt(m)"),
    "a term that is no sum": lambda: stated("D = X @ W - Y\nL = sum(D**2)/m + 0.1*sum(W**2)"),
    "a term that is one over m": lambda: stated("D = X @ W - Y\nL = (sum(D**2) + sum(W**2))/m"),
    "two sums": lambda: stated("D = X @ W - Y\nP = sum(D**2)/m\nL = 2*P + 3*sum(abs(D)) + sum(W)"),
    "a sum times what is free": lambda: stated("D = X @ W - Y\nP = mean(D**2)\nL = P*sum(W**2)"),
    "sums for each class": lambda: stated("D = (X @ W - Y)**2\nc = sum(D, axis=0)\nL = sum(c*b)"),
    "a parameter of the penalty alone": lambda: stated("L = sum((X @ W)**2)/m + sum(b**2)"),
    "an input that is called M": lambda: stated("D = X @ M - Y\nL = mean(D**2)", M="n k"),
    "weights of samples": lambda: stated("D = sum((X @ W - Y)**2, axis=1)\nL = sum(v*D)/m"),
    "m alone": lambda: stated("D = X @ W - Y\nL = sum(D**2) + m*sum(W**2)"),
    "what is solved for, for each sample": lambda: stated(
        "Z = fixed_point(tanh(0.2*(Z @ V) + X @ W), start=Y)\nL = sum((Z - Y)**2)/m", V="k k"),
    "places along another axis": lambda: stated("L = sum(X @ W * arange(k))"),
    "a softmax of each sample": lambda: dense(output="softmax", loss="cross_entropy"),
    "samples in columns": lambda: dense(output="softmax", loss="cross_entropy",
                                        convention="columns"),
    "penalties": lambda: dense(output="sigmoid", loss="binary_cross_entropy", l1=0.01, l2=0.3),
    "dropout": lambda: layers(DENSE, {"type": "dropout", "keep": 0.5}, DENSE),
    "layer norm": lambda: layers(DENSE, {"type": "layer_norm"}, DENSE),
    "an LSTM, with steps in front": lambda: layers(
        {"type": "lstm", "units": 2}, {"type": "last"}, DENSE, shape="T m n"),
    "a convolution": lambda: layers(
        {"type": "conv2d", "channels": 2, "kernel": 2, "activation": "relu"},
        {"type": "max_pool2d", "kernel": 2}, {"type": "flatten"}, DENSE, shape="m 1 5 5"),
}

LONGER = ("an LSTM, with steps in front", "penalties", "a convolution", "layer norm", "dropout",
          "what is solved for, for each sample")

REFUSED = {
    "batch norm": (
        lambda: layers(DENSE, {"type": "batch_norm"}, DENSE),
        r"reads mu, which was summed over m before: var\["),
    "a root of a mean": (
        lambda: stated("D = X @ W - Y\nq = mean(D**2)\nL = sqrt(q)"), r"not linear in q.*L\[\]"),
    "weights that are divided by their sum": (
        lambda: stated("D = sum((X @ W - Y)**2, axis=1)\nL = sum(v*D)/sum(v)"),
        "summed over m before"),
    "a mean whose number is counted": (
        lambda: stated("D = sum((X @ W - Y)**2, axis=1)\np = sum(v*D)\nq = sum(v)\nr = p/q\n"
                       "L = r + q"), "before|not linear"),
    "a product of two sums": (
        lambda: stated("p = sum(X @ W)\nq = sum(Y)\nL = p*q"), r"not linear in p, q"),
    "what is constant on either side": (
        lambda: stated("q = sum(X @ W)\nL = sign(q) + sum(W)"), r"not linear in q"),
    "the larger of a sum and 0": (
        lambda: stated("q = sum(X @ W)\nL = maximum(q, 0)"), r"not linear in q"),
    "a softmax over the batch": (
        lambda: stated("P = softmax(X @ W, axis=0)\nL = sum(P*Y)"), r"summed|logsumexp"),
    "the largest of the batch": (
        lambda: stated("c = max(X @ W, axis=0)\nL = sum(c)"), "max over m"),
    "log Σ exp over the batch": (
        lambda: stated("c = logsumexp(X @ W, axis=0)\nL = sum(c)"), "logsumexp over m"),
    "pairs of samples": (
        lambda: stated("S = X @ W @ W.T @ X.T\nL = sum(S**2)"), "pair|all of them"),
    "a covariance that is inverted": (
        lambda: stated("C = X.T @ X + W @ W.T\nL = trace(inv(C))"), r"inv|not linear|another way"),
    "neighbours": (
        lambda: stated("A = X @ W\nD = A[1:] - A[:-1]\nL = sum(D**2)"), "m - 1|another place"),
    "one place": (lambda: stated("A = X @ W\nL = sum(A[0]**2) + sum(A)"), "another place"),
    "the place in the batch": (
        lambda: stated("L = sum((X @ W)[:, 0] * arange(m))"), "where in the batch"),
    "turned around": (lambda: stated("L = sum((X @ W)[::-1] * Y)"), "another place"),
    "sums up to each sample": (lambda: stated("L = sum(cumsum(X @ W, axis=0))"), "pairs"),
    "samples flattened with classes": (
        lambda: stated("L = sum((X @ W).reshape(m*k)**2)/m"), r"an axis of length k\*m"),
    "a variance": (lambda: stated("L = sum(var(X @ W, axis=0))"), "summed over m before"),
    "a graph": (lambda: stated("A = G @ X @ W\nL = sum(A**2)", G="m m"), "shape"),
    "no samples": (lambda: stated("L = sum(W**2)"), "reads no input"),
    "no sum over them": (
        lambda: stated("c = mean(X, axis=0)\nD = X @ W - c @ W\nL = sum(D**2)"), "summed over m"),
    "a loss of what was summed": (
        lambda: stated("q = sum(X @ W)\nL = exp(q)"), r"not linear in q.*L\[\]"),
}


def sized(system, samples, rng):
    """Values of all inputs, for some number of samples."""
    numbers = {"m": samples, "n": 3, "k": 2, "T": 4}

    def number(size):
        return int(size.xreplace({s: numbers[str(s)] for s in size.free_symbols}))

    values = {}
    for array in system.inputs:
        shape = tuple(map(number, array.shape))
        value = rng.uniform(0.1, 0.9, shape)
        if array.kind in ("probability", "one_hot"):
            value = value / value.sum(axis=array.along, keepdims=True)
        if array.name.startswith("mask"):
            value = (value > 0.5).astype(float)
        values[array.name] = value
    return values


def wrt_of(derivation):
    return tuple(derivation.gradients)


def derived(make):
    source = make()
    if not isinstance(source, gp.Network | gp.Model):
        names = [array.name for array in source.inputs if array.name in ("W", "b", "M")]
        return gp.derive(source, wrt=names)
    return gp.derive(source)


def pieces(values, along, cuts):
    """Blocks of the arrays with samples, cut at these places."""
    for start, end in pairwise(cuts):
        yield {name: np.take(values[name], range(start, end), axis=axis)
               for name, axis in along.items()}


def expect_equal(found, due, tolerance=1e-12):
    assert found[0] == pytest.approx(due[0], rel=tolerance, abs=tolerance)
    assert found[1].keys() == due[1].keys()
    for name, value in due[1].items():
        np.testing.assert_allclose(found[1][name], value, rtol=1e-9, atol=tolerance, err_msg=name)


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.slow if name in LONGER else ()) for name in ADDITIVE])
def test_blocks_of_any_lengths_add_up_to_the_batch(name):
    derivation = derived(ADDITIVE[name])
    values = sized(derivation.system, 7, np.random.default_rng(3))
    due = derivation.compile()(**values)
    blocks = derivation.additive()
    rest = {key: value for key, value in values.items() if key not in blocks.along}
    assert blocks.along.keys() == {a.name for a in derivation.system.inputs
                                   if "m" in map(str, a.shape)}
    for cuts in ([0, 7], [0, 3, 7], [0, 1, 1, 5, 7], [*range(8)]):
        expect_equal(blocks.gradient(pieces(values, blocks.along, cuts), 7, **rest), due)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_sum_over_the_samples_is_refused_by_its_equation(name):
    make, said = REFUSED[name]
    source = make()
    derivation = derived(lambda: source)
    with pytest.raises(NotAdditiveError, match=rf"(?s)does not split along m.*({said})"):
        derivation.additive()


def test_an_axis_of_steps_is_additive_where_each_step_stands_alone():
    """A loss of each place splits along the places; a recurrence over them does not."""
    alone = gp.derive(stated("D = A @ W\nL = sum(D**2)/T", A="T m n"), wrt=["W"])
    assert alone.additive("T").along == {"A": 0}
    assert alone.additive("m").along == {"A": 1}
    lstm = derived(ADDITIVE["an LSTM, with steps in front"])
    with pytest.raises(NotAdditiveError, match="does not split along T"):
        lstm.additive("T")


def test_a_penalty_is_added_once_and_reads_no_sample():
    blocks = derived(ADDITIVE["penalties"]).additive()
    assert blocks.once == ("W1", "W2")
    assert derived(ADDITIVE["a mean"]).additive().once == ()


def test_a_gradient_by_the_samples_is_refused():
    with pytest.raises(NotAdditiveError, match="the gradient by X has a place for each sample"):
        gp.derive(stated("D = X @ W - Y\nL = sum(D**2)"), wrt=["X", "W"]).additive()


def test_targets_that_sum_to_one_over_the_batch_are_refused():
    for along, splits in ((1, True), (0, False)):
        source = stated("L = -sum(Y*(X @ W))/m", Y=gp.Array("m k", kind="probability", axis=along))
        if splits:
            gp.derive(source, wrt=["W"]).additive()
        else:
            with pytest.raises(NotAdditiveError, match="Y is declared to sum to one over the samp"):
                gp.derive(source, wrt=["W"]).additive()


def test_what_the_page_on_training_says_of_blocks_is_so():
    page = Path(__file__).parents[2] / "docs" / "training.md"
    found = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert found.attempted >= 6
    assert not found.failed


def test_single_precision_stays():
    derivation = derived(ADDITIVE["a term that is one over m"])
    values = {name: value.astype(np.float32) for name, value in
              sized(derivation.system, 6, np.random.default_rng(2)).items()}
    due, blocks = derivation.compile()(**values), derivation.additive()
    loss, gradients = blocks.gradient(pieces(values, blocks.along, [0, 4, 6]), 6, W=values["W"])
    assert gradients["W"].dtype == due[1]["W"].dtype == np.float32
    if np.lib.NumpyVersion(np.__version__) >= "2.0.0":  # before, numbers are of double precision
        assert np.asarray(loss).dtype == np.float32
    np.testing.assert_allclose(gradients["W"], due[1]["W"], rtol=1e-5)


def test_blocks_that_are_not_the_batch_are_an_error():
    derivation = derived(ADDITIVE["a mean"])
    values = sized(derivation.system, 5, np.random.default_rng(0))
    blocks = derivation.additive()
    with pytest.raises(ValueError, match="expected 5 in all blocks, got 4"):
        blocks.gradient(pieces(values, blocks.along, [0, 4]), 5, W=values["W"])
    with pytest.raises(TypeError, match="missing"):
        blocks.gradient(pieces(values, blocks.along, [0, 5]), 5)


LOSS = derived(ADDITIVE["two sums"])
BLOCKS = LOSS.additive()
WHOLE, PART, ONCE = LOSS.compile(), BLOCKS.of_block.compiled(), BLOCKS.of_once.compiled()


@settings(max_examples=20)
@given(st.integers(1, 12).flatmap(lambda m: st.tuples(
    st.just(m), st.sets(st.integers(1, max(m - 1, 1)), max_size=4), st.integers(0, 2**32 - 1))))
def test_every_cut_gives_the_same_sum(drawn):
    samples, inner, seed = drawn
    values = sized(LOSS.system, samples, np.random.default_rng(seed))
    cuts = sorted({0, samples, *(cut for cut in inner if cut < samples)})
    found = [PART(**BLOCKS.given(BLOCKS.block, {**values, **block}, samples))
             for block in pieces(values, BLOCKS.along, cuts)]
    once = ONCE(**BLOCKS.given(BLOCKS.once, values, samples))
    expect_equal(summed([*found, once]), WHOLE(**values))
