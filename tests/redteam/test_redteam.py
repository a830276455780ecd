"""Hundreds of wrong gradients, none proved; hundreds of right ones, none refuted.

By default one in ten of each family is checked, all of them with `-m slow`; what fails so far
stands in due.txt, which shrinks.
"""

from __future__ import annotations

from collections import Counter

import pytest
from redteam import (
    conditions,
    right_models,
    right_scalar,
    right_styles,
    wrong_hidden,
    wrong_models,
    wrong_outside,
    wrong_python,
    wrong_shapes,
    wrong_sizes,
    wrong_state,
    wrong_values,
)
from redteam.case import checked, due, errors, granted, titled

WRONG = [case for table in (
    wrong_sizes, wrong_state, wrong_outside, wrong_hidden, wrong_values, wrong_shapes, wrong_python,
    wrong_models) for case in table.CASES] + conditions.WRONG
RIGHT = [*right_scalar.CASES, *right_models.CASES, *right_styles.CASES, *conditions.RIGHT]


def test_there_are_enough_of_them_each_with_a_name_of_its_own():
    assert len(WRONG) >= 200
    assert len(RIGHT) >= 300
    for cases, suite in ((WRONG, "wrong"), (RIGHT, "right")):
        names = Counter(case.name for case in cases)
        assert max(names.values()) == 1
        assert set(due(suite)) <= set(names), "due.txt names cases that there are not"


@pytest.mark.parametrize("case", titled("wrong", WRONG, 10))
def test_a_wrong_gradient_is_never_proved(case):
    result = checked(case)
    assert result.verdict != "proved" or granted(case, result), f"{case.fault}\n{result}"
    if not case.special:
        unsteady = any("two calls" in check.reason for check in result)  # that is said as such
        assert result.verdict == "refuted" or unsteady, f"{case.fault}\n{result}"


@pytest.mark.parametrize("case", titled("right", RIGHT, 10))
def test_a_right_gradient_is_never_refuted(case):
    result = checked(case)
    assert result.verdict != "refuted", str(result)


@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.rows),
                                   pytest.param(4, marks=pytest.mark.slow)])
def test_three_of_four_right_gradients_are_proved(every):
    """What is not proved is listed; what has no end so far counts as not proved."""
    waiting, verdicts, cases = due("right"), {}, RIGHT[::every]
    for case in cases:
        try:
            verdicts[case.name] = "no end" if waiting.get(case.name, "").startswith("no end") \
                else checked(case).verdict
        except Exception as error:
            verdicts[case.name] = type(error).__name__
    rest = [f"{name}: {verdict}" for name, verdict in verdicts.items() if verdict != "proved"]
    print(f"{len(cases) - len(rest)} of {len(cases)} proved; not:", *rest, sep="\n")
    assert len(cases) - len(rest) >= 0.75 * len(cases), "\n".join(rest)


@pytest.mark.slow
def test_what_is_called_wrong_is_wrong():
    """By differences of fourth order, written apart: at one of its points each case is off."""
    for case in WRONG:
        if case.digits:
            assert not max(errors(case)) <= min(1e-6, case.digits), case.name


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:this is the gradient")
def test_what_is_called_right_is_right():
    for case in RIGHT:
        assert max(errors(case)) <= case.digits, case.name
