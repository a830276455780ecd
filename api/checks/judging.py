"""Proof and numbers weighed: the verdict on every gradient of a subject."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property, partial
from itertools import islice

import numpy as np
import sympy as sp

from gradproof.checks.causes.common_factor import common_factor, plain_factor
from gradproof.checks.causes.reached_bounds import beyond_bounds
from gradproof.checks.causes.repair_search import suggested_factors, suspicion
from gradproof.checks.causes.sides import NO_SIDES, wrong_sides
from gradproof.checks.causes.wrong_line import FirstWrong, repaired_line, sayable
from gradproof.checks.measuring import Measurements
from gradproof.checks.observed import Observed
from gradproof.checks.other_targets import right_for
from gradproof.checks.places.beyond_safeguards import beside_safeguards
from gradproof.checks.places.branches import branch_points
from gradproof.checks.places.coincidences import coinciding_points
from gradproof.checks.places.near_enough import near_enough
from gradproof.checks.places.scope import scope_said
from gradproof.checks.places.second_derivatives import is_second_derivative
from gradproof.checks.points import Point
from gradproof.checks.proofs import Proofs, best_proofs
from gradproof.checks.results import Check, CheckResult
from gradproof.checks.returned import keys_for
from gradproof.checks.subject import Rerun, Subject
from gradproof.limits.deadline import (
    TimeLimitError,
    attempted,
    bounded,
    doing,
    known,
    left,
    now_doing,
)
from gradproof.repair.search import SECONDS, Repair, Search, find_repair
from gradproof.symbolic.assumptions import Assumption
from gradproof.symbolic.derive.kinks import Kink
from gradproof.symbolic.display.text_and_latex import factor_text
from gradproof.symbolic.normalform.polynomial import Crossing
from gradproof.symbolic.tracing.run import SourceLine
from gradproof.symbolic.tracing.session import taken_as_exact

ROUNDING = 1e-13
"""A difference of a proved gradient at which the arithmetic is to blame, whatever its size is."""

MEASURING, EXPLAINING = 0.7, 0.4
"""The part of the time that is left which each step of a judgement may take."""

IN_ITS_PLACE = ("constant", "bounded", "diagonal", "triangle", "damped")
"""Kinds of diagnosis that say what was handed in, of which a factor would be a coincidence."""

SAMPLE = 12
"""Entries of a gradient that a result carries for show."""


def judge(
    subject: Subject, points: Sequence[Point], alternatives: Iterable[Subject] = (),
    repair_seconds: float = SECONDS,
) -> CheckResult:
    """Proof and numbers for every gradient, and what follows from both.

    alternatives: the same under further assumptions, for where the proofs fail without.
    """
    doing("proving")
    proofs = best_proofs(subject, alternatives)
    numbers = Measurements(proofs.subject)
    looked = _looked(numbers, proofs, points)
    checks = tuple(_Weighing(name, proofs, numbers).verdict() for name in subject.wrt)
    checks = tuple(_asked_for(made, numbers, points) for made in checks)
    # From here on no failure and no want of time costs the verdict.
    doing("explaining")
    sides = attempted(partial(wrong_sides, numbers, looked, checks), NO_SIDES, EXPLAINING)
    checks, bound = beyond_bounds(numbers, sides.told(checks))
    checks = attempted(partial(right_for, numbers, looked, checks, sides.names), checks, EXPLAINING)
    refuted = [made.name for made in checks if made.verdict == "refuted"]
    if numbers.unsteady:  # what an edit makes of remembered numbers says nothing
        return CheckResult(checks, unasked=subject.keyed.unasked)
    wrong, place, _ = bound or sides.instead_of(attempted(
        lambda: proofs.first_wrong(refuted), FirstWrong(), EXPLAINING))
    if numbers.fails is not None:
        wrong, place = f"first wrong: {numbers.fails.place}, which fails", numbers.fails.place
    common = "" if len(refuted) < len(checks) else attempted(lambda: common_factor(
        subject.wrt, proofs.found,
        {name: numbers.diagnosis(name) for name in subject.wrt}), "", EXPLAINING)
    result = CheckResult(checks, wrong, common, place, unasked=subject.keyed.unasked)
    failing = [made.name for made in checks if made.name in refuted or numbers.failure]
    if subject.rerun is None or repair_seconds <= 0 or not failing or numbers.ended:
        return result
    known(result)
    doing("looking for a repair")
    seconds = min(repair_seconds, EXPLAINING * left())
    none: tuple[Repair | None, str] = (None, "the search for an edit did not end")
    repair, unrepaired = attempted(
        partial(_repair, subject.rerun, proofs, numbers, looked, failing, place, seconds), none)
    return _repaired(result, repair, unrepaired)


def _repaired(result: CheckResult, repair: Repair | None, unrepaired: str) -> CheckResult:
    """A result with what the search for an edit found, at the line that it changes; what cannot be
    edited where it is wrong is mended in another file, and the wrong line stays."""
    place = result.place
    if repair is not None and (place is None or place.filename == repair.file):
        result = replace(result, place=repaired_line(repair), first_wrong=(
            result.first_wrong if place is not None and place.line == repair.line
            else f"first wrong: {repaired_line(repair)}"))
    return replace(result, repair=repair, unrepaired=unrepaired)


def _repair(
    rerun: Rerun, proofs: Proofs, numbers: Measurements, looked: Sequence[Point],
    failing: Sequence[str], place: SourceLine | None, seconds: float,
) -> tuple[Repair | None, str]:
    """The edit that mends the failing gradients; or None, and in words what was tried."""
    subject = proofs.subject
    arrays = [proofs.pairs[name] for name in failing if name in proofs.pairs]
    search = Search(
        rerun.function, rerun.bound, numbers.wanted(looked), failing,
        suspicion(proofs.prover, subject.hand, arrays, place),
        suggested_factors((numbers.diagnosis(name), numbers.sizes(name)) for name in failing),
        rerun.verdict, subject.loose_units, rerun.loss, subject.loss, keys_for,
    )
    return find_repair(search, seconds)


def _looked(
    numbers: Measurements, proofs: Proofs, points: Sequence[Point]
) -> tuple[Point, ...]:
    """The points at which the gradients were run: those given, and those that reach branches."""
    try:
        return bounded(MEASURING * left(), lambda: _all_looked(numbers, proofs, points))
    except TimeLimitError as error:
        numbers.cut_short(f"{now_doing()} {error}")
        return tuple(points)


def _all_looked(
    numbers: Measurements, proofs: Proofs, points: Sequence[Point]
) -> tuple[Point, ...]:
    subject, least, further = numbers.subject, numbers.subject.least, list[Point]()
    for point in points:
        if any(point.sizes.get(name, size) < size for name, size in least.items()):
            continue
        doing(f"comparing numbers at {point}")
        numbers.look_at(point)
        if numbers.ended:
            return tuple(points)
    proved = [name for name in subject.wrt if proofs.proved(name)]
    if proved and not numbers.failure and not numbers.shapes and not numbers.refuted(proved):
        further = coinciding_points(subject, points)
        for point in further:
            numbers.look_at(point)
    open_ = [name for name in subject.wrt if not proofs.covers_branches(name)]
    if open_ and not numbers.failure and not numbers.shapes and not numbers.refuted(open_):
        reached, unmet = branch_points(subject, points)  # a proof would cover every branch
        further += reached
        for point in reached:
            numbers.look_at(point)
        for name in open_:
            numbers.notes[name].update(dict.fromkeys(unmet))
    return (*points, *further)


# --- verdicts -----------------------------------------------------------------------------------


class _Weighing:
    """One gradient's proof and its numbers, and the verdict that they allow."""

    def __init__(self, name: str, proofs: Proofs, numbers: Measurements) -> None:
        self.name, self.proofs, self.numbers = name, proofs, numbers
        self.subject, self.proof = proofs.subject, proofs.found.get(name)
        self.is_proved = proofs.proved(name)
        self.seen, self.notes = numbers.observed[name], tuple(numbers.notes[name])
        self.refuting = [found for found in self.seen if found.comparison.verdict == "refuted"]
        self.undecided = [found.comparison.reason for found in self.seen
                          if found.comparison.verdict == "undecided"]

    def verdict(self) -> Check:
        """The first that there is cause for."""
        return (self._not_compared() or self._doubted() or self._differing() or self._proved()
                or self._unmeasured() or self._unequal()
                or self._agreeing(self.subject.reason or (self.proof.reason if self.proof else "")))

    @cached_property
    def explained(self) -> Sequence[Observed]:
        """The refuting that differ by what safeguards or rounding do to a proved gradient, or by
        what safeguards do to one that agrees where they do not act."""
        found = [found for found in self.refuting if self.proofs.explain(self.name, found)
                 or (self.is_proved and _is_rounding(found))]
        return found if self.is_proved or len(found) < len(self.seen) else []

    @cached_property
    def differing(self) -> Sequence[Observed]:
        return [found for found in self.refuting if found not in self.explained]

    @cached_property
    def lost(self) -> str:
        """How the program of a proved gradient loses digits, where that is all that differs."""
        return self.numbers.lost_digits(self.name) if self.differing and self.is_proved else ""

    @cached_property
    def base(self) -> Check:
        """The numbers of what is not explained, to which a verdict is given."""
        return _measured(self.name, [found for found in self.seen if found not in self.explained],
                         self.notes)

    def _not_compared(self) -> Check | None:
        """What fails, or has another shape, has no numbers that could be held against others."""
        numbers, made = self.numbers, Check(self.name, "refuted", notes=self.notes)
        if numbers.fails is not None:
            return replace(made, reason=f"{numbers.fails.text}, where the loss works")
        if numbers.failure:
            return replace(made, verdict="undecided", reason=numbers.failure)
        if self.name in numbers.shapes:
            title = self.subject.title(self.name)
            return replace(made, reason=f"{title} {numbers.shapes[self.name]}")
        return None

    def _doubted(self) -> Check | None:
        why = self.subject.keyed.doubt(self.name) or self.numbers.doubts.get(self.name, "")
        if not why and self.seen and not any(found.gap.size for found in self.seen):
            why = f"{self.name} has no entries"
        return replace(_measured(self.name, self.seen, self.notes), verdict="undecided",
                       reason=why) if why else None

    def _differing(self) -> Check | None:
        """Where what differs is more than the program's own loss of digits."""
        if not self.differing or self.lost:
            return None
        proof = self.proof
        is_unequal = proof is not None and bool(proof.equal is False or proof.difference)
        point = next((found.point for found in self.differing
                      if is_unequal or not found.is_as_derived), None)
        near = near_enough(self.subject.search, self.differing)
        if point is not None and not near:
            return self._refuted(point)
        return replace(self.base, verdict="undecided",
                       reason=near or "the hand-written gradient is the derived one at "
                              f"{self.differing[0].point}; differences of the loss are not")

    def _refuted(self, point: Point) -> Check:
        """Numbers that differ at a point; no more than a doubt where its sizes may not be meant, or
        a property of the given arrays is."""
        proof, alike = self.proof, [found.point.redrawn for found in self.refuting]
        right = f"right at the given arrays, differs at {point}"
        if point.elsewhere and "varied" not in alike and "all" in alike:
            return replace(self.base, verdict="undecided",
                           reason=f"{right}: it uses a property of the given ones that these lack, "
                                  "or is wrong")
        if point.elsewhere and not point.redrawn and self.subject.hand is None:
            return replace(self.base, verdict="undecided",
                           reason=f"{right}; whether these sizes are meant is not known "
                                  f"({self.subject.reason})")
        reason = f"differs at {point}"
        if point.elsewhere:
            where = "" if point.redrawn else "other sizes: at "
            reason = f"right at the given arrays, differs at {where}{point}"
        if proof is not None and proof.equal:
            reason += ("; elsewhere the formulas are proved equal" if point.branch else
                       "; the formulas are proved equal, so this is the program's arithmetic "
                       "(overflow, rounding, or dtype)")
        factor = attempted(lambda: plain_factor(proof, self.numbers.diagnosis(self.name),
                                                self.numbers.sizes(self.name)), None, EXPLAINING)
        return replace(self.base, verdict="refuted", reason=reason, factor=factor,
                       diagnosis=attempted(self._diagnosis, "", EXPLAINING))

    def _proved(self) -> Check | None:
        """A proof that no number contradicts, with what it rests on."""
        proof, subject = self.proof, self.subject
        if proof is None or not proof.equal:
            return None
        traced = subject.hand.assumptions if subject.hand is not None else ()
        stored = filter(None, map(taken_as_exact, subject.given.values()))
        given = {a.array for a in subject.assumed if a.fact == "given symmetric"}
        assumed = dict.fromkeys(
            str(a) for a in (*proof.assumptions, *subject.assumed, *traced, *stored,
                            *self.proofs.divided(self.name))
            if not (isinstance(a, Assumption) and a.fact == "symmetric" and a.array in given))
        extra = [f"numbers undecided: {reason}" for reason in self.undecided[:1]]
        made = replace(self.base, verdict="proved", scope=scope_said(subject, self.numbers.least),
                       notes=(*self.notes, *filter(None, [self.lost]), *extra),
                       assumptions=tuple(assumed), kinks=kinks_said(proof.kinks, subject.kinks))
        if self.name not in self.proofs.aside:
            return made
        return beside_safeguards(made, self.proofs.beyond, self.explained)

    def _unmeasured(self) -> Check | None:
        """Numbers that decide nothing, or none."""
        if self.seen and not self.undecided:
            return None
        return replace(self.base, verdict="undecided",
                       reason=[*self.undecided, "no point could be looked at"][0])

    def _unequal(self) -> Check | None:
        """Formulas that differ, where the numbers do not."""
        if self.proof is None or self.proof.equal is not False:
            return None
        if any(found.point.given for found in self.seen):  # a property of theirs may be meant
            return self._agreeing("the formulas differ for other arrays, which need not be like "
                                  f"these: {self.proof.reason}")
        return replace(self.base, verdict="refuted",
                       reason=f"the formulas differ: {self.proof.reason}",
                       diagnosis=attempted(self._diagnosis, "", EXPLAINING))

    def _agreeing(self, why: str) -> Check:
        """Numbers that agree at every point, without a proof."""
        points = [found.point for found in self.seen if found not in self.explained]
        where = "; ".join(str(point) for point in points if point.sizes or point.given)
        scope = f"at {len(points)} point{'s' * (len(points) > 1)}" + f" ({where})" * bool(where)
        made = replace(self.base, verdict="agrees", scope=scope,
                       reason=f"not proved: {why}" if why else "")
        return beside_safeguards(made, self.proofs.beyond, self.explained) \
            if self.explained or self.name in self.proofs.eased else made

    def _diagnosis(self) -> str:
        """What would make it right: from the normal forms where they say, else from the numbers."""
        subject, proof, found = self.subject, self.proof, self.numbers.diagnosis(self.name)
        inputs = subject.derived.inputs if subject.derived is not None else ()
        if found is not None and found.kind in IN_ITS_PLACE:
            return found.text
        seen = [(at.point.values, at.claimed, at.true, at.point.sizes) for at in self.seen]
        if self.name in subject.instead and (told := subject.instead[self.name](seen)):
            return told
        if proof is not None and proof.ratio is not None and not proof.ratio.is_zero and sayable(
                proof.ratio, [array.name for array in inputs]):
            inverse, factor = 1 / proof.ratio, factor_text(proof.ratio)
            if inverse == -1:
                return "hand-written = −derived: change the sign (exact, for all sizes)"
            if inverse.has(sp.zoo, sp.nan, sp.oo):  # a step is no factor to divide by
                return (f"derived = {factor} × hand-written: multiply by {factor} "
                        "(exact, for all sizes)")
            return (f"hand-written = {factor_text(inverse)} × derived: multiply by {factor} "
                    "(exact, for all sizes)")
        return found.text if found is not None and found.kind != "equal" else ""


def _is_rounding(found: Observed) -> bool:
    """Whether all that differs at a point is what a rounding of numbers of size 1 may do: in a
    saturated program the gradient itself is smaller."""
    return max(found.largest, found.witness_gap) <= ROUNDING


def _asked_for(made: Check, numbers: Measurements, points: Sequence[Point]) -> Check:
    """A check on what is a right second derivative is none on a wrong gradient."""
    if made.name in numbers.shapes and is_second_derivative(made.name, numbers, points):
        return replace(made, verdict="undecided", reason="the matrix of second derivatives is "
                       f"returned, and {numbers.subject.title(made.name)} is asked for "
                       f"({numbers.shapes[made.name]}); gp.check_hessian is for that")
    return made


def kinks_said(crossed: Sequence[Crossing], listed: Sequence[Kink]) -> tuple[str, ...]:
    """What a proof is silent at, and the loss's kinks that are none of that, as text."""
    named = {(crossing.array, crossing.is_tie) for crossing in crossed}
    further = (kink for kink in listed
               if (kink.argument and kink.where == "z")
               or (kink.array, kink.function == "max") not in named)
    return tuple(dict.fromkeys((*map(str, crossed), *(kink.place for kink in further))))


# --- numbers ------------------------------------------------------------------------------------


def _measured(name: str, seen: Sequence[Observed], notes: tuple[str, ...]) -> Check:
    """The numbers of a check: bounds, the largest difference, the worst entry's three values."""
    seen = [found for found in seen if found.gap.size]
    decided = [found for found in seen if found.comparison.verdict != "undecided"]
    made = Check(
        name, "agrees", difference=max((found.largest for found in seen
                                        if found.largest == found.largest), default=0.0),
        bound=max((found.comparison.bound for found in decided), default=float("nan")),
        witness_difference=_largest([found.witness_gap for found in seen]), notes=notes,
    )
    if not seen:
        return made
    # The point that a refutation names is the one shown, else the one that differs most.
    shown = next((found for found in seen if found.comparison.verdict == "refuted"), None) or max(
        seen, key=lambda found: (found.largest == found.largest, found.largest))
    sampled = next((found for found in reversed(seen) if found.point.given), seen[0])
    at = shown.worst
    return replace(
        made, entry=at, hand=float(shown.claimed[at]), derived=float(shown.true[at]),
        witness=float(shown.comparison.witness[at]), method=shown.comparison.method_at(at),
        sample=tuple(
            (place, float(sampled.true[place]), float(sampled.claimed[place]),
             float(sampled.comparison.witness[place]))
            for place in islice(np.ndindex(*sampled.gap.shape), SAMPLE)
        ),
    )


def _largest(values: Sequence[float]) -> float:
    """Of those that are numbers; nan where none is."""
    return max((value for value in values if value == value), default=float("nan"))
