"""Published gradients beside the derived ones: proved equal, and alike or not as the page says."""

import pytest
from likeness import Likeness
from papers_compared import compared
from published import PUBLISHED

from gradproof.symbolic.reread.parsing import Names, expression
from gradproof.symbolic.reread.shapes import Convention

TITLES = [case.title for case in PUBLISHED]


@pytest.mark.slow
@pytest.mark.parametrize("case", PUBLISHED, ids=TITLES)
def test_what_was_published_is_proved_and_stands_as_the_page_says(case):
    found = compared(case)
    assert found.verdict == "proved"
    assert found.alike == (not case.differs), found.derived


def test_thirty_fields_are_published_and_most_are_alike():
    assert len(PUBLISHED) >= 40
    assert len({case.title for case in PUBLISHED}) == len(PUBLISHED)
    assert sum(not case.differs for case in PUBLISHED) >= 40
    assert all(case.source for case in PUBLISHED)


WRONG = [
    ("Least squares", ("∂RSS/∂β = -Xᵀ (y - X β)",)),
    ("Logistic regression", ("∂E/∂w = Φᵀ (t - y)",)),
    ("Covariance of a Gaussian", ("∂l/∂Σ = -½ Σ⁻¹ + ½ Σ⁻¹ C",)),
    ("The softmax of attention", ("D = dP 1", "∂L/∂S = P ⊙ (dP - D 1ᵀ)")),
    ("Layer normalisation", ("∂L/∂X = (G - Y ⊙ (((G ⊙ Y) 1) 1ᵀ)/n) ⊘ (σ 1ᵀ)",)),
    ("t-SNE", ("Z = Σ_i Σ_j Vᵢⱼ - n",
               "∂C/∂yᵢⱼ = 2 Σ_k (pᵢₖ - Vᵢₖ/Z) (yᵢⱼ - yₖⱼ) Vᵢₖ")),
]


@pytest.mark.parametrize(("title", "lines"), WRONG)
def test_a_wrong_formula_is_neither_proved_nor_alike(title, lines):
    found = compared(PUBLISHED[TITLES.index(title)], lines)
    assert found.verdict == "refuted"
    assert not found.alike


NAMES = Names.of({"A": ["A"], "B": ["B"], "x": ["x"], "y": ["y"], "c": ["c"], "S": ["S"]},
                 {"A": 2, "B": 2, "S": 2, "x": 1, "y": 1, "c": 0})
SHAPES = Convention({"A": (3, 3), "B": (3, 3), "S": (3, 3), "x": (3,), "y": (3,), "c": ()})
ALIKE = [
    ("2 (A x - y)", "-2 y + 2 A x"), ("(A B)ᵀ x", "Bᵀ Aᵀ x"), ("xᵀ A y", "yᵀ Aᵀ x"),
    ("x ⊘ y", "x ⊙ y∘^(-1)"), ("c x/2", "½ c x"), ("Sᵀ x", "S x"), ("c (x + y)", "c y + c x"),
    ("A (x - y)", "-A (y - x)"), ("I A", "A"), ("x ⊙ y", "y ⊙ x"),
]
UNLIKE = [
    ("A B", "B A"), ("A (x - y)", "A x - A y"), ("A x", "Aᵀ x"), ("2 x", "x"), ("x", "-x"),
    ("x ⊙ x ⊘ x", "x ⊙ x"), ("(A - I) x", "A x - x"), ("exp(x)", "exp(-x)"),
    ("x yᵀ", "y xᵀ"), ("c x", "x"), ("x + y", "x - y"),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_the_rule_takes_the_same_terms_for_the_same(one, other):
    assert _alike(one, other)


@pytest.mark.parametrize(("one", "other"), UNLIKE)
def test_the_rule_takes_nothing_else_for_the_same(one, other):
    assert not _alike(one, other)


def _alike(one, other):
    return Likeness(SHAPES, {"S"}).alike(expression(one, NAMES), expression(other, NAMES))
