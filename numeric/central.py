"""The derivative of a loss along a line from real evaluations alone, with its bound.

Steps go from a quarter of the line's natural length down by fours, over nine decades: no step size
is assumed to suit. Rounding is bounded by the measured noise over the step, truncation by
extrapolation, and a kink is told from curvature by what the second difference does as h -> 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .evaluation import Ray
from .extrapolation import RATIO, Plateau, plateau
from .noise import evaluation_noise, jump, staircase

Floats = NDArray[np.float64]

_STEPS = 16
# Noise is a standard deviation; a bound takes several, and two evaluations share them.
_DEVIATIONS = 4.0
# Below this natural length, steps of the size of one are tried as well.
_SHORT = 1e-3
# A slope between jumps is one if it is known to this relative precision.
_KNOWN = 1e-3
# Rounding of the coarsest types in use (bfloat16 has 2^-8) is no jump of the function's own.
_COARSEST = 2.0**-7
_COARSE = 2.0**-20  # that of float32 is less
# Underflow rounds absolutely.
_TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True)
class Central:
    """Left and right derivatives where there is a kink, else the derivative (left == right).

    `noise` is the evaluation noise of the loss that the bound was computed from.
    """

    left: float
    right: float
    bound: float
    kink: bool
    noise: float

    @property
    def value(self) -> float:
        return (self.left + self.right) / 2


class TooFewPointsError(Exception):
    """The loss is finite at too few points near the given one."""


@dataclass(frozen=True)
class _Sweep:
    """The loss at ±steps; all (k,), steps decreasing by RATIO."""

    steps: Floats
    above: Floats
    below: Floats
    centre: float
    eps: float

    @property
    def central(self) -> Floats:
        return (self.above - self.below) / (2 * self.steps)

    @property
    def right(self) -> Floats:
        return (self.above - self.centre) / self.steps

    @property
    def left(self) -> Floats:
        return (self.centre - self.below) / self.steps

    def rounding(self, noise: float) -> Floats:
        """A bound of the rounding error of the central quotients."""
        own = self.eps * np.maximum(np.abs(self.above), np.abs(self.below)) + _TINY
        return _DEVIATIONS * np.maximum(noise, own) / self.steps


def central_difference(ray: Ray, careful: bool = False) -> Central:
    """The derivative along a line at 0 by real differences; about fifty evaluations.

    careful: noise is looked for at more spacings, at forty evaluations more.

    Raises TooFewPointsError.
    """
    found = _difference(ray, ray.length, careful)
    if ray.length < _SHORT and found.bound > abs(found.value):
        # A parameter that happens to be tiny (a bias of 1e-17) says little about useful steps.
        try:
            wider = _difference(ray, 1.0, careful)
        except TooFewPointsError:
            return found
        return min(found, wider, key=lambda c: c.bound)
    return found


def _difference(ray: Ray, length: float, careful: bool) -> Central:
    sweep = _sweep(ray, length)
    noise = evaluation_noise(ray, length, ray.evaluator.eps)
    if careful:
        noise = max(noise, staircase(ray, length))
    found = _limit(sweep, noise)
    if found.conflict is not None:
        # The quotients contradict each other: there is a kink near the point, and the small steps
        # are right; or the loss has jumps (it is coarser than float64) and the large ones are.
        reach = found.conflict
        heights = [jump(ray, 0.0, side * reach) for side in (1.0, -1.0)]
        if max(heights) > 2 * noise:
            within = _between_jumps(sweep, noise, reach)
            size = max(np.max(np.abs(sweep.above)), np.max(np.abs(sweep.below)))
            if within is not None and max(heights) > _COARSEST * size:
                return Central(within.value, within.value, within.bound, False, noise)
            noise = max(heights)
            found = _limit(sweep, noise)
            if within is not None and noise > _COARSE * size:  # it may be either
                apart = abs(found.value - within.value)
                return Central(found.value, found.value, found.bound + apart, False, noise)
    if _has_kink(sweep, noise):
        rounding = 2 * sweep.rounding(noise)
        right = plateau(sweep.steps, sweep.right, rounding, (1, 2, 3))
        left = plateau(sweep.steps, sweep.left, rounding, (1, 2, 3))
        return Central(left.value, right.value, max(left.bound, right.bound), True, noise)
    return Central(found.value, found.value, found.bound, False, noise)


def _sweep(ray: Ray, length: float) -> _Sweep:
    # A power of two: x ± h is then exact for most entries.
    first = 2.0 ** np.round(np.log2(length / 4))
    steps: Floats = np.array([first * RATIO**-k for k in range(_STEPS)])
    above = np.array([ray(float(h)) for h in steps])
    below = np.array([ray(-float(h)) for h in steps])
    # From the edge of the domain inwards: a finite value beyond a gap is on another branch.
    bad = ~(np.isfinite(above) & np.isfinite(below))
    start = int(np.flatnonzero(bad)[-1]) + 1 if np.any(bad) else 0
    if _STEPS - start < 4:
        raise TooFewPointsError("the loss is not finite within any useful step of the point")
    return _Sweep(steps[start:], above[start:], below[start:], ray(0.0), ray.evaluator.eps)


def _between_jumps(sweep: _Sweep, noise: float, reach: float) -> Plateau | None:
    """The derivative by the steps that are too short to meet a jump: that of x mod 0.01 is 1.

    None where these steps do not know it well: a loss that is coarser than float64 has steps as
    well, and is flat or rough between them.
    """
    inside = sweep.steps < reach
    if np.count_nonzero(inside) < 4:
        return None
    short = _Sweep(sweep.steps[inside], sweep.above[inside], sweep.below[inside], sweep.centre,
                   sweep.eps)
    found = _limit(short, noise)
    is_known = found.conflict is None and found.bound < _KNOWN * abs(found.value)
    return found if is_known else None


def _limit(sweep: _Sweep, noise: float) -> Plateau:
    return plateau(sweep.steps, sweep.central, sweep.rounding(noise), (2, 4))


def _has_kink(sweep: _Sweep, noise: float) -> bool:
    """Does right − left tend to something other than 0?

    Curvature makes it h·f'': four times less at each step. A kink at the point keeps it until the
    noise covers it; a kink near the point keeps it until the step no longer reaches that far.
    """
    gap = sweep.right - sweep.left
    cover = 4 * sweep.rounding(noise)
    seen = np.flatnonzero(np.abs(gap) > cover)
    if len(seen) == 0 or seen[-1] < 2:
        return False
    last = int(seen[-1])
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = [gap[last] / gap[last - 1], gap[last - 1] / gap[last - 2]]
    stays = min(kept) > 0.5
    covered = bool(np.all(cover[last + 1 :] > np.abs(gap[last]) / 4))
    return stays and covered
