"""Are two arrays equal for all values and all sizes?

Normal forms decide; numbers only propose.  Intermediates of the two sides that agree at random
points, up to a monomial in the sizes (hand-written adjoints move their 1/m around), are proven
equal from the small to the large; a proven pair is then read as one array on both sides, so that
each step stays local.  Where a step fails over these cuts, the latest cut in the difference is
opened, and so on down to the inputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import sympy as sp

from .equation import System
from .guards import size_poly
from .normal import Forms, Name, Notes, new_table
from .polynomial import BudgetError, Poly, UnsupportedError, plus
from .ratios import pointwise_ratios
from .sampling import (
    Evaluate,
    Fingerprint,
    Match,
    Point,
    agreement,
    fingerprint,
    match,
    sample,
)
from .shown import shown
from .zero import vanishes

BUDGET = 400_000
"""Operations on monomials that one step of a proof may take (a few seconds)."""


@dataclass(frozen=True)
class Step:
    """left = factor · right (up to the order of axes), proven."""

    left: str
    right: str
    factor: sp.Expr


@dataclass(frozen=True)
class Proof:
    """What is known of left = right.

    `equal` is True only where the normal forms are the same; False where the arrays differ at a
    point; None where neither was found, and `reason` says why.  The scope of True is: all real
    values for which no denominator vanishes, away from `kinks`, under `assumptions`.
    `difference` shows the normal form of left - right.  `ratio` is left / right, where that is a
    proven expression in sizes or in named arrays of the left side.
    """

    equal: bool | None
    reason: str = ""
    steps: tuple[Step, ...] = ()
    assumptions: tuple[str, ...] = ()
    kinks: tuple[str, ...] = ()
    difference: str = ""
    ratio: sp.Expr | None = None

    @property
    def intermediates(self) -> tuple[tuple[str, str, sp.Expr], ...]:
        """The proven pairs: (left name, right name, left / right)."""
        return tuple((step.left, step.right, step.factor) for step in self.steps)


@dataclass(frozen=True)
class Wrong:
    """An array of the right side that is no array of the left side, up to a factor in the sizes.

    Where it is a pointwise factor away from one, `instead` names that and `ratio` is
    instead / right.
    """

    right: str
    instead: str | None = None
    ratio: sp.Expr | None = None


def prove_equal(
    system: System,
    left: str,
    right: str,
    evaluate: Evaluate | None = None,
    budget: int = BUDGET,
) -> Proof:
    """Are two arrays of one system equal?"""
    return Prover(system, system, evaluate, budget).prove({left: right})[left]


def prove_all(
    left_system: System,
    right_system: System,
    pairs: Mapping[str, str],
    evaluate: Evaluate | None = None,
    budget: int = BUDGET,
) -> dict[str, Proof]:
    """Are the arrays of the left system equal to those of the right one?  Keyed by left names.

    Inputs of the same name are the same array.
    """
    return Prover(left_system, right_system, evaluate, budget).prove(pairs)


def first_wrong(
    left_system: System,
    right_system: System,
    pair: tuple[str, str],
    evaluate: Evaluate,
    budget: int = BUDGET,
) -> Wrong | None:
    """The first array on the way to the right one of the pair that is no array of the left side.

    None where every array corresponds to one, so also where the pair is equal.
    """
    prover = Prover(left_system, right_system, evaluate, budget)
    prover.prove({pair[0]: pair[1]})
    return prover.first_wrong(*pair)


@dataclass
class Prover:
    """The proofs between two systems, which share what was proven before."""

    left: System
    right: System
    evaluate: Evaluate | None = None
    budget: int = BUDGET
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.same = self.left == self.right
        self.sides = ("both", "both") if self.same else ("left", "right")
        systems = {self.sides[0]: self.left, self.sides[1]: self.right}
        self.shapes = self.left.shapes, self.right.shapes
        self.table = new_table(self.budget)
        self.forms = Forms(self.table, systems)
        self.points: list[Point] = []
        if self.evaluate is not None:
            self.points = sample(self.left, self.right, self.evaluate)
        self.proven: dict[str, list[tuple[str, Match]]] = {}
        self.used: dict[tuple[str, str], Notes] = {}
        self._prints: dict[Name, Fingerprint] = {}

    # --- the walk -------------------------------------------------------------------------------

    def prove(self, pairs: Mapping[str, str]) -> dict[str, Proof]:
        """A proof for each pair, keyed by left names."""
        wanted_left = ancestors(self.left, pairs.keys())
        wanted_right = ancestors(self.right, pairs.values())
        if self.points:
            for name in wanted_right:
                self._settle(name, wanted_left)
        return {left: self._verdict(left, right) for left, right in pairs.items()}

    def _settle(self, right: str, wanted_left: list[str]) -> None:
        """Proves the array equal to the left arrays it agrees with, and cuts there."""
        if right in self.proven:
            return
        group = self.forms.recurrent.get((self.sides[1], right))
        if group is not None:
            self._settle_recurrence([name for _, name in group], wanted_left)
            return
        self.proven[right] = []
        for left in self._alike(right, wanted_left):
            found = self._match(left, right)
            if found is not None and self._prove_step(left, right, found):
                self.proven[right].append((left, found))
                self.steps.append(Step(left, right, found.factor))
                self._cut(left, right, found)
                return

    def _settle_recurrence(self, group: list[str], wanted_left: list[str]) -> None:
        """Proves arrays of a recurrence equal to left arrays, together.

        A recurrence has one solution.  The left arrays are it, up to their factors, if they
        satisfy its equations: so these are looked at with the left arrays put in.
        """
        pairs: dict[str, tuple[str, Match]] = {}
        for right in group:
            self.proven[right] = []
            for left in self._alike(right, wanted_left):
                found = self._match(left, right)
                if found is not None and not (self.same and left in group):
                    pairs[right] = left, found
                    break
        try:
            notes = self._satisfied(group, pairs)
        except (BudgetError, UnsupportedError):
            notes = None
        for right in group:
            if notes is None:
                self.forms.forms.pop((self.sides[1], right), None)
            elif right in pairs:
                left, found = pairs[right]
                self.proven[right].append((left, found))
                self.used[left, right] = notes
                self.steps.append(Step(left, right, found.factor))

    def _satisfied(
        self, group: list[str], pairs: Mapping[str, tuple[str, Match]]
    ) -> Notes | None:
        """What it relies on that the left arrays satisfy the group's equations; None if not."""
        if not pairs:
            return None
        forms, notes = self.forms, Notes()
        near = {
            member
            for left, _ in pairs.values()
            for member in forms.recurrent.get((self.sides[0], left), ())
        }
        for right, (left, found) in pairs.items():
            self._form(1, right, notes)
            self._put(right, found, self._form(0, left, notes))
        apart = {(self.sides[1], right) for right in group if right not in pairs}
        said = {}
        for name in [*near, *((self.sides[1], right) for right in group)]:
            said[name], relied = forms.right_side(name)
            notes.add(relied)
        for name in near | apart:
            forms.definitions[forms.cut_base(name)] = said[name]
        for right, (left, found) in pairs.items():
            mine = (self.sides[0], left)
            first = said[mine] if mine in said else self._form(0, left, notes)
            second = self._moved(right, found, said[self.sides[1], right])
            scale = size_poly(self.table, found.factor)
            if not self._is_zero(plus(first, self.table.times(scale, second), -1), notes):
                return None
        return notes

    def _match(self, left: str, right: str) -> Match | None:
        return match(
            self.points, (left, self.shapes[0][left]), (right, self.shapes[1][right])
        )

    def _alike(self, right: str, wanted_left: list[str]) -> list[str]:
        """The left arrays whose fingerprint is that of the right one."""
        mine = self._fingerprint(1, right)
        if mine is None:
            return []
        known = {left: self._fingerprint(0, left) for left in wanted_left}
        names = [left for left, print_ in known.items() if print_ is not None]
        names = [left for left in names if left != right or not self.same]
        if not names:
            return []
        gaps = np.max(np.abs(np.array([known[left] for left in names]) - mine), axis=1)
        return [left for left, gap in zip(names, gaps, strict=True) if gap < 1e-7]

    def _fingerprint(self, side: int, name: str) -> Fingerprint:
        key = ("left", "right")[side], name
        if key not in self._prints:
            self._prints[key] = fingerprint(self.points, key[0], name)
        return self._prints[key]

    # --- one step -------------------------------------------------------------------------------

    def _prove_step(self, left: str, right: str, found: Match) -> bool:
        notes = Notes()
        try:
            difference = self._difference(left, right, found, notes)
            if not self._is_zero(difference, notes):
                return False
        except (BudgetError, UnsupportedError):
            return False
        self.used[left, right] = notes
        return True

    def _difference(self, left: str, right: str, found: Match, notes: Notes) -> Poly:
        """left - factor · right over the cuts there are."""
        first = self._form(0, left, notes)
        second = self._moved(right, found, self._form(1, right, notes))
        return plus(first, self.table.times(size_poly(self.table, found.factor), second), -1)

    def _moved(self, right: str, found: Match, poly: Poly) -> Poly:
        """A form of the right array in the placeholders of the left one."""
        name = self.sides[1], right
        places = [place for place in self.forms.places(name) if place >= 0]
        table = self.table
        targets = [
            table.placeholder(axis, table.size(place))
            for axis, place in zip(found.order, places, strict=True)
        ]
        return table.substitute(poly, dict(zip(places, targets, strict=True)))

    def _form(self, side: int, name: str, notes: Notes) -> Poly:
        key = self.sides[side], name
        self.table.budget = self.table.spent + self.budget
        poly = self.forms.form(key)
        notes.add(self.forms.notes[key])
        return poly

    def _is_zero(self, difference: Poly, notes: Notes) -> bool:
        table = self.table
        table.budget = table.spent + self.budget
        table.kinks, table.assumptions = notes.kinks, notes.assumptions
        return vanishes(table, difference, self.forms.definitions)

    def _cut(self, left: str, right: str, found: Match) -> None:
        """Lets both sides read the pair as one array, if it is a contraction."""
        table, forms = self.table, self.forms
        name = self.sides[0], left
        poly = forms.forms[name]
        kinds = [table.bases[base].kind for mono in poly for base, _, _ in mono]
        if kinds != ["cut"]:
            if not {"sum", "max"}.intersection(kinds):
                return
            poly = forms.cut(name, poly)
        self._put(right, found, poly)

    def _put(self, right: str, found: Match, poly: Poly) -> None:
        """Lets the right array be read as what the left one's form says."""
        table, name = self.table, (self.sides[1], right)
        places = [place for place in self.forms.places(name) if place >= 0]
        by = {
            table.placeholder(axis, table.size(place)): place
            for axis, place in zip(found.order, places, strict=True)
        }
        scale = size_poly(table, 1 / found.factor)
        self.forms.forms[name] = table.times(scale, table.substitute(poly, by))

    # --- verdicts -------------------------------------------------------------------------------

    def _verdict(self, left: str, right: str) -> Proof:
        plain = self._identity(left, right)
        if plain is None:
            return Proof(False, f"{left} has shape {self.shapes[0][left]}, {right} has shape "
                         f"{self.shapes[1][right]}")
        numbers = agreement(self.points, left, right)
        if numbers is False:
            return self._refuted(left, right)
        known = [found for other, found in self.proven.get(right, []) if other == left]
        if plain in known or self._prove_step(left, right, plain):
            if self.points and numbers is None:
                return Proof(None, "the normal forms agree, but the sampled values do not "
                             "settle it (not finite, or too inexact)")
            return self._proved(left, right)
        return replace(
            Proof(None, "the normal forms differ, or one grew beyond its budget"),
            steps=tuple(self.steps),
            difference=self._shown_difference(left, right, plain),
        )

    def _identity(self, left: str, right: str) -> Match | None:
        first = self.shapes[0][left]
        second = [size for size in self.shapes[1][right] if size != 1]
        axes = tuple(axis for axis, size in enumerate(first) if size != 1)
        if [first[axis] for axis in axes] != second:
            return None
        return Match(sp.S.One, axes)

    def _proved(self, left: str, right: str) -> Proof:
        """The proof, with what every step on the way relied on."""
        above = {*ancestors(self.right, [right])}
        notes = Notes()
        steps = []
        for step in self.steps:
            if step.right in above:
                steps.append(step)
                notes.add(self.used[step.left, step.right])
        notes.add(self.used[left, right])
        return Proof(
            True, "", tuple(steps), tuple(sorted(notes.assumptions)), tuple(sorted(notes.kinks))
        )

    def _refuted(self, left: str, right: str) -> Proof:
        plain = self._identity(left, right)
        assert plain is not None
        found = self._match(left, right)
        ratio = None
        if found is not None and found.order == plain.order and (
            (left, found) in self.proven.get(right, []) or self._prove_step(left, right, found)
        ):
            ratio = found.factor
        return Proof(
            False,
            "the arrays differ at a sampled point",
            tuple(self.steps),
            difference=self._shown_difference(left, right, plain),
            ratio=ratio if ratio is not None else self._pointwise_ratio(left, right, plain),
        )

    def _shown_difference(self, left: str, right: str, found: Match) -> str:
        try:
            return shown(self.table, self._difference(left, right, found, Notes()))
        except (BudgetError, UnsupportedError):
            return ""

    # --- what is wrong --------------------------------------------------------------------------

    def _pointwise_ratio(self, left: str, right: str, found: Match) -> sp.Expr | None:
        """left / right as an expression in one array of the left side, proven."""
        for array, ratio, factor in pointwise_ratios(
            self.left, self.points, left, right, ancestors(self.left, [left])
        ):
            if self._is_ratio(left, right, found, (array, ratio, factor)):
                return factor * ratio
        return None

    def _is_ratio(
        self, left: str, right: str, found: Match, candidate: tuple[str, sp.Expr, sp.Expr]
    ) -> bool:
        array, ratio, factor = candidate
        notes = Notes()
        try:
            first = self._form(0, left, notes)
            inner = self._form(0, array, notes)
            second = self._moved(right, found, self._form(1, right, notes))
            pointwise = self.forms.scalar(ratio, {sp.Symbol(array, real=True): inner})
            scale = size_poly(self.table, factor)
            product = self.table.product([scale, pointwise, second])
            return self._is_zero(plus(first, product, -1), notes)
        except (BudgetError, UnsupportedError):
            return False

    def first_wrong(self, target: str, right: str) -> Wrong | None:
        """The first array on the way to `right`, due to be `target`, that is nothing proven.

        Arrays from which a proven array follows on the way are passed over: they are right, or
        their error does not matter.  Where the array misses no pointwise factor itself, one of
        the arrays it is computed from may.  Call :meth:`prove` first.
        """
        path = ancestors(self.right, [right])
        proven = {name for name in path if self.proven.get(name)}
        harmless = {*ancestors(self.right, proven)}
        wrong = next((name for name in path if name not in harmless), None)
        if wrong is None:
            return None
        steps = [step.left for step in reversed(self.steps)]
        found = self._factor_away(wrong, [*ancestors(self.left, [target])[::-1], *steps])
        if found is not None:
            return found
        sources = [read.array for read in self.right[wrong].reads]
        near = operands(self.left, target, 2)
        for source in sources:
            if source in {equation.name for equation in self.right.equations}:
                found = self._factor_away(source, near)
                if found is not None:
                    return found
        return Wrong(wrong)

    def _factor_away(self, right: str, candidates: Iterable[str]) -> Wrong | None:
        """The first candidate that is the right array times a pointwise factor."""
        for left in dict.fromkeys(candidates):
            same = self._identity(left, right)
            if same is None:
                continue
            ratio = self._pointwise_ratio(left, right, same)
            if ratio is not None:
                return Wrong(right, left, ratio)
        return None


def operands(system: System, name: str, depth: int) -> list[str]:
    """The computed arrays that an array is computed from, in at most `depth` equations."""
    computed = {equation.name: equation for equation in system.equations}
    found = [name]
    for _ in range(depth):
        found += [
            read.array
            for known in found
            for read in computed[known].reads
            if read.array in computed and read.array not in found
        ]
    return found[1:]


def ancestors(system: System, names: Iterable[str]) -> list[str]:
    """The computed arrays that the named ones are computed from, and they, in program order."""
    wanted = set(names)
    found = []
    for equation in reversed(list(system.equations)):
        if equation.name in wanted or wanted.intersection(equation.argmax):
            found.append(equation.name)
            wanted.update(read.array for read in equation.reads)
    return found[::-1]
