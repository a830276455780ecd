"""The numbers of a check: the hand-written gradient at points, against differences of the loss."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from gradproof.checks.causes.failures import (
    Failure,
    failure_of,
    not_real,
    run_elsewhere,
    unsteady,
)
from gradproof.checks.causes.loss_faults import loss_fault
from gradproof.checks.causes.repair_search import wanted_at
from gradproof.checks.exact_values import exact_arrays
from gradproof.checks.observed import Observed
from gradproof.checks.points import Point
from gradproof.checks.subject import Gradient, Subject, Witness
from gradproof.codegen.compile import compile_system
from gradproof.derivations.scalars import doubts
from gradproof.limits.calls import NotReturnedError
from gradproof.numeric import (
    BUDGET,
    Comparison,
    Diagnosis,
    compare_gradient,
    diagnose,
    measured_rounding,
    noise_bound,
    rounding_bound,
)
from gradproof.repair.fits import Wanted, differ_by_units

ENOUGH = 400
"""Evaluations of the loss to spend where the derived gradient says where to look."""

LOST = 0.1
"""How far a loss may be from the exact value of its own equations, relatively, when it has lost
digits; a loss that is farther off computes something that its equations do not say."""


class Measurements:
    """What the numbers say of a hand-written gradient, point by point.

    observed: by gradient, at each point that decided something.  notes: what else was seen.
    shapes: gradients of a wrong shape, or missing, in words.  failure: why nothing could be looked
    at; fails: that the gradient function fails where the loss works; ended: that another call of
    it, or of the loss, is not worth while; unsteady: two calls of it gave different numbers.
    doubts: why a derived gradient is not to be relied on.  least: of sizes, where 1 is left out.
    """

    def __init__(self, subject: Subject) -> None:
        self.subject = subject = replace(subject, gradient=partial(_copied, subject.gradient))
        self.observed: dict[str, list[Observed]] = {name: [] for name in subject.wrt}
        self.notes: dict[str, dict[str, None]] = {
            name: dict.fromkeys((*subject.remarks, *subject.keyed.notes(name)))
            for name in subject.wrt
        }
        for name in subject.columns & set(subject.wrt):
            self.notes[name][f"{name} is handed over as a column, of shape (n, 1): the code fails "
                             "with (n,)"] = None
        self.shapes: dict[str, str] = {}
        self.failure = self.unsteady = ""
        self.fails: Failure | None = None
        self.ended = False
        self.doubts: dict[str, str] = {}
        self.least: dict[str, int] = {}
        self._aside: set[str] = set()
        self._exact: dict[int, dict[str, Any]] = {}
        self._rounding: Mapping[str, Any] = {}
        self._derived = None
        if subject.derived is not None:
            results = [subject.of[name] for name in subject.wrt]
            with suppress(Exception):  # what has no program may still have a proof
                self._derived = compile_system(subject.derived, results)

    def look_at(self, point: Point) -> None:
        """Runs the gradient at a point and holds it against differences of the loss."""
        claimed = self._run(point) if self._is_fit(point) else None
        if claimed is None or ((point.elsewhere or point.branch) and not self._loss_works(point)):
            return
        expected = {name: np.shape(value) for name, value in point.values.items()}
        fitted = {name: self._fitted(name, array, expected[name], point)
                  for name, array in claimed.items()}
        fitting = {name: array for name, array in fitted.items() if array.shape == expected[name]}
        derived = self.derived_at(point)
        for name in derived.keys() & fitted.keys() - fitting.keys():
            self._explain_shape(name, fitted[name], derived[name], point)
        if point.given and derived and self.subject.chain is not None:
            self.doubts.update(doubts(self.subject.chain, point.numbers, derived, point.sizes))
        for name, comparison in self._compared(point, fitting, derived).items():
            true = derived.get(name, comparison.witness)
            self._observe(name, Observed(point, comparison, fitting[name], true))

    def _is_fit(self, point: Point) -> bool:
        """Whether the loss has values there that differences can be taken of."""
        is_single = 1 in point.sizes.values()
        if is_single and not point.given and not self._loss_works(point):
            return False  # a variance with ddof = 1, say, of one sample
        run_elsewhere(self.subject.gradient, point.values)
        fault = "" if point.elsewhere or point.branch or is_single else loss_fault(
            self.subject.loss, point)
        if fault:
            self.failure, self.ended = self.failure or fault, True
        return not fault

    def _observe(self, name: str, found: Observed) -> None:
        """Keeps what was seen of one gradient at a point, or notes why that decides nothing."""
        point, comparison, claimed = found.point, found.comparison, found.claimed
        if comparison.verdict == "refuted" and name not in self.shapes:
            exact = self._exact_at(point)
            if name in exact:
                comparison = self._settled(name, comparison, claimed, exact[name], point)
                found = replace(found, comparison=comparison, true=exact[name])
        is_derived = found.true is not comparison.witness
        if comparison.verdict == "refuted" and is_derived and not np.any(
                np.isfinite(found.true) | np.isfinite(claimed)):
            self._leave_out(point, f"neither gradient is a number at {point}")
        elif (point.branch or point.redrawn) and not _decides(comparison, claimed):
            reason = comparison.reason or "not finite"
            self.notes[name][f"nothing is decided at {point}: {reason}"] = None
        else:
            self._note_of(name, comparison, point)
            self.observed[name].append(found)

    def _explain_shape(self, name: str, claimed: Any, derived: Any, point: Point) -> None:
        """Adds to what is said of a wrong shape what it is the shape of, as the numbers show it."""
        try:
            found = diagnose([(claimed, derived, point.sizes)])
        except (ValueError, TypeError):
            return
        if found is not None and found.kind == "diagonal" and name in self.shapes:
            text = self.shapes[name].partition("; hand-written")[0]
            self.shapes[name] = f"{text}; {found.text}"

    def _run(self, point: Point) -> dict[str, Any] | None:
        """The hand-written gradients; None where the function fails, which is then noted."""
        try:
            with np.errstate(all="ignore"):
                found = self._present(self.subject.gradient(point.values))
                run_elsewhere(self.subject.gradient, point.values)
                again = self._present(self.subject.gradient(point.values))
            self.unsteady = self.unsteady or unsteady(found, again, point)
            self.failure = self.failure or self.unsteady
            return found
        except (Exception, SystemExit) as error:  # whatever it raises, that is the finding
            raised, hangs = failure_of(error), isinstance(error, NotReturnedError)
        said = raised.text if hangs else f"fails at {point}: {raised.text}"
        text = f"the gradient function {said}" + f" at {point}" * hangs
        if point.elsewhere:  # sizes that were guessed from the given ones
            self._note(text)
        elif 1 in point.sizes.values() and not point.given and not hangs:  # the tool's own choice
            self._leave_out(point, text)
        elif not point.branch:  # there it is an input that the function refuses
            self.failure = self.failure or text
            self.ended = self.ended or hangs
            if raised.is_fact and self._loss_works(point):
                self.fails = self.fails or replace(raised, text=text)
        return None

    def cut_short(self, why: str) -> None:
        """No more points are looked at, for want of time; none was, where nothing is known."""
        if all(self.observed.values()):
            self._note(f"not looked at further points: {why}")
        else:
            self.failure = self.failure or why

    def _present(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """The gradients asked for, as arrays; what is missing or no array is remembered."""
        made = {}
        for name in self.subject.wrt:
            if name not in found:
                self.shapes.setdefault(
                    name, f"by {name} is not returned (keyed {name!r} or 'd{name}')"
                    if not self.subject.varied else "is not returned")
                continue
            array = np.array(found[name])  # a function may use its arrays again
            if odd := not_real(found[name], array):
                self.shapes.setdefault(name, odd)
            else:
                made[name] = array.real.astype(float) if array.dtype.kind in "cO" else array
        return made

    def _compared(
        self, point: Point, fitting: Mapping[str, Any], derived: Mapping[str, Any],
    ) -> dict[str, Comparison]:
        """Each gradient against differences of the loss, most of all where it is not the derived.
        """
        if not fitting:
            return {}
        self._rounding = rounding = measured_rounding(self._claimed_at(point), dict(point.values))
        sources: dict[Witness, list[str]] = {}
        plain = Witness(self.subject.loss)
        for name in fitting:
            sources.setdefault(self.subject.witnesses.get(name, plain), []).append(name)
        return {name: found for source, names in sources.items() for name, found in
                compare_gradient(
            source.loss, dict(point.values), {name: fitting[name] for name in names},
            rounding={n: r for n, r in rounding.items() if n in names} or None,
            suspects={n: farthest(fitting[n], derived[n]) for n in names if n in derived},
            budget=ENOUGH if derived else BUDGET, real=source.real,
        ).items()}

    def _exact_at(self, point: Point) -> dict[str, Any]:
        """The derived gradients at a point in exact numbers; none where the loss's value is not
        that of its equations."""
        if id(point) not in self._exact:
            subject, found = self.subject, dict[str, Any]()
            if subject.derived is not None and subject.chain is not None:
                loss = subject.chain.loss
                arrays = {loss: "", **{subject.of[n]: n for n in subject.wrt}}
                made = exact_arrays(subject.derived, list(arrays), point.numbers)
                if made and self._is_loss(made[loss], point):
                    found = {name: made[array] for array, name in arrays.items() if name}
            self._exact[id(point)] = found
        return self._exact[id(point)]

    def _is_loss(self, exact: Any, point: Point) -> bool:
        """Whether the program of the loss computes what its equations say, as far as it has digits.
        """
        with np.errstate(all="ignore"):
            value = float(np.asarray(self.subject.loss(point.values)).reshape(()))
        meant = float(np.sum(exact))
        return bool(abs(value - meant) <= LOST * max(abs(meant), abs(value)))

    def _settled(
        self, name: str, comparison: Comparison, claimed: Any, exact: Any, point: Point
    ) -> Comparison:
        """A contradiction of the loss's differences, where the exact derivative is known.

        What a difference is taken of has lost digits where the hand-written value is the exact one.
        """
        rounding = np.maximum(rounding_bound(claimed, exact), self._rounding.get(name, 0.0))
        if not np.all(np.abs(np.asarray(claimed, dtype=float) - exact) <= rounding):
            return comparison
        self.notes[name][
            f"the loss loses digits at {point}: its differences are off, while the hand-written "
            f"gradient is the derived one in exact numbers, within {float(np.max(rounding)):.1g}"
        ] = None
        return replace(comparison, verdict="agrees", reason="", wrong=(),
                       bound=float(np.max(rounding)))

    def lost_digits(self, name: str) -> str:
        """How the program of a gradient loses digits, where that explains all that differs.

        For a gradient whose formula is proved: empty where a refutation is more than arithmetic.
        """
        texts = []
        for found in self.observed[name]:
            if found.comparison.verdict != "refuted":
                continue
            if not np.all(np.isfinite(found.claimed)) or found.largest != found.largest or (
                    found.is_as_derived):  # it is the loss that is not what its equations say
                return ""
            allowed = noise_bound(self._claimed_at(found.point), found.point.values, name,
                                  found.claimed, found.true, wrt=self.subject.varied)
            if not np.all(found.gap <= allowed):
                return ""
            size = float(np.max(np.abs(found.true)))
            texts.append(f"the program loses digits at {found.point}: off by {found.largest:.1g}, "
                         f"{found.largest / size:.1g} of the largest entry")
        return texts[0] if texts else ""

    def _claimed_at(self, point: Point) -> Gradient:
        expected = {name: np.shape(value) for name, value in point.values.items()}

        def at(values: Mapping[str, Any]) -> dict[str, Any]:
            found = self.subject.gradient(values)
            return {name: self._fitted(name, np.asarray(array), expected[name], point)
                    for name, array in found.items()}

        return at

    def _note_of(self, name: str, comparison: Comparison, point: Point) -> None:
        notes = [*comparison.notes]
        if name not in self._aside:  # once will do, with its figures
            notes += comparison.set_aside[:1]
            self._aside.update([name] if comparison.set_aside else [])
        if comparison.subgradient:
            notes.append(f"at a kink at {point}: there is no one derivative, and the hand-written "
                         "value lies between the one-sided ones")
        self.notes[name].update(dict.fromkeys(notes))

    def wanted(self, points: Sequence[Point]) -> list[Wanted]:
        """The true gradients at each point: the derived ones, else as measured."""
        looked = []
        for point in points:
            true, bounds = self.derived_at(point), dict[str, float]()
            if not true:
                for name, seen in self.observed.items():
                    for found in seen:
                        if found.point is point and found.comparison.verdict != "undecided":
                            true[name] = found.comparison.witness
                            bounds[name] = found.comparison.bound
            looked.append((point.values, true, bounds))
        return wanted_at(looked)

    def refuted(self, names: Sequence[str], points: Sequence[Point] | None = None) -> bool:
        """Whether one of the named gradients differs at a point, or at one of these."""
        chosen = None if points is None else [id(point) for point in points]
        return any(
            found.comparison.verdict == "refuted" and (chosen is None or id(found.point) in chosen)
            for name in names for found in self.observed[name])

    def diagnosis(self, name: str) -> Diagnosis | None:
        """What the numbers say that a gradient is wrong by; None where they say nothing."""
        seen = [(found.claimed, found.true, found.point.sizes) for found in self.observed[name]]
        return diagnose(seen) if seen else None

    def sizes(self, name: str) -> Mapping[str, int]:
        """The sizes at the first point at which a gradient was looked at."""
        return self.observed[name][0].point.sizes if self.observed[name] else {}

    def _note(self, text: str) -> None:
        for notes in self.notes.values():
            notes[text] = None

    def _loss_works(self, point: Point) -> bool:
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
                works = bool(np.isfinite(self.subject.loss(point.values)))
        except Exception as error:  # as above
            self._note(f"the loss fails at {point}: {type(error).__name__}: {error}")
            return False
        if not works and 1 in point.sizes.values():
            self._leave_out(point, f"the loss is not finite at {point}")
        return works

    def _leave_out(self, point: Point, why: str) -> None:  # a size of 1 need not be meant
        self._note(f"{why}, which was left out")
        if not (point.given or point.branch):
            self.least.update({name: 2 for name, size in point.sizes.items() if size == 1})

    def _fitted(self, name: str, array: Any, expected: tuple[int, ...], point: Point) -> Any:
        """The array, without units too many where that is allowed; a misfit is remembered."""
        meant = (*expected, 1) if name in self.subject.columns else expected
        if array.shape == meant:
            return array.reshape(expected)
        text = f"has shape {array.shape}, expected {meant}"
        same = differ_by_units(array.shape, meant)
        if same and self.subject.loose_units:
            note = f"the gradient lacks an axis of length 1 that {name} has"
            if array.ndim > len(meant):
                note = f"the gradient keeps an axis of length 1 that {name} does not have"
            self.notes[name][note] = None
            return array.reshape(expected)
        hint = "; keepdims keeps an axis that the parameter does not have" if (
            same and array.ndim > len(meant)) else ""
        if array.T.shape == meant:
            hint = "; did you mean its transpose?"
        if point.elsewhere:
            text = f"{text} at {point}"
            if self.subject.hand is None:  # nor is it known whether these sizes are meant
                self.notes[name][f"the gradient {text}"] = None
                return array
        self.shapes.setdefault(name, text + hint)
        return array

    def derived_at(self, point: Point) -> dict[str, Any]:
        """The derived gradients, none where there are none for these sizes."""
        if self._derived is None or self.subject.derived is None:
            return {}
        inputs = {a.name: point.numbers[a.name] for a in self.subject.derived.inputs}
        try:
            return dict(zip(self.subject.wrt, self._derived(**inputs), strict=True))
        except ValueError:
            if point.elsewhere or self.subject.searches:  # derived for the given sizes alone
                return {}
            raise


def _copied(gradient: Gradient, values: Mapping[str, Any]) -> dict[str, Any]:
    """What a gradient function returns, which may write into the same arrays with every call."""
    return {name: np.array(found) if isinstance(found, np.ndarray) else found
            for name, found in gradient(values).items()}


def _decides(comparison: Comparison, claimed: Any) -> bool:  # of the formula, not its arithmetic
    return comparison.verdict != "undecided" and bool(np.all(np.isfinite(claimed)))


def farthest(claimed: Any, derived: Any) -> tuple[int, ...]:
    """Flat indices of the entries where two arrays differ most, the worst first; none where the
    difference may be rounding."""
    with np.errstate(invalid="ignore"):
        gaps = np.abs(np.asarray(claimed, dtype=float) - derived).ravel()
    gaps = np.where(np.isnan(gaps), np.inf, gaps)
    worst = np.argsort(-gaps)[:3]
    rounding = rounding_bound(np.asarray(claimed), np.asarray(derived))
    return tuple(int(place) for place in worst if gaps[place] > rounding)


