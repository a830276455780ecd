"""Which library's arrays a plain function computes with, by the names that it reads."""

from __future__ import annotations

import dis
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from types import CodeType, FunctionType, ModuleType
from typing import Any

from gradproof.checks.layer_objects.custom_rules import JAX
from gradproof.checks.layer_objects.frameworks import NUMPY, TORCH, Arrays

ENTERS = frozenset({"from_numpy", "as_tensor", "tensor", "numpy"})
"""What a function calls that takes NumPy's arrays and makes its own tensors of them."""
FURTHEST = 100
"""Functions that are looked at."""


def arrays_of(function: Any) -> Arrays:
    """The arrays that a function takes: PyTorch's or JAX's where it, or what it calls of the
    user's, names something of theirs; else NumPy's."""
    if "torch" not in sys.modules and "jax" not in sys.modules:
        return NUMPY
    left, seen, found = [function], set[int](), set[str]()
    while left and len(seen) < FURTHEST:
        one = left.pop()
        one = getattr(one, "func", one) if not isinstance(one, FunctionType) else one
        if id(one) in seen:
            continue
        seen.add(id(one))
        found.add(_root(one))
        inner = getattr(one, "__wrapped__", None)
        left += [] if inner is None else [inner]
        if isinstance(one, FunctionType) and _root(one) not in ("torch", "jax"):
            if ENTERS & {*_names(one.__code__)}:
                return NUMPY
            for value in _read(one):
                if isinstance(value, ModuleType):
                    found.add(value.__name__.split(".")[0])
                elif callable(value) and not isinstance(value, type):
                    left.append(value)
    return TORCH if "torch" in found else JAX if found & {"jax", "jaxlib"} else NUMPY


def rules_of(function: Any) -> list[str]:
    """The functions under JAX's custom_vjp or custom_jvp that a function of the user's reaches,
    each with that: "f (custom_vjp)"."""
    jax = sys.modules.get("jax")
    left, seen, found = [function], set[int](), dict[str, None]()
    while left and len(seen) < FURTHEST and hasattr(jax, "custom_vjp"):
        one = left.pop(0)
        if id(one) in seen or _root(inspect.unwrap(one)) == "jax":
            continue
        seen.add(id(one))
        for kind in ("custom_vjp", "custom_jvp"):
            if isinstance(one, getattr(jax, kind)):
                found[f"{getattr(one, '__name__', 'a function')} ({kind})"] = None
        if (inner := getattr(one, "__wrapped__", None)) is not None:
            left.append(inner)
        if isinstance(one, FunctionType):
            left += [value for value in _read(one)
                     if callable(value) and not isinstance(value, type)]
    return list(found)


def has_names(function: Callable[..., Any]) -> bool:
    """Whether the parameters of a function are known, which those of a built-in need not be."""
    try:
        inspect.signature(function)
    except (TypeError, ValueError):
        return False
    return True


def through(arrays: Arrays, function: Callable[..., Any], /, **arguments: Any) -> Any:
    """What a function returns, handed and handing back NumPy's or traced arrays.

    They go by place where they can: what jax.grad makes takes them so.
    """
    bound = inspect.signature(function).bind(**arguments)
    with arrays.during(), _with_gradients(arrays):
        return arrays.leave(function(*map(arrays.enter, bound.args), **{
            name: arrays.enter(value) for name, value in bound.kwargs.items()}))


def _with_gradients(arrays: Arrays) -> Any:
    """A plain function may ask PyTorch for gradients itself."""
    return sys.modules["torch"].enable_grad() if arrays is TORCH else nullcontext()


def _root(value: Any) -> str:
    if isinstance(value, FunctionType):
        return str(value.__globals__.get("__name__", "")).split(".")[0]
    of = str(type(value).__module__).split(".")[0]
    return of if of != "builtins" else str(getattr(value, "__module__", "")).split(".")[0]


def _read(function: FunctionType) -> list[Any]:
    """What a function reads by the names of its file, and of the function around it."""
    cells = [cell.cell_contents for cell in function.__closure__ or () if _is_full(cell)]
    return [*map(function.__globals__.get, {*_globals(function.__code__)}), *cells]


def _globals(code: CodeType) -> Iterator[str]:
    """The names of its file that code reads: not those of attributes, such as nn of jax.nn, which
    may be another library's there."""
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield str(step.argval)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _globals(inner)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


def _is_full(cell: Any) -> bool:
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False
