"""Functions that a program reaches by way of objects alone, where no copy would be called.

    def backward(dout, layer): layer.backward(dout); return layer.dx     # layer.backward: in place

Their own code is changed for the time of a trial, and put back; that of a function which is made
anew in each run, in the one that makes it.  As everybody else would call it meanwhile, this is done
only where nobody else runs.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import CellType, CodeType, FrameType, FunctionType
from typing import Any

_CHANGED: dict[FunctionType, CodeType] = {}
"""Functions that have another code at the moment, with their own."""


def is_alone() -> bool:
    """Whether no other thread may call functions that are changed here."""
    mine = threading.current_thread()
    return mine is threading.main_thread() and all(
        other is mine or other.daemon for other in threading.enumerate())


def codes_called(run: Callable[[], object]) -> frozenset[CodeType]:
    """The code of all functions that are called while something runs."""
    found: set[CodeType] = set()

    def call(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            found.add(frame.f_code)

    _watched(call, run)
    return frozenset(found)


@dataclass(frozen=True)
class Reached:
    """A function that is called, and the one that is changed for it: itself, or the one that it is
    made in."""

    function: FunctionType
    home: FunctionType

    def put(self, code: CodeType) -> None:
        """Lets the function run another code until it is put back."""
        own = _CHANGED.setdefault(self.home, self.home.__code__)
        self.home.__code__ = _replaced(own, self.function.__code__, code)

    def put_back(self) -> None:
        _put_back(self.home)


def put_all_back() -> None:
    """For the end of whatever may have been interrupted."""
    for function in list(_CHANGED):
        _put_back(function)


def _put_back(function: FunctionType) -> None:
    if function in _CHANGED:
        function.__code__ = _CHANGED[function]
        del _CHANGED[function]


def _replaced(code: CodeType, old: CodeType, new: CodeType) -> CodeType:
    """A code in which another, at any depth, stands in the place of one."""
    if code is old:
        return new
    constants = tuple(_replaced(one, old, new) if isinstance(one, CodeType) else one
                      for one in code.co_consts)
    same = all(one is other for one, other in zip(constants, code.co_consts, strict=True))
    return code if same else code.replace(co_consts=constants)


def called_by(
    entry: CodeType, run: Callable[[], object], passed_over: Callable[[FrameType], bool]
) -> list[Reached]:
    """The functions that are called while `entry` runs, each once.

    passed_over: of a call, whether it is not asked for.
    """
    inside, depth = dict[CodeType, Reached | None](), 0

    def call(frame: FrameType, event: str, _: Any) -> None:
        nonlocal depth
        code = frame.f_code
        if event == "call":
            depth += code is entry
            if depth and code is not entry and code not in inside and not passed_over(frame):
                inside[code] = _reached(frame)
        elif event == "return":
            depth -= code is entry

    _watched(call, run)
    return [found for found in inside.values() if found is not None]


def _reached(frame: FrameType) -> Reached | None:
    """The function that has just been called; None where it has no name in its module."""
    code, (first, *further) = frame.f_code, frame.f_code.co_qualname.split(".")
    found = frame.f_globals.get(first)
    for name in further:
        if name == "<locals>":
            break
        found = vars(found).get(name) if isinstance(found, type) else None
    home = getattr(found, "fget", getattr(found, "__func__", found))  # of properties and methods
    if not isinstance(home, FunctionType):
        return None
    if home.__code__ is code:
        return Reached(home, home)
    if _replaced(home.__code__, code, home.__code__) is home.__code__:
        return None  # another of that name
    cells = tuple(CellType(frame.f_locals[name]) for name in code.co_freevars
                  if name in frame.f_locals)
    if len(cells) < len(code.co_freevars):
        return None
    return Reached(FunctionType(code, frame.f_globals, code.co_name, None, cells), home)


def _watched(call: Callable[[FrameType, str, Any], None], run: Callable[[], object]) -> None:
    before = sys.getprofile()
    sys.setprofile(call)
    try:
        run()
    finally:
        sys.setprofile(before)

