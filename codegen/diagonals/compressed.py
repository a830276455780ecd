"""Arrays that hold along a diagonal alone, kept without its second axis.

    D[p, i, s, j] = [i = j] x[s, p]
    G[p, i, s] = Σ_j D[p, i, s, j] w[j]              ->  G[p, i, s] = x[s, p] w[i]
    H[p, i, q, j] = Σ_s D[p, i, s, j] x[s, q]        ->  H[p, i, q, j] = [i = j] Σ_s x[s, p] x[s, q]

A derivative by a matrix begins with such an array; dense, it has as many zeros as the diagonal is
long, which every product with it would run through.  An equation that has other terms, too, is
read as a sum of its two parts.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import sympy as sp

from ...symbolic.derive.rewrite import inline
from ...symbolic.equation import (
    Equal,
    Equation,
    Implicit,
    Item,
    Read,
    System,
    Term,
    equations_of,
    fresh_name,
    slot,
    term_reads,
)
from ...symbolic.solving import solve_equation
from ...symbolic.substitution import substitute_term

Pair = tuple[sp.Symbol, sp.Symbol]
"""Two indices of an array, of which the second is dropped."""

LEAST = 3
"""Axes from which an array is looked at: a matrix with a diagonal is written as one."""


def diagonal_of(term: Term, equation: Equation) -> Pair | None:
    """The first pair of axes that a term of an equation holds along."""
    places = {index.symbol: place for place, index in enumerate(equation.out)}
    for guard in term.guards:
        if isinstance(guard, Equal) and guard.left in places and guard.right in places:
            first, second = sorted((guard.left, guard.right), key=places.__getitem__)
            if equation.out[places[first]].size == equation.out[places[second]].size:
                return first, second
    return None


def along(term: Term, pair: Pair) -> Term:
    """A term that holds along a diagonal, on it."""
    guards = tuple(g for g in term.guards
                   if not (isinstance(g, Equal) and {g.left, g.right} == set(pair)))
    return substitute_term(replace(term, guards=guards), {pair[1]: pair[0]})


def compressed(system: System, keep: Collection[str]) -> System:
    """The system without arrays that hold along a diagonal of theirs, where what reads them can
    say it; those to `keep` stay, and slopes that something is solved for with."""
    items, taken = list(system.items), set(system.shapes)
    keep = {*keep, *(item.slope for item in items if isinstance(item, Implicit))}
    place = 0
    while place < len(items):
        item = items[place]
        if isinstance(item, Equation) and item.name not in keep:
            changed = _without(item, items, place, taken)
            if changed is not None:
                items = changed
        place += 1
    return system if items == list(system.items) else replace(system, items=tuple(items))


def _without(
    equation: Equation, items: list[Item], place: int, taken: set[str]
) -> list[Item] | None:
    """The items with an equation in its parts; None where it is none, or is needed whole."""
    if equation.reduction != "sum" or equation.argmax or len(equation.out) < LEAST:
        return None
    pairs = {pair for term in equation.terms
             if (pair := diagonal_of(term, equation)) is not None}
    if len(pairs) != 1:
        return None
    (pair,) = pairs
    parts, target = _parts(equation, pair, taken)
    after: list[Item] = []
    for item in items[place + 1:]:
        if not any(read.array == equation.name for e in equations_of(item) for term in e.terms
                   for read in term_reads(term)):
            after.append(item)
            continue
        if not isinstance(item, Equation) or item.reduction != "sum" or item.argmax:
            return None
        put = inline(item, target, costly=True)
        if put is None:
            return None
        after.append(solve_equation(put))
    taken.update(part.name for part in parts)
    return [*items[:place], *parts, *after]


def _parts(
    equation: Equation, pair: Pair, taken: set[str]
) -> tuple[list[Equation], Equation]:
    """The equations that take the place of one, and it as a sum of what they define."""
    at = tuple(index.symbol for index in equation.out)
    out = tuple(index for index in equation.out if index.symbol != pair[1])
    on = tuple(term for term in equation.terms if diagonal_of(term, equation) is not None)
    off = tuple(term for term in equation.terms if term not in on)
    guard = Equal(*pair)
    parts: list[Equation] = []
    terms: list[Term] = []
    if off:
        name = fresh_name(f"{equation.name}_rest", taken)
        parts.append(replace(equation, name=name, terms=off))
        terms.append(Term(slot(0), (Read(name, at),)))
    if len(on) == 1 and not on[0].over and len(on[0].reads) == 1 and len(on[0].guards) == 1 and (
            sp.diff(on[0].body, slot(0)).is_number):
        terms.append(replace(along(on[0], pair), guards=(guard,)))
    else:
        name = fresh_name(f"{equation.name}_diagonal", taken)
        parts.append(replace(equation, name=name, out=out,
                             terms=tuple(along(term, pair) for term in on)))
        terms.append(Term(slot(0), (Read(name, tuple(i.symbol for i in out)),), guards=(guard,)))
    return parts, replace(equation, terms=tuple(terms))
