"""Arrays as residues modulo a chain of primes, with numbers beside them that decide conditions.

    exp(a + b) - exp(a)·exp(b)   ->   0 in every field of the chain but the first
    log Σ exp z - z              ->   a sum of powers carried along; exp of it is a ratio

What a real evaluation would round is exact here.  Branches, places of maxima and zeros are those
of the numbers; where these are too close to tell, an array has no value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce
from itertools import repeat
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..evaluator import NotComputableError

CHAIN = (1122659, 2245319, 4490639, 8981279, 17962559, 35925119, 71850239)
"""The first Cunningham chain of seven primes, p' = 2p + 1; 4 has the order p modulo p'."""

CLOSE = 1e-9
"""Numbers that differ by less, relative to their size, are not told apart by rounding."""

FEW = 150
"""Entries below which Python's own powers are faster than squaring arrays."""

Residues: TypeAlias = dict[int, NDArray[Any]]


def power(base: Any, exponent: Any, prime: int) -> NDArray[Any]:
    """base ** exponent modulo a prime, entry by entry, for exponents >= 0."""
    base, exponent = np.broadcast_arrays(np.asarray(base) % prime, np.asarray(exponent))
    if base.size < FEW:
        one_by_one = map(pow, base.ravel().tolist(), exponent.ravel().tolist(), repeat(prime))
        return np.fromiter(one_by_one, np.int64, base.size).reshape(base.shape)
    result, square, left = np.ones(base.shape, np.int64), base.copy(), exponent.copy()
    while np.any(left):
        result = np.where(left & 1, result * square % prime, result)
        square, left = square * square % prime, left >> 1
    return result


@dataclass(frozen=True)
class Value:
    """a + log e: `shown` in floating point, a as `residues`, e as `inside` (empty for e = 1).

    An entry that is undefined is nan in `shown`.
    """

    shown: NDArray[Any]
    residues: Residues
    inside: Residues = field(default_factory=dict)

    @staticmethod
    def of_integers(entries: Any) -> Value:
        """Whole numbers, the same in every field."""
        entries = np.asarray(entries)
        return Value(entries.astype(float),
                     {level: entries.astype(np.int64) % p for level, p in enumerate(CHAIN)})

    @staticmethod
    def of_fraction(top: int, bottom: int) -> Value:
        return Value(np.asarray(top / bottom), {
            level: np.asarray(top % p * pow(bottom, -1, p) % p, np.int64)
            for level, p in enumerate(CHAIN)})

    @property
    def has_logarithm(self) -> bool:
        return bool(self.inside)

    def known(self) -> Value:
        """The value itself, if it is one; NotComputableError if not."""
        if not self.residues or np.any(np.isnan(self.shown)):
            raise NotComputableError("no residues")
        return self

    def mapped(self, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Value:
        """What moves entries about, done to all that belongs to them."""
        return Value(change(self.shown), {k: change(r) for k, r in self.residues.items()},
                     {k: change(r) for k, r in self.inside.items()})

    def plain(self) -> Value:
        if self.inside:
            raise NotComputableError("a logarithm")
        return self

    def __add__(self, other: Value) -> Value:
        inside = self.inside or other.inside
        if self.inside and other.inside:
            inside = {k: self.inside[k] * other.inside[k] % CHAIN[k]
                      for k in self.inside.keys() & other.inside.keys()}
        shape = np.broadcast_shapes(self.shown.shape, other.shown.shape)
        return Value(self.shown + other.shown,
                     {k: (self.residues[k] + other.residues[k]) % CHAIN[k]
                      for k in self.residues.keys() & other.residues.keys()},
                     {k: np.broadcast_to(e, shape) for k, e in inside.items()})

    def __mul__(self, other: Value) -> Value:
        self.plain(), other.plain()
        return Value(self.shown * other.shown,
                     {k: self.residues[k] * other.residues[k] % CHAIN[k]
                      for k in self.residues.keys() & other.residues.keys()})

    def to_the(self, exponent: int) -> Value:
        """A whole power; undefined where it divides by zero in some field."""
        self.plain()
        if not self.residues:
            raise NotComputableError("exponentials in exponentials beyond the chain")
        shown = self.shown.astype(float) ** exponent
        if exponent < 0:
            zero = reduce(np.logical_or, (r == 0 for r in self.residues.values()))
            shown = np.where(zero, np.nan, shown)
        # By Fermat's little theorem exponents count modulo p - 1.
        return Value(shown, {k: power(r, exponent % (CHAIN[k] - 1), CHAIN[k])
                             for k, r in self.residues.items()})

    def times_whole(self, number: int) -> Value:
        """number · (a + log e) = number · a + log e^number."""
        return Value(self.shown * float(number),
                     {k: r * (number % CHAIN[k]) % CHAIN[k] for k, r in self.residues.items()},
                     {k: power(e, number % (CHAIN[k] - 1), CHAIN[k])
                      for k, e in self.inside.items()})

    def exponential(self) -> Value:
        """exp(a + log e) = 4^a · e, in the field after that of a."""
        found = {}
        for level, residue in self.residues.items():
            after = level + 1
            if after < len(CHAIN) and (not self.inside or after in self.inside):
                found[after] = power(4, residue, CHAIN[after])
                if self.inside:
                    found[after] = found[after] * self.inside[after] % CHAIN[after]
        return Value(np.exp(self.shown), found)

    def logarithm(self) -> Value:
        """log e with e as it is; undefined where e is not positive."""
        self.plain()
        shown = np.log(np.where(self.shown > 0, self.shown, np.nan))
        nothing = np.zeros(self.shown.shape, np.int64)
        return Value(shown, dict.fromkeys(range(len(CHAIN)), nothing), dict(self.residues))

    def where(self, condition: Any, other: Value) -> Value:
        """This value where the condition holds, the other one elsewhere."""
        self, other = self._like(other), other._like(self)
        return Value(np.where(condition, self.shown, other.shown),
                     {k: np.where(condition, self.residues[k], other.residues[k])
                      for k in self.residues.keys() & other.residues.keys()},
                     {k: np.where(condition, self.inside[k], other.inside[k])
                      for k in self.inside.keys() & other.inside.keys()})

    def _like(self, other: Value) -> Value:
        """With log 1, where the other one has a logarithm."""
        if self.inside or not other.inside:
            return self
        one = np.ones(self.shown.shape, np.int64)
        return Value(self.shown, self.residues, dict.fromkeys(other.inside, one))

    def sign(self) -> NDArray[Any]:
        """-1, 0 or 1: exactly 0 where every residue is, and never where rounding decides."""
        size = np.abs(self.shown)
        if np.any(np.isnan(self.shown)):
            raise NotComputableError("the sign of what is undefined")
        zero = reduce(np.logical_and, (r == 0 for r in self.residues.values()),
                      np.full(self.shown.shape, bool(self.residues) and not self.inside))
        if np.any((size < CLOSE) & ~zero):
            raise NotComputableError("too close to zero to tell")
        return np.where(zero, 0, np.sign(self.shown)).astype(int)

    def total(self, axes: tuple[int, ...]) -> Value:
        self.plain()
        return Value(self.shown.sum(axis=axes),
                     {k: r.sum(axis=axes) % CHAIN[k] for k, r in self.residues.items()})


ZERO, ONE = Value.of_integers(0), Value.of_integers(1)
