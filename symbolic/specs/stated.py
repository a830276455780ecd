"""A loss stated in equations, as a spec has it under ``equations`` and ``[shapes]``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .. import escaping
from ..equation import Array, Size, System
from ..text.statements import parse_equations
from .checks import NetworkError, told
from .common import STEPS


@dataclass(frozen=True)
class Stated:
    """Equations as text, down to a scalar loss, with what a report needs beside them.

    text: statements in the words of NumPy.  inputs: a shape as text for each input ("m n"), or an
    array with a kind.  parameters: the inputs that are learned; without them all real ones.
    name, values, learning_rate, steps, source, claims: as of a network.
    """

    text: str
    inputs: Mapping[str, str | Array]
    parameters: Sequence[str] = ()
    name: str = "equations"
    values: Mapping[str, Any] = field(default_factory=dict)
    learning_rate: Any = None
    steps: int = STEPS
    source: Mapping[str, Any] = field(default_factory=dict)
    claims: Sequence[Mapping[str, Any]] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", told("name", escaping.checked_name, self.name))
        for name in self.parameters:
            if name not in self.shapes():
                raise NetworkError("parameters", f"expected names of inputs, "
                                   f"{', '.join(self.shapes())}, got {name!r}")

    def system(self) -> System:
        """The equations.  Raises FormulaError with line and column."""
        return parse_equations(self.text, self.inputs)

    def shapes(self) -> dict[str, tuple[Size, ...]]:
        """The shape of every input."""
        return {array.name: array.shape for array in self.system().inputs}
