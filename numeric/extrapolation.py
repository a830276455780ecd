"""From difference quotients at shrinking steps to one value and an error bound.

Richardson's extrapolation (L. F. Richardson, 1911; as a tableau, C. J. F. Ridders, 1982), with two
guards that the usual error estimate lacks. Differences in the tableau can vanish by chance, so no
bound is below the rounding noise divided by the step. And they can agree with each other on a
wrong value where a kink lies nearer than the steps, so a value is only taken if the quotients at
all smaller steps allow it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RATIO = 4.0  # of one step to the next smaller
_SAFETY = 2.0


@dataclass(frozen=True)
class Plateau:
    """The limit of the quotients for h -> 0.

    `conflict` is the smallest step whose quotient contradicts the value, None if there is none:
    beyond it the function is not what it is near the point (or its noise is underestimated).
    """

    value: float
    bound: float
    conflict: float | None


@dataclass(frozen=True)
class _Column:
    values: Floats
    bounds: Floats


def plateau(steps: Floats, quotients: Floats, rounding: Floats, orders: Sequence[int]) -> Plateau:
    """The limit of difference quotients, with a bound.

    steps      (k,), decreasing by RATIO
    quotients  (k,), finite
    rounding   (k,), a bound of each quotient's rounding error
    orders     the powers of the step in the truncation error: (2, 4) for central differences,
               (1, 2, 3) for one-sided ones

    Raises ValueError for fewer than three steps.
    """
    if len(steps) < 3:
        raise ValueError(f"expected at least three steps, got {len(steps)}")
    columns = _tableau(quotients, rounding, orders)
    base = columns[0]
    best: tuple[float, float] | None = None
    candidates = sorted(
        (float(bound), float(value), row)
        for column in columns
        for row, (value, bound) in enumerate(zip(column.values, column.bounds, strict=True))
    )
    for bound, value, row in candidates:
        finer = slice(row + 1, None)
        if np.all(np.abs(base.values[finer] - value) <= bound + base.bounds[finer]):
            best = value, bound
            break
    if best is None:  # the finest quotient has nothing finer to contradict it
        best = float(base.values[-1]), float(base.bounds[-1])
    value, bound = best
    # The least of many estimates is too small on average: let the nearly as good ones speak.
    rivals = [abs(v - value) for b, v, _ in candidates if b <= 4 * bound]
    bound = max([bound, *(r for r in rivals if r <= 4 * bound)])
    off = np.abs(base.values - value) > bound + _SAFETY * base.bounds
    conflict = float(steps[off].min()) if np.any(off) else None
    return Plateau(value, bound, conflict)


def _tableau(quotients: Floats, rounding: Floats, orders: Sequence[int]) -> list[_Column]:
    values, noise = quotients, rounding
    steps_apart = np.abs(np.diff(values))
    # The coarsest column: the change to the next finer step is all but 1/RATIO^order of the error.
    # The finest step has no finer one; it is given the change from the one before.
    changes = np.append(steps_apart, steps_apart[-1])
    columns = [_Column(values, _SAFETY * changes + noise)]
    for order in orders:
        if len(values) < 3:
            break
        gain = RATIO**order
        better = (gain * values[1:] - values[:-1]) / (gain - 1)
        noise = (gain * noise[1:] + noise[:-1]) / (gain - 1)
        # The error of the column before, seen from this one, bounds this one's; and so does
        # the change along the column.
        before = np.abs(better - values[1:])
        along = np.abs(np.diff(better))
        changes = np.maximum(before, np.append(along, along[-1]))
        columns.append(_Column(better, _SAFETY * changes + noise))
        values = better
    return columns
