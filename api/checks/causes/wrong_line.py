"""The first wrong line, in words: where hand-written code computes what the derivation does not."""

from __future__ import annotations

from gradproof.checks.subject import Subject
from gradproof.symbolic.display.text_and_latex import factor_text
from gradproof.symbolic.equation import is_unnamed
from gradproof.symbolic.proof.first_wrong import Wrong
from gradproof.symbolic.proof.prover import Prover
from gradproof.symbolic.tracing.source import SourceLine


def first_wrong_line(
    prover: Prover, subject: Subject, name: str, array: str
) -> tuple[str, SourceLine | None]:
    """Where the hand-written code first computes what the derivation does not."""
    assert subject.hand is not None
    wrong = prover.first_wrong(subject.of[name], array) or Wrong(array)
    place = subject.hand.lines.get(wrong.right)
    unnamed = is_unnamed(wrong.right)
    named = "" if unnamed and place else wrong.right
    text = "first wrong: " + ", ".join(part for part in (named, str(place or "")) if part)
    if wrong.instead is not None:
        primal = {bar: source for source, bar in subject.of.items()}.get(wrong.instead)
        meant = f"the loss's gradient by {primal}" if primal else wrong.instead
        text += f"\n    it should be {meant}"
        if wrong.ratio is not None:
            text += f": multiply by {factor_text(wrong.ratio)}"
    return text, place
