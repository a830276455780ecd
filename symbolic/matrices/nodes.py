"""The nodes of matrix form: a small tree of the operations that people write.

    Xᵀ δ  ->  Product((Transposed(Leaf("X", ("i", "j"))), Leaf("δ", ("i", "k"))), ("j", "k"))

A node has no meaning for any target: :mod:`recognise` makes it of an equation, the writers of
formulas and of NumPy spell it.  Its axes are named by the equation's indices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import sympy as sp

from ..equation import Guard, Reduction, Size


@dataclass(frozen=True)
class Span:
    """A part of an axis: the places start, start + step, ... before stop."""

    start: sp.Expr
    stop: sp.Expr
    step: int = 1


Place: TypeAlias = sp.Expr | Span | None
"""Where an axis is read: at one place, over a part, or (None) as a whole."""


@dataclass(frozen=True)
class Leaf:
    """An array; `axes` are the equation's indices its axes run with ("" for a broadcast 0).

    `part` is empty for the whole array; else it has a :class:`Place` for each of the array's
    axes, and those read at one place are not among `axes`.
    """

    array: str
    axes: tuple[str, ...]
    part: tuple[Place, ...] = ()


@dataclass(frozen=True)
class Transposed:
    """A matrix, or each matrix of a stack, with its last two axes exchanged."""

    of: Node

    @property
    def axes(self) -> tuple[str, ...]:
        *lead, row, column = self.of.axes
        return (*lead, column, row)


@dataclass(frozen=True)
class Product:
    """A matrix product, left to right; a vector may stand at either end.

    Factors may be stacks of matrices, as in NumPy: leading axes go along, the last two multiply.
    """

    factors: tuple[Node, ...]
    axes: tuple[str, ...]


@dataclass(frozen=True)
class Outer:
    """column · row: every entry of one vector times every entry of the other."""

    column: Node
    row: Node

    @property
    def axes(self) -> tuple[str, ...]:
        return (*self.column.axes, *self.row.axes)


@dataclass(frozen=True)
class Total:
    """The sum (maximum, log Σ exp) of an array over some of its axes."""

    of: Node
    over: tuple[str, ...]
    reduction: Reduction = "sum"

    @property
    def axes(self) -> tuple[str, ...]:
        return tuple(axis for axis in self.of.axes if axis not in self.over)


class _AsInside:
    """What has the axes of what is inside."""

    of: Node

    @property
    def axes(self) -> tuple[str, ...]:
        return self.of.axes


@dataclass(frozen=True)
class Softmax(_AsInside):
    """exp(z)/Σ exp(z), or its logarithm, along the axis `over` of an array."""

    of: Node
    over: str
    log: bool


@dataclass(frozen=True)
class Where(_AsInside):
    """An array where guards hold, and zero (or -∞) elsewhere.

    `sizes` are those of its axes; a guard's other indices have a value where it is used.
    """

    of: Node
    guards: tuple[Guard, ...]
    sizes: tuple[Size, ...] = ()
    lowest: bool = False


@dataclass(frozen=True)
class Series(_AsInside):
    """The sum of matrix forms, one for each value of indices that stand as subscripts in them."""

    of: Node
    over: tuple[str, ...]


@dataclass(frozen=True)
class Einsum:
    """Any other contraction: the operands multiplied and summed over what is not in `axes`."""

    operands: tuple[Node, ...]
    axes: tuple[str, ...]


@dataclass(frozen=True)
class Pointwise:
    """A scalar body over arrays, entry by entry; an argument's missing axes are broadcast."""

    body: sp.Expr
    arguments: tuple[Node, ...]
    axes: tuple[str, ...]


@dataclass(frozen=True)
class Diagonal:
    """The matrix with a vector on its diagonal; the identity where `of` is None."""

    of: Node | None
    axes: tuple[str, ...]


@dataclass(frozen=True)
class Applied:
    """A named operation (an inverse, a determinant) on a matrix."""

    operation: Reduction
    of: Node
    axes: tuple[str, ...]


Node: TypeAlias = (
    Leaf | Transposed | Product | Outer | Total | Softmax | Where | Series | Einsum | Pointwise
    | Diagonal | Applied
)


def walk(node: Node) -> Iterator[Node]:
    """The node and everything in it."""
    yield node
    inner: tuple[Node, ...] = ()
    if isinstance(node, Transposed | Total | Softmax | Where | Series | Applied):
        inner = (node.of,)
    elif isinstance(node, Diagonal):
        inner = () if node.of is None else (node.of,)
    elif isinstance(node, Product):
        inner = node.factors
    elif isinstance(node, Outer):
        inner = (node.column, node.row)
    elif isinstance(node, Einsum):
        inner = node.operands
    elif isinstance(node, Pointwise):
        inner = node.arguments
    for part in inner:
        yield from walk(part)


def aligned(node: Node, axes: tuple[str, ...]) -> Node:
    """The node with its axes in the given order, where a transposition gives it."""
    if len(axes) >= 2 and node.axes == (*axes[:-2], axes[-1], axes[-2]):
        return node.of if isinstance(node, Transposed) else Transposed(node)
    return node
