"""A network's report as plain data: which sections there are, in which order, on which results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...symbolic.derive.steps import Chain
from ...symbolic.display.notation import Notation
from ...symbolic.display.pen import Setting
from ...symbolic.display.writer import Writer
from ...symbolic.specs.model import Model
from ...symbolic.specs.network import Network
from ..content import Block, Display, Formula, Listing, Paragraph, Prose, Section, Side, sentence
from ..sections.claims import ComparedClaim, claims_section, compare
from ..sections.comparison import CheckRow, comparison_section
from ..sections.conventions import conventions_note
from ..sections.narration import Narrator, all_functions
from ..sections.overview import overview
from ..sections.worked_numbers import figures_section, worked_section
from ..worked.arithmetic import NotComputableError, exact
from ..worked.figures import Figures, WorkedError, evaluate
from ..worked.lines import Line, Names, Worker
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
    lines: tuple[Line, ...] = ()
    claims: tuple[ComparedClaim, ...] = ()


def notation_of(network: Network, chain: Chain) -> Notation:
    """The notation a network asks for: `loss`, `target` and `symbols` of its ``[notation]``."""
    asked = network.notation
    return Notation(
        matrices=network.batch is not False,
        loss=str(asked.get("loss", "L")),
        target=str(asked.get("target", "y")),
        symbols=dict(asked.get("symbols", {})),
        adjoints={bar: name for name, bar in chain.of.items()},
    )


def build(
    network: Network,
    chain: Chain,
    *,
    source_text: str = "",
    general_rule: Sequence[tuple[str, str, str]] = (),
    entries: Sequence[tuple[str, str]] = (),
    checks: Sequence[CheckRow] = (),
    hand_source: str | None = None,
) -> ReportData:
    """The report of a differentiated network.

    source_text: the generated program.  general_rule: (what it is, LaTeX formula, reason) for a
    symbolic layer.  entries: (LaTeX formula, reason) of the derivation entry by entry.  Formulas
    in reasons stand between dollars.
    checks: what the three-way comparison found.  hand_source: the hand-written program.
    Raises QuantityError for a claim about nothing, DigitsError for a line that contradicts itself.
    """
    writer = Writer(notation_of(network, chain), network.convention == "rows",
                    chain.system.shapes, setting=Setting.of(chain.system))
    narrator = Narrator(chain, writer)
    figures, missing = exact_figures(network, chain)
    sections = [overview(network, chain, writer), narrator.forward(), *narrator.derivation(),
                narrator.result()]
    if general_rule:
        sections.append(_general(general_rule))
    if entries:
        sections.append(_entry_by_entry(entries))
    sections.append(narrator.assumptions())
    lines: list[Line] = []
    claims: list[ComparedClaim] = []
    if figures is not None:
        worked, lines, claims = numbers(network, chain, writer, figures)
        sections += worked
    elif missing:
        sections.append(Section(("Worked numbers",), (Paragraph((missing,)),)))
    if checks:
        sections.append(comparison_section(checks))
    sections += programs(source_text, hand_source)
    return ReportData(
        network.name, ("Backpropagation through the network ", network.name), tuple(sections),
        draw(network, writer, figures), figures, tuple(lines), tuple(claims),
    )


def exact_figures(network: Network | Model, chain: Chain) -> tuple[Figures | None, str]:
    """Exact figures; or None, and why there are none."""
    if not network.values:
        return None, ""
    try:
        extra = [step.equation for step in chain.inlined.values()]
        return evaluate(chain.system, network.values, extra), ""
    except (WorkedError, NotComputableError) as error:
        return None, f"There are no worked numbers: {error}."


def numbers(
    network: Network | Model, chain: Chain, writer: Writer, figures: Figures
) -> tuple[list[Section], list[Line], list[ComparedClaim]]:
    """The sections of worked numbers, the lines in them, and the source's figures beside them."""
    gradients = {name: chain.of[name] for name in chain.wrt}
    rate = None if network.learning_rate is None else exact(network.learning_rate)
    if rate is not None:
        with_updates(figures, gradients, rate)
    names = Names(writer, figures)
    worker = Worker(names, all_functions(chain))
    sections, lines = worked_section(chain, worker, gradients, rate)
    if isinstance(network, Network):
        note = conventions_note(network, writer, figures)
        if note is not None:
            sections.insert(1, note)
    sections.append(figures_section(chain, worker, gradients))
    claims = compare(network.claims, names)
    if claims:
        sections.append(claims_section(claims, network.source))
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


def raw(latex: str) -> Formula:
    """A formula that was handed in as one string."""
    left, equals, right = latex.partition(" = ")
    return Formula(left, (Side("=", (right,)),)) if equals else Formula("", (Side("", (latex,)),))


def programs(source: str, hand: str | None) -> list[Section]:
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
