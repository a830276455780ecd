"""What is checked before an example is trained."""

from __future__ import annotations

from dataclasses import replace

from gradproof.checks.own_process.parent import checked_pass
from gradproof.derivations.examples import EXAMPLES
from gradproof.symbolic.specs.stated import Stated
from gradproof.training.beside import EVALUATIONS, differences
from gradproof.training.examples import Example, Hand


def checked(example: Example, findings: list[str]) -> list[str]:
    """What is found of the derived gradient and of passes that were written by hand, sentence by
    sentence; what is not as it should be is added to the findings."""
    told = [] if example.seeds else [_measured(example, findings)]
    return told + [_passed(example, hand, findings) for hand in example.hand]


def _measured(example: Example, findings: list[str]) -> str:
    found = differences(example.begun(example.variants[0]))
    verdicts = {one.verdict for one in found}
    findings += [f"the derived gradient against differences: {one}" for one in found
                 if one.verdict == "refuted"]
    verdict = next(word for word in ("refuted", "undecided", "agrees") if word in verdicts)
    return ("The derived gradient, at the first values and of the first batch, is held against "
            f"differences of the loss, within {EVALUATIONS} evaluations: {verdict}.")


def _passed(example: Example, hand: Hand, findings: list[str]) -> str:
    network = example.variants[0].network
    assert not isinstance(network, Stated)
    if not hand.loss:
        result = checked_pass(network, EXAMPLES / hand.file)
        if result.verdict != "proved":
            findings.append(f"{hand.file}: {result.verdict}")
        return (f"The backward pass that was written by hand, {hand.file}, is held against the "
                f"derived gradient: {result.verdict}.")
    other = checked_pass(replace(network, loss=hand.loss), EXAMPLES / hand.file)
    (why, *rest) = {check.diagnosis for check in other}
    if rest or other.verdict != "refuted":
        findings.append(f"{hand.file}: no one factor between it and the gradient of {hand.loss}")
    factor = why.split(":")[0]
    return (f"The same pass is held against the gradient of {hand.loss}, which its text prints: "
            f"{other.verdict}; {factor}.")
