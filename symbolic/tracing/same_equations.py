"""Whether two calls of a function compute the same, but for the names of arrays and sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import sympy as sp

from ..equation import (
    Equation,
    Index,
    System,
    guard_subscripts,
    size_symbol,
    subscript_indices,
)
from ..substitution import rename_arrays, substitute_term
from .session import AGAIN, needed_for


def this_call(expression: sp.Expr) -> sp.Expr:
    """The expression with the sizes of a later call as those of the first."""
    return expression.xreplace({
        symbol: size_symbol(str(symbol).removesuffix(AGAIN))
        for symbol in expression.free_symbols if str(symbol).endswith(AGAIN)
    })


def same_equations(
    one: System, other: System, results: Sequence[tuple[str, str]], later: bool = True
) -> bool:
    """Whether pairs of results are computed by the same equations, but for names and calls.

    later: whether the second of each pair is of a later call.
    """
    first = _canonical(one, [a for a, _ in results], later=False)
    return first == _canonical(other, [b for _, b in results], later=later)


def _canonical(
    system: System, results: Sequence[str], later: bool
) -> tuple[list[Equation], list[str]]:
    """The equations that results need, numbered, in the sizes of the first call.

    A size of the first call in a later one is told from all others.
    """
    equations = needed_for(set(results), list(system.equations))
    names: dict[str, str] = {array.name: array.name for array in system.inputs}
    for equation in equations:  # all of them first: what is solved for is read before
        for name in (equation.name, *equation.argmax):
            names[name] = f"_{len(names)}"
    made = [_renamed(equation, names, later) for equation in equations]
    return made, [names.get(name, name) for name in results]


def _renamed(equation: Equation, names: Mapping[str, str], later: bool) -> Equation:
    symbols = {symbol for index in equation.out for symbol in index.size.free_symbols}
    for term in equation.terms:
        symbols |= term.body.free_symbols
        symbols |= {symbol for index in term.over for symbol in index.size.free_symbols}
        for guard in term.guards:
            for subscript in guard_subscripts(guard):
                symbols |= subscript_indices(subscript)
        for read in term.reads:
            symbols |= subscript_indices(read)
    indices = {index.symbol for index in equation.out}
    indices |= {index.symbol for term in equation.terms for index in term.over}
    by = {
        symbol: size_symbol(str(symbol).removesuffix(AGAIN) if str(symbol).endswith(AGAIN)
                            else f"{symbol} of an earlier call")
        for symbol in symbols - indices if later and not str(symbol).startswith("_x")
    }
    return rename_arrays(replace(
        equation, terms=tuple(substitute_term(term, by) for term in equation.terms),
        out=tuple(Index(index.name, index.size.xreplace(by)) for index in equation.out)), names)
