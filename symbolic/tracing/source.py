"""Where in the user's source a traced operation stands: for messages and names, never for proof."""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple, NoReturn

import numpy as np

_HERE = str(Path(__file__).parent)
_NUMPY = str(Path(np.__file__).parent)
ENTRY = "_run_traced"
"""The name of the function that calls the user's: frames outside of it are not the user's."""


class TraceError(ValueError):
    """A step that cannot be traced; says where, what it was, and what to do."""


class TraceAttributeError(TraceError, AttributeError):
    """An attribute that traced arrays do not have; ``hasattr`` sees it as missing."""


class Place(NamedTuple):
    """A line of source: its file, its number, and its text."""

    filename: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.filename}:{self.line}: {self.text}"


FAILURES: ContextVar[list[TraceError] | None] = ContextVar("failures", default=None)
"""The errors raised during the current trace, so that code which swallows one is found out."""


SESSION: ContextVar[Any] = ContextVar("session")
"""The session of the trace under way, for operations in which no traced array takes part."""


def user_frames() -> Iterator[FrameType]:
    """The frames of the user's code, innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        filename = frame.f_code.co_filename
        if filename.startswith(_HERE):
            if frame.f_code.co_name == ENTRY:
                return
        elif not filename.startswith(_NUMPY) and not _is_ours(frame):
            yield frame
        frame = frame.f_back


def _is_ours(frame: FrameType) -> bool:
    """Whether the frame's code is gradproof's own, as the code around a layer's two passes."""
    module = str(frame.f_globals.get("__name__", ""))
    return module.split(".")[0] == __name__.split(".")[0]


def place_of(frame: FrameType) -> Place:
    filename, line = frame.f_code.co_filename, frame.f_lineno
    return Place(filename, line, linecache.getline(filename, line).strip())


def current_place() -> Place | None:
    """The innermost line of the user's code, if it runs at all."""
    frame = next(user_frames(), None)
    return None if frame is None else place_of(frame)


def fail(message: str, kind: type[TraceError] = TraceError) -> NoReturn:
    """Raises a TraceError that shows the user's line."""
    place = current_place()
    where = "" if place is None else f"{place.filename}:{place.line}: "
    source = "" if place is None or not place.text else f"\n    {place.text}"
    error = kind(f"{where}{message}{source}")
    failures = FAILURES.get()
    if failures is not None and kind is not TraceAttributeError:
        failures.append(error)
    raise error


def assigned_name(frame: FrameType) -> str | None:
    """The one variable that the statement which a frame executes assigns."""
    return _targets(frame.f_code.co_filename).get(frame.f_lineno)


@lru_cache(maxsize=64)
def _targets(filename: str) -> dict[int, str]:
    """The variable assigned by the statement on each line of a file, where it is a single one."""
    try:
        tree = ast.parse("".join(linecache.getlines(filename)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    found: dict[int, str] = {}
    for node in ast.walk(tree):
        name = _target(node)
        if name and isinstance(node, ast.stmt):
            found.update(dict.fromkeys(range(node.lineno, (node.end_lineno or 0) + 1), name))
    return found


def _target(node: ast.AST) -> str | None:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name
        case ast.Assign(targets=[ast.Subscript(slice=ast.Constant(value=str(name)))]):
            return name
        case ast.AugAssign(target=ast.Name(id=name)) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
    return None
