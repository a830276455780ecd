"""The command ``gradproof check``: what it prints, and its exit code."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from gradproof.terminal import FINDINGS, FINE, progress

if TYPE_CHECKING:
    from gradproof.checks.results import CheckResult


def add_options(command: argparse.ArgumentParser, spec: str) -> None:
    """The arguments of the command; spec: what a spec is, for the help."""
    command.add_argument("file", help="a Python file with hand-written gradients; it is run")
    command.add_argument("--spec", help=f"check its backward pass against this {spec[2:]}")
    command.add_argument("--function", help="which function of the file (with --spec)")
    command.add_argument("--format", choices=("text", "json", "github"), default="text",
                         help="what to print; github: annotations for the lines of a pull request "
                              "(default: %(default)s)")


def run(options: argparse.Namespace) -> int:
    """Runs the command.  Raises ValueError where there is nothing to check."""
    if options.format == "text":
        results = _results(options)
    else:  # what the file prints is no part of the findings
        with redirect_stdout(sys.stderr):
            results = _results(options)
    if options.format == "json":
        print(json.dumps([_as_json(made, result) for made, result in results], indent=2))
    elif options.format == "github":
        from gradproof.github import github

        for function, result in results:
            print("\n".join([f"{function.__name__}: {result.verdict}", *github(function, result)]))
    else:
        for function, result in results:
            print(f"{function.__name__}: {result.verdict}")
            print("\n".join(f"  {line}" for line in str(result).splitlines()))
    fine = all(result.verdict in ("proved", "agrees") for _, result in results)
    return FINE if fine else FINDINGS


def _results(options: argparse.Namespace) -> list[tuple[Callable[..., Any], CheckResult]]:
    """Every gradient of the file with what was found; ValueError where there is none."""
    if options.spec:
        from gradproof.checks.hand_files import load_function
        from gradproof.checks.hand_written import check_network
        from gradproof.derivations.derivation import derive
        from gradproof.derivations.sources import load

        derivation = derive(load(options.spec))
        function = load_function(options.file, options.function)
        with progress("checking"):
            return [(function, check_network(derivation, function, options.file))]
    from gradproof.checks import hand_files as marks
    from gradproof.checks.functions import check
    from gradproof.checks.hand_files import run_file

    before = len(marks.MARKED)
    run_file(options.file)
    results = []
    for mark in marks.MARKED[before:]:
        with progress("checking"):
            try:
                found = check(mark.loss, mark.gradient, wrt=mark.wrt, inputs=mark.shapes)
            except ValueError as error:
                name = mark.gradient.__name__
                raise ValueError(f"{options.file}: {name}: {error}") from error
        results.append((mark.gradient, found))
    if not results:
        raise ValueError(f"{options.file}: nothing to check: no function is marked "
                         "@gradproof.gradient_of(loss, X=\"m n\", ...); or give --spec to "
                         "check a backward pass against a network")
    return results


def _as_json(function: Callable[..., Any], result: CheckResult) -> dict[str, Any]:
    from dataclasses import asdict
    from math import isfinite

    def finite(value: Any) -> Any:
        """JSON has no NaN and no infinity."""
        if isinstance(value, float):
            return value if isfinite(value) else None
        return [finite(inner) for inner in value] if isinstance(value, tuple | list) else value

    checks = [
        {key: finite(value) for key, value in asdict(found).items()} for found in result
    ]
    place = None
    if result.place is not None:
        place = {"file": result.place.filename, "line": result.place.line}
    return {"function": function.__name__, "verdict": result.verdict,
            "first_wrong": result.first_wrong, "place": place,
            "repair": asdict(result.repair) if result.repair else None,
            "unchecked": list(result.unchecked), "unasked": list(result.unasked),
            "checks": checks}
