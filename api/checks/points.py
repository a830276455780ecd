"""Points at which a check looks: sizes that tell axes apart, random inputs of the right kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp

from gradproof.symbolic.equation import Array, size_symbols
from gradproof.symbolic.places import SourceLine
from gradproof.symbolic.proof.sampling import draw, lifted, nearer

Values = dict[str, Any]

SIZES = ((3, 4, 2, 5, 6, 7), (6, 2, 3, 4, 7, 5), (1, 3, 5, 2, 4, 6), (3, 4, 2, 5, 6, 7),
         (3, 3, 3, 3, 3, 3))
"""What the symbolic sizes are in each round: distinct, so that no two axes are mistaken for one
another; once with the first size (the batch, as a rule) equal to 1; the first ones again, with
other numbers, for what was remembered by shape; and all equal."""

INTEGERS = 5
"""How many values integers have whose number of classes is not declared."""


def number_of(value: Any) -> Any:
    """A value for formulas, in which True is 1."""
    return value.astype(int) if isinstance(value, np.ndarray) and value.dtype == bool else value


@dataclass(frozen=True)
class Point:
    """Sizes and values; `given` marks arrays that the user handed in, `elsewhere` ones like them
    at other sizes; `branch` says which branch it was made to take; `redrawn` is "varied" or "all"
    where the sizes are the given ones and what is differentiated by, or all, has other numbers;
    `bound` is the line of the gradient with a bound that it was made to lie beyond."""

    sizes: Mapping[str, int]
    values: Values
    given: bool = False
    elsewhere: bool = False
    branch: str = ""
    redrawn: str = ""
    bound: SourceLine | None = None

    @cached_property
    def numbers(self) -> Values:
        """The values, for formulas."""
        return {name: number_of(value) for name, value in self.values.items()}

    def __str__(self) -> str:
        if self.given:
            return "the given arrays"
        sizes = ", ".join(f"{name} = {number}" for name, number in self.sizes.items())
        if self.redrawn:
            which = "what is differentiated by" if self.redrawn == "varied" else "the arrays"
            return f"the given sizes with other numbers for {which}"
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
        if len(symbols) == 1 and place == 4:
            continue  # it has nothing to be equal to
        numbers = lifted(inputs, {
            s: row[p % len(row)] + p // len(row) * len(row) for p, s in enumerate(symbols)})
        values = {array.name: _drawn(array, numbers, rng) for array in inputs}
        points.append(Point({str(s): n for s, n in numbers.items()}, values))
    return points


def nearer_points(points: Iterable[Point], arrays: Iterable[Array]) -> list[Point]:
    """The points, those that are drawn with small numbers: where something is solved for, there is
    one solution near zero that every search finds."""
    known = {array.name: array for array in arrays}
    return [point if point.given else replace(point, values={
        name: nearer(known[name], value) if name in known else value
        for name, value in point.values.items()}) for point in points]


def _drawn(array: Array, sizes: Mapping[sp.Symbol, int], rng: np.random.Generator) -> Any:
    """Random values of an array.  ValueError where it has more entries than there is memory."""
    try:
        return draw(array, sizes, rng, INTEGERS)
    except MemoryError:
        raise ValueError(
            f"{array.name}: arrays of shape {array.shape} are too large to be drawn; name the "
            "sizes (\"m n\"), and small ones are drawn") from None


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
    return each_of(names, values, np.array)


def each_of(names: Any, values: Mapping[str, Any], made: Callable[[Any], Any] | None = None) -> Any:
    """What is there by name in the place of each name in containers, or what is made of it."""
    if isinstance(names, str):
        return values[names] if made is None else made(values[names])
    if isinstance(names, Mapping):
        return {key: each_of(inner, values, made) for key, inner in names.items()}
    if isinstance(names, list | tuple):
        return type(names)(each_of(inner, values, made) for inner in names)
    return None
