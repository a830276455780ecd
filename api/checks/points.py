"""Points at which a check looks: sizes that tell axes apart, random inputs of the right kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from gradproof.symbolic.equation import Array, size_symbols
from gradproof.symbolic.proof.sampling import square

Values = dict[str, Any]

SIZES = ((3, 4, 2, 5, 6, 7), (6, 2, 3, 4, 7, 5), (1, 3, 5, 2, 4, 6))
"""What the symbolic sizes are in each round: distinct, so that no two axes are mistaken for one
another, and once with the first size (the batch, as a rule) equal to 1."""


@dataclass(frozen=True)
class Point:
    """Sizes and values; `given` marks arrays that the user handed in, `elsewhere` ones like them
    at other sizes; `branch` says which branch it was made to take."""

    sizes: Mapping[str, int]
    values: Values
    given: bool = False
    elsewhere: bool = False
    branch: str = ""

    def __str__(self) -> str:
        if self.given:
            return "the given arrays"
        sizes = ", ".join(f"{name} = {number}" for name, number in self.sizes.items())
        if self.branch:
            return f"{sizes or 'a point'}, with {self.branch}"
        return sizes or "a point"


def random_points(inputs: Sequence[Array], seed: int = 0) -> list[Point]:
    """One point for each row of ``SIZES`` (one in all where every size is a number)."""
    symbols = size_symbols(
        (*array.shape, *([] if array.classes is None else [array.classes])) for array in inputs
    )
    points = []
    for place, row in enumerate(SIZES if symbols else SIZES[:2]):
        rng = np.random.default_rng([seed, place])
        numbers = {s: row[p % len(row)] + p // len(row) * len(row) for p, s in enumerate(symbols)}
        values = {array.name: draw(array, numbers, rng) for array in inputs}
        points.append(Point({str(s): n for s, n in numbers.items()}, values))
    return points


def draw(array: Array, sizes: Mapping[sp.Symbol, int], rng: np.random.Generator) -> Any:
    """A random array of the declared shape and kind; real entries are normal, of size one."""
    by = {symbol: sp.Integer(number) for symbol, number in sizes.items()}
    shape = tuple(int(size.xreplace(by)) for size in array.shape)
    match array.kind:
        case "one_hot":
            return np.eye(shape[-1])[rng.integers(shape[-1], size=shape[:-1])]
        case "probability":
            positive = rng.uniform(0.1, 1.0, size=shape)
            return positive / positive.sum(axis=-1, keepdims=True)
        case "positive":
            return rng.uniform(0.2, 2.0, size=shape)
        case "mask":
            return rng.integers(2, size=shape).astype(float)
        case "symmetric" | "orthogonal" | "invertible":
            return square(array.kind, shape[0], rng)
        case "labels" | "integer":
            top = 5 if array.classes is None else int(array.classes.xreplace(by))
            return rng.integers(top, size=shape)
    return rng.normal(size=shape)


def flat(names: Any, values: Any, into: Values | None = None) -> Values:
    """The arrays of (nested) arguments by the names that a trace gave them."""
    found: Values = {} if into is None else into
    if isinstance(names, str):
        found[names] = values
    elif isinstance(names, Mapping):
        for key, inner in names.items():
            flat(inner, values[key], found)
    elif isinstance(names, list | tuple):
        for inner, value in zip(names, values, strict=True):
            flat(inner, value, found)
    return found


def nested(names: Any, values: Mapping[str, Any]) -> Any:
    """Arguments in their containers again, from arrays by name; arrays are copied."""
    if isinstance(names, str):
        return np.array(values[names])
    if isinstance(names, Mapping):
        return {key: nested(inner, values) for key, inner in names.items()}
    if isinstance(names, list | tuple):
        return type(names)(nested(inner, values) for inner in names)
    return None
