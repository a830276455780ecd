"""The error of a difference quotient against its step: cut-off on one side, rounding on the other,
and the valley between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, isfinite, log10

from ..content import Block, Code, Listing, Math, Paragraph, Picture, Prose
from .plots import Axis, Series, plot


@dataclass(frozen=True)
class ErrorCurve:
    """Distances from the derived value of one entry of a gradient, at given values.

    entry: which one, W1[0,0].  forward, central: (step, distance) of (f(x + h) - f(x))/h and of
    (f(x + h) - f(x - h))/(2h).  derived, hand: the entry by each; hand is None where it is not
    known at these values.  values: a program that makes them, "" where they are the spec's.
    """

    entry: str
    forward: Sequence[tuple[float, float]]
    central: Sequence[tuple[float, float]]
    derived: float
    hand: float | None = None
    values: str = ""


def error_blocks(curve: ErrorCurve) -> list[Block]:
    """The plot, what it shows, and the values to see it again."""
    series = [Series("forward difference", curve.forward, "forward"),
              Series("central difference", curve.central, "third")]
    apart = None if curve.hand is None else abs(curve.hand - curve.derived)
    if apart is not None and isfinite(apart) and apart > 0:
        series.append(Series("hand-written",
                             [(step, apart) for step in (curve.central[0][0],
                                                         curve.central[-1][0])], "backward"))
    drawn = plot("valley", f"Errors of {curve.entry} against the step", Axis("step h", True),
                 Axis("distance from the derived value", True), series)
    if drawn is None:
        return []
    bottoms = [min((point for point in points if isfinite(point[1])), key=lambda point: point[1],
                   default=None) for points in (curve.forward, curve.central)]
    if None in bottoms:
        return []
    (forward, _), (central, error) = [point for point in bottoms if point is not None]
    told: Prose = (
        "How far a difference quotient is from the derived value of ", Code(curve.entry),
        ", against its step: large steps cut off the Taylor series, small ones lose their digits "
        "to rounding, and between lies a valley. Its bottom is near ", Math(_power(forward)),
        " for forward differences and near ", Math(_power(central)), " for central ones, which ",
        "there are within ", Math(_power(error) if error else "0"), " of the derived value.")
    blocks: list[Block] = [
        Paragraph(told),
        Picture(("The error of a difference quotient of ", Code(curve.entry),
                 " against its step, both on logarithmic scales."), drawn)]
    if curve.values:
        blocks += [Paragraph(("The values at which this was measured:",)), Listing(curve.values)]
    else:
        blocks.append(Paragraph(("It was measured at the values of the worked numbers.",)))
    return blocks


def _power(value: float) -> str:
    return f"10^{{{floor(log10(value) + 0.5)}}}"
