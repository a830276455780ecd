"""The first wrong line, in words: where hand-written code computes what the derivation does not."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from linecache import getline

import sympy as sp

from gradproof.checks.subject import Subject
from gradproof.repair.search import Repair
from gradproof.symbolic.display.text_and_latex import factor_text
from gradproof.codegen.interpret import evaluate
from gradproof.symbolic.equation import EquationError, is_unnamed
from gradproof.symbolic.proof.demands import Blame, Demands, due_of
from gradproof.symbolic.proof.first_wrong import Wrong
from gradproof.symbolic.proof.meanings import meanings
from gradproof.symbolic.proof.prover import Prover
from gradproof.symbolic.tracing.source import SourceLine


def first_wrong_line(
    prover: Prover, subject: Subject, pairs: Mapping[str, str], refuted: Sequence[str]
) -> tuple[str, SourceLine | None]:
    """Where the hand-written code first computes what the derivation does not.

    pairs: the array of the hand-written code that is the gradient by each name.
    """
    assert subject.hand is not None
    blame = _blamed(prover, subject, pairs, refuted)
    if blame is not None:
        return _said(blame, prover, subject)
    name = refuted[0]
    wrong = prover.first_wrong(subject.of[name], pairs[name]) or Wrong(pairs[name])
    place = subject.hand.lines.get(wrong.right)
    known = _inputs(subject)
    named = wrong.right if place is None or _is_users(wrong.right, known) else ""
    text = "first wrong: " + ", ".join(part for part in (named, str(place or "")) if part)
    if wrong.instead is not None:
        primal = {bar: source for source, bar in subject.of.items()}.get(wrong.instead)
        if primal is not None and _is_users(primal, known):
            text += f"\n    it should be the loss's gradient by {primal}"
            if wrong.ratio is not None and sayable(wrong.ratio, known):
                text += f": multiply by {factor_text(wrong.ratio)}"
    return text, place


def _blamed(
    prover: Prover, subject: Subject, pairs: Mapping[str, str], refuted: Sequence[str]
) -> Blame | None:
    """The first line that cannot make what all the gradients need of it."""
    if subject.chain is None or subject.hand is None or not prover.points:
        return None
    due = {pairs[name]: due_of(prover.points, subject.of[name], pairs[name],
                               is_wrong=name in refuted) for name in pairs}
    try:
        known = meanings(subject.chain, prover.points, evaluate)
    except EquationError:
        return None
    walk = Demands(subject.hand.system, prover.points, evaluate, known, subject.hand.stacks)
    return next(iter(walk.blamed(due)), None)


def _said(blame: Blame, prover: Prover, subject: Subject) -> tuple[str, SourceLine]:
    """A line that is blamed, in words."""
    known = _inputs(subject)
    place = SourceLine(blame.place.filename, blame.place.line,
                       getline(blame.place.filename, blame.place.line).strip())
    named = [blame.name] if _is_users(blame.name, known) else []
    text = "first wrong: " + ", ".join([*named, str(place)])
    return text, place


def _inputs(subject: Subject) -> list[str]:
    return [] if subject.derived is None else [array.name for array in subject.derived.inputs]


def repaired_line(repair: Repair) -> SourceLine:
    """The line that a verified repair changes."""
    return SourceLine(repair.file, repair.line, repair.old.partition("\n")[0].strip())


def sayable(expr: sp.Expr, known: Collection[str]) -> bool:
    """Whether an expression has no names but those of the user's."""
    return all(_is_users(str(symbol), known) for symbol in expr.free_symbols)


def _is_users(name: str, known: Collection[str]) -> bool:
    """Whether a name is the user's own, and not one that a trace has made."""
    return name in known or not (is_unnamed(name) or re.search(r"_(given|\d+)$", name))
