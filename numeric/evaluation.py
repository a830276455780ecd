"""Evaluating a loss: private copies, a count of what it cost, and the defects a loss can have.

A loss is any callable from a mapping of named arrays to one real number. The point is held at
float64 at least: float32 inputs are exactly representable there, so differences are taken of the
same function at the same point with less rounding. A float32 hidden inside the loss remains, and
shows as noise.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.exceptions import ComplexWarning
from numpy.typing import NDArray

from .held import Held

Array = NDArray[Any]
Loss = Callable[[Mapping[str, Array]], Any]
Status = Literal["smooth", "kink", "non_finite", "non_deterministic", "mutated"]

EPS = float(np.finfo(np.float64).eps)

# A complex product takes four real ones; the count of evaluations weighs it so.
COMPLEX_COST = 4


@dataclass(frozen=True)
class Defect:
    """Why no derivative of this loss can be measured at this point."""

    status: Status
    note: str


class Evaluator:
    """A loss bound to one point.

    `cost` counts evaluations (a complex one as four). `value` is the loss at the point, `eps` the
    relative precision of the loss's own result dtype, `defect` what makes the point unusable.
    """

    def __init__(self, loss: Loss, inputs: Mapping[str, Array]) -> None:
        self._loss = Held(loss)
        self._point = {name: _at_least_double(np.asarray(array)) for name, array in inputs.items()}
        self.cost = 0
        self.eps = EPS
        # Is the code analytic in an input (complex step: confirmed or refused)?  By input: np.var
        # of a complex array is not, and a loss may take it of one input and not of another.
        self.analytic: dict[str, bool] = {}
        self.analytic_note = ""
        # Absolute rounding of complex steps by each input, from the first line measured in it.
        self.tangent_noise: dict[str, float] = {}
        self.value, self.defect = self._examine()

    def array(self, name: str) -> Array:
        """The float64 array called `name`; KeyError or TypeError if it cannot be varied."""
        if name not in self._point:
            known = ", ".join(sorted(self._point)) or "none"
            raise KeyError(f"{name}: no such input; the inputs are {known}")
        array = self._point[name]
        if not np.issubdtype(array.dtype, np.floating):
            raise TypeError(
                f"{name}: expected a real floating array to differentiate by, got dtype "
                f"{array.dtype}; convert it with .astype(float)"
            )
        return array

    def at(self, name: str, array: Array) -> float:
        """The loss with input `name` replaced. A loss that raises here counts as nan."""
        self.cost += 1
        try:
            with np.errstate(all="ignore"):
                return float(_scalar(self._loss({**self._point, name: array})).real)
        except (ArithmeticError, ValueError, RuntimeError, AssertionError):
            # Outside the loss's domain; the point itself was fine.
            return float("nan")

    def complex_at(self, name: str, array: Array) -> complex:
        """The loss on a complex array; TypeError if the loss does not carry it to its result."""
        self.cost += COMPLEX_COST
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error", ComplexWarning)
            result = _scalar(self._loss({**self._point, name: array}))
        if not np.iscomplexobj(result):
            raise TypeError("the loss drops the imaginary part")
        return complex(result)

    def _examine(self) -> tuple[float, Defect | None]:
        copies = {name: array.copy() for name, array in self._point.items()}
        self.cost += 2
        with np.errstate(all="ignore"):
            first = _scalar(self._loss.at_point(copies))
        if np.iscomplexobj(first):
            raise TypeError("the loss must be real, got a complex result")
        value = float(first)
        if np.issubdtype(first.dtype, np.floating):
            self.eps = max(EPS, float(np.finfo(first.dtype).eps))
        changed = [name for name, array in copies.items() if not _same(array, self._point[name])]
        if changed:
            return value, Defect("mutated", f"the loss changes its input {', '.join(changed)}")
        with np.errstate(all="ignore"):
            again = float(_scalar(self._loss.at_point(
                {name: array.copy() for name, array in self._point.items()})))
        if not np.isfinite(value):
            return value, Defect("non_finite", f"the loss is {value} at the point")
        # The order of a threaded sum may move the last bits; anything more is a random loss.
        if abs(again - value) > 64 * self.eps * abs(value) or not np.isfinite(again):
            return value, Defect(
                "non_deterministic",
                f"two evaluations at one point gave {value!r} and {again!r}: seed or switch off "
                "what is random (dropout, sampling)",
            )
        return value, None


class Ray:
    """The loss along a line: t -> f(x + t v) for one named input x, and its natural length.

    `length` is the t over which x changes by about its own size; 1 where x is zero.
    """

    def __init__(self, evaluator: Evaluator, name: str, direction: Array) -> None:
        self.evaluator = evaluator
        self.name = name
        self._x = evaluator.array(name)
        self._v = np.asarray(direction, dtype=self._x.dtype)
        if self._v.shape != self._x.shape:
            raise ValueError(
                f"{name}: expected a direction of shape {self._x.shape}, got {self._v.shape}"
            )
        moved = self._v != 0
        reach = _rms(self._v[moved])
        if not (reach > 0 and np.isfinite(reach)):
            raise ValueError(f"{name}: the direction must be finite and not zero")
        size = max(_rms(self._x), _rms(self._x[moved]))
        # Next to nothing says nothing of the scale (and its steps would underflow).
        self.length = (size if size > 1e-60 else 1.0) / reach
        self._known: dict[float, float] = {0.0: evaluator.value}

    def __call__(self, t: float) -> float:
        if t not in self._known:
            self._known[t] = self.evaluator.at(self.name, self._x + t * self._v)
        return self._known[t]

    def imaginary(self, t: float, at: float = 0.0, roundings: int = 0) -> complex:
        """f(x + at·v + i t v); with `roundings`, a seed, every entry of x is moved by one or two
        units in its last place, as a computation before this one would have moved it."""
        shifted = self._x + at * self._v if at else self._x
        if roundings:
            moves = np.random.default_rng(roundings).choice([-2.0, -1.0, 1.0, 2.0], shifted.shape)
            shifted = shifted * (1 + EPS * moves)
        return self.evaluator.complex_at(self.name, shifted + 1j * (t * self._v))


def _at_least_double(array: Array) -> Array:
    if np.issubdtype(array.dtype, np.floating) and array.dtype.itemsize < 8:
        return array.astype(np.float64)
    return array.copy()


def _scalar(result: Any) -> Array:
    array = np.asarray(result)
    if array.size != 1 or array.dtype == object:
        raise TypeError(f"the loss must be one number, got shape {array.shape}, {array.dtype}")
    return array.reshape(())


def _same(left: Array, right: Array) -> bool:
    inexact = np.issubdtype(left.dtype, np.inexact)
    return left.shape == right.shape and np.array_equal(left, right, equal_nan=inexact)


def _rms(array: Array) -> float:
    largest = float(np.max(np.abs(array), initial=0.0))
    if largest == 0 or not np.isfinite(largest):
        return largest
    # Scaled first, so that 1e-200 does not underflow.
    return largest * float(np.sqrt(np.mean(np.square(array / largest))))
