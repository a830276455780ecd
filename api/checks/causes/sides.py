"""A gradient that is right on one side of a condition and wrong on the other.

    np.where(np.abs(r) <= 1, r, r)   ->   right where np.abs(r) <= 1, wrong elsewhere

The conditions are those of the user's loss and gradient. Inputs are drawn of which all entries are
on the same side of a condition; it is named where it tells right from wrong in all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np

from gradproof.checks.causes.conditions import condition, is_named
from gradproof.checks.causes.wrong_line import FirstWrong
from gradproof.checks.measuring import Measurements
from gradproof.checks.places.branches import movable_arrays
from gradproof.checks.points import Point
from gradproof.checks.results import Check
from gradproof.limits.deadline import TimeLimitError, bounded
from gradproof.numeric import Bounds, Branch, diagnose, watched_run
from gradproof.symbolic.places import SourceLine
from gradproof.symbolic.tracing.source import line_of

DRAWS = 240
"""Inputs that are drawn."""

FEW = 40
"""After so many there has to be one of which the gradient is right, and one of which it is not."""

ENOUGH, FEWEST = 4, 2
"""Inputs of which all are right, and as many wrong ones, before a condition is named; and on each
of its sides."""

BY_CHANCE = ("one_size", "entry", "slice", "near")
"""Kinds of diagnosis that may come of where the points happen to lie."""

MOST = 8
"""Conditions to look at."""

SECONDS = 2.0

SAME = 1e-7
"""Relative to the largest entry: a gradient is the derived one where it differs by no more."""

_SCALES = (1.0, 0.1, 10.0, 3.0, 0.01, 50.0)


@dataclass(frozen=True)
class Drawn:
    """An input: the sides that all entries of it take, and what is claimed and true there.

    own: the branches of the gradient itself.
    """

    sides: Mapping[Branch, bool]
    own: Collection[Branch]
    claimed: Any
    true: Any
    sizes: Mapping[str, int]
    right: bool

    @property
    def is_nothing(self) -> bool:
        """Whether it is right because nothing is claimed and nothing due."""
        return not np.any(self.claimed) and not np.any(self.true)


Cell = tuple[tuple[Branch, bool], ...]
"""Sides of conditions."""


@dataclass(frozen=True)
class Sides:
    """What is said of gradients by name, and the line of the gradient that tells the sides apart.
    """

    said: Mapping[str, str]
    place: SourceLine | None = None

    @property
    def names(self) -> Collection[str]:
        return self.said.keys()

    def instead_of(self, found: FirstWrong) -> FirstWrong:
        """The first wrong line; the one that tells the sides apart, where a right value is named.
        """
        if not found.is_forward or self.place is None:
            return found
        return FirstWrong(f"first wrong: {self.place}", self.place)

    def told(self, checks: tuple[Check, ...]) -> tuple[Check, ...]:
        """The checks with this as their diagnosis."""
        return tuple(replace(check, diagnosis=self.said.get(check.name, check.diagnosis))
                     for check in checks)


NO_SIDES = Sides({})


def wrong_sides(
    numbers: Measurements, points: Sequence[Point], checks: Sequence[Check]
) -> Sides:
    """Of refuted gradients that nothing else explains: on which side of which condition of the
    program they are wrong, in words."""
    said: dict[str, str] = {}
    place = None
    for check in checks:
        found = numbers.diagnosis(check.name) if check.verdict == "refuted" else None
        chance = found is None or found.kind in BY_CHANCE
        by_numbers = check.diagnosis == ("" if found is None else found.text)
        if check.verdict != "refuted" or not numbers.observed[check.name] or not (
                (chance and by_numbers) or check.diagnosis.startswith("derived = ")):
            continue
        try:
            text, where = bounded(SECONDS, partial(_told, numbers, check.name, points))
        except TimeLimitError:
            continue
        if text:
            said[check.name] = text
            place = place or where
    return Sides(said, place)


def _told(
    numbers: Measurements, name: str, points: Sequence[Point]
) -> tuple[str, SourceLine | None]:
    drawn: list[Drawn] = []
    for one in _drawn(numbers, name, points):
        drawn.append(one)
        if len(drawn) == FEW and len({found.right for found in drawn}) == 1:
            return "", None
    branches = list(dict.fromkeys(branch for one in drawn for branch in one.sides))[:MOST]
    for count in (1, 2):
        for asked in combinations(branches, count):
            if cells := _cells(drawn, asked):
                return _said(cells, branches), _place(asked, branches, drawn)
    return "", None


def _place(
    asked: Sequence[Branch], branches: Sequence[Branch], drawn: Sequence[Drawn]
) -> SourceLine | None:
    """The line of the gradient with one of the conditions: the last that makes more of it than a
    name for it."""
    own = {branch for one in drawn for branch in one.own}
    same = [other for other in branches if other in own and any(
        all(one.sides.get(other) == one.sides.get(branch) for one in drawn)
        or all(one.sides.get(other) == (None if branch not in one.sides else not one.sides[branch])
               for one in drawn) for branch in asked)]
    for branch in reversed(same):
        if not is_named(branch):
            return line_of(branch.filename, branch.line)
    return None


def _drawn(numbers: Measurements, name: str, points: Sequence[Point]) -> Iterator[Drawn]:
    rng = np.random.default_rng(len(points))
    plain = [point for point in points if not (point.elsewhere or point.branch)]
    near = sorted(plain, key=lambda point: sum(map(np.size, point.values.values())))[:2]
    for place in range(DRAWS if near else 0):
        start = near[place % len(near)]
        bounds = movable_arrays(numbers.subject, start)
        if not bounds:
            return
        values = {**start.values, **{
            array: _moved(start.values[array], ends, rng) for array, ends in bounds.items()}}
        found = _looked_at(numbers, name, replace(start, values=values), tuple(bounds))
        if found is not None:
            yield found


def _looked_at(
    numbers: Measurements, name: str, point: Point, movable: tuple[str, ...]
) -> Drawn | None:
    subject = numbers.subject
    try:
        with np.errstate(all="ignore"):
            claimed = np.asarray(subject.gradient(point.values)[name], dtype=float)
        true = np.asarray(numbers.derived_at(point)[name], dtype=float)
    except Exception:  # nothing to be learned there
        return None
    if claimed.shape != true.shape or not np.all(np.isfinite(true)):
        return None
    record = watched_run(subject.loss, point.values, movable)
    own = watched_run(subject.gradient, point.values, movable)
    record.add(own)
    sides = {branch: seen.low > 0 for branch, seen in record.branches.items()
             if seen.low > 0 or seen.high < 0}
    top = max(np.max(np.abs(array), initial=0.0) for array in (claimed, true))
    return Drawn(sides, own.branches.keys(), claimed, true, point.sizes,
                 bool(np.all(np.abs(claimed - true) <= SAME * top)))


def _moved(value: Any, ends: Bounds, rng: np.random.Generator) -> Any:
    """An array with other numbers: large or small, some of one sign, within what is declared."""
    low, high = ends
    scale = float(rng.choice(_SCALES))
    jitter = rng.uniform(0.3, 1.7, np.shape(value))
    if low is not None and high is not None:
        share = np.clip((value - low) / (high - low), 1e-9, 1 - 1e-9) ** (scale * jitter)
        return (low + (high - low) * share).astype(value.dtype)
    if low is not None:
        return (low + (value - low) * scale * jitter).astype(value.dtype)
    if high is not None:
        return (high - (high - value) * scale * jitter).astype(value.dtype)
    sign = rng.choice([0, 0, 1, -1])
    if sign:  # all of one sign, and some of one size
        level = float(np.sqrt(np.mean(np.square(value)))) if rng.integers(2) else np.abs(value)
        return (sign * level * scale * jitter).astype(value.dtype)
    return (value * scale * jitter).astype(value.dtype)


def _cells(drawn: Sequence[Drawn], asked: Sequence[Branch]) -> dict[Cell, list[Drawn]] | None:
    """The inputs by the sides that they take of some conditions, where these tell right from
    wrong; None where they do not, or a side is too seldom met."""
    cells: dict[Cell, list[Drawn]] = {}
    for one in drawn:
        if all(branch in one.sides for branch in asked):
            cells.setdefault(tuple((b, one.sides[b]) for b in asked), []).append(one)
    if len(cells) <= len(asked) or any(
            len(found) < FEWEST or len({one.right for one in found}) > 1
            for found in cells.values()):
        return None
    met = [one.right for found in cells.values() for one in found if not one.is_nothing]
    return cells if min(met.count(True), met.count(False)) >= ENOUGH else None


def _said(cells: Mapping[Cell, Sequence[Drawn]], known: Sequence[Branch]) -> str:
    right = [cell for cell, found in cells.items() if found[0].right]
    wrong = [cell for cell, found in cells.items() if not found[0].right]

    def where(cell: Cell) -> str:
        return " and ".join(condition(branch, holds, known) for branch, holds in cell)

    if len(wrong) > 1 and len(right) == 1:
        return f"right where {where(right[0])}, wrong elsewhere"
    here = " or ".join(map(where, wrong))
    what = _by_what([one for cell in wrong for one in cells[cell]])
    if len(right) == len(wrong) == 1:
        return f"right where {where(right[0])}, wrong where {here}{what}"
    return f"wrong where {here}{what}; right elsewhere"


def _by_what(wrong: Sequence[Drawn]) -> str:
    """What a gradient is where it is wrong, if that has a name."""
    if all(not np.any(one.claimed) for one in wrong):
        return ": 0 is claimed there"
    if all(not np.any(one.true) for one in wrong):
        return ": 0 is due there"
    found = diagnose([(one.claimed, one.true, one.sizes) for one in wrong])
    return f": there {found.text}" if found is not None and found.kind in ("factor", "sign") else ""
