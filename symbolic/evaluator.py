"""A system gone through with numbers: one walk for every arithmetic.

    y[i] = Σ_u [0 <= 2 i + u - 1 < n] w[u] x[2 i + u - 1]
    ->   places [[-1, 0, 1], [1, 2, 3]] of x, where they are within it, and a sum over u

Which places an equation reads, where its guards hold and in which order a loop takes its steps is
found here, for all values of the indices at once.  What an entry is, and how entries are added and
compared, is an arithmetic's own: floats (`codegen.interpret`), fractions and many digits
(:mod:`exact`), residues (`proof.reevaluation`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, reduce
from itertools import product
from math import prod
from operator import add, mul
from typing import Any, Generic, TypeAlias, TypeVar

import numpy as np
import sympy as sp

from .equation import (
    Equal,
    Equation,
    Guard,
    Implicit,
    Index,
    Item,
    Read,
    Recurrence,
    Subscript,
    Term,
    index_symbol,
)

Grid: TypeAlias = Mapping[sp.Symbol, Any]
"""Values of indices: numbers, or arrays that are broadcast against one another."""
Point: TypeAlias = dict[sp.Symbol, int]
Shape: TypeAlias = tuple[int, ...]
Entries = TypeVar("Entries")
"""An array in an arithmetic."""


class NotComputableError(ValueError):
    """Something without a value here; the message names it."""


def size_number(size: sp.Expr, known: Mapping[sp.Symbol, Any]) -> int:
    """An expression in sizes and indices as the number it is; NotComputableError for none."""
    if size.is_Integer:
        return int(size)
    value = known.get(size)
    if value is None:
        value = size.xreplace({s: sp.Integer(int(n)) for s, n in known.items()})
        if not value.is_Integer:
            raise NotComputableError(f"size {size} is not determined by the inputs' shapes")
    return int(value)


def operations(equations: Iterable[Equation], sizes: Mapping[sp.Symbol, int]) -> int:
    """How many scalar bodies there are to evaluate at these sizes: what that costs, about.

    An axis that grows with a loop is not counted.
    """
    def count(index: Index) -> int:
        try:
            return size_number(index.size, sizes)
        except NotComputableError:
            return 1

    return sum(prod(map(count, (*equation.out, *term.over)))
               for equation in equations for term in equation.terms)


class Places(ABC):
    """Where subscripts lie and guards hold at given sizes."""

    def __init__(self, sizes: Mapping[sp.Symbol, int]) -> None:
        self.sizes = sizes

    @abstractmethod
    def labels(self, read: Read, grid: Grid) -> Any:
        """The entries of an integer array in a subscript, as whole numbers."""

    def number(self, size: sp.Expr, at: Grid | None = None) -> int:
        """A size as a number; `at` has the loop's index."""
        return size_number(size, {**self.sizes, **(at or {})})

    def points(self, indices: Sequence[Index], at: Mapping[sp.Symbol, int]) -> Iterator[Point]:
        """`at` extended by every combination of values of indices, the last running fastest."""
        for values in product(*(range(self.number(index.size, at)) for index in indices)):
            yield {**at, **{i.symbol: v for i, v in zip(indices, values, strict=True)}}

    def subscript(self, subscript: Subscript, grid: Grid) -> Any:
        """A subscript as whole numbers."""
        return self.labels(subscript, grid) if isinstance(subscript, Read) else self._affine(
            subscript, grid)

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
                raise NotComputableError(f"size {e} is not determined by the inputs' shapes")
            return found
        if e.is_Integer:
            return int(e)
        if isinstance(e, sp.floor | sp.ceiling):
            above, below = (self._affine(part, grid) for part in _quotient(e.args[0]))
            return above // below if isinstance(e, sp.floor) else -(-above // below)
        if isinstance(e, sp.Mod):
            left, right = (self._affine(part, grid) for part in e.args)
            return left % right
        if isinstance(e, sp.Max | sp.Min):
            choose = np.maximum if isinstance(e, sp.Max) else np.minimum
            return reduce(choose, (self._affine(part, grid) for part in e.args))
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
        raise NotComputableError(f"{e} is no subscript with a value")


class Evaluator(Places, Generic[Entries]):
    """The arrays of a system at given sizes, as far as they have been defined."""

    def __init__(self, sizes: Mapping[sp.Symbol, int], inputs: Mapping[str, Entries]) -> None:
        super().__init__(sizes)
        self.arrays: dict[str, Entries] = dict(inputs)

    # --- what an arithmetic has of its own ------------------------------------------------------

    @abstractmethod
    def term(
        self, equation: Equation, term: Term, grid: Grid, shape: Shape, free: int
    ) -> tuple[Entries, Sequence[Entries]]:
        """A term over its first `free` axes, and for a maximum the places where it is attained."""

    @abstractmethod
    def added(self, total: Entries, part: Entries) -> Entries:
        """The sum of two terms."""

    @abstractmethod
    def zeros(self, shape: Shape) -> Entries:
        """What a sum without terms is."""

    @abstractmethod
    def awaited(self, shape: Shape, are_places: bool) -> Entries:
        """An array whose entries a loop will define."""

    @abstractmethod
    def store(self, name: str, equation: Equation, at: Grid, value: Any) -> None:
        """Takes a value for an array, or for what a step of a loop, `at`, is of it."""

    # --- the walk -------------------------------------------------------------------------------

    def run(self, items: Iterable[Item]) -> None:
        """Adds what the items define.  Raises NotComputableError."""
        for item in items:
            if isinstance(item, Equation):
                self._define(item, {})
            elif isinstance(item, Implicit):
                self.solve(item)
            else:
                self._loop(item)

    def solve(self, item: Implicit) -> None:
        """Adds the arrays of a group that is solved for its unknown, where an arithmetic can."""
        raise NotComputableError(f"{item.unknown.name} is solved for")

    def gone_through(self, item: Implicit, unknown: Entries) -> Entries:
        """f of a value of the unknown, with what the group computes on the way."""
        name = item.unknown.name
        self.arrays[name] = unknown
        for equation in item.equations[1:]:
            self._define(equation, {})
        found = self.arrays[name]
        self.arrays[name] = unknown
        return found

    def _loop(self, item: Recurrence) -> None:
        loop = next(index for index in item.equations[0].out if index.name == item.loop)
        steps = range(self.number(loop.size))
        for equation in item.equations:
            shape = tuple(
                max((self.number(index.size, {loop.symbol: step}) for step in steps), default=0)
                for index in equation.out)
            for name in (equation.name, *equation.argmax):
                self.arrays[name] = self.awaited(shape, name != equation.name)
        for step in steps if item.direction == 1 else reversed(steps):
            for equation in item.equations:
                self._define(equation, {index_symbol(item.loop): step})

    def mask(self, term: Term, grid: Grid, shape: Shape) -> Any:
        """Where all guards of a term hold."""
        mask = np.ones(shape, dtype=bool)
        for guard in term.guards:
            mask &= self.holds(guard, grid)
        return mask

    def _define(self, equation: Equation, at: Grid) -> None:
        axes = [index for index in equation.out if index.symbol not in at]
        total: Entries | None = None
        places: Sequence[Entries] = ()
        for term in equation.terms:
            grid, shape = self._grid((*axes, *term.over), at)
            part, places = self.term(equation, term, grid, shape, len(axes))
            total = part if total is None else self.added(total, part)
        if total is None:
            total = self.zeros(tuple(self.number(index.size, at) for index in axes))
        self.store(equation.name, equation, at, total)
        for name, place in zip(equation.argmax, places, strict=False):
            self.store(name, equation, at, place)

    def _grid(self, indices: Sequence[Index], at: Grid) -> tuple[dict[sp.Symbol, Any], Shape]:
        """The values of indices that run, each along an axis, beside those that are fixed."""
        shape = tuple(self.number(index.size, at) for index in indices)
        grid = dict(at)
        for axis, (index, size) in enumerate(zip(indices, shape, strict=True)):
            grid[index.symbol] = np.arange(size).reshape(
                [-1 if axis == other else 1 for other in range(len(shape))])
        return grid, shape

    def places(self, read: Read, shape: Shape, grid: Grid) -> tuple[tuple[Any, ...], Any]:
        """The places that an occurrence reads, and which of them there are.

        Those that there are not, as beside a guard that does not hold, are moved inside.
        """
        inside: Any = True
        places = []
        for entry, size in zip(read.at, shape, strict=True):
            place = self.subscript(entry, grid)
            inside = inside & (place >= 0) & (place < size)
            places.append(np.clip(place, 0, size - 1))
        return tuple(places), inside

    def within(self, shape: Shape, equation: Equation, at: Grid) -> tuple[Any, ...]:
        """Where a step's value of a shape stands in the array of a loop's equation."""
        rest = [slice(size) for size in reversed(shape)]
        return tuple(at[index.symbol] if index.symbol in at else rest.pop()
                     for index in equation.out)


@cache
def _quotient(e: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    return e.as_numer_denom()  # type: ignore[no-any-return]
