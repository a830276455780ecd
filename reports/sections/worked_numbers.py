"""The pages of numbers: worked lines of every pass, and the table of exact figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import islice

from ...symbolic.derive.steps import Chain, Step
from ..content import Block, Display, Math, Paragraph, Prose, Section, Table
from ..worked.digits import LINE_DIGITS, TABLE_DIGITS, show, tabled
from ..worked.figures import DIGITS, Figures, Place
from ..worked.lines import WorkedLine, Worker
from ..worked.quantities import UPDATED, updated_name

ALL = 60
"""Entries up to which every one is worked out; beyond, the first few of each array."""
FEW = 3


def worked_section(
    chain: Chain, worker: Worker, gradients: Mapping[str, str], rate: Fraction | None
) -> tuple[list[Section], list[WorkedLine]]:
    """The sections of worked numbers, and all their lines."""
    figures = worker.names.figures
    forward = [step for step in chain.steps if step.role == "forward"]
    backward = [step for step in chain.steps if step.role != "forward"]
    count = sum(len(figures[step.name]) for step in chain.steps)
    limit = None if count <= ALL else FEW
    lines: list[WorkedLine] = []
    parts = []
    for title, steps in (("Forward pass", forward), ("Backward pass", backward)):
        blocks = [block for step in steps for block in _step(step, worker, limit, lines)]
        parts.append(Section((title,), tuple(blocks), level=3))
    if rate is not None:
        blocks = list(_updates(worker, gradients, rate, limit, lines))
        parts.append(Section(("Update",), tuple(blocks), level=3))
    checked = sum(line.checked for line in lines)
    unread = len(lines) - checked
    caution = "" if not unread else (
        f" {unread} lines were not checked: their functions are beyond the check, or their digits "
        "cancel beyond all that are printed; these lines have no numbers put in.")
    here: list[str | Math] = []
    for symbol, number in figures.sizes.items():
        here += [" Here ", Math(f"{symbol} = {number}"), "."]
    head = Section(("Worked numbers",), (Paragraph((
        f"Each line is formula, numbers put in, result. All is computed to {DIGITS} digits; "
        f"results are printed with {LINE_DIGITS} significant digits, or with all they have. The "
        f"printed digits are checked: {checked} lines were read back, and calculating with the "
        "numbers printed in a line gives, when rounded, the result printed in it (an operand has "
        f"more digits where that needs them).{caution}", *here,
    )),))
    return [head, *parts], lines


def _step(
    step: Step, worker: Worker, limit: int | None, lines: list[WorkedLine]
) -> Iterable[Block]:
    """An array's entries, one worked line each."""
    places = list(worker.names.figures[step.name])
    made = worker.lines(step.equation, places[:limit])
    lines += made
    yield Display(tuple(line.formula for line in made))
    if len(made) < len(places):
        name = Math(worker.names.writer.name(step.name, latex=True))
        yield Paragraph((f"{len(places) - len(made)} further entries of ", name,
                         " are left out.",))


def _updates(
    worker: Worker,
    gradients: Mapping[str, str],
    rate: Fraction,
    limit: int | None,
    lines: list[WorkedLine],
) -> Iterable[Block]:
    yield Paragraph(("One step of gradient descent with learning rate ",
                     Math(rf"\eta = {show(rate, 12).latex}"), ":"))
    for parameter, gradient in gradients.items():
        places = list(worker.names.figures[parameter])
        made = [worker.update(parameter, gradient, place, rate)
                for place in islice(places, limit)]
        lines += made
        yield Display(tuple(line.formula for line in made))
        if len(made) < len(places):
            name = Math(worker.names.writer.name(parameter, latex=True))
            yield Paragraph((f"{len(places) - len(made)} further entries of ", name,
                             " are left out."))


def figures_section(chain: Chain, worker: Worker, gradients: Mapping[str, str]) -> Section:
    """Every quantity to fifteen significant digits."""
    figures = worker.names.figures
    inputs = [array.name for array in chain.system.inputs]
    forward = [step.name for step in chain.steps if step.role == "forward"]
    backward = [step.name for step in chain.steps if step.role != "forward"]
    updated = [p + UPDATED for p in gradients if p + UPDATED in figures.entries]
    blocks: list[Block] = [Paragraph((
        f"Every figure with {TABLE_DIGITS} significant digits, rounded half to even from "
        f"{DIGITS}.",
    ))]
    for title, arrays in (("given", inputs), ("forward", forward), ("backward", backward),
                          ("after the update", updated)):
        if arrays:
            blocks += _figures_table(title, arrays, worker, figures)
    return Section(("Exact figures",), tuple(blocks))


def _figures_table(
    title: str, arrays: Sequence[str], worker: Worker, figures: Figures
) -> list[Block]:
    count = sum(len(figures[name]) for name in arrays)
    limit = None if count <= 2 * ALL else 2 * FEW
    rows: list[tuple[Prose, ...]] = []
    for name in arrays:
        for place, value in islice(figures[name].items(), limit):
            rows.append(((Math(_entry(name, place, worker)),), (tabled(value),)))
    blocks: list[Block] = [Table(((title,), ("exact figure",)), tuple(rows), "lr")]
    if len(rows) < count:
        blocks.append(Paragraph((f"{count - len(rows)} further entries are left out.",)))
    return blocks


def _entry(name: str, place: Place, worker: Worker) -> str:
    if name.endswith(UPDATED):
        at = worker.names.subscripts(name, place)
        return updated_name(worker.names, name.removesuffix(UPDATED), at)
    return worker.names.entry(name, place)
