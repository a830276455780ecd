"""Guards as factors: [s = 0] and [s >= 0] for an affine subscript s, and the value of a subscript.

    [i = j] x[i]               ->  [i = j] x[j], in as few indices as possible
    [i >= 0] x[i], 0 <= i < n  ->  x[i]

What the ranges of the indices already say is dropped; an equation between free indices is used to
write the other factors in as few indices as possible.
"""

from __future__ import annotations

import sympy as sp

from ..equation import Equal, Guard
from .indices import Sub, is_nonnegative
from .polynomial import (
    POSITIVE,
    Atoms,
    Factors,
    Number,
    Poly,
    UnsupportedError,
    add_to,
    factors_of,
    monomial,
    number,
    plus,
)


def register(table: Atoms) -> None:
    table.settlers.append(settle_guards)
    table.rebuild["index"] = lambda table, base, at, unfold: value(table, at[base.free[0]])


def value(table: Atoms, sub: Sub) -> Poly:
    """A subscript as a number in a body."""
    constant, terms = table.linear(sub)
    total = size_poly(table, constant)
    for index, coefficient in terms:
        base = table.base("index", None, free=(table.placeholder(0),), thin=False)
        add_to(total, table.times(size_poly(table, coefficient), {((base, (index,), 1),): 1}))
    return total


def size_poly(table: Atoms, size: sp.Expr) -> Poly:
    """A polynomial in sizes as one in the size bases."""
    total: Poly = {}
    for term, coefficient in sp.expand(size).as_coefficients_dict().items():
        factors: Factors = {}
        for base, exponent in term.as_powers_dict().items():
            if base == 1:
                continue
            if not exponent.is_Integer:
                raise UnsupportedError(f"the size {size}")
            sized = table.base("size", base, sign=POSITIVE)
            factors[sized, ()] = factors.get((sized, ()), 0) + int(exponent)
        add_to(total, {monomial(factors): number(coefficient)})
    return total


def is_one(table: Atoms, base: int, sub: Sub) -> bool | None:
    """Is the guard always true (True), never (False), or neither is seen (None)?"""
    low, high = table.lowest(sub), table.lowest(table.negated(sub))
    if base == table.range:
        if low is not None and is_nonnegative(low):
            return True
        below = table.lowest(table.negated(sub, -1))
        return False if below is not None and is_nonnegative(below) else None
    if low == 0 and high == 0:
        return True
    apart = any(end is not None and is_nonnegative(end - 1) for end in (low, high))
    return False if apart else None


def settle_guards(table: Atoms, factors: Factors, coefficient: Number) -> Poly | None:
    guards = [key for key in factors if key[0] in (table.equal, table.range)]
    if not guards:
        return None
    truths = {key: is_one(table, key[0], key[1][0]) for key in guards}
    if False in truths.values():
        return {}
    kept = {key: e for key, e in factors.items() if not truths.get(key)}
    if _without_weak_ranges(table, kept):
        return {}
    for key in guards:
        if key in kept and key[0] == table.equal:
            moved = _solved(table, kept, key)
            if moved is not None:
                return {m: c * coefficient for m, c in moved.items()}
    return table.settle(kept, coefficient) if len(kept) < len(factors) else None


def _without_weak_ranges(table: Atoms, kept: Factors) -> bool:
    """Takes out ranges that others imply; True where two exclude each other."""
    ranges = [key for key in kept if key[0] == table.range]
    for weak in ranges:
        for strong in ranges:
            if weak == strong or weak not in kept or strong not in kept:
                continue
            shift, terms = table.linear(table.difference(weak[1][0], strong[1][0]))
            if not terms and is_nonnegative(shift):
                del kept[weak]
                continue
            # s >= 0 and r >= 0 are not both true where s + r <= -1.
            both = table.difference(weak[1][0], table.negated(strong[1][0]))
            total, terms = table.linear(both)
            if not terms and is_nonnegative(-total - 1):
                return True
    return False


def with_one_of_opposites(table: Atoms, poly: Poly) -> Poly:
    """[s >= 0] as 1 - [-s - 1 >= 0] where both occur: one of them holds of every whole number.

    This is what an array leaves that is written in two overlapping parts:
    g[1:] += a and then g[:-1] -= b read g at 1, ..., n - 2 and at n - 1.
    """
    ranges = {key[:2] for mono in poly for key in mono if key[0] == table.range}
    for key in sorted(ranges, reverse=True):
        opposite = (table.range, (table.negated(key[1][0], -1),))
        if opposite not in ranges or opposite > key:
            continue
        other = plus({(): 1}, table.entry(*opposite), -1)
        total: Poly = {}
        for mono, coefficient in poly.items():
            factors: Factors = factors_of(mono)
            if factors.pop(key, None) is None:
                add_to(total, {mono: coefficient})
            else:
                add_to(total, table.times({monomial(factors): coefficient}, other))
        poly = total
    return poly


def solve(table: Atoms, sub: Sub, index: int) -> Sub | None:
    """The subscript that `index` equals where sub = 0, if its coefficient is 1 or -1."""
    constant, terms = table.linear(sub)
    own = dict(terms).get(index)
    if own not in (1, -1):
        return None
    rest = table.affine(constant, {i: c for i, c in terms if i != index})
    if index in table.deps(rest):
        return None
    return table.combine(sp.S.Zero, [(rest, -own)])


def _solved(table: Atoms, factors: Factors, guard: tuple[int, tuple[Sub, ...]]) -> Poly | None:
    """The product with the largest index of [s = 0] written in the others, if another has it."""
    sub = guard[1][0]
    for index, _ in sorted(table.linear(sub)[1], reverse=True, key=lambda term: term[0]):
        if not table.is_plain(index):
            continue
        by = solve(table, sub, index)
        if by is None:
            continue
        rest = {key: e for key, e in factors.items() if key != guard}
        if index not in table.deps_of(s for _, args in rest for s in args):
            return None
        moved = table.substitute({monomial(rest): 1}, {index: by})
        return table.times(moved, {((*guard, 1),): 1})
    return None


def guard_poly(table: Atoms, guard: Guard, subs: tuple[Sub, ...]) -> Poly:
    """A guard whose subscripts are given, in the order of ``guard_subscripts``."""
    if isinstance(guard, Equal):
        left, right = subs
        return table.entry(table.equal, (table.difference(left, right),))
    low, inner, high = subs
    above = table.difference(inner, low)
    below = table.combine(
        sp.S.NegativeOne, [(high, sp.S.One), (inner, sp.S.NegativeOne)]
    )
    return table.times(table.entry(table.range, (above,)), table.entry(table.range, (below,)))
