"""Places in one-hot rows: x[i, argmax(t[i])] is the sum of t[i, j] x[i, j].

A target that is declared one-hot is often turned into labels, ``t.argmax(axis=1)``, which are then
subscripts; as sums over its entries these are products of arrays again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import sympy as sp

from .equation import (
    Equal,
    Equation,
    Guard,
    Index,
    Read,
    Subscript,
    System,
    Term,
    slot,
)

MOST = 8
"""Arrays that a function of a place may read, to be written out."""


@dataclass(frozen=True)
class Row:
    """A one-hot array and the axis along which an array of labels has the place of its 1."""

    array: str
    axis: int
    index: Index

    def at(self, subscripts: Sequence[Subscript], place: Subscript) -> Read:
        """The entry at a place of the row whose label has these subscripts."""
        return Read(self.array, (*subscripts[:self.axis], place, *subscripts[self.axis:]))


def without_places(system: System) -> System:
    """The system, in which labels of one-hot rows are no subscripts where sums can stand for them.

    The inputs of kind "one_hot" have rows with one 1 and else 0, which is what they are drawn as.
    """
    rows = _rows(system)
    if not rows:
        return system
    known: dict[str, _Value] = {}
    items = tuple(_summed(item, rows, known) if isinstance(item, Equation) else item
                  for item in system.items)
    return replace(system, items=items) if items != system.items else system


@dataclass(frozen=True)
class _Value:
    """A function of what stands at the 1 of a row, f(x[i, label[i]]).

    It is the sum of t[i, j] f(x[i, j]), and t[i, j] times it is t[i, j] f(x[i, j]).
    weight: t[i, j]; body and reads: of f(x[i, j]); out: the i.
    """

    weight: Read
    index: Index
    body: sp.Expr
    reads: tuple[Read, ...]
    out: tuple[Subscript, ...] = ()

    def at(self, place: sp.Expr) -> tuple[Read, ...]:
        """What it reads, at a place of the row."""
        return tuple(Read(read.array, _at(read, self.index, place)) for read in self.reads)


def _rows(system: System) -> dict[str, Row]:
    """By the name of an array of labels, whose they are."""
    along = {one.name: one.along % len(one.shape) for one in system.inputs
             if one.kind == "one_hot" and one.shape}
    found = {}
    for item in system.items:
        if not (isinstance(item, Equation) and item.reduction == "max" and len(item.argmax) == 1):
            continue
        (term,) = item.terms
        if term.body != slot(0) or term.guards or len(term.over) != 1 or len(term.reads) != 1:
            continue
        (read,), (index,) = term.reads, term.over
        axis = along.get(read.array)
        if axis is not None and read.at == Row(read.array, axis, index).at(
                [one.symbol for one in item.out], index.symbol).at:
            found[item.argmax[0]] = Row(read.array, axis, index)
    return found


def _summed(
    equation: Equation, rows: Mapping[str, Row], known: dict[str, _Value]
) -> Equation:
    """The equation with sums over rows; `known` is told of what is a function of such a place."""
    if equation.reduction != "sum":
        return equation
    terms = tuple(_unguarded(term, rows, known) for term in equation.terms)
    made = replace(equation, terms=terms) if terms != equation.terms else equation
    if not made.is_pointwise:
        return made
    found = _value(made, rows, known)
    if found is None:
        return made
    known[made.name] = found
    body = found.body * slot(len(found.reads))
    return replace(made, terms=(replace(
        made.terms[0], body=body, reads=(*found.reads, found.weight), over=(found.index,)),))


def _unguarded(
    term: Term, rows: Mapping[str, Row], known: Mapping[str, _Value]
) -> Term:
    """The term, with entries of rows for guards [j = label]."""
    guards: list[Guard] = []
    for guard in term.guards:
        found = _entry(guard, rows)
        if found is None:
            guards.append(guard)
            continue
        entry, place = found
        reads, by = list(term.reads), {}
        for position, read in enumerate(term.reads):
            inner = known.get(read.array)
            if inner is None or read.at != inner.out or Read(
                    inner.weight.array, _at(inner.weight, inner.index, place)) != entry:
                continue
            by[slot(position)] = inner.body.xreplace(
                {slot(k): slot(k + len(reads)) for k in range(len(inner.reads))})
            reads += inner.at(place)
        term = replace(term, body=term.body.xreplace(by) * slot(len(reads)),
                       reads=(*reads, entry))
    return replace(term, guards=tuple(guards))


def _at(read: Read, index: Index, place: sp.Expr) -> tuple[Subscript, ...]:
    by = {index.symbol: place}
    return tuple(one if isinstance(one, Read) else one.xreplace(by) for one in read.at)


def _value(
    equation: Equation, rows: Mapping[str, Row], known: Mapping[str, _Value]
) -> _Value | None:
    """The equation as a function of one place of a row, if it reads no other."""
    (term,) = equation.terms
    taken = {one.name for one in equation.out}
    plain = tuple(one.symbol for one in equation.out)
    parts: list[_Value | Read] = []
    for read in term.reads:
        inner = known.get(read.array)
        if inner is not None and read.at == plain:
            parts.append(inner)
        else:
            parts.append(_of_label(read, rows, taken) or read)
    values = [part for part in parts if isinstance(part, _Value)]
    if not values or any(one.weight != values[0].weight for one in values):
        return None
    reads: list[Read] = []
    by = {}
    for place, part in enumerate(parts):
        if isinstance(part, Read):
            by[slot(place)] = slot(len(reads))
            reads.append(part)
        else:
            by[slot(place)] = part.body.xreplace(
                {slot(k): slot(k + len(reads)) for k in range(len(part.reads))})
            reads += part.reads
    if len(reads) > MOST:
        return None
    return replace(values[0], body=term.body.xreplace(by), reads=tuple(reads), out=plain)


def _of_label(read: Read, rows: Mapping[str, Row], taken: set[str]) -> _Value | None:
    """x[i, label[i]], as a function of a place of the row."""
    labels = [(axis, place) for axis, place in enumerate(read.at) if isinstance(place, Read)]
    if len(labels) != 1:
        return None
    (axis, label), = labels
    if label.array not in rows or any(isinstance(inner, Read) for inner in label.at):
        return None
    row = rows[label.array]
    name = next(made for made in (f"{row.index.name}{'_' * n}" for n in range(9))
                if made not in taken)
    index = Index(name, row.index.size)
    moved = Read(read.array, (*read.at[:axis], index.symbol, *read.at[axis + 1:]))
    return _Value(row.at(label.at, index.symbol), index, slot(0), (moved,))


def _entry(guard: Guard, rows: Mapping[str, Row]) -> tuple[Read, sp.Expr] | None:
    """What is 1 where a guard [j = label] holds, and else 0; with the j."""
    if not isinstance(guard, Equal):
        return None
    for label, place in ((guard.left, guard.right), (guard.right, guard.left)):
        if isinstance(label, Read) and label.array in rows and not isinstance(place, Read) and \
                not any(isinstance(inner, Read) for inner in label.at):
            return rows[label.array].at(label.at, place), place
    return None
