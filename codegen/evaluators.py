"""Nodes of matrix form as functions of arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from ..symbolic.equation import index_symbol
from ..symbolic.matrices.nodes import Place
from ..symbolic.matrices.recognise import (
    Applied,
    Einsum,
    Leaf,
    Node,
    Outer,
    Pointwise,
    Product,
    Softmax,
    Span,
    Total,
    Transposed,
    Where,
)
from .axes import alignment, as_tensordot, einsum_subscripts, present
from .gathers import RANGE
from .interpret import MATRIX_FUNCTIONS, holds
from .spelling import scalar
from .stable import integer

Environment: TypeAlias = dict[str, Any]
Evaluator: TypeAlias = Callable[[Environment, Mapping[sp.Symbol, int]], Any]


def evaluator(node: Node) -> Evaluator:
    """The node as a function of the arrays there are so far."""
    if isinstance(node, Leaf):
        return _leaf(node)
    if isinstance(node, Transposed):
        inner = evaluator(node.of)
        if len(node.axes) == 2:
            return lambda environment, sizes: inner(environment, sizes).T
        return lambda environment, sizes: inner(environment, sizes).swapaxes(-1, -2)
    if isinstance(node, Product):
        factors = [evaluator(factor) for factor in node.factors]

        def product(environment: Environment, sizes: Mapping[sp.Symbol, int]) -> Any:
            result = factors[0](environment, sizes)
            for factor in factors[1:]:
                result = result @ factor(environment, sizes)
            return result

        return product
    if isinstance(node, Outer):
        column, row = evaluator(node.column), evaluator(node.row)
        return lambda environment, sizes: np.multiply.outer(
            column(environment, sizes), row(environment, sizes)
        )
    if isinstance(node, Total):
        return _total(node)
    if isinstance(node, Softmax):
        logits, along = evaluator(node.of), node.axes.index(node.over)
        soft = log_softmax if node.log else softmax
        return lambda environment, sizes: soft(logits(environment, sizes), along)
    if isinstance(node, Where):
        return _where(node)
    if isinstance(node, Einsum):
        found = as_tensordot(node)
        if found is not None:
            (left, right), summed = map(evaluator, found[0]), found[1]
            return lambda environment, sizes: np.tensordot(
                left(environment, sizes), right(environment, sizes), summed
            )
        operands = [evaluator(operand) for operand in node.operands]
        subscripts = einsum_subscripts(node)
        return lambda environment, sizes: np.einsum(
            subscripts, *(operand(environment, sizes) for operand in operands), optimize=True
        )
    if isinstance(node, Applied):
        matrix, function = evaluator(node.of), MATRIX_FUNCTIONS[node.operation]
        return lambda environment, sizes: function(matrix(environment, sizes))
    assert isinstance(node, Pointwise)  # diagonals are asked for by writers alone
    return _pointwise(node)


def _where(node: Where) -> Evaluator:
    inner, axes = evaluator(node.of), node.axes
    fill = -np.inf if node.lowest else 0.0

    def masked(environment: Environment, sizes: Mapping[sp.Symbol, int]) -> Any:
        value = np.asarray(inner(environment, sizes))
        if value.ndim < len(axes):  # a number
            counts = [int(size.xreplace(sizes)) for size in node.sizes]
            value = np.broadcast_to(value, counts)
        grid = {index_symbol(axis): np.arange(count).reshape(-1, *[1] * (len(axes) - place - 1))
                for place, (axis, count) in enumerate(zip(axes, value.shape, strict=True))}
        mask = np.asarray(True)
        for guard in node.guards:
            mask = mask & holds(guard, environment, grid, sizes)
        return np.where(mask, value, fill)

    return masked


def _leaf(node: Leaf) -> Evaluator:
    name = node.array
    if not node.part:
        return lambda environment, sizes: environment[name]
    places = [place_of(place) for place in node.part]
    if name == RANGE:
        (place,), runs = places, bool(node.axes)

        def numbers(environment: Environment, sizes: Mapping[sp.Symbol, int]) -> Any:
            found = place(sizes)
            return np.arange(found.start, found.stop, found.step) if runs else found

        return numbers
    if all(place is None for place in node.part[1:]) and node.part[0] is not None:
        first = places[0]  # x[t]
        return lambda environment, sizes: environment[name][first(sizes)]
    return lambda environment, sizes: environment[name][
        tuple([place(sizes) for place in places])
    ]


def place_of(place: Place) -> Callable[[Mapping[sp.Symbol, int]], Any]:
    """A place along an axis as an index that NumPy takes."""
    if place is None:
        return lambda sizes: slice(None)
    if not isinstance(place, Span):
        return integer(place)
    start, stop, step = integer(place.start), integer(place.stop), place.step
    return lambda sizes: slice(start(sizes), stop(sizes), step)


def _total(node: Total) -> Evaluator:
    inner = evaluator(node.of)
    # From the end: a value may lack leading axes that nothing in it has.
    last = len(node.of.axes)
    axes = tuple(place - last for place, axis in enumerate(node.of.axes) if axis in node.over)
    reductions: dict[str, Callable[..., Any]] = {
        "sum": np.sum, "max": np.max, "logsumexp": logsumexp
    }
    reduce = reductions[node.reduction]
    return lambda environment, sizes: reduce(inner(environment, sizes), axis=axes)


def logsumexp(z: NDArray[Any], axis: tuple[int, ...]) -> Any:
    """log Σ exp z over some axes; the largest entry is taken out, so nothing overflows."""
    top = np.max(z, axis=axis, keepdims=True)
    return np.squeeze(top, axis) + np.log(np.sum(np.exp(z - top), axis=axis))


def softmax(z: NDArray[Any], axis: int) -> NDArray[Any]:
    """exp z / Σ exp z along an axis; the largest entry is taken out, so nothing overflows."""
    powers = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return np.asarray(powers / np.sum(powers, axis=axis, keepdims=True))


def log_softmax(z: NDArray[Any], axis: int) -> NDArray[Any]:
    """log softmax z along an axis, finite where the probability underflows."""
    below = z - np.max(z, axis=axis, keepdims=True)
    return np.asarray(below - np.log(np.sum(np.exp(below), axis=axis, keepdims=True)))


def _pointwise(node: Pointwise) -> Evaluator:
    arguments = [evaluator(argument) for argument in node.arguments]
    places = [alignment(present(argument), node.axes) for argument in node.arguments]
    symbols = tuple(sorted((s for s in node.body.free_symbols if s.is_integer), key=str))
    body = scalar(node.body, len(arguments), symbols)

    def apply(environment: Environment, sizes: Mapping[sp.Symbol, int]) -> Any:
        values = [
            place(argument(environment, sizes))
            for argument, place in zip(arguments, places, strict=True)
        ]
        return body(*values, *(sizes[symbol] for symbol in symbols))

    return apply
