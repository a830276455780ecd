"""Arrays cut at the ends of an axis: first entries, last entries, and what lies between.

    d[0] = a; d[1:-1] = b; d[-1] = c   and   d[:-1] += e; d[1:] += f   ->   d[0], d[i + 1], d[n - 1]

Written by slices, an array holds one guard for each of them, and two ways of writing it have other
guards.  In a piece they are decided, for every size beyond a least one; the sizes below are
numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

import sympy as sp

from ..dependence import ancestors
from ..equation import (
    Equation,
    Index,
    Read,
    Size,
    Subscript,
    System,
    Term,
    fresh_name,
    index_symbol,
    slot,
)
from ..substitution import substitute_term
from ..validation import validate

WIDTHS = (1, 2)
"""Entries at each end that are pieces of their own."""

SHORT = 4
"""The longest axis of which every entry is a piece."""

MOST = 32
"""Pieces to cut an array into, at most."""


@dataclass(frozen=True)
class Cut:
    """Two systems with the pieces of an array of each, and which of them are to be equal.

    sizes: the symbols that were cut along.  beyond: their least value that the pieces cover.
    """

    left: System
    right: System
    pairs: Mapping[str, str]
    sizes: tuple[sp.Symbol, ...]
    beyond: int


def cuts(left: System, right: System, names: tuple[str, str]) -> Iterator[Cut]:
    """Ways to cut an array of each system, the coarsest first; none in a group, nor where
    nothing depends on where an entry lies."""
    if any(not isinstance(item, Equation) for item in (*left.items, *right.items)):
        return
    above = [equation for system, name in zip((left, right), names, strict=True)
             for needed in [{*ancestors(system, [name])}]
             for equation in system.equations if equation.name in needed]
    shape = left.shapes[names[0]]
    if shape != right.shapes[names[1]] or not any(
            term.guards for equation in above for term in equation.terms):
        return
    sizes = tuple(dict.fromkeys(axis for axis in shape if axis.is_Symbol))
    for width in WIDTHS if sizes else ():
        if (2 * width + 1) ** sum(map(shape.count, sizes)) <= MOST:
            yield _cut(left, right, names, sizes, width)


def with_sizes(system: System, by: Mapping[sp.Symbol, Size]) -> System:
    """The system where sizes are others, or numbers."""

    def made(equation: Equation) -> Equation:
        return replace(
            equation, out=tuple(Index(i.name, i.size.xreplace(by)) for i in equation.out),
            terms=tuple(substitute_term(term, by) for term in equation.terms))

    inputs = tuple(replace(array, shape=tuple(axis.xreplace(by) for axis in array.shape),
                           classes=None if array.classes is None else array.classes.xreplace(by))
                   for array in system.inputs)
    return replace(system.mapped(made), inputs=inputs)


def _cut(
    left: System, right: System, names: tuple[str, str], sizes: tuple[sp.Symbol, ...], width: int
) -> Cut:
    sides, pieces = [], []
    for system, name in zip((left, right), names, strict=True):
        longer = with_sizes(system, {size: size + 2 * width for size in sizes})
        parts = list(_pieces(longer, name, sizes, width))
        sides.append(validate(longer.extended(parts)))
        pieces.append([part.name for part in parts])
    return Cut(sides[0], sides[1], dict(zip(*pieces, strict=True)), sizes, 2 * width + 1)


def _pieces(
    system: System, name: str, sizes: tuple[sp.Symbol, ...], width: int
) -> Iterator[Equation]:
    """The pieces of an array, along each axis of the sizes, whose middle has the size itself; of
    a short axis each entry."""
    inner = {size + 2 * width: size for size in sizes}
    taken = set(system.names)
    choices: list[list[Subscript | None]] = [
        [*map(sp.Integer, range(width)), *(axis - 1 - k for k in range(width)), None]
        if axis in inner else _entries(axis) for axis in system.shapes[name]]
    for places in product(*choices):
        out, at = list[Index](), list[Subscript]()
        for axis, place in enumerate(places):
            if place is not None:
                at.append(place)
                continue
            size = system.shapes[name][axis]
            index = Index(f"i{axis}", inner.get(size, size))
            out.append(index)
            at.append(index_symbol(index.name) + (width if size in inner else 0))
        piece = fresh_name(f"{name}_piece", taken)
        taken.add(piece)
        yield Equation(piece, tuple(out), (Term(slot(0), (Read(name, tuple(at)),)),))


def _entries(size: Size) -> list[Subscript | None]:
    return [*map(sp.Integer, range(int(size)))] if size.is_Integer and size <= SHORT else [None]
