"""Running sums, products, differences, repetitions and triangles of traced arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import sympy as sp

from ...equation import Equal, Guard, Index, Read, Term, Within, fresh_name, slot
from ..session import Session
from ..sizes import Number, exact, size_of
from ..source import fail
from ..tracer import Tracer
from .ufuncs import apply


def _array(session: Session, a: Any) -> Any:
    return a if isinstance(a, Tracer) else session.call("asarray", a)


def _at(array: Any, axis: int, key: Any) -> Any:
    return array[(slice(None),) * (axis % array.ndim) + (key,)]


def _one_axis(session: Session, a: Any, axis: Any) -> tuple[Any, int]:
    """The array and its axis; all of it in one row where `axis` is None."""
    array = _array(session, a)
    if axis is None:
        return session.call("ravel", array), 0
    place = int(axis)
    if not -array.ndim <= place < array.ndim:
        fail(f"there is no axis {place} in {session.shown(array.operand)}")
    return array, place % array.ndim


def _only(name: str, options: dict[str, Any]) -> None:
    for option, value in options.items():
        if value is not None and value is not np._NoValue and option not in ("dtype", "initial"):
            fail(f"np.{name} with {option}= is not traced")


# --- products and running sums ------------------------------------------------------------------


def _prod(session: Session, a: Any, axis: Any = None, dtype: Any = None, out: Any = None,
          keepdims: Any = False, **options: Any) -> Any:
    """A product of sizes, or one over an axis whose size is a number, factor by factor."""
    _only("prod", {**options, "out": out})
    if isinstance(a, (list, tuple)) and all(exact(x) is not None for x in a):
        made: Any = size_of(sp.S.One)
        for factor in a:
            made = made * factor
        return made
    array = _array(session, a)
    axes = range(array.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    for place in sorted((int(k) % array.ndim for k in axes), reverse=True):
        size = array.shape[place].expression
        if not size.is_Integer:
            fail(f"np.prod over the symbolic size {size} has no equation yet")
        parts = [_at(array, place, slice(k, k + 1) if keepdims else k) for k in range(int(size))]
        array = parts[0]
        for part in parts[1:]:
            array = apply(session, "multiply", (array, part))
    return array


def _cumsum(session: Session, a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """y[i] = Σ_j x[j] [j <= i]"""
    _only("cumsum", {"out": out})
    array, place = _one_axis(session, a, axis)
    indices = session.builder.axes(array.operand)
    last = indices[place]
    bound = Index(fresh_name(f"{last.name}1", {i.name for i in indices}), last.size)
    at = tuple(bound.symbol if k == place else i.symbol for k, i in enumerate(indices))
    term = Term(slot(0), (Read(array.operand.name, at),), (bound,),
                (Within(sp.S.Zero, bound.symbol, last.symbol + 1),))
    return session.array(session.builder.emit(None, indices, [term]), array.kind)


def _diff(session: Session, a: Any, n: Any = 1, axis: Any = -1, **options: Any) -> Any:
    _only("diff", options)
    array, place = _one_axis(session, a, axis)
    for _ in range(int(n)):
        array = apply(session, "subtract", (
            _at(array, place, slice(1, None)), _at(array, place, slice(None, -1))))
    return array


# --- repetitions --------------------------------------------------------------------------------


def _repeat(session: Session, a: Any, repeats: Any, axis: Any = None) -> Any:
    array, place = _one_axis(session, a, axis)
    count = exact(repeats)
    if count is None or not count.is_positive:
        fail(f"np.repeat is traced with one number of repeats, not {type(repeats).__name__}")
    shape = list(array.shape)
    widened = session.call("expand_dims", array, place + 1)
    spread = session.call("broadcast_to", widened, (
        *shape[: place + 1], Number(count), *shape[place + 1 :]))
    return session.call("reshape", spread, (
        *shape[:place], shape[place] * size_of(count), *shape[place + 1 :])).copy()


def _tile(session: Session, a: Any, reps: Any) -> Any:
    array = _array(session, a)
    counts = list(reps) if isinstance(reps, (tuple, list)) else [reps]
    counts = [1] * (array.ndim - len(counts)) + counts
    shape = [1] * (len(counts) - array.ndim) + list(array.shape)
    split: list[Any] = []
    spread: list[Any] = []
    for count, size in zip(counts, shape, strict=True):
        split += [1, size]
        spread += [count, size]
    made = session.call("broadcast_to", session.call("reshape", array, tuple(split)), tuple(spread))
    return session.call("reshape", made, tuple(
        count * size for count, size in zip(counts, shape, strict=True))).copy()


def _roll(session: Session, a: Any, shift: Any, axis: Any = None) -> Any:
    if isinstance(shift, (tuple, list)):
        fail("np.roll of several axes at once is not traced; roll one after the other")
    array, place = _one_axis(session, a, axis)
    by = exact(shift)
    size = array.shape[place].expression
    if by is None or not by.is_integer:
        fail(f"np.roll by {shift!r:.40} is not traced")
    if size.is_Integer and by.is_Integer:
        by = by % size
    if by == 0:
        return array.copy()
    parts = [_at(array, place, slice(Number(-by), None)),
             _at(array, place, slice(None, Number(-by)))]
    rolled = session.call("concatenate", parts, place)
    return rolled if axis is not None else session.call("reshape", rolled, a.shape)


def _append(session: Session, arr: Any, values: Any, axis: Any = None) -> Any:
    pair = [_array(session, arr), _array(session, values)]
    if axis is None:
        pair, axis = [session.call("ravel", x) for x in pair], 0
    return session.call("concatenate", pair, axis)


def _split(session: Session, ary: Any, indices_or_sections: Any, axis: Any = 0) -> list[Any]:
    array, place = _one_axis(session, ary, axis)
    size = array.shape[place]
    if isinstance(indices_or_sections, (list, tuple, np.ndarray)):
        bounds = [0, *indices_or_sections, size]
    else:
        count = int(indices_or_sections)
        part = size // count
        bounds = [part * k for k in range(count)] + [size]
    return [_at(array, place, slice(low, high))
            for low, high in pairwise(bounds)]


# --- triangles and diagonals --------------------------------------------------------------------


def _triangle(name: str) -> Callable[..., Any]:
    def triangle(session: Session, m: Any, k: Any = 0) -> Any:
        array = _array(session, m)
        if array.ndim < 2:
            fail(f"np.{name} of {session.shown(array.operand)} is traced of matrices")
        indices = session.builder.axes(array.operand)
        row, column = indices[-2:]
        edge = row.symbol + int(k)
        guard = Within(sp.S.Zero, column.symbol, edge + 1) if name == "tril" else Within(
            edge, column.symbol, column.size)
        term = Term(slot(0), (Read(array.operand.name, tuple(i.symbol for i in indices)),), (),
                    (guard,))
        return session.array(session.builder.emit(None, indices, [term]), array.kind)

    return triangle


def _tri(session: Session, N: Any, M: Any = None, k: Any = 0, dtype: Any = float) -> Any:
    return _triangle("tril")(session, session.call("ones", (N, N if M is None else M), dtype), k)


def _diag(session: Session, v: Any, k: Any = 0) -> Any:
    """A matrix with a vector on its diagonal, or the diagonal of a square matrix."""
    array = _array(session, v)
    if int(k):
        fail("np.diag with k= is not traced; only the main diagonal is")
    (first, *rest) = session.builder.axes(array.operand)
    if not rest:
        other = Index(fresh_name("j", {first.name}), first.size)
        guards: tuple[Guard, ...] = (Equal(other.symbol, first.symbol),)
        term = Term(slot(0), (Read(array.operand.name, (first.symbol,)),), (), guards)
        return session.array(session.builder.emit(None, (first, other), [term]), array.kind)
    if len(rest) > 1 or sp.expand(first.size - rest[0].size) != 0:
        fail(f"np.diag of {session.shown(array.operand)} is traced of vectors and square matrices")
    term = Term(slot(0), (Read(array.operand.name, (first.symbol, first.symbol)),))
    return session.array(session.builder.emit(None, (first,), [term]), array.kind)


def _flip(session: Session, m: Any, axis: Any = None) -> Any:
    array = _array(session, m)
    axes: Sequence[Any] = range(array.ndim) if axis is None else (
        axis if isinstance(axis, (tuple, list)) else (axis,))
    for place in axes:
        array = _at(array, int(place) % array.ndim, slice(None, None, -1))
    return array


def _argmin(session: Session, a: Any, axis: Any = None, out: Any = None, **options: Any) -> Any:
    return session.call("argmax", apply(session, "negative", (a,)), axis=axis, out=out, **options)


def _nan_to_num(session: Session, x: Any, copy: Any = True, nan: Any = 0.0, **_: Any) -> Any:
    session.assume("every entry that nan_to_num is given is a finite number")
    return _array(session, x).copy()




SEQUENCES: dict[str, Callable[..., Any]] = {
    "prod": _prod,
    "cumsum": _cumsum,
    "diff": _diff,
    "repeat": _repeat,
    "tile": _tile,
    "roll": _roll,
    "append": _append,
    "split": _split,
    "array_split": _split,
    "hsplit": lambda session, ary, parts: _split(session, ary, parts, 0 if ary.ndim == 1 else 1),
    "vsplit": _split,
    "tril": _triangle("tril"),
    "triu": _triangle("triu"),
    "tri": _tri,
    "diag": _diag,
    "diagonal": _diag,
    "diagflat": lambda session, v: _diag(session, session.call("ravel", v)),
    "flip": _flip,
    "flipud": lambda session, m: _flip(session, m, 0),
    "fliplr": lambda session, m: _flip(session, m, 1),
    "argmin": _argmin,
    "nan_to_num": _nan_to_num,
}
