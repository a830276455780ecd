"""The rule for one occurrence of an array in one term; :mod:`adjoint` adds them up.

    y[i] = Σ_k W[i, k] x[k]²,  occurrence x[k]   ->   Σ_i dy[i] W[i, k] 2 x[k], where k = q

A sum, a maximum, a log Σ exp and the named operations differ in ∂y/∂(one occurrence) alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

import sympy as sp

from ..equation import (
    NAMED,
    Equal,
    Equation,
    Guard,
    Index,
    Read,
    Term,
    slot,
)
from ..solving import prune, solve
from ..substitution import rename_bound
from .named_operations import Companions, named_slope


@lru_cache(maxsize=4096)
def partial(body: sp.Expr, position: int) -> sp.Expr:
    """∂body/∂slot(position), by SymPy."""
    return sp.diff(body, slot(position))


def occurrences(equation: Equation) -> Iterator[tuple[Term, int, Read]]:
    """(term, slot position, read) for every real occurrence in an equation's bodies."""
    for term in equation.terms:
        for position, read in enumerate(term.reads):
            yield term, position, read


def _slope(
    equation: Equation, term: Term, position: int, companions: Companions,
    avoid: Iterable[str] = (),
) -> tuple[Term, sp.Expr, tuple[Read, ...]]:
    """∂y/∂(one occurrence): the term whose indices it is summed over, a body, and its reads; no
    new index is named as in `avoid`."""
    slope = partial(term.body, position)
    if equation.reduction in NAMED:
        moved, factor, more = named_slope(equation, term, companions, avoid)
        return moved, factor * slope, (*moved.reads, *more)
    if equation.reduction != "logsumexp":
        return term, slope, term.reads
    # y = log Σ exp f, so ∂y/∂f = exp(f - y).
    value = Read(equation.name, tuple(index.symbol for index in equation.out))
    return term, sp.exp(term.body - slot(len(term.reads))) * slope, (*term.reads, value)


def _chosen(equation: Equation, term: Term) -> tuple[Guard, ...]:
    """A maximum lets only the place where it was attained take part."""
    at = tuple(index.symbol for index in equation.out)
    return tuple(
        Equal(index.symbol, Read(name, at))
        for index, name in zip(term.over, equation.argmax, strict=True)
    ) if equation.reduction == "max" else ()


def _linear(
    slope: sp.Expr, reads: tuple[Read, ...], factor: Read
) -> tuple[sp.Expr, tuple[Read, ...]]:
    """slope · factor, the factor in slot 0."""
    # In slot 0, since factors are printed in the order of their slots: the adjoint first.
    moved = slope.xreplace({slot(place): slot(place + 1) for place in range(len(reads))})
    return prune(slot(0) * moved, (factor, *reads))


def pullback(
    equation: Equation, term: Term, position: int, bar: Read, companions: Companions
) -> Term:
    """The rule's summand for one occurrence, its guards [I = q] still to be written."""
    around = [str(entry) for entry in bar.at]  # of what is differentiated, too
    term, slope, reads = _slope(equation, term, position, companions, around)
    target = term.reads[position]
    body, used = _linear(slope, reads, bar)
    # The occurrence's own subscripts ride along as the last read until `q` is known.
    return Term(
        body,
        (*used, target),
        (*equation.out, *term.over),
        (*term.guards, *_chosen(equation, term)),
        via=equation.name,
    )


def at_out(
    term: Term, out: tuple[Index, ...], prefix: Sequence[Index], loop: int | None = None
) -> Term | None:
    """A summand written for the left side x̄[out]: [I = q] added and solved.

    The equality of a `loop` axis comes first: what is read must be a number of steps away.
    """
    names = [index.name for index in (*prefix, *out)]
    renamed = rename_bound(term, names)
    *reads, target = renamed.reads
    equalities = tuple(
        Equal(entry, index.symbol) for entry, index in zip(target.at, out, strict=True)
    )
    first = () if loop is None else (equalities[loop],)
    placed = replace(renamed, reads=tuple(reads), guards=(*first, *renamed.guards, *equalities))
    solved = solve(placed, (*prefix, *out))
    if solved is None or solved.body == 0:
        return None
    body, used = prune(solved.body, solved.reads)
    return replace(solved, body=body, reads=used)


def seed(out: tuple[Index, ...], cotangent: str | None, prefix: Sequence[Index]) -> Term:
    """The adjoint of the output itself: 1, a given array, or the identity matrix."""
    symbols = tuple(index.symbol for index in out)
    target = Read("", symbols)
    if prefix:
        guards = tuple(Equal(p.symbol, q) for p, q in zip(prefix, symbols, strict=True))
        return Term(sp.S.One, (target,), out, guards)
    if cotangent is None:
        return Term(sp.S.One, (target,), out)
    return Term(slot(0), (Read(cotangent, symbols), target), out)


def pushforward(
    equation: Equation, term: Term, position: int, dot: str, companions: Companions
) -> Term:
    term, slope, reads = _slope(equation, term, position, companions)
    body, used = _linear(slope, reads, Read(dot, term.reads[position].at))
    guards = (*term.guards, *_chosen(equation, term))
    pushed = replace(term, body=body, reads=used, guards=guards, via=equation.name)
    return pushed
