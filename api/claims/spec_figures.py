"""The figures that a network's spec states under [[claims]], each beside the exact one."""

from __future__ import annotations

from gradproof.claims.findings import Finding
from gradproof.claims.shown import Audit
from gradproof.claims.stated_numbers import error
from gradproof.derivations.deriving import derive
from gradproof.reports.sections.claims import compare
from gradproof.reports.worked.digits import tabled
from gradproof.reports.worked.figures import evaluate
from gradproof.reports.worked.lines import EntryNames
from gradproof.reports.worked.quantities import with_updates
from gradproof.symbolic.exact.numbers import exact
from gradproof.symbolic.specs.model import Model
from gradproof.symbolic.specs.network import Network


def figures_of(spec: Network | Model) -> Audit:
    """A finding for each figure.  QuantityError for one that names nothing."""
    title = str(spec.source.get("title", "")) or spec.name
    if not spec.claims:
        return Audit(title, ())
    derivation = derive(spec)
    chain = derivation.chain
    found = evaluate(chain.system, spec.values, [s.equation for s in chain.inlined.values()])
    if spec.learning_rate is not None:
        gradients = {name: formula.array for name, formula in derivation.gradients.items()}
        with_updates(found, gradients, exact(spec.learning_rate))
    findings = []
    for stated, claim in zip(spec.claims, compare(spec.claims, EntryNames(derivation.writer,
                                                                          found)), strict=True):
        why = "the rounding of the exact figure" if claim.rounds else (
            f"{claim.stated} is stated, the exact figure rounds to {claim.rounded}")
        findings.append(Finding(
            f"{stated['quantity']} ≈ {claim.stated}", "right" if claim.rounds else "wrong", why,
            tabled(claim.exact), error(claim.difference), where=claim.where, kind="number"))
    return Audit(title, tuple(findings))
