"""Sums of products as products of two matrices, which a BLAS does: equations written anew.

    dX[m, c, h] = Σ_fu W[f, c, u] dZ[m, f, h - u] [0 <= h - u < n]

    dX_right[m, h, f, u] = [0 <= h - u < n] dZ[m, f, h - u]       the factors by their indices
    dX_left[c, f, u]     = W[f, c, u]
    dX_product[c, m, h]  = Σ_fu dX_left[c, f, u] dX_right[m, h, f, u]
    dX[m, c, h]          = dX_product[c, m, h]

A factor that is an array with its axes in such an order is read where it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace

import sympy as sp

from ...symbolic.equation import (
    Equation,
    Guard,
    Index,
    Item,
    Read,
    Size,
    System,
    Term,
    slot,
    slot_numbers,
)
from .writing import Loops, Product, guard_symbols, symbols_in


@dataclass(frozen=True)
class _Factor:
    """Factors of a term that depend on the same indices."""

    body: sp.Expr
    indices: frozenset[sp.Symbol]
    guards: tuple[Guard, ...] = ()


def with_products(what: Loops) -> Loops:
    """The loops with every product of matrices in an equation of its own.

    Recurrences are left as they are.
    """
    making = _Making(what.system)
    items: list[Item] = []
    for item in what.items:
        items += making.equations(item) if isinstance(item, Equation) else [item]
    return replace(what, items=tuple(items), further=making.shapes, products=making.products)


class _Making:
    def __init__(self, system: System) -> None:
        self.known = system.shapes
        self.integers = {array.name for array in system.inputs if array.is_integer}
        self.shapes: dict[str, tuple[Size, ...]] = {}
        self.products: dict[str, Product] = {}
        self.out: tuple[Index, ...] = ()  # of the equation at hand

    def equations(self, equation: Equation) -> list[Equation]:
        """What computes an equation."""
        if equation.reduction != "sum":
            return [equation]
        self.out = equation.out
        made: list[Equation] = []
        terms = []
        for whole in equation.terms:
            parts, term = self._apart(equation, whole)
            for part in parts:
                made += self.equations(part)
            self.out = equation.out
            found = self._factors(equation, term)
            if found is None:
                terms.append(term)
                continue
            outside, left, right = found
            product = list(self._product(equation, term, left, right))
            if len(equation.terms) == 1 and outside == 1 and product[-1].out == equation.out:
                last = product.pop()
                self.products[equation.name] = self.products.pop(last.name)
                del self.shapes[last.name]
                return [*made, *product, replace(last, name=equation.name)]
            made += product
            place = len(term.reads)
            read = Read(product[-1].name, tuple(i.symbol for i in product[-1].out))
            terms.append(Term(outside * slot(place), (*term.reads, read)))
        return [*made, replace(equation, terms=tuple(map(_trimmed, terms)))]

    def _apart(self, equation: Equation, term: Term) -> tuple[list[Equation], Term]:
        """What a part of the factors is summed over, summed first, in equations of its own:
        Σ_tj a[t] b[t, i] W[i, j] is Σ_j (Σ_t a[t] b[t, i]) W[i, j]."""
        order, over = (*equation.out, *term.over), {index.symbol for index in term.over}
        outside, groups = _grouped(term, {index.symbol for index in order}, over)
        made: list[Equation] = []
        reads = list(term.reads)
        while over and not term.guards:
            members = _summed_first(groups, {i.symbol for i in equation.out}, over)
            if members is None:
                break
            there = frozenset[sp.Symbol]().union(*members)
            gone = over & there - frozenset[sp.Symbol]().union(*(groups.keys() - members))
            left = tuple(i for i in order if i.symbol in there - gone)
            body = sp.Mul(*(groups.pop(one) for one in members))
            name = self._new(f"{equation.name}_sum")
            self.shapes[name] = tuple(i.size for i in left)
            made.append(Equation(name, left, (_trimmed(Term(body, tuple(reads), tuple(
                i for i in term.over if i.symbol in gone))),)))
            reads.append(Read(name, tuple(i.symbol for i in left)))
            groups[there - gone] = groups.get(there - gone, sp.S.One) * slot(len(reads) - 1)
            over -= gone
        if not made:
            return [], term
        return made, _trimmed(replace(
            term, body=outside * sp.Mul(*groups.values()), reads=tuple(reads),
            over=tuple(i for i in term.over if i.symbol in over)))

    def _factors(self, equation: Equation, term: Term
                 ) -> tuple[sp.Expr, _Factor, _Factor] | None:
        """A term as a factor without summed indices and two with them; None if it is none."""
        over = {index.symbol for index in term.over}
        bound = over | {index.symbol for index in equation.out}
        outside, groups = _grouped(term, bound, over)
        largest = [one for one in groups if not any(one < other for other in groups)]
        if len(largest) != 2 or not over <= largest[0] & largest[1]:
            return None
        parts = [_Factor(groups[one], one) for one in largest]
        for indices in groups.keys() - {*largest}:
            at = 0 if indices <= largest[0] else 1
            parts[at] = replace(parts[at], body=parts[at].body * groups[indices])
        guarded = self._guarded(term, parts)
        if guarded is None:
            return None
        left, right = guarded
        if not left.indices - right.indices or not right.indices - left.indices or (
                left.indices | right.indices) != bound:
            return None
        first = next(i.symbol for i in equation.out if i.symbol in left.indices ^ right.indices)
        return (outside, left, right) if first in left.indices else (outside, right, left)

    def _guarded(self, term: Term, parts: Sequence[_Factor]) -> list[_Factor] | None:
        """The factors where the guards hold, and 0 elsewhere; a factor that is no array as it
        stands may be read only there."""
        bound = frozenset[sp.Symbol]().union(*(part.indices for part in parts))
        copied = [self._plain(term, part) is None for part in parts]
        guards: list[list[Guard]] = [[] for _ in parts]
        for guard in term.guards:
            symbols = guard_symbols(guard) & bound
            able = [k for k, part in enumerate(parts) if symbols <= part.indices]
            if not able:
                return None
            for k in [k for k in able if copied[k]] or able[:1]:
                guards[k].append(guard)
        return [replace(part, guards=tuple(own))
                for part, own in zip(parts, guards, strict=True)]

    def _product(self, equation: Equation, term: Term, left: _Factor, right: _Factor
                 ) -> Iterator[Equation]:
        """The equations that compute a product, the last of which is it."""
        both = left.indices & right.indices
        stack = [i for i in equation.out if i.symbol in both]
        rows = [i for i in equation.out if i.symbol in left.indices - both]
        columns = [i for i in equation.out if i.symbol in right.indices - both]
        inner = self._inner(term, left, right)
        name = self._new(f"{equation.name}_product")
        factors = []
        for factor, own, side in ((left, rows, "left"), (right, columns, "right")):
            array = self._as_it_is(term, factor, stack, own, inner)
            if array is None:
                order = (*stack, *own, *inner)
                array = self._new(f"{equation.name}_{side}"), False
                self.shapes[array[0]] = tuple(i.size for i in order)
                yield Equation(array[0], order, (_trimmed(
                    Term(factor.body, term.reads, (), factor.guards)),))
            factors.append(array)
        (one, rows_last), (other, columns_last) = factors
        sizes = [sp.Mul(*(i.size for i in group)) for group in (stack, rows, inner, columns)]
        self.products[name] = Product(one, other, rows_last, not columns_last, *sizes)
        out = (*stack, *rows, *columns)
        self.shapes[name] = tuple(i.size for i in out)
        reads = tuple(Read(array, tuple(i.symbol for i in (
            (*stack, *inner, *own) if last else (*stack, *own, *inner))))
            for (array, last), own in ((factors[0], rows), (factors[1], columns)))
        yield Equation(name, out, (Term(slot(0) * slot(1), reads, tuple(inner)),))

    def _inner(self, term: Term, left: _Factor, right: _Factor) -> list[Index]:
        """The summed indices, in the order in which a factor has them that is an array."""
        for factor in (left, right):
            read = self._plain(term, factor)
            if read is not None:
                return sorted(term.over, key=lambda i, at=read.at: at.index(i.symbol))  # type: ignore[misc]
        return list(term.over)

    def _as_it_is(
        self, term: Term, factor: _Factor, stack: Sequence[Index], own: Sequence[Index],
        inner: Sequence[Index],
    ) -> tuple[str, bool] | None:
        """The array that a factor is, and whether its own axes stand last; None if there is none
        whose axes stand side by side as they should."""
        read = self._plain(term, factor)
        if read is None or read.array in self.integers:
            return None
        for order, last in (((*stack, *own, *inner), False), ((*stack, *inner, *own), True)):
            if read.at == tuple(i.symbol for i in order):
                return read.array, last
        return None

    def _plain(self, term: Term, factor: _Factor) -> Read | None:
        """The read that a factor is, where it is of a whole array, an index an axis."""
        numbers = slot_numbers(factor.body)
        if len(numbers) != 1 or factor.body != slot(numbers[0]) or factor.guards:
            return None
        read = term.reads[numbers[0]]
        if len({*read.at}) < len(read.at) or {*read.at} != factor.indices:
            return None
        sizes = {i.symbol: i.size for i in (*self.out, *term.over)}
        shape = self.known[read.array] if read.array in self.known else self.shapes[read.array]
        return read if all(sizes[at] == n for at, n in zip(read.at, shape, strict=True)) else None

    def _new(self, name: str) -> str:
        while name in self.known or name in self.shapes:
            name += "_"
        return name


def _summed_first(
    groups: Mapping[frozenset[sp.Symbol], sp.Expr], out: Set[sp.Symbol], over: Set[sp.Symbol]
) -> set[frozenset[sp.Symbol]] | None:
    """The factors with an index that the others have not, where summing over it alone takes fewer
    indices than all, or is a product of two of several factors."""
    found = None
    for index in sorted(over, key=str):
        members = {one for one in groups if index in one}
        fewer = frozenset[sp.Symbol]().union(*members) < out | over
        if members and (fewer or len(members) == 2 < len(groups)) and (
                found is None or len(members) < len(found)):
            found = members
    return found


def _grouped(
    term: Term, bound: Set[sp.Symbol], over: Set[sp.Symbol]
) -> tuple[sp.Expr, dict[frozenset[sp.Symbol], sp.Expr]]:
    """The factor of a body that depends on no summed index, and the others by their indices."""
    outside, groups = sp.S.One, dict[frozenset[sp.Symbol], sp.Expr]()
    for factor in sp.Mul.make_args(term.body):
        indices = frozenset(s for k in slot_numbers(factor) for at in term.reads[k].at
                            for s in symbols_in(at) & bound)
        if indices & over:
            groups[indices] = groups.get(indices, sp.S.One) * factor
        else:
            outside *= factor
    return outside, groups


def _trimmed(term: Term) -> Term:
    """A term without the reads that its body does not use."""
    used = slot_numbers(term.body)
    moved = {slot(old): slot(new) for new, old in enumerate(used)}
    return replace(term, body=term.body.xreplace(moved), reads=tuple(term.reads[k] for k in used))
