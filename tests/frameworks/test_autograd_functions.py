"""Autograd functions as they are written: right ones are proved, wrong ones' lines named."""

import linecache

import pytest

import gradproof as gp

pytestmark = pytest.mark.peers
torch = pytest.importorskip("torch")

from tables import autograd_functions as table  # noqa: E402

EXPLAINED = 0.8
"""Of the wrong ones, so many are explained: the line is named, or the cause said."""


def answer(case):
    return gp.check_layer(case.function, repair_seconds=0, **case.inputs)


def test_there_are_enough():
    assert len(table.RIGHT) >= 40
    assert len(table.WRONG) >= 30
    assert sum(bool(case.agrees) for case in table.RIGHT) <= 0.15 * len(table.RIGHT)
    explained = [case for case in table.WRONG if case.cause or not case.elsewhere]
    assert len(explained) >= EXPLAINED * len(table.WRONG)
    names = [case.name for case in (*table.RIGHT, *table.WRONG)]
    assert len(set(names)) == len(names)


def one_in_five(cases):
    """All of them run by ``pytest -m "peers or rows"``."""
    return [case if place % 5 == 0 else pytest.param(case, marks=pytest.mark.rows)
            for place, case in enumerate(cases)]


@pytest.mark.parametrize("case", one_in_five(table.RIGHT), ids=lambda case: case.name)
def test_a_right_function_is_proved(case):
    result = answer(case)
    assert result.verdict == ("agrees" if case.agrees else "proved"), str(result)


@pytest.mark.parametrize("case", one_in_five(table.WRONG), ids=lambda case: case.name)
def test_a_wrong_function_is_refuted_and_its_line_named_or_the_cause_said(case):
    result = answer(case)
    assert result.verdict == "refuted", str(result)
    if case.cause:
        assert case.cause in str(result)
    if not case.elsewhere:
        assert result.place is not None, str(result)
        line = linecache.getline(table.__file__, result.place.line)
        assert line.rstrip().endswith("# planted"), str(result)
