"""Nonlinear functions of polynomials: powers, exp, log, conditions, and functions left opaque.

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

from .denominators import argument
from .indices import Sub
from .labels import canonical, items_of
from .polynomial import (
    NONNEGATIVE,
    POSITIVE,
    UNKNOWN,
    Base,
    Factor,
    Factors,
    Monomial,
    Number,
    Poly,
    Table,
    Unfold,
    UnsupportedError,
    add_to,
    common_factors,
    constant,
    content,
    monomial,
    plus,
    scaled,
)

CASES = 4
"""The largest number of indicators a function's argument is split on."""


def register(table: Table) -> None:
    table.settlers.insert(0, settle_powers)
    table.raised = lambda poly, exponent: power(table, poly, exponent)
    table.rebuild["exp"] = _rebuilt(exponential)
    table.rebuild["log"] = _rebuilt(logarithm)
    table.rebuild["inverse"] = _rebuilt(inverse)
    table.rebuild["root"] = _rebuilt(lambda table, poly: poly)
    table.rebuild["function"] = _rebuild_function


def _rebuilt(
    make: Callable[[Table, Poly], Poly],
) -> Callable[[Table, Base, Mapping[int, Sub], Unfold], Poly]:
    def rebuild(table: Table, base: Base, at: Mapping[int, Sub], unfold: Unfold) -> Poly:
        return make(table, table.rewrite(dict(base.data[0]), at, unfold))

    return rebuild


# --- signs and cases ----------------------------------------------------------------------------


def sign(table: Table, poly: Poly) -> int:
    """POSITIVE or NONNEGATIVE where every monomial is seen to be so; else UNKNOWN."""
    found = [_monomial_sign(table, mono, c) for mono, c in poly.items()]
    if not found or min(found) == UNKNOWN:
        return NONNEGATIVE if not found else UNKNOWN
    return max(found)


def _monomial_sign(table: Table, mono: Monomial, coefficient: Number) -> int:
    if coefficient < 0:
        return UNKNOWN
    found = POSITIVE
    for base, _, e in mono:
        even = isinstance(e, int) and e % 2 == 0
        found = min(found, max(table.bases[base].sign, NONNEGATIVE if even else UNKNOWN))
    return found


def indicators(table: Table, poly: Poly) -> list[Factor]:
    return sorted(
        {(b, a) for mono in poly for b, a, e in mono if table.bases[b].idempotent and e > 0}
    )


def by_cases(table: Table, poly: Poly, function: Callable[[Poly], Poly]) -> Poly | None:
    """The function on either value of each indicator in the argument; None if there is none.

    None as well where the argument vanishes in a case and the function is not defined there.
    """
    found = indicators(table, poly)
    if not found or len(found) > CASES:
        return None
    key = found[0]
    on: Poly = {}
    off: Poly = {}
    for mono, c in poly.items():
        rest = tuple(factor for factor in mono if factor[:2] != key)
        add_to(on, {rest: c})
        if len(rest) == len(mono):
            add_to(off, {rest: c})
    chosen: Poly = {((*key, 1),): 1}
    yes, no = function(on), function(off)
    return plus(no, table.times(chosen, plus(yes, no, -1)))


def factored(poly: Poly) -> Factors:
    return {(base, args): e for mono in poly for base, args, e in mono}


def without_inverses(table: Table, poly: Poly) -> tuple[Poly, Factors]:
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
        key, exponent = min(worst.items())
        assert isinstance(exponent, int)
        poly = table.times(poly, table.power(argument(table, *key), exponent))
        taken[key] = taken.get(key, 0) + exponent


# --- powers -------------------------------------------------------------------------------------


def settle_powers(table: Table, factors: Factors, coefficient: Number) -> Poly | None:
    """Indicators are idempotent; roots and inverses beyond their range are multiplied out."""
    kept: Factors = {}
    parts: list[Poly] = []
    for key, e in factors.items():
        base = table.bases[key[0]]
        if base.idempotent and e > 1:
            kept[key] = 1
        elif base.kind in ("prime", "root") and not 0 <= e < 1:
            whole = math.floor(e)
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


def power(table: Table, poly: Poly, exponent: Number) -> Poly:
    if exponent == int(exponent):
        whole = int(exponent)
        if whole >= 0:
            return table.power(poly, whole)
        return table.power(inverse(table, poly), -whole)
    return root(table, poly, Fraction(exponent))


def inverse(table: Table, poly: Poly) -> Poly:
    """1 / poly where it does not vanish."""
    if not poly:
        raise UnsupportedError("division by zero")
    if len(poly) == 1:
        (coefficient,) = poly.values()
        upside = {key: -e for key, e in factored(poly).items()}
        return table.settle(upside, Fraction(1) / coefficient)
    split = by_cases(table, poly, lambda case: inverse(table, case)) if not _vanishes(
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


def _vanishes(table: Table, poly: Poly) -> bool:
    """Does the polynomial vanish for some values of its indicators?"""
    if not poly:
        return True
    found = indicators(table, poly)
    if not found or len(found) > CASES:
        return False
    key = found[0]
    off = {m: c for m, c in poly.items() if all(f[:2] != key for f in m)}
    on: Poly = {}
    for m, c in poly.items():
        add_to(on, {tuple(f for f in m if f[:2] != key): c})
    return _vanishes(table, on) or _vanishes(table, off)


def primitive(
    table: Table, poly: Poly
) -> tuple[Factors, Fraction, list[tuple[Poly, int]]]:
    """(common factors, positive number, irreducible polynomials with multiplicities)."""
    unit = common_factors(poly)
    rest: Poly = {}
    for mono, c in poly.items():
        factors = {(b, a): e for b, a, e in mono}
        for key, e in unit.items():
            factors[key] = factors.get(key, 0) - e
        rest[monomial(factors)] = c
    scale = content(rest)
    rest = {mono: int(c / scale) for mono, c in rest.items()}
    return unit, scale, _irreducible(rest)


def _irreducible(poly: Poly) -> list[tuple[Poly, int]]:
    keys = sorted({(base, args) for mono in poly for base, args, _ in mono})
    uses = {key: [m for m in poly if any(f[:2] == key for f in m)] for key in keys}
    linear = any(len(m) == 1 and len(m[0]) == 1 for m in uses.values())
    whole = all(isinstance(e, int) and e > 0 for mono in poly for _, _, e in mono)
    if not keys or linear or not whole or len(poly) > 12:
        return [(poly, 1)]
    places = {key: place for place, key in enumerate(keys)}
    vectors = []
    for mono, c in poly.items():
        vector = [0] * len(keys)
        for base, args, e in mono:
            vector[places[base, args]] = int(e)
        vectors.append((tuple(vector), int(c)))
    number, found = _factor_list(tuple(sorted(vectors)))
    result = [
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


def signed_atom(table: Table, kind: str, poly: Poly) -> tuple[int, Factor]:
    """The atom of a polynomial or of its negative, whichever comes first, and the sign."""
    flips = {}
    known = [flip for flip in (1, -1) if sign(table, scaled(poly, flip))]
    for flip in known or (1, -1):
        found = canonical(table, items_of(scaled(poly, flip)))
        flips[found.items, found.args, -flip] = flip, found
    flip, found = flips[min(flips)]
    chosen = dict(found.items)
    base = table.base(
        kind,
        (found.items,),
        free=found.free,
        sign=NONNEGATIVE if kind == "step" else POSITIVE if known and kind != "log" else UNKNOWN,
        idempotent=kind == "step",
        thin=kind != "step" and is_thin(table, chosen),
        symmetries=found.symmetries,
    )
    return flip, table.factor(base, found.args)


def is_thin(table: Table, poly: Poly) -> bool:
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


def root(table: Table, poly: Poly, exponent: Number) -> Poly:
    """A real power of a polynomial, where that is defined (so where poly >= 0)."""
    if not poly:
        return {}
    split = by_cases(table, poly, lambda case: root(table, case, exponent))
    if split is not None and (exponent > 0 or not _vanishes(table, poly)):
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
        if table.bases[key[0]].sign or (e * exponent) % 2 == 0:
            part = table.settle({key: e * exponent}, 1)
        else:
            part = power(table, absolute(table, {((*key, 1),): 1}), e * exponent)
        result = table.times(result, part)
    rest: Poly = {}
    for mono, c in poly.items():
        factors = {(b, a): e for b, a, e in mono}
        for key, e in outer.items():
            factors[key] = factors.get(key, 0) - e
        rest[monomial(factors)] = c
    scale = content(rest)
    rest = {mono: int(c / scale) for mono, c in rest.items()}
    result = table.times(result, _number_power(table, scale, exponent))
    if rest == {(): 1}:
        return result
    found = canonical(table, items_of(rest))
    base = table.base(
        "root", (found.items,), free=found.free, sign=NONNEGATIVE,
        thin=is_thin(table, rest), symmetries=found.symmetries,
    )
    return table.times(result, table.entry(*table.factor(base, found.args), exponent))


def _number_power(table: Table, value: Fraction, exponent: Number) -> Poly:
    factors: Factors = {}
    for whole, way in ((value.numerator, 1), (value.denominator, -1)):
        for prime, multiplicity in sp.factorint(whole).items():
            base = table.base("prime", int(prime), sign=POSITIVE)
            factors[base, ()] = factors.get((base, ()), 0) + way * multiplicity * exponent
    return table.settle(factors, 1)


# --- exp, log, absolute value -------------------------------------------------------------------


def exponential(table: Table, poly: Poly) -> Poly:
    """exp of a polynomial: the product of exp of its monomials to rational powers."""
    split = by_cases(table, poly, lambda case: exponential(table, case))
    if split is not None:
        return split
    result: Poly = {(): 1}
    for mono, c in poly.items():
        if len(mono) == 1 and table.bases[mono[0][0]].kind == "log" and mono[0][2] == 1:
            inside = argument(table, mono[0][0], mono[0][1])
            part = power(table, absolute(table, inside), c)
        else:
            found = canonical(table, [(mono, 1)])
            base = table.base(
                "exp", (found.items,), free=found.free, sign=POSITIVE,
                thin=is_thin(table, {mono: 1}), symmetries=found.symmetries,
            )
            part = table.entry(base, found.args, c)
        result = table.times(result, part)
    return result


def logarithm(table: Table, poly: Poly) -> Poly:
    """log of a polynomial where that is defined, as a sum over factors: log|a| + log|b|."""
    if not poly:
        raise UnsupportedError("log of zero")
    split = by_cases(table, poly, lambda case: logarithm(table, case)) if not _vanishes(
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
        for prime, multiplicity in sp.factorint(whole).items():
            base = table.base("prime", int(prime), sign=POSITIVE)
            add_to(total, _log_atom(table, {((base, (), 1),): 1}), way * multiplicity)
    for part, multiplicity in factors:
        if part not in ({(): 1}, {(): -1}):
            add_to(total, _log_atom(table, part), multiplicity)
    return total


def _log_factor(table: Table, key: Factor) -> Poly:
    base = table.bases[key[0]]
    if base.kind == "exp":
        return argument(table, *key)
    if base.kind == "root":
        return logarithm(table, argument(table, *key))
    return _log_atom(table, {((*key, 1),): 1})


def _log_atom(table: Table, poly: Poly) -> Poly:
    return table.entry(*signed_atom(table, "log", poly)[1])


def absolute(table: Table, poly: Poly) -> Poly:
    if sign(table, poly):
        return poly
    return table.times(poly, plus(step(table, poly), step(table, scaled(poly, -1)), -1))


step: Callable[[Table, Poly], Poly]
"""[poly > 0]; set by the file that knows conditions."""


def opaque(table: Table, name: object, arguments: list[Poly]) -> Poly:
    """A function without relations: equal for equal arguments, and no more."""
    tagged: Poly = {}
    for place, argument in enumerate(arguments):
        mark = table.base("place", place)
        add_to(tagged, table.times({((mark, (), 1),): 1}, argument))
    found = canonical(table, items_of(tagged))
    base = table.base(
        "function", (found.items, name, len(arguments)), free=found.free,
        thin=False, symmetries=found.symmetries,
    )
    return table.entry(base, found.args)


def _rebuild_function(table: Table, base: Base, at: Mapping[int, Sub], unfold: Unfold) -> Poly:
    items, name, count = base.data
    arguments: list[Poly] = [{} for _ in range(count)]
    for mono, c in items:
        (place,) = [table.bases[b].data for b, _, _ in mono if table.bases[b].kind == "place"]
        rest = tuple(f for f in mono if table.bases[f[0]].kind != "place")
        add_to(arguments[place], {rest: c})
    return opaque(table, name, [table.rewrite(a, at, unfold) for a in arguments])
