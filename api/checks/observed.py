"""One gradient at one point: what was claimed, and what the numbers say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gradproof.checks.points import Point
from gradproof.numeric import Comparison

SAME = 1e-9
"""Relative: what a derived gradient and a right one differ by at most, entry by entry."""


@dataclass(frozen=True, eq=False)
class Observed:
    """One gradient at one point: what the hand-written code claims, and what the numbers say.

    true: the derived gradient, or the measured one where there is none.
    """

    point: Point
    comparison: Comparison
    claimed: Any
    true: Any

    @cached_property
    def gap(self) -> Any:
        return np.abs(np.asarray(self.claimed, dtype=float) - np.asarray(self.true, dtype=float))

    @cached_property
    def largest(self) -> float:
        """The largest |claimed - true|; nan where none is a number."""
        return _largest(self.gap)

    @property
    def is_as_derived(self) -> bool:
        """Whether every entry is the derived one, to nine digits: then the differences of the loss
        alone speak against it, and these may have lost theirs.

        Not where nothing was derived, nor where the derived one is no number: of an infinite one
        everything is within nine digits.
        """
        true = np.asarray(self.true, dtype=float)
        if self.true is self.comparison.witness or not np.all(np.isfinite(true)):
            return False
        return bool(np.all(self.gap <= SAME * np.abs(true)))

    @cached_property
    def witness_gap(self) -> float:
        """The largest |measured - true|, where it was measured."""
        return _largest(np.abs(self.comparison.witness - np.asarray(self.true, dtype=float)))

    @property
    def worst(self) -> tuple[int, ...]:
        """The entry that a refutation is about, else the one that differs most."""
        wrong: Sequence[Any] = self.comparison.wrong
        if self.comparison.verdict == "refuted" and wrong and wrong[0].entry is not None:
            return tuple(int(place) for place in wrong[0].entry)
        if self.largest != self.largest:
            return (0,) * int(self.gap.ndim)
        at: Any = np.unravel_index(int(np.nanargmax(self.gap)), self.gap.shape)
        return tuple(int(place) for place in at)


def _largest(values: Any) -> float:
    return float(np.nanmax(values)) if np.any(~np.isnan(values)) else float("nan")
