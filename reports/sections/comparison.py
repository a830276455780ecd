"""The three-way comparison: derived, hand-written and finite differences, as it was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..content import Block, Bullets, Code, Listing, Paragraph, Prose, Section, Table
from .error_curve import ErrorCurve, error_blocks

ENTRIES = 12
"""Entries shown for one check."""

VERDICTS = {
    "proved": "the hand-written program, traced into equations, equals the derived gradient for "
    "all values within the scope, over the real numbers",
    "agrees": "not traced, but equal within the error bound at the points tried",
    "refuted": "differs by more than the error bound",
    "undecided": "neither could be shown; the reason is named below",
}


@dataclass(frozen=True)
class CheckEntry:
    """One entry of a gradient by each of the three; None where one of them has no value."""

    at: str
    derived: float | None
    hand: float | None
    difference: float | None


@dataclass(frozen=True)
class CheckRow:
    """What a check found for one quantity.

    verdict: proved, agrees, refuted or undecided.  scope: for which sizes and values it holds.
    bound: the error bound of the finite difference.  worst_hand: the largest difference between
    the derived and the hand-written gradient; worst_numeric: between the derived one and the
    finite difference.  diagnosis: the smallest edit that would make it right, if it is refuted.
    """

    name: str
    verdict: str
    scope: str = ""
    bound: float | None = None
    worst_hand: float | None = None
    worst_numeric: float | None = None
    entries: Sequence[CheckEntry] = ()
    diagnosis: str = ""
    notes: Sequence[str] = ()
    method: str = "finite difference"


@dataclass(frozen=True)
class Comparison:
    """What a check found: a row for each gradient, what the program first computes wrong, and the
    edit that mends it (lines of a program, "-" what is there and "+" what should be);
    `errors`, what difference quotients of one entry are off by at each step."""

    rows: Sequence[CheckRow]
    first_wrong: str = ""
    repair: str = ""
    errors: ErrorCurve | None = None


def comparison_section(comparison: Comparison) -> Section:
    """Verdicts first, then what is wrong, then entries side by side."""
    checks = comparison.rows
    methods = dict.fromkeys(check.method for check in checks)
    method = " or ".join(methods) or "finite difference"
    header: tuple[Prose, ...] = (
        ("gradient by",), ("verdict",), ("scope",), ("hand differs by",),
        ("numeric differs by",), ("error bound",),
    )
    rows = [
        ((Code(check.name),), (check.verdict,), (check.scope,), (_number(check.worst_hand),),
         (_number(check.worst_numeric),), (_number(check.bound),))
        for check in checks
    ]
    blocks: list[Block] = [
        Paragraph((
            "Each gradient was compared three ways: as derived above, as written by hand, and by "
            f"a {method} of the loss, which knows nothing of either. The error bound is that of "
            f"the {method}, from its step and the working precision.",
        )),
        Bullets(tuple((f"{word}: {meaning}.",) for word, meaning in VERDICTS.items()
                      if any(check.verdict == word for check in checks))),
        Table(header, tuple(rows), "lllrrr"),
    ]
    notes: list[Prose] = []
    for check in checks:
        if check.diagnosis:
            notes.append((Code(check.name), ": ", check.diagnosis))
        notes += [(Code(check.name), ": ", note) for note in check.notes]
    if notes:
        blocks.append(Bullets(tuple(notes)))
    if comparison.first_wrong:
        blocks.append(Paragraph((f"{comparison.first_wrong[:1].upper()}"
                                 f"{comparison.first_wrong[1:].rstrip('.')}.",)))
    if comparison.repair:
        blocks += [Paragraph(("The repair:",)), Listing(comparison.repair, "diff")]
    blocks += _side_by_side(checks, method)
    if comparison.errors is not None:
        blocks += error_blocks(comparison.errors)
    return Section(("Comparison: derived, hand-written, measured",), tuple(blocks),
                   name="comparison")


def _side_by_side(checks: Sequence[CheckRow], method: str) -> list[Block]:
    """The first entries of each gradient by each of the three."""
    entries = [(check, entry) for check in checks for entry in check.entries[:ENTRIES]]
    if not entries:
        return []
    left_out = sum(max(0, len(check.entries) - ENTRIES) for check in checks)
    more = f" {left_out} further entries are left out." if left_out else ""
    if any(entry.difference is None for _, entry in entries):
        more += f" The {method} was measured for some of them; – stands for the others."
    rows = tuple(
        ((Code(f"{check.name}{entry.at}"),), (_entry(entry.derived),), (_entry(entry.hand),),
         (_entry(entry.difference),))
        for check, entry in entries
    )
    header: tuple[Prose, ...] = (("entry",), ("derived",), ("hand-written",), (method,))
    return [Paragraph((f"Entries side by side, subscripts counted from 0 as in the program.{more}",
                       )), Table(header, rows, "lddd")]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"


def _entry(value: float | None) -> str:
    return "–" if value is None else f"{value:.12g}"
