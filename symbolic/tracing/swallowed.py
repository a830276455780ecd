"""Exceptions that the traced code catches, and what else is in code that is called.

What is raised because a formula stands where the program has numbers, and then caught, sends the
trace another way than the program goes.  Every exception that is seen in a trace that ends well was
caught; those that any run raises alike (a module that is not installed, a name that a dict does not
have, the end of an iterator) are let pass.
"""

from __future__ import annotations

import sys
from types import CodeType, FrameType
from typing import Any

import numpy as np

from ..places import said_place
from .outside.sets import written
from .outside.telling import inside, told
from .source import TraceError, in_our_algebra, is_users, place_of

ALIKE = (ImportError, StopIteration, StopAsyncIteration, GeneratorExit, AttributeError, NameError)
"""Raised alike for formulas and for numbers: traced values record what they lack themselves."""
PLAIN = (str, int, float, bool, type(None))


class Watch:
    """Watches the user's code, from the first function on that can catch an exception, names what
    tells of the process, or writes a set out of which no source is at hand."""

    def __init__(self) -> None:
        self._before: Any = None
        self._on = False
        self._users: dict[int, bool] = {}
        self._alive: list[CodeType] = []
        self.seen: list[TraceError] = []
        self._hidden: dict[int, tuple[CodeType, str]] = {}

    def meet(self, code: CodeType, handed_through: bool = False) -> None:
        """A function that may be called.

        handed_through: its sets are handed through those of traced code.
        """
        hidden = {id(part): (part, why) for part in inside(code)
                  if (why := _hides(part, handed_through))}
        self._hidden |= hidden
        if not self._on and (hidden or _catches(code)):
            self._on = True
            if {"raise", "call"}.intersection(np.geterr().values()):
                self.seen.append(TraceError(
                    f"{said_place(code.co_filename, code.co_firstlineno)}: {code.co_name} may "
                    "catch what np.seterr has made an error of, which depends on values"))
            self._before = sys.gettrace()
            sys.settrace(self._called)

    def end(self) -> None:
        if self._on:
            sys.settrace(self._before)
            self._on = False

    def _called(self, frame: FrameType, event: str, argument: Any) -> Any:
        code = frame.f_code
        found = self._users.get(id(code))
        if found is None:
            self._alive.append(code)
            found = self._users[id(code)] = is_users(frame)
            if found and id(code) in self._hidden:
                self.seen.append(TraceError(f"{place_of(frame)}\n    {self._hidden[id(code)][1]}"))
        if not found:
            return None
        frame.f_trace_lines = False
        return self._raised

    def _raised(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "exception":
            error = argument[1]
            if not isinstance(error, TraceError) and not _alike(error) and not in_our_algebra(
                    frame):
                self.seen.append(TraceError(
                    f"{place_of(frame)}\n    {type(error).__name__} is caught while the function "
                    f"is traced ({error!s:.80}); whether it is raised in a run with numbers is "
                    "not known"))
        return self._raised


def _hides(code: CodeType, handed_through: bool) -> str:
    """What a trace of code does not show; empty if nothing."""
    if name := told(code):
        return f".{name} tells of the process, and differs from run to run"
    if not handed_through and written(code):
        return ("a set stands in another order in every run, and no source shows what becomes of "
                "it; write `set([...])`")
    return ""


def _catches(code: CodeType) -> bool:
    return bool(code.co_exceptiontable) or any(
        _catches(inner) for inner in code.co_consts if isinstance(inner, CodeType))


def _alike(error: BaseException) -> bool:
    if isinstance(error, ALIKE):
        return True
    if isinstance(error, KeyError):
        return all(isinstance(key, PLAIN) for key in error.args)
    return False
