"""What was found as JSON: a list with a record for each function, as check.schema.json says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite
from typing import Any

from gradproof.checks.own_process.parent import Checked
from gradproof.checks.results import CheckResult
from gradproof.formats.grading import Grading
from gradproof.symbolic import escaping
from gradproof.symbolic.places import in_cell


def records(answers: Sequence[Checked], grading: Grading) -> str:
    """The records of all functions."""
    return escaping.json_text([_record(answer, grading) for answer in answers])


def _record(answer: Checked, grading: Grading) -> dict[str, Any]:
    shares = list(grading.shares(answer))
    record: dict[str, Any] = {
        "file": answer.file, "function": answer.name, "verdict": answer.verdict,
        "points": sum(earned for _, earned, _ in shares),
        "max_points": sum(most for *_, most in shares) or grading.possible(answer),
    }
    if answer.result is None:
        return {**record, "error": answer.error}
    return {**record, "taken": list(answer.taken), **_of_result(answer.result), "checks": [
        {**_of_check(check), "points": earned, "hint": grading.hint(answer, check)}
        for check, earned, _ in shares]}


def _of_result(result: CheckResult) -> dict[str, Any]:
    place = None
    if result.place is not None:
        cell, line = in_cell(result.place.filename, result.place.line)
        place = {"file": result.place.filename, "line": line, **({"cell": cell} if cell else {})}
    return {"first_wrong": result.first_wrong, "place": place,
            "repair": asdict(result.repair) if result.repair else None,
            "unchecked": list(result.unchecked), "unasked": list(result.unasked)}


def _of_check(check: Any) -> dict[str, Any]:
    return {key: _finite(value) for key, value in asdict(check).items() if key != "factor"}


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    return [_finite(inner) for inner in value] if isinstance(value, tuple | list) else value
