"""Conditions [D > 0] as atoms that are 0 or 1, and maxima over indices.

    [2 x - 2 y > 0]   ->  [x - y > 0]
    [y - x > 0]       ->  1 - [x - y > 0], with x - y = 0 as a kink

The key is made primitive up to a positive factor.  Where D cannot vanish on an open set its sign
is normalised too, [-D > 0] = 1 - [D > 0]; the point D = 0 is then listed as a kink, or, where D
is made of data alone, is a case of its own (:mod:`equalities`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import permutations, product

import sympy as sp

from .as_text import crossing
from .canonical_names import atom, canonical, items_of
from .denominators import argument
from .equalities import boundary
from .indices import Sub
from .polynomial import (
    NONNEGATIVE,
    POSITIVE,
    Atoms,
    Base,
    Factors,
    Number,
    Poly,
    Unfold,
    common_factors,
    constant,
    content,
    divided,
    plus,
    scaled,
    without_content,
)
from .signs import by_cases, is_given, is_thin, sign, signed_atom, without_inverses

_WINDOW = 25
"""Places of a maximum to try as the one that is meant."""


def register(table: Atoms) -> None:
    table.settlers.append(settle_steps)
    table.rebuild["step"] = lambda table, base, at, unfold: step(
        table, table.rewrite(dict(base.data[0]), at, unfold)
    )
    table.rebuild["max"] = _rebuild_maximum


def step(table: Atoms, poly: Poly) -> Poly:
    """[poly > 0]."""
    if not poly or set(poly) == {()}:
        return constant(int(bool(poly) and poly[()] > 0))
    split = by_cases(table, poly, lambda case: step(table, case))
    if split is not None:
        return split
    poly, apart = _without_even_factors(table, _cleared(table, poly))
    return table.times(apart, _step(table, poly))


def _step(table: Atoms, poly: Poly) -> Poly:
    """[poly > 0] of a polynomial without inverses and without factors that are squares."""
    if sign(table, poly) == POSITIVE:
        return constant(1)
    if sign(table, scaled(poly, -1)):
        return {}
    odd = common_factors(poly)
    if odd and is_thin(table, poly) and (len(poly) > 1 or len(odd) > 1):
        return _step_of_product(table, poly, odd)
    poly = without_content(poly)
    if is_thin(table, poly):
        return _thin_step(table, poly)
    # Where data hold their maximum twice, every place of it is the largest, not the first alone.
    attained = None if is_given(table, poly) else _attained(table, poly)
    if attained is not None:
        return attained
    return atom(table, "step", canonical(table, items_of(poly)), sign=NONNEGATIVE, idempotent=True,
                thin=False)


def _step_of_product(table: Atoms, poly: Poly, factors: Factors) -> Poly:
    """[a b > 0] from the signs of a and of b, which are 1, -1, or 0 where the factor vanishes."""
    parts: list[Poly] = [{((*key, 1),): 1} for key in factors]
    parts.append(divided(poly, factors))
    ends = [boundary(table, part) for part in parts]
    # With s the signs and |s| their moduli: [a b > 0] = (s_a s_b + |s_a| |s_b|) / 2.
    signs = [plus(scaled(step(table, part), 2), plus(end, constant(-1)))
             for part, end in zip(parts, ends, strict=True)]
    moduli = [plus(constant(1), end, -1) for end in ends]
    return scaled(plus(table.product(signs), table.product(moduli)), Fraction(1, 2))


def _thin_step(table: Atoms, poly: Poly) -> Poly:
    """[poly > 0] by [-poly > 0], whichever has the first name."""
    end = boundary(table, poly)
    flip, key = signed_atom(table, "step", poly)
    if not is_given(table, poly):
        key_poly = argument(table, *key)
        upright = 1 if max(key_poly.items())[1] > 0 else -1
        table.kinks.add(crossing(table, scaled(key_poly, upright)))
    if sign(table, poly):
        return plus(constant(1), end, -1)
    entry = table.entry(*key)  # [p > 0] + [p = 0] + [-p > 0] = 1
    return entry if flip == 1 else plus(plus(constant(1), end, -1), entry, -1)


def _cleared(table: Atoms, poly: Poly) -> Poly:
    """A polynomial of the same sign without inverses."""
    numerator, taken = without_inverses(table, poly)
    for key, e in taken.items():
        if e % 2 and table.bases[key[0]].sign != POSITIVE:
            numerator = table.times(numerator, argument(table, *key))
    return numerator


def _without_even_factors(table: Atoms, poly: Poly) -> tuple[Poly, Poly]:
    """(common factors reduced to what the sign depends on, where the others do not vanish)."""
    taken: Factors = {}
    apart = constant(1)
    for key, e in common_factors(poly).items():
        base = table.bases[key[0]]
        whole = isinstance(e, int)
        if base.sign == POSITIVE:
            taken[key] = e
        elif base.thin and (base.sign or (whole and e % 2 == 0)):
            taken[key] = e
            end = boundary(table, {((*key, 1),): 1})
            apart = table.times(apart, plus(constant(1), end, -1))
        elif base.thin and whole:
            taken[key] = e - 1
    return divided(poly, taken), apart


def settle_steps(table: Atoms, factors: Factors, coefficient: Number) -> Poly | None:
    """Products of conditions whose polynomials differ, or add up, to a constant."""
    steps = [key for key in factors if table.bases[key[0]].kind == "step"]
    for place, left in enumerate(steps):
        for right in steps[:place]:
            first, second = argument(table, *left), argument(table, *right)
            difference, total = plus(first, second, -1), plus(first, second)
            rest = {key: e for key, e in factors.items() if key not in (left, right)}
            if set(difference) <= {()}:  # [p > 0] [p + 1 > 0] = [p > 0]
                strong = left if difference.get((), 0) < 0 else right
                return table.settle({**rest, strong: 1}, coefficient)
            if set(total) <= {()}:
                if total.get((), 0) <= 0:
                    return {}
                # [p > 0] [1 - p > 0] = [p > 0] + [1 - p > 0] - 1: one of them always holds.
                either = plus(
                    table.settle({**rest, left: 1}, coefficient),
                    table.settle({**rest, right: 1}, coefficient),
                )
                return plus(either, table.settle(rest, coefficient), -1)
    return None


# --- maxima -------------------------------------------------------------------------------------


def maximum(
    table: Atoms, poly: Poly, bound: Collection[int]
) -> tuple[Poly, dict[int, tuple[int, tuple[Sub, ...]]]]:
    """The maximum over bound indices, and for each of them the integer array that attains it."""
    outside: Poly = {}
    inside: Poly = {}
    for mono, c in poly.items():
        part = inside if table.poly_deps([mono]).intersection(bound) else outside
        part[mono] = c
    if not inside:
        return outside, {}
    unit = {  # max_k a x[k] = a max_k x[k], for a > 0
        key: e
        for key, e in common_factors(inside).items()
        if table.bases[key[0]].sign == POSITIVE and table.deps_of(key[1]).isdisjoint(bound)
    }
    scale = content(inside)
    inside = scaled(divided(inside, unit), 1 / scale)
    found = canonical(table, items_of(inside), bound)
    data = found.items, found.bound
    facts = {"free": found.free, "thin": False, "symmetries": found.symmetries}
    largest = table.base("max", data, **facts)
    places = {
        index: (table.base("argmax", (*data, place), **facts), found.args)
        for place, index in enumerate(found.bound_args)
    }
    table.kinks.add(crossing(table, inside, is_tie=True))
    peak = scaled(table.times(table.entry(largest, found.args), table.settle(unit, 1)), scale)
    return plus(outside, peak), places


def _rebuild_maximum(table: Atoms, base: Base, at: Mapping[int, Sub], unfold: Unfold) -> Poly:
    items, bound = base.data
    fresh = {index: table.fresh(table.size(index)) for index in bound}
    inside = table.rewrite(dict(items), {**at, **fresh}, unfold)
    return maximum(table, inside, fresh.values())[0]


def _attained(table: Atoms, poly: Poly) -> Poly | None:
    """[max_k x[k] > x[k]] is 1 - [k = argmax x] away from ties, and [x[k] > max_k x[k]] is 0.

    k may be several indices, those of a window, and the maximum one of maxima.
    """
    for mono, c in poly.items():
        if len(mono) != 1 or table.bases[mono[0][0]].kind != "max" or mono[0][2] != 1:
            continue
        rest = scaled({m: d for m, d in poly.items() if m != mono}, Fraction(-1) / c)
        place = _place_of(table, mono[0][0], mono[0][1], rest)
        if place is not None:
            return {} if c < 0 else plus(constant(1), place, -1)
    return None


def _place_of(table: Atoms, base: int, args: tuple[Sub, ...], entry: Poly) -> Poly | None:
    """Where an entry of what a maximum is taken of is the largest; None if it is no such entry."""
    known = table.bases[base]
    items, bound = known.data
    outer = dict(zip(known.free, args, strict=True))
    free = sorted(table.poly_deps(entry).difference(table.deps_of(args)))
    for indices in (*permutations(free, len(bound)), *_constant_places(table, bound)):
        by = {**outer, **dict(zip(bound, indices, strict=True))}
        found = table.substitute(dict(items), by)
        if found == entry:
            return _at_maximum(table, base, args, indices)
        ((mono, c),) = found.items() if len(found) == 1 else (((), 0),)
        if c == 1 and len(mono) == 1 and mono[0][2] == 1 and table.bases[mono[0][0]].kind == "max":
            inner = _place_of(table, mono[0][0], mono[0][1], entry)
            if inner is not None:
                return table.times(_at_maximum(table, base, args, indices), inner)
    return None


def _constant_places(table: Atoms, bound: Sequence[int]) -> Iterator[tuple[Sub, ...]]:
    """The places of a small window, where its sizes are numbers."""
    sizes = [table.size(index) for index in bound]
    numbers = [int(size) for size in sizes if size is not None and size.is_Integer]
    if len(numbers) == len(bound) and math.prod(numbers) <= _WINDOW:
        places = [[table.combine(sp.Integer(k), []) for k in range(count)] for count in numbers]
        yield from product(*places)


def _at_maximum(table: Atoms, base: int, args: tuple[Sub, ...], indices: Sequence[Sub]) -> Poly:
    """[indices = argmax], of the maximum that is the entry of `base` at `args`."""
    known = table.bases[base]
    items, bound = known.data
    facts = {"free": known.free, "thin": False, "symmetries": known.symmetries}
    places = [table.base("argmax", (items, bound, place), **facts) for place in range(len(bound))]
    return table.product(
        equal_indices(table, index, table.gather(where, args, table.size(held)))
        for index, where, held in zip(indices, places, bound, strict=True)
    )


def equal_indices(table: Atoms, left: Sub, right: Sub) -> Poly:
    return table.entry(table.equal, (table.difference(left, right),))
