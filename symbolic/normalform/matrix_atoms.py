"""Inverses and determinants in normal forms: atoms keyed by the canonical matrix.

    (A B)⁻¹   ->   B⁻¹ A⁻¹
    det A⁻¹   ->   1/det A

Known of them: A A⁻¹ = I (:mod:`inverse_pairs`), (A⁻¹)⁻¹ = A, (Aᵀ)⁻¹ = (A⁻¹)ᵀ, det Aᵀ = det A,
(A B)⁻¹ = B⁻¹ A⁻¹ and det A B = det A · det B of square matrices, det A⁻¹ = 1/det A, a scalar
factor of an inverse, and diagonal matrices.  A product that is invertible has invertible factors,
so nothing more is assumed than that the values exist.
"""

from __future__ import annotations

from collections.abc import Mapping

from .canonical_names import atom, canonical, items_of
from .contraction import contract
from .indices import Sub
from .inverse_pairs import INVERSE
from .nonlinear import power
from .polynomial import Atoms, Base, Factor, Factors, Poly, Unfold, UnsupportedError, monomial

DETERMINANT = "determinant"


def register(table: Atoms) -> None:
    table.rebuild[INVERSE] = _rebuild_inverse
    table.rebuild[DETERMINANT] = _rebuild_determinant


# --- inverses -----------------------------------------------------------------------------------


def inverse(table: Atoms, matrix: Poly, row: Sub, column: Sub) -> Poly:
    """The entry [row, column] of the inverse of the matrix with that entry `matrix`."""
    if row == table.zero or column == table.zero:  # one by one
        return power(table, matrix, -1)
    if len(matrix) == 1:
        scalar, core = _split(table, matrix, row, column)
        result = _inverse_of_factors(table, core, row, column)
        if result is None and scalar != {(): 1}:
            result = inverse(table, {monomial(core): 1}, row, column)
        if result is not None:
            return table.times(power(table, scalar, -1), result)
    if not {row, column} <= table.poly_deps(matrix):
        raise UnsupportedError("the inverse of a matrix of equal rows or columns")
    found = canonical(table, items_of(matrix))
    places = found.args.index(row), found.args.index(column)
    return atom(table, INVERSE, found, tuple(sorted(places)), table.size(row), thin=False)


def _split(table: Atoms, matrix: Poly, row: int, column: int) -> tuple[Poly, Factors]:
    """(what depends on neither index, the other factors) of a single monomial."""
    ((mono, coefficient),) = matrix.items()
    core = {
        (base, args): e for base, args, e in mono
        if not table.deps_of(args).isdisjoint((row, column))
    }
    rest = {(base, args): e for base, args, e in mono if (base, args) not in core}
    return {monomial(rest): coefficient}, core


def _inverse_of_factors(
    table: Atoms, core: Factors, row: int, column: int
) -> Poly | None:
    """The inverse where the matrix is diagonal, an inverse, or a product of square matrices."""
    guards = [key for key in core if key[0] == table.equal]
    if len(guards) == 1 and table.deps_of(guards[0][1]) == {row, column}:
        rest = {key: e for key, e in core.items() if key not in guards}
        return table.times({((*guards[0], 1),): 1}, power(table, {monomial(rest): 1}, -1))
    own = {key: table.deps_of(key[1]) for key in core}
    rest = {key: e for key, e in core.items() if own[key] not in ({row}, {column})}
    if rest and len(rest) < len(core):  # diag(u) M diag(v)
        result = inverse(table, {monomial(rest): 1}, row, column)
        for here, there in ((row, column), (column, row)):
            scale = {key: -e for key, e in core.items() if own[key] == {here}}
            scaled = table.substitute(power(table, {monomial(scale): 1}, 1), {here: there})
            result = table.times(result, scaled)
        return result
    return _inverse_of_one(table, core, row, column)


def _inverse_of_one(table: Atoms, core: Factors, row: int, column: int) -> Poly | None:
    """The inverse of a single factor that is an inverse, or a product of square matrices."""
    if len(core) != 1:
        return None
    ((key, exponent),) = core.items()
    known = table.bases[key[0]]
    if exponent != 1:
        return None
    if known.kind == INVERSE:
        return table.substitute(dict(known.data[0]), dict(zip(known.free, key[1], strict=True)))
    links = _chain(table, key, row, column)
    if links is None:
        return None
    # (M1 M2)⁻¹[i, j] = Σ_k M2⁻¹[i, k] M1⁻¹[k, j]: with M[start, end] goes M⁻¹[end, start], so
    # the ends of the chain, i and j, change places.
    ends = {row: table.fresh(table.size(row)), column: table.fresh(table.size(row))}
    product: Poly = {(): 1}
    for part, start, end in links:
        entry = inverse(table, part, start, end)
        turned = {start: ends.get(end, end), end: ends.get(start, start)}
        product = table.times(product, table.substitute(entry, turned))
    product = contract(table, product, [start for _, start, _ in links[1:]])
    return table.substitute(product, {ends[row]: column, ends[column]: row})


def _chain(
    table: Atoms, key: Factor, row: int, column: int
) -> list[tuple[Poly, int, int]] | None:
    """Square matrices whose product is the contraction `key`, each as (entry, row, column)."""
    known = table.bases[key[0]]
    if known.kind != "sum" or {*key[1]} != {row, column}:
        return None
    fresh = {index: table.fresh(table.size(index)) for index in known.data[1]}
    moved = table.substitute(dict(known.data[0]), {**dict(zip(known.free, key[1], strict=True)),
                                                   **fresh})
    if len(moved) != 1 or any(table.size(i) != table.size(row) for i in fresh.values()):
        return None
    ((mono, coefficient),) = moved.items()
    if coefficient != 1:
        return None
    unused = [(base, args, e) for base, args, e in mono]
    links: list[tuple[Poly, int, int]] = []
    here = row
    while unused:
        own = [factor for factor in unused if here in table.deps_of(factor[1])]
        reached = table.deps_of(sub for _, args, _ in own for sub in args) - {here}
        if len(reached) != 1:
            return None
        (there,) = reached
        links.append(({tuple(sorted(own)): 1}, here, there))
        unused = [factor for factor in unused if factor not in own]
        here = there
    return links if here == column and len(links) > 1 else None


def _rebuild_inverse(table: Atoms, base: Base, at: Mapping[int, Sub], unfold: Unfold) -> Poly:
    items, places, size = base.data
    row, column = (base.free[place] for place in places)
    number = table.find_base(base.kind, base.data)
    assert number is not None
    if not unfold:  # at equal or shifted subscripts there is nothing to simplify
        args = tuple(at[place] for place in base.free)
        return {((*table.factor(number, args), 1),): 1}
    fresh = {row: table.fresh(size), column: table.fresh(size)}
    matrix = table.rewrite(dict(items), {**at, **fresh}, unfold)
    entry = inverse(table, matrix, fresh[row], fresh[column])
    return table.substitute(entry, {fresh[row]: at[row], fresh[column]: at[column]})


# --- determinants -------------------------------------------------------------------------------


def determinant(table: Atoms, matrix: Poly, row: Sub, column: Sub) -> Poly:
    """The determinant of the matrix with the entry `matrix` at [row, column]."""
    if row == table.zero or column == table.zero:
        return matrix
    if len(matrix) == 1:
        scalar, core = _split(table, matrix, row, column)
        if scalar == {(): 1} and len(core) == 1 and set(core.values()) == {1}:
            (key,) = core
            known = table.bases[key[0]]
            if known.kind == INVERSE:
                by = dict(zip(known.free, key[1], strict=True))
                inner = table.substitute(dict(known.data[0]), by)
                return power(table, determinant(table, inner, row, column), -1)
            links = _chain(table, key, row, column)
            if links is not None:
                return table.product(determinant(table, *link) for link in links)
    if not {row, column} <= table.poly_deps(matrix):
        raise UnsupportedError("the determinant of a matrix of equal rows or columns")
    found = canonical(table, items_of(matrix), frozenset((row, column)))
    return atom(table, DETERMINANT, found, found.bound, table.size(row))


def _rebuild_determinant(table: Atoms, base: Base, at: Mapping[int, Sub], unfold: Unfold) -> Poly:
    items, bound, size = base.data
    fresh = {index: table.fresh(size) for index in bound}
    matrix = table.rewrite(dict(items), {**at, **fresh}, unfold)
    row, column = (fresh[index] for index in bound)
    return determinant(table, matrix, row, column)
