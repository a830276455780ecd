"""Assignment to subscripts of traced arrays: `x[1:] = y`, and np.add.at.

It is the old array outside of the region that the subscript covers and the new values inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import sympy as sp

from ..equation import (
    Equal,
    Guard,
    Index,
    Read,
    Subscript,
    Term,
    Within,
    fresh_name,
    slot,
    subscript_indices,
)
from ..layers.builder import Operand
from ..layers.rearrange import reshape
from .session import Entry, Session
from .sizes import size_of
from .source import fail
from .subscripts import Fixed, Gather, Selector, Slice, View, ranges, read, view
from .unwritten import Blank, put_back


def assigned(
    session: Session, operand: Operand, chosen: Sequence[Selector], value: Entry
) -> Operand:
    """The array after ``operand[key] = value``."""
    if any(isinstance(selector, Slice) and selector.step not in (1, -1) for selector in chosen):
        return _in_steps(session, operand, chosen, value)
    everything = session.builder.axes(operand)
    old = Read(operand.name, tuple(index.symbol for index in everything))
    found = view(session, operand, chosen)
    kept = [selector for selector in chosen if selector is not None]
    region = _region(session, everything, kept, found, old)
    inside, bound = tuple(region.inside), tuple(region.bound)
    outside = region.outside
    if any(isinstance(selector, Gather) or _is_looked_up(selector) for selector in kept):
        # A place that is looked up has no complement in guards: take the old value away there.
        outside = [Term(slot(0), (old,)), Term(-slot(0), (old,), bound, inside)]
    if isinstance(value, Operand):
        value = _unfolded(session, value, found)
        aligned = _fitting(session, value, found.out)
        at = tuple(entry.xreplace(region.places) for entry in aligned)
        new = Term(slot(0), (Read(value.name, at),), bound, inside)
    else:
        new = Term(value, (), bound, inside)
    made = session.builder.emit(None, everything, [*outside, new])
    _written(session, operand, made, chosen, value)
    return made


def _unfolded(session: Session, value: Operand, found: View) -> Operand:
    """A value for a region in which digits stand for flattened axes, with those digits."""
    if found.fold is None:
        return value
    start, count, shape = found.fold
    sizes = tuple(index.size for index in found.out)
    whole = (*sizes[:start], *shape, *sizes[start + count :])
    spread = session.call("broadcast_to", session.array(value), tuple(map(size_of, whole)))
    return reshape(session.builder, spread.operand, sizes, by_places=True)


def _in_steps(
    session: Session, operand: Operand, chosen: Sequence[Selector], value: Entry
) -> Operand:
    """The array after ``operand[::2] = value``: what the region is to gain, added to it."""
    now = read(session, operand, chosen)
    if isinstance(value, Operand):
        _fitting(session, value, view(session, operand, chosen).out)
    gain = session.pointwise(lambda new, before: new - before, value, now)
    assert isinstance(gain, Operand)
    made = scattered(session, operand, chosen, gain)
    left = session.blank.get(operand.name)
    if left is not None:
        session.mark(made, left.anywhere())
    return made


@dataclass
class _Region:
    """Where an assignment writes, entry by entry of the array that is written to.

    inside: guards that all hold there; outside: the old entries, a term for each part elsewhere.
    places: for each free index of the view, the subscript of the value that comes there.
    bound: those of them that an entry does not tell, and that the guards leave one value of.
    """

    inside: list[Guard] = field(default_factory=list)
    bound: list[Index] = field(default_factory=list)
    outside: list[Term] = field(default_factory=list)
    places: dict[sp.Symbol, sp.Expr] = field(default_factory=dict)


def _region(
    session: Session, everything: Sequence[Index], kept: Sequence[Selector], found: View, old: Read
) -> _Region:
    """The region of the selectors, one for each axis of the array."""
    region, left = _Region(), list(found.out)
    axes = list(zip(everything, kept, found.at, strict=True))
    looked_up = [_cover(region, index, selector, at, left, old) for index, selector, at in axes]
    # Looked-up places read an index of the region, so they come when all of those have theirs.
    taken = {index.name for index in everything}
    for index in [index for index in left if index.size != 1]:
        if not found.fixed:
            fail("assignment to places chosen by an integer array can repeat a place and is not "
                 "traced; use x[np.arange(m), y] = ..., or np.add.at")
        left.remove(index)
        region.bound.append(Index(fresh_name(f"{index.name}_", taken), index.size))
        taken.add(region.bound[-1].name)
        region.places[index.symbol] = region.bound[-1].symbol
    for (index, _, at), late in zip(axes, looked_up, strict=True):
        if late:
            region.inside.append(Equal(index.symbol, _by(at, region.places)))
    region.places |= {index.symbol: sp.S.Zero for index in left}  # new axes
    return region


def _cover(
    region: _Region, index: Index, selector: Selector, at: Subscript, left: list[Index], old: Read
) -> bool:
    """One axis: what its selector covers goes inside, what it leaves goes outside.

    Returns whether its places are yet to be looked up.
    """
    if isinstance(selector, Slice) and selector.size == index.size and selector.step == 1:
        region.places[_pop(left, at).symbol] = index.symbol
        return False
    region.outside += [Term(slot(0), (old,), (), (*region.inside, guard))
                       for guard in _complement(index, selector)]
    if isinstance(selector, Slice):
        if selector.step != 1:
            fail("assignment to a reversed slice is not traced")
        region.places[_pop(left, at).symbol] = index.symbol - selector.low
        region.inside.append(Within(selector.low, index.symbol, selector.low + selector.size))
    elif isinstance(selector, Fixed):
        region.inside.append(Equal(index.symbol, selector.at))
    elif isinstance(selector, Gather):
        told = None if isinstance(at, Read) else next((
            i for i in left if not sp.expand(at - i.symbol).free_symbols.intersection(
                other.symbol for other in left)), None)
        if told is None:
            return True
        left.remove(told)
        low = at - told.symbol
        region.places[told.symbol] = index.symbol - low
        if low != 0 or told.size != index.size:
            region.inside.append(Within(low, index.symbol, low + told.size))
    return False


def scattered(
    session: Session, operand: Operand, chosen: Sequence[Selector], value: Entry
) -> Operand:
    """The array after ``np.add.at(operand, key, value)``, in which places may repeat."""
    everything = session.builder.axes(operand)
    found = view(session, operand, chosen)
    kept = [selector for selector in chosen if selector is not None]
    places: dict[sp.Symbol, sp.Expr] = {}
    bound: list[Index] = []
    for index, at in zip(found.out, _sources(found), strict=True):
        whole = at is not None and isinstance(kept[at], Slice) and (
            found.at[at] == index.symbol and index.size == everything[at].size)
        if whole and at is not None:
            places[index.symbol] = everything[at].symbol
        else:
            taken = {other.name for other in (*everything, *bound, *found.out)}
            bound.append(Index(fresh_name(f"{index.name}_", taken), index.size))
            places[index.symbol] = bound[-1].symbol
    guards = tuple(
        Equal(index.symbol, _by(at, places)) for index, at in zip(everything, found.at, strict=True)
        if _by(at, places) != index.symbol
    )
    reads: tuple[Read, ...] = ()
    body = value
    if isinstance(value, Operand):
        value = _unfolded(session, value, found)
        aligned = _fitting(session, value, found.out)
        reads = (Read(value.name, tuple(entry.xreplace(places) for entry in aligned)),)
        body = slot(0)
    old = Term(slot(0), (Read(operand.name, tuple(index.symbol for index in everything)),))
    return session.builder.emit(
        None, everything, [old, Term(body, reads, tuple(bound), guards)]
    )


def _sources(found: View) -> list[int | None]:
    """For each free index of a view, the first axis in whose subscript it occurs."""
    return [
        next((axis for axis, at in enumerate(found.at) if index.symbol in subscript_indices(at)),
             None)
        for index in found.out
    ]


def _pop(left: list[Index], at: Subscript) -> Index:
    """The free index in a subscript, which is taken from the list."""
    found = next(index for index in left if index.symbol in getattr(at, "free_symbols", ()))
    left.remove(found)
    return found


def _moved(at: Subscript, places: dict[sp.Symbol, sp.Expr]) -> Subscript:
    assert isinstance(at, Read)
    return Read(at.array, tuple(_by(entry, places) for entry in at.at))


def _by(entry: Subscript, places: dict[sp.Symbol, sp.Expr]) -> Subscript:
    return _moved(entry, places) if isinstance(entry, Read) else entry.xreplace(places)


def _is_looked_up(selector: Selector) -> bool:
    return isinstance(selector, Fixed) and isinstance(selector.at, Read)


def _complement(index: Index, selector: Selector) -> list[Guard]:
    """Guards that hold, one of them each, where the index is outside of the selector."""
    if isinstance(selector, Fixed):
        if isinstance(selector.at, Read):
            return []
        low, high = selector.at, selector.at + 1
    elif isinstance(selector, Slice):
        low, high = selector.low, selector.low + selector.size
    else:
        return []
    spans = [(sp.S.Zero, low), (high, index.size)]
    return [
        Within(start, index.symbol, stop) for start, stop in spans if sp.expand(stop - start) != 0
    ]


def _fitting(session: Session, value: Operand, out: Sequence[Index]) -> list[sp.Expr]:
    """The subscripts of an assigned value, which broadcasts to the region."""
    region = f"({', '.join(str(index.size) for index in out)})"
    extra = value.ndim - len(out)
    if extra > 0 and any(size != 1 for size in value.shape[:extra]):
        fail(f"{session.shown(value)} is assigned to a region of shape {region}")
    aligned: list[sp.Expr] = [sp.S.Zero] * max(extra, 0)
    shape = value.shape[max(extra, 0) :]
    for size, index in zip(shape, out[len(out) - len(shape) :], strict=True):
        if size != 1 and sp.expand(size - index.size) != 0:
            fail(f"{session.shown(value)} is assigned to a region of shape {region}")
        aligned.append(sp.S.Zero if size == 1 and index.size != 1 else index.symbol)
    return aligned


def _written(
    session: Session, old: Operand, made: Operand, chosen: Sequence[Selector], value: Entry
) -> None:
    """What is still blank after an assignment."""
    left = session.blank.get(old.name)
    inner = session.blank.get(value.name) if isinstance(value, Operand) else None
    if left is None and inner is None:
        return
    covered = ranges(old, chosen)
    region = None if any(entry is None for entry in covered) else tuple(
        entry for entry in covered if entry is not None)
    if left is not None:
        left = left.without(region)
    if inner is not None:
        assert isinstance(value, Operand)
        back = put_back(inner, covered, value.ndim)
        before = () if left is None else left.boxes
        left = inner.anywhere() if back is None or before is None else Blank(
            inner.why, (*before, *back))
    session.mark(made, left)
