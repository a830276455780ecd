"""The page of a run: its curve first, then what was trained, by which formulas, and the program."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf
from pathlib import Path

from gradproof.reports.content import (
    Block,
    Display,
    Listing,
    Math,
    Paragraph,
    Picture,
    Prose,
    Section,
    Table,
    equation,
)
from gradproof.reports.language import language as language_of
from gradproof.reports.pages.document import ReportData
from gradproof.reports.pages.files import DEFAULT, expect_room, write_report
from gradproof.reports.sections.narration import Narrator
from gradproof.reports.sections.overview import named_functions
from gradproof.reports.sections.plots import Axis, Series, plot
from gradproof.symbolic.derive.steps import Chain
from gradproof.symbolic.display.notation import Notation
from gradproof.symbolic.display.pen import Setting
from gradproof.symbolic.display.writer import Writer
from gradproof.symbolic.equation import EquationError, System

from .loop import Epoch, Training
from .schedules import SCHEDULES
from .texts import stated

CURVE = "training"
"""The name of the drawing."""
MUCH = 100
"""The largest loss over the smallest from which on the curve is drawn on a logarithm's scale."""


def write_page(
    training: Training, directory: Path, formats: Iterable[str] = DEFAULT, *,
    language: str = "en", force: bool = False,
) -> list[Path]:
    """Writes the page of a run in formats of reports; returns the paths written.

    Raises what reports do for a format or language that there is not, and OthersError where a file
    of that name is no report's and `force` is False.
    """
    return written(page(training), directory, formats, language=language, force=force)


def expect_page(
    directory: Path, formats: Iterable[str], *, language: str, force: bool, drawing: str = CURVE
) -> None:
    """What can be said of a page before there is a run; raises what :func:`write_page` does."""
    language_of(language)
    expect_room(directory, formats, drawings=(f"{drawing}.svg",), force=force)


def written(
    made: ReportData, directory: Path, formats: Iterable[str], *, language: str, force: bool
) -> list[Path]:
    """The same of a page that is made."""
    translated = made.translated(language_of(language, "training"))
    return write_report(translated, directory, formats, force=force)


def page(training: Training) -> ReportData:
    """The page of a run, ready to be written."""
    return page_of(training, ("Training ", training.network.name, " on ", training.data.name),
                   _curve(training))


def page_of(training: Training, title: Prose, *first: Section) -> ReportData:
    """A page that begins with what was seen, and tells then what was trained, and how."""
    derivation = training.derivation
    narrator = Narrator(derivation.chain, derivation.writer)
    try:
        program = derivation.numpy_source()
    except EquationError as error:
        program = f"# {error}"
    return ReportData(
        training.network.name, title,
        (*first, *_functions(derivation.chain), narrator.forward(), narrator.result(),
         _step(training),
         Section(("Generated program",), (Listing(program),), name="program")),
        chain=derivation.chain, writer=derivation.writer, labels=narrator.labels, program=program,
    )


def _functions(chain: Chain) -> list[Section]:
    """What the functions are that the formulas name."""
    told = named_functions(chain)
    return [Section(("The functions",), told, name="functions")] if told else []


def _curve(training: Training) -> Section:
    history, plan = training.history, training.plan
    series = [Series("training", [(epoch.number, epoch.loss) for epoch in history])]
    tested = [(epoch.number, epoch.test_loss) for epoch in history if epoch.test_loss is not None]
    if tested:
        series.append(Series("set aside", tested, "backward"))
    blocks: list[Block] = [Paragraph(_result(training)), *curves(series)]
    kept, aside = len(training.train_places), len(training.test_places)
    told = [
        f"{kept} samples are trained with, {aside} are set aside. "
        f"There are {len(training.w)} parameters, which begin by the rule ", plan.init,
        f" with seed {plan.seed}; a step takes {training.batch} samples."]
    if training.data.description:
        blocks.append(Paragraph((training.data.description,)))
    blocks.append(Paragraph(tuple(told)))
    blocks.append(_table(history))
    return Section(("The run",), tuple(blocks), name="training")


def curves(series: Sequence[Series]) -> list[Block]:
    """The losses over the epochs in one frame; none where there is nothing to be drawn."""
    values = [value for line in series for _, value in line.points if 0 < value < inf]
    is_log = bool(values) and max(values) > MUCH * min(values)
    drawn = plot(CURVE, "The loss over the epochs", Axis("epoch", counts=True),
                 Axis("loss", is_log), series)
    return [] if drawn is None else [Picture(("The loss over the epochs.",), drawn)]


def _result(training: Training) -> Prose:
    last = training.history[-1]
    told = (f"After {last.number} epochs the loss is {last.loss:.6g}; it was "
            f"{training.history[0].loss:.6g} in the first.")
    if last.accuracy is not None:
        told += (f" Of the {len(training.test_places)} samples that were set aside, "
                 f"{last.accuracy:.2%} are classified rightly.")
    return (told,)


def _table(history: Sequence[Epoch]) -> Table:
    shown = [epoch for epoch in history if epoch.number in milestones(history[-1].number)]
    columns: list[tuple[str, list[str]]] = [
        ("epoch", [str(epoch.number) for epoch in shown]),
        ("loss", [f"{epoch.loss:.6g}" for epoch in shown]),
        ("norm of the gradient", [f"{epoch.gradient_norm:.3g}" for epoch in shown]),
    ]
    if shown[-1].test_loss is not None:
        columns.append(("loss of those set aside", [f"{epoch.test_loss:.6g}" for epoch in shown]))
    if shown[-1].accuracy is not None:
        columns.append(("rightly classified", [f"{epoch.accuracy:.2%}" for epoch in shown]))
    rows = zip(*(cells for _, cells in columns), strict=True)
    return Table(tuple((title,) for title, _ in columns),
                 tuple(tuple((cell,) for cell in row) for row in rows), "r" * len(columns))


def milestones(epochs: int) -> frozenset[int]:
    """The epochs that are told of: 1, 2, 5, 10, 20, 50, ... and the last."""
    found, power = {epochs}, 1
    while power <= epochs:
        found |= {power * times for times in (1, 2, 5) if power * times <= epochs}
        power *= 10
    return frozenset(found)


def _step(training: Training) -> Section:
    optimiser, plan = training.steps.optimiser, training.plan
    settings = {**training.steps.settings, "eta0": plan.eta}
    given = ", ".join(f"{_symbol(name)} = {_number(value)}" for name, value in settings.items())
    blocks: list[Block] = [
        Paragraph(("All parameters in one vector ", Math("w"), ", with ", Math("g"),
                   " their gradient, ", Math("w _{0}"), " their values before the step, and ",
                   Math("t"), " the number of the step:")),
        _formulas(optimiser.system),
        Paragraph(("Settings: ", Math(given), ".")),
    ]
    if plan.schedule != "constant":
        blocks += [Paragraph(("The learning rate over the ", Math("T"), " steps:")),
                   _formulas(stated(SCHEDULES[plan.schedule], (), ("eta0", "t", "T")))]
    blocks.append(Paragraph((f"Source: {optimiser.source}.",)))
    return Section(("A step",), tuple(blocks), name="step")


def _formulas(system: System) -> Display:
    writer = Writer(Notation(layers=False), False, system.shapes, setting=Setting.of(system))
    return Display(tuple(equation(*str(writer.latex(one)).split(" = ", 1))
                         for one in system.equations))


def _symbol(name: str) -> str:
    return Notation(layers=False).latex(name)


def _number(value: float) -> str:
    base, _, power = f"{value:g}".partition("e")
    if not power:
        return base
    ten = f"10^{{{int(power)}}}"
    return ten if base == "1" else rf"{base} \cdot {ten}"
