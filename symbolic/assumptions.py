"""What is assumed of an array, as data: two that say the same are equal, and text is made last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from .equation import Array

Fact: TypeAlias = Literal[
    "row sums", "column sums", "symmetric", "orthogonal", "invertible", "positive",
    "given one_hot", "given probability", "given positive", "given mask", "given interval",
    "given sign", "given symmetric", "given columns", "given labels", "solved", "same solution",
]

SAID: dict[Fact, str] = {
    "row sums": "the rows of {} sum to one",
    "column sums": "the columns of {} sum to one",
    "symmetric": "{} is symmetric",
    "orthogonal": "{} is orthogonal",
    "invertible": "{} is invertible",
    "positive": "{} is positive",
    "given one_hot": "{} has one-hot rows, as the given one",
    "given probability": "{} has rows that sum to one, as the given one",
    "given positive": "{} is positive, as the given one",
    "given mask": "{} is 0 or 1, as the given one",
    "given interval": "{1}, as given",
    "given sign": "{} is 1 or -1, as the given one",
    "given symmetric": "{} is symmetric, as the given one",
    "given columns": "{} has columns that sum to one, as the given one",
    "given labels": "{0} is below {1}, as the given one",
    "solved": "the slope of what {} is solved for has an inverse there",
    "same solution": "{} is the same solution, of several that there may be",
}
"""Fact: its sentence.  Those of given arrays were seen in their numbers, not declared."""


@dataclass(frozen=True)
class Assumption:
    """A fact of an array's entries without which a formula or a proof does not hold.

    >>> str(Assumption("S", "symmetric"))
    'S is symmetric'
    """

    array: str
    fact: Fact
    detail: str = ""

    def __str__(self) -> str:
        return SAID[self.fact].format(self.array, self.detail)


def bounds_said(array: Array) -> str:
    """The open interval of an array's entries.

    >>> bounds_said(Array("p", (), "interval", low=sp.S.Zero, high=sp.S.One))
    '0 < p < 1'
    """
    low, high = array.bounds
    if low is not None and high is not None:
        return f"{low} < {array.name} < {high}"
    if high is not None:
        return f"{array.name} < {high}"
    return array.name if low is None else f"{array.name} > {low}"
