"""Single edits of a function: a small grammar of the slips that hands make, and nothing else.

An edit is a change at one slot of a syntax tree.  The rules that propose changes are in
:mod:`gradproof.repair.wrong_parts` (what is there is another) and
:mod:`gradproof.repair.missing_parts` (something is missing); they know the grammar of expressions
and what is in scope, no layer and no gradient.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from gradproof.repair.candidates import Ingredient
from gradproof.repair.in_scope import InScope
from gradproof.repair.program import FunctionSource


@dataclass(frozen=True)
class Slot:
    """Where a part of a tree hangs."""

    holder: Any
    field: str
    index: int | None = None

    def get(self) -> Any:
        found = getattr(self.holder, self.field)
        return found if self.index is None else found[self.index]

    def set(self, value: Any) -> None:
        if self.index is None:
            setattr(self.holder, self.field, value)
        else:
            getattr(self.holder, self.field)[self.index] = value


@dataclass(frozen=True)
class Change:
    """A rule's proposal for one place: its cost, what was wrong if it is right, the new tree.

    `new` is a tree (or a list of them), or what makes one.
    """

    cost: float
    what: str
    new: Any

    def make(self) -> Any:
        return self.new() if callable(self.new) else self.new


@dataclass(frozen=True)
class Edit:
    """One change of one function; `line` is where its statement begins."""

    source: FunctionSource
    slot: Slot
    change: Change
    line: int

    @contextmanager
    def applied(self) -> Iterator[Any]:
        """The function's tree with the edit, for as long as the context lasts; yields what is new.

        A product behind a product goes on with it, as x * a * (1 - a) is written.
        """
        old = self.slot.get()
        new = self.change.make()
        if isinstance(new, ast.expr) and not hasattr(new, "lineno"):
            ast.fix_missing_locations(ast.copy_location(new, old))
        elif isinstance(new, ast.stmt):
            ast.fix_missing_locations(new)
        self.slot.set(new)
        holder, left = self.slot.holder, None
        if self.slot.field == "right" and _is_product(holder) and _is_product(new):
            left, holder.left, holder.right = (
                holder.left, _goes_on(holder.left, new.left), new.right)
        try:
            yield new
        finally:
            self.slot.set(old)
            if left is not None:
                holder.left = left


@dataclass(frozen=True)
class Context:
    """Where an expression stands.

    level: "term" where a factor or a term put there is not the same edit elsewhere.
    ingredients: from which missing parts may be taken.
    shape: of the expression, at the first point; None where it is not known.
    constants: factors that the gradients suggest, each a coefficient and powers of sizes.
    numbers: those of the loss, by text.
    """

    scope: InScope
    level: str
    text: Callable[[ast.AST], str]
    ingredients: Sequence[Ingredient] = ()
    shape: tuple[int, ...] | None = None
    constants: Sequence[tuple[Fraction, dict[int, int]]] = ()
    numbers: Sequence[str] = ()


def _is_product(node: object) -> bool:
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)


def _goes_on(left: ast.expr, right: ast.expr) -> ast.expr:
    """left · right without brackets; where they stand is where they end."""
    if isinstance(right, ast.BinOp) and _is_product(right):
        left, right = _goes_on(left, right.left), right.right
    return ast.copy_location(ast.BinOp(left, ast.Mult(), right), right)


SYMBOLS: dict[type[ast.operator], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.MatMult: "@", ast.Pow: "**",
}


def binary(left: ast.expr, op: type[ast.operator], right: ast.expr) -> ast.expr:
    return ast.BinOp(left, op(), right)


def called(func: ast.expr, *args: ast.expr) -> ast.expr:
    return ast.Call(func, list(args), [])


def attribute(node: ast.expr, name: str) -> ast.expr:
    return ast.Attribute(node, name, ast.Load())


def function_name(node: ast.Call) -> str:
    """The last word of what is called."""
    func = node.func
    return func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")


def is_module(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("np", "numpy", "math")
