"""The loss of a network or model: its equations with penalties, smoothed labels and weights.

Which losses there are is the table in :mod:`gradproof.symbolic.layers.losses`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from ..equation import Array, Equation, Index, Read, Term, slot
from ..functions import ABS
from ..layers.losses import LOSSES, Loss
from ..solving import prune
from .checks import NetworkError, check_apart, check_name, choice, number

BOUNDED: dict[str, tuple[str, ...]] = {
    "probability": ("sigmoid", "hard_sigmoid", "softmax"), "distribution": ("sigmoid", "softmax"),
}
"""Named activations whose values can be the probabilities that a loss needs."""


@dataclass(frozen=True)
class Objective:
    """A loss with its options, checked.

    loss: a key of ``LOSSES``.
    l1, l2: λ of the penalties λ Σ |W| and ½ λ Σ W² on every weight (not on biases); a number, or
        the name of a scalar input.
    label_smoothing: ε of the targets (1 - ε) y + ε/K for K classes, of a cross-entropy.
    sample_weights: whether each sample's loss is multiplied by its entry of the input
        ``sample_weights``.  A mean stays one over the number of samples (or entries), whatever
        the weights sum to.

    Raises NetworkError, which names the key.
    """

    loss: str
    l1: Any = 0
    l2: Any = 0
    label_smoothing: Any = 0
    sample_weights: bool = False

    def __post_init__(self) -> None:
        choice("loss", self.loss, LOSSES)
        for key in ("l1", "l2"):
            value = getattr(self, key)
            if isinstance(value, str):
                check_name(key, value)
            elif number(key, value) < 0:
                raise NetworkError(key, f"expected zero, a positive number or a name, got {value}")
        smoothing = number("label_smoothing", self.label_smoothing)
        if not 0 <= smoothing < 1:
            raise NetworkError("label_smoothing", "expected a number of at least 0 and below 1, "
                               f"got {self.label_smoothing}")
        smoothed = [name for name in LOSSES if name.startswith("cross_entropy")]
        if smoothing and self.loss not in smoothed:
            raise NetworkError("label_smoothing", f"is for the losses {smoothed}; this one is "
                               f"{self.loss!r}")
        if not isinstance(self.sample_weights, bool):
            raise NetworkError("sample_weights", "expected true or false (the weights are an "
                               f"input, sample_weights), got {self.sample_weights!r}")

    @property
    def row(self) -> Loss:
        """The loss's row of the table."""
        return LOSSES[self.loss]

    @property
    def scalars(self) -> tuple[str, ...]:
        """Names of the scalar inputs that the penalties read."""
        return tuple(dict.fromkeys(v for v in (self.l1, self.l2) if isinstance(v, str)))

    def check_names(self, taken: Sequence[str]) -> None:
        """That the scalars are called like nothing else."""
        for key in ("l1", "l2"):
            check_apart(key, getattr(self, key), taken)

    def equations(
        self, output: str, axes: Sequence[Index], feature: Index, weights: Sequence[Array],
        fresh: Callable[[str], str] = str,
    ) -> tuple[list[Array], list[Equation]]:
        """The inputs beside the target ``Y``, and the equations down to ``L``.

        `axes` are those of the output and of Y; all but `feature` count samples.  A number a
        sample that the loss reads is called S (log Σ exp) or R (score), or what
        `fresh` makes of that where the name is taken.

        >>> i, j = Index("i", sp.Symbol("m")), Index("j", sp.Symbol("n"))
        >>> inputs, equations = Objective("hinge").equations("Z", (i, j), j, ())
        >>> print(equations[0])
        L[] = Σ_i<m Σ_j<n relu(-Y[i, j]*Z[i, j] + 1)/m
        """
        loss = self.row
        sample = tuple(index for index in axes if index is not feature)
        here = tuple(index.symbol for index in axes)
        there = tuple(index.symbol for index in sample)
        inputs = [Array(name, ()) for name in self.scalars]
        equations: list[Equation] = []
        reads = [Read("Y", here), Read(output, here)]
        if loss.row is not None:
            name = fresh({"logsumexp": "S", "score": "R"}[loss.row])
            equations.append(loss.of_row(name, reads[0], reads[1], sample, feature))
            reads.append(Read(name, there))
        body = loss.body(*map(slot, range(len(reads)))) / loss.divisor(sample, axes)
        smoothing = number("label_smoothing", self.label_smoothing)
        if smoothing:
            soft = (1 - smoothing) * slot(0) + smoothing / feature.size
            body = sp.expand(body.xreplace({slot(0): soft}), deep=False)
        if self.sample_weights:
            inputs.append(Array("sample_weights", tuple(index.size for index in sample), "real",
                                tuple(index.name for index in sample)))
            body = body.func(*(slot(len(reads)) * part for part in body.args)) if (
                smoothing and body.is_Add) else slot(len(reads)) * body
            reads.append(Read("sample_weights", there))
        # Smoothed, the part with the target's entries is a term of its own: those sum to one.
        parts = sp.Add.make_args(body) if smoothing else (body,)
        terms = [Term(*prune(part, tuple(reads)), tuple(axes)) for part in parts]
        for weight in weights:
            terms += self._penalties(weight)
        equations.append(Equation("L", (), tuple(terms)))
        return inputs, equations

    def _penalties(self, weight: Array) -> list[Term]:
        indices = tuple(Index(name, size) for name, size in zip(weight.axes, weight.shape,
                                                                strict=True))
        read = Read(weight.name, tuple(index.symbol for index in indices))
        found = []
        for rate, of in ((self.l1, ABS(slot(0))), (self.l2, slot(0) ** 2 / 2)):
            if isinstance(rate, str):
                found.append(Term(slot(1) * of, (read, Read(rate, ())), indices))
            elif number("rate", rate):
                found.append(Term(number("rate", rate) * of, (read,), indices))
        return found
