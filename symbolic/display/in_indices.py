"""The chain rule entry by entry: where the transposes of a matrix form come from.

    ∂L/∂W = Xᵀ δ    is    ∂L/∂wᵢⱼ = Σ_s δₛⱼ ∂zₛⱼ/∂wᵢⱼ  with  ∂zₛⱼ/∂wᵢⱼ = xₛᵢ
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import sympy as sp

from ..derive.steps import Chain, Form, Step
from ..equation import Equation, Read, Term, slot, slots_of
from ..solving import prune
from .index_text import index_form, term_text
from .pen import Pen, Written
from .text_and_latex import LATEX
from .writer import Writer


@dataclass(frozen=True)
class InIndices:
    """An adjoint's entry (`left`) as sums over what reads it: each `through` has the derivative of
    the array that reads it as a fraction, `inserted` that derivative put in; `slopes` are these
    derivatives.  All in LaTeX."""

    left: str
    through: str
    slopes: tuple[Written, ...]
    inserted: str


def in_indices(form: Form, step: Step, chain: Chain, writer: Writer) -> InIndices | None:
    """A chain rule's form with indices; None where its terms are not one product of an adjoint and
    a derivative for each array that reads it, each entry of which is added once."""
    if form.rule != "chain rule" or form.equation.reduction != "sum":
        return None
    equation, pen = writer.lettered(form.equation), Pen(writer, LATEX)
    bars = {chain.of[array]: array for array in form.uses if array in chain.of}
    products = [_product(term, equation, bars) for term in equation.terms]
    met = [found.via for found in products if found is not None]
    if not met or len(met) < len(products) or len({*met}) < len(met):
        return None
    lead = [index.name for index in equation.out]
    of = pen.name(step.of, writer.worth_showing(step.of, lead))
    slopes, terms, shown = [], [], {}
    for place, found in enumerate(product for product in products if product is not None):
        at = [pen.subscript(part) for part in found.bar.at]
        via = pen.name(found.via, writer.worth_showing(found.via, at))
        slope = rf"\frac{{\partial {via}}}{{\partial {of}}}"
        slopes.append(Written(slope, term_text(equation, found.slope, pen).text))
        stand_in = "slope" + "x" * place
        shown[pen.name(stand_in)] = slope
        terms.append(replace(found.term, body=slot(0) * slot(1),
                             reads=(found.bar, Read(stand_in, ()))))
    through = index_form(replace(equation, terms=tuple(terms)), pen)
    text = through.right
    for name in sorted(shown, key=len, reverse=True):
        text = text.replace(name, shown[name])
    return InIndices(through.left, text, tuple(slopes), index_form(equation, pen).right)


@dataclass(frozen=True)
class _Product:
    """A term as an adjoint's entry `bar`, of the array `via`, times the derivative `slope`."""

    term: Term
    via: str
    bar: Read
    slope: Term


def _product(term: Term, equation: Equation, bars: dict[str, str]) -> _Product | None:
    places = [place for place, read in enumerate(term.reads) if read.array in bars]
    if len(places) != 1 or term.guards:
        return None
    bar, factor = term.reads[places[0]], slot(places[0])
    slope = sp.cancel(term.body / factor)
    if factor in slots_of(slope) or any(isinstance(part, Read) for part in bar.at):
        return None
    # An entry of what reads the array is added once, so that its derivative is this factor.
    own = {index.symbol for index in term.over}
    if own - {symbol for part in bar.at for symbol in _alone(part, own)}:
        return None
    body, reads = prune(slope, term.reads)
    return _Product(term, bars[bar.array], bar, Term(body, reads))


def _alone(part: sp.Expr, own: Iterable[sp.Symbol]) -> set[sp.Symbol]:
    """The summed index that a subscript counts, if it is one, up to a shift by others."""
    found = part.free_symbols & {*own}
    return found if len(found) == 1 and abs(sp.diff(part, *found)) == 1 else set()
