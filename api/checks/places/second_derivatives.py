"""What is no gradient and was not meant as one: the matrix of second derivatives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gradproof.checks.measuring import Measurements
from gradproof.checks.points import Point

STEP = 1e-5


def is_second_derivative(name: str, numbers: Measurements, points: Sequence[Point]) -> bool:
    """Whether what was returned for an array is the matrix of second derivatives by it."""
    point = next((point for point in points if not point.elsewhere), None)
    if point is None:
        return False
    by = (*numbers.subject.varied, name)[0]
    at, derived = np.asarray(point.values[by]), numbers.derived_at(point)
    try:
        with np.errstate(all="ignore"):
            claimed = np.asarray(numbers.subject.gradient(point.values)[name])
    except Exception:  # a failure is a finding of its own
        return False
    if name not in derived or derived[name].shape != at.shape or at.dtype.kind != "f" \
            or claimed.shape != (*at.shape, *at.shape):
        return False
    found = np.zeros(claimed.shape)
    for place in np.ndindex(*at.shape):
        sides = [_moved(numbers, point, by, place, way)[name] for way in (1, -1)]
        found[(..., *place)] = (sides[0] - sides[1]) / (2 * STEP)
    return bool(np.allclose(claimed, found, rtol=1e-4, atol=1e-5 * np.max(np.abs(found))))


def _moved(
    numbers: Measurements, point: Point, name: str, place: tuple[int, ...], way: int
) -> Mapping[str, Any]:
    """The derived gradients beside a point, with one entry moved by a step."""
    there = np.array(point.values[name], dtype=float)
    there[place] += way * STEP
    return numbers.derived_at(Point(point.sizes, {**point.values, name: there}))
