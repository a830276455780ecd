"""Which arrays need no line of their own: what nobody named and a reader takes in at a glance.

    t₁ = A x, ∂L/∂t₁ = 2 (t₁ - b), ∂L/∂x = Aᵀ ∂L/∂t₁   ->   ∂L/∂x = 2 Aᵀ (A x - b)

A temporary is put into what reads it where it is nearly as short as its name, or where it is read
once; else it has a line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from ..dependence import reached
from ..equation import Equation, System, is_unnamed
from ..matrices.put_in import Definition, can_be_put, weight
from .writer import Writer

GLANCE = 3
"""Arrays in a definition that is written wherever it is read: A x - b."""
ONCE = 5
"""The same of one that is read in a single place."""


def inlined(
    writer: Writer, equations: Sequence[Equation], keep: Collection[str],
    beside: Collection[str] = (),
) -> Writer:
    """The writer with definitions put in for temporaries among `equations`, in their order; those
    called `keep` have lines of their own, whatever they are.  beside: arrays with names that
    nobody gave them, as S_inv beside log det S."""
    adjoints = writer.notation.adjoints
    reads = Counter(read.array for equation in equations for read in equation.reads)
    known: dict[str, Definition] = dict(writer.inline)
    for equation in equations:
        name = equation.name
        if name in keep or equation.argmax or not (
                name in beside or is_unnamed(adjoints.get(name, name))) or any(
                index.size == 1 for index in equation.out):
            continue
        form = replace(writer, inline=known).whole_form(equation)
        if form is None or not can_be_put(form):
            continue
        if weight(form) <= (ONCE if reads[name] == 1 else GLANCE):
            known[name] = Definition(form, tuple(index.name for index in equation.out))
    return replace(writer, inline=known)


def put_inside(writer: Writer, system: System, name: str) -> list[str]:
    """What was put into the line of an array, and into that, each as an equation."""
    stepwise = replace(writer, inline={})
    inside = reached([name], lambda of: [
        read.array for read in system[of].reads if read.array in writer.inline])
    return [str(stepwise.text(system[found])) for found in inside if found != name]
