"""The problems of docs/problems: their pages are fresh, and their numbers are PyTorch's."""

import re
from pathlib import Path

import pytest
from problems import FIELDS, PROBLEMS
from problems.columns import block, measured

PAGES = Path(__file__).parents[2] / "docs" / "problems"
SOME = list(PROBLEMS)[::20]


def pages() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in PAGES.glob("*.md")}


def test_every_field_has_a_page_and_every_problem_a_row():
    found = pages()
    assert len(found) == len(FIELDS) + 1
    text = "\n".join(found.values())
    assert len(PROBLEMS) >= 160
    for field in FIELDS:
        assert f"# {field.title}\n" in text
    for name in PROBLEMS:
        assert f"\n| {name} | " in text


def test_what_the_pages_print_is_what_is_derived():
    text = "\n".join(pages().values())
    stale = [name for name in SOME[1::6] if block(PROBLEMS[name]) not in text]
    assert not stale, f"run benchmarks/problem_pages.py --printed: {stale}"


@pytest.mark.slow
def test_a_power_of_a_softmax_that_is_an_input_has_source():
    problem = PROBLEMS["focal with labels"]
    value = problem.derivation.compile()(**problem.values())[0]
    space = {}
    exec(problem.derivation.numpy_source(name="printed"), space)
    assert space["printed"](**problem.values())[0] == value


def test_a_temporary_that_has_an_adjoint_or_a_softmax_is_defined():
    blocks = [part for text in pages().values() for part in text.split("\n### ")[1:]]
    assert len(blocks) == len(PROBLEMS)
    for part in blocks:
        formulas = part.rpartition("```text\n")[2].partition("\n\n∂²")[0]
        named = {*re.findall(r"(?m)^∂L/∂(t[₀₁₂₃₄₅₆₇₈₉]+)", formulas),
                 *re.findall(r"softmax\((t[₀₁₂₃₄₅₆₇₈₉]+)\)", formulas)}
        defined = {*re.findall(r"(?m)^(t[₀₁₂₃₄₅₆₇₈₉]+)[^=]* = ", formulas)}
        assert named <= defined, (part.splitlines()[0], named - defined)


@pytest.mark.slow
def test_a_second_derivative_with_cases_and_exponentials_is_compiled():
    pytest.importorskip("scipy")  # the compiled function has its polygamma
    problem = PROBLEMS["zero-inflated negative binomial"]
    made = problem.derivation.hessian("r")
    values = problem.values()
    found = made.compile()(**{name: values[name] for name in made.inputs})
    assert float(found) == pytest.approx(-0.0304485496549595, rel=1e-12)  # of 40 digits


@pytest.mark.slow
@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.title)
def test_what_a_page_prints_is_what_is_derived(field):
    text = "\n".join(pages().values())
    stale = [each.name for each in list(field)[::3] if block(each) not in text]
    assert not stale, f"run benchmarks/problem_pages.py --printed: {stale}"


@pytest.mark.peers
@pytest.mark.parametrize("name", SOME)
def test_numbers_formulas_and_source_are_right(name):
    pytest.importorskip("torch")
    assert {column: cell.text for column, cell in measured(PROBLEMS[name]).items()
            if not cell.holds} == {}


@pytest.mark.parametrize("name", SOME[1::6])
def test_a_hessian_is_the_derivative_of_the_gradient(name):
    """The gradient's complex step, or its differences, along a direction."""
    import numpy as np

    problem = PROBLEMS[name]
    values, by = problem.values(), problem.hessian_by
    gradient = problem.derivation.compile()
    made = problem.derivation.hessian(by)
    hessian = made.compile()(**{key: values[key] for key in made.inputs})
    rng = np.random.default_rng(1)
    v, h = rng.normal(size=values[by].shape), 3e-7
    ahead, behind = (gradient(**{**values, by: values[by] + sign * h * v})[1][by]
                     for sign in (1, -1))
    due = (ahead - behind) / (2 * h)
    found = np.tensordot(hessian, v, v.ndim) if v.ndim else hessian * v
    np.testing.assert_allclose(found, due, rtol=1e-5, atol=1e-6 * (1 + np.abs(due).max()))
