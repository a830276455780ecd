"""What a document is made of, as plain data: no markup, no file format.

Prose is a tuple of runs: text as it is read (escaped when it is rendered), mathematics, code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import TypeAlias

from .drawing import Drawing


@dataclass(frozen=True)
class Math:
    """Inline mathematics, in LaTeX."""

    latex: str


@dataclass(frozen=True)
class Code:
    """A name or a line of a program, inline."""

    text: str


@dataclass(frozen=True)
class Ref:
    """An equation of the same document, by the number that is printed beside it: "(3)"."""

    label: str


Run: TypeAlias = str | Math | Code | Ref
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


def summands(latex: str) -> tuple[str, ...]:
    """A right side in pieces that begin with their signs, for a row that has to be broken."""
    return tuple(split(latex, r" [-+](?= )"))


def split(latex: str, signs: str, depth: int = 0) -> list[str]:
    """A formula in pieces, each but the first begun by one of the signs (a pattern) that stands in
    at most so many brackets; not in what may not be parted: braces, \\left ... \\right.

    >>> split(r"a + (b + c) - \\frac{d + e}{f}", r" [-+](?= )")
    ['a', ' + (b + c)', ' - \\\\frac{d + e}{f}']
    """
    found, brackets, held, start = [], 0, 0, 0
    for token in re.finditer(rf"(?P<held>{_HELD})|(?P<bracket>{_BRACKET})|{signs}", latex):
        text = token[0]
        if token["held"]:
            held += 1 if text in "{" or text.startswith((r"\left", r"\lbrace")) else -1
        elif token["bracket"]:
            brackets += 1 if text in "([" or text == r"\lvert" else -1
        elif not held and brackets <= depth and latex[start : token.start()].strip():
            found.append(latex[start : token.start()])
            start = token.start()
    return [part for part in (*found, latex[start:]) if part.strip()] or [latex]


_HELD = r"\\(?:left|right)(?:\\[a-zA-Z]+|\\?[^\sa-zA-Z])|\\[lr]brace(?![a-zA-Z])|(?<!\\)[{}]"
_BRACKET = r"[()\[\]]|\\[lr]vert(?![a-zA-Z])"


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
    """Formulas set off from the text, one below the other; `label` is printed beside the first,
    `labels` beside each ("" for none)."""

    formulas: tuple[Relation, ...]
    label: str = ""
    labels: tuple[str, ...] = ()
    kind: str = field(default="display", init=False)

    @property
    def tagged(self) -> tuple[tuple[Relation, str], ...]:
        """Each formula with what is printed beside it."""
        labels = self.labels or (self.label,)
        return tuple(zip(self.formulas, chain(labels, repeat("")), strict=False))


@dataclass(frozen=True)
class Worked:
    """Worked entries of one array, `lines`, and the array's value at once, `whole`.

    `left_out` says which entries have no line; empty where all have one, so that a medium that
    cannot fold the lines away need not print the whole.
    """

    lines: Display
    whole: Relation | None = None
    left_out: Prose = ()
    kind: str = field(default="worked", init=False)


@dataclass(frozen=True)
class Table:
    """`align` has a letter a column: l, r, or d for numbers that stand with their decimal points
    below one another.  `about` names the arrays that each row defines, where rows do."""

    header: tuple[Prose, ...]
    rows: tuple[tuple[Prose, ...], ...]
    align: str
    about: tuple[tuple[str, ...], ...] = ()
    kind: str = field(default="table", init=False)


@dataclass(frozen=True)
class Listing:
    """A program, as it stands."""

    text: str
    language: str = "python"
    kind: str = field(default="listing", init=False)


@dataclass(frozen=True)
class Picture:
    """A drawing; `caption` is also its alternative text."""

    caption: Prose
    drawing: Drawing
    kind: str = field(default="picture", init=False)


Block: TypeAlias = Paragraph | Bullets | Display | Worked | Table | Listing | Picture


@dataclass(frozen=True)
class Section:
    """A heading and what stands under it; `level` counts from 2 (1 is the document's title).

    `name` is what a reader asks for it by; parts of a section (level 3) have none.
    """

    title: Prose
    blocks: tuple[Block, ...]
    level: int = 2
    name: str = ""


def plain(prose: Prose) -> str:
    """Prose as bare text, for an alternative text or a file's title."""
    return "".join(run if isinstance(run, str) else getattr(run, "latex", "")
                   or getattr(run, "text", "") or getattr(run, "label", "") for run in prose)
