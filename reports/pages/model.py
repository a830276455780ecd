"""The report of a model of layers: its layers, the derivation, the program."""

from __future__ import annotations

from collections.abc import Sequence

from ...symbolic.derive.steps import Chain
from ...symbolic.display.writer import Writer
from ...symbolic.specs.model import LayerSummary, Model
from ..content import Block, Bullets, Code, Display, Math, Paragraph, Prose, Section, Table
from ..sections.claims import ComparedClaim
from ..sections.comparison import CheckRow, comparison_section
from ..sections.narration import Narrator
from ..sections.overview import function_definitions, loss_in_words, shape_prose
from ..worked.lines import Line
from .document import ReportData, exact_figures, numbers, programs


def build_model(
    model: Model,
    chain: Chain,
    writer: Writer,
    source_text: str = "",
    *,
    checks: Sequence[CheckRow] = (),
    hand_source: str | None = None,
) -> ReportData:
    """The report of a differentiated model, as :func:`build` makes a network's, without figure."""
    narrator = Narrator(chain, writer)
    sections = [_overview(model, chain, writer), narrator.forward(), *narrator.derivation(),
                narrator.result(), narrator.assumptions()]
    figures, missing = exact_figures(model, chain)
    lines: list[Line] = []
    claims: list[ComparedClaim] = []
    if figures is not None:
        worked, lines, claims = numbers(model, chain, writer, figures)
        sections += worked
    elif missing:
        sections.append(Section(("Worked numbers",), (Paragraph((missing,)),)))
    if checks:
        sections.append(comparison_section(checks))
    sections += programs(source_text, hand_source)
    return ReportData(model.name, ("Backpropagation through the model ", model.name),
                      tuple(sections), None, figures, tuple(lines), tuple(claims))


def _overview(model: Model, chain: Chain, writer: Writer) -> Section:
    header: tuple[Prose, ...] = (("layer",), ("type",), ("reads",), ("output",), ("parameters",))
    rows = tuple(_row(layer) for layer in model.summary)
    loss = writer.name("L", latex=True)
    blocks: list[Block] = [
        Table(header, rows, "lllll"),
        Bullets((
            ("The input ", Code("X"), " is ", *shape_prose(model.shapes()["X"]), "; samples are "
             "rows, and a layer's number is its place in the list."),
            ("Loss ", Math(loss), f": {loss_in_words(model)}."),
        )),
    ]
    found = function_definitions(chain)
    if found:
        blocks.append(Display(tuple(found)))
    return Section(("The model",), tuple(blocks))


def _row(layer: LayerSummary) -> tuple[Prose, ...]:
    outputs: list[str | Math | Code] = []
    for output in layer.outputs:
        outputs += [", " if outputs else "", Code(output.name), ": ", *shape_prose(output.shape)]
    parameters: list[str | Math | Code] = []
    for array in layer.parameters:
        parameters += [", " if parameters else "", Code(array.name)]
    reads: list[str | Math | Code] = []
    for name in layer.reads:
        reads += [", " if reads else "", Code(name)]
    return ((str(layer.place),), (layer.type,), tuple(reads),
            tuple(run for run in outputs if run), tuple(run for run in parameters if run))
