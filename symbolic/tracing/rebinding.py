"""The user's functions, classes and objects as traced code sees them.

A function runs with a copy of its globals in which NumPy, math and some built-in names are the
stand-ins of :mod:`stand_ins`; so do the functions that it calls, the methods of its classes,
and those of objects that it reaches.  Objects are copied too, so that what a traced method leaves
in `self` does not stay there.  A name is copied when it is first read.
"""

from __future__ import annotations

import builtins
import gc
import math
import random
import sys
from abc import ABC, ABCMeta
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache, partial, update_wrapper
from types import (
    BuiltinFunctionType,
    CellType,
    CodeType,
    FunctionType,
    MappingProxyType,
    MethodType,
    ModuleType,
    SimpleNamespace,
)
from typing import Any, Generic

import numpy as np

from .held import is_followed
from .jax.modules import standing_jax
from .kept_state import AS_IS, Part, held, is_closed, names_in
from .number_types import standing_type
from .outside.draws import Random, Unseen, refused
from .outside.of_numpy import NUMPY_FILES, NUMPY_STATE
from .outside.sets import FrozenSet, of_text, rewritten, seen, writes_sets
from .outside.standard import asked, handed, unseen
from .session import Session
from .sizes import Number
from .source import LIBRARY, fail
from .stand_ins import MathStandIn, of_scipy, stand_in, standing, standing_builtins
from .swallowed import Watch
from .torch.modules import standing_torch
from .torch.networks import standing_network
from .user_names import OWN_SLOTS, Globals, ModuleNames, slots_of

PLAIN_MODULES = frozenset(sys.stdlib_module_names) | {
    "numpy", "sympy", "gradproof", "scipy", "pytest", "_pytest", "torch", "jax", "jaxlib",
}
"""Modules whose functions and classes run as they are."""

_HEAP_TYPE = 1 << 9


class Rebinder:
    """Copies of functions, classes and objects in which the stand-ins are in place."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.builtins = {**standing_builtins(session), "__import__": self._imported,
                         "eval": partial(self._run_text, eval),
                         "exec": partial(self._run_text, exec)}
        self.watch = Watch()
        self._done: dict[int, Any] = {}
        self._alive: list[Any] = []
        self._names: list[tuple[dict[str, Any], dict[str, Any]]] = []
        self._as_is: list[Any] = []

    def __call__(self, value: Any) -> Any:
        """The value for traced code; what needs no copy is returned as it is."""
        if id(value) in self._done:
            return self._done[id(value)]
        if _root(asked(type(value) if not isinstance(value, FunctionType) else value,
                       "__module__")) == "scipy" and not isinstance(value, type):
            made = of_scipy(self.session, value)
            if made is not value:
                return self._keep(value, made)
        if (made := self._of_framework(value)) is not None:
            return self._keep(value, made)
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, MethodType) and isinstance(value.__func__, FunctionType):
            return MethodType(self(value.__func__), self(value.__self__))
        if isinstance(value, partial):
            keywords = {name: self(item) for name, item in value.keywords.items()}
            return partial(self(value.func), *map(self, value.args), **keywords)
        if isinstance(value, ModuleType):
            return self._keep(value, self._module(value))
        made = Random() if isinstance(value, _GENERATORS) else unseen(value)
        if made is not None:
            return self._keep(value, made)
        if isinstance(value, _CACHED):
            return self._cached(value)
        if isinstance(value, BuiltinFunctionType) and type(value.__self__) in _CONTAINERS:
            return getattr(self(value.__self__), value.__name__)
        if isinstance(value, (np.ufunc, BuiltinFunctionType)) or _is_numpy(value):
            return self._keep(value, self._numpy(value))
        return self._data(value)

    def _of_framework(self, value: Any) -> Any:
        if (made := standing_network(value, self, self._keep)) is None:
            made = standing_torch(value, self._data)
        return standing_jax(value, self) if made is None else made

    def _data(self, value: Any) -> Any:
        """Arrays, containers, classes and objects."""
        if type(value) in _VIEWS:
            return self._keep(value, _VIEWS[type(value)](self(gc.get_referents(value)[0])))
        if type(value) is np.ndarray or isinstance(value, np.void):
            return self._keep(value, self._array(value))
        if type(value) in _CONTAINERS or (isinstance(value, tuple) and not _is_copied(type(value))):
            return self._container(value)
        if isinstance(value, type):
            return self._class(value) if _is_copied(value) else self._left(standing_type(value))
        if _is_copied(type(value)):
            return self._object(value)
        if isinstance(value, Iterator):
            return self._keep(value, Unseen(f"an iterator ({type(value).__name__}) that keeps its "
                                            "place between calls"))
        return self._left(value)

    def _imported(self, *args: Any, **kwargs: Any) -> Any:
        """``import`` inside of a traced function."""
        return self(__import__(*args, **kwargs))

    def _run_text(self, run: Callable[..., Any], text: Any, *names: Any) -> Any:
        """``eval`` and ``exec``, which read names of the globals without asking them."""
        code = text if isinstance(text, CodeType) else of_text(
            text.strip() if isinstance(text, str) else text, run.__name__)
        if code is text and writes_sets(code):
            fail("a set stands in another order in every run, and no source shows what becomes of "
                 "it; write `set([...])`")
        frame = sys._getframe(1)
        given = names or (frame.f_globals, frame.f_locals)
        if isinstance(given[0], Globals):
            given[0].settle(names_in(code))
        elif isinstance(given[0], dict):
            given[0]["__builtins__"] = self.builtins
        return run(code, *given)

    def _left(self, value: Any) -> Any:
        """What traced code gets as it is, and may yet leave something in."""
        of = value if isinstance(value, type) else type(value)
        root = _root(asked(of, "__module__"))
        if _root(asked(value, "__module__")) in sys.stdlib_module_names:
            handed(value)
        if isinstance(value, np.dtype) and value.metadata is not None:
            return self._keep(value, Unseen("the metadata of a dtype"))
        if isinstance(value, _LEAVES) and not asked(value, "__dict__"):
            return value
        if not isinstance(value, (type, ModuleType)) and is_closed(value) and (
                root in sys.stdlib_module_names - _STATELESS):
            return self._keep(value, Unseen(f"{root}.{of.__name__}, whose state is not seen,"))
        keeps = root not in _STATELESS or isinstance(value, (ModuleType, np.ndarray))
        if keeps or (root not in ("gradproof", "sympy") and not isinstance(value, type)
                     and asked(value, "__dict__")):
            self._as_is.append(value)
        return value

    def _array(self, value: Any) -> Any:
        made = value.copy()
        if value.dtype == object:
            for place in np.ndindex(value.shape):
                made[place] = self(value[place])
        return made

    def roots(self) -> list[Part]:
        """What traced code can leave something in, and the names that it has assigned."""
        found: list[Part] = []
        for value in self._as_is:  # before the copies, through which they are reached as well
            named = value if isinstance(value, (type, ModuleType)) else type(value)
            found.append(Part(f"{AS_IS}{named.__name__}", value, None))
        for value in self._done.values():
            if isinstance(value, (FunctionType, type)):
                found.append(Part(value.__name__, value, None))
            elif _is_copied(type(value)):
                found.append(Part(type(value).__name__, value, None))
        found += [Part(f"a {type(value).__name__}", value, held) for value in self._done.values()
                  if type(value) in _CONTAINERS and not isinstance(value, (tuple, frozenset))]
        return found + [
            Part(name, value, partial(new.__setitem__, name))
            for old, new in self._names for name, value in dict.items(new)
            if value is not old.get(name) and name != "__builtins__"
        ]

    def _keep(self, value: Any, made: Any) -> Any:
        self._done[id(value)] = made
        self._alive.append(value)
        return made

    def _container(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return self._keep(value, tuple.__new__(type(value), map(self, value)))
        if isinstance(value, frozenset):
            return self._keep(value, FrozenSet(map(self, value)))
        if isinstance(value, bytearray):
            return self._keep(value, bytearray(value))
        made = self._keep(value, seen(_empty_like(value)))
        if isinstance(value, dict):
            made.update({self(key): self(item) for key, item in value.items()})
        elif isinstance(value, SimpleNamespace):
            vars(made).update({name: self(item) for name, item in vars(value).items()})
        elif isinstance(value, set):
            made.update(map(self, value))
        else:
            made.extend(map(self, value))
        return made

    def _cached(self, value: Any) -> Any:
        """A function under lru_cache, with a cache of this trace's own."""
        inner = self(value.__wrapped__)
        keep = lru_cache(**value.cache_parameters())(inner)
        results: list[Any] = []  # where changes of them are seen

        def call(*args: Any, **kwargs: Any) -> Any:
            given = (*args, *kwargs.values())
            if not any(type(x) is Number for x in given):
                kept = keep(*args, **kwargs)
                results.extend([] if any(kept is one for one in results) else [kept])
                return kept
            # What it gives for a size is the same in the cache or not, if it is made of that alone.
            made = inner(*args, **kwargs)
            if not self.session.follows(made, {symbol for x in given if type(x) is Number
                                               for symbol in x.expression.free_symbols}):
                fail(f"{inner.__name__} is cached by a size, and gives more than follows from it: "
                     "another call of that size gets what this one leaves")
            return made

        update_wrapper(call, keep)
        call.cache_clear = keep.cache_clear  # type: ignore[attr-defined]
        call.cache_info = refused(  # type: ignore[attr-defined]
            "cache_info", "it counts the calls before")
        return self._keep(value, call)

    def _module(self, module: ModuleType) -> Any:
        if module is builtins:
            return SimpleNamespace(**self.builtins)
        if (made := standing(self.session, module)) is not module:
            return made
        if _root(module.__name__) in PLAIN_MODULES:
            return self._left(module)
        return ModuleNames(module.__name__, self._globals(vars(module)), module)

    def _numpy(self, value: Any) -> Any:
        """`from numpy import exp, zeros` and `from math import sqrt`."""
        name = getattr(value, "__name__", "")
        if getattr(math, name, None) is value:
            return getattr(MathStandIn(self.session), name)
        if isinstance(value, type) and name not in NUMPY_STATE:
            return standing_type(value)
        if isinstance(value, np.ufunc) and name.endswith("(vectorized)"):
            return Unseen("what np.frompyfunc made")
        module = np.linalg if getattr(np.linalg, name, None) is value else np
        if module is np and (name in NUMPY_FILES or name in NUMPY_STATE):
            return getattr(standing(self.session, np), name)
        if getattr(module, name, None) is value:
            prefix = "linalg." if module is np.linalg else ""
            return stand_in(self.session, value, prefix + name)
        return self._left(value)

    # --- functions ------------------------------------------------------------------------------

    def _globals(self, names: dict[str, Any]) -> dict[str, Any]:
        if id(names) in self._done:
            return self._done[id(names)]  # type: ignore[no-any-return]
        if _root(names.get("__name__")) in sys.stdlib_module_names - {"__main__"}:
            return names  # of a function around the user's, which is no code of the user's
        made: dict[str, Any] = self._keep(names, Globals(names, self))
        dict.__setitem__(made, "__builtins__", self.builtins)
        self._names.append((names, made))
        return made

    def _function(self, function: FunctionType) -> Any:
        if _root(function.__module__) in PLAIN_MODULES and not (
                function.__closure__ or is_followed(function)):
            made = unseen(function)
            return self._keep(function, self._numpy(function) if made is None else made)
        code = function.__code__
        through = rewritten(code) if writes_sets(code) else None
        code = code if through is None else through
        self.watch.meet(code, through is not None)
        cells = tuple(CellType() for _ in function.__closure__ or ())
        made = FunctionType(code, self._globals(function.__globals__), function.__name__, None,
                            cells or None)
        self._keep(function, made)
        made.__defaults__ = self(function.__defaults__)
        made.__kwdefaults__ = self(function.__kwdefaults__)
        made.__dict__.update({name: self(item) for name, item in vars(function).items()})
        for cell, old in zip(cells, function.__closure__ or (), strict=True):
            try:
                cell.cell_contents = self(old.cell_contents)
            except ValueError:  # an empty cell
                continue
        return made

    # --- classes and objects --------------------------------------------------------------------

    def _class(self, cls: type) -> Any:
        """The class with its methods, and those of its bases, for traced code."""
        slots = slots_of(cls)
        namespace = {name: value for name, value in vars(cls).items()
                     if name not in (*OWN_SLOTS, *slots)}
        bases = tuple(base if base in _PLAIN_BASES else self(base) for base in cls.__bases__)
        try:
            made = type(cls)(cls.__name__, bases, namespace)
        except Exception:  # an __init_subclass__ that wants arguments, a registry, compiled bases
            self._as_is.append(cls)
            return self._keep(cls, cls)
        # Known before its methods are copied: they refer to it in turn, as `__class__` if not else.
        self._keep(cls, made)
        for name, value in namespace.items():
            copied = self._attribute(value)
            if copied is not value:
                try:
                    setattr(made, name, copied)
                except Exception:  # a metaclass that forbids it
                    continue
                if isinstance(copied, cached_property):
                    copied.__set_name__(made, name)
        return made

    def _attribute(self, value: Any) -> Any:
        if isinstance(value, (staticmethod, classmethod)):
            return type(value)(self(value.__func__))
        if isinstance(value, property):
            return property(self(value.fget), self(value.fset), self(value.fdel), value.__doc__)
        if isinstance(value, cached_property):
            return cached_property(self(value.func))
        return self(value)

    def _object(self, value: Any) -> Any:
        cls = self(type(value))
        if cls is type(value):
            return value
        bases = [base for base in _PLAIN_BASES if isinstance(value, base)]
        base: Any = next((base for base in bases if base in _CONTAINERS), object)
        try:
            made = self._keep(value, base.__new__(cls))
        except Exception:  # compiled bases
            self._as_is.append(value)
            return self._keep(value, value)
        if base is dict:
            dict.update(made, {self(key): self(item) for key, item in dict.items(value)})
        elif base is list:
            list.extend(made, map(self, list.__iter__(value)))
        elif base is set:
            set.update(made, map(self, set.__iter__(value)))
        if hasattr(value, "__dict__"):
            made.__dict__.update({name: self(item) for name, item in vars(value).items()})
        for base in type(value).__mro__:
            for name in slots_of(base):
                if hasattr(value, name):
                    object.__setattr__(made, name, self(getattr(value, name)))
        return made


_PLAIN_BASES = (object, ABC, Generic, dict, list, set)
_CONTAINERS = (dict, list, tuple, set, frozenset, deque, OrderedDict, defaultdict, Counter,
               bytearray, SimpleNamespace)
_VIEWS: dict[type, Callable[[Any], Any]] = {
    MappingProxyType: MappingProxyType, type({}.keys()): dict.keys, type({}.values()): dict.values,
    type({}.items()): dict.items,
}
_CACHED = type(lru_cache(len))
_GENERATORS = (np.random.Generator, np.random.RandomState, random.Random)
_LEAVES = (str, bytes, int, float, complex, type(None), np.generic, np.dtype)
_STATELESS = frozenset({"builtins", "numpy", "sympy", "gradproof", "re", "decimal",
                        "fractions", "typing", "types", "functools", "inspect", "abc", "operator",
                        "pytest", "_pytest"})
"""Packages whose objects keep nothing that a result could read."""


def _empty_like(value: Any) -> Any:
    if isinstance(value, deque):
        return deque(maxlen=value.maxlen)
    return defaultdict(value.default_factory) if isinstance(value, defaultdict) else type(value)()


def _root(module: Any) -> str:
    """The package of a module; its tests, and PyTorch's layers, are programs that use it."""
    parts = str(module).split(".")
    return str(module) if "tests" in parts[1:] or str(module).startswith(LIBRARY) else parts[0]


def _is_numpy(value: Any) -> bool:
    return callable(value) and _root(asked(value, "__module__")) == "numpy"


def _is_copied(cls: type) -> bool:
    """Whether a class is the user's, made by a plain `class` statement, down to its bases."""
    return cls not in _PLAIN_BASES and all(
        base in _PLAIN_BASES or (
            type(base) in (type, ABCMeta) and bool(base.__flags__ & _HEAP_TYPE)
            and _root(base.__module__) not in PLAIN_MODULES)
        for base in cls.__mro__)
