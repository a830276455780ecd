"""A circumstance, and what is to be said of gradients that are not as they are due in it.

The numbers that are due are those of the passes themselves on arrays of their own, which a proof
or differences of the loss are held against; so a difference is the circumstance's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from gradproof.numeric import Comparison
from gradproof.symbolic.places import SourceLine

Values = Mapping[str, Any]
"""Arrays of NumPy's by name."""
Due = Callable[[Values], Mapping[str, Any]]
"""The gradients that the passes give for inputs and upstream gradients, by name."""
Wrong = Mapping[str, str]
"""What is to be said of each gradient that is wrong."""
CLOSE = 1e-7
"""Relative to the largest entry: what the order of sums may change."""


@dataclass(frozen=True)
class Way:
    """A circumstance: in words, how the gradients come out in it, and what is due."""

    said: str
    run: Callable[[], Mapping[str, Any]]
    due: Mapping[str, Any]


class NotTakenError(Exception):
    """The forward pass itself does not run in a circumstance, which says nothing of backward."""


class Framework(Protocol):
    """A function as its framework calls it."""

    @property
    def at(self) -> str:
        """The point."""

    def quietly(self) -> Any:
        """Around all that runs."""

    def ways(self) -> Iterator[Way]:
        """The circumstances, the framework's plain call first."""

    def line(self, way: Way) -> SourceLine | None:
        """The first line that computes something else there than it does otherwise."""

    def own(self, place: SourceLine | None) -> SourceLine | None:
        """A line of the user's; None for one of the framework's."""

    def further(self) -> Iterator[tuple[Wrong, SourceLine | None]]:
        """What is wrong in circumstances in which the gradients due are not those of the passes."""

    def second(self) -> Mapping[str, Comparison] | None:
        """The derivative of backward against differences; None where none is to be had."""

    def of_second(self, is_wrong: bool, is_proved: bool) -> str:
        """What follows the words on a second derivative: why it is wrong; why it is proved, empty
        where it is not."""

    def assumed(self) -> list[str]:
        """What is taken for granted of the caller."""


def differing(found: Mapping[str, Any], due: Mapping[str, Any]) -> dict[str, float]:
    """The gradients that are not as they are due, with the largest difference."""
    apart = {}
    for name, value in found.items():
        one, other = np.asarray(value), np.asarray(due[name])
        if one.shape != other.shape:
            apart[name] = float("inf")
            continue
        with np.errstate(all="ignore"):
            gap = np.abs(one - other)
        off = ~(gap <= CLOSE * max(1.0, float(np.max(np.abs(other), initial=0.0))))
        off &= ~(np.isnan(one) & np.isnan(other)) & ~(one == other)
        if np.any(off):
            apart[name] = float(np.max(gap[off]))
    return apart


def not_zero(size: str, found: Mapping[str, Any]) -> dict[str, str]:
    """Of outputs without entries all gradients are zeros; a mean of none may be no number."""
    return {name: f"wrong where {size} = 0: it is no zero, and the output has no entries"
            for name, one in found.items() if bool(np.any(np.nan_to_num(np.asarray(one)) != 0))}
