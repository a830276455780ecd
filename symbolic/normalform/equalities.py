"""Conditions [D = 0] on what is given: atoms that are 0 or 1, and what follows where one is 1.

    y·[y = 1]                  ->  [y = 1]
    [y - 1 > 0]·[y = 1]        ->  0

An array that nothing is differentiated by (data, labels, masks, probabilities) may hold the very
values that a program compares it with, so the zeros of a polynomial in such arrays alone are
cases like any other.  Zeros of anything else are measured zero, and listed as kinks.
"""

from __future__ import annotations

from fractions import Fraction

from .denominators import argument, leading_monomial, without_leading
from .polynomial import (
    POSITIVE,
    Atoms,
    Factor,
    Factors,
    Number,
    Poly,
    add_to,
    common_factors,
    constant,
    divided,
    factors_of,
    plain,
    plus,
    without_content,
)
from .signs import by_cases, is_given, is_thin, sign, signed_atom, without_inverses


def register(table: Atoms) -> None:
    table.settlers.append(settle_equalities)
    table.rebuild["zero"] = lambda table, base, at, unfold: zero(
        table, table.rewrite(dict(base.data[0]), at, unfold)
    )


def zero(table: Atoms, poly: Poly) -> Poly:
    """[poly = 0], for a polynomial in given arrays whose zeros have no inside."""
    if not poly or set(poly) == {()}:
        return constant(int(not poly))
    split = by_cases(table, poly, lambda case: zero(table, case))
    if split is not None:
        return split
    numerator, _ = without_inverses(table, poly)
    factors = common_factors(numerator)
    if factors and (len(numerator) > 1 or len(factors) > 1):
        # A product vanishes where one of its factors does.
        parts: list[Poly] = [{((*key, 1),): 1} for key in factors]
        rest = divided(numerator, factors)
        apart = [plus(constant(1), zero(table, part), -1)
                 for part in (*parts, *([rest] if len(rest) > 1 else []))]
        return plus(constant(1), table.product(apart), -1)
    if sign(table, numerator) == POSITIVE:
        return {}
    if factors:
        numerator = {((*next(iter(factors)), 1),): 1}
    numerator = without_content(numerator)
    return table.entry(*signed_atom(table, "zero", numerator)[1])


def boundary(table: Atoms, poly: Poly) -> Poly:
    """[poly = 0] where that is a case; 0 where it has measure zero.

    Only for polynomials that are thin: elsewhere the zeros may have an inside.
    """
    return zero(table, poly) if is_given(table, poly) and is_thin(table, poly) else {}


def settle_equalities(table: Atoms, factors: Factors, coefficient: Number) -> Poly | None:
    """Products with [D = 0]: other conditions on D are decided, and D's leading monomial is
    written in the rest of D."""
    for key in factors:
        if table.bases[key[0]].kind != "zero":
            continue
        gone = argument(table, *key)
        lead = leading_monomial(table, gone)
        decided = _decided(table, factors, key, gone)
        if decided is not None:
            return table.settle(decided, coefficient) if decided else {}
        below = factors_of(lead)
        if below and all(factors.get(other, 0) >= e for other, e in below.items()):
            total: Poly = {}
            for product, c in without_leading(factors, gone, lead):
                kept = {other: e for other, e in product.items() if e}
                add_to(total, table.settle(kept, coefficient * c))
            return {mono: plain(c) for mono, c in total.items()}
    return None


def _decided(table: Atoms, factors: Factors, key: Factor, gone: Poly) -> Factors | None:
    """The factors without a condition that `gone` = 0 makes true; empty where it makes one false.
    """
    lead = leading_monomial(table, gone)
    for other in factors:
        kind = table.bases[other[0]].kind
        if other == key or kind not in ("step", "zero"):
            continue
        inside = argument(table, *other)
        ratio = Fraction(inside.get(lead, 0)) / gone[lead]
        left = plus(inside, gone, -ratio)
        if set(left) <= {()}:  # a constant, which is what the condition says where D = 0
            value = left.get((), 0)
            holds = value > 0 if kind == "step" else value == 0
            return {k: e for k, e in factors.items() if k != other} if holds else {}
    return None
