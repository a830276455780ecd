"""Gröbner bases over the rationals, within a bound on the work.

    x·y - 1, x² - x   ->   x - 1, y - 1

Buchberger's algorithm (1965) with his two criteria; the basis is reduced, so that it is the only
one of its ideal and order.  Its cost has no useful bound in advance, and a library's has none at
all: here every product of coefficients is counted, and a basis that takes too many is given up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import combinations
from operator import add, le, sub
from typing import TypeAlias

Exponents: TypeAlias = tuple[int, ...]
Sparse: TypeAlias = dict[Exponents, Fraction]
"""A polynomial: exponents of the unknowns -> coefficient."""

WORK = 60_000
"""Products of coefficients for one basis, or for one remainder: a few tenths of a second."""


class TooMuchWorkError(Exception):
    """A basis or a remainder takes more than the work it was given."""


Rank: TypeAlias = tuple[tuple[int, ...], int, Exponents]


class Division:
    """Divisions that count what they cost, in one order of the monomials.

    By the exponents of the unknowns `first`, then graded lexicographic.
    """

    def __init__(self, first: Sequence[int] = (), work: int = WORK) -> None:
        self.first = tuple(first)
        self.left = work

    def rank(self, exponents: Exponents) -> Rank:
        """What the order compares."""
        return tuple(exponents[place] for place in self.first), sum(exponents), exponents

    def _monic(self, poly: Sparse) -> tuple[Exponents, Sparse]:
        lead = max(poly, key=self.rank)
        return lead, {exponents: c / poly[lead] for exponents, c in poly.items()}

    def remainder(self, poly: Sparse, divisors: Sequence[tuple[Exponents, Sparse]]) -> Sparse:
        """What is left of a polynomial by monic divisors, each with its leading exponents."""
        waiting, rest = dict(poly), {}
        while waiting:
            lead = max(waiting, key=self.rank)
            for top, divisor in divisors:
                if all(map(le, top, lead)):
                    self._subtract(waiting, divisor, waiting[lead], tuple(map(sub, lead, top)))
                    break
            else:
                rest[lead] = waiting.pop(lead)
        return rest

    def _subtract(self, poly: Sparse, part: Sparse, scale: Fraction, shift: Exponents) -> None:
        self.left -= len(part) + len(poly)
        if self.left < 0:
            raise TooMuchWorkError
        for exponents, c in part.items():
            moved = tuple(map(add, exponents, shift))
            value = poly.get(moved, Fraction(0)) - scale * c
            if value:
                poly[moved] = value
            else:
                del poly[moved]

    def basis(self, polys: Iterable[Sparse]) -> list[tuple[Exponents, Sparse]]:
        """The reduced basis, each polynomial monic and with its leading exponents."""
        known = [self._monic(poly) for poly in polys if poly]
        pairs = set(combinations(range(len(known)), 2))
        while pairs:
            one, two = min(pairs, key=lambda pair: (self.rank(_common(known, pair)), pair))
            pairs.remove((one, two))
            if self._is_idle(known, (one, two), pairs):
                continue
            rest = self.remainder(self._cancelled(known[one], known[two]), known)
            if rest:
                known.append(self._monic(rest))
                pairs |= {(place, len(known) - 1) for place in range(len(known) - 1)}
        return self._reduced(known)

    @staticmethod
    def _is_idle(
        known: Sequence[tuple[Exponents, Sparse]], pair: tuple[int, int],
        pairs: set[tuple[int, int]],
    ) -> bool:
        """Buchberger's criteria: leads without a common unknown, or a third one between them."""
        first, second = (known[place][0] for place in pair)
        if not any(a and b for a, b in zip(first, second, strict=True)):
            return True
        common = _common(known, pair)
        return any(
            place not in pair and all(map(le, known[place][0], common))
            and not pairs & {(min(place, p), max(place, p)) for p in pair}
            for place in range(len(known))
        )

    def _cancelled(
        self, one: tuple[Exponents, Sparse], two: tuple[Exponents, Sparse]
    ) -> Sparse:
        """The combination in which the leads of two monic polynomials cancel."""
        common = tuple(map(max, one[0], two[0]))
        result: Sparse = {}
        for (lead, poly), scale in ((one, Fraction(-1)), (two, Fraction(1))):
            self._subtract(result, poly, scale, tuple(map(sub, common, lead)))
        return result

    def _reduced(self, known: list[tuple[Exponents, Sparse]]) -> list[tuple[Exponents, Sparse]]:
        kept: list[tuple[Exponents, Sparse]] = []
        for place, (lead, poly) in enumerate(known):
            others = [other for other, (top, _) in enumerate(known) if all(map(le, top, lead))]
            # Of equal leads the first stays; of a lead and its multiple, the lead.
            if not any(known[o][0] != lead or o < place for o in others if o != place):
                kept.append((lead, poly))
        return [
            (lead, {lead: Fraction(1), **self.remainder(
                {e: c for e, c in poly.items() if e != lead},
                [other for other in kept if other[0] != lead])})
            for lead, poly in kept
        ]


def _common(known: Sequence[tuple[Exponents, Sparse]], pair: tuple[int, int]) -> Exponents:
    """The least common multiple of two leads."""
    return tuple(map(max, known[pair[0]][0], known[pair[1]][0]))

