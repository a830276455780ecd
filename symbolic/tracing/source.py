"""Where in the user's source a traced operation stands: for messages and names, never for proof."""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Callable, Iterator, Sequence, Set
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple, NoReturn

import mpmath
import numpy as np
import sympy as sp

from ..places import SourceLine, said_place

_HERE = str(Path(__file__).parent)
_NUMPY = str(Path(np.__file__).parent)
_STANDARD = str(Path(ast.__file__).parent)
_ALGEBRA = (str(Path(sp.__file__).parent), str(Path(mpmath.__file__).parent))
LIBRARY = ("torch.nn.modules", "torch.nn.utils.parametri")  # parametrize, parametrizations
"""Begins the names of modules whose code runs traced, and is none of the user's."""
ENTRIES = ("run_traced", "_finished")
"""The name of the function that calls the user's: frames outside of it are not the user's."""


class TraceError(ValueError):
    """A step that cannot be traced; says where, what it was, and what to do.

    search: where it is asked whether something is near enough, if that is what is not traced.
    """

    search = ""


class TraceAttributeError(TraceError, AttributeError):
    """An attribute that traced arrays do not have; ``hasattr`` sees it as missing."""


class SizeBranch(NamedTuple):
    """What a comparison hangs on: it is one and the same for all values of `size` beyond `last`."""

    size: str
    last: int

    @classmethod
    def of(cls, difference: sp.Expr) -> SizeBranch | None:
        """For a comparison of a number with 0; None where that is not linear in one size."""
        symbols = list(difference.free_symbols)
        if len(symbols) != 1 or not difference.is_polynomial(*symbols):
            return None
        (size,) = symbols
        slope, level = difference.coeff(size, 1), difference.coeff(size, 0)
        if not slope.is_Rational or sp.expand(slope * size + level - difference) != 0:
            return None
        return cls(str(size), int(sp.floor(-level / slope)))


class SizeBranchError(TraceError):
    """A comparison that holds for some sizes only."""

    def __init__(self, message: str, branch: SizeBranch | None = None) -> None:
        super().__init__(message)
        self.branch = branch


class Place(NamedTuple):
    """A line in one call of a function: `call` is the same for all lines of the call."""

    call: int
    filename: str
    line: int


FAILURES: ContextVar[list[TraceError] | None] = ContextVar("failures", default=None)
"""The errors raised during the current trace, so that code which swallows one is found out."""
UNDER_WAY: list[list[TraceError]] = []
"""Those of all traces under way, for code that runs in a context or a thread of its own."""


SESSION: ContextVar[Any] = ContextVar("session")
"""The session of the trace under way, for operations in which no traced array takes part."""


def user_frames() -> Iterator[FrameType]:
    """The frames of the user's code, innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        filename = frame.f_code.co_filename
        if filename.startswith(_HERE):
            if frame.f_code.co_name in ENTRIES:
                return
        elif not filename.startswith(_NUMPY) and not _is_ours(frame):
            yield frame
        frame = frame.f_back


def is_users(frame: FrameType) -> bool:
    """Whether a frame runs code that is neither gradproof's nor NumPy's nor the standard library's.
    """
    filename = frame.f_code.co_filename
    if filename.startswith(_STANDARD) and "site-packages" not in filename:
        return False
    return not filename.startswith((_HERE, _NUMPY, "<frozen")) and not _is_ours(frame)


def in_our_algebra(frame: FrameType) -> bool:
    """Whether a frame runs SymPy's code for the tracer, not for the user's function."""
    at: FrameType | None = frame
    if not frame.f_code.co_filename.startswith(_ALGEBRA):
        return False
    while at is not None and (at.f_code.co_filename.startswith(_ALGEBRA) or not is_users(at)):
        if at.f_code.co_filename.startswith(_HERE) or _is_ours(at):
            return True
        at = at.f_back
    return False


def _is_ours(frame: FrameType) -> bool:
    """Whether the frame's code is gradproof's own, as the code around a layer's two passes, or that
    of a library's module around the user's."""
    module = str(frame.f_globals.get("__name__", ""))
    return module.split(".")[0] == __name__.split(".")[0] or module.startswith(LIBRARY)


def line_of(filename: str, line: int) -> SourceLine:
    return SourceLine(filename, line, linecache.getline(filename, line).strip())


def place_of(frame: FrameType) -> SourceLine:
    return line_of(frame.f_code.co_filename, frame.f_lineno)


def current_place() -> SourceLine | None:
    """The innermost line of the user's code, if it runs at all."""
    frame = next(user_frames(), None)
    return None if frame is None else place_of(frame)


def fail(message: str, kind: Callable[[str], TraceError] = TraceError) -> NoReturn:
    """Raises a TraceError that shows the user's line."""
    at = current_place()
    where = "" if at is None else f"{said_place(at.filename, at.line)}: "
    source = "" if at is None or not at.text else f"\n    {at.text}"
    error = kind(f"{where}{message}{source}")
    error.search = searched_at()
    failures = FAILURES.get()
    if failures is None and UNDER_WAY:
        failures = UNDER_WAY[-1]
    if failures is not None and kind is not TraceAttributeError:
        failures.append(error)
    raise error


# --- spelling -----------------------------------------------------------------------------------


def asked_by_user(depth: int = 2) -> bool:
    """Whether what is asked of a traced value is asked by code that is not the tracer's own.

    depth: how far up the asking frame is from here.
    """
    frame = sys._getframe(depth)
    return not frame.f_code.co_filename.startswith(_HERE) and not _is_ours(frame)


def spelled(value: Any, text: str) -> str:
    """The text of a size or an array; a failure where it may decide something.

    It decides nothing where it is but said: printed, logged, or the message of an error.
    """
    if FAILURES.get() is not None and asked_by_user(3):
        frame = sys._getframe(2)
        if frame.f_globals.get("__name__") != "logging" and not only_said(frame):
            fail(f"{text} is spelled as text, which may be compared or looked up; print it, or "
                 "give its sizes as numbers in the shapes")
    return text


_LOGS = frozenset({"log", "logger", "logging", "_log", "_logger", "LOG", "LOGGER", "warnings"})
_LOGGED = frozenset({"debug", "info", "warning", "error", "critical", "exception", "warn"})


def only_said(frame: FrameType) -> bool:
    """Whether the statement that a frame executes has no effect but a message."""
    statements = _statements(source_lines(frame.f_code.co_filename)).get(frame.f_lineno, ())
    named = frame.f_globals.keys() | frame.f_locals.keys()
    return bool(statements) and all(_is_message(statement, named) for statement in statements)


def _is_message(statement: ast.AST, named: Set[str]) -> bool:
    if isinstance(statement, ast.Raise):  # where it is caught, that is found out
        return True
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return False
    if any(isinstance(node, (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom))
           for node in ast.walk(statement)):
        return False
    match statement.value:
        case ast.Call(func=ast.Name(id="print"), keywords=keywords):
            return "print" not in named and all(k.arg in ("sep", "end", "flush") or (
                k.arg == "file" and ast.unparse(k.value) in ("sys.stdout", "sys.stderr"))
                for k in keywords)
        case ast.Call(func=ast.Attribute(value=ast.Name(id=module), attr=name)):
            return module in _LOGS and name in _LOGGED
    return False


_BLOCKS = (ast.stmt, ast.excepthandler, ast.match_case)


@lru_cache(maxsize=64)
def _statements(lines: tuple[str, ...]) -> dict[int, tuple[ast.AST, ...]]:
    """The statements on each line of a file; of a compound one its head alone."""
    found: dict[int, tuple[ast.AST, ...]] = {}
    for node in _nodes(lines):
        if isinstance(node, _BLOCKS):
            head = [child for child in ast.iter_child_nodes(node) if not isinstance(child, _BLOCKS)]
            spread = [line for child in (node, *head) for line in (
                getattr(child, "lineno", None),
                getattr(child, "end_lineno", None) if child in head else None)
                if line is not None]
            for line in range(min(spread, default=1), max(spread, default=0) + 1):
                found[line] = (*found.get(line, ()), node)
    return found


def statement_start(filename: str, line: int) -> int:
    """The first line of the innermost statement that stands on a line; of a compound one its head.
    """
    found = _statements(source_lines(filename)).get(line, ())
    return max((getattr(node, "lineno", line) for node in found), default=line)


def source_lines(filename: str) -> tuple[str, ...]:
    """The lines of a file, by which what is known of them is kept: a file may change and be loaded
    again."""
    return tuple(linecache.getlines(filename))


def _nodes(lines: tuple[str, ...]) -> Iterator[ast.AST]:
    try:
        yield from ast.walk(ast.parse("".join(lines)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return


def searched_at() -> str:
    """The place of the user's loop that asks now whether to go on (``while gap > tol``, ``if gap <
    tol: break``), or of the call of SciPy's search under way; "" for neither."""
    inside = ""
    for frame in user_frames():
        place = said_place(frame.f_code.co_filename, frame.f_lineno)
        if str(frame.f_globals.get("__name__", "")).startswith("scipy.optimize"):
            inside = place
        elif inside or frame.f_lineno in _asked_in_loops(source_lines(frame.f_code.co_filename)):
            return place
    return inside


@lru_cache(maxsize=64)
def _asked_in_loops(lines: tuple[str, ...]) -> frozenset[int]:
    """The lines with conditions that end a loop."""
    loops = [node for node in _nodes(lines) if isinstance(node, (ast.For, ast.While))]
    asked = [loop.test for loop in loops if isinstance(loop, ast.While)]
    asked += [node.test for loop in loops for node in ast.walk(loop) if isinstance(node, ast.If)
              and any(isinstance(part, (ast.Break, ast.Return))
                      for statement in node.body for part in ast.walk(statement))]
    return frozenset(line for test in asked
                     for line in range(test.lineno, (test.end_lineno or test.lineno) + 1))


# --- checks of values ---------------------------------------------------------------------------


def goes_on_where() -> tuple[bool, str] | None:
    """The truth of a value with which the function goes on, where the statement that asks for it
    stops it otherwise: ``assert mask.all()``, ``if np.isnan(x).any(): raise``; with its text.

    None where the value decides anything else, or what is raised may be caught.
    """
    frames = list(user_frames())
    if not frames or any(_is_tried(frame.f_code.co_filename, frame.f_lineno) for frame in frames):
        return None
    place = place_of(frames[0])
    for statement in _statements(source_lines(place.filename)).get(place.line, ()):
        if isinstance(statement, ast.Assert):
            parts = list(_polarities(statement.test, True))
        elif isinstance(statement, ast.If) and not statement.orelse and all(
                isinstance(inner, ast.Raise) for inner in statement.body):
            parts = list(_polarities(statement.test, False))
        else:
            continue
        place_in = _asked(frames[0], [part for part, _ in parts])
        wanted = {truth for k, (part, truth) in enumerate(parts)
                  if place_in is None or part is parts[place_in][0]}
        if len(wanted) == 1:
            return wanted.pop(), ast.unparse(statement).partition("\n")[0]
    return None


def _asked(frame: FrameType, parts: Sequence[ast.expr]) -> int | None:
    """Which part of a condition a frame has just computed."""
    positions = list(frame.f_code.co_positions())
    for line, last, column, end in reversed(positions[: frame.f_lasti // 2 + 1]):
        if line is None or last is None or column is None or end is None:
            return None
        for place, part in enumerate(parts):
            if (part.lineno, part.col_offset) <= (line, column) and (last, end) <= (
                    part.end_lineno or 0, part.end_col_offset or 0):
                return place
    return None


def _polarities(test: ast.expr, wanted: bool) -> Iterator[tuple[ast.expr, bool]]:
    """The parts of a condition, each with the truth that it has to have for the whole to be as
    wanted."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        yield from _polarities(test.operand, not wanted)
    elif isinstance(test, ast.BoolOp):
        for part in test.values:
            yield from _polarities(part, wanted)
    elif isinstance(test, (ast.IfExp, ast.NamedExpr, ast.Lambda)):
        yield from ((test, True), (test, False))  # decides more than whether the function goes on
    else:
        yield test, wanted


def _is_tried(filename: str, line: int) -> bool:
    """Whether a line stands where an exception is caught."""
    return any(first <= line <= last for first, last in _tried(source_lines(filename)))


@lru_cache(maxsize=64)
def _tried(lines: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    return tuple((node.body[0].lineno, node.body[-1].end_lineno or node.body[-1].lineno)
                 for node in _nodes(lines)
                 if isinstance(node, (ast.Try, ast.TryStar, ast.With))
                 and (isinstance(node, ast.With) or node.handlers or node.finalbody))


# --- names --------------------------------------------------------------------------------------


def assigned_name(frame: FrameType) -> str | None:
    """The one variable that the statement which a frame executes assigns; None in a lambda, whose
    statement assigns something else, such as the lambda."""
    if frame.f_code.co_name == "<lambda>":
        return None
    return _targets(source_lines(frame.f_code.co_filename)).get(frame.f_lineno)


@lru_cache(maxsize=64)
def _targets(lines: tuple[str, ...]) -> dict[int, str]:
    """The variable assigned by the statement on each line of a file, where it is a single one."""
    found: dict[int, str] = {}
    for node in _nodes(lines):
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
