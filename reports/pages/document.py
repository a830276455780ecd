"""A report as plain data: which sections there are, in which order, on which results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...symbolic.derive.steps import Chain
from ...symbolic.display.writer import Writer
from ...symbolic.evaluator import NotComputableError
from ...symbolic.exact.numbers import exact
from ...symbolic.specs.model import Model
from ...symbolic.specs.network import Network
from ..content import Block, Display, Listing, Paragraph, Prose, Relation, Section, Side, sentence
from ..sections.claims import ComparedClaim, claims_section, compare
from ..sections.comparison import CheckRow, comparison_section
from ..sections.conventions import conventions_note
from ..sections.narration import Narrator, all_functions
from ..sections.overview import overview
from ..sections.worked_numbers import figures_section, worked_section
from ..worked.digits import UndefinedError, fraction
from ..worked.figures import Figures, evaluate
from ..worked.lines import EntryNames, WorkedLine, Worker
from ..worked.quantities import with_updates
from .figure import Drawing, draw


@dataclass(frozen=True)
class ReportData:
    """A report, ready to be written in any format.

    drawing: the figure; a model has none.
    figures: every entry to fifty digits, where there are values; `lines` the worked lines made of
    them and `claims` the source's figures beside them.
    """

    name: str
    title: Prose
    sections: tuple[Section, ...]
    drawing: Drawing | None
    figures: Figures | None = None
    lines: tuple[WorkedLine, ...] = ()
    claims: tuple[ComparedClaim, ...] = ()


def build(
    spec: Network | Model,
    chain: Chain,
    writer: Writer,
    *,
    source_text: str = "",
    general_rule: Sequence[tuple[str, str, str]] = (),
    entries: Sequence[tuple[str, str]] = (),
    checks: Sequence[CheckRow] = (),
    hand_source: str | None = None,
) -> ReportData:
    """The report of a differentiated network or model; a model has no figure.

    source_text: the generated program.  general_rule: (what it is, LaTeX formula, reason) for a
    symbolic layer.  entries: (LaTeX formula, reason) of the derivation entry by entry.  Formulas
    in reasons stand between dollars.
    checks: what the three-way comparison found.  hand_source: the hand-written program.
    Raises QuantityError for a claim about nothing, DigitsError for a line that contradicts itself.
    """
    network = spec if isinstance(spec, Network) else None
    narrator = Narrator(chain, writer)
    figures, missing = _exact_figures(spec, chain)
    sections = [overview(spec, chain, writer), narrator.forward(), *narrator.derivation(),
                narrator.result()]
    if general_rule:
        sections.append(_general(general_rule))
    if entries:
        sections.append(_entry_by_entry(entries))
    sections.append(narrator.assumptions())
    lines: list[WorkedLine] = []
    claims: list[ComparedClaim] = []
    if figures is not None:
        worked, lines, claims = _numbers(spec, chain, writer, figures)
        sections += worked
    elif missing:
        sections.append(Section(("Worked numbers",), (Paragraph((missing,)),)))
    if checks:
        sections.append(comparison_section(checks))
    sections += _programs(source_text, hand_source)
    kind = "network" if network else "model"
    return ReportData(
        spec.name, (f"Backpropagation through the {kind} ", spec.name), tuple(sections),
        draw(network, writer, figures) if network else None, figures, tuple(lines), tuple(claims),
    )


def _exact_figures(spec: Network | Model, chain: Chain) -> tuple[Figures | None, str]:
    """Exact figures; or None, and why there are none."""
    if not spec.values:
        return None, ""
    try:
        extra = [step.equation for step in chain.inlined.values()]
        figures = evaluate(chain.system, spec.values, extra)
        for name, entries in figures.entries.items():
            try:
                for value in entries.values():
                    fraction(value)
            except UndefinedError as error:
                return None, f"There are no worked numbers: an entry of {name} {error}."
        return figures, ""
    except NotComputableError as error:
        return None, f"There are no worked numbers: {error}."


def _numbers(
    spec: Network | Model, chain: Chain, writer: Writer, figures: Figures
) -> tuple[list[Section], list[WorkedLine], list[ComparedClaim]]:
    """The sections of worked numbers, the lines in them, and the source's figures beside them."""
    gradients = {name: chain.of[name] for name in chain.wrt}
    rate = None if spec.learning_rate is None else exact(spec.learning_rate)
    if rate is not None:
        with_updates(figures, gradients, rate)
    names = EntryNames(writer, figures)
    worker = Worker(names, all_functions(chain))
    sections, lines = worked_section(chain, worker, gradients, rate)
    if isinstance(spec, Network):
        note = conventions_note(spec, writer, figures)
        if note is not None:
            sections.insert(1, note)
    sections.append(figures_section(chain, worker, gradients))
    claims = compare(spec.claims, names)
    if claims:
        sections.append(claims_section(claims, spec.source))
    return sections, lines, claims


def _general(rule: Sequence[tuple[str, str, str]]) -> Section:
    blocks: list[Block] = [Paragraph((
        "The same for a layer l of L that is not fixed, derived from the recurrence of the forward "
        "equations. a is a layer's output, f its activation.",
    ))]
    for what, latex, reason in rule:
        text = ": ".join(part for part in (what, reason) if part)
        blocks += [Paragraph(sentence(text)), Display((raw(latex),))]
    return Section(("The general rule",), tuple(blocks))


def _entry_by_entry(entries: Sequence[tuple[str, str]]) -> Section:
    blocks: list[Block] = []
    for latex, reason in entries:
        if reason:
            blocks.append(Paragraph(sentence(reason)))
        blocks.append(Display((raw(latex),)))
    return Section(("Entry by entry",), tuple(blocks))


def raw(latex: str) -> Relation:
    """A formula that was handed in as one string."""
    left, equals, right = latex.partition(" = ")
    return Relation(left, (Side("=", (right,)),)) if equals else Relation("", (Side("", (latex,)),))


def _programs(source: str, hand: str | None) -> list[Section]:
    sections = []
    if source.strip():
        sections.append(Section(("Generated program",), (
            Paragraph(("Generated from the equations above; it depends on NumPy alone.",)),
            Listing(source),
        )))
    if hand is not None and hand.strip():
        sections.append(Section(("Hand-written program",), (
            Paragraph(("The program that was compared, as it was handed in.",)),
            Listing(hand),
        )))
    return sections
