"""A file's functions against the losses of another: a submission and its exercise.

The exercise marks functions with ``@gp.gradient_of(loss, X="m n", ...)``; the submission defines
functions of the same names, which are held against those losses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from gradproof.checks.own_process.parent import Checked, Limits, Says, answers
from gradproof.limits.process import Send, ready

if TYPE_CHECKING:
    from gradproof.checks.hand_files import Mark
    from gradproof.checks.own_process.child import Waiting
    from gradproof.checks.results import CheckResult


def checked_submission(
    file: str, exercise: str, repairs: bool, limits: Limits, says: Says
) -> Iterator[Checked]:
    """What is found of each function that the exercise marks.

    repairs: whether an edit is looked for that mends what is wrong.  Raises ValueError where one
    of the files cannot be run, or the exercise marks nothing.
    """
    return answers("gradproof.checks.own_process.submission:serve_submission",
                   [file, exercise, str(int(repairs))], limits, says)


def serve_submission(arguments: Sequence[str], send: Send) -> None:
    """In the child: runs both files, the exercise first, and checks from a place on."""
    from gradproof.checks import functions  # noqa: F401
    from gradproof.checks.own_process.child import serve

    file, exercise, repairs, first, seconds = arguments
    ready(send)  # what is imported is no part of what the files take
    try:
        waiting = _waiting(file, exercise, repairs == "1")
    except ValueError as error:
        send("error", str(error))
        return
    serve(file, waiting, int(first), float(seconds), send)


def _waiting(file: str, exercise: str, repairs: bool) -> Waiting:
    from gradproof.checks import hand_files

    before = len(hand_files.MARKED)
    hand_files.run_file(exercise)
    marks = hand_files.MARKED[before:]
    if not marks:
        raise hand_files.HandError(
            f"{exercise}: an exercise marks what is to be written, by "
            "@gradproof.gradient_of(loss, X=\"m n\", ...) above a function of that name; nothing "
            "is marked")
    module = hand_files.run_file(file)
    return [_of_mark(mark, vars(module).get(mark.gradient.__name__), file, exercise, repairs)
            for mark in marks]


def _of_mark(
    mark: Mark, written: object, file: str, exercise: str, repairs: bool
) -> tuple[Checked, Callable[[float], CheckResult]]:
    from gradproof.checks.orders import kinds
    from gradproof.checks.own_process.child import about
    from gradproof.repair.search import SECONDS

    names = mark.wrt or tuple(mark.shapes)
    name = mark.gradient.__name__

    def checked(seconds: float) -> CheckResult:
        if not callable(written):
            raise ValueError(f"no function {name!r} is defined, which {exercise} marks")
        return kinds.checked(mark.order, mark.loss, written, wrt=mark.wrt, inputs=mark.shapes,
                     repair_seconds=SECONDS if repairs else 0.0, time_limit=seconds)

    if not callable(written):
        return Checked(name, file, 1, tuple(names)), checked
    return about(written, names, file), checked
