"""A search for inputs that take the sides of branches which no input took so far.

Along the differences of a condition's margin first, as that moves the input least; then by scaling
the inputs up and down and turning their signs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .branch_watch import Branch, Record

Values = dict[str, NDArray[Any]]
Side = tuple[Branch, bool]
Bounds = tuple[float | None, float | None]

_BUDGET = 200
_ROUNDS = 5
_DIRECTIONS = 24
_STEP = 1e-4
# Once and a half the way to the branch by the slope, then further.
_STRIDES = (1.5, 4.0, 16.0, 64.0)
# Steps towards where a side begins, and how much further than that way an input is to lie.
_HALVINGS, _BEYOND = 12, 1.2
# Where logarithms of an entry that is rounded to its bound are taken to lie.
_END = 700.0
_SCALES = (10.0, 0.1, -1.0, 100.0, 0.01, -10.0, 1000.0, 0.001)


@dataclass
class Reaching:
    """Inputs by the side of a branch that they take.

    run      what an input takes
    start    an input
    movable  names of the arrays to move
    bounds   open intervals that their entries keep to, by name; None for no end
    """

    run: Callable[[Values], Record]
    start: Values
    movable: tuple[str, ...]
    bounds: Mapping[str, Bounds] = field(default_factory=dict)
    seed: int = 0
    found: dict[Side, Values] = field(default_factory=dict)
    moved: set[Branch] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)
        self._first = self.run(self.start)
        self._spent = 0
        self._size = {name: float(np.sqrt(np.mean(np.square(self.start[name])))) or 1.0
                      for name in self.movable}

    def reach(self, wanted: list[Side], budget: int = _BUDGET) -> None:
        """Looks for each wanted side with about `budget` runs; what is met is in `found`.

        `moved` has the branches whose margin some input changed: others ask nothing of the input.
        """
        self._wanted = set(wanted)
        for side in wanted:
            self._spent = 0
            for _ in self._inputs(side):
                if side in self.found or self._spent >= budget:
                    break

    def nearer(self, side: Side) -> Values | None:
        """An input that takes a found side and lies little beyond where it begins; None where none
        does.

        A search overshoots by orders of magnitude, to where a loss has no digits left: what a
        clip does is seen best beside it.
        """
        far, low, high = self.found[side], 0.0, 1.0
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            took = self._takes(self._between(far, middle), side)
            low, high = (low, middle) if took else (middle, high)
        there = self._between(far, min(1.0, _BEYOND * high))
        return there if high < 1 / _BEYOND and self._takes(there, side) else None

    def _takes(self, values: Values, side: Side) -> bool:
        seen = self.run(values).branches.get(side[0])
        return seen is not None and seen.took(side[1])

    def _between(self, far: Values, part: float) -> Values:
        """An input on the way from the start to another, within its bounds."""
        made = dict(far)
        for name in self.movable:
            ends = self.bounds.get(name, (None, None))
            one, other = (_unbounded(values[name].astype(float), ends)
                          for values in (self.start, far))
            with np.errstate(all="ignore"):
                at = _bounded(one + part * (other - one), ends)
            made[name] = np.where(one == other, self.start[name], at).astype(far[name].dtype)
        return made

    def _inputs(self, side: Side) -> Iterator[None]:
        yield from self._climb(side)
        for scale in _SCALES:
            for names in [self.movable, *([(name,) for name in self.movable]
                                          if len(self.movable) > 1 else [])]:
                self._look({**self.start, **{n: self._scaled(n, scale) for n in names}})
                yield

    def _scaled(self, name: str, scale: float) -> NDArray[Any]:
        low, high = self.bounds.get(name, (None, None))
        if low is not None and high is not None:
            return low + (self.start[name] - low) * abs(scale) / max(abs(scale), 1.0)
        end = low if low is not None else high
        if end is not None:
            return end + (self.start[name] - end) * abs(scale)
        return self.start[name] * scale

    def _climb(self, side: Side) -> Iterator[None]:
        here, margin = self.start, self._margin(self._first, side)
        for _ in range(_ROUNDS):
            if not np.isfinite(margin):
                return
            slopes, directions = [], list(self._directions(here))
            for direction in directions:
                record = self._look(self._shifted(here, direction, _STEP))
                yield
                slope = (self._margin(record, side) - margin) / _STEP
                slopes.append(slope if np.isfinite(slope) else 0.0)
            steepness = float(np.dot(slopes, slopes))
            if steepness == 0:
                return
            uphill = {
                name: np.tensordot(slopes, [direction[name] for direction in directions], 1)
                for name in self.movable
            }
            better, best = None, margin
            for stride in _STRIDES:
                length = stride * max(abs(margin), 1e-3) / steepness
                there = self._shifted(here, uphill, length)
                reached = self._margin(self._look(there), side)
                yield
                if np.isfinite(reached) and reached > best:
                    better, best = there, reached
            if better is None:
                return
            here, margin = better, best

    @staticmethod
    def _margin(record: Record, side: Side) -> float:
        seen = record.branches.get(side[0])
        return float("nan") if seen is None else seen.margin(side[1])

    def _directions(self, here: Values) -> Iterator[Values]:
        """Every entry by itself where they are few, else random ones over all entries."""
        count = sum(here[name].size for name in self.movable)
        zero = {name: np.zeros(here[name].shape) for name in self.movable}
        if count <= _DIRECTIONS:
            for name in self.movable:
                for place in np.ndindex(*here[name].shape):
                    direction = {**zero, name: zero[name].copy()}
                    direction[name][place] = self._size[name]
                    yield direction
            return
        for _ in range(_DIRECTIONS):
            yield {name: self._rng.normal(size=here[name].shape) * self._size[name] / count**0.5
                   for name in self.movable}

    def _shifted(self, here: Values, direction: Values, length: float) -> Values:
        moved = dict(here)
        for name in self.movable:
            shift = length * direction[name]
            low, high = self.bounds.get(name, (None, None))
            way = np.clip(shift / self._size[name], -300, 300)
            if low is not None and high is not None:
                share = (here[name] - low) / (high - here[name]) * np.exp(way)
                moved[name] = high - (high - low) / (1 + share)
            elif low is not None:
                moved[name] = low + (here[name] - low) * np.exp(way)
            elif high is not None:
                moved[name] = high - (high - here[name]) * np.exp(-way)
            else:
                moved[name] = here[name] + shift
            moved[name] = moved[name].astype(here[name].dtype)
        return moved

    def _look(self, values: Values) -> Record:
        self._spent += 1
        record = self.run(values)
        for branch, seen in record.branches.items():
            before = self._first.branches.get(branch)
            if before is None or (seen.low, seen.high) != (before.low, before.high):
                self.moved.add(branch)
            for side in ((branch, True), (branch, False)):
                if side in self._wanted and side not in self.found and seen.took(side[1]):
                    self.found[side] = values
        return record


def _unbounded(values: NDArray[Any], bounds: Bounds) -> NDArray[Any]:
    """Entries within bounds as any numbers: from 1e-9 to 1e-3 is as far as from 1 to 1e6."""
    low, high = bounds
    if low is None and high is None:
        return values
    with np.errstate(all="ignore"):
        made = 0.0 if low is None else np.log(values - low)
        made = made if high is None else made - np.log(high - values)
    return np.asarray(np.clip(made, -_END, _END))


def _bounded(values: NDArray[Any], bounds: Bounds) -> NDArray[Any]:
    low, high = bounds
    if low is not None and high is not None:
        return np.asarray(low + (high - low) / (1 + np.exp(-values)))
    if low is not None:
        return np.asarray(low + np.exp(values))
    return values if high is None else np.asarray(high - np.exp(-values))


def missing(record: Record) -> list[Side]:
    """The sides of branches that were not taken."""
    return [(branch, side) for branch, seen in record.branches.items()
            for side in (True, False) if not seen.took(side)]


def said(side: Side) -> str:
    """A side of a branch, in words."""
    branch, goal = side
    match branch.asks:
        case "the larger of" | "the smaller of":
            text = f"{'first' if goal else 'second'} operand {branch.asks} the two"
        case "the sign of":
            text = "argument positive" if goal else "argument negative"
        case "above the lower bound":
            text = branch.asks if goal else "at the lower bound"
        case "below the upper bound":
            text = branch.asks if goal else "at the upper bound"
        case _:
            text = f"'{branch.asks}' {'true' if goal else 'false'}"
    return f"{text} at {branch}"
