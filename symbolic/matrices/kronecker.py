"""Derivatives by matrices in compressed form: sums of Kronecker products.

A derivative D[i, j, k, l] of the entries (i, j) of one matrix by (k, l) of another is, as a matrix
with rows (i, j) and columns (k, l), the last of each running fastest (NumPy's ``reshape``),

    A ⊗ B            where a term is A[i, k] B[j, l]
    (A ⊗ B) K        where it is A[i, l] B[j, k]; K is the commutation matrix, vec(Xᵀ) = K vec(X)
    vec(A) vec(B)ᵀ   where it is A[i, j] B[k, l]
    diag(vec(A))     where it is [i = k] [j = l] A[i, j]

and with a vector for one of the matrices, A ⊗ b or bᵀ ⊗ A.  Source: Magnus & Neudecker, Matrix
Differential Calculus, ch. 2 and 3 (with columns stacked, which exchanges the factors of ⊗).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import sympy as sp

from ..equation import Equal, Equation, Index, Term, guard_subscripts, slot, subscript_indices
from ..solving import prune
from ..substitution import substitute_term

Way: TypeAlias = Literal["product", "commuted", "outer", "diagonal"]


@dataclass(frozen=True)
class Kronecker:
    """`number` times left ⊗ right, (left ⊗ right) K, vec(left) vec(right)ᵀ, or diag(vec(left)).

    left, right: equations of one or two axes; one of a single axis is a column where it is among
    the derivative's rows (`column`), else a row.
    """

    number: sp.Expr
    left: Equation
    right: Equation
    way: Way
    column: bool = False


def kronecker_form(equation: Equation, leading: int) -> tuple[Kronecker, ...] | None:
    """The terms of a derivative with `leading` axes in front; None where one is no such product."""
    if equation.reduction != "sum" or not equation.terms:
        return None
    found = [_product(equation, part, leading)
             for term in equation.terms for part in _parts(term)]
    products = tuple(part for part in found if part is not None)
    return products if len(products) == len(found) else None


def _parts(term: Term) -> Iterator[Term]:
    """A term whose body is a sum, or a number times one, as a term for each summand."""
    number, rest = term.body.as_coeff_Mul()
    for part in sp.Add.make_args(rest):
        body, reads = prune(number * part, term.reads)
        yield replace(term, body=body, reads=reads)


def _product(equation: Equation, term: Term, leading: int) -> Kronecker | None:
    groups = _groups(term)
    for kind, first, second in _ways(equation.out, leading):
        sides = [_side(term, groups, own) for own in (first, second)]
        free = [group for group in groups if not group[0]]
        used = sum(len(_inside(groups, own)) for own in (first, second))
        if None in sides or used + len(free) < len(groups):
            continue  # a factor that joins both sides: no product of two matrices
        left, right = (side for side in sides if side is not None)
        # A scalar of arrays (a sum over both sides' like) goes into a side; numbers stay in front.
        number, scalar = sp.Mul(*(f for _, factors, _ in free for f in factors)).as_coeff_Mul()
        if scalar != 1 and left.terms[0].reads:
            left = _times(left, scalar, term)
        elif scalar != 1:
            right = _times(right, scalar, term)
        return Kronecker(number, left, right, kind, leading == 2 and len(equation.out) == 3)
    return _diagonal(equation, term)


def _diagonal(equation: Equation, term: Term) -> Kronecker | None:
    """[i = k] [j = l] A[i, j], entry by entry."""
    if len(equation.out) != 4:
        return None
    own, other = equation.out[:2], equation.out[2:]
    pairs = {frozenset({a.symbol, b.symbol}) for a, b in zip(own, other, strict=True)}
    guards = [{g.left, g.right} for g in term.guards if isinstance(g, Equal)]
    if len(guards) < len(term.guards) or set(map(frozenset, guards)) != pairs:
        return None
    # On the diagonal k is i and l is j, so the body can be written in i and j alone.
    by = {b.symbol: a.symbol for a, b in zip(own, other, strict=True)}
    number, rest = term.body.as_coeff_Mul()
    lone = substitute_term(replace(term, body=rest, guards=()), by)
    side = Equation("", own, (lone,))
    return Kronecker(number, side, side, "diagonal")


def _inside(groups: Sequence[Group], own: Sequence[Index]) -> list[Group]:
    """The groups whose free indices are among `own`."""
    symbols = {index.symbol for index in own}
    return [group for group in groups if group[0] & symbols]


def _side(term: Term, groups: Sequence[Group], own: tuple[Index, ...]) -> Equation | None:
    """What a term holds of the indices `own` alone; None where it has one of another side too."""
    mine = _inside(groups, own)
    symbols = {symbol for group in mine for symbol in group[0]}
    over = tuple(index for index in term.over if index.symbol in symbols)
    if symbols != {index.symbol for index in (*own, *over)}:
        return None  # it hangs together with the other side, or has no factor for an index
    body, reads = prune(sp.Mul(*(f for _, factors, _ in mine for f in factors)), term.reads)
    guards = tuple(guard for _, _, guards in mine for guard in guards)
    return Equation("", own, (Term(body, reads, over, guards),))


def _times(side: Equation, scalar: sp.Expr, term: Term) -> Equation:
    """A side times a scalar of the whole term."""
    (own,) = side.terms
    moved = {slot(p): slot(p + len(own.reads)) for p in range(len(term.reads))}
    body, reads = prune(own.body * scalar.xreplace(moved), (*own.reads, *term.reads))
    return replace(side, terms=(replace(own, body=body, reads=reads),))


def _ways(
    out: Sequence[Index], leading: int
) -> list[tuple[Way, tuple[Index, ...], tuple[Index, ...]]]:
    """How the axes may fall apart into two groups, and what is then written."""
    if len(out) == 4 and leading == 2:
        i, j, k, m = out
        return [("product", (i, k), (j, m)), ("commuted", (i, m), (j, k)),
                ("outer", (i, j), (k, m))]
    if len(out) == 3 and leading == 1:
        i, k, m = out
        return [("product", (i, k), (m,)), ("product", (k,), (i, m))]
    if len(out) == 3 and leading == 2:
        i, j, k = out
        return [("product", (i, k), (j,)), ("product", (i,), (j, k))]
    return []


Group: TypeAlias = tuple[set[sp.Symbol], list[sp.Expr], tuple[Equal, ...]]
"""Indices, and the factors and guards that have them."""


def _groups(term: Term) -> list[Group]:
    """The factors and guards of a term, apart where they share no index; sizes are no indices."""
    groups: list[Group] = []

    def add(symbols: set[sp.Symbol], factors: list[sp.Expr], guards: tuple[Equal, ...]) -> None:
        # A factor that shares an index with two groups makes one of them.
        for group in [group for group in groups if group[0] & symbols]:
            groups.remove(group)
            symbols, factors, guards = (
                symbols | group[0], [*group[1], *factors], (*group[2], *guards))
        groups.append((symbols, factors, guards))

    def indices(entries: Sequence[object]) -> set[sp.Symbol]:
        found = {s for entry in entries for s in subscript_indices(entry)}
        return {symbol for symbol in found if not symbol.is_positive}

    for factor in sp.Mul.make_args(term.body):
        places = [p for p in range(len(term.reads)) if slot(p) in factor.free_symbols]
        add(indices([entry for p in places for entry in term.reads[p].at]), [factor], ())
    for guard in term.guards:
        # Another kind of guard has a group's place, so that it cannot be overlooked.
        equal = (guard,) if isinstance(guard, Equal) else ()
        extra = set() if equal else {sp.Dummy()}
        add(indices(guard_subscripts(guard)) | extra, [], equal)
    return groups
