"""The numbers of a check: the hand-written gradient at points, against differences of the loss."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gradproof.checks.points import Point
from gradproof.checks.repair_search import targets
from gradproof.checks.subject import Subject
from gradproof.codegen.compile import compile_system
from gradproof.numeric import (
    BUDGET,
    Comparison,
    compare_gradient,
    measured_rounding,
    rounding_bound,
)
from gradproof.repair.search import Target

ENOUGH = 400
"""Evaluations of the loss to spend where the derived gradient says where to look."""


class Numbers:
    """Comparisons of the hand-written gradient at every point, and the derived values there."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.comparisons: dict[str, list[tuple[Point, Comparison]]] = {}
        self.observed: dict[str, list[tuple[Any, Any, Mapping[str, int]]]] = {}
        self.notes: dict[str, dict[str, None]] = {
            name: dict.fromkeys((*subject.remarks, *subject.keyed.notes(name)))
            for name in subject.wrt
        }
        self.shapes: dict[str, str] = {}
        self.failure = ""
        self._derived = None
        if subject.derived is not None:
            results = [subject.of[name] for name in subject.wrt]
            self._derived = compile_system(subject.derived, results)

    def look_at(self, point: Point) -> None:
        if 1 in point.sizes.values() and not point.given and not self._loss_works(point):
            return  # a variance with ddof = 1, say, of one sample
        before = {name: np.array(value) for name, value in point.values.items()}
        try:
            with np.errstate(all="ignore"):
                claimed = {
                    name: np.asarray(value)
                    for name, value in self.subject.gradient(point.values).items()
                }
        except (Exception, SystemExit) as error:  # whatever it raises, that is the finding
            text = f"the gradient function fails at {point}: {type(error).__name__}: {error}"
            if point.branch:  # an input that it refuses
                return
            if point.elsewhere:  # sizes that were guessed from the given ones
                self._note(text)
            else:
                self.failure = self.failure or text
            return
        if (point.elsewhere or point.branch) and not self._loss_works(point):
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
        derived = self.derived_at(point)
        found = compare_gradient(
            self.subject.loss, floats, fitting, wrt=list(fitting),
            rounding={n: r for n, r in rounding.items() if n in fitting} or None,
            suspects={n: farthest(a, derived[n]) for n, a in fitting.items() if n in derived},
            budget=ENOUGH if derived else BUDGET,
        ) if fitting else {}
        for name, comparison in list(found.items()):
            if point.branch and not _decides(comparison, fitting[name]):
                reason = comparison.reason or "not finite"
                self.notes[name][f"nothing is decided at {point}: {reason}"] = None
                del found[name]
                continue
            self.comparisons.setdefault(name, []).append((point, comparison))
            for note in comparison.notes:
                aside = note.startswith("complex step")  # once will do, with its figures
                if not (aside and any(known.startswith("complex step")
                                      for known in self.notes[name])):
                    self.notes[name][note] = None
            if comparison.subgradient:
                self.notes[name][f"at a kink at {point}: there is no one derivative, and the "
                                 "hand-written value lies between the one-sided ones"] = None
        for name in found:
            array = fitting[name]
            true = derived.get(name, found[name].witness)
            self.observed.setdefault(name, []).append((array, true, point.sizes))

    def targets(self, points: Sequence[Point]) -> list[Target]:
        """The true gradients at each point: the derived ones, else as measured."""
        looked = []
        for point in points:
            true, bounds = self.derived_at(point), dict[str, float]()
            if not true:
                for name, found in self.comparisons.items():
                    for place, comparison in found:
                        if place is point and comparison.verdict != "undecided":
                            true[name], bounds[name] = comparison.witness, comparison.bound
            looked.append((point.values, true, bounds))
        return targets(looked)

    def refuted(self, names: Sequence[str], points: Sequence[Point] | None = None) -> bool:
        """Whether one of the named gradients differs at a point, or at one of these."""
        chosen = None if points is None else [id(point) for point in points]
        return any(comparison.verdict == "refuted" and (chosen is None or id(point) in chosen)
                   for name in names for point, comparison in self.comparisons.get(name, []))

    def _note(self, text: str) -> None:
        for notes in self.notes.values():
            notes[text] = None

    def _loss_works(self, point: Point) -> bool:
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                works = bool(np.isfinite(self.subject.loss(point.values)))
        except Exception as error:  # as above
            self._note(f"the loss fails at {point}: {type(error).__name__}: {error}")
            return False
        if not works and 1 in point.sizes.values():
            self._note(f"the loss is not finite at {point}, which was left out")
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

    def derived_at(self, point: Point) -> dict[str, Any]:
        """The derived gradients, none where there are none for these sizes."""
        if self._derived is None or self.subject.derived is None:
            return {}
        inputs = {a.name: point.values[a.name] for a in self.subject.derived.inputs}
        try:
            return dict(zip(self.subject.wrt, self._derived(**inputs), strict=True))
        except ValueError:
            if point.elsewhere:  # derived for the given sizes alone
                return {}
            raise


def _decides(comparison: Comparison, claimed: Any) -> bool:
    """Whether numbers so far out say something of the formula rather than of its arithmetic."""
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


