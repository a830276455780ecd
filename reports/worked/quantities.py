"""Quantities somebody names: `A1[1]`, `dW2[1]`, `W2.updated[1]`, `A2 * (1 - A2)`.

Subscripts count from 1, as in print; axes of size one may be left out.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from difflib import get_close_matches
from fractions import Fraction

import sympy as sp

from ...symbolic.display.layout import ATOM, POW, Piece, body
from ...symbolic.display.text_and_latex import LatexStyle
from ...symbolic.equation import slot
from ...symbolic.exact.numbers import Value
from ...symbolic.exact.scalars import value_of
from ...symbolic.functions import ACTIVATIONS
from .figures import Figures, Place
from .lines import EntryNames

UPDATED = ".updated"


class QuantityError(ValueError):
    """A quantity that cannot be found; the message says what there is."""


@dataclass(frozen=True)
class Quantity:
    """A number of an evaluated network, under the name somebody gave it."""

    latex: str
    value: Value


def quantity(text: str, names: EntryNames) -> Quantity:
    """The quantity that `text` names.

    Raises QuantityError for a name, a subscript or an operation that is not there.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError:
        raise QuantityError(f"{text!r} is no quantity; expected a name with subscripts such as "
                            "'A1[1]', or arithmetic on such names") from None
    walk = _Walk(text, names)
    expression = walk.value(tree)
    figures = names.figures
    known = {slot(place): value for place, value in enumerate(walk.values)}
    value = value_of(expression, figures.arithmetic, known)
    return Quantity(body(expression, walk.leaves, LatexStyle()).text, value)


@dataclass
class _Walk:
    text: str
    names: EntryNames
    leaves: list[Piece] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)

    def value(self, node: ast.expr) -> sp.Expr:
        match node:
            case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
                return sp.Rational(repr(number))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.value(operand)
            case ast.BinOp(left=left, op=operator, right=right):
                return self._binary(operator, self.value(left), self.value(right))
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]):
                return self._call(name, self.value(argument))
            case ast.Name() | ast.Attribute() | ast.Subscript():
                return self._entry(node)
        raise QuantityError(f"{self.text!r}: {ast.unparse(node)} is neither a quantity nor "
                            "arithmetic on quantities")

    def _binary(self, operator: ast.operator, left: sp.Expr, right: sp.Expr) -> sp.Expr:
        match operator:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.Div() if right != 0:
                return left / right
            case ast.Pow() if right.is_Integer and abs(right) < 100:
                return left**right
        raise QuantityError(f"{self.text!r}: only +, -, *, / and small whole powers are read")

    def _call(self, name: str, argument: sp.Expr) -> sp.Expr:
        function = {"exp": sp.exp, "log": sp.log, **ACTIVATIONS}.get(name)
        if function is None:
            raise QuantityError(f"{self.text!r}: no function {name!r}")
        return function(argument)

    def _entry(self, node: ast.expr) -> sp.Expr:
        subscripts: list[int] = []
        if isinstance(node, ast.Subscript):
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            for part in parts:
                if not isinstance(part, ast.Constant) or not isinstance(part.value, int):
                    raise QuantityError(f"{self.text!r}: subscripts are whole numbers from 1")
                subscripts.append(part.value)
            node = node.value
        name = ast.unparse(node)
        entries = self.names.figures.entries
        if name not in entries:
            near = get_close_matches(name, list(entries), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(entries)}"
            raise QuantityError(f"{self.text!r}: no quantity {name!r}{hint}")
        place = self._place(name, subscripts)
        slotted = slot(len(self.leaves))
        text = self._printed(name, place)
        self.leaves.append(Piece(text, POW if text.startswith(r"\frac") else ATOM))
        self.values.append(entries[name][place])
        return slotted

    def _place(self, name: str, subscripts: list[int]) -> Place:
        shape = self.names.figures.shapes[name]
        long = [axis for axis, size in enumerate(shape) if size != 1]
        axes = range(len(shape)) if len(subscripts) == len(shape) else long
        if len(subscripts) != len(axes):
            raise QuantityError(f"{self.text!r}: {name} has shape {shape}, so it takes "
                                f"{len(long)} subscripts, got {len(subscripts)}")
        place = [0] * len(shape)
        for axis, subscript in zip(axes, subscripts, strict=True):
            if not 1 <= subscript <= shape[axis]:
                raise QuantityError(f"{self.text!r}: subscript {subscript} is outside 1 to "
                                    f"{shape[axis]}")
            place[axis] = subscript - 1
        return tuple(place)

    def _printed(self, name: str, place: Place) -> str:
        if not name.endswith(UPDATED):
            return self.names.entry(name, place)
        at = self.names.subscripts(name, place)
        return updated_name(self.names, name.removesuffix(UPDATED), at)


def updated_name(names: EntryNames, parameter: str, at: list[str]) -> str:
    """An entry after the update, marked as new."""
    return names.writer.name(parameter, [*at, r"\mathrm{new}"] if at else [r"\mathrm{new}"],
                             latex=True)


def with_updates(figures: Figures, gradients: dict[str, str], rate: Fraction) -> None:
    """Adds every parameter after one step of gradient descent, as ``W1.updated``."""
    arithmetic = figures.arithmetic
    for parameter, gradient in gradients.items():
        figures.shapes[parameter + UPDATED] = figures.shapes[parameter]
        figures.entries[parameter + UPDATED] = {
            place: arithmetic.add(old, arithmetic.multiply(-rate, figures[gradient][place]))
            for place, old in figures[parameter].items()
        }
