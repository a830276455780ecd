"""The complex step: Im f(x + i h v) / h, exact to rounding where the code of f is analytic.

W. Squire and G. Trapp, Using complex variables to estimate derivatives of real functions, SIAM
Review 40, 1998. There is no subtraction, so h can be far below rounding. NumPy orders complex
numbers by their real part and then by their imaginary part: at a tie the step up and the step down
take different branches, and give the right and the left derivative. np.abs, a norm or a cast to
float are not analytic; whoever uses a complex step holds it against real differences first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .evaluation import EPS, Ray
from .noise import staircase, third_difference_noise

# A power of two far below rounding of anything, far above underflow of what it is multiplied by.
_STEP = 2.0**-66
_ROUNDINGS = 32.0
_SPREADS = 8.0
_OTHER_STEPS = (0.5772157, 0.6180340, 0.6931472, 0.8346268, 0.9159656)
_CAREFUL = 3
"""How many times as many roundings are tried before a contradiction is believed."""


class NotAnalyticError(Exception):
    """The loss cannot be evaluated on complex numbers, or not analytically."""


@dataclass(frozen=True)
class ComplexStep:
    """One-sided derivatives along the line, each within `bound`."""

    left: float
    right: float
    bound: float

    @property
    def value(self) -> float:
        return (self.left + self.right) / 2

    @property
    def is_smooth(self) -> bool:
        return abs(self.right - self.left) <= 2 * self.bound


def complex_step(
    ray: Ray, noise: float | None = None, careful: bool = False
) -> ComplexStep:
    """The derivatives of a loss along a line at 0.

    `noise` is the measured evaluation noise of the real loss, if known: where it is far above
    rounding, the derivative's own noise is measured along the line too. `careful`: the rounding
    is measured along this very line, not taken from the first line in its input.

    Raises NotAnalyticError.
    """
    value = ray.evaluator.value
    step = ray.length * _STEP
    # The second step is no power of two times the first: other roundings, so their difference
    # shows how many digits hold.
    up, down = _imaginary(ray, step), _imaginary(ray, -step * 0.7390851)
    allowed = max(64 * ray.evaluator.eps * abs(value), 8 * (noise or 0.0))
    if abs(up.real - value) > allowed or abs(down.real - value) > allowed:
        raise NotAnalyticError("the loss of a complex array has another real part")
    right, left = up.imag / step, down.imag / (-step * 0.7390851)
    if not (np.isfinite(right) and np.isfinite(left)):
        raise NotAnalyticError("the complex step is not finite")
    size = max(abs(left), abs(right))
    gap = abs(right - left)
    # Per step of the loss, eps·|value|; the number of steps is unknown.
    bound = _ROUNDINGS * ray.evaluator.eps * size
    known = ray.evaluator.tangent_noise
    if ray.name not in known or careful:
        spread = _rounding_spread(ray, step, right, moved=False)
        if gap <= 1e4 * (bound + spread):  # at a kink, another point has another slope
            spread = max(spread, _rounding_spread(ray, step, right, True, careful))
        known[ray.name] = max(known.get(ray.name, 0.0), spread)
    bound += known[ray.name]
    if careful and gap <= 1e4 * bound:
        bound += _SPREADS * staircase(lambda t: _imaginary(ray, step, t).imag / step, ray.length)
    if gap <= 1e4 * bound:
        # Too close for a kink: rounding that cancels in the value.
        bound = max(bound, gap)
    if noise is not None and noise > 1e3 * EPS * abs(value):
        bound = max(bound, _derivative_noise(ray, step))
    return ComplexStep(left, right, bound)


def _rounding_spread(
    ray: Ray, step: float, first: float, moved: bool, careful: bool = False
) -> float:
    """What other roundings do to the derivative: large where it is a difference of large terms.

    Another imaginary step shows the roundings of the imaginary part alone. Where the real part
    has lost its digits (1 - s for s near 1) only a real part that is rounded otherwise shows it:
    `moved` (D. S. Parker, Monte Carlo arithmetic, UCLA 1997; the point is perturbed for each
    operation).
    """
    steps = [step * factor for factor in _OTHER_STEPS] * (_CAREFUL if careful else 1)
    values = [first, *(_imaginary(ray, h, roundings=seed if moved else 0).imag / h
                       for seed, h in enumerate(steps, start=1))]
    spread = _SPREADS * (max(values) - min(values))
    return spread if np.isfinite(spread) else 0.0


def _derivative_noise(ray: Ray, step: float) -> float:
    offsets = ray.length * 1e-3 * np.arange(1, 11)
    values = np.array([_imaginary(ray, step, float(t)).imag / step for t in offsets])
    return _SPREADS * third_difference_noise(values)


def _imaginary(ray: Ray, step: float, at: float = 0.0, roundings: int = 0) -> complex:
    try:
        return ray.imaginary(step, at, roundings)
    except Exception as error:
        # Any exception: what a loss does with numbers it was not written for is its own affair.
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NotAnalyticError(f"the loss does not take complex arrays: {reason}") from error
