"""Curves over axes with ticks: the loss against the steps, an error against a step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from math import ceil, floor, isfinite, log10

from ..drawing import WIDTH, Curve, Drawing, Ink, Label, Stroke

_LEFT, _RIGHT, _TOP, _BOTTOM = 76.0, 24.0, 44.0, 50.0
HEIGHT = 300.0
_LEGEND = 15.0
_MOST_TICKS = 8
DOTS = 40
"""Points of a curve up to which each has a dot."""


@dataclass(frozen=True)
class Series:
    """One curve: what its legend says, and its points; those that a logarithm has no place for, or
    that are not finite, are left out."""

    said: str
    points: Sequence[tuple[float, float]]
    ink: Ink = "forward"


@dataclass(frozen=True)
class Axis:
    """What stands at an axis, whether its scale is that of the logarithm, and whether it counts."""

    said: str
    is_log: bool = False
    counts: bool = False

    def at(self, value: float) -> float | None:
        """A value on the scale; None for one that is not there."""
        if not isfinite(value) or (self.is_log and value <= 0):
            return None
        return log10(value) if self.is_log else value


def plot(name: str, title: str, x: Axis, y: Axis, series: Sequence[Series]) -> Drawing | None:
    """The curves in one frame, a legend above them where there are several; None where no point can
    be drawn."""
    placed = [[(a, b) for one, other in line.points
               if (a := x.at(one)) is not None and (b := y.at(other)) is not None]
              for line in series]
    if not any(placed):
        return None
    across = _Scale.of([a for line in placed for a, _ in line], x,
                       _LEFT, WIDTH - _RIGHT, tight=True)
    lower = _LEGEND * max(0, len(series) - 2)  # the frame, so that the legend is above it
    height, top = HEIGHT + lower, _TOP + lower
    up = _Scale.of([b for line in placed for _, b in line], y, height - _BOTTOM, top)
    lines, labels = _frame(across, up)
    labels.append(Label(_LEFT - 8, top - 26, y.said, 12, side="right"))
    labels.append(Label((_LEFT + WIDTH - _RIGHT) / 2, height - 14, x.said, 12))
    curves = []
    for number, (line, points) in enumerate(zip(series, placed, strict=True)):
        curves.append(Curve(tuple((across(a), up(b)) for a, b in points), line.ink,
                            len(points) <= DOTS))
        if len(series) > 1:
            labels.append(Label(WIDTH - _RIGHT, _TOP - 26 + _LEGEND * number, line.said, 12,
                                ink=line.ink, side="left"))
    return Drawing(name, height, title, tuple(lines), (), tuple(labels),
                   tuple(curve for curve in curves if curve.points))


@dataclass(frozen=True)
class _Scale:
    """A linear scale (of logarithms, where is_log) from `low` to `high`, at `start` and `end`."""

    low: float
    high: float
    step: float
    is_log: bool
    start: float
    end: float

    @classmethod
    def of(cls, values: Sequence[float], axis: Axis, start: float, end: float,
           tight: bool = False) -> _Scale:
        low, high = min(values), max(values)
        if low == high:
            spread = 1.0 if axis.is_log else abs(low) / 2 or 1.0
            low, high = low - spread, high + spread
        step = _step((high - low) / _MOST_TICKS, axis.is_log)
        step = max(step, 1.0) if axis.counts else step
        if not tight:
            low, high = floor(low / step) * step, ceil(high / step) * step
        return cls(low, high, step, axis.is_log, start, end)

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        first = ceil(round(self.low / self.step, 9))
        found: list[float] = []
        for number in count(first):
            if number * self.step > self.high + self.step * 1e-9:
                return found
            found.append(number * self.step)
        return found

    def label(self, value: float) -> tuple[str, bool]:
        """What stands at a tick, and whether it is a formula."""
        if self.is_log:
            return f"10^{{{round(value)}}}", True
        digits = max(0, -floor(log10(self.step) + 1e-9))
        largest = max(abs(self.low), abs(self.high))
        if largest >= 1e6 or digits > 5:
            return f"{value:.3g}", False
        return f"{value if round(value, digits) else 0:.{digits}f}", False


def _step(least: float, is_log: bool) -> float:
    """1, 2 or 5 times a power of ten, not less; whole for a logarithm."""
    if is_log:
        return float(max(1, ceil(least)))
    power = 10.0 ** floor(log10(least))
    return next(step for times in (1, 2, 5, 10) if (step := times * power) >= least * (1 - 1e-9))


def _frame(across: _Scale, up: _Scale) -> tuple[list[Stroke], list[Label]]:
    """The axes, faint lines at the ticks, and what stands at these."""
    lines: list[Stroke] = []
    labels: list[Label] = []
    for value in up.ticks():
        height = up(value)
        lines.append(Stroke(across.start, height, across.end, height, "faint"))
        text, is_math = up.label(value)
        labels.append(Label(across.start - (24 if is_math else 8), height, text, 12, is_math,
                            side="" if is_math else "left"))
    for value in across.ticks():
        place = across(value)
        lines.append(Stroke(place, up.start, place, up.start + 5))
        text, is_math = across.label(value)
        labels.append(Label(place, up.start + 17, text, 12, is_math))
    lines += [Stroke(across.start, up.start, across.end, up.start),
              Stroke(across.start, up.start, across.start, up.end)]
    return lines, labels
