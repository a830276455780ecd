"""What named functions are, and their slopes.

    sigmoid -> σ(z) = 1/(1 + exp(-z)), σ′(z) = σ(z) (1 - σ(z))
"""

from __future__ import annotations

import sympy as sp

from ..equation import System, slot
from ..functions import SIGMOID, SOFTPLUS, A, Opaque, Z, derivative, in_output, in_sigmoid
from .layout import Piece, body
from .logistic import with_sigmoids
from .text_and_latex import LATEX, TEXT


def used_functions(system: System) -> tuple[type[Opaque], ...]:
    """The named functions that a system's equations apply, derivatives left out; σ beside softplus,
    whose slope it is."""
    found = {
        type(applied).base
        for equation in system.equations for term in equation.terms
        for applied in with_sigmoids(term.body).atoms(Opaque)
    }
    if SOFTPLUS in found:
        found.add(SIGMOID)
    return tuple(sorted(found, key=lambda function: function.title))


def function_definition(function: type[Opaque], latex: bool) -> str:
    """f(z) = ..., f′(z) = ...: a function's definition and the slope that follows from it."""
    head, right = definition(function, latex)
    slope = slope_identity(function, f"{function.latex_name}(z)" if latex else head, latex)
    return f"{head} = {right}" + (f", {slope}" if slope else "")


def definition(function: type[Opaque], latex: bool) -> tuple[str, str]:
    """f(z) and what it is, without its slope."""
    head = (LATEX if latex else TEXT).style.opaque(function, Piece("z")).text
    return head, _in_z(function.definition, latex)


def slope_identity(function: type[Opaque], output: str, latex: bool) -> str | None:
    """σ′(z) = a (1 - a), where the slope is a polynomial in the output; else the definition, but
    for that of softplus, which has a name.

    None for a constant slope, which is written as the number, unless it is another than that of the
    definition: that of stop_gradient is stated to be 0.
    """
    made = derivative(function)
    style = (LATEX if latex else TEXT).style
    if not hasattr(made, "definition"):
        number = made(Z)
        prime = rf"{function.latex_name}'(z)" if latex else f"{function.title}′(z)"
        stated = number != sp.diff(function.definition, Z) and not function.definition.has(
            sp.Piecewise)
        return f"{prime} = {number}" if stated else None
    name = style.opaque(made, Piece("z")).text
    polynomial = in_output(made)
    if polynomial is not None:
        shown = body(polynomial.xreplace({A: slot(0)}), [Piece(output)], style)
        return f"{name} = {shown.text}"
    definition = made.definition
    bounded = in_sigmoid(definition)
    if bounded is not None:  # exp(z)/(1 + exp(z))² overflows where σ(z) (1 - σ(z)) does not
        definition = bounded[0].xreplace({A: SIGMOID(bounded[1])})
    found = _in_z(definition, latex)
    return f"{name} = {found}" if found != name else None


def _in_z(definition: sp.Expr, latex: bool) -> str:
    style = (LATEX if latex else TEXT).style
    return body(definition.xreplace({Z: slot(0)}), [Piece("z")], style).text
