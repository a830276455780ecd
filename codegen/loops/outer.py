"""Outer products that one sum alone reads, put into it: what is summed is a product of matrices of
their factors then, and no array has all of their axes.

    F[p, s, j] = G[p, s] S[s, j]
    H[p, j, i] = Σ_s F[p, s, j] X[s, i]      ->      H[p, j, i] = Σ_s G[p, s] (S[s, j] X[s, i])
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import sympy as sp

from ...symbolic.derive.rewrite import inline
from ...symbolic.equation import Equation, Item, Term, equations_of
from ...symbolic.substitution import substitute_term
from .factors import indices_of


def without_outer(
    items: Sequence[Item], results: Collection[str],
    is_product: Callable[[Equation, Term], bool],
) -> list[Item]:
    """The items without such outer products, where all that they are put into is a product of
    matrices."""
    made = [*items]
    for name in [item.name for item in items if isinstance(item, Equation)]:
        outer = next(item for item in made if isinstance(item, Equation) and item.name == name)
        reader = None if name in results or not _is_outer(outer) else _reader(name, made)
        put = None if reader is None else _put(reader, outer)
        if reader is not None and put is not None and all(
                is_product(put, term) for term in put.terms if term not in reader.terms):
            made = [put if item is reader else item for item in made if item is not outer]
    return made


def _reader(name: str, items: Sequence[Item]) -> Equation | None:
    """The one equation that reads an array, once; None where there are others, or a recurrence."""
    found = [item for item in items for e in equations_of(item) for read in e.reads
             if read.array == name]
    return found[0] if len(found) == 1 and isinstance(found[0], Equation) else None


def _is_outer(equation: Equation) -> bool:
    """Whether an equation is a product of factors none of which has all of its indices."""
    if equation.reduction != "sum" or equation.argmax or len(equation.terms) != 1:
        return False
    (term,) = equation.terms
    out = {index.symbol for index in equation.out}
    return not term.guards and all(index.size == 1 for index in term.over) and len(out) > 2 and all(
        indices_of(factor, term, out) < out for factor in sp.Mul.make_args(term.body))


def _put(reader: Equation, outer: Equation) -> Equation | None:
    """A sum with an outer product in the place of its one read of it; None for no sum."""
    if reader.reduction != "sum" or reader.argmax or not any(
            term.over and any(read.array == outer.name for read in term.reads)
            for term in reader.terms):
        return None
    found = inline(reader, outer, costly=True)
    return None if found is None else replace(found, terms=tuple(map(_without_units, found.terms)))


def _without_units(term: Term) -> Term:
    """A term without the summed indices that have one value."""
    units = {index.symbol: sp.S.Zero for index in term.over if index.size == 1}
    over = tuple(index for index in term.over if index.symbol not in units)
    return substitute_term(replace(term, over=over), units) if units else term
