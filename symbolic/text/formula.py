"""An activation as its user writes it, `z/(1+exp(-z))`, as an expression in ``functions.Z``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice

import sympy as sp

from ..elementwise import SCALARS, NotRealError, comparison, power, real_body, where
from ..functions import Z
from ..limits import LARGEST, MAX_BRANCHES, MAX_FORMULA, MAX_PARTS
from .grammar import parse_expression
from .trees import FormulaError, Node, Source, exact_number, nearest

CONSTANTS = {"pi": sp.pi, "e": sp.E}


def parse_formula(text: str, variable: str = "z") -> sp.Expr:
    """The scalar function of `variable` that `text` states, with every number exact.

    >>> parse_formula("max(0, z)")
    relu(z)
    >>> parse_formula("where(z > 0, z, 0.1*z)")
    Piecewise((z, z > 0), (z/10, True))

    Raises FormulaError, which points at the column, for text that is no such function.
    """
    if not isinstance(text, str):
        raise FormulaError(f'a formula is text such as "max(0, z)", got {type(text).__name__}')
    if len(text) > MAX_FORMULA:
        raise FormulaError(f"an activation has at most {MAX_FORMULA} characters, got {len(text)}")
    tree = parse_expression(text)
    return _Formula(Source(text), variable).value(tree)


class _Formula:
    """The walk of one tree."""

    def __init__(self, source: Source, variable: str) -> None:
        self.source = source
        self.variable = variable

    def value(self, node: Node) -> sp.Expr:
        match node.kind:
            case "number":
                return exact_number(node, self.source)
            case "name":
                return self._named(node)
            case "unary":
                return -self.value(node.arguments[0])
            case "binary":
                return self._binary(node)
            case "compare":
                left, right = map(self.value, node.arguments)
                self._branching(node, left, right)
                return self._applied(node, lambda *x: comparison(node.text, *x), left, right)
            case "call":
                return self._call(node)
            case "transpose":
                self.source.fail(node, "a formula is of one number; it has no transpose")
            case "string":
                self.source.fail(node, "a formula is of one number; it has no text in quotes")
            case "subscript":
                self.source.fail(node, "a formula is of one number; it has no entries to pick")
        self.source.fail(node, "expected one value between the parentheses")

    def _named(self, node: Node) -> sp.Expr:
        if node.text == self.variable:
            return Z
        if node.text in CONSTANTS:
            return CONSTANTS[node.text]
        if node.text in SCALARS:
            self.source.fail(node, f"{node.text} is a function; write {node.text}"
                                   f"({self.variable})")
        known = {self.variable, *CONSTANTS}
        self.source.fail(node, f"unknown name {node.text!r}; {nearest(node.text, known)}; the "
                               f"variable is {self.variable!r}")

    def _binary(self, node: Node) -> sp.Expr:
        spine = [node]
        while spine[-1].arguments[0].kind == "binary":
            spine.append(spine[-1].arguments[0])
        result = self.value(spine[-1].arguments[0])
        for part in reversed(spine):
            if part.text == "@":
                self.source.fail(part, "a formula is of one number; write * for a product")
            result = self._applied(part, OPERATORS[part.text], result,
                                   self.value(part.arguments[1]))
        return result

    def _call(self, node: Node) -> sp.Expr:
        name = node.text
        if name != "where" and name not in SCALARS:
            self.source.fail(node, f"unknown function {name!r}; "
                                   f"{nearest(name, {*SCALARS, 'where'})}")
        if node.keywords:
            self.source.fail(node.keywords[0][1], f"{name} has no argument "
                                                  f"{node.keywords[0][0]!r}")
        check_arity(self.source, node, 3 if name == "where" else SCALARS[name].arity)
        if name == "where":
            test = node.arguments[0]
            if test.kind != "compare":
                self.source.fail(test, "the first argument of where is a comparison such as "
                                       f"{self.variable} > 0")
            sides = [self.value(side) for side in (*test.arguments, *node.arguments[1:])]
            self._branching(node, *sides)
            if (sides[0] - sides[1]).has(sp.Piecewise):
                self.source.fail(test, "a condition cannot hold a maximum or a condition; compare "
                                       f"{self.variable} itself")
            return self._applied(node, lambda *x: where(test.text, *x), *sides)
        arguments = [self.value(argument) for argument in node.arguments]
        if SCALARS[name].branches:
            self._branching(node, *arguments)
        body = power if name in ("power", "pow") else SCALARS[name].body
        return self._applied(node, body, *arguments)

    def _branching(self, node: Node, *arguments: sp.Expr) -> None:
        if max(map(branch_depth, arguments)) >= MAX_BRANCHES:
            self.source.fail(node, f"maxima and conditions nest deeper than {MAX_BRANCHES} levels")
        compared = arguments[0] - arguments[1]
        if not compared.free_symbols and not compared.is_Rational:
            self.source.fail(node, f"compares two numbers, {arguments[0]} and {arguments[1]}; "
                                   f"put {self.variable} on one side")

    def _applied(self, node: Node, function: Callable[..., sp.Expr], *at: sp.Expr) -> sp.Expr:
        return applied(self.source, node, function, at)


def check_arity(source: Source, node: Node, arity: int) -> None:
    got = len(node.arguments)
    if got != arity:
        plural = "" if arity == 1 else "s"
        source.fail(node, f"{node.text} takes {arity} argument{plural}, got {got}")


def applied(
    source: Source, node: Node, function: Callable[..., sp.Expr], at: Sequence[sp.Expr]
) -> sp.Expr:
    """function(*at); what has no real value is an error at `node`."""
    try:
        body = real_body(sp.sympify(function(*at)))
        if len(list(islice(sp.preorder_traversal(body), MAX_PARTS))) == MAX_PARTS:
            raise NotRealError(f"has more than {MAX_PARTS} parts; state a simpler one")
        if any(abs(part) >= LARGEST for part in body.atoms(sp.Rational)):
            raise NotRealError("has a number beyond 1e308, which no array of numbers holds")
        return body
    except NotRealError as error:
        source.fail(node, f"{node.text} of {', '.join(map(_short, at))} {error}")
    except (ValueError, TypeError, ArithmeticError, RecursionError, NotImplementedError) as error:
        source.fail(node, f"{node.text} of {', '.join(map(_short, at))} has no exact value: "
                          f"{error}")


def _short(expression: sp.Expr) -> str:
    shown = str(expression)
    return shown if len(shown) <= 30 else shown[:27] + "..."


def branch_depth(body: sp.Basic) -> int:
    """How deep piecewise expressions nest in a body."""
    pieces = body.atoms(sp.Piecewise)
    return max((1 + max(map(branch_depth, piece.args)) for piece in pieces), default=0)


OPERATORS: dict[str, Callable[[sp.Expr, sp.Expr], sp.Expr]] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "**": power,
}
