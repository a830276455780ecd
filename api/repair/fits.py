"""Does an edited gradient give what is wanted: which of the gradients are right, at each point."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradproof.limits.deadline import bounded

EDIT_SECONDS = 2.0
"""How long one run of an edited function may take."""

Gradient = Callable[[Mapping[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Wanted:
    """What the gradients must be at one point, each with the error that is allowed."""

    values: Mapping[str, Any]
    gradients: Mapping[str, tuple[Any, float]]


def attempted(
    run: Gradient, values: Mapping[str, Any], failed: list[tuple[str, int]] | None = None
) -> Mapping[str, Any] | None:
    """The gradients; None where the function fails, and then the lines at which it does."""
    try:
        return bounded(EDIT_SECONDS, lambda: run(values))
    except Exception as error:  # an edit may do anything; it is no repair then
        step = error.__traceback__ if failed is not None else None
        while step is not None and failed is not None:
            failed.append((step.tb_frame.f_code.co_filename, step.tb_lineno))
            step = step.tb_next
        return None


def mended(
    run: Gradient, points: Sequence[Wanted], wrong: Iterable[str], loose_units: bool
) -> frozenset[str]:
    """Those of the wrong gradients that come out right at every point; none where one breaks that
    was right."""
    left = set(wrong)
    for wanted in points:
        found = attempted(run, wanted.values) if left else None
        if found is None:
            return frozenset()
        for name in [name for name in left if name in wanted.gradients]:
            if not _is_right(found.get(name), *wanted.gradients[name], loose_units):
                left.discard(name)
        if not left:
            return frozenset()
        others = (name for name in wanted.gradients if name not in wrong)
        if not all(_is_right(found.get(name), *wanted.gradients[name], loose_units)
                   for name in others):
            return frozenset()
    return frozenset(left)


def _is_right(claimed: Any, true: Any, allowed: float, loose_units: bool) -> bool:
    if claimed is None:
        return False
    try:
        array = np.asarray(claimed, dtype=float)
    except (TypeError, ValueError):
        return False
    if array.shape != true.shape:
        if not loose_units or not differ_by_units(array.shape, true.shape):
            return False
        array = array.reshape(true.shape)
    return bool(np.all(np.abs(array - true) <= allowed))


def differ_by_units(one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether one shape is the other with axes of length 1 put in between.

    None is moved: of two shapes with as many axes this is so only where they are equal.

    >>> differ_by_units((4,), (4, 1)), differ_by_units((1, 4), (4, 1))
    (True, False)
    """
    longer, shorter = (one, other) if len(one) >= len(other) else (other, one)
    left = list(shorter)
    for size in longer:
        if left and left[0] == size:
            left.pop(0)
        elif size != 1:
            return False
    return not left
