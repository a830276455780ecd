"""Findings as GitHub workflow commands, which show them at their lines in a pull request.

The form is that of "Workflow commands for GitHub Actions": ``::error file=...,line=...::text``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from gradproof.checks.own_process.parent import Checked
from gradproof.symbolic import escaping

LEVELS = {"refuted": "error", "undecided": "warning"}


def github(answer: Checked) -> Iterator[str]:
    """An annotation for each gradient that is refuted or undecided.

    It stands at the line of the first wrong quantity where that is known, else at the function.
    """
    result = answer.result
    for check in result or ():
        level = LEVELS.get(check.verdict)
        if level is None or result is None:
            continue
        file, line = answer.file, answer.line
        text = str(check)
        refuted = [other.name for other in result if other.verdict == "refuted"]
        if result.place is not None and check.verdict == "refuted":
            if Path(result.place.filename).is_file():
                file, line = result.place.filename, result.place.line
            if check.name == refuted[0]:
                text += f"\n{result.first_wrong}"
                if result.repair is not None:
                    text += f"\nrepair: {result.repair}"
        title = f"gradient of {check.name} in {answer.name}: {check.verdict}"
        yield annotation(level, _relative(file), line, title, text)


def annotation(level: str, file: str, line: int, title: str, text: str) -> str:
    """One workflow command; level: error or warning.  Everything in it is escaped."""
    return (f"::{level} file={escaping.workflow_property(file)},line={line},"
            f"title={escaping.workflow_property(title)}::{escaping.workflow_data(text)}")


def _relative(file: str) -> str:
    """The path from the working directory, as annotations need it, where it is below."""
    path = os.path.relpath(file)
    return file if path.startswith("..") else Path(path).as_posix()
