"""Layers that are handed nothing: Caffe's blobs, and arrays that stand on the layer itself.

``forward(bottom, top)`` and ``backward(top, propagate_down, bottom)`` read and write ``.data`` and
``.diff``; ``forward()`` and ``backward()`` read ``self.X`` and ``self.dY`` and leave ``self.Y`` and
``self.dX``.  Each becomes an object whose two passes take arrays and return arrays.

The classes are made inside of functions: what has a closure, a trace runs with its own NumPy.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gradproof.checks.layer_objects.methods import plain
from gradproof.checks.returned import spelled

MOST = 3
"""Blobs that a layer may have on top."""

OUTPUTS = ("y", "out", "output", "top", "a", "z", "o", "h")
"""What a layer calls its output, where it leaves it on itself."""


def takes_blobs(cls: Any) -> bool:
    """Whether a class is one of Caffe's."""
    forward, backward = (getattr(cls, name, None) for name in ("forward", "backward"))
    return callable(forward) and callable(backward) and (
        _names(forward)[-2:] == ["bottom", "top"]
        and _names(backward)[-3:] == ["top", "propagate_down", "bottom"])


def _names(function: Callable[..., Any]) -> list[str]:
    return [name for name in inspect.signature(function).parameters if name != "self"]


def takes_nothing(layer: Any, ahead: str, behind: str) -> bool:
    """Whether both passes of an object take no arguments."""
    return not _names(getattr(layer, ahead)) and not _names(getattr(layer, behind))


def _blob(module: str) -> type[Any]:
    """The class of blobs, as one of the user's module."""
    xp = np

    class Blob:
        def __init__(self, data: Any) -> None:
            self.data = data
            self._diff: Any = None

        @property
        def diff(self) -> Any:
            if self._diff is None:
                self._diff = xp.zeros(self.data.shape)
            return self._diff

        @diff.setter
        def diff(self, value: Any) -> None:
            self._diff = value

        def reshape(self, *shape: Any) -> None:
            self.data, self._diff = xp.zeros(shape), None

        @property
        def shape(self) -> Any:
            return self.data.shape

        @property
        def count(self) -> Any:
            return self.data.size

        num = property(lambda self: (self.data.shape, xp)[0][0])
        channels = property(lambda self: (self.data.shape, xp)[0][1])
        height = property(lambda self: (self.data.shape, xp)[0][2])
        width = property(lambda self: (self.data.shape, xp)[0][3])

    Blob.__module__ = module
    return Blob


def with_blobs(
    make: Callable[..., Any], names: Sequence[str], real: Sequence[str], tops: int, module: str
) -> type[Any]:
    """A layer of Caffe's as a class whose passes take and return arrays.

    make: makes the layer; names: of the blobs below, in order; real: those that have gradients.
    """
    xp, below, asked, blob = np, tuple(names), frozenset(real), _blob(module)

    class Layer:
        def __init__(self) -> None:
            self.layer = make()

        def forward(self, **arrays: Any) -> Any:
            self.bottom = [blob(arrays[name]) for name in below]
            self.top = [blob(xp.zeros((1,))) for _ in range(tops)]
            for name in ("setup", "reshape"):
                if hasattr(self.layer, name):
                    getattr(self.layer, name)(self.bottom, self.top)
            self.layer.forward(self.bottom, self.top)
            return tuple(one.data for one in self.top)

        def backward(self, *back: Any) -> Any:
            for one, diff in zip(self.top, back, strict=True):
                one.diff = diff
            self.layer.backward(self.top, [name in asked for name in below], self.bottom)
            return {name: one._diff for name, one in zip(below, self.bottom, strict=True)
                    if name in asked and one._diff is not None}

    Layer.__module__ = module
    _sign(Layer.forward, below)
    _sign(Layer.backward, [f"dtop{place}" for place in range(tops)])
    return Layer


def _sign(function: Any, names: Sequence[str]) -> None:
    takes_any = any(p.kind is p.VAR_POSITIONAL
                    for p in inspect.signature(function).parameters.values())
    kind = (inspect.Parameter.POSITIONAL_ONLY if takes_any
            else inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = [inspect.Parameter(name, kind) for name in ("self", *names)]
    function.__signature__ = inspect.Signature(parameters)


def with_attributes(
    make: Callable[..., Any], ahead: str, behind: str, names: Sequence[str], output: str,
    module: str,
) -> type[Any]:
    """A layer whose arrays stand on it, as a class whose passes take and return arrays.

    names: of its inputs; output: the attribute that has its output.
    """
    given, ways = tuple(names), {name: spelled(name) for name in (*names, output)}

    class Layer:
        def __init__(self) -> None:
            self.layer = make()

        def forward(self, **arrays: Any) -> Any:
            for name in given:
                setattr(self.layer, name, arrays[name])
            getattr(self.layer, ahead)()
            return getattr(self.layer, output)

        def backward(self, dout: Any) -> Any:
            there = [key for key in ways[output] if hasattr(self.layer, key)]
            setattr(self.layer, (there or ways[output])[0], dout)
            getattr(self.layer, behind)()
            return {name: getattr(self.layer, key) for name in given
                    for key in ways[name] if getattr(self.layer, key, None) is not None}

    Layer.__module__ = module
    _sign(Layer.forward, given)
    return Layer


def output_of(layer: Any, ahead: str, values: Mapping[str, Any]) -> str:
    """The attribute in which a layer leaves its output; empty where that cannot be told."""
    for name, value in values.items():
        setattr(layer, name, value)
    before = dict(vars(layer))
    getattr(layer, ahead)()
    changed = [name for name, value in vars(layer).items()
               if isinstance(value, np.ndarray | float) and value is not before.get(name)
               and name not in values]
    called = [name for key in OUTPUTS for name in changed if plain(name) == key]
    return called[0] if called else changed[0] if len(changed) == 1 else ""
