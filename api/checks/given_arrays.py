"""From arrays of numbers to shapes with symbolic sizes, and arrays like them at other sizes.

Equal sizes get one symbol, so what is said for the symbols holds for the given sizes too.  Arrays
with a pattern in their numbers (:mod:`places.likeness`) are declared and drawn with that pattern;
an axis along which no array can be drawn keeps its number.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any, TypeAlias

import numpy as np
import sympy as sp

from gradproof.checks.inputs import Inputs, each, leaves
from gradproof.checks.places.likeness import DOMAINS, Given, given_array
from gradproof.checks.points import INTEGERS, SIZES, Point, Values, flat
from gradproof.symbolic.assumptions import Assumption
from gradproof.symbolic.equation import Array, size_names, size_symbols
from gradproof.symbolic.proof.sampling import draw
from gradproof.symbolic.shapes import parse_shape

Axis: TypeAlias = tuple[str, int]
"""An array's name and the place of an axis."""

LABELLED = 2
"""Axes that labels are tried to be places of."""

CHOICES = 4
"""Axes beside square arrays whose size may be that of their rows or of their columns."""

NAMES = ("m", "n", "p", "q", "r", "s")
"""Names of sizes in the order in which they are met; arrays with more distinct ones keep theirs."""


@dataclass(frozen=True)
class General:
    """Inputs that came as numbers, seen as examples of inputs of any size.

    reserved: names that no size may be given.  kept: sizes that stay numbers.  varied: names of
    what is differentiated by.
    """

    inputs: Inputs
    reserved: frozenset[str] = frozenset()
    kept: frozenset[int] = frozenset()
    varied: tuple[str, ...] = ()

    @cached_property
    def given(self) -> dict[str, Given]:
        """The arrays of numbers, by name."""
        inputs = self.inputs
        return {
            name: given_array(name, value, name in self.varied) for key in inputs.given
            for name, value in flat(inputs.arguments[key], inputs.given[key]).items()
            if not isinstance(value, str | Array)
        }

    @property
    def dtypes(self) -> dict[str, np.dtype[Any]]:
        """Those of the given arrays."""
        return {name: given.numbers.dtype for name, given in self.given.items()}

    @cached_property
    def _labelled(self) -> dict[str, list[Axis]]:
        """By the name of what may be labels: axes whose places they may be, the shortest first."""
        lengths = {n: (name, axis) for name, given in reversed(self.given.items())
                   for axis, n in reversed([*enumerate(given.numbers.shape)]) if n > 1}
        return {name: [lengths[n] for n in sorted(lengths) if n > given.numbers.max()][:LABELLED]
                for name, given in self.given.items() if given.may_be_labels}

    @cached_property
    def _rest(self) -> list[Array]:
        return [array for array in self.inputs.arrays if array.name not in self.given]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The different lengths of axes of the given arrays, in the order in which they are met."""
        return tuple(dict.fromkeys(n for g in self.given.values() for n in g.numbers.shape
                                   if n > 1))

    def declarations(self) -> Iterator[Mapping[str, Any]]:
        """The inputs with symbols for the given sizes: for the axes of square arrays apart, for all
        sizes, with n + 1 beside n, for fewer, for none."""
        sizes = [n for n in self.sizes if n not in self.kept]
        kept = [(), *((n,) for n in sizes), *(tuple(k for k in sizes if k != n) for n in sizes)]
        if self.given:
            yield from (self._exchanged(self._symbols((), across)) for across in self._apart())
        for keep in dict.fromkeys(kept):
            if self.given and len(keep) < len(sizes):
                by = self._symbols(keep)
                yield self._exchanged(by)
                related = self._symbols(keep, related=True)
                if related != by:
                    yield self._exchanged(related)
        yield self.inputs.declared

    def _apart(self) -> Iterator[frozenset[Axis]]:
        """Ways to tell the two axes of square arrays apart: which axes have the size across.

        Those of symmetric arrays, or in which a pair of axes is fixed, are one.
        """
        def is_square(given: Given) -> bool:
            return given.numbers.ndim == 2 and len(set(given.numbers.shape)) == 1 and \
                given.numbers.shape[0] > 1

        squares = [given for given in self.given.values() if is_square(given)]
        sizes = {given.numbers.shape[0] for given in squares} - self.kept
        if len(sizes) != 1 or any(given.fixed or any(kind.kind == "symmetric" for kind in
                                                     given.kinds) for given in squares):
            return
        columns = {(given.array.name, 1) for given in squares}
        free = [(name, axis) for name, given in self.given.items() if not is_square(given)
                for axis, size in enumerate(given.numbers.shape) if size in sizes]
        for chosen in product((True, False), repeat=len(free)) if len(free) <= CHOICES else ():
            yield frozenset(columns.union(
                axis for axis, across in zip(free, chosen, strict=True) if across))

    def patterned(
        self, declared: Mapping[str, Any], loss: Callable[[Mapping[str, Any]], Any]
    ) -> Iterator[tuple[Mapping[str, Any], tuple[Assumption, ...]]]:
        """The declared inputs with the patterns that the numbers show, and what that assumes.

        First where the numbers lie, then what they are coded with, then both; all arrays of the
        likeliest kind first, then of the next.  What is differentiated by lies anywhere, unless
        the loss has no value elsewhere.
        """
        arrays = {array.name: array for spec in declared.values() for array in leaves(spec)}
        shown = {name: (*given.kinds, *(
            replace(given.array, kind="labels", classes=arrays[other].shape[axis])
            for other, axis in self._labelled.get(name, ())
        )) for name, given in self.given.items() if name in arrays}
        free = {name for name, kinds in shown.items() if name in self.varied and kinds
                and kinds[0].kind in DOMAINS and not self._is_bounded(name, kinds[0], loss)}
        for kinds in _tried({name: found for name, found in shown.items() if name not in free}):
            yield self._exchanged({
                **arrays, **{n: replace(k, shape=arrays[n].shape) for n, k in kinds.items()}
            }), tuple(self.given[name].assumption(kind) for name, kind in kinds.items())

    def _is_bounded(
        self, name: str, kind: Array, loss: Callable[[Mapping[str, Any]], Any]
    ) -> bool:
        """Whether the loss has no value where an array lies outside its interval."""
        at, numbers = self.inputs.points(0)[0], self.given[name].numbers
        spread = float(np.max(np.abs(numbers))) + 0.5
        for end, way in zip(kind.bounds, (-1, 1), strict=True):
            if end is None:
                continue
            other = (float(end) + way * spread * np.ones_like(numbers)).astype(numbers.dtype)
            try:
                with np.errstate(all="ignore"), warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    if not np.isfinite(loss({**at.values, name: other})):
                        return True
            except Exception:  # whatever it raises, it has no value there
                return True
        return False

    def points(self, seed: int, declared: Mapping[str, Any] | None = None) -> list[Point]:
        """Random points where nothing was given; else the given one, and some at other sizes.

        declared: whose symbols are the sizes that vary; by default all may.
        """
        if not self.given:
            return self.inputs.points(seed)
        at = self.inputs.points(seed)[0]
        general = self._symbols(()) if declared is None else {
            array.name: array for spec in declared.values() for array in leaves(spec)
            if array.name in self.given
        }
        known = {str(size): n for name, array in general.items()
                 for size, n in zip(array.shape, self.given[name].numbers.shape, strict=True)
                 if size.is_Symbol}
        at = replace(at, sizes={**at.sizes, **known})
        return [at, *self._beside(at, seed), *self._elsewhere(general, seed)]

    def _beside(self, at: Point, seed: int) -> Iterator[Point]:
        """Points of the given sizes: with other numbers for what is differentiated by, and for all.
        """
        rng = np.random.default_rng([seed, 8])
        other = {name: given.like(given.numbers.shape, rng) for name, given in self.given.items()}
        varied = {name: value for name, value in other.items()
                  if name in self.varied or not self.varied}
        for which, values in (("varied", varied), ("all", other)):
            if values and (which == "varied" or len(varied) < len(other)):
                yield replace(at, values={**at.values, **values}, given=False, elsewhere=True,
                              redrawn=which)

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
            for name in general.keys() & self._labelled.keys():
                for other, axis in self._labelled[name]:
                    values[name] = values[name] % np.shape(values[other])[axis]
            yield Point({str(s): n for s, n in sizes.items()}, values, elsewhere=True)

    def _symbols(
        self, keep: tuple[int, ...], across: Collection[Axis] = (), related: bool = False
    ) -> dict[str, Array]:
        """The arrays with symbols for their sizes; equal sizes are one symbol.

        across: axes with another symbol for the same size.  related: a size that is one more than
        another is that plus one.
        """
        taken = {*size_names(array.shape for array in self._rest), *self.reserved,
                 *(array.name for array in self.inputs.arrays)}
        fixed = {1, *keep, *self.kept, *(g.numbers.shape[axis] for g in self.given.values()
                             for axis in g.fixed)}
        sizes = dict.fromkeys(size for given in self.given.values()
                              for size in given.numbers.shape if size not in fixed)
        names = (name for name in NAMES if name not in taken)
        by = dict(zip(sizes, names, strict=False))
        if related:
            by |= {size: f"{by[size - 1]}+1" for size in by if size - 1 in by
                   and size - 2 not in by}
        other = next(names, "")

        def named(name: str, axis: int, size: int) -> str:
            return other if other and (name, axis) in across else by.get(size, str(size))

        return {
            name: replace(given.array, shape=parse_shape(" ".join(
                named(name, axis, size) for axis, size in enumerate(given.numbers.shape))))
            for name, given in self.given.items()
        }

    def _exchanged(self, by: Mapping[str, Array]) -> dict[str, Any]:
        return {name: each(spec, lambda array: by.get(array.name, array))
                for name, spec in self.inputs.declared.items()}


def _tried(shown: Mapping[str, Sequence[Array]]) -> list[dict[str, Array]]:
    """Kinds by name, of the likeliest first: the codes, the domains, both."""
    tried: list[dict[str, Array]] = []
    for place in range(max(map(len, shown.values()), default=0)):
        kinds = {name: found[min(place, len(found) - 1)] for name, found in shown.items() if found}
        domains = {name: kind for name, kind in kinds.items() if kind.kind in DOMAINS}
        codes = {name: kind for name, kind in kinds.items() if name not in domains}
        tried += [some for some in (codes, domains, kinds) if some and some not in tried]
    return tried
