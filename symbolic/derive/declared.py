"""What an input is declared to be, used where that shortens a derived equation.

    symmetric    A[j, i] = A[i, j]                      Aᵀ becomes A
    orthogonal   Σ_k A[k, i] A[k, j] = [i = j]          AᵀA and AAᵀ become I, A⁻¹ becomes Aᵀ
    invertible   Σ_k A[i, k] A⁻¹[k, j] = [i = j]        AA⁻¹ and A⁻¹A become I
    positive     |x| = x, [x > 0] = 1, ...              pieces that x > 0 decides

Each use is an equality under the declaration, and is named.  Nothing is assumed of
an array that is not declared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations_with_replacement

import sympy as sp

from ..assumptions import Assumption
from ..equation import (
    SQUARE,
    Array,
    Equal,
    Equation,
    Index,
    Read,
    Term,
    fresh_name,
    guard_subscripts,
    slot,
    subscript_indices,
)
from ..functions import Opaque, Z
from ..substitution import substitute_term
from .rewrite import inline, tidy

AXES = ((0, 0), (1, 1))
"""The axes along which an orthogonal matrix cancels itself."""


@dataclass(frozen=True)
class Declarations:
    """The inputs that are declared to be something, and the forward equations to look through.

    inverses: the arrays that are inverses of such inputs, by name.
    contractions: forward equations that may be put in where a pair then cancels.
    rows: whether vectors are written as rows (x A).
    because: what the symmetry of an array that is computed follows from; nothing of an input.
    """

    arrays: Mapping[str, Array]
    inverses: Mapping[str, str]
    contractions: Mapping[str, Equation]
    rows: bool = False
    because: Mapping[str, tuple[Assumption, ...]] = field(default_factory=dict)

    @staticmethod
    def of(
        inputs: Mapping[str, Array], forward: Iterable[Equation], rows: bool = False,
        because: Mapping[str, tuple[Assumption, ...]] | None = None,
    ) -> Declarations:
        arrays = {n: a for n, a in inputs.items() if a.kind in SQUARE or a.is_positive}
        forward = tuple(forward)
        inverses: dict[str, str] = {}
        contractions: dict[str, Equation] = {}
        because = because or {}
        arrays |= {e.name: Array(e.name, e.shape, "symmetric") for e in forward
                   if e.name in because}
        for equation in forward if arrays else ():
            matrix = _inverted(equation)
            if matrix in arrays:
                inverses[equation.name] = matrix
            elif equation.reduction == "sum" and any(
                read.array in arrays or read.array in inverses for read in equation.reads
            ):
                contractions[equation.name] = equation
        return Declarations(arrays, inverses, contractions, rows, because)

    def symmetric(self, name: str) -> tuple[Assumption, ...]:
        """What the symmetry of a matrix, or of the inverse of one, is taken from."""
        matrix = self.inverses.get(name, name)
        return self.because.get(matrix, (Assumption(matrix, "symmetric"),))

    def kind(self, name: str) -> str:
        """The declared kind of an array, or that of the matrix it is the inverse of."""
        array = self.arrays.get(self.inverses.get(name, name))
        if array is None:
            return ""
        return "positive" if array.is_positive else array.kind

    def relied_on(self, equation: Equation) -> tuple[Assumption, ...]:
        """What must hold for the arrays that an equation reads to exist."""
        names = dict.fromkeys(
            self.inverses[read.array] for read in equation.reads if read.array in self.inverses
        )
        return tuple(Assumption(name, "invertible") for name in names
                     if self.arrays[name].kind == "invertible")


def use_declared(
    equation: Equation, known: Declarations
) -> tuple[Equation, tuple[Assumption, ...]]:
    """The equation with what is declared of its inputs used, and what was."""
    if not known.arrays or equation.reduction != "sum":
        return equation, ()
    used: dict[Assumption, None] = {}
    equation = _without_pairs(equation, known, used)
    for read in dict.fromkeys(r for term in equation.terms for r in term.reads):
        target = known.contractions.get(read.array)
        # A named product (Z = Q x) may hide the Q that Qᵀ would cancel: look behind the name.
        put = None if target is None else inline(equation, target, costly=True)
        if put is None:
            continue
        found: dict[Assumption, None] = {}
        shorter = _without_pairs(put, known, found)
        if found and _reads(shorter) <= _reads(equation):
            equation = shorter
            used |= found
            continue
        # It may hide the Aᵀ that meets an A: of a symmetric A they are like terms.
        if _reads(_in_order(put, known, {})) < _reads(_in_order(equation, known, {})):
            equation = put
    return _in_order(equation, known, used), tuple(used)


def _in_order(
    equation: Equation, known: Declarations, used: dict[Assumption, None]
) -> Equation:
    """The equation with what is known of each array by itself used, and like terms added; as it is
    where nothing is used."""
    terms = tuple(
        oriented(_positive(_inverse_as_transpose(term, known, used), known, used),
                  equation.out, known, used)
        for term in equation.terms
    )
    changed = used or any(one.reads != other.reads
                          for one, other in zip(terms, equation.terms, strict=True))
    return tidy(alike(replace(equation, terms=terms))) if changed else equation


def alike(equation: Equation) -> Equation:
    """Bound indices under the same names in all terms, in reading order, so that like terms meet.
    """
    names: dict[tuple[sp.Expr, int], Index] = {}
    terms = []
    for term in equation.terms:
        bound = {index.symbol: index for index in term.over}
        ordered = [bound[s] for s in _in_reading_order(term, equation.out) if s in bound]
        taken = {index.name for index in (*equation.out, *term.over)}
        count: dict[sp.Expr, int] = {}
        by: dict[Index, Index] = {}
        for index in ordered:
            place = count[index.size] = count.get(index.size, -1) + 1
            if (index.size, place) not in names:
                inner = fresh_name("k", taken | {known.name for known in names.values()})
                names[index.size, place] = Index(inner, index.size)
            by[index] = names[index.size, place]
        symbols = {old.symbol: new.symbol for old, new in by.items()}
        moved = substitute_term(term, symbols)
        terms.append(replace(moved, over=tuple(by[index] for index in ordered)))
    return replace(equation, terms=tuple(terms))


def _reads(equation: Equation) -> int:
    return sum(len(term.reads) + len(term.over) for term in equation.terms)


def _inverted(equation: Equation) -> str:
    """The array whose inverse an equation is, where the matrix is an array by itself."""
    if equation.reduction != "inv" or len(equation.out) != 2:
        return ""
    (term,) = equation.terms
    plain = term.body == slot(0) and not term.guards
    whole = plain and term.reads[0].at == tuple(index.symbol for index in equation.out)
    return term.reads[0].array if whole else ""


# --- pairs that cancel --------------------------------------------------------------------------


def _without_pairs(
    equation: Equation, known: Declarations, used: dict[Assumption, None]
) -> Equation:
    terms = []
    changed = False
    for term in equation.terms:
        while True:
            found = _cancelled_pair(term, known)
            if found is None:
                break
            term, assumed = found
            used[assumed] = None
            changed = True
        terms.append(term)
    return tidy(replace(equation, terms=tuple(terms))) if changed else equation


def _cancelled_pair(term: Term, known: Declarations) -> tuple[Term, Assumption] | None:
    """Σ_k A[k, i] A[k, j] or Σ_k A[i, k] A⁻¹[k, j] as [i = j], and why; None without such a pair.
    """
    for first, second in combinations_with_replacement(range(len(term.reads)), 2):
        one, other = term.reads[first], term.reads[second]
        for left, right, assumed in _cancelling(one.array, other.array, known):
            shared = one.at[left]
            index = next((i for i in term.over if i.symbol == shared), None)
            rest = term.body / (slot(first) * slot(second))
            if (index is None or other.at[right] != shared
                    or rest.free_symbols & {slot(first), slot(second)}
                    or index.size != _size(one.array, left, known)
                    or not _only_in(term, index, {(first, left), (second, right)})):
                continue
            guard = Equal(one.at[1 - left], other.at[1 - right])
            over = tuple(i for i in term.over if i != index)
            return replace(term, body=rest, over=over, guards=(*term.guards, guard)), assumed
    return None


def _cancelling(
    one: str, other: str, known: Declarations
) -> Iterable[tuple[int, int, Assumption]]:
    """(axis, axis, why): the axes over which the sum of a product of two arrays is a [i = j]."""
    if one == other and one in known.arrays and known.kind(one) == "orthogonal":
        return [(left, right, Assumption(one, "orthogonal")) for left, right in AXES]
    for name, matrix in ((one, other), (other, one)):
        if known.inverses.get(name) == matrix and known.kind(matrix) == "invertible":
            assumed = Assumption(matrix, "invertible")
            return [(1, 0, assumed), (0, 1, assumed)]
    return []


def _size(name: str, axis: int, known: Declarations) -> sp.Expr:
    return known.arrays[known.inverses.get(name, name)].shape[axis]


def _only_in(term: Term, index: Index, places: set[tuple[int, int]]) -> bool:
    """Whether an index stands in the given (read, axis) places and nowhere else in a term."""
    entries = [
        entry
        for position, read in enumerate(term.reads)
        for axis, entry in enumerate(read.at)
        if (position, axis) not in places
    ]
    entries += [entry for guard in term.guards for entry in guard_subscripts(guard)]
    entries += [other.size for other in term.over]
    return all(index.symbol not in subscript_indices(entry) for entry in entries)


# --- one array at a time ------------------------------------------------------------------------


def _inverse_as_transpose(term: Term, known: Declarations, used: dict[Assumption, None]) -> Term:
    """A⁻¹[i, j] as A[j, i] for an orthogonal A."""
    reads = []
    for read in term.reads:
        matrix = known.inverses.get(read.array, "")
        if matrix and known.kind(matrix) == "orthogonal":
            used[Assumption(matrix, "orthogonal")] = None
            read = Read(matrix, (read.at[1], read.at[0]))
        reads.append(read)
    return replace(term, reads=tuple(reads))


def oriented(
    term: Term, out: Sequence[Index], known: Declarations, used: dict[Assumption, None]
) -> Term:
    """Every symmetric matrix (and inverse of one) with its subscripts in the order in which a
    product of matrices is read: from the left side's first index on."""
    if all(known.kind(read.array) != "symmetric" for read in term.reads):
        return term
    order = _in_reading_order(term, out, known.rows)
    rank = {symbol: place for place, symbol in enumerate(order)}

    def first(entry: object) -> int:
        return min((rank[s] for s in subscript_indices(entry) if s in rank), default=-1)

    reads = []
    for read in term.reads:
        if known.kind(read.array) == "symmetric" and first(read.at[1]) < first(read.at[0]):
            used.update(dict.fromkeys(known.symmetric(read.array)))
            read = Read(read.array, (read.at[1], read.at[0]))
        reads.append(read)
    return replace(term, reads=tuple(reads))


def _in_reading_order(
    term: Term, out: Sequence[Index], rows: bool = False
) -> list[sp.Symbol]:
    """The term's indices as they are met on the way from the first, along shared reads.

    With `rows`, a vector's own index comes last: x A ends where A x begins.
    """
    free = {index.symbol for index in out}
    edges = [frozenset().union(*map(subscript_indices, read.at)) for read in term.reads]
    waiting = [index.symbol for index in (*out, *sorted(term.over, key=lambda i: i.name))]
    order: list[sp.Symbol] = []
    while waiting:
        part: list[sp.Symbol] = []
        queue = waiting[:1]
        while queue:
            symbol = queue.pop(0)
            if symbol in waiting:
                waiting.remove(symbol)
                part.append(symbol)
                near = set().union(*(edge for edge in edges if symbol in edge)) & set(waiting)
                queue += sorted(near, key=str)
        order += part[::-1] if rows and len(free & set(part)) == 1 else part
    return order


def _positive(term: Term, known: Declarations, used: dict[Assumption, None]) -> Term:
    """The body with the pieces that a positive entry decides."""
    body = term.body
    for place, read in enumerate(term.reads):
        if known.kind(read.array) != "positive" or not body.has(Opaque, sp.Piecewise, sp.Abs):
            continue
        entry, at = sp.Dummy(positive=True), slot(place)
        decided = {
            applied: _decided(applied, at, entry)
            for applied in body.atoms(Opaque) if applied.args[0] == at
        }
        found = body.xreplace(decided).xreplace({at: entry}).xreplace({entry: at})
        if found != body:
            body = found
            used[Assumption(read.array, "positive")] = None
    return replace(term, body=body)


def _decided(applied: sp.Expr, at: sp.Symbol, entry: sp.Symbol) -> sp.Expr:
    """A piecewise function of a positive entry as its one piece, if it is decided."""
    definition = type(applied).definition
    value = definition.xreplace({Z: entry})
    if not definition.has(sp.Piecewise) or value.has(sp.Piecewise):
        return applied
    return value.xreplace({entry: at})
