"""Two systems side by side: their normal forms, their samples, and one step between them.

    left dz = da (1 - a²),  right d = g (1 - a a),  da = g proven   ->   dz = d

A step proves left = factor · right for one pair of arrays, over what was proven before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sympy as sp

from ..equation import Array, System
from ..normalform.forms import Forms, Name, Notes, new_atoms
from ..normalform.guards import size_poly
from ..normalform.polynomial import BudgetError, Poly, UnsupportedError, plus
from ..normalform.vanishing import vanishes
from .compared_values import at_compared_values, compared_values
from .sampling import Evaluate, Fingerprint, Match, Sample, fingerprint, sample
from .sampling import match as find_match

BUDGET = 200_000
"""Operations on monomials that one step of a proof may take (a few seconds)."""

TIES = 8
"""Samples with data at the numbers that they are compared with, where they are compared."""

SHORT = 2
"""A proven array of so few monomials is read through: it cancels better than it hides."""


@dataclass(frozen=True)
class ProvenPair:
    """left = factor · right (up to the order of axes), proven."""

    left: str
    right: str
    factor: sp.Expr


@dataclass
class Sides:
    """The two systems, and what has been proven between them so far.

    Inputs of the same name are the same array.  `proven` maps a right name to left names,
    `used` a proven pair to what its step relied on.  `data` are inputs that nothing is
    differentiated by; `ties` are samples where they are the numbers that they are compared with.
    `least` are the least values of sizes, where they are not 1.
    """

    left: System
    right: System
    evaluate: Evaluate | None = None
    budget: int = BUDGET
    data: Collection[str] = ()
    least: Mapping[str, int] = field(default_factory=dict)
    steps: list[ProvenPair] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.same = self.left == self.right
        self.names = ("both", "both") if self.same else ("left", "right")
        systems = {self.names[0]: self.left, self.names[1]: self.right}
        self.shapes = self.left.shapes, self.right.shapes
        self.table = new_atoms(self.budget)
        self.forms = Forms(self.table, systems, data=self.data)
        self.points: list[Sample] = []
        if self.evaluate is not None:
            self.points = sample(self.left, self.right, self.evaluate)
        self.ties = self._sampled_ties()
        self.proven: dict[str, list[tuple[str, Match]]] = {}
        self.used: dict[tuple[str, str], Notes] = {}
        self._prints: dict[Name, Fingerprint] = {}

    def _sampled_ties(self) -> list[Sample]:
        """Samples where data are the numbers that they are compared with; none without such."""
        inputs = (*self.left.inputs, *self.right.inputs)
        uncertain = {*self.data, *(a.name for a in inputs if a.kind == "probability")}
        compared = compared_values((self.left, self.right), uncertain) if uncertain else {}
        if not compared or self.evaluate is None:
            return []

        def tied(array: Array, drawn: Any, random: np.random.Generator, number: int) -> Any:
            values = compared.get(array.name)
            return drawn if values is None else at_compared_values(
                array, drawn, values, random, number)

        return sample(self.left, self.right, self.evaluate, points=TIES, seed=1, changed=tied)

    def match(self, left: str, right: str) -> Match | None:
        return find_match(
            self.points, (left, self.shapes[0][left]), (right, self.shapes[1][right])
        )

    def identity(self, left: str, right: str) -> Match | None:
        """The match without a factor and with the axes in order, if the shapes allow it."""
        first = self.shapes[0][left]
        second = [size for size in self.shapes[1][right] if size != 1]
        axes = tuple(axis for axis, size in enumerate(first) if size != 1)
        if [first[axis] for axis in axes] != second:
            return None
        return Match(sp.S.One, axes)

    def alike(self, right: str, wanted_left: list[str]) -> list[str]:
        """The left arrays whose fingerprint is that of the right one."""
        mine = self._fingerprint(1, right)
        if mine is None:
            return []
        others = [left for left in wanted_left if left != right or not self.same]
        known = {left: self._fingerprint(0, left) for left in others}
        finite = {left: found for left, found in known.items() if found is not None}
        if not finite:
            return []
        gaps = np.max(np.abs(np.array(list(finite.values())) - mine), axis=1)
        return [left for left, gap in zip(finite, gaps, strict=True) if gap < 1e-7]

    def _fingerprint(self, side: int, name: str) -> Fingerprint:
        key = ("left", "right")[side], name
        if key not in self._prints:
            self._prints[key] = fingerprint(self.points, key[0], name)
        return self._prints[key]

    def prove_step(self, left: str, right: str, found: Match) -> bool:
        notes = Notes()
        try:
            difference = self.difference(left, right, found, notes)
            if not self.is_zero(difference, notes):
                return False
        except (BudgetError, UnsupportedError):
            return False
        self.used[left, right] = notes
        return True

    def difference(self, left: str, right: str, found: Match, notes: Notes) -> Poly:
        """left - factor · right over the cuts there are."""
        first = self.form(0, left, notes)
        second = self.moved(right, found, self.form(1, right, notes))
        return plus(first, self.table.times(size_poly(self.table, found.factor), second), -1)

    def moved(self, right: str, found: Match, poly: Poly) -> Poly:
        """A form of the right array in the placeholders of the left one."""
        name = self.names[1], right
        places = [place for place in self.forms.places(name) if place >= 0]
        table = self.table
        targets = [
            table.placeholder(axis, table.size(place))
            for axis, place in zip(found.order, places, strict=True)
        ]
        return table.substitute(poly, dict(zip(places, targets, strict=True)))

    def form(self, side: int, name: str, notes: Notes) -> Poly:
        key = self.names[side], name
        self.table.budget = self.table.spent + self.budget
        poly = self.forms.form(key)
        notes.add(self.forms.notes[key])
        return poly

    def is_zero(self, difference: Poly, notes: Notes) -> bool:
        table = self.table
        table.budget = table.spent + self.budget
        table.kinks, table.assumptions = notes.kinks, notes.assumptions
        return vanishes(table, difference, self.forms.definitions)

    def cut(self, left: str, right: str, found: Match) -> None:
        """Lets both sides read the pair as one array, if it is a contraction, or long."""
        table, forms = self.table, self.forms
        name = self.names[0], left
        poly = forms.forms[name]
        kinds = [table.bases[base].kind for mono in poly for base, _, _ in mono]
        if kinds != ["cut"]:
            if len(poly) <= SHORT and not {"sum", "max"}.intersection(kinds):
                return
            poly = forms.cut(name, poly)
        self.put(right, found, poly)

    def put(self, right: str, found: Match, poly: Poly) -> None:
        """Lets the right array be read as what the left one's form says."""
        table, name = self.table, (self.names[1], right)
        places = [place for place in self.forms.places(name) if place >= 0]
        by = {
            table.placeholder(axis, table.size(place)): place
            for axis, place in zip(found.order, places, strict=True)
        }
        scale = size_poly(table, 1 / found.factor)
        self.forms.forms[name] = table.times(scale, table.substitute(poly, by))
