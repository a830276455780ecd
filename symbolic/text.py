"""Equations as text: `z1 = X @ W1 + b1; a1 = sigmoid(z1); L = sum((a1 - y)**2)/2`.

The text means what NumPy would mean by it, broadcasting included.  What is pointwise within a
statement becomes one equation; each product of matrices and each sum becomes an equation of its
own, named after the left side or t1, t2, ....
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import sympy as sp

from .algebra import Operand
from .elementwise import SCALARS, comparison, power, where
from .equation import Array, EquationError, System, slot
from .formula import CONSTANTS, OPERATORS, check_arity, parse_formula
from .grammar import FormulaError, Node, Source, Statement, exact_number, nearest, parse_statements
from .shapes import ShapeTextError, parse_shape
from .text_functions import ARRAY_FUNCTIONS
from .text_values import Value, Values, entries

__all__ = ["FormulaError", "parse_equations", "parse_formula", "parse_shape"]

OUTPUT = "L"
"""The name of a last line that has none."""


def parse_equations(text: str, shapes: Mapping[str, str | Array]) -> System:
    """The system that `text` states for inputs of the given shapes.

    >>> print(parse_equations("y = A @ x", {"A": "m n", "x": "n"}))
    y[i<m] = Σ_j<n A[i, j]*x[j]

    A name in a shape is a size and can be used as a number (`sum(x) / n`).  A last line without
    `=` is the output L.  Raises FormulaError with the line, the column and the shapes.
    """
    statements = parse_statements(text)
    if not statements:
        raise FormulaError('expected equations such as "L = sum(x**2)", got only comments')
    return _Equations(Source(text), shapes, statements).system()


class _Equations(Values):
    """The walk of a text, with the arrays and sizes that have names."""

    def __init__(
        self, source: Source, shapes: Mapping[str, str | Array], statements: Iterable[Statement]
    ) -> None:
        super().__init__(source)
        self.values: dict[str, Operand] = {}
        self.sizes: dict[str, sp.Expr] = {}
        self.statements = list(statements)
        for name, given in shapes.items():
            self._declare(name, given)

    def _declare(self, name: str, given: str | Array) -> None:
        if not name.isidentifier() or name.startswith("_"):
            raise FormulaError(f"input {name!r} needs a name such as x or W1")
        try:
            array = (
                replace(given, name=name)
                if isinstance(given, Array)
                else Array(name, parse_shape(given))
            )
        except ShapeTextError as error:
            raise FormulaError(f"input {name}: {error}") from error
        self.values[name] = self.builder.input(array)
        for size in (*array.shape, *([array.classes] if array.classes is not None else [])):
            self.sizes.update({str(symbol): symbol for symbol in size.free_symbols})

    def system(self) -> System:
        for name in self.values.keys() & self.sizes.keys():
            raise FormulaError(f"{name!r} names an input and a size; rename one of them")
        for place, statement in enumerate(self.statements):
            if not statement.name:
                if place + 1 < len(self.statements):
                    self.source.fail(statement, "expected 'name = ...'; only the last line can go "
                                                "without a name")
                self.statements[place] = replace(statement, name=OUTPUT)
            self._check_target(self.statements[place], place)
            self.builder.reserve(self.statements[place].name)
        for statement in self.statements:
            self._assign(statement)
        try:
            return self.builder.build()
        except EquationError as error:
            raise FormulaError(f"the equations do not fit together: {error}") from error

    def _check_target(self, statement: Statement, place: int) -> None:
        name = statement.name
        earlier = {other.name for other in self.statements[:place]}
        if name in self.values or name in earlier:
            what = "an input" if name in self.values else "assigned already"
            self.source.fail(statement, f"{name!r} is {what}; each name is assigned once, so use "
                                        f"a new one, such as {name}_new")
        if name in self.sizes:
            self.source.fail(statement, f"{name!r} is a size in the shapes; use another name")
        if name.startswith("_"):
            self.source.fail(statement, "a name starts with a letter")

    def _assign(self, statement: Statement) -> None:
        value = self.value(statement.value)
        name = statement.name
        made = value.operands[-1].name if value.operands else ""
        if value.body == slot(0) and made not in self.values:
            self.values[name] = self.builder.rename_last(made, name)
        else:
            self.values[name] = self.builder.pointwise(value.body, *value.operands, name=name)

    # --- values ---------------------------------------------------------------------------------

    def value(self, node: Node) -> Value:
        match node.kind:
            case "number":
                return Value(exact_number(node, self.source))
            case "name":
                return self._named(node)
            case "unary":
                return self.pointwise(node, lambda x: -x, self.value(node.arguments[0]))
            case "binary":
                return self._binary(node)
            case "compare":
                left, right = map(self.value, node.arguments)
                return self.pointwise(node, lambda x, y: comparison(node.text, x, y), left, right)
            case "transpose":
                operand = self.settle(self.value(node.arguments[0]))
                return entries(operand if operand.ndim < 2 else self.builder.transpose(operand))
            case "call":
                return self._call(node)
            case "string":
                self.source.fail(node, "text in quotes is for the subscripts of einsum")
        self.source.fail(node, "expected one value between the parentheses")

    def _named(self, node: Node) -> Value:
        name = node.text
        if name in self.values:
            return entries(self.values[name])
        if name in self.sizes:
            return Value(self.sizes[name])
        if name in CONSTANTS:
            return Value(CONSTANTS[name])
        later = next((s for s in self.statements if s.name == name), None)
        if later is not None:
            self.source.fail(node, f"{name!r} is used before line {later.line} assigns it")
        known = {*self.values, *self.sizes}
        if name in SCALARS or name in ARRAY_FUNCTIONS:
            self.source.fail(node, f"{name} is a function; write {name}(...)")
        self.source.fail(node, f"unknown name {name!r}; {nearest(name, known)}; an input needs a "
                               f'shape, such as {name}="m n"')

    def _binary(self, node: Node) -> Value:
        spine = [node]
        while spine[-1].arguments[0].kind == "binary":
            spine.append(spine[-1].arguments[0])
        result = self.value(spine[-1].arguments[0])
        for part in reversed(spine):
            right = self.value(part.arguments[1])
            if part.text == "@":
                result = self.product(part, self.settle(result), self.settle(right))
            else:
                result = self.pointwise(part, OPERATORS[part.text], result, right)
        return result

    def _call(self, node: Node) -> Value:
        name = node.text
        if name == "where":
            return self._where(node)
        if name in ARRAY_FUNCTIONS and not (name in SCALARS and len(node.arguments) == 2):
            return ARRAY_FUNCTIONS[name](
                self, node, lambda place: self.value(node.arguments[place])
            )
        if name not in SCALARS:
            known = {*SCALARS, *ARRAY_FUNCTIONS, "where"}
            self.source.fail(node, f"unknown function {name!r}; {nearest(name, known)}")
        self.keywords(node, ())
        check_arity(self.source, node, SCALARS[name].arity)
        arguments = [self.value(argument) for argument in node.arguments]
        body = power if name in ("power", "pow") else SCALARS[name].body
        return self.pointwise(node, body, *arguments, flat=SCALARS[name].branches)

    def _where(self, node: Node) -> Value:
        self.keywords(node, ())
        check_arity(self.source, node, 3)
        test, yes, no = node.arguments
        if test.kind == "compare":
            sides = [self.value(side) for side in (*test.arguments, yes, no)]
            return self.pointwise(node, lambda *x: where(test.text, *x), *sides, flat=True)
        sides = [self.value(side) for side in node.arguments]
        return self.pointwise(
            node, lambda c, a, b: where("!=", c, sp.S.Zero, a, b), *sides, flat=True
        )
