"""Which part of an axis the guards of a term leave, said once.

    [0 <= t - 1 < T] [0 <= t < T - 1]   ->   [1 <= t < T - 1]
    [0 <= t < 1]                        ->   [t = 0]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import sympy as sp

from ..equation import Equal, Equation, Guard, Index, Term, Within
from .loop_ends import span_of


def with_spans(equation: Equation) -> Equation:
    """The equation with what several guards say of one index said once, of the index itself:
    [0 <= t - 1 < T] [0 <= t < T - 1]   ->   [1 <= t < T - 1]."""
    if equation.reduction != "sum" or not any(term.guards for term in equation.terms):
        return equation
    return replace(equation, terms=tuple(_with_spans(term, equation.out)
                                         for term in equation.terms))


def _with_spans(term: Term, out: Sequence[Index]) -> Term:
    guards: Sequence[Guard] = [guard for guard in term.guards if not (
        isinstance(guard, Equal) and guard.left == guard.right)]
    for index in (*out, *term.over):
        guards = _once(guards, index)
    return replace(term, guards=tuple(guards))


def _once(guards: Sequence[Guard], index: Index) -> Sequence[Guard]:
    """The guards with those on an index alone as one, or as none where they say nothing."""
    spans = {guard: span for guard in guards if isinstance(guard, Within)
             and (span := span_of(guard, index.symbol, index.size)) is not None}
    low = _extreme([low for low, _ in spans.values()], 1)
    high = _extreme([high for _, high in spans.values()], -1)
    if low is None or high is None or index.size == 1:
        return guards
    first = next(place for place, guard in enumerate(guards) if guard in spans)
    one: Guard = Equal(index.symbol, low) if sp.expand(high - low) == 1 else Within(
        low, index.symbol, high)
    told = [] if low == 0 and high == index.size else [one]
    before, behind = ([guard for guard in part if guard not in spans]
                      for part in (guards[:first], guards[first:]))
    return [*before, *told, *behind]


def _extreme(ends: Sequence[sp.Expr], sign: int) -> sp.Expr | None:
    """The largest of the ends (the smallest, for -1); None where that depends on the sizes."""
    return next((end for end in ends if all(
        (sign * sp.expand(end - other)).is_nonnegative for other in ends)), None)
