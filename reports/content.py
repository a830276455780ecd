"""What a document is made of, as plain data: no markup, no file format.

Prose is a tuple of runs: text as it is read (escaped when it is rendered), mathematics, code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True)
class Math:
    """Inline mathematics, in LaTeX."""

    latex: str


@dataclass(frozen=True)
class Code:
    """A name or a line of a program, inline."""

    text: str


Run: TypeAlias = str | Math | Code
Prose: TypeAlias = tuple[Run, ...]


@dataclass(frozen=True)
class Side:
    """A relation and what stands right of it, in pieces between which a row may be broken."""

    relation: str
    chunks: tuple[str, ...]

    @property
    def latex(self) -> str:
        return "".join(self.chunks)


@dataclass(frozen=True)
class Relation:
    """left = side = side ...; `left` is empty where a formula continues an earlier one."""

    left: str
    sides: tuple[Side, ...]

    @property
    def latex(self) -> str:
        """On one row."""
        rest = " ".join(f"{side.relation} {side.latex}" for side in self.sides)
        return f"{self.left} {rest}".strip()


def sentence(text: str) -> Prose:
    """A sentence whose formulas stand between dollars, with a capital and a colon at its end."""
    runs = [Math(part) if place % 2 else part for place, part in enumerate(text.split("$"))]
    first, last = runs[0], runs[-1]
    if isinstance(first, str):
        runs[0] = first[:1].upper() + first[1:]
    if not isinstance(last, str) or not last.endswith((".", ":")):
        runs.append(":")
    return tuple(run for run in runs if run != "")


def equation(left: str, right: str, relation: str = "=") -> Relation:
    return Relation(left, (Side(relation, (right,)),))


@dataclass(frozen=True)
class Paragraph:
    prose: Prose
    kind: str = field(default="paragraph", init=False)


@dataclass(frozen=True)
class Bullets:
    items: tuple[Prose, ...]
    kind: str = field(default="bullets", init=False)


@dataclass(frozen=True)
class Display:
    """Formulas set off from the text, one below the other; `label` is printed beside the first."""

    formulas: tuple[Relation, ...]
    label: str = ""
    kind: str = field(default="display", init=False)


@dataclass(frozen=True)
class Table:
    """`align` has a letter a column: l or r."""

    header: tuple[Prose, ...]
    rows: tuple[tuple[Prose, ...], ...]
    align: str
    kind: str = field(default="table", init=False)


@dataclass(frozen=True)
class Listing:
    """A program, as it stands."""

    text: str
    language: str = "python"
    kind: str = field(default="listing", init=False)


@dataclass(frozen=True)
class Picture:
    """Where the figure of the network stands; `caption` is also its alternative text."""

    caption: Prose
    kind: str = field(default="picture", init=False)


Block: TypeAlias = Paragraph | Bullets | Display | Table | Listing | Picture


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it; `level` counts from 2 (1 is the document's title)."""

    title: Prose
    blocks: tuple[Block, ...]
    level: int = 2


def plain(prose: Prose) -> str:
    """Prose as bare text, for an alternative text or a file's title."""
    return "".join(run if isinstance(run, str) else getattr(run, "latex", "")
                   or getattr(run, "text", "") for run in prose)
