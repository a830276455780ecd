"""What stands beside a run: differences of its loss, scikit-learn's network on the same split."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from gradproof.numeric import Comparison, compare_gradient
from gradproof.symbolic.specs.network import Network

from .loop import Training

EVALUATIONS = 200
"""Of the loss, for differences."""
NAMES = {"tanh": "tanh", "relu": "relu", "sigmoid": "logistic", "identity": "identity"}
"""Activations as scikit-learn calls them."""
NEAR = 0.03
"""How far apart two such networks may be, as a part of the samples set aside."""


def differences(training: Training) -> list[Comparison]:
    """The derived gradient of the first batch, at the first values, against differences of its
    loss."""
    places = training.train_places[: training.batch]
    masks = training.fitted.drawn_masks(len(places), np.random.default_rng(training.plan.seed))
    arrays = {**training.fitted.batch(places), **masks, **training.parameters}
    _, gradient = training.gradient(**arrays)

    def loss(given: Any) -> Any:
        return training.forward(**given)[0]

    return list(compare_gradient(loss, arrays, gradient, budget=EVALUATIONS).values())


def scikit_learn(training: Training) -> float | None:
    """The part of the samples set aside that scikit-learn's MLPClassifier classifies rightly: of
    the same sizes and activation, with the same rule, rate, batches and number of epochs, trained
    on the same samples; None where scikit-learn is not installed.

    Raises ValueError for a run that is no such classifier's.
    """
    network, plan = training.network, training.plan
    if not isinstance(network, Network) or plan.optimiser != "adam" or not training.data.classes:
        raise ValueError("beside scikit-learn: expected a network that classifies, trained by adam")
    try:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.neural_network import MLPClassifier
    except ImportError:
        return None
    (activation,) = set(network.activations[:-1])
    widths = [array.shape[-1] for name, array in training.parameters.items()
              if name.startswith("b")]
    theirs = MLPClassifier(
        tuple(widths[:-1]), activation=NAMES[activation], solver="adam", alpha=0.0,
        batch_size=training.batch, learning_rate_init=plan.eta, max_iter=plan.epochs,
        n_iter_no_change=plan.epochs, random_state=plan.seed)
    X, kept, aside = training.data.X, training.train_places, training.test_places
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it ends as asked for
        theirs.fit(X[kept], training.data.targets[kept])
    return float(theirs.score(X[aside], training.data.targets[aside]))
