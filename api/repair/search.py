"""The smallest edit of a hand-written gradient that makes it right, found by trying and verified.

Where normal forms and numbers say which factor is wrong, they say nothing of the line that is to
change, and many slips are no factor at all.  So single edits of the user's own functions are run,
the cheapest and most suspicious first, and held against the derived gradient at small points; what
survives must pass the whole check before it is shown.  Nothing of the user's is changed: the edits
live in copies (see :mod:`gradproof.repair.program`).
"""

from __future__ import annotations

import ast
import contextlib
import copy
import difflib
import io
import itertools
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import FunctionType
from typing import Any, Literal

import numpy as np

from gradproof.repair.edits import Edit
from gradproof.repair.places import Edits
from gradproof.repair.program import FunctionSource, Program, source_of
from gradproof.repair.ranking import ranked

Verified = Literal["proved", "agrees"]
Gradient = Callable[[Mapping[str, Any]], dict[str, Any]]

SECONDS = 2.0
"""How long edits are tried, by default; verifying one that fits comes on top."""

MOST_WAITING = 8
"""How many times longer than its own work a search may take, on a machine that is busy."""

MOST_VERIFIED = 6
"""Edits that fit the numbers and are held against the whole check."""


@dataclass(frozen=True)
class Repair:
    """An edit that makes every gradient right.

    file, line: where; old, new: the lines as they are and as they should be.
    verified: "proved" or "agrees", the verdict on the edited function.
    explanation: what was wrong, in words.
    tried: how many edits were run until it was found.
    """

    file: str
    line: int
    old: str
    new: str
    verified: Verified
    explanation: str
    tried: int = 0

    def __str__(self) -> str:
        held = "proved" if self.verified == "proved" else "agrees with the numbers"
        lines = [f"{self.file}:{self.line}: {self.explanation}; with this edit every gradient "
                 f"{'is ' * (self.verified == 'proved')}{held}:"]
        lines += [f"    - {line}" for line in self.old.splitlines()]
        lines += [f"    + {line}" for line in self.new.splitlines()]
        return "\n".join(lines)


@dataclass(frozen=True)
class Wanted:
    """What the gradients must be at one point, each with the error that is allowed."""

    values: Mapping[str, Any]
    gradients: Mapping[str, tuple[Any, float]]


@dataclass(frozen=True)
class Search:
    """What is looked for, and how an edited function is run and verified.

    function: the hand-written one.  bound: the gradients, by name, that a function computes.
    wanted: at each point.  wrong: the refuted gradients.
    suspicion: for lines (file, number), what an edit there costs more; 0 for the likeliest.
    constants: factors to multiply by, each a coefficient and powers of sizes (as numbers, at the
        first point).
    verify: the verdict of the whole check on a function.
    loose_units: axes of length one may be too many or too few.
    loss: what the gradient is of; its numbers may be what is missing.
    keys: under which the gradient by a name may be returned.
    """

    function: Callable[..., Any]
    bound: Callable[[Callable[..., Any]], Gradient]
    wanted: Sequence[Wanted]
    wrong: Sequence[str]
    suspicion: Mapping[tuple[str, int], float]
    constants: Sequence[tuple[Fraction, dict[int, int]]]
    verify: Callable[[Callable[..., Any]], str]
    loose_units: bool = False
    loss: Callable[..., Any] | None = None
    keys: Callable[[str], Sequence[str]] = lambda name: (name,)


def find_repair(search: Search, seconds: float = SECONDS) -> tuple[Repair | None, str]:
    """The cheapest verified edit; or None, and in words what was tried."""
    try:
        program: Program | None = Program.of(search.function)
    except (TypeError, ValueError, RecursionError):
        program = None
    if program is None or not program.sources or not search.wanted:
        return None, "no edit was looked for: there is no source text of the gradient function"
    with _quiet():
        return _found(search, program, seconds)


def _found(search: Search, program: Program, seconds: float) -> tuple[Repair | None, str]:
    run = search.bound(program.entry)
    failed: list[tuple[str, int]] = []
    observed = program.observed(lambda: _attempt(run, search.wanted[0].values, failed))
    suspicion = {**search.suspicion, **dict.fromkeys(failed, 0.0)}
    right = {key for name in search.wanted[0].gradients if name not in search.wrong
             for key in search.keys(name)}
    loss = source_of(search.loss) if isinstance(search.loss, FunctionType) else None
    edits = Edits(program, observed, search.constants, right, loss)
    clock = _Clock(seconds)
    tried = verified = 0
    for edit in ranked(edits, suspicion):
        if clock.is_over() or verified == MOST_VERIFIED:
            break
        with edit.applied():
            code = edit.source.code()
        if code is None or not program.install(edit.source, code):
            continue
        tried += 1
        try:
            if not all(_fits(run, wanted, search) for wanted in search.wanted):
                continue
            verified += 1
            with clock.stopped():
                verdict = _verdict(search, program)
        finally:
            program.restore(edit.source)
        if verdict is not None:
            line, old, new = shown(edit)
            return Repair(edit.source.file, line, old, new, verdict, edit.change.what, tried), ""
    return None, f"no single edit was found that makes it right ({tried} were tried)"


class _Clock:
    """The time of a search: its own work, and as a last resort that on the wall."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.thread_time() + seconds
        self._waits = time.monotonic() + MOST_WAITING * seconds

    def is_over(self) -> bool:
        return time.thread_time() > self._ends or time.monotonic() > self._waits

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        worked, waited = time.thread_time(), time.monotonic()
        yield
        self._ends += time.thread_time() - worked
        self._waits += time.monotonic() - waited


def _verdict(search: Search, program: Program) -> Verified | None:
    try:
        found = search.verify(program.entry)
    except Exception:  # as in _attempt
        return None
    return "proved" if found == "proved" else "agrees" if found == "agrees" else None


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what the user's functions print or warn of, time and again."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), \
            np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def _attempt(
    run: Gradient, values: Mapping[str, Any], failed: list[tuple[str, int]] | None = None
) -> Mapping[str, Any] | None:
    """The gradients; None where the function fails, and then the lines at which it does."""
    try:
        return run(values)
    except Exception as error:  # an edit may do anything; it is no repair then
        step = error.__traceback__ if failed is not None else None
        while step is not None and failed is not None:
            failed.append((step.tb_frame.f_code.co_filename, step.tb_lineno))
            step = step.tb_next
        return None


def _fits(run: Gradient, wanted: Wanted, search: Search) -> bool:
    found = _attempt(run, wanted.values)
    if found is None:
        return False
    wrong = [name for name in search.wrong if name in wanted.gradients]
    for name in dict.fromkeys((*wrong, *wanted.gradients)):
        if name not in found:
            return False
        true, allowed = wanted.gradients[name]
        try:
            claimed = np.asarray(found[name], dtype=float)
        except (TypeError, ValueError):
            return False
        if claimed.shape != true.shape:
            if not search.loose_units or not differ_by_units(claimed.shape, true.shape):
                return False
            claimed = claimed.reshape(true.shape)
        if not np.all(np.abs(claimed - true) <= allowed):
            return False
    return True


def differ_by_units(one: Sequence[int], other: Sequence[int]) -> bool:
    """Whether one shape is the other with axes of length 1 put in between.

    None is moved: of two shapes with as many axes this is so only where they are equal.

    >>> differ_by_units((4,), (4, 1)), differ_by_units((1, 4), (4, 1))
    (True, False)
    """
    longer, shorter = (one, other) if len(one) >= len(other) else (other, one)
    left = list(shorter)
    for size in longer:
        if left and left[0] == size:
            left.pop(0)
        elif size != 1:
            return False
    return not left


# --- text ---------------------------------------------------------------------------------------


def shown(edit: Edit) -> tuple[int, str, str]:
    """Where an edit is, and its lines before and after, in the user's own spelling."""
    source = edit.source
    before = source.lines
    after = _edited_lines(edit)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    changed = [block for block in matcher.get_opcodes() if block[0] != "equal"]
    if not changed:
        return edit.line, "", ""
    first, last = changed[0], changed[-1]
    old, new = before[first[1]:last[2]], after[first[3]:last[4]]
    indent = min((len(line) - len(line.lstrip()) for line in (*old, *new) if line.strip()),
                 default=0)
    return (first[1] + 1, "".join(line[indent:] for line in old).rstrip(),
            "".join(line[indent:] for line in new).rstrip())


def _edited_lines(edit: Edit) -> tuple[str, ...]:
    source = edit.source
    old = edit.slot.get()
    if isinstance(old, list) and all(isinstance(part, ast.stmt) for part in old):
        return _moved(source, old, edit.change.make())
    with edit.applied():
        new = edit.slot.get()
        if isinstance(new, ast.Pass):
            return (*source.lines[:old.lineno - 1], *source.lines[old.end_lineno:])
        whole = edit.slot.holder if isinstance(old, list | ast.operator) else new
        place = edit.slot.holder if isinstance(old, list | ast.operator) else old
        for brackets in (False, True):
            text = _spelled(whole, source, brackets)
            for candidate in (text, f"({text})"):
                lines = source.replaced(place, candidate)
                if source.reads_as(lines):
                    return lines
        text = ast.unparse(whole)
        return source.replaced(place, text if isinstance(whole, ast.stmt) else f"({text})")


def _moved(source: FunctionSource, old: list[ast.stmt], new: list[ast.stmt]) -> tuple[str, ...]:
    first, last = old[0].lineno - 1, old[-1].end_lineno or 0
    lines: list[str] = []
    for statement in new:
        lines += source.lines[statement.lineno - 1:statement.end_lineno]
    return (*source.lines[:first], *lines, *source.lines[last:])


def _spelled(new: ast.AST, source: FunctionSource, brackets: bool) -> str:
    """A tree as text, where its unchanged parts read as the user wrote them."""
    kept: dict[str, str] = {}
    numbers = itertools.count()

    def copied(node: Any, top: bool = False) -> Any:
        if isinstance(node, list):
            return [copied(part) for part in node]
        if not isinstance(node, ast.AST):
            return node
        if isinstance(node, ast.expr) and not top and isinstance(getattr(node, "ctx", None),
                                                                 ast.Load | None):
            text = source.segment(node) if _is_original(node, source) else None
            if text is not None:
                name = f"kept{next(numbers)}_"
                kept[name] = f"({text})" if brackets and isinstance(
                    node, ast.BinOp | ast.UnaryOp | ast.Compare | ast.IfExp) else text
                return ast.Name(name, ast.Load())
        made = copy.copy(node)
        for name_, value in ast.iter_fields(node):
            setattr(made, name_, copied(value))
        return made

    text = ast.unparse(copied(new, top=True))
    for name, original in kept.items():
        text = text.replace(name, original)
    return text


def _is_original(node: ast.expr, source: FunctionSource) -> bool:
    """Whether the place that a node claims in the file is indeed its own text."""
    text = source.segment(node)
    if text is None:
        return False
    try:
        return ast.dump(ast.parse(f"({text})", mode="eval").body) == ast.dump(node)
    except (SyntaxError, ValueError):
        return False
