"""The directional derivative of a loss at a point, with an error bound from step and precision.

Two witnesses. The complex step is exact to rounding but needs analytic code; real differences need
nothing. The complex step is believed only where real differences, within their own bound, confirm
it; else it is set aside and the result says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from .central import Central, TooFewPointsError, central_difference
from .complex_step import ComplexStep, NotAnalyticError, complex_step
from .evaluation import Array, Evaluator, Ray, Status

Method = Literal["complex step", "central differences", "one-sided differences", "none"]

# Real differences confirm a complex step if they know it to this relative precision.
_CONFIRMS = 1e-2


@dataclass(frozen=True)
class Estimate:
    """A derivative along a direction: `value` within `bound`.

    status       'smooth'; 'kink': the one-sided derivatives `left` and `right` differ and `value`
                 is their mean; else there is no value (nan, bound inf) and `note` says why
    left, right  one-sided derivatives along the direction; equal to `value` where smooth
    method       how it was measured
    scale        |loss| (1 where it is 0) over the natural length of the line, if that is above
                 one: the size that a derivative of this loss could well have
    note         what a reader should know, '' if nothing
    """

    value: float
    bound: float
    left: float
    right: float
    method: Method
    status: Status
    scale: float
    note: str = ""

    @property
    def is_real(self) -> bool:
        """Whether real differences were taken; a note says why not a complex step."""
        return self.method in ("central differences", "one-sided differences")

    @property
    def usable(self) -> bool:
        return self.status in ("smooth", "kink")


def unit(array: Array, entry: tuple[int, ...]) -> Array:
    """The direction of one entry, in the shape of `array`."""
    direction = np.zeros(array.shape)
    if len(entry) != array.ndim:
        raise ValueError(f"expected {array.ndim} indices for shape {array.shape}, got {entry}")
    direction[entry] = 1.0
    return direction


def derivative_along(
    evaluator: Evaluator, name: str, direction: Array, careful: bool = False
) -> Estimate:
    """d/dt loss(x + t v) at t = 0 for the input x called `name`, with v the `direction`, of the
    shape of x, finite, not zero.

    Raises KeyError for an unknown name, ValueError for a wrong direction, TypeError for an input
    that is not floating or a loss that is not one real number.

    Once a complex step was confirmed along one line, `evaluator.analytic` lets later lines in the
    same input go without real differences, at two complex evaluations each. `careful`: its
    rounding is then measured along this line too.
    """
    ray = Ray(evaluator, name, direction)
    # A loss that is 0 here still has intermediates of some size: of one, for want of a better.
    scale = (abs(evaluator.value) or 1.0) / max(ray.length, 1.0)
    if evaluator.defect is not None:
        return _unusable(evaluator.defect.status, evaluator.defect.note, scale)
    if evaluator.analytic.get(name):
        try:
            return _from_complex(complex_step(ray, careful=careful), scale)
        except NotAnalyticError as error:
            return _from_real(central_difference(ray, careful), scale, str(error))
    try:
        real = central_difference(ray, careful)
    except TooFewPointsError as error:
        return _unusable("non_finite", str(error), scale)
    if evaluator.analytic.get(name) is False:
        return _from_real(real, scale, evaluator.analytic_note)
    return _confirmed(ray, real, scale, careful)


def _confirmed(ray: Ray, real: Central, scale: float, careful: bool) -> Estimate:
    evaluator = ray.evaluator
    try:
        step = complex_step(ray, real.noise, careful)
    except NotAnalyticError as error:
        evaluator.analytic[ray.name], evaluator.analytic_note = False, str(error)
        return _from_real(real, scale, str(error))
    slack = real.bound + step.bound
    # At a kink each side is confirmed by itself, so |x| at 0 does not pass with its mean.
    if abs(step.left - real.left) > slack or abs(step.right - real.right) > slack:
        if not real.kink and not step.is_smooth and _between(step, real.value, slack):
            # A kink too weak for real differences; the complex step tells the sides apart.
            return _from_complex(step, scale)
        note = (
            f"complex step {step.value:.6g} set aside: central differences give {real.value:.6g} "
            f"± {real.bound:.1g}, so the loss's code is not analytic"
        )
        evaluator.analytic[ray.name], evaluator.analytic_note = False, note
        return _from_real(real, scale, note)
    size = max(abs(step.left), abs(step.right))
    if real.bound > _CONFIRMS * size:
        if size == 0:
            return _from_real(real, scale, "")
        note = f"central differences confirm the complex step only to {real.bound:.1g}"
        return _from_complex(step, scale, note)
    evaluator.analytic[ray.name] = real.noise <= 1e3 * evaluator.eps * abs(evaluator.value)
    return _from_complex(step, scale)


def _between(step: ComplexStep, value: float, slack: float) -> bool:
    low, high = sorted((step.left, step.right))
    return low - slack <= value <= high + slack


def _from_complex(step: ComplexStep, scale: float, note: str = "") -> Estimate:
    status: Status = "smooth" if step.is_smooth else "kink"
    return Estimate(
        step.value, step.bound, step.left, step.right, "complex step", status, scale, note
    )


def _from_real(real: Central, scale: float, note: str) -> Estimate:
    method: Method = "one-sided differences" if real.kink else "central differences"
    status: Status = "kink" if real.kink else "smooth"
    return Estimate(real.value, real.bound, real.left, real.right, method, status, scale, note)


def _unusable(status: Status, note: str, scale: float) -> Estimate:
    nan = float("nan")
    return Estimate(nan, float("inf"), nan, nan, "none", status, scale, note)
