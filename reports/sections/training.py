"""Steps of gradient descent by the generated program: the loss after each, drawn and in a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from ..content import (
    Block,
    Display,
    Math,
    Paragraph,
    Picture,
    Prose,
    Relation,
    Section,
    Side,
    Table,
)
from .plots import Axis, Series, plot

MUCH = 100
"""The largest loss over the smallest from which on a curve is drawn on a logarithm's scale."""


@dataclass(frozen=True)
class Training:
    """What the generated program computed, step by step, from the given values on.

    losses, norms: the loss and the root of the sum of the squares of all its gradients, before the
    first step and after each; those of the last may not be finite, which ends the training.
    rate: the learning rate, as LaTeX.  left: the parameter that the last step takes out of where it
    is defined, as LaTeX, which ends the training, too.
    """

    losses: Sequence[float]
    norms: Sequence[float]
    rate: str
    parameters: Sequence[str] = ()
    left: str = ""

    @property
    def steps(self) -> int:
        return len(self.losses) - 1


def training_section(training: Training, loss: str) -> Section:
    """The update, the curve, a table, and what became of the loss; `loss` is its symbol in LaTeX.
    """
    update = Relation(r"\theta", (Side(r"\leftarrow", (
        r"\theta", rf" - \eta \frac{{\partial {loss}}}{{\partial \theta}}")),))
    blocks: list[Block] = [
        Paragraph((f"The generated program takes {training.steps} steps of gradient descent from "
                   "the given values, with learning rate ", Math(rf"\eta = {training.rate}"),
                   "; each moves every parameter ", Math(r"\theta"), ", one of ",
                   *_listed(training.parameters), ", by:")),
        Display((update,)),
    ]
    finite = [value for value in training.losses if isfinite(value)]
    is_log = bool(finite) and min(finite) > 0 and max(finite) > MUCH * min(finite)
    drawn = plot("loss", "The loss after each step", Axis("step", counts=True),
                 Axis("loss", is_log), [Series("loss", list(enumerate(training.losses)))])
    if drawn is not None:
        caption = "The loss after each step of gradient descent"
        blocks.append(Picture((f"{caption}, on a logarithmic scale." if is_log else f"{caption}.",),
                              drawn))
    rows: list[tuple[Prose, ...]] = [
        ((str(step),), (_shown(training.losses[step]),), (_shown(training.norms[step]),))
        for step in _told(training.steps)]
    blocks += [
        Table((("step",), ("loss",), ("norm of the gradient",)), tuple(rows), "rdd"),
        Paragraph(_became(training)),
    ]
    return Section(("Training",), tuple(blocks), name="training")


def _told(steps: int) -> list[int]:
    """The steps in the table: 0, 1, 2, 5, 10, 20, ... and the last."""
    found = [0]
    power = 1
    while power <= steps:
        found += [power * times for times in (1, 2, 5) if power * times <= steps]
        power *= 10
    return sorted({*found, steps})


def _became(training: Training) -> Prose:
    *_, last = training.losses
    if training.left:
        return (f"After step {training.steps} the next one would take ", Math(training.left),
                " out of where it is defined, which ends the training: the learning rate is too "
                "large here.")
    if not isfinite(last):
        return (f"After step {training.steps} the loss is no number that a float holds, which ends "
                "the training: the learning rate is too large here.",)
    rises = sum(after > before for before, after in
                zip(training.losses, training.losses[1:], strict=False))
    told = f"In {training.steps} steps the loss goes from {_shown(training.losses[0])} to " \
           f"{_shown(last)}"
    return (f"{told}, and no step raises it." if not rises else
            f"{told}; {rises} of the steps raise it.",)


def _listed(names: Sequence[str]) -> Prose:
    runs: list[str | Math] = []
    for place, name in enumerate(names):
        if place:
            runs.append(" and " if place == len(names) - 1 else ", ")
        runs.append(Math(name))
    return tuple(runs)


def _shown(value: float) -> str:
    return f"{value:.6g}" if isfinite(value) else "–"
