"""The inputs of a check as they are given: shapes, arrays of numbers, or dicts of these."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp

from gradproof.checks.points import Point, Values, flat, nested, random_points
from gradproof.symbolic.equation import Array, Kind
from gradproof.symbolic.shapes import least_sizes, parse_shape


def by_name(inputs: Any, shapes: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of a check: those given in a dict, and those given by keyword.

    What is no dict is the shape of a parameter that is called `inputs` itself.

    >>> by_name("m n", {"w": "n"}), by_name({"wrt": "n"}, {})
    ({'inputs': 'm n', 'w': 'n'}, {'wrt': 'n'})
    """
    if inputs is None:
        return {**shapes}
    return {**inputs, **shapes} if isinstance(inputs, Mapping) else {"inputs": inputs, **shapes}


@dataclass(frozen=True)
class Inputs:
    """Inputs by parameter name.

    given: as the user has them.  declared: the same with an Array at each leaf.
    arguments: the names of these arrays, in the same containers.  arrays: all of them, in order.
    """

    given: Mapping[str, Any]
    declared: Mapping[str, Any]
    arguments: Mapping[str, Any]
    arrays: tuple[Array, ...]

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Inputs:
        """ValueError for what is neither a shape nor numbers, naming the input."""
        made = {name: declared(name, value) for name, value in given.items()}
        names = {name: leaf_names(name, spec) for name, spec in made.items()}
        arrays = tuple(array for spec in made.values() for array in leaves(spec))
        return cls(given, made, names, arrays)

    def points(self, seed: int) -> list[Point]:
        """Random points, or the one that was given where any input came as numbers."""
        points = random_points(self.arrays, seed)
        if not any(is_numbers(value) for value in self.given.values()):
            return points
        values = {name: value for key in self.given
                  for name, value in flat(self.arguments[key], self.given[key]).items()
                  if not isinstance(value, str | Array)}
        return [Point(point.sizes, {**point.values, **values}, given=True)
                for point in points[:1]]

    def at(self, values: Values | Mapping[str, Any]) -> dict[str, Any]:
        """The arguments for arrays by name, in their containers; arrays are copied."""
        return {key: nested(names, values) for key, names in self.arguments.items()}

    def chosen(self, wrt: Iterable[str]) -> list[str]:
        """`wrt`, with a ValueError for a name that is no input."""
        names = list(wrt)
        known = [array.name for array in self.arrays]
        missing = [name for name in names if name not in known]
        if missing:
            raise ValueError(f"wrt: {missing[0]!r} is no input; expected some of {known}")
        if not names:
            raise ValueError(f"wrt: nothing to check; expected some of {known}")
        return names


def takes(what: str, function: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """ValueError when a function cannot be called with the inputs, naming the parameter."""
    try:
        signature = inspect.signature(function)
    except ValueError:  # a built-in has none; calling it will tell
        return
    try:
        signature.bind(**given)
    except TypeError as error:
        raise ValueError(f"{what}: {error}; its parameters are "
                         f"{', '.join(signature.parameters)}, the inputs given are "
                         f"{', '.join(given)}") from None


def is_numbers(value: Any) -> bool:
    """Whether an input, or one in its container, is an array of numbers."""
    if isinstance(value, Mapping):
        return any(is_numbers(inner) for inner in value.values())
    return not isinstance(value, str | Array)


def declared(name: str, value: Any) -> Any:
    """A shape, array or container of them as Arrays; numbers stand for their own shape."""
    if isinstance(value, Mapping):
        return {key: declared(str(key), inner) for key, inner in value.items()}
    if isinstance(value, Array):
        return replace(value, name=value.name or name)
    if isinstance(value, str):
        return Array(name, parse_shape(value), least=least_sizes(value))
    numbers = np.asarray(value)
    if numbers.dtype.kind not in "fiub":
        raise ValueError(f"{name}: expected a shape such as \"m n\", an Array or numbers, got "
                         f"{value!r:.80}")
    kind: Kind = "real" if numbers.dtype.kind == "f" else "integer"
    return Array(name, tuple(map(sp.Integer, numbers.shape)), kind)


def leaf_names(name: str, spec: Any) -> Any:
    """The names of declared arrays in their containers."""
    if isinstance(spec, Mapping):
        return {key: leaf_names(str(key), inner) for key, inner in spec.items()}
    return spec.name if isinstance(spec, Array) else name


def leaves(spec: Any) -> Iterable[Array]:
    """The declared arrays in a container."""
    if isinstance(spec, Mapping):
        for inner in spec.values():
            yield from leaves(inner)
    else:
        yield spec
