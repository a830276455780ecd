"""What is read of a formula: nodes that know where they stand, and errors that say it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NoReturn


class LatexError(ValueError):
    """A formula that is not of the dialect, or has no meaning here; says where and why.

    `place` is the column (from 1) in the text that was read.
    """

    def __init__(self, message: str, place: int = 0) -> None:
        super().__init__(message)
        self.place = place


class NoLayerError(Exception):
    """A formula for any layer, read for one that has not all the arrays in it."""


class GrownError(Exception):
    """The system that a formula is read into has grown meanwhile: it is read once more."""


Kind = Literal[
    "number", "name", "op", "product", "sum", "group", "fraction", "root", "scripts", "big",
    "matrix", "row", "list", "chain", "relation", "words", "sign", "down", "up", "prime",
]


@dataclass(frozen=True)
class Node:
    """A place in a formula.

    `text` is the number, the name, the operator, the bracket; `font` of a name is "cal", "bb", or
    "" for all that only make it bold or upright.  Of "scripts" the first part is what carries them.
    """

    kind: Kind
    text: str = ""
    start: int = 0
    end: int = 0
    parts: tuple[Node, ...] = ()
    font: str = ""

    def all(self) -> Iterator[Node]:
        """This node and every one within it."""
        yield self
        for part in self.parts:
            yield from part.all()


@dataclass(frozen=True)
class Source:
    """The text of a formula, for messages that point into it."""

    text: str

    def fail(self, node: Node | int, message: str) -> NoReturn:
        start = node if isinstance(node, int) else node.start
        raise LatexError(self.located(start, message), start + 1)

    def located(self, start: int, message: str) -> str:
        """The message with its column and a caret under the text."""
        before = self.text.rfind("\n", 0, start) + 1
        line = self.text[before:].split("\n", 1)[0]
        column = start - before
        left = max(0, column - 50)
        shown = line[left:left + 90].replace("\t", " ")
        number = self.text.count("\n", 0, start) + 1
        where = f"column {column + 1}"
        if "\n" in self.text:
            where = f"line {number}, {where}"
        return f"{where}: {message}\n  {shown}\n  {' ' * (column - left)}^"

    def of(self, node: Node) -> str:
        """The text of a part."""
        return " ".join(self.text[node.start:node.end].split())
