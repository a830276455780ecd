"""Sums whose arrays end with an axis that is not summed: those of several places of it at once.

    y[j] = Σ_i A[i, j]     ->     an array of sums, to which one row of A after another is added

One loop in another would go through A column by column.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from ...symbolic.equation import Equation, Index, Subscript, Term, slot
from .writing import parted, symbols_in


@dataclass(frozen=True)
class Columns:
    """A sum over the indices of `term` for each place of `column`.

    rows: the other indices of the equation's array.  factor: what each sum is multiplied by.
    """

    rows: Sequence[Index]
    column: Index
    term: Term
    factor: sp.Expr


def columns_of(equation: Equation) -> Columns | None:
    """A sum whose last index is that of its arrays; None for any other equation."""
    if equation.reduction != "sum" or len(equation.terms) != 1 or not equation.out:
        return None
    (term,), column = equation.terms, equation.out[-1]
    outside, inside = parted(term)
    over = {i.symbol for i in term.over}
    ends: list[Subscript] = [read.at[-1] for k, read in enumerate(inside.reads)
                             if slot(k) in inside.body.free_symbols and read.at]
    if not over or term.guards or column.symbol not in ends or not all(
            at == column.symbol or not symbols_in(at) & over for at in ends):
        return None
    return Columns(equation.out[:-1], column, inside, outside)
