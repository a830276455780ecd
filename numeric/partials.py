"""First derivatives of a loss as numbers exact enough to be differentiated again.

Where its code is analytic, by a complex step, exact to rounding.  Elsewhere by nine real points
(error h⁸/630 · f⁽⁹⁾, B. Fornberg, Generation of finite difference formulas on arbitrarily spaced
grids, Mathematics of Computation 51, 1988), at the widest of a few steps for which half the step
gives the same; where none does there is no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .differences import derivative_along
from .evaluation import Array, Evaluator, Loss
from .held import Held, OtherStopsError

_STEP = 2.0**-66
_STEPS = (2.0**-5, 2.0**-8, 2.0**-11)
_WEIGHTS = (4 / 5, -1 / 5, 4 / 105, -1 / 280)
_AGREE = 3e-12
"""How far two steps may differ, relative to what the loss may well have for a slope."""


_SEPARATE = 1e-11
_ROWS = 4


class Slopes:
    """The directional derivatives of `loss` by its input `name`, at points near given ones."""

    def __init__(self, loss: Loss, name: str) -> None:
        self._loss = loss
        self._name = name
        self._analytic: dict[bytes, bool] = {}
        self._separate: dict[bytes, bool] = {}
        self._here: dict[bytes, tuple[float, float]] = {}
        self._held: tuple[bytes, Held[Any]] | None = None

    def at(self, inputs: Mapping[str, Array], shift: Array, direction: Array) -> float:
        """d/dt loss(x + shift + t·direction) at t = 0, nan where that is not known well enough.

        The arrays have the shape of x; `inputs` is the point that decides whether the code is
        analytic.
        """
        x = np.asarray(inputs[self._name], dtype=np.float64)
        if not np.any(direction):
            return 0.0
        key = _key(inputs) + np.ascontiguousarray(direction).tobytes()
        if key not in self._here:
            self._here[key] = self._measured(inputs, x, direction)
        value, part = self._here[key]
        if not np.any(shift) or value != value:
            return value
        if part:
            return self._quotient(inputs, x + shift, direction, part)
        return self._complex(inputs, x + shift, direction)

    def _measured(
        self, inputs: Mapping[str, Array], x: Array, direction: Array
    ) -> tuple[float, float]:
        """The derivative at the point itself, and the step of real points; 0 for a complex step."""
        if self._is_analytic(inputs):
            return self._complex(inputs, x, direction), 0.0
        return self._real(inputs, x, direction)

    def _complex(self, inputs: Mapping[str, Array], x: Array, direction: Array) -> float:
        return float(np.imag(self._value(inputs, x + 1j * _STEP * direction))) / _STEP

    def are_separate(self, inputs: Mapping[str, Array]) -> bool:
        """Whether x[i] seems not to matter to the derivatives by x[j], for a few i and all else."""
        key = _key(inputs)
        if key not in self._separate:
            self._separate.clear()
            x = np.asarray(inputs[self._name], dtype=np.float64)
            rows = np.random.default_rng(x.size).choice(len(x), min(_ROWS, len(x)), replace=False)
            self._separate[key] = all(self._is_separate(inputs, x, int(row)) for row in rows)
        return self._separate[key]

    def _is_separate(self, inputs: Mapping[str, Array], x: Array, row: int) -> bool:
        others, move = np.ones_like(x), np.zeros_like(x)
        others[row] = 0.0
        move[row] = 0.1 * (float(np.sqrt(np.mean(np.square(x)))) or 1.0)
        there, back = (self.at(inputs, way * move, others) for way in (1.0, -1.0))
        return bool(abs(there - back) <= _SEPARATE * (abs(there) + abs(back)))

    def _value(self, inputs: Mapping[str, Array], x: Array) -> complex:
        key = _key(inputs)
        with np.errstate(all="ignore"):
            if self._held is None or self._held[0] != key:
                self._held = key, Held(self._loss)
                self._held[1].at_point({name: np.copy(array) for name, array in inputs.items()})
            try:
                return complex(np.asarray(self._held[1]({**inputs, self._name: x})).reshape(()))
            except OtherStopsError:  # beyond a branch: no value that is to be compared
                return complex("nan")

    def _is_analytic(self, inputs: Mapping[str, Array]) -> bool:
        """Whether a complex step is confirmed by real differences, along a line that moves all."""
        key = _key(inputs)
        if key not in self._analytic:
            self._analytic.clear()
            self._here.clear()
            evaluator = Evaluator(self._loss, inputs)
            x = evaluator.array(self._name)
            rng = np.random.default_rng(x.size)
            direction = rng.choice([-1.0, 1.0], x.shape) * rng.uniform(0.5, 1.0, x.shape)
            if evaluator.defect is None:
                derivative_along(evaluator, self._name, direction)
            self._analytic[key] = evaluator.analytic.get(self._name) is True
        return self._analytic[key]

    def _real(
        self, inputs: Mapping[str, Array], x: Array, direction: Array
    ) -> tuple[float, float]:
        reach = float(np.max(np.abs(direction)))
        length = (float(np.sqrt(np.mean(np.square(x)))) or 1.0) / reach
        for part in _STEPS:
            wide, narrow = (self._quotient(inputs, x, direction, part * length * scale)
                            for scale in (1.0, 0.5))
            size = max(abs(narrow), abs(self._value(inputs, x).real) / length)
            if abs(wide - narrow) <= _AGREE * size / part**0.5:
                return narrow, part * length / 2
        return float("nan"), 0.0

    def _quotient(
        self, inputs: Mapping[str, Array], x: Array, direction: Array, step: float
    ) -> float:
        total = 0.0
        for place, weight in enumerate(_WEIGHTS, start=1):
            above = self._value(inputs, x + place * step * direction).real
            below = self._value(inputs, x - place * step * direction).real
            total += weight * (above - below)
        return total / step


def _key(inputs: Mapping[str, Array]) -> bytes:
    return b"".join(np.ascontiguousarray(array).tobytes() for array in inputs.values())
