"""Which steps of a derivation are the same but for the names in them, so that one tells all.

    δ² = ∂L/∂A² ⊙ σ'(Z²) = ...    and    δ¹ = ∂L/∂A¹ ⊙ σ'(Z¹) = ...
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias

import sympy as sp

from ...symbolic.derive.steps import Chain, Form, Step
from ...symbolic.equation import Equation, Read, Term, index_symbol
from ...symbolic.substitution import substitute_term

Kind: TypeAlias = tuple[object, ...]


def kind_of(step: Step, chain: Chain) -> Kind:
    """The same value for two steps whose forms, rules and what these use are equal after arrays
    and indices are numbered in the order in which they occur."""
    names = _Names(chain.loss)
    return (step.role, *(_form(form, names) for form in step.forms))


class _Names:
    """Arrays by the order in which they are met; the loss keeps its name."""

    def __init__(self, loss: str) -> None:
        self.met = {loss: "loss"}

    def __call__(self, array: str) -> str:
        return self.met.setdefault(array, f"array {len(self.met)}")


def _form(form: Form, names: _Names) -> Kind:
    assumed = tuple((made.fact, names(made.array), made.detail) for made in form.assumes)
    uses = tuple(name if form.rule == "per sample" else names(name) for name in form.uses)
    return (form.rule, _equation(form.equation, names), uses, assumed)


def _equation(equation: Equation, names: _Names) -> Kind:
    out = {index.symbol: index_symbol(f"out{place}") for place, index in enumerate(equation.out)}
    terms = tuple(_term(term, out, names) for term in equation.terms)
    return (equation.reduction, names(equation.name), len(out), terms)


def _term(term: Term, out: dict[sp.Symbol, sp.Symbol], names: _Names) -> Kind:
    over = {index.symbol: index_symbol(f"over{place}") for place, index in enumerate(term.over)}
    told = substitute_term(replace(term, over=()), {**out, **over})
    return (str(told.body), tuple(_read(read, names) for read in told.reads), len(over),
            tuple(map(str, told.guards)))


def _read(read: Read, names: _Names) -> Kind:
    return (names(read.array), *_subscripts(read, names))


def _subscripts(read: Read, names: _Names) -> Iterator[object]:
    for part in read.at:
        yield _read(part, names) if isinstance(part, Read) else str(part)
