"""Passes that compute with another library's arrays: PyTorch's autograd functions.

The rest of the house hands them NumPy arrays, or traced ones, and takes the like back; nothing of
a library is imported here, as an object of its has imported it already.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradproof.checks.layer_objects.contexts import Context, own
from gradproof.checks.returned import LayerError
from gradproof.symbolic.tracing.session import Holder
from gradproof.symbolic.tracing.torch.tensor import plain, wrapped
from gradproof.symbolic.tracing.tracer import Tracer


@dataclass(frozen=True)
class Arrays:
    """The arrays that passes compute with.

    enter, leave: from NumPy's or traced ones to theirs, and back.  during: around each pass.
    """

    enter: Callable[[Any], Any] = lambda value: value
    leave: Callable[[Any], Any] = lambda value: value
    during: Callable[[], Any] = nullcontext


NUMPY = Arrays()


def _tensor(value: Any) -> Any:
    if isinstance(value, Tracer):
        return wrapped(value)
    if isinstance(value, list | tuple):
        return type(value)(map(_tensor, value))
    if isinstance(value, dict):
        return {key: _tensor(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return sys.modules["torch"].from_numpy(np.asarray(value))
    return value


def _array(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(map(_array, value))
    if isinstance(value, dict):
        return {key: _array(inner) for key, inner in value.items()}
    if isinstance(value, Holder):
        return plain(value)
    if isinstance(value, sys.modules["torch"].Tensor):
        return value.detach().cpu().numpy()
    return value


@contextmanager
def _in_doubles() -> Iterator[None]:
    """What a pass makes from nothing is as precise as what it is handed."""
    torch = sys.modules["torch"]
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad():
            yield
    finally:
        torch.set_default_dtype(before)


TORCH = Arrays(_tensor, _array, _in_doubles)


def is_autograd_function(source: Any) -> bool:
    """Whether it is a subclass of torch.autograd.Function."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(source, type) and issubclass(
        source, torch.autograd.Function)


class _OwnContext:
    """The context of an autograd function."""

    arrays = TORCH

    def mark_non_differentiable(self, *arrays: Any) -> None:
        raise LayerError("an autograd function that marks outputs as not differentiable: check "
                         "one that returns the others alone")


def of_autograd_function(source: Any) -> type[Any]:
    """A class whose objects are contexts and whose methods are the function's two passes.

    LayerError for one that has no passes of its own.
    """
    found = {}
    for name in ("forward", "backward", "setup_context", "vjp"):
        for owner in source.__mro__:
            if owner.__module__.split(".")[0] != "torch" and name in vars(owner):
                found[name] = _plain(vars(owner)[name])
                break
    behind = found.get("backward") or found.get("vjp")
    if "forward" not in found or behind is None:
        raise LayerError(f"{source.__name__}: expected an autograd function with a forward and a "
                         f"backward of its own, and it has {', '.join(found) or 'neither'}")
    methods: dict[str, Any] = {"forward": found["forward"], "backward": behind}
    if "setup_context" in found:
        methods |= {"forward": _joined(found["forward"]), "ahead": staticmethod(found["forward"]),
                    "setup": staticmethod(found["setup_context"])}
    return type(source.__name__, (), {
        **own(Context), **own(_OwnContext), **methods, "__module__": source.__module__})


def by_place(returned: Any, names: Sequence[str]) -> dict[str, Any]:
    """Gradients by the parameters of forward, in whose places they are returned.

    LayerError where there are more or fewer, as PyTorch says too.
    """
    values = returned if isinstance(returned, tuple | list) else (returned,)
    if len(values) != len(names):
        raise LayerError(f"backward returns {len(values)} gradients, expected {len(names)}, one "
                         f"for each parameter of forward ({', '.join(names)}), and None for what "
                         "has none")
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}


def _plain(method: Any) -> Any:
    """The user's function, without the decorators that PyTorch has for it."""
    function = method.__func__ if isinstance(method, staticmethod | classmethod) else method
    while function.__module__.split(".")[0] == "torch" and hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function


def _joined(ahead: Callable[..., Any]) -> Callable[..., Any]:
    """A forward pass that also fills the context, as PyTorch calls the two."""
    names = list(inspect.signature(ahead).parameters)

    def forward(self: Any, /, **arguments: Any) -> Any:
        inputs = tuple(arguments[name] for name in names if name in arguments)
        output = self.ahead(*inputs)
        self.setup(self, inputs, output)
        return output

    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    forward.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [own, *inspect.signature(ahead).parameters.values()])
    return forward
