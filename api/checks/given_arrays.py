"""From arrays of numbers to shapes with symbolic sizes, and arrays like them at other sizes.

Equal sizes get one symbol, so what is said for the symbols holds for the given sizes too.  Arrays
with a pattern in their numbers (labels, one-hot rows, probabilities, positive entries) are declared
and drawn with that pattern; an axis along which no array can be drawn keeps its number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import sympy as sp

from gradproof.checks.inputs import Inputs, leaves
from gradproof.checks.points import INTEGERS, SIZES, Point, Values, flat
from gradproof.symbolic.assumptions import Assumption, Fact
from gradproof.symbolic.equation import Array, Kind, size_names, size_symbols
from gradproof.symbolic.proof.sampling import draw
from gradproof.symbolic.shapes import parse_shape

NAMES = ("m", "n", "p", "q", "r", "s")
"""Names of sizes in the order in which they are met; arrays with more distinct ones keep theirs."""

PATTERNS: dict[Kind, Fact] = {
    "one_hot": "given one_hot", "probability": "given probability", "positive": "given positive",
    "mask": "given mask",
}
"""Kind of a given array: what its numbers were seen to be."""


@dataclass(frozen=True)
class Given:
    """An array of numbers: its declaration with numbers for sizes, and what it looks like.

    kind: what a proof may assume, as the numbers show it.
    fixed: axes along which nothing like it can be drawn, because its sums along them are constant.
    """

    array: Array
    numbers: Any
    fixed: frozenset[int] = frozenset()

    @property
    def assumption(self) -> Assumption | None:
        """What the declaration took from the numbers, if anything."""
        fact = PATTERNS.get(self.array.kind)
        return Assumption(self.array.name, fact) if fact else None

    def like(self, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
        """Another array of the kind, from random slices of this one where the kind says little."""
        if self.array.is_integer or self.fixed:
            found: Any = self.numbers
            for axis, size in enumerate(shape):
                if axis not in self.fixed:
                    found = np.take(found, rng.integers(found.shape[axis], size=size), axis)
            return found
        drawn = draw(replace(self.array, shape=tuple(map(sp.Integer, shape))), {}, rng)
        scale = float(np.sqrt(np.mean(np.square(self.numbers)))) if self.numbers.size else 1.0
        usual = 1e-3 < scale < 1e3 or self.array.kind not in ("real", "positive")
        return np.asarray(drawn if usual else scale * drawn).astype(self.numbers.dtype)


def given_array(name: str, value: Any) -> Given:
    """An array of numbers with its kind; ValueError for anything else."""
    numbers = np.asarray(value)
    if numbers.dtype.kind not in "fiub":
        raise ValueError(f"{name}: expected a shape such as \"m n\", an Array or numbers, got "
                         f"{value!r:.80}")
    shape = tuple(map(sp.Integer, numbers.shape))
    kind = _kind(numbers)
    fixed = frozenset[int]()
    if kind in ("real", "mask") and numbers.size > 1 and np.all(numbers >= 0):
        fixed = frozenset(
            axis for axis, size in enumerate(numbers.shape)
            if size > 1 and _constant(numbers.sum(axis=axis, dtype=float))
        )
    return Given(Array(name, shape, kind), numbers, fixed)


def _kind(numbers: Any) -> Kind:
    if numbers.dtype.kind != "f":
        return "integer"
    if numbers.size < 2 or not np.all(np.isfinite(numbers)) or np.any(numbers < 0):
        return "real"
    rows = numbers.ndim and numbers.shape[-1] > 1 and _ones(numbers.sum(axis=-1, dtype=float))
    if np.all((numbers == 0) | (numbers == 1)):
        if not np.any(numbers) or np.all(numbers == 1):
            return "real"  # a bias at its start, or a placeholder
        return "one_hot" if rows else "mask"
    if rows:
        return "probability"
    return "positive" if np.all(numbers > 0) and numbers.size > 7 else "real"


def _ones(sums: Any) -> bool:
    return bool(np.all(np.abs(sums - 1) < 1e-6))


def _constant(sums: Any) -> bool:
    return np.size(sums) > 1 and bool(np.ptp(sums) <= 1e-6 * np.max(np.abs(sums)))


@dataclass(frozen=True)
class General:
    """Inputs that came as numbers, seen as examples of inputs of any size.

    reserved: names that no size may be given.  kept: sizes that stay numbers.
    """

    inputs: Inputs
    reserved: frozenset[str] = frozenset()
    kept: frozenset[int] = frozenset()

    @cached_property
    def given(self) -> dict[str, Given]:
        """The arrays of numbers, by name."""
        inputs = self.inputs
        return {
            name: given_array(name, value) for key in inputs.given
            for name, value in flat(inputs.arguments[key], inputs.given[key]).items()
            if not isinstance(value, str | Array)
        }

    @cached_property
    def _rest(self) -> list[Array]:
        return [array for array in self.inputs.arrays if array.name not in self.given]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The different lengths of axes of the given arrays, in the order in which they are met."""
        return tuple(dict.fromkeys(n for g in self.given.values() for n in g.numbers.shape
                                   if n > 1))

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """What `patterned` declarations take from the numbers."""
        found = (given.assumption for given in self.given.values())
        return tuple(assumption for assumption in found if assumption is not None)

    def declarations(self) -> Iterator[Mapping[str, Any]]:
        """The inputs with symbols for the given sizes: for all of them, for fewer, for none."""
        sizes = [n for n in self.sizes if n not in self.kept]
        kept = [(), *((n,) for n in sizes), *(tuple(k for k in sizes if k != n) for n in sizes)]
        for keep in dict.fromkeys(kept):
            if self.given and len(keep) < len(sizes):
                by = self._symbols(keep)
                yield self._exchanged({
                    name: replace(array, kind="integer" if array.is_integer else "real")
                    for name, array in by.items()
                })
        yield self.inputs.declared

    def patterned(self, declared: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """The declared inputs with the patterns that the numbers show, if they show any."""
        if self.assumptions:
            yield self._exchanged({
                array.name: replace(array, kind=self.given[array.name].array.kind)
                for spec in declared.values() for array in leaves(spec)
                if array.name in self.given and not array.is_integer
            })

    def points(self, seed: int, declared: Mapping[str, Any] | None = None) -> list[Point]:
        """Random points where nothing was given; else the given one, and some at other sizes.

        declared: whose symbols are the sizes that vary; by default all may.
        """
        if not self.given:
            return self.inputs.points(seed)
        symbols = self._symbols(())
        at = self.inputs.points(seed)[0]
        known = {str(size): n for name, array in symbols.items()
                 for size, n in zip(array.shape, self.given[name].numbers.shape, strict=True)
                 if size.is_Symbol}
        general = symbols if declared is None else {
            array.name: array for spec in declared.values() for array in leaves(spec)
            if array.name in self.given
        }
        return [replace(at, sizes={**at.sizes, **known}), *self._elsewhere(general, seed)]

    def _elsewhere(self, general: Mapping[str, Array], seed: int) -> Iterator[Point]:
        arrays = [*general.values(), *self._rest]
        symbols = size_symbols(array.shape for array in arrays)
        for place, row in enumerate(SIZES[:2] if symbols else ()):
            rng = np.random.default_rng([seed, 7, place])
            sizes = {s: row[k % len(row)] + k // len(row) * len(row)
                     for k, s in enumerate(symbols)}
            by = {symbol: sp.Integer(number) for symbol, number in sizes.items()}
            values: Values = {array.name: draw(array, sizes, rng, INTEGERS) for array in self._rest}
            for name, array in general.items():
                shape = tuple(int(size.xreplace(by)) for size in array.shape)
                values[name] = self.given[name].like(shape, rng)
            yield Point({str(s): n for s, n in sizes.items()}, values, elsewhere=True)

    def _symbols(self, keep: tuple[int, ...]) -> dict[str, Array]:
        """The arrays with symbols for their sizes; equal sizes are one symbol."""
        taken = {*size_names(array.shape for array in self._rest), *self.reserved,
                 *(array.name for array in self.inputs.arrays)}
        fixed = {1, *keep, *self.kept, *(g.numbers.shape[axis] for g in self.given.values()
                             for axis in g.fixed)}
        sizes = dict.fromkeys(size for given in self.given.values()
                              for size in given.numbers.shape if size not in fixed)
        names = (name for name in NAMES if name not in taken)
        by = dict(zip(sizes, names, strict=False))
        return {
            name: replace(given.array, shape=parse_shape(
                " ".join(by.get(size, str(size)) for size in given.numbers.shape)))
            for name, given in self.given.items()
        }

    def _exchanged(self, by: Mapping[str, Array]) -> dict[str, Any]:
        return {name: _exchanged(spec, by) for name, spec in self.inputs.declared.items()}


def _exchanged(spec: Any, by: Mapping[str, Array]) -> Any:
    if isinstance(spec, Mapping):
        return {key: _exchanged(inner, by) for key, inner in spec.items()}
    return by.get(spec.name, spec)
