"""What a traced function sees in place of NumPy, math and a few built-in functions.

NumPy's protocols do not reach `np.zeros((m, n))`, `len(X)` or `math.sqrt(m)` with a symbolic
size.  So the function runs with a copy of its globals, in which these names are stand-ins, and so
do the functions that it calls (:mod:`rebinding`); nothing of the user's module is changed.
"""

from __future__ import annotations

import builtins
import inspect
import math
import random
from collections.abc import Callable
from functools import partial, wraps
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import sympy as sp

from .functions.array_functions import FUNCTIONS
from .functions.assembly import Joined, vectorized
from .functions.creation import CREATION
from .functions.special import DISTRIBUTIONS, Distribution, known
from .functions.ufuncs import ARITHMETIC
from .masked import Masked, MaskPlaces
from .number_types import Float, Int, Type, standing_type
from .outside.draws import Random, Unseen, refused
from .outside.of_numpy import NUMPY_FILES, NUMPY_STATE, without_clock
from .outside.sets import MADE, FrozenSet, Set, seen
from .outside.standard import unseen
from .outside.telling import NAMES
from .session import Session
from .sizes import Number, SizeRange, size_of
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

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            fail(f"an attribute of the module numpy is set: {name}")
        super().__setattr__(name, value)

    def __init__(self, session: Session, module: ModuleType, prefix: str = "") -> None:
        super().__init__(module.__name__)
        super().__setattr__("_session", session)
        super().__setattr__("_module", module)
        super().__setattr__("_prefix", prefix)

    @property
    def __dict__(self) -> Any:  # type: ignore[override]
        fail("the names of the module numpy are looked at as a dict")

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)
        if name.startswith("_") and not name.endswith("__"):
            return Unseen(f"np.{self._prefix}{name}")
        if not self._prefix and name in CONSTANTS:
            return Number(CONSTANTS[name], "float")
        if name in NUMPY_FILES:
            return refused(f"np.{name}", NUMPY_FILES[name])
        if name in NUMPY_STATE:
            return NUMPY_STATE[name](found)
        if isinstance(found, type):
            if found is np.vectorize:
                return partial(vectorized, self._session, found)
            return standing_type(found)
        if found is np.r_ or found is np.c_:
            return Joined(self._session, found, found is np.c_)
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
        return function if isinstance(function, type) or not callable(function) else (
            _of_numbers(function, name))

    def traced(*args: Any, **kwargs: Any) -> Any:
        without_clock([*args, *kwargs.values()])
        if name in CREATION or is_traced([*args, *kwargs.values()]):
            return session.call(name, *args, **kwargs)
        return function(*args, **kwargs)

    return traced


def _of_numbers(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """A function of NumPy's that is not traced: of numbers alone it is what it is, and a size that
    is a number is one."""

    if name.rpartition(".")[2] in ("empty", "empty_like"):
        fail(f"np.{name} gives entries that nobody wrote")

    @wraps(function)
    def plain(*args: Any, **kwargs: Any) -> Any:
        without_clock([*args, *kwargs.values()])
        return function(*(_number(x, name) for x in args),
                        **{key: _number(x, name) for key, x in kwargs.items()})

    return plain


def _number(value: Any, name: str) -> Any:
    if isinstance(value, (list, tuple)) and is_traced(value):
        return type(value)(_number(x, name) for x in value)
    if type(value) is not Number:
        return value
    found = value.expression
    if found.free_symbols:
        fail(f"np.{name} of the symbolic size {found} is not traced; give it as a number in the "
             "shapes")
    return int(found) if found.is_Integer else float(found)


class _Ufunc:
    """A ufunc that is exact of plain numbers: np.sqrt(2) is the root, not its decimal."""

    def __init__(self, session: Session, ufunc: np.ufunc) -> None:
        self._session = session
        self._ufunc = ufunc
        self.name = str(ufunc.__name__)

    @property
    def __signature__(self) -> inspect.Signature:
        """x, or x1 and x2: NumPy 1 says of its functions not what they take."""
        count = self._ufunc.nin
        names = ["x"] if count == 1 else [f"x{place + 1}" for place in range(count)]
        return inspect.Signature([
            inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY) for name in names])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not kwargs and all(isinstance(x, (int, float, Number)) for x in args):
            return self._session.ufunc(self._ufunc, "__call__", args, {})
        if kwargs.get("where", True) is not True and kwargs.get("out") is None:
            fail(f"np.{self.name} with where= and without out= gives entries that nobody wrote")
        without_clock(args)
        return self._ufunc(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._ufunc, name)
        if name not in ("reduce", "accumulate", "outer", "at"):
            return found

        def method(*args: Any, **kwargs: Any) -> Any:
            if is_traced(list(args)):
                return self._session.ufunc(self._ufunc, name, args, kwargs)
            return found(*args, **kwargs)

        return method


# --- SciPy --------------------------------------------------------------------------------------


class ScipyStandIn(ModuleType):
    """A module of SciPy's for traced code."""

    def __init__(self, session: Session, module: ModuleType) -> None:
        super().__init__(module.__name__)
        self._session = session
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return of_scipy(self._session, getattr(self._module, name))


def of_scipy(session: Session, value: Any) -> Any:
    """What is SciPy's, for traced code: what is known of it takes traced arrays."""
    if isinstance(value, ModuleType):
        return ScipyStandIn(session, value) if value.__name__.startswith("scipy") else standing(
            session, value)
    of = type(value)
    if of.__name__ in DISTRIBUTIONS and of.__module__.startswith("scipy.stats"):
        return Distribution(session, value)
    if not isinstance(value, (FunctionType, BuiltinFunctionType, MethodType)):
        return value
    if str(getattr(value, "__module__", "")).split(".")[0] == "numpy":
        return stand_in(session, value, value.__name__)
    row = known(value)
    if row is None:  # runs as it is; where it needs numbers, that is said
        return value

    @wraps(value)
    def function(*args: Any, **kwargs: Any) -> Any:
        if is_traced([*args, *kwargs.values()]):
            return session.call(f"scipy.{row}", *args, **kwargs)
        return value(*args, **kwargs)

    return function if isinstance(value, _FUNCTIONS) else ScipyObject(session, value, function)


_FUNCTIONS = (FunctionType, BuiltinFunctionType, MethodType)


class ScipyObject:
    """An object of SciPy's that can be called, as a distribution, for traced code."""

    def __init__(self, session: Session, plain: Any, call: Callable[..., Any]) -> None:
        self._session = session
        self._plain = plain
        self._call = call

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return of_scipy(self._session, getattr(self._plain, name))


# --- built-in functions -------------------------------------------------------------------------


def _len(value: Any) -> Any:
    if isinstance(value, Tracer):
        if not value.ndim:
            fail(f"len() of {value}, which has no axis")
        return value.shape[0]
    if isinstance(value, SizeRange):
        return size_of(value.size)
    if isinstance(value, (Masked, MaskPlaces)):
        return value.shape[0]
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


def _id(value: Any) -> int:
    if is_traced(value) or isinstance(value, (np.ndarray, dict, list, tuple, set)):
        fail(f"id() of {type(value).__name__}: the same for another array at another time")
    return id(value)


def _hash(value: Any) -> int:
    if not isinstance(value, (int, float, Number)):
        fail(f"hash() of a {type(value).__name__} differs from run to run")
    return hash(value)


def _getattr(value: Any, name: str, *default: Any) -> Any:
    if name in NAMES:
        fail(f".{name} tells of the process, and differs from run to run")
    return getattr(value, name, *default)


def standing_builtins(session: Session) -> dict[str, Any]:
    """The built-in names of a traced function."""

    return {
        **vars(builtins),
        "len": _len,
        "range": _range,
        "float": Float,
        "int": Int,
        "type": Type,
        "sum": partial(_sum, session),
        "max": _extreme(session, "maximum", max),
        "min": _extreme(session, "minimum", min),
        "open": refused("open()", "a file's contents are not a part of the function"),
        "input": refused("input()", "what is typed is not a part of the function"),
        "id": _id,
        "set": Set,
        "frozenset": FrozenSet,
        MADE: seen,
        "getattr": _getattr,
        "hash": _hash,
    }


class MathStandIn(ModuleType):
    """The math module for traced code."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            fail(f"an attribute of the module math is set: {name}")
        super().__setattr__(name, value)

    NAMES = {"pow": "power", "fabs": "absolute", "atan": "arctan"}  # noqa: RUF012

    def __init__(self, session: Session) -> None:
        super().__init__("math")
        self._session = session

    def __getattr__(self, name: str) -> Any:
        found = getattr(math, name)
        if name in CONSTANTS:
            return Number(CONSTANTS[name], "float")
        if name == "log":
            return self._log
        ufunc = getattr(np, self.NAMES.get(name, name), None)
        if name in ("floor", "ceil", "trunc") or not isinstance(ufunc, np.ufunc):
            return found
        return partial(self._called, found, _Ufunc(self._session, ufunc))

    @staticmethod
    def _called(plain: Callable[..., Any], ufunc: _Ufunc, *args: Any) -> Any:
        """The exact value where the ufunc is traced; of plain numbers what math says else."""
        if not is_traced(args) and ufunc.name not in ARITHMETIC:
            return plain(*args)
        return ufunc(*args)

    def _log(self, x: Any, base: Any = None) -> Any:
        found = _Ufunc(self._session, np.log)(x)
        return found if base is None else found / _Ufunc(self._session, np.log)(base)


def standing(session: Session, module: Any) -> Any:
    if module is math:
        return MathStandIn(session)
    if module is random:
        return Random()
    if (made := unseen(module)) is not None:
        return made
    if isinstance(module, ModuleType) and module.__name__.split(".")[0] == "scipy":
        return ScipyStandIn(session, module)
    if isinstance(module, ModuleType) and module.__name__.split(".")[0] == "numpy":
        parts = module.__name__.split(".")[1:]
        if parts[:1] == ["random"]:
            return Random()
        return NumpyStandIn(session, module, "".join(f"{part}." for part in parts))
    return module
