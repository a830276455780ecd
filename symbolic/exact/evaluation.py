"""Every entry of every array of a system, in exact numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cache, reduce
from math import prod
from operator import add, mul
from typing import Any, TypeAlias

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ..equation import (
    INDEX_VALUE,
    MATRIX_VALUED,
    NAMED,
    Equal,
    Equation,
    Guard,
    Index,
    Item,
    Read,
    Recurrence,
    Subscript,
    System,
    Term,
    index_symbol,
    slot,
)
from .numbers import Arithmetic, NotComputableError
from .scalars import value_of

Objects: TypeAlias = NDArray[Any]
"""An array of exact numbers."""
Grid: TypeAlias = Mapping[sp.Symbol, Any]
"""Values of indices: numbers, or arrays that are broadcast against one another."""


class Evaluation:
    """The arrays of a system at given sizes, as far as they have been defined.

    An entry without a value (outside a domain, or read before it is defined) is nan.
    """

    def __init__(self, arithmetic: Arithmetic, sizes: Mapping[sp.Symbol, int],
                 inputs: Mapping[str, Objects]) -> None:
        self.arithmetic = arithmetic
        self._add = np.frompyfunc(arithmetic.add, 2, 1)
        self.sizes = sizes
        self.arrays: dict[str, Objects] = dict(inputs)

    def run(self, items: Iterable[Item]) -> None:
        """Adds what the items define.  Raises NotComputableError."""
        for item in items:
            if isinstance(item, Equation):
                self._define(item, {})
            else:
                self._loop(item)

    def whole(self, size: sp.Expr, at: Grid | None = None) -> int:
        """A size as a number; `at` has the loop's index.  NotComputableError where it is none."""
        return whole(size, {**self.sizes, **(at or {})})

    # --- definitions ----------------------------------------------------------------------------

    def _loop(self, item: Recurrence) -> None:
        loop = next(index for index in item.equations[0].out if index.name == item.loop)
        steps = range(self.whole(loop.size))
        for equation in item.equations:
            shape = tuple(
                max((self.whole(index.size, {loop.symbol: step}) for step in steps), default=0)
                for index in equation.out)
            for name in (equation.name, *equation.argmax):
                self.arrays[name] = np.full(shape, self.arithmetic.nan, dtype=object)
        for step in steps if item.direction == 1 else reversed(steps):
            for equation in item.equations:
                self._define(equation, {index_symbol(item.loop): step})

    def _define(self, equation: Equation, at: Grid) -> None:
        axes = [index for index in equation.out if index.symbol not in at]
        shape = tuple(self.whole(index.size, at) for index in axes)
        total: Objects = np.full(shape, Fraction(0), dtype=object)
        places: Sequence[Objects] = ()
        for number, term in enumerate(equation.terms):
            body, mask = self._body(term, axes, at)
            if equation.reduction == "max":
                total, places = self._largest(body, mask, len(shape))
            elif equation.reduction in NAMED:
                total = self._matrices(equation.reduction, _where(mask, body, Fraction(0)))
            else:
                part = self._sum(equation, body, mask, len(shape))
                total = np.asarray(self._add(total, part) if number else part)
        self._store(equation.name, equation, at, total)
        for name, axis in zip(equation.argmax, places, strict=False):
            self._store(name, equation, at, axis)

    def _store(self, name: str, equation: Equation, at: Grid, value: Objects) -> None:
        if not at:
            self.arrays[name] = value
            return
        within = tuple(slice(size) for size in value.shape)[::-1]
        rest = list(within)
        self.arrays[name][tuple(
            at[index.symbol] if index.symbol in at else rest.pop() for index in equation.out
        )] = value if value.ndim else value[()]

    def _body(self, term: Term, axes: Sequence[Index], at: Grid) -> tuple[Objects, NDArray[Any]]:
        """A term's values over its free and its bound indices, and where its guards hold."""
        indices = (*axes, *term.over)
        shape = tuple(self.whole(index.size, at) for index in indices)
        grid = dict(at)
        for axis, (index, size) in enumerate(zip(indices, shape, strict=True)):
            grid[index.symbol] = np.arange(size).reshape([-1 if axis == other else 1 for other
                                                          in range(len(shape))])
        mask = np.ones(shape, dtype=bool)
        for guard in term.guards:
            mask &= self.holds(guard, grid)
        known: dict[sp.Symbol, Any] = {size: Fraction(n) for size, n in self.sizes.items()}
        for place, read in enumerate(term.reads):
            known[slot(place)], inside = self._gathered(read, grid)
            if not np.all(inside | ~mask):
                raise NotComputableError(f"{read} is read outside of {read.array}")
        body = np.empty(shape, dtype=object)
        body[...] = value_of(term.body, self.arithmetic, known)
        return body, mask

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

    # --- reads and guards -----------------------------------------------------------------------

    def _gathered(self, read: Read, grid: Grid) -> tuple[Any, Any]:
        """The values at an occurrence's places, and which of the places there are.

        Places that there are not, as beside a guard that does not hold, get another's value.
        """
        if read.array == INDEX_VALUE:
            return np.frompyfunc(Fraction, 1, 1)(self.subscript(read.at[0], grid)), True
        array = self.arrays[read.array]
        inside: Any = True
        places = []
        for entry, size in zip(read.at, array.shape, strict=True):
            place = self.subscript(entry, grid)
            inside = inside & (place >= 0) & (place < size)
            places.append(np.clip(place, 0, size - 1))
        return array[tuple(places)], inside

    def subscript(self, subscript: Subscript, grid: Grid) -> Any:
        """Whole numbers; -1 where an array that is read in it has no value."""
        if isinstance(subscript, Read):
            values, inside = self._gathered(subscript, grid)
            return np.where(inside, np.asarray(np.frompyfunc(_whole_or_less, 1, 1)(values)).astype(
                np.int64), -1)
        return self._affine(subscript, grid)

    def holds(self, guard: Guard, grid: Grid) -> Any:
        """Where a guard holds."""
        if isinstance(guard, Equal):
            return self.subscript(guard.left, grid) == self.subscript(guard.right, grid)
        low, value, high = (self._affine(e, grid) for e in (guard.low, guard.value, guard.high))
        return (low <= value) & (value < high)

    def _affine(self, e: sp.Expr, grid: Grid) -> Any:
        if e.is_Symbol:
            found = grid.get(e, self.sizes.get(e))
            if found is None:
                raise NotComputableError(f"size {e} is not determined by the values")
            return found
        if e.is_Integer:
            return int(e)
        if isinstance(e, sp.floor):
            above, below = _quotient(e.args[0])
            return self._affine(above, grid) // self._affine(below, grid)
        if isinstance(e, sp.Mod):
            left, right = (self._affine(part, grid) for part in e.args)
            return left % right
        above, below = _quotient(e)
        if below != 1:
            dividend, divisor = self._affine(above, grid), self._affine(below, grid)
            if np.any(dividend % divisor):
                raise NotComputableError(f"{e} is no whole number")
            return dividend // divisor
        if e.is_Add or e.is_Mul:
            return reduce(add if e.is_Add else mul, (self._affine(a, grid) for a in e.args))
        if e.is_Pow and e.exp.is_Integer:
            return self._affine(e.base, grid) ** int(e.exp)
        raise NotComputableError(f"{e} is no subscript with an exact evaluation")


@cache
def _quotient(e: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    return e.as_numer_denom()  # type: ignore[no-any-return]


def bodies(system: System, sizes: Mapping[sp.Symbol, int]) -> int:
    """How many scalar bodies an evaluation at these sizes has: what it costs, about.

    Raises NotComputableError for a size that is no number there.
    """
    return sum(prod(whole(index.size, sizes) for index in (*equation.out, *term.over))
               for equation in system.equations for term in equation.terms)


def whole(size: sp.Expr, known: Mapping[sp.Symbol, Any]) -> int:
    """An expression in sizes and indices as the number it is; NotComputableError for none."""
    if size.is_Integer:
        return int(size)
    value = known.get(size)
    if value is None:
        value = size.xreplace({s: sp.Integer(int(n)) for s, n in known.items()})
        if not value.is_Integer:
            raise NotComputableError(f"size {size} is not determined by the values")
    return int(value)


def _where(mask: NDArray[Any], values: Objects, otherwise: Any) -> Objects:
    return np.asarray(np.where(mask, values, otherwise), dtype=object)


def _whole_or_less(value: Any) -> int:
    return int(value) if isinstance(value, Fraction) else -1
