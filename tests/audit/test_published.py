"""Formulas of books and papers as they are printed: read, and each verdict right."""

import html
import os
import re
import tomllib
from pathlib import Path

import pytest
from latex_formulas import ALTERED, COURSE, NIELSEN, ROWS, UNREAD

import gradproof as gp
from gradproof.claims.formulas import Subject
from gradproof.derivations.sources import differentiating, stated_equations
from gradproof.symbolic.latex.names import network_context, system_context
from gradproof.symbolic.specs.network import Network

TABLES = Path(__file__).parents[1] / "tables"
EXAMPLE = Path(__file__).parents[2] / "examples" / "five-texts" / "claims.toml"


def verdict(text, shapes):
    context = system_context(stated_equations("none__ = 0", shapes), differentiating,
                             layout="denominator")
    (finding,) = Subject(context).judge(text)
    return finding.verdict


@pytest.mark.slow
def test_formulas_as_they_are_printed():
    found = {(source, text): verdict(text, shapes) for source, text, shapes in ROWS}
    unread = [key for key, word in found.items() if word == "unread"]
    assert len(unread) <= 0.15 * len(found), unread
    assert {source for source, _ in unread} <= UNREAD
    assert not [key for key, word in found.items() if word not in ("right", "unread")]


def by_due(keep):
    """The formulas of the table by the verdict that they should have and the one that they get."""
    table = tomllib.loads((TABLES / "book_formulas.toml").read_text(encoding="utf-8"))
    chosen = [claim for claim in table["claims"] if keep(claim)]
    claims = [{key: value for key, value in claim.items() if key != "due"} for claim in chosen]
    found = {}
    for claim, whole in zip(claims, chosen, strict=True):
        findings = gp.audit({"specs": {claim["spec"]: table["specs"][claim["spec"]]},
                             "claims": [claim]})
        found[whole["formula"]] = whole["due"], findings.verdict, [each.why for each in findings]
    return found


@pytest.mark.slow
def test_formulas_as_repositories_write_them():
    found = by_due(lambda claim: True)
    assert len(found) > 150
    unread = [text for text, (_, verdict, _) in found.items() if verdict == "unread"]
    assert len(unread) <= 0.05 * len(found), unread
    assert not {text: all_ for text, all_ in found.items() if all_[0] != all_[1]}


@pytest.mark.slow
def test_mistakes_that_are_printed_are_found():
    found = by_due(lambda claim: "as printed" in claim["where"])
    assert len(found) >= 6
    assert {verdict for _, verdict, _ in found.values()} == {"wrong"}


@pytest.mark.parametrize(("source", "text", "shapes"), ALTERED)
def test_mistakes_in_them_are_found(source, text, shapes):
    assert verdict(text, shapes) == "wrong"


@pytest.mark.parametrize(("text", "name"), NIELSEN)
def test_the_equations_of_backpropagation(text, name):
    network = Network([2, 4, 3, 2], activation="sigmoid", output="sigmoid", batch=False,
                      convention="columns")
    (finding,) = Subject(network_context(network, differentiating)).judge(text)
    assert finding.verdict == "right", finding


@pytest.mark.slow
def test_the_formulas_of_course_notes():
    network = Network(["p", "h", "k"], activation="sigmoid", output="sigmoid", batch=False,
                      convention="columns")
    about = Subject(network_context(network, differentiating))
    findings = [finding for text in COURSE for finding in about.judge(text)]
    assert len(findings) == len(COURSE)
    assert not [finding for finding in findings if finding.verdict != "right"]


@pytest.mark.slow
def test_the_claims_of_five_texts_and_their_report_in_chinese():
    five_texts = gp.audit(EXAMPLE, run=True)
    of_each_kind(five_texts)
    in_chinese(five_texts)


def of_each_kind(five_texts):
    assert len(five_texts) >= 110
    assert set(five_texts.counts) == {"right", "rounded", "wrong"}
    wrong = {finding.claim: finding for finding in five_texts if finding.verdict == "wrong"}

    def told(start):
        (finding,) = (found for claim, found in wrong.items() if claim.startswith(start))
        return " ".join((finding.why, *finding.diagnosis))

    assert "half_squared_error" in told("dA^{(2)} = -(Y - A^{(2)})")  # another loss's gradient
    assert "convention columns" in told("Z¹ = W¹X + b¹")  # a convention that changes
    assert r"x)^\top" in told(r"\frac{\partial L}{\partial W_1} = \frac{\partial L}{\partial z_1}")
    assert "times -1" in told(r"\frac{\partial L}{\partial \hat{y}} = (y")  # a changed sign
    assert r"W_2^\top (" in told(r"\frac{\partial L}{\partial a_1} =")  # shapes that do not fit
    assert "0.27484" in told(r"E \approx 0.27454")
    assert "Loss: 0.2558" in told("xor.py prints Epoch")  # outputs that do not come out
    assert "[0.951]" in told("xor.py prints 预测结果")


def in_chinese(five_texts):
    page = five_texts.report("html", "zh")
    assert page.count("<tr") == len(five_texts) + 1
    assert page.count("<math") > 90
    plain = re.sub(r"<(math|code|style)\b.*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL)
    for formula in (*five_texts, *(part for each in five_texts for part in each.diagnosis)):
        plain = plain.replace(html.escape(getattr(formula, "claim", formula)), " ")
    words = set(re.findall(r"[A-Za-z]{3,}", re.sub(r"“[^”]*”|\w+\.txt", " ", plain)))
    assert words <= {"half", "squared", "error", "convention", "rows", "columns", "hidden", "xor",
                     "frac", "for", "the", "loss", "with", "samples"}, words
    for said in ("正确", "改为下式即正确", "实际打印"):
        assert said in page
    for form in ("text", "markdown"):
        assert "112 条断言" in five_texts.report(form, "zh")


TEXTS = os.environ.get("GRADPROOF_FIVE_TEXTS", "")


@pytest.mark.slow
@pytest.mark.skipif(not TEXTS, reason="the texts are not here: GRADPROOF_FIVE_TEXTS names them")
def test_each_claim_stands_in_its_text():
    table = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    assert all("in" in claim for claim in table["claims"])
    assert not gp.audit(EXAMPLE, texts=TEXTS).notes
