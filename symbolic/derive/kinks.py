"""Where a system has no derivative, and which slope is taken there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import sympy as sp

from ..dependence import descendants
from ..equation import Equation, slot
from ..functions import Opaque, Z, kinks, without_opaque
from ..rationals import decimal


@dataclass(frozen=True)
class Kink:
    """A place where a forward equation has no derivative: `where` (of array `array`) = 0.

    `argument` spells out what the function is of, where that is more than an entry of the array.
    """

    equation: str
    function: str
    array: str
    where: str
    slope: str
    argument: str = ""


def find_kinks(equations: Iterable[Equation], wrt: Iterable[str]) -> Iterable[Kink]:
    """Where the forward equations are not differentiable, and the slope that is taken there.

    What does not depend on any of `wrt` is constant to the derivative, and has no kinks.
    """
    every = list(equations)
    varying = descendants(every, wrt)
    for equation in every:
        if equation.name not in varying:
            continue
        if equation.reduction == "max":
            (term,) = equation.terms
            yield Kink(equation.name, "max", term.reads[0].array, "a tie",
                       "the first place where the maximum is attained")
        for term in equation.terms:
            for applied in sorted(term.body.atoms(Opaque), key=sp.default_sort_key):
                for where in kinks(type(applied).definition):
                    argument = applied.args[0]
                    places = [p for p in range(len(term.reads)) if argument.has(slot(p))]
                    arrays = [term.reads[place].array for place in places]
                    if varying.isdisjoint(arrays):
                        continue
                    array = arrays[0]
                    slope = _slope_at(type(applied), where)
                    yield Kink(equation.name, type(applied).title, array, str(where), slope,
                               "" if argument.is_Symbol else repr(replace(term, body=argument,
                                                                          over=(), guards=())))


def _slope_at(function: type[Opaque], where: sp.Expr) -> str:
    """The slope taken at the roots of `where`, as a number; each one's where they differ."""
    try:
        roots = [root for root in sp.solve(where, Z) if root.is_real is not False]
    except NotImplementedError:  # SymPy cannot say where; the kink is listed all the same
        roots = []
    slope = sp.diff(without_opaque(function.definition), Z)
    slopes = {root: _number(slope.subs(Z, root)) for root in roots}
    if len(set(slopes.values())) <= 1:
        return next(iter(slopes.values()), "undefined")
    return ", ".join(f"{slopes[root]} at z = {_number(root)}" for root in sorted(roots, key=float))


def _number(value: sp.Expr) -> str:
    """As a fraction or a decimal; six digits of what is neither."""
    if value.is_Rational:
        return decimal(value) or str(value)
    return f"{float(value):.6g}" if value.is_real else "undefined"
