"""Functions that a program reaches by way of objects alone, where no copy would be called.

    def backward(dout, layer): layer.backward(dout); return layer.dx     # layer.backward: in place

Their own code is changed for the time of a trial, and put back.  As everybody else would call it
meanwhile, this is done only where nobody else runs.
"""

from __future__ import annotations

import gc
import sys
import threading
from collections.abc import Callable, Collection
from types import CodeType, FrameType, FunctionType
from typing import Any

_CHANGED: dict[FunctionType, CodeType] = {}
"""Functions that have another code at the moment, with their own."""


def put(function: FunctionType, code: CodeType) -> None:
    """Lets a function run another code until it is put back."""
    _CHANGED.setdefault(function, function.__code__)
    function.__code__ = code


def put_back(function: FunctionType) -> None:
    """Lets a function run its own code."""
    if function in _CHANGED:
        function.__code__ = _CHANGED[function]
        del _CHANGED[function]


def put_all_back() -> None:
    """For the end of whatever may have been interrupted."""
    for function in list(_CHANGED):
        put_back(function)


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


def called_by(
    entry: CodeType, run: Callable[[], object], passed_over: Callable[[FrameType], bool]
) -> list[FunctionType]:
    """The functions that are called while `entry` runs, each once.

    passed_over: of a call, whether it is not asked for.
    """
    inside, depth = dict[CodeType, None](), 0

    def call(frame: FrameType, event: str, _: Any) -> None:
        nonlocal depth
        if event == "call":
            depth += frame.f_code is entry
            if depth and frame.f_code is not entry and not passed_over(frame):
                inside[frame.f_code] = None
        elif event == "return":
            depth -= frame.f_code is entry

    _watched(call, run)
    return _of(inside)


def _watched(call: Callable[[FrameType, str, Any], None], run: Callable[[], object]) -> None:
    before = sys.getprofile()
    sys.setprofile(call)
    try:
        run()
    finally:
        sys.setprofile(before)


def _of(codes: Collection[CodeType]) -> list[FunctionType]:
    """The functions that have codes, in the order of these; none where several have one."""
    found: dict[CodeType, list[FunctionType]] = {code: [] for code in codes}
    for held in gc.get_referrers(*codes) if codes else ():
        if isinstance(held, FunctionType) and held.__code__ in found:
            found[held.__code__].append(held)
    return [made[0] for made in found.values() if len(made) == 1]
