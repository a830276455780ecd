"""Are two arrays equal for all values and all sizes?

    dW = X.T @ (A - Y)/m,  derived ∂L/∂W   ->   equal for all m, n, k; steps (∂L/∂Z, d, 1/m)

Normal forms decide; numbers only propose.  Intermediates of the two sides that agree at random
points, up to a monomial in the sizes (hand-written adjoints move their 1/m around), are proven
equal from the small to the large; a proven pair is then read as one array on both sides, so that
each step stays local.  Where a step fails over these cuts, the latest cut in the difference is
opened, and so on down to the inputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import TypeVar

import numpy as np
import sympy as sp

from ..assumptions import Assumption
from ..dependence import ancestors
from ..equation import System
from ..normalform.as_text import shown
from ..normalform.forms import Notes
from ..normalform.polynomial import Crossing
from .certificate import Claim, contradicted
from .digits import NotInDigitsError, in_digits
from .ends import cuts, with_sizes
from .first_wrong import Wrong, pointwise_ratio, wrong_intermediate
from .induction import (
    settle_explicit,
    settle_inverted,
    settle_recurrence,
    settle_unknown,
)
from .recheck import second_opinion
from .sampling import Match, agreement, is_finite
from .sides import ProvenPair, Sides
from .unrolling import NotUnrolledError, Unrolled, is_small, unrolled

NEARLY = 1e-3
"""How far, of the largest entry, a loop that goes on in steps may have come."""
FIRST = 60_000
"""Operations for the arrays as they are, where they could be written out along small axes."""
CUT = 10_000
"""Operations for the pieces of arrays, for each way of cutting them at their ends."""


_Said = TypeVar("_Said", Assumption, Crossing)


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
    steps: tuple[ProvenPair, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    kinks: tuple[Crossing, ...] = ()
    difference: str = ""
    ratio: sp.Expr | None = None


@dataclass
class Prover(Sides):
    """The proofs between two systems, which share what was proven before."""

    # --- the walk -------------------------------------------------------------------------------

    def prove(self, pairs: Mapping[str, str]) -> dict[str, Proof]:
        """A proof for each pair, keyed by left names.

        Where the arrays as they are do not lead to one, those without flattened or small axes may.
        """
        try:
            split = in_digits(((self.left, pairs.keys()), (self.right, pairs.values())))
        except NotInDigitsError:
            split = []
        others: list[Callable[[Mapping[str, str]], dict[str, Proof]]] = []
        if split:
            others.append(partial(self._in_digits, split))
        if any(map(is_small, chain.from_iterable(self.shapes[1].values()))):
            others.append(self._in_parts)
        if others:  # which need a part of the budget
            self.table.total = min(self.table.total, self.table.spent + FIRST)
        found = self._walked(pairs)
        for other in others:
            open_ = {left: right for left, right in pairs.items() if found[left].equal is None
                     and agreement(self.points, left, right)}
            found.update(other(open_) if open_ else {})
        for left, right in pairs.items():
            if found[left].equal is None and agreement(self.points, left, right):
                found[left] = self._by_ends(left, right) or found[left]
        # Nothing is proved on the word of the normal forms alone: values and finite fields object.
        proved = {left: pairs[left] for left, proof in found.items() if proof.equal}
        for left, gap in second_opinion(self.left, self.right, proved).items() if proved else ():
            found[left] = Proof(None, f"the normal forms agree, but {gap}: a mistake of the "
                                "prover's, or a kink at the point")
        return {**found, **self._without_certificate(pairs, found)}

    def _without_certificate(
        self, pairs: Mapping[str, str], found: Mapping[str, Proof]
    ) -> dict[str, Proof]:
        """The proofs among those `found` that do not stand when their steps are gone through."""
        claims = {}
        for left, proof in found.items():
            plain = self.identity(left, pairs[left]) if proof.equal else None
            if plain is not None:
                named = {(step.left, step.right) for step in proof.steps}
                steps = [(pair, match) for right, matches in self.proven.items()
                         for pair, match in (((other, right), m) for other, m in matches)
                         if pair in named]
                claims[left] = [Claim(left, pairs[left], plain.factor, plain.order), *(
                    Claim(*pair, match.factor, match.order) for pair, match in steps)]
        against = contradicted(self.left, self.right, claims, self.data) if claims else {}
        return {left: Proof(None, f"the normal forms agree, but {gap}: a mistake of the prover's")
                for left, gap in against.items()}

    def _in_digits(self, split: Sequence[System], pairs: Mapping[str, str]) -> dict[str, Proof]:
        """The proofs that are found of the two systems without flattened axes."""
        left, right = split
        prover = Prover(left, right, self.evaluate, self.budget, self.data)
        found = prover._walked(pairs)
        found.update(prover._in_parts({name: pairs[name] for name, proof in found.items()
                                       if proof.equal is None}))
        return {name: Proof(True, assumptions=proof.assumptions, kinks=proof.kinks)
                for name, proof in found.items() if proof.equal}

    def _in_parts(self, pairs: Mapping[str, str]) -> dict[str, Proof]:
        """The proofs that are found when small axes are written out."""
        first, second = _written_out(self.left, pairs.keys()), _written_out(
            self.right, pairs.values())
        if first is None or second is None or (
                first.system is self.left and second.system is self.right):
            return {}
        parts = {left: {name: second.parts[right][place]
                        for place, name in first.parts[left].items()}
                 for left, right in pairs.items()}
        prover = Prover(first.system, second.system, self.evaluate, self.budget, self.data)
        found = prover._walked({name: right for part in parts.values()
                                for name, right in part.items()})
        together = {left: _together([found[name] for name in part])
                    for left, part in parts.items()}
        return {left: proof for left, proof in together.items() if proof is not None}

    def _by_ends(self, left: str, right: str) -> Proof | None:
        """The proof that is found when the arrays are cut at the ends of an axis."""
        for cut in cuts(self.left, self.right, (left, right)):
            pieces = Prover(cut.left, cut.right, self.evaluate, self.budget, self.data)
            pieces.table.total = min(pieces.table.total, CUT)
            proofs = list(pieces._walked(cut.pairs).values())
            if not all(proof.equal for proof in proofs):
                continue
            # The pieces are those of an axis that is long enough; the shorter ones are few.
            for size in cut.sizes:
                for number in range(self.least.get(str(size), 1), cut.beyond):
                    sides = [with_sizes(system, {size: sp.Integer(number)})
                             for system in (self.left, self.right)]
                    single = Prover(sides[0], sides[1], self.evaluate, self.budget, self.data,
                                    self.least)
                    proofs.append(single.prove({left: right})[left])
            if (proof := _together(proofs)) is not None:
                return proof
        return None

    def _walked(self, pairs: Mapping[str, str]) -> dict[str, Proof]:
        """The proofs between the arrays as they are."""
        wanted_left = ancestors(self.left, pairs.keys())
        wanted_right = ancestors(self.right, pairs.values())
        if self.points:
            for name in self._unknowns_first(wanted_right):
                self._settle(name, wanted_left)
        return {left: self._verdict(left, right) for left, right in pairs.items()}

    def _unknowns_first(self, names: Sequence[str]) -> Iterable[str]:
        """The right arrays in order, what is solved for before what is computed of it in its own
        equations."""
        inside = {name: unknown for (side, unknown), group in self.forms.unknowns.items()
                  if side == self.names[1] for _, name in group}
        return dict.fromkeys(each for name in names for each in (
            (inside[name], name) if name in inside else (name,)))

    def _settle(self, right: str, wanted_left: list[str]) -> None:
        """Proves the array equal to the left arrays it agrees with, and cuts there."""
        if right in self.proven:
            return
        group = self.forms.recurrent.get((self.names[1], right))
        if group is not None:
            settle_recurrence(self, [name for _, name in group], wanted_left)
            return
        if (self.names[1], right) in self.forms.unknowns:
            settle_unknown(self, right, wanted_left)
            return
        self.proven[right] = []
        for left in self.alike(right, wanted_left):
            found = self.match(left, right)
            if found is not None and (self.prove_step(left, right, found) or (
                    (self.names[0], left) in self.forms.unknowns
                    and (settle_inverted(self, left, right, found)
                         or settle_explicit(self, left, right, found)))):
                # From here on both are one array: what reads them need not look inside again.
                self.proven[right].append((left, found))
                self.steps.append(ProvenPair(left, right, found.factor))
                self.cut(left, right, found)
                return

    # --- verdicts -------------------------------------------------------------------------------

    def _verdict(self, left: str, right: str) -> Proof:
        plain = self.identity(left, right)
        if plain is None:
            return Proof(False, f"{left} has shape {self.shapes[0][left]}, {right} has shape "
                         f"{self.shapes[1][right]}")
        numbers = agreement(self.points, left, right)
        if numbers is False:
            if self._shown_difference(left, right, plain) == "0":
                return Proof(None, "the normal forms agree, but the sampled values differ: "
                             "rounding, or a kink at the point")
            if self._is_on_the_way(left, right):
                return Proof(None, "what is solved for on one side is come near to in steps on the "
                             "other")
            return self._refuted(left, right)
        # Random points never meet [x = d] for data x, d: there the arrays are compared apart.
        tied = [point for point in self.ties if is_finite([point], "left", left)
                and is_finite([point], "right", right)]
        if agreement(tied, left, right) is False:
            if self._shown_difference(left, right, plain) == "0":
                return Proof(None, "the normal forms agree, but the values differ where data are "
                             "what they are compared with")
            return Proof(False, "the arrays differ where data are the numbers that they are "
                         "compared with", difference=self._shown_difference(left, right, plain))
        known = [found for other, found in self.proven.get(right, []) if other == left]
        if plain in known or self.prove_step(left, right, plain):
            if self.points and numbers is None:  # a fault of the forms would not be seen
                return Proof(None, "the normal forms agree, but the sampled values do not "
                             "settle it (not finite, or too inexact)")
            return self._proved(left, right)
        return replace(
            Proof(None, "the normal forms differ, or one grew beyond its budget"),
            steps=tuple(self.steps),
            difference=self._shown_difference(left, right, plain),
        )

    def _is_on_the_way(self, left: str, right: str) -> bool:
        """Whether what the left side alone solves for may be what the right one comes near to."""
        sides = {side for side, _ in self.forms.unknowns}
        return sides == {"left"} and all(
            np.max(np.abs(np.squeeze(one) - np.squeeze(other)), initial=0)
            <= NEARLY * np.max(np.abs(one), initial=0)
            for one, other in ((point.left[left], point.right[right]) for point in self.points)
            if np.squeeze(one).shape == np.squeeze(other).shape)

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
            True, "", tuple(steps), _sorted(notes.assumptions), _sorted(notes.kinks)
        )

    def _refuted(self, left: str, right: str) -> Proof:
        plain = self.identity(left, right)
        assert plain is not None
        found = self.match(left, right)
        ratio = None
        if found is not None and found.order == plain.order and (
            (left, found) in self.proven.get(right, []) or self.prove_step(left, right, found)
        ):
            ratio = found.factor
        else:
            pointwise = pointwise_ratio(self, left, right)
            ratio = pointwise.value if pointwise is not None else None
        return Proof(
            False,
            "the arrays differ at a sampled point",
            tuple(self.steps),
            difference=self._shown_difference(left, right, plain),
            ratio=ratio,
        )

    def _shown_difference(self, left: str, right: str, found: Match) -> str:
        try:
            return shown(self.table, self.difference(left, right, found, Notes()))
        except Exception:  # what cannot be shown differs none the less
            return ""

    def first_wrong(self, target: str, right: str) -> Wrong | None:
        """The first array on the way to `right`, due to be `target`, that is nothing proven.

        Call :meth:`prove` first.
        """
        return wrong_intermediate(self, target, right)


def _written_out(system: System, names: Iterable[str]) -> Unrolled | None:
    """The system without small axes; as it is where it has none: beside Σ_j<2 W[i, j]*x[j] stands
    W[i, 0]*x[0] + W[i, 1]*x[1]."""
    wanted = list(names)
    try:
        return unrolled(system, wanted)
    except NotUnrolledError:
        plain = not any(is_small(size) for name in wanted for size in system.shapes[name])
        return Unrolled(system, {name: {(): name} for name in wanted}) if plain else None


def _together(proofs: Sequence[Proof]) -> Proof | None:
    """One proof of what several prove the parts of; None where one of these is none."""
    if not all(proof.equal for proof in proofs):
        return None
    return Proof(True, assumptions=_sorted({*chain(*(proof.assumptions for proof in proofs))}),
                 kinks=_sorted({*chain(*(proof.kinks for proof in proofs))}))


def _sorted(found: Iterable[_Said]) -> tuple[_Said, ...]:
    return tuple(sorted(found, key=str))
