"""How much of what was found an author is told, and what it is worth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from gradproof.checks.own_process.parent import Checked
    from gradproof.checks.results import Check

Hints = Literal["verdict", "line", "edit"]
LEVELS: tuple[Hints, ...] = get_args(Hints)
"""Each tells what the one before it does, and more."""

HELD = ("proved", "agrees")
"""The verdicts that earn points."""


@dataclass(frozen=True)
class Grading:
    """hints: "verdict", "line" (and what is wrong there) or "edit" (and what mends it).
    points: what all gradients of a function are worth together; None for 1 each."""

    hints: Hints = "edit"
    points: float | None = None

    def shares(self, answer: Checked) -> Iterator[tuple[Check, float, float]]:
        """Each gradient with the points that it earns and those that it may earn."""
        checks = list(answer.result or ())
        each = 1.0 if self.points is None else self.points / max(len(checks), 1)
        for check in checks:
            yield check, each if check.verdict in HELD else 0.0, each

    def possible(self, answer: Checked) -> float:
        """What a function that could not be checked would have been worth."""
        return 1.0 * max(len(answer.names), 1) if self.points is None else self.points

    def hint(self, answer: Checked, check: Check) -> str:
        """What an author is told of a gradient, in lines."""
        head = f"{check.name}: {check.verdict}"
        if check.verdict in HELD or answer.result is None:
            return head + (f", {check.scope}" if check.scope else "")
        if self.hints == "verdict":
            return head
        result, lines = answer.result, [head]
        if check.reason:
            lines.append(check.reason)
        first = next(other.name for other in result if other.verdict == check.verdict)
        if check.verdict == "refuted" and check.name == first and result.first_wrong:
            lines.append(result.first_wrong)
        if self.hints == "edit":
            if check.diagnosis:
                lines.append(check.diagnosis)
            if check.verdict == "refuted" and check.name == first and result.repair is not None:
                lines.append(f"repair: {result.repair}")
        return "\n".join(lines)
