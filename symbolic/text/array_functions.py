"""Functions of whole arrays by the names that equations in text call them: one row each.

>>> print(gp.equations("y = mean(x, axis=0)", x="m n"))
y[j<n] = Σ_i<m x[i, j]/m
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import sympy as sp

from ..equation import Reduction, slot
from ..layers.builder import Operand
from .grammar import Node
from .layer_functions import LAYER_FUNCTIONS
from .matrices import diag, einsum, eye, named
from .values import Value, Values, entries

Argument: TypeAlias = Callable[[int], Value]
ArrayFunction: TypeAlias = Callable[[Values, Node, Argument], Value]


def _arguments(values: Values, node: Node, least: int, most: int) -> None:
    got = len(node.arguments)
    if not least <= got <= most:
        expected = str(least) if least == most else f"{least} or {most}"
        plural = "" if (least, most) == (1, 1) else "s"
        values.source.fail(node, f"{node.text} takes {expected} argument{plural}, got {got}")


def _reduction(reduction: Reduction, sign: int = 1, mean: bool = False) -> ArrayFunction:
    """A reduction of one argument with ``axis`` and ``keepdims``; -max(-x) where sign is -1."""

    def reduce(values: Values, node: Node, argument: Argument) -> Value:
        _arguments(values, node, 1, 2)
        values.keywords(node, ("axis", "keepdims"))
        value = argument(0)
        axes = values.axes(node, value.shape, None)
        body = sign * value.body
        if mean:
            over = range(len(value.shape)) if axes is None else axes
            body /= sp.Mul(*(value.shape[axis] for axis in over))
        found = entries(
            values.builder.contract(
                body, *value.operands, over=axes, keepdims=values.keepdims(node),
                reduction=reduction,
            )
        )
        return found if sign == 1 else values.pointwise(node, lambda x: -x, found)

    return reduce


def _product(values: Values, node: Node, argument: Argument) -> Value:
    _arguments(values, node, 2, 2)
    values.keywords(node, ())
    left, right = values.settle(argument(0)), values.settle(argument(1))
    if not (left.ndim and right.ndim):
        return values.pointwise(node, lambda x, y: x * y, entries(left), entries(right))
    return values.product(node, left, right)


def _outer(values: Values, node: Node, argument: Argument) -> Value:
    _arguments(values, node, 2, 2)
    values.keywords(node, ())
    left, right = values.settle(argument(0)), values.settle(argument(1))
    for operand in (left, right):
        if operand.ndim != 1:
            values.source.fail(node, f"outer takes two vectors, got {left} and {right}")
    return entries(values.builder.outer(left, right))


def _transpose(values: Values, node: Node, argument: Argument) -> Value:
    _arguments(values, node, 1, 1)
    values.keywords(node, ())
    operand = values.settle(argument(0))
    return entries(operand if operand.ndim < 2 else values.builder.transpose(operand))


def _trace(values: Values, node: Node, argument: Argument) -> Value:
    _arguments(values, node, 1, 1)
    values.keywords(node, ())
    operand = values.settle(argument(0))
    if operand.ndim != 2 or operand.shape[0] != operand.shape[1]:
        values.source.fail(node, f"{node.text} takes a square matrix, got {operand}")
    return entries(values.builder.trace(operand))


def _norm(values: Values, node: Node, argument: Argument) -> Value:
    _arguments(values, node, 1, 1)
    values.keywords(node, ())
    value = argument(0)
    squares = values.builder.contract(value.body**2, *value.operands)
    return values.pointwise(node, sp.sqrt, entries(squares))


def _softmax(log: bool) -> ArrayFunction:
    """exp(x - LSE), or x - LSE, with LSE = log Σ exp over an axis, the last unless it is given."""

    def softmax(values: Values, node: Node, argument: Argument) -> Value:
        _arguments(values, node, 1, 2)
        values.keywords(node, ("axis",))
        value = entries(values.settle(argument(0)))
        if not value.shape:
            values.source.fail(node, f"{node.text} takes an array with an axis, got a scalar")
        axes = values.axes(node, value.shape, -1)
        level = _log_sum_exp(values, value, axes)
        made = values.pointwise(
            node, lambda x, y: x - y if log else sp.exp(x - y), value, entries(level)
        )
        return made if log else entries(values.settle(made))

    return softmax


def _log_sum_exp(values: Values, value: Value, axes: list[int] | None) -> Operand:
    return values.builder.contract(
        slot(0), *value.operands, over=axes, keepdims=True, reduction="logsumexp"
    )


def _counted(function: ArrayFunction, count: int | None = 1) -> ArrayFunction:
    """The function, which takes `count` arguments (any number where it is None), no keywords."""

    def checked(values: Values, node: Node, argument: Argument) -> Value:
        if count is not None:
            _arguments(values, node, count, count)
        values.keywords(node, ())
        return function(values, node, argument)

    return checked


ARRAY_FUNCTIONS: dict[str, ArrayFunction] = {
    "sum": _reduction("sum"),
    "mean": _reduction("sum", mean=True),
    "max": _reduction("max"),
    "min": _reduction("max", sign=-1),
    "logsumexp": _reduction("logsumexp"),
    "softmax": _softmax(log=False),
    "log_softmax": _softmax(log=True),
    "dot": _product,
    "matmul": _product,
    "outer": _outer,
    "transpose": _transpose,
    "tr": _trace,
    "trace": _trace,
    "norm": _norm,
    "diag": _counted(diag),
    "eye": _counted(eye),
    "einsum": _counted(einsum, None),
    "inv": _counted(named("inv")),
    "cholesky": _counted(named("cholesky")),
    "det": _counted(named("det")),
    "logdet": _counted(named("logdet")),
    **LAYER_FUNCTIONS,
}
"""`max` and `min` of one array reduce it; of two they are entry by entry."""
