"""A source that declares one index convention for its weights and computes with the other."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...symbolic.display.writer import Writer
from ...symbolic.evaluator import NotComputableError
from ...symbolic.specs.network import Network
from ..content import Block, Code, Display, Math, Paragraph, Prose, Relation, Section, Table
from ..worked.digits import tabled
from ..worked.figures import Figures, evaluate
from ..worked.lines import EntryNames, Worker

FIRST = 8
"""How many affected quantities are listed."""
_MEANING = {
    "rows": "the first subscript of a weight is the unit it comes from, the second the unit it "
    "leads to",
    "columns": "the first subscript of a weight is the unit it leads to, the second the unit it "
    "comes from",
}


def conventions_note(network: Network, writer: Writer, figures: Figures | None) -> Section | None:
    """What the declared reading would have given; None where the source declares no other."""
    declared = network.source.get("declared_convention")
    if declared in (None, network.convention) or declared not in _MEANING:
        return None
    blocks: list[Block] = [Paragraph((
        "The source text declares the convention ", Code(str(declared)), f" ({_MEANING[declared]})"
        ", but its arithmetic follows the convention ", Code(network.convention),
        f" ({_MEANING[network.convention]}). This report follows the arithmetic.",
    ))]
    other = None if figures is None else _declared_reading(network, str(declared))
    if figures is not None and other is not None:
        blocks += _differences(network, writer, figures, other)
    return Section(("Index conventions in the source text",), tuple(blocks), level=3)


def _declared_reading(network: Network, declared: str) -> Figures | None:
    """The forward pass with every weight where the declared reading puts it.

    A square matrix keeps its subscripts, which now mean something else; in one that is not
    square only one reading of them is possible, so it is transposed.
    """
    flipped = replace(network, convention=declared)  # type: ignore[arg-type]
    system = flipped.system()
    values: dict[str, Any] = {}
    for name, value in network.values.items():
        is_weight = name.startswith("W")
        rows = value.tolist() if hasattr(value, "tolist") else value
        nested = isinstance(rows, list | tuple) and all(isinstance(r, list | tuple) for r in rows)
        if nested and (not is_weight or len(rows) != len(rows[0])):
            rows = [list(column) for column in zip(*rows, strict=True)]
        values[name] = rows
    try:
        return evaluate(system, values)
    except NotComputableError:
        return None


def _differences(
    network: Network, writer: Writer, figures: Figures, other: Figures
) -> list[Block]:
    names = EntryNames(writer, figures)
    square = [f"W{i}" for i, (a, b) in enumerate(zip(network.sizes, network.sizes[1:],
                                                     strict=False), 1) if a == b and a != 1]
    rows: list[tuple[Prose, ...]] = []
    affected = 0
    for equation in network.system().equations:
        for place, value in figures[equation.name].items():
            there = place if network.batch is False else tuple(reversed(place))
            reading = other[equation.name].get(there)
            if reading is None or reading == value:
                continue
            affected += 1
            if len(rows) < FIRST:
                rows.append(((Math(names.entry(equation.name, place)),), (tabled(value),),
                             (tabled(reading),)))
    if not rows:
        return [Paragraph(("For these values both readings give the same figures.",))]
    weights: list[str | Math] = []
    for name in square:
        weights += [", " if weights else "", Math(writer.name(name, latex=True))]
    first = _first_lines(network, writer, figures, other)
    header: tuple[Prose, ...] = (("quantity",), ("as computed",), ("as declared",))
    left_out = affected - len(rows)
    tail = f" ({left_out} further quantities differ, too.)" if left_out else ""
    return [
        Paragraph((
            "The readings differ in the square weights ", *weights, ", which the declared one "
            "transposes. The first net input, as computed and as declared:",
        )),
        Display(first),
        Paragraph((f"The first quantities affected, under each reading:{tail}",)),
        Table(header, tuple(rows), "ldd"),
    ]


def _first_lines(
    network: Network, writer: Writer, figures: Figures, other: Figures
) -> tuple[Relation, ...]:
    """The worked line of the first net input under either reading."""
    flipped = replace(network, convention="columns" if writer.row_vectors else "rows")
    system = flipped.system()
    there = Writer(writer.notation, not writer.row_vectors, system.shapes)
    place = (0,) * len(figures.shapes["Z1"])
    return tuple(
        Worker(EntryNames(pen, values), {}).line(equation, place).formula
        for pen, values, equation in (
            (writer, figures, network.system()["Z1"]), (there, other, system["Z1"])
        )
    )
