"""The edit of a hand-written gradient that makes it right, found by trying and verified.

Where normal forms and numbers say which factor is wrong, they say nothing of the line that is to
change, and many slips are no factor at all.  So single edits of the user's own functions are run,
the cheapest and most suspicious first, and held against the derived gradient at small points.  Of
those that fit, the most natural one that passes the whole check is shown; where none mends all,
each gradient may have an edit of its own.  Nothing of the user's is changed: the edits live in
copies (see :mod:`gradproof.repair.program`).
"""

from __future__ import annotations

import contextlib
import io
import math
import textwrap
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain, count
from types import FunctionType, MethodType
from typing import Any, Literal

import numpy as np

from gradproof.repair.edits import Edit
from gradproof.repair.fits import Gradient, Wanted, attempted, mended
from gradproof.repair.naturalness import unnaturalness
from gradproof.repair.places import Edits
from gradproof.repair.program import FunctionSource, Program
from gradproof.repair.ranking import ELSEWHERE, ranked
from gradproof.repair.spelling import shown
from gradproof.symbolic.places import said_place

Verified = Literal["proved", "agrees"]

SECONDS = 2.0
"""How long edits are tried, by default; verifying one that fits comes on top."""

MOST_WAITING = 8
"""How many times longer than its own work a search may take, on a machine that is busy."""

MOST_TRIED = 20_000
"""Edits that are run at most, however fast they are."""

FURTHER, MORE = 1.2, 1500
"""How much more than the most natural edit that fits an edit may cost, to be looked at still; and
how many edits are, at most, after the first that fits."""

LOOKS = 8
"""Edits between two looks at the clock."""

MOST_VERIFIED = 6
"""Edits that fit the numbers and are held against the whole check."""

MOST_PARTED = 4
"""Choices of an edit for each gradient that are held against the whole check."""

MOST_KEPT = 200
"""Edits that fit and are kept, for all gradients and for each of them."""


@dataclass(frozen=True)
class Repair:
    """An edit that makes every gradient right.

    file, line: where; old, new: the lines as they are and as they should be, without the `indent`
    (in columns) that they share.
    verified: "proved" or "agrees", the verdict on the edited function.
    explanation: what was wrong, in words.
    tried: how many edits were run.
    further: edits elsewhere that belong to it: none of them mends every gradient by itself.
    """

    file: str
    line: int
    old: str
    new: str
    verified: Verified
    explanation: str
    tried: int = 0
    further: tuple[Repair, ...] = ()
    indent: int = 0

    @property
    def replaced(self) -> tuple[int, str]:
        """How many lines go, from `line` on, and the text that stands in their place."""
        count = self.old.count("\n") + 1 if self.old else 0
        return count, textwrap.indent(f"{self.new}\n", " " * self.indent) if self.new else ""

    def __str__(self) -> str:
        held = "is proved" if self.verified == "proved" else "agrees with the numbers"
        edits = "these edits" if self.further else "this edit"
        first, *lines = self._lines
        lines.insert(0, f"{first}; with {edits} every gradient {held}:")
        for other in self.further:
            lines += [f"  {other._lines[0]}:", *other._lines[1:]]
        return "\n".join(lines)

    @property
    def _lines(self) -> list[str]:
        return [f"{said_place(self.file, self.line)}: {self.explanation}",
                *(f"    - {line}" for line in self.old.splitlines()),
                *(f"    + {line}" for line in self.new.splitlines())]


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
    loss: what the gradient is of; its numbers may be what is missing.  value: its value.
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
    value: Callable[[Mapping[str, Any]], Any] | None = None
    keys: Callable[[str], Sequence[str]] = lambda name: (name,)


def find_repair(search: Search, seconds: float = SECONDS) -> tuple[Repair | None, str]:
    """The cheapest verified edit; or None, and in words what was tried."""
    def all_points() -> None:
        run = search.bound(search.function)
        for wanted in search.wanted:
            attempted(run, wanted.values)

    try:
        with _quiet():
            program: Program | None = Program.of(search.function, all_points)
    except (TypeError, ValueError, RecursionError):
        program = None
    if program is None or not program.sources or not search.wanted:
        return None, "no edit was looked for: there is no source text of the gradient function"
    with _quiet():
        return _found(search, program, seconds)


def _found(search: Search, program: Program, seconds: float) -> tuple[Repair | None, str]:
    run = search.bound(program.entry)
    failed: list[tuple[str, int]] = []
    observed = program.observed(lambda: attempted(run, search.wanted[0].values, failed))
    suspicion = {**search.suspicion, **dict.fromkeys(failed, 0.0)}
    right = {key for name in search.wanted[0].gradients if name not in search.wrong
             for key in search.keys(name)}
    edits = Edits(program, observed, search.constants, right,
                  _sources(search))
    # A line that fails need not be the wrong one.
    trial = _Trial(search, program, run, _Clock(seconds), {} if failed else suspicion)
    return trial.outcome(ranked(edits, suspicion))


def _sources(search: Search) -> list[FunctionSource]:
    """The loss and the functions that it calls; none where it has no value: to read all that it
    reaches by its imports may take longer than the whole search."""
    loss, value = search.loss, search.value
    if not isinstance(loss, FunctionType | MethodType) or value is None:
        return []
    try:
        return Program.of(
            loss, lambda: attempted(value, search.wanted[0].values)).sources
    except (TypeError, ValueError, RecursionError):
        return []


@dataclass
class _Trial:
    """Edits that are run one after the other, and those among them that fit.

    named: what is suspected of lines, where nothing fails.
    fits: edits that make every wrong gradient right, and how unnatural each is.  parts: by
    gradient, edits that make it right and break none.
    """

    search: Search
    program: Program
    run: Gradient
    clock: _Clock
    named: Mapping[tuple[str, int], float]
    tried: int = 0
    verified: int = 0
    fits: list[tuple[float, Edit]] = field(default_factory=list)
    parts: dict[str, list[Edit]] = field(default_factory=dict)

    def outcome(self, edits: Iterator[tuple[float, Edit]]) -> tuple[Repair | None, str]:
        ended, later, until, looks = False, list[tuple[float, Edit]](), MOST_TRIED, count()
        while not ended and self.verified < MOST_VERIFIED:
            cost, edit = next(edits, (0.0, None))
            over = self.tried >= MOST_TRIED or (next(looks) % LOOKS == 0 and self.clock.is_over())
            ended = edit is None or over
            best = min((found for found, _ in self.fits), default=math.inf)
            if edit is not None and not over:
                if edit.change.cost < best:  # else it is none that is more natural
                    self.try_out(edit)
                else:
                    later.append((cost, edit))
                until = min(until, self.tried + MORE) if self.fits else MOST_TRIED
            if self.fits and (ended or cost > best + FURTHER or self.tried >= until):
                found = self.most_natural()
                if found is not None:
                    return found, ""
                self.fits.clear()
                edits, later, ended = chain(later, edits), [], ended and not later
        found = self.one_each()
        return found, "" if found is not None else self.unrepaired(not ended or over)

    def try_out(self, edit: Edit) -> None:
        """Runs the function with an edit, and keeps the edit where it mends something."""
        with edit.applied():
            code = edit.source.code()
        if code is None or not self.program.install(edit.source, code):
            return
        self.tried += 1
        try:
            search = self.search
            right = mended(self.run, search.wanted, search.wrong, search.loose_units)
        finally:
            self.program.restore(edit.source)
        wrong = [name for name in search.wrong if name in search.wanted[0].gradients]
        if right and right.issuperset(wrong):
            self.fits += [(self.unnatural(edit), edit)][:MOST_KEPT - len(self.fits)]
        for name in right:
            kept = self.parts.setdefault(name, [])
            kept += [edit][:MOST_KEPT - len(kept)]

    def most_natural(self) -> Repair | None:
        """Of the edits that fit, the most natural one that passes the whole check."""
        for _, edit in sorted(self.fits, key=lambda fit: fit[0]):
            if self.verified == MOST_VERIFIED:
                return None
            verdict = self.verdict([edit])
            if verdict is not None:
                return self.repair(edit, verdict)
        return None

    def one_each(self) -> Repair | None:
        """An edit for each gradient, where one edit does not mend them all.

        Edits that do not go together are parted: the first in the program, which the lines of the
        others may read, is chosen no more.
        """
        wrong = [name for name in self.search.wrong if name in self.search.wanted[0].gradients]
        parts = {name: list(self.parts.get(name, ())) for name in wrong}
        for _ in range(MOST_PARTED if len(wrong) > 1 else 0):
            if not all(parts.values()):
                return None
            chosen = self.chosen(parts)
            verdict = self.verdict(chosen)
            if verdict is not None:
                first, *others = (self.repair(edit, verdict) for edit in chosen)
                return replace(first, further=tuple(others))
            parts = {name: [edit for edit in edits if edit is not chosen[0]]
                     for name, edits in parts.items()}
        return None

    def chosen(self, parts: Mapping[str, Sequence[Edit]]) -> list[Edit]:
        """Few and natural edits that mend every gradient by themselves, in their order."""
        found: list[Edit] = []
        open_ = set(parts)
        while open_:
            edits = {id(edit): edit for name in open_ for edit in parts[name]}
            mends: dict[int, list[str]] = {one: [] for one in edits}
            for name in open_:
                for edit in parts[name]:
                    mends[id(edit)].append(name)
            best = min(edits, key=lambda one: (-len(mends[one]), self.unnatural(edits[one])))
            found.append(edits[best])
            open_ -= {*mends[best]}
        return sorted(found, key=lambda edit: (edit.source.file, edit.line))

    def unnatural(self, edit: Edit) -> float:
        line, _, old, new = shown(edit)
        lines = {(edit.source.file, number) for number in (edit.line, line)}
        return unnaturalness(edit, old, new, min(
            self.named.get(key, ELSEWHERE) for key in lines))

    def repair(self, edit: Edit, verdict: Verified) -> Repair:
        line, indent, old, new = shown(edit)
        return Repair(edit.source.file, line, old, new, verdict, edit.change.what, self.tried,
                      indent=indent)

    def verdict(self, edits: Sequence[Edit]) -> Verified | None:
        """That of the whole check, with these edits; None where it is no pass."""
        self.verified += 1
        installed = []
        try:
            with self.clock.stopped(), contextlib.ExitStack() as applied:
                for edit in edits:
                    applied.enter_context(edit.applied())
                for source in {id(edit.source): edit.source for edit in edits}.values():
                    code = source.code()
                    if code is None or not self.program.install(source, code):
                        return None
                    installed.append(source)
                found = self.search.verify(self.program.entry)
        except Exception:  # as in fits.attempted
            return None
        finally:
            for source in installed:
                self.program.restore(source)
        return "proved" if found == "proved" else "agrees" if found == "agrees" else None

    def unrepaired(self, cut_short: bool) -> str:
        text = f"no single edit was found that makes it right ({self.tried} were tried"
        return text + (", and there are more)" if cut_short else ")")


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


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what the user's functions print or warn of, time and again."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), \
            np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
