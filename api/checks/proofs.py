"""What a prover finds of the gradients of a subject, within its time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from gradproof.checks.causes.wrong_line import FirstWrong, first_wrong_line
from gradproof.checks.observed import Observed
from gradproof.checks.places.beyond_safeguards import Beyond, beyond_safeguards
from gradproof.checks.places.divided import Divisions
from gradproof.checks.subject import Subject
from gradproof.codegen.interpret import evaluate
from gradproof.limits.deadline import TimeLimitError, attempted, bounded, left
from gradproof.symbolic.proof.prover import Proof, Prover

PROVING = 0.5
"""The part of the time that is left which the proofs of one subject may take."""


@dataclass(frozen=True)
class Proofs:
    """What a prover found of each gradient of a subject that both sides have as equations.

    pairs: the array of the hand-written code that is the gradient by each name.
    beyond: the subject without safeguards; `aside`: what is proved of that alone; `eased`: what
    differs of the other alone.
    """

    subject: Subject
    found: Mapping[str, Proof] = field(default_factory=dict)
    prover: Prover | None = None
    pairs: Mapping[str, str] = field(default_factory=dict)
    beyond: Beyond | None = None
    aside: frozenset[str] = frozenset()
    eased: frozenset[str] = frozenset()

    @classmethod
    def of(cls, subject: Subject) -> Proofs:
        if subject.derived is None or subject.hand is None:
            return cls(subject)
        try:
            found = subject.asked.present(subject.hand.result)
        except ValueError:
            return cls(subject)
        pairs = {name: array for name, array in found.items() if isinstance(array, str)}
        data = {array.name for array in subject.derived.inputs} - {*subject.by}
        prover = Prover(subject.derived, subject.hand.system, evaluate, data=data,
                        least=subject.least)
        proofs = prover.prove({subject.of[name]: array for name, array in pairs.items()})
        return cls(subject, {name: proofs[subject.of[name]] for name in pairs}, prover, pairs)

    @property
    def settled(self) -> tuple[int, int]:
        """How many are proved, and for how many a factor is known."""
        return (sum(proof.equal is True for proof in self.found.values()),
                sum(proof.ratio is not None for proof in self.found.values()))

    def beyond_safeguards(self) -> Proofs:
        """These, and those that are found without safeguards of what is not proved here."""
        beyond = beyond_safeguards(self.subject)
        if beyond is None:
            return self
        there = Proofs.of(beyond.subject).found
        more = {name: proof for name, proof in there.items()
                if proof.equal and not self.proved(name)}
        eased = {name: proof for name, proof in there.items() if proof.equal is None
                 and self.found[name].equal is False and self.found[name].ratio is None}
        return replace(self, found={**self.found, **eased, **more}, beyond=beyond,
                       aside=frozenset(more), eased=frozenset(eased))

    @property
    def are_complete(self) -> bool:
        return all(proof.equal for proof in self.found.values())

    def explain(self, name: str, seen: Observed) -> bool:
        """Whether a difference at a point is the safeguards' alone: where the rest is proved, or
        where they act at that point."""
        if self.beyond is None or name not in self.pairs:
            return False
        if name in self.aside:
            return self.beyond.explains(name, self.pairs[name], seen)
        return not self.proved(name) and self.beyond.acts(name, seen)

    def proved(self, name: str) -> bool:
        return name in self.found and self.found[name].equal is True

    def covers_branches(self, name: str) -> bool:
        """Whether a proof leaves no branch to numbers, as one does by which a search for a solution
        is started."""
        return self.proved(name) and not any(
            made.fact == "same solution" for made in self.found[name].assumptions)

    def divided(self, name: str) -> tuple[str, ...]:
        """What a proof takes to be no zero."""
        return attempted(partial(self._divisions.divided_by, name, self.pairs[name]),
                         ("nothing that is divided by is 0 (what that is, was not found in time)",),
                         PROVING)

    @cached_property
    def _divisions(self) -> Divisions:
        return Divisions(self.subject)

    def first_wrong(self, refuted: Iterable[str]) -> FirstWrong:
        """Where the code first computes what the derivation does not, for the first gradient."""
        known = [name for name in refuted if name in self.pairs]
        if self.prover is None or not known:
            return FirstWrong()
        return first_wrong_line(self.prover, self.subject, self.pairs, known)


def best_proofs(subject: Subject, alternatives: Iterable[Subject]) -> Proofs:
    """The proofs of a subject, or of the alternative under which most are found; what none proves
    may be proved where numerical safeguards do not act."""
    best, enough = _proofs_of(subject), left() / 2
    tried = [best]
    for other in () if best.are_complete else alternatives:
        tried.append(_proofs_of(other))
        best = max(best, tried[-1], key=lambda proofs: proofs.settled)
        if best.are_complete or left() < enough:
            break
    for proofs in () if best.are_complete else tried:
        beyond = attempted(proofs.beyond_safeguards, proofs, PROVING)
        if best is proofs and beyond.settled == best.settled:
            best = beyond
        best = max(best, beyond, key=lambda proofs: proofs.settled)
        if best.are_complete or left() < enough:
            break
    return best


def _proofs_of(subject: Subject) -> Proofs:
    try:
        return bounded(PROVING * left(), partial(Proofs.of, subject))
    except TimeLimitError as error:
        reason = f"the proof {error}"
    except RecursionError:
        reason = "the chain of equations is deeper than the proof follows"
    except Exception as error:  # a fault of ours, over which the numbers need not be lost
        reason = f"the proof failed: {type(error).__name__}: {error}"
    return Proofs(replace(subject, reason=subject.reason or reason))
