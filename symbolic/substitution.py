"""Terms with other indices, other names and other arrays in them.

    Σ_k W[i, k] x[k]   with i -> j, k bound away from j   Σ_k W[j, k] x[k]

Every function returns a new value of the type; nothing is simplified here (:mod:`solving` does
that), and a bound index keeps its name unless :func:`rename_bound` is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TypeAlias

import sympy as sp

from .equation import (
    Equal,
    Equation,
    Guard,
    Index,
    Read,
    Subscript,
    Term,
    Within,
    fresh_name,
    index_symbol,
)

Substitution: TypeAlias = Mapping[sp.Symbol, sp.Expr]


def substitute_subscript(subscript: Subscript, by: Substitution) -> Subscript:
    if isinstance(subscript, Read):
        return substitute_read(subscript, by)
    return by.get(subscript, subscript) if subscript.is_Symbol else subscript.xreplace(by)


def substitute_read(read: Read, by: Substitution) -> Read:
    return Read(read.array, tuple(substitute_subscript(entry, by) for entry in read.at))


def substitute_guard(guard: Guard, by: Substitution) -> Guard:
    if isinstance(guard, Equal):
        return Equal(substitute_subscript(guard.left, by), substitute_subscript(guard.right, by))
    return Within(guard.low.xreplace(by), guard.value.xreplace(by), guard.high.xreplace(by))


def substitute_term(term: Term, by: Substitution) -> Term:
    """`by` applied to subscripts, guards and the sizes of bound indices (not to bound names)."""
    if not by:
        return term
    return replace(
        term,
        reads=tuple(substitute_read(read, by) for read in term.reads),
        over=tuple(Index(index.name, index.size.xreplace(by)) for index in term.over),
        guards=tuple(substitute_guard(guard, by) for guard in term.guards),
        body=term.body.xreplace(by) if term.body.free_symbols & by.keys() else term.body,
    )


def rename_bound(term: Term, taken: Iterable[str]) -> Term:
    """The same term with bound indices renamed away from `taken`."""
    used = set(taken) | {index.name for index in term.over}
    names: dict[str, str] = {}
    avoid = set(taken)
    for index in term.over:  # only those that clash: a reader knows the others by their names
        if index.name in avoid:
            names[index.name] = fresh_name(index.name, used)
            used.add(names[index.name])
    if not names:
        return term
    by = {index_symbol(old): index_symbol(new) for old, new in names.items()}
    moved = substitute_term(term, by)
    return replace(
        moved,
        over=tuple(Index(names.get(index.name, index.name), index.size) for index in moved.over),
    )


def map_reads(term: Term, change: Callable[[Read], Read]) -> Term:
    """The term with `change` applied to every occurrence, inner ones first."""

    def in_subscript(subscript: Subscript) -> Subscript:
        return in_read(subscript) if isinstance(subscript, Read) else subscript

    def in_read(read: Read) -> Read:
        return change(Read(read.array, tuple(map(in_subscript, read.at))))

    def in_guard(guard: Guard) -> Guard:
        if isinstance(guard, Equal):
            return Equal(in_subscript(guard.left), in_subscript(guard.right))
        return guard

    return replace(
        term,
        reads=tuple(map(in_read, term.reads)),
        guards=tuple(map(in_guard, term.guards)),
    )


def rename_arrays(equation: Equation, names: Mapping[str, str]) -> Equation:
    """The equation with arrays under other names: its own, the places of its maximum, and those
    that it reads."""

    def called(name: str) -> str:
        return names.get(name, name)

    return replace(
        equation, name=called(equation.name), argmax=tuple(map(called, equation.argmax)),
        terms=tuple(map_reads(term, lambda read: Read(called(read.array), read.at))
                    for term in equation.terms),
    )
