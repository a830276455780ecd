"""Polynomials in array entries: what a normal form is made of.

    2 x[i]² y[j] - 1   ->   {((x, (i,), 2), (y, (j,), 1)): 2, (): -1}

A polynomial maps monomials to rational numbers; a monomial is a sorted tuple of (base, subscripts,
exponent).  A base is an input, a size, a named intermediate, an indicator, or an *atom*: a
nonlinear value or a contraction, keyed by its canonical argument.  Bound indices live inside the
keys of contractions only, so equal polynomials are equal dictionaries.

This file knows how to add, multiply and substitute.  What the atoms mean (how a product with one
is simplified, how one is rebuilt at other subscripts) is registered by the files that make them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import permutations
from typing import Any, TypeAlias

import sympy as sp

from ..assumptions import Assumption
from .indices import Indices, Sub

Number: TypeAlias = int | Fraction
Factor: TypeAlias = tuple[int, tuple[Sub, ...]]
Monomial: TypeAlias = tuple[tuple[int, tuple[Sub, ...], Number], ...]
Poly: TypeAlias = dict[Monomial, Number]
Factors: TypeAlias = dict[Factor, Number]


def plain(value: Number) -> Number:
    """A number of one type: whole numbers as int."""
    fraction = Fraction(value)
    return fraction.numerator if fraction.denominator == 1 else fraction


UNKNOWN, NONNEGATIVE, POSITIVE = 0, 1, 2


class BudgetError(Exception):
    """A normal form grew beyond the operations it was given."""


class UnsupportedError(Exception):
    """An expression without a normal form; the message says which."""


@dataclass(frozen=True)
class Base:
    """What a factor is an entry of.

    `free` are the placeholders of `data`, in the order of the subscripts.  `idempotent` entries
    are 0 or 1; `thin` says that the entries do not vanish on an open set of inputs; `given`
    entries are data, which may be the very numbers that they are compared with.
    `symmetries` are the permutations of the subscripts that leave every entry as it is; `odd`
    says that others change its sign.
    """

    kind: str
    data: Any
    free: tuple[int, ...] = ()
    sign: int = UNKNOWN
    idempotent: bool = False
    thin: bool = True
    given: bool = False
    odd: bool = False
    symmetries: tuple[tuple[int, ...], ...] = field(default=(), compare=False)


TOTAL = 1_000_000
"""Operations that all proofs between two systems may take together, some half a minute; what is
not proven by then is left open.  A proof takes well under a second as a rule, so this bounds the
rare explosion.  Work is counted and not time: a verdict does not depend on what else runs."""


@dataclass(frozen=True)
class Crossing:
    """A place at which a proof is silent: where `of` is zero, or its maximum is attained twice.

    array: the one array that it reads; "" where it reads several, or none.
    """

    of: str
    array: str = ""
    is_tie: bool = False

    def __str__(self) -> str:
        return f"ties in the maximum of {self.of}" if self.is_tie else f"{self.of} = 0"


class Atoms(Indices):
    """Every index and base of one proof, and the arithmetic of polynomials in them."""

    def __init__(self, budget: int) -> None:
        super().__init__()
        self.bases: list[Base] = []
        self._base_ids: dict[tuple[str, object], int] = {}
        self._special: set[int] = set()
        self._inner: dict[int, frozenset[int]] = {}
        self.budget = budget
        self.spent = 0
        self.total = TOTAL
        self.kinks: set[Crossing] = set()
        self.assumptions: set[Assumption] = set()
        self.rebuild: dict[str, Callable[[Atoms, Base, Mapping[int, Sub], Unfold], Poly]] = {}
        self.equal = self.base("equal", None, sign=NONNEGATIVE, idempotent=True, thin=False)
        self.range = self.base("range", None, sign=NONNEGATIVE, idempotent=True, thin=False)
        self.settlers: list[Callable[[Atoms, Factors, Number], Poly | None]] = []

    def base(self, kind: str, data: Any, **facts: Any) -> int:
        key = kind, data
        if key not in self._base_ids:
            self._base_ids[key] = len(self.bases)
            self.bases.append(Base(kind, data, **facts))
            if kind in SPECIAL or self.bases[-1].idempotent:
                self._special.add(len(self.bases) - 1)
        return self._base_ids[key]

    def find_base(self, kind: str, data: Any) -> int | None:
        return self._base_ids.get((kind, data))

    def factor(self, base: int, args: tuple[Sub, ...]) -> Factor:
        """The factor with its subscripts in the smallest equivalent order."""
        if base == self.equal:
            return base, (max(args[0], self.negated(args[0])),)
        symmetries = self.bases[base].symmetries
        if symmetries:
            args = min(args, *(tuple(args[place] for place in order) for order in symmetries))
        return base, args

    def is_signless(self, base: int) -> bool:
        """Is an entry at a subscript the same as at its negative ([i - j = 0])?"""
        return base == self.equal

    def spend(self, amount: int) -> None:
        self.spent += amount
        if self.spent > min(self.budget, self.total):
            raise BudgetError(f"more than {min(self.budget, self.total)} operations")

    # --- arithmetic -----------------------------------------------------------------------------

    def entry(self, base: int, args: tuple[Sub, ...] = (), exponent: Number = 1) -> Poly:
        return self.settle({self.factor(base, args): exponent}, 1)

    def times(self, left: Poly, right: Poly) -> Poly:
        if len(left) == 1 and () in left:
            return scaled(right, left[()])
        if len(right) == 1 and () in right:
            return scaled(left, right[()])
        self.spend(len(left) * len(right))
        total: Poly = {}
        for first, c in left.items():
            for second, d in right.items():
                factors: Factors = factors_of(first)
                for base, args, e in second:
                    key = base, args
                    factors[key] = factors.get(key, 0) + e
                add_to(total, self.settle(factors, c * d))
        return total

    def product(self, parts: Iterable[Poly]) -> Poly:
        total: Poly = {(): 1}
        for part in parts:
            total = self.times(total, part)
        return total

    def power(self, poly: Poly, exponent: int) -> Poly:
        """A power with an exponent >= 0."""
        result: Poly = {(): 1}
        while exponent:
            if exponent & 1:
                result = self.times(result, poly)
            exponent >>= 1
            if exponent:
                poly = self.times(poly, poly)
        return result

    def settle(self, factors: Factors, coefficient: Number) -> Poly:
        """The product of the factors, simplified by what is known of their bases."""
        special = self._special
        if any(base in special for base, _ in factors):
            for settler in self.settlers:
                result = settler(self, factors, coefficient)
                if result is not None:
                    return result
        return {monomial(factors): coefficient}

    # --- substitution ---------------------------------------------------------------------------

    def substitute(self, poly: Poly, by: Mapping[int, Sub]) -> Poly:
        """The polynomial with its indices replaced."""
        return self.rewrite(poly, by, {}) if by else poly

    def rewrite(self, poly: Poly, by: Mapping[int, Sub], unfold: Unfold) -> Poly:
        """Indices replaced, and the bases in `unfold` by the polynomials they stand for."""
        total: Poly = {}
        for mono, coefficient in poly.items():
            add_to(total, self._rewrite_monomial(mono, by, unfold), coefficient)
        return total

    def _rewrite_monomial(self, mono: Monomial, by: Mapping[int, Sub], unfold: Unfold) -> Poly:
        kept: Factors = {}
        parts: list[Poly] = []
        self.spend(1)
        for base, args, exponent in mono:
            moved = tuple(self.moved(entry, by) for entry in args)
            known = self.bases[base]
            if base in unfold:
                whole = self.rewrite(unfold[base], dict(zip(known.free, moved, strict=True)), {})
                whole = self.rewrite(whole, {}, unfold)
            # Elsewhere than at other plain subscripts, at [i, i] or [i + 1], the body of an atom
            # may become simpler: it is made anew.
            elif known.kind in self.rebuild and (
                (known.odd and moved != args)
                or not self._is_renaming(moved)
                or not unfold.keys().isdisjoint(self.inner(base))
            ):
                at = dict(zip(known.free, moved, strict=True))
                whole = self.rebuild[known.kind](self, known, at, unfold)
            else:
                key = self.factor(base, moved)
                kept[key] = kept.get(key, 0) + exponent
                continue
            parts.append(self.raised(whole, exponent))
        result = self.settle({key: e for key, e in kept.items() if e}, 1)
        for part in parts:
            result = self.times(result, part)
        return result

    def _is_renaming(self, args: tuple[Sub, ...]) -> bool:
        return len(set(args)) == len(args) and all(map(self.is_plain, args))

    raised: Callable[[Poly, Number], Poly]
    """A polynomial to a rational power; set by the file that knows inverses and roots."""

    def inner(self, base: int) -> frozenset[int]:
        """The bases that occur in the key of an atom, at any depth, and the base itself."""
        if base not in self._inner:
            found = {base}
            for mono in self.monomials(self.bases[base]):
                for other, args, _ in mono:
                    found |= self.inner(other)
                    for sub in args:
                        for index, _ in self.linear(sub)[1]:
                            gathered = self.gathered(index)
                            if gathered is not None:
                                found |= self.inner(gathered[0])
            self._inner[base] = frozenset(found)
        return self._inner[base]

    def monomials(self, base: Base) -> Iterable[Monomial]:
        """The monomials in the key of an atom."""
        if base.kind in ATOMS:
            for mono, _ in base.data[0]:
                yield mono

    def poly_deps(self, poly: Iterable[Monomial]) -> frozenset[int]:
        return frozenset().union(
            *(self.deps_of(args) for mono in poly for _, args, _ in mono)
        )


Unfold: TypeAlias = Mapping[int, Poly]

ATOMS = frozenset({"sum", "exp", "log", "inverse", "root", "step", "zero", "max", "argmax",
                   "function", "matrix inverse", "determinant"})
"""Kinds whose data begins with the canonical items of a polynomial in the base's placeholders."""

SPECIAL = frozenset({"prime", "root", "inverse", "step", "zero", "equal", "range", "function"})


def monomial(factors: Factors) -> Monomial:
    return tuple(sorted((base, args, e) for (base, args), e in factors.items() if e))


def factors_of(mono: Monomial) -> Factors:
    return {(base, args): e for base, args, e in mono}


def add_to(total: Poly, part: Poly, scale: Number = 1) -> None:
    for mono, coefficient in part.items():
        value = total.get(mono, 0) + scale * coefficient
        if value:
            total[mono] = value
        else:
            total.pop(mono, None)


def plus(left: Poly, right: Poly, scale: Number = 1) -> Poly:
    total = dict(left)
    add_to(total, right, scale)
    return total


def scaled(poly: Poly, factor: Number) -> Poly:
    if factor == 1:
        return poly
    return {mono: c * factor for mono, c in poly.items()} if factor else {}


def constant(value: Number) -> Poly:
    return {(): value} if value else {}


def number(value: sp.Rational) -> Number:
    return int(value.p) if value.q == 1 else Fraction(int(value.p), int(value.q))


def content(poly: Poly) -> Fraction:
    """The positive number that leaves coprime integer coefficients behind when divided out."""
    parts = [Fraction(c) for c in poly.values()]
    return Fraction(
        math.gcd(*(part.numerator for part in parts)),
        math.lcm(*(part.denominator for part in parts)),
    )


def integral(poly: Poly) -> tuple[Fraction, Poly]:
    """The content, and the polynomial with coprime integers that is left."""
    scale = content(poly)
    return scale, {mono: int(c / scale) for mono, c in poly.items()}


def without_content(poly: Poly) -> Poly:
    """A positive multiple of a polynomial: the coefficients beside its constant are coprime
    integers."""
    scale = content({mono: c for mono, c in poly.items() if mono != ()})
    return {mono: plain(c / scale) for mono, c in poly.items()}


def common_factors(poly: Poly) -> Factors:
    """The largest monomial that leaves exponents >= 0 behind when divided out."""
    monomials = [factors_of(mono) for mono in poly]
    keys = set().union(*monomials)
    lowest = {key: min(factors.get(key, 0) for factors in monomials) for key in keys}
    return {key: e for key, e in lowest.items() if e}


def divided(poly: Poly, by: Factors) -> Poly:
    """The polynomial without a monomial that all of its own have as a factor."""
    result: Poly = {}
    for mono, c in poly.items():
        factors = factors_of(mono)
        for key, e in by.items():
            factors[key] = factors.get(key, 0) - e
        result[monomial(factors)] = c
    return result


def connected(touched: Mapping[Factor, Collection[object]]) -> list[list[Factor]]:
    """The factors in groups that touch nothing in common with each other."""
    groups: list[tuple[set[object], list[Factor]]] = []
    for key, points in touched.items():  # each joins the groups that it touches
        joined: tuple[set[object], list[Factor]] = (set(points), [key])
        rest = []
        for group in groups:
            if group[0].isdisjoint(joined[0]):
                rest.append(group)
            else:
                joined[0].update(group[0])
                joined[1].extend(group[1])
        groups = [*rest, joined]
    return [keys for _, keys in groups]


def closure(generators: Iterable[tuple[int, ...]], rank: int) -> tuple[tuple[int, ...], ...]:
    """The permutations that the generators generate, without the identity."""
    identity = tuple(range(rank))
    group, frontier = {identity}, [identity]
    known = set(generators)
    # More than half of all permutations generate all; walking through so many would take long.
    if len(known) > math.factorial(rank) // 2:
        known = set(permutations(range(rank)))
    while frontier:
        order = frontier.pop()
        for step in known:
            moved = tuple(order[place] for place in step)
            if moved not in group:
                group.add(moved)
                frontier.append(moved)
    return tuple(sorted(group - {identity}))
