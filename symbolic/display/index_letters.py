"""Letters for the indices of an equation: i, j, k rather than i, i1, j1.

    y[i, i1] = Σ_j1 A[i, j1] B[j1, i1]   ->   y[i, j] = Σ_k A[i, k] B[k, j]
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import sympy as sp

from ..equation import (
    Equation,
    Index,
    Read,
    Term,
    Within,
    guard_subscripts,
    index_symbol,
    size_names,
    size_symbol,
    term_reads,
)
from ..substitution import substitute_term

LETTERS = "ijklpqrsuvw"
MORE = "abcefghmnoxyz"
"""Where sizes have taken the others."""


def indices_of(equation: Equation) -> list[Index]:
    """The indices of the left side, then those that terms bind, in order."""
    return [*equation.out, *(index for term in equation.terms for index in term.over)]


def lettered(
    equation: Equation, sizes: Collection[str] = (), steps: Collection[str] = ()
) -> Equation:
    """The equation with a letter for every index whose name has a number behind it.

    Letters that indices, sizes or arrays of the equation have are not used twice, nor those of
    `sizes`, those of the system.  Indices of the left side that count `steps` keep their names.
    """
    names = [index.name for index in indices_of(equation)]
    kept = {index.name for index in equation.out} & {*steps}
    doubtful = [name for name in names
                if not name.isalpha() or (name not in kept and _confused(name, equation, sizes))]
    return _renamed(equation, doubtful, {*sizes, *(n for n in names if n not in doubtful)})


def with_free_steps(
    equation: Equation, steps: Collection[str], sizes: Collection[str]
) -> Equation:
    """The equation with other letters for those `steps` of a loop that are called as a size that
    is written, too (what k ≤ k - 1 means no reader knows), or have a number behind their letter:
    t1 + 1 is no step of t."""
    names = {index.name for index in indices_of(equation)}
    doubtful = sorted(name for name in names & {*steps} if not name.isalpha() or (
        name in sizes and _is_written(size_symbol(name), equation)))
    return _renamed(equation, doubtful, {*sizes, *names})


def _is_written(size: sp.Symbol, equation: Equation) -> bool:
    return any(size in part.free_symbols for term in equation.terms for part in (
        *_expressions(term), *(index.size for index in term.over)))


def _confused(name: str, equation: Equation, sizes: Collection[str]) -> bool:
    """Whether an index has the name of a size.  One that is named after its own axis, as in
    einsum("hts,hsk->htk"), is not in doubt where that size is not written."""
    if name not in sizes:
        return False
    size = size_symbol(name)
    own = all(index.size == size for index in indices_of(equation) if index.name == name)
    return not own or any(size in part.free_symbols
                          for term in equation.terms for part in _expressions(term))


def _expressions(term: Term) -> Iterator[sp.Expr]:
    """What is written of a term: its body, subscripts and the bounds of guards."""
    yield term.body
    for guard in term.guards:
        if isinstance(guard, Within):
            yield guard.high
        yield from (p for p in guard_subscripts(guard) if not isinstance(p, Read))
    for read in term_reads(term):
        yield from (entry for entry in read.at if not isinstance(entry, Read))


def with_letters(
    equation: Equation, names: Sequence[str], sizes: Collection[str] = ()
) -> Equation:
    """The equation with letters for those of the indices `names` that have none, or one of
    `sizes`; no other index will be seen."""
    others = {index.name for index in indices_of(equation)} - set(names)
    # Indices that no text shows give their letters away (# is no letter of any formula).
    hidden = {name: f"{name}#" for name in others if name in LETTERS}
    numbered = [n for n in names if not n.isalpha() or _confused(n, equation, sizes)]
    taken = {*sizes, *(others - hidden.keys()), *(name for name in names if name not in numbered)}
    return _renamed(_put(equation, hidden), numbered, taken) if numbered else equation


def _renamed(equation: Equation, names: Sequence[str], taken: set[str]) -> Equation:
    """Other letters for some indices, in order, away from all that is taken."""
    if not names:
        return equation
    taken = taken | {read.array for read in equation.reads}
    taken |= size_names([[index.size for index in indices_of(equation)]])
    free = [letter for letter in LETTERS + MORE if letter not in taken]
    return _put(equation, dict(zip(dict.fromkeys(names), free, strict=False)))


def _put(equation: Equation, names: Mapping[str, str]) -> Equation:
    by = {index_symbol(old): index_symbol(new) for old, new in names.items()}

    def moved(index: Index) -> Index:
        return Index(names.get(index.name, index.name), index.size.xreplace(by))

    terms = tuple(
        replace(substitute_term(term, by), over=tuple(map(moved, term.over)))
        for term in equation.terms
    )
    return replace(equation, out=tuple(map(moved, equation.out)), terms=terms)
