"""Values through which nothing is differentiated: those at the point, wherever else a loss is run.

A difference of a loss would see what :func:`stopped` stops.  So a loss whose differences are taken
is :class:`Held`: it is run once at the point, which is kept, and gets the same values elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

import numpy as np

Value = TypeVar("Value")


class OtherStopsError(ValueError):
    """A function stops other values than it does at the point: on another branch."""

    def __init__(self) -> None:
        super().__init__("what stop_gradient stops here is not what it stops at the point")


class Held(Generic[Value]):
    """A function, of which :meth:`at_point` is the call that says what is stopped."""

    def __init__(self, function: Callable[..., Value]) -> None:
        self._function = function
        self._kept: list[Any] = []
        self._place: int | None = None

    def at_point(self, *args: Any) -> Value:
        self._kept, self._place = [], None
        return self._run(args)

    def __call__(self, *args: Any) -> Value:
        """Raises OtherStopsError where the function stops other values than it does at the point:
        more, fewer, which would be taken for those before them, or of other shapes."""
        self._place = 0
        found = self._run(args)
        if self._place != len(self._kept):
            raise OtherStopsError
        return found

    def _run(self, args: tuple[Any, ...]) -> Value:
        outer = _HOLDING.set((self, _HOLDING.get()))
        try:
            return self._function(*args)
        finally:
            _HOLDING.reset(outer)

    def value(self, x: Any, around: Holding) -> Any:
        if self._place is None:
            self._kept.append(np.copy(_value(x, around)))
            return self._kept[-1].copy()
        if self._place == len(self._kept) or self._kept[self._place].shape != np.shape(x):
            raise OtherStopsError
        self._place += 1
        return self._kept[self._place - 1].copy()


Holding = tuple[Held[Any], Any] | None
_HOLDING: ContextVar[Holding] = ContextVar("holding", default=None)


def stopped(x: Any) -> Any:
    """x, which is a constant for differences that are under way."""
    return _value(x, _HOLDING.get())


def _value(x: Any, holding: Holding) -> Any:
    return x if holding is None else holding[0].value(x, holding[1])
