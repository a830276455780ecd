"""Values that already have a name, named rather than computed again.

    reuse_values        exp(z - Λ) d   with p = exp(z - Λ)   ->   p d
    slopes_in_outputs   tanh'(z) d     with a = tanh(z)      ->   (1 - a²) d
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import sympy as sp

from ..equation import Equation, Read, Term, slot, slot_numbers
from ..functions import A, Opaque, in_output
from ..solving import prune
from ..substitution import substitute_guard, substitute_read


def reuse_values(
    equation: Equation, named: Iterable[Equation]
) -> tuple[Equation, tuple[str, ...]]:
    """exp(Z - S) becomes A where A = exp(Z - S) is among `named` (nonlinear pointwise equations).

    Returns the equation and the names that were put in.
    """
    used: list[str] = []
    for source in named:
        if not is_value(source) or not _is_nonlinear(source.terms[0].body):
            continue
        terms = tuple(_reuse_in(term, source) for term in equation.terms)
        if terms != equation.terms:
            equation = replace(equation, terms=terms)
            used.append(source.name)
    return equation, tuple(used)


def is_value(equation: Equation) -> bool:
    """One term without a sum: y[out] = [guards] f(...)."""
    terms = equation.terms
    return equation.reduction == "sum" and len(terms) == 1 and not terms[0].over


def _is_nonlinear(body: sp.Expr) -> bool:
    return bool(body.has(sp.Function) or body.has(sp.exp, sp.log))


def _reuse_in(term: Term, source: Equation) -> Term:
    wanted = source.terms[0]
    for placed in _placements(term, source, wanted.reads[0]):
        reads = [substitute_read(read, placed) for read in wanted.reads]
        if not all(read in term.reads for read in reads):
            continue  # the value is of arrays that this term does not have
        value = wanted.body.xreplace(
            {slot(p): slot(term.reads.index(read)) for p, read in enumerate(reads)}
        )
        new = slot(len(term.reads))  # behind the others; prune renumbers them
        if isinstance(value, sp.log) and len(reads) > 1:
            value, new = value.args[0], sp.exp(new)  # S = log Σ exp z also names Σ exp z
        guards = tuple(substitute_guard(guard, placed) for guard in wanted.guards)
        if guards:
            # Zero where its guards do not hold, so a multiple of it needs them no more.
            multiple = new.is_Symbol and value in sp.Mul.make_args(term.body)
            if not multiple or not set(guards) <= set(term.guards):
                continue
            term = replace(term, guards=tuple(g for g in term.guards if g not in guards))
        if term.body.has(value):  # subs, not xreplace: it may be some factors of a product
            body = term.body.subs(value, new)
            if body == term.body:
                continue
            if new.func is sp.exp:
                body = sp.powsimp(body, combine="exp")
            named = Read(source.name, tuple(placed[index.symbol] for index in source.out))
            body, used = prune(body, (*term.reads, named))
            term = replace(term, body=body, reads=used)
    return term


def _placements(
    term: Term, source: Equation, wanted: Read
) -> Iterable[Mapping[sp.Symbol, sp.Expr]]:
    """How `source`'s indices must be set for `wanted` to be one of the term's reads."""
    symbols = {index.symbol for index in source.out}
    for read in term.reads:
        if read.array != wanted.array:
            continue
        placed: dict[sp.Symbol, sp.Expr] = {}
        fits = True
        for entry, found in zip(wanted.at, read.at, strict=True):
            if isinstance(entry, Read) or isinstance(found, Read):
                fits = fits and entry == found
            elif entry in symbols:
                fits = fits and placed.setdefault(entry, found) == found
            else:
                fits = fits and entry == found
        if fits and placed.keys() == symbols:
            yield placed


def slopes_in_outputs(
    equation: Equation, forward: Iterable[Equation]
) -> tuple[Equation, tuple[str, ...]]:
    """f'(Z) becomes a polynomial in A where A = f(Z) is among `forward` and there is one.

    Returns the equation and the outputs that were put in.
    """
    used: dict[str, None] = {}
    outputs = [
        source
        for source in forward
        if source.is_pointwise
        and isinstance(source.terms[0].body, Opaque)
        and source.terms[0].body.args[0] == slot(0)
    ]
    terms = []
    for term in equation.terms:
        while (found := _slope_in_output(term, outputs)) is not None:
            term, name = found
            used[name] = None
        terms.append(term)
    return replace(equation, terms=tuple(terms)), tuple(used)


def _slope_in_output(term: Term, outputs: Iterable[Equation]) -> tuple[Term, str] | None:
    """One slope of the term in its output, and which; None where there is none that can be.

    One at a time: what is no longer read is taken out, and the slots have other numbers.
    """
    for applied in sorted(term.body.atoms(Opaque), key=sp.default_sort_key):
        kind = type(applied)
        polynomial = in_output(kind) if kind.order and applied.args[0].is_Symbol else None
        if polynomial is None:
            continue  # σ' is a (1 - a); the slope of x² is no polynomial in x²
        lone = replace(term, reads=(term.reads[slot_numbers(applied.args[0])[0]],))
        for source in outputs:
            made = type(source.terms[0].body)
            if made.base is not kind.base or made.order:
                continue
            for placed in _placements(lone, source, source.terms[0].reads[0]):
                new = Read(source.name, tuple(placed[i.symbol] for i in source.out))
                value = polynomial.xreplace({A: slot(len(term.reads))})
                body, reads = prune(term.body.xreplace({applied: value}), (*term.reads, new))
                return replace(term, body=body, reads=reads), source.name
    return None
