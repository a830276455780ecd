"""The network drawn: units as circles, weights as lines, their numbers where there are few."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from ...symbolic.display.writer import Writer
from ...symbolic.exact.numbers import Value
from ...symbolic.specs.network import Network
from ..drawing import WIDTH, Circle, Drawing, Label, Stroke
from ..worked.digits import show
from ..worked.figures import Figures

_MARGIN = 86
_MOST_UNITS = 6
_MOST_LAYERS = 9
_MOST_NUMBERS = 12
"""Weights at most for numbers to be written on their lines."""


def draw(network: Network, writer: Writer, figures: Figures | None = None) -> Drawing:
    """The network; wide layers and deep stacks have their middle left out."""
    return _Sketch(network, writer, figures).drawing()


@dataclass(frozen=True)
class _Column:
    """A layer as it is drawn: the numbers of the units shown, None where some are left out."""

    layer: int
    x: float
    units: tuple[int | None, ...]


class _Sketch:
    def __init__(self, network: Network, writer: Writer, figures: Figures | None) -> None:
        self.network, self.writer, self.figures = network, writer, figures
        count = len(network.sizes)
        layers: list[int | None] = list(range(count))
        if count > _MOST_LAYERS:
            layers = [0, 1, 2, 3, None, count - 3, count - 2, count - 1]
        step = (WIDTH - 2 * _MARGIN) / (len(layers) - 1)
        self.gap_x = [_MARGIN + i * step for i, layer in enumerate(layers) if layer is None]
        self.columns = [
            _Column(layer, _MARGIN + i * step, _shown_units(network.sizes[layer]))
            for i, layer in enumerate(layers)
            if layer is not None
        ]
        tallest = max(len(column.units) for column in self.columns)
        self.radius = min(21.0, step * 0.26)
        self.pitch = 108.0 if self._passed() else 84.0 if self._numbered() else 58.0
        self.middle = 34 + (tallest - 1) * self.pitch / 2 + self.radius
        self.height = 2 * self.middle + (70 if self._passed() else 40)
        self.lines: list[Stroke] = []
        self.circles: list[Circle] = []
        self.labels: list[Label] = []

    def drawing(self) -> Drawing:
        for before, here in pairwise(self.columns):
            if here.layer == before.layer + 1:
                self._weights(before, here)
        for column in self.columns:
            self._layer(column)
        self.labels += [Label(x, self.middle, "⋯", 22) for x in self.gap_x]
        if self._passed():
            said = _LEGEND.format(delta=self._delta())
            self.labels.append(Label(WIDTH / 2, self.height - 16, said, 12))
        sizes = "-".join(map(str, self.network.sizes))
        return Drawing("network", self.height, f"Network {self.network.name}: {sizes}",
                       tuple(self.lines), tuple(self.circles), tuple(self.labels))

    def _numbered(self) -> bool:
        """Whether the weights are few enough for their numbers to be written on them."""
        sizes = self.network.sizes
        if self.figures is None or not all(isinstance(size, int) and size <= 3 for size in sizes):
            return False
        weights = sum(int(a) * int(b) for a, b in pairwise(sizes))
        return weights <= _MOST_NUMBERS and len(sizes) <= 4

    def _passed(self) -> bool:
        """Whether every unit has one value, of the one sample there is, and room for it."""
        figures = self.figures
        return figures is not None and self._numbered() and all(
            len(figures.shapes.get(f"{name}{layer}", ())) == 1
            for layer in range(1, self.network.depth + 1) for name in ("A", "dZ"))

    def _height_of(self, column: _Column, row: int) -> float:
        return self.middle + (row - (len(column.units) - 1) / 2) * self.pitch

    def _weights(self, before: _Column, here: _Column) -> None:
        for i, source in enumerate(before.units):
            for j, target in enumerate(here.units):
                if source is None or target is None:
                    continue
                start = before.x, self._height_of(before, i)
                end = here.x, self._height_of(here, j)
                number = self._weight(here.layer, source, target)
                self._edge(start, end, number)

    def _weight(self, layer: int, source: int, target: int) -> str:
        if self.figures is None or not self._numbered():
            return ""
        rows = self.network.convention == "rows"
        place = (source, target) if rows else (target, source)
        return show(self.figures[f"W{layer}"][place], 4).latex

    def _edge(self, start: tuple[float, float], end: tuple[float, float], number: str) -> None:
        """A line between the rims of two circles, interrupted where its number stands."""
        dx, dy = end[0] - start[0], end[1] - start[1]
        length = (dx * dx + dy * dy) ** 0.5
        rim = self.radius / length

        def at(t: float) -> tuple[float, float]:
            return start[0] + t * dx, start[1] + t * dy

        if not number:
            self.lines.append(Stroke(*at(rim), *at(1 - rim)))
            return
        where = self._free(number, at)
        half = (4 + 4 * len(number)) / dx
        self.lines.append(Stroke(*at(rim), *at(where - half)))
        self.lines.append(Stroke(*at(where + half), *at(1 - rim)))
        self.labels.append(Label(*at(where), number, 13))

    def _free(self, number: str, at: Callable[[float], tuple[float, float]]) -> float:
        """How far along a line its number stands, clear of those that stand already."""
        def is_free(where: float) -> bool:
            x, y = at(where)
            return all(abs(y - other.y) > 14 or abs(x - other.x) > 4 * len(number + other.text)
                       for other in self.labels)

        return next(filter(is_free, (0.3, 0.4, 0.22, 0.5, 0.6, 0.7)), 0.3)

    def _layer(self, column: _Column) -> None:
        for row, unit in enumerate(column.units):
            y = self._height_of(column, row)
            if unit is None:
                self.labels.append(Label(column.x, y, "⋮", 22))
            else:
                self._unit(column, unit, y)
        last, size = self.network.depth, self.network.sizes[column.layer]
        kind = self._kind(column)
        name = kind if kind != "hidden" or last == 2 else f"hidden {column.layer}"
        activation = self.network.activations[column.layer - 1] if column.layer else ""
        shown = f", {activation}" if activation and len(activation) <= 12 else ""
        units = f"{size} unit{'' if size == 1 else 's'}{shown}"
        below = self.height - (58 if self._passed() else 30)
        self.labels += [Label(column.x, below, name, 13),
                        Label(column.x, below + 16, units if len(self.columns) <= 6 else str(size),
                              12)]

    def _kind(self, column: _Column) -> str:
        return "input" if column.layer == 0 else (
            "output" if column.layer == self.network.depth else "hidden")

    def _unit(self, column: _Column, unit: int, y: float) -> None:
        """A circle with its letter, and its bias below."""
        size = self.network.sizes[column.layer]
        self.circles.append(Circle(column.x, y, self.radius, self._kind(column)))
        if self.radius > 14:
            which = str(unit + 1) if isinstance(size, int) or unit >= 0 else str(size)
            letter = self.writer.name(f"A{column.layer}" if column.layer else "X",
                                      ["" if size == 1 else which], latex=True)
            wide = len(which) > 2 and column.layer > 0
            self.labels.append(Label(column.x, y, letter.replace(" _{}", ""),
                                     12 if wide else 15, True))
        if self.figures is None or not self._numbered():
            return
        if column.layer:
            bias = show(self.figures[f"b{column.layer}"][(unit,)], 4).latex
            self.labels.append(Label(column.x, y + self.radius + 13, f"b = {bias}", 12))
        if self._passed():
            output = self.figures[f"A{column.layer}" if column.layer else "X"][(unit,)]
            self.labels.append(Label(column.x, y - self.radius - 10, _decimal(output), 12,
                                     ink="forward"))
        if self._passed() and column.layer:
            delta = _decimal(self.figures[f"dZ{column.layer}"][(unit,)])
            said = f"{self._delta()} = {delta}"
            self.labels.append(Label(column.x, y + self.radius + 28, said, 12, ink="backward"))

    def _delta(self) -> str:
        """How the adjoint of a net input is written."""
        notation = self.writer.notation
        return {"delta": "δ", "d": "dz", "partial": f"∂{notation.loss}/∂z"}[notation.bars]


_LEGEND = ("above a unit: its output; below it: its bias b and {delta}, what the backward pass "
           "brings")


def _decimal(value: Value) -> str:
    """Four significant digits, a power of ten as in 1.2e-7."""
    return re.sub(r" \\times 10\^\{(.*)\}", r"e\1", show(value, 4).latex)


def _shown_units(size: int | str) -> tuple[int | None, ...]:
    if isinstance(size, str):
        return (0, 1, None, -1)
    if size <= _MOST_UNITS:
        return tuple(range(size))
    return (0, 1, 2, None, size - 1)
