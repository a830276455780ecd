"""Equations as text: `z1 = X @ W1 + b1; a1 = sigmoid(z1); L = sum((a1 - y)**2)/2`.

The text means what NumPy would mean by it, broadcasting included.  What is pointwise within a
statement becomes one equation; each product of matrices and each sum becomes an equation of its
own, named after the left side or t1, t2, ....  Statements `h[t] = ...` are a recurrence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import groupby
from typing import TypeAlias

import sympy as sp

from ..elementwise import SCALARS, comparison, power, where
from ..equation import Array, Equation, EquationError, System, is_unnamed, slot
from ..functions import Opaque
from ..layers.builder import Operand, ShapeError
from ..shapes import ShapeTextError, least_sizes, never_negative, parse_shape
from .array_functions import ARRAY_FUNCTIONS
from .formula import CONSTANTS, OPERATORS, check_arity, parse_formula
from .grammar import parse_statements
from .layer_functions import flat
from .numpy_words import called, one_of, picked
from .recurrences import Initial, Steps
from .trees import FormulaError, Node, Source, Statement, exact_number, nearest
from .unknowns import WORDS, is_solved_for, solved_for
from .values import Value, Values, entries

__all__ = ["FormulaError", "parse_equations", "parse_formula", "parse_shape"]

OUTPUT = "L"
"""The name of a last line that has none."""


Rule: TypeAlias = Callable[[System, str, str], tuple[System, str]]
"""Extends a system by the derivative of one of its arrays by another, and names it.  The rule is
none of the doors': whoever lets a text differentiate within itself brings it."""


def parse_equations(
    text: str, shapes: Mapping[str, str | Array], rule: Rule | None = None
) -> System:
    """The system that `text` states for inputs of the given shapes.

    >>> print(parse_equations("y = A @ x", {"A": "m n", "x": "n"}))
    y[i<m] = Σ_j<n A[i, j]*x[j]

    A name in a shape is a size and can be used as a number (`sum(x) / n`).  A last line without
    `=` is the output L.  Raises FormulaError with the line, the column and the shapes.
    """
    statements = parse_statements(text)
    if not statements:
        raise FormulaError('expected equations such as "L = sum(x**2)", got only comments')
    return _Equations(Source(text), shapes, statements, rule).system()


class _Equations(Values):
    """The walk of a text, with the arrays and sizes that have names."""

    def __init__(
        self, source: Source, shapes: Mapping[str, str | Array], statements: Iterable[Statement],
        rule: Rule | None,
    ) -> None:
        super().__init__(source)
        self._rule = rule
        self.values: dict[str, Operand] = {}
        self.sizes: dict[str, sp.Expr] = {}
        self.statements = list(statements)
        self.least: dict[str, int] = {}
        self.initials: dict[str, dict[sp.Expr, Initial]] = {}
        self.unbegun: dict[str, str] = {}
        self.steps: Steps | None = None
        for name, given in shapes.items():
            self._declare(name, given)

    def _declare(self, name: str, given: str | Array) -> None:
        if not name.isidentifier() or name.startswith("_"):
            raise FormulaError(f"input {name!r} needs a name such as x or W1")
        try:
            array = (
                replace(given, name=name)
                if isinstance(given, Array)
                else Array(name, parse_shape(given), least=least_sizes(given))
            )
        except ShapeTextError as error:
            raise FormulaError(f"input {name}: {error}") from error
        self.values[name] = self.builder.input(array)
        if array.is_integer:
            self.types[name] = "bool" if array.truths else "int"
            self.words.integers(name)
        self.least.update({size: max(self.least.get(size, 1), least)
                           for size, least in array.least})
        for size in (*array.shape, *([array.classes] if array.classes is not None else [])):
            self.sizes.update({str(symbol): symbol for symbol in size.free_symbols})

    def holds(self, value: sp.Expr) -> bool:
        return never_negative(
            value, [size for array in self.builder.inputs for size in array.shape], self.least)

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
        for looped, group in groupby(self.statements, self._step):
            if looped:
                self._loop(list(group))
            else:
                for statement in group:
                    self._assign(statement)
        try:
            return _read_at_all(self.builder.build())
        except EquationError as error:
            raise FormulaError(f"the equations do not fit together: {error}") from error

    def _check_target(self, statement: Statement, place: int) -> None:
        name = statement.name
        before = self.statements[:place]
        if statement.at is not None and not self._step(statement):  # h[-1] = ..., a place of it
            return
        earlier = {s.name for s in before if s.at is None or self._step(s)}
        if name in self.values or name in earlier:
            what = "an input" if name in self.values else "assigned already"
            self.source.fail(statement, f"{name!r} is {what}; each name is assigned once, so use "
                                        f"a new one, such as {name}_new")
        if name in self.sizes:
            self.source.fail(statement, f"{name!r} is a size in the shapes; use another name")
        if name.startswith("_"):
            self.source.fail(statement, "a name starts with a letter")

    def _assign(self, statement: Statement) -> None:
        if statement.at is not None:
            self._begin(statement)
            return
        if is_solved_for(statement):
            solved_for(self, statement, self.values)
            return
        self.values[statement.name] = self._made(statement)

    def _made(self, statement: Statement) -> Operand:
        """The value of a statement under its own name."""
        value = self.value(statement.value)
        name = statement.name
        named = self.values.keys() | (self.steps.done.keys() if self.steps else set())
        last = self.builder.equations[-1].name if self.builder.equations else ""
        if value.body == slot(0) and len(value.operands) == 1:  # not t + 0 x
            (made,) = (operand.name for operand in value.operands)
            if made == last and made not in named:
                return self.builder.rename_last(made, name)
        return self.builder.pointwise(value.body, *value.operands, name=name)

    # --- recurrences ----------------------------------------------------------------------------

    def _step(self, statement: Statement) -> str:
        """The loop's index, for a statement such as h[t] = ...; else empty."""
        at = statement.at
        return at.text if at is not None and at.kind == "name" and at.text not in self.sizes else ""

    def _begin(self, statement: Statement) -> None:
        """`h[-1] = ...`: what stands before the first step of a loop that follows."""
        node, name = statement.value, statement.name
        loops = [s for s in self.statements if self._step(s) and (
            s.name == name or name in self.values)]
        if not loops:
            self.source.fail(statement, f"{name}[...] = ... states what stands before the first "
                                        f"step of a recurrence, and no {name}[t] = ... follows")
        assert statement.at is not None
        place = self.value(statement.at).body
        given = self.initials.setdefault(name, {})
        if place in given:
            self.source.fail(statement, f"{name}[{place}] is stated twice")
        if node.kind == "call" and node.text == "zeros":
            self.keywords(node, ())
            given[place] = Initial(statement, None, tuple(map(self.size, flat(node.arguments))))
        else:
            operand = self.settle(self.value(node))
            given[place] = Initial(statement, operand, operand.shape)

    def _loop(self, group: list[Statement]) -> None:
        index = self._step(group[0])
        if index in self.sizes or index in self.values:
            what = "a size" if index in self.sizes else "an array"
            self.source.fail(group[0], f"{index!r} is {what}; use another name for the step")
        self.steps = Steps(self.source, self.builder, index, group, self.values, self.initials,
                           self._stated_size(index, group))
        for statement in group:
            self.steps.done[statement.name] = self._made(statement)
        try:
            self.values |= self.steps.close()
        except ShapeError as error:
            self.source.fail(group[0], str(error))
        for name in self.steps.unbegun():
            del self.values[name]
            self.unbegun[name] = f"{name}[0]" if self.steps.direction > 0 else (
                f"{name}[{self.steps.size - 1}]")
        self.steps = None

    def _stated_size(self, index: str, group: list[Statement]) -> sp.Expr | None:
        """How many steps `for t in range(T)` says that there are."""
        sizes = set()
        for statement in group:
            if statement.steps is not None:
                name, node = statement.steps
                if name != index:
                    self.source.fail(node, f"the step of this statement is {index}, not {name}")
                sizes.add(self.size(node))
        if len(sizes) > 1:
            self.source.fail(group[0], f"the statements of a loop have as many steps: {sizes}")
        return sizes.pop() if sizes else None

    def _subscript(self, node: Node) -> Value:
        """x[t] and h[t-1] in a loop; entries and ranges of axes elsewhere."""
        base, *key = node.arguments
        if self.steps is not None:
            found = self.steps.value(node, self.values)
            if found is not None:
                if (kind := self.types.get(base.text)) is not None:
                    self.types[found.name] = kind
                    self.words.integers(found.name)
                return picked(self, node, found, tuple(key[1:])) if key[1:] else entries(found)
        if base.kind == "call" and self._is_numpys(base) and len(key) == 1:
            several = called(self, base)
            if isinstance(several, tuple):
                return one_of(self, node, several, key[0])
            operand = self.settle(several)
        else:
            operand = self.settle(self.value(base))
        return picked(self, node, operand, tuple(key))

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
            case "subscript":
                return self._subscript(node)
            case "string":
                self.source.fail(node, "text in quotes is for the subscripts of einsum")
        self.source.fail(node, "expected one value between the parentheses")

    def derivative(self, node: Node, output: Operand, by: Operand) -> Operand:
        if self._rule is None:
            self.source.fail(node, f"{node.text} is for the text of equations")
        if self.steps is not None:
            self.source.fail(node, f"{node.text} stands inside of a recurrence; take the "
                                   "derivative of what the loop has computed, behind it")
        if output.name not in {equation.name for equation in self.builder.equations}:
            output = self.builder.pointwise(slot(0), output)
        try:
            system, name = self._rule(self.builder.build(), output.name, by.name)
        except EquationError as error:
            self.source.fail(node, str(error))
        self.builder.adopt(system)
        return Operand(name, system.shapes[name])

    def _named(self, node: Node) -> Value:
        name = node.text
        if self.steps is not None and name in self.steps.defined:
            self.source.fail(node, f"{name} is computed step by step here; write "
                                   f"{name}[{self.steps.index}] or {name}[{self.steps.index}-1]")
        if name in self.values:
            return entries(self.values[name])
        if name in self.unbegun:
            self.source.fail(node, f"{name} has no value where its loop has not begun; state "
                                   f"{self.unbegun[name]} before it")
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
        if self._is_numpys(node):
            found = called(self, node)
            if isinstance(found, tuple):
                self.source.fail(node, f"{name} gives {len(found)} values; take one of them, such "
                                       f"as {name}(...)[0]")
            return found
        if name in WORDS:
            self.source.fail(node, f"{name} stands by itself behind the name of what it finds: "
                                   f"x = {name}(..., start=zeros(n))")
        if name not in SCALARS:
            known = {*SCALARS, *ARRAY_FUNCTIONS, *self.words.known(), "where"}
            self.source.fail(node, f"unknown function {name!r}; {nearest(name, known)}")
        self.keywords(node, ())
        check_arity(self.source, node, SCALARS[name].arity)
        body = power if name in ("power", "pow") else SCALARS[name].body
        arguments = [self.value(argument) for argument in node.arguments]
        if isinstance(body, type) and issubclass(body, Opaque):
            arguments = [self._before_activation(value) for value in arguments]
        return self.pointwise(node, body, *arguments, flat=SCALARS[name].branches)

    def _is_numpys(self, node: Node) -> bool:
        """Whether a call is of a function that the text has no row for and NumPy has."""
        own = node.text in ARRAY_FUNCTIONS or node.text in SCALARS or node.text == "where"
        return not own and node.text in self.words.known()

    def _before_activation(self, value: Value) -> Value:
        """The value, a sum with products of matrices in it under a name of its own: people give
        z = x W + b a name, and its adjoint δ is what the gradients share."""
        addends = sp.Add.make_args(value.body)
        linear = len(addends) > 1 and all(a.as_coeff_Mul()[1].is_Symbol for a in addends)
        products = {e.name for e in self.builder.equations if any(t.over for t in e.terms)}
        made = {o.name for o in value.operands} - self.values.keys()
        return entries(self.settle(value)) if linear and made & products else value

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


def _read_at_all(system: System) -> System:
    """The system without what a function made on its way and nothing reads, such as an arange."""
    items = list(system.items)
    read = {read.array for equation in system.equations for read in equation.reads}
    for place in reversed(range(len(items) - 1)):
        item = items[place]
        if isinstance(item, Equation) and is_unnamed(item.name) and read.isdisjoint(
                (item.name, *item.argmax)):
            del items[place]
            return _read_at_all(replace(system, items=tuple(items)))
    return system
