"""Equations solved in numbers: Newton's method with slopes by differences.

    x = tanh(W x + b)   from x = 0   ->   the x at which both sides agree to 12 digits

Slopes need not be exact for the solution to be: a step by an inexact slope leaves an error that
the next one takes. Complex numbers are let through, so that a complex step goes through, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .held import Held

STEPS, NEAR, ASIDE, SINGULAR = 100, 1e-12, 1e-7, 1e8
"""How many steps there may be, how small the last is, relative to 1 + the largest entry, how far
aside slopes are looked for, and of what condition, with rows and columns of one length, they are
singular as far as differences say."""


def solved(
    residual: Callable[[Any], Any], start: Any, what: str, near: float = NEAR
) -> Any:
    """The x near `start` at which the residual, an array of the shape of x, is zero.

    near: how small the last step is, relative to 1 + the largest entry.

    Raises ValueError, with `what` is solved, for a residual of another shape and where no x is
    found.
    """
    x = np.asarray(start)
    x = x.astype(np.result_type(x, np.float64))
    step, nearest, scale, slopes = np.zeros_like(x), np.inf, 0.0, np.eye(x.size)
    for _ in range(STEPS):
        value = np.asarray(residual(x))
        if value.shape != x.shape:
            raise ValueError(f"{what}: expected as many entries as the start has, {x.shape}, got "
                             f"{value.shape}")
        x = x.astype(np.result_type(x, value))
        gap = np.max(np.abs(value), initial=0)
        if not gap <= nearest:
            if nearest <= near * scale and not _is_singular(slopes):  # as near as rounding lets it
                return x if np.ndim(start) else x[()]
            step = step / 2  # too far
            x = np.asarray(x + step)
            continue
        try:
            slopes = _slopes(residual, x, value)
            step = np.linalg.solve(slopes, value.ravel()).reshape(x.shape)
        except np.linalg.LinAlgError:
            break
        scale = 1 + np.max(np.abs(x), initial=0)
        x, nearest = np.asarray(x - step), gap
        if np.max(np.abs(step), initial=0) <= near * scale < np.inf:
            if _is_singular(slopes):  # one solution among others next to it
                break
            return x if np.ndim(start) else x[()]
    raise ValueError(f"{what}: no solution was found in {STEPS} steps of Newton's method; expected "
                     "one near the start, where the slope is not singular; start nearer")


def _slopes(
    residual: Callable[[Any], Any], x: NDArray[Any], value: NDArray[Any]
) -> NDArray[Any]:
    slopes = np.zeros((x.size, x.size), np.result_type(x, value))
    for place in range(x.size):
        moved = x.copy()
        size = ASIDE * (1 + abs(moved.flat[place]))
        moved.flat[place] += size
        slopes[:, place] = (np.asarray(residual(moved)) - value).ravel() / size
    return slopes


def _is_singular(slopes: NDArray[Any]) -> bool:
    """Whether slopes by differences are singular as far as their digits say, in whatever units."""
    made = np.abs(slopes)
    rows = np.max(made, axis=1, initial=0)
    columns = np.max(made / np.where(rows > 0, rows, 1)[:, None], axis=0, initial=0)
    if not np.all(np.isfinite(made)) or not np.all(rows > 0) or not np.all(columns > 0):
        return False  # an exact zero, which the solver finds, or no number
    return bool(slopes.size > 1 and np.linalg.cond(slopes / rows[:, None] / columns) > SINGULAR)


def slope(objective: Callable[[Any], Any], x: Any) -> Any:
    """The gradient of a number at x, by complex steps where the objective takes complex arrays
    (exact to rounding where it is analytic), else by central differences, of 9 digits or so.

    Raises TypeError for an objective whose values are complex: no step of it has all its digits.
    """
    x, objective = np.asarray(x), Held(objective)
    if x.dtype.kind == "c" or np.iscomplexobj(objective.at_point(x)):
        raise TypeError("a gradient by steps is that of a real number; where complex numbers are "
                        "to go through, write it out")
    found = np.zeros(x.shape, np.result_type(x, np.float64))
    analytic = _takes_complex(objective, x)
    for place in np.ndindex(*x.shape):
        size = 2.0**-66 if analytic else 6e-6 * (1 + abs(x[place]))
        up, down = x.astype(complex if analytic else found.dtype), x.astype(found.dtype)
        if analytic:
            up[place] += 1j * size
            found[place] = np.imag(objective(up)) / size
        else:
            up[place] += size
            down[place] -= size
            found[place] = (objective(up) - objective(down)) / (2 * size)
    return found


def smallest(objective: Callable[[Any], Any], start: Any, what: str) -> Any:
    """The x near `start` at which the gradient of the objective is zero, to 7 digits where that is
    known by differences alone.  Raises ValueError and TypeError as :func:`solved` and `slope` do.
    """
    x = np.asarray(start, dtype=np.result_type(np.asarray(start), np.float64))
    near = NEAR if _takes_complex(objective, x) else 1e-7
    return solved(lambda y: slope(objective, y), start, what, near)


def _takes_complex(objective: Callable[[Any], Any], x: NDArray[Any]) -> bool:
    """Whether the objective goes through complex arrays as an analytic function does: with the real
    part that it has, and a slope that differences show, too."""
    way = np.cos(1.0 + np.arange(x.size)).reshape(x.shape)  # along which nothing is likely to be 0
    size = 2.0**-18
    try:
        with np.errstate(all="ignore"):
            found = objective(x + 2.0**-66 * 1j * way)
            known = objective(x)
            due = (objective(x + size * way) - objective(x - size * way)) / (2 * size)
    except (TypeError, ValueError):
        return False
    return bool(np.iscomplexobj(found) and np.isclose(np.real(found), known, rtol=1e-12, atol=0)
                and np.isclose(np.imag(found) * 2.0**66, due, rtol=1e-5, atol=1e-7))
