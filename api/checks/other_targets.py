"""Is a refuted gradient right for targets of a kind that was not declared: 0 and 1, one-hot rows?

A pass for the binary cross-entropy is often right for labels alone, while its loss has a gradient
for every real target.  That is no pass, but it is worth more than "differs".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gradproof.checks.inputs import leaves
from gradproof.checks.measuring import Measurements
from gradproof.checks.points import Point
from gradproof.checks.results import Check
from gradproof.checks.subject import Subject
from gradproof.symbolic.proof.sampling import one_hot

DRAWS = 3
"""Targets that are drawn at each point: of one alone much is right by chance."""

SAID = {("mask", -1): "0 or 1", ("one_hot", -1): "one-hot rows", ("one_hot", 0): "one-hot columns"}
"""Kind, and the axis along which entries sum to one: in words."""


def right_for(
    numbers: Measurements, points: Sequence[Point], checks: tuple[Check, ...],
    explained: Collection[str] = (),
) -> tuple[Check, ...]:
    """The checks, with a refutation that holds only for other targets saying so.

    explained: gradients of which more is known.
    """
    subject = numbers.subject
    looked = [point for point in points if not (point.given or point.elsewhere or point.branch)]
    refuted = [check.name for check in checks
               if check.verdict == "refuted" and check.name not in explained
               and numbers.refuted([check.name], looked)]
    said: dict[str, str] = {}
    for array, kind, axis in _other_kinds(subject):
        narrowed = [replace(point, values=_of_kind(point.values, array, kind, axis, place))
                    for place, point in enumerate(looked * DRAWS)]
        for name in refuted:
            if name not in said and _is_right(numbers, name, narrowed):
                along = ", axis=0" * (axis == 0)
                said[name] = (f"right where {array} is {SAID[kind, axis]}, at the points looked "
                              f"at; if that is meant, declare it: {array}="
                              f'gp.Array("...", kind="{kind}"{along})')
    return tuple(replace(check, reason=f"{check.reason}; {said[check.name]}")
                 if check.name in said else check for check in checks)


def _other_kinds(subject: Subject) -> Iterator[tuple[str, str, int]]:
    """Arrays that may be targets, each with the kinds and axes that say more than is declared."""
    for array in (array for spec in subject.declared.values() for array in leaves(spec)):
        if array.kind in ("real", "one_hot") and array.name not in subject.by and array.shape:
            yield from ((array.name, kind, axis) for kind, axis in SAID
                        if (kind, axis) != (array.kind, array.along)
                        and (axis == -1 or len(array.shape) == 2)
                        and (array.kind, kind) != ("one_hot", "mask"))


def _is_right(numbers: Measurements, name: str, points: Sequence[Point]) -> bool:
    """Whether a gradient is right at every point: beside the derived one, then by differences."""
    subject = numbers.subject
    for point in points:
        true = numbers.derived_at(point).get(name)
        with np.errstate(all="ignore"):
            claimed = subject.gradient(point.values)[name]
        if true is None or np.shape(claimed) != np.shape(true) \
                or not np.allclose(claimed, true, rtol=1e-6, atol=0):
            return False
    measured = Measurements(replace(subject, asked=replace(subject.asked, names=(name,))))
    for point in points:
        measured.look_at(point)
    seen = measured.observed[name]
    return len(seen) == len(points) and all(f.comparison.verdict == "agrees" for f in seen)


def _of_kind(
    values: Mapping[str, Any], name: str, kind: str, axis: int, seed: int
) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    shape = np.shape(values[name])
    made = random.integers(2, size=shape).astype(float)
    if kind == "one_hot":
        made = one_hot(random, shape, axis)
    return {**values, name: made}
