"""What has no index form: the inverse and the determinant of the matrix that a term states.

Each is an equation with a named operation in place of its sum, and one rule with its source:

    inv     y[.., i, j]  the inverse of f[.., i, j]           dY = -Y dF Y          (MC 59, 60)
    det     y[..]        the determinant of f[.., i, j]       dy = y tr(F⁻¹ dF)     (MC 46, 49)
    logdet  y[..]        the logarithm of its absolute value  dy = tr(F⁻¹ dF)       (MC 43, 57)

MC: Petersen & Pedersen, The Matrix Cookbook, 2012.  The rules in reverse are the adjoint's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import sympy as sp

from .equation import (
    NAMED,
    Equation,
    EquationError,
    Index,
    Item,
    Read,
    Recurrence,
    System,
    Term,
    fresh_name,
    rename_bound,
    slot,
    substitute_term,
)


def with_inverses(
    system: System, active: Iterable[str], fresh: Callable[[str], str]
) -> tuple[System, dict[str, str]]:
    """The system with an inverse beside each active determinant, and the inverses' names.

    An inverse that the system computes already is used as it is.
    """
    wanted = set(active)
    known: dict[tuple[Term, tuple[str, ...]], str] = {}
    names: dict[str, str] = {}
    items: list[Item] = []
    for item in system.items:
        group = item.equations if isinstance(item, Recurrence) else (item,)
        for equation in group:
            if equation.reduction == "inv":
                known.setdefault(_matrix(equation), equation.name)
            if equation.reduction not in ("det", "logdet") or equation.name not in wanted:
                continue
            if isinstance(item, Recurrence):
                raise EquationError(f"{equation.name}: the slope of a determinant inside a "
                                    "recurrence is not derived")
            key = _matrix(equation)
            if key not in known:
                term = equation.terms[0]
                plain = term.body == slot(0) and not term.guards
                known[key] = fresh(f"{term.reads[0].array if plain else equation.name}_inv")
                items.append(Equation(known[key], (*equation.out, *term.over),
                                      (replace(term, over=()),), "inv"))
            names[equation.name] = known[key]
        items.append(item)
    return replace(system, items=tuple(items)), names


def _matrix(equation: Equation) -> tuple[Term, tuple[str, ...]]:
    """The matrix that a named operation is applied to, with its indices named by position."""
    term = equation.terms[0]
    indices = (*equation.out, *term.over)
    renamed = rename_bound(term, [f"m{place}" for place in range(len(indices))])
    renamed = replace(renamed, over=())
    by = {old.symbol: Index(f"m{place}", old.size).symbol for place, old in enumerate(indices)}
    return substitute_term(renamed, by), tuple(str(index.size) for index in indices)


def named_slope(
    equation: Equation, term: Term, inverses: Mapping[str, str]
) -> tuple[Term, sp.Expr, tuple[Read, ...]]:
    """The term summed over its matrix's entries, and ∂y/∂(such an entry) as (body, reads).

    The slots of the body count on from the term's own reads.
    """
    own = tuple(index.symbol for index in equation.out)
    first, second = slot(len(term.reads)), slot(len(term.reads) + 1)
    if equation.reduction == "inv":
        *lead, row, column = equation.out
        taken = {index.name for index in equation.out}
        above = Index(fresh_name(row.name, taken), row.size)
        below = Index(fresh_name(column.name, taken | {above.name}), column.size)
        moved = substitute_term(term, {row.symbol: above.symbol, column.symbol: below.symbol})
        front = tuple(index.symbol for index in lead)
        reads = (
            Read(equation.name, (*front, row.symbol, above.symbol)),
            Read(equation.name, (*front, below.symbol, column.symbol)),
        )
        return replace(moved, over=(above, below)), -first * second, reads
    assert equation.reduction in NAMED
    above, below = term.over
    read = Read(inverses[equation.name], (*own, below.symbol, above.symbol))
    if equation.reduction == "logdet":
        return term, first, (read,)
    return term, first * second, (Read(equation.name, own), read)
