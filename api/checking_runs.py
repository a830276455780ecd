"""What is checked before an example is trained."""

from __future__ import annotations

from dataclasses import replace

from gradproof.checks.own_process.parent import checked_pass
from gradproof.claims.files import audit
from gradproof.derivations.examples import EXAMPLES
from gradproof.reports.content import Block, Math, Paragraph, Table
from gradproof.symbolic.specs.stated import Stated
from gradproof.training.beside import EVALUATIONS, differences
from gradproof.training.examples import Example, Hand


def checked(example: Example, findings: list[str]) -> list[Block]:
    """What is found of the derived gradient, of passes that were written by hand, and of a text's
    formulas; what is not as it should be is added to the findings."""
    told = [] if example.seeds else [_measured(example, findings)]
    told += [_passed(example, hand, findings) for hand in example.hand]
    blocks: list[Block] = [Paragraph((sentence,)) for sentence in told]
    return blocks + (_audited(example, findings) if example.audit else [])


def _audited(example: Example, findings: list[str]) -> list[Block]:
    """Formulas of a text beside what is right."""
    claims = example.audit["claims"]
    found = audit({"specs": {"one": {"network": example.audit["network"]}}, "claims": [
        {"spec": "one", "where": example.name, "formula": claim["formula"]} for claim in claims]})
    rows = []
    for claim, finding in zip(claims, found.findings, strict=True):
        if finding.verdict != claim["due"]:
            findings.append(f"{claim['formula']}: {finding.verdict}, where {claim['due']} is due")
        right = (Math(finding.diagnosis[0]),) if finding.diagnosis else ("",)
        rows.append(((Math(claim["formula"]),), (finding.verdict,), right))
    return [Paragraph(("Formulas that its text states, for one sample in a column:",)),
            Table((("",), ("verdict",), ("what would be right",)), tuple(rows), "lll")]


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
