"""Matrices that are symmetric because of how they are computed.

    C = Xᵀ X,   S = H P Hᵀ + R with P and R declared to be,   D[i, j] = Σ_k (Y[i, k] - Y[j, k])²

Each reads the same with rows and columns exchanged: in reading order, by the symmetries that are
known before it, with the products that it reads put in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import sympy as sp

from ..assumptions import Assumption
from ..equation import Array, Equal, Equation, Term, slot
from ..substitution import substitute_term
from .declared import Declarations, alike, oriented
from .rewrite import inline, tidy

SQUARES, FEW = 40, 8
"""Square arrays of a forward pass, and terms and reads of one, that are looked at."""


def symmetries(
    forward: Iterable[Equation], inputs: Mapping[str, Array]
) -> dict[str, tuple[Assumption, ...]]:
    """The computed matrices that are symmetric (Xᵀ X, H P Hᵀ + R with P and R declared to be), and
    what of the inputs that follows from."""
    equations = {e.name: e for e in forward}
    square = [e for e in equations.values() if e.reduction in ("sum", "inv") and len(e.out) == 2
              and e.shape[0] == e.shape[1] and len(e.terms) <= FEW
              and all(len(term.reads) <= FEW for term in e.terms)]
    found: dict[str, tuple[Assumption, ...]] = {}
    known = {name: array for name, array in inputs.items() if array.kind == "symmetric"}
    for equation in square[:SQUARES]:
        used: dict[Assumption, None] = {}
        now = Declarations(known, {}, {}, because=found)
        whole = replace(equation, reduction="sum")  # an inverse is symmetric where its matrix is
        if any(_is_symmetric(one, now, used) for one in _opened(whole, equations)):
            found[equation.name] = tuple(used)
            known[equation.name] = Array(equation.name, equation.shape, "symmetric")
    return found


def with_symmetry(known: Declarations, equation: Equation) -> Declarations:
    """What is known, and that an array is symmetric where its equation says so."""
    used: dict[Assumption, None] = {}
    if equation.reduction != "sum" or len(equation.out) != 2 or (
            equation.shape[0] != equation.shape[1] or not 0 < len(equation.terms) <= FEW
            or any(len(term.reads) > FEW for term in equation.terms)
            or not _is_symmetric(equation, known, used)):
        return known
    name = equation.name
    return replace(known, arrays={**known.arrays, name: Array(name, equation.shape, "symmetric")},
                   because={**known.because, name: tuple(used)})


def _opened(equation: Equation, equations: Mapping[str, Equation]) -> Iterator[Equation]:
    """The equation, and with the products that it reads put in."""
    yield equation
    for name in dict.fromkeys(read.array for read in equation.reads):
        put = inline(equation, equations[name], costly=True) if name in equations else None
        if put is not None and len(put.terms) <= FEW:
            yield put


def _is_symmetric(
    equation: Equation, known: Declarations, used: dict[Assumption, None]
) -> bool:
    """Whether a matrix reads the same with rows and columns exchanged."""
    row, column = equation.out
    turned = replace(equation, terms=tuple(
        substitute_term(term, {row.symbol: column.symbol, column.symbol: row.symbol})
        for term in equation.terms))
    read: dict[Assumption, None] = {}
    sides = [tidy(alike(replace(one, terms=tuple(
        oriented(term, equation.out, known, read) for term in one.terms))))
        for one in (equation, turned)]
    same = _same_terms(*(side.terms for side in sides))
    if same:
        used.update(read)
    return same


def _same_terms(one: Sequence[Term], other: Sequence[Term]) -> bool:
    left = list(other)
    for term in one:
        place = next((p for p, there in enumerate(left) if _same(term, there)), None)
        if place is None:
            return False
        del left[place]
    return not left


def _same(one: Term, other: Term) -> bool:
    if {*one.over} != {*other.over} or _conditions(one) != _conditions(other) or (
            {*one.reads} != {*other.reads} or len({*one.reads}) != len(one.reads)
            or len(one.reads) != len(other.reads)):
        return False
    move = {slot(p): slot(one.reads.index(read)) for p, read in enumerate(other.reads)}
    return bool(sp.expand(one.body - other.body.xreplace(move)) == 0)


def _conditions(term: Term) -> set[object]:
    """The guards, [i = j] being [j = i]."""
    return {frozenset({g.left, g.right}) if isinstance(g, Equal) else g for g in term.guards}
