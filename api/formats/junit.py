"""What was found as JUnit's XML: a test suite for each file, a test case for each gradient."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from gradproof.checks.own_process.parent import Checked
from gradproof.formats.grading import HELD, Grading
from gradproof.symbolic import escaping


def junit(answers: Sequence[Checked], grading: Grading) -> str:
    """The whole document.  What is refuted or undecided fails; what cannot be run is an error."""
    suites = [_suite(file, list(group), grading)
              for file, group in groupby(answers, key=lambda answer: answer.file)]
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>',
                      "<testsuites>", *suites, "</testsuites>"])


def _suite(file: str, answers: Sequence[Checked], grading: Grading) -> str:
    cases = [case for answer in answers for case in _cases(answer, grading)]
    failures = sum("<failure" in case for case in cases)
    errors = sum("<error" in case for case in cases)
    return "\n".join([
        f'<testsuite name="{_attribute(file)}" tests="{len(cases)}" failures="{failures}" '
        f'errors="{errors}">', *cases, "</testsuite>"])


def _cases(answer: Checked, grading: Grading) -> Iterator[str]:
    place = (f'classname="{_attribute(answer.name or answer.file)}" '
             f'file="{_attribute(answer.file)}" line="{answer.line}"')
    if answer.result is None:
        yield (f'<testcase name="{_attribute(answer.name or answer.file)}" {place}>'
               f'<error message="{_attribute(answer.error)}"/></testcase>')
    for check in answer.result or ():
        case = f'<testcase name="{_attribute(check.name)}" {place}'
        if check.verdict in HELD:
            yield f"{case}/>"
        else:
            yield (f'{case}><failure type="{check.verdict}" '
                   f'message="{_attribute(f"{check.name}: {check.verdict}")}">'
                   f"{escaping.html(grading.hint(answer, check))}</failure></testcase>")


def _attribute(text: str) -> str:
    """On one line, since a reader of XML takes ends of lines in attributes for blanks."""
    return escaping.html(escaping.one_line(text))
