"""A network's report: derivation, program and check handed to ``gradproof.reports`` as data."""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import isfinite
from pathlib import Path

from gradproof.checks.hand_files import load_function, source_of
from gradproof.checks.hand_written import check_network
from gradproof.checks.own_process.parent import Limits, checked_pass
from gradproof.checks.results import Check, CheckResult
from gradproof.derivations.derivation import Derivation
from gradproof.derivations.deriving import derive
from gradproof.derivations.examples import EXAMPLES
from gradproof.derivations.notations import in_notation
from gradproof.modules.derived import ProgramDerivation
from gradproof.report_runs import error_curve_of, training_of
from gradproof.reports.language import language as language_of
from gradproof.reports.pages.document import SHORT, ReportData, build
from gradproof.reports.pages.files import DEFAULT, write_report
from gradproof.reports.sections.comparison import CheckEntry, CheckRow, Comparison
from gradproof.reports.sections.in_general import EntryStep
from gradproof.reports.sections.narration import backward_steps
from gradproof.reports.worked.digits import MOST_DIGITS
from gradproof.symbolic.derive.by_entries import disagreements
from gradproof.symbolic.derive.steps import Step
from gradproof.symbolic.display.reasons import reason
from gradproof.symbolic.equation import EquationError
from gradproof.symbolic.specs.model import Model
from gradproof.symbolic.specs.network import Network
from gradproof.symbolic.specs.program import Program, Spec
from gradproof.symbolic.specs.reader import load_spec
from gradproof.symbolic.specs.stated import Stated

ENTRY_REPORT = 80
"""Scalars in a forward pass up to which a report shows the derivation entry by entry."""


def report(
    network: Network | Model | Stated | ProgramDerivation,
    directory: str | Path = "gradproof-report",
    *,
    hand: str | Path | None = None,
    function: str | None = None,
    formats: Iterable[str] = DEFAULT,
    flavor: str = "github",
    notation: str | None = None,
    language: str = "en",
    body: bool = False,
    length: str = "full",
    sections: Iterable[str] | None = None,
    digits: int | None = None,
    force: bool = False,
    limits: Limits | None = None,
) -> tuple[list[Path], CheckResult | None]:
    """Writes the report of a network, a model, equations or a derived program; returns the paths.

    formats: some of "markdown" (with a network's figure beside it), "latex", "html", "pdf",
        "json", "notebook", "typst".
    hand: a Python file with a hand-written backward pass, which is run, in a process of its own
        within `limits`, and put into the three-way comparison; an example network brings its own.
        function: which function of that file.
    flavor: of the Markdown, "github" or "portable".  notation: a preset, as for
        :func:`in_notation`.  language: "en" or "zh".  body: LaTeX without preamble, for \\input.
    length: "full", or "short": the formulas without their derivation and the numbers.
        sections: names of those wanted, in their order, in place of a length.  digits:
        significant digits of all results, 2 to 40; by default 6 in lines and 15 in tables.
    force: replace files of these names that are no report's.

    Also returns the check's result where there was a hand-written pass.  Raises HandError for a
    file that cannot be used, ValueError for a word or number that is none; nothing is written then.
    """
    if not str(directory):
        raise ValueError("report: expected the name of a folder, got \"\"")
    spoken = language_of(language)
    data, result = report_data(network, hand=hand, function=function, notation=notation,
                               length=length, sections=sections, digits=digits, limits=limits)
    return write_report(data.translated(spoken), Path(directory), formats, flavor, force,
                        body), result


def report_data(
    network: Network | Model | Stated | ProgramDerivation,
    *,
    hand: str | Path | None = None,
    function: str | None = None,
    notation: str | None = None,
    length: str = "full",
    sections: Iterable[str] | None = None,
    digits: int | None = None,
    limits: Limits | None = None,
) -> tuple[ReportData, CheckResult | None]:
    """What :func:`report` writes, in English and before it is put into a format."""
    wanted = _wanted(length, sections, digits)
    spec, derivation = _derived(network)
    if notation is not None:
        derivation = in_notation(derivation, notation)
    if isinstance(spec, Stated | Program) and hand is not None:
        raise ValueError(f"{spec.name}: a hand-written pass is compared with a network or a "
                         "model; gp.check holds one against equations or a function, "
                         "gp.check_layer against a forward pass")
    file, result = _compared(derivation, hand, function, limits)
    return build(
        spec, derivation.chain, derivation.stepwise,
        source_text=_source(derivation), hand_source=None if file is None else source_of(file),
        general_rule=[(scope, formula, why) for formula, scope, why in derivation.general_rule]
        if derivation.has_general_rule else (),
        entries=_entries(derivation), comparison=_comparison(derivation, result),
        training=training_of(derivation, spec), sections=wanted, digits=digits,
    ), result


def _derived(source: Network | Model | Stated | ProgramDerivation) -> tuple[Spec, Derivation]:
    if isinstance(source, ProgramDerivation):
        return source.program, source
    return source, derive(source)


def _comparison(derivation: Derivation, result: CheckResult | None) -> Comparison | None:
    if result is None:
        return None
    return Comparison([_row(check) for check in result], result.first_wrong, _edit(result),
                      error_curve_of(derivation, result))


def _edit(result: CheckResult) -> str:
    """The repair, its lines marked at their beginning."""
    return re.sub(r"(?m)^ {4}(?=[-+] )", "", str(result.repair or ""))


def _compared(
    derivation: Derivation, hand: str | Path | None, function: str | None, limits: Limits | None
) -> tuple[Path | None, CheckResult | None]:
    """The hand-written pass there is, and what a check of it found."""
    network = derivation.network
    if network is None:
        return None, None
    if hand is not None:
        return Path(hand), checked_pass(network, Path(hand), function or "", limits)
    file = _example_pass(network)
    return file, None if file is None else check_network(
        derivation, load_function(file, function), file.name)


def _wanted(
    length: str, sections: Iterable[str] | None, digits: int | None
) -> tuple[str, ...] | None:
    """The sections to be shown; ValueError for what does not say so, or for odd digits."""
    if length not in ("short", "full"):
        raise ValueError(f"length: expected 'short' or 'full', got {length!r}")
    if digits is not None and not 2 <= digits <= MOST_DIGITS:
        raise ValueError(f"digits: expected a number from 2 to {MOST_DIGITS}, got {digits}")
    if sections is not None:
        return tuple(sections)
    return SHORT if length == "short" else None


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


def _entries(derivation: Derivation) -> list[EntryStep]:
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
    order = {step.of: place for place, step in enumerate(backward_steps(derivation.chain))}

    def place(step: Step) -> tuple[int, list[int]]:
        array, _, at = step.of.rstrip("]").partition("[")
        return order.get(array, len(order)), [int(part) for part in at.split(",") if part]

    steps = [step for step in scalars.chain.steps if step.role != "forward"]
    return [
        EntryStep(step.of.partition("[")[0], str(scalars.writer.latex(step.equation)),
                  reason(step.forms[0], step, scalars.chain, scalars.writer, latex=True))
        for step in sorted(steps, key=place)
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
        [CheckEntry("[" + ",".join(map(str, at)) + "]", number(derived), number(hand),
                    number(witness)) for at, derived, hand, witness in check.sample],
        check.diagnosis, notes, check.method,
    )
