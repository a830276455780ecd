"""Where an object holds arrays, and where the gradient of one may be.

A path leads from a layer through attributes, dicts, lists and sublayers:
``self.layers[0].params['W']``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from gradproof.checks.returned import HOLDERS, spelled

LARGEST = 5000
"""Objects that are looked into; a layer with more of them is looked at in part."""


class Step(NamedTuple):
    """An attribute, or an item of a dict or a list."""

    key: Any
    is_item: bool = False


Path: TypeAlias = "tuple[Step, ...]"


@dataclass(frozen=True)
class Held:
    """An array of numbers (or one number) that an object holds, at one or several paths."""

    paths: tuple[Path, ...]
    value: Any


def shown(path: Path) -> str:
    """A path as it stands in the code of a method.

    >>> shown((Step("layers"), Step(0, True), Step("W")))
    'self.layers[0].W'
    """
    return "self" + "".join(f"[{key!r}]" if is_item else f".{key}" for key, is_item in path)


def reached(layer: Any, path: Path) -> Any:
    """What stands at a path; None where there is none."""
    value = layer
    for step in path:
        value = _at(value, step)
        if value is None:
            return None
    return value


def put(layer: Any, path: Path, value: Any) -> None:
    """Puts a value at a path, by making tuples on the way anew."""
    *before, last = path
    owner = reached(layer, tuple(before))
    if isinstance(owner, tuple) and hasattr(owner, "_replace"):
        put(layer, tuple(before), owner._replace(**{last.key: value}))
    elif not last.is_item:
        try:
            setattr(owner, last.key, value)
        except AttributeError:  # a frozen dataclass
            object.__setattr__(owner, last.key, value)
    elif isinstance(owner, tuple):
        put(layer, tuple(before), (*owner[:last.key], value, *owner[last.key + 1:]))
    else:
        owner[last.key] = value


def _at(owner: Any, step: Step) -> Any:
    try:
        return owner[step.key] if step.is_item else getattr(owner, step.key, None)
    except (KeyError, IndexError, TypeError):
        return None


# --- the walk -----------------------------------------------------------------------------------


def held(layer: Any) -> list[Held]:
    """The arrays and numbers that an object holds, in the order in which it got them.

    One array at two paths is held once.
    """
    paths: dict[Any, list[Path]] = {}
    values: dict[Any, Any] = {}
    left: list[tuple[Path, Any]] = [((), layer)]
    seen: set[int] = set()
    while left and len(seen) < LARGEST:
        path, value = left.pop()
        if is_real(value) or _is_whole(value):
            key: Any = id(value) if isinstance(value, np.ndarray) else path
            paths.setdefault(key, []).append(path)
            values[key] = value
        elif id(value) not in seen:
            seen.add(id(value))
            left += [((*path, step), inner) for step, inner in reversed(list(_inside(value)))]
    return [Held(tuple(found), values[key]) for key, found in paths.items()]


def is_real(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return bool(value.dtype.kind == "f")
    return isinstance(value, float | np.floating)


def _is_whole(value: Any) -> bool:
    """Whole numbers may be parameters, too, of a layer that was written down in haste."""
    return isinstance(value, np.ndarray) and value.dtype.kind in "iu"


_LEAVES = (str, bytes, int, complex, type, ModuleType, FunctionType, MethodType,
           BuiltinFunctionType, np.ndarray, np.generic)


_LIBRARIES = ("builtins", "collections", "numpy", "torch", "jax", "jaxlib")
"""Whose objects are not looked into."""


def _inside(value: Any) -> Iterator[tuple[Step, Any]]:
    """The parts of a container, or of an object of a class of the user's."""
    if value is None or isinstance(value, _LEAVES):
        return
    if isinstance(value, Mapping):
        yield from ((Step(key, True), inner) for key, inner in list(value.items()))
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        yield from ((Step(name), getattr(value, name)) for name in value._fields)
        return
    elif isinstance(value, list | tuple):
        yield from ((Step(place, True), inner) for place, inner in enumerate(value))
    if type(value).__module__.partition(".")[0] in _LIBRARIES:
        return
    own = dict(getattr(value, "__dict__", {}))
    for base in type(value).__mro__:
        if base.__module__ in ("builtins", "abc", "typing"):
            continue
        slots = vars(base).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            own.setdefault(name, getattr(value, name, None))
        for name, inner in vars(base).items():  # arrays of the class, which all its objects read
            if isinstance(inner, np.ndarray):
                own.setdefault(name, inner)
    yield from ((Step(name), inner) for name, inner in own.items())


# --- names --------------------------------------------------------------------------------------

_DATA = ("data", "value", "val", "values", "array", "tensor")
"""What an object that is one parameter calls its numbers."""


def name_of(path: Path, whole: bool = False) -> str:
    """A name for an array: the last word of its path, or all of it."""
    words = [str(key) for key, _ in path]
    if len(words) > 1 and words[-1] in _DATA:
        words.pop()
    if not whole:
        words = words[max((k for k, word in enumerate(words) if not word.isdigit()), default=0):]
    made = re.sub(r"\W+", "_", "_".join(re.sub(r"^_\w*?__", "", word) for word in words))
    return made.lstrip("_0123456789") or "parameter"


# --- gradients ----------------------------------------------------------------------------------

_BEFORE = ("d", "g", "grad", "grads", "gradient", "gradients", "delta", "nabla", "dl", "dld",
           "dlossd", "ded", "djd", "dcd", "dparam", "gradof")
_AFTER = ("grad", "grads", "gradient", "gradients", "g", "delta", "bar")
_ONE = ("grad", "gradient", "g", "d", "delta", "grads")
"""What an object that is one parameter calls its gradient."""


def gradient_places(layer: Any, path: Path) -> Iterator[Path]:
    """Where an object may hold the gradient of the array at a path, the likeliest first.

    Beside it under a name such as dW; in a dict or list beside its own, such as grads for params;
    and as ``weight.grad`` for ``weight.data``.
    """
    for at in reversed(range(len(path))):
        owner, step, rest = path[:at], path[at], path[at + 1:]
        if isinstance(step.key, str):
            for key in _named_so(layer, owner, step):
                yield (*owner, step._replace(key=key), *rest)
        if step.is_item:
            continue
        for holder in HOLDERS:
            beside = (*owner, Step(holder))
            if rest:
                yield from _with_keys(layer, beside, rest)
            else:
                yield from _with_keys(layer, beside, (Step(step.key, True),))
        if len(rest) == 1 and isinstance(rest[0].key, str):  # params['W'], and dW beside params
            for key in _named_so(layer, owner, Step(rest[0].key)):
                yield (*owner, Step(key))
    if len(path) > 1 and not path[-1].is_item:
        yield from ((*path[:-1], Step(key)) for key in _ONE)
    yield (*path, Step("grad"))  # of an array that is more than an array
    yield from _alike(layer, path)


def _alike(layer: Any, path: Path) -> Iterator[Path]:
    """The one array in a holder that has the same shape and stands at the same numbers:
    ``grads[1]['W']`` for ``weights[1]``."""
    shape, places = np.shape(reached(layer, path)), [step.key for step in path if step.is_item]
    numbers = [key for key in places if isinstance(key, int)]
    for holder in HOLDERS:
        within = reached(layer, (Step(holder),))
        found = [(Step(holder), *inner) for one in held(within) for inner in one.paths
                 if np.shape(one.value) == shape and numbers == [
                     step.key for step in inner if step.is_item and isinstance(step.key, int)]]
        if len(found) == 1:
            yield found[0]


def in_order(
    layer: Any, name: str, arrays: Sequence[tuple[str, tuple[int, ...]]]
) -> tuple[Path, ...]:
    """The place in a list of gradients that has one for each of the arrays, in their order."""
    shapes, names = [shape for _, shape in arrays], [other for other, _ in arrays]
    return tuple(
        (Step(holder), Step(names.index(name), True)) for holder in HOLDERS
        if isinstance(within := getattr(layer, holder, None), list | tuple) and name in names
        and [getattr(inner, "shape", None) for inner in within] == shapes)


def _with_keys(layer: Any, holder: Path, rest: Path) -> Iterator[Path]:
    yield (*holder, *rest)
    if isinstance(rest[-1].key, str):
        inner = (*holder, *rest[:-1])
        for key in _named_so(layer, inner, rest[-1]):
            yield (*inner, rest[-1]._replace(key=key))


def _named_so(layer: Any, owner: Path, step: Step) -> list[str]:
    """The keys beside a step's that say "the gradient of" it."""
    value = reached(layer, owner)
    if step.is_item:
        there = list(value) if isinstance(value, Mapping) else []
    else:
        there = [name for name in dir(value) if not name.startswith("__")]
    names = [key for key in there if isinstance(key, str) and key != step.key]
    base = _plain(step.key)
    spellings = [spelling for name in dict.fromkeys((step.key, step.key.strip("_")))
                 for spelling in spelled(name)]
    exact = [key for key in spellings if key in names]
    loose = {*(f"{word}{base}" for word in _BEFORE), *(f"{base}{word}" for word in _AFTER)}
    twins = [name for name in names if _plain(name) == base]  # W and w: which dw is meant?
    return [*exact, *(name for name in names
                      if not twins and name not in exact and _plain(name) in loose)]


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def looked_in(path: Path) -> list[str]:
    """Where the gradient of an array is looked for, for a reader; the first few of many."""
    *owner, last = path
    if not isinstance(last.key, str) or (not owner and last.is_item):
        return [f"{shown((*path[:-2], Step(holder)))}[...]" for holder in HOLDERS[:2]]
    beside = tuple(owner[:-1]) if last.is_item else tuple(owner)
    names = [shown((*beside, Step(name))) for name in spelled(last.key.strip("_"))[:3]]
    return [*names, *(shown((*beside, Step(holder), Step(last.key, True)))
                      for holder in HOLDERS[:2])]
