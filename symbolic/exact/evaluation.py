"""Every entry of every array of a system, in exact numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ..equation import INDEX_VALUE, MATRIX_VALUED, NAMED, Equation, Implicit, Read, Term, slot
from ..evaluator import Evaluator, Grid, NotComputableError, Shape
from .numbers import Arithmetic
from .scalars import value_of

Objects: TypeAlias = NDArray[Any]
"""An array of exact numbers."""


STEPS = 60
"""Of Newton's method, for what is solved for."""


class Evaluation(Evaluator[Objects]):
    """The arrays of a system at given sizes, as far as they have been defined.

    An entry without a value (outside a domain, or read before it is defined) is nan.
    """

    def __init__(self, arithmetic: Arithmetic, sizes: Mapping[sp.Symbol, int],
                 inputs: Mapping[str, Objects]) -> None:
        super().__init__(sizes, inputs)
        self.arithmetic = arithmetic
        self._add = np.frompyfunc(arithmetic.add, 2, 1)

    def term(
        self, equation: Equation, term: Term, grid: Grid, shape: Shape, free: int
    ) -> tuple[Objects, Sequence[Objects]]:
        """NotComputableError for a place outside of an array where the guards hold."""
        mask = self.mask(term, grid, shape)
        known: dict[sp.Symbol, Any] = {size: Fraction(n) for size, n in self.sizes.items()}
        for place, read in enumerate(term.reads):
            known[slot(place)], inside = self._gathered(read, grid)
            if not np.all(inside | ~mask):
                raise NotComputableError(f"{read} is read outside of {read.array}")
        body = np.empty(shape, dtype=object)
        body[...] = value_of(term.body, self.arithmetic, known)
        if equation.reduction == "max":
            return self._largest(body, mask, free)
        if equation.reduction in NAMED:
            return self._matrices(equation.reduction, _where(mask, body, Fraction(0))), ()
        return self._sum(equation, body, mask, free), ()

    def added(self, total: Objects, part: Objects) -> Objects:
        return np.asarray(self._add(total, part))

    def zeros(self, shape: Shape) -> Objects:
        return np.full(shape, Fraction(0), dtype=object)

    def awaited(self, shape: Shape, are_places: bool) -> Objects:
        return np.full(shape, self.arithmetic.nan, dtype=object)

    def store(self, name: str, equation: Equation, at: Grid, value: Objects) -> None:
        if at:
            self.arrays[name][self.within(value.shape, equation, at)] = (
                value if value.ndim else value[()])
        else:
            self.arrays[name] = value

    def solve(self, item: Implicit) -> None:
        """By Newton's method with slopes in double precision: each step gains 15 digits."""
        self.run(item.equations[:1])
        context, real = self.arithmetic.context, np.frompyfunc(self.arithmetic.real, 1, 1)
        x = np.asarray(real(self.arrays[item.equations[0].name]), dtype=object)
        aside = context.mpf(10) ** (-self.arithmetic.digits // 2)
        step, nearest = 0 * x, context.inf

        def gap(y: Objects) -> Objects:
            return np.asarray(real(self.gone_through(item, y)), dtype=object) - y

        for _ in range(STEPS):
            missing = np.asarray(gap(x), dtype=object)
            size = max([0, *map(abs, missing.flat)])
            if not size <= nearest:
                step = step / 2
                x = np.asarray(x - step, dtype=object)
                continue
            slope = np.eye(x.size)
            for place in range(x.size):
                moved = x.copy()
                moved.flat[place] += aside
                change = np.asarray((gap(moved) - missing) / aside, dtype=object)
                slope[:, place] = [-float(entry) for entry in change.flat]
            try:
                inverse = np.linalg.inv(slope)
            except np.linalg.LinAlgError as error:
                raise NotComputableError(f"{item.unknown.name} is not found") from error
            exactly = np.frompyfunc(context.mpf, 1, 1)(inverse).astype(object)
            step = (exactly @ missing.ravel()).reshape(x.shape) if x.size else missing
            x, nearest = np.asarray(x + step, dtype=object), size
            if max([0, *map(abs, np.ravel(step))]) <= aside * aside * 10**8 * (
                    1 + max([0, *map(abs, x.flat)])):
                self.gone_through(item, x)
                return
        raise NotComputableError(f"{item.unknown.name} is not found")

    def labels(self, read: Read, grid: Grid) -> Any:
        """-1 where an array that is read in a subscript has no value."""
        values, inside = self._gathered(read, grid)
        return np.where(inside, np.asarray(np.frompyfunc(_whole_or_less, 1, 1)(values)).astype(
            np.int64), -1)

    def _gathered(self, read: Read, grid: Grid) -> tuple[Any, Any]:
        """The values at an occurrence's places, and which of the places there are."""
        if read.array == INDEX_VALUE:
            return np.frompyfunc(Fraction, 1, 1)(self.subscript(read.at[0], grid)), True
        array = self.arrays[read.array]
        places, inside = self.places(read, array.shape, grid)
        return array[places], inside

    # --- reductions -----------------------------------------------------------------------------

    def _sum(self, equation: Equation, body: Objects, mask: NDArray[Any], free: int) -> Objects:
        """Σ, or log Σ exp, over all but the first `free` axes."""
        logarithm = equation.reduction == "logsumexp"
        if logarithm:
            body = np.asarray(self._call("exp", body), dtype=object)
        kept = _where(mask, body, Fraction(0))
        if kept.ndim > free:
            kept = kept.reshape(*kept.shape[:free], -1)
            kept = self._add.reduce(kept, axis=-1, initial=Fraction(0))
        return np.asarray(self._call("log", kept) if logarithm else kept, dtype=object)

    def _call(self, name: str, values: Objects) -> Any:
        return np.frompyfunc(lambda x: self.arithmetic.call(name, x), 1, 1)(values)

    def _largest(
        self, body: Objects, mask: NDArray[Any], free: int
    ) -> tuple[Objects, list[Objects]]:
        """The maximum over all but the first `free` axes, and its first place along each."""
        bound = body.shape[free:]
        top = np.full(body.shape[:free], self.arithmetic.nan, dtype=object)
        places = [np.full(top.shape, self.arithmetic.nan, dtype=object) for _ in bound]
        for entry in np.ndindex(*top.shape):
            best: tuple[int, ...] | None = None
            for place in map(tuple, np.argwhere(mask[entry])):
                sign = None if best is None else self.arithmetic.sign(body[entry][place],
                                                                      body[entry][best])
                if best is None or sign == 1:
                    best = place
                elif sign is None:  # one of them has no value, so that the maximum has none
                    best = None
                    break
            if best is not None:
                top[entry] = body[entry][best]
                for axis, found in zip(places, best, strict=True):
                    axis[entry] = Fraction(int(found))
        return top, places

    def _matrices(self, operation: str, matrices: Objects) -> Objects:
        """A named operation on the last two axes, in the digits of the arithmetic."""
        context = self.arithmetic.context
        outer = matrices.shape[:-2]
        found = np.full(matrices.shape if operation in MATRIX_VALUED else outer,
                        self.arithmetic.nan, dtype=object)
        for place in np.ndindex(*outer):
            rows = [[self.arithmetic.real(entry) for entry in row] for row in matrices[place]]
            matrix = context.matrix(rows)
            try:
                if operation in MATRIX_VALUED:
                    made = matrix**-1 if operation == "inv" else context.cholesky(matrix)
                    found[place] = np.array(made.tolist(), dtype=object)
                else:
                    value = context.det(matrix)
                    found[place] = (value if operation == "det" else
                                    self.arithmetic.call("log", abs(value)))
            except (ZeroDivisionError, ValueError):  # no inverse, or not positive definite
                continue
        return found


def fractions(values: Any, denominator: int = 1) -> Objects:
    """Numbers as the fractions that they are, over a common denominator."""
    exactly = np.frompyfunc(lambda value: Fraction(value) / denominator, 1, 1)
    return np.asarray(exactly(np.asarray(values)), dtype=object)


def _where(mask: NDArray[Any], values: Objects, otherwise: Any) -> Objects:
    return np.asarray(np.where(mask, values, otherwise), dtype=object)


def _whole_or_less(value: Any) -> int:
    return int(value) if isinstance(value, Fraction) else -1
