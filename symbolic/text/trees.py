"""What the text of formulas is read into: places in a tree, statements, and the source that
messages point into."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NoReturn

import sympy as sp

from ..limits import LimitError, number


class FormulaError(ValueError):
    """Text that is no formula, or names and shapes in it that do not fit; says where and why."""


Kind = Literal[
    "number", "string", "name", "call", "unary", "binary", "compare", "transpose", "tuple",
    "subscript", "slice", "nothing",
]


@dataclass(frozen=True)
class Node:
    """A place in the tree; `text` is the number, the name, or the operator."""

    kind: Kind
    text: str
    line: int
    column: int
    arguments: tuple[Node, ...] = ()
    keywords: tuple[tuple[str, Node], ...] = ()
    depth: int = 0


@dataclass(frozen=True)
class Statement:
    """``name = value`` or ``name[at] = value``; the name is empty where the text has none.

    `steps` are the index and the size of ``for t in range(T)`` behind it.
    """

    name: str
    value: Node
    line: int
    column: int
    at: Node | None = None
    steps: tuple[str, Node] | None = None


@dataclass(frozen=True)
class Source:
    """The text of formulas, for messages that point into it."""

    text: str

    def fail(self, node: Node | Statement | Token, message: str) -> NoReturn:
        raise FormulaError(self.located(node, message))

    def located(self, node: Node | Statement | Token, message: str) -> str:
        """The message with its line, its column, and a caret under the text."""
        lines = self.text.split("\n")
        shown = lines[node.line - 1] if node.line <= len(lines) else ""
        place = f"column {node.column}"
        if len(lines) > 1:
            place = f"line {node.line}, {place}"
        start = max(0, node.column - 60)
        excerpt = shown[start : start + 100].replace("\t", " ")
        return f"{place}: {message}\n  {excerpt}\n  {' ' * (node.column - 1 - start)}^"


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    line: int
    column: int

    def __str__(self) -> str:
        return {"end": "the end of the line", "stop": "the end of the text"}.get(
            self.kind, repr(self.text)
        )


def nearest(name: str, known: Iterable[str]) -> str:
    """A clause with the known name that looks most like `name`, or with all of them."""
    names = sorted(known)
    found = difflib.get_close_matches(name, names, 1, 0.6)
    return f"did you mean {found[0]!r}?" if found else f"known: {', '.join(names) or 'none'}"


def exact_number(node: Node, source: Source) -> sp.Rational:
    """A decimal as it is written: 0.1 is 1/10."""
    try:
        found = number(node.text)
    except LimitError as error:
        source.fail(node, str(error))
    return sp.Rational(found.numerator, found.denominator)
