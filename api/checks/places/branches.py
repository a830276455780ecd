"""Points that reach the branches which no other point took, and the branches that none reaches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gradproof.checks.inputs import leaves
from gradproof.checks.points import Point
from gradproof.checks.subject import Subject
from gradproof.numeric import Reaching, Record, missing, said, watched_run

MOST = 8
"""Sides of branches to look for; a program with more of them unmet is not what random points
suit, and says so itself by its notes."""


def branch_points(subject: Subject, points: Sequence[Point]) -> tuple[list[Point], list[str]]:
    """Further points, each taking a branch of the loss or of the gradient on its other side.

    The notes name the branches for which no input was found, and what could not be watched.
    """
    looked = [point for point in points if not point.elsewhere]
    movable = _movable(subject, looked[0]) if looked else ()
    if not movable:
        return [], []
    found: list[Point] = []
    notes: dict[str, None] = {}
    functions: tuple[tuple[str, Callable[..., Any]], ...] = (
        ("loss", subject.loss), ("gradient", subject.gradient))
    for what, function in functions:
        def run(values: Mapping[str, Any], function: Callable[..., Any] = function) -> Record:
            return watched_run(function, values, movable)

        record = Record()
        for point in (*looked, *found):
            record.add(run(point.values))
        if record.left and (what == "loss" or subject.hand is None):
            notes[f"values leave NumPy at {record.left}: branches on them are not seen"] = None
        open_ = missing(record)[:MOST]
        if not open_:
            continue
        start = looked[0]
        search = Reaching(run, dict(start.values), movable, _positive(subject))
        search.reach(open_)
        for side in open_:
            if side in search.found:
                if all(point.values is not search.found[side] for point in found):
                    found.append(Point(start.sizes, search.found[side], branch=said(side)))
            elif side[0] in search.moved:
                notes[f"no input was found with {said(side)} (of the {what})"] = None
    return found, list(notes)


def _movable(subject: Subject, point: Point) -> tuple[str, ...]:
    """The arrays of real numbers, whose entries may be anything."""
    kinds = {array.name: array.kind for spec in subject.declared.values()
             for array in leaves(spec)}
    return tuple(
        name for name, value in point.values.items()
        if np.asarray(value).dtype.kind == "f" and np.size(value)
        and kinds.get(name, "real") in ("real", "positive")
        and not (point.given and _is_pattern(np.asarray(value)))
    )


def _is_pattern(value: Any) -> bool:
    """Whether given numbers look like a mask, one-hot rows or probabilities, which do not move."""
    if np.all((value == 0) | (value == 1)):
        return True
    return bool(value.ndim and np.all(value >= 0) and np.allclose(value.sum(axis=-1), 1))


def _positive(subject: Subject) -> frozenset[str]:
    return frozenset(array.name for spec in subject.declared.values() for array in leaves(spec)
                     if array.kind == "positive")
