"""Where a system has no derivative, and which slope is taken there.

    A = relu(Z)     ->   Z = 0: slope 0
    m = max_j X     ->   X at a tie of its maximum: the first place where it is attained
    L = √Σ x²       ->   Σ x² = 0: there is none
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace

import sympy as sp

from ..dependence import descendants
from ..equation import Array, Equation, Term, slot, slot_numbers
from ..functions import ABS, RELU, SIGMOID, SOFTPLUS, Opaque, Z, kinks, without_opaque
from ..rationals import decimal


@dataclass(frozen=True)
class Kink:
    """A place where a forward equation has no derivative: `where` (of array `array`) = 0.

    `slopes` are the slopes taken, each behind its root of `where` (none where SymPy finds no
    root, or for a maximum, which has a kink at a tie and no `where`).  `argument` spells out what
    the function is of, where that is more than an entry of the array.
    """

    equation: str
    function: str
    array: str
    where: str = ""
    slopes: tuple[tuple[sp.Expr, sp.Expr], ...] = ()
    argument: str = ""

    @property
    def is_tie(self) -> bool:
        """Whether it is where a maximum is attained twice."""
        return not self.where

    @property
    def place(self) -> str:
        """Where that is: "Z1 = 0"."""
        if self.is_tie:
            return f"{self.array} at a tie of its maximum"
        argument = self.argument or self.array
        return f"{argument} = 0" if self.where == "z" else \
            f"{self.array} where {self.where} = 0 for z = {argument}"

    @property
    def slope(self) -> str:
        """The slope taken, as a number; each root's where they differ."""
        if self.is_tie:
            return "the first place where the maximum is attained"
        numbers = {root: _number(slope) for root, slope in self.slopes}
        if len(set(numbers.values())) <= 1:
            return next(iter(numbers.values()), "undefined")
        return ", ".join(f"{numbers[root]} at z = {_number(root)}"
                         for root in sorted(numbers, key=float))


def find_kinks(
    equations: Iterable[Equation], wrt: Iterable[str], inputs: Iterable[Array] = ()
) -> Iterable[Kink]:
    """Where the forward equations are not differentiable, and the slope that is taken there.

    What does not depend on any of `wrt` is constant to the derivative, and has no kinks.
    `inputs` say which entries are positive.
    """
    every = list(equations)
    varying = descendants(every, wrt)
    known = {array.name: "positive" for array in inputs if array.is_positive}
    for equation in every:
        if equation.reduction in ("sum", "max") and all(
                signed(term, known).is_nonnegative for term in equation.terms):
            known[equation.name] = "nonnegative"
        if equation.name not in varying:
            continue
        if equation.reduction == "max":
            (term,) = equation.terms
            yield Kink(equation.name, "max", term.reads[0].array)
        for term in equation.terms:
            yield from _roots(equation, term, varying, known)
            for applied in sorted(term.body.atoms(Opaque), key=sp.default_sort_key):
                for where in kinks(type(applied).definition):
                    argument = applied.args[0]
                    places = [p for p in range(len(term.reads)) if argument.has(slot(p))]
                    arrays = [term.reads[place].array for place in places]
                    if varying.isdisjoint(arrays):
                        continue
                    spelled = "" if argument.is_Symbol else repr(
                        replace(term, body=argument, over=(), guards=()))
                    yield Kink(equation.name, type(applied).title, arrays[0], str(where),
                               _slopes_at(type(applied), where), spelled)


def _roots(
    equation: Equation, term: Term, varying: Set[str], known: Mapping[str, str]
) -> Iterator[Kink]:
    """Roots of what may be zero, where their slope is infinite, or has none of its limits."""
    roots = [part for part in term.body.atoms(sp.Pow) if part.exp.is_Rational
             and 0 < part.exp < 1 and not signed(term, known, part.base).is_positive]
    for root in sorted(roots, key=sp.default_sort_key):
        arrays = [term.reads[place].array for place in slot_numbers(root.base)]
        if not varying.isdisjoint(arrays):
            spelled = "" if root.base.is_Symbol else repr(
                replace(term, body=root.base, over=(), guards=()))
            title = "sqrt" if root.exp == sp.Rational(1, 2) else f"the power {root.exp}"
            yield Kink(equation.name, title, arrays[0], "z", (), spelled)


_POSITIVE = (SIGMOID, SOFTPLUS)


def signed(term: Term, known: Mapping[str, str], part: sp.Expr | None = None) -> sp.Expr:
    """The body of a term, or a part of it, in values whose signs SymPy knows as far as they are."""
    part = term.body if part is None else part
    part = part.replace(lambda inner: isinstance(inner, (*_POSITIVE, RELU, ABS)),
                        lambda inner: sp.Dummy(positive=True) if isinstance(inner, _POSITIVE)
                        else sp.Dummy(nonnegative=True))
    return part.xreplace({slot(place): sp.Dummy(**{known[read.array]: True})
                          for place, read in enumerate(term.reads) if read.array in known})


def _slopes_at(
    function: type[Opaque], where: sp.Expr
) -> tuple[tuple[sp.Expr, sp.Expr], ...]:
    """The roots of `where`, each with the slope that is taken there."""
    try:
        roots = [root for root in sp.solve(where, Z) if root.is_real is not False]
    except NotImplementedError:  # SymPy cannot say where; the kink is listed all the same
        roots = []
    slope = sp.diff(without_opaque(function.definition), Z)
    return tuple((root, slope.subs(Z, root)) for root in roots)


def _number(value: sp.Expr) -> str:
    """As a fraction or a decimal; six digits of what is neither."""
    if value.is_Rational:
        return decimal(value) or str(value)
    return f"{float(value):.6g}" if value.is_real else "undefined"
