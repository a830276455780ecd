"""Memory of a workspace: arrays that stand for one value after another."""

from __future__ import annotations

from typing import Any

import numpy as np

from .measured import Seen


class Pool:
    """Arrays that are used again, those of one type and size as one."""

    def __init__(self) -> None:
        self.arrays: list[Any] = []
        self.names: dict[str, int] = {}
        self._ends: dict[int, int] = {}
        self._idle: dict[Any, list[int]] = {}
        self._kinds: list[Any] = []

    def buffer(self, seen: Seen, end: int) -> int:
        """The number of an array that nothing else uses up to the place `end`."""
        kind = seen.kind
        idle = self._idle.setdefault(kind, [])
        if not idle:
            idle.append(len(self.arrays))
            order = sorted(range(len(seen.shape)), key=lambda axis: -seen.strides[axis])
            made = np.zeros([seen.shape[axis] for axis in order], seen.dtype)
            self.arrays.append(made.transpose(np.argsort(order)))
            self._kinds.append(kind)
        number = idle.pop()
        self._ends[number] = end
        return number

    def keep(self, name: str, end: int) -> None:
        self._ends[self.names[name]] = end

    def free(self, place: int) -> None:
        """Takes back what is not read after a place."""
        for number in [one for one, end in self._ends.items() if end <= place]:
            del self._ends[number]
            self._idle[self._kinds[number]].append(number)
