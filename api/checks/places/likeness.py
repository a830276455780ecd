"""What arrays of numbers are like, and other arrays like them.

    [0.2, 0.7, 0.4]   ->   between 0 and 1          [1, -1, 1]   ->   1 or -1

A property that the given numbers have is kept when arrays of other sizes are drawn in their
place, and may be assumed by a proof, which then says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp

from gradproof.checks.inputs import array_like
from gradproof.symbolic.assumptions import Assumption, Fact, bounds_said
from gradproof.symbolic.equation import Array
from gradproof.symbolic.proof.sampling import draw

PATTERNS: dict[str, Fact] = {
    "one_hot": "given one_hot", "probability": "given probability", "positive": "given positive",
    "mask": "given mask", "interval": "given interval", "sign": "given sign",
    "symmetric": "given symmetric", "labels": "given labels",
}
"""Kind of a given array: what its numbers were seen to be."""

FEW = 7
"""So many random numbers may well be positive by chance."""

DOMAINS = ("interval", "positive")
"""Kinds that say where numbers lie, and nothing else."""

LARGE = 100.0

_RANGES: tuple[tuple[float | None, float | None], ...] = ((0, 1), (1, None), (-1, 1), (None, 0))
"""Intervals outside of which usual functions are not defined, narrow ones first."""


@dataclass(frozen=True)
class Given:
    """An array of numbers: its declaration with numbers for sizes, and what it looks like.

    kinds: what a proof may assume, as the numbers show it, the likeliest first; none where they
    show nothing.  fixed: axes along which nothing like it can be drawn, because its sums along them
    are constant.  varied: it is differentiated by, so that whole numbers in it are an accident.
    """

    array: Array
    numbers: Any
    kinds: tuple[Array, ...] = ()
    fixed: frozenset[int] = frozenset()
    varied: bool = False

    def assumption(self, array: Array) -> Assumption:
        """What a declaration by one of the kinds takes from the numbers."""
        if array.kind in ("one_hot", "probability") and array.along == 0:
            return Assumption(array.name, "given columns")
        detail = {"interval": bounds_said(array), "labels": str(array.classes)}.get(array.kind, "")
        return Assumption(array.name, PATTERNS[array.kind], detail)

    def like(self, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
        """Another array of all its kinds, from random slices of it where they say little."""
        numbers = self.numbers
        if any(array.kind == "symmetric" for array in self.kinds) and len(set(shape)) == 1:
            return self._symmetric(shape[0], rng)
        if self.fixed or (self._is_whole and not self._is_coded):
            found: Any = numbers
            for axis, size in enumerate(shape):
                if axis not in self.fixed:
                    found = np.take(found, rng.integers(found.shape[axis], size=size), axis)
            return found
        kind = self.kinds[0] if self.kinds else replace(self.array, kind="real")
        drawn = draw(replace(kind, shape=tuple(map(sp.Integer, shape))), {}, rng)
        if kind.kind in ("real", "positive") and numbers.size:
            usual = 1e-3 < self._scale < 1e3 or self._scale == 0 or not np.isfinite(self._scale)
            drawn = drawn if usual else self._scale * drawn
        zeros = float(np.mean(numbers == 0)) if numbers.size else 0.0
        if kind.kind == "real" and 0.2 <= zeros < 1:  # sparse
            drawn = np.where(rng.random(shape) < zeros, 0.0, drawn)
        return np.asarray(drawn).astype(numbers.dtype)

    @property
    def _scale(self) -> float:
        return float(np.sqrt(np.mean(np.square(self.numbers))))

    @property
    def _is_whole(self) -> bool:
        """Whether it holds whole numbers, and not by accident."""
        numbers = self.numbers
        return numbers.dtype.kind != "f" or (
            not self.varied and numbers.size > 0 and np.ptp(numbers) != 0
            and bool(np.all(numbers == np.round(numbers))))

    @property
    def may_be_labels(self) -> bool:
        """Whether its numbers may be places along an axis of another array."""
        numbers = self.numbers
        return numbers.dtype.kind in "iu" and bool(numbers.size) and numbers.min() >= 0 \
            and not self.varied

    @property
    def _is_coded(self) -> bool:
        """Whether a kind says all that its numbers may be."""
        return bool(self.kinds) and self.kinds[0].kind in ("one_hot", "mask", "sign")

    def _symmetric(self, size: int, rng: np.random.Generator) -> Any:
        """A symmetric matrix: some rows and the same columns of this one; or one of its scale,
        positive definite where this one is."""
        numbers = self.numbers
        if self._is_whole or size <= len(numbers):
            chosen = rng.choice(len(numbers), size=size, replace=size > len(numbers))
            return numbers[np.ix_(chosen, chosen)]
        other = rng.standard_normal((size, size))
        definite = float(np.min(np.linalg.eigvalsh(numbers))) > 0
        made = other @ other.T / size + np.eye(size) / 2 if definite else (other + other.T) / 2
        return ((self._scale or 1.0) * made).astype(numbers.dtype)


def given_array(name: str, value: Any, varied: bool = False) -> Given:
    """An array of numbers with its kinds; ValueError for anything else.

    varied: the array is differentiated by, so that its numbers are not for ever: no codes.
    """
    numbers = np.asarray(value)
    if numbers.dtype.kind not in "fiub":
        raise ValueError(f"{name}: expected a shape such as \"m n\", an Array or numbers, got "
                         f"{value!r:.80}")
    plain = array_like(name, numbers)
    kinds = tuple(kind for kind in _kinds(plain, numbers.astype(float), varied))
    fixed = frozenset[int]()
    sums = all(kind.kind in ("mask", "interval", "positive") for kind in kinds)
    if sums and numbers.dtype.kind == "f" and numbers.size > 1 and np.all(numbers >= 0):
        fixed = frozenset(
            axis for axis, size in enumerate(numbers.shape)
            if size > 1 and _constant(numbers.sum(axis=axis, dtype=float))
        )
    return Given(plain, numbers, kinds, fixed, varied)


def _kinds(plain: Array, numbers: Any, varied: bool) -> Iterator[Array]:
    """The kinds that the numbers are of."""
    if numbers.size < 2 or not np.all(np.isfinite(numbers)) or np.ptp(numbers) == 0:
        return  # among others a bias at its start, or a placeholder
    codes = np.all((numbers == 0) | (numbers == 1))
    is_symmetric = numbers.ndim == 2 and np.array_equal(numbers, numbers.T)
    symmetric = [replace(plain, kind="symmetric")] if is_symmetric else []
    sums = [axis for axis in (-1, 0)
            if numbers.shape[axis] > 1 and _ones(numbers.sum(axis=axis))][:1]
    if codes and not varied:
        yield from symmetric or (replace(plain, kind="one_hot", along=axis) for axis in sums)
        if not sums and not plain.truths:
            yield replace(plain, kind="mask")
    elif np.all(np.abs(numbers) == 1) and not varied:
        yield replace(plain, kind="sign")
    elif sums and np.all(numbers >= 0):
        yield from (replace(plain, kind="probability", along=axis) for axis in sums)
    else:
        yield from symmetric
        yield from _intervals(plain, numbers)


def _intervals(plain: Array, numbers: Any) -> Iterator[Array]:
    """The narrowest of the usual intervals that all numbers lie in, if there is one."""
    for low, high in _RANGES:
        inside = (low is None or np.all(numbers > low)) and (high is None or np.all(numbers < high))
        if inside and numbers.size > (1 if None in (low, high) else 3):
            if (low, high) == (1, None) and np.max(numbers) > LARGE:
                break  # years, say: of their own scale
            yield replace(plain, kind="interval", low=None if low is None else sp.Integer(low),
                          high=None if high is None else sp.Integer(high))
            break
    if np.all(numbers > 0):
        yield replace(plain, kind="positive")


def _ones(sums: Any) -> bool:
    return bool(np.all(np.abs(sums - 1) < 1e-6))


def _constant(sums: Any) -> bool:
    return np.size(sums) > 1 and bool(np.ptp(sums) <= 1e-6 * np.max(np.abs(sums)))
