"""Equations that read values which overflow or vanish, written in what those come from.

    p = sigmoid(z), L = Σ -y log p                ->   L = Σ y softplus(-z)
    p = softmax(z), dp = f(p)/p, dz = p dp        ->   dz = f(p)

A probability of 1e-400 is 0 in floating point, and its logarithm infinite; but the logarithm, or
the quotient in which it stands, is as finite as the scores.  So who would divide by such a value,
or multiply it with one that overflows, gets its definition, if that makes an end of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import sympy as sp

from ..symbolic.dependence import arrays_read as every_read
from ..symbolic.dependence import needed_items
from ..symbolic.derive.adjoint import with_every_slope
from ..symbolic.derive.named_values import is_value
from ..symbolic.derive.rewrite import inline, shortest, tidy
from ..symbolic.equation import (
    Equal,
    Equation,
    Item,
    Read,
    System,
    Term,
    fresh_name,
    slot,
)
from ..symbolic.functions import SIGMOID, TANH
from ..symbolic.matrices.leaves import Levels, levels_of
from ..symbolic.matrices.nodes import Leaf, walk
from ..symbolic.matrices.recognise import matrix_form, without_units
from .largest import is_taken_out
from .spelling import ERFC, near_zero
from .stable import LARGEST, STEEP, at_risk, is_curved, steadied

_ANY = sp.Dummy("any", real=True)


def prepared(system: System) -> System:
    """The system with what its text reads: slopes of what is solved for, log Σ exp."""
    return with_levels(with_every_slope(system))


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
            kind = self._kind(equation) if is_value(equation) else None
            if kind is not None:
                self._place[equation.name] = place
                self._definition[equation.name] = equation
                self._like[equation.name] = kind

    def steady(self, equation: Equation) -> Equation:
        """The equation itself, or an equal one that does not read what saturates."""
        if not any(self._risks(term) for term in equation.terms):
            return self._steadied(equation)
        put = equation
        while any(self._risks(term) for term in put.terms):
            saturated = {read.array for read in put.reads} & self._place.keys() - {equation.name}
            if not saturated:
                return equation
            latest = max(saturated, key=lambda name: self._place[name])
            inlined = inline(put, self._definition[latest], gathers=True)
            if inlined is None or any(
                    sp.count_ops(term.body) > LARGEST for term in inlined.terms):
                return equation
            inlined = tidy(replace(inlined, terms=tuple(map(_at_labels, inlined.terms))))
            put = replace(inlined, terms=tuple(
                replace(term, body=self._apart(shortest, term)) for term in inlined.terms))
        return tidy(replace(put, terms=tuple(
            replace(term, body=self._spelled(term)) for term in put.terms)))

    def _steadied(self, equation: Equation) -> Equation:
        """The equation with bodies that overflow as they stand, of themselves, in their steady
        spelling: taken apart into matrices, a body has none."""
        if not any(at_risk(self._apart(lambda body: body, term)) for term in equation.terms):
            return equation
        return replace(equation, terms=tuple(
            replace(term, body=self._spelled(term)) for term in equation.terms))

    def _risks(self, term: Term) -> bool:
        return at_risk(self._seen(term, self._spelled(term)))

    def _spelled(self, term: Term) -> sp.Expr:
        """The body of a term in its steady spelling, softmaxes as values if that is enough."""
        apart = self._apart(steadied, term)
        if at_risk(self._seen(term, apart)) and self._softmaxes(term):
            whole = steadied(term.body)
            return apart if at_risk(self._seen(term, whole)) else whole
        return apart

    def _apart(self, rewrite: Callable[[sp.Expr], sp.Expr], term: Term) -> sp.Expr:
        """The body of a term rewritten, but for its softmaxes: they are bounded, and values."""
        names = {part: sp.Dummy(positive=True) for part in self._softmaxes(term)}
        if not names:
            return rewrite(term.body)
        inverse = {sp.exp(-part.args[0]): 1 / name for part, name in names.items()}
        return rewrite(term.body.xreplace({**inverse, **names})).xreplace(
            {name: part for part, name in names.items()})

    def _softmaxes(self, term: Term) -> set[sp.Expr]:
        levels = {slot(p) for p, read in enumerate(term.reads) if read.array in self._levels}
        return {part for part in term.body.atoms(sp.exp)
                if part.free_symbols & levels and not part.free_symbols <= levels
                and not is_taken_out(part)
                and all(part.args[0].coeff(level).is_nonpositive for level in levels)
                } if levels else set()

    def _seen(self, term: Term, body: sp.Expr) -> sp.Expr:
        """A body with functions of their kind in the place of values that saturate."""
        bounded = body.xreplace({e: SIGMOID(e.args[0]) for e in self._softmaxes(term)})
        return bounded.xreplace({
            slot(place): self._like[read.array].xreplace({_ANY: sp.Dummy(real=True)})
            for place, read in enumerate(term.reads) if read.array in self._like
        })

    def _kind(self, equation: Equation) -> sp.Expr | None:
        """What a value of one body is like, where it is not 0 by its conditions: it grows as exp
        does, vanishes as a sigmoid does, changes its sign as tanh does, or has a pole where such a
        value vanishes."""
        (term,) = equation.terms
        seen = self._seen(term, self._spelled(term))
        if at_risk(seen):
            return 1 / SIGMOID(_ANY)
        if seen.has(*STEEP):
            return sp.exp(_ANY)
        if isinstance(seen, SIGMOID):
            return SIGMOID(_ANY)
        if near_zero(seen).has(ERFC):  # 1 - erf
            return SIGMOID(_ANY)
        return TANH(_ANY) if is_curved(seen) and not seen.has(sp.log) else None


def _at_labels(term: Term) -> Term:
    """A term that holds where j = k[i], reading z[i, k[i]] in the place of z[i, j]: what is left
    out by the condition is not computed, and the same value has one name."""
    for guard in term.guards:
        if isinstance(guard, Equal):
            index, label = (guard.right, guard.left) if isinstance(guard.left, Read) else (
                guard.left, guard.right)
            if isinstance(label, Read) and getattr(index, "is_Symbol", False):
                term = replace(term, reads=tuple(
                    Read(read.array, tuple(label if at == index else at for at in read.at))
                    for read in term.reads))
    return term


# --- what is computed ---------------------------------------------------------------------------


def needed(system: System, results: Sequence[str]) -> list[Item]:
    """The items that the results depend on, in order, each in a spelling that does not overflow."""
    saturated = Saturated(system)
    levels, shapes = levels_of(system), system.shapes
    spelled = cache(saturated.steady)
    steps = {e for item in system.items if not isinstance(item, Equation) for e in item.equations}

    def reads(equation: Equation) -> Iterable[str]:
        return every_read(equation) if equation in steps else arrays_read(
            spelled(equation), shapes, levels)

    return [spelled(item) if isinstance(item, Equation) else item
            for item in needed_items(system, results, reads)]


def arrays_read(
    equation: Equation, shapes: Mapping[str, tuple[sp.Expr, ...]], levels: Levels
) -> set[str]:
    """The arrays that an equation's value is computed from: no log Σ exp inside a softmax."""
    found = {read.array for read in equation.reads}
    form = matrix_form(equation, shapes=shapes, levels=levels) if found & levels.keys() else None
    return found if form is None or equation.argmax else {
        node.array for node in walk(form) if isinstance(node, Leaf)
    }


def shown_axes(equation: Equation) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """The axes of a matrix form, and the index that adds the axes of length 1 it leaves out."""
    kept = {index.name for index in without_units(equation).out}
    units = tuple(slice(None) if index.name in kept else None for index in equation.out)
    out = tuple(index.name for index in equation.out if index.name in kept)
    return out, () if len(out) == len(equation.out) else units
