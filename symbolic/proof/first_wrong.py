"""Which array of a hand-written pass is the first that goes wrong, and by which factor.

    d1 = d2 @ W2.T where d2 W2ᵀ ⊙ (1 - A1²) is due   ->   d1, which 1 - A1² makes right
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from ..dependence import ancestors, operands
from ..equation import Equation, is_unnamed, slot
from ..functions import A
from ..normalform.forms import Notes
from ..normalform.guards import size_poly
from ..normalform.polynomial import BudgetError, UnsupportedError, plus
from .ratios import pointwise_ratios
from .sampling import Match
from .sides import Sides


@dataclass(frozen=True)
class Wrong:
    """An array of the right side that is no array of the left side, up to a factor in the sizes.

    Where it is a pointwise factor away from one, `instead` names that and `ratio` is
    instead / right.
    """

    right: str
    instead: str | None = None
    ratio: sp.Expr | None = None


@dataclass(frozen=True)
class Ratio:
    """left / right = factor · form, where `form` is an expression in one named array."""

    form: sp.Expr
    factor: sp.Expr

    @property
    def value(self) -> sp.Expr:
        return self.factor * self.form


def pointwise_ratio(sides: Sides, left: str, right: str) -> Ratio | None:
    """left / right as an expression in one array of either side, proven."""
    found = sides.identity(left, right)
    if found is None:
        return None
    shape = [size for size in sides.shapes[0][left] if size != 1]
    near = {*ancestors(sides.left, [left]), *(array.name for array in sides.left.inputs)}
    arrays = [("right", name) for name in ancestors(sides.right, [right])]
    arrays += [("left", name) for name in sides.shapes[0] if name in near and name != left]
    arrays = [
        (side, name)
        for side, name in arrays
        if [size for size in sides.shapes[side == "right"][name] if size != 1] == shape
    ]
    arrays.sort(key=lambda entry: is_unnamed(entry[1]))
    for (side, array), form, factor in pointwise_ratios(sides.points, left, right, arrays):
        if _is_ratio(sides, (left, right), found, ((side, array), form, factor)):
            return Ratio(form.xreplace({A: sp.Symbol(array, real=True)}), factor)
    return None


def _is_ratio(
    sides: Sides,
    pair: tuple[str, str],
    found: Match,
    candidate: tuple[tuple[str, str], sp.Expr, sp.Expr],
) -> bool:
    (side, array), form, factor = candidate
    notes = Notes()
    try:
        first = sides.form(0, pair[0], notes)
        second = sides.moved(pair[1], found, sides.form(1, pair[1], notes))
        inner = sides.form(int(side == "right"), array, notes)
        same = sides.identity(pair[0], array) if side == "right" else None
        if same is not None:
            inner = sides.moved(array, same, inner)
        pointwise = sides.forms.scalar(form, {A: inner})
        product = sides.table.product([size_poly(sides.table, factor), pointwise, second])
        return sides.is_zero(plus(first, product, -1), notes)
    except (BudgetError, UnsupportedError):
        return False


def wrong_intermediate(sides: Sides, target: str, right: str) -> Wrong | None:
    """The first array on the way to `right`, due to be `target`, that is nothing proven.

    Arrays from which a proven array follows on the way are passed over: they are right, or
    their error does not matter.  An array that misses a pointwise factor comes before one of
    which nothing is known.  Call :meth:`Prover.prove` first.
    """
    path = ancestors(sides.right, [right])
    proven = {name for name in path if sides.proven.get(name)}
    harmless = {*ancestors(sides.right, proven)}
    wrong = [name for name in path if name not in harmless]
    if not wrong:
        return None
    # An array of zeros to add to and a slice are not what is wrong, unless nothing else is.
    wrong = [name for name in wrong if name == right or not _is_view(sides.right[name])]
    reached = {step.left for step in sides.steps}
    due = [name for name in ancestors(sides.left, [target]) if name not in reached]
    found = _factor_away(sides, wrong, due)
    if found is not None:
        return found
    computed = {equation.name for equation in sides.right.equations}
    sources = [read.array for read in sides.right[wrong[0]].reads if read.array in computed]
    open_ = [name for name in sources if name not in harmless]
    return (
        _factor_away(sides, open_, operands(sides.left, target, 2))
        # What is right in itself may still be a factor away from what is due here.
        or _factor_away(sides, sources, operands(sides.left, target, 1))
        or Wrong(wrong[0])
    )


def _is_view(equation: Equation) -> bool:
    """A constant, or entries of another array as they are."""
    reads = [read for term in equation.terms for read in term.reads]
    return not reads or (len(equation.terms) == 1 and equation.terms[0].body == slot(0)
                         and not equation.terms[0].over and len(reads) == 1)


def _factor_away(sides: Sides, rights: Sequence[str], lefts: Sequence[str]) -> Wrong | None:
    """The first right array that is a left one up to a pointwise factor.

    One without a number in front comes first, then one that has a name of its own.
    """
    found = []
    for place, right in enumerate(rights):
        for left in lefts:
            ratio = pointwise_ratio(sides, left, right)
            if ratio is not None:
                plain = ratio.factor.as_coeff_Mul()[0] == 1
                rank = not plain, is_unnamed(right), place
                found.append((rank, Wrong(right, left, ratio.value)))
                break
    return min(found, key=lambda entry: entry[0])[1] if found else None
