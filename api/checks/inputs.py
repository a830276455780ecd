"""The inputs of a check as they are given: shapes, arrays of numbers, or dicts of these."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any

import numpy as np
import sympy as sp

from gradproof.checks.points import Point, Values, flat, nested, random_points
from gradproof.symbolic.equation import Array, Kind
from gradproof.symbolic.shapes import least_sizes, parse_shape

OPTIONAL = ("mask", "one_hot", "constant")
"""Kinds of inputs for which a gradient is checked only where there is one."""


OPTIONS = ("wrt", "inputs", "seed", "repair_seconds", "time_limit", "args", "constants",
           "reference")
"""Keywords of the checks that are no inputs: what one that nothing takes may be meant for."""


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
        names = {name: each(spec, lambda array: array.name) for name, spec in made.items()}
        arrays = tuple(array for spec in made.values() for array in leaves(spec))
        return cls(given, made, names, arrays)

    @property
    def real(self) -> list[str]:
        """The names of what may be differentiated by."""
        return [array.name for array in self.arrays if not array.is_integer
                and array.kind not in OPTIONAL]

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


def meant(name: str, parameters: Iterable[str] = ()) -> str:
    """A clause that asks for the parameter or the option that a name may be meant for, or none.

    >>> meant("seconds"), meant("weigth", ["weight"]), meant("z")
    ('; did you mean repair_seconds=?', '; did you mean weight=?', '')
    """
    near = get_close_matches(name, [*parameters, *OPTIONS, "require"], 1)
    if near == [name]:
        return f"; {name}= is an option of the assertions, such as assert_gradient"
    return f"; did you mean {near[0]}=?" if near else ""


def takes(what: str, function: Callable[..., Any], given: Mapping[str, Any]) -> None:
    """ValueError when a function cannot be called with the inputs, naming the parameter."""
    try:
        signature = inspect.signature(function)
    except ValueError:  # a built-in has none; calling it will tell
        return
    try:
        signature.bind(**given)
    except TypeError as error:
        known = signature.parameters
        unknown = next((name for name in given if name not in known), "")
        raise ValueError(f"{what}: {error}; its parameters are {', '.join(known)}, the inputs "
                         f"given are {', '.join(given)}"
                         f"{meant(unknown, known) if unknown else ''}") from None


def by_default(functions: Iterable[Any], given: Iterable[str]) -> tuple[str, ...]:
    """What is to be said of numbers and words that functions have by default and that are none of
    the inputs: what holds for one value need not hold for another.

    >>> def loss(x, scale=1.0, axis=None): ...
    >>> by_default([loss], ["x"]), by_default([loss], ["x", "scale"])
    (('scale is 1.0 throughout, as by default',), ())
    """
    found: dict[str, Any] = {}
    for function in functions:
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):  # what is built in, or no function
            continue
        found.update({one.name: one.default for one in parameters if one.name not in given
                      and isinstance(one.default, bool | int | float | str)})
    if len(found) == 1:
        return tuple(f"{name} is {value!r} throughout, as by default"
                     for name, value in found.items())
    said = ", ".join(f"{name} = {value!r}" for name, value in found.items())
    return (f"{said} throughout, as by default",) if said else ()


def unseen(functions: Iterable[Any], owners: Iterable[Any] = ()) -> tuple[str, ...]:
    """What is to be said of numbers that functions read of their module, of what is around them or
    of their owners, and that are 0, 1 or -1: a factor or a term that is missing is not seen there.

    owners: the objects and classes whose attributes they are, the nearest first.

    >>> class Scaled:
    ...     scale, units = 1.0, 3
    ...     def forward(self, x): return self.scale * x * self.units
    >>> unseen([Scaled.forward], [Scaled])
    ('scale is 1.0 throughout',)
    """
    found: dict[str, Any] = {}
    owners = [*owners]
    for function in map(inspect.unwrap, functions):
        code = getattr(function, "__code__", None)
        if code is None:
            continue
        own = inspect.getclosurevars(function)
        for name in dict.fromkeys((*code.co_names, *code.co_freevars)):
            values = [vars(owner)[name] for owner in owners if name in getattr(
                owner, "__dict__", {})] + [known[name] for known in (own.nonlocals, own.globals)
                                           if name in known]
            value = values[0] if values else None
            if isinstance(value, int | float | np.number) and not isinstance(value, bool) and (
                    abs(value) in (0, 1)):
                found[name] = value
    return tuple(f"{name} is {value!r} throughout" for name, value in found.items())


def is_numbers(value: Any) -> bool:
    """Whether an input, or one in its container, is an array of numbers."""
    return any(not isinstance(inner, str | Array) for inner in _inner(value))


def _inner(value: Any) -> Iterator[Any]:
    """The shapes and arrays in containers."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _inner(inner)
    elif _is_list(value):
        for inner in value:
            yield from _inner(inner)
    else:
        yield value


def _is_list(value: Any) -> bool:
    """Whether it is a list of inputs; one of numbers is an array."""
    return isinstance(value, list | tuple) and any(
        isinstance(inner, str | Array | np.ndarray | Mapping) or _is_list(inner)
        for inner in value)


def declared(name: str, value: Any) -> Any:
    """A shape, array or container of them as Arrays; numbers stand for their own shape."""
    if isinstance(value, Mapping):
        return {key: declared(str(key), inner) for key, inner in value.items()}
    if _is_list(value):
        return type(value)(declared(f"{name}_{k}", inner) for k, inner in enumerate(value))
    if isinstance(value, Array):
        return replace(value, name=value.name or name)
    if isinstance(value, str):
        return Array(name, parse_shape(value), least=least_sizes(value))
    numbers = np.asarray(value)
    if numbers.dtype.kind not in "fiub":
        raise ValueError(f"{name}: expected a shape such as \"m n\", an Array or numbers, got "
                         f"{value!r:.80}")
    return array_like(name, numbers)


def array_like(name: str, numbers: Any) -> Array:
    """The declaration of an array of numbers, by its shape and dtype."""
    kinds: dict[str, Kind] = {"f": "real", "b": "mask"}
    return Array(name, tuple(map(sp.Integer, numbers.shape)),
                 kinds.get(numbers.dtype.kind, "integer"), truths=numbers.dtype.kind == "b")


def each(spec: Any, made: Callable[[Array], Any]) -> Any:
    """Containers of declared arrays, with what is made of each in its place."""
    if isinstance(spec, Mapping):
        return {key: each(inner, made) for key, inner in spec.items()}
    if isinstance(spec, list | tuple):
        return type(spec)(each(inner, made) for inner in spec)
    return made(spec)


def leaves(spec: Any) -> Iterable[Array]:
    """The declared arrays in a container."""
    found: list[Array] = []
    each(spec, found.append)
    return found
