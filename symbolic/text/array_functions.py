"""Functions of whole arrays by the names that equations in text call them: one row each.

>>> print(gp.equations("y = mean(x, axis=0)", x="m n"))
y[j<n] = Σ_i<m x[i, j]/m
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import sympy as sp

from ..equation import Equal, Reduction, Term, slot
from ..functions import STOP_GRADIENT
from ..layers.builder import Operand
from .layer_functions import LAYER_FUNCTIONS
from .matrices import diag, einsum, eye, named
from .numpy_words import called
from .trees import Node
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
    operand = values.settle(argument(0))
    return entries(operand if operand.ndim < 2 else values.builder.transpose(operand))


def _trace(values: Values, node: Node, argument: Argument) -> Value:
    operand = values.settle(argument(0))
    if operand.ndim != 2 or operand.shape[0] != operand.shape[1]:
        values.source.fail(node, f"{node.text} takes a square matrix, got {operand}")
    return entries(values.builder.trace(operand))


def _norm(values: Values, node: Node, argument: Argument) -> Value:
    value = argument(0)
    squares = values.builder.contract(value.body**2, *value.operands)
    return values.pointwise(node, sp.sqrt, entries(squares))


def _one_hot(values: Values, node: Node, argument: Argument) -> Value:
    """Rows with a 1 at the place of a label; as many entries as there are classes."""
    _arguments(values, node, 1, 2)
    values.keywords(node, ())
    labels = values.settle(argument(0))
    if values.types.get(labels.name) != "int":
        values.source.fail(node, f"one_hot takes an array of integers, such as an input "
                                 f'gp.Array("m", kind="labels", classes="k"); got {labels}')
    classes = next((a.classes for a in values.builder.inputs if a.name == labels.name), None)
    if len(node.arguments) == 2:
        classes = values.size(node.arguments[1])
    if classes is None:
        values.source.fail(node, "how many classes there are is not known; write one_hot(y, k)")
    out = values.builder.indices((*labels.shape, classes), (labels,))
    label = values.builder.read(labels, out[:-1])
    term = Term(sp.S.One, (), (), (Equal(out[-1].symbol, label),))
    return entries(values.builder.emit(None, out, [term]))


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


def _stopped(values: Values, node: Node, argument: Argument) -> Value:
    return values.pointwise(node, STOP_GRADIENT, argument(0))


def _derivative(whole: bool) -> ArrayFunction:
    """The derivative of what is computed so far: of a number, or of an array with its axes in
    front."""

    def derivative(values: Values, node: Node, argument: Argument) -> Value:
        _arguments(values, node, 2, 2)
        values.keywords(node, ())
        output, by = (values.settle(argument(place)) for place in range(2))
        if output.ndim and not whole:
            values.source.fail(node, f"grad is of a number, such as sum(u), got {output}; jacobian "
                                     "is of an array")
        plain = node.arguments[1].kind == "name"
        if not plain or values.types.get(by.name, "float") != "float":
            values.source.fail(node.arguments[1], f"{node.text} is by an input or by what has a "
                                                  f"name, and no integers; got {by}")
        return entries(values.derivative(node, output, by))

    return derivative


def _or_numpys(function: ArrayFunction, *axes: int) -> ArrayFunction:
    """The function where it is called with one array of so many axes (any number where none is
    said), else NumPy's of its name, with its options."""

    def either(values: Values, node: Node, argument: Argument) -> Value:
        plain = len(node.arguments) == 1 and not node.keywords
        given = argument(0) if plain and axes else None
        if plain and (given is None or len(given.shape) in axes):
            return function(values, node, lambda place: argument(0) if given is None else given)
        found = called(values, node)
        assert isinstance(found, Value)
        return found

    return either


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
    "one_hot": _one_hot,
    "stop_gradient": _counted(_stopped),
    "grad": _derivative(whole=False),
    "jacobian": _derivative(whole=True),
    "logsumexp": _reduction("logsumexp"),
    "softmax": _softmax(log=False),
    "log_softmax": _softmax(log=True),
    "dot": _product,
    "matmul": _product,
    "outer": _outer,
    "transpose": _or_numpys(_transpose),
    "tr": _trace,
    "trace": _or_numpys(_trace, 2),
    "norm": _or_numpys(_norm),
    "diag": _or_numpys(diag, 1, 2),
    "eye": _or_numpys(eye),
    "einsum": _counted(einsum, None),
    "inv": _counted(named("inv")),
    "cholesky": _counted(named("cholesky")),
    "det": _counted(named("det")),
    "logdet": _counted(named("logdet")),
    **LAYER_FUNCTIONS,
}
"""`max` and `min` of one array reduce it; of two they are entry by entry."""
