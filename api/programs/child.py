"""In the child: a file's marked gradients, or those of the program that it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gradproof.checks.hand_files import source_of
from gradproof.checks.own_process.parent import Checked, Limits, Says, answers
from gradproof.limits.process import Send, ready
from gradproof.programs.options import Options
from gradproof.programs.texts import NOTEBOOK, read_program
from gradproof.symbolic.places import said_place

if TYPE_CHECKING:
    from gradproof.checks.own_process.child import Waiting
    from gradproof.checks.results import CheckResult
    from gradproof.programs.untrained.solvers import DerivativesOf

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
    from gradproof.checks import functions  # noqa: F401
    from gradproof.checks.own_process.child import marked, serve

    file, said, first, seconds = arguments
    options = Options.of(json.loads(said))
    ready(send)  # what is imported is no part of what the file takes
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
    """Derivatives that the program hands to SciPy's solvers, if it may call any."""
    from gradproof.programs.running import main_module
    from gradproof.programs.untrained.solvers import may_call_solvers, solver_calls

    text = read_program(file)
    if not may_call_solvers(text):
        return []
    return [_waiting(call, file) for call in solver_calls(text, main_module(file), seconds)]


def _trained(file: str, options: Options, seconds: float) -> Waiting:
    """The pass of a program that trains; of one that does not, the derivatives that it has."""
    from gradproof.programs.checking import program_of
    from gradproof.programs.wording import NoPassError

    try:
        made = program_of(file, options, seconds)
    except NoPassError:
        if options.are_given:
            raise
        waiting = _derivatives(file, seconds)
        if not waiting:
            raise
        return waiting
    about = Checked(made.seen.site.title, file, made.seen.site.line, made.names, taken=made.taken)
    return [(about, made.check)]


def _derivatives(file: str, seconds: float) -> Waiting:
    """Functions named as derivatives of others, where the file has arrays for both; its layers."""
    named = _named_so(file, seconds)
    if file.endswith(NOTEBOOK):
        return [_waiting(found, file) for found in named.values()]
    taken = {hand for hands in named for hand in hands}
    return [*(_waiting(found, file) for found in named.values()), *_layers(file, taken)]


def _named_so(file: str, seconds: float) -> dict[tuple[str, ...], DerivativesOf]:
    """Derivatives by their names, at arrays of the file: by the names of their functions."""
    from gradproof.programs.running import main_module
    from gradproof.programs.untrained.named_pairs import named_pairs
    from gradproof.programs.untrained.solvers import DerivativesOf, solver_calls

    text = read_program(file)
    pairs = named_pairs(text.tree)
    if not pairs:
        return {}
    names = main_module(file)
    solver_calls(text, names, seconds)  # which runs it
    return {tuple(pair.hands.values()): DerivativesOf(
        pair.function, pair.line, claims[0], f"{pair.function} and "
        f"{' and '.join(pair.hands.values())}, at arrays of the file", tuple(claims[1:]))
        for pair in pairs if (claims := pair.claims(names))}


def _waiting(found: DerivativesOf, file: str) -> tuple[Checked, Callable[[float], CheckResult]]:
    return Checked(found.title, file, found.line, found.names,
                   taken=(f"{found.taken}: {said_place(file, found.line)}",)), found.check


def _layers(file: str, taken: Collection[str]) -> Waiting:
    """The pairs of a file, each with what was taken for what; and what to add for the others.

    taken: functions that are checked in another way.
    """
    from gradproof.checks.hand_files import run_file
    from gradproof.checks.own_process.child import about, of_mark
    from gradproof.checks.results import Check, CheckResult
    from gradproof.programs.untrained.guesses import said
    from gradproof.programs.untrained.pairs import check_marks, pairs_in

    waiting: Waiting = []
    for one in pairs_in(run_file(file)):
        if one.target.__name__ in taken:
            continue
        marks = one.marked()
        if marks:
            fitting = f"taken: {one.title}, with {said(marks[0].shapes)}, which fits"
            made, _ = of_mark(marks[0], file, (fitting,))
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
