"""Recurrences on a :class:`Builder`: within a loop, x[t] and h[t - 1] are operands like any other.

The equations that are appended while a :class:`Loop` is open are written for one step; closing it
gives them the loop's index and makes them a group.  A term that reads h[t - 1] holds for 1 <= t,
and a twin of it reads the initial value at t = 0 (none where that is zero and the term vanishes):

    >>> print(gp.equations("h[-1] = h0; h[t] = x[t]*h[t-1]", x="T n", h0="n"))
    for t upwards:
      h[t<T, j<n] = [1 <= t < T]x[t, j]*h[t - 1, j] + [t = 0]x[t, j]*h0[j]

A loop that begins at a later step has given values before it, and nothing else there:

    >>> print(gp.equations("h[0] = h0; h[t] = x[t-1]*h[t-1]", x="T n", h0="n"))
    for t upwards:
      h[t<T, j<n] = [1 <= t < T]x[t - 1, j]*h[t - 1, j] + [t = 0]h0[j]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import sympy as sp

from ..equation import (
    NAMED,
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
    guard_subscripts,
    index_symbol,
    slot,
    subscript_reads,
    term_reads,
)
from ..functions import at_numbers
from ..solving import prune
from ..substitution import map_reads, rename_arrays, rename_bound, substitute_term
from .builder import Builder, Operand, ShapeError

Beyond: TypeAlias = Sequence[Operand | None]
"""What stands 1, 2, ... steps outside of the steps that an array has; None is zero."""


@dataclass(frozen=True)
class _Carry:
    """The value of `name` so many steps away, and what stands for it where there is none.

    `longer`: how many entries more than there are steps the array has.
    """

    name: str
    shift: int
    beyond: Beyond
    longer: int = 0

    @property
    def back(self) -> int:
        """At how many of the first steps there is none."""
        return max(0, -self.shift)

    @property
    def ahead(self) -> int:
        """At how many of the last steps there is none."""
        return max(0, self.shift - self.longer)


class Loop:
    """A loop over `size` steps; `direction` -1 runs from the last to the first.

    `start` is how many of the steps, counted in its direction, have values that are given.
    """

    def __init__(
        self, builder: Builder, index: str, size: Size, direction: Literal[1, -1] = 1,
        start: int = 0,
    ) -> None:
        if builder.stepping is not None:
            raise ShapeError(f"a recurrence over {size} steps stands inside of the steps of "
                             f"{builder.stepping}; compute it before them, and read its entries")
        builder.stepping = index
        self.builder = builder
        self.index = Index(index, size)
        self.direction: Literal[1, -1] = direction
        self.start = start
        self._first = len(builder.equations)
        self._slices: dict[str, str] = {}
        self._carries: dict[str, _Carry] = {}
        self._outside: dict[str, tuple[Size, ...]] = {}
        self._given: dict[str, Beyond] = {}

    def at(self, operand: Operand, shift: int = 0, beyond: Beyond = ()) -> Operand:
        """x[t + shift], of an array whose first axis is the loop's, or longer by a number."""
        longer = self.longer(operand)
        axes = [index.name for index in self.builder.axes(operand)[1:]]
        if not (shift or longer):
            name = f"{operand.name}[{self.index.name}]"
            self._slices[name] = operand.name
            return self.builder.stand_in(name, operand.shape[1:], axes)
        self._outside[operand.name] = operand.shape[1:]
        return self.shifted(operand.name, shift, beyond, operand.shape[1:], axes, longer)

    def longer(self, operand: Operand) -> int:
        """How many entries more than there are steps an array has."""
        more = sp.expand(operand.shape[0] - self.index.size) if operand.ndim else sp.nan
        if not more.is_Integer:
            raise ShapeError(f"{operand} has no entry for each of the {self.index.size} steps of "
                             f"{self.index.name}: its first axis must have that size")
        return int(more)

    def before(self, name: str, initial: Operand | None, shape: tuple[Size, ...]) -> Operand:
        """name[t - 1], of an array that this loop defines; `initial` None is zero before t = 0."""
        return self.shifted(name, -self.direction, (initial,), shape)

    def shifted(
        self, name: str, shift: int, beyond: Beyond, shape: tuple[Size, ...],
        axes: Sequence[str] = (), longer: int = 0,
    ) -> Operand:
        """name[t + shift], of an array that this loop defines, with values of that shape."""
        label = f"{name}[{self.index.name}{shift:+}]"
        self._carries[label] = _Carry(name, shift, beyond, longer)
        for initial in beyond:
            if initial is not None and initial.shape != shape:
                raise ShapeError(f"the initial value of {name}, {initial}, has not the shape "
                                 f"({', '.join(map(str, shape))}) of a step")
            if initial is not None and not axes:
                axes = [i.name for i in self.builder.axes(initial)]
        axes = axes or [i.name for i in self.builder.indices(shape, ())]
        return self.builder.stand_in(label, shape, axes)

    def begin(self, name: str, given: Beyond) -> None:
        """States what `name` is at the first steps, `start` of them."""
        self._given[name] = given

    def close(self) -> None:
        """Turns the equations since the loop was opened into a recurrence."""
        steps = list(self._carried(self.builder.equations[self._first :]))
        inside = {name for equation in steps for name in (equation.name, *equation.argmax)}
        missing = {carry.name for carry in self._carries.values()} - inside - self._outside.keys()
        if missing:
            raise ShapeError(f"{sorted(missing)} are read one step before, and no equation of the "
                             f"loop over {self.index.name} defines them")
        lifted = [self._lifted(equation, inside) for equation in steps]
        self.builder.equations[self._first :] = lifted
        for equation in lifted:
            for name in (equation.name, *equation.argmax):
                self.builder.stand_in(name, equation.shape, [i.name for i in equation.out])
        self.builder.stepping = None
        places = range(self._first, len(self.builder.equations))
        self.builder.recurrences.append(
            (places, Recurrence(self.index.name, self.direction, ()))
        )

    def made(self, name: str) -> Operand:
        """The whole array of a value that the closed loop computed."""
        for equation in self.builder.equations[self._first :]:
            if equation.name == name:
                return Operand(name, equation.shape)
        raise KeyError(name)

    # --- lifting --------------------------------------------------------------------------------

    def _carried(self, steps: list[Equation]) -> Iterator[Equation]:
        """The steps; what has other values at the ends of the loop, and is read by or is a maximum,
        a log Σ exp or an inverse, is an equation of its own, since those have one term only."""
        for equation in steps:
            if equation.reduction == "sum":
                yield equation
                continue
            for label in {read.array for read in equation.reads} & self._carries.keys():
                name = self.builder.fresh(self._carries[label].name)
                self.builder.reserve(name)
                yield self._copied(label, name, steps)
                equation = rename_arrays(equation, {label: name})
            if self.start and equation.reduction in NAMED:
                yield (whole := self._never_singular(equation))
                (read,) = equation.terms[0].reads
                equation = rename_arrays(equation, {read.array: whole.name})
            if equation.name in self._given:
                name = self.builder.fresh("t1")
                self.builder.reserve(name)
                yield replace(equation, name=name)
                at = tuple(index.symbol for index in equation.out)
                equation = Equation(equation.name, equation.out,
                                    (Term(slot(0), (Read(name, at),)),))
            yield equation

    def _copied(self, label: str, name: str, steps: list[Equation]) -> Equation:
        carry = self._carries[label]
        shape = self._outside.get(carry.name) or next(
            e.shape for e in steps if e.name == carry.name)
        out = self.builder.axes(Operand(label, shape))
        return Equation(name, out, (Term(slot(0), (Read(
            label, tuple(index.symbol for index in out)),)),))

    def _never_singular(self, equation: Equation) -> Equation:
        """The matrix of a named operation; before the loop begins, where nothing reads what comes
        of it, the identity."""
        (term,) = equation.terms
        name = self.builder.fresh(f"{equation.name}_of")
        self.builder.reserve(name)
        out = (*equation.out, *term.over)
        at = tuple(index.symbol for index in out)
        return Equation(name, out, (
            Term(slot(0), (Read(term.reads[0].array, at),)),
            *(Term(sp.S.One, (), (), (Equal(self.index.symbol, self._mirrored(place)),
                                      Equal(at[-2], at[-1]))) for place in range(self.start)),
        ))

    def _lifted(self, equation: Equation, inside: set[str]) -> Equation:
        """The equation of one step as one of every step."""
        loop = self.index
        equation = _without(equation, loop.name)
        parts = [equation.terms[0]] if equation.reduction != "sum" else [
            part for term in equation.terms for part in self._at_the_ends(term)]
        for place, given in enumerate(self._given.get(equation.name, ())):
            if given is not None:
                at = tuple(index.symbol for index in equation.out)
                parts.append(Term(slot(0), (Read(given.name, at),), (),
                                  (Equal(loop.symbol, self._mirrored(place)),)))
        terms = [map_reads(part, lambda read: self._placed(read, inside)) for part in parts]
        return replace(equation, out=(loop, *equation.out), terms=tuple(terms))

    def _mirrored(self, place: int) -> sp.Expr:
        """A step counted in the direction of the loop."""
        return sp.Integer(place) if self.direction > 0 else self.index.size - 1 - place

    def _at_the_ends(self, term: Term) -> Iterator[Term]:
        """A term as parts that hold where all that they read is there, and at the steps near an
        end where other values stand for some of it."""
        carries = {slot(place): self._carries_in(read) for place, read in enumerate(term.reads)}
        always = [carry for guard in term.guards for subscript in guard_subscripts(guard)
                  if isinstance(subscript, Read) for carry in self._carries_in(subscript)]
        parts: dict[tuple[int, int], sp.Expr] = {}
        for addend in sp.Add.make_args(term.body):
            own = [*always, *(carry for symbol in addend.free_symbols & carries.keys()
                              for carry in carries[symbol])]
            reach = (max([0, *(c.back for c in own)]), max([0, *(c.ahead for c in own)]))
            parts[reach] = parts.get(reach, sp.S.Zero) + addend
        for (back, ahead), part in sorted(parts.items()):
            if back and ahead:
                raise ShapeError("what is computed of steps before and of steps after this one "
                                 "together; name each part by a statement of its own")
            yield from self._near_the_ends(replace(term, body=part), back, ahead)

    def _carries_in(self, read: Read) -> list[_Carry]:
        """What an occurrence reads at other steps, in its subscripts, too."""
        return [self._carries[inner.array] for inner in subscript_reads(read)
                if inner.array in self._carries]

    def _near_the_ends(self, term: Term, back: int, ahead: int) -> Iterator[Term]:
        t, size = self.index.symbol, self.index.size
        start, stop = (self.start, 0) if self.direction > 0 else (0, self.start)
        low, high = max(back, start), max(ahead, stop)
        inside: tuple[Guard, ...] = (
            (Within(sp.Integer(low), t, size - high),) if low or high else ())
        body, reads = prune(term.body, term.reads)
        yield replace(term, body=body, reads=reads, guards=(*term.guards, *inside))
        for near, far, first in ((start, back, True), (stop, ahead, False)):
            for place in range(near, far):
                self._expect_plain(term, place, first)
                body, reads = self._instead(term, place, first)
                if body != 0:
                    yield replace(term, body=body, reads=reads,
                                  guards=(*term.guards, Equal(
                                      t, sp.Integer(place) if first else size - 1 - place)))

    def _expect_plain(self, term: Term, place: int, first: bool) -> None:
        """ShapeError where a label, which names a place, would be another value near an end."""
        inside = [read for read in term_reads(term) if read not in term.reads]
        for read in inside:
            carry = self._carries.get(read.array)
            if carry is not None and (carry.back if first else carry.ahead) > place:
                raise ShapeError(f"labels {carry.name} are read where there are none; let the loop "
                                 "begin later, by a value that is stated at 0")

    def _instead(self, term: Term, place: int, first: bool) -> tuple[sp.Expr, tuple[Read, ...]]:
        """A body so many steps from the first, or from the last, with what stands for the values
        beyond it."""
        zero = {}
        started = list(term.reads)
        for number, read in enumerate(term.reads):
            carry = self._carries.get(read.array)
            if carry is None:
                continue
            distance = (carry.back if first else carry.ahead) - place
            if distance < 1:
                continue
            initial = carry.beyond[distance - 1]
            if initial is None:
                zero[slot(number)] = sp.S.Zero
            else:
                started[number] = Read(initial.name, read.at)
        return prune(at_numbers(term.body.subs(zero)), tuple(started))

    def _placed(self, read: Read, inside: set[str]) -> Read:
        t = self.index.symbol
        if read.array in self._slices:
            return Read(self._slices[read.array], (t, *read.at))
        if read.array in self._carries:
            carry = self._carries[read.array]
            return Read(carry.name, (t + carry.shift, *read.at))
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
