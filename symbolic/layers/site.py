"""Where a layer of a spec stands: the parameters that it declares, and what they are called.

A text hands a layer its arrays (`dense(X, W, b)`); a spec states sizes (`units = 4`), and the layer
declares arrays of the shapes that follow: the third layer of a list has W3 and b3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..equation import Array, Kind, Size
from ..shapes import axis_names
from .builder import Builder, Operand


@dataclass
class Site:
    """A layer's place in the list (from 1), its options, and what it declares.

    classes: below which the integers of a model's input lie, where it has integers.
    parameters: all; weights: those of them that penalties count; others: inputs that are no
    parameters.
    """

    builder: Builder
    place: int
    options: Mapping[str, Any]
    classes: Size | None = None
    parameters: list[Array] = field(default_factory=list)
    weights: list[Array] = field(default_factory=list)
    others: list[Array] = field(default_factory=list)

    def __getitem__(self, option: str) -> Any:
        return self.options[option]

    def weight(self, stem: str, *shape: Size) -> Operand:
        """A parameter that penalties count: a matrix, a kernel, a table."""
        made = self._input(stem, shape, "real", self.parameters)
        self.weights.append(self.parameters[-1])
        return made

    def vector(self, stem: str, *shape: Size) -> Operand:
        """A parameter that penalties leave alone: a bias, a gain, a shift."""
        return self._input(stem, shape, "real", self.parameters)

    def bias(self, stem: str, *shape: Size) -> Operand | None:
        """A vector, where the layer's option `bias` says so."""
        return self.vector(stem, *shape) if self.options["bias"] else None

    def given(self, stem: str, shape: Sequence[Size], kind: Kind = "real") -> Operand:
        """An input that is no parameter: a mask."""
        return self._input(stem, tuple(shape), kind, self.others)

    def _input(
        self, stem: str, shape: tuple[Size, ...], kind: Kind, kept: list[Array]
    ) -> Operand:
        kept.append(Array(f"{stem}{self.place}", shape, kind, axis_names(len(shape))))
        return self.builder.input(kept[-1])
