"""A problem that practitioners differentiate: its source, its inputs, and values that fit them."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

import gradproof as gp

Draw = Callable[[np.random.Generator, tuple[int, ...]], NDArray[Any]]

DRAWS: dict[str, Draw] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "positive": lambda rng, shape: rng.uniform(0.5, 2, shape),
    "unit": lambda rng, shape: rng.uniform(0.1, 0.9, shape),
    "small": lambda rng, shape: rng.normal(size=shape) / 10,
    "far": lambda rng, shape: 2 * np.cumsum(np.ones(shape), axis=0) + rng.uniform(size=shape),
    "counts": lambda rng, shape: rng.poisson(2.0, shape).astype(float),
    "mask": lambda rng, shape: (rng.uniform(size=shape) < 0.6).astype(float),
    "sign": lambda rng, shape: rng.choice([-1.0, 1.0], shape),
    "definite": lambda rng, shape: _definite(rng, shape),
    "distribution": lambda rng, shape: rng.dirichlet(np.ones(shape[-1]), shape[:-1]),
    "joint": lambda rng, shape: rng.dirichlet(np.ones(int(np.prod(shape)))).reshape(shape),
    "neighbours": lambda rng, shape: _neighbours(rng, shape),
    "incidence": lambda rng, shape: _incidence(rng, shape),
    "one_hot": lambda rng, shape: np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])],
}
"""How values of an input are drawn, where its kind does not say it."""

NUMBERS = (4, 3, 5, 2, 6, 7)
"""What sizes are, in the order in which they stand in the shapes: no two alike."""


@dataclass(frozen=True)
class Problem:
    """`source` is a text of equations or a NumPy function, as its users write it.

    inputs: name -> shape, or array with a kind.  by: what it is differentiated by (all real inputs
    where that is empty).  second: by which array the Hessian is taken (the smallest of `by`).
    draws: how values are drawn, a name of `DRAWS` or a function.  sizes: numbers for sizes.
    peer: the loss once more, written with the functions that PyTorch has for it.  short: where
    PyTorch's second derivative has fewer digits, by how much it may differ, and why.
    """

    name: str
    source: str | Callable[..., Any]
    inputs: Mapping[str, Any]
    by: tuple[str, ...] = ()
    second: str = ""
    draws: Mapping[str, str | Draw] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    peer: Callable[..., Any] | None = None
    short: tuple[float, str] | None = None

    @property
    def text(self) -> str:
        """The source as it is shown."""
        if isinstance(self.source, str):
            return textwrap.dedent(self.source).strip()
        lines = textwrap.dedent(inspect.getsource(self.source)).strip().splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith("def "))
        return "\n".join(lines[start:])

    @cached_property
    def derivation(self) -> gp.Derivation:
        if isinstance(self.source, str):
            return gp.derive(gp.equations(self.source, **self.inputs), self.by or None)
        return gp.derive(gp.trace(self.source, **self.inputs), self.by or None)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """A number for every size that a shape names."""
        system = self.derivation.system
        names = dict.fromkeys(str(symbol) for array in system.inputs for size in (
            *array.shape, *([array.classes] if array.classes is not None else []))
            for symbol in sorted(getattr(size, "free_symbols", ()), key=str))
        free = [name for name in names if name not in self.sizes]
        return {**dict(zip(free, NUMBERS, strict=False)), **self.sizes}

    def values(self, seed: int = 0) -> dict[str, NDArray[Any]]:
        """Random arrays that fit the inputs."""
        rng = np.random.default_rng(seed)
        found = {}
        for array in self.derivation.system.inputs:
            shape = tuple(self._number(size) for size in array.shape)
            draw = self.draws.get(array.name)
            if array.kind == "labels":
                found[array.name] = rng.integers(0, self._number(array.classes), shape)
            elif draw is None:
                given = DRAWS[_BY_KIND.get(array.kind, "normal")]
                found[array.name] = np.asarray(given(rng, shape))
            else:
                made = DRAWS[draw] if isinstance(draw, str) else draw
                found[array.name] = np.asarray(made(rng, shape), float)
        return found

    def _number(self, size: Any) -> int:
        symbols = getattr(size, "free_symbols", ())
        return int(size.subs({s: self.numbers[str(s)] for s in symbols}) if symbols else size)

    @property
    def hessian_by(self) -> str:
        """The array whose Hessian is taken."""
        if self.second:
            return self.second
        shapes = self.derivation.system.shapes
        return min(self.derivation.gradients,
                   key=lambda name: (not shapes[name], len(shapes[name])))


_BY_KIND = {"positive": "positive", "interval": "unit", "mask": "mask", "sign": "sign",
            "probability": "distribution", "one_hot": "one_hot", "symmetric": "definite"}


def _definite(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[Any]:
    root = rng.normal(size=shape)
    return root @ root.swapaxes(-1, -2) / shape[-1] + np.eye(shape[-1])


def _neighbours(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[Any]:
    """A symmetric matrix of zeros and ones, without loops, in a ring: no node is alone."""
    found = np.triu(rng.uniform(size=shape) < 0.4, 1).astype(float)
    found[np.arange(shape[0] - 1), np.arange(1, shape[0])] = 1
    return found + found.T


def _incidence(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[Any]:
    """Edges by nodes: 1 where an edge ends, -1 where it begins."""
    found = np.zeros(shape)
    for edge in range(shape[0]):
        begin, end = rng.choice(shape[1], 2, replace=False)
        found[edge, begin], found[edge, end] = -1, 1
    return found


class Field:
    """A field's problems, declared one by one."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.problems: dict[str, Problem] = {}

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.problems.values())

    def text(self, name: str, source: str, *, by: str = "", second: str = "",
             draws: Mapping[str, str | Draw] | None = None,
             sizes: Mapping[str, int] | None = None,
             peer: Callable[..., Any] | None = None,
             short: tuple[float, str] | None = None, **inputs: Any) -> None:
        """Declares a text of equations."""
        assert name not in self.problems, name
        self.problems[name] = Problem(name, source, inputs, tuple(by.split()), second,
                                      draws or {}, sizes or {}, peer, short)

    def numpy(self, name: str, **declared: Any) -> Callable[[Callable[..., Any]], Any]:
        """Declares the NumPy function that it decorates."""
        def declare(function: Callable[..., Any]) -> Callable[..., Any]:
            self.text(name, function, **declared)  # type: ignore[arg-type]
            return function
        return declare
