"""Products with inverses of polynomials, made canonical.

The atom I of a denominator D has the relation D·I = 1, used as the rewrite of the leading
monomial: lm(D)·I -> (1 - rest·I) / lc.  Where denominators share variables, or a variable is
itself inverted, the rewrites that follow from several relations are their Gröbner basis (partial
fractions are a special case).
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeAlias

import sympy as sp
from sympy.polys.groebnertools import groebner
from sympy.polys.orderings import grlex
from sympy.polys.rings import ring

from .indices import Sub
from .polynomial import Atoms, Factor, Factors, Monomial, Number, Poly, add_to, monomial

Exponents: TypeAlias = tuple[int, ...]

VARIABLES = 9
"""The largest number of unknowns that a Gröbner basis is computed in."""


def register(table: Atoms) -> None:
    table.settlers.append(settle_denominators)


def argument(table: Atoms, base: int, args: tuple[Sub, ...]) -> Poly:
    """The polynomial that an atom was made from, at its subscripts."""
    known = table.bases[base]
    by = dict(zip(known.free, args, strict=True))
    return table.substitute(dict(known.data[0]), by)


def leading_monomial(poly: Poly) -> Monomial:
    """The largest monomial in graded lexicographic order of its factors."""
    keys = sorted({(base, args) for mono in poly for base, args, _ in mono})

    def rank(mono: Monomial) -> tuple[Number, list[Number]]:
        factors = {(base, args): e for base, args, e in mono}
        return sum(factors.values()), [factors.get(key, 0) for key in keys]

    return max(poly, key=rank)


def settle_denominators(table: Atoms, factors: Factors, coefficient: Number) -> Poly | None:
    inverses = [key for key in factors if table.bases[key[0]].kind == "inverse"]
    if not inverses:
        return None
    known = {key: argument(table, *key) for key in inverses}
    for group in _clusters(known):
        variables = {(b, a) for key in group for mono in known[key] for b, a, _ in mono}
        local = {
            key: e for key, e in factors.items() if key in variables or key in group
        }
        table.spend(len(local))
        inverted = [key for key in variables if factors.get(key, 0) < 0]
        if len(group) == 1 and not inverted:
            reduced = _reduced(local, group[0], known[group[0]])
        else:
            reduced = _reduced_together(local, {key: known[key] for key in group}, inverted)
        if reduced is None:
            continue
        rest = {key: e for key, e in factors.items() if key not in local}
        total: Poly = {}
        for mono, c in reduced.items():
            both = dict(rest)
            both.update({(base, args): e for base, args, e in mono})
            add_to(total, table.settle(both, c * coefficient))
        return total
    return None


def _clusters(known: dict[Factor, Poly]) -> list[list[Factor]]:
    """The inverses in groups whose denominators share no variable with another group."""
    groups: list[tuple[set[Factor], list[Factor]]] = []
    for key in sorted(known):
        variables = {(base, args) for mono in known[key] for base, args, _ in mono}
        members = [key]
        rest = []
        for group in groups:
            if group[0].isdisjoint(variables):
                rest.append(group)
            else:
                variables |= group[0]
                members += group[1]
        groups = [*rest, (variables, members)]
    return [sorted(members) for _, members in groups]


def _reduced(local: Factors, inverse: Factor, poly: Poly) -> Poly | None:
    leading = leading_monomial(poly)
    lead = {(base, args): e for base, args, e in leading}
    scale = Fraction(1) / poly[leading]
    if not _divides(lead, inverse, local):
        return None
    total: Poly = {}
    waiting: list[tuple[Factors, Number]] = [(local, Fraction(1))]
    while waiting:
        factors, coefficient = waiting.pop()
        if not _divides(lead, inverse, factors):
            add_to(total, {monomial(factors): coefficient})
            continue
        rest = dict(factors)
        for key, e in lead.items():
            rest[key] -= e
        waiting.append(({**rest, inverse: rest[inverse] - 1}, coefficient * scale))
        for mono, c in poly.items():
            if mono != leading:
                product = dict(rest)
                for base, args, e in mono:
                    product[base, args] = product.get((base, args), 0) + e
                waiting.append((product, -coefficient * scale * c))
    return {mono: _plain(c) for mono, c in total.items()}


def _divides(lead: Factors, inverse: Factor, factors: Factors) -> bool:
    return factors.get(inverse, 0) >= 1 and all(
        factors.get(key, 0) >= e for key, e in lead.items()
    )


def _reduced_together(
    local: Factors, known: dict[Factor, Poly], inverted: list[Factor]
) -> Poly | None:
    """Normal form modulo all relations, in one ring; None where that changes nothing."""
    plain = sorted({(base, args) for poly in known.values() for mono in poly
                    for base, args, _ in mono})
    inverted = sorted(inverted)
    places: dict[Factor, int] = {key: place for place, key in enumerate(plain)}
    below = {key: len(plain) + place for place, key in enumerate(inverted)}
    atoms = {key: len(plain) + len(inverted) + place for place, key in enumerate(sorted(known))}
    count = len(plain) + len(inverted) + len(atoms)
    if count > VARIABLES:
        return None
    monomials = [mono for poly in known.values() for mono in poly]
    unit = {
        key: math.lcm(
            Fraction(local.get(key, 0)).denominator,
            *(Fraction(e).denominator for mono in monomials for b, a, e in mono if (b, a) == key),
        )
        for key in plain
    }

    def exponents(factors: Factors) -> Exponents:
        vector = [0] * count
        for key, e in factors.items():
            if key in atoms:
                vector[atoms[key]] = int(e)
            elif e < 0:
                vector[below[key]] = int(-e * unit[key])
            else:
                vector[places[key]] = int(e * unit[key])
        return tuple(vector)

    relations = []
    for key, poly in sorted(known.items()):
        relation = [
            (exponents({**{(b, a): e for b, a, e in mono}, key: 1}), Fraction(c))
            for mono, c in poly.items()
        ]
        relations.append(tuple(sorted([*relation, ((0,) * count, Fraction(-1))])))
    for key in inverted:
        pair = [0] * count
        pair[places[key]] = pair[below[key]] = 1
        relations.append((((0,) * count, Fraction(-1)), (tuple(pair), Fraction(1))))
    start = exponents(local)
    reduced = _remainder(start, tuple(relations))
    if len(reduced) == 1 and reduced[0] == (start, 1):
        return None
    keys = [*plain, *inverted, *sorted(known)]
    total: Poly = {}
    for vector, c in reduced:
        factors: Factors = {}
        for place, e in enumerate(vector):
            key = keys[place]
            if e:
                power = Fraction(e, unit[key]) if key in unit else Fraction(e)
                sign = -1 if len(plain) <= place < len(plain) + len(inverted) else 1
                factors[key] = factors.get(key, 0) + _plain(sign * power)
        add_to(total, {monomial(factors): c})
    return total


Relation: TypeAlias = tuple[tuple[Exponents, Fraction], ...]


@lru_cache(maxsize=4096)
def _remainder(start: Exponents, relations: tuple[Relation, ...]) -> tuple[Any, ...]:
    space, basis = _basis(len(start), relations)
    rest = space.from_dict({start: space.domain.one}).rem(basis)
    return tuple((vector, _plain(Fraction(int(c.numerator), int(c.denominator))))
                 for vector, c in rest.terms())


@lru_cache(maxsize=1024)
def _basis(count: int, relations: tuple[Relation, ...]) -> tuple[Any, Any]:
    space = ring([f"v{place}" for place in range(count)], sp.QQ, grlex)[0]
    polys = [
        space.from_dict({vector: sp.QQ(c.numerator, c.denominator) for vector, c in relation})
        for relation in relations
    ]
    return space, groebner(polys, space)


def _plain(value: Number) -> Number:
    fraction = Fraction(value)
    return fraction.numerator if fraction.denominator == 1 else fraction
