"""A network's report: derivation, program and check handed to ``gradproof.reports`` as data."""

from __future__ import annotations

from math import isfinite
from pathlib import Path

from gradproof.checks.hand_files import load_function, source_of
from gradproof.checks.hand_written import check_network
from gradproof.checks.own_process.parent import Limits, checked_pass
from gradproof.checks.results import Check, CheckResult
from gradproof.derivations.derivation import Derivation, derive
from gradproof.derivations.examples import EXAMPLES
from gradproof.reports.pages.document import build
from gradproof.reports.pages.files import write_report
from gradproof.reports.sections.comparison import CheckEntry, CheckRow
from gradproof.symbolic.derive.by_entries import disagreements
from gradproof.symbolic.display.reasons import reason
from gradproof.symbolic.equation import EquationError
from gradproof.symbolic.specs.model import Model
from gradproof.symbolic.specs.network import Network
from gradproof.symbolic.specs.reader import load_spec

ENTRY_REPORT = 80
"""Scalars in a forward pass up to which a report shows the derivation entry by entry."""


def report(
    network: Network | Model,
    directory: str | Path = "gradproof-report",
    *,
    hand: str | Path | None = None,
    function: str | None = None,
    flavor: str = "github",
    force: bool = False,
    limits: Limits | None = None,
) -> tuple[list[Path], CheckResult | None]:
    """Writes a network's or model's report (Markdown, with a network's figure; LaTeX) and returns
    the paths.

    hand: a Python file with a hand-written backward pass, which is run, in a process of its own
        within `limits`, and put into the three-way comparison; an example network brings its own.
        function: which function of that file.
    flavor: of the Markdown, "github" or "portable".  force: replace files of these names that are
        no report's.

    Also returns the check's result where there was a hand-written pass.  Raises HandError for a
    file that cannot be used; nothing is written in that case.
    """
    if not str(directory):
        raise ValueError("report: expected the name of a folder, got \"\"")
    derivation = derive(network)
    file, result = _example_pass(network), None
    if hand is not None:
        file = Path(hand)
        result = checked_pass(network, file, function or "", limits)
    elif file is not None:
        result = check_network(derivation, load_function(file, function), file.name)
    checks = [_row(check) for check in result] if result is not None else []
    hand_source = source_of(file) if file is not None else None
    data = build(
        network, derivation.chain, derivation.writer,
        source_text=_source(derivation),
        general_rule=[
            (f"for one sample, {scope}", formula, why)
            for formula, scope, why in derivation.general_rule
        ] if derivation.has_general_rule else (),
        entries=_entries(derivation),
        checks=checks, hand_source=hand_source,
    )
    return write_report(data, Path(directory), flavor=flavor, force=force), result


def _source(derivation: Derivation) -> str:
    """The generated program; where an equation has no spelling in NumPy, a line that says so."""
    try:
        return derivation.numpy_source()
    except EquationError as error:
        return f"# {error}"


def _example_pass(network: Network | Model) -> Path | None:
    """The backward pass that comes with an example network."""
    file = EXAMPLES / f"{network.name}_backward.py"
    spec = EXAMPLES / f"{network.name}.toml"
    return file if file.is_file() and spec.is_file() and load_spec(spec) == network else None


def _entries(derivation: Derivation) -> list[tuple[str, str]]:
    """The entry-by-entry derivation of a small network, proven equal to the matrix form.

    A model has none: two softmaxes of six entries would take half a minute.
    """
    if not isinstance(derivation.network, Network):
        return []
    try:
        scalars = derivation.entries(ENTRY_REPORT)
    except EquationError:  # a symbolic size, or too many entries to be read
        return []
    differ = disagreements(scalars.chain, derivation.chain)
    if differ:
        raise EquationError(f"the derivations by entries and by matrices differ in {differ}; "
                            "this is a defect of gradproof, please report it")
    return [
        (str(scalars.writer.latex(formula.step.equation)),
         reason(formula.step.forms[0], formula.step, scalars.chain, scalars.writer, latex=True))
        for formula in scalars.all() if formula.step.role != "forward"
    ]


def _row(check: Check) -> CheckRow:
    def number(value: float) -> float | None:
        return value if isfinite(value) else None

    notes = [text for text in (check.reason, *check.notes) if text]
    notes += [f"assumed: {text}" for text in check.assumptions]
    notes += [f"away from the kink {text}" for text in check.kinks]
    return CheckRow(
        check.name, check.verdict, check.scope, number(check.bound), number(check.difference),
        number(check.witness_difference),
        [CheckEntry("[" + ",".join(str(p + 1) for p in at) + "]", number(derived), number(hand),
                    number(witness)) for at, derived, hand, witness in check.sample],
        check.diagnosis, notes,
    )
