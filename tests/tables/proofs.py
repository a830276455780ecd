"""Proofs in one call, as the tests ask for them."""

from collections.abc import Mapping

from gradproof.symbolic.equation import System
from gradproof.symbolic.proof.first_wrong import Wrong
from gradproof.symbolic.proof.prover import Proof, Prover
from gradproof.symbolic.proof.sampling import Evaluate
from gradproof.symbolic.proof.sides import BUDGET


def prove_equal(
    system: System,
    left: str,
    right: str,
    evaluate: Evaluate | None = None,
    budget: int = BUDGET,
) -> Proof:
    """Are two arrays of one system equal?"""
    return prove_all(system, system, {left: right}, evaluate, budget)[left]


def prove_all(
    left_system: System,
    right_system: System,
    pairs: Mapping[str, str],
    evaluate: Evaluate | None = None,
    budget: int = BUDGET,
) -> dict[str, Proof]:
    """Are the arrays of the left system equal to those of the right one?  Keyed by left names."""
    return Prover(left_system, right_system, evaluate, budget).prove(pairs)


def first_wrong(
    left_system: System,
    right_system: System,
    pair: tuple[str, str],
    evaluate: Evaluate,
    budget: int = BUDGET,
) -> Wrong | None:
    """The first array on the way to the right one of the pair that is no array of the left side."""
    prover = Prover(left_system, right_system, evaluate, budget)
    prover.prove({pair[0]: pair[1]})
    return prover.first_wrong(*pair)
