"""What was found as Gradescope's results.json: a test for each gradient, with its points.

The fields are those of "Autograder Specifications: Output Format" in Gradescope's documentation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gradproof.checks.own_process.parent import Checked
from gradproof.formats.grading import HELD, Grading
from gradproof.symbolic import escaping


def gradescope(answers: Sequence[Checked], grading: Grading) -> str:
    """One submission's tests."""
    tests = [test for answer in answers for test in _tests(answer, grading)]
    return escaping.json_text({
        "score": sum(test["score"] for test in tests), "visibility": "visible",
        "test_output_format": "text", "test_name_format": "text", "tests": tests,
    })


def _tests(answer: Checked, grading: Grading) -> Iterator[dict[str, Any]]:
    if answer.result is None:
        yield _test(answer.name or answer.file, 0.0, grading.possible(answer), answer.error)
    for check, earned, most in grading.shares(answer):
        yield _test(f"{answer.name}: {check.name}", earned, most, grading.hint(answer, check),
                    check.verdict in HELD)


def _test(
    name: str, earned: float, most: float, output: str, passed: bool = False
) -> dict[str, Any]:
    return {"name": name, "score": earned, "max_score": most,
            "status": "passed" if passed else "failed", "output": output}
