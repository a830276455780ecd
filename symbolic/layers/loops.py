"""Recurrences on a :class:`Builder`: within a loop, x[t] and h[t - 1] are operands like any other.

The equations that are appended while a :class:`Loop` is open are written for one step; closing it
gives them the loop's index and makes them a group.  A term that reads h[t - 1] holds for 1 <= t,
and a twin of it reads the initial value at t = 0 (none where that is zero and the term vanishes):

    >>> print(gp.equations("h[-1] = h0; h[t] = x[t]*h[t-1]", x="T n", h0="n"))
    for t upwards:
      h[t<T, j<n] = [1 <= t < T]x[t, j]*h[t - 1, j] + [t = 0]x[t, j]*h0[j]
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import sympy as sp

from ..equation import (
    Equal,
    Equation,
    Guard,
    Index,
    Read,
    Recurrence,
    Size,
    Term,
    Within,
    fresh_name,
    index_symbol,
    slot,
)
from ..functions import at_numbers
from ..solving import prune
from ..substitution import map_reads, rename_arrays, rename_bound, substitute_term
from .builder import Builder, Operand, ShapeError


@dataclass(frozen=True)
class _Carry:
    """The value of `name` one step before, and what stands for it at the first step."""

    name: str
    initial: Operand | None


class Loop:
    """A loop over `size` steps; `direction` -1 runs from the last to the first."""

    def __init__(
        self, builder: Builder, index: str, size: Size, direction: Literal[1, -1] = 1
    ) -> None:
        if builder.stepping is not None:
            raise ShapeError(f"a recurrence over {size} steps stands inside of the steps of "
                             f"{builder.stepping}; compute it before them, and read its entries")
        builder.stepping = index
        self.builder = builder
        self.index = Index(index, size)
        self.direction: Literal[1, -1] = direction
        self._start = len(builder.equations)
        self._slices: dict[str, str] = {}
        self._carries: dict[str, _Carry] = {}

    def at(self, operand: Operand) -> Operand:
        """x[t], of an array whose first axis is the loop's."""
        if not operand.ndim or sp.expand(operand.shape[0] - self.index.size) != 0:
            raise ShapeError(f"{operand} has no entry for each of the {self.index.size} steps of "
                             f"{self.index.name}: its first axis must have that size")
        name = f"{operand.name}[{self.index.name}]"
        self._slices[name] = operand.name
        axes = [index.name for index in self.builder.axes(operand)[1:]]
        return self.builder.stand_in(name, operand.shape[1:], axes)

    def before(self, name: str, initial: Operand | None, shape: tuple[Size, ...]) -> Operand:
        """name[t - 1], of an array that this loop defines; `initial` None is zero before t = 0."""
        step = "-1" if self.direction > 0 else "+1"
        label = f"{name}[{self.index.name}{step}]"
        self._carries[label] = _Carry(name, initial)
        if initial is not None and initial.shape != shape:
            raise ShapeError(f"the initial value of {name}, {initial}, has not the shape "
                             f"({', '.join(map(str, shape))}) of a step")
        axes = ([i.name for i in self.builder.axes(initial)] if initial is not None
                else [i.name for i in self.builder.indices(shape, ())])
        return self.builder.stand_in(label, shape, axes)

    def close(self) -> None:
        """Turns the equations since the loop was opened into a recurrence."""
        steps = list(self._carried(self.builder.equations[self._start :]))
        inside = {name for equation in steps for name in (equation.name, *equation.argmax)}
        missing = {carry.name for carry in self._carries.values()} - inside
        if missing:
            raise ShapeError(f"{sorted(missing)} are read one step before, and no equation of the "
                             f"loop over {self.index.name} defines them")
        lifted = [self._lifted(equation, inside) for equation in steps]
        self.builder.equations[self._start :] = lifted
        for equation in lifted:
            for name in (equation.name, *equation.argmax):
                self.builder.stand_in(name, equation.shape, [i.name for i in equation.out])
        self.builder.stepping = None
        places = range(self._start, len(self.builder.equations))
        self.builder.recurrences.append(
            (places, Recurrence(self.index.name, self.direction, ()))
        )

    def made(self, name: str) -> Operand:
        """The whole array of a value that the closed loop computed."""
        for equation in self.builder.equations[self._start :]:
            if equation.name == name:
                return Operand(name, equation.shape)
        raise KeyError(name)

    # --- lifting --------------------------------------------------------------------------------

    def _carried(self, steps: list[Equation]) -> Iterator[Equation]:
        """The steps; a carry that a maximum or a log Σ exp reads is an equation of its own, since
        those have one term only."""
        for equation in steps:
            if equation.reduction != "sum":
                for label in {read.array for read in equation.reads} & self._carries.keys():
                    name = self.builder.fresh(self._carries[label].name)
                    self.builder.reserve(name)
                    out = self.builder.axes(
                        Operand(label, self._shape_of(label, steps))
                    )
                    symbols = tuple(index.symbol for index in out)
                    yield Equation(name, out, (Term(slot(0), (Read(label, symbols),)),))
                    equation = rename_arrays(equation, {label: name})
            yield equation

    def _shape_of(self, label: str, steps: list[Equation]) -> tuple[Size, ...]:
        return next(e.shape for e in steps if e.name == self._carries[label].name)

    def _lifted(self, equation: Equation, inside: set[str]) -> Equation:
        """The equation of one step as one of every step."""
        loop = self.index
        equation = _without(equation, loop.name)
        terms = [
            map_reads(part, lambda read: self._placed(read, inside))
            for term in equation.terms
            for part in self._at_the_boundary(term)
        ]
        return replace(equation, out=(loop, *equation.out), terms=tuple(terms))

    def _at_the_boundary(self, term: Term) -> Iterator[Term]:
        """A term as parts that hold at every step, at every step but the first, at the first."""
        slots = {slot(place) for place, read in enumerate(term.reads)
                 if read.array in self._carries}
        if not slots:
            yield term
            return
        addends = sp.Add.make_args(term.body)
        plain = sp.Add(*(part for part in addends if not part.free_symbols & slots))
        carrying = term.body - plain
        if plain != 0:
            body, reads = prune(plain, term.reads)
            yield replace(term, body=body, reads=reads)
        later, first = self._boundary()
        body, reads = prune(carrying, term.reads)
        yield replace(term, body=body, reads=reads, guards=(*term.guards, later))
        body, reads = self._initially(carrying, term.reads)
        if body != 0:
            yield replace(term, body=body, reads=reads, guards=(*term.guards, first))

    def _initially(
        self, body: sp.Expr, reads: tuple[Read, ...]
    ) -> tuple[sp.Expr, tuple[Read, ...]]:
        """A body with initial values for what is carried."""
        zero = {}
        started = list(reads)
        for place, read in enumerate(reads):
            carry = self._carries.get(read.array)
            if carry is None:
                continue
            if carry.initial is None:
                zero[slot(place)] = sp.S.Zero
            else:
                started[place] = Read(carry.initial.name, read.at)
        return prune(at_numbers(body.subs(zero)), tuple(started))

    def _boundary(self) -> tuple[Guard, Guard]:
        """The guards of the steps that have one before them, and of the first step."""
        t, size = self.index.symbol, self.index.size
        if self.direction > 0:
            return Within(sp.S.One, t, size), Equal(t, sp.S.Zero)
        return Within(sp.S.Zero, t, size - 1), Equal(t, size - 1)

    def _placed(self, read: Read, inside: set[str]) -> Read:
        t = self.index.symbol
        if read.array in self._slices:
            return Read(self._slices[read.array], (t, *read.at))
        if read.array in self._carries:
            return Read(self._carries[read.array].name, (t - self.direction, *read.at))
        return Read(read.array, (t, *read.at)) if read.array in inside else read


def _without(equation: Equation, name: str) -> Equation:
    """The equation with no index of that name."""
    taken = {index.name for index in equation.out} | {name}
    terms = tuple(rename_bound(term, taken) for term in equation.terms)
    if not any(index.name == name for index in equation.out):
        return replace(equation, terms=terms)
    bound = {index.name for term in terms for index in term.over}
    other = fresh_name(name, taken | bound)
    by = {index_symbol(name): index_symbol(other)}
    return replace(
        equation,
        out=tuple(Index(other if i.name == name else i.name, i.size) for i in equation.out),
        terms=tuple(substitute_term(term, by) for term in terms),
    )
