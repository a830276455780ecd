"""Subscripts of traced arrays: `x[0]`, `x[:, 1:]`, `x[:, None]`, `x[np.arange(m), y]`.

A subscript says, for each axis of the array, which entry is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import sympy as sp

from ..equation import (
    Index,
    Read,
    Size,
    Subscript,
    Term,
    fresh_name,
    index_symbol,
    slot,
)
from ..layers.builder import Operand
from .session import Session
from .sizes import SizeRange, exact
from .source import fail
from .unwritten import Range, Single, Whole, chosen_part


@dataclass(frozen=True)
class Fixed:
    """One entry of an axis, which is then gone; its place may be an entry of an integer array."""

    at: Subscript


@dataclass(frozen=True)
class Slice:
    """The entries low, low + step, ... of an axis, `size` of them."""

    low: sp.Expr
    size: Size
    step: int = 1


@dataclass(frozen=True)
class Gather:
    """The entries that an integer array of one or two axes names; None is 0, 1, 2, ....

    size: of its first axis.
    """

    vector: Operand | None
    size: Size


Selector: TypeAlias = Fixed | Slice | Gather | None
"""None is a new axis of size one."""


def selectors(session: Session, operand: Operand, key: Any) -> list[Selector]:
    """The selector of each axis of `operand`, with new axes between them."""
    entries = list(key) if isinstance(key, tuple) else [key]
    used = sum(1 for entry in entries if entry is not None and entry is not Ellipsis)
    if used > operand.ndim:
        fail(f"{used} subscripts for {session.shown(operand)}")
    if not any(entry is Ellipsis for entry in entries):
        entries.append(Ellipsis)
    place = next(k for k, entry in enumerate(entries) if entry is Ellipsis)
    entries[place : place + 1] = [slice(None)] * (operand.ndim - used)
    sizes = iter(operand.shape)
    return [
        None if entry is None else _selector(session, operand, entry, next(sizes))
        for entry in entries
    ]


def _selector(session: Session, operand: Operand, entry: Any, size: Size) -> Selector:
    if isinstance(entry, slice):
        return _slice(session, entry, size)
    if isinstance(entry, SizeRange):
        if sp.expand(entry.size - size) != 0:
            fail(f"an arange of {entry.size} subscripts an axis of size {size}")
        return Gather(None, size)
    if isinstance(entry, range) and size.is_Integer and entry == range(int(size)):
        return Gather(None, size)
    if isinstance(entry, session.tracers):
        vector = entry.operand  # type: ignore[attr-defined]
        if vector.ndim == 2 and vector.name in session.integers:
            return Gather(vector, vector.shape[0])
        if vector.ndim == 1:
            free = index_symbol("i")
            entry_read = integer_read(session, vector, (free,))
            if entry_read is not None and entry_read.at == (free,):
                return Gather(Operand(entry_read.array, vector.shape), vector.shape[0])
        if (number := _integer_entry(session, vector)) is not None:
            return Fixed(number)
        fail(f"{session.shown(vector)} is used as a subscript of {session.called(operand)}; only "
             "an integer vector that is an input (kind 'labels'), np.arange, and masks in "
             "assignments can be")
    at = exact(entry) if not isinstance(entry, (bool, float)) else None
    if at is None or not at.is_integer:
        fail(f"the subscript {entry!r:.60} of {session.shown(operand)} cannot be traced")
    return Fixed(_inside(session, at, size))


def _integer_entry(session: Session, operand: Operand) -> Read | None:
    """What an array of no axes is an entry of, where that holds integers."""
    if operand.ndim:
        return None
    if operand.name in session.integers:
        return Read(operand.name, ())
    for equation in session.builder.equations:
        if equation.name == operand.name and equation.is_pointwise:
            (term,) = equation.terms
            if term.body == slot(0) and term.reads[0].array in session.integers:
                return term.reads[0]
    return None


def integer_read(session: Session, operand: Operand, at: tuple[Subscript, ...]) -> Read | None:
    """The entry of an integer input that an array's entry at `at` is a copy of, if it is one."""
    if operand.name in session.integers:
        return Read(operand.name, at)
    made = next((e for e in session.builder.equations if e.name == operand.name), None)
    if made is None or not made.is_pointwise or made.terms[0].body != slot(0):
        return None
    (read,) = made.terms[0].reads
    by = {index.symbol: entry for index, entry in zip(made.out, at, strict=True)
          if not isinstance(entry, Read)}
    places = [entry.xreplace(by) for entry in read.at if not isinstance(entry, Read)]
    if len(by) < len(at) or len(places) < len(read.at):
        return None
    shape = (sp.S.One,) * len(places)
    return integer_read(session, Operand(read.array, shape), tuple(places))


def constant_places(key: Any) -> tuple[tuple[Any, ...], int, list[int]] | None:
    """A subscript with one list of whole numbers or truth values: its entries, which of them the
    list is, and the places that it names.  None for other subscripts."""
    entries = key if isinstance(key, tuple) else (key,)
    found = [k for k, entry in enumerate(entries) if isinstance(entry, (list, np.ndarray))]
    if len(found) != 1 or any(entry is Ellipsis for entry in entries[:found[0]]):
        return None
    places = np.asarray(entries[found[0]])
    if places.ndim != 1 or not places.size or places.dtype.kind not in "biu" or not all(
            isinstance(entry, slice) or entry is None for entry in entries[:found[0]]):
        return None
    if places.dtype.kind == "b":
        places = np.nonzero(places)[0]
    return entries, found[0], [int(place) for place in places]


def _inside(session: Session, at: sp.Expr, size: Size) -> sp.Expr:
    """A subscript counted from the front; that it is within the axis is proved or assumed."""
    place = at if at.is_nonnegative else sp.expand(size + at)
    if size.is_Integer and place.is_Integer and not 0 <= place < size:
        fail(f"there is no entry {at} on an axis of size {size}")
    for bound in (place, size - 1 - place):
        if not sp.expand(bound).is_nonnegative:
            session.assume(f"{sp.expand(bound)} >= 0, for an entry {at} of an axis of size {size}",
                           sp.expand(bound))
    return place


def _slice(session: Session, entry: slice, size: Size) -> Slice:
    step = sp.S.One if entry.step is None else exact(entry.step)
    if step == -1 and entry.start is None and entry.stop is None:
        return Slice(size - 1, size, -1)
    if step is None or not step.is_Integer or step == 0:
        fail(f"the step {entry.step!r:.40} of a slice cannot be traced")
    if step != 1:
        return _stepped(session, entry, int(step), size)
    low = _bound(session, entry.start, sp.S.Zero, size)
    high = _bound(session, entry.stop, size, size)
    count = sp.expand(high - low)
    if count.is_nonpositive:
        fail(f"the slice {_spelled(entry)} of an axis of size {size} is empty")
    if not count.is_positive:
        session.assume(f"{count} >= 1, for the slice {_spelled(entry)} of an axis of size {size}",
                       count - 1)
    return Slice(low, count)


def _stepped(session: Session, entry: slice, step: int, size: Size) -> Slice:
    """Every step-th entry, where it is known for all sizes how many there are."""
    start, stop = (None if b is None else exact(b) for b in (entry.start, entry.stop))
    if size.is_Integer and all(b is None or b.is_Integer for b in (start, stop)):
        places = range(*slice(
            None if start is None else int(start), None if stop is None else int(stop), step,
        ).indices(int(size)))
        if not places:
            fail(f"the slice {_spelled(entry)}:{step} of an axis of size {size} is empty")
        return Slice(sp.Integer(places[0]), sp.Integer(len(places)), step)
    if step < 0:
        fail(f"a slice with the step {step} is traced of a size that is a number, not {size}")
    low = _bound(session, entry.start, sp.S.Zero, size)
    high = _bound(session, entry.stop, size, size)
    for rounded in range(step):  # the last entry may be followed by less than a step
        count = sp.expand((high - low + rounded) / step)
        if count.is_integer and count.is_positive:
            return Slice(low, count, step)
    fail(f"how many entries {_spelled(entry)}:{step} has of an axis of size {size} depends on "
         f"what {size} leaves when divided by {step}; give the size as a multiple or a number")


def _spelled(entry: slice) -> str:
    return ":".join("" if part is None else str(part) for part in (entry.start, entry.stop))


def _bound(session: Session, given: Any, default: sp.Expr, size: Size) -> sp.Expr:
    at = default if given is None else exact(given)
    if at is None or not at.is_integer:
        fail(f"the slice bound {given!r:.60} cannot be traced")
    if at.is_negative:
        at = sp.expand(size + at)
        if not size.is_Integer and not at.is_nonnegative:  # NumPy begins at 0 where it is less
            session.assume(
                f"{at} >= 0, for a slice bound counted from the end of a size {size}", at)
    if size.is_Integer and at.is_Integer:
        return sp.Integer(min(max(int(at), 0), int(size)))
    if not sp.expand(size - at).is_nonnegative:
        session.assume(f"{at} <= {size}, for a slice up to {at}", sp.expand(size - at))
    return at


# --- reading ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class View:
    """What a subscript reads: the free indices, and the subscript of each axis of the array."""

    out: tuple[Index, ...]
    at: tuple[Subscript, ...]


def view(session: Session, operand: Operand, chosen: Sequence[Selector]) -> View:
    """The free indices that NumPy's rules give, gathered axes at the place of the first."""
    axes = iter(session.builder.axes(operand))
    out: list[Index] = []
    at: list[Subscript] = []
    gathered = _gathered(operand, chosen)
    shared: Index | None = None
    for selector in chosen:
        taken = {index.name for index in out} | ({shared.name} if shared else set())
        if selector is None:
            out.append(Index(fresh_name("u", taken), sp.S.One))
            continue
        axis = next(axes)
        name = fresh_name(axis.name, taken)
        if isinstance(selector, Fixed):
            at.append(selector.at)
        elif isinstance(selector, Slice):
            index = Index(name, selector.size)
            out.append(index)
            at.append(selector.low + selector.step * index.symbol)
        elif selector.vector is not None and selector.vector.ndim == 2:
            rows, columns = (Index(fresh_name(name, taken), size)
                             for size in selector.vector.shape)
            columns = Index(fresh_name(name, {*taken, rows.name}), columns.size)
            out += [rows, columns]
            at.append(Read(selector.vector.name, (rows.symbol, columns.symbol)))
        else:
            if shared is None and gathered is not None:
                shared = Index(name, gathered)
                out.append(shared)
            assert shared is not None
            inner = selector.vector
            at.append(shared.symbol if inner is None else Read(inner.name, (shared.symbol,)))
    return View(tuple(out), tuple(at))


def _gathered(operand: Operand, chosen: Sequence[Selector]) -> Size | None:
    """The common size of gathered axes, which stand next to each other."""
    places = [k for k, selector in enumerate(chosen) if isinstance(selector, Gather)]
    if not places:
        return None
    sizes = {s.size for s in chosen if isinstance(s, Gather)}
    if len(places) > 1 and any(isinstance(s, Gather) and s.vector is not None and s.vector.ndim > 1
                               for s in chosen):
        fail(f"several integer arrays of two axes are subscripts of {operand.name}")
    if len(sizes) > 1:
        fail(f"the integer subscripts of {operand.name} have different sizes "
             f"{' and '.join(map(str, sizes))}")
    if places[-1] - places[0] >= len(places) or any(isinstance(s, Fixed) for s in chosen):
        fail("integer arrays and other subscripts are mixed in a way that is not traced; use "
             "x[np.arange(m), y] or x[y]")
    return sizes.pop()


def read(session: Session, operand: Operand, chosen: Sequence[Selector]) -> Operand:
    """``operand[key]`` as an equation."""
    found = view(session, operand, chosen)
    made = session.builder.emit(
        None, found.out, [Term(slot(0), (Read(operand.name, found.at),))]
    )
    left = session.blank.get(operand.name)
    if left is not None:
        gone = any(selector is None for selector in chosen)
        session.mark(made, left.anywhere() if gone else chosen_part(
            left, ranges(operand, chosen), made.shape))
    return made


def ranges(operand: Operand, chosen: Sequence[Selector]) -> list[Range | None]:
    """The range that a subscript covers on each axis of the array; None for other sets."""
    found: list[Range | None] = []
    kept = [selector for selector in chosen if selector is not None]
    for selector, size in zip(kept, operand.shape, strict=True):
        if isinstance(selector, Slice) and selector.step in (1, -1) and selector.size == size:
            found.append(Whole((sp.S.Zero, size)))
        elif isinstance(selector, Slice) and selector.step == 1:
            found.append((selector.low, sp.expand(selector.low + selector.size)))
        elif isinstance(selector, Fixed) and not isinstance(selector.at, Read):
            found.append(Single((selector.at, selector.at + 1)))
        else:
            found.append(None)
    return found
