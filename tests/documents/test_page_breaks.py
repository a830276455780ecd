"""Pages of LaTeX end where they may: not between the rows of a formula, not behind a heading or the
first row of a table; the scripts of a letter stand above one another; and the words are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gradproof.derivations.sources import load_source
from gradproof.reporting import report_data
from gradproof.reports.content import (
    Bullets,
    Display,
    Listing,
    Paragraph,
    Relation,
    Section,
    Side,
    Table,
)
from gradproof.reports.language import language
from gradproof.reports.markup import Latex, scripts_together
from gradproof.reports.pages.document import ReportData
from gradproof.reports.pages.render import latex, markdown


def report_of(*blocks: object) -> ReportData:
    return ReportData("name", title=("Title",), sections=(Section(("Head",), blocks),))  # type: ignore[arg-type]


def rows(*formulas: Relation) -> list[str]:
    """How each row but the last ends."""
    return re.findall(r"\\\\(\*?(?:\[4pt\])?)\n", Latex().display(Display(formulas)))


def test_no_page_ends_within_a_formula() -> None:
    long = Relation("y", tuple(Side("=", (" + ".join(["a_{1}"] * 14),)) for _ in range(3)))
    short = Relation("y", (Side("=", ("a",)),))
    assert rows(short, long, short, short, short) == ["*", "*", "*", "", "", "*"]


def test_no_page_has_one_row_of_many_alone() -> None:
    short = Relation("y", (Side("=", ("a",)),))
    assert rows(*[short] * 5) == ["*", "", "", "*"]
    tall = Relation("y", (Side("=", (r"\frac{a}{b}",)),))
    assert rows(tall, tall, short) == ["*[4pt]", "*"]


@pytest.mark.parametrize(("block", "room"), [
    (Listing("a = 1\n" * 40), 17), (Listing("a = 1\n"), 9), (Bullets((("x",), ("y",))), 9),
    (Table((("head",),), ((("x",),),) * 3, "l"), 11),
])
def test_a_heading_takes_what_follows_it_along(block: Listing | Table | Bullets,
                                               room: int) -> None:
    text = latex(report_of(Paragraph(("Said.",)), block))
    assert f"\\roomfor{{{room}}}\n\\section{{Head}}" in text
    assert r"\roomfor{" not in latex(report_of(Paragraph(("Said.",)))).split(r"\begin{document}")[1]


def test_a_long_table_leaves_no_row_alone() -> None:
    table = Table((("head",),), tuple(((str(at),),) for at in range(20)), "l")
    text = latex(report_of(table))
    ends = re.findall(r"^\d+ \\\\(\*?)$", text, re.MULTILINE)
    assert ends == ["*", "*", *[""] * 15, "*", "*", ""]


def test_scripts_stand_above_one_another() -> None:
    kept = r"{W _{o}}^{(1)} _{i j} {a^{o}} _{t} + {b _{f}}^{[2]} + {x^{2}}^{\top} {z _{ij}}^{(1)}"
    assert scripts_together(kept) == (
        r"W _{o,i j}^{(1)} a^{o} _{t} + b _{f}^{[2]} + {x^{2}}^{\top} {z _{ij}}^{(1)}")


def test_one_entry_is_not_left_out() -> None:
    """To say that one is left out takes as much room as its line."""
    data, _ = report_data(load_source("columns"))
    text = markdown(data)
    assert "The other 7 entries of $`Z^{(1)}`$ are left out." in text
    assert not re.search(r"\b1 (further |other )?entr(y|ies)", text)


def test_the_rule_is_told_in_words() -> None:
    data, _ = report_data(load_source("xor"), sections=["rule"])
    assert "a unit whose slope is near zero is saturated" in markdown(data)
    assert "导数接近零的单元已饱和" in markdown(data.translated(language("zh")))


def test_a_formula_keeps_off_the_heading_above_it() -> None:
    """TeX leaves less above one row than above several where no text stands before it."""
    one = Relation("y", (Side("=", ("a",)),))
    above = r"\section{Head}" + "\n" + r"\nobreak\vspace{"
    assert above + r"\dimexpr\abovedisplayskip-\baselineskip\relax}" in latex(
        report_of(Display((one,))))
    assert above + r"-\baselineskip}" in latex(report_of(Display((one, one))))


@pytest.mark.slow
def test_a_picture_keeps_its_caption() -> None:
    data, _ = report_data(load_source("3-4-2"), sections=["training"])
    text = latex(data)
    assert "The loss after" in text
    assert re.search(r"\\nopagebreak\n[^\n]*The loss after", text)


SPEC = """name = "t"
parameters = ["a"]
equations = "{text}"
[shapes]
x = "n m"
a = ""
"""


@pytest.mark.parametrize(("text", "shown", "first"), [
    ("L = sum(a*x**2)", "a x _{i j}^{2}", 1), ("L = sum(a*x[0])", "a x _{0 j}", 0),
    ("L = sum(a*x[1:]*x[:-1])", "a x _{i+1,j} x _{i j}", 0),
    ("L = sum(a*x[::-1])", "a x _{-i+n-1,j}", 0), ("L = sum(a*x*arange(m))", "a x _{i j} j", 0),
    (r"y = sum(x, axis=1, keepdims=True)\nL = sum(a*y*x)", "y _{i}", 1),
])
def test_it_is_said_from_where_subscripts_count(tmp_path: Path, text: str, shown: str,
                                                first: int) -> None:
    """Formulas count from 0 where that is seen in them, numbers from 1."""
    (tmp_path / "t.toml").write_text(SPEC.format(text=text))
    data, _ = report_data(load_source(str(tmp_path / "t.toml")), sections=["network", "forward"])
    english, chinese = markdown(data), markdown(data.translated(language("zh")))
    assert shown in english
    assert ("In formulas subscripts count from 0, in worked numbers" in english) is (first == 0)
    assert ("Subscripts count from 1;" in english) is (first == 1)
    assert ("公式中下标从 0 起，数值演算中从 1 起" in chinese) is (first == 0)


def test_the_rule_says_what_a_batch_makes_of_it() -> None:
    """A batch whose loss is a mean has the means of the gradients."""
    data, _ = report_data(load_source("moons"), sections=["rule"])
    english, chinese = markdown(data), markdown(data.translated(language("zh")))
    assert "the sums of these over the samples, or the means where the loss is a mean; a" in english
    assert "损失取平均时为各样本之平均；惩罚项另加其梯度" in chinese
