"""Entries of traced arrays taken, left out, put in, or chosen by masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import sympy as sp

from ...equation import Equal, Index, Read, Term, fresh_name, slot
from ..masked import Masked, MaskPlaces
from ..session import Session
from ..sizes import Number, SizeRange, exact
from ..source import fail
from ..tracer import Tracer
from .sequences import along, as_array, one_axis
from .ufuncs import apply, where


def _take(session: Session, a: Any, indices: Any, axis: Any = None, out: Any = None,
          mode: Any = "raise") -> Any:
    if out is not None or mode != "raise":
        fail("np.take with out= or mode= is not traced")
    array, place = one_axis(session, a, axis)
    if exact(indices) is None and not isinstance(indices, Tracer):
        indices = np.asarray(indices)
    return along(array, place, indices).copy()


def _beside(session: Session, array: Any, indices: Any, axis: int) -> tuple[Any, ...]:
    """The subscripts of take_along_axis: `indices` on one axis, and the places of all others."""
    if indices.ndim != array.ndim:
        fail(f"take_along_axis: the indices have {indices.ndim} axes, the array {array.ndim}")
    key: list[Any] = []
    for k, size in enumerate(array.shape):
        shape = [1] * array.ndim
        shape[k] = size
        places = indices if k == axis else session.call("arange", size)
        key.append(places if k == axis else session.call("reshape", places, tuple(shape))
                   if isinstance(places, Tracer) else places.reshape(tuple(map(int, shape))))
    return tuple(key)


def _take_along_axis(session: Session, arr: Any, indices: Any, axis: Any = -1) -> Any:
    array, place = one_axis(session, arr, axis)
    indices = indices if isinstance(indices, Tracer) else np.asarray(indices)
    if axis is None:
        return array[session.call("ravel", indices)]
    return array[_beside(session, array, indices, place)]


def _put_along_axis(session: Session, arr: Any, indices: Any, values: Any, axis: Any) -> None:
    place = int(axis) % arr.ndim
    indices = indices if isinstance(indices, Tracer) else np.asarray(indices)
    arr[_beside(session, arr, indices, place)] = values


# --- left out and put in ------------------------------------------------------------------------


def _places(session: Session, chosen: Any, size: Any) -> list[Any]:
    """Whole numbers that name places, in order and counted from the front; sizes may be in them."""
    if isinstance(chosen, slice):
        chosen = range(*(chosen.indices(int(size))))
    entries = list(chosen) if isinstance(chosen, (list, tuple, range, np.ndarray)) else [chosen]
    if any(isinstance(entry, (bool, np.bool_)) for entry in entries):
        entries = [place for place, taken in enumerate(entries) if taken]
    found = []
    for entry in entries:
        place = exact(entry)
        if place is None or not place.is_integer:
            fail(f"{chosen!r:.60} names places that are not traced; give whole numbers")
        found.append(Number(place) if place.is_nonnegative else size + Number(place))
    if any(not place.expression.is_Integer for place in found) and len(found) > 1:
        fail("several places counted from the end of a symbolic size are not traced together")
    return sorted(found, key=lambda p: int(p)) if len(found) > 1 else found


def _delete(session: Session, arr: Any, obj: Any, axis: Any = None) -> Any:
    array, place = one_axis(session, arr, axis)
    size = array.shape[place]
    gone = list(dict.fromkeys(sp.expand(p.expression) for p in _places(session, obj, size)))
    bounds = [Number(sp.S.NegativeOne), *map(Number, gone), size]
    parts = [along(array, place, slice(low + 1, high)) for low, high in pairwise(bounds)
             if sp.expand((high - low).expression) != 1]
    if not parts and array.ndim == 1:
        return np.zeros(0)
    if not parts:
        fail("np.delete of every entry")
    return session.call("concatenate", parts, place)


def _insert(session: Session, arr: Any, obj: Any, values: Any, axis: Any = None) -> Any:
    array, place = one_axis(session, arr, axis)
    size = array.shape[place]
    (before,) = _places(session, obj, size)
    shape = list(array.shape)
    value = as_array(session, values)
    value = value.reshape((1,) * (array.ndim - value.ndim) + value.shape)
    if exact(obj) is not None:  # a number names a place of one row: NumPy's values[np.newaxis]
        value = session.call("moveaxis", value, 0, place)
    shape[place] = value.shape[place]
    new = session.call("broadcast_to", value, tuple(shape))
    parts = [along(array, place, slice(None, before)) if before.expression != 0 else None, new,
             along(array, place, slice(before, None))
             if sp.expand((size - before).expression) != 0 else None]
    return session.call("concatenate", [part for part in parts if part is not None], place)


# --- masks --------------------------------------------------------------------------------------


def _select(session: Session, condlist: Sequence[Any], choicelist: Sequence[Any],
            default: Any = 0) -> Any:
    made = default
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        made = where(session, condition, choice, made)
    return made


def _choose(session: Session, a: Any, choices: Sequence[Any], out: Any = None, mode: Any = "raise"
            ) -> Any:
    """choices[a[i]][i], for places that are truth values or whole numbers."""
    if out is not None or mode != "raise":
        fail("np.choose with out= or mode= is not traced")
    made = choices[-1]
    for place in reversed(range(len(choices) - 1)):
        made = where(session, apply(session, "equal", (a, place)), choices[place], made)
    return made


def _compress(session: Session, condition: Any, a: Any, axis: Any = None, out: Any = None) -> Any:
    if isinstance(condition, Tracer):
        fail("np.compress by a traced mask has an unknown number of entries; use np.where")
    if out is not None:
        fail("np.compress with out= is not traced")
    array, place = one_axis(session, a, axis)
    return along(array, place, np.nonzero(condition)[0])


def _extract(session: Session, condition: Any, arr: Any) -> Any:
    return arr[as_mask(session, condition)]


def _piecewise(session: Session, x: Any, condlist: Any, funclist: Sequence[Any], *args: Any,
               **options: Any) -> Any:
    """Each function is handed the entries where its condition holds; the last that holds counts."""
    array = as_array(session, x)
    masks = [as_mask(session, condition) for condition in (
        condlist if isinstance(condlist, (list, tuple)) else [condlist])]
    if len(funclist) == len(masks) + 1:
        taken = masks[0]
        for mask in masks[1:]:
            taken = apply(session, "logical_or", (taken, mask))
        masks.append(apply(session, "logical_not", (taken,)))
    made = session.call("zeros_like", array)
    for mask, f in zip(masks, funclist, strict=True):
        made[mask] = f(array[mask], *args, **options) if callable(f) else f
    return made


def _where(session: Session, condition: Any, *branches: Any, **named: Any) -> Any:
    if branches or named:
        return where(session, condition, *branches, *(named[name] for name in ("x", "y")
                                                      if name in named))
    mask = as_mask(session, condition)
    return tuple(MaskPlaces(session, mask, axis) for axis in range(mask.ndim))


def as_mask(session: Session, a: Any) -> Any:
    """Truth values of an array: itself, or whether its entries are not zero."""
    array = as_array(session, a)
    return array if array.kind == "bool" else apply(session, "not_equal", (array, 0))


def _count_nonzero(session: Session, a: Any, axis: Any = None, keepdims: Any = False) -> Any:
    return session.call("sum", as_mask(session, a), axis=axis, keepdims=keepdims)


def _copyto(session: Session, dst: Any, src: Any, casting: Any = "same_kind",
            where: Any = True) -> None:
    if not isinstance(dst, Tracer):
        fail("np.copyto writes a traced array into an array of numbers; make that array inside "
             "the function")
    if where is True:
        dst.replace(src)
    else:
        _write_where(session, dst, where, src)


def _write_where(session: Session, array: Any, mask: Any, values: Any) -> None:
    mask = session.call("broadcast_to", as_mask(session, mask), array.shape)
    if getattr(values, "ndim", 0):
        values = Masked(session, mask, session.entry(
            session.call("broadcast_to", values, array.shape)))
    array[mask] = values


def _putmask(session: Session, a: Any, mask: Any, values: Any) -> None:
    if getattr(values, "ndim", 0) and values.ndim != a.ndim:
        fail("np.putmask with values that are repeated is not traced; use np.where")
    _write_where(session, a, mask, values)


def _place(session: Session, arr: Any, mask: Any, vals: Any) -> None:
    if getattr(vals, "ndim", 0) or (isinstance(vals, (list, tuple)) and len(vals) != 1):
        fail("np.place with several values is not traced; use np.where")
    _write_where(session, arr, mask, vals[0] if isinstance(vals, (list, tuple)) else vals)


def _fill_diagonal(session: Session, a: Any, val: Any, wrap: Any = False) -> None:
    if a.ndim != 2 or getattr(val, "ndim", 0) > 1 or sp.expand(
            (a.shape[0] - a.shape[1]).expression) != 0:
        fail("np.fill_diagonal is traced of square matrices, with a number or a vector")
    places = session.call("arange", a.shape[0])
    a[places, places] = val


def _diagonal_places(session: Session, arr: Any) -> Any:
    return (session.call("arange", arr.shape[0]),) * arr.ndim


def _bincount(session: Session, x: Any, weights: Any = None, minlength: Any = 0) -> Any:
    """Σ_i w[i] [x[i] = k] for labels below `minlength`."""
    size = exact(minlength)
    labels = x.operand
    if size is None or not size.is_positive or labels.ndim != 1:
        fail("np.bincount is traced of a vector of labels, with minlength= the number of classes")
    found = next((array for array in session.builder.inputs
                  if array.name == labels.name), None)
    if found is None or found.classes is None or sp.expand(found.classes - size) != 0:
        fail(f"np.bincount with minlength={size}, where the labels are not declared to be below "
             "that: how long its result is depends on them")
    out = session.builder.indices((size,), ())
    bound = Index(fresh_name(f"{out[0].name}1", ()), labels.shape[0])
    guard = Equal(out[0].symbol, Read(labels.name, (bound.symbol,)))
    reads: tuple[Read, ...] = ()
    if weights is not None:
        reads = (Read(as_array(session, weights).operand.name, (bound.symbol,)),)
    body = slot(0) if reads else sp.S.One
    return session.array(session.builder.emit(None, out, [Term(body, reads, (bound,), (guard,))]),
                         "float" if reads else "int")


def _triangle_places(name: str) -> Callable[..., Any]:
    """The places of a triangle: numbers, or where the size is a symbol those of a mask."""
    def places(session: Session, n: Any, k: Any = 0, m: Any = None) -> Any:
        rows, columns = exact(n), exact(n if m is None else m)
        if rows is None or columns is None:
            fail(f"np.{name}_indices({n!r:.40}) is not traced")
        if not rows.free_symbols | columns.free_symbols:
            plain = np.tril_indices if name == "tril" else np.triu_indices
            return plain(int(rows), int(k), int(columns))
        whole = session.call("ones", (Number(rows), Number(columns)), bool)
        return _where(session, session.call(name, whole, k))

    return places


def _ix(session: Session, *args: Any) -> tuple[Any, ...]:
    found = []
    for k, places in enumerate(args):
        array = session.call("asarray", places) if isinstance(places, SizeRange) else places
        shape: list[Any] = [1] * len(args)
        shape[k] = len(array) if not isinstance(array, Tracer) else array.shape[0]
        found.append(np.reshape(array, shape) if not isinstance(array, Tracer)
                     else session.call("reshape", array, tuple(shape)))
    return tuple(found)


SELECTING: dict[str, Callable[..., Any]] = {
    "take": _take,
    "take_along_axis": _take_along_axis,
    "put_along_axis": _put_along_axis,
    "delete": _delete,
    "insert": _insert,
    "select": _select,
    "choose": _choose,
    "compress": _compress,
    "extract": _extract,
    "piecewise": _piecewise,
    "where": _where,
    "nonzero": lambda session, a: _where(session, a),
    "flatnonzero": lambda session, a: _where(session, session.call("ravel", a))[0],
    "count_nonzero": _count_nonzero,
    "copyto": _copyto,
    "putmask": _putmask,
    "place": _place,
    "fill_diagonal": _fill_diagonal,
    "diag_indices_from": _diagonal_places,
    "bincount": _bincount,
    "tril_indices": _triangle_places("tril"),
    "triu_indices": _triangle_places("triu"),
    "tril_indices_from": lambda session, arr, k=0: _triangle_places("tril")(
        session, arr.shape[0], k, arr.shape[1]),
    "triu_indices_from": lambda session, arr, k=0: _triangle_places("triu")(
        session, arr.shape[0], k, arr.shape[1]),
    "ix_": _ix,
}
