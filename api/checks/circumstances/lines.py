"""The first line whose values in one run are not those that they are in another."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import numpy as np

from gradproof.symbolic.places import SourceLine
from gradproof.symbolic.tracing.source import is_users, line_of


def first_other_line(usual: Callable[[], Any], there: Callable[[], Any]) -> SourceLine | None:
    """Where a run first computes other values than the usual one; None where the two are not the
    same steps, or no line of the user's differs."""
    one, other = _recorded(usual), _recorded(there)
    for (place, mine), (at, theirs) in zip(one, other, strict=False):
        if place != at:
            return None
        if not _alike(mine, theirs):
            return line_of(*at)
    return None


Steps = list[tuple[tuple[str, int], Any]]


def _recorded(run: Callable[[], Any]) -> Steps:
    """The values that each call of PyTorch's in the user's lines gave."""
    torch = sys.modules["torch"]
    steps: Steps = []

    class Recording(torch.overrides.TorchFunctionMode):  # type: ignore[misc,name-defined]
        def __torch_function__(
            self, function: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            made = function(*args, **(kwargs or {}))
            place = _place(sys._getframe(1))
            if place is not None:
                steps.append((place, _values(made)))
            return made

    try:
        with Recording():
            run()
    except Exception:  # it ended early; what it computed is there
        return steps
    return steps


def _values(made: Any) -> Any:
    torch = sys.modules["torch"]
    if isinstance(made, torch.Tensor):
        return made.detach().to("cpu", copy=True).double().numpy()
    if isinstance(made, tuple | list):
        return tuple(map(_values, made))
    return np.array(made) if isinstance(made, np.ndarray) else None


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.shape == other.shape and bool(
            np.allclose(one, other, rtol=1e-9, atol=1e-12, equal_nan=True))
    return (one is None) == (other is None)


def _place(frame: FrameType | None) -> tuple[str, int] | None:
    while frame is not None:
        if is_users(frame):
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return None
