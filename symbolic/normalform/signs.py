"""What a polynomial's sign, cases and zero set are, and its primitive part.

    x² + exp(y)     ->   positive
    6 x y - 4 x     ->   2 · x · (3 y - 2)

These are the questions that inverses, roots, logarithms and conditions ask of their argument
before they name an atom for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache

import sympy as sp

from ..rationals import LONG
from .canonical_names import canonical, items_of
from .denominators import argument
from .indices import Sub
from .polynomial import (
    NONNEGATIVE,
    POSITIVE,
    UNKNOWN,
    Atoms,
    Factor,
    Factors,
    Monomial,
    Number,
    Poly,
    add_to,
    closure,
    common_factors,
    divided,
    integral,
    monomial,
    plus,
    scaled,
)

CASES = 4
"""The largest number of indicators a function's argument is split on."""


def sign(table: Atoms, poly: Poly) -> int:
    """POSITIVE or NONNEGATIVE where every monomial is seen to be so, or the bounds of inputs say
    so; else UNKNOWN."""
    found = [_monomial_sign(table, mono, c) for mono, c in poly.items()]
    if not found:
        return NONNEGATIVE
    return max(found) if min(found) != UNKNOWN else _bounded_sign(table, poly)


def _bounded_sign(table: Atoms, poly: Poly) -> int:
    """The sign of a polynomial in entries of intervals, by adding up the least that its monomials
    can be: 1 - p for p < 1."""
    least = Fraction(0)
    for mono, c in poly.items():
        end = Fraction(c)
        for base, _, e in mono:
            data = table.bases[base].data
            if not is_bounded_input(table, base) or not isinstance(e, int) or e < 1:
                return UNKNOWN
            bound = data.bounds[0 if c > 0 else 1]
            if bound is None:
                return UNKNOWN
            end *= Fraction(int(bound.p), int(bound.q)) ** e
        least += end
    return POSITIVE if least >= 0 else UNKNOWN  # the intervals are open


def is_bounded_input(table: Atoms, base: int) -> bool:
    """Whether it is an input that is declared to be positive, by an interval or as such."""
    data = table.bases[base].data
    return table.bases[base].kind == "input" and data.kind in ("interval", "positive") and bool(
        data.is_positive)


def _monomial_sign(table: Atoms, mono: Monomial, coefficient: Number) -> int:
    if coefficient < 0:
        return UNKNOWN
    found = POSITIVE
    for base, _, e in mono:
        even = isinstance(e, int) and e % 2 == 0
        found = min(found, max(table.bases[base].sign, NONNEGATIVE if even else UNKNOWN))
    return found


def indicators(table: Atoms, poly: Poly) -> list[Factor]:
    return sorted(
        {(b, a) for mono in poly for b, a, e in mono if table.bases[b].idempotent and e > 0}
    )


def by_cases(table: Atoms, poly: Poly, function: Callable[[Poly], Poly]) -> Poly | None:
    """The function on either value of each indicator in the argument; None if there is none.

    None as well where the argument vanishes in a case and the function is not defined there.
    """
    found = indicators(table, poly)
    if not found or len(found) > CASES:
        return None
    # f(b) = f(0) + b (f(1) - f(0)) for what is 0 or 1
    chosen: Poly = {((*found[0], 1),): 1}
    yes, no = map(function, cases(table, poly, found[0]))
    return plus(no, table.times(chosen, plus(yes, no, -1)))


def cases(table: Atoms, poly: Poly, key: Factor) -> tuple[Poly, Poly]:
    """What the polynomial is where an indicator in it is 1, and where it is 0."""
    off = {mono: c for mono, c in poly.items() if all(f[:2] != key for f in mono)}
    if table.bases[key[0]].kind == "zero":  # where [n = 0] holds, n + [n = 0] is 1
        poly = table.times({((*key, 1),): 1}, poly)
    on: Poly = {}
    for mono, c in poly.items():
        add_to(on, {tuple(factor for factor in mono if factor[:2] != key): c})
    return on, off


def factored(poly: Poly) -> Factors:
    return {(base, args): e for mono in poly for base, args, e in mono}


def without_inverses(table: Atoms, poly: Poly) -> tuple[Poly, Factors]:
    """(N, P) with poly = N · P, where P has only inverses and N has none."""
    taken: Factors = {}
    while True:
        worst: Factors = {}
        for mono in poly:
            for base, args, e in mono:
                if table.bases[base].kind == "inverse":
                    worst[base, args] = max(worst.get((base, args), 0), e)
        if not worst:
            return poly, taken
        key, exponent = min(worst.items())  # one by one: its denominator may bring in others
        assert isinstance(exponent, int)
        poly = table.times(poly, table.power(argument(table, *key), exponent))
        taken[key] = taken.get(key, 0) + exponent


def may_vanish(table: Atoms, poly: Poly) -> bool:
    """Does the polynomial vanish for some values of its indicators?"""
    if not poly:
        return True
    found = indicators(table, poly)
    if not found or len(found) > CASES:
        return False
    return any(may_vanish(table, case) for case in cases(table, poly, found[0]))


def primitive(
    table: Atoms, poly: Poly
) -> tuple[Factors, Fraction, list[tuple[Poly, int]]]:
    """(common factors, positive number, irreducible polynomials with multiplicities)."""
    unit = common_factors(poly)
    scale, rest = integral(divided(poly, unit))
    return unit, scale, _irreducible(rest)


DEGREE = 40
"""Powers above this (exp of a clipped argument has hundreds) are not worth factoring."""

TERMS = 12
DENSE = 2000
"""Longer polynomials, or those that would be longer if no term were missing, stay as they are:
SymPy's factoring is bounded by nothing else."""


def _irreducible(poly: Poly) -> list[tuple[Poly, int]]:
    """The factors of a polynomial with integer coefficients, each with its multiplicity."""
    keys = sorted({(base, args) for mono in poly for base, args, _ in mono})
    if not _is_worth_factoring(poly, keys):
        return [(poly, 1)]
    vectors = []
    for mono, c in poly.items():
        powers = {(base, args): int(e) for base, args, e in mono}
        vectors.append((tuple(powers.get(key, 0) for key in keys), int(c)))
    number, found = _factor_list(tuple(sorted(vectors)))
    result: list[tuple[Poly, int]] = [
        ({monomial({keys[p]: e for p, e in enumerate(vector) if e}): c
          for vector, c in part}, multiplicity)
        for part, multiplicity in found
    ]
    if number == -1:
        first, multiplicity = result[0]
        if multiplicity % 2 == 0:
            return [(poly, 1)]
        result[0] = {mono: -c for mono, c in first.items()}, multiplicity
    return result


def _is_worth_factoring(poly: Poly, keys: Sequence[Factor]) -> bool:
    """Is it a polynomial of bounded size that is not irreducible at first sight?"""
    highest = dict.fromkeys(keys, 0)
    if any(abs(int(c)) > LONG for c in poly.values()):
        return False
    for mono in poly:
        for base, args, e in mono:
            if not isinstance(e, int) or not 0 < e <= DEGREE:
                return False
            highest[base, args] = max(highest[base, args], e)
    if not keys or len(poly) > TERMS or math.prod(e + 1 for e in highest.values()) > DENSE:
        return False
    # A variable that stands in one term, alone and linear, leaves nothing to take out.
    alone = [mono[0][:2] for mono in poly if len(mono) == 1 and mono[0][2] == 1]
    return not any(all(key not in {f[:2] for f in mono} or len(mono) == 1 for mono in poly)
                   and highest[key] == 1 for key in alone)


@lru_cache(maxsize=4096)
def _factor_list(
    terms: tuple[tuple[tuple[int, ...], int], ...],
) -> tuple[int, tuple[tuple[tuple[tuple[tuple[int, ...], int], ...], int], ...]]:
    symbols = sp.symbols(f"v:{len(terms[0][0])}")
    number, found = sp.factor_list(sp.Poly(dict(terms), *symbols))
    return int(number), tuple(
        (tuple((vector, int(c)) for vector, c in part.terms()), multiplicity)
        for part, multiplicity in found
    )


def signed_atom(table: Atoms, kind: str, poly: Poly) -> tuple[int, Factor]:
    """The atom of a polynomial or of its negative, whichever comes first, and the sign.

    An argument like x[i] - x[j] is its own negative at exchanged subscripts: a symmetry of log|·|
    and of [· = 0], and a change of sign elsewhere, for which the atom is made anew when its
    subscripts change.
    """
    known = [flip for flip in (1, -1) if sign(table, scaled(poly, flip))]
    ways = [
        (flip, canonical(table, items_of(scaled(poly, flip)))) for flip in known or (1, -1)
    ]
    flip, found = min(ways, key=lambda way: (way[1].items, way[1].args, -way[0]))
    odd = len(ways) == 2 and ways[0][1].items == ways[1][1].items
    symmetries = found.symmetries
    even = kind in ("log", "zero")
    if odd and even:
        first, second = ways[0][1].args, ways[1][1].args
        swap = tuple(first.index(place) for place in second)
        symmetries = closure({*symmetries, swap}, len(first))
    condition = kind in ("step", "zero")
    base = table.base(
        kind,
        (found.items,),
        free=found.free,
        sign=NONNEGATIVE if condition else POSITIVE if known and not even else UNKNOWN,
        idempotent=condition,
        thin=not condition and is_thin(table, dict(found.items)),
        symmetries=symmetries,
        odd=odd and not even,
    )
    return flip, table.factor(base, found.args)


def is_thin(table: Atoms, poly: Poly) -> bool:
    """Is the zero set of a nonzero polynomial seen to have measure zero, at every index?

    Piecewise entries may vanish on an open set, and x[i] - x[j] vanishes where i = j.
    """
    places: dict[int, tuple[Sub, ...]] = {}
    if all(table.bases[base].kind in ("size", "prime") for mono in poly for base, _, _ in mono):
        return False
    for mono in poly:
        for base, args, _ in mono:
            if not table.bases[base].thin or places.setdefault(base, args) != args:
                return False
    return True


def is_given(table: Atoms, poly: Poly) -> bool:
    """Does the polynomial follow from data alone, whose values are nobody's to vary?"""
    inside = frozenset().union(*(table.inner(base) for mono in poly for base, _, _ in mono))
    leaves = [table.bases[base] for base in inside
              if table.bases[base].kind in ("input", "cut", "opaque")]
    return bool(leaves) and all(leaf.given for leaf in leaves)
