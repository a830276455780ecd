"""The gradients of a file, each checked in a process of its own that can be ended.

The parent asks for answers; a child runs the file and checks one gradient after another.  Where one
does not come to an end, or takes the process with it, that one is undecided, with what is known by
then, and a new child goes on with the next.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradproof.limits.process import EndedError, Process, Send
from gradproof.terminal import Progress

if TYPE_CHECKING:
    from gradproof.checks.results import CheckResult

EARLIER = 0.1
"""The part of its time that a child leaves to say itself what is known."""


STARTING = 60.0
"""Seconds for a Python with all that it imports to start, on a machine that is busy."""


@dataclass(frozen=True)
class Checked:
    """A gradient function of a file: its name, where it stands, by what it is checked, and what
    was found; `error` where it cannot be checked."""

    name: str
    file: str
    line: int
    names: tuple[str, ...] = ()
    result: CheckResult | None = None
    error: str = ""

    @property
    def verdict(self) -> str:
        return self.result.verdict if self.result is not None else "error"


@dataclass(frozen=True)
class Limits:
    """Seconds for each gradient, and gigabytes for the process."""

    seconds: float
    gigabytes: float


def checked_file(
    file: str, spec: str, function: str, limits: Limits, progress: Progress
) -> Iterator[Checked]:
    """Every gradient of a file with what was found.  ValueError where the file cannot be run."""
    first, count = 0, 1
    while first < count:
        with Process("gradproof.check_process:serve_checks",
                     [file, spec, function, str(first), str(limits.seconds)],
                     limits.gigabytes) as child:
            import gradproof.checks.results  # noqa: F401 - what answers are made of, meanwhile

            count = _count(child, file, limits, progress)
            for place in range(first, count):
                answer, alive = _answer(child, limits, progress)
                yield answer
                first = place + 1
                if not alive:
                    break


def _count(child: Process, file: str, limits: Limits, progress: Progress) -> int:
    """How many gradients the file has, which is run now."""
    progress.says(f"running {file}")
    try:
        child.receive(time.monotonic() + STARTING)
        message = child.receive(time.monotonic() + limits.seconds)
    except EndedError as error:
        raise ValueError(f"{file}: {error} while the file was run") from None
    if message is None:
        raise ValueError(f"{file}: did not end within {limits.seconds:g} s when the file was run "
                         "(--time-limit says how long it may)")
    word, what = message
    if word == "error":
        raise ValueError(what)
    return int(what)


def _answer(child: Process, limits: Limits, progress: Progress) -> tuple[Checked, bool]:
    """What is found of the next gradient, and whether the child can go on."""
    ends = time.monotonic() + limits.seconds
    about, known, doing = Checked("", "", 0), None, "running the functions"
    try:
        while (message := child.receive(ends)) is not None:
            word, what = message
            if word == "about":
                about, ends = what, time.monotonic() + limits.seconds
            elif word == "doing":
                doing = what
                progress.says(f"{about.name}: {doing}")
            elif word == "known":
                known = what or known
            elif word == "answer":
                return what, True
        reason = f"no answer within {limits.seconds:g} s, while {doing}"
    except EndedError as error:
        reason = f"the code {error}, while {doing}"
    return replace(about, result=known or _undecided(about, reason)), False


def _undecided(about: Checked, reason: str) -> CheckResult:
    from gradproof.checks.results import Check, CheckResult

    return CheckResult(tuple(Check(name, "undecided", reason=reason)
                             for name in about.names or ("gradients",)))


# --- in the child -------------------------------------------------------------------------------


def serve_checks(arguments: list[str], send: Send) -> None:
    """Runs a file and checks its gradients from a place on."""
    from gradproof.checks import functions, hand_files, hand_written  # noqa: F401
    from gradproof.limits.deadline import told

    send("ready", None)  # what is imported is no part of what the file takes
    file, spec, function, first, seconds = arguments
    try:
        waiting = _of_spec(file, spec, function) if spec else _marked(file)
    except ValueError as error:
        send("error", str(error))
        return
    send("count", len(waiting))
    for about, check in waiting[int(first):]:
        send("about", about)
        with told(send):
            try:
                answer = replace(about, result=check(float(seconds) * (1 - EARLIER)))
            except Exception as error:
                kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
                answer = replace(about, error=f"{file}: {about.name}: {kind}{error}")
        send("answer", answer)


Waiting = list[tuple[Checked, Callable[[float], "CheckResult"]]]
"""Gradients to be checked, each with its check, which takes seconds."""


def _of_spec(file: str, spec: str, function: str) -> Waiting:
    from gradproof.checks.hand_files import load_function
    from gradproof.checks.hand_written import check_network
    from gradproof.derivations.derivation import derive
    from gradproof.derivations.sources import load

    derivation = derive(load(spec))
    gradient = load_function(file, function or None)
    names = derivation.network.parameters if derivation.network is not None else ()
    return [(_about(gradient, names, file), lambda seconds: check_network(
        derivation, gradient, file, time_limit=seconds))]


def _marked(file: str) -> Waiting:
    from gradproof.checks import hand_files
    from gradproof.checks.functions import check

    before = len(hand_files.MARKED)
    hand_files.run_file(file)

    def checking(mark: hand_files.Mark) -> Callable[[float], CheckResult]:
        return lambda seconds: check(mark.loss, mark.gradient, wrt=mark.wrt, inputs=mark.shapes,
                                     time_limit=seconds)

    return [(_about(mark.gradient, mark.wrt or tuple(mark.shapes), file), checking(mark))
            for mark in hand_files.MARKED[before:]]


def _about(function: Any, names: tuple[str, ...], file: str) -> Checked:
    code = getattr(inspect.unwrap(function), "__code__", None)
    return Checked(getattr(function, "__name__", str(function)),
                   code.co_filename if code is not None else str(Path(file)),
                   code.co_firstlineno if code is not None else 1, tuple(names))
