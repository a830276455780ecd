"""Samples, and what is said of those that cannot be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray


class DataError(ValueError):
    """Data that cannot be used: where, what was expected, what came."""


@dataclass(frozen=True)
class Data:
    """Samples, one along the first axis.

    targets: numbers; or where there are `classes`, their numbers from 0, of shape (samples,), or
        with further axes where each place of a sample has its class.
    description: for a page: what it is, where it is from.
    columns: its columns by their names, for equations that have inputs of these names.
    """

    name: str
    X: NDArray[Any]
    targets: NDArray[Any]
    classes: tuple[str, ...] = ()
    description: str = ""
    columns: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.X)
