"""What differs from run to run: random draws, the clock, files, the machine.

A draw is an array that no formula gives.  A trace may hold it as long as no result reads it and
nothing is decided by it (the initial value of a weight that is then overwritten); the rest fails
where it is asked for.
"""

from __future__ import annotations

import _thread
import contextvars
import datetime
import decimal
import importlib
import io
import os
import pathlib
import queue
import random
import secrets
import sys
import tempfile
import threading
import time
import uuid
import warnings
import weakref
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from ..layers.builder import Operand
from .session import Dtype, Session
from .sizes import exact
from .source import SESSION, fail

ADVICE = ("a trace holds for every input, and a random draw is none; hand it in as an argument (a "
          "dropout mask, say, with kind='mask')")


def drawn(what: str, shape: Any = None, kind: Dtype = "float") -> Any:
    """An array (or a number) of which nothing is known."""
    session: Session = SESSION.get()
    sizes = () if shape is None else shape if isinstance(shape, (tuple, list)) else (shape,)
    found = tuple(map(exact, sizes))
    if any(size is None or not size.is_positive for size in found):
        fail(f"{what} of shape {shape!r:.60}")
    why = f"{what}: {ADVICE}" if "random" in what else f"{what} differs from run to run"
    operand: Operand = session.unseen_array(
        found, why, "integer" if kind == "int" else "real")
    if kind == "int":
        session.integers.add(operand.name)
    return session.array(operand, kind)


_BY_SIZE = {
    "normal": 2, "uniform": 2, "standard_normal": 0, "random": 0, "random_sample": 0, "ranf": 0,
    "sample": 0, "randint": 2, "integers": 2, "laplace": 2, "exponential": 1, "gamma": 2,
    "beta": 2, "binomial": 2, "poisson": 1, "lognormal": 2, "choice": 1, "logistic": 2,
    "gumbel": 2, "chisquare": 1, "standard_gamma": 1, "rademacher": 0,
}  # fmt: skip
"""The place of `size` among the arguments of NumPy's distributions."""

_WHOLE = ("randint", "integers", "binomial", "poisson", "randrange")
_SCALARS = frozenset({
    "betavariate", "expovariate", "gammavariate", "gauss", "lognormvariate", "normalvariate",
    "paretovariate", "triangular", "vonmisesvariate", "weibullvariate", "getrandbits",
})
"""What the standard library's generators give."""

_MAKERS = ("RandomState", "Generator", "default_rng", "Random", "SystemRandom", "SeedSequence",
           "PCG64", "MT19937", "Philox")
_SETTINGS = ("seed", "set_state")


_OF_VECTORS = {"multivariate_normal": 2, "dirichlet": 1, "multinomial": 2}
"""Distributions of vectors, and the place of `size` among their arguments."""


def len_of(value: Any) -> Any:
    """The size of the first axis."""
    return value.shape[0] if hasattr(value, "shape") else len(value)


def _permuted(what: str, name: str, value: Any) -> Any:
    """An order that is drawn: of the places below a size, or of an array's rows."""
    if name == "shuffle" and not hasattr(value, "replace"):
        fail(f"{what} of an array of numbers: {ADVICE}")
    shape = value.shape if hasattr(value, "shape") else (
        len(value) if isinstance(value, (list, tuple)) else value,)
    made = drawn(what, shape, "float" if getattr(value, "kind", "int") == "float" else "int")
    if name == "shuffle":
        value.replace(made)
        return None
    return made


class Random:
    """np.random, random, or a generator: what it gives is drawn."""

    def __init__(self, name: str = "random") -> None:
        self._name = name

    def __call__(self, *_: Any, **__: Any) -> Random:
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in _MAKERS:
            return Random(name)
        if name in _SETTINGS:
            return lambda *_, **__: None
        return lambda *args, **options: self._draw(name, args, options)

    def _draw(self, name: str, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        what = f"random.{name} in the function"
        kind: Dtype = "int" if name in _WHOLE else "float"
        if name in ("rand", "randn"):
            return drawn(what, args or None)
        if name in _SCALARS:
            return drawn(what)
        if name in ("permutation", "shuffle", "permuted"):
            return _permuted(what, name, args[0] if args else None)
        if name in _OF_VECTORS and args:
            size = options.get("size", args[_OF_VECTORS[name]]
                               if len(args) > _OF_VECTORS[name] else None)
            sizes = () if size is None else size if isinstance(size, (tuple, list)) else (size,)
            return drawn(what, (*sizes, len_of(args[1 if name == "multinomial" else 0])),
                         "int" if name == "multinomial" else "float")
        if name in _BY_SIZE:
            place = _BY_SIZE[name]
            size = options.get("size", args[place] if len(args) > place else None)
            if size is None and name != "choice" and any(
                    getattr(x, "ndim", 0) or isinstance(x, (list, tuple))
                    for x in (*args, *options.values())):
                fail(f"{what}: {ADVICE}")
            return drawn(what, size, kind)
        fail(f"{what}: {ADVICE}")


class Unseen:
    """Something whose state a trace does not follow; any use of it fails."""

    def __init__(self, what: str) -> None:
        object.__setattr__(self, "_what", what)

    def _fail(self, *_: Any, **__: Any) -> Any:
        fail(f"{self._what} is used, which differs from run to run or from call to call")

    def __getattr__(self, name: str) -> Any:
        if name == "__dict__":
            raise AttributeError(name)
        self._fail()

    __call__ = __iter__ = __next__ = __len__ = __getitem__ = __setitem__ = __contains__ = _fail
    __enter__ = __bool__ = __setattr__ = __delitem__ = __eq__ = __lt__ = _fail
    __hash__ = None  # type: ignore[assignment]


def refused(what: str, why: str) -> Callable[..., Any]:
    """A function that cannot be a part of a trace."""
    def refuse(*_: Any, **__: Any) -> Any:
        fail(f"{what} in the function: {why}")

    return refuse


# --- modules ------------------------------------------------------------------------------------

_CLOCK = {"time", "perf_counter", "monotonic", "process_time", "thread_time"}
_NOWHERE = "it differs from run to run"
_MODULES: dict[ModuleType, frozenset[str]] = {
    time: frozenset({*_CLOCK, "time_ns", "perf_counter_ns", "monotonic_ns", "process_time_ns",
                     "localtime", "gmtime", "ctime", "asctime", "strftime"}),
    secrets: frozenset(secrets.__all__) - {"compare_digest"},
    uuid: frozenset({"uuid1", "uuid3", "uuid4", "uuid5", "getnode", "UUID"}),
    os: frozenset({"urandom", "getrandom", "getenv", "environ", "environb", "getpid", "getppid",
                   "listdir", "scandir", "walk", "stat", "open", "popen", "system", "getcwd",
                   "times", "getloadavg", "cpu_count", "getlogin", "read"}) & vars(os).keys(),
    datetime: frozenset({"datetime", "date"}),
    tempfile: frozenset(tempfile.__all__) & vars(tempfile).keys(),
    io: frozenset({"open", "open_code", "FileIO"}),
    os.path: frozenset({"exists", "lexists", "isfile", "isdir", "islink", "ismount", "getsize",
                        "getmtime", "getatime", "getctime", "samefile", "realpath", "abspath",
                        "expanduser", "expandvars"}),
    sys: frozenset({"argv", "stdin", "modules", "path", "meta_path", "_getframe"} | {
        name for name in vars(sys) if name.startswith(("get", "set"))}),
    threading: frozenset({"Thread", "Timer"}),
    _thread: frozenset({"start_new_thread", "start_new"}),
    importlib: frozenset({"import_module", "reload"}),
    contextvars: frozenset({"Context", "copy_context"}),
    decimal: frozenset({"getcontext", "setcontext", "localcontext"}),
    pathlib: frozenset({"Path", "PosixPath", "WindowsPath"}),
}
"""The names of each module that differ from run to run."""
_OUTSIDE = frozenset({"subprocess", "socket", "urllib", "http", "sqlite3", "shelve", "dbm",
                      "multiprocessing", "select", "resource", "tracemalloc", "gc", "concurrent",
                      "signal", "locale", "ctypes", "mmap", "glob", "shutil", "platform", "getpass",
                      "linecache", "timeit", "asyncio"})
"""Modules of which nothing is a part of a trace, nor are objects of their classes."""


class _ModuleOfNames:
    """A module in which some names are not a part of a trace."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)
        if name in _MODULES[self._module]:
            return _unseen_name(self._module, name)
        inner = unseen(found) if isinstance(found, ModuleType) else None
        return found if inner is None else inner

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "_module":
            fail(f"an attribute of the module {self._module.__name__} is set: {name}")
        super().__setattr__(name, value)


def _unseen_name(module: ModuleType, name: str) -> Any:
    what = f"{module.__name__}.{name}"
    if module is time and name in _CLOCK:
        return lambda: drawn(f"{what}()")
    return Unseen(what)


class _Warnings:
    """The warnings module, which must not make of a warning an exception or a list."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(warnings, name)
        if name not in ("simplefilter", "filterwarnings", "catch_warnings"):
            return found

        def call(*args: Any, **options: Any) -> Any:
            if "error" in (*args[:1], options.get("action")) or options.get("record") or (
                    name == "catch_warnings" and args):
                fail(f"warnings.{name} turns into a branch what depends on values")
            return found(*args, **options)

        return call


_STATEFUL: tuple[type, ...] = (
    contextvars.ContextVar, threading.local, weakref.WeakKeyDictionary, weakref.WeakSet,
    weakref.WeakValueDictionary, queue.Queue, queue.SimpleQueue, io.IOBase,
    pathlib.Path, decimal.Context, memoryview, np.random.BitGenerator, np.random.SeedSequence,
)


_WARNINGS = (warnings.simplefilter, warnings.filterwarnings, warnings.catch_warnings)


def unseen(value: Any) -> Any:
    """The stand-in of what a trace cannot hold; None for all else."""
    if value is warnings:
        return _Warnings()
    if any(value is known for known in _WARNINGS):
        return getattr(_Warnings(), value.__name__)
    if isinstance(value, ModuleType) and value.__name__.split(".")[0] in _OUTSIDE:
        return Unseen(value.__name__)
    if isinstance(value, ModuleType):
        return _ModuleOfNames(value) if value in _MODULES else None
    kind = value if isinstance(value, type) else type(value)
    if _is_outside(kind):
        return Unseen(f"{kind.__module__}.{kind.__name__}")
    if isinstance(value, (MethodType, BuiltinFunctionType)) and isinstance(
            value.__self__, (random.Random, np.random.RandomState, np.random.Generator)):
        return getattr(Random(), value.__name__)
    if isinstance(value, _STATEFUL):
        return Unseen(f"{type(value).__module__}.{type(value).__name__}")
    if isinstance(value, (BuiltinFunctionType, FunctionType, type)) or value is os.environ:
        name = getattr(value, "__name__", "environ")
        for module, names in _MODULES.items():
            if name in names and getattr(module, name, None) is value:
                return _unseen_name(module, name)
    if callable(value) and (name := _drawing(value)):
        return getattr(Random(), name)
    return None


def _is_outside(kind: type) -> bool:
    return any(base is threading.Thread or str(base.__module__).split(".")[0].removeprefix("_")
               in _OUTSIDE for base in kind.__mro__)


def asked(value: Any, name: str) -> Any:
    """An attribute, None where an object of another package does not let itself be asked."""
    try:
        return getattr(value, name, None)
    except Exception:
        return None


def _drawing(value: Any) -> str:
    """The name of what belongs to numpy.random or to random; empty for all else."""
    name = asked(value, "__name__")
    known = isinstance(name, str) and any(
        getattr(module, name, None) is value for module in (np.random, random))
    return name if known else ""


NUMPY_FILES = dict.fromkeys(
    ("load", "loadtxt", "genfromtxt", "fromfile", "memmap", "save", "savez", "savetxt"),
    "a file's contents are not a part of the function; hand the array in as an argument",
)


def _errors(plain: Callable[..., Any]) -> Callable[..., Any]:
    """np.errstate and np.seterr, which must not turn a value into an exception."""
    def call(*args: Any, **options: Any) -> Any:
        for value in (*args, *options.values()):
            if value in ("raise", "call", "log"):
                fail(f"np.{plain.__name__} turns into a branch what depends on values")
        return plain(*args, **options)

    return call


_SETTING = "a setting is a state that is kept between calls"

NUMPY_STATE: dict[str, Callable[[Any], Any]] = {
    **{name: lambda plain, name=name: refused(f"np.{name}", _SETTING)  # type: ignore[misc]
       for name in ("geterr", "geterrcall", "getbufsize", "get_printoptions")},
    "errstate": _errors, "seterr": _errors, "seterrcall": lambda plain: refused(
        "np.seterrcall", "it turns into a branch what depends on values"),
}
