"""What an epoch tells, who is classified rightly, and what a checkpoint is of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import gradproof as gp
from gradproof.training.checkpoint import CheckpointError
from gradproof.training.initialisations import drawn
from gradproof.training.loop import Plan, train
from gradproof.training.samples import Data

RNG = np.random.default_rng(3)
DATA = Data("made", RNG.standard_normal((10, 2)), RNG.integers(0, 2, 10), ("no", "yes"))
PLAN = Plan(epochs=1, batch=4, test=0, optimiser="gradient_descent", learning_rate=1e-13)


def network(loss: str = "binary_cross_entropy", output: str = "sigmoid") -> gp.Network:
    return gp.Network([2, 1], output=output, loss=loss)


def test_an_epochs_loss_is_the_mean_of_the_samples_where_the_last_batch_is_short():
    """The parameters hardly move: the mean over the epoch is that over all samples at once."""
    training = train(network(), DATA, PLAN)
    (epoch,) = training.run()
    assert training.taken == 3
    assert epoch.loss == pytest.approx(training.evaluated(np.arange(10))[0], rel=1e-9)


@pytest.mark.parametrize(("loss", "output", "due"), [
    ("binary_cross_entropy", "sigmoid", [False, True]),
    ("binary_cross_entropy_from_logits", "identity", [True, True]),
    ("hinge", "identity", [True, True]),
])
def test_one_output_says_a_class_by_its_half_or_by_its_sign(loss, output, due):
    """0.3 is nearer to 0, and as a logit or a score says 1."""
    training = train(network(loss, output), DATA, PLAN)
    yes = training.fitted.arrays["Y"].max()
    right = training.right(np.array([[0.3], [0.7]]), np.array([[yes], [yes]]))
    assert right.ravel().tolist() == due


def test_a_checkpoint_is_of_its_data_and_of_the_epochs_that_a_schedule_counts(tmp_path):
    file = tmp_path / "run.npz"
    list(train(network(), DATA, PLAN, checkpoint_file=file).run())
    other = replace(DATA, X=DATA.X + 1)
    with pytest.raises(CheckpointError, match="of another run"):
        train(network(), other, PLAN, checkpoint_file=file, resume=True)
    falling = replace(PLAN, schedule="cosine")
    file = tmp_path / "falling.npz"
    list(train(network(), DATA, falling, checkpoint_file=file).run())
    with pytest.raises(CheckpointError, match="only the number of epochs may change, where"):
        train(network(), DATA, replace(falling, epochs=2), checkpoint_file=file, resume=True)


def test_orthogonal_matrices_are_drawn_from_all_rotations():
    """Those of a QR decomposition alone have one sign in their first entry (Mezzadri 2007)."""
    firsts = [drawn("orthogonal", RNG, "W1", (4, 3))[0, 0] > 0 for _ in range(40)]
    assert 8 < sum(firsts) < 32
