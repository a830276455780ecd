"""Which pointwise factor is missing: candidates for left / right, found by numbers.

A wrong intermediate is often a factor away from the right one: a(1 - a) forgotten, 1 - a where
1 - a² is due.  The candidates are small expressions in one array; a proof decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np
import sympy as sp

from .equation import System
from .functions import A
from .sampling import TOLERANCE, Point, size_monomial

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
    system: System, points: Sequence[Point], left: str, right: str, arrays: Sequence[str]
) -> Iterator[tuple[str, sp.Expr, sp.Expr]]:
    """(array, expression in its name, factor in the sizes) with left = factor · expression · right.

    The arrays tried are those of the left's shape: `arrays` and the inputs.
    """
    shapes = system.shapes
    for array in (*reversed(arrays), *(known.name for known in system.inputs)):
        if array == left or shapes[array] != shapes[left]:
            continue
        for expression in FORMS:
            factor = _factor(points, left, right, array, expression)
            if factor is not None:
                yield array, expression.xreplace({A: sp.Symbol(array, real=True)}), factor


def _factor(
    points: Sequence[Point], left: str, right: str, array: str, expression: sp.Expr
) -> sp.Expr | None:
    function = _spelled(expression)
    ratios = []
    for point in points:
        first = np.asarray(point.left[left], float)
        second = np.asarray(point.right[right], float).reshape(first.shape)
        with np.errstate(all="ignore"):
            expected = function(np.asarray(point.left[array], float)) * second
        if not (np.all(np.isfinite(expected)) and np.all(np.isfinite(first))):
            return None
        place = np.unravel_index(int(np.argmax(np.abs(expected))), expected.shape)
        if expected[place] == 0 or first[place] == 0:
            return None
        ratio = float(first[place] / expected[place])
        if np.max(np.abs(first - ratio * expected)) > TOLERANCE * np.max(np.abs(first)):
            return None
        ratios.append(ratio)
    return size_monomial(list(points), ratios) if ratios else None
