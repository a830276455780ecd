"""What is known by an equation alone, gradients within a loss and what none passes, for code
in NumPy: traced where code is traced, else values.

    x = gp.fixed_point(lambda x: np.tanh(W @ x + b), np.zeros(n))
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradproof.derivations.sources import differentiating
from gradproof.numeric.held import stopped as held
from gradproof.numeric.solving import slope, smallest, solved
from gradproof.symbolic.tracing.functions.unknowns import Kind, gradient_at, solved_for, stopped
from gradproof.symbolic.tracing.source import SESSION


def fixed_point(f: Callable[[Any], Any], start: Any) -> Any:
    """The x near `start`, of its shape, with x = f(x).

    >>> float(round(fixed_point(lambda x: np.cos(x), 1.0), 6))
    0.739085

    Found by Newton's method, to 12 digits in at most 100 steps; ValueError where it is not.  In
    code that is traced it is an array like any other, whose derivatives are those of the implicit
    function theorem.
    """
    return _found(f, start, "fixed point")


def root(f: Callable[[Any], Any], start: Any) -> Any:
    """The x near `start`, of its shape, with f(x) = 0; as :func:`fixed_point`."""
    return _found(f, start, "root")


def minimizer(f: Callable[[Any], Any], start: Any) -> Any:
    """The x near `start`, of its shape, at which the gradient of the number f(x) is zero; as
    :func:`fixed_point`.

    >>> float(round(minimizer(lambda x: (x - 3)**2, 0.0), 6))
    3.0
    """
    return _found(f, start, "minimum")


def grad(f: Callable[[Any], Any], x: Any) -> Any:
    """The gradient of the number f(x) at x, an array of its shape.

    >>> grad(lambda x: np.sum(x**3), np.array([1.0, 2.0])).tolist()
    [3.0, 12.0]

    In code that is traced it is derived, so that a loss may hold it: a physics-informed network, a
    gradient penalty, a step of gradient descent.  Else it is computed by complex steps where f
    takes complex arrays, by central differences where it does not.
    """
    session = SESSION.get(None)
    if session is not None:
        return gradient_at(session, f, x, differentiating)
    return slope(f, x)


def stop_gradient(x: Any) -> Any:
    """x itself, which every derivative takes for a constant: targets, baselines, weights.

    >>> grad(lambda x: np.sum(x*stop_gradient(x)), np.array([1.0, 2.0])).tolist()
    [1.0, 2.0]

    Differences that are taken of a function within gradproof keep what it stops as it is at the
    point, so that a check of a loss and `grad` know of it; those of somebody else do not.
    """
    session = SESSION.get(None)
    return held(x) if session is None else stopped(session, x)


def _found(f: Callable[[Any], Any], start: Any, kind: Kind) -> Any:
    session = SESSION.get(None)
    if session is not None:
        return solved_for(session, f, start, kind, differentiating)
    if kind == "minimum":
        return smallest(f, start, kind)
    return solved(f if kind == "root" else lambda x: x - np.asarray(f(x)), start, kind)
