"""Which pointwise factor is missing: candidates for left / right, found by numbers.

    left = 0.21, 0.09; right = 1, 1; a = 0.3, 0.1   ->   left = a (1 - a) · right

A wrong intermediate is often a factor away from the right one: a(1 - a) forgotten, 1 - a where
1 - a² is due.  The candidates are small expressions in one array; a proof decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ..functions import A
from .sampling import NOISE, TOLERANCE, Sample, size_monomial

FORMS: tuple[sp.Expr, ...] = (
    A, 1 - A, A * (1 - A), 1 - A**2, 1 + A, A**2,
    1 / A, 1 / (1 - A), 1 / (A * (1 - A)), 1 / (1 - A**2), 1 / (1 + A),
    sp.Piecewise((sp.S.One, A > 0), (sp.S.Zero, True)),
)
"""What a forgotten factor looks like, or one too many."""


@cache
def _spelled(expression: sp.Expr) -> Callable[..., Any]:
    return sp.lambdify([A], expression, modules="numpy")  # type: ignore[no-any-return]


def pointwise_ratios(
    points: Sequence[Sample], left: str, right: str, arrays: Sequence[tuple[str, str]]
) -> Iterator[tuple[tuple[str, str], sp.Expr, sp.Expr]]:
    """((side, array), expression in A, factor) with left = factor · expression · right.

    `arrays` are those to try, each with the side of the point it is found on.
    """
    quotients = []
    for point in points:
        first = np.asarray(point.left[left], float)
        second = np.asarray(point.right[right], float).reshape(first.shape)
        heard = np.abs(second) > NOISE * np.max(np.abs(second), initial=0.0)
        kept = heard & np.isfinite(first) & np.isfinite(second)
        if not np.any(kept):
            return
        quotients.append((kept, first[kept] / second[kept]))
    for side, array in arrays:
        for expression in FORMS:
            factor = _factor(points, quotients, side, array, expression)
            if factor is not None:
                yield (side, array), expression, factor


def _factor(
    points: Sequence[Sample],
    quotients: Sequence[tuple[NDArray[np.bool_], NDArray[Any]]],
    side: str,
    array: str,
    expression: sp.Expr,
) -> sp.Expr | None:
    function = _spelled(expression)
    factors = []
    varies = False
    for point, (kept, quotient) in zip(points, quotients, strict=True):
        values = np.asarray(getattr(point, side)[array], float)
        if values.size != kept.size:
            return None
        with np.errstate(all="ignore"):
            expected = np.broadcast_to(function(values.reshape(kept.shape)[kept]), quotient.shape)
        place = int(np.argmax(np.abs(expected)))
        if not np.all(np.isfinite(expected)) or expected[place] == 0:
            return None
        factor = float(quotient[place] / expected[place])
        if np.max(np.abs(quotient - factor * expected)) > TOLERANCE * np.max(np.abs(quotient)):
            return None
        if factor == 0:
            return None
        factors.append(factor)
        varies = varies or bool(np.ptp(expected) > 0)
    if not varies and sum(kept.size for kept, _ in quotients) > 1:
        return None  # [a > 0] of what is always positive is no factor that is missing
    return size_monomial(list(points), factors)
