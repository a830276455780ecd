"""The first wrong line, in words: where hand-written code computes what the derivation does not."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import sympy as sp

from gradproof.checks.causes.demands import Blame, Demands
from gradproof.checks.causes.meanings import meanings
from gradproof.checks.causes.remedies import Remedies
from gradproof.checks.causes.renaming import renamed, renamed_before
from gradproof.checks.subject import Subject
from gradproof.codegen.interpret import evaluate
from gradproof.repair.search import Repair
from gradproof.symbolic.display.text_and_latex import factor_text
from gradproof.symbolic.equation import EquationError, is_unnamed
from gradproof.symbolic.places import SourceLine
from gradproof.symbolic.proof.first_wrong import Wrong, pointwise_ratio
from gradproof.symbolic.proof.prover import Prover
from gradproof.symbolic.tracing.source import line_of

_BACKWARD = re.compile(r"(?i)d_?[a-z]{0,2}\d*|d[A-Z_]\w*|delta\w*|grad\w*|err\w*|g_?\w{0,2}")
"""What quantities of a backward pass are called, by which nobody differentiates."""


class FirstWrong(NamedTuple):
    """The first wrong line in words, and where it is.

    is_forward: what it computes is a value of the forward pass, so that it may as well be read
    wrongly further on.
    """

    text: str = ""
    place: SourceLine | None = None
    is_forward: bool = False


def first_wrong_line(
    prover: Prover, subject: Subject, pairs: Mapping[str, str], refuted: Sequence[str]
) -> FirstWrong:
    """Where the hand-written code first computes what the derivation does not.

    pairs: the array of the hand-written code that is the gradient by each name.
    """
    assert subject.hand is not None
    walk = _walk(prover, subject)
    blame = walk.first_wrong(pairs, refuted, subject.of) if walk is not None else None
    if blame is not None:
        assert walk is not None
        return _said(blame, walk, prover, subject)
    name = refuted[0]
    wrong = prover.first_wrong(subject.of[name], pairs[name]) or Wrong(pairs[name])
    place = subject.hand.lines.get(wrong.right)
    if place is None:  # made before, or elsewhere
        return FirstWrong()
    text = _headed(wrong.right, place, _inputs(subject))
    if wrong.instead is not None:
        primal = {bar: source for source, bar in subject.of.items()}.get(wrong.instead)
        text += _due_gradient(primal, wrong.ratio, _inputs(subject))
    return FirstWrong(text, place)


def _walk(prover: Prover, subject: Subject) -> Demands | None:
    """What knows the quantities of the derivation; None where it says nothing of them."""
    if subject.chain is None or subject.hand is None or not prover.points:
        return None
    try:
        known = meanings(subject.chain, prover.points, evaluate, subject.weights)
    except EquationError:
        return None
    return Demands(Remedies(subject.hand.system, prover.points, evaluate, known),
                   subject.hand.stacks)


def _said(
    blame: Blame, walk: Demands, prover: Prover, subject: Subject
) -> FirstWrong:
    """A line that is blamed, in words, and what is due on it where that has a name."""
    known, other = _inputs(subject), _under_another_name(blame)
    place = line_of(blame.place.filename, blame.place.line if other is None else other)
    text = _headed(blame.name if other is None else "", place, known)
    users = [name for name in walk.order if _is_users(name, known)]
    meaning, primal = blame.due.meaning, _primal(blame, walk, [*users, *known])
    if blame.read:
        due = walk.remedies.called(blame.due.values, [*users, *known])
        if not due and primal and not walk.remedies.is_multiple(blame.read, blame.due):
            due = f"the loss's gradient by {primal}"
        if due and re.search(rf"\b{re.escape(blame.read)}\b(?!\s*=)", place.text):
            text += f"\n    {due} is due where it reads {blame.read}"
    elif meaning is not None and primal not in subject.wrt:
        bar = subject.of.get(meaning.name, "")
        ratio = pointwise_ratio(prover, bar, blame.name) if bar in prover.shapes[0] else None
        text += _due_gradient(primal, None if ratio is None else ratio.value * blame.due.factor,
                              known, blame.due.factor)
    made = walk.remedies.quantity(blame.name)
    return FirstWrong(text, place, made is not None and made.role == "forward")


def _under_another_name(blame: Blame) -> int | None:
    """The line that gave a right value the wrong name, where a name is what is wrong."""
    if blame.is_quantity:
        return renamed(blame.place.filename, blame.place.line)
    if blame.read and blame.due.factor == 1:
        return renamed_before(blame.place.filename, blame.place.line, _plain(blame.read))
    return None


def _primal(blame: Blame, walk: Demands, names: Sequence[str]) -> str:
    """What the program calls the array by which a gradient is due; empty where that is not known.
    """
    if blame.due.meaning is None or not blame.due.is_adjoint:
        return ""
    forward = next((m.values for m in walk.remedies.known if m.role == "forward"
                    and m.name == blame.due.meaning.name), None)
    named = [name for name in names if not _BACKWARD.fullmatch(name)]
    return "" if forward is None else walk.remedies.called(forward, named)


def _plain(name: str) -> str:
    """The user's name of an array whose name has a number, as it is not the first of that name."""
    return re.sub(r"_\d+$", "", name)


def _headed(name: str, place: SourceLine | None, known: Collection[str]) -> str:
    named = name if place is None or _is_users(name, known) else ""
    return "first wrong: " + ", ".join(part for part in (named, str(place or "")) if part)


def _due_gradient(
    primal: str | None, ratio: sp.Expr | None, known: Collection[str],
    scale: sp.Expr = sp.S.One,
) -> str:
    """That an array is to be the gradient by another, and what it is to be multiplied by; the
    factor alone where the other has no name.

    scale: what the gradient is to be multiplied by, as those that read the array divide by it.
    """
    times = "" if scale == 1 else f"{factor_text(scale)} × "
    factor = f"multiply by {factor_text(ratio)}" if ratio is not None and sayable(
        ratio, known) else ""
    due = f"it should be {times}the loss's gradient by {primal}" if primal and _is_users(
        primal, known) else ""
    said = ": ".join(filter(None, (due, factor)))
    return said and f"\n    {said}"


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
