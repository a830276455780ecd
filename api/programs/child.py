"""In the child: a file's marked gradients, or those of the program that it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gradproof.checks.hand_files import source_of
from gradproof.checks.own_process.parent import Checked, Limits, Says, answers
from gradproof.limits.process import Send
from gradproof.programs.options import Options
from gradproof.programs.texts import NOTEBOOK, read_program
from gradproof.programs.wording import NoPassError
from gradproof.symbolic.places import said_place

if TYPE_CHECKING:
    from gradproof.checks.own_process.child import Waiting
    from gradproof.checks.results import CheckResult

RUNNING = 0.8
"""The part of its time in which a program has to be seen to train."""


def checked_program(
    file: str, options: Options, limits: Limits, says: Says
) -> Iterator[Checked]:
    """What is found of a file: of each gradient that is marked in it, else of the pass that trains.

    Raises ValueError where the file cannot be run, or has nothing to check.
    """
    if file.endswith(NOTEBOOK):
        read_program(file)  # so that places are told by cell here, too
    return answers("gradproof.programs.child:serve_program", [file, json.dumps(asdict(options))],
                   limits, says)


def serve_program(arguments: Sequence[str], send: Send) -> None:
    """Runs a file and checks its gradients from a place on."""
    from gradproof.checks.own_process.child import marked, serve

    file, said, first, seconds = arguments
    options = Options.of(json.loads(said))
    send("ready", None)  # what is imported is no part of what the file takes
    try:
        waiting = marked(file) if _has_marks(file, options) else []
        if not waiting and not options.are_given:
            waiting = _handed_to_solvers(file, float(seconds) * RUNNING)
        if not waiting:
            waiting = _trained(file, options, float(seconds) * RUNNING)
    except ValueError as error:
        send("error", str(error))
        return
    serve(file, waiting, int(first), float(seconds), send)


def _handed_to_solvers(file: str, seconds: float) -> Waiting:
    """Derivatives that the program hands to SciPy's solvers, if it calls any."""
    from gradproof.programs.running import main_module
    from gradproof.programs.solvers import solver_calls

    text = read_program(file)
    return [(Checked(call.solver, file, call.line, call.names,
                     taken=(f"{call.solver}: {said_place(file, call.line)}",)), call.check)
            for call in solver_calls(text, main_module(file), seconds)]


def _trained(file: str, options: Options, seconds: float) -> Waiting:
    """The pass of a program that trains; of one that does not, the layers that it has."""
    from gradproof.programs.checking import program_of

    try:
        made = program_of(file, options, seconds)
    except NoPassError:
        if options.are_given or file.endswith(NOTEBOOK) or not (waiting := _layers(file)):
            raise
        return waiting
    about = Checked(made.seen.site.title, file, made.seen.site.line, made.names, taken=made.taken)
    return [(about, made.check)]


def _layers(file: str) -> Waiting:
    """The pairs of a file, each with what was taken for what; and what to add for the others."""
    from gradproof.checks.hand_files import run_file
    from gradproof.checks.own_process.child import about, of_mark
    from gradproof.checks.results import Check, CheckResult
    from gradproof.programs.guesses import said
    from gradproof.programs.pairs import check_marks, pairs_in

    waiting: Waiting = []
    for one in pairs_in(run_file(file)):
        marks = one.marked()
        if marks:
            taken = f"taken: {one.title}, with {said(marks[0].shapes)}, which fits"
            made, _ = of_mark(marks[0], file, (taken,))
            waiting.append((made, partial(check_marks, marks)))
            continue
        why = (f"taken: {one.title}; no shapes were found on which both run. Say them in a line "
               f"{one.line()}")
        result = CheckResult((Check("gradients", "undecided", reason=why),))
        waiting.append((about(one.target, (), file), partial(_given, result)))
    return waiting


def _given(result: CheckResult, _: float) -> CheckResult:
    return result


def _has_marks(file: str, options: Options) -> bool:
    """Whether a file names this program, as it does where it marks a function."""
    if options.are_given or file.endswith(NOTEBOOK):
        return False
    return "gradproof" in source_of(Path(file))
