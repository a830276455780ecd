"""What was found as SARIF 2.1.0 (OASIS standard): findings with places, and edits as fixes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gradproof.checks.own_process.parent import Checked
from gradproof.checks.results import Check
from gradproof.formats.grading import HELD, Grading
from gradproof.repair.search import Repair
from gradproof.symbolic import escaping

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
RULES = {
    "refuted": ("error", "The hand-written gradient is not that of its loss."),
    "undecided": ("warning", "Neither a proof nor the numbers decide about the gradient."),
    "error": ("error", "The gradient could not be checked."),
}
"""verdict: its level, and what it says of a gradient."""


def sarif(answers: Sequence[Checked], grading: Grading) -> str:
    """One run with a result for each gradient that does not hold."""
    driver = {
        "name": "gradproof", "version": version("gradproof"),
        "rules": [{"id": f"gradient-{verdict}", "shortDescription": {"text": text},
                   "defaultConfiguration": {"level": level}}
                  for verdict, (level, text) in RULES.items()],
    }
    results = [found for answer in answers for found in _results(answer, grading)]
    return escaping.json_text({
        "$schema": SCHEMA, "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints",
                  "results": results}],
    })


def _results(answer: Checked, grading: Grading) -> Iterator[dict[str, Any]]:
    if answer.result is None:
        yield _result("error", answer.error, answer.file, answer.line)
    for check in answer.result or ():
        if check.verdict not in HELD:
            yield _of_check(answer, check, grading)


def _of_check(answer: Checked, check: Check, grading: Grading) -> dict[str, Any]:
    result = answer.result
    file, line = answer.file, answer.line
    shows_line = grading.hints != "verdict" and check.verdict == "refuted"
    if result is not None and result.place is not None and shows_line:
        file, line = result.place.filename, result.place.line
    found = _result(check.verdict, f"{answer.name}: {grading.hint(answer, check)}", file, line)
    repair = result.repair if result is not None and grading.hints == "edit" else None
    if repair is not None and check.verdict == "refuted":
        found["fixes"] = [{
            "description": {"text": repair.explanation},
            "artifactChanges": [_change(edit) for edit in (repair, *repair.further)],
        }]
    return found


def _result(verdict: str, text: str, file: str, line: int) -> dict[str, Any]:
    return {
        "ruleId": f"gradient-{verdict}", "level": RULES[verdict][0], "message": {"text": text},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": _uri(file)}, "region": {"startLine": max(line, 1)}}}],
    }


def _change(edit: Repair) -> dict[str, Any]:
    """Whole lines: from the first column of the edit's to that of the line after."""
    count, text = edit.replaced
    return {
        "artifactLocation": {"uri": _uri(edit.file)},
        "replacements": [{
            "deletedRegion": {"startLine": edit.line, "startColumn": 1,
                              "endLine": edit.line + count, "endColumn": 1},
            "insertedContent": {"text": text},
        }],
    }


def _uri(file: str) -> str:
    """Relative to the working directory where the file is below it, as scanners of a repository
    need it."""
    path = os.path.relpath(file)
    if path.startswith(".."):
        return Path(file).resolve().as_uri()
    return quote(Path(path).as_posix())
