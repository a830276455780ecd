"""Systems without small concrete axes: an array with an axis of size 3 becomes three arrays.

    y[i] = Σ_k<2 w[k] x[i + k]   ->   y[i] = w[0] x[i] + w[1] x[i + 1]

Sums over such axes are written out, guards on constant places decided, and copies and constants
read through, so that windows, slices and loops over a kernel leave no trace.  What is computed is
the same for all sizes; only symbolic axes remain, and those that a place is looked up along.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import TypeAlias

import sympy as sp

from ..equation import (
    Equal,
    Equation,
    Guard,
    Index,
    Read,
    Subscript,
    System,
    Term,
    slot,
    subscript_indices,
    term_reads,
)
from ..solving import solve_equation
from ..substitution import substitute_read, substitute_term

LARGEST = 8
"""The longest axis that is written out."""
LONGEST_SUM = 16
"""The longest index of a sum that is written out: two small axes reshaped into one make 9 or 16."""
MOST = 20_000
"""Summands to write at most."""

Place: TypeAlias = tuple[int, ...]


class NotUnrolledError(Exception):
    """The system has no such axes, a recurrence, or too many entries."""


@dataclass(frozen=True)
class _Copy:
    """An array whose entries are those of another, or one number."""

    out: tuple[sp.Symbol, ...]
    source: Read | sp.Expr


def is_small(size: sp.Expr) -> bool:
    """Whether an axis of that size is written out; one of size 1 stays as it is."""
    return bool(size.is_Integer) and 1 < size <= LARGEST


@dataclass(frozen=True)
class Unrolled:
    """A system without small axes; `parts` are the arrays that a wanted array became, by place."""

    system: System
    parts: Mapping[str, Mapping[Place, str]]


def unrolled(system: System, wanted: Iterable[str]) -> Unrolled:
    """The system with small axes written out, down to the wanted arrays; or NotUnrolledError."""
    return _Unroller(system).run(list(wanted))


class _Unroller:
    def __init__(self, system: System) -> None:
        if any(not isinstance(item, Equation) for item in system.items):
            raise NotUnrolledError
        solved = tuple(map(solve_equation, system.equations))
        self.system = system = System(system.inputs, solved)
        self.inputs = {array.name for array in system.inputs}
        self.shapes = system.shapes
        self.whole = self._whole()
        self.copies: dict[str, _Copy] = {}
        self.made: list[Equation] = []
        self.left = MOST

    def run(self, wanted: list[str]) -> Unrolled:
        if not any(self._split(name) for name in self.shapes):
            raise NotUnrolledError
        for equation in self.system.equations:
            self._equation(equation)
        parts = {name: dict(self._parts(name)) for name in wanted}
        return Unrolled(System(self.system.inputs, tuple(self.made)), parts)

    def _split(self, name: str) -> tuple[int, ...]:
        """The axes of an array that are written out."""
        if name in self.inputs or name in self.whole:
            return ()
        return tuple(axis for axis, size in enumerate(self.shapes[name]) if is_small(size))

    def _whole(self) -> set[str]:
        """The arrays that are read at a place which is not constant, and stay in one piece."""
        whole: set[str] = set()
        self.whole = whole
        # Backwards: of what an array is read by, more is known then.
        for equation in reversed(list(self.system.equations)):
            names = {equation.name, *equation.argmax}
            if whole & names:
                whole |= names
            free = set() if whole & names else {i.symbol for i in equation.out if _fixed(i)}
            for term in equation.terms:
                known = set(free)
                if equation.reduction == "sum":
                    known |= {index.symbol for index in term.over if _is_written_out(index)}
                for read in term_reads(term):
                    for axis in self._split(read.array) if read.array in self.shapes else ():
                        entry = read.at[axis]
                        if isinstance(entry, Read) or subscript_indices(entry) - known:
                            whole.add(read.array)
        return whole

    # --- equations ------------------------------------------------------------------------------

    def _equation(self, equation: Equation) -> None:
        split = self._split(equation.name)
        out = tuple(index for axis, index in enumerate(equation.out) if axis not in split)
        units = {index.symbol: sp.S.Zero for index in out if index.size == 1}
        for place in product(*(range(int(equation.out[axis].size)) for axis in split)):
            by = {**units, **{equation.out[axis].symbol: sp.Integer(value)
                              for axis, value in zip(split, place, strict=True)}}
            made = replace(
                equation, name=_named(equation.name, place), out=out,
                terms=tuple(part for term in equation.terms
                            for part in self._terms(equation, term, by)),
                argmax=tuple(_named(name, place) for name in equation.argmax),
            )
            copy = _copied(made)
            if copy is None:
                self.made.append(made)
            else:
                self.copies[made.name] = copy

    def _terms(
        self, equation: Equation, term: Term, by: Mapping[sp.Symbol, sp.Expr]
    ) -> Iterator[Term]:
        """The summands of a term with its small indices written out."""
        small = [index for index in term.over if _is_written_out(index)]
        if equation.reduction != "sum":
            small = []
        over = tuple(index for index in term.over if index not in small)
        for values in product(*(range(int(index.size)) for index in small)):
            self.left -= 1
            if self.left < 0:
                raise NotUnrolledError
            at = {**by, **{index.symbol: sp.Integer(value)
                           for index, value in zip(small, values, strict=True)}}
            moved = substitute_term(replace(term, over=over), at)
            guards = []
            for guard in moved.guards:
                holds = _decided(guard)
                if holds is False:
                    break
                if holds is None:
                    guards.append(self._guard(guard))
            else:
                made = self._read_through(moved)
                if made.body != 0 or equation.reduction != "sum":
                    yield replace(made, guards=tuple(guards))

    def _read_through(self, term: Term) -> Term:
        """The term with its reads at parts, copies replaced by what they are copies of."""
        reads: list[Read] = []
        by = {}
        for place, read in enumerate(term.reads):
            found = self._part(read)
            if isinstance(found, Read):
                if found not in reads:
                    reads.append(found)
                by[slot(place)] = slot(reads.index(found))
            else:
                by[slot(place)] = found
        return replace(term, reads=tuple(reads), body=term.body.xreplace(by))

    def _guard(self, guard: Guard) -> Guard:
        if isinstance(guard, Equal):
            return Equal(self._subscript(guard.left), self._subscript(guard.right))
        return guard

    def _subscript(self, subscript: Subscript) -> Subscript:
        if not isinstance(subscript, Read):
            return subscript
        return self._part(subscript)

    def _part(self, read: Read) -> Read | sp.Expr:
        """What is read, or the number that it is."""
        at = tuple(self._subscript(entry) for entry in read.at)
        split = self._split(read.array) if read.array in self.shapes else ()
        place = tuple(_number(at[axis]) for axis in split)
        for axis, value in zip(split, place, strict=True):
            if not 0 <= value < self.shapes[read.array][axis]:  # under a guard still to be decided
                raise NotUnrolledError
        name = _named(read.array, place)
        rest = tuple(entry for axis, entry in enumerate(at) if axis not in split)
        copy = self.copies.get(name)
        if copy is None:
            return Read(name, rest)
        if not isinstance(copy.source, Read):
            return copy.source
        moved = dict(zip(copy.out, rest, strict=True))
        looked_up = {symbol for symbol, entry in moved.items() if isinstance(entry, Read)}
        if any(looked_up & subscript_indices(entry) for entry in copy.source.at
               if entry not in looked_up):  # labels[i] + 1 has no form
            raise NotUnrolledError
        return substitute_read(copy.source, moved)

    def _parts(self, name: str) -> Iterator[tuple[Place, str]]:
        """The parts of a wanted array, each with an equation of its own."""
        axes = [axis for axis, size in enumerate(self.shapes[name]) if is_small(size)]
        split = self._split(name)
        out = tuple(Index(f"i{axis}", size) for axis, size in enumerate(self.shapes[name])
                    if axis not in axes)
        computed = {equation.name for equation in self.made}
        for place in product(*(range(int(self.shapes[name][axis])) for axis in axes)):
            part = _named(name, place)
            if (split or not axes) and (part in computed or part in self.inputs):
                yield place, part
                continue
            at = iter(out)
            fixed = dict(zip(axes, place, strict=True))
            read = Read(name, tuple(
                sp.Integer(fixed[axis]) if axis in fixed else next(at).symbol
                for axis in range(len(self.shapes[name]))))
            term = self._read_through(Term(slot(0), (read,)))
            self.made.append(Equation(part if part not in computed else f"{part} part", out,
                                      (term,)))
            yield place, self.made[-1].name


def _fixed(index: Index) -> bool:
    return is_small(index.size) or index.size == 1


def _is_written_out(index: Index) -> bool:
    """Whether a sum over the index is written out."""
    return bool(index.size.is_Integer) and index.size <= LONGEST_SUM


def _named(name: str, place: Place) -> str:
    return f"{name}[{','.join(map(str, place))}]" if place else name


def _number(place: Subscript) -> int:
    """A constant place; those that are looked up keep their arrays whole."""
    if isinstance(place, Read) or not place.is_Integer:
        raise NotUnrolledError
    return int(place)


def _copied(equation: Equation) -> _Copy | None:
    """What the equation copies, if it copies."""
    out = tuple(index.symbol for index in equation.out)
    if equation.reduction != "sum":
        return None
    if not equation.terms:
        return _Copy(out, sp.S.Zero)
    if len(equation.terms) > 1 or equation.terms[0].over or equation.terms[0].guards:
        return None
    term = equation.terms[0]
    if term.body == slot(0) and len(term.reads) == 1:
        return _Copy(out, term.reads[0])
    return _Copy(out, term.body) if term.body.is_Rational else None


def _decided(guard: Guard) -> bool | None:
    """Whether a guard holds, where its subscripts differ by numbers."""
    if isinstance(guard, Equal):
        if isinstance(guard.left, Read) or isinstance(guard.right, Read):
            return None
        gap = sp.expand(guard.left - guard.right)
        return bool(gap == 0) if gap.is_number else None
    below, above = sp.expand(guard.value - guard.low), sp.expand(guard.high - guard.value)
    if (below.is_number and below < 0) or (above.is_number and above <= 0):
        return False
    return True if below.is_number and above.is_number else None
