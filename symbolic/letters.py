"""Letters for the indices of an equation: i, j, k rather than i, i1, j1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from .equation import Equation, Index, index_symbol, substitute_term

LETTERS = "ijklpqrsuvw"


def indices_of(equation: Equation) -> list[Index]:
    """The indices of the left side, then those that terms bind, in order."""
    return [*equation.out, *(index for term in equation.terms for index in term.over)]


def lettered(equation: Equation) -> Equation:
    """The equation with a letter for every index whose name has a number behind it.

    Letters that indices, sizes or arrays of the equation have are not used twice.
    """
    names = [index.name for index in indices_of(equation)]
    numbered = [name for name in names if not name.isalpha()]
    return _renamed(equation, numbered, {name for name in names if name.isalpha()})


def with_letters(equation: Equation, names: Sequence[str]) -> Equation:
    """The equation with letters for those of the indices `names` that have none; no other index
    will be seen."""
    others = {index.name for index in indices_of(equation)} - set(names)
    hidden = {name: f"{name}#" for name in others if name in LETTERS}
    numbered = [name for name in names if not name.isalpha()]
    taken = {*(others - hidden.keys()), *(name for name in names if name.isalpha())}
    return _renamed(_put(equation, hidden), numbered, taken) if numbered else equation


def _renamed(equation: Equation, names: Sequence[str], taken: set[str]) -> Equation:
    """Other letters for some indices, in order, away from all that is taken."""
    if not names:
        return equation
    taken = taken | {read.array for read in equation.reads}
    taken |= {str(s) for index in indices_of(equation) for s in index.size.free_symbols}
    free = [letter for letter in LETTERS if letter not in taken]
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
