"""Examples that are worked: what their figures draw, and what is said where it does not hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gradproof.checking_runs import checked
from gradproof.cli import main
from gradproof.reports.content import plain
from gradproof.reports.language import language
from gradproof.studying import Sweeping, study_page
from gradproof.symbolic.derive.any_depth import through_layers
from gradproof.training.examples import Hand, Study, chosen, example, names

STUDIES = [name for name in names() if isinstance(chosen(name), Study)]


def study(name: str) -> Study:
    found = chosen(name)
    assert isinstance(found, Study)
    return found


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_opens_with_what_it_teaches_and_a_figure(name):
    data, wrong = study_page(study(name))
    assert wrong == []
    kinds = [block.kind for block in data.sections[0].blocks]
    assert kinds[:2] == ["paragraph", "picture"]
    spoken = language("zh", "training")
    for title, other in ((data.title, spoken.prose(data.title)), *(
            (block.prose, spoken.prose(block.prose)) for block in data.sections[0].blocks
            if block.kind == "paragraph")):
        assert any("\u4e00" <= letter <= "\u9fff" for letter in plain(other)), plain(title)


def test_a_price_moves_by_the_products_of_its_steps():
    """2.2, 22 and 40 times what each input is."""
    slopes = Sweeping(study("price")).slopes()
    assert {name: derived for name, (derived, _) in slopes.items()} == pytest.approx(
        {"p": 2.2 * 20, "q": 22 * 2, "r": 40 * 0.1})


def test_each_equation_of_a_price_has_its_local_derivatives():
    """The products along the way to p, q and r are 2 · 1.1, 20 · 1.1 and 40."""
    (table,) = (block for block in study_page(study("price"))[0].sections[0].blocks
                if block.kind == "table" and plain(block.header[1]) == "local derivative")
    values = {row[1][0].latex: float(plain(row[2])) for row in table.rows}
    assert values == {
        r"\partial c/\partial p = q": 2, r"\partial c/\partial q = p": 20,
        r"\partial f/\partial r = 1": 1, r"\partial T/\partial c = f": 1.1,
        r"\partial T/\partial f = c": 40}


def test_a_softmax_as_its_formula_stands_breaks_off_where_no_float_holds_it():
    sweeping = Sweeping(study("softmax"))
    broken = sweeping.breaks()
    assert broken is not None
    assert sweeping.at(sweeping.loss, "X", 1e6) > 0
    assert sweeping.at(sweeping.loss, "X", 2.0) == pytest.approx(
        sweeping.at(sweeping.by_hand, "X", 2.0), rel=1e-12)
    short = replace(study("softmax"), sweep=replace(study("softmax").sweep, end=broken / 2))
    (said,) = study_page(short)[1]
    assert said.startswith("the program by hand breaks off at None")


@pytest.mark.parametrize("columns", [True, False])
def test_layers_without_activations_are_one_layer_at_any_depth(columns):
    rule, same = through_layers(columns, linear=True)
    assert same
    assert {read.array for read in rule.reads} == {"dZ(l+1)", "W(l+1)"}
    rule, same = through_layers(columns)
    assert not same
    assert "Z(l)" in {read.array for read in rule.reads}


@pytest.mark.slow
def test_what_is_found_before_a_run():
    """The text of exclusive or prints a mean and descends half the sum: the factor is m/2."""
    findings: list[str] = []
    measured, proved, factor = (plain(block.prose) for block in checked(example("xor"), findings))
    assert findings == []
    assert measured.endswith("agrees.")
    assert proved.endswith("proved.")
    assert factor.endswith("refuted; hand-written = ½·m × derived.")
    wrong = replace(example("moons"), hand=(Hand("xor_backward.py"),))
    checked(wrong, findings)
    assert findings == ["xor_backward.py: refuted"]


@pytest.mark.slow
def test_formulas_of_a_text_beside_what_is_right():
    """One with shapes that do not fit, one with the other sign."""
    findings: list[str] = []
    table = checked(example("three-layers"), findings)[-1]
    assert findings == []
    verdicts = [plain(row[1]) for row in table.rows]
    assert verdicts == ["right", "wrong", "wrong", "right", "wrong"]
    assert "W_2^\\top (" in table.rows[1][2][0].latex
    turned = replace(example("three-layers"), audit={**example("three-layers").audit, "claims": [
        {"formula": r"z_1 = W_1 x + b_1", "due": "wrong"}]})
    checked(turned, findings)
    assert findings == ["z_1 = W_1 x + b_1: right, where wrong is due"]


def test_a_study_is_no_example_that_is_trained(tmp_path, capsys):
    with pytest.raises(ValueError, match="price is worked, not trained"):
        example("price")
    (tmp_path / "sweep.svg").write_text("mine")
    assert main(["run", "price", "-o", str(tmp_path), "--format", "markdown"]) == 2
    assert "is no report that gradproof wrote" in capsys.readouterr().err
    assert main(["run", "price", "-o", str(tmp_path / "run"), "--format", "markdown",
                 "--language", "zh"]) == 0
    text = (tmp_path / "run" / "report.md").read_text(encoding="utf-8")
    assert "三个方程里的价格" in text
