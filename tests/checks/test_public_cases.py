"""Passes in the style of public code: right ones are not blamed, wrong ones show their cause."""

import pytest
from public_cases import RIGHT, WRONG

import gradproof as gp

SLOW = ("LSTM", "group norm", "convolution", "RNN: σ'", "RNN: no carry")
LONG = "LSTM"  # half a minute; its mistakes are in the slow run
UNPROVED: dict[str, set[str]] = {}
"""Gradients that are not proved so far; a proof of one is welcome and needs a line less here."""


def titled(cases):
    return [pytest.param(case, id=case.name, marks=(
        pytest.mark.rows if case.name == LONG else
        pytest.mark.slow if case.name.startswith(SLOW) else ())) for case in cases]


def checked(case):
    return gp.check(case.loss, case.gradient, wrt=case.wrt, inputs=case.inputs,
                    repair_seconds=case.repairs)


@pytest.mark.parametrize("case", titled(RIGHT))
def test_a_right_pass_is_proved_or_at_least_not_blamed(case):
    result = checked(case)
    assert result.verdict in ("proved", "agrees"), str(result)
    unproved = {check.name for check in result if check.verdict != "proved"}
    assert unproved <= UNPROVED.get(case.name, set()), str(result)


def test_four_of_five_gradients_are_proved():
    gradients = sum(len(case.wrt) for case in RIGHT)
    assert sum(map(len, UNPROVED.values())) <= gradients / 5


@pytest.mark.parametrize("case", titled(WRONG))
def test_a_wrong_pass_is_refuted_with_its_cause_in_sight(case):
    result = checked(case)
    refuted = {check.name for check in result if check.verdict == "refuted"}
    assert refuted == set(case.wrong), str(result)
    assert any(text in str(result) for text in case.cause), str(result)
