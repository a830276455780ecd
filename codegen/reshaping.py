"""Equations that only read an array in another shape, place by place in row-major order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sympy as sp

from ..symbolic.equation import (
    Equal,
    Equation,
    Read,
    Size,
    System,
    Term,
    index_symbol,
    slot,
)
from ..symbolic.tracing.mixed_radix import by_digits


def reshaped(equation: Equation, shapes: Mapping[str, tuple[Size, ...]]) -> str | None:
    """The array that the equation is a reshape of; None where it is more than that.

    y[i, k] = Σ_cj [k = n c + j] x[i, c, j] reads the place i n m + k of x at the place
    i n m + n c + j of y, where the shapes have as many entries.
    """
    if equation.reduction != "sum" or len(equation.terms) != 1:
        return None
    (term,) = equation.terms
    if term.body != slot(0) or len(term.reads) != 1 or not equation.out:
        return None
    (read,) = term.reads
    shape = shapes.get(read.array, ())
    entries = [entry for entry in read.at if not isinstance(entry, Read)]
    if len(entries) < len(read.at) or len(shape) != len(entries):
        return None
    if sp.expand(sp.Mul(*equation.shape) - sp.Mul(*shape)) != 0:
        return None
    here = _place([index.symbol for index in equation.out], equation.shape)
    there = _place(entries, shape)
    gap = sp.expand(here - there)
    bound = {index.symbol for index in term.over}
    if not bound <= gap.free_symbols or (gap == 0) != (not term.guards):
        return None
    if gap == 0:
        return read.array
    asked = _differences(equation, term)
    wanted = _differences(equation, Term(slot(0), (read,), term.over, (Equal(here, there),)))
    return read.array if asked is not None and asked == wanted else None


def _place(entries: Sequence[sp.Expr], shape: Sequence[Size]) -> sp.Expr:
    """Where an entry stands when the array is written row after row."""
    place: sp.Expr = sp.S.Zero
    for entry, size in zip(entries, shape, strict=True):
        place = place * size + entry
    return place


def _differences(equation: Equation, term: Term) -> set[sp.Expr] | None:
    """What a term's equalities say is zero, digit by digit; None for any other guard."""
    split = by_digits(System((), (Equation(equation.name, equation.out, (term,)),)))
    found = set()
    for guard in next(split.equations).terms[0].guards:
        if not isinstance(guard, Equal) or isinstance(guard.left, Read) or isinstance(
                guard.right, Read):
            return None
        gap = sp.expand(guard.left - guard.right)
        lead = min((s for s in gap.free_symbols if not s.is_positive), key=str,
                   default=index_symbol(""))
        found.add(-gap if gap.coeff(lead).could_extract_minus_sign() else gap)
    return found
