"""The types that traced code sees: `int`, `float`, `np.float64`, `np.ndarray`, `type`.

A size is an int to the code that asks, a traced array an array; where it depends on how a value
came about which type NumPy gives it, the question fails.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .outside.of_numpy import without_clock
from .session import Session
from .sizes import Kind, Number
from .source import SESSION, fail
from .tracer import Tracer


class StandIn(type):
    """A type that code takes for another, the plain one."""

    plain: type

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, cls.plain)

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(getattr(other, "plain", other), cls.plain)

    def __eq__(cls, other: object) -> bool:
        return getattr(other, "plain", other) is cls.plain

    def __hash__(cls) -> int:
        return hash(cls.plain)


class NumberType(StandIn):
    """`float` and `int`: of a traced value the value itself, of others what they always are."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], (Tracer, Number)):
            return _converted(args[0], cls.plain)
        return cls.plain(*args, **kwargs)

    def __instancecheck__(cls, instance: Any) -> bool:
        if type(instance) is Tracer:
            return not instance.ndim and _unknown(instance, cls.plain)
        if type(instance) is not Number:
            return isinstance(instance, cls.plain)
        if instance.kind is not None:
            return instance.kind == cls.plain.__name__
        if instance.expression.is_integer:
            return _unknown(instance, cls.plain)
        return cls.plain is float

    def __repr__(cls) -> str:
        return repr(cls.plain)

    def __getattr__(cls, name: str) -> Any:
        return getattr(cls.plain, name)


def _unknown(value: Any, asked: type) -> bool:
    fail(f"whether {value} is a {asked.__name__} depends on how NumPy came to it; ask for its "
         "shape instead")


class Float(float, metaclass=NumberType):
    plain = float
    dtype = np.dtype(float)


class Int(int, metaclass=NumberType):
    plain = int
    dtype = np.dtype(int)


def _converted(value: Any, plain: type) -> Any:
    kind: Kind = "int" if plain is int else "float"
    if isinstance(value, Tracer):
        if plain is int and value.kind == "float":
            fail(f"int() of {value} would round")
        return value.item()
    if plain is int and not value.is_whole:
        quotient = value.expression
        if quotient.free_symbols:
            fail(f"int() of {value} would round, for some sizes")
        return int(quotient)
    return Number(value.expression, kind)


class ScalarType(NumberType):
    """`np.float64`, `np.int64`, `np.bool_`: of a traced value what astype makes of it."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        without_clock(args)
        if len(args) == 1 and not kwargs and isinstance(args[0], Tracer):
            return args[0].astype(cls.plain, copy=False)  # as NumPy, of an array of that type
        if len(args) == 1 and not kwargs and isinstance(args[0], Number):
            whole = np.dtype(cls.plain).kind in "iu"
            if np.dtype(cls.plain).kind not in "iuf" or (whole and not args[0].is_whole):
                fail(f"np.{cls.plain.__name__} of {args[0]}, which differs from size to size")
            session: Session = SESSION.get()
            session.stored(cls.plain)
            return Number(args[0].expression)
        return cls.plain(*args, **kwargs)

    def __instancecheck__(cls, instance: Any) -> bool:
        if type(instance) is Tracer:
            return not instance.ndim and _unknown(instance, cls.plain)
        if type(instance) is Number:
            return instance.kind is None and _unknown(instance, cls.plain)
        return isinstance(instance, cls.plain)


def scalar_type(plain: type) -> type:
    """The stand-in of a NumPy scalar type."""
    if plain is np.bool_:  # has no subclasses
        return ScalarType("bool", (), {"plain": plain, "dtype": np.dtype(bool)})
    return ScalarType(plain.__name__, (plain,), {"plain": plain, "dtype": np.dtype(plain)})


SCALAR_TYPES: dict[Any, type] = {
    plain: scalar_type(plain)
    for plain in (np.float64, np.float32, np.float16, np.int64, np.int32, np.int16, np.int8,
                  np.uint8, np.bool_, np.datetime64)
}


for _abstract in (np.generic, np.number, np.integer, np.signedinteger, np.unsignedinteger,
                  np.inexact, np.floating):
    SCALAR_TYPES[_abstract] = ScalarType(_abstract.__name__, (_abstract,), {"plain": _abstract})


class _ArrayType(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        if type(instance) is Tracer:
            return bool(instance.ndim) or _unknown(instance, np.ndarray)
        return isinstance(instance, np.ndarray)

    def __subclasscheck__(cls, other: type) -> bool:
        return other is cls or issubclass(other, np.ndarray)

    def __eq__(cls, other: object) -> bool:
        return other is cls or other is np.ndarray

    def __hash__(cls) -> int:
        return hash(np.ndarray)

    def __call__(cls, shape: Any, dtype: Any = float, **options: Any) -> Any:
        if options:
            fail(f"np.ndarray with {', '.join(options)} is not traced")
        session: Session = SESSION.get()
        return session.call("empty", shape, dtype)


class Ndarray(metaclass=_ArrayType):
    """np.ndarray: asked for, and called, which is np.empty."""

    __array_ufunc__ = np.ndarray.__array_ufunc__  # by which packages tell arrays of other kinds


class _TypeOfTypes(type):
    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is not Type or len(args) != 1:
            return super().__call__(*args, **kwargs)
        (value,) = args
        if type(value) is Tracer:
            return Ndarray if value.ndim else _unknown(value, np.ndarray)
        if type(value) is Number:
            kinds: dict[Kind, type] = {"int": Int, "float": Float}
            return kinds.get(value.kind) or _unknown(value, float)
        return standing_type(type(value))

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, type) if cls is Type else super().__instancecheck__(instance)


class Type(type, metaclass=_TypeOfTypes):
    """`type`: what `type(n)` says is what `int` means in traced code."""


def standing_type(plain: Any) -> Any:
    """The type by which traced code knows `plain`."""
    known: dict[Any, Any] = {
        int: Int, float: Float, np.ndarray: Ndarray, type: Type, **SCALAR_TYPES}
    return known.get(plain, plain) if isinstance(plain, type) else plain


for _stand_in, _name in ((Int, "int"), (Float, "float"), (Ndarray, "ndarray"), (Type, "type")):
    _stand_in.__name__ = _stand_in.__qualname__ = _name

Number.stood_for.update({"int": Int, "float": Float})
