"""Python's own modules as traced code sees them.

A module whose functions follow from their arguments is open, but for single names; of the others
a few names are; of all the rest nothing is, nor of what a module calls private: it may be another
in another run, and nobody says so.
"""

from __future__ import annotations

import contextvars
import io
import logging
import os
import pathlib
import queue
import random
import sys
import threading
import time
import types
import warnings
import weakref
from collections.abc import Callable
from decimal import Context
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

from ..session import Session
from ..source import SESSION, fail
from .draws import Random, Unseen, drawn

PURE = frozenset({
    "__future__", "abc", "argparse", "array", "ast", "base64", "binascii", "bisect",
    "builtins", "cmath", "collections", "colorsys", "contextlib", "copy", "csv",
    "dataclasses", "decimal", "difflib", "enum", "fractions", "functools", "graphlib",
    "hashlib", "heapq", "hmac", "html", "itertools", "json", "keyword", "math", "numbers",
    "operator", "pprint", "queue", "re", "reprlib", "statistics", "string", "struct",
    "textwrap", "types", "typing", "unicodedata", "unittest", "zlib", "sre_compile",
    "sre_parse", "sre_constants",
})
"""Modules that are open."""
_CLOSED_IN = {
    "abc": {"get_cache_token"},
    "argparse": {"ArgumentParser"},
    "csv": {"register_dialect", "list_dialects", "field_size_limit"},
    "decimal": {"getcontext", "setcontext", "localcontext"},
    "types": {"FunctionType", "LambdaType", "CodeType", "CellType"},
}
"""Names of open modules that are not."""
_PATHS = frozenset({
    "join", "basename", "dirname", "split", "splitext", "splitdrive", "normpath", "normcase",
    "isabs", "commonprefix", "commonpath", "sep", "altsep", "extsep", "pathsep", "curdir", "pardir",
})
_CLOCK = frozenset({"time", "perf_counter", "monotonic", "process_time", "thread_time"})
_OPEN_IN: dict[str, frozenset[str]] = {
    "atexit": frozenset({"register"}),
    "contextvars": frozenset({"ContextVar"}),
    "datetime": frozenset({"timedelta", "timezone", "tzinfo", "time", "MINYEAR", "MAXYEAR"}),
    "inspect": frozenset({
        "signature", "Signature", "Parameter", "BoundArguments", "isfunction", "ismethod",
        "isclass", "isroutine", "ismodule", "getfullargspec", "getmro", "unwrap", "cleandoc",
        "isgenerator", "isgeneratorfunction", "iscoroutinefunction", "isabstract"}),
    "io": frozenset({"StringIO", "BytesIO"}),
    "ntpath": _PATHS,
    "os": frozenset({
        "path", "sep", "altsep", "extsep", "pathsep", "linesep", "curdir", "pardir", "devnull",
        "name", "fspath", "fsencode", "fsdecode", "PathLike", "makedirs", "mkdir", "remove",
        "unlink", "rmdir", "rename", "replace"}),
    "pathlib": frozenset({"PurePath", "PurePosixPath", "PureWindowsPath"}),
    "posixpath": _PATHS,
    "secrets": frozenset({"compare_digest"}),
    "sys": frozenset({
        "version", "version_info", "platform", "byteorder", "maxsize", "maxunicode", "float_info",
        "int_info", "hexversion", "implementation", "intern", "exit", "stdout", "stderr"}),
    "threading": frozenset({"Lock", "RLock"}),
    "time": frozenset({"sleep", "struct_time", *_CLOCK}),
    "traceback": frozenset({"print_exc", "print_stack"}),
}
"""The names of other modules that are open."""
_ALIASES = {"posix": "os", "nt": "os"}
_OUTSIDE = frozenset({"subprocess", "socket", "urllib", "http", "sqlite3", "shelve", "dbm",
                      "multiprocessing", "select", "resource", "tracemalloc", "gc", "concurrent",
                      "signal", "locale", "ctypes", "mmap", "glob", "shutil", "platform", "getpass",
                      "linecache", "timeit", "asyncio"})
"""Modules of which no object is seen either."""
_STATEFUL: tuple[type, ...] = (
    contextvars.ContextVar, threading.local, weakref.WeakKeyDictionary, weakref.WeakSet,
    weakref.WeakValueDictionary, weakref.ReferenceType, queue.Queue, queue.SimpleQueue, io.IOBase,
    pathlib.Path, Context, memoryview, np.random.BitGenerator, np.random.SeedSequence,
    types.CellType, types.CoroutineType, types.AsyncGeneratorType, types.FrameType,
    types.TracebackType,
)


def _home(name: str) -> str:
    """The module that a name's own module stands for: "_operator" is operator, posix is os."""
    root = name.split(".")[0]
    root = _ALIASES.get(root, root)
    return root.removeprefix("_") if root.removeprefix("_") in PURE | _OPEN_IN.keys() else root


def _is_open(module: str, name: str) -> bool:
    """Whether a name of one of Python's modules is a part of a trace."""
    home = _home(module)
    if home in PURE:
        return name not in _CLOSED_IN.get(home, ())
    return name in _OPEN_IN.get(home, ())


def _is_private(name: str) -> bool:
    return name.startswith("_") and name not in (
        "__name__", "__doc__", "__version__", "__all__", "__class__")


class Standard:
    """One of Python's own modules."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        module = self._module
        found = getattr(module, name, None)
        if isinstance(found, ModuleType):
            return unseen(found) or found
        if _is_private(name) or not _is_open(module.__name__, name):
            if not hasattr(module, name):
                fail(f"whether {module.__name__} has a name {name} differs from run to run")
            return Unseen(f"{module.__name__}.{name}")
        if not hasattr(module, name):
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
        if module is sys and name in ("stdout", "stderr"):
            return _Stream(found)
        if module is time and name in _CLOCK:
            return clock(name)
        return handed(found)

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "_module":
            fail(f"an attribute of the module {self._module.__name__} is set: {name}")
        super().__setattr__(name, value)


def handed(value: Any) -> Any:
    """A function or class that is no copy; what is set on it later is seen."""
    session: Session | None = SESSION.get(None)
    if session is not None and isinstance(value, (FunctionType, type)):
        session.handed.setdefault(id(value), (value, dict(vars(value))))
    return value


def check_handed(session: Session) -> None:
    """Fails where an attribute was set on what is no copy."""
    for value, before in session.handed.values():
        now = dict(vars(value))
        if now.keys() != before.keys() or any(now[name] is not before[name] for name in before):
            fail(f"keeps state between calls: an attribute of {value.__name__} is set")


def clock(name: str) -> Callable[[], Any]:
    return lambda: drawn(f"time.{name}()")


class _Stream:
    """What is written goes its way; nothing is asked of it."""

    def __init__(self, stream: Any) -> None:
        self._write = stream.write

    def write(self, text: str) -> int:
        self._write(text)
        return len(text)

    def flush(self) -> None:
        """It is flushed by itself."""

    def __getattr__(self, name: str) -> Any:
        fail(f".{name} of an output stream, which differs from run to run")


class _Warnings:
    """The warnings module, which must not make of a warning an exception or a list."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(warnings, name)
        if name in ("warn", "warn_explicit", "resetwarnings"):
            return found
        if name not in ("simplefilter", "filterwarnings", "catch_warnings"):
            return Unseen(f"warnings.{name}")

        def call(*args: Any, **options: Any) -> Any:
            if "error" in (*args[:1], options.get("action")) or options.get("record") or (
                    name == "catch_warnings" and args):
                fail(f"warnings.{name} turns into a branch what depends on values")
            return found(*args, **options)

        return call

    def __setattr__(self, name: str, value: Any) -> None:
        fail(f"an attribute of the module warnings is set: {name}")


_SAID = frozenset({"debug", "info", "warning", "warn", "error", "critical", "fatal", "exception",
                   "log", "setLevel", "addHandler", "basicConfig"})


class _Logging:
    """The logging module, or a logger: what is logged is not, nothing else is asked of it."""

    def __getattr__(self, name: str) -> Any:
        if name in _SAID:
            return lambda *_, **__: None
        if name in ("getLogger", "getChild"):
            return lambda *_, **__: _Logging()
        if name == "isEnabledFor":  # another answer in every call
            return lambda *_: bool(SESSION.get().age % 2)
        if name.isupper():
            return getattr(logging, name)
        fail(f"logging: .{name} is a setting, which is a state that is kept between calls")

    def __setattr__(self, name: str, value: Any) -> None:
        fail(f"logging: an attribute is set: {name}")


_WARNINGS = (warnings.simplefilter, warnings.filterwarnings, warnings.catch_warnings)


def unseen(value: Any) -> Any:
    """The stand-in of what a trace cannot hold as it is; None for all else."""
    if any(value is known for known in _WARNINGS):
        return getattr(_Warnings(), value.__name__)
    if isinstance(value, ModuleType):
        return _module(value)
    kind = value if isinstance(value, type) else type(value)
    if _is_outside(kind):
        return Unseen(f"{kind.__module__}.{kind.__name__}")
    if isinstance(value, (logging.Logger, logging.LoggerAdapter)):
        return _Logging()
    if isinstance(value, (MethodType, BuiltinFunctionType)) and isinstance(
            value.__self__, (random.Random, np.random.RandomState, np.random.Generator)):
        return getattr(Random(), value.__name__)
    if value is sys.stdout or value is sys.stderr:
        return _Stream(value)
    if isinstance(value, _STATEFUL) or value is os.environ:
        return Unseen(f"{type(value).__module__}.{type(value).__name__}")
    if callable(value) and (name := _drawing(value)):
        return getattr(Random(), name)
    if isinstance(value, type) and value in (types.FunctionType, types.CodeType, types.CellType):
        return Unseen(f"types.{value.__name__}")
    if isinstance(value, (BuiltinFunctionType, FunctionType, type)):
        return _named(value)
    return None


def _named(value: Any) -> Any:
    """The stand-in of a function or class of Python's own; None of one that is open."""
    module, name = asked(value, "__module__"), asked(value, "__name__")
    if not isinstance(module, str) or not isinstance(name, str) or (
            module.split(".")[0] not in sys.stdlib_module_names):
        return None
    if getattr(sys.modules.get(module), name, None) is not value:  # of a function's own
        return None
    if _home(module) == "logging":
        return getattr(_Logging(), name) if name in (*_SAID, "getLogger") else Unseen(name)
    if module == "time" and name in _CLOCK:
        return clock(name)
    if module in ("numpy", "random", "math") or _is_open(module, name):
        return None
    return Unseen(f"{module}.{name}")


def _module(module: ModuleType) -> Any:
    root = module.__name__.split(".")[0]
    if module is warnings:
        return _Warnings()
    if root == "logging":
        return _Logging() if module is logging else Unseen(module.__name__)
    if root not in sys.stdlib_module_names:
        return None
    home = _home(module.__name__)
    if home in PURE or home in _OPEN_IN:
        return Standard(module)
    return Unseen(module.__name__)


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
