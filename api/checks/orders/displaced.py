"""A derivative measured: as the gradient of a function of displacements, at none.

    J[i, j] = ∂/∂S[i, j] Σ_i f_i(x + S[i])          H[i, j] = ∂/∂S[i, j] Σ_i ∂_i f(x + S[i])

So what holds a gradient against differences of a loss holds these against differences of f.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from gradproof.checks.orders.calls import Call
from gradproof.checks.subject import Values, Witness
from gradproof.numeric import Slopes


def jacobian_witness(function: Call, by: str, name: str) -> Witness:
    """Its gradient by `name`, of the shapes of f(x) and x, is the Jacobian of f."""
    def measured(values: Values) -> Any:
        rest = {key: value for key, value in values.items() if key != name}
        here = np.ravel(function.at(rest))
        found: Any = np.sum(here)
        for rows, moved in _moves(values[name], np.asarray(values[by])):
            there = np.ravel(function.at({**rest, by: moved}))
            found = found + np.sum(there[rows] - here[rows])
        return found

    return Witness(measured)


def gradient_witness(value: Callable[[Values], Any], by: str, name: str) -> Witness:
    """Its gradient by `name`, of the shape of x, is that of a loss."""
    def measured(values: Values) -> Any:
        rest = {key: array for key, array in values.items() if key != name}
        return value({**rest, by: values[by] + values[name]})

    return Witness(measured)


def hessian_witness(
    value: Callable[[Values], Any], by: str, name: str, shared: int = 0
) -> Witness:
    """Its gradient by `name` is the Hessian of a loss.

    shared: how many axes of x stand for both sides; all of them for its diagonal.
    """
    slopes = Slopes(value, by)

    def measured(values: Values) -> Any:
        rest = {key: array for key, array in values.items() if key != name}
        x = np.asarray(values[by])
        found = slopes.at(rest, np.zeros_like(x), np.ones_like(x))
        many = shared > 0 and len(x) > MANY and slopes.are_separate(rest)
        moves = _by_sample if many else _moves
        for rows, moved in moves(values[name], x, shared):
            direction: Any = np.zeros(x.size)
            direction[rows] = 1.0
            direction = direction.reshape(x.shape)
            # At no displacement the difference is exactly 0: else it would be a jump there.
            found += slopes.at(rest, moved - x, direction) - slopes.at(
                rest, np.zeros_like(x), direction)
        return found

    return Witness(measured, real=True)


def product_witness(
    value: Callable[[Values], Any], by: str, name: str, direction: str
) -> Witness:
    """Its gradient by `name`, of the shape of x, is the Hessian times a vector."""
    slopes = Slopes(value, by)

    def measured(values: Values) -> Any:
        rest = {key: array for key, array in values.items() if key not in (name, direction)}
        return slopes.at(rest, np.asarray(values[name]), np.asarray(values[direction]))

    return Witness(measured, real=True)


MANY = 2
"""Samples above which all are moved together, where each is a term of its own."""


def _by_sample(shift: Any, x: Any, shared: int) -> Iterator[tuple[Any, Any]]:
    """The same as :func:`_moves`, where no row of x matters to the derivatives by another."""
    inner = int(np.prod(x.shape[shared:]))
    flat = np.reshape(shift, (-1, inner))
    each = len(flat) // len(x)
    for place in range(each):
        rows = np.arange(place, len(flat), each)
        moved = np.array(x, dtype=np.result_type(x, flat)).reshape(-1, inner)
        np.add.at(moved, rows // inner, flat[rows])
        yield rows, moved.reshape(x.shape)


def _moves(shift: Any, x: Any, shared: int = 0) -> Iterator[tuple[Any, Any]]:
    """The rows of a displacement that have one, each with x as it is moved there.

    shared: of the axes of x, how many the rows of a displacement do not repeat.
    """
    inner = int(np.prod(x.shape[shared:]))
    flat = np.reshape(shift, (-1, inner))
    moving = np.any(flat != 0, axis=1)
    for row in np.flatnonzero(moving):
        if not shared:
            yield [row], x + flat[row].reshape(x.shape)
            continue
        moved = np.array(x, dtype=np.result_type(x, flat)).reshape(-1, inner)
        moved[row // inner] += flat[row]
        yield [row], moved.reshape(x.shape)
