"""Solving guards: what makes a derived term short again.

    Σ_k [k = i + 1] x[k]   over k < n   ->   [0 <= i + 1 < n] x[i + 1]

The adjoint rule leaves one guard [I = q] for each subscript.  A guard with a bound index of
coefficient ±1 is an assignment: the index goes, its range stays as a condition unless the other
ranges imply it.  What cannot be solved stays, and is still right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

import sympy as sp

from .equation import (
    NAMED,
    Equal,
    Equation,
    Guard,
    Index,
    Read,
    Subscript,
    Term,
    Within,
    guard_subscripts,
    slot,
    subscript_indices,
    term_reads,
)
from .substitution import substitute_term

Ranges = Mapping[sp.Symbol, sp.Expr]
"""The size of each index that is in scope."""


def solve_equation(equation: Equation) -> Equation:
    """The equation with every term's guards solved and impossible terms left out."""
    terms = [solve(term, equation.out, equation.reduction == "sum") for term in equation.terms]
    return replace(equation, terms=tuple(term for term in terms if term is not None))


def solve(term: Term, out: Sequence[Index], is_sum: bool = True) -> Term | None:
    """The same term with fewer bound indices and guards; None when its guards cannot hold.

    Only a sum may lose a bound index: an assignment picks one summand.
    """
    if any(_never(guard, (*out, *term.over)) for guard in term.guards):
        return None
    # The indices of axes of size 1 are always 0, even where nothing binds them.
    units = {index.symbol: sp.S.Zero for index in (*out, *term.over) if index.size == 1}
    before: Term | None = None
    while term is not before:
        before = replace(term, guards=tuple(dict.fromkeys(term.guards)))
        solved = _solve_one(before, units, is_sum)
        if solved is None:
            return None
        term = solved
    within = _in_range(term, out)
    return drop_unused(within) if within is not None and is_sum else within


def _solve_one(term: Term, units: Mapping[sp.Symbol, sp.Expr], is_sum: bool) -> Term | None:
    """The term with one equality less; itself where none can go, None where one never holds."""
    for guard in sorted(term.guards, key=_by_number):
        if not isinstance(guard, Equal):
            continue
        truth = _always(guard, {})
        if truth is False:
            return None
        rest = replace(term, guards=tuple(g for g in term.guards if g is not guard))
        solved = rest if truth else _assign(rest, guard) if is_sum else None
        if solved is None and _always(guard, units):
            solved = rest
        if solved is not None:
            return solved
    return term


def _in_range(term: Term, out: Sequence[Index]) -> Term | None:
    """The term without the ranges that the others imply; None where one never holds."""
    ranges = {index.symbol: index.size for index in (*out, *term.over)}
    kept: list[Guard] = []
    for guard in term.guards:
        truth = holds(guard, ranges) if isinstance(guard, Within) else None
        if truth is False:
            return None
        if truth is None:
            kept.append(guard)
    return replace(term, guards=tuple(kept))


def drop_unused(term: Term) -> Term:
    """A sum over an index that nothing depends on is a multiplication by its size."""
    term, idle = _without_idle(term)
    return replace(term, body=term.body * sp.Mul(*(index.size for index in idle))) if idle else term


def drop_idle(equation: Equation) -> Equation:
    """The equation without bound indices that nothing depends on, whatever its reduction.

    The places of a maximum keep theirs: they are recorded.
    """
    if equation.reduction not in NAMED:
        pruned = [prune(term.body, term.reads) for term in equation.terms]
        equation = replace(equation, terms=tuple(
            replace(term, body=body, reads=reads)
            for term, (body, reads) in zip(equation.terms, pruned, strict=True)
        ))
    if equation.reduction == "sum":
        return replace(equation, terms=tuple(map(drop_unused, equation.terms)))
    if equation.reduction not in ("max", "logsumexp") or equation.argmax:
        return equation
    term, idle = _without_idle(equation.terms[0])
    if equation.reduction == "logsumexp" and idle:
        term = replace(term, body=term.body + sp.log(sp.Mul(*(index.size for index in idle))))
    reduction = equation.reduction if term.over else "sum"
    return replace(equation, terms=(term,), reduction=reduction) if idle else equation


def _without_idle(term: Term) -> tuple[Term, list[Index]]:
    """The term without the bound indices that nothing depends on, and those."""
    used: set[sp.Symbol] = set()
    for read in term.reads:
        used |= subscript_indices(read)
    for guard in term.guards:
        for entry in guard_subscripts(guard):
            used |= subscript_indices(entry)
    for index in term.over:
        used |= index.size.free_symbols
    idle = [index for index in term.over if index.symbol not in used]
    if not idle:
        return term, []
    return replace(term, over=tuple(index for index in term.over if index not in idle)), idle


def prune(body: sp.Expr, reads: Sequence[Read]) -> tuple[sp.Expr, tuple[Read, ...]]:
    """The same body with equal reads in one slot, unused ones gone, slots renumbered in order."""
    place: dict[Read, int] = {}
    move: dict[sp.Symbol, sp.Expr] = {}
    free = body.free_symbols
    for position, read in enumerate(reads):
        if slot(position) in free:
            place.setdefault(read, len(place))
            if place[read] != position:
                move[slot(position)] = slot(place[read])
    if not move:
        return body, tuple(place)
    moved = body.xreplace(move)
    left = moved.free_symbols
    if any(slot(position) not in left for position in place.values()):
        return prune(moved, tuple(place))  # x - y where y is x
    return moved, tuple(place)


# --- equalities ---------------------------------------------------------------------------------


def _always(guard: Equal, units: Mapping[sp.Symbol, sp.Expr]) -> bool | None:
    """True when both sides are the same, False when they never are, None when it depends.

    `units` are the indices of axes of size 1, which are always 0.
    """
    if guard.left == guard.right:
        return True
    if isinstance(guard.left, Read) or isinstance(guard.right, Read):
        return None
    difference = sp.expand((guard.left - guard.right).xreplace(units))
    if difference == 0:
        return True
    return False if difference.is_number else None


def _never(guard: Guard, indices: Sequence[Index]) -> bool:
    """Whether the indices' ranges exclude an equality of affine subscripts."""
    if not isinstance(guard, Equal):
        return False
    if isinstance(guard.left, Read) or isinstance(guard.right, Read):
        return False
    if guard.left.is_Symbol and guard.right.is_Symbol:
        return False  # both can be 0
    ranges = {index.symbol: index.size for index in indices}
    difference = guard.left - guard.right
    return any(
        _is_nonnegative(_least(part - 1, ranges)) for part in (difference, -difference)
    )


def _by_number(guard: Guard) -> bool:
    """Whether an equality names a number: [s = t] comes first, so that x[s] with [s = 0] is read
    as x[t] with [t = 0], which a recurrence over t can."""
    return isinstance(guard, Equal) and any(
        not isinstance(side, Read) and side.is_number for side in (guard.left, guard.right)
    )


def _assign(term: Term, guard: Equal) -> Term | None:
    """The term with a bound index replaced by what the guard says it is, if it says it."""
    for one, other in ((guard.left, guard.right), (guard.right, guard.left)):
        if isinstance(other, Read) and not isinstance(one, Read):
            return _assign_gather(term, one, other)
    if isinstance(guard.left, Read) or isinstance(guard.right, Read):
        return None
    for one, other in ((guard.left, guard.right), (guard.right, guard.left)):
        index = next((index for index in term.over if index.symbol == one), None)
        if index is not None and other.is_Symbol:  # the common case, and nothing to expand
            return _put(term, index, other)
    difference = sp.expand(guard.left - guard.right)
    candidates = []
    for index in term.over:
        coefficient = difference.coeff(index.symbol)
        rest = difference - coefficient * index.symbol
        if coefficient in (1, -1) and index.symbol not in rest.free_symbols:
            value = sp.expand(index.symbol - difference * coefficient)
            candidates.append((not value.is_Symbol, index, value))
    if not candidates:
        return None
    # An index for an index keeps subscripts plain; i = j - k would spread j - k everywhere.
    _, index, value = min(candidates, key=lambda found: found[0])
    return _put(term, index, value)


def _put(term: Term, index: Index, value: sp.Expr) -> Term:
    """The term with a bound index set to a value, which must lie in the index's range."""
    rest = replace(term, over=tuple(other for other in term.over if other is not index))
    range_guard = Within(sp.S.Zero, value, index.size)  # what the bound index promised
    return substitute_term(
        replace(rest, guards=(*rest.guards, range_guard)), {index.symbol: value}
    )


def _stands_alone(term: Term, symbol: sp.Symbol) -> bool:
    """Whether an index is a whole subscript wherever it occurs: labels[i] + 1 has no form."""
    entries = [entry for read in term_reads(term) for entry in read.at]
    entries += [entry for guard in term.guards for entry in guard_subscripts(guard)]
    parts = [entry for entry in entries if not isinstance(entry, Read)]
    ranged = any(isinstance(guard, Within) and symbol in subscript_indices(guard.value)
                 for guard in term.guards)
    return not ranged and all(part == symbol or symbol not in part.free_symbols for part in parts)


def _assign_gather(term: Term, one: sp.Expr, gather: Read) -> Term | None:
    """[v = labels[i]] with v bound: v becomes the gather, where v is a whole subscript only."""
    index = next((index for index in term.over if index.symbol == one), None)
    if index is None or one in subscript_indices(gather) or not _stands_alone(term, one):
        return None

    def put(subscript: Subscript) -> Subscript:
        if isinstance(subscript, Read):
            return Read(subscript.array, tuple(map(put, subscript.at)))
        return gather if subscript == one else subscript

    return replace(
        term,
        over=tuple(other for other in term.over if other is not index),
        reads=tuple(Read(read.array, tuple(map(put, read.at))) for read in term.reads),
        guards=tuple(
            Equal(put(g.left), put(g.right)) if isinstance(g, Equal) else g for g in term.guards
        ),
    )


# --- ranges -------------------------------------------------------------------------------------


def holds(guard: Within, ranges: Ranges) -> bool | None:
    """True where low <= value < high follows from the ranges, False where it never holds."""
    if guard.low == 0 and ranges.get(guard.value) == guard.high:
        return True
    below = guard.value - guard.low
    above = guard.high - 1 - guard.value
    if all(_is_nonnegative(_least(part, ranges)) for part in (below, above)):
        return True
    if any(_is_nonnegative(_least(-part - 1, ranges)) for part in (below, above)):
        return False
    return None


def _least(expression: sp.Expr, ranges: Ranges) -> sp.Expr | None:
    """A lower bound of an affine expression over the ranges; None when there is none to be had."""
    expression = sp.expand(expression)
    for _ in range(len(ranges) + 1):
        inside = [symbol for symbol in ranges if symbol in expression.free_symbols]
        if not inside:
            return expression
        symbol = inside[-1]  # inner indices first: their sizes may depend on outer ones
        coefficient = expression.coeff(symbol)
        rest = expression - coefficient * symbol
        if (coefficient.free_symbols & ranges.keys()) or symbol in sp.expand(rest).free_symbols:
            return None
        if not _is_nonnegative(coefficient) and not _is_nonnegative(-coefficient):
            return None  # of one sign for some sizes, of the other for others
        least = sp.S.Zero if _is_nonnegative(coefficient) else coefficient * (ranges[symbol] - 1)
        expression = sp.expand(rest + least)
    return None


@lru_cache(maxsize=4096)
def _is_nonnegative(expression: sp.Expr | None) -> bool:
    """Whether an expression in positive integers is certainly >= 0: with each of them written as
    1 + something nonnegative, no coefficient is negative."""
    if expression is None:
        return False
    if expression.is_number:
        return bool(expression >= 0)
    atoms = sorted(expression.free_symbols | expression.atoms(sp.Function), key=str)
    shifted = sp.expand(expression.xreplace({atom: sp.Dummy(nonnegative=True) + 1
                                             for atom in atoms}))
    return all(
        bool(term.as_coeff_Mul()[0].is_nonnegative) and bool(term.is_nonnegative)
        for term in sp.Add.make_args(shifted)
    )
