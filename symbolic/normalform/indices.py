"""Indices and subscripts of normal forms, as interned integers.

    i + 1, read twice   ->   one negative number, the same both times

A normal form is compared millions of times, so an index is a number, a plain subscript is its
index, and every other subscript (a shift, a constant, a gather) is interned once as a negative
number.  A gather y[i] is an index of its own that depends on i.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TypeAlias

import sympy as sp

Sub: TypeAlias = int
"""A subscript: an index (>= 0), or an interned affine expression (< 0)."""

Linear: TypeAlias = tuple[sp.Expr, tuple[tuple[int, sp.Expr], ...]]
"""A constant in the sizes, and the coefficient of each index, sorted by index."""


class Indices:
    """The indices of one proof."""

    def __init__(self) -> None:
        self._size: list[sp.Expr | None] = []
        self._gathers: dict[int, tuple[int, tuple[Sub, ...]]] = {}
        self._affine: list[Linear] = []
        self._interned: dict[object, int] = {}
        self._deps: dict[Sub, frozenset[int]] = {}
        self._lowest: dict[Sub, sp.Expr | None] = {}
        self._differences: dict[tuple[Sub, Sub], Sub] = {}
        self._negated: dict[tuple[Sub, int], Sub] = {}
        self.zero = self.affine(sp.S.Zero, {})

    def fresh(self, size: sp.Expr | None) -> int:
        self._size.append(size)
        return len(self._size) - 1

    def placeholder(self, position: int, size: sp.Expr | None = None, role: str = "free") -> int:
        """The index that stands at a position of every form with that role; the same each time."""
        return self._intern((role, position, size), size)

    def gather(self, base: int, args: tuple[Sub, ...], size: sp.Expr | None) -> int:
        """The value of an integer array as an index; `size` bounds it where that is known."""
        index = self._intern(("gather", base, args), size)
        self._gathers[index] = base, args
        return index

    def _intern(self, key: object, size: sp.Expr | None) -> int:
        if key not in self._interned:
            self._interned[key] = self.fresh(size)
        return self._interned[key]

    def size(self, index: int) -> sp.Expr | None:
        return self._size[index]

    def gathered(self, index: int) -> tuple[int, tuple[Sub, ...]] | None:
        return self._gathers.get(index)

    def is_plain(self, sub: Sub) -> bool:
        """Is it an index that is no gather?"""
        return sub >= 0 and sub not in self._gathers

    def affine(self, constant: sp.Expr, terms: Mapping[int, sp.Expr]) -> Sub:
        kept = tuple(sorted(((i, c) for i, c in terms.items() if c != 0), key=lambda t: t[0]))
        if len(kept) == 1 and kept[0][1] == 1 and constant == 0:
            return kept[0][0]
        key = ("affine", constant, kept)
        if key not in self._interned:
            self._affine.append((constant, kept))
            self._interned[key] = -len(self._affine)
        return self._interned[key]

    def linear(self, sub: Sub) -> Linear:
        if sub >= 0:
            return sp.S.Zero, ((sub, sp.S.One),)
        return self._affine[-sub - 1]

    def deps(self, sub: Sub) -> frozenset[int]:
        """The plain indices a subscript depends on, also through gathers."""
        if sub not in self._deps:
            if self.is_plain(sub):
                found = frozenset((sub,))
            elif sub >= 0:
                found = self.deps_of(self._gathers[sub][1])
            else:
                found = self.deps_of(index for index, _ in self.linear(sub)[1])
            self._deps[sub] = found
        return self._deps[sub]

    def deps_of(self, subs: Iterable[Sub]) -> frozenset[int]:
        return frozenset().union(*map(self.deps, subs))

    def moved(self, sub: Sub, by: Mapping[int, Sub]) -> Sub:
        if sub in by:
            return by[sub]
        if self.deps(sub).isdisjoint(by):
            return sub
        if sub >= 0:
            base, args = self._gathers[sub]
            moved = tuple(self.moved(entry, by) for entry in args)
            return self.gather(base, moved, self._size[sub])
        constant, terms = self.linear(sub)
        return self.combine(constant, [(self.moved(i, by), c) for i, c in terms])

    def combine(self, constant: sp.Expr, parts: Iterable[tuple[Sub, sp.Expr]]) -> Sub:
        """The subscript constant + Σ coefficient · part."""
        total: dict[int, sp.Expr] = {}
        for part, factor in parts:
            inner, terms = self.linear(part)
            constant += factor * inner
            for index, coefficient in terms:
                total[index] = total.get(index, sp.S.Zero) + factor * coefficient
        return self.affine(sp.expand(constant), {i: sp.expand(c) for i, c in total.items()})

    def lowest(self, sub: Sub) -> sp.Expr | None:
        """The smallest value over the ranges of its indices; None where no range is known."""
        if sub not in self._lowest:
            self._lowest[sub] = self._found_lowest(sub)
        return self._lowest[sub]

    def _found_lowest(self, sub: Sub) -> sp.Expr | None:
        constant, terms = self.linear(sub)
        for index, coefficient in terms:
            size = self._size[index]
            if is_nonnegative(coefficient):
                continue
            if size is None or not is_nonnegative(-coefficient):
                return None
            constant += coefficient * (size - 1)
        return sp.expand(constant)

    def difference(self, left: Sub, right: Sub) -> Sub:
        if (left, right) not in self._differences:
            self._differences[left, right] = self.combine(
                sp.S.Zero, [(left, sp.S.One), (right, sp.S.NegativeOne)])
        return self._differences[left, right]

    def negated(self, sub: Sub, shift: int = 0) -> Sub:
        """The subscript shift - sub."""
        if (sub, shift) not in self._negated:
            self._negated[sub, shift] = self.combine(
                sp.Integer(shift), [(sub, sp.S.NegativeOne)])
        return self._negated[sub, shift]


@cache
def is_nonnegative(size: sp.Expr) -> bool:
    """Is an expression in sizes >= 0 for all sizes >= 1?  False also means: not seen."""
    if size.is_number:
        return bool(size >= 0)
    from_one = sp.expand(size.xreplace({s: s + 1 for s in size.free_symbols}))
    try:
        return all(c >= 0 for c in sp.Poly(from_one, *from_one.free_symbols).coeffs())
    except (sp.PolynomialError, TypeError):
        return False
