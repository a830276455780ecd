"""Axes of length 1 without their index: the one place that they have is not written.

    Σ_k<1 [0 <= t + k - 1 < 1] B[k, t + k]   ->   [t = 1] B[0, t]

Where an index of such an axis is read with others, u + j, a reader would look for it on the left,
where no axis of length 1 has a subscript.  What guards say with 0 in its place is worked out: what
they never allow is not written, nor what they always do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import sympy as sp

from ..equation import INDEX_VALUE, NAMED, Equation, Index, Read, Size, Term
from ..matrices.guard_spans import with_spans
from ..solving import drop_idle, solve
from ..substitution import map_reads, substitute_term

Shapes = Mapping[str, tuple[Size, ...]]


def without_lone_places(equation: Equation, shapes: Shapes) -> Equation:
    """The equation with 0 for each index that has one place alone, and at each axis of length 1,
    and without bound indices that nothing depends on then."""
    if equation.reduction in NAMED:
        return equation
    placed = [_at_first(term, equation.out, shapes) for term in equation.terms]
    terms = [term if term == old or equation.argmax else solve(term, equation.out, is_sum=False)
             for term, old in zip(placed, equation.terms, strict=True)]
    if equation.reduction != "sum":  # which is of something, whatever its guards say
        terms = [term or old for term, old in zip(terms, placed, strict=True)]
    left = [term for term in terms if term is not None]
    if equation.reduction == "sum" and left != list(equation.terms):
        left = _like_terms(left)
    return with_spans(drop_idle(replace(equation, terms=tuple(left))))


def _like_terms(terms: Sequence[Term]) -> list[Term]:
    """With terms that differ in their bodies alone as one, or as none where these cancel."""
    bodies: dict[Term, sp.Expr] = {}
    for term in terms:
        rest = replace(term, body=sp.S.Zero)
        bodies[rest] = bodies.get(rest, sp.S.Zero) + term.body
    return [replace(rest, body=body) for rest, body in bodies.items() if body != 0]


def _at_first(term: Term, out: Sequence[Index], shapes: Shapes) -> Term:
    lone = {index.symbol: sp.S.Zero for index in (*out, *term.over) if index.size == 1}
    over = tuple(index for index in term.over if index.size != 1)
    term = substitute_term(replace(term, over=over), lone) if lone else term

    def placed(read: Read) -> Read:
        shape = shapes.get(read.array, ())
        if read.array == INDEX_VALUE or 1 not in shape or len(shape) != len(read.at):
            return read
        return Read(read.array, tuple(sp.S.Zero if size == 1 else place
                                      for place, size in zip(read.at, shape, strict=True)))

    return map_reads(term, placed)
