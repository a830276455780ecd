"""The font of formulas is in the page, small, and has the characters that formulas are made of."""

from __future__ import annotations

import base64
import html
import re

import pytest

import gradproof as gp
from gradproof.derivations.sources import load_source
from gradproof.reporting import report_data
from gradproof.reports.mathml import mathml
from gradproof.reports.pages.html_page import html_page
from gradproof.reports.pages.render import template_text

RULE = template_text("math_font.css")


def characters() -> set[int]:
    (said,) = re.findall(r"unicode-range: ([^;]*);", RULE)
    found: set[int] = set()
    for run in said.split(","):
        first, _, last = run.removeprefix("U+").partition("-")
        found |= set(range(int(first, 16), int(last or first, 16) + 1))
    return found


def lacking(markup: str) -> set[str]:
    """Characters of formulas that the font has not; a letter alone is shown in italics."""
    found: set[str] = set()
    for formula in re.findall(r"<math.*?</math>", markup, re.DOTALL):
        shown = re.sub(r"<(annotation|mtext).*?</\1>", "", formula, flags=re.DOTALL)
        found |= set(html.unescape(re.sub(r"<[^>]*>", "", shown)))
    return {one for one in found if ord(one) not in characters()}


def test_it_is_small_and_a_font() -> None:
    (data,) = re.findall(r"base64,([^)]*)\)", RULE)
    font = base64.b64decode(data, validate=True)
    assert font[:4] == b"wOF2"
    assert len(font) < 45_000
    assert int.from_bytes(font[8:12], "big") == len(font)


def test_italics_and_what_grows_are_there() -> None:
    assert {0x1D44E + at for at in range(26) if at != 7} | {0x210E} <= characters()
    assert {ord(one) for one in "()[]{}|√∑∏∫∂∇⊙⊘⊤−⋅"} <= characters()


@pytest.mark.parametrize("name", [
    "2-2-1", *(pytest.param(name, marks=pytest.mark.slow)
               for name in ("3-4-2", "lstm", "transformer", "gaussian-process"))])
def test_formulas_of_reports_have_their_characters(name: str) -> None:
    data, _ = report_data(load_source(name), sections=["network", "forward", "derivation"])
    page = html_page(data)
    assert page.count("@font-face") == 1
    assert lacking(page) == set()
    assert lacking(mathml(r"\mathbb{Q}"))  # which is of no report


def test_an_audit_has_it_too() -> None:
    audit = gp.audit({"specs": {"a": {"equations": "y = x**2", "shapes": {"x": ""}}},
                      "claims": [{"formula": r"\frac{dy}{dx} = 2x"}]})
    page = audit.report("html")
    assert page.count("@font-face") == 1
    assert "<math" in page
    assert lacking(page) == set()


def test_what_is_written_as_in_a_program_is_not_set() -> None:
    audit = gp.audit({"specs": {"a": {"equations": "y = x**2", "shapes": {"x": ""}}},
                      "claims": [{"formula": "output = x * delta"}, {"formula": "x_1 = y²"},
                                 {"formula": r"\frac{1}{3} = 0.34"}]})
    page = audit.report("html")
    assert page.count('<span class="set">') == 3  # two claims, and the side whose figure is told
    assert '<td><code>output = x * delta' in page
