"""Shapes of traced arrays: transpose, reshape, new axes, stacking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy as sp

from ...equation import Guard, Read, Size, Term, Within, slot
from ...layers.builder import Operand, broadcast
from ...layers.rearrange import concatenate, pad, reshape
from ...substitution import substitute_term
from ..session import Session
from ..sizes import Number, exact
from ..source import fail
from ..tracer import Tracer
from .products import written
from .ufuncs import common_dtype


def _tracer(session: Session, a: Any) -> Tracer:
    return a if isinstance(a, Tracer) else session.call("array", a)


def _transpose(session: Session, a: Any, axes: Any = None) -> Any:
    array = _tracer(session, a)
    order = list(range(array.ndim))[::-1] if axes is None else [int(x) % array.ndim for x in axes]
    if sorted(order) != list(range(array.ndim)):
        fail(f"transpose of {array} with the axes {axes}")
    back = [order.index(place) for place in range(array.ndim)]
    if array.ndim < 2:
        return array.view(lambda base: base, lambda base, value: value)
    return array.view(
        lambda base: session.builder.transpose(base, order),
        lambda base, value: session.builder.transpose(value, back),
    )


def _swapaxes(session: Session, a: Any, axis1: Any, axis2: Any) -> Any:
    order = list(range(a.ndim))
    order[int(axis1)], order[int(axis2)] = order[int(axis2)], order[int(axis1)]
    return _transpose(session, a, order)


def _moveaxis(session: Session, a: Any, source: Any, destination: Any) -> Any:
    order = list(range(a.ndim))
    moved = order.pop(int(source))
    place = int(destination) % a.ndim
    order.insert(place, moved)
    return _transpose(session, a, order)


# --- reshape ------------------------------------------------------------------------------------


def _reshape(session: Session, a: Any, shape: Any = None, order: Any = "C", **options: Any) -> Any:
    if order == "F" and not options:  # row by row of the transposed arrays
        wanted = shape if isinstance(shape, (tuple, list)) else (shape,)
        rows = _reshape(session, _transpose(session, _tracer(session, a)), tuple(wanted)[::-1])
        return _transpose(session, rows)
    array = _tracer(session, a)
    if options or (order not in ("C", None) and array.ndim > 1):
        fail(f"reshape with order={order!r} is not traced; what that reads depends on the memory "
             "layout")
    wanted = _completed(session, array.operand, shape)
    old = array.operand.shape
    if wanted == old:
        return array.view(lambda base: base, lambda base, value: value)
    source = session.flattened.get(array.operand.name, array.operand)
    if not _only_units(old, wanted):
        made = array.uncertain(reshape(session.builder, array.operand, wanted, by_places=True))
    else:
        made = array.view(
            lambda base: reshape(session.builder, base, wanted, by_places=True),
            lambda base, value: reshape(session.builder, value, old, by_places=True),
        )
    if source.name in session.integers and sum(size != 1 for size in wanted) == 1 < sum(
            size != 1 for size in source.shape):
        session.flattened[made.last_seen.name] = source
    return made


def _completed(session: Session, operand: Operand, shape: Any) -> tuple[Size, ...]:
    """The new shape with -1 worked out; its sizes multiply to as many entries."""
    if isinstance(shape, Tracer) and shape.ndim == 1:
        shape = _sizes_in(session, shape.operand)
    entries = list(shape) if isinstance(shape, (tuple, list)) else [shape]
    sizes = [exact(entry) for entry in entries]
    total = sp.Mul(*operand.shape)
    if sizes.count(sp.S.NegativeOne) == 1:
        rest = sp.Mul(*(size for size in sizes if size != -1))
        missing = sp.cancel(total / rest)
        if not missing.is_integer:
            fail(f"cannot reshape {session.shown(operand)} into {tuple(entries)}: {total} is not a "
                 f"multiple of {rest} for all sizes")
        sizes = [missing if size == -1 else size for size in sizes]
    known = all(size is not None and (size.is_positive or size in operand.shape) for size in sizes)
    if not known or sp.expand(sp.Mul(*sizes) - total) != 0:
        fail(f"cannot reshape {session.shown(operand)} into {tuple(entries)}: that the number of "
             "entries agrees does not hold for all sizes")
    return tuple(sizes)


def _sizes_in(session: Session, operand: Operand) -> list[Number]:
    """The entries of an array that is made of sizes alone, such as ``np.array(x.shape)``."""
    (length,) = operand.shape
    found = [_entry(session, operand.name, (sp.Integer(k),)) for k in range(int(length))
             ] if length.is_Integer else [None]
    if any(one is None for one in found):
        fail(f"{session.shown(operand)} is a shape here, and is not made of sizes alone")
    return [Number(one, "int") for one in found]


def _entry(session: Session, name: str, at: tuple[sp.Expr, ...]) -> sp.Expr | None:
    """An entry of an array as a number made of sizes; None where it is made of more."""
    made = session.equation(name)
    if made is None or made.reduction != "sum" or any(term.over for term in made.terms):
        return None
    by = {index.symbol: place for index, place in zip(made.out, at, strict=True)}
    total = sp.S.Zero
    for term in (substitute_term(term, by) for term in made.terms):
        held = [_holds(guard) for guard in term.guards]
        if False in held:
            continue
        if None in held or any(isinstance(place, Read) for read in term.reads for place in read.at):
            return None
        values = [_entry(session, read.array, read.at) for read in term.reads]
        if any(value is None for value in values):
            return None
        total += term.body.xreplace({slot(k): value for k, value in enumerate(values)})
    return total


def _holds(guard: Guard) -> bool | None:
    """Whether a guard of numbers holds; None for one of anything else."""
    if isinstance(guard, Within):
        inside = (guard.value - guard.low, guard.high - 1 - guard.value)
        return bool(min(inside) >= 0) if all(gap.is_Integer for gap in inside) else None
    if isinstance(guard.left, Read) or isinstance(guard.right, Read):
        return None
    gap = guard.left - guard.right
    return bool(gap == 0) if gap.is_Integer else None


def _only_units(old: Sequence[Size], new: Sequence[Size]) -> bool:
    return [s for s in old if s != 1] == [s for s in new if s != 1]


def _ravel(session: Session, a: Any, order: Any = "C") -> Any:
    return _reshape(session, a, (-1,), order)


def _flatten(session: Session, a: Any, order: Any = "C") -> Any:
    return _ravel(session, a.copy(), order).copy()


def _squeeze(session: Session, a: Any, axis: Any = None) -> Any:
    gone = None if axis is None else axis if isinstance(axis, tuple) else (axis,)
    shape = a.operand.shape
    places = [p for p, size in enumerate(shape) if size == 1] if gone is None else [
        int(p) % a.ndim for p in gone
    ]
    for size in shape if gone is None else ():
        if not size.is_Integer:
            session.assume(f"{size} >= 2, as squeeze() removes every axis of size 1")
    if any(shape[p] != 1 for p in places):
        fail(f"squeeze of an axis of {a} that is not of size 1")
    return _reshape(session, a, tuple(s for p, s in enumerate(a.shape) if p not in places))


def _expand_dims(session: Session, a: Any, axis: Any) -> Any:
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    ndim = a.ndim + len(axes)
    places = sorted(int(one) % ndim for one in axes if -ndim <= int(one) < ndim)
    if len({*places}) < len(axes):
        fail(f"expand_dims(axis={axis}) of {a}: {ndim} axes have no such places")
    shape = list(a.shape)
    for place in places:
        shape.insert(place, 1)
    return _reshape(session, a, tuple(shape))


def _item(session: Session, a: Any, *at: Any) -> Any:
    """One entry: of an array that has no other, by its place in C order, or by its places."""
    if len(at) == 1 and isinstance(at[0], tuple):
        at = at[0]
    if len(at) not in (0, 1, a.ndim):
        fail(f"item{at} of {a}: expected one place, or one for each axis")
    if at:
        return session.call("ravel", a)[at[0]] if len(at) == 1 else a[at]
    if any(size != 1 for size in a.last_seen.shape):
        fail(f"item() of {a}, which has more than one entry")
    return _reshape(session, a, ()) if a.ndim else a


def _broadcast_to(session: Session, a: Any, shape: Any) -> Any:
    array = _tracer(session, a)
    wanted = tuple(map(exact, shape if isinstance(shape, (tuple, list)) else (shape,)))
    blank = Operand("", wanted)
    session.shaped(lambda x, y: Operand("", broadcast(x.shape, y.shape)), array.operand, blank)

    def spread(base: Operand) -> Operand:
        out = session.builder.indices(wanted, (base,))
        return session.builder.emit(None, out, [Term(slot(0), (session.builder.read(base, out),))])

    def refuse(base: Operand, value: Operand) -> Operand:
        fail("np.broadcast_to gives what is not to be written into; write into a copy")

    return array.view(spread, refuse)


# --- stacking -----------------------------------------------------------------------------------


def _stack(session: Session, arrays: Any, axis: Any = 0, **options: Any) -> Any:
    parts = [_tracer(session, array) for array in arrays]
    place = int(axis) % (parts[0].ndim + 1)
    return _concatenate(session, [_expand_dims(session, part, place) for part in parts], place,
                        **options)


def _concatenate(session: Session, arrays: Any, axis: Any = 0, out: Any = None, **_: Any) -> Any:
    if axis is None:
        arrays, axis = [session.call("ravel", array) for array in arrays], 0
    parts = [_tracer(session, array).operand for array in arrays]
    made = session.shaped(
        lambda *operands: concatenate(session.builder, operands, int(axis)), *parts
    )
    return written(session.array(made, common_dtype(arrays)), out)


def _pad(
    session: Session, a: Any, pad_width: Any, mode: Any = "constant", constant_values: Any = 0,
    **options: Any,
) -> Any:
    """Entries around an array; outside of the old ranges zeros have no term."""
    array = _tracer(session, a)
    widths = _pad_widths(pad_width, array.ndim)
    if mode in _AT_ENDS and not options:
        for place, ends in enumerate(widths):
            array = _continued(session, array, place, ends, mode)
        return array
    value = exact(constant_values)
    if mode != "constant" or options or value is None:
        fail("np.pad is traced with one number (mode='constant'), and with the modes "
             f"{', '.join(_AT_ENDS)}")
    if value == 0:
        return session.array(pad(session.builder, array.operand, widths), array.kind)
    moved = array - Number(value)
    return session.array(pad(session.builder, moved.operand, widths)) + Number(value)


_AT_ENDS = ("edge", "reflect", "symmetric", "wrap")


def _continued(
    session: Session, array: Any, place: int, widths: tuple[sp.Expr, sp.Expr], mode: str
) -> Any:
    """One axis continued on both sides by its own entries."""
    before, after = (Number(width) for width in widths)
    size = array.shape[place]

    def part(low: Any, high: Any, backwards: bool) -> Any:
        found = array[(slice(None),) * place + (slice(low, high),)]
        return found[(slice(None),) * place + (slice(None, None, -1),)] if backwards else found

    parts = [array]
    for width, front in ((before, True), (after, False)):
        if width.expression == 0:
            continue
        if mode != "edge" and not sp.expand((size - width).expression).is_positive:
            session.assume(f"{(size - width).expression} >= 1, for np.pad", (
                size - width).expression - 1)
        skip = 1 if mode == "reflect" else 0
        if mode == "edge":
            shape = list(array.shape)
            shape[place] = width
            end = part(0, 1, False) if front else part(size - 1, size, False)
            new = _broadcast_to(session, end, tuple(shape))
        elif mode == "wrap":
            new = part(size - width, size, False) if front else part(0, width, False)
        elif front:
            new = part(skip, width + skip, True)
        else:
            new = part(size - width - skip, size - skip, True)
        parts = [new, *parts] if front else [*parts, new]
    return _concatenate(session, parts, place) if len(parts) > 1 else array.copy()


def _pad_widths(given: Any, count: int) -> list[tuple[sp.Expr, sp.Expr]]:
    """How many zeros go before and behind, axis by axis, as NumPy reads `pad_width`."""
    def pair(value: Any) -> tuple[sp.Expr, sp.Expr]:
        ends = list(value) if isinstance(value, (tuple, list, np.ndarray)) else [value]
        numbers = [exact(end) for end in ends]
        if len(numbers) not in (1, 2) or any(n is None or not n.is_nonnegative for n in numbers):
            fail(f"np.pad: expected a pair of sizes for each axis, got {value!r}")
        return numbers[0], numbers[-1]

    if isinstance(given, (tuple, list, np.ndarray)) and any(
        isinstance(entry, (tuple, list, np.ndarray)) for entry in given
    ):
        pairs = list(map(pair, given))
        if len(pairs) not in (1, count):
            fail(f"np.pad: {len(pairs)} pairs of widths for {count} axes")
        return pairs * count if len(pairs) == 1 else pairs
    return [pair(given)] * count


def _atleast(count: int) -> Callable[..., Any]:
    def atleast(session: Session, *arrays: Any) -> Any:
        found = []
        for a in arrays:
            array = _tracer(session, a)
            shape = (1,) * (count - array.ndim) + array.shape
            found.append(array if array.ndim >= count else array.reshape(shape))
        return found[0] if len(found) == 1 else tuple(found)

    return atleast


_atleast_2d = _atleast(2)


SHAPES: dict[str, Callable[..., Any]] = {
    "transpose": _transpose,
    "swapaxes": _swapaxes,
    "moveaxis": _moveaxis,
    "reshape": _reshape,
    "ravel": _ravel,
    "flatten": _flatten,
    "squeeze": _squeeze,
    "expand_dims": _expand_dims,
    "item": _item,
    "broadcast_to": _broadcast_to,
    "stack": _stack,
    "concatenate": _concatenate,
    "pad": _pad,
    "concat": _concatenate,
    "permute_dims": _transpose,
    "matrix_transpose": lambda session, x: _swapaxes(session, x, -1, -2),
    "column_stack": lambda session, arrays: _concatenate(session, [
        array.reshape((-1, 1)) if array.ndim == 1 else array
        for array in (_tracer(session, a) for a in arrays)
    ], 1),
    "rollaxis": lambda session, a, axis, start=0: _moveaxis(
        session, a, axis, (at := int(start) + a.ndim * (int(start) < 0)) - (
            at > int(axis) % a.ndim)),
    "vstack": lambda session, arrays: _concatenate(
        session, [_atleast_2d(session, array) for array in arrays]
    ),
    "hstack": lambda session, arrays: _concatenate(
        session, [_atleast(1)(session, array) for array in arrays],
        0 if np.ndim(arrays[0]) <= 1 else 1,
    ),
    "atleast_1d": _atleast(1),
    "atleast_2d": _atleast_2d,
}
