"""Σ_k A[i, k] A⁻¹[k, j] = [i = j], for a matrix A that is an array of its own in a normal form,
and Σ_k A[k, i] A[k, j] = [i = j] for an input A that is declared orthogonal.

    Σ_k A[i, k] A⁻¹[k, j] x[j]   ->   [i = j] x[j]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ..assumptions import Assumption
from .indices import Sub
from .polynomial import Atoms, Factor, Factors, Poly, monomial

INVERSE = "matrix inverse"
"""The kind of the atoms whose entries are those of an inverse; see :mod:`matrix_atoms`."""


def cancel_inverse(
    table: Atoms, factors: Factors, bound: frozenset[int]
) -> tuple[Poly, frozenset[int]] | None:
    """The product without such a pair, and the indices it is still summed over; None without one.
    """
    for key in factors:
        if _is_orthogonal(table, key):
            found = _cancel_orthogonal(table, key, factors, bound)
            if found is not None:
                return found
        if table.bases[key[0]].kind != INVERSE or factors[key] != 1:
            continue
        for shared, matrix, left, right in _pairs(table, key, factors, bound):
            rest = {other: e for other, e in factors.items() if other not in (key, matrix)}
            if shared in table.deps_of(sub for _, args in rest for sub in args):
                continue
            unit = table.entry(table.equal, (table.difference(left, right),))
            return table.times({monomial(rest): 1}, unit), bound - {shared}
    return None


def _is_orthogonal(table: Atoms, key: Factor) -> bool:
    known = table.bases[key[0]]
    return known.kind == "input" and known.data.kind == "orthogonal"


def _cancel_orthogonal(
    table: Atoms, key: Factor, factors: Factors, bound: frozenset[int]
) -> tuple[Poly, frozenset[int]] | None:
    """The product without an orthogonal matrix that meets itself, and the indices left."""
    base, args = key
    name, size = table.bases[base].data.name, table.bases[base].data.shape[0]
    for other, exponent in factors.items():
        if other[0] != base or exponent != (2 if other == key else 1) or factors[key] != exponent:
            continue
        for axis in (0, 1):
            shared, left, right = args[axis], args[1 - axis], other[1][1 - axis]
            rest = {k: e for k, e in factors.items() if k not in (key, other)}
            if (other[1][axis] != shared or shared not in bound or table.size(shared) != size
                    or shared in table.deps_of((left, right))
                    or shared in table.deps_of(sub for _, subs in rest for sub in subs)):
                continue
            table.assumptions.add(Assumption(name, "orthogonal"))
            unit = table.entry(table.equal, (table.difference(left, right),))
            return table.times({monomial(rest): 1}, unit), bound - {shared}
    return None


def _pairs(
    table: Atoms, key: Factor, factors: Factors, bound: frozenset[int]
) -> Iterator[tuple[int, Factor, Sub, Sub]]:
    """(shared index, factor of the matrix, outer index of either) where key is its inverse."""
    known = table.bases[key[0]]
    items, places, _ = known.data
    (mono, coefficient), *more = items
    if more or coefficient != 1 or len(mono) != 1 or mono[0][2] != 1 or len(known.free) != 2:
        return
    base, slots, _ = mono[0]
    row_place, column_place = (known.free[place] for place in places)
    for args in _orders(key[1], known.symmetries):
        inverse_row, inverse_column = args[places[0]], args[places[1]]
        for other, row, column in _entries(table, factors, base, slots, (row_place, column_place)):
            # A[row, column] A⁻¹[column, c] and A⁻¹[r, row] A[row, column]
            if other == key or row == column:
                continue
            if column == inverse_row and column in bound:
                yield column, other, row, inverse_column
            if row == inverse_column and row in bound:
                yield row, other, inverse_row, column


def _entries(
    table: Atoms, factors: Factors, base: int, slots: Sequence[Sub], places: tuple[int, int]
) -> Iterator[tuple[Factor, Sub, Sub]]:
    """The factors that are entries of the matrix, each with its row and column."""
    for other, e in factors.items():
        if other[0] != base or e != 1:
            continue
        for args in _orders(other[1], table.bases[base].symmetries):
            at = dict(zip(slots, args, strict=True))
            if len(at) == 2 and places[0] in at and places[1] in at:
                yield other, at[places[0]], at[places[1]]


def _orders(
    args: tuple[Sub, ...], symmetries: Iterable[tuple[int, ...]]
) -> list[tuple[Sub, ...]]:
    """The orders of subscripts that stand for one entry."""
    return sorted({args, *(tuple(args[place] for place in order) for order in symmetries)})
