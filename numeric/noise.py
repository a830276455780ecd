"""How noisy is a loss: rounding as it is, not as one hopes.

Two measurements. Third differences on close points (after J. J. Moré and S. M. Wild, Estimating
computational noise, SIAM J. Sci. Comput. 33, 2011) see irregular rounding. A hunt for jumps sees
what they miss: a stretch of exactly equal values with a step at its end, which is what a
cancellation (1 - a for a near 1) or a cast to a narrower type makes of a smooth function.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_POINTS = 10
# Third differences of unit noise have variance 20 = 6!/(3!)^2; the median of |N(0, 1)| is 0.6745.
THIRD_DIFFERENCE = 20.0**-0.5 / 0.6745
# Spacing and place of the close points, as parts of the line's length. The spacing lets ten points
# cross several float32 numbers; a cube of it is far below float64 rounding. The places keep clear
# of a kink at, or very near, the point itself.
_SPACING = 3.9e-8
_PLACE = 1.1e-4
# A root's change shrinks by 2^(n/2) in n halvings, a line's by 2^n.
_HALVINGS = 24
# Spacings at which stairs are looked for.
STAIRS = (1e-3, 1e-4, 1e-5, 1e-6)


def third_differences(values: Floats) -> Floats:
    """The noise level of equally spaced values along the first axis, entry by entry: a standard
    deviation, 0 for a quadratic and where a value is not finite.

    The median makes it blind to one kink among the points.
    """
    with np.errstate(invalid="ignore"):
        differences = np.abs(np.diff(values, n=3, axis=0))
        ordered, count = np.sort(differences, axis=0), len(differences)
        # np.median would import numpy.ma first, which takes as long as a hundred losses.
        median = ordered[(count - 1) // 2] / 2 + ordered[count // 2] / 2
        level = median * THIRD_DIFFERENCE
    return np.where(np.all(np.isfinite(differences), axis=0), level, 0.0)


def third_difference_noise(values: Floats) -> float:
    """The same of numbers."""
    return float(third_differences(values))


def evaluation_noise(function: Callable[[float], float], length: float, eps: float) -> float:
    """The noise of a function of one number near 0: measured, at least eps·|f(0)|.

    `length` is the scale on which the argument matters; costs twenty evaluations.
    """
    offsets = length * _SPACING * np.arange(_POINTS)
    measured = 0.0
    for place in (_PLACE * length, -_PLACE * length):
        values = np.array([function(place + float(offset)) for offset in offsets])
        measured = max(measured, third_difference_noise(values))
    return max(measured, eps * abs(function(0.0)))


def staircase(function: Callable[[float], float], length: float) -> float:
    """The noise of a function of one number near 0 that moves in stairs, as 1 - s for s near 1.

    Points within one stair do not show it, points farther apart see curvature as well; but that
    falls with the cube of the spacing, where noise does not fall. So the noise is what two spacings
    have in common. Costs forty evaluations.
    """
    found = []
    for spacing in STAIRS:
        offsets = length * spacing * np.arange(1, _POINTS + 1)
        found.append(third_difference_noise(np.array([function(float(t)) for t in offsets])))
    return max(min(pair) for pair in pairwise(found))


def jump(function: Callable[[float], float], start: float, stop: float, points: int = 16) -> float:
    """The height of a discontinuity between start and stop; 0 where the function is continuous.

    Takes the piece that changes most and halves it, keeping the half that changes more: the change
    across a continuous piece shrinks with it (as its root where the slope is infinite), that across
    a jump stays. A staircase is found wherever the search ends, a lone small jump may be missed.
    """
    grid = np.linspace(start, stop, points + 1)
    values = np.array([function(float(t)) for t in grid])
    changes = np.abs(np.diff(values))
    if not np.all(np.isfinite(changes)):
        return 0.0
    worst = int(np.argmax(changes))
    left, right = float(grid[worst]), float(grid[worst + 1])
    low, high = float(values[worst]), float(values[worst + 1])
    for _ in range(_HALVINGS):
        middle = left + (right - left) / 2
        value = function(middle)
        if middle in (left, right) or not np.isfinite(value):
            break
        if abs(value - low) >= abs(high - value):
            right, high = middle, value
        else:
            left, low = middle, value
    height = abs(high - low)
    return height if height > 4 * 2 ** (-_HALVINGS / 2) * changes[worst] else 0.0
