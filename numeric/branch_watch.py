"""Which sides of its branches a NumPy program takes: it runs on arrays that note what is compared.

Every comparison, maximum, minimum, clip, sign and absolute value of watched arrays is a branch,
named by its line; a Python ``if`` on an entry is one too.  Equalities are left out: no continuous
input meets them.  What leaves NumPy (``float(z)``, ``math``) is not seen, and that is noted.
"""

from __future__ import annotations

import linecache
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_NUMPY = str(Path(np.__file__).parent)
_PACKAGE = __name__.split(".")[0]

# The operation, and whether its first operand must be the larger one for the branch to be taken.
_COMPARED = {
    "greater": (">", True), "greater_equal": (">=", True), "less": ("<", False),
    "less_equal": ("<=", False), "maximum": ("the larger of", True),
    "fmax": ("the larger of", True), "minimum": ("the smaller of", False),
    "fmin": ("the smaller of", False),
}
_SIGNED = ("absolute", "fabs", "sign", "heaviside")
_MAKERS = ("array", "asarray", "ascontiguousarray", "copy", "zeros", "ones", "empty", "full")


class Branch(NamedTuple):
    """A condition in the program: its line, the instruction there, and what it asks."""

    filename: str
    line: int
    instruction: int
    asks: str

    def __str__(self) -> str:
        text = linecache.getline(self.filename, self.line).strip()
        return f"{self.filename}:{self.line}: {text}" if text else f"{self.filename}:{self.line}"


@dataclass
class Seen:
    """What one or more runs showed of a branch.

    low, high: the least and the largest margin, which is positive where the condition holds and
    negative where it does not; at 0 it may do either.
    """

    holds: bool = False
    fails: bool = False
    low: float = np.inf
    high: float = -np.inf

    def add(self, other: Seen) -> None:
        self.holds |= other.holds
        self.fails |= other.fails
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)

    def took(self, side: bool) -> bool:
        return self.holds if side else self.fails

    def margin(self, side: bool) -> float:
        """How far the run was beyond the branch on that side; negative: how far before it."""
        return self.high if side else -self.low


@dataclass
class Record:
    """The branches of a run, and the first line on which a value left NumPy."""

    branches: dict[Branch, Seen] = field(default_factory=dict)
    left: str = ""
    failed: bool = False

    def add(self, other: Record) -> None:
        for branch, seen in other.branches.items():
            self.branches.setdefault(branch, Seen()).add(seen)
        self.left = self.left or other.left


class _State(threading.local):
    record: Record | None = None


_STATE = _State()


class Watched(np.ndarray[Any, Any]):
    """An array whose comparisons are noted while a program is watched."""

    def __array_ufunc__(
        self, ufunc: np.ufunc, method: Any, *inputs: Any, out: Any = None, **kwargs: Any
    ) -> Any:
        plain = [_plain(entry) for entry in inputs]
        if out is not None:
            kwargs["out"] = tuple(map(_plain, out))
        if method == "__call__":
            _note(ufunc.__name__, plain)
        return _watched(getattr(ufunc, method)(*plain, **{k: _plain(v) for k, v in kwargs.items()}))

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        args, kwargs = _plain(tuple(args)), _plain(dict(kwargs))
        if func is np.clip and len(args) == 3:
            _note("clip", args)
        return _watched(func(*args, **kwargs))

    def __getitem__(self, key: Any) -> Any:
        return _watched(self.view(np.ndarray)[_plain(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        self.view(np.ndarray)[_plain(key)] = _plain(value)

    def __float__(self) -> float:
        _left()
        return float(self.view(np.ndarray))

    def item(self, *args: Any) -> Any:
        _left()
        return self.view(np.ndarray).item(*args)

    def tolist(self) -> Any:
        _left()
        return self.view(np.ndarray).tolist()


def watched_run(function: Callable[[Mapping[str, Array]], Any], values: Mapping[str, Array],
                movable: Iterable[str]) -> Record:
    """The branches that function(values) takes; the named arrays, and what follows, are watched.

    What the function raises is kept as `failed`; the branches up to there are known.
    """
    record = Record()
    watched = {name: np.array(value) for name, value in values.items()}
    watched.update({name: watched[name].view(Watched) for name in movable})
    with _recording(record), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            function(watched)
        except Exception:  # an input that the function refuses
            record.failed = True
    return record


@contextmanager
def _recording(record: Record) -> Iterator[None]:
    """Notes go to the record; functions of NumPy's that drop a subclass keep it on this thread."""
    kept = {name: getattr(np, name) for name in _MAKERS}
    previous, _STATE.record = _STATE.record, record
    try:
        for name, function in kept.items():
            setattr(np, name, _keeping(function))
        yield
    finally:
        for name, function in kept.items():
            setattr(np, name, function)
        _STATE.record = previous


def _keeping(function: Callable[..., Any]) -> Callable[..., Any]:
    def made(*args: Any, **kwargs: Any) -> Any:
        found = function(*args, **kwargs)
        return found if _STATE.record is None else _watched(found)

    return made


def _plain(value: Any) -> Any:
    """The value with plain arrays in it; they share their memory."""
    if isinstance(value, Watched):
        return value.view(np.ndarray)
    if type(value) in (list, tuple):
        return type(value)(map(_plain, value))
    if type(value) is dict:
        return {key: _plain(entry) for key, entry in value.items()}
    return value


def _watched(value: Any) -> Any:
    """Arrays and numbers of floating type as watched arrays; anything else as it is."""
    if isinstance(value, (np.ndarray, np.floating)) and value.dtype.kind == "f":
        return np.asanyarray(value).view(Watched)
    if type(value) in (list, tuple):
        return type(value)(map(_watched, value))
    return value


def _note(name: str, operands: list[Any] | tuple[Any, ...]) -> None:
    """Adds a comparison to the record, once for each of its conditions."""
    record = _STATE.record
    if record is None:
        return
    if name in _COMPARED:
        asks, larger = _COMPARED[name]
        first, second = operands[:2]
        conditions = [(asks, first, second) if larger else (asks, second, first)]
    elif name in _SIGNED:
        conditions = [("the sign of", operands[0], 0.0)]
    elif name == "clip":
        value, low, high = operands
        conditions = [("above the lower bound", value, low), ("below the upper bound", high, value)]
    else:
        return
    frame = _user_frame()
    if frame is None:
        return
    strict = name in ("greater", "less")
    for asks, first, second in conditions:
        if first is None or second is None:
            continue
        margin = np.atleast_1d(np.subtract(first, second, dtype=float))
        margin = margin[~np.isnan(margin)]
        if margin.size == 0:
            continue
        branch = Branch(frame.f_code.co_filename, frame.f_lineno, frame.f_lasti, asks)
        low, high = float(margin.min()), float(margin.max())
        level = bool(np.any(margin == 0))
        seen = Seen(high > 0 or (level and not strict), low < 0 or (level and strict), low, high)
        record.branches.setdefault(branch, Seen()).add(seen)


def _left() -> None:
    record, frame = _STATE.record, _user_frame()
    if record is not None and frame is not None and not record.left:
        record.left = str(Branch(frame.f_code.co_filename, frame.f_lineno, 0, ""))


def _user_frame() -> FrameType | None:
    """The innermost frame that is neither NumPy's nor ours, unless ours called NumPy itself."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code.co_filename
        if code != __file__ and not code.startswith(_NUMPY):
            module = str(frame.f_globals.get("__name__", ""))
            return None if module.split(".")[0] == _PACKAGE else frame
        frame = frame.f_back
    return None
