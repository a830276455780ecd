"""Values that already have a name, named rather than computed again.

    reuse_values        exp(z - Λ) d   with p = exp(z - Λ)   ->   p d
    slopes_in_outputs   tanh'(z) d     with a = tanh(z)      ->   (1 - a²) d
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import sympy as sp

from ..equation import Equation, Index, Read, Term, slot
from ..functions import A, Opaque, in_output
from ..solving import prune
from ..substitution import substitute_guard, substitute_read
from .named_sums import inside, placements


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
        terms = tuple(_reuse_in(term, source, equation.out) for term in equation.terms)
        if terms != equation.terms:
            equation = replace(equation, terms=terms)
            used.append(source.name)
    return equation, tuple(used)


def is_value(equation: Equation) -> bool:
    """One term without a sum: y[out] = [guards] f(...)."""
    terms = equation.terms
    return equation.reduction == "sum" and len(terms) == 1 and not terms[0].over


def _holds(body: sp.Expr, value: sp.Expr) -> bool:
    """Whether a value stands in a body, a root in any power."""
    if value.is_Pow and not isinstance(value, sp.exp):
        return any(power.base == value.base and (power.exp / value.exp).is_Integer
                   for power in body.atoms(sp.Pow))
    return bool(body.has(value))


def _is_nonlinear(body: sp.Expr) -> bool:
    return bool(body.has(sp.Function, sp.exp, sp.log)) or any(
        power.exp.is_Rational and not power.exp.is_Integer for power in body.atoms(sp.Pow)) or (
        body.is_Pow and body.exp.is_negative and body.base.is_Add)


def _reuse_in(term: Term, source: Equation, out: Sequence[Index]) -> Term:
    wanted = source.terms[0]
    for placed in placements(wanted.reads, term.reads, source.out):
        value = _placed(wanted.body, wanted, placed, term)
        if value is None or not inside(source, placed, term, out):
            continue  # the value is of arrays that this term does not have
        new = slot(len(term.reads))  # behind the others; prune renumbers them
        if isinstance(value, sp.log) and len(wanted.reads) > 1:
            value, new = value.args[0], sp.exp(new)  # S = log Σ exp z also names Σ exp z
        guards = tuple(substitute_guard(guard, placed) for guard in wanted.guards)
        if guards:
            # Zero where its guards do not hold, so a multiple of it needs them no more.
            multiple = new.is_Symbol and value in sp.Mul.make_args(term.body)
            if not multiple or not set(guards) <= set(term.guards):
                continue
            term = replace(term, guards=tuple(g for g in term.guards if g not in guards))
        if _holds(term.body, value):  # subs, not xreplace: it may be some factors of a product
            body = term.body.subs(value, new)
            if body == term.body:
                continue
            if new.func is sp.exp:
                body = sp.powsimp(body, combine="exp")
            named = Read(source.name, tuple(placed[index.symbol] for index in source.out))
            body, used = prune(body, (*term.reads, named))
            term = replace(term, body=body, reads=used)
    return term


def reuse_quotients(
    equation: Equation, named: Iterable[Equation]
) -> tuple[Equation, tuple[str, ...]]:
    """X - M becomes A S where A = (X - M)/S is among `named`, if fewer arrays are read then.

    Returns the equation and the names that were put in.
    """
    used: list[str] = []
    for source in named:
        if not source.is_pointwise or len(source.terms[0].reads) < 3:
            continue
        terms = tuple(_quotient_in(term, source, equation.out) for term in equation.terms)
        if terms != equation.terms:
            equation = replace(equation, terms=terms)
            used.append(source.name)
    return equation, tuple(used)


def _quotient_in(term: Term, source: Equation, out: Sequence[Index]) -> Term:
    """The term with A for what it has of A's first array, at each place where that is read."""
    wanted = source.terms[0]
    for placed in list(placements(wanted.reads, term.reads, source.out)):
        value = _placed(wanted.body, wanted, placed, term)
        first = substitute_read(wanted.reads[0], placed)
        if value is None or first not in term.reads or term.body.has(sp.Piecewise) or (
                not inside(source, placed, term, out)):
            continue
        at = slot(term.reads.index(first))
        made = _through(term.body, value, at, slot(len(term.reads)))
        if made is None:
            continue
        there = Read(source.name, tuple(placed[index.symbol] for index in source.out))
        body, reads = prune(made, (*term.reads, there))
        if len(reads) < len(term.reads):
            term = replace(term, body=body, reads=reads)
    return term


LARGE = 40
"""Operations of a body in which a quotient is looked for."""


def _through(body: sp.Expr, value: sp.Expr, at: sp.Symbol, name: sp.Symbol) -> sp.Expr | None:
    """The body with what A = value, linear in x, says of x in its place; None where that is no
    value of x wherever the body is one."""
    slope = sp.diff(value, at)
    if slope == 0 or at in slope.free_symbols or sp.count_ops(body) > LARGE:
        return None
    if not _divides_by_less(value, body):
        return None  # where A has no value the body may have one
    # What a root is of is one thing: (v + 0.00001)^(3/2) is not to be multiplied out.
    roots = {power.base: sp.Dummy(positive=True) for power in slope.atoms(sp.Pow)
             if power.base.is_Add and not power.exp.is_Integer}
    whole = body.xreplace(roots)
    inside = (name - value.xreplace({at: sp.S.Zero})) / slope
    made = sp.factor(sp.cancel(sp.together(whole.xreplace({at: inside.xreplace(roots)}))))
    back = {mark: base for base, mark in roots.items()}
    return made.xreplace(back) if _divides_by_less(made, whole) else None


def _divides_by_less(made: sp.Expr, before: sp.Expr) -> bool:
    """Whether an expression divides by nothing that the other one does not divide by."""
    def below(part: sp.Expr) -> set[sp.Expr]:
        return {power.base for power in part.atoms(sp.Pow)
                if power.exp.is_number and power.exp.is_negative and not power.base.is_number}
    return below(made) <= below(before)


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
        and source.terms[0].reads
    ]
    terms = []
    for term in equation.terms:
        while (found := _slope_in_output(term, outputs, equation.out)) is not None:
            term, name = found
            used[name] = None
        terms.append(term)
    return replace(equation, terms=tuple(terms)), tuple(used)


def _slope_in_output(
    term: Term, outputs: Iterable[Equation], out: Sequence[Index]
) -> tuple[Term, str] | None:
    """One slope of the term in its output, and which; None where there is none that can be.

    One at a time: what is no longer read is taken out, and the slots have other numbers.
    """
    for applied in sorted(term.body.atoms(Opaque), key=sp.default_sort_key):
        kind = type(applied)
        polynomial = in_output(kind) if kind.order else None
        if polynomial is None:
            continue  # σ' is a (1 - a); the slope of x² is no polynomial in x²
        for source in outputs:
            (given,) = source.terms
            made = type(given.body)
            if made.base is not kind.base or made.order:
                continue
            for placed in placements(given.reads, term.reads, source.out):
                if _placed(given.body.args[0], given, placed, term) != applied.args[0] or (
                        not inside(source, placed, term, out)):
                    continue
                new = Read(source.name, tuple(placed[i.symbol] for i in source.out))
                value = polynomial.xreplace({A: slot(len(term.reads))})
                body, reads = prune(term.body.xreplace({applied: value}), (*term.reads, new))
                return replace(term, body=body, reads=reads), source.name
    return None


def _placed(
    part: sp.Expr, given: Term, placed: Mapping[sp.Symbol, sp.Expr], term: Term
) -> sp.Expr | None:
    """A part of the body of `given` in the slots that its reads have in `term`; None where one of
    them is not read there."""
    reads = [substitute_read(read, placed) for read in given.reads]
    if not all(read in term.reads for read in reads):
        return None
    return part.xreplace({slot(p): slot(term.reads.index(read)) for p, read in enumerate(reads)})
