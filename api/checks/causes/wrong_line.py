"""The first wrong line, in words: where hand-written code computes what the derivation does not."""

from __future__ import annotations

import re
from collections.abc import Collection

import sympy as sp

from gradproof.checks.subject import Subject
from gradproof.repair.search import Repair
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
        known = [] if subject.derived is None else [a.name for a in subject.derived.inputs]
        primal = {bar: source for source, bar in subject.of.items()}.get(wrong.instead)
        meant = "a gradient of the loss"
        if primal is not None and _is_users(primal, known):
            meant = f"the loss's gradient by {primal}"
        text += f"\n    it should be {meant}"
        if wrong.ratio is not None and sayable(wrong.ratio, known):
            text += f": multiply by {factor_text(wrong.ratio)}"
        elif primal is None or not _is_users(primal, known):
            text = text.partition("\n")[0]
    return text, place


def repaired_line(repair: Repair) -> SourceLine:
    """The line that a verified repair changes."""
    return SourceLine(repair.file, repair.line, repair.old.partition("\n")[0].strip())


def sayable(expr: sp.Expr, known: Collection[str]) -> bool:
    """Whether an expression has no names but those of the user's."""
    return all(_is_users(str(symbol), known) for symbol in expr.free_symbols)


def _is_users(name: str, known: Collection[str]) -> bool:
    """Whether a name is the user's own, and not one that a trace has made."""
    return name in known or not (is_unnamed(name) or re.search(r"_(given|\d+)$", name))
