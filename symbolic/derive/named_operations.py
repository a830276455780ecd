"""What has no index form: the inverse and the determinant of the matrix that a term states.

Each is an equation with a named operation in place of its sum, and one rule with its source:

    inv       y[.., i, j]  the inverse of f[.., i, j]           dY = -Y dF Y             (MC 59, 60)
    cholesky  y[.., i, j]  the lower factor of a symmetric F    dY = Y Φ(Y⁻¹ dF Y⁻ᵀ)     (Murray, 8)
    det       y[..]        the determinant of f[.., i, j]       dy = y tr(F⁻¹ dF)        (MC 46, 49)
    logdet    y[..]        the logarithm of its absolute value  dy = tr(F⁻¹ dF)          (MC 43, 57)

Φ keeps the lower half of a matrix, and half of its diagonal.  MC: Petersen & Pedersen, The Matrix
Cookbook, 2012; Murray: Differentiation of the Cholesky decomposition, 2016.  The rules in reverse
are the adjoint's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeAlias

import sympy as sp

from ..equation import (
    MATRIX_VALUED,
    NAMED,
    Equal,
    Equation,
    Index,
    Item,
    Read,
    Size,
    System,
    Term,
    Within,
    fresh_name,
    slot,
)
from ..substitution import rename_bound, substitute_term

Companions: TypeAlias = Mapping[str, tuple[str, ...]]
"""For a determinant the name of its inverse, for a Cholesky factor those of its inverse and Φ."""


def with_companions(
    system: System, active: Iterable[str], fresh: Callable[[str], str]
) -> tuple[System, Companions]:
    """The system with what the slopes of active named operations read beside them, by name.

    An inverse that the system computes already is used as it is.
    """
    wanted = set(active)
    made = _Beside(system, fresh)
    for item in system.items:
        if not isinstance(item, Equation):  # behind it, all its steps are there
            made.items.append(item)
            for equation in item.equations:
                if equation.name in wanted:
                    made.append(equation)
            continue
        late = item.reduction == "cholesky"  # whose inverse is that of the factor
        made.items += [item] if late else []
        if item.name in wanted:
            made.append(item)
        made.items += [] if late else [item]
    return replace(system, items=tuple(made.items)), made.names


class _Beside:
    """The items of a system with what is appended beside them, and its names by the operation."""

    def __init__(self, system: System, fresh: Callable[[str], str]) -> None:
        self.items: list[Item] = []
        self.names: dict[str, tuple[str, ...]] = {}
        self._fresh = fresh
        # What is computed already, by what it is computed of: a second inverse of A costs n³ again.
        self._known: dict[object, str] = {}
        for item in system.items:
            if isinstance(item, Equation):
                self._known.setdefault(
                    _matrix(item) if item.reduction == "inv" else item.terms, item.name)

    def append(self, item: Equation) -> None:
        """Appends what the slope of a named operation reads."""
        if item.reduction in ("det", "logdet"):
            (term,) = item.terms
            # d det F = det F · tr(F⁻¹ dF): the inverse of the very matrix that F's term states.
            inverse = Equation("", (*item.out, *term.over), (replace(term, over=()),), "inv")
            plain = term.body == slot(0) and not term.guards
            name = f"{term.reads[0].array if plain else item.name}_inv"
            self.names[item.name] = (self._companion(inverse, _matrix(inverse), name),)
        if item.reduction == "cholesky":
            factor = Read(item.name, tuple(index.symbol for index in item.out))
            inverse = Equation("", item.out, (Term(slot(0), (factor,)),), "inv")
            half = _lower_half(item.out[-1].size)
            self.names[item.name] = (
                self._companion(inverse, _matrix(inverse), f"{item.name}_inv"),
                self._companion(half, half.terms, "Phi"),
            )

    def _companion(self, made: Equation, key: object, name: str) -> str:
        """The name of an equation that is appended unless there is one like it."""
        if key not in self._known:
            self._known[key] = self._fresh(name)
            self.items.append(replace(made, name=self._known[key]))
        return self._known[key]


def _lower_half(size: Size) -> Equation:
    """Φ: one below the diagonal, a half on it."""
    row, column = Index("i", size), Index("j", size)
    below = Within(column.symbol + 1, row.symbol, size)
    return Equation("", (row, column), (
        Term(sp.S.One, (), (), (below,)),
        Term(sp.S.Half, (), (), (Equal(row.symbol, column.symbol),)),
    ))


def _matrix(equation: Equation) -> tuple[Term, tuple[str, ...]]:
    """The matrix that a named operation is applied to, with its indices named by position."""
    term = equation.terms[0]
    indices = (*equation.out, *term.over)
    renamed = rename_bound(term, [f"m{place}" for place in range(len(indices))])
    renamed = replace(renamed, over=())
    by = {old.symbol: Index(f"m{place}", old.size).symbol for place, old in enumerate(indices)}
    return substitute_term(renamed, by), tuple(str(index.size) for index in indices)


def named_slope(
    equation: Equation, term: Term, companions: Companions, avoid: Iterable[str] = ()
) -> tuple[Term, sp.Expr, tuple[Read, ...]]:
    """The term summed over its matrix's entries, and ∂y/∂(such an entry) as (body, reads).

    The slots of the body count on from the term's own reads; no index is named as in `avoid`.
    """
    assert equation.reduction in NAMED
    slots = [slot(len(term.reads) + place) for place in range(4)]
    if equation.reduction in MATRIX_VALUED:
        *lead, row, column = equation.out
        front = tuple(index.symbol for index in lead)
        taken = {index.name for index in equation.out} | {*avoid}
        bound: list[Index] = []
        for index in (row, column, row):
            bound.append(Index(fresh_name(index.name, taken), index.size))
            taken.add(bound[-1].name)
        # dY[row, column] = -Y[row, above] dF[above, below] Y[below, column], summed over both.
        above, below, inner = bound
        moved = substitute_term(term, {row.symbol: above.symbol, column.symbol: below.symbol})

        def read(name: str, first: Index, second: Index) -> Read:
            return Read(name, (*front, first.symbol, second.symbol))

        if equation.reduction == "inv":
            both = (read(equation.name, row, above), read(equation.name, below, column))
            return replace(moved, over=(above, below)), -slots[0] * slots[1], both
        inverse, half = companions[equation.name]
        reads = (
            read(equation.name, row, inner), Read(half, (inner.symbol, column.symbol)),
            read(inverse, inner, above), read(inverse, column, below),
        )
        return replace(moved, over=(above, below, inner)), sp.Mul(*slots[:4]), reads
    above, below = term.over
    own = tuple(index.symbol for index in equation.out)
    read_inverse = Read(companions[equation.name][0], (*own, below.symbol, above.symbol))
    if equation.reduction == "logdet":
        return term, slots[0], (read_inverse,)
    return term, slots[0] * slots[1], (Read(equation.name, own), read_inverse)
