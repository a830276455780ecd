"""Losses: a table of scalar bodies, for specs and texts alike, and what a text's call builds.

A spec's loss may have penalties, smoothed labels and weights of samples beside it, which are in
:mod:`gradproof.symbolic.specs.losses`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import sympy as sp

from ..equation import Equation, Index, Kind, Read, Term, slot
from ..functions import ABS, HUBER, RELU, SOFTPLUS, XLOGX
from ..solving import prune
from .builder import Builder, Operand


@dataclass(frozen=True)
class Loss:
    """A loss as a sum over samples and outputs of `body`(target y, output a or logit z).

    `mean` divides by "samples" or by "entries".  `row` is a third argument, one number a sample:
    "logsumexp" of its outputs, or the "score" Σ y z of its class.  `output` says what the formula
    needs: "logits" (any real number), "probability" (between 0 and 1), "distribution" (rows of
    probabilities), "any".  `target` is what is assumed of Y; `labels` the values it may have,
    `low` and `high` their bounds.
    """

    meaning: str
    body: Callable[..., sp.Expr]
    mean: Literal["samples", "entries"] | None = None
    target: Kind = "real"
    output: Literal["logits", "probability", "distribution", "any"] = "any"
    row: Literal["logsumexp", "score"] | None = None
    labels: tuple[int, ...] = ()
    low: float = -math.inf
    high: float = math.inf

    def of_row(
        self, name: str, target: Read, output: Read, sample: Sequence[Index], feature: Index
    ) -> Equation:
        """The number a sample that the body takes as its third argument, called `name`."""
        if self.row == "logsumexp":
            return Equation(name, tuple(sample), (Term(slot(0), (output,), (feature,)),),
                            "logsumexp")
        return Equation(name, tuple(sample), (Term(slot(0) * slot(1), (target, output),
                                                   (feature,)),))

    def divisor(self, sample: Sequence[Index], axes: Sequence[Index]) -> sp.Expr:
        """What a mean divides by; 1 for a sum."""
        counted = {"samples": sample, "entries": axes, None: ()}[self.mean]
        return sp.Mul(*(index.size for index in counted))


LOSSES: dict[str, Loss] = {
    "half_squared_error": Loss("½ Σ (y - a)² over all entries", lambda y, a: (y - a) ** 2 / 2),
    "mean_squared_error": Loss(
        "mean of (y - a)² over all entries", lambda y, a: (y - a) ** 2, mean="entries"
    ),
    "mean_absolute_error": Loss(
        "mean of |y - a| over all entries", lambda y, a: ABS(y - a), mean="entries"
    ),
    "huber": Loss(
        "mean over all entries of ½ (a - y)² where |a - y| ≤ 1, and of |a - y| - ½ elsewhere",
        lambda y, a: HUBER(a - y), mean="entries",
    ),
    "binary_cross_entropy": Loss(
        "-Σ (y log a + (1 - y) log(1 - a)), mean over samples; a are probabilities",
        lambda y, a: -y * sp.log(a) - (1 - y) * sp.log(1 - a),
        mean="samples", output="probability", low=0, high=1,
    ),
    "binary_cross_entropy_from_logits": Loss(
        "Σ (softplus(z) - y z), mean over samples; z are logits",
        lambda y, z: SOFTPLUS(z) - y * z,
        mean="samples", output="logits", low=0, high=1,
    ),
    "cross_entropy": Loss(
        "-Σ y log p, mean over samples; rows of p are probabilities, rows of y sum to one",
        lambda y, p: -y * sp.log(p),
        mean="samples", target="probability", output="distribution",
    ),
    "cross_entropy_from_logits": Loss(
        "-Σ y (z - log Σ exp z), mean over samples; z are logits, rows of y sum to one",
        lambda y, z, level: -y * (z - level),
        mean="samples", target="probability", output="logits", row="logsumexp",
    ),
    "kl_divergence": Loss(
        "Σ y (log y - log p), mean over samples; rows of p and of y are probabilities",
        lambda y, p: XLOGX(y) - y * sp.log(p),
        mean="samples", target="probability", output="distribution",
    ),
    "kl_divergence_from_logits": Loss(
        "Σ y (log y - z + log Σ exp z), mean over samples; z are logits, rows of y are "
        "probabilities",
        lambda y, z, level: XLOGX(y) - y * (z - level),
        mean="samples", target="probability", output="logits", row="logsumexp",
    ),
    "hinge": Loss(
        "Σ max(0, 1 - y z), mean over samples; z are scores, y is 1 or -1",
        lambda y, z: RELU(1 - y * z),
        mean="samples", labels=(1, -1),
    ),
    "multiclass_hinge": Loss(
        "Σ max(0, z - s + 1) over the classes other than the sample's own, whose score is s = "
        "Σ y z (Weston & Watkins 1999); mean over samples; rows of y are one-hot",
        lambda y, z, score: (1 - y) * RELU(z - score + 1),
        mean="samples", target="one_hot", row="score",
    ),
    "poisson": Loss(
        "mean of exp(z) - y z over all entries; z is the logarithm of the rate, y a count",
        lambda y, z: sp.exp(z) - y * z,
        mean="entries", output="logits", low=0,
    ),
}
"""Losses by the names that specs and texts call them."""


def loss(b: Builder, target: Operand, output: Operand, *, of: Loss) -> Operand:
    """The loss of outputs for targets of the same shape, a scalar.

    The last axis holds the outputs of a sample, and every other axis counts samples.  The entries
    of a vector are samples with one output each where the loss reads an entry by itself, and the
    classes of a single sample where it reads them together (cross-entropies).

    >>> print(gp.equations("L = hinge(Y, Z)", Y="m", Z="m"))
    L[] = Σ_i<m relu(-Y[i]*Z[i] + 1)/m
    """
    target.expect(output.shape, "the target")
    together = of.row is not None or of.target != "real"
    if together:
        output.expect_axis()
    axes = b.axes(output)
    sample = axes[:-1] if together or len(axes) > 1 else axes
    here = tuple(index.symbol for index in axes)
    reads = [Read(target.name, here), Read(output.name, here)]
    if of.row is not None:
        row = of.of_row("", reads[0], reads[1], sample, axes[-1])
        made = b.emit(None, sample, row.terms, row.reduction)
        reads.append(Read(made.name, tuple(index.symbol for index in sample)))
    body = of.body(*map(slot, range(len(reads)))) / of.divisor(sample, axes)
    return b.emit(None, (), [Term(*prune(body, tuple(reads)), axes)])
