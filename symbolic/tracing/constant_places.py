"""Places that are constants: lists, arrays of whole numbers, arrays of truth values as subscripts.

The index trick of im2col names places by ``np.repeat`` and ``np.tile`` of aranges; these are
expressions in the digits of their indices, which are found from the numbers.  Others are read one
by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp

from ..equation import Size
from ..layers.builder import Operand
from .places import Digits, Places
from .session import Session
from .sizes import SizeRange
from .source import fail


def expanded(session: Session, operand: Operand, key: Any) -> list[Any]:
    """The subscripts, one for each axis or new axis: without an ellipsis, and truth values as the
    places where they are true."""
    entries: list[Any] = []
    used = 0
    for entry in key if isinstance(key, tuple) else [key]:
        array = _as_array(session, entry)
        if array is not None and array.dtype == bool:
            sizes = operand.shape[used : used + array.ndim]
            if any(size != length for size, length in zip(sizes, array.shape, strict=False)):
                fail(f"a mask of shape {array.shape} is a subscript of {session.shown(operand)}")
            entries += list(np.nonzero(array))
            used += array.ndim
            continue
        entries.append(int(array) if array is not None and not array.ndim else entry)
        used += entry is not None and entry is not Ellipsis
    if used > operand.ndim:
        fail(f"{used} subscripts for {session.shown(operand)}")
    if not any(entry is Ellipsis for entry in entries):
        entries.append(Ellipsis)
    place = next(k for k, entry in enumerate(entries) if entry is Ellipsis)
    if operand.ndim == used and _has_places(entries[:place]) and _has_places(entries[place + 1 :]):
        fail("an ellipsis that stands for no axis is between arrays of places; leave it out")
    entries[place : place + 1] = [slice(None)] * (operand.ndim - used)
    return entries


def _as_array(session: Session, entry: Any) -> np.ndarray[Any, Any] | None:
    """The numbers of an array or a list without traced ones; None for what is neither."""
    is_constant = isinstance(entry, np.ndarray) or (
        isinstance(entry, list) and not any(isinstance(x, session.tracers) for x in entry))
    return np.asarray(entry) if is_constant else None


def _has_places(entries: Iterable[Any]) -> bool:
    return any(isinstance(entry, (np.ndarray, list)) for entry in entries)


MAX_PLACES = 64


@dataclass(frozen=True)
class OneByOne:
    """Places in a list that follow no rule: a subscript for each; `axis` and `shape` say where in
    the result they stand."""

    keys: list[tuple[Any, ...]]
    axis: int
    shape: tuple[int, ...]


def one_by_one(
    session: Session, operand: Operand, key: Any, writing: bool = False
) -> OneByOne | None:
    """The places of constants that have no form in indices, one after the other; else None.

    writing: so are those that name a place twice, which keeps what is written last.
    """
    if not _has_places(key if isinstance(key, tuple) else (key,)):
        return None
    entries = expanded(session, operand, key)
    arrays = constant_arrays(entries)
    constants = [array for array in arrays if array is not None]
    others = any(isinstance(entry, (SizeRange, range)) or getattr(entry, "ndim", 0)
                 for entry, array in zip(entries, arrays, strict=True) if array is None)
    if not constants or others:
        return None
    found = affine_places(constants)
    mixed = any(array.min() < 0 <= array.max() for array in constants)
    if found is not None and not mixed and (
            not writing or len(found[0].fixes) == len(found[0].shape)):
        return None
    together = np.broadcast_arrays(*constants)
    if together[0].size > MAX_PLACES:
        fail(f"{together[0].size} places that follow no rule are a subscript of "
             f"{session.shown(operand)}; hand them in as an argument (kind 'labels')")
    return _listed(entries, arrays, together)


def _listed(
    entries: Sequence[Any], arrays: Sequence[Any], together: Sequence[np.ndarray[Any, Any]]
) -> OneByOne:
    """A key for each place; arrays: those of the entries, which are broadcast `together`."""
    keys = []
    for place in np.ndindex(together[0].shape):
        numbers = iter(int(array[place]) for array in together)
        keys.append(tuple(entry if array is None else next(numbers)
                          for entry, array in zip(entries, arrays, strict=True)))
    advanced = [k for k, entry in enumerate(entries)
                if not isinstance(entry, slice) and entry is not None]
    together_stand = advanced[-1] - advanced[0] + 1 == len(advanced)
    return OneByOne(keys, advanced[0] if together_stand else 0, together[0].shape)


def parts(
    session: Session, array: Any, listed: OneByOne, key: Any, value: Any
) -> list[Any]:
    """What of a value that is assigned to array[key] goes to each of the places of a list."""
    if not isinstance(value, (session.tracers, np.ndarray, list)):
        return [value] * len(listed.keys)
    shape = array[key].shape
    end = listed.axis + len(listed.shape)
    value = session.call("broadcast_to", value, shape)
    value = session.call("reshape", value, (*shape[: listed.axis], len(listed.keys), *shape[end:]))
    return [value[(slice(None),) * listed.axis + (count,)] for count in range(len(listed.keys))]


def check_places(array: np.ndarray[Any, Any], size: Size) -> None:
    """Places that are on an axis of a size that is a number."""
    if size.is_Integer and not (-size <= array.min() and array.max() < size):
        fail(f"there is no entry {array.min() if -size > array.min() else array.max()} on an axis "
             f"of size {size}")


def from_the_front(places: Places, array: np.ndarray[Any, Any], size: Size) -> Places:
    if array.min() >= 0:
        return places
    return replace(places, entry=lambda digits: size + places.entry(digits))


# --- as expressions -----------------------------------------------------------------------------


def constant_arrays(entries: Sequence[Any]) -> list[np.ndarray[Any, Any] | None]:
    """The arrays and lists of whole numbers or truth values among subscripts; None for others."""
    found: list[np.ndarray[Any, Any] | None] = []
    for entry in entries:
        array = None
        if isinstance(entry, (np.ndarray, list)) and not _has_symbols(entry):
            array = np.asarray(entry)
            if array.dtype.kind not in "biu" or not array.size:
                fail(f"a subscript of {array.dtype} and shape {array.shape} is no array of places")
        found.append(array)
    return found


def _has_symbols(entry: Any) -> bool:
    if isinstance(entry, list):
        return any(map(_has_symbols, entry))
    return not isinstance(entry, (int, np.integer, np.bool_))  if (
        not isinstance(entry, np.ndarray)) else entry.dtype == object


def affine_places(arrays: Sequence[np.ndarray[Any, Any]]) -> list[Places] | None:
    """Constants that are broadcast against one another, as expressions in digits of their axes.

    None where they follow no such rule.
    """
    together = np.broadcast_arrays(*arrays)
    shape = together[0].shape
    splits: list[tuple[Size, ...]] = []
    slopes: list[list[tuple[int, ...]]] = []
    for axis in range(len(shape)):
        along = [array[(0,) * axis + (slice(None),) + (0,) * (len(shape) - axis - 1)]
                 for array in together]
        found = _digits(along)
        if found is None:
            return None
        splits.append(tuple(sp.Integer(size) for size in found[0]) or (sp.S.One,))
        slopes.append(found[1] if found[0] else [(0,)] * len(along))
    made = []
    taken = list(zip(*(array.reshape(-1).tolist() for array in together), strict=True))
    fixes = range(-len(shape), 0) if len(set(taken)) == len(taken) else ()
    for k, array in enumerate(together):
        rates = [by_array[k] for by_array in slopes]
        if not np.array_equal(array, _values(array, splits, rates)):
            return None
        made.append(Places(tuple(map(sp.Integer, shape)), tuple(splits), _affine(
            int(array.flat[0]), rates), frozenset(fixes)))
    return made


def _affine(start: int, rates: Sequence[tuple[int, ...]]) -> Callable[[Sequence[Digits]], sp.Expr]:
    def entry(digits: Sequence[Digits]) -> sp.Expr:
        return sp.Add(start, *(rate * digit for axis, given in zip(rates, digits, strict=True)
                               for rate, digit in zip(axis, given, strict=True)))

    return entry


def _values(
    array: np.ndarray[Any, Any], splits: Sequence[tuple[Size, ...]],
    rates: Sequence[tuple[int, ...]],
) -> np.ndarray[Any, Any]:
    """The numbers that the digits give, in the array's shape."""
    sizes = tuple(int(size) for split in splits for size in split)
    flat_rates = [rate for axis in rates for rate in axis]
    places = np.indices(sizes) if sizes else np.zeros((0,))
    value = np.full(sizes, array.flat[0], int)
    for rate, place in zip(flat_rates, places, strict=True):
        value += rate * place
    return np.reshape(value, array.shape)


def _digits(
    values: Sequence[np.ndarray[Any, Any]]
) -> tuple[tuple[int, ...], list[tuple[int, ...]]] | None:
    """Sizes of the fewest digits in which all vectors are affine, and each one's slopes."""
    size = len(values[0])
    if size == 1:
        return (), [() for _ in values]
    for low in (d for d in range(size, 1, -1) if size % d == 0):
        blocks = [value.reshape(-1, low) for value in values]
        rates = [int(block[0, 1] - block[0, 0]) for block in blocks]
        if all(np.array_equal(block - block[:, :1], np.broadcast_to(
                rate * np.arange(low), block.shape))
               for block, rate in zip(blocks, rates, strict=True)):
            rest = _digits([block[:, 0] for block in blocks])
            if rest is None:
                return None
            return (*rest[0], low), [(*higher, rate)
                                     for higher, rate in zip(rest[1], rates, strict=True)]
    return None
