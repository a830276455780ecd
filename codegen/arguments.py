"""The arrays a compiled function is given, as it computes with them: real ones as floats, labels
as integers in their range, shapes that fit; and results that share no memory with them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ..symbolic.equation import Array, Read, Size, System
from ..symbolic.evaluator import size_number

Sizes: TypeAlias = Mapping[sp.Symbol, int]

SCALARS_WIDEN = np.__version__.startswith("1.")
"""Whether a float32 of no axes, times a Python number, is a float64 (NumPy 1; NEP 50)."""

REMEMBERED = 64
"""Kinds of calls (shapes and types) that are known to fit; beyond it they are forgotten."""


class Arguments:
    """The arguments of calls, checked: in full at the first call with the same types and shapes,
    and their labels at each."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.names = [array.name for array in system.inputs]
        self.bounds = bounds(system)
        self._wanted = set(self.names)
        self._fitting: dict[Any, tuple[Sizes, bool]] = {}

    def __call__(self, arrays: Mapping[str, Any]) -> tuple[list[Any], bool]:
        """The inputs' values in their order, and whether one of them is complex.

        Raises TypeError for a missing or unknown input, ValueError for one that does not fit.
        """
        if arrays.keys() != self._wanted:
            raise TypeError(f"expected the inputs {self.names}; missing "
                            f"{[n for n in self.names if n not in arrays]}, unknown "
                            f"{sorted(arrays.keys() - self._wanted)}")
        given = [arrays[name] for name in self.names]
        try:
            kinds = tuple([(type(one), one.dtype, one.shape) for one in given])
            known = self._fitting.get(kinds)
        except (AttributeError, TypeError):  # no array, or one of another library
            kinds, known = (), None
        if known is None:
            converted = as_computed(self.system, arrays)
            before, given = given, [converted[name] for name in self.names]
            known = fitted(self.system.inputs, given), any(one.dtype.kind == "c" for one in given)
            if kinds and all(one is two for one, two in zip(before, given, strict=True)):
                if len(self._fitting) >= REMEMBERED:
                    self._fitting.clear()
                self._fitting[kinds] = known
        sizes, is_complex = known
        for name, place, size, number in self._ranges(sizes):
            check_range(name, given[place], size, number)
        return given, is_complex

    def checks(self, given: Sequence[Any]) -> list[tuple[str, int]]:
        """What is to be asked of labels in arrays of the shapes of `given`: name, and the number
        that they are below."""
        return [(name, number) for name, _, _, number in self._ranges(
            fitted(self.system.inputs, given))]

    def _ranges(self, sizes: Sizes) -> Iterator[tuple[str, int, Size, int]]:
        for name, below in self.bounds.items():
            for size in below:
                if size.free_symbols <= sizes.keys():  # a number of classes need not be a shape's
                    yield name, self.names.index(name), size, size_number(size, sizes)


def fitted(
    inputs: Sequence[Array], given: Sequence[Any], known: Sizes | None = None
) -> dict[sp.Symbol, int]:
    """The sizes that the shapes of the inputs' values show, beside those that are known.

    Raises ValueError for a shape that does not fit.
    """
    sizes = dict(known or {})
    for array, value in zip(inputs, given, strict=True):
        if len(array.shape) != np.ndim(value):
            raise ValueError(f"{array.name}: expected {len(array.shape)} axes {array.shape}, got "
                             f"shape {np.shape(value)}")
        for size, number in zip(array.shape, np.shape(value), strict=True):
            if size.is_Symbol:
                sizes.setdefault(size, number)
    _solve_sizes(inputs, given, sizes)
    for array, value in zip(inputs, given, strict=True):
        if np.shape(value) != tuple(size_number(size, sizes) for size in array.shape):
            raise ValueError(
                f"{array.name}: expected shape ({', '.join(map(str, array.shape))})"
                + "".join(f", {s} = {n}" for s, n in sizes.items())
                + f"; got {np.shape(value)}"
            )
    return sizes


def _solve_sizes(
    inputs: Sequence[Array], given: Sequence[Any], sizes: dict[sp.Symbol, int]
) -> None:
    """Adds the sizes that no axis shows alone: d of an axis of 2 d, of n + d where n is known."""
    pairs = [(size, number) for array, value in zip(inputs, given, strict=True)
             for size, number in zip(array.shape, np.shape(value), strict=True)]
    found = True
    while found:
        found = False
        for size, number in pairs:
            rest = size.xreplace({s: sp.Integer(n) for s, n in sizes.items()})
            symbols = rest.free_symbols
            if len(symbols) != 1 or not sp.diff(rest, *symbols).is_Integer:
                continue
            (symbol,) = symbols
            value = (number - rest.coeff(symbol, 0)) / sp.diff(rest, symbol)
            if value.is_Integer and value > 0:
                sizes[symbol], found = int(value), True


def as_computed(system: System, values: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """The inputs as arrays: those that are real by declaration of a floating-point (or complex)
    type, since integers wrap at the end of theirs; those of integers as int64.

    Floats keep their type.  Integers and booleans take that of the other real inputs where it
    holds them all, else float64.  Raises ValueError for an array that is no numbers, or for
    labels that are no integers.
    """
    arrays = {array.name: np.asarray(values[array.name]) for array in system.inputs}
    floats = [found.dtype for found in arrays.values() if found.dtype.kind == "f"]
    if len(floats) == len(arrays) and not any(array.is_integer for array in system.inputs):
        return arrays  # as nearly always: nothing to convert
    together = np.result_type(*floats) if floats else np.dtype(float)
    for array in system.inputs:
        found = arrays[array.name]
        if found.dtype.kind not in "biufcO":
            raise ValueError(f"{array.name}: expected an array of numbers, got one of type "
                             f"{found.dtype}; give it as floats or integers")
        if array.is_integer:
            arrays[array.name] = _integers(array, found)
        elif found.dtype.kind in "biu":
            arrays[array.name] = found.astype(np.result_type(found.dtype, together))
    return arrays


def _integers(array: Array, found: NDArray[Any]) -> NDArray[np.int64]:
    """Labels as int64; a boolean array would pick by mask, and a small type would wrap."""
    if found.dtype == np.int64:
        return found
    if found.dtype.kind not in "biu":
        whole = np.isfinite(found) & (np.floor(found) == found) if found.dtype.kind == "f" else (
            np.zeros(found.shape, bool))
        if not whole.all():
            place = _first(~whole)
            raise ValueError(f"{_entry(array.name, place)}: expected an integer, got "
                             f"{found[place]}; {array.name} is declared as {array.kind!r}")
    return found.astype(np.int64)


def bounds(system: System) -> dict[str, tuple[Size, ...]]:
    """For each input of integers, the sizes that its entries are below: its number of classes, and
    the lengths of the axes from which it picks entries."""
    found = {a.name: {a.classes} - {None} for a in system.inputs if a.is_integer}
    shapes = system.shapes
    for equation in system.equations:
        for read in equation.reads:
            if read.array not in shapes:  # the value of an index
                continue
            for entry, size in zip(read.at, shapes[read.array], strict=True):
                if isinstance(entry, Read) and entry.array in found:
                    found[entry.array].add(size)
    return {name: tuple(sorted((s for s in sizes if s is not None), key=sp.default_sort_key))
            for name, sizes in found.items()}


def is_below(found: NDArray[Any], number: int) -> bool:
    """Whether all entries are from 0 to number - 1."""
    return not found.size or bool(found.min() >= 0 and found.max() < number)


def check_range(name: str, found: NDArray[Any], size: Size, number: int) -> None:
    """Raises ValueError for an entry outside 0 ... number - 1, naming the first of them."""
    if is_below(found, number):
        return
    place = _first((found < 0) | (found >= number))
    shown = str(number) if size == number else f"{size} = {number}"
    raise ValueError(f"{_entry(name, place)}: expected an integer from 0 to {number - 1} (below "
                     f"{shown}), got {found[place]}; number the classes from 0")


def _first(wrong: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(place) for place in np.unravel_index(int(np.argmax(wrong)), wrong.shape))


def _entry(name: str, place: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(map(str, place))}]" if place else name


def owned(results: Sequence[Any], inputs: Sequence[NDArray[Any]]) -> tuple[Any, ...]:
    """The results, copied where one is (a view of) an input or of a result before it: who changes
    a gradient in place must change nothing else."""
    seen = {id(array if array.base is None else _owner(array)) for array in inputs}
    mine = []
    for result in results:
        if SCALARS_WIDEN:
            result = _as_precise(result, inputs)
        if isinstance(result, np.ndarray):
            owner = result if result.base is None else _owner(result)
            if id(owner) in seen or (owner is not result and not result.flags.writeable):
                owner = result = result.copy()
            seen.add(id(owner))
        mine.append(result)
    return tuple(mine)


def _as_precise(result: Any, inputs: Sequence[NDArray[Any]]) -> Any:
    """A result in the precision of the inputs, where the arithmetic of scalars widened it."""
    floats = [array.dtype for array in inputs if array.dtype.kind == "f"]
    if not floats or getattr(result, "dtype", np.dtype(int)).kind != "f":
        return result
    wanted = np.result_type(*floats)
    return result if result.dtype == wanted else result.astype(wanted)


def _owner(array: Any) -> Any:
    """The array whose memory this one is a view of; itself where it has its own."""
    while isinstance(array, np.ndarray) and isinstance(array.base, np.ndarray):
        array = array.base
    return array
