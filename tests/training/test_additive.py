"""Which losses are sums over the samples, by their equations; and that blocks add up to the batch.

A table of each: what is refused names the equation, and of what is not, blocks of any lengths give
the loss and the gradients of the whole batch.
"""

import doctest
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from additive import ADDITIVE, REFUSED, derived, sized, stated
from hypothesis import given, settings
from hypothesis import strategies as st

import gradproof as gp
from gradproof.derivations.blocks import summed
from gradproof.symbolic.splitting.additive import NotAdditiveError

LONGER = ("an LSTM, with steps in front", "penalties", "a convolution", "layer norm", "dropout",
          "what is solved for, for each sample")


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
