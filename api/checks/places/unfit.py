"""What no verdict can be given on: a loss that is no scalar, or that fails for the shapes given."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gradproof.checks.measuring import Measurements
from gradproof.checks.points import Point
from gradproof.checks.subject import Subject
from gradproof.limits.deadline import TimeLimitError

STEP = 1e-5


def misfit(subject: Subject, points: Sequence[Point]) -> str:
    """Why the loss is nothing to differentiate: it fails at all points, or is no number at one."""
    first = ""
    for point in points:
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value = subject.loss(point.values)
        except TimeLimitError:  # which is found, and said, where numbers are compared
            return ""
        except Exception as error:  # whatever it raises, that is the finding
            first = first or (f"the loss fails at {point}: {type(error).__name__}: {error}; do the "
                              "inputs that are given fit it?")
            continue
        array = np.asarray(value)
        if array.size == 1 and array.dtype.kind in "fiub":
            return ""
        what = f"an array of shape {array.shape}" if array.dtype.kind in "fiub" else \
            "a complex number" if array.dtype.kind == "c" else f"{value!r:.40}"
        return (f"the loss returns {what}, expected one real number: what is judged is the "
                "gradient of a scalar")
    return first


def is_second_derivative(name: str, numbers: Measurements, points: Sequence[Point]) -> bool:
    """Whether what was returned for an array is the matrix of second derivatives by it."""
    point = next((point for point in points if not point.elsewhere), None)
    if point is None:
        return False
    at, derived = np.asarray(point.values[name]), numbers.derived_at(point)
    try:
        with np.errstate(all="ignore"):
            claimed = np.asarray(numbers.subject.gradient(point.values)[name])
    except Exception:  # a failure is a finding of its own
        return False
    if name not in derived or claimed.shape != (*at.shape, *at.shape) or at.dtype.kind != "f":
        return False
    found = np.zeros(claimed.shape)
    for place in np.ndindex(*at.shape):
        sides = [_moved(numbers, point, name, place, way)[name] for way in (1, -1)]
        found[(..., *place)] = (sides[0] - sides[1]) / (2 * STEP)
    return bool(np.allclose(claimed, found, rtol=1e-4, atol=1e-5 * np.max(np.abs(found))))


def _moved(
    numbers: Measurements, point: Point, name: str, place: tuple[int, ...], way: int
) -> Mapping[str, Any]:
    """The derived gradients beside a point, with one entry moved by a step."""
    there = np.array(point.values[name], dtype=float)
    there[place] += way * STEP
    return numbers.derived_at(Point(point.sizes, {**point.values, name: there}))
