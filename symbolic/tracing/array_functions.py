"""NumPy functions of whole arrays on traced arrays: reductions, products, shapes, new arrays.

One row of ``FUNCTIONS`` for each; each takes the session and then what NumPy's function takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import sympy as sp

from ..equation import Equal, Read, Reduction, Size, Term, slot
from ..layers.builder import Operand
from .products import PRODUCTS
from .rearrange import SHAPES
from .session import Dtype, Session
from .sizes import Number, SizeRange, exact
from .source import fail
from .tracer import Tracer
from .ufuncs import apply, check_dtype, common_dtype, where

Function = Callable[..., Any]


def axes_of(session: Session, operand: Operand, axis: Any) -> list[int] | None:
    """The axes that ``axis=`` names, counted from the front; None for all."""
    if axis is None:
        return None
    found = []
    for entry in axis if isinstance(axis, (tuple, list)) else (axis,):
        place = int(entry)
        if not -operand.ndim <= place < operand.ndim:
            fail(f"there is no axis {place} in {session.shown(operand)}")
        found.append(place % operand.ndim)
    return found


def unsupported(name: str, options: dict[str, Any]) -> None:
    """Options that change a result and are not traced; those that do not are let through."""
    for option, value in options.items():
        harmless = value is None or value is np._NoValue or option in ("dtype", "like", "copy")
        if not harmless and not (option == "where" and value is True):
            fail(f"np.{name} with {option}= is not traced")


# --- reductions ---------------------------------------------------------------------------------


def _operand(session: Session, value: Any) -> Operand:
    entry = session.entry(value)
    return entry if isinstance(entry, Operand) else session.builder.pointwise(entry)


def _reduction(name: str, reduction: Reduction, sign: int = 1) -> Function:
    """-max(-x) is a minimum."""

    def reduce(
        session: Session, a: Any, axis: Any = None, dtype: Any = None, out: Any = None,
        keepdims: Any = False, **options: Any,
    ) -> Any:
        unsupported(name, {**options, "out": out})
        check_dtype(name, dtype)
        operand = _operand(session, a)
        axes = axes_of(session, operand, axis)
        body = sign * slot(0)
        if name == "mean":
            over = range(operand.ndim) if axes is None else axes
            body = slot(0) / sp.Mul(*(operand.shape[place] for place in over))
        keep = keepdims is True or keepdims == 1
        made = session.builder.contract(
            body, operand, over=axes, keepdims=keep, reduction=reduction
        )
        if sign == -1:
            made = session.builder.pointwise(-slot(0), made)
        kind: Dtype = a.kind if isinstance(a, Tracer) else "float"
        if name == "sum" and kind == "bool":
            kind = "int"
        return session.array(made, "float" if name == "mean" else kind)

    return reduce


def _variance(root: bool) -> Function:
    def variance(
        session: Session, a: Any, axis: Any = None, dtype: Any = None, out: Any = None,
        ddof: Any = 0, keepdims: Any = False, **options: Any,
    ) -> Any:
        unsupported("var", {**options, "out": out})
        if not isinstance(ddof, int):
            fail(f"np.var with ddof={ddof!r}: expected a whole number")
        centred = a - session.call("mean", a, axis=axis, keepdims=True)
        found = session.call("mean", centred * centred, axis=axis, keepdims=keepdims)
        if ddof:
            operand = _operand(session, a)
            axes = axes_of(session, operand, axis)
            count = sp.Mul(*(size for k, size in enumerate(operand.shape)
                             if axes is None or k in axes))
            scaled = session.pointwise(lambda x: x * count / (count - ddof), session.entry(found))
            assert isinstance(scaled, Operand)
            found = session.array(scaled)
        return apply(session, "sqrt", (found,)) if root else found

    return variance


def _argmax(session: Session, a: Any, axis: Any = None, out: Any = None, **options: Any) -> Any:
    unsupported("argmax", {**options, "out": out})
    operand = _operand(session, a)
    if axis is None and operand.ndim != 1:
        fail("np.argmax of all axes is not traced; give axis=")
    session.builder.contract(slot(0), operand, over=axes_of(session, operand, axis),
                             reduction="max")
    made = session.builder.equations[-1]
    session.integers.update(made.argmax)
    return session.array(Operand(made.argmax[0], made.shape), "int")


def _norm(
    session: Session, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False
) -> Any:
    if ord not in (None, "fro") and not (ord == 2 and (axis is not None or x.ndim == 1)):
        fail(f"np.linalg.norm with ord={ord!r} is not traced; only the root of a sum of squares is")
    squares = session.call("sum", x * x, axis=axis, keepdims=keepdims)
    return apply(session, "sqrt", (squares,))


def _clip(session: Session, a: Any, a_min: Any = None, a_max: Any = None, out: Any = None,
          **options: Any) -> Any:
    low, high = options.pop("min", a_min), options.pop("max", a_max)
    unsupported("clip", {**options, "out": out})
    for name, bound in (("maximum", low), ("minimum", high)):
        if bound is not None:
            a = apply(session, name, (a, bound))
    return a


# --- new arrays ---------------------------------------------------------------------------------


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
    entry = session.entry(value)
    out = session.builder.indices(shape, ())
    reads: tuple[Read, ...] = ()
    if isinstance(entry, Operand):
        reads = (session.builder.read(entry, out),)
        entry = slot(0)
    made = session.builder.emit(None, out, [Term(entry, reads)])
    if not shape:
        fail("arrays without an axis are not traced; use a number")
    kinds: dict[str, Dtype] = {"b": "bool", "i": "int", "u": "int"}
    kind = np.dtype(float if dtype is None else dtype).kind
    return session.array(made, kinds.get(kind, "float"))


def _full(session: Session, shape: Any, fill_value: Any, dtype: Any = None, **_: Any) -> Any:
    kind = common_dtype((fill_value,))
    return _constant(session, sizes_of(shape), fill_value, kind if dtype is None else dtype)


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
    return session.array(made)


def _arange(session: Session, *args: Any, **_: Any) -> Any:
    if len(args) != 1:
        fail("np.arange of symbolic sizes is traced as np.arange(m) only")
    return SizeRange(exact(args[0]))


def _array(session: Session, a: Any, dtype: Any = None, copy: Any = True, **_: Any) -> Any:
    """A copy of a traced array, a list of traced arrays stacked, or an array of constants."""
    if isinstance(a, Tracer) and not copy:
        return _asarray(session, a, dtype)
    if isinstance(a, Tracer):
        return a.copy() if dtype is None else a.astype(dtype)
    if isinstance(a, (list, tuple)) and _holds_traced(a):
        return session.call("stack", [session.call("array", x) for x in a])
    if exact(a) is not None:
        return session.array(session.builder.pointwise(session.entry(a)))
    if not isinstance(a, (list, tuple, np.ndarray)):
        fail(f"a {type(a).__name__} is used as an array: {a!r:.60}")
    return _constants(session, np.asarray(a))


def _holds_traced(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return any(map(_holds_traced, value))
    return isinstance(value, (Tracer, Number))


def _asarray(session: Session, a: Any, dtype: Any = None, *_: Any, **__: Any) -> Any:
    if isinstance(a, Tracer) and (dtype is None or np.dtype(dtype) == a.dtype):
        return a
    return _array(session, a, dtype)


MAX_CONSTANTS = 64


def _constants(session: Session, array: np.ndarray[Any, Any]) -> Any:
    if array.dtype.kind not in "biuf" or not array.size:
        fail(f"an array of {array.dtype} and shape {array.shape} is no array of numbers")
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


def _of_shape(name: str) -> Function:
    def ask(session: Session, a: Any, axis: Any = None) -> Any:
        found = getattr(a, name) if isinstance(a, Tracer) else getattr(np, name)(a)
        return found if axis is None else a.shape[int(axis)]

    return ask


def _refused(name: str, advice: str) -> Function:
    def refuse(session: Session, *args: Any, **kwargs: Any) -> Any:
        fail(f"np.{name} is not traced; {advice}")

    return refuse


CREATION: dict[str, Function] = {
    "zeros": _filled(0),
    "ones": _filled(1),
    "empty": _filled(0),
    "full": _full,
    "zeros_like": _like(0),
    "ones_like": _like(1),
    "empty_like": _like(0),
    "full_like": _full_like,
    "eye": _eye,
    "identity": _eye,
}
"""Traced even where no argument is, as what they make may be assigned to."""

FUNCTIONS: dict[str, Function] = {
    **CREATION,
    **PRODUCTS,
    **SHAPES,
    "sum": _reduction("sum", "sum"),
    "mean": _reduction("mean", "sum"),
    "average": _reduction("mean", "sum"),
    "max": _reduction("max", "max"),
    "amax": _reduction("max", "max"),
    "min": _reduction("min", "max", -1),
    "amin": _reduction("min", "max", -1),
    "var": _variance(root=False),
    "std": _variance(root=True),
    "argmax": _argmax,
    "linalg.norm": _norm,
    "clip": _clip,
    "where": where,
    "array": _array,
    "asarray": _asarray,
    "asanyarray": _asarray,
    "ascontiguousarray": _asarray,
    "copy": lambda session, a, **_: a.copy(),
    "arange": _arange,
    "shape": _of_shape("shape"),
    "ndim": _of_shape("ndim"),
    "size": _of_shape("size"),
    "isscalar": lambda session, a: isinstance(a, Number),
    "all": _refused("all", "a check of values belongs outside of the function"),
    "any": _refused("any", "a check of values belongs outside of the function"),
    "prod": _refused("prod", "a product of all entries has no equation yet"),
    "cumsum": _refused("cumsum", "a running sum has no equation yet"),
    "sort": _refused("sort", "an order of values has no equation"),
}

