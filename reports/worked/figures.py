"""Every entry of every array of a system, to fifty digits that were found twice.

The system is evaluated at two working precisions; where the results do not agree to fifty
significant digits (an output saturated to 1 - 1e-80, say) both are raised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product
from typing import Any, TypeAlias

import sympy as sp

from ...symbolic.equation import (
    INDEX_VALUE,
    NAMED,
    Equal,
    Equation,
    Guard,
    Index,
    Read,
    Recurrence,
    Subscript,
    System,
    Term,
)
from .arithmetic import Arithmetic, Value, compiled, exact

Place: TypeAlias = tuple[int, ...]
"""The subscripts of an entry, from 0; () for a scalar."""
At: TypeAlias = Mapping[sp.Symbol, int]
"""Concrete values of indices."""

DIGITS = 50
GUARD_DIGITS = 15
MOST_DIGITS = 1000
MOST_OPERATIONS = 30_000
"""Scalar bodies evaluated at most: beyond this, fifty digits take seconds and no reader follows."""


class WorkedError(ValueError):
    """A system that has no worked numbers; the message says why."""


class NotFiniteError(WorkedError):
    """A quantity that is infinite or undefined at these values."""


@dataclass(frozen=True)
class Figures:
    """Values of all arrays, entry by entry; `sizes` are the numbers of the size symbols."""

    entries: dict[str, dict[Place, Value]]
    shapes: dict[str, tuple[int, ...]]
    sizes: dict[sp.Symbol, int]
    arithmetic: Arithmetic = field(repr=False)

    def __getitem__(self, name: str) -> dict[Place, Value]:
        return self.entries[name]

    def read(self, read: Read, at: At) -> Value:
        """The value of an occurrence; subscripts are evaluated at `at`."""
        if read.array == INDEX_VALUE:
            return Fraction(self.subscript(read.at[0], at))
        place = tuple(self.subscript(entry, at) for entry in read.at)
        return self.entries[read.array][place]

    def subscript(self, subscript: Subscript, at: At) -> int:
        if isinstance(subscript, Read):
            return int(self.read(subscript, at))
        return whole(subscript, at, self.sizes)

    def holds(self, guard: Guard, at: At) -> bool:
        if isinstance(guard, Equal):
            return self.subscript(guard.left, at) == self.subscript(guard.right, at)
        low, value, high = (self.subscript(p, at) for p in (guard.low, guard.value, guard.high))
        return low <= value < high

    def places(self, indices: Sequence[Index], at: At) -> Iterator[dict[sp.Symbol, int]]:
        """`at` extended by every combination of `indices`, the last running fastest."""
        ranges = [range(whole(index.size, at, self.sizes)) for index in indices]
        for values in product(*ranges):
            yield {**at, **{i.symbol: v for i, v in zip(indices, values, strict=True)}}

    def instances(self, term: Term, at: At) -> Iterator[dict[sp.Symbol, int]]:
        """The values of a term's bound indices for which its guards hold."""
        for here in self.places(term.over, at):
            if all(self.holds(guard, here) for guard in term.guards):
                yield here


def whole(expression: sp.Expr, at: At, sizes: Mapping[sp.Symbol, int]) -> int:
    """An affine expression in indices and sizes, as the integer it is."""
    if expression.is_Symbol:
        value = at.get(expression, sizes.get(expression))
        if value is None:
            raise WorkedError(f"size {expression} is not determined by the values")
        return value
    if expression.is_Integer:
        return int(expression)
    result = expression.xreplace({s: sp.Integer(v) for s, v in (*sizes.items(), *at.items())})
    if not result.is_Integer:
        raise WorkedError(f"size {expression} is not determined by the values")
    return int(result)


def evaluate(
    system: System, values: Mapping[str, Any], extra: Sequence[Equation] = ()
) -> Figures:
    """Every entry of `system`, to ``DIGITS`` digits, from values for its inputs.

    `extra` are further equations over it (adjoints that were put into others), computed last.
    Values are nested lists of numbers; a scalar will do where every axis has size one.
    Raises WorkedError where a value is missing, too much is asked, or a result is not finite.
    """
    inputs, shapes, sizes = _inputs(system, values)
    count = _operations(system, extra, sizes)
    if count > MOST_OPERATIONS:
        raise WorkedError(f"about {count:,} scalar operations would be needed, more than the "
                          f"{MOST_OPERATIONS:,} for which exact figures are computed")
    items = [*system.items, *_ordered(extra)]
    digits = DIGITS + GUARD_DIGITS
    low: Figures | None = None
    while True:
        try:
            high = _evaluate(items, inputs, shapes, sizes, digits)
        except NotFiniteError:  # log(1 - a), say, where a was rounded to 1
            if digits > MOST_DIGITS:
                raise
            digits = 2 * digits
            continue
        unsettled = _unsettled(low, high) if low else []
        if low and not unsettled:
            return high
        if digits > MOST_DIGITS:
            return _with_zeros(high, unsettled)
        low, digits = high, 2 * digits


def _inputs(
    system: System, values: Mapping[str, Any]
) -> tuple[dict[str, dict[Place, Value]], dict[str, tuple[int, ...]], dict[sp.Symbol, int]]:
    missing = [array.name for array in system.inputs if array.name not in values]
    if missing:
        raise WorkedError(f"no values for {', '.join(missing)}")
    shapes: dict[str, tuple[int, ...]] = {}
    sizes: dict[sp.Symbol, int] = {}
    flat: dict[str, list[Fraction]] = {}
    for array in system.inputs:
        shape, flat[array.name] = flattened(values[array.name])
        if shape == () and len(array.shape) > 0:
            shape = (1,) * len(array.shape)
        if len(shape) != len(array.shape):
            raise WorkedError(f"{array.name}: expected shape {array.shape}, got {shape}")
        for size, number in zip(array.shape, shape, strict=True):
            if size.is_Symbol:
                sizes.setdefault(size, number)
        shapes[array.name] = shape
    for array in system.inputs:
        expected = tuple(whole(size, {}, sizes) for size in array.shape)
        if shapes[array.name] != expected:
            raise WorkedError(f"{array.name}: expected shape {expected}, got "
                              f"{shapes[array.name]}")
    entries = {
        name: dict(zip(product(*map(range, shapes[name])), numbers, strict=True))
        for name, numbers in flat.items()
    }
    return entries, shapes, sizes


def flattened(value: Any) -> tuple[tuple[int, ...], list[Fraction]]:
    """The shape and the entries, in row-major order, of nested lists of numbers."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if not isinstance(value, list | tuple):
        return (), [exact(value)]
    parts = [flattened(part) for part in value]
    if len({shape for shape, _ in parts}) > 1 or not parts:
        raise WorkedError(f"expected rows of equal length, got {value!r}")
    return (len(parts), *parts[0][0]), [number for _, numbers in parts for number in numbers]


def _operations(
    system: System, extra: Sequence[Equation], sizes: Mapping[sp.Symbol, int]
) -> int:
    total = 0
    for equation in (*system.equations, *extra):
        for term in equation.terms:
            count = 1
            for index in (*equation.out, *term.over):
                try:
                    count *= whole(index.size, {}, sizes)
                except WorkedError:  # a size that depends on an outer index
                    count *= 1
            total += count
    return total


def _ordered(extra: Sequence[Equation]) -> list[Equation]:
    """Equations sorted so that each comes after those of them that it reads."""
    waiting = {equation.name: equation for equation in extra}
    done: list[Equation] = []

    def place(equation: Equation) -> None:
        for read in equation.reads:
            if read.array in waiting and read.array != equation.name:
                place(waiting[read.array])
        if waiting.pop(equation.name, None) is not None:
            done.append(equation)

    for equation in list(extra):
        place(equation)
    return done


def _evaluate(
    items: Sequence[Equation | Recurrence],
    inputs: Mapping[str, dict[Place, Value]],
    shapes: Mapping[str, tuple[int, ...]],
    sizes: dict[sp.Symbol, int],
    digits: int,
) -> Figures:
    figures = Figures(dict(inputs), dict(shapes), sizes, Arithmetic(digits))
    for item in items:
        if isinstance(item, Equation):
            _entries([item], figures, {})
            continue
        loop = next(index for index in item.equations[0].out if index.name == item.loop)
        steps = range(whole(loop.size, {}, sizes))
        for step in steps if item.direction == 1 else reversed(steps):
            _entries(item.equations, figures, {loop.symbol: step})
    return figures


def _entries(equations: Sequence[Equation], figures: Figures, at: At) -> None:
    """Defines the entries of `equations` at the loop index's value `at`."""
    for equation in equations:
        if equation.reduction in NAMED:
            raise WorkedError(f"{equation.name}: {equation.reduction} is not computed exactly")
        free = [index for index in equation.out if index.symbol not in at]
        entries = figures.entries.setdefault(equation.name, {})
        figures.shapes[equation.name] = tuple(
            whole(index.size, at, figures.sizes) for index in equation.out
        )
        bodies = [compiled(term.body, figures.sizes) for term in equation.terms]
        for here in figures.places(free, at):
            place = tuple(here[index.symbol] for index in equation.out)
            value = _entry(equation, bodies, figures, here, place)
            if not figures.arithmetic.is_finite(value):
                shown = f"[{', '.join(str(p + 1) for p in place)}]" if place else ""
                raise NotFiniteError(f"{equation.name}{shown} has no finite value")
            entries[place] = value


def _entry(
    equation: Equation,
    bodies: Sequence[Callable[..., Value]],
    figures: Figures,
    here: At,
    place: Place,
) -> Value:
    arithmetic = figures.arithmetic
    total: Value = Fraction(0)
    for term, body in zip(equation.terms, bodies, strict=True):
        best: tuple[Value, tuple[int, ...]] | None = None
        for instance in figures.instances(term, here):
            value = body([figures.read(read, instance) for read in term.reads], arithmetic)
            if equation.reduction == "logsumexp":
                value = arithmetic.call("exp", value)
            if equation.reduction == "max":
                if best is None or value > best[0]:
                    best = value, tuple(instance[index.symbol] for index in term.over)
            else:
                total = arithmetic.add(total, value)
        if equation.reduction == "max":
            if best is None:
                return arithmetic.context.nan
            total = best[0]
            for name, position in zip(equation.argmax, best[1], strict=True):
                figures.entries.setdefault(name, {})[place] = Fraction(position)
    return arithmetic.call("log", total) if equation.reduction == "logsumexp" else total


def _unsettled(low: Figures, high: Figures) -> list[tuple[str, Place]]:
    """The entries that do not agree to ``DIGITS`` significant digits."""
    context = high.arithmetic.context
    tolerance = context.mpf(10) ** -DIGITS
    found = []
    for name, entries in high.entries.items():
        for place, value in entries.items():
            other = low.entries[name][place]
            if isinstance(value, Fraction) and isinstance(other, Fraction):
                continue
            exactly, roughly = high.arithmetic.real(value), context.mpf(low.arithmetic.real(other))
            if abs(exactly - roughly) > tolerance * abs(exactly):
                found.append((name, place))
    return found


def _with_zeros(figures: Figures, unsettled: Sequence[tuple[str, Place]]) -> Figures:
    """What keeps shrinking as the precision grows is a sum that cancels: exactly zero.

    Raises WorkedError for an entry that neither settles nor shrinks.
    """
    least = figures.arithmetic.context.mpf(10) ** (-figures.arithmetic.digits // 2)
    for name, place in unsettled:
        if abs(figures.arithmetic.real(figures[name][place])) > least:
            raise WorkedError(f"{name} does not settle within {MOST_DIGITS} digits")
        figures[name][place] = Fraction(0)
    return figures
