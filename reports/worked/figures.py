"""Every entry of every array of a system, to fifty digits that were found twice.

The system is evaluated at two working precisions; where the results do not agree to fifty
significant digits (an output saturated to 1 - 1e-80, say) both are raised.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
import sympy as sp

from ...symbolic.equation import (
    INDEX_VALUE,
    NAMED,
    Equation,
    Item,
    Read,
    Recurrence,
    System,
    Term,
)
from ...symbolic.evaluator import NotComputableError, operations, size_number
from ...symbolic.exact.evaluation import Evaluation
from ...symbolic.exact.numbers import Arithmetic, Value, exact

Place: TypeAlias = tuple[int, ...]
"""The subscripts of an entry, from 0; () for a scalar."""
At: TypeAlias = Mapping[sp.Symbol, int]
"""Concrete values of indices."""

DIGITS = 50
GUARD_DIGITS = 15
MOST_DIGITS = 1000
MOST_OPERATIONS = 30_000
"""Scalar bodies evaluated at most: beyond this, fifty digits take seconds and no reader follows."""


class WorkedError(NotComputableError):
    """A system that has no worked numbers; the message says why."""


class NotFiniteError(WorkedError):
    """A quantity that is infinite or undefined at these values."""


@dataclass(frozen=True)
class Figures:
    """Values of all arrays, entry by entry; `sizes` are the numbers of the size symbols."""

    entries: dict[str, dict[Place, Value]]
    shapes: dict[str, tuple[int, ...]]
    sizes: dict[sp.Symbol, int]
    evaluation: Evaluation = field(repr=False)

    def __getitem__(self, name: str) -> dict[Place, Value]:
        return self.entries[name]

    @property
    def arithmetic(self) -> Arithmetic:
        return self.evaluation.arithmetic

    def place(self, read: Read, at: At) -> Place:
        """Which entry an occurrence is, its subscripts evaluated at `at`."""
        return tuple(int(self.evaluation.subscript(entry, at)) for entry in read.at)

    def read(self, read: Read, at: At) -> Value:
        """The value of an occurrence."""
        place = self.place(read, at)
        return Fraction(place[0]) if read.array == INDEX_VALUE else self.entries[read.array][place]

    def instances(self, term: Term, at: At) -> Iterator[dict[sp.Symbol, int]]:
        """The values of a term's bound indices for which its guards hold."""
        for here in self.evaluation.points(term.over, at):
            if all(self.evaluation.holds(guard, here) for guard in term.guards):
                yield here


def evaluate(
    system: System, values: Mapping[str, Any], extra: Sequence[Equation] = ()
) -> Figures:
    """Every entry of `system`, to ``DIGITS`` digits, from values for its inputs.

    `extra` are further equations over it (adjoints that were put into others), computed last.
    Values are nested lists of numbers; a scalar will do where every axis has size one.
    Raises WorkedError where a value is missing, too much is asked, or a result is not finite.
    """
    inputs, sizes = _inputs(system, values)
    items = [*system.items, *ordered(extra)]
    equations = [*system.equations, *extra]
    count = operations(equations, sizes) + sum(
        size_number(system.shapes[read.array][-1], sizes) ** 3  # elimination
        for equation in equations if equation.reduction in NAMED for read in equation.reads)
    if count > MOST_OPERATIONS:
        raise WorkedError(f"about {count:,} scalar operations would be needed, more than the "
                          f"{MOST_OPERATIONS:,} for which exact figures are computed")
    digits = DIGITS + GUARD_DIGITS
    low: Figures | None = None
    while True:
        try:
            high = _evaluate(items, inputs, sizes, digits)
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
) -> tuple[dict[str, np.ndarray[Any, Any]], dict[sp.Symbol, int]]:
    """The inputs as arrays of fractions, and the sizes that their shapes say."""
    missing = [array.name for array in system.inputs if array.name not in values]
    if missing:
        raise WorkedError(f"no values for {', '.join(missing)}")
    found: dict[str, np.ndarray[Any, Any]] = {}
    sizes: dict[sp.Symbol, int] = {}
    for array in system.inputs:
        shape, flat = flattened(values[array.name])
        if shape == () and len(array.shape) > 0:
            shape = (1,) * len(array.shape)
        if len(shape) != len(array.shape):
            raise WorkedError(f"{array.name}: expected shape {array.shape}, got {shape}")
        for size, number in zip(array.shape, shape, strict=True):
            if size.is_Symbol:
                sizes.setdefault(size, number)
        entries = np.empty(len(flat), dtype=object)
        entries[:] = flat
        found[array.name] = entries.reshape(shape)
    for array in system.inputs:
        expected = tuple(size_number(size, sizes) for size in array.shape)
        if found[array.name].shape != expected:
            raise WorkedError(f"{array.name}: expected shape {expected}, got "
                              f"{found[array.name].shape}")
    return found, sizes


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


def ordered(extra: Sequence[Equation]) -> list[Equation]:
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
    items: Sequence[Item],
    inputs: Mapping[str, np.ndarray[Any, Any]],
    sizes: dict[sp.Symbol, int],
    digits: int,
) -> Figures:
    """At one precision; the entries stand in the order in which they are computed."""
    found = Evaluation(Arithmetic(digits), sizes, inputs)
    found.run(items)
    steps = _loop_axes(items)
    entries: dict[str, dict[Place, Value]] = {}
    for name, array in found.arrays.items():
        places = list(np.ndindex(*array.shape))
        if name in steps:
            axis, direction = steps[name]
            places.sort(key=lambda place: direction * place[axis])
        entries[name] = {place: array[place] for place in places}
        for place, value in entries[name].items():
            if not found.arithmetic.is_finite(value):
                shown = f"[{', '.join(str(p + 1) for p in place)}]" if place else ""
                raise NotFiniteError(f"{name}{shown} has no finite value")
    shapes = {name: array.shape for name, array in found.arrays.items()}
    return Figures(entries, shapes, sizes, found)


def _loop_axes(items: Sequence[Item]) -> dict[str, tuple[int, int]]:
    """Which axis of an array counts the steps of a recurrence, and which way (1, -1) it is run."""
    return {
        name: ([index.name for index in equation.out].index(item.loop), item.direction)
        for item in items if isinstance(item, Recurrence)
        for equation in item.equations for name in (equation.name, *equation.argmax)
    }


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
