"""What a traced function sees in place of NumPy, math and a few built-in functions.

NumPy's protocols do not reach `np.zeros((m, n))`, `len(X)` or `math.sqrt(m)` with a symbolic
size.  So the function runs with a copy of its globals, in which these names are stand-ins, and so
do the functions that it calls (:mod:`trace_rebinding`); nothing of the user's module is changed.
"""

from __future__ import annotations

import builtins
import math
import random
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np
import sympy as sp

from .array_functions import CREATION, FUNCTIONS
from .session import Session
from .sizes import Number, SizeRange
from .source import fail
from .tracer import Tracer

CONSTANTS = {"pi": sp.pi, "e": sp.E}


def is_traced(value: Any) -> bool:
    """Whether a traced array or a symbolic number is in an argument, containers included."""
    if isinstance(value, (list, tuple)):
        return any(map(is_traced, value))
    return isinstance(value, (Tracer, Number))


class NumpyStandIn(ModuleType):
    """The numpy module for traced code: its functions take symbolic sizes, its pi is exact."""

    def __init__(self, session: Session, module: ModuleType, prefix: str = "") -> None:
        super().__init__(module.__name__)
        self._session = session
        self._module = module
        self._prefix = prefix

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)
        if not self._prefix and name in CONSTANTS:
            return Number(CONSTANTS[name])
        if name == "ndarray":
            return _Ndarray
        if isinstance(found, ModuleType):
            if name == "random":
                return Random()
            return NumpyStandIn(self._session, found, f"{self._prefix}{name}.")
        return stand_in(self._session, found, self._prefix + name)


def stand_in(session: Session, function: Any, name: str) -> Any:
    """A function of NumPy's for traced code; anything else as it is."""
    if isinstance(function, np.ufunc):
        return _Ufunc(session, function)
    if name not in FUNCTIONS:
        return function

    def traced(*args: Any, **kwargs: Any) -> Any:
        if name in CREATION or is_traced([*args, *kwargs.values()]):
            return session.call(name, *args, **kwargs)
        return function(*args, **kwargs)

    return traced


class _Ufunc:
    """A ufunc that is exact of plain numbers: np.sqrt(2) is the root, not its decimal."""

    def __init__(self, session: Session, ufunc: np.ufunc) -> None:
        self._session = session
        self._ufunc = ufunc

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not kwargs and all(isinstance(x, (int, float, Number)) for x in args):
            return self._session.ufunc(self._ufunc, "__call__", args, {})
        return self._ufunc(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ufunc, name)


class Random:
    """np.random, random, or a generator: a trace cannot hold what is drawn."""

    def __getattr__(self, name: str) -> Any:
        if name in ("RandomState", "Generator"):
            return getattr(np.random, name)
        fail(f"random.{name} in the function: a trace holds for every input, and a random draw "
             "is none; hand it in as an argument (a dropout mask, say, with kind='mask')")


class _InstanceOfTracer(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, (np.ndarray, Tracer))


class _Ndarray(metaclass=_InstanceOfTracer):
    """np.ndarray for isinstance."""


# --- built-in functions -------------------------------------------------------------------------


class _NumberType(type):
    """`float` and `int`: of a traced value the value itself, of others what they always are."""

    plain: type

    def __call__(cls, *args: Any) -> Any:
        if args and isinstance(args[0], (Tracer, Number)):
            return _converted(args[0], cls.plain)
        return cls.plain(*args)

    def __instancecheck__(cls, instance: Any) -> bool:
        if isinstance(instance, Number):
            return instance.is_whole == (cls.plain is int)
        return isinstance(instance, cls.plain)

    def __getattr__(cls, name: str) -> Any:
        return getattr(cls.plain, name)


class _Float(metaclass=_NumberType):
    plain = float
    dtype = np.dtype(float)


class _Int(metaclass=_NumberType):
    plain = int
    dtype = np.dtype(int)


def _converted(value: Any, plain: type) -> Any:
    if isinstance(value, Tracer):
        if plain is int and value.kind == "float":
            fail(f"int() of {value} would round")
        return value.item()
    if plain is int and not value.is_whole:
        quotient = value.expression
        if quotient.free_symbols:
            fail(f"int() of {value} would round, for some sizes")
        return int(quotient)
    return value


def _len(value: Any) -> Any:
    if isinstance(value, Tracer):
        if not value.ndim:
            fail(f"len() of {value}, which has no axis")
        return value.shape[0]
    if isinstance(value, SizeRange):
        return Number(value.size)
    return len(value)


def _range(*args: Any) -> Any:
    if any(isinstance(x, Number) and not x.expression.is_Integer for x in args):
        if len(args) == 1:
            return SizeRange(args[0].expression)
        fail(f"range{args} has symbolic sizes; write the loop as an array operation, or give the "
             "size as a number in the shapes")
    return range(*map(int, args))


def _sum(session: Session, values: Any, start: Any = 0) -> Any:
    if isinstance(values, Tracer):
        return session.call("sum", values, axis=0) + start
    return sum(values, start)


def _extreme(session: Session, name: str, plain: Callable[..., Any]) -> Callable[..., Any]:
    def extreme(*args: Any, **kwargs: Any) -> Any:
        values = list(args[0]) if len(args) == 1 else list(args)
        if not any(isinstance(x, Tracer) for x in values):
            return plain(*args, **kwargs)
        if kwargs or any(getattr(x, "ndim", 0) for x in values):
            fail(f"{plain.__name__}() of arrays; use np.{name}")
        result = values[0]
        for value in values[1:]:
            # Python keeps the first at a tie, and the body's derivative there is the last's.
            result = session.call("clip", value, result) if name == "maximum" else session.call(
                "clip", value, None, result)
        return result

    return extreme


def standing_builtins(session: Session) -> dict[str, Any]:
    """The built-in names of a traced function."""

    def imported(name: str, *args: Any) -> Any:
        return standing(session, builtins.__import__(name, *args))

    return {
        **vars(builtins),
        "len": _len,
        "range": _range,
        "float": _Float,
        "int": _Int,
        "sum": partial(_sum, session),
        "max": _extreme(session, "maximum", max),
        "min": _extreme(session, "minimum", min),
        "__import__": imported,
    }


class MathStandIn(ModuleType):
    """The math module for traced code."""

    NAMES = {"pow": "power", "fabs": "absolute", "atan": "arctan"}  # noqa: RUF012

    def __init__(self, session: Session) -> None:
        super().__init__("math")
        self._session = session

    def __getattr__(self, name: str) -> Any:
        found = getattr(math, name)
        if name in CONSTANTS:
            return Number(CONSTANTS[name])
        ufunc = getattr(np, self.NAMES.get(name, name), None)
        return _Ufunc(self._session, ufunc) if isinstance(ufunc, np.ufunc) else found


def standing(session: Session, module: Any) -> Any:
    if module is math:
        return MathStandIn(session)
    if module is random:
        return Random()
    if isinstance(module, ModuleType) and module.__name__.split(".")[0] == "numpy":
        parts = module.__name__.split(".")[1:]
        if parts[:1] == ["random"]:
            return Random()
        return NumpyStandIn(session, module, "".join(f"{part}." for part in parts))
    return module
