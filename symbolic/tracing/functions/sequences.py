"""Running sums, products, differences, repetitions and triangles of traced arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import sympy as sp

from ...equation import Equal, Guard, Index, Read, Term, Within, fresh_name, size_names, slot
from ...layers.builder import Operand
from ...layers.loops import Loop
from ...layers.rearrange import full
from ..session import Session
from ..sizes import Number, exact, size_of
from ..source import fail
from ..tracer import Tracer
from .ufuncs import apply, check_dtype


def as_array(session: Session, a: Any) -> Any:
    """The argument as a traced array."""
    return a if isinstance(a, Tracer) else session.call("asarray", a)


def along(array: Any, axis: int, key: Any) -> Any:
    """The array with a subscript on one axis."""
    return array[(slice(None),) * (axis % array.ndim) + (key,)]


def one_axis(session: Session, a: Any, axis: Any) -> tuple[Any, int]:
    """The array and its axis; all of it in one row where `axis` is None."""
    array = as_array(session, a)
    if axis is None:
        return session.call("ravel", array), 0
    place = int(axis)
    if not -array.ndim <= place < array.ndim:
        fail(f"there is no axis {place} in {session.shown(array.operand)}")
    return array, place % array.ndim


def counted(array: Any) -> Any:
    """Truth values as the numbers 0 and 1, which NumPy adds and multiplies."""
    return array.astype(int) if array.kind == "bool" else array


def _only(name: str, options: dict[str, Any]) -> None:
    for option, value in options.items():
        if value is not None and value is not np._NoValue and option != "dtype":
            fail(f"np.{name} with {option}= is not traced")


# --- products and running sums ------------------------------------------------------------------


def product(session: Session, a: Any, axis: Any = None, dtype: Any = None, out: Any = None,
          keepdims: Any = False, **options: Any) -> Any:
    """A product of sizes, or one over axes, factor by factor."""
    _only("prod", {**options, "out": out})
    if isinstance(a, (list, tuple)) and all(exact(x) is not None for x in a):
        made: Any = size_of(sp.S.One)
        for factor in a:
            made = made * factor
        return made
    check_dtype(session, "prod", dtype)
    array = as_array(session, a)
    axes = range(array.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    for place in sorted((int(k) % array.ndim for k in axes), reverse=True):
        size = array.shape[place].expression
        if not size.is_Integer:
            array = along(running_product(session, counted(array), place), place, -1)
            array = session.call("expand_dims", array, place) if keepdims else array
            continue
        parts = [along(array, place, slice(k, k + 1) if keepdims else k) for k in range(int(size))]
        array = counted(parts[0].copy())
        for part in parts[1:]:
            array = apply(session, "multiply", (array, part))
    return array


def running_product(session: Session, array: Any, place: int) -> Any:
    """c[t] = c[t - 1] x[t], a recurrence along an axis: exact where a factor is zero, too."""
    builder = session.builder
    moved = session.call("moveaxis", array, place, 0)
    shape = moved.operand.shape
    taken = size_names([shape]) | {index.name for index in builder.axes(moved.operand)}
    name = builder.fresh("c")
    builder.reserve(name)

    def multiplied(operand: Operand) -> Operand:
        ones = full(builder, shape[1:], sp.S.One)
        loop = Loop(builder, fresh_name("t", taken), shape[0])
        before = loop.before(name, ones, shape[1:])
        builder.pointwise(slot(0) * slot(1), before, loop.at(operand), name=name)
        loop.close()
        return loop.made(name)

    made = session.array(session.shaped(multiplied, moved.operand))
    return session.call("moveaxis", made, 0, place)


def _cumsum(session: Session, a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    """y[i] = Σ_j x[j] [j <= i]"""
    _only("cumsum", {"out": out})
    check_dtype(session, "cumsum", dtype)
    array, place = one_axis(session, a, axis)
    indices = session.builder.axes(array.operand)
    last = indices[place]
    bound = Index(fresh_name(f"{last.name}1", {i.name for i in indices}), last.size)
    at = tuple(bound.symbol if k == place else i.symbol for k, i in enumerate(indices))
    term = Term(slot(0), (Read(array.operand.name, at),), (bound,),
                (Within(sp.S.Zero, bound.symbol, last.symbol + 1),))
    return session.array(session.builder.emit(None, indices, [term]), counted(array).kind)


def _diff(session: Session, a: Any, n: Any = 1, axis: Any = -1, prepend: Any = None,
          append: Any = None, **options: Any) -> Any:
    _only("diff", options)
    array, place = one_axis(session, a, axis)
    for end, before in ((prepend, True), (append, False)):
        if end is not None and end is not np._NoValue:
            shape = list(array.shape)
            shape[place] = 1
            extra = as_array(session, end)
            extra = extra if extra.ndim else session.call("broadcast_to", extra, tuple(shape))
            array = session.call("concatenate", [extra, array] if before else [array, extra], place)
    for _ in range(int(n)):
        array = apply(session, "subtract", (
            along(array, place, slice(1, None)), along(array, place, slice(None, -1))))
    return array


# --- repetitions --------------------------------------------------------------------------------


def _repeat(session: Session, a: Any, repeats: Any, axis: Any = None) -> Any:
    array, place = one_axis(session, a, axis)
    count = exact(repeats)
    if count is None and isinstance(repeats, (list, tuple, np.ndarray)) and all(
            isinstance(x, (int, np.integer)) for x in repeats):
        if array.shape[place].expression != len(repeats):
            fail(f"np.repeat: the number of repeats, {len(repeats)}, is not the size "
                 f"{array.shape[place].expression}")
        return along(array, place, np.repeat(np.arange(len(repeats)), repeats))
    if count is None or not count.is_positive:
        fail(f"np.repeat is traced with one number of repeats, not {type(repeats).__name__}")
    shape = list(array.shape)
    widened = session.call("expand_dims", array, place + 1)
    spread = session.call("broadcast_to", widened, (
        *shape[: place + 1], Number(count), *shape[place + 1 :]))
    return session.call("reshape", spread, (
        *shape[:place], shape[place] * size_of(count), *shape[place + 1 :])).copy()


def _tile(session: Session, a: Any, reps: Any) -> Any:
    array = as_array(session, a)
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
    if isinstance(shift, (tuple, list)) or isinstance(axis, (tuple, list)):
        axes = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
        shifts = tuple(shift) if isinstance(shift, (tuple, list)) else (shift,) * len(axes)
        if None in axes or (len(shifts) not in (1, len(axes)) and len(axes) != 1):
            fail(f"np.roll by {shift!r:.40} along {axis!r:.40}")
        count = max(len(shifts), len(axes))
        for by_one, one in zip(shifts * (count // len(shifts)), axes * (count // len(axes)),
                               strict=True):
            a = _roll(session, a, by_one, one)
        return a
    array, place = one_axis(session, a, axis)
    by = exact(shift)
    size = array.shape[place].expression
    if by is None or not by.is_integer:
        fail(f"np.roll by {shift!r:.40} is not traced")
    if size.is_Integer and by.is_Integer:
        by = by % size
    parts = [array] if by == 0 else [along(array, place, slice(Number(-by), None)),
                                     along(array, place, slice(None, Number(-by)))]
    rolled = session.call("concatenate", parts, place)
    return rolled if axis is not None else session.call("reshape", rolled, a.shape)


def _append(session: Session, arr: Any, values: Any, axis: Any = None) -> Any:
    pair = [as_array(session, arr), as_array(session, values)]
    if axis is None:
        pair, axis = [session.call("ravel", x) for x in pair], 0
    return session.call("concatenate", pair, axis)


def _split(session: Session, ary: Any, indices_or_sections: Any, axis: Any = 0) -> list[Any]:
    array, place = one_axis(session, ary, axis)
    size = array.shape[place]
    if isinstance(indices_or_sections, (list, tuple, np.ndarray)):
        bounds = [0, *indices_or_sections, size]
    else:
        count = int(indices_or_sections)
        part = size // count  # where it does not come out even the first parts have one more
        more = int(size.expression) % count if size.expression.is_Integer else 0
        bounds = [part * k + min(k, more) for k in range(count)] + [size]
    return [along(array, place, slice(low, high))
            for low, high in pairwise(bounds)]


# --- triangles and diagonals --------------------------------------------------------------------


def _triangle(name: str) -> Callable[..., Any]:
    def triangle(session: Session, m: Any, k: Any = 0) -> Any:
        array = as_array(session, m)
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
    """A matrix with a vector on a diagonal, or a diagonal of a matrix."""
    array = as_array(session, v)
    shift = int(k)
    if array.ndim == 2:
        return _diagonal(session, array, shift)
    if array.ndim != 1:
        fail(f"np.diag of {session.shown(array.operand)} is traced of vectors and matrices")
    (first,) = session.builder.axes(array.operand)
    row = Index(first.name, first.size + abs(shift))
    column = Index(fresh_name("j", {first.name}), row.size)
    guards: tuple[Guard, ...] = (Equal(column.symbol, row.symbol + shift),)
    at = row.symbol if shift >= 0 else column.symbol
    term = Term(slot(0), (Read(array.operand.name, (at,)),), (), guards)
    return session.array(session.builder.emit(None, (row, column), [term]), array.kind)


def _diagonal(session: Session, a: Any, offset: Any = 0, axis1: Any = 0, axis2: Any = 1) -> Any:
    """The entries x[.., i, i + offset], their axis the last: a view that nothing is written into.
    """
    array = as_array(session, a)

    def written(base: Operand, value: Operand) -> Operand:
        fail("np.diagonal gives what is not to be written into; write x[i, i] with an arange")

    return array.view(lambda base: _diagonal_of(
        session, base, int(offset), int(axis1) % base.ndim, int(axis2) % base.ndim), written)


def _diagonal_of(
    session: Session, operand: Operand, shift: int, one: int, other: int
) -> Operand:
    indices = session.builder.axes(operand)
    rows, columns = indices[one].size, indices[other].size
    rows, columns = (rows, columns - shift) if shift >= 0 else (rows + shift, columns)
    gap = sp.expand(rows - columns)
    if not (gap.is_nonnegative or gap.is_nonpositive):
        fail(f"the diagonal of {session.shown(operand)} is as long as the smaller of two "
             "sizes; give them as numbers or as one name")
    size = columns if gap.is_nonnegative else rows
    if not sp.expand(size).is_positive:
        session.assume(f"{sp.expand(size)} >= 1, for a diagonal", sp.expand(size) - 1)
    along_it = Index(indices[one].name, sp.expand(size))
    at = [index.symbol for index in indices]
    at[one] = along_it.symbol + max(-shift, 0)
    at[other] = along_it.symbol + max(shift, 0)
    out = (*(index for k, index in enumerate(indices) if k not in (one, other)), along_it)
    term = Term(slot(0), (Read(operand.name, tuple(at)),))
    return session.builder.emit(None, out, [term])


def _flip(session: Session, m: Any, axis: Any = None) -> Any:
    array = as_array(session, m)
    axes: Sequence[Any] = range(array.ndim) if axis is None else (
        axis if isinstance(axis, (tuple, list)) else (axis,))
    for place in axes:
        array = along(array, int(place) % array.ndim, slice(None, None, -1))
    return array


def _argmin(session: Session, a: Any, axis: Any = None, out: Any = None, **options: Any) -> Any:
    return session.call("argmax", apply(session, "negative", (a,)), axis=axis, out=out, **options)


def _nan_to_num(session: Session, x: Any, copy: Any = True, nan: Any = 0.0, **_: Any) -> Any:
    session.assume("every entry that nan_to_num is given is a finite number")
    array = as_array(session, x)
    return array.copy() if copy else array


SEQUENCES: dict[str, Callable[..., Any]] = {
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
    "diagonal": _diagonal,
    "linalg.diagonal": lambda session, x, offset=0: _diagonal(session, x, offset, -2, -1),
    "diagflat": lambda session, v, k=0: _diag(session, session.call("ravel", v), k),
    "flip": _flip,
    "flipud": lambda session, m: _flip(session, m, 0),
    "fliplr": lambda session, m: _flip(session, m, 1),
    "argmin": _argmin,
    "nan_to_num": _nan_to_num,
}
