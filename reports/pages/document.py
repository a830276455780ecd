"""A report as plain data: which sections there are, in which order, on which results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...symbolic.derive.steps import Chain
from ...symbolic.display.writer import Writer
from ...symbolic.evaluator import NotComputableError
from ...symbolic.exact.numbers import exact
from ...symbolic.specs.network import Network
from ...symbolic.specs.program import Program, Spec
from ...symbolic.specs.stated import Stated
from ..content import Display, Listing, Paragraph, Picture, Prose, Section
from ..drawing import Drawing
from ..language import Language
from ..sections.claims import ComparedClaim, claims_section, compare
from ..sections.comparison import CheckRow, Comparison, comparison_section
from ..sections.conventions import conventions_note
from ..sections.glossary import glossary_section
from ..sections.gradient_flow import flow_section
from ..sections.in_general import EntryStep, entries_section, general_section
from ..sections.narration import Narrator, all_functions
from ..sections.overview import overview
from ..sections.training import Training, training_section
from ..sections.worked_numbers import figures_section, worked_section
from ..worked.digits import LINE_DIGITS, TABLE_DIGITS, UndefinedError, fraction
from ..worked.figures import Figures, evaluate
from ..worked.lines import EntryNames, WorkedLine, Worker
from ..worked.quantities import with_updates

SECTIONS = ("network", "forward", "derivation", "result", "rule", "entries", "assumptions",
            "numbers", "figures", "training", "flow", "claims", "comparison", "program", "hand",
            "glossary")
"""What a report may have, by the names it is asked for, in the order of a full one."""
SHORT = ("network", "forward", "result", "assumptions", "comparison")
"""What a short one has."""


class SectionError(ValueError):
    """A section that is not known, or that a report does not have."""


@dataclass(frozen=True)
class ReportData:
    """A report, ready to be written in any format.

    figures: every entry to fifty digits, where there are values; `lines` the worked lines made of
    them and `claims` the source's figures beside them.
    chain, writer: what was derived, and how it is written; `labels` are the numbers of equations by
    the array that they are of.  checks: what a comparison found; program: the generated one.
    taken: what was taken for granted before there were equations.
    """

    name: str
    title: Prose
    sections: tuple[Section, ...]
    figures: Figures | None = None
    lines: tuple[WorkedLine, ...] = ()
    claims: tuple[ComparedClaim, ...] = ()
    training: Training | None = None
    chain: Chain | None = None
    writer: Writer | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    checks: tuple[CheckRow, ...] = ()
    program: str = ""
    taken: tuple[str, ...] = ()
    language: Language = field(default_factory=lambda: Language("en"), repr=False)

    def translated(self, language: Language) -> ReportData:
        """The same in another language; JSON's sentences are put into it when they are written."""
        return replace(self, language=language, title=language.prose(self.title),
                       sections=tuple(map(language.section, self.sections)))

    @property
    def drawings(self) -> tuple[Drawing, ...]:
        """The figures that its sections show."""
        return tuple(block.drawing for section in self.sections for block in section.blocks
                     if isinstance(block, Picture))

    @property
    def printed_labels(self) -> frozenset[str]:
        """The numbers of the equations that its sections show."""
        return frozenset(label for section in self.sections for block in section.blocks
                         if isinstance(block, Display) for _, label in block.tagged if label)


def build(
    spec: Spec,
    chain: Chain,
    writer: Writer,
    *,
    source_text: str = "",
    general_rule: Sequence[tuple[str, str, str]] = (),
    entries: Sequence[EntryStep] = (),
    comparison: Comparison | None = None,
    hand_source: str | None = None,
    training: Training | None = None,
    sections: Sequence[str] | None = None,
    digits: int | None = None,
) -> ReportData:
    """The report of a differentiated network, model, equations or program; a network has a figure.

    source_text: the generated program, hand_source: the hand-written one; training: its steps.
    general_rule: (where it holds, LaTeX formula, reason) for a layer of any depth; formulas in
    words stand between dollars.
    sections: names out of SECTIONS, in the order wanted; None for all there are.
    digits: significant digits of all results; None for 6 in worked lines, 15 in tables.
    Raises QuantityError for a claim about nothing, DigitsError for a line that contradicts itself,
    SectionError for a section that this report does not have.
    """
    narrator = Narrator(chain, writer)
    figures, missing = _exact_figures(spec, chain)
    found = _derived(spec, narrator, general_rule, entries, figures)
    lines: list[WorkedLine] = []
    claims: list[ComparedClaim] = []
    if figures is not None:
        worked, lines, claims = _numbers(spec, chain, writer, figures, digits, training)
        found += worked
    elif missing:
        found.append(Section(("Worked numbers",), (Paragraph((missing,)),), name="numbers"))
    found += [] if comparison is None else [comparison_section(comparison)]
    shown = _with_glossary([*found, *_programs(source_text, hand_source)], sections)
    return ReportData(
        spec.name, _title(spec), shown, figures,
        tuple(lines), tuple(claims), training, chain, writer, narrator.labels,
        () if comparison is None else tuple(comparison.rows), source_text,
        _taken(spec),
    )


def _taken(spec: Spec) -> tuple[str, ...]:
    return tuple(spec.taken) if isinstance(spec, Program) else ()


def _title(spec: Spec) -> Prose:
    kind = spec.kind if isinstance(spec, Program) else "equations" if isinstance(spec, Stated) \
        else "network" if isinstance(spec, Network) else "model"
    return (f"Backpropagation through the {kind} ", spec.name)


def _derived(
    spec: Spec, narrator: Narrator, rule: Sequence[tuple[str, str, str]],
    entries: Sequence[EntryStep], figures: Figures | None,
) -> list[Section]:
    """The sections without numbers."""
    found = [overview(spec, narrator.chain, narrator.writer, figures), narrator.forward(),
             *narrator.derivation(), narrator.result()]
    if rule:
        found.append(general_section(rule, narrator.writer.notation))
    if entries:
        found.append(entries_section(entries))
    return [*found, narrator.assumptions(_taken(spec))]


def _with_glossary(
    found: Sequence[Section], names: Sequence[str] | None
) -> tuple[Section, ...]:
    """The sections asked for, and the terms that stand in these; alone, those of all."""
    beside = None if names is None else [name for name in names if name != "glossary"]
    told = glossary_section(chosen(found, beside or None))
    return chosen(found if told is None else [*found, told], names)


def chosen(found: Sequence[Section], names: Sequence[str] | None) -> tuple[Section, ...]:
    """The sections of these names with their parts, in the order of the names."""
    if names is None:
        return tuple(found)
    if not names:
        raise SectionError(f"sections: expected some of {', '.join(SECTIONS)}, got none")
    parts: dict[str, list[Section]] = {}
    name = ""
    for section in found:
        name = section.name or name
        parts.setdefault(name, []).append(section)
    for wanted in names:
        if wanted not in SECTIONS:
            raise SectionError(f"sections: expected some of {', '.join(SECTIONS)}, got {wanted!r}")
    shown = tuple(section for wanted in dict.fromkeys(names) for section in parts.get(wanted, ()))
    if not shown:
        raise SectionError(f"sections: this report has no section {', '.join(names)}; it has "
                           f"{', '.join(parts)}")
    return shown


def _exact_figures(spec: Spec, chain: Chain) -> tuple[Figures | None, str]:
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
    spec: Spec, chain: Chain, writer: Writer, figures: Figures,
    digits: int | None,
    training: Training | None,
) -> tuple[list[Section], list[WorkedLine], list[ComparedClaim]]:
    """The sections of worked numbers, the lines in them, and the source's figures beside them."""
    gradients = {name: chain.of[name] for name in chain.wrt}
    rate = None if spec.learning_rate is None else exact(spec.learning_rate)
    if rate is not None:
        with_updates(figures, gradients, rate)
    names = EntryNames(writer, figures)
    worker = Worker(names, all_functions(chain), digits or LINE_DIGITS)
    sections, lines = worked_section(chain, worker, gradients, rate)
    if isinstance(spec, Network):
        note = conventions_note(spec, writer, figures)
        if note is not None:
            sections.insert(1, note)
    sections.append(figures_section(chain, worker, gradients, digits or TABLE_DIGITS))
    if training is not None:
        sections.append(training_section(training, writer.name(chain.loss, latex=True)))
    flow = flow_section(spec, chain, figures) if isinstance(spec, Network) else None
    sections += [flow] if flow is not None else []
    claims = compare(spec.claims, names)
    if claims:
        sections.append(claims_section(claims, spec.source))
    return sections, lines, claims


def _programs(source: str, hand: str | None) -> list[Section]:
    sections = []
    if source.strip():
        sections.append(Section(("Generated program",), (
            Paragraph(("Generated from the equations above; it depends on NumPy alone.",)),
            Listing(source),
        ), name="program"))
    if hand is not None and hand.strip():
        sections.append(Section(("Hand-written program",), (
            Paragraph(("The program that was compared, as it was handed in.",)),
            Listing(hand),
        ), name="hand"))
    return sections
