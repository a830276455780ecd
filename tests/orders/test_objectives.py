"""Objectives of boosting and of SciPy's solvers: the verdict is right, and the cause is named."""

import pytest
from objectives import CASES

import gradproof as gp
from gradproof.checks.results import ORDER

QUICK = ("logistic", "squared log error", "Cox", "curve_fit", "matrix factorisation")


def marked(cases):
    return [pytest.param(case, id=case.name, marks=() if case.name in QUICK else pytest.mark.slow)
            for case in cases]


def judged(case, hand):
    inputs = {"repair_seconds": 0, **case.options, **case.inputs}
    if case.kind == "objective":
        return gp.check_objective(case.function, hand, **inputs)
    if case.kind == "jacobian":
        return gp.check_jacobian(case.function, hand, **inputs)
    if case.kind == "gradient":
        return gp.check(case.function, hand, wrt=[next(iter(case.inputs))], **inputs)
    return gp.check_hessian(case.function, **hand, **inputs)


@pytest.mark.parametrize("case", marked(CASES))
def test_a_right_one_passes(case):
    found = judged(case, case.right)
    assert ORDER.index(found.verdict) >= ORDER.index(case.least), str(found)


@pytest.mark.parametrize("case", marked(CASES))
def test_a_wrong_one_is_refuted_and_its_cause_is_named(case):
    found = judged(case, case.wrong)
    assert (found.verdict, case.cause in str(found)) == ("refuted", True), str(found)


def test_there_are_as_many_as_the_page_says():
    assert len(CASES) >= 25
