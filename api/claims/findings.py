"""What an audit finds of a claim, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["right", "rounded", "depends", "undecided", "wrong", "unread"]

ORDER: tuple[Verdict, ...] = ("right", "rounded", "depends", "undecided", "unread", "wrong")
"""From what is fine to what is not."""
FINE: tuple[Verdict, ...] = ("right", "rounded")


@dataclass(frozen=True)
class Finding:
    """A claim and what is known of it.

    verdict: "right" (proved for all values, or the rounding of the exact figure); "rounded" (what
    the rounded figures before it give, not the rounding of the exact one); "depends" (right in one
    reading and wrong in another: `questions` asks which is meant); "undecided"; "wrong"; "unread".
    why: what was found.  exact, error: the exact figure, and stated minus exact.
    diagnosis: what would make a wrong claim right.
    """

    claim: str
    verdict: Verdict
    why: str = ""
    exact: str = ""
    error: str = ""
    diagnosis: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    where: str = ""
    kind: str = "formula"


def worst(findings: Sequence[Finding]) -> Finding:
    """The finding that decides over several."""
    return max(findings, key=lambda finding: ORDER.index(finding.verdict))
