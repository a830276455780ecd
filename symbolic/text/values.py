"""Values in the text of equations: what a part of a statement stands for, and how it is put
together with others; names and statements are not known here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import sympy as sp

from ..equation import Size, slot
from ..layers.builder import Builder, Operand, ShapeError, broadcast
from ..shapes import never_negative
from ..tracing.functions.words import Words
from ..tracing.session import Dtype
from .formula import applied
from .trees import Node, Source


@dataclass(frozen=True)
class Value:
    """f(operands), entry by entry: what a part of a statement stands for before it is named."""

    body: sp.Expr
    operands: tuple[Operand, ...] = ()
    shape: tuple[Size, ...] = ()

    def __str__(self) -> str:
        if self.body == slot(0) and len(self.operands) == 1:
            return str(self.operands[0])
        if not self.operands:
            return str(self.body)
        return f"an array of shape ({', '.join(map(str, self.shape))})"


class Values(ABC):
    """Operations on values, which append to a builder and fail with a place in the source."""

    @abstractmethod
    def value(self, node: Node) -> Value:
        """What a part of a statement stands for."""

    @abstractmethod
    def derivative(self, node: Node, output: Operand, by: Operand) -> Operand:
        """The derivative of an array of the equations so far."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.builder = Builder()
        self.words = Words(self.builder, self.holds)
        self.types: dict[str, Dtype] = {}
        """By name, arrays whose entries are no floats: integers, truth values."""

    def holds(self, value: sp.Expr) -> bool:
        """Whether a number made of sizes is never negative."""
        return never_negative(value)

    def pointwise(
        self, node: Node, body: Callable[..., sp.Expr], *at: Value, flat: bool = False
    ) -> Value:
        """body(*at) entry by entry; `flat` gives an argument with branches an equation of its own,
        as pieces in the conditions of pieces are slow to order."""
        values = [
            entries(self.settle(value)) if flat and value.body.has(sp.Piecewise) else value
            for value in at
        ]
        try:
            shape = broadcast(*(value.shape for value in values))
        except ShapeError as error:
            self.source.fail(node, f"{error}{_advice(values)}")
        operands = tuple(dict.fromkeys(o for value in values for o in value.operands))
        bodies = [
            value.body.xreplace(
                {slot(k): slot(operands.index(o)) for k, o in enumerate(value.operands)}
            )
            for value in values
        ]
        return Value(applied(self.source, node, body, bodies), operands, shape)

    def settle(self, value: Value) -> Operand:
        """The value as an array with a name."""
        if value.body == slot(0) and len(value.operands) == 1:
            return value.operands[0]
        return self.builder.pointwise(value.body, *value.operands)

    def product(self, node: Node, left: Operand, right: Operand) -> Value:
        return self.shaped(node, lambda: self.builder.matmul(left, right))

    def shaped(self, node: Node, operation: Callable[[], Operand]) -> Value:
        try:
            return entries(operation())
        except ShapeError as error:
            self.source.fail(node, str(error))

    # --- arguments of functions -----------------------------------------------------------------

    def keywords(self, node: Node, allowed: Iterable[str]) -> dict[str, Node]:
        given = dict(node.keywords)
        for name, value in given.items():
            if name not in allowed:
                some = f"; it takes {' and '.join(allowed)}" if allowed else ""
                self.source.fail(value, f"{node.text} has no argument {name!r}{some}")
        return given

    def axes(self, node: Node, shape: tuple[Size, ...], default: int | None) -> list[int] | None:
        """The axes named by ``axis=``, counted from the front; None for all of them."""
        given = dict(node.keywords).get("axis")
        if given is None and len(node.arguments) == 2:
            given = node.arguments[1]
        if given is None:
            return None if default is None else [self._axis(node, default, shape)]
        if given.kind == "name" and given.text == "None":
            return None
        entries = given.arguments if given.kind == "tuple" else (given,)
        axes = [self.axis(entry, shape) for entry in entries]
        if len(set(axes)) < len(axes):
            self.source.fail(given, "an axis is given twice")
        return axes

    def axis(self, node: Node, shape: tuple[Size, ...]) -> int:
        """An axis counted from the front."""
        what = "an axis: a number such as 0 or -1, or several, such as (0, 1)"
        return self._axis(node, self.integer(node, what), shape)

    def integer(self, node: Node, what: str) -> int:
        """A small whole number as it is written."""
        sign, inner = (-1, node.arguments[0]) if node.kind == "unary" else (1, node)
        if inner.kind != "number" or not inner.text.isdigit() or len(inner.text) > 3:
            self.source.fail(node, f"expected {what}")
        return sign * int(inner.text)

    def size(self, node: Node) -> Size:
        """A size, stated with numbers and the names in shapes."""
        value = self.value(node)
        if value.operands or not (value.body.is_integer and self.holds(value.body - 1)):
            self.source.fail(node, f"expected a size, such as 3 or n where a shape names n, got "
                                   f"{value}")
        return value.body

    def _axis(self, node: Node, axis: int, shape: tuple[Size, ...]) -> int:
        if not -len(shape) <= axis < len(shape):
            shown = f"({', '.join(map(str, shape))})"
            self.source.fail(node, f"there is no axis {axis} in an array of shape {shown}")
        return axis % len(shape)

    def keepdims(self, node: Node) -> bool:
        given = dict(node.keywords).get("keepdims")
        if given is None:
            return False
        if given.kind != "name" or given.text not in ("True", "False"):
            self.source.fail(given, "keepdims is True or False")
        return given.text == "True"


def entries(operand: Operand) -> Value:
    """An array as the value of its entries."""
    return Value(slot(0), (operand,), operand.shape)


def _advice(values: list[Value]) -> str:
    named = [value for value in values if len(value.operands) == 1]
    shown = " and ".join(map(str, named))
    return f" ({shown})" if shown else ""
