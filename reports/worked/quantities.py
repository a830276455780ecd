"""Quantities somebody names: `A1[1]`, `dW2[1]`, `W2.updated[1]`, `A2 * (1 - A2)`.

Subscripts count from 1, as in print; axes of size one may be left out.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from difflib import get_close_matches
from fractions import Fraction
from warnings import catch_warnings

import sympy as sp

from ...symbolic.display.layout import ATOM, POW, Piece, body
from ...symbolic.display.text_and_latex import LatexStyle
from ...symbolic.equation import slot
from ...symbolic.evaluator import NotComputableError
from ...symbolic.exact.numbers import Arithmetic, Value
from ...symbolic.exact.scalars import value_of
from ...symbolic.functions import ACTIVATIONS
from ...symbolic.limits import (
    MAX_BITS,
    MAX_EXPONENT,
    MAX_QUANTITY,
    MAX_QUANTITY_PARTS,
    number,
    power_bits,
)
from .figures import Figures, Place
from .lines import EntryNames

UPDATED = ".updated"
_LARGEST = 10**MAX_EXPONENT


class QuantityError(ValueError):
    """A quantity that cannot be found; the message says what there is."""


@dataclass(frozen=True)
class Quantity:
    """A number of an evaluated network, under the name somebody gave it."""

    latex: str
    value: Value


def quantity(text: str, names: EntryNames) -> Quantity:
    """The quantity that `text` names.

    Raises QuantityError for a name, a subscript or an operation that is not there, and for a part
    that is infinite or undefined at these values.
    """
    if len(text) > MAX_QUANTITY:
        raise QuantityError(f"a quantity has at most {MAX_QUANTITY} characters, got {len(text)}")
    try:
        with catch_warnings(action="ignore"):  # of Python about the text of numbers
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise QuantityError(f"{text!r} is no quantity; expected a name with subscripts such as "
                            "'A1[1]', or arithmetic on such names") from None
    if sum(1 for _ in ast.walk(tree)) > 3 * MAX_QUANTITY_PARTS:
        raise QuantityError(f"a quantity has at most {MAX_QUANTITY_PARTS} names, numbers and "
                            "operations")
    walk = _Walk(text, names)
    found = walk.value(tree)
    return Quantity(body(found.expression, walk.leaves, LatexStyle()).text, found.value)


@dataclass(frozen=True)
class _Part:
    """A part of a quantity: as it is printed, and its value."""

    expression: sp.Expr
    value: Value


@dataclass
class _Walk:
    text: str
    names: EntryNames
    leaves: list[Piece] = field(default_factory=list)

    @property
    def arithmetic(self) -> Arithmetic:
        return self.names.figures.arithmetic

    def value(self, node: ast.expr) -> _Part:
        """Every part is held to be a finite number: 0 times what is undefined is undefined."""
        found = self._part(node)
        if not self.arithmetic.is_finite(found.value):
            raise QuantityError(f"{self._of(node)} is infinite or undefined at these values")
        if abs(found.value) > _LARGEST:
            raise QuantityError(f"{self._of(node)} is larger than 1e{MAX_EXPONENT}")
        return found

    def _part(self, node: ast.expr) -> _Part:
        match node:
            case ast.Constant(value=int() | float() as written) if not isinstance(written, bool):
                try:
                    exactly = number(ast.get_source_segment(self.text.strip(), node) or written)
                except ValueError as error:
                    raise QuantityError(f"{self.text!r}: {error}") from None
                return _Part(sp.Rational(exactly.numerator, exactly.denominator), exactly)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                part = self.value(operand)
                return _Part(-part.expression, -part.value)
            case ast.BinOp(left=left, op=operator, right=right):
                return self._binary(node, operator, self.value(left), self.value(right))
            case ast.Call(func=ast.Name(id=name), args=[argument], keywords=[]):
                return self._call(node, name, self.value(argument))
            case ast.Name() | ast.Attribute() | ast.Subscript():
                return self._entry(node)
        raise QuantityError(f"{self.text!r}: {ast.unparse(node)} is neither a quantity nor "
                            "arithmetic on quantities")

    def _of(self, node: ast.expr) -> str:
        part = ast.unparse(node)
        return repr(part) if part == self.text.strip() else f"{self.text!r}: {part!r}"

    def _binary(
        self, node: ast.expr, operator: ast.operator, left: _Part, right: _Part
    ) -> _Part:
        x, y = left.expression, right.expression
        arithmetic = self.arithmetic
        match operator:
            case ast.Add():
                return _Part(x + y, arithmetic.add(left.value, right.value))
            case ast.Sub():
                return _Part(x - y, arithmetic.add(left.value, -right.value))
            case ast.Mult():
                return _Part(x * y, arithmetic.multiply(left.value, right.value))
            case ast.Div():
                if not right.value:
                    raise QuantityError(f"{self._of(node)} divides by 0 at these values")
                turned = arithmetic.power(right.value, Fraction(-1))
                return _Part(x / y, arithmetic.multiply(left.value, turned))
            case ast.Pow() if y.is_Integer and abs(y) < 100:
                if not left.value and right.value < 0:
                    raise QuantityError(f"{self._of(node)} divides by 0 at these values")
                if isinstance(left.value, Fraction) and (
                        power_bits(left.value, int(y)) > MAX_BITS):
                    raise QuantityError(f"{self._of(node)} has more than {MAX_BITS} bits")
                return _Part(x**y, arithmetic.power(left.value, right.value))
        raise QuantityError(f"{self.text!r}: only +, -, *, / and small whole powers are read")

    def _call(self, node: ast.expr, name: str, argument: _Part) -> _Part:
        function = {"exp": sp.exp, "log": sp.log, **ACTIVATIONS}.get(name)
        if function is None:
            raise QuantityError(f"{self.text!r}: no function {name!r}")
        if name == "exp" and abs(argument.value) > 3 * MAX_EXPONENT:
            raise QuantityError(f"{self._of(node)}: exp of a number beyond {3 * MAX_EXPONENT}")
        try:
            value = value_of(function(slot(0)), self.arithmetic, {slot(0): argument.value})
        except (NotComputableError, ArithmeticError) as error:
            raise QuantityError(f"{self._of(node)} has no value: {error}") from None
        return _Part(function(argument.expression), value)

    def _entry(self, node: ast.expr) -> _Part:
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
        return _Part(slotted, entries[name][place])

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
