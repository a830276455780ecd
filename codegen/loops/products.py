"""Sums of products as products of two matrices, which a BLAS does: equations written anew.

    dX[m, c, h] = Σ_fu W[f, c, u] dZ[m, f, h - u] [0 <= h - u < n]

    dX_right[m, h, f, u] = [0 <= h - u < n] dZ[m, f, h - u]       the factors by their indices
    dX_left[c, f, u]     = W[f, c, u]
    dX_product[c, m, h]  = Σ_fu dX_left[c, f, u] dX_right[m, h, f, u]
    dX[m, c, h]          = dX_product[c, m, h]

A factor that is an array with its axes in such an order is read where it is; what is there already
is not computed again.  In a recurrence a product is one of the arrays of a step; what depends on
none of the recurrence's arrays is computed before it:

    for t:                                           a_before[t, m, j] = Σ_i X[t, m, i] W[i, j]
        a[t, m, j] = Σ_i X[t, m, i] W[i, j]          for t:
            + [1 <= t] Σ_k h[t - 1, m, k] U[k, j]        a_product[t, m, j] = [1 <= t] Σ_k ...
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import sympy as sp

from ...symbolic.equation import (
    Equation,
    Guard,
    Index,
    Item,
    Read,
    Recurrence,
    Size,
    System,
    Term,
    slot,
    slot_numbers,
    term_reads,
)
from ...symbolic.functions import Opaque
from .factors import (
    Factor,
    grouped,
    indices_of,
    summed_first,
    symbols_of,
    trimmed,
    two_parts,
)
from .operands import Operand, Product, operand
from .outer import without_outer
from .remembered import Remembered
from .writing import Loops, guard_symbols, symbols_in


def with_products(what: Loops) -> Loops:
    """The loops with every product of matrices in an equation of its own."""
    making = _Making(what.system)
    items: list[Item] = []
    for item in without_outer(what.items, what.results, making.is_product):
        if isinstance(item, Recurrence):
            items += making.recurrence(item)
        else:
            items += making.equations(item) if isinstance(item, Equation) else [item]
    return replace(what, items=tuple(items), further=making.shapes, products=making.products)


class _Making:
    def __init__(self, system: System) -> None:
        self.known = system.shapes
        self.integers = {array.name for array in system.inputs if array.is_integer}
        self.shapes: dict[str, tuple[Size, ...]] = {}
        self.products: dict[str, Product] = {}
        self.there = Remembered()
        self.out: tuple[Index, ...] = ()  # of the equation at hand
        self.loop: tuple[Index, ...] = ()  # of the recurrence at hand
        self.steps: set[str] = set()  # what is computed step by step
        self.before: list[Equation] = []  # what is computed before it

    def recurrence(self, group: Recurrence) -> list[Item]:
        """What computes a recurrence."""
        self.loop = tuple(i for i in group.equations[0].out if i.name == group.loop)
        self.steps = {name for e in group.equations for name in (e.name, *e.argmax)}
        self.before, there = [], self.there
        self.there = there.beside(self.loop[0].symbol)
        inside = [one for e in group.equations for one in self.equations(e)]
        self.loop, self.steps, self.there = (), set(), there
        return [*self.before, replace(group, equations=tuple(inside))]

    def equations(self, equation: Equation) -> list[Equation]:
        """What computes an equation."""
        if equation.reduction != "sum":
            return [equation]
        made: list[Equation] = []
        terms = []
        for whole in equation.terms:
            before = self._before(equation, whole)
            if before is not None:
                terms.append(before)
                continue
            weights, term = self._weighted(equation, whole)
            parts, term = self._apart(equation, term)
            made += [*weights, *parts]
            self.out = equation.out
            found = self._factors(equation, term)
            if found is None:
                terms.append(term)
                continue
            outside, left, right, guards = found
            product, read = self._product(equation, term, left, right, guards)
            if len(equation.terms) == 1 and outside == 1 and not guards and product and (
                    product[-1].out == equation.out):
                last = product.pop()
                self.products[equation.name] = self.products.pop(last.name).called(equation.name)
                del self.shapes[last.name]
                self.there.rename(last.name, equation.name)
                self.steps.discard(last.name)
                return [*made, *product, replace(last, name=equation.name)]
            made += product
            terms.append(Term(outside * slot(len(term.reads)), (*term.reads, read), (), guards))
        return [*made, replace(equation, terms=tuple(map(trimmed, terms)))]

    def is_product(self, equation: Equation, term: Term) -> bool:
        """Whether a term is a product of matrices."""
        self.out = equation.out
        return self._factors(equation, term) is not None

    def _before(self, equation: Equation, term: Term) -> Term | None:
        """What stands for a term of a recurrence that is a product of arrays from before it."""
        if not self.loop or not term.over or any(
                read.array in self.steps for read in term_reads(term)):
            return None
        symbols = symbols_of(term)
        out = tuple(i for i in equation.out if i.symbol in symbols)
        state = self.loop, self.steps, self.there
        self.loop, self.steps, self.there = (), set(), Remembered()
        name = self._new(f"{equation.name}_before", out)
        found = self.equations(Equation(name, out, (replace(term, via=""),)))
        self.loop, self.steps, self.there = state
        if not any(one.name in self.products for one in found):
            return None
        self.before += found
        return Term(slot(0), (Read(name, tuple(i.symbol for i in out)),))

    def _weighted(self, equation: Equation, term: Term) -> tuple[list[Equation], Term]:
        """Functions of fewer indices than a sum goes through, in equations of their own: each is
        called once for each place of its own.  Of those alone that are finite everywhere: an
        exponential is held by what it is multiplied with."""
        nest = {i.symbol for i in (*equation.out, *term.over)}
        if self.loop or not term.over or term.guards:
            return [], term
        found: dict[frozenset[sp.Symbol], sp.Expr] = {}
        for factor in sp.Mul.make_args(term.body):
            functions = factor.atoms(sp.Function)
            indices = indices_of(factor, term, nest)
            if functions and all(isinstance(f, Opaque) for f in functions) and indices < nest:
                found[indices] = found.get(indices, sp.S.One) * factor
        made: list[Equation] = []
        body, reads = term.body, list(term.reads)
        for indices, weight in found.items():
            out = tuple(i for i in (*equation.out, *term.over) if i.symbol in indices)
            part = trimmed(Term(weight, term.reads))
            read = self.there.read(out, part)
            if read is None:
                name = self._new(f"{equation.name}_weight", out)
                made.append(Equation(name, out, (part,)))
                read = self.there.keep(name, out, part)
            body = body / weight * slot(len(reads))
            reads.append(read)
        return made, trimmed(replace(term, body=body, reads=tuple(reads))) if found else term

    def _apart(self, equation: Equation, term: Term) -> tuple[list[Equation], Term]:
        """What a part of the factors is summed over, summed first, by equations of its own:
        Σ_tj a[t] b[t, i] W[i, j] is Σ_j (Σ_t a[t] b[t, i]) W[i, j]."""
        order = tuple(i for i in (*equation.out, *term.over) if i not in self.loop)
        out = {i.symbol for i in equation.out} - {i.symbol for i in self.loop}
        bound, over = {i.symbol for i in order}, {index.symbol for index in term.over}
        outside, groups = grouped(term, bound, over)
        made: list[Equation] = []
        reads = list(term.reads)
        while over and not any(guard_symbols(g) & bound for g in term.guards):
            members = summed_first(groups, out, over)
            if members is None:
                break
            there = frozenset[sp.Symbol]().union(*members)
            gone = over & there - frozenset[sp.Symbol]().union(*(groups.keys() - members))
            left = (*self.loop, *(i for i in order if i.symbol in there - gone))
            body = sp.Mul(*(groups.pop(one) for one in members))
            part = trimmed(Term(body, tuple(reads), tuple(
                i for i in term.over if i.symbol in gone), term.guards))
            read = self.there.read(left, part)
            if read is None:
                name = self._new(f"{equation.name}_sum", left)
                made += self.equations(Equation(name, left, (part,)))
                read = self.there.keep(name, left, part)  # not before: it would be read for itself
            reads.append(read)
            groups[there - gone] = groups.get(there - gone, sp.S.One) * slot(len(reads) - 1)
            over -= gone
        if len(reads) == len(term.reads):
            return [], term
        return made, trimmed(replace(
            term, body=outside * sp.Mul(*groups.values()), reads=tuple(reads),
            over=tuple(i for i in term.over if i.symbol in over)))

    def _factors(self, equation: Equation, term: Term
                 ) -> tuple[sp.Expr, Factor, Factor, tuple[Guard, ...]] | None:
        """A term as a factor without summed indices and two with them, and the guards of a whole
        step; None if it is none."""
        over = {index.symbol for index in term.over}
        bound = over | {index.symbol for index in equation.out if index not in self.loop}
        outside, groups = grouped(term, bound, over)
        parts = two_parts(groups, {i.symbol: i.size for i in (*equation.out, *term.over)})
        if parts is None or not over <= parts[0].indices & parts[1].indices:
            return None
        whole = tuple(g for g in term.guards if not guard_symbols(g) & bound)
        guarded = self._guarded(term, parts, [g for g in term.guards if g not in whole])
        if guarded is None:
            return None
        left, right = guarded
        if not left.indices - right.indices or not right.indices - left.indices or (
                left.indices | right.indices) != bound:
            return None
        first = next(i.symbol for i in equation.out if i.symbol in left.indices ^ right.indices)
        if first in right.indices:
            left, right = right, left
        return outside, left, right, whole

    def _guarded(self, term: Term, parts: Sequence[Factor], among: Sequence[Guard]
                 ) -> list[Factor] | None:
        """The factors where the guards hold, and 0 elsewhere; a factor that is no array as it
        stands, or that is of another step, which may not be there, may be read only there."""
        bound = frozenset[sp.Symbol]().union(*(part.indices for part in parts))
        missing = {k for k, part in enumerate(parts) if any(
            self._may_be_missing(term.reads[one]) for one in slot_numbers(part.body))}
        copied = [self._is_copied(term, part, bound) for part in parts]
        guards: list[list[Guard]] = [[] for _ in parts]
        for guard in among:
            symbols = guard_symbols(guard) & bound
            able = [k for k, part in enumerate(parts) if symbols <= part.indices]
            if not able or not missing <= {*able}:
                return None
            for k in [k for k in able if copied[k]] or able[:1]:
                guards[k].append(guard)
        return [replace(part, guards=tuple(own))
                for part, own in zip(parts, guards, strict=True)]

    def _is_copied(self, term: Term, part: Factor, bound: frozenset[sp.Symbol]) -> bool:
        """Whether a factor is no array as it stands, with an index at each axis."""
        places = bound | {i.symbol for i in self.loop}
        return self._plain(term, part) is None or not all(
            places.issuperset(term.reads[k].at) for k in slot_numbers(part.body))

    def _may_be_missing(self, read: Read) -> bool:
        """Whether an entry is of another step than the one at hand."""
        steps = {i.symbol for i in self.loop}
        return read.array in self.steps or any(
            at not in steps and symbols_in(at) & steps for at in read.at)

    def _product(self, equation: Equation, term: Term, left: Factor, right: Factor,
                 guards: tuple[Guard, ...]) -> tuple[list[Equation], Read]:
        """The equations that compute a product, the last of which is it, unless it is there; and
        its entries."""
        both = left.indices & right.indices
        stack = [i for i in equation.out if i.symbol in both]
        rows = [i for i in equation.out if i.symbol in left.indices - both]
        columns = [i for i in equation.out if i.symbol in right.indices - both]
        inner = self._inner(term, left, right)
        out = (*self.loop, *stack, *rows, *columns)
        whole = trimmed(Term(left.body * right.body, term.reads, tuple(inner),
                              tuple(dict.fromkeys((*guards, *left.guards, *right.guards)))))
        found = self.there.read(out, whole)
        if found is not None:
            return [], found
        made: list[Equation] = []
        operands, reads = [], []
        for factor, own, side in ((left, rows, "left"), (right, columns, "right")):
            plain = self._plain(term, factor)
            one = None if plain is None else self._operand(plain, own, inner)
            if plain is None or one is None:
                plain = self._copied(
                    f"{equation.name}_{side}", term, factor, guards, (stack, own, inner), made)
                one = self._operand(plain, own, inner)
                assert one is not None
            operands.append(one)
            reads.append(plain)
        name = self._new(f"{equation.name}_product", out)
        zeros = (*(i.symbol for i in (*self.loop, *stack)), *[sp.S.Zero] * len((*rows, *columns)))
        sizes = [sp.Mul(*(i.size for i in group)) for group in (rows, inner, columns)]
        one, other = operands
        self.products[name] = Product(
            one, replace(other, turned=not other.turned), Read(name, zeros), tuple(stack), *sizes)
        made.append(Equation(name, out, (
            Term(slot(0) * slot(1), tuple(reads), tuple(inner), guards),)))
        return made, self.there.keep(name, out, whole)

    def _copied(
        self, stem: str, term: Term, factor: Factor, guards: tuple[Guard, ...],
        indices: tuple[Sequence[Index], Sequence[Index], Sequence[Index]], made: list[Equation],
    ) -> Read:
        """The entries of an array that a factor is copied into: in the order in which it is read,
        with its own indices or the summed ones last."""
        stack, own, inner = indices
        part = trimmed(Term(factor.body, term.reads, (), factor.guards))
        most = max((len(read.at) for read in part.reads), default=0)
        ends = [read.at[-1] for read in part.reads if read.at and len(read.at) == most]
        last = any(i.symbol in ends for i in own) and not any(i.symbol in ends for i in inner)
        order = (*stack, *inner, *own) if last else (*stack, *own, *inner)
        moving = {i.symbol for i in self.loop} & symbols_of(part) or any(
            read.array in self.steps for read in term_reads(part))
        if moving:  # made in the steps in which it is read
            order, part = (*self.loop, *order), replace(part, guards=(*guards, *part.guards))
        read = self.there.read(order, part, permuted=False)
        if read is None:
            name = self._new(stem, order)
            made_by = Equation(name, order, (part,))
            if self.loop and not moving:
                self.before.append(made_by)
                self.steps.discard(name)
            else:
                made.append(made_by)
            read = self.there.keep(name, order, part)
        return read

    def _inner(self, term: Term, left: Factor, right: Factor) -> list[Index]:
        """The summed indices, in the order in which a factor has them that is an array."""
        for factor in (left, right):
            read = self._plain(term, factor)
            if read is not None:
                return sorted(term.over, key=lambda i, at=read.at: at.index(i.symbol))  # type: ignore[misc]
        return list(term.over)

    def _operand(self, read: Read, own: Sequence[Index], inner: Sequence[Index]
                 ) -> Operand | None:
        """A factor as it stands, the summed indices last unless it is turned."""
        return None if read.array in self.integers else operand(
            read, self._shape(read.array), own, inner)

    def _plain(self, term: Term, factor: Factor) -> Read | None:
        """The read that a factor is, where it is of an array, an index an axis beside those that
        one step leaves where they are."""
        numbers = slot_numbers(factor.body)
        if len(numbers) != 1 or factor.body != slot(numbers[0]) or factor.guards:
            return None
        read = term.reads[numbers[0]]
        if any(isinstance(at, Read) for at in read.at):
            return None
        places = [at for at in read.at if at in factor.indices]
        if len({*places}) < len(places) or {*places} != factor.indices or any(
                symbols_in(at) & factor.indices for at in read.at if at not in factor.indices):
            return None
        lengths = {i.symbol: i.size for i in (*self.out, *term.over)}
        shape = self._shape(read.array)
        return read if all(lengths[at] == n or (n - lengths[at]).is_nonnegative for at, n in zip(
            read.at, shape, strict=True) if at in factor.indices) else None

    def _shape(self, array: str) -> tuple[Size, ...]:
        return self.known[array] if array in self.known else self.shapes[array]

    def _new(self, name: str, out: Sequence[Index]) -> str:
        """A name that is free, of an array with these indices."""
        while name in self.known or name in self.shapes:
            name += "_"
        self.shapes[name] = tuple(i.size for i in out)
        if self.loop:
            self.steps.add(name)
        return name
