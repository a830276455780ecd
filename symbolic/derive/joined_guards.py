"""Terms that say the same of neighbouring parts of an axis, as one term.

    [1 <= t < T] d[t] + [t = 0] d[0]   ->   d[t]
    [0 <= i < k] x[i] + [k <= i < n] x[i]   ->   x[i]

What is true for all values of an index needs no condition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import sympy as sp

from ..equation import Equal, Equation, Guard, Read, Size, Term, Within, slot
from ..solving import prune
from ..substitution import substitute_guard, substitute_term

MOST = 12
"""Terms of an equation that are compared with one another."""


def joined(equation: Equation) -> Equation:
    """The equation with neighbouring conditions on equal terms as one; the same one where there
    are none."""
    terms = list(equation.terms)
    if equation.reduction != "sum" or len(terms) > MOST or sum(
            bool(term.guards) for term in terms) < 2:
        return equation
    sizes = {index.symbol: index.size for index in equation.out}
    place = 0
    while place < len(terms):
        for other in range(len(terms)):
            found = _together(terms[place], terms[other], sizes) if other != place else None
            if found is not None:
                terms[place] = found
                del terms[other]
                place = -1
                break
        place += 1
    return equation if len(terms) == len(equation.terms) else replace(equation,
                                                                     terms=tuple(terms))


def _together(one: Term, other: Term, sizes: Mapping[sp.Symbol, Size]) -> Term | None:
    """Two terms as one, where the part of the second begins or ends that of the first."""
    for guard in one.guards:
        if not isinstance(guard, Within) or guard.value not in sizes:
            continue
        left = tuple(g for g in one.guards if g is not guard)
        for next_to in other.guards:
            wide = _wider(guard, next_to)
            rest = tuple(g for g in other.guards if g is not next_to)
            if wide is None or not _same(one, left, other, rest, _value(next_to, guard.value)):
                continue
            whole = wide.low == 0 and sp.expand(wide.high - sizes[guard.value]) == 0
            return replace(one, guards=left if whole else (*left, wide))
    return None


def _value(guard: Guard, index: sp.Symbol) -> Mapping[sp.Symbol, sp.Expr]:
    """What an index is by a guard, where it is one value."""
    if not isinstance(guard, Equal):
        return {}
    return {index: guard.right if guard.left == index else guard.left}


def _wider(guard: Within, next_to: Guard) -> Within | None:
    """A range and one that begins where it ends, or ends where it begins, as one."""
    if isinstance(next_to, Equal):
        sides = [next_to.left, next_to.right]
        if guard.value not in sides:
            return None
        sides.remove(guard.value)
        (low,) = sides
        if isinstance(low, Read) or guard.value in low.free_symbols:
            return None
        high = low + 1
    elif next_to.value == guard.value:
        low, high = next_to.low, next_to.high
    else:
        return None
    if sp.expand(high - guard.low) == 0:
        return Within(low, guard.value, guard.high)
    if sp.expand(low - guard.high) == 0:
        return Within(guard.low, guard.value, high)
    return None


def _same(
    one: Term, left: tuple[Guard, ...], other: Term, rest: tuple[Guard, ...],
    by: Mapping[sp.Symbol, sp.Expr],
) -> bool:
    """Whether two terms with the given other guards say the same where the index is `by`."""
    first, second = (substitute_term(replace(term, guards=()), by) for term in (one, other))
    if first.over != second.over or {substitute_guard(g, by) for g in left} != {
            substitute_guard(g, by) for g in rest}:
        return False
    (body, reads), (wanted, there) = (prune(term.body, term.reads) for term in (first, second))
    if {*reads} != {*there} or len(reads) != len(there):
        return False
    moved = {slot(place): slot(reads.index(read)) for place, read in enumerate(there)}
    return bool(sp.expand(body - wanted.xreplace(moved)) == 0)
