"""Proof and numbers weighed: the verdict on every gradient of a subject."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import sympy as sp

from gradproof.checks.branches import branch_points
from gradproof.checks.measuring import Numbers
from gradproof.checks.other_targets import right_for
from gradproof.checks.points import Point
from gradproof.checks.repair_search import suggested_factors, suspicion
from gradproof.checks.results import Check, CheckResult
from gradproof.checks.returned import keys_for
from gradproof.checks.subject import Subject
from gradproof.codegen.interpret import evaluate
from gradproof.numeric import (
    Comparison,
    diagnose,
)
from gradproof.repair.search import SECONDS, Search, find_repair
from gradproof.symbolic.display.text_and_latex import factor_text
from gradproof.symbolic.equation import System, is_unnamed, size_names
from gradproof.symbolic.proof.first_wrong import Wrong
from gradproof.symbolic.proof.prover import Proof, Prover
from gradproof.symbolic.tracing.run import Place

SAMPLE = 12
"""Entries of a gradient that a result carries for show."""


def judge(
    subject: Subject, points: Sequence[Point], alternatives: Iterable[Subject] = (),
    repair_seconds: float = SECONDS,
) -> CheckResult:
    """Proof and numbers for every gradient, and what follows from both.

    alternatives: the same under further assumptions, for where the proofs fail without.
    """
    rerun = subject.rerun
    proofs, prover, pairs = _proofs(subject)
    if not all(proof.equal for proof in proofs.values()):
        for other in alternatives:
            found = _proofs(other)
            if _settled(found[0]) > _settled(proofs):
                subject, (proofs, prover, pairs) = other, found
    numbers = Numbers(subject)
    for point in points:
        numbers.look_at(point)
    open_ = [name for name in subject.wrt if name not in proofs or not proofs[name].equal]
    if open_ and not numbers.failure and not numbers.shapes and not numbers.refuted(open_):
        further, unmet = branch_points(subject, points)  # a proof would cover every branch
        for point in further:
            numbers.look_at(point)
        for name in open_:
            numbers.notes[name].update(dict.fromkeys(unmet))
        points = [*points, *further]
    checks = tuple(_verdict(name, subject, proofs.get(name), numbers) for name in subject.wrt)
    checks = right_for(numbers, points, checks)
    wrong, place = "", None
    if prover is not None and subject.hand is not None:
        for made in checks:
            if made.verdict == "refuted" and made.name in pairs:
                wrong, place = _first_wrong(prover, subject, made.name, pairs[made.name])
                break
    result = CheckResult(checks, wrong, place, unasked=subject.keyed.unasked)
    failing = [made.name for made in checks if made.verdict == "refuted" or numbers.failure]
    if rerun is None or repair_seconds <= 0 or not failing:
        return result
    arrays = [pairs[name] for name in failing if name in pairs]
    search = Search(
        rerun.function, rerun.bound, numbers.targets(points), failing,
        suspicion(prover, subject.hand, arrays, place),
        suggested_factors(numbers.observed, failing), rerun.verdict, subject.loose_units,
        rerun.loss, keys_for,
    )
    repair, unrepaired = find_repair(search, repair_seconds)
    return replace(result, repair=repair, unrepaired=unrepaired)


def _proofs(
    subject: Subject,
) -> tuple[dict[str, Proof], Prover | None, dict[str, str]]:
    if subject.derived is None or subject.hand is None:
        return {}, None, {}
    try:
        found = subject.asked.by_name(subject.hand.result)
    except ValueError:
        return {}, None, {}
    pairs = {name: found[name] for name in subject.wrt if isinstance(found[name], str)}
    data = {array.name for array in subject.derived.inputs} - {*subject.wrt}
    prover = Prover(subject.derived, subject.hand.system, _evaluate, data=data)
    proofs = prover.prove({subject.of[name]: array for name, array in pairs.items()})
    return {name: proofs[subject.of[name]] for name in pairs}, prover, pairs


def _settled(proofs: Mapping[str, Proof]) -> tuple[int, int]:
    """How many are proved, and for how many a factor is known."""
    return (sum(proof.equal is True for proof in proofs.values()),
            sum(proof.ratio is not None for proof in proofs.values()))


def _evaluate(system: System, values: Mapping[str, Any], sizes: Mapping[str, int]) -> Any:
    return evaluate(system, values, sizes)


def _first_wrong(
    prover: Prover, subject: Subject, name: str, array: str
) -> tuple[str, Place | None]:
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


def _verdict(name: str, subject: Subject, proof: Proof | None, numbers: Numbers) -> Check:
    """One gradient's verdict from its proof and its numbers."""
    looked = numbers.comparisons.get(name, [])
    notes = tuple(numbers.notes[name])
    if numbers.failure:
        return Check(name, "undecided", reason=numbers.failure, notes=notes)
    if name in numbers.shapes:
        return Check(name, "refuted", reason=f"the gradient {numbers.shapes[name]}", notes=notes)
    base = _measured(name, numbers, looked, notes)
    if doubt := subject.keyed.doubt(name):
        return replace(base, verdict="undecided", reason=doubt)
    refuted = [(point, c) for point, c in looked if c.verdict == "refuted"]
    if refuted and refuted[0][0].elsewhere and subject.hand is None:
        return replace(base, verdict="undecided",
                       reason=f"right at the given arrays, differs at {refuted[0][0]}; whether "
                              f"these sizes are meant is not known ({subject.reason})")
    if refuted:
        reason = f"differs at {refuted[0][0]}"
        if refuted[0][0].elsewhere:
            reason = f"right at the given arrays, differs at other sizes: at {refuted[0][0]}"
        if proof is not None and proof.equal:
            reason += ("; the formulas are proved equal, so this is the program's arithmetic "
                       "(overflow, rounding, or dtype)")
        return replace(base, verdict="refuted", scope="", reason=reason,
                       diagnosis=_diagnosis(name, proof, numbers))
    open_ = [c for _, c in looked if c.verdict == "undecided"]
    if proof is not None and proof.equal:
        extra = tuple(f"numbers undecided: {c.reason}" for c in open_[:1])
        assumed = dict.fromkeys((*proof.assumptions, *_trace_assumptions(subject)))
        named = {text.partition("[")[0].partition(" ")[0] for text in proof.kinks}
        further = (text for text in subject.kinks if text.partition(" ")[0] not in named)
        return replace(base, verdict="proved", scope=_scope(subject), notes=(*notes, *extra),
                       assumptions=tuple(assumed), kinks=(*proof.kinks, *further))
    if open_ or not looked:
        return replace(base, verdict="undecided",
                       reason=open_[0].reason if open_ else "no point could be looked at")
    where = "; ".join(str(point) for point, _ in looked if point.sizes or point.given)
    scope = f"at {len(looked)} point{'s' * (len(looked) > 1)}" + (f" ({where})" if where else "")
    why = subject.reason or (proof.reason if proof is not None else "")
    if proof is not None and proof.equal is False:
        difference = _diagnosis(name, proof, numbers)
        return replace(base, verdict="refuted", reason=f"the formulas differ: {proof.reason}",
                       diagnosis=difference)
    return replace(base, verdict="agrees", scope=scope,
                   reason=f"not proved: {why}" if why else "")


def _measured(
    name: str, numbers: Numbers, looked: Sequence[tuple[Point, Comparison]],
    notes: tuple[str, ...],
) -> Check:
    """The numbers of a check: bounds, the largest difference, the worst entry's three values."""
    bounds = [c.bound for _, c in looked if c.verdict != "undecided"]
    worst, entry, pinned, method = 0.0, None, False, "finite difference"
    apart = float("nan")
    hand = derived = witness = float("nan")
    sample: tuple[tuple[tuple[int, ...], float, float, float], ...] = ()
    for (point, comparison), (claimed, true, _) in zip(
        looked, numbers.observed.get(name, []), strict=True
    ):
        claimed, true = np.asarray(claimed, dtype=float), np.asarray(true, dtype=float)
        gap = np.abs(claimed - true)
        if gap.size == 0:
            continue
        measured = np.abs(comparison.witness - true)
        if not np.all(np.isnan(measured)):
            widest = float(np.nanmax(measured))
            apart = widest if np.isnan(apart) else max(apart, widest)
        if not sample or point.given:
            sample = tuple(
                (at, float(true[at]), float(claimed[at]), float(comparison.witness[at]))
                for at in islice(np.ndindex(*gap.shape), SAMPLE)
            )
        largest = float(np.nanmax(gap)) if not np.all(np.isnan(gap)) else float("nan")
        worst = max(worst, largest) if largest == largest else worst
        decides = comparison.verdict == "refuted" and not pinned
        if entry is None or decides or (largest >= worst and not pinned):
            pinned = pinned or decides  # the point that a refutation names is the one shown
            place = tuple(int(p) for p in np.unravel_index(int(np.nanargmax(gap)), gap.shape)) \
                if largest == largest else (0,) * gap.ndim
            if decides and comparison.wrong and comparison.wrong[0].entry is not None:
                place = tuple(int(p) for p in comparison.wrong[0].entry)
            entry, hand, derived = place, float(claimed[place]), float(true[place])
            witness = float(comparison.witness[place])
            method = comparison.method_at(place)
    return Check(name, "agrees", bound=max(bounds, default=float("nan")), difference=worst,
                 entry=entry, hand=hand, derived=derived, witness=witness, method=method,
                 witness_difference=apart, sample=sample, notes=notes)


def _diagnosis(name: str, proof: Proof | None, numbers: Numbers) -> str:
    """What would make it right: from the normal forms where they say, else from the numbers."""
    if proof is not None and proof.ratio is not None and not proof.ratio.is_zero:
        inverse, factor = 1 / proof.ratio, factor_text(proof.ratio)
        if inverse.has(sp.zoo, sp.nan, sp.oo):  # a step is no factor to divide by
            return f"derived = {factor} × hand-written: multiply by {factor} (exact, for all sizes)"
        return (f"hand-written = {factor_text(inverse)} × derived: multiply by {factor} "
                "(exact, for all sizes)")
    found = diagnose(numbers.observed[name]) if numbers.observed.get(name) else None
    if found is not None and found.kind != "equal":
        return found.text
    return ""


def _scope(subject: Subject) -> str:
    assert subject.derived is not None
    symbols = sorted(size_names(array.shape for array in subject.derived.inputs))
    return f"for all {', '.join(symbols)}" if symbols else "for these sizes"


def _trace_assumptions(subject: Subject) -> tuple[str, ...]:
    traced = subject.hand.assumptions if subject.hand is not None else ()
    return (*(text for text in subject.assumed), *traced)


