"""Equations that read values which overflow or vanish, written in what those come from.

    p = sigmoid(z), L = Σ -y log p                ->   L = Σ y softplus(-z)
    p = softmax(z), dp = f(p)/p, dz = p dp        ->   dz = f(p)

A probability of 1e-400 is 0 in floating point, and its logarithm infinite; but the logarithm, or
the quotient in which it stands, is as finite as the scores.  So who would divide by such a value,
or multiply it with one that overflows, gets its definition, if that makes an end of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import sympy as sp

from ..symbolic.derive.rewrite import inline, shortest, tidy
from ..symbolic.equation import Equation, Item, Read, System, Term, fresh_name, slot
from ..symbolic.functions import SIGMOID, TANH
from ..symbolic.matrices.leaves import levels_of
from .stable import LARGEST, STEEP, at_risk, is_curved, steadied

_ANY = sp.Dummy("any", real=True)


def with_levels(system: System) -> System:
    """The system with a log Σ exp before every Σ exp, for those who would divide by it or take its
    logarithm; nothing else reads it."""
    taken = set(system.shapes)
    growing: dict[str, Equation] = {}
    items: list[Item] = []
    for item in system.items:
        if isinstance(item, Equation):
            if item.is_pointwise and isinstance(item.terms[0].body, sp.exp):
                growing[item.name] = item
            level = _level(item, growing)
            if level is not None:
                name = fresh_name(f"log_{item.name}", taken)
                taken.add(name)
                items.append(replace(level, name=name))
        items.append(item)
    return system if len(items) == len(system.items) else replace(system, items=tuple(items))


def _level(equation: Equation, growing: Mapping[str, Equation]) -> Equation | None:
    """log Σ exp z for an equation that is Σ exp z, or Σ e with e = exp z."""
    if equation.reduction != "sum" or len(equation.terms) != 1:
        return None
    (term,) = equation.terms
    if len(term.over) != 1 or term.guards:
        return None
    if len(term.reads) == 1 and term.reads[0].array in growing and term.body == slot(0):
        inlined = inline(equation, growing[term.reads[0].array])
        if inlined is None or len(inlined.terms) != 1:
            return None
        (term,) = inlined.terms
    if not isinstance(term.body, sp.exp) or term.body.args[0].has(*STEEP) or not term.reads:
        return None
    return replace(equation, reduction="logsumexp",
                   terms=(replace(term, body=term.body.args[0]),))


class Saturated:
    """The arrays of a system whose values may overflow or vanish, and their definitions."""

    def __init__(self, system: System) -> None:
        self._levels = levels_of(system).keys()
        self._place: dict[str, int] = {}
        self._definition: dict[str, Equation] = {}
        self._like: dict[str, sp.Expr] = {}
        growing: dict[str, Equation] = {}
        levels: dict[object, str] = {}
        for place, equation in enumerate(system.equations):
            if equation.reduction == "logsumexp":
                levels[equation.out, equation.terms] = equation.name
            level = _level(equation, growing)
            name = None if level is None else levels.get((level.out, level.terms))
            if name is not None:  # Σ exp z = exp(Λ)
                out = tuple(index.symbol for index in equation.out)
                equation = replace(equation, terms=(Term(sp.exp(slot(0)), (Read(name, out),)),))
            elif equation.is_pointwise and isinstance(equation.terms[0].body, sp.exp):
                growing[equation.name] = equation
            kind = self._kind(equation) if equation.is_pointwise else None
            if kind is not None:
                self._place[equation.name] = place
                self._definition[equation.name] = equation
                self._like[equation.name] = kind

    def steady(self, equation: Equation) -> Equation:
        """The equation itself, or an equal one that does not read what saturates."""
        if not any(self._risks(term) for term in equation.terms):
            return equation
        put = equation
        while any(self._risks(term) for term in put.terms):
            saturated = {read.array for read in put.reads} & self._place.keys() - {equation.name}
            if not saturated:
                return equation
            latest = max(saturated, key=lambda name: self._place[name])
            inlined = inline(put, self._definition[latest])
            if inlined is None or any(
                    sp.count_ops(term.body) > LARGEST for term in inlined.terms):
                return equation
            put = replace(inlined, terms=tuple(
                replace(term, body=self._apart(shortest, term)) for term in inlined.terms))
        return tidy(replace(put, terms=tuple(
            replace(term, body=self._apart(steadied, term)) for term in put.terms)))

    def _risks(self, term: Term) -> bool:
        return at_risk(self._seen(term, self._apart(steadied, term)))

    def _apart(self, rewrite: Callable[[sp.Expr], sp.Expr], term: Term) -> sp.Expr:
        """The body of a term rewritten, but for its softmaxes: they are bounded, and values."""
        bounded = {part: sp.Dummy(positive=True) for part in self._softmaxes(term)}
        if not bounded:
            return rewrite(term.body)
        return rewrite(term.body.xreplace(bounded)).xreplace(
            {name: part for part, name in bounded.items()})

    def _softmaxes(self, term: Term) -> set[sp.Expr]:
        levels = {slot(p) for p, read in enumerate(term.reads) if read.array in self._levels}
        return {part for part in term.body.atoms(sp.exp)
                if part.free_symbols & levels and not part.free_symbols <= levels
                } if levels else set()

    def _seen(self, term: Term, body: sp.Expr) -> sp.Expr:
        """A body with functions of their kind in the place of values that saturate."""
        bounded = body.xreplace({e: SIGMOID(e.args[0]) for e in self._softmaxes(term)})
        return bounded.xreplace({
            slot(place): self._like[read.array].xreplace({_ANY: sp.Dummy(real=True)})
            for place, read in enumerate(term.reads) if read.array in self._like
        })

    def _kind(self, equation: Equation) -> sp.Expr | None:
        """What a pointwise value is like: it grows as exp does, vanishes as a sigmoid does, changes
        its sign as tanh does, or has a pole where such a value vanishes."""
        (term,) = equation.terms
        seen = self._seen(term, self._apart(steadied, term))
        if at_risk(seen):
            return 1 / SIGMOID(_ANY)
        if seen.has(*STEEP):
            return sp.exp(_ANY)
        if isinstance(seen, SIGMOID):
            return SIGMOID(_ANY)
        return TANH(_ANY) if is_curved(seen) and not seen.has(sp.log) else None
