"""Traced arrays put together: blocks, grids, stacks, turned and rolled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...layers.builder import Operand, broadcast
from ..session import Session
from ..sizes import size_of
from ..source import fail
from ..tracer import Tracer
from .sequences import as_array
from .ufuncs import check_dtype


def _block(session: Session, arrays: Any) -> Any:
    """Nested lists of arrays: the innermost behind one another along the last axis."""
    def depth(value: Any) -> int:
        return 1 + depth(value[0]) if isinstance(value, list) else 0

    def leaves(value: Any) -> list[Any]:
        return [x for part in value for x in leaves(part)] if isinstance(value, list) else [
            as_array(session, value)]

    levels = depth(arrays)
    most = max(levels, *(leaf.ndim for leaf in leaves(arrays)))

    def joined(value: Any, level: int) -> Any:
        if not isinstance(value, list):
            array = as_array(session, value)
            return array.reshape((1,) * (most - array.ndim) + array.shape)
        parts = [joined(part, level - 1) for part in value]
        return session.call("concatenate", parts, most - level)

    return joined(arrays, levels)


def _atleast_3d(session: Session, *arrays: Any) -> Any:
    found = []
    for a in arrays:
        array = as_array(session, a)
        shape = {0: (1, 1, 1), 1: (1, *array.shape, 1), 2: (*array.shape, 1)}.get(array.ndim)
        found.append(array if shape is None else array.reshape(shape))
    return found[0] if len(found) == 1 else tuple(found)


def _dstack(session: Session, arrays: Sequence[Any]) -> Any:
    return session.call("concatenate", [_atleast_3d(session, array) for array in arrays], 2)


def _broadcast_arrays(session: Session, *arrays: Any, subok: Any = False) -> tuple[Any, ...]:
    found = [as_array(session, array) for array in arrays]
    common = session.shaped(lambda *given: Operand("", broadcast(*(x.shape for x in given))),
                            *(array.operand for array in found)).shape
    return tuple(session.call("broadcast_to", array, tuple(map(size_of, common)))
                 for array in found)


def _meshgrid(session: Session, *vectors: Any, copy: Any = True, sparse: Any = False,
              indexing: Any = "xy") -> tuple[Any, ...]:
    arrays = [session.call("ravel", as_array(session, vector)) for vector in vectors]
    swap = indexing == "xy" and len(arrays) > 1
    grids = []
    for place, array in enumerate(arrays):
        shape: list[Any] = [1] * len(arrays)
        shape[{0: 1, 1: 0}.get(place, place) if swap else place] = array.shape[0]
        grids.append(array.reshape(tuple(shape)))
    if sparse:
        return tuple(grid.copy() for grid in grids) if copy else tuple(grids)
    common = _broadcast_arrays(session, *grids)
    return tuple(grid.copy() for grid in common) if copy else common


def _rot90(session: Session, m: Any, k: Any = 1, axes: Any = (0, 1)) -> Any:
    array = as_array(session, m)
    first, second = (int(axis) % array.ndim for axis in axes)
    times = int(k) % 4
    if times == 0:
        return array.view()
    if times == 2:
        return session.call("flip", array, (first, second))
    turned = session.call("swapaxes", array, first, second) if times == 3 else session.call(
        "flip", array, second)
    return session.call("flip", turned, second) if times == 3 else session.call(
        "swapaxes", turned, first, second)


def _cross(session: Session, a: Any, b: Any, axisa: Any = -1, axisb: Any = -1, axisc: Any = -1,
           axis: Any = None) -> Any:
    if any(value not in (-1, None) for value in (axisa, axisb, axisc, axis)):
        fail("np.cross is traced along the last axis")
    x, y = as_array(session, a), as_array(session, b)
    if x.shape[-1] != 3 or y.shape[-1] != 3:
        fail("np.cross is traced of vectors of three entries")
    parts = [x[..., i] * y[..., j] - x[..., j] * y[..., i] for i, j in ((1, 2), (2, 0), (0, 1))]
    return session.call("stack", parts, -1)


class Joined:
    """np.r_ and np.c_: what stands between the brackets, one behind the other."""

    def __init__(self, session: Session, plain: Any, columns: bool) -> None:
        self._session = session
        self._plain = plain
        self._columns = columns

    def __getitem__(self, key: Any) -> Any:
        entries = key if isinstance(key, tuple) else (key,)
        if not any(isinstance(entry, Tracer) for entry in entries):
            return self._plain[key]
        if any(isinstance(entry, (slice, str)) for entry in entries):
            fail("np.r_ and np.c_ with slices or texts between traced arrays are not traced; use "
                 "np.concatenate")
        arrays = [as_array(self._session, entry) for entry in entries]
        if self._columns:
            return self._session.call("concatenate", [
                array if array.ndim > 1 else array.reshape((-1, 1)) for array in arrays], -1)
        return self._session.call("concatenate", [
            array.reshape((1,)) if not array.ndim else array for array in arrays])

    def __len__(self) -> int:
        return 0


def _require(session: Session, a: Any, dtype: Any = None, requirements: Any = None, **_: Any
             ) -> Any:
    return session.call("ascontiguousarray" if requirements else "asarray", a, dtype)


def _chkfinite(session: Session, a: Any, dtype: Any = None, **_: Any) -> Any:
    session.assume("every entry that asarray_chkfinite is given is a finite number")
    return session.call("asarray", a, dtype)


def _unstack(session: Session, x: Any, axis: Any = 0) -> tuple[Any, ...]:
    moved = session.call("moveaxis", x, axis, 0)
    return tuple(moved[k] for k in range(len(moved)))


def vectorized(session: Session, plain: Any, pyfunc: Callable[..., Any], *args: Any, **kwargs: Any
               ) -> Any:
    """np.vectorize: its function is called with one entry, and what it computed of that is computed
    of all entries."""
    made = plain(pyfunc, *args, **kwargs)

    def call(*arrays: Any, **options: Any) -> Any:
        if not any(isinstance(x, Tracer) for x in arrays):
            return made(*arrays, **options)
        if kwargs.get("signature") or kwargs.get("excluded") or options or len(args) > 1:
            fail("np.vectorize with a signature or excluded arguments is not traced")
        for dtype in args or kwargs.get("otypes") or ():
            check_dtype(session, "vectorize", dtype)
        return _of_all_entries(session, pyfunc, arrays)

    return call


def _of_all_entries(session: Session, function: Callable[..., Any], arrays: Sequence[Any]) -> Any:
    """The function of one entry of each; what it computes of that is repeated with the arrays."""
    whole: dict[str, Operand] = {}
    entries = []
    for x in arrays:
        entry = x[(0,) * x.ndim] if isinstance(x, Tracer) and x.ndim else x
        if isinstance(x, Tracer):
            whole[entry.operand.name] = x.operand
        entries.append(entry)
    start = len(session.builder.equations)
    found = function(*entries)
    if not isinstance(found, Tracer) or found.ndim:
        fail("np.vectorize is traced of functions that give a number made of their arguments")
    for equation in session.builder.equations[start:]:
        if equation.out or not equation.is_pointwise:
            fail("np.vectorize is traced of functions that compute with numbers alone")
        (term,) = equation.terms
        read = [whole.get(read.array, Operand(read.array, ())) for read in term.reads
                if not read.at or read.array in whole]
        if len(read) < len(term.reads):
            fail("np.vectorize of a function that reads entries of other arrays is not traced")
        whole[equation.name] = session.shaped(
            lambda *operands, body=term.body: session.builder.pointwise(body, *operands), *read)
    return session.array(whole[found.operand.name], found.kind)


def _along_axis(session: Session, func1d: Any, axis: Any, arr: Any, *args: Any, **kwargs: Any
                ) -> Any:
    """The function of each row, for as many rows as a number says."""
    moved = session.call("moveaxis", as_array(session, arr), axis, -1)
    lead = [size.expression for size in moved.shape[:-1]]
    if not all(size.is_Integer for size in lead):
        fail("np.apply_along_axis is traced where the sizes of the other axes are numbers")
    places = list(np.ndindex(*map(int, lead)))
    parts = [as_array(session, func1d(moved[place], *args, **kwargs)) for place in places]
    if parts[0].ndim > 1:
        fail("np.apply_along_axis is traced of functions that give a number or a vector")
    made = session.call("stack", parts, 0)
    made = made.reshape((*map(int, lead), *parts[0].shape))
    return session.call("moveaxis", made, -1, axis) if parts[0].ndim else made


ASSEMBLY: dict[str, Callable[..., Any]] = {
    "block": _block,
    "atleast_3d": _atleast_3d,
    "dstack": _dstack,
    "broadcast_arrays": _broadcast_arrays,
    "meshgrid": _meshgrid,
    "rot90": _rot90,
    "cross": _cross,
    "linalg.cross": _cross,
    "require": _require,
    "asarray_chkfinite": _chkfinite,
    "unstack": _unstack,
    "conj": lambda session, a: session.call("asarray", a),
    "conjugate": lambda session, a: session.call("asarray", a),
    "apply_along_axis": _along_axis,
    "real": lambda session, val: as_array(session, val),
    "real_if_close": lambda session, a, tol=100: as_array(session, a),
}
