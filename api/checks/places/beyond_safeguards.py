"""A subject without its numerical safeguards: what is proved of it holds where they do not act.

    clip(p, 1e-7, 1 - 1e-7) and the textbook gradient   ->   proved where 1e-7 < p < 1 - 1e-7
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradproof.checks.observed import Observed
from gradproof.checks.results import Check
from gradproof.checks.subject import Subject
from gradproof.codegen.interpret import evaluate
from gradproof.symbolic.derive.chain import differentiate
from gradproof.symbolic.derive.steps import Chain
from gradproof.symbolic.safeguards import Safeguard, without_safeguards

CLOSE = 1e-6
"""Relative: a program that is what was traced of it agrees with that to this at least."""


@dataclass(frozen=True)
class Beyond:
    """A subject whose two sides are without safeguards, beside the one that it was made of."""

    subject: Subject
    original: Subject
    safeguards: tuple[Safeguard, ...]

    @property
    def scope(self) -> str:
        """Where the two subjects are the same, or nearly so."""
        return ", ".join(dict.fromkeys(map(str, self.safeguards)))

    def explains(self, name: str, array: str, seen: Observed) -> bool:
        """Whether a difference at a point is the safeguards' alone.

        Without them the sides are proved equal, so it is, where both programs are what was traced
        of them: the gradient beside its trace, and the derived one beside differences.
        """
        hand = self.original.hand
        assert hand is not None
        inputs = {a.name: np.asarray(seen.point.numbers[a.name]) for a in hand.system.inputs}
        try:
            with np.errstate(all="ignore"):
                traced = evaluate(hand.system, inputs, seen.point.sizes)[array]
        except (ValueError, KeyError, IndexError):
            return False
        witness, true = seen.comparison.witness, np.asarray(seen.true, dtype=float)
        known = np.isfinite(witness)
        scale = max(_largest(traced), _largest(true), 1e-300)  # true may be 0 up to rounding
        return _close(seen.claimed, traced, scale) and _close(witness[known], true[known], scale)


    def acts(self, name: str, seen: Observed) -> bool:
        """Whether all entries that differ at a point are derived to be others without the
        safeguards, which act there: of these entries an agreement elsewhere says nothing."""
        with_it, without = (_derived(subject, name, seen) for subject in (
            self.original, self.subject))
        claimed, true = np.asarray(seen.claimed, dtype=float), np.asarray(seen.true, dtype=float)
        if with_it is None or without is None or not (
                np.shape(with_it) == np.shape(without) == claimed.shape == true.shape):
            return False
        differs, is_guarded = (~np.isclose(one, other, rtol=CLOSE, atol=CLOSE * _largest(true))
                               for one, other in ((claimed, true), (with_it, without)))
        return bool(np.any(differs) and np.all(is_guarded[differs]))


def _derived(subject: Subject, name: str, seen: Observed) -> Any:
    """The derived gradient at a point, as its equations say; None where they say none."""
    assert subject.derived is not None
    try:
        inputs = {a.name: np.asarray(seen.point.numbers[a.name]) for a in subject.derived.inputs}
        with np.errstate(all="ignore"):
            return evaluate(subject.derived, inputs, seen.point.sizes)[subject.of[name]]
    except (ValueError, KeyError, IndexError):
        return None


def _largest(array: Any) -> float:
    return float(np.max(np.abs(array), initial=0.0))


def _close(one: Any, other: Any, scale: float) -> bool:
    one, other = np.squeeze(one), np.squeeze(other)
    return one.shape == other.shape and bool(np.all(np.abs(one - other) <= CLOSE * scale))


def beyond_safeguards(subject: Subject) -> Beyond | None:
    """The subject without safeguards; None where it has none, or is not known as equations."""
    if subject.chain is None or subject.hand is None:
        return None
    hand, more = without_safeguards(subject.hand.system)
    try:
        chain, taken = _unguarded(subject)
    except ValueError:
        return None
    if not taken and not more:
        return None
    chain = chain or subject.chain
    made = replace(subject, derived=chain.system, chain=chain, of=chain.of, kinks=chain.kinks,
                   hand=replace(subject.hand, system=hand))
    return Beyond(made, subject, tuple(dict.fromkeys((*taken, *more))))


def _unguarded(subject: Subject) -> tuple[Chain | None, tuple[Safeguard, ...]]:
    """The derivation without safeguards, and what these were; None where it has none."""
    if subject.unguarded is not None:
        return subject.unguarded(subject.declared)
    chain = subject.chain
    if chain is None or chain.source is None:
        return None, ()
    plain, taken = without_safeguards(chain.source)
    return differentiate(plain, chain.loss, chain.wrt) if taken else None, taken


def _largest_share(seen: Sequence[Observed]) -> float:
    """The largest difference at some points, relative to the gradient there, if that is not 0."""
    return max((one.largest / _largest(one.true) for one in seen
                if one.largest == one.largest and _largest(one.true) > one.comparison.bound),
               default=0.0)


def beside_safeguards(
    made: Check, beyond: Beyond | None, explained: Sequence[Observed]
) -> Check:
    """A check without safeguards, which says so, and what they do."""
    assert beyond is not None
    bounded = any(guard.added is None for guard in beyond.safeguards)
    notes = ["at the guard the hand-written gradient need not be that of the loss"] * bounded
    if explained:
        worst = max(explained, key=lambda found: _largest_share([found]))
        notes.append(f"relative difference by the guard <= {_largest_share(explained):.2g}, the "
                     f"largest at {worst.point}")
    return replace(made, scope=f"{made.scope}, {beyond.scope}",
                   notes=(*made.notes, *notes))
