"""New arrays in a trace: zeros, np.empty, np.array of constants and of traced values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy as sp

from ...equation import INDEX_VALUE, Equal, Read, Size, Term, slot
from ...layers.builder import Operand
from ..session import Dtype, Session
from ..sizes import Number, SizeRange, exact
from ..source import fail
from ..tracer import Tracer
from ..unwritten import blank
from .ufuncs import common_dtype

Function = Callable[..., Any]


def sizes_of(shape: Any) -> tuple[Size, ...]:
    """The sizes in a shape argument: a number or several."""
    if isinstance(shape, (tuple, list)):
        entries: Sequence[Any] = shape
    else:
        entries = (shape,)
    sizes = [exact(entry) for entry in entries]
    for size in sizes:
        if size is None or not size.is_integer or not size.is_positive:
            fail(f"a shape needs positive sizes, got {shape!r:.80}")
    return tuple(sizes)


def _filled(value: Any) -> Function:
    def filled(session: Session, shape: Any, dtype: Any = float, **options: Any) -> Any:
        return _constant(session, sizes_of(shape), value, dtype)

    return filled


def _constant(session: Session, shape: tuple[Size, ...], value: Any, dtype: Any) -> Any:
    kinds: dict[str, Dtype] = {"b": "bool", "i": "int", "u": "int"}
    kind = kinds.get(np.dtype(float if dtype is None else dtype).kind, "float")
    number = exact(value)
    if kind != "float" and common_dtype((value,)) == "float" and not (
            number is not None and number.is_integer):
        fail(f"{value!r:.40} would be rounded in an array of {np.dtype(dtype)}")
    entry = session.entry(value)
    out = session.builder.indices(shape, ())
    reads: tuple[Read, ...] = ()
    if isinstance(entry, Operand):
        reads = (session.builder.read(entry, out),)
        entry = slot(0)
    made = session.builder.emit(None, out, [Term(entry, reads)])
    if not shape:
        fail("arrays without an axis are not traced; use a number")
    session.stored(dtype)
    return session.array(made, kind)


def _full(session: Session, shape: Any, fill_value: Any, dtype: Any = None, **_: Any) -> Any:
    kind = common_dtype((fill_value,))
    return _constant(session, sizes_of(shape), fill_value, kind if dtype is None else dtype)


def _empty(session: Session, shape: Any, dtype: Any = float, **options: Any) -> Any:
    """An array without values."""
    return _blank(session, _constant(session, sizes_of(shape), 0, dtype))


def _empty_like(session: Session, a: Any, dtype: Any = None, *_: Any, **options: Any) -> Any:
    return _blank(session, _like(0)(session, a, dtype, **options))


def _blank(session: Session, made: Any) -> Any:
    session.mark(made.operand, blank(made.operand, session.here(
        "entries of this np.empty array are read or returned before they are written")))
    return made


def _like(value: Any) -> Function:
    def like(session: Session, a: Any, dtype: Any = None, *_: Any, **options: Any) -> Any:
        fill = options.get("fill_value", value)
        shape = options.get("shape") or a.shape
        return _constant(session, sizes_of(tuple(shape)), fill,
                         dtype or getattr(a, "dtype", float))

    return like


def _full_like(session: Session, a: Any, fill_value: Any, dtype: Any = None, **_: Any) -> Any:
    return _like(fill_value)(session, a, dtype)


def _eye(session: Session, N: Any, M: Any = None, k: int = 0, dtype: Any = float,
         **_: Any) -> Any:
    rows, columns = sizes_of((N, N if M is None else M))
    out = session.builder.indices((rows, columns), ())
    guard = Equal(out[1].symbol, out[0].symbol + int(k))
    made = session.builder.emit(None, out, [Term(sp.S.One, (), (), (guard,))])
    session.stored(dtype)
    return session.array(made)


def _arange(session: Session, *args: Any, dtype: Any = None, **named: Any) -> Any:
    """start + step i, as many as are below stop for all sizes."""
    given = (*args, *(named[name] for name in ("start", "stop", "step") if name in named))
    numbers = [found for value in given if (found := exact(value)) is not None]
    if not 1 <= len(numbers) <= 3 or len(numbers) < len(given):
        fail(f"np.arange{given!r:.60} is not traced; its bounds are sizes or numbers")
    if not any(number.free_symbols for number in numbers):
        return np.arange(*(int(n) if n.is_Integer else float(n) for n in numbers), dtype=dtype)
    start, stop, step = ([sp.S.Zero] * (len(numbers) == 1) + numbers + [sp.S.One])[:3]
    count = sp.expand((stop - start) / step) if step != 0 else sp.nan
    if not count.is_integer or count.is_nonpositive:
        fail(f"how many entries np.arange({start}, {stop}, {step}) has differs from size to size")
    if not count.is_positive:
        session.assume(f"{count} >= 1, for np.arange({start}, {stop})", count - 1)
    out = session.builder.indices((count,), ())
    made = session.builder.emit(None, out, [
        Term(start + step * slot(0), (Read(INDEX_VALUE, (out[0].symbol,)),))])
    session.stored(dtype)
    whole = start.is_integer and step.is_integer and np.dtype(
        int if dtype is None else dtype).kind in "iu"
    return session.array(made, "int" if whole else "float")


def _array(session: Session, a: Any, dtype: Any = None, copy: Any = True, ndmin: int = 0, **_: Any
           ) -> Any:
    """A copy of a traced array, a list of traced arrays stacked, or an array of constants."""
    if ndmin:
        made = _array(session, a, dtype, copy)
        return made.reshape((1,) * (int(ndmin) - made.ndim) + made.shape)
    if isinstance(a, Tracer) and not copy:
        return _asarray(session, a, dtype)
    if isinstance(a, (list, tuple, np.ndarray)) and not _holds_traced(a):
        return _constants(session, np.asarray(a, dtype))
    made = _copied(session, a)
    return made if dtype is None else made.astype(dtype)


def _copied(session: Session, a: Any) -> Any:
    if isinstance(a, SizeRange):
        return _arange(session, Number(a.size))
    if isinstance(a, Tracer):
        return a.copy()
    if isinstance(a, (list, tuple)):
        return session.call("stack", [session.call("array", x) for x in a])
    if exact(a) is not None:
        return session.array(session.builder.pointwise(session.entry(a)), common_dtype((a,)))
    fail(f"a {type(a).__name__} is used as an array: {a!r:.60}")


def _holds_traced(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_holds_traced, value))
    return isinstance(value, (Tracer, Number))


def _asarray(session: Session, a: Any, dtype: Any = None, *_: Any, copy: Any = None, **__: Any
             ) -> Any:
    if isinstance(a, Tracer) and not copy and (dtype is None or np.dtype(dtype) == a.dtype):
        return a
    return _array(session, a, dtype)


def laid_out(session: Session, a: Any, dtype: Any = None, **_: Any) -> Any:
    """The array itself, or a copy where its memory is not as it has to be."""
    array = _asarray(session, a, dtype)
    return array.uncertain(array.operand) if array is a else array


MAX_CONSTANTS = 64


def _constants(session: Session, array: np.ndarray[Any, Any]) -> Any:
    if array.dtype.kind not in "biuf" or not array.size:
        fail(f"an array of {array.dtype} and shape {array.shape} is no array of numbers")
    session.stored(array.dtype)
    if not array.ndim:
        return session.array(session.builder.pointwise(session.entry(array.item())))
    kind: Dtype = {"b": "bool", "f": "float"}.get(array.dtype.kind, "int")  # type: ignore[assignment]
    if np.all(array == array.flat[0]):
        return _constant(session, tuple(map(sp.Integer, array.shape)), array.flat[0].item(),
                         array.dtype)
    if array.size > MAX_CONSTANTS:
        fail(f"an array of {array.size} numbers is a constant of this function; hand arrays of "
             f"more than {MAX_CONSTANTS} numbers in as an argument")
    out = session.builder.indices(tuple(map(sp.Integer, array.shape)), ())
    terms = [
        Term(session.entry(value.item()), (), (),
             tuple(Equal(i.symbol, sp.Integer(p)) for i, p in zip(out, place, strict=True)))
        for place, value in np.ndenumerate(array)
        if value
    ]
    return session.array(session.builder.emit(None, out, terms), kind)


CREATION: dict[str, Function] = {
    "zeros": _filled(0),
    "ones": _filled(1),
    "empty": _empty,
    "full": _full,
    "zeros_like": _like(0),
    "ones_like": _like(1),
    "empty_like": _empty_like,
    "full_like": _full_like,
    "eye": _eye,
    "identity": _eye,
}
"""Traced even where no argument is, as what they make may be assigned to."""

ARRAYS: dict[str, Function] = {
    "array": _array,
    "asarray": _asarray,
    "asanyarray": _asarray,
    "ascontiguousarray": laid_out,
    "asfortranarray": laid_out,
    "copy": lambda session, a, **_: a.copy(),
    "arange": _arange,
}
