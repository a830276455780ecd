"""Rearranging arrays on a :class:`Builder`: reshape, concatenate, pad, parts of an axis, gathers.

A reshape that only adds or removes axes of size one changes no subscript, nor do equal axes at
both ends.  Others go by the row-major place of an entry: y[k] = Σ_ij [k = n i + j] x[i, j].
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from ..equation import Equal, Index, Read, Size, Term, Within, as_size, slot
from ..mixed_radix import flat_place, in_digits
from ..substitution import rename_bound
from .builder import Builder, Operand, ShapeError


def reshape(
    builder: Builder, operand: Operand, shape: Sequence[Size], *, by_places: bool = False
) -> Operand:
    """The entries of `operand` in row-major order in another shape, of as many entries.

    Equal last axes move along as they are; with `by_places` they are digits of the place as the
    others are, which is the form that the prover compares digit by digit (:mod:`mixed_radix`).

    >>> print(gp.equations("y = reshape(x, m, 6)", x="m 2 3"))
    y[i<m, j<6] = Σ_j_<2 Σ_k_<3 [j = 3*j_ + k_]x[i, j_, k_]
    """
    shape = tuple(shape)
    old = operand.shape
    if sp.expand(sp.Mul(*old) - sp.Mul(*shape)) != 0:
        raise ShapeError(f"{operand} cannot be reshaped into ({', '.join(map(str, shape))}): "
                         f"{sp.Mul(*old)} entries are not {sp.Mul(*shape)} for all sizes")
    out = builder.indices(shape, ())
    # Equal axes at the front keep their subscripts; what follows is found by its place in order.
    head = 0
    while head < min(len(old), len(shape)) and old[head] == shape[head]:
        head += 1
    rest_old, rest_new = _wide(range(head, len(old)), old), _wide(range(head, len(shape)), shape)
    at: list[sp.Expr] = [out[place].symbol for place in range(head)]
    at += [sp.S.Zero] * (len(old) - head)
    same = [old[p] for p in rest_old] == [shape[p] for p in rest_new]
    while rest_old and rest_new and old[rest_old[-1]] == shape[rest_new[-1]] and (
        same or not by_places
    ):
        at[rest_old.pop()] = out[rest_new.pop()].symbol
    if not rest_old:
        return builder.emit(None, out, [Term(slot(0), (Read(operand.name, tuple(at)),))])
    flat_new = flat_place([out[p] for p in rest_new])
    if len(rest_old) == 1:
        at[rest_old[0]] = flat_new
        return builder.emit(None, out, [Term(slot(0), (Read(operand.name, tuple(at)),))])
    names = builder.axes(operand)
    bound = [Index(f"{names[p].name}_", old[p]) for p in rest_old]
    for source, index in zip(rest_old, bound, strict=True):
        at[source] = index.symbol
    term = Term(slot(0), (Read(operand.name, tuple(at)),), tuple(bound),
                tuple(in_digits(Equal(flat_new, flat_place(bound)), {
                    index.symbol: index.size for index in (*out, *bound)})))
    return builder.emit(None, out, [rename_bound(term, {index.name for index in out})])


def _wide(places: Sequence[int], shape: Sequence[Size]) -> list[int]:
    """The places of axes that are not of size one, which have no digit."""
    return [place for place in places if shape[place] != 1]


def concatenate(builder: Builder, parts: Sequence[Operand], axis: int = 0) -> Operand:
    """The parts behind one another along an axis: each is a term within its own range.

    >>> print(gp.equations("y = concat(x, z)", x="m n", z="k n"))
    y[i<k + m, j<n] = [0 <= i < m]x[i, j] + [m <= i < k + m]z[i - m, j]
    """
    first = parts[0]
    if any(part.ndim != first.ndim for part in parts) or not first.ndim:
        raise ShapeError("concatenated arrays have the same number of axes, at least one; got "
                         + " and ".join(map(str, parts)))
    place = axis_of(first, axis)
    total = sp.Add(*(part.shape[place] for part in parts))
    shape = (*first.shape[:place], total, *first.shape[place + 1 :])
    out = builder.indices(shape, ())
    along = out[place]
    start: sp.Expr = sp.S.Zero
    terms = []
    for part in parts:
        if any(sp.expand(x - y) != 0 for p, (x, y) in enumerate(zip(part.shape, shape, strict=True))
               if p != place):
            raise ShapeError(f"{part} does not fit beside {first} along axis {place}")
        at = [index.symbol for index in out]
        at[place] = sp.expand(along.symbol - start)
        guard: Equal | Within = Within(start, along.symbol, start + part.shape[place])
        if part.shape[place] == 1 and len(parts) > 1:
            at[place], guard = sp.S.Zero, Equal(along.symbol, start)
        terms.append(Term(slot(0), (Read(part.name, tuple(at)),), (), (guard,)))
        start = start + part.shape[place]
    return builder.emit(None, out, terms)


def pad(
    builder: Builder, operand: Operand, widths: Sequence[tuple[sp.Expr, sp.Expr]]
) -> Operand:
    """Zeros before and behind each axis: entries outside of the old ranges have no term."""
    shape = tuple(before + size + after
                  for size, (before, after) in zip(operand.shape, widths, strict=True))
    out = builder.indices(shape, ())
    at, guards = [], []
    for index, size, (before, after) in zip(out, operand.shape, widths, strict=True):
        at.append(sp.expand(index.symbol - before))
        if before != 0 or after != 0:
            guards.append(Within(before, index.symbol, before + size))
    term = Term(slot(0), (Read(operand.name, tuple(at)),), (), tuple(guards))
    return builder.emit(None, out, [term])


def part(
    builder: Builder, operand: Operand, axis: int, start: sp.Expr | int, stop: sp.Expr | int
) -> Operand:
    """The entries start ... stop - 1 of an axis (none, if a size is too small for any)."""
    place = axis_of(operand, axis)
    size = operand.shape[place]
    start, stop = sp.sympify(start), sp.sympify(stop)
    count = sp.expand(stop - start)
    inside = start.is_nonnegative and sp.expand(size - stop).is_nonnegative
    if not (inside and count.is_nonnegative) or count == 0:
        raise ShapeError(f"the part {start}:{stop} is not within axis {place} of {operand} for "
                         "all sizes")
    whole = builder.axes(operand)
    out = tuple(Index(index.name, as_size(count)) if p == place else index
                for p, index in enumerate(whole))
    at = tuple(sp.expand(index.symbol + start) if p == place else index.symbol
               for p, index in enumerate(out))
    return builder.emit(None, out, [Term(slot(0), (Read(operand.name, at),))])


def entry(builder: Builder, operand: Operand, axis: int, at: sp.Expr | int) -> Operand:
    """One entry of an axis, which is then gone; numbers below 0 count from behind."""
    gone = axis_of(operand, axis)
    size, place = operand.shape[gone], sp.sympify(at)
    if place.is_negative:
        place = sp.expand(size + place)
    inside = sp.expand(size - 1 - place)
    if not (place.is_nonnegative and inside.is_nonnegative):
        raise ShapeError(f"there is no entry {at} on axis {gone} of {operand} for all sizes")
    axes = builder.axes(operand)
    subscripts = tuple(place if p == gone else index.symbol for p, index in enumerate(axes))
    out = tuple(index for p, index in enumerate(axes) if p != gone)
    return builder.emit(None, out, [Term(slot(0), (Read(operand.name, subscripts),))])


def full(builder: Builder, shape: Sequence[Size], number: sp.Expr) -> Operand:
    """An array with one number everywhere."""
    return builder.emit(None, builder.indices(tuple(shape), ()), [Term(number)])


def gather(builder: Builder, table: Operand, labels: Operand, name: str | None = None) -> Operand:
    """table[labels]: for each integer of `labels`, of any shape, its row of `table`."""
    if not table.ndim:
        raise ShapeError(f"{table} has no axis to gather from")
    shape = (*labels.shape, *table.shape[1:])
    names = [index.name for index in (*builder.axes(labels), *builder.axes(table)[1:])]
    out = builder.named(shape, names)
    symbols = tuple(index.symbol for index in out)
    picked = Read(labels.name, symbols[: labels.ndim])
    read = Read(table.name, (picked, *symbols[labels.ndim :]))
    return builder.emit(name, out, [Term(slot(0), (read,))])


def axis_of(operand: Operand, axis: int) -> int:
    """The axis counted from the front; ShapeError where there is none."""
    if not -operand.ndim <= axis < operand.ndim:
        raise ShapeError(f"there is no axis {axis} in {operand}")
    return axis % operand.ndim
