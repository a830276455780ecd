"""Which array of a hand-written pass is the first that goes wrong, and by which factor."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sympy as sp

from .comparison import Comparison, ancestors
from .equation import System
from .guards import size_poly
from .normal import Notes
from .polynomial import BudgetError, UnsupportedError, plus
from .ratios import pointwise_ratios
from .sampling import Match


@dataclass(frozen=True)
class Wrong:
    """An array of the right side that is no array of the left side, up to a factor in the sizes.

    Where it is a pointwise factor away from one, `instead` names that and `ratio` is
    instead / right.
    """

    right: str
    instead: str | None = None
    ratio: sp.Expr | None = None


def pointwise_ratio(c: Comparison, left: str, right: str, found: Match) -> sp.Expr | None:
    """left / right as an expression in one array of the left side, proven."""
    for array, ratio, factor in pointwise_ratios(
        c.left, c.points, left, right, ancestors(c.left, [left])
    ):
        if _is_ratio(c, left, right, found, (array, ratio, factor)):
            return factor * ratio
    return None


def _is_ratio(
    c: Comparison, left: str, right: str, found: Match, candidate: tuple[str, sp.Expr, sp.Expr]
) -> bool:
    array, ratio, factor = candidate
    notes = Notes()
    try:
        first = c.form(0, left, notes)
        inner = c.form(0, array, notes)
        second = c.moved(right, found, c.form(1, right, notes))
        pointwise = c.forms.scalar(ratio, {sp.Symbol(array, real=True): inner})
        scale = size_poly(c.table, factor)
        product = c.table.product([scale, pointwise, second])
        return c.is_zero(plus(first, product, -1), notes)
    except (BudgetError, UnsupportedError):
        return False


def wrong_intermediate(c: Comparison, target: str, right: str) -> Wrong | None:
    """The first array on the way to `right`, due to be `target`, that is nothing proven.

    Arrays from which a proven array follows on the way are passed over: they are right, or
    their error does not matter.  Where the array misses no pointwise factor itself, one of
    the arrays it is computed from may.  Call :meth:`Prover.prove` first.
    """
    path = ancestors(c.right, [right])
    proven = {name for name in path if c.proven.get(name)}
    harmless = {*ancestors(c.right, proven)}
    wrong = next((name for name in path if name not in harmless), None)
    if wrong is None:
        return None
    steps = [step.left for step in reversed(c.steps)]
    found = _factor_away(c, wrong, [*ancestors(c.left, [target])[::-1], *steps])
    if found is not None:
        return found
    sources = [read.array for read in c.right[wrong].reads]
    near = operands(c.left, target, 2)
    for source in sources:
        if source in {equation.name for equation in c.right.equations}:
            found = _factor_away(c, source, near)
            if found is not None:
                return found
    return Wrong(wrong)


def _factor_away(c: Comparison, right: str, candidates: Iterable[str]) -> Wrong | None:
    """The first candidate that is the right array times a pointwise factor."""
    for left in dict.fromkeys(candidates):
        same = c.identity(left, right)
        if same is None:
            continue
        ratio = pointwise_ratio(c, left, right, same)
        if ratio is not None:
            return Wrong(right, left, ratio)
    return None


def operands(system: System, name: str, depth: int) -> list[str]:
    """The computed arrays that an array is computed from, in at most `depth` equations."""
    computed = {equation.name: equation for equation in system.equations}
    found = [name]
    for _ in range(depth):
        found += [
            read.array
            for known in found
            for read in computed[known].reads
            if read.array in computed and read.array not in found
        ]
    return found[1:]
