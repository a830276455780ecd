"""The command ``gradproof check``: what it prints, and its exit code."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from importlib import import_module

from gradproof.checks.own_process.parent import Checked, Limits, Says, checked_file
from gradproof.checks.own_process.submission import checked_submission
from gradproof.formats.grading import HELD, LEVELS, Grading
from gradproof.limits.deadline import TIME_LIMIT
from gradproof.limits.process import MEMORY_LIMIT
from gradproof.programs.child import checked_program
from gradproof.programs.options import Options
from gradproof.symbolic import escaping
from gradproof.terminal import FAILED, FINDINGS, FINE, Progress, say

WHOLE = {"json": "records", "junit": "junit", "sarif": "sarif", "gradescope": "gradescope"}
"""Formats that are written when all is known, and what writes them."""
MOST_DIGITS = 6


def add_options(command: argparse.ArgumentParser, spec: str) -> None:
    """The arguments of the command; spec: what a spec is, for the help."""
    command.add_argument("files", nargs="+", metavar="FILE",
                         help="Python files with hand-written gradients, or programs or notebooks "
                         "that train; they are run, each in a process of its own")
    against = command.add_mutually_exclusive_group()
    against.add_argument("--spec", help=f"check their backward passes against this {spec[2:]}")
    against.add_argument("--against", metavar="EXERCISE",
                         help="a Python file that marks functions with @gradproof.gradient_of; "
                         "those that the files define under the same names are checked")
    command.add_argument("--function", help="which function of the file (with --spec)")
    command.add_argument("--loss", default="", help="of a program that trains: what is minimised, "
                         "a name or an expression of its pass, such as \"np.mean((a - y)**2)\"")
    command.add_argument("--wrt", default="", metavar="NAMES",
                         help="its parameters, as in W1,b1 (default: what its steps move)")
    command.add_argument("--line", type=int, default=0,
                         help="the line of its loop (default: the first loop that trains)")
    command.add_argument("--call", default="", metavar="CODE",
                         help="lines that are run after the file, for one that trains nothing by "
                         "itself")
    command.add_argument("--format", choices=("text", *WHOLE, "github"), default="text",
                         help="what to print; github: annotations for the lines of a pull request "
                              "(default: %(default)s)")
    command.add_argument("--hints", choices=LEVELS, default="edit",
                         help="what is told of a wrong gradient in other formats than text: the "
                         "verdict alone, or where it is wrong, or what mends it, too (default: "
                         "%(default)s)")
    command.add_argument("--points", type=_positive, metavar="POINTS",
                         help="what the gradients of a function are worth together (default: 1 "
                         "each)")
    command.add_argument("--jobs", type=_whole, default=os.cpu_count() or 1, metavar="N",
                         help="how many files at a time (default: %(default)s)")
    command.add_argument("--sample", type=_whole, metavar="N",
                         help="check N of the files alone, drawn as at every other time")
    add_limits(command)


def add_limits(command: argparse.ArgumentParser) -> None:
    """How long a hand-written file may run, and in how much memory."""
    command.add_argument("--time-limit", type=_positive, default=TIME_LIMIT, metavar="SECONDS",
                         help="for the file to run, and for each gradient: what is not known by "
                              "then is undecided (default: %(default)g)")
    command.add_argument("--memory-limit", type=_positive, default=MEMORY_LIMIT,
                         metavar="GIGABYTES", help="for the process in which the file runs, where "
                         "the system can hold it (default: %(default)g)")


def _positive(text: str) -> float:
    with suppress(ValueError):
        if 0 < (value := float(text)) < math.inf:
            return value
    raise argparse.ArgumentTypeError(f"expected a number > 0, got {text!r}")


def _whole(text: str) -> int:
    if text.isdecimal() and len(text) <= MOST_DIGITS and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected a whole number > 0, got {text!r}")


def run(options: argparse.Namespace) -> int:
    """Runs the command.  Raises ValueError where there is nothing to check.

    The exit code is that of the findings, also where the reader of the output has gone.
    """
    answers: list[Checked] = []
    heard = True
    for answer in _answers(options):
        answers.append(answer)
        if answer.error:
            say(f"gradproof: error: {answer.error}", sys.stderr)
        elif options.format not in WHOLE and heard:
            heard = _print(_said(answer, options))
    if options.format in WHOLE and heard:
        write: Callable[[Sequence[Checked], Grading], str] = getattr(
            import_module(f"gradproof.formats.{WHOLE[options.format]}"), WHOLE[options.format])
        _print(write(answers, Grading(options.hints, options.points)))
    if any(answer.error for answer in answers):
        return FAILED
    return FINE if all(answer.verdict in HELD for answer in answers) else FINDINGS


def _print(text: str) -> bool:
    """Whether anybody reads it: not after `head` has seen enough."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def _answers(options: argparse.Namespace) -> Iterator[Checked]:
    """Every gradient of the files with what was found; ValueError where a single file has none."""
    files = _sampled(options.files, options.sample)
    with Progress() as progress:
        if len(files) == 1:
            yield from _of_file(files[0], options, progress.says)
            return
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(options.jobs) as pool:
            try:
                for done, found in enumerate(pool.map(lambda file: _all_of(file, options), files)):
                    progress.says(f"{done + 1} of {len(files)} files are checked")
                    yield from found
            finally:
                pool.shutdown(wait=False, cancel_futures=True)


def _sampled(files: Sequence[str], count: int | None) -> Sequence[str]:
    if count is None or count >= len(files):
        return files
    import random

    chosen = set(random.Random(len(files)).sample(sorted(files), count))
    say(f"gradproof: {count} of {len(files)} files are checked", sys.stderr)
    return [file for file in files if file in chosen]


def _all_of(file: str, options: argparse.Namespace) -> list[Checked]:
    """What is found of one file among others, which is an answer also where it cannot be run."""
    try:
        return list(_of_file(file, options, lambda _: None))
    except ValueError as error:
        return [Checked("", file, 1, error=str(error))]


def _of_file(file: str, options: argparse.Namespace, says: Says) -> Iterator[Checked]:
    limits = Limits(options.time_limit, options.memory_limit)
    if options.against:
        found = checked_submission(file, options.against, options.hints == "edit", limits, says)
    elif options.spec:
        found = checked_file(file, options.spec, options.function or "", limits, says)
    else:
        wrt = tuple(filter(None, map(str.strip, options.wrt.split(","))))
        said = Options(options.loss, wrt, options.line, options.call)
        found = checked_program(file, said, limits, says)
    empty = True
    for answer in found:
        empty = False
        yield answer
    if empty:
        raise ValueError(f"{file}: nothing to check")


def _said(answer: Checked, options: argparse.Namespace) -> str:
    among = f"{answer.file}: " if len(options.files) > 1 else ""
    lines = [f"{among}{answer.name}: {answer.verdict}"]
    if options.format == "github":
        from gradproof.formats.github import github

        return "\n".join([*map(escaping.printed, lines), *github(answer)])
    lines += [f"  {line}" for line in (*answer.taken, *str(answer.result).splitlines())]
    return escaping.printed("\n".join(lines))
