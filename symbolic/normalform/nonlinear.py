"""Nonlinear functions of polynomials: powers, exp, log, conditions, and functions left opaque.

    exp(2 x + y)   ->   exp(x)² exp(y)
    log(x y)       ->   log|x| + log|y|
    √(4 x² y)      ->   2 |x| √y
    sin²           ->   1 - cos²

Each returns a polynomial in atoms whose relations are complete enough for the identities of
backpropagation: exp turns sums into products, log turns products into sums, a denominator and a
condition are keyed by a primitive polynomial.  A factor that is 0 or 1 (a condition, a mask) is
taken out of every function: f(s·u + (1-s)·v) = s·f(u) + (1-s)·f(v).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache

import sympy as sp

from .canonical_names import atom, canonical, items_of
from .conditions import step
from .denominators import argument
from .indices import Sub
from .polynomial import (
    NONNEGATIVE,
    POSITIVE,
    Atoms,
    Base,
    Factor,
    Factors,
    Number,
    Poly,
    Unfold,
    UnsupportedError,
    add_to,
    common_factors,
    divided,
    integral,
    plus,
    scaled,
)
from .signs import (
    by_cases,
    factored,
    is_bounded_input,
    is_thin,
    may_vanish,
    primitive,
    sign,
    signed_atom,
    without_inverses,
)


def register(table: Atoms) -> None:
    table.settlers[:0] = [settle_powers, settle_sines]
    table.raised = lambda poly, exponent: power(table, poly, exponent)
    table.rebuild["exp"] = _rebuilt(exponential)
    table.rebuild["log"] = _rebuilt(logarithm)
    table.rebuild["inverse"] = _rebuilt(inverse)
    table.rebuild["root"] = _rebuilt(lambda table, poly: poly)
    table.rebuild["function"] = _rebuild_function


def _rebuilt(
    make: Callable[[Atoms, Poly], Poly],
) -> Callable[[Atoms, Base, Mapping[int, Sub], Unfold], Poly]:
    def rebuild(table: Atoms, base: Base, at: Mapping[int, Sub], unfold: Unfold) -> Poly:
        return make(table, table.rewrite(dict(base.data[0]), at, unfold))

    return rebuild


# --- powers -------------------------------------------------------------------------------------


def settle_powers(table: Atoms, factors: Factors, coefficient: Number) -> Poly | None:
    """Indicators are idempotent; roots and inverses beyond their range are multiplied out."""
    kept: Factors = {}
    parts: list[Poly] = []
    for key, e in factors.items():
        base = table.bases[key[0]]
        if base.idempotent and e > 1:
            kept[key] = 1
        elif base.kind in ("prime", "root") and not 0 <= e < 1:
            whole = math.floor(e)  # D^(3/2) is D D^(1/2): equal powers are one factor
            kept[key] = e - whole
            if base.kind == "prime":
                coefficient = coefficient * Fraction(base.data) ** whole
            else:
                parts.append(power(table, argument(table, *key), whole))
        elif base.kind == "inverse" and e < 0:
            parts.append(power(table, argument(table, *key), -e))
        elif e:
            kept[key] = e
    if kept == factors:
        return None
    result = table.settle({key: e for key, e in kept.items() if e}, coefficient)
    for part in parts:
        result = table.times(result, part)
    return result


def power(table: Atoms, poly: Poly, exponent: Number) -> Poly:
    if exponent == int(exponent):
        whole = int(exponent)
        if whole >= 0:
            return table.power(poly, whole)
        return table.power(inverse(table, poly), -whole)
    return root(table, poly, Fraction(exponent))


def inverse(table: Atoms, poly: Poly) -> Poly:
    """1 / poly where it does not vanish."""
    if not poly:
        raise UnsupportedError("division by zero")
    if len(poly) == 1:
        (coefficient,) = poly.values()
        upside = {key: -e for key, e in factored(poly).items()}
        return table.settle(upside, Fraction(1) / coefficient)
    split = by_cases(table, poly, lambda case: inverse(table, case)) if not may_vanish(
        table, poly) else None
    if split is not None:
        return split
    numerator, taken = without_inverses(table, poly)
    result = table.settle({key: -e for key, e in taken.items()}, 1)
    if taken:
        return table.times(result, inverse(table, numerator))
    unit, scale, factors = primitive(table, poly)
    result = table.settle({key: -e for key, e in unit.items()}, 1 / scale)
    for part, multiplicity in factors:
        flip, key = signed_atom(table, "inverse", part)
        result = table.times(result, scaled(table.entry(*key, multiplicity), flip**multiplicity))
    return result


def root(table: Atoms, poly: Poly, exponent: Number) -> Poly:
    """A real power of a polynomial, where that is defined (so where poly >= 0)."""
    if not poly:
        return {}
    split = by_cases(table, poly, lambda case: root(table, case, exponent))
    if split is not None and (exponent > 0 or not may_vanish(table, poly)):
        return split
    numerator, taken = without_inverses(table, poly)
    if taken and all(table.bases[base].sign == POSITIVE for base, _ in taken):
        below = table.product(
            power(table, root(table, argument(table, *key), exponent), -e)
            for key, e in taken.items()
        )
        return table.times(root(table, numerator, exponent), below)
    outer: Factors = {}
    result: Poly = {(): 1}
    for key, e in common_factors(poly).items():
        even = isinstance(e, int) and e % 2 == 0
        if not table.bases[key[0]].sign and not even:
            continue
        outer[key] = e
        # (a²)^(1/2) is |a|, but (a⁴)^(1/2) is a² whatever the sign of a.
        if table.bases[key[0]].sign or (e * exponent) % 2 == 0:
            part = table.settle({key: e * exponent}, 1)
        else:
            part = power(table, absolute(table, {((*key, 1),): 1}), e * exponent)
        result = table.times(result, part)
    scale, rest = integral(divided(poly, outer))
    result = table.times(result, _number_power(table, scale, exponent))
    if rest == {(): 1}:
        return result
    parts = _positive_parts(table, rest)
    if parts:
        return table.times(result, table.product(root(table, part, e * exponent)
                                                 for part, e in parts))
    found = canonical(table, items_of(rest))
    return table.times(result, atom(table, "root", found, exponent=exponent, sign=NONNEGATIVE,
                                    thin=is_thin(table, rest)))


def _positive_parts(table: Atoms, poly: Poly) -> list[tuple[Poly, int]]:
    """The factors of a polynomial in bounded inputs, where all are positive: x² - 1 for x > 1."""
    if len(poly) > 4 or not all(is_bounded_input(table, base) for mono in poly
                                for base, _, _ in mono):
        return []
    unit, scale, factors = primitive(table, poly)
    whole = [(part, e) for part, e in factors if part != {(): 1}]
    if unit or scale != 1 or (len(whole) == 1 and whole[0][1] == 1) or any(
            sign(table, part) != POSITIVE for part, _ in whole):
        return []
    return whole


LARGEST_PRIME = 2**15
"""Primes that are looked for in a number; what is left of it then counts as one."""


@lru_cache(maxsize=4096)
def prime_factors(whole: int) -> tuple[tuple[int, int], ...]:
    """The primes of a positive number with their multiplicities, large ones left together.

    >>> prime_factors(360)
    ((2, 3), (3, 2), (5, 1))
    """
    found = sp.factorint(whole, limit=LARGEST_PRIME, use_rho=False, use_pm1=False, use_ecm=False)
    return tuple((int(prime), int(multiplicity)) for prime, multiplicity in found.items())


def _number_power(table: Atoms, value: Fraction, exponent: Number) -> Poly:
    factors: Factors = {}
    for whole, way in ((value.numerator, 1), (value.denominator, -1)):
        for prime, multiplicity in prime_factors(whole):
            base = table.base("prime", prime, sign=POSITIVE)
            factors[base, ()] = factors.get((base, ()), 0) + way * multiplicity * exponent
    return table.settle(factors, 1)


# --- exp, log, absolute value -------------------------------------------------------------------


def exponential(table: Atoms, poly: Poly) -> Poly:
    """exp of a polynomial: the product of exp of its monomials to rational powers."""
    split = by_cases(table, poly, lambda case: exponential(table, case))
    if split is not None:
        return split
    result: Poly = {(): 1}
    for mono, c in poly.items():
        if len(mono) == 1 and table.bases[mono[0][0]].kind == "log" and mono[0][2] == 1:
            # exp(c log|a|) = |a|^c
            inside = argument(table, mono[0][0], mono[0][1])
            part = power(table, absolute(table, inside), c)
        else:
            found = canonical(table, [(mono, 1)])
            part = atom(table, "exp", found, exponent=c, sign=POSITIVE,
                        thin=is_thin(table, {mono: 1}))
        result = table.times(result, part)
    return result


def logarithm(table: Atoms, poly: Poly) -> Poly:
    """log of a polynomial where that is defined, as a sum over factors: log|a| + log|b|."""
    if not poly:
        raise UnsupportedError("log of zero")
    split = by_cases(table, poly, lambda case: logarithm(table, case)) if not may_vanish(
        table, poly) else None
    if split is not None:
        return split
    numerator, taken = without_inverses(table, poly)
    total: Poly = {}
    for key, e in taken.items():
        add_to(total, logarithm(table, argument(table, *key)), -e)
    unit, scale, factors = primitive(table, numerator)
    for key, e in unit.items():
        add_to(total, _log_factor(table, key), e)
    for whole, way in ((scale.numerator, 1), (scale.denominator, -1)):
        for prime, multiplicity in prime_factors(whole):
            base = table.base("prime", prime, sign=POSITIVE)
            add_to(total, _log_atom(table, {((base, (), 1),): 1}), way * multiplicity)
    for part, multiplicity in factors:
        if part not in ({(): 1}, {(): -1}):
            add_to(total, _log_atom(table, part), multiplicity)
    return total


def _log_factor(table: Atoms, key: Factor) -> Poly:
    base = table.bases[key[0]]
    if base.kind == "exp":
        return argument(table, *key)
    if base.kind == "root":
        return logarithm(table, argument(table, *key))
    return _log_atom(table, {((*key, 1),): 1})


def _log_atom(table: Atoms, poly: Poly) -> Poly:
    return table.entry(*signed_atom(table, "log", poly)[1])


def absolute(table: Atoms, poly: Poly) -> Poly:
    if sign(table, poly):
        return poly
    # |p| = p ([p > 0] - [-p > 0])
    return table.times(poly, plus(step(table, poly), step(table, scaled(poly, -1)), -1))


def opaque(table: Atoms, name: object, arguments: list[Poly]) -> Poly:
    """A function without relations: equal for equal arguments, and no more."""
    # All arguments in one polynomial, each marked, so that their indices are named together.
    tagged: Poly = {}
    for place, inside in enumerate(arguments):
        mark = table.base("place", place)
        add_to(tagged, table.times({((mark, (), 1),): 1}, inside))
    found = canonical(table, items_of(tagged))
    return atom(table, "function", found, name, len(arguments), thin=False)


def settle_sines(table: Atoms, factors: Factors, coefficient: Number) -> Poly | None:
    """sin² is 1 - cos²: what is left has a sine to the first power at most."""
    for key, e in factors.items():
        base = table.bases[key[0]]
        if base.kind == "function" and base.data[1] is sp.sin and e >= 2:
            at = dict(zip(base.free, key[1], strict=True))
            cosine = opaque(table, sp.cos, _arguments(table, base, at, {}))
            square = plus({(): 1}, table.power(cosine, 2), -1)
            rest = {other: power for other, power in {**factors, key: e - 2}.items() if power}
            return table.times(table.settle(rest, coefficient), square)
    return None


def _arguments(
    table: Atoms, base: Base, at: Mapping[int, Sub], unfold: Unfold
) -> list[Poly]:
    """What a function is of, at other subscripts."""
    items, _, count = base.data
    arguments: list[Poly] = [{} for _ in range(count)]
    for mono, c in items:
        (place,) = [table.bases[b].data for b, _, _ in mono if table.bases[b].kind == "place"]
        rest = tuple(f for f in mono if table.bases[f[0]].kind != "place")
        add_to(arguments[place], {rest: c})
    return [table.rewrite(a, at, unfold) for a in arguments]


def _rebuild_function(table: Atoms, base: Base, at: Mapping[int, Sub], unfold: Unfold) -> Poly:
    return opaque(table, base.data[1], _arguments(table, base, at, unfold))
