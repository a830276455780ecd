"""A check: prover, generated code and numbers brought together into one verdict a gradient.

The hand-written gradient is traced and proven equal to the derived one where that can be done; it
is always run, too, and held against differences of the original loss.  The verdict is the weaker
of what the two allow, in the order refuted, undecided, agrees, proved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any, Literal

import numpy as np
import sympy as sp

from gradproof.codegen.compile import compile_system
from gradproof.codegen.interpret import evaluate
from gradproof.explaining import Rerun, suggested_factors, suspicion, targets
from gradproof.generality import General
from gradproof.inputs import Inputs, takes
from gradproof.numeric import (
    BUDGET,
    Comparison,
    compare_gradient,
    diagnose,
    measured_rounding,
    rounding_bound,
)
from gradproof.points import Point, by_parameter
from gradproof.repair import SECONDS, Repair, Search, Target, find_repair
from gradproof.symbolic.derive import Chain, differentiate
from gradproof.symbolic.equation import System
from gradproof.symbolic.layout import Piece, Text, body
from gradproof.symbolic.prove import Proof, Prover
from gradproof.symbolic.trace import Place, Trace, TraceError, trace
from gradproof.symbolic.wrong import Wrong

Verdict = Literal["proved", "agrees", "undecided", "refuted"]
ORDER: tuple[Verdict, ...] = ("refuted", "undecided", "agrees", "proved")


ENOUGH = 400
"""Evaluations of the loss to spend where the derived gradient says where to look."""

SAMPLE = 12
"""Entries of a gradient that a result carries for show."""


@dataclass(frozen=True)
class Check:
    """What is known of one gradient.

    verdict: "proved", "agrees", "undecided" or "refuted".
    scope: what the verdict holds for ("for all m, n, h", or the points that were looked at).
    reason: why it is not a stronger verdict; for a refutation, what differs.
    diagnosis: the smallest edit found that makes it right, verified; empty where none was.
    bound: the largest error that the numbers would not have seen, absolute.
    difference: the largest |hand-written - derived| at the points; nan where shapes differ.
    entry, hand, derived, witness: the worst entry with its three values, where there is one.
    witness_difference: the largest |finite difference - derived|, where it was measured.
    sample: a few entries, (place, derived, hand-written, finite difference), at one point.
    assumptions, kinks: what a proof rests on.  notes: what else was seen.
    """

    name: str
    verdict: Verdict
    scope: str = ""
    reason: str = ""
    diagnosis: str = ""
    bound: float = float("nan")
    difference: float = float("nan")
    entry: tuple[int, ...] | None = None
    hand: float = float("nan")
    derived: float = float("nan")
    witness: float = float("nan")
    witness_difference: float = float("nan")
    sample: tuple[tuple[tuple[int, ...], float, float, float], ...] = ()
    assumptions: tuple[str, ...] = ()
    kinks: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.verdict}" + (f", {self.scope}" if self.scope else "")]
        if self.reason:
            lines.append(f"    {self.reason}")
        if self.verdict == "refuted" and self.entry is not None:
            lines.append(f"    entry {list(self.entry)}: hand-written {self.hand:.12g}, derived "
                         f"{self.derived:.12g}, finite difference {self.witness:.12g}")
        if self.diagnosis:
            lines.append(f"    {self.diagnosis}")
        if self.verdict in ("agrees", "proved") and self.bound == self.bound:
            lines.append(f"    numbers agree within {self.bound:.1e}")
        if self.assumptions:
            lines.append(f"    assumed: {'; '.join(self.assumptions)}")
        if self.kinks:
            lines.append(f"    away from the kinks {'; '.join(self.kinks)}")
        lines += [f"    note: {note}" for note in self.notes]
        return "\n".join(lines)


@dataclass(frozen=True)
class CheckResult:
    """The checks of all gradients; ``result["W1"]`` is one of them, ``str`` the whole story.

    `first_wrong` says what the hand-written code first computes wrong, and `place` on which line.
    """

    checks: tuple[Check, ...]
    first_wrong: str = ""
    place: Place | None = None
    repair: Repair | None = None
    unrepaired: str = ""

    @property
    def verdict(self) -> Verdict:
        """The weakest verdict among the gradients."""
        return min((check.verdict for check in self.checks), key=ORDER.index)

    def __getitem__(self, name: str) -> Check:
        for check in self.checks:
            if check.name == name:
                return check
        raise KeyError(f"no gradient {name!r} was checked; there are "
                       f"{[check.name for check in self.checks]}")

    def __iter__(self) -> Iterator[Check]:
        return iter(self.checks)

    def __str__(self) -> str:
        lines = [str(check) for check in self.checks]
        if self.first_wrong:
            lines.append(self.first_wrong)
        if self.repair is not None or self.unrepaired:
            lines.append(f"repair: {self.repair or self.unrepaired}")
        return "\n".join(lines)


def check(
    loss: Callable[..., Any] | str,
    gradient: Callable[..., Any] | str | Mapping[str, str],
    /,
    *,
    wrt: Sequence[str] | None = None,
    inputs: Mapping[str, Any] | None = None,
    seed: int = 0,
    repair_seconds: float = SECONDS,
    **shapes: Any,
) -> CheckResult:
    """Holds a hand-written gradient against the loss it is meant for.

    loss: a NumPy function of the inputs that returns a scalar; or its formula as text.
    gradient: takes what `loss` takes; returns a dict keyed "W1" or "dW1", a tuple in the order of
        `wrt`, or one array.  Or formulas as text, by name: ``{"x": "2 * A.T @ (A @ x)"}``, or
        assignments: ``"r = A @ x; dx = 2 * A.T @ r"``.
    shapes (or `inputs`, for names such as "wrt"): for each parameter of `loss` a shape ("m n"), a
        ``gp.Array``, an array of numbers, or a dict of these.
    wrt: the names to check by; by default all arrays of real numbers that gradients are returned
        for, or all of them.
    repair_seconds: how long a refutation may search for an edit that mends it; 0 for not at all.

    >>> def loss(x, A): return np.sum((A @ x) ** 2)
    >>> def gradient(x, A): return 2 * A.T @ (A @ x)
    >>> check(loss, gradient, A="m n", x="n", wrt=["x"]).verdict
    'proved'

    Raises ValueError (TraceError) for inputs that do not fit the functions.
    """
    given = {**(inputs or {}), **shapes}
    if isinstance(loss, str) or isinstance(gradient, str | Mapping):
        from gradproof.formulas import check_formulas  # which builds on this file

        return check_formulas(loss, gradient, wrt, given, seed)
    for what, function in (("loss", loss), ("gradient", gradient)):
        takes(what, function, given)
    taken = Inputs.of(given)
    real = [array.name for array in taken.arrays if not array.is_integer]
    names = taken.chosen(real if wrt is None else wrt)
    general = General(taken)

    def loss_at(values: Mapping[str, Any]) -> Any:
        return loss(**taken.at(values))

    def bound(function: Callable[..., Any]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        return lambda values: by_parameter(function(**taken.at(values)), names, "gradient")

    def judged(function: Callable[..., Any], seconds: float) -> CheckResult:
        made = partial(_subject, loss, function, tuple(names), loss_at, bound(function))
        subject = next(found for found in map(made, general.declarations())
                       if found.hand is not None or found.declared is taken.declared)
        patterned = (
            replace(found, assumed=tuple(dict.fromkeys((*general.assumptions, *found.assumed))))
            for found in map(made, general.patterned(subject.declared))
        )
        rerun = Rerun(function, bound, lambda edited: judged(edited, 0).verdict, loss)
        where = general.points(seed, subject.declared if subject.hand is not None else None)
        return judge(replace(subject, rerun=rerun), where, patterned, seconds)

    if wrt is None:
        names = returned_names(gradient, taken, general.points(seed)[0], names)
    return judged(gradient, repair_seconds)


def _subject(
    loss: Callable[..., Any], gradient: Callable[..., Any], names: tuple[str, ...],
    loss_at: Callable[..., Any], gradient_at: Callable[..., Any], declared: Mapping[str, Any],
) -> Subject:
    """Both functions traced for the declared inputs, as far as that goes."""
    plain = Subject(None, {}, names, loss_at, gradient_at, None, declared=declared)
    try:
        traced = trace(loss, declared)
        chain = differentiate(traced.system, scalar_result(traced), names)
        plain = replace(plain, derived=chain.system, of=chain.of, assumed=rows_assumed(chain))
        return replace(plain, hand=trace(gradient, declared))
    except ValueError as error:
        return replace(plain, reason=f"not traced: {error}")


@dataclass(frozen=True)
class Subject:
    """What is to be judged.

    derived: the system with the derived gradients, whose names `of` gives; None if there is none.
    loss, gradient: functions of arrays by name.
    hand: the trace of the hand-written gradient; None where it could not be traced, for `reason`.
    given: for arrays that the hand-written code was handed and that the system computes (a cache).
    loose_units: axes of length one that are too many or too few are noted, not refuted.
    assumed: what the derivation assumed of inputs.
    declared: the inputs as they were traced.
    rerun: how an edited gradient function is looked at; without it no repair is searched.
    """

    derived: System | None
    of: Mapping[str, str]
    wrt: tuple[str, ...]
    loss: Callable[[Mapping[str, Any]], Any]
    gradient: Callable[[Mapping[str, Any]], dict[str, Any]]
    hand: Trace | None
    reason: str = ""
    loose_units: bool = False
    assumed: tuple[str, ...] = ()
    declared: Mapping[str, Any] = field(default_factory=dict)
    rerun: Rerun | None = None


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
    numbers = _Numbers(subject)
    for point in points:
        numbers.look_at(point)
    checks = tuple(_verdict(name, subject, proofs.get(name), numbers) for name in subject.wrt)
    wrong, place = "", None
    if prover is not None and subject.hand is not None:
        for made in checks:
            if made.verdict == "refuted" and made.name in pairs:
                wrong, place = _first_wrong(prover, subject, made.name, pairs[made.name])
                break
    result = CheckResult(checks, wrong, place)
    failing = [made.name for made in checks if made.verdict == "refuted" or numbers.failure]
    if rerun is None or repair_seconds <= 0 or not failing:
        return result
    arrays = [pairs[name] for name in failing if name in pairs]
    search = Search(
        rerun.function, rerun.bound, numbers.targets(points), failing,
        suspicion(prover, subject.hand, arrays, place),
        suggested_factors(numbers.observed, failing), rerun.verdict, subject.loose_units,
        rerun.loss,
    )
    repair, unrepaired = find_repair(search, repair_seconds)
    return replace(result, repair=repair, unrepaired=unrepaired)


def _proofs(
    subject: Subject,
) -> tuple[dict[str, Proof], Prover | None, dict[str, str]]:
    if subject.derived is None or subject.hand is None:
        return {}, None, {}
    try:
        found = by_parameter(subject.hand.result, subject.wrt, "gradient")
    except ValueError:
        return {}, None, {}
    pairs = {name: found[name] for name in subject.wrt if isinstance(found[name], str)}
    prover = Prover(subject.derived, subject.hand.system, _evaluate)
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
    unnamed = wrong.right.startswith("t") and wrong.right[1:].isdigit()
    named = "" if unnamed and place else wrong.right
    text = "first wrong: " + ", ".join(part for part in (named, str(place or "")) if part)
    if wrong.instead is not None:
        primal = {bar: source for source, bar in subject.of.items()}.get(wrong.instead)
        meant = f"the loss's gradient by {primal}" if primal else wrong.instead
        text += f"\n    it should be {meant}"
        if wrong.ratio is not None:
            text += f": multiply by {factor_text(wrong.ratio)}"
    return text, place


def factor_text(factor: sp.Expr) -> str:
    """A factor in sizes and named arrays, in Unicode."""
    return body(factor, [], _FactorText()).text


class _FactorText(Text):
    """Symbols are arrays or sizes; products stand without a sign."""

    times = "·"

    def size(self, symbol: sp.Symbol) -> str:
        return str(symbol)

    def fraction(self, numerator: Piece, denominator: Piece) -> Piece:
        shown = denominator.text
        if denominator.level < 4:
            shown = f"({shown})"
        return Piece(f"{self.hold(numerator, 3)}/{shown}", 2)


# --- numbers ------------------------------------------------------------------------------------


class _Numbers:
    """Comparisons of the hand-written gradient at every point, and the derived values there."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.comparisons: dict[str, list[tuple[Point, Comparison]]] = {}
        self.observed: dict[str, list[tuple[Any, Any, Mapping[str, int]]]] = {}
        self.notes: dict[str, dict[str, None]] = {name: {} for name in subject.wrt}
        self.shapes: dict[str, str] = {}
        self.failure = ""
        self._derived = None
        if subject.derived is not None:
            results = [subject.of[name] for name in subject.wrt]
            self._derived = compile_system(subject.derived, results)

    def look_at(self, point: Point) -> None:
        before = {name: np.array(value) for name, value in point.values.items()}
        try:
            with np.errstate(all="ignore"):
                claimed = {
                    name: np.asarray(value)
                    for name, value in self.subject.gradient(point.values).items()
                }
        except Exception as error:  # the user's code may raise anything, and that is the finding
            text = f"the gradient function fails at {point}: {type(error).__name__}: {error}"
            if point.elsewhere:  # sizes that were guessed from the given ones
                self._note(text)
            else:
                self.failure = self.failure or text
            return
        if point.elsewhere and not self._loss_works(point):
            return
        for name, array in list(claimed.items()):
            claimed[name] = self._fitted(name, array, np.shape(before[name]), point)
        fitting = {n: a for n, a in claimed.items() if a.shape == np.shape(before[n])}
        floats = dict(point.values)
        rounding = measured_rounding(
            lambda values: {
                n: self._fitted(n, np.asarray(a), np.shape(before[n]), point)
                for n, a in self.subject.gradient(values).items()
            },
            floats,
        )
        derived = self._derived_at(point)
        found = compare_gradient(
            self.subject.loss, floats, fitting, wrt=list(fitting),
            rounding={n: r for n, r in rounding.items() if n in fitting} or None,
            suspects={n: _farthest(a, derived[n]) for n, a in fitting.items() if n in derived},
            budget=ENOUGH if derived else BUDGET,
        ) if fitting else {}
        for name, comparison in found.items():
            self.comparisons.setdefault(name, []).append((point, comparison))
            for note in comparison.notes:
                self.notes[name][note] = None
            if comparison.subgradient:
                self.notes[name][f"at a kink at {point}: there is no one derivative, and the "
                                 "hand-written value lies between the one-sided ones"] = None
        for name, array in fitting.items():
            true = derived.get(name, found[name].witness)
            self.observed.setdefault(name, []).append((array, true, point.sizes))

    def targets(self, points: Sequence[Point]) -> list[Target]:
        """The true gradients at each point: the derived ones, else as measured."""
        looked = []
        for point in points:
            true, bounds = self._derived_at(point), dict[str, float]()
            if not true:
                for name, found in self.comparisons.items():
                    for place, comparison in found:
                        if place is point and comparison.verdict != "undecided":
                            true[name], bounds[name] = comparison.witness, comparison.bound
            looked.append((point.values, true, bounds))
        return targets(looked)

    def _note(self, text: str) -> None:
        for notes in self.notes.values():
            notes[text] = None

    def _loss_works(self, point: Point) -> bool:
        try:
            with np.errstate(all="ignore"):
                works = bool(np.isfinite(self.subject.loss(point.values)))
        except Exception as error:  # as above
            self._note(f"the loss fails at {point}: {type(error).__name__}: {error}")
            return False
        return works

    def _fitted(self, name: str, array: Any, expected: tuple[int, ...], point: Point) -> Any:
        """The array, without units too many where that is allowed; a misfit is remembered."""
        if array.shape == expected:
            return array
        text = f"has shape {array.shape}, expected {expected}"
        same = [n for n in array.shape if n != 1] == [n for n in expected if n != 1]
        if same and self.subject.loose_units:
            note = f"the gradient lacks an axis of length 1 that {name} has"
            if array.ndim > len(expected):
                note = f"the gradient keeps an axis of length 1 that {name} does not have"
            self.notes[name][note] = None
            return array.reshape(expected)
        hint = "; keepdims keeps an axis that the parameter does not have" if (
            same and array.ndim > len(expected)) else ""
        if array.T.shape == expected:
            hint = "; did you mean its transpose?"
        if point.elsewhere:
            text = f"{text} at {point}"
            if self.subject.hand is None:  # nor is it known whether these sizes are meant
                self.notes[name][f"the gradient {text}"] = None
                return array
        self.shapes.setdefault(name, text + hint)
        return array

    def _derived_at(self, point: Point) -> dict[str, Any]:
        if self._derived is None or self.subject.derived is None:
            return {}
        inputs = {a.name: point.values[a.name] for a in self.subject.derived.inputs}
        try:
            return dict(zip(self.subject.wrt, self._derived(**inputs), strict=True))
        except ValueError:
            if point.elsewhere:  # derived for the given sizes alone
                return {}
            raise


def _farthest(claimed: Any, derived: Any) -> tuple[int, ...]:
    """Flat indices of the entries where two arrays differ most, the worst first; none where the
    difference may be rounding."""
    with np.errstate(invalid="ignore"):
        gaps = np.abs(np.asarray(claimed, dtype=float) - derived).ravel()
    gaps = np.where(np.isnan(gaps), np.inf, gaps)
    worst = np.argsort(-gaps)[:3]
    rounding = rounding_bound(np.asarray(claimed), np.asarray(derived))
    return tuple(int(place) for place in worst if gaps[place] > rounding)


def _verdict(name: str, subject: Subject, proof: Proof | None, numbers: _Numbers) -> Check:
    """One gradient's verdict from its proof and its numbers."""
    looked = numbers.comparisons.get(name, [])
    notes = tuple(numbers.notes[name])
    if numbers.failure:
        return Check(name, "undecided", reason=numbers.failure, notes=notes)
    if name in numbers.shapes:
        return Check(name, "refuted", reason=f"the gradient {numbers.shapes[name]}", notes=notes)
    base = _measured(name, numbers, looked, notes)
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
        return replace(base, verdict="proved", scope=_scope(subject), notes=(*notes, *extra),
                       assumptions=tuple(assumed), kinks=proof.kinks)
    if open_ or not looked:
        return replace(base, verdict="undecided",
                       reason=open_[0].reason if open_ else "no point could be looked at")
    where = "; ".join(str(point) for point, _ in looked)
    why = subject.reason or (proof.reason if proof is not None else "")
    if proof is not None and proof.equal is False:
        difference = _diagnosis(name, proof, numbers)
        return replace(base, verdict="refuted", reason=f"the formulas differ: {proof.reason}",
                       diagnosis=difference)
    return replace(base, verdict="agrees", scope=f"at {len(looked)} points ({where})",
                   reason=f"not proved: {why}" if why else "")


def _measured(
    name: str, numbers: _Numbers, looked: Sequence[tuple[Point, Comparison]],
    notes: tuple[str, ...],
) -> Check:
    """The numbers of a check: bounds, the largest difference, the worst entry's three values."""
    bounds = [c.bound for _, c in looked if c.verdict != "undecided"]
    worst, entry = 0.0, None
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
            apart = float(np.nanmax([apart, np.nanmax(measured)]))
        if not sample or point.given:
            sample = tuple(
                (at, float(true[at]), float(claimed[at]), float(comparison.witness[at]))
                for at in islice(np.ndindex(*gap.shape), SAMPLE)
            )
        largest = float(np.nanmax(gap)) if not np.all(np.isnan(gap)) else float("nan")
        if entry is None or largest > worst:
            worst = largest
            place = tuple(int(p) for p in np.unravel_index(int(np.nanargmax(gap)), gap.shape)) \
                if largest == largest else (0,) * gap.ndim
            entry, hand, derived = place, float(claimed[place]), float(true[place])
            witness = float(comparison.witness[place])
    return Check(name, "agrees", bound=max(bounds, default=float("nan")), difference=worst,
                 entry=entry, hand=hand, derived=derived, witness=witness,
                 witness_difference=apart, sample=sample, notes=notes)


def _diagnosis(name: str, proof: Proof | None, numbers: _Numbers) -> str:
    """What would make it right: from the normal forms where they say, else from the numbers."""
    if proof is not None and proof.ratio is not None and not proof.ratio.is_zero:
        inverse = factor_text(1 / proof.ratio)
        return (f"hand-written = {inverse} × derived: multiply by {factor_text(proof.ratio)} "
                "(exact, for all sizes)")
    found = diagnose(numbers.observed[name]) if numbers.observed.get(name) else None
    if found is not None and found.kind != "equal":
        return found.text
    return ""


def _scope(subject: Subject) -> str:
    assert subject.derived is not None
    symbols = sorted({
        str(symbol) for array in subject.derived.inputs for size in array.shape
        for symbol in size.free_symbols
    })
    return f"for all {', '.join(symbols)}" if symbols else "for these sizes"


def _trace_assumptions(subject: Subject) -> tuple[str, ...]:
    traced = subject.hand.assumptions if subject.hand is not None else ()
    return (*(text for text in subject.assumed), *traced)


# --- inputs -------------------------------------------------------------------------------------


def rows_assumed(chain: Chain) -> tuple[str, ...]:
    """The assumptions on inputs that a derivation used, as sentences."""
    return tuple(f"the rows of {name} sum to one" for name in chain.assumed)


def scalar_result(traced: Trace) -> str:
    """The name of the one scalar that a traced function returns; else TraceError."""
    if not isinstance(traced.result, str):
        raise TraceError(f"the loss returns {traced.result!r}, expected one scalar")
    shape = traced.system.shapes[traced.result]
    if shape:
        raise TraceError(f"the loss has shape {shape}, expected a scalar")
    return traced.result


def returned_names(
    gradient: Callable[..., Any], taken: Inputs, point: Point, names: list[str]
) -> list[str]:
    """The inputs for which the gradient function returns something; all, if it fails."""
    try:
        with np.errstate(all="ignore"):
            returned = gradient(**taken.at(point.values))
    except Exception:  # it will fail again where its failure is the finding
        return names
    if isinstance(returned, tuple) and len(returned) == 2 and isinstance(returned[1], Mapping):
        returned = returned[1]
    if isinstance(returned, Mapping):
        keyed = [n for n in names if n in returned or f"d{n}" in returned]
        if not keyed:
            raise ValueError(f"gradient: expected a dict keyed by inputs ({names[0]!r} or "
                             f"'d{names[0]}'), got the keys {sorted(map(str, returned))}")
        return keyed
    count = len(returned) if isinstance(returned, tuple | list) else 1
    if count != len(names):
        raise ValueError(f"gradient: returns {count} arrays for the {len(names)} inputs "
                         f"{', '.join(names)}; say which with wrt=[...]")
    return names


