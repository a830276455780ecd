"""Passes that are plain functions: of a class that is a namespace, with or without a context.

``forward(ctx, x)`` and ``backward(ctx, g)`` leave on `ctx` what the second needs.  The two become
methods of a context, so that the rest of the house sees an object with two methods.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

CONTEXTS = ("ctx", "context", "self", "cls", "state", "tape", "store")
"""What passes call the object that carries what they save."""


class Context:
    """What is kept between two passes, with the names that frameworks have for it."""

    def __init__(self) -> None:
        self.saved_tensors: tuple[Any, ...] = ()
        self.needs_input_grad = (True,) * 64

    def save_for_backward(self, *arrays: Any) -> None:
        self.saved_tensors = arrays

    @property
    def saved_values(self) -> tuple[Any, ...]:
        return self.saved_tensors

    saved_variables = saved_arrays = saved = saved_values

    def mark_non_differentiable(self, *arrays: Any) -> None:
        """Says nothing here: what has no gradient is not asked for one."""

    mark_dirty = set_materialize_grads = mark_non_differentiable


def takes_context(function: Callable[..., Any], given: Mapping[str, Any]) -> bool:
    """Whether the first parameter of a plain function is a context."""
    try:
        names = list(inspect.signature(function).parameters)
    except ValueError:  # of a built-in
        return False
    return bool(names) and names[0] in CONTEXTS and names[0] not in given


def with_context(
    owner: Any, passes: Mapping[str, Callable[..., Any]]
) -> type[Any]:
    """A class whose objects are contexts and whose methods are the passes.

    owner: the class that they stand in, or a function; it gives title and module.
    """
    bases = (owner,) if isinstance(owner, type) else ()
    return type(owner.__name__, bases, {**own(Context), **passes, "__module__": owner.__module__})


def own(base: type) -> dict[str, Any]:
    """What a class has of its own, for one that is not to be this house's: a trace copies the
    user's classes, with stand-ins for what they call, and leaves those whose bases are not theirs.
    """
    return {name: value for name, value in vars(base).items()
            if name not in ("__dict__", "__weakref__", "__module__", "__doc__")}


def as_object(title: str, module: str, methods: Mapping[str, Callable[..., Any]]) -> Any:
    """An object whose methods are functions that know nothing of it."""
    return type(title, (), {**{name: staticmethod(function) for name, function in methods.items()},
                            "__module__": module})()
