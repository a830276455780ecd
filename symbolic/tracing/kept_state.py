"""What traced code leaves behind for its next call.

A trace is of one call; a gradient that is right in the first call and wrong in the fortieth is
traced as right.  So the function is called again, on the copies of its globals, objects and
defaults that the first call left.  The second call must compute the same equations, without the
arrays and sizes of the first.  What differs after it (a counter, a list that grows) is made
unreadable for a third call, which must compute the same still: what is only written decides
nothing.
"""

from __future__ import annotations

import pickle
import sys
from array import array
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property, partial
from threading import Lock, RLock
from types import CellType, CodeType, FunctionType, MethodType, ModuleType, SimpleNamespace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import sympy as sp

from .same_equations import this_call
from .session import Holder
from .sizes import Kind, Number
from .source import fail
from .tracer import Tracer

Setter: TypeAlias = "Callable[[Any], object] | None"
"""Puts another value into the place of one; None where that cannot be done."""


def held(value: Any) -> None:
    """The setter of what is known to be held in some place, which is met by another way or not."""


class Part(NamedTuple):
    """A value that is kept, where it is, and how it is replaced there.

    path: from one of the copies on, "3:Layer.steps"; after a "|" begins a name of its own.
    """

    path: str
    value: Any
    put: Setter


PLAIN = (str, bytes, int, float, complex, bool, type(None))
GROWING = (dict, list, set, deque)
LOCKS = (type(Lock()), type(RLock()))
LARGE = 100_000
AS_IS = "="
"""Begins the path of what is the user's own and no copy, which is looked at alone."""
_ROOM = __name__.rpartition(".tracing")[0]


class State:
    """All that is reached from the copies that a trace made, as it is now."""

    def __init__(self, roots: Sequence[Part]) -> None:
        self.leaves: dict[str, Any] = {}
        self.counts: dict[str, int] = {}
        self._parts: dict[str, Part] = {}
        self._places: dict[int, list[Setter]] = {}
        self._hidden: list[tuple[Callable[[Any], object], Any]] = []
        left = [Part(f"{place}:{part.path}", part.value, part.put)
                for place, part in reversed(list(enumerate(roots)))]
        seen: set[int] = set()
        while left and len(self._parts) < LARGE:
            part = left.pop()
            self._parts.setdefault(part.path, part)
            token = _token(part.value)
            if token is not None:
                self.leaves.setdefault(part.path, token)
                left += () if _is_ours(part.value) else _attributes(part.path, part.value)
                continue
            self._places.setdefault(id(part.value), []).append(part.put)
            if id(part.value) not in seen and not _is_ours(part.value):
                seen.add(id(part.value))
                inner = list(_inner(part.path, part.value))
                if not inner and _is_compiled(part.value):
                    self.leaves.setdefault(part.path, _written(part.value))
                self.counts.setdefault(part.path, len(inner))
                left += reversed(inner)

    def changed(self, before: State) -> list[str]:
        """The paths at which this differs from an earlier state, the outer before the inner."""
        def inside(path: str) -> bool:
            return any(path.startswith((f"{outer}[", f"{outer}.", f"{outer}|")) for outer in grown)

        grown = [path for path in self.counts
                 if self.counts[path] != before.counts.get(path, self.counts[path])]
        other = [path for path in self.leaves
                 if self.leaves[path] != before.leaves.get(path) and not inside(path)]
        gone = [path for path in before.leaves if path not in self.leaves and not inside(path)]
        return [*grown, *other, *gone]

    def moved(self, before: State, changed: Collection[str]) -> list[str]:
        """The numbers beside a changed one that took over the value of one of them.

        What goes round in a container (a queue that is rotated) shows a change only where two
        neighbours differ; the others will stand there in a later call.
        """
        groups: dict[str | None, list[str]] = {}
        for path in self.leaves:
            groups.setdefault(_around(path), []).append(path)
        found: dict[str, None] = {}
        for around in {_around(path) for path in changed if path in self.leaves} - {None}:
            beside = groups[around]
            stood = {before.leaves.get(path) for path in beside}
            if any(self.leaves[path] in stood for path in set(changed).intersection(beside)):
                found.update(dict.fromkeys(beside))
        return [path for path in found if isinstance(self._parts[path].value, (int, float))]

    def shifted(self, before: State) -> list[str]:
        """The paths at which another object stands that was somewhere else before.

        The next in a ring of objects looks like the one before it, until the ring has gone round.
        An object that was made anew in the call is none of these.
        """
        known = {id(part.value) for part in before._parts.values() if _has_identity(part.value)}
        return [path for path, part in self._parts.items()
                if path in before._parts and part.value is not before._parts[path].value
                and _has_identity(part.value) and id(part.value) in known]

    def hide(self, path: str) -> bool:
        """Makes what stands there unreadable; False where it cannot be."""
        part = self._parts.get(path)
        if part is None or f":{AS_IS}" in path:
            return False
        value = part.value
        if isinstance(value, (bool, int, float)):
            kind: Kind = "float" if isinstance(value, float) else "int"
            symbol = sp.Symbol(f"<{shown(path)}>", real=True, integer=kind == "int" or None)
            hidden: Any = Number(symbol, kind)
            places = [part.put]
        elif isinstance(value, GROWING):
            hidden = Grown(value, shown(path))
            places = [put for put in self._places[id(value)] if put is not held]
        else:
            return False
        if not places or any(put is None for put in places):
            return False
        for put in places:
            assert put is not None
            self._hidden.append((put, value))
            put(hidden)
        return True

    def restore(self) -> None:
        """Puts back what was hidden: not all of it stands in copies."""
        for put, value in self._hidden:
            put(value)


def _has_identity(value: Any) -> bool:
    """Whether it is a function or something that can change: another one is another, if alike."""
    return _token(value) is None and not isinstance(
        value, (tuple, frozenset, type, ModuleType, MethodType, partial)) and not _is_ours(value)


def _around(path: str) -> str | None:
    """The path of the container or object that a leaf lies in; None for a name of its own."""
    at = max(path.rfind("["), path.rfind("."))
    return path[:at] if at > path.rfind("|") else None


def shown(path: str) -> str:
    """A path for a reader."""
    if "|" in path:
        return path.rpartition("|")[2]
    return path.partition(":")[2].removeprefix(AS_IS)


class Grown:
    """A container that grows with every call: it may be added to and not be read."""

    def __init__(self, like: Any, path: str) -> None:
        self._like, self._path = type(like), path

    @property  # type: ignore[misc]  # what isinstance asks for
    def __class__(self) -> type:
        return self._like

    def _add(self, *_: Any, **__: Any) -> None:
        """Nobody will see what is added."""

    def __iadd__(self, other: Any) -> Any:  # type: ignore[misc]
        return self

    append = extend = insert = appendleft = add = update = __setitem__ = _add

    def _read(self, *_: Any, **__: Any) -> Any:
        fail(f"keeps state between calls: `{self._path}` changes with every call, and is read")

    __len__ = __iter__ = __getitem__ = __contains__ = __bool__ = __eq__ = __add__ = __radd__ = _read
    __delitem__ = __repr__ = __lt__ = __or__ = __mul__ = __rmul__ = __reversed__ = _read
    __hash__ = None  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        self._read()


# --- the walk -----------------------------------------------------------------------------------


def _is_ours(value: Any) -> bool:
    """Stand-ins, what belongs to the trace itself or runs the tests; not the calls of a layer."""
    if isinstance(value, FunctionType):
        return str(value.__module__).startswith(_ROOM)
    if isinstance(value, np.ndarray):
        return False
    kind = value if isinstance(value, type) else type(value)
    if _root(kind) == "numpy":  # an np.vectorize may have attributes
        return isinstance(value, type) or not getattr(value, "__dict__", None)
    if isinstance(value, type) and _root(value) in ("jax", "jaxlib", "torch"):
        return True  # a library's own class, from where all of it is reached
    return _root(kind) in ("gradproof", "sympy", "pytest", "_pytest")


def _token(value: Any) -> Any:
    """A leaf as something to compare; None of what has parts."""
    if isinstance(value, Holder):
        return _token(value.value)
    if type(value) is Tracer:
        return f"an array of {value.ndim} axes"
    if type(value) is Number:
        return str(this_call(value.expression))
    if isinstance(value, PLAIN):
        return (type(value).__name__, repr(value))
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            return None
        return (value.shape, str(value.dtype), hash(np.asarray(value).tobytes()))
    if isinstance(value, (np.generic, sp.Basic, bytearray, array)):
        return repr(value)
    return None


def _is_compiled(value: Any) -> bool:
    """Whether it is an object of the standard library's that has no attributes to be seen."""
    return not isinstance(value, (type, ModuleType, FunctionType, *GROWING, tuple, frozenset)) \
        and not hasattr(value, "__dict__") and _root(type(value)) in sys.stdlib_module_names


def _written(value: Any) -> bytes | None:
    """What an object writes of itself; None of one that does not."""
    try:
        return pickle.dumps(value)
    except Exception:  # they refuse in ways of their own
        return None


def is_closed(value: Any) -> bool:
    """Whether nobody can see what an object keeps."""
    return _token(value) is None and _is_compiled(value) and not list(_inner("", value)) \
        and not isinstance(value, LOCKS) and _written(value) is None


def _inner(path: str, value: Any) -> Iterator[Part]:
    if isinstance(value, ModuleType):
        yield from (Part(f"{path}.{name}", item, None) for name, item in list(vars(value).items())
                    if issubclass(type(item), (int, float, *GROWING))  # no __class__ is asked for
                    and name != "__builtins__")
    elif isinstance(value, FunctionType):
        yield from _of_function(path, value)
    elif isinstance(value, type):
        yield from (Part(f"{path}|{value.__name__}.{name}", item, _setter(value, name))
                    for name, item in list(vars(value).items())
                    if not name.startswith("__") or isinstance(item, FunctionType))
    elif isinstance(value, (np.ndarray, set, frozenset)):  # an array of objects
        items = value.flat if isinstance(value, np.ndarray) else sorted(map(_key, value))
        yield from (Part(f"{path}[{place}]", item, None) for place, item in enumerate(items))
    elif isinstance(value, (list, tuple, deque)):
        for place, item in enumerate(list(value)):
            put = None if isinstance(value, tuple) else partial(value.__setitem__, place)
            yield Part(f"{path}[{place}]", item, put)
    elif isinstance(value, Mapping):
        yield from _of_mapping(path, value)
    yield from _of_wrapper(path, value)
    if f":{AS_IS}" in path and not isinstance(value, ModuleType):
        yield from _as_is(path, value)
    if not isinstance(value, (type, FunctionType, ModuleType, partial, *GROWING[1:], tuple)):
        yield from _attributes(path, value)


def _of_mapping(path: str, value: Mapping[Any, Any]) -> Iterator[Part]:
    try:
        items = list(value.items())
    except Exception:  # a mapping of the user's own
        items = []
    for key, item in items:
        put = partial(_put, value, key) if hasattr(value, "__setitem__") else None
        yield Part(f"{path}[{_key(key)}]", item, put)
    yield Part(f"{path}.<order>", repr([_key(key) for key, _ in items]), None)


def _as_is(path: str, value: Any) -> Iterator[Part]:
    """What code that is not copied can reach: the class of an object, a class's own class, and the
    globals that a function names."""
    if isinstance(value, FunctionType):
        if _root(value) not in sys.stdlib_module_names:
            for name in names_in(value.__code__) & value.__globals__.keys():
                yield Part(f"{path}|{name}", value.__globals__[name], None)
    elif _root(type(value)) not in sys.stdlib_module_names:
        yield Part(f"{path}|{type(value).__name__}", type(value), None)


def names_in(code: CodeType) -> set[str]:
    """The global names that code reads, and those of attributes."""
    return set(code.co_names).union(
        *(names_in(inner) for inner in code.co_consts if isinstance(inner, CodeType)))


def _root(value: Any) -> str:
    return str(value.__module__).split(".")[0]


def _put(mapping: Any, key: Any, value: Any) -> None:
    mapping[key] = value


def _setter(owner: Any, name: str) -> Setter:
    return partial(setattr, owner, name)


def _of_wrapper(path: str, value: Any) -> Iterator[Part]:
    """What methods, properties and partial functions hold."""
    if isinstance(value, MethodType):
        yield Part(f"{path}|{value.__func__.__qualname__}", value.__func__, None)
        yield Part(f"{path}|{type(value.__self__).__name__}", value.__self__, None)
    elif isinstance(value, partial):
        yield Part(f"{path}'s function", value.func, None)
        for place, item in enumerate((*value.args, *value.keywords.values())):
            yield Part(f"{path}'s argument {place}", item, None)
    elif isinstance(value, (staticmethod, classmethod)):
        yield Part(path, value.__func__, None)
    elif isinstance(value, property):
        yield from (Part(path, part, None) for part in (value.fget, value.fset)
                    if part is not None)
    elif isinstance(value, cached_property):
        yield Part(path, value.func, None)


def _attributes(path: str, value: Any) -> Iterator[Part]:
    for name, item in list(getattr(value, "__dict__", {}).items()):
        yield Part(f"{path}.{name}", item, partial(_put, value.__dict__, name))
    if isinstance(value, SimpleNamespace):
        return
    for base in type(value).__mro__:
        names = vars(base).get("__slots__", ())
        for name in (names,) if isinstance(names, str) else tuple(names):
            if not name.startswith("__") and hasattr(value, name):
                yield Part(f"{path}.{name}", getattr(value, name), _setter(value, name))


def _of_function(path: str, function: FunctionType) -> Iterator[Part]:
    title = function.__name__
    code = function.__code__
    defaults = function.__defaults__ or ()
    names = code.co_varnames[:code.co_argcount][-len(defaults):] if defaults else ()

    def put(place: int, value: Any) -> None:
        kept = list(function.__defaults__ or ())
        kept[place] = value
        function.__defaults__ = tuple(kept)

    for place, (name, item) in enumerate(zip(names, defaults, strict=True)):
        yield Part(f"{path}|{name} (a default of {title})", item, partial(put, place))
    for name, item in (function.__kwdefaults__ or {}).items():
        yield Part(f"{path}|{name} (a default of {title})", item,
                   partial(_put, function.__kwdefaults__, name))
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        if isinstance(cell, CellType):
            try:
                yield Part(f"{path}|{name}", cell.cell_contents, _setter(cell, "cell_contents"))
            except ValueError:  # an empty cell
                continue
    for name, item in vars(function).items():
        yield Part(f"{path}|{title}.{name}", item, _setter(function, name))
    for name in ("__name__", "__qualname__", "__doc__", "__annotations__", "__code__"):
        yield Part(f"{path}|{title}.{name}", getattr(function, name), None)


def _key(key: Any) -> str:
    return repr(key) if isinstance(key, (*PLAIN, tuple)) else type(key).__name__
