"""Products with inverses of polynomials, made canonical.

    a·(a + b)⁻¹             ->  1 - b·(a + b)⁻¹
    x⁻¹·(x + 1)⁻¹           ->  x⁻¹ - (x + 1)⁻¹

The atom I of a denominator D has the relation D·I = 1, used as the rewrite of the leading
monomial: lm(D)·I -> (1 - rest·I) / lc.  Where denominators share variables, or a variable is
itself inverted, the rewrites that follow from several relations are their Gröbner basis (partial
fractions are a special case).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TypeAlias

from .groebner import Division, Exponents, Sparse, TooMuchWorkError
from .indices import Sub
from .polynomial import (
    Atoms,
    Factor,
    Factors,
    Monomial,
    Number,
    Poly,
    add_to,
    connected,
    factors_of,
    monomial,
    plain,
)

VARIABLES = 9
"""The largest number of unknowns that a Gröbner basis is computed in."""


def register(table: Atoms) -> None:
    table.settlers.append(settle_denominators)


def argument(table: Atoms, base: int, args: tuple[Sub, ...]) -> Poly:
    """The polynomial that an atom was made from, at its subscripts."""
    known = table.bases[base]
    by = dict(zip(known.free, args, strict=True))
    return table.substitute(dict(known.data[0]), by)


def leading_monomial(table: Atoms, poly: Poly) -> Monomial:
    """The largest monomial: by its roots, then in graded lexicographic order of its factors.

    A root's whole powers are what it is the root of, which may have any of the other factors; so
    a relation that had one of these for its lead would bring it back, and larger.
    """
    keys = sorted({(base, args) for mono in poly for base, args, _ in mono})
    roots = _roots(table, keys)

    def rank(mono: Monomial) -> tuple[list[Number], Number, list[Number]]:
        factors = factors_of(mono)
        return ([factors.get(key, 0) for key in roots], sum(factors.values()),
                [factors.get(key, 0) for key in keys])

    return max(poly, key=rank)


def _roots(table: Atoms, keys: Iterable[Factor]) -> list[Factor]:
    """The roots among some factors, those that may contain others first."""
    return sorted((key for key in keys if table.bases[key[0]].kind == "root"), reverse=True)


def settle_denominators(table: Atoms, factors: Factors, coefficient: Number) -> Poly | None:
    """The first group of inverses that a relation simplifies, simplified; None where none is."""
    inverses = [key for key in factors if table.bases[key[0]].kind == "inverse"]
    if not inverses:
        return None
    known = {key: argument(table, *key) for key in inverses}
    for group in _clusters(known):
        variables = {(b, a) for key in group for mono in known[key] for b, a, _ in mono}
        local = {key: e for key, e in factors.items() if key in variables or key in group}
        table.spend(len(local))
        reduced = _reduced_group(table, local, {key: known[key] for key in group}, variables)
        if reduced is not None:
            rest = {key: e for key, e in factors.items() if key not in local}
            return _put_back(table, reduced, rest, coefficient)
    return None


def _reduced_group(
    table: Atoms, local: Factors, known: dict[Factor, Poly], variables: set[Factor]
) -> Poly | None:
    """The product of inverses and of their variables, by the relations of these alone."""
    inverted = [key for key in variables if local.get(key, 0) < 0]
    if any(e < 0 for poly in known.values() for mono in poly for _, _, e in mono):
        return None  # its unknowns would be no polynomial's
    if len(known) == 1 and not inverted:
        ((inverse, poly),) = known.items()
        return _reduced(table, local, inverse, poly)
    roots = _roots(table, variables)
    return _reduced_together(local, known, sorted(inverted), roots)


def _put_back(table: Atoms, reduced: Poly, rest: Factors, coefficient: Number) -> Poly:
    """What a group became, times the factors beside it."""
    total: Poly = {}
    for mono, c in reduced.items():
        both = dict(rest)
        both.update(factors_of(mono))
        add_to(total, table.settle(both, c * coefficient))
    return total


def _clusters(known: dict[Factor, Poly]) -> list[list[Factor]]:
    """The inverses in groups whose denominators share no variable with another group."""
    return [sorted(group) for group in connected({
        key: {(base, args) for mono in known[key] for base, args, _ in mono}
        for key in sorted(known)})]


def _reduced(table: Atoms, local: Factors, inverse: Factor, poly: Poly) -> Poly | None:
    """The product by the rewrite of one denominator's leading monomial."""
    leading = leading_monomial(table, poly)
    lead = factors_of(leading)
    if not _divides(lead, inverse, local):
        return None
    total: Poly = {}
    waiting: list[tuple[Factors, Number]] = [(local, Fraction(1))]
    while waiting:
        factors, coefficient = waiting.pop()
        if not _divides(lead, inverse, factors):
            add_to(total, {monomial(factors): coefficient})
            continue
        table.spend(len(poly))
        # With c the coefficient of the leading monomial, lead / D = (1 - (D - c lead) / D) / c.
        rest = {key: e - lead.get(key, 0) for key, e in factors.items()}
        waiting.append(({**rest, inverse: rest[inverse] - 1},
                        Fraction(coefficient) / poly[leading]))
        waiting += [(product, coefficient * c)
                    for product, c in without_leading(factors, poly, leading)]
    return {mono: plain(c) for mono, c in total.items()}


def without_leading(
    factors: Factors, poly: Poly, leading: Monomial
) -> Iterator[tuple[Factors, Number]]:
    """What a product becomes where a polynomial is zero, whose leading monomial divides it: the
    products that stand for that monomial, each with its coefficient."""
    lead = factors_of(leading)
    for mono, c in poly.items():
        if mono != leading:
            product = {key: e - lead.get(key, 0) for key, e in factors.items()}
            for base, args, e in mono:
                product[base, args] = product.get((base, args), 0) + e
            yield product, -Fraction(c) / poly[leading]


def _divides(lead: Factors, inverse: Factor, factors: Factors) -> bool:
    return factors.get(inverse, 0) >= 1 and all(
        factors.get(key, 0) >= e for key, e in lead.items()
    )


@dataclass(frozen=True)
class _Unknowns:
    """The unknowns of a ring: variables, inverses of variables, and inverses of polynomials.

    A variable counts in units of 1/`unit`, the largest of which every exponent is a multiple: of
    exp(1.702 z) and its square these are 1 and 2, and not 851 and 1702.
    """

    plain: Sequence[Factor]
    inverted: Sequence[Factor]
    atoms: Sequence[Factor]
    unit: Mapping[Factor, Fraction]

    def __len__(self) -> int:
        return len(self.plain) + len(self.inverted) + len(self.atoms)

    def exponents(self, factors: Factors) -> Exponents:
        """A product as a vector; a negative power of a variable is one of its inverse."""
        above = [factors.get(key, 0) for key in self.plain]
        return (
            *(int(max(e, 0) * self.unit[key]) for key, e in zip(self.plain, above, strict=True)),
            *(int(max(-factors.get(key, 0), 0) * self.unit[key]) for key in self.inverted),
            *(int(factors.get(key, 0)) for key in self.atoms),
        )

    def factors(self, exponents: Exponents) -> Factors:
        """The product that a vector stands for."""
        found: Factors = {}
        middle = len(self.plain) + len(self.inverted)
        for place, (key, e) in enumerate(
            zip((*self.plain, *self.inverted, *self.atoms), exponents, strict=True)
        ):
            sign = -1 if len(self.plain) <= place < middle else 1
            if e:
                power = sign * e / self.unit.get(key, Fraction(1))
                found[key] = found.get(key, 0) + plain(power)
        return found


def _reduced_together(
    local: Factors, known: dict[Factor, Poly], inverted: Sequence[Factor],
    roots: Sequence[Factor],
) -> Poly | None:
    """Normal form modulo all relations, in one ring.

    None where that changes nothing, or takes more than its bound on the work: then products that
    are equal may stay unequal, never the other way round.
    """
    unknowns = _unknowns(local, known, inverted)
    if len(unknowns) > VARIABLES:
        return None
    one = (0,) * len(unknowns)
    relations: list[Relation] = []  # D · (1/D) - 1 and x · (1/x) - 1, which are zero
    for key, poly in sorted(known.items()):
        relation = [
            (unknowns.exponents({**factors_of(mono), key: 1}), Fraction(c))
            for mono, c in poly.items()
        ]
        relations.append(tuple(sorted([*relation, (one, Fraction(-1))])))
    for key in inverted:
        pair = tuple(map(int.__add__, unknowns.exponents({key: 1 / unknowns.unit[key]}),
                         unknowns.exponents({key: -1 / unknowns.unit[key]})))
        relations.append(((one, Fraction(-1)), (pair, Fraction(1))))
    start = unknowns.exponents(local)
    first = tuple(unknowns.plain.index(key) for key in roots)
    reduced = _remainder(start, tuple(relations), first)
    if reduced is None or reduced == ((start, 1),):
        return None
    total: Poly = {}
    for vector, c in reduced:
        add_to(total, {monomial(unknowns.factors(vector)): c})
    return total


def _unknowns(
    local: Factors, known: Mapping[Factor, Poly], inverted: Sequence[Factor]
) -> _Unknowns:
    """The unknowns of some inverses, with units in which exponents are small whole numbers."""
    powers: dict[Factor, list[Fraction]] = {}
    for poly in known.values():
        for mono in poly:
            for base, args, e in mono:
                powers.setdefault((base, args), []).append(Fraction(e))
    unit = {}
    for key, exponents in powers.items():
        every = [*exponents, Fraction(local.get(key, 0))]
        whole = math.lcm(*(e.denominator for e in every))
        unit[key] = Fraction(whole, math.gcd(*(int(e * whole) for e in every)) or 1)
    return _Unknowns(sorted(powers), inverted, sorted(known), unit)


Relation: TypeAlias = tuple[tuple[Exponents, Fraction], ...]


@lru_cache(maxsize=4096)
def _remainder(
    start: Exponents, relations: tuple[Relation, ...], first: tuple[int, ...]
) -> tuple[tuple[Exponents, Number], ...] | None:
    """A product modulo relations that are zero; None where that is too much work."""
    basis = _basis(relations, first)
    if basis is None:
        return None
    try:
        rest = Division(first).remainder({start: Fraction(1)}, basis)
    except TooMuchWorkError:
        return None
    return tuple((vector, plain(c)) for vector, c in rest.items())


@lru_cache(maxsize=1024)
def _basis(
    relations: tuple[Relation, ...], first: tuple[int, ...]
) -> list[tuple[Exponents, Sparse]] | None:
    try:
        return Division(first).basis(map(dict, relations))
    except TooMuchWorkError:
        return None
