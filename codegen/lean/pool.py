"""Memory of a workspace: one block, in which each value has a part while it is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .measured import Seen

ALIGNED = 64
"""Bytes that the parts start at a multiple of."""


@dataclass
class _Part:
    """Memory for values like `seen` from the statement `start` to the statement `end`."""

    seen: Seen
    start: int
    end: int
    at: int = 0

    @property
    def bytes(self) -> int:
        return -(-self.seen.size * self.seen.dtype.itemsize // ALIGNED) * ALIGNED

    def meets(self, other: _Part) -> bool:
        return self.start <= other.end and other.start <= self.end


class Pool:
    """The values of a workspace, by the names of the arrays that they stand in."""

    def __init__(self) -> None:
        self._parts: dict[str, _Part] = {}

    def take(self, name: str, seen: Seen, start: int, end: int) -> None:
        """Memory for a value that is read up to a place."""
        self._parts[name] = _Part(seen, start, end)

    def keep(self, names: Iterable[str], end: int) -> None:
        """Another value stands in that memory, up to a place."""
        for name in names:
            self._parts[name].end = max(self._parts[name].end, end)

    def drop(self, name: str) -> None:
        del self._parts[name]

    def arrays(self) -> tuple[NDArray[Any], dict[str, NDArray[Any]]]:
        """The block and its parts.  The largest ones choose first, each the lowest memory that no
        value of its time has."""
        placed: list[_Part] = []
        for part in sorted(self._parts.values(), key=lambda part: -part.bytes):
            for other in sorted((one for one in placed if one.meets(part)),
                                key=lambda one: one.at):
                if other.at >= part.at + part.bytes:
                    break
                part.at = max(part.at, other.at + other.bytes)
            placed.append(part)
        size = max((part.at + part.bytes for part in placed), default=0)
        whole = np.zeros(size + ALIGNED, np.uint8)
        shift = -whole.ctypes.data % ALIGNED
        return whole, {name: _array(whole[shift + part.at:], part.seen)
                       for name, part in self._parts.items()}


def _array(memory: NDArray[Any], seen: Seen) -> NDArray[Any]:
    """An array like one that was seen, in some memory."""
    order = sorted(range(len(seen.shape)), key=lambda axis: -seen.strides[axis])
    made = memory[:seen.size * seen.dtype.itemsize].view(seen.dtype).reshape(
        [seen.shape[axis] for axis in order])
    return made.transpose(np.argsort(order))


def zeros(array: NDArray[Any]) -> NDArray[Any]:
    """Zeros in an array's memory, or others where that is in another order than C: what is
    reshaped afterwards has to be a view."""
    if not array.flags.c_contiguous:
        return np.zeros(array.shape, array.dtype)
    array.fill(0)
    return array
