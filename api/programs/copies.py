"""Values of a scope as they are now: copies of arrays, containers and objects of the user's."""

from __future__ import annotations

import ast
import inspect
import random
import re
from collections.abc import Mapping, Set
from types import BuiltinFunctionType, FunctionType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from gradproof.checks.layer_objects.places import Held, Path, Step, held

LARGEST = 4_000_000
"""Entries of an array that is copied; a larger one is taken as it is."""

MOST_ITEMS = 1000
"""Items of a container that is copied with what is in it; a longer one is a data set."""

_KEPT = ("builtins", "numpy", "collections", "types")


def copied(value: Any, known: dict[int, Any] | None = None) -> Any:
    """A value that keeps what it has, whatever happens to the one it was made of.

    Arrays, lists, dicts, tuples, sets and objects of plain classes are copied; all else, and what
    is very large, is the same.  known: copies by the id of what they were made of, so that what is
    one object stays one.
    """
    known = {} if known is None else known
    if id(value) in known:
        return known[id(value)][1]

    def keep(made: Any) -> Any:
        known[id(value)] = (value, made)
        return made

    if type(value) is np.ndarray:
        return keep(value.copy() if value.size <= LARGEST and value.dtype.kind != "O" else value)
    if type(value) in (list, dict, set, tuple) and len(value) > MOST_ITEMS:
        return keep(value)
    if type(value) is list:
        made: Any = keep([])
        made += [copied(inner, known) for inner in value]
    elif type(value) is dict:
        made = keep({})
        made.update((key, copied(inner, known)) for key, inner in value.items())
    elif type(value) is tuple:
        made = keep(tuple(copied(inner, known) for inner in value))
    elif type(value) is set:
        made = keep(set(value))
    elif is_object(value):
        made = _object(value, keep, known)
    else:
        made = value
    return made


def _object(value: Any, keep: Any, known: dict[int, Any]) -> Any:
    kind = type(value)
    plain = next((base for base in (list, dict) if isinstance(value, base)), None)
    try:
        made = keep(plain.__new__(kind) if plain else object.__new__(kind))
    except TypeError:  # a class that is made otherwise
        return keep(value)
    if plain is list:
        list.extend(made, (copied(inner, known) for inner in list.__iter__(value)))
    elif plain is dict:
        dict.update(made, {key: copied(inner, known) for key, inner in dict.items(value)})
    for name, inner in vars(value).items():
        object.__setattr__(made, name, copied(inner, known))
    for part in kind.__mro__:
        for name in getattr(part, "__slots__", ()):
            if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                object.__setattr__(made, name, copied(getattr(value, name), known))
    return made


def is_object(value: Any) -> bool:
    """Whether a value is an object of a class of the user's, which is looked into."""
    kind = type(value)
    if isinstance(value, type) or (callable(value) and not hasattr(kind, "__mro__")):
        return False
    root = kind.__module__.partition(".")[0]
    return (kind is SimpleNamespace or root not in _KEPT) and (
        kind.__flags__ & _HEAP_TYPE != 0) and hasattr(value, "__dict__") and root not in _LIBRARIES


_OWN = re.compile(r"__\w+__$|(_i*\d*|_+|_[io]h|_dh|In|Out)$")
"""Names that are Python's own, and a notebook's: what was typed and shown before."""

_HEAP_TYPE = 1 << 9
_LIBRARIES = frozenset({
    "pandas", "matplotlib", "sklearn", "torch", "tensorflow", "keras", "jax", "scipy", "sympy",
    "PIL", "IPython", "ipykernel", "tqdm", "h5py", "pathlib", "logging", "threading", "random",
    "seaborn", "plotly", "cv2", "gradproof", "typing", "abc", "functools", "itertools", "io", "re",
    "datetime", "collections", "enum", "argparse", "json", "csv", "contextlib", "dataclasses",
})


def held_by_names(space: SimpleNamespace) -> list[Held]:
    """The arrays and numbers of a scope; those of an object that has two names are at both."""
    names: dict[int, list[str]] = {}
    for name, value in vars(space).items():
        names.setdefault(id(value), []).append(name)
    found = []
    for one in held(space):
        paths = [(Step(name), *path[1:]) for path in one.paths for name in (
            names[id(getattr(space, path[0].key))] if len(path) > 1 else [path[0].key])]
        found.append(Held(tuple(dict.fromkeys(paths)), one.value))
    return found


def scope_of(names: dict[str, Any]) -> SimpleNamespace:
    """The variables of a scope, copied: no modules, functions and classes, which stay as they are.
    """
    known: dict[int, Any] = {}
    return SimpleNamespace(**{
        name: copied(value, known) for name, value in list(names.items())
        if not _OWN.match(name) and name.isidentifier()})


def is_code(value: Any) -> bool:
    """Whether a value is a module, a class or a function."""
    return isinstance(value, ModuleType | type | FunctionType | BuiltinFunctionType)


def is_drawn_from(value: Any) -> bool:
    """Whether a value is a source of random numbers, which goes on by itself."""
    return isinstance(value, np.random.Generator | np.random.RandomState | random.Random)


def is_mutable(value: Any) -> bool:
    """Whether a function that is handed it may leave something in it."""
    plain = (type(None), bool, int, float, complex, str, bytes, tuple, frozenset, np.generic,
             ModuleType, type)
    return not isinstance(value, plain) and not inspect.isroutine(value)


def shown(path: Path) -> str:
    """A path as it stands in the program: ``self.params['W']``, ``parameters['W1']``."""
    first, *rest = path
    return str(first.key) + "".join(
        f"[{key!r}]" if is_item else f".{key}" for key, is_item in rest)


def is_drawn(
    statement: ast.stmt, values: Mapping[str, Any], varied: Set[str], moved: Set[str]
) -> bool:
    """Whether a statement assigns a draw, or what follows from draws and settings alone:
    ``mask = self.rng.random(h.shape) < self.keep``.

    varied: names through which parameters are reached.  moved: what changes in a pass.
    """
    if not isinstance(statement, ast.Assign):
        return False
    left: list[ast.AST] = [statement.value]
    has_draw = False
    while left:
        node = left.pop()
        if isinstance(node, ast.Call) and _is_draw(node, values):
            has_draw = True
            continue
        if isinstance(node, ast.Attribute) and ast.unparse(node) not in moved and isinstance(
                attribute(node, values), bool | int | float):
            continue
        if isinstance(node, ast.Name) and node.id in varied:
            return False
        left += ast.iter_child_nodes(node)
    return has_draw


def _is_draw(value: ast.expr, values: Mapping[str, Any]) -> bool:
    """Whether a value is a draw: ``rng.choice(3, p=p)``, ``np.random.normal(mean)``."""
    if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Attribute):
        return False
    owner = attribute(value.func.value, values)
    return is_drawn_from(owner) or owner is np.random or owner is random


def attribute(part: ast.expr, values: Mapping[str, Any]) -> Any:
    """What a name, or an attribute of it, is; None where it is something else."""
    if isinstance(part, ast.Attribute):
        owner = attribute(part.value, values)
        return vars(owner).get(part.attr) if hasattr(owner, "__dict__") else None
    return values.get(part.id) if isinstance(part, ast.Name) else None
