"""Points that reach the branches which no other point took, and the branches that none reaches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gradproof.checks.inputs import leaves
from gradproof.checks.places.likeness import FEW, given_array
from gradproof.checks.points import Point
from gradproof.checks.subject import Subject
from gradproof.numeric import Bounds, Reaching, Record, missing, said, watched_run
from gradproof.symbolic.equation import Array
from gradproof.symbolic.tracing.source import line_of

BOUNDS = ("above the lower bound", "below the upper bound", "the larger of", "the smaller of")
"""What a clip, a maximum and a minimum ask."""

MOST = 8
"""Sides of branches to look for; a program with more of them unmet is not what random points
suit, and says so itself by its notes."""


def branch_points(subject: Subject, points: Sequence[Point]) -> tuple[list[Point], list[str]]:
    """Further points, each taking a branch of the loss or of the gradient on its other side.

    The notes name the branches for which no input was found, and what could not be watched.
    """
    looked = [point for point in points if not point.elsewhere]
    movable = movable_arrays(subject, looked[0]) if looked else {}
    if not movable:
        return [], []
    found: list[Point] = []
    notes: dict[str, None] = {}
    functions: tuple[tuple[str, Callable[..., Any]], ...] = (
        ("loss", subject.loss), ("gradient", subject.gradient))
    for what, function in functions:
        def run(values: Mapping[str, Any], function: Callable[..., Any] = function) -> Record:
            return watched_run(function, values, tuple(movable))

        record = Record()
        for point in (*looked, *found):
            record.add(run(point.values))
        if record.left and (what == "loss" or subject.hand is None):
            notes[f"values leave NumPy at {record.left}: branches on them are not seen"] = None
        open_ = missing(record)[:MOST]
        if not open_:
            continue
        start = looked[0]
        search = Reaching(run, dict(start.values), tuple(movable), movable)
        search.reach(open_)
        for side in open_:
            if side in search.found:
                ends = (search.nearer(side), search.found[side])
                line = line_of(side[0].filename, side[0].line) if (
                    what == "gradient" and side[0].asks in BOUNDS) else None
                found += [Point(start.sizes, values, branch=said(side), bound=line)
                          for values in ends
                          if values is not None
                          and all(point.values is not values for point in found)]
            elif side[0] in search.moved:
                notes[f"no input was found with {said(side)} (of the {what})"] = None
    return found, list(notes)


def movable_arrays(subject: Subject, point: Point) -> dict[str, Bounds]:
    """The arrays of real numbers, with the open interval that their entries may be anything in.

    Of given arrays those that are differentiated by: what data are is not known beyond themselves.
    """
    declared = {array.name: array for spec in subject.declared.values() for array in leaves(spec)}
    found: dict[str, Bounds] = {}
    for name, value in point.values.items():
        if name in subject.witnesses:
            continue
        array = declared.get(name, Array(name, ()))
        if point.given and array.kind == "real":
            kinds = given_array(name, value, varied=True).kinds
            array = kinds[0] if kinds else array
            if name not in subject.by:
                continue
        if np.asarray(value).dtype.kind == "f" and np.size(value) \
                and array.kind in ("real", "positive", "interval"):
            low, high = (None if end is None else float(end) for end in array.bounds)
            chance = point.given and (np.size(value) <= FEW or low == -1)
            found[name] = (None, None) if chance else (low, high)
    return found
