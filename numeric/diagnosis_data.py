"""The data of a diagnosis: a claimed and a true gradient at one or several sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .evaluation import Array
from .factors import Factor, name_ratios
from .rounding import largest

Kind = Literal[
    "equal",
    "zero",
    "sign",
    "factor",
    "one_size",
    "transpose",
    "reshaped",
    "permuted",
    "entry",
    "slice",
    "constant_added",
    "constant",
    "bounded",
    "diagonal",
    "triangle",
    "damped",
    "near",
]


class Observation(NamedTuple):
    """What was claimed, what is true (nan where unknown), and the sizes it was computed at."""

    claimed: Array
    true: Array
    sizes: Mapping[str, int]


@dataclass(frozen=True)
class Diagnosis:
    """One explanation that reproduces all observations.

    kind          which (machine-readable); 'slice' is a row, a column, or the like of more axes
    text          one sentence, with what to do about it
    coefficient   claimed = coefficient · Π size^exponent × true (after the transposition, for
    exponents     'transpose'), for 'sign', 'factor', 'one_size' and 'transpose'; None where the
                  factor has no such name
    ratio         the factor as a number where it is the same in all observations, else None
    index         of 'entry'; of 'slice' with None at the axes that run free
    alternatives  other factors, no less simple, that fit the observations as well
    """

    kind: Kind
    text: str
    coefficient: Fraction | None = None
    exponents: Mapping[str, int] = field(default_factory=dict)
    ratio: float | None = None
    index: tuple[int | None, ...] | None = None
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """All observations of one gradient, and what its two versions are called in the text."""

    data: list[Observation]
    accuracy: float
    claimed: str
    true: str

    @property
    def one_assignment(self) -> bool:
        """Are all observations at the same sizes, so that a factor has many names?"""
        return all(dict(o.sizes) == dict(self.data[0].sizes) for o in self.data)

    @property
    def aligned(self) -> bool:
        return all(o.claimed.shape == o.true.shape for o in self.data)

    def same(self, left: Array, right: Array) -> bool:
        """Equal to the accuracy of the data wherever the right one is known."""
        return left.shape == right.shape and not np.any(self.differs(left, right))

    def differs(self, left: Array, right: Array) -> NDArray[np.bool_]:
        """Where they are not equal; never where the right one is unknown."""
        allowed = self.accuracy * max(largest(left), largest(right))
        with np.errstate(invalid="ignore"):
            apart: NDArray[np.bool_] = ~(np.abs(left - right) <= allowed) & ~np.isnan(right)
        return apart

    def ratios(self, claimed: Sequence[Array]) -> list[float] | None:
        """claimed / true, one number an observation; None if it is not one number."""
        found = []
        for left, o in zip(claimed, self.data, strict=True):
            known = np.isfinite(o.true)
            if left.shape != o.true.shape or not np.all(np.isfinite(left[known])):
                return None
            size = largest(o.true)
            if size == 0:
                return None
            scaled = o.true[known] / size  # tiny gradients would underflow when squared
            ratio = float(left[known] @ scaled / (scaled @ scaled)) / size
            if ratio == 0 or not self.same(left, ratio * o.true):
                return None
            found.append(ratio)
        return found

    def factors(self, ratios: list[float], extra: Sequence[Fraction] = ()) -> list[Factor]:
        return name_ratios(ratios, [o.sizes for o in self.data], 4 * self.accuracy, extra)
