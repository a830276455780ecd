"""Passes that compute with another library's arrays: what goes in, and what comes out of them.

The rest of the house hands them NumPy arrays, or traced ones, and takes the like back; nothing of
a library is imported here, as an object of its has imported it already.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradproof.checks.returned import LayerError
from gradproof.symbolic.tracing.session import Holder
from gradproof.symbolic.tracing.torch.tensor import is_one, plain, prepared, wrapped
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
        prepared(sys.modules["torch"])
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
    with by_default(torch.float64), torch.no_grad():
        yield


@contextmanager
def by_default(dtype: Any) -> Iterator[None]:
    """What is made from nothing is of a type; and one thread, as several wait for each other over
    few numbers (a log_sigmoid of six takes milliseconds on a machine that is busy)."""
    torch = sys.modules["torch"]
    before, threads = torch.get_default_dtype(), torch.get_num_threads()
    torch.set_default_dtype(dtype)
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_default_dtype(before)
        torch.set_num_threads(threads)


def is_real(value: Any) -> bool:
    """Whether PyTorch asks for a gradient by an input: by an array of floats."""
    if isinstance(value, Tracer):
        return value.kind == "float"
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


TORCH = Arrays(_tensor, _array, _in_doubles)


def by_place(
    returned: Any, names: Sequence[str], left: Collection[str] = ()
) -> dict[str, Any]:
    """Gradients by the parameters of forward, in whose places they are returned.

    left: parameters that were not handed over, so that no place is due for them.

    LayerError where there are more or fewer, as PyTorch says too.
    """
    values = list(returned) if isinstance(returned, tuple | list) else [returned]
    while len(values) > len(names) and values[-1] is None:
        values.pop()
    if not set(names[len(values):]) <= set(left) or len(values) > len(names):
        raise LayerError(f"backward returns {len(values)} gradients, expected {len(names)}, one "
                         f"for each parameter of forward ({', '.join(names)}), and None for what "
                         "has none")
    return {name: value for name, value in zip(names, values, strict=False) if value is not None}


def summed_to(value: Any, like: Any) -> Any:
    """A gradient summed over the axes along which its input was broadcast, as PyTorch does."""
    if not hasattr(value, "ndim") or not hasattr(like, "ndim") or value.ndim < like.ndim:
        return value
    lead = value.ndim - like.ndim
    found = value.sum(axis=tuple(range(lead))) if lead else value
    ones = tuple(axis for axis, (have, want) in enumerate(
        zip(found.shape, like.shape, strict=True)) if is_one(want) and not is_one(have))
    return found.sum(axis=ones, keepdims=True) if ones else found
