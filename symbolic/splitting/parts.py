"""A loss that is a sum over the samples, as what each block of them adds to it, and what is added
once.

    L = (1/m) Σ_s<m f(s) + λ Σ W²      block: (1/M) Σ_s<m f(s)      once: λ Σ W²

The number M of all samples is an input of its own, wherever the number m of them stands in a
formula: m is what a block has.  So blocks of any lengths add up to the loss, whatever m does in it.
Both parts are equations like others, and the gradient of each is derived by the rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import sympy as sp

from ..dependence import needed_part
from ..equation import Array, Equation, Implicit, Read, System, Term, fresh_name, slot
from ..solving import prune
from ..validation import validate
from .additive import NotAdditiveError, Roles, inputs_along, linear, roles, summed_slots


@dataclass(frozen=True)
class Parts:
    """The equations of a block, those of what is added once (None where there is nothing), the
    inputs that are split with the axis of their samples, and the input that is the number M."""

    loss: str
    block: System
    once: System | None
    along: Mapping[str, int]
    whole: str


def parts(system: System, loss: str, size: sp.Symbol) -> Parts:
    """A loss in parts.  Raises NotAdditiveError where it is no sum over the samples."""
    found = roles(system, loss, size)
    needed = needed_part(system, [loss])
    whole = fresh_name("M", {*system.names, *(str(s) for shape in system.shapes.values()
                                              for n in shape for s in n.free_symbols)})
    block = needed.mapped(lambda e: _in_block(e, found, whole))
    once = _once(needed, loss, found, whole)
    return Parts(loss, _closed(block, loss, whole), once, inputs_along(needed, found), whole)


def _once(needed: System, loss: str, found: Roles, whole: str) -> System | None:
    """What is free of the samples, where there is such a part."""
    there: set[str] = set()
    items = []
    for item in needed.items:
        if isinstance(item, Equation) and item.name in found.summed:
            terms = tuple(_free_terms(item, found, there, whole))
            if not terms:
                continue
            there.add(item.name)
            item = replace(item, terms=terms)
        else:
            item = System((), (item,)).mapped(lambda e: _counted(e, found, whole)).items[0]
        items.append(item)
    if loss not in there:
        return None
    made = _closed(replace(needed, items=tuple(items)), loss, whole)
    if any(array.name in found.along for array in made.inputs):
        raise NotAdditiveError(f"the batch does not split along {found.size}: what is free of the "
                               "samples is computed together with what is not")
    return made


def _in_block(equation: Equation, found: Roles, whole: str) -> Equation:
    """An equation as it stands in a block: a summed array without what is free of the samples."""
    if equation.name not in found.summed:
        return _counted(equation, found, whole)
    terms = []
    for term in equation.terms:
        if any(index.size == found.size for index in term.over):
            terms.append(_with_number(term, found, whole))
        elif slots := summed_slots(term, found.summed):
            terms.append(_with_number(_with_body(term, _linear(term, slots)[0]), found, whole))
    return replace(equation, terms=tuple(terms))


def _free_terms(
    equation: Equation, found: Roles, there: set[str], whole: str
) -> Iterator[Term]:
    """The terms of a summed array where all sums over the samples are 0; `there` are the summed
    arrays that are something then."""
    for term in equation.terms:
        if any(index.size == found.size for index in term.over):
            continue
        slots = summed_slots(term, found.summed)
        if slots:
            first, rest = _linear(term, slots)
            gone = {s: sp.S.Zero for s in slots if s not in summed_slots(term, there)}
            body = first.xreplace(gone) + rest
            if body == 0:
                continue
            term = _with_body(term, body)
        yield _with_number(term, found, whole)


def _linear(term: Term, slots: list[sp.Symbol]) -> tuple[sp.Expr, sp.Expr]:
    split = linear(term.body, slots)
    assert split is not None  # `roles` has asked
    return split


def _with_body(term: Term, body: sp.Expr) -> Term:
    body, reads = prune(body, term.reads)
    return replace(term, body=body, reads=reads)


def _counted(equation: Equation, found: Roles, whole: str) -> Equation:
    return replace(equation, terms=tuple(
        _with_number(term, found, whole) for term in equation.terms))


def _with_number(term: Term, found: Roles, whole: str) -> Term:
    """The number of all samples wherever that of a block stands in a body."""
    if found.size not in term.body.free_symbols:
        return term
    place = len(term.reads)
    return replace(term, body=term.body.xreplace({found.size: slot(place)}),
                   reads=(*term.reads, Read(whole, ())))


def _closed(system: System, loss: str, whole: str) -> System:
    """The equations of a loss with the inputs that they read; nobody has asked for slopes yet."""
    number = Array(whole, (), kind="positive")
    items = tuple(replace(item, slope="") if isinstance(item, Implicit) else item
                  for item in system.items)
    return validate(needed_part(System((*system.inputs, number), items), [loss]))
