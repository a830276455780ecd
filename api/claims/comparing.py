"""The sides of a formula beside one another: proved equal, or numbers beside the exact one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import sympy as sp

from gradproof.claims import stated_numbers
from gradproof.claims.findings import ORDER, Verdict
from gradproof.codegen.interpret import evaluate
from gradproof.reports.worked import figures
from gradproof.reports.worked.digits import fraction
from gradproof.symbolic.dependence import ancestors, restricted
from gradproof.symbolic.display.text_and_latex import factor_text
from gradproof.symbolic.equation import Read, System, Term, slot
from gradproof.symbolic.evaluator import NotComputableError
from gradproof.symbolic.latex.meaning import Meaning
from gradproof.symbolic.latex.trees import LatexError, Node
from gradproof.symbolic.latex.values import COLUMN, ROW, FitError, Val
from gradproof.symbolic.proof.prover import Proof, Prover


@dataclass(frozen=True)
class Outcome:
    """What one reading, for one layer, comes to."""

    verdict: Verdict
    why: str = ""
    exact: str = ""
    error: str = ""
    fits: bool = True
    turned: bool = False
    kind: str = "formula"


class Comparing:
    """Comparisons of sides; `values` are those of the inputs, where there are any."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def sides(
        self, meaning: Meaning, nodes: Sequence[Node], values: Sequence[Val],
        relations: Sequence[str] = (),
    ) -> Outcome:
        """Neighbours are proved equal; numbers in a row are held against what stands before.

        ∇L = … = 0 at an end says where, not that it is zero for all values: it is told, not
        judged.  What a formula calls about equal is not refuted by being different.
        """
        if not self.values and len(nodes) > 2:
            kept = [place for place, node in enumerate(nodes) if not (
                node.kind == "number" and not values[place].body
                and place in (0, len(nodes) - 1))]
            if len(kept) == len(nodes) - 1:
                found = self.sides(meaning, [nodes[place] for place in kept],
                                   [values[place] for place in kept])
                zero = self._zero(meaning, values[kept[-1]])
                return found if zero else replace(
                    found, why=f"{found.why}; that it is 0 is a condition, which is not judged")
        outcomes = list(self._in_turn(meaning, nodes, values, relations))
        misfit = [outcome for outcome in outcomes if not outcome.fits]
        return misfit[0] if misfit else max(
            outcomes, key=lambda outcome: (ORDER.index(outcome.verdict),
                                           outcome.kind == "number"))

    def _in_turn(
        self, meaning: Meaning, nodes: Sequence[Node], values: Sequence[Val],
        relations: Sequence[str],
    ) -> Iterator[Outcome]:
        place = 0
        while place < len(values):
            run = place
            while run < len(values) and values[run].is_number and not _has_size(values[run]):
                run += 1
            before = values[place - 1] if place else None
            if run > place and before is None and run < len(values):
                place = run
                continue
            if run > place:
                yield self._numbers(meaning, nodes[place:run], values[place:run], before)
                place = run
                continue
            if before is not None:
                about = len(relations) >= place and relations[place - 1] == "≈"
                yield self._pair(meaning, before, values[place], about,
                                 values[-1].is_number and not _has_size(values[-1]))
            place += 1

    def _pair(
        self, meaning: Meaning, left: Val, right: Val, about: bool, stated: bool
    ) -> Outcome:
        """Two sides; `stated`: a number ends the chain, which is then of the values there are."""
        outcome = self.equal(meaning, left, right)
        if outcome.verdict != "wrong":
            return outcome
        if stated and self._equal_here(meaning, left, right):
            return Outcome("right", "the sides are equal at the values given")
        if about and outcome.fits and not outcome.turned:
            return Outcome("undecided", "the sides are not equal for all values; how near they are "
                           "said to be is not judged")
        return outcome

    def _zero(self, meaning: Meaning, value: Val) -> bool:
        try:
            return self.equal(meaning, value, Val(sp.S.Zero)).verdict == "right"
        except FitError:
            return False

    def _numbers(
        self, meaning: Meaning, nodes: Sequence[Node], values: Sequence[Val], before: Val | None
    ) -> Outcome:
        sides = [stated_numbers.stated(node, meaning.source.of(node), value.body)
                 for node, value in zip(nodes, values, strict=True)]
        exact: Fraction | None = None
        if before is not None:
            if before.axes:
                raise FitError(f"an array ({before.shape}) is said to be a number")
            if not self.values:
                found = self.equal(meaning, before, values[0])
                if found.verdict == "wrong" and not values[0].body and len(nodes) == 1:
                    return Outcome("undecided", "it is not 0 for all values: as a condition it is "
                                   "not judged")
                return found
            exact = self._exactly(meaning, before)
        return Outcome(*stated_numbers.judge(exact, sides), kind="number")

    def _equal_here(self, meaning: Meaning, left: Val, right: Val) -> bool:
        """Whether two numbers are the same at the values that the inputs have."""
        return bool(self.values) and not left.axes and not right.axes and (
            self._exactly(meaning, left) == self._exactly(meaning, right))

    def _exactly(self, meaning: Meaning, value: Val) -> Fraction:
        name = self._named(meaning, value)
        system = meaning.system()
        try:
            found = figures.evaluate(_only(system, name), self.values)
        except NotComputableError as error:
            raise LatexError(f"no exact figure: {error}") from None
        (figure,) = found[name].values()
        return fraction(figure)

    @staticmethod
    def _named(meaning: Meaning, value: Val) -> str:
        ordered = Val(value.body, value.reads, dict(sorted(value.axes.items())))
        copied = Val(ordered.body + 0, ordered.reads, ordered.axes)
        builder = meaning.algebra.builder
        made = meaning.algebra.settle(copied)
        (name, _), = made.reads or (("", ()),)
        if name and name in {equation.name for equation in builder.equations}:
            return name
        indices = meaning.algebra._indices(ordered.axes)
        by_label = dict(zip(ordered.axes, indices, strict=True))
        reads = tuple(Read(array, tuple(by_label[at].symbol if isinstance(at, str)
                                        else sp.Integer(at) for at in places))
                      for array, places in ordered.reads)
        return builder.emit(None, indices, [Term(ordered.body, reads)]).name

    def equal(self, meaning: Meaning, left: Val, right: Val) -> Outcome:
        if left == right and not left.special:
            return Outcome("right", "both sides are the same")
        left, right = (meaning.algebra.sized(one, [other]) if one.special else one
                       for one, other in ((left, right), (right, left)))
        turned = False
        if left.matrix_axes != right.matrix_axes and left.axes and right.axes:
            if (left.matrix_axes == {ROW} and right.matrix_axes == {COLUMN}) or (
                    left.matrix_axes == {COLUMN} and right.matrix_axes == {ROW}):
                right, turned = meaning.algebra.transposed(right), True
            else:
                raise FitError(f"the left side is {left.shape}, the right {right.shape}")
        self._check_axes(left, right)
        axes = {**left.axes, **right.axes}
        left, right = (Val(side.body, side.reads, axes) for side in (left, right))
        names = self._named(meaning, left), self._named(meaning, right)
        outcome = self._proved(meaning.system(), *names)
        if turned and outcome.verdict == "right":
            return replace(outcome, verdict="wrong", turned=True, why="one side is a column, the "
                           "other a row: they are equal when one of them is transposed")
        if turned:
            raise FitError("one side is a column, the other a row")
        return outcome

    @staticmethod
    def _check_axes(left: Val, right: Val) -> None:
        """An index that one side alone has is any: ∂z_i/∂w_ij = a_j."""
        differs = [label for label in left.axes if label in right.axes
                   and sp.expand(left.axes[label] - right.axes[label]) != 0]
        if differs:
            raise FitError(f"the left side is {left.shape}, the right {right.shape}")

    @staticmethod
    def _proved(system: System, left: str, right: str) -> Outcome:
        if left == right:
            return Outcome("right", "both sides are the same")
        sides = [restricted(system, ancestors(system, [name])) for name in (left, right)]
        proof = Prover(sides[0], sides[1], evaluate).prove(
            {left: right})[left]
        if proof.equal:
            return Outcome("right", "proved for all values" + _scope(proof))
        if proof.equal is None:
            return Outcome("undecided", _below_zero(sides[0], sides[1], left, right)
                           or proof.reason)
        mended = "" if proof.ratio is None else (
            f"; the right side times {factor_text(proof.ratio)} would be right")
        return Outcome("wrong", f"the sides differ{mended}")


def _below_zero(one: System, two: System, left: str, right: str) -> str:
    """What is known where the bases of powers with any exponent are positive: x^n has a value
    below zero for whole n alone."""
    bases = {read.array for system in (one, two) for equation in system.equations
             for term in equation.terms for place, read in enumerate(term.reads)
             if any(power.base == slot(place) and power.exp.free_symbols
                    for power in term.body.atoms(sp.Pow))}
    one, two = (replace(system, inputs=tuple(
        replace(array, kind="positive") if array.name in bases and array.kind == "real" else array
        for array in system.inputs)) for system in (one, two))
    names = sorted(bases & {array.name for array in one.inputs + two.inputs
                            if array.kind == "positive"})
    if not names or not Prover(one, two, evaluate).prove({left: right})[left].equal:
        return ""
    listed = ", ".join(names)
    return (f"proved where {listed} is positive; below 0 a power has a value for whole exponents "
            "alone, which is not judged")


def _scope(proof: Proof) -> str:
    """What a proof rests on, beside "for all values"."""
    told = [str(assumption) for assumption in proof.assumptions]
    away = [str(crossing) for crossing in proof.kinks]
    return (f", where {' and '.join(told)}" if told else "") + (
        f", away from the kinks {'; '.join(away)}" if away else "")


def _has_size(value: Val) -> bool:
    return bool(value.body.free_symbols)


def _only(system: System, name: str) -> System:
    """The equations that an array is computed from, and the inputs that these read."""
    found = restricted(system, ancestors(system, [name]))
    read = {each.array for equation in found.equations for each in equation.reads}
    return replace(found, inputs=tuple(a for a in found.inputs if a.name in read))
