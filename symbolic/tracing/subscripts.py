"""Subscripts of traced arrays: `x[0]`, `x[:, 1:]`, `x[:, None]`, `x[np.arange(m), y]`.

A subscript says, for each axis of the array, which entry is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import sympy as sp

from ..equation import Index, Read, Size, Subscript, Term, fresh_name, size_symbol, slot
from ..layers.builder import Operand, ShapeError, broadcast
from ..layers.rearrange import reshape
from ..mixed_radix import flat, largest
from .constant_places import (
    affine_places,
    check_places,
    constant_arrays,
    expanded,
    from_the_front,
)
from .places import Places, integer_entry, places_of
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
    """The entries that an array of places names; those of several axes broadcast together."""

    places: Places


Selector: TypeAlias = Fixed | Slice | Gather | None
"""None is a new axis of size one."""


def selectors(session: Session, operand: Operand, key: Any) -> list[Selector]:
    """The selector of each axis of `operand`, with new axes between them."""
    entries = expanded(session, operand, key)
    arrays = constant_arrays(entries)
    constants = [array for array in arrays if array is not None]
    found = affine_places(constants) if constants else []
    if found is None:
        fail(f"{key!r:.60} is a subscript of {session.shown(operand)}, and its places follow no "
             "rule in which they can be written together with the other subscripts")
    affine = iter(found)
    sizes = iter(operand.shape)
    chosen: list[Selector] = []
    for entry, array in zip(entries, arrays, strict=True):
        if entry is None:
            chosen.append(None)
            continue
        size = next(sizes)
        if array is None:
            chosen.append(_selector(session, operand, entry, size))
            continue
        check_places(array, size)
        chosen.append(Gather(from_the_front(next(affine), array, size)))
    return chosen


def _selector(session: Session, operand: Operand, entry: Any, size: Size) -> Selector:
    if isinstance(entry, slice):
        return _slice(session, entry, size)
    if isinstance(entry, (SizeRange, range)) or (
            isinstance(entry, session.tracers) and entry.operand.ndim):  # type: ignore[attr-defined]
        places = places_of(session, entry)
        if places is None:
            shown = session.shown(entry.operand) if hasattr(entry, "operand") else str(entry)
            fail(f"{shown} is used as a subscript of {session.called(operand)}; only integers that "
                 "are an input (kind 'labels'), np.arange, constants, and masks can be")
        return Gather(places)
    if isinstance(entry, session.tracers):
        if (found := integer_entry(session, entry.operand, ())) is None:  # type: ignore[attr-defined]
            fail(f"{session.shown(entry.operand)} is used as a subscript of "  # type: ignore[attr-defined]
                 f"{session.called(operand)}; only integers of an input (kind 'labels') can be")
        return Fixed(found if isinstance(found, Read) else _inside(session, found, size))
    at = exact(entry) if not isinstance(entry, (bool, float)) else None
    if at is None or not at.is_integer:
        fail(f"the subscript {entry!r:.60} of {session.shown(operand)} cannot be traced")
    return Fixed(_inside(session, at, size))


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
        session.occupied(count, f"the slice {_spelled(entry)} of an axis of size {size}")
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


def _known_nonnegative(session: Session, value: sp.Expr) -> bool:
    """Whether a value is never negative from the least sizes on that were taken for granted."""
    beyond = {size_symbol(name): size_symbol(name) + least - 1
              for name, least in session.least.items()}
    return bool(sp.expand(value.xreplace(beyond)).is_nonnegative)


def _bound(session: Session, given: Any, default: sp.Expr, size: Size) -> sp.Expr:
    at = default if given is None else exact(given)
    if at is None or not at.is_integer:
        fail(f"the slice bound {given!r:.60} cannot be traced")
    if at.is_negative:
        at = sp.expand(size + at)
        if not size.is_Integer and not at.is_nonnegative:  # NumPy begins at 0 where it is less
            session.assume(
                f"{at} >= 0, for a slice bound counted from the end of a size {size}", at)
    elif not sp.expand(at).is_nonnegative and not _known_nonnegative(session, at):
        session.assume(f"{at} >= 0, for a slice bound {at}", sp.expand(at))
    if size.is_Integer and at.is_Integer:
        return sp.Integer(min(max(int(at), 0), int(size)))
    if not sp.expand(size - at).is_nonnegative:
        session.assume(f"{at} <= {size}, for a slice up to {at}", sp.expand(size - at))
    return at


# --- reading ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class View:
    """What a subscript reads: the free indices, and the subscript of each axis of the array.

    fold: where axes of digits stand for the flattened ones of arrays of places: the first of the
    free indices, how many there are, and the shape that NumPy gives in their place.
    """

    out: tuple[Index, ...]
    at: tuple[Subscript, ...]
    fold: tuple[int, int, tuple[Size, ...]] | None = None
    fixed: bool = True
    """Whether arrays of places name none twice."""


@dataclass(frozen=True)
class _Shared:
    """The axes that arrays of places share, by digits."""

    shape: tuple[Size, ...]
    splits: tuple[tuple[Size, ...], ...]
    digits: tuple[tuple[Index, ...], ...]

    @property
    def indices(self) -> tuple[Index, ...]:
        return tuple(index for axis in self.digits for index in axis)

    def entry(self, places: Places) -> Subscript:
        """The subscript that an array of places gives."""
        first = len(self.shape) - len(places.shape)
        given: list[tuple[sp.Expr, ...]] = []
        for own, size, split, digits in zip(places.splits, places.shape, self.splits[first:],
                                            self.digits[first:], strict=True):
            symbols = tuple(index.symbol for index in digits)
            if size == 1 and sp.Mul(*split) != 1:
                given.append((sp.S.Zero,) * len(own))
            else:
                given.append(symbols if own == split else (flat(symbols, split),))
        return places.entry(given)


def view(session: Session, operand: Operand, chosen: Sequence[Selector]) -> View:
    """The free indices that NumPy's rules give: those of arrays of places stand in the place of
    the first, or before all others where the arrays do not stand next to each other."""
    axes = session.builder.axes(operand)
    kept, taken = iter(axes), {index.name for index in axes}
    gathers = any(isinstance(selector, Gather) for selector in chosen)
    shared = _shared(session, operand, chosen, taken) if gathers else None
    used = {index.name for index in shared.indices} if shared else set()
    out: list[Index] = []
    at: list[Subscript] = []
    for selector in chosen:
        if selector is None:
            out.append(Index(fresh_name("u", used | taken), sp.S.One))
            used.add(out[-1].name)
            continue
        axis = next(kept)
        if isinstance(selector, Fixed):
            at.append(selector.at)
        elif isinstance(selector, Slice):
            out.append(Index(fresh_name(axis.name, used), selector.size))
            used.add(out[-1].name)
            at.append(selector.low + selector.step * out[-1].symbol)
        else:
            assert shared is not None
            at.append(shared.entry(selector.places))
            _within_axis(session, at[-1], shared.indices, axis.size)
    if shared is None:
        return View(tuple(out), tuple(at), None, True)
    start = _start(chosen)
    out[start:start] = shared.indices
    is_flat = any(len(split) > 1 for split in shared.splits)
    fold = (start, len(shared.indices), shared.shape) if is_flat else None
    return View(tuple(out), tuple(at), fold, _told_apart(chosen, shared))


def _within_axis(
    session: Session, place: Subscript, indices: Sequence[Index], size: Size
) -> None:
    """Places are not below 0, where they would count from the end, and within the axis, which is
    assumed where it depends on sizes."""
    if isinstance(place, Read):
        return
    sizes = {index.symbol: index.size for index in indices}
    free = sorted(sizes.keys() & place.free_symbols, key=str)
    lowest = sp.expand(-largest(sp.expand(-place), free, sizes))
    if lowest.is_negative:
        fail(f"places from {lowest} on are a subscript of an axis of size {size}; those below 0 "
             "count from the end, which is not traced in one array")
    left = sp.expand(size - 1 - largest(sp.expand(place), free, sizes))
    if left.is_negative:
        fail(f"there is no entry {sp.expand(size - 1 - left)} on an axis of size {size}")
    for bound in (lowest, left):
        if not bound.is_nonnegative:
            session.assume(f"{bound} >= 0, for places on an axis of size {size}", bound)


def _start(chosen: Sequence[Selector]) -> int:
    """Before which axis those of the arrays stand; each selector before them has one axis."""
    places = [k for k, s in enumerate(chosen) if isinstance(s, (Fixed, Gather))]
    return places[0] if places[-1] - places[0] + 1 == len(places) else 0


def _told_apart(chosen: Sequence[Selector], shared: _Shared) -> bool:
    told = {axis for s in chosen if isinstance(s, Gather) for axis in s.places.fixes}
    return all(size == 1 or k - len(shared.shape) in told for k, size in enumerate(shared.shape))


def _shared(
    session: Session, operand: Operand, chosen: Sequence[Selector], taken: set[str]
) -> _Shared:
    """The axes to which arrays of places are broadcast."""
    arrays = [selector.places for selector in chosen if isinstance(selector, Gather)]
    try:
        shape = broadcast(*(places.shape for places in arrays))
    except ShapeError as error:
        fail(f"the integer subscripts of {session.called(operand)}: {error}")
    axes = [i for i, s in zip(session.builder.axes(operand),
                              (s for s in chosen if s is not None), strict=True)
            if isinstance(s, Gather)]
    splits: list[tuple[Size, ...]] = []
    digits: list[list[Index]] = []
    used = set() if len(shape) == 1 else set(taken)
    for k, size in enumerate(shape):
        back = k - len(shape)
        found = {places.splits[back] for places in arrays
                 if len(places.shape) >= -back and len(places.splits[back]) > 1}
        if len(found) > 1:
            fail(f"integer arrays that were flattened from other shapes are subscripts of "
                 f"{session.called(operand)} together")
        splits.append(found.pop() if found else (size,))
        digits.append([])
        for digit in splits[-1]:
            name = fresh_name(axes[min(k, len(axes) - 1)].name, used)
            used.add(name)
            digits[-1].append(Index(name, digit))
    return _Shared(shape, tuple(splits), tuple(map(tuple, digits)))


def read(session: Session, operand: Operand, chosen: Sequence[Selector]) -> Operand:
    """``operand[key]`` as an equation."""
    found = view(session, operand, chosen)
    made = session.builder.emit(
        None, found.out, [Term(slot(0), (Read(operand.name, found.at),))]
    )
    if found.fold is not None:
        start, count, shape = found.fold
        made = reshape(session.builder, made, (
            *made.shape[:start], *shape, *made.shape[start + count :]), by_places=True)
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
