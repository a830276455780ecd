"""The command ``gradproof check``: what it prints, and its exit code."""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from gradproof.checks.own_process.parent import Checked, Limits, checked_file
from gradproof.limits.deadline import TIME_LIMIT
from gradproof.limits.process import MEMORY_LIMIT
from gradproof.programs.child import checked_program
from gradproof.programs.options import Options
from gradproof.symbolic import escaping
from gradproof.symbolic.places import in_cell
from gradproof.terminal import FAILED, FINDINGS, FINE, Progress, say


def add_options(command: argparse.ArgumentParser, spec: str) -> None:
    """The arguments of the command; spec: what a spec is, for the help."""
    command.add_argument("file", help="a Python file with hand-written gradients, or a program or "
                         "notebook that trains; it is run")
    command.add_argument("--spec", help=f"check its backward pass against this {spec[2:]}")
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
    command.add_argument("--format", choices=("text", "json", "github"), default="text",
                         help="what to print; github: annotations for the lines of a pull request "
                              "(default: %(default)s)")
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
        elif options.format != "json" and heard:
            heard = _print(_said(answer, options.format))
    if options.format == "json" and heard:
        _print(json.dumps([_as_json(found) for found in answers if not found.error], indent=2))
    if any(answer.error for answer in answers):
        return FAILED
    return FINE if all(answer.verdict in ("proved", "agrees") for answer in answers) else FINDINGS


def _print(text: str) -> bool:
    """Whether anybody reads it: not after `head` has seen enough."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def _answers(options: argparse.Namespace) -> Iterator[Checked]:
    """Every gradient of the file with what was found; ValueError where there is none."""
    found = False
    with Progress() as progress:
        limits = Limits(options.time_limit, options.memory_limit)
        if options.spec:
            answers = checked_file(options.file, options.spec, options.function or "", limits,
                                   progress.says)
        else:
            wrt = tuple(filter(None, map(str.strip, options.wrt.split(","))))
            said = Options(options.loss, wrt, options.line, options.call)
            answers = checked_program(options.file, said, limits, progress.says)
        for answer in answers:
            found = True
            yield answer
    if not found:
        raise ValueError(f"{options.file}: nothing to check")


def _said(answer: Checked, form: str) -> str:
    lines = [f"{answer.name}: {answer.verdict}"]
    if form == "github":
        from gradproof.github import github

        return "\n".join([*map(escaping.printed, lines), *github(answer)])
    lines += [f"  {line}" for line in (*answer.taken, *str(answer.result).splitlines())]
    return escaping.printed("\n".join(lines))


def _as_json(answer: Checked) -> dict[str, Any]:
    from dataclasses import asdict
    from math import isfinite

    result = answer.result
    assert result is not None

    def finite(value: Any) -> Any:
        """JSON has no NaN and no infinity."""
        if isinstance(value, float):
            return value if isfinite(value) else None
        return [finite(inner) for inner in value] if isinstance(value, tuple | list) else value

    checks = [
        {key: finite(value) for key, value in asdict(found).items() if key != "factor"}
        for found in result
    ]
    place = None
    if result.place is not None:
        cell, line = in_cell(result.place.filename, result.place.line)
        place = {"file": result.place.filename, "line": line, **({"cell": cell} if cell else {})}
    return {"function": answer.name, "verdict": result.verdict, "taken": list(answer.taken),
            "first_wrong": result.first_wrong, "place": place,
            "repair": asdict(result.repair) if result.repair else None,
            "unchecked": list(result.unchecked), "unasked": list(result.unasked),
            "checks": checks}
