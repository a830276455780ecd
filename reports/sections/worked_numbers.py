"""The pages of numbers: worked lines of every pass, and the table of exact figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import islice

from ...symbolic.derive.steps import Chain, Step
from ..content import (
    Block,
    Display,
    Math,
    Paragraph,
    Prose,
    Relation,
    Section,
    Side,
    Table,
    Worked,
    summands,
)
from ..worked.digits import TABLE_DIGITS, show, show_all, tabled
from ..worked.figures import DIGITS, Place
from ..worked.lines import WorkedLine, Worker
from ..worked.quantities import UPDATED, updated_name
from .narration import backward_steps, listed

ALL = 60
"""Entries up to which every one is worked out; beyond, the first few of each array."""
FEW = 3
MOST_ROWS, MOST_COLUMNS = 16, 8
"""Entries of a value that is printed as a matrix, along each axis."""


def worked_section(
    chain: Chain, worker: Worker, gradients: Mapping[str, str], rate: Fraction | None
) -> tuple[list[Section], list[WorkedLine]]:
    """The sections of worked numbers, and all their lines."""
    figures = worker.names.figures
    forward = [step for step in chain.steps if step.role == "forward"]
    backward = backward_steps(chain)
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
        f" {unread} {'line was' if unread == 1 else 'lines were'} not checked: what such a line "
        "computes is beyond the check, or its digits cancel beyond all that are printed; it has no "
        "numbers put in.")
    sizes = [Math(f"{symbol} = {number}") for symbol, number in figures.sizes.items()]
    here = (" Here ", *listed(sizes), ".") if sizes else ()
    head = Section(("Worked numbers",), (Paragraph((
        f"Each line is formula, numbers put in, result. All is computed to {DIGITS} digits; "
        f"results are printed with {worker.digits} significant digits, or with all they have. The "
        f"printed digits are checked: {checked} lines were read back, and calculating with the "
        "numbers printed in a line gives, when rounded, the result printed in it (an operand has "
        f"more digits where that needs them).{caution}", *here,
    )),), name="numbers")
    return [head, *parts], lines


def _step(
    step: Step, worker: Worker, limit: int | None, lines: list[WorkedLine]
) -> Iterable[Block]:
    """An array's value, and a worked line for each of its entries, or for the first of them."""
    places = list(worker.names.figures[step.name])
    if worker.is_long(step.equation, places[0]) and (
            len(places) == 1 or value_of(step.name, worker) is not None):
        made = [worker.in_symbols(step.equation, places[0])] if len(places) == 1 else []
    else:
        made = worker.lines(step.equation, places[:_shown(places, limit)])
    lines += made
    written = worker.names.writer.latex(step.equation)
    name = worker.names.writer.name(step.name, latex=True)
    # with indices, the left side is an entry and not the array
    sides = (Side("=", summands(written.right)),) if written.left == name else ()
    yield _worked(step.name, name, sides, made, places, worker)


def _shown(places: Sequence[Place], limit: int | None) -> int:
    """How many entries have a line: all, where it would take one to say that one is left out."""
    return len(places) if limit is None or len(places) == limit + 1 else limit


def _worked(
    array: str, name: str, sides: Sequence[Side], made: Sequence[WorkedLine],
    places: Sequence[Place], worker: Worker,
) -> Worked:
    left_out: Prose = ()
    if not made:
        left_out = ("The entries of ", Math(name), " are sums of many terms, and are not written "
                    "out.")
    elif len(made) < len(places):
        left_out = (f"The other {len(places) - len(made)} entries of ", Math(name),
                    " are left out.")
    value = value_of(array, worker)
    whole = None if value is None or len(places) == 1 else Relation(name, (*sides, value))
    return Worked(Display(tuple(line.formula for line in made)), whole, left_out)


def value_of(array: str, worker: Worker) -> Side | None:
    """An array's numbers as a matrix, with equally many decimals; None for one that is larger than
    a page shows, or has more than two axes."""
    figures = worker.names.figures
    shape = figures.shapes[array]
    if len(shape) > 2 or max(shape, default=1) > MOST_ROWS or (
            len(shape) == 2 and shape[1] > MOST_COLUMNS):
        return None
    places = sorted(figures[array])
    texts, exact = show_all([figures[array][place] for place in places], worker.digits)
    columns = shape[-1] if shape else 1
    if len(shape) == 1 and (columns > MOST_COLUMNS or not worker.names.writer.row_vectors):
        columns = 1
    rows = [texts[start : start + columns] for start in range(0, len(texts), columns)]
    body = r" \\ ".join(" & ".join(row) for row in rows)
    latex = rf"\left[\begin{{array}}{{{'r' * columns}}} {body} \end{{array}}\right]"
    return Side("=" if exact else r"\approx", (latex,))


def _updates(
    worker: Worker,
    gradients: Mapping[str, str],
    rate: Fraction,
    limit: int | None,
    lines: list[WorkedLine],
) -> Iterable[Block]:
    yield Paragraph(("One step of gradient descent with learning rate ",
                     Math(rf"\eta = {show(rate, 12).latex}"), ":"))
    writer = worker.names.writer
    for parameter, gradient in gradients.items():
        places = list(worker.names.figures[parameter])
        made = [worker.update(parameter, gradient, place, rate)
                for place in places[:_shown(places, limit)]]
        lines += made
        name = writer.name(parameter, latex=True)
        side = Side(r"\leftarrow", (rf"{name} - \eta {writer.name(gradient, latex=True)}",))
        yield _worked(parameter + UPDATED, name, [side], made, places, worker)


def figures_section(
    chain: Chain, worker: Worker, gradients: Mapping[str, str], digits: int = TABLE_DIGITS
) -> Section:
    """Every quantity to so many significant digits, given ones as they were given."""
    figures = worker.names.figures
    inputs = [array.name for array in chain.system.inputs]
    forward = [step.name for step in chain.steps if step.role == "forward"]
    backward = [step.name for step in backward_steps(chain)]
    updated = [p + UPDATED for p in gradients if p + UPDATED in figures.entries]
    blocks: list[Block] = [Paragraph((
        f"Every figure with {digits} significant digits, rounded half to even from {DIGITS}; "
        "those that have fewer in full.",
    ))]
    for title, arrays in (("given", inputs), ("forward", forward), ("backward", backward),
                          ("after the update", updated)):
        if arrays:
            blocks += _figures_table(title, arrays, worker, digits)
    return Section(("Exact figures",), tuple(blocks), name="figures")


def _figures_table(
    title: str, arrays: Sequence[str], worker: Worker, digits: int
) -> list[Block]:
    figures = worker.names.figures
    count = sum(len(figures[name]) for name in arrays)
    limit = None if count <= 2 * ALL else 2 * FEW
    rows: list[tuple[Prose, ...]] = []
    for name in arrays:
        for place, value in islice(figures[name].items(), limit):
            rows.append(((Math(_entry(name, place, worker)),), (tabled(value, digits),)))
    blocks: list[Block] = [Table(((title,), ("exact figure",)), tuple(rows), "ld")]
    if len(rows) < count:
        blocks.append(Paragraph((f"{count - len(rows)} further entries are left out.",)))
    return blocks


def _entry(name: str, place: Place, worker: Worker) -> str:
    if name.endswith(UPDATED):
        at = worker.names.subscripts(name, place)
        return updated_name(worker.names, name.removesuffix(UPDATED), at)
    return worker.names.entry(name, place)
