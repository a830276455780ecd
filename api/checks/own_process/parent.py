"""The gradients of a file, each checked in a process that can be ended.

The parent asks for answers; a child (:mod:`child`) runs the file and checks one gradient after
another.  Where one does not come to an end, or takes the process with it, that one is undecided,
with what is known by then, and a new child goes on with the next.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from gradproof.limits.deadline import TIME_LIMIT
from gradproof.limits.process import MEMORY_LIMIT, EndedError, Process

if TYPE_CHECKING:
    from gradproof.checks.results import CheckResult
    from gradproof.symbolic.specs.model import Model
    from gradproof.symbolic.specs.network import Network

STARTING = 60.0
"""Seconds for a Python with all that it imports to start, on a machine that is busy."""


@dataclass(frozen=True)
class Checked:
    """A gradient function of a file: its name, where it stands, by what it is checked, and what
    was found; `error` where it cannot be checked.  taken: of a program that is no function, what
    was taken for its loss and its gradients, in words."""

    name: str
    file: str
    line: int
    names: tuple[str, ...] = ()
    result: CheckResult | None = None
    error: str = ""
    taken: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        return self.result.verdict if self.result is not None else "error"


@dataclass(frozen=True)
class Limits:
    """Seconds for each gradient, and gigabytes for the process."""

    seconds: float = TIME_LIMIT
    gigabytes: float = MEMORY_LIMIT


Says = Callable[[str], None]
"""Told what is going on."""


def checked_file(
    file: str, spec: str | Network | Model, function: str, limits: Limits, says: Says
) -> Iterator[Checked]:
    """Every gradient of a file with what was found.

    spec: the name of a spec, or the network itself, whose backward pass the function is; "" where
    the file marks what is to be checked.  Raises ValueError where the file cannot be run.
    """
    named, given = (spec, b"") if isinstance(spec, str) else ("", pickle.dumps(spec))
    return answers("gradproof.checks.own_process.child:serve_checks", [file, named, function],
                   limits, says, given)


def answers(
    target: str, arguments: Sequence[str], limits: Limits, says: Says, given: bytes = b""
) -> Iterator[Checked]:
    """Every answer of a child that serves checks; what is lost with one, another goes on with.

    target: "module:function" of the child.  arguments: the file first; the child is handed two
    more, the place of the first check that is wanted, and the seconds for each.
    """
    first, count, file = 0, 1, arguments[0]
    while first < count:
        with Process(target, [*arguments, str(first), str(limits.seconds)],
                     limits.gigabytes, given) as child:
            import gradproof.checks.results  # noqa: F401 - what answers are made of, meanwhile

            count = _count(child, file, limits, says)
            for place in range(first, count):
                answer, alive = _answer(child, limits, says)
                yield answer
                first = place + 1
                if not alive:
                    break


def checked_pass(
    network: Network | Model, file: Path, function: str = "", limits: Limits | None = None
) -> CheckResult:
    """The hand-written backward pass of a file, held against a network or model.

    Raises HandError where the file cannot be run or has no such pass.
    """
    from gradproof.checks.hand_files import HandError

    try:
        (answer,) = checked_file(str(file), network, function, limits or Limits(), lambda _: None)
    except ValueError as error:
        raise HandError(str(error)) from None
    if answer.result is None:
        raise HandError(answer.error)
    return answer.result


def _count(child: Process, file: str, limits: Limits, says: Says) -> int:
    """How many gradients the file has, which is run now."""
    says(f"running {file}")
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


def _answer(child: Process, limits: Limits, says: Says) -> tuple[Checked, bool]:
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
                says(f"{about.name}: {doing}")
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
