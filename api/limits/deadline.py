"""Calls that are ended after a time, also one inside another; and what is being done at the moment.

In the main thread, where a signal can interrupt, a call ends within the second, whatever Python
code it is in (not inside one long call of a compiled library).  In other threads, and where the
alarm is taken by somebody else, limits are looked at between steps only: whoever needs more there
runs the code in a process of its own (:mod:`gradproof.limits.process`).
"""

from __future__ import annotations

import contextlib
import gc
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any, TypeVar

TIME_LIMIT = 60.0
"""Seconds for the check of one gradient function, by default."""

AGAIN = 0.2
"""Seconds after which an alarm rings again, for code that catches everything."""

T = TypeVar("T")


class TimeLimitError(Exception):
    """A call did not end within its time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"did not end within {seconds:.3g} s")
        self.seconds = seconds


class _Expired(BaseException):
    """Passes through code that catches every Exception, up to the call whose limit it is."""

    def __init__(self, limit: _Limit) -> None:
        self.limit = limit


@dataclass(frozen=True, eq=False)
class _Limit:
    ends: float


class _State(threading.local):
    """The limits of a thread, the outermost first, each ending before the one it stands in."""

    def __init__(self) -> None:
        self.limits: list[_Limit] = []
        self.doing = ""
        self.known: Any = None


_STATE = _State()
_LISTENERS: list[Callable[[str, Any], None]] = []


def left() -> float:
    """Seconds until the nearest limit; infinity where there is none."""
    limits = _STATE.limits
    return max(limits[-1].ends - time.monotonic(), 0.0) if limits else float("inf")


def bounded(seconds: float, call: Callable[[], T]) -> T:
    """call(), ended after some seconds with a TimeLimitError.

    A limit that stands around this one and ends sooner ends both.
    """
    _look()
    if seconds >= left():
        return call()
    limit = _Limit(time.monotonic() + seconds)
    try:
        before = _set_alarm(limit)
        try:
            return call()
        finally:
            _unset_alarm(limit, before)
            _look()
    except _Expired as expired:
        _unset_alarm(limit, None)
        if expired.limit is not limit:
            raise
        raise TimeLimitError(seconds) from None


def attempted(call: Callable[[], T], otherwise: T, share: float = 0.8) -> T:
    """What call() gives; `otherwise` where it fails or takes more than a share of what is left.

    For what explains a verdict, which must not be lost over it.
    """
    try:
        return bounded(share * left(), call)
    except Exception:
        return otherwise


# --- what is being done -------------------------------------------------------------------------


def doing(text: str) -> None:
    """Says what is being done from now on."""
    _STATE.doing = text
    for listener in _LISTENERS:
        listener("doing", text)


def now_doing() -> str:
    return _STATE.doing


def known(found: Any) -> None:
    """Says what is known so far, which is the answer should the rest not come to its end."""
    _STATE.known = found
    for listener in _LISTENERS:
        listener("known", found)


def known_by_now() -> Any:
    return _STATE.known


@contextlib.contextmanager
def told(listener: Callable[[str, Any], None]) -> Iterator[None]:
    """The listener hears "doing" with a text and "known" with what is found."""
    _LISTENERS.append(listener)
    try:
        yield
    finally:
        _LISTENERS.remove(listener)


# --- the alarm ----------------------------------------------------------------------------------


def _look() -> None:
    """Raises where a limit has passed: all there is where no alarm can ring."""
    now = time.monotonic()
    for limit in _STATE.limits:
        if now > limit.ends:
            raise _Expired(limit)


def _ring(_: int, frame: FrameType | None) -> None:
    if not _STATE.limits:  # interrupted while it was switched off
        signal.setitimer(signal.ITIMER_REAL, 0)
    if not _is_collecting(frame):  # there an exception would be lost; it rings again
        _look()


def _is_collecting(frame: FrameType | None) -> bool:
    """Whether Python runs a finaliser, or what is told of the collection of garbage."""
    told = {getattr(callback, "__code__", None) for callback in gc.callbacks}
    while frame is not None:
        if frame.f_code in told or frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False


def _set_alarm(limit: _Limit) -> Any:
    """Adds a limit; returns what handled the alarm before, None where it cannot be had."""
    before = None
    if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        taken = signal.getsignal(signal.SIGALRM)
        free = not signal.getitimer(signal.ITIMER_REAL)[0]
        if taken is _ring or (free and taken in (signal.SIG_DFL, signal.SIG_IGN)):
            before = taken
    _STATE.limits.append(limit)
    if before is not None:
        if before is not _ring:
            signal.signal(signal.SIGALRM, _ring)
        signal.setitimer(signal.ITIMER_REAL, left() + 0.001, AGAIN)
    return before


def _unset_alarm(limit: _Limit, before: Any) -> None:
    limits = _STATE.limits
    if limit in limits:
        del limits[limits.index(limit):]  # and what was interrupted before it could go
    if before is None:
        return
    if limits and before is _ring:
        signal.setitimer(signal.ITIMER_REAL, left() + 0.001, AGAIN)
    else:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
