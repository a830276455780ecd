"""Presets of notation: the same derivation, written as books do; what is no preset is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from networks import example

import gradproof as gp
from gradproof.cli import main
from gradproof.derivations.deriving import derive
from gradproof.derivations.notations import PRESETS, PresetError, in_notation, preset
from gradproof.reporting import report
from gradproof.reports.pages.document import build

WRITTEN = {
    "ng": (r"\mathrm{d}z^{[2]} = (\hat{y} - y) \odot \hat{y} \odot (1 - \hat{y})",
           r"\mathrm{d}W^{[2]} = (a^{[1]})^{\top} \mathrm{d}z^{[2]}", "J"),
    "nielsen": (r"\delta^{3} = (a^{3} - y) \odot a^{3} \odot (1 - a^{3})",
                r"\frac{\partial C}{\partial W^{3}} = (a^{2})^{\top} \delta^{3}", "C"),
    "mitchell": (r"\delta^{(2)} = (o - t) \odot o \odot (1 - o)",
                 r"\frac{\partial E}{\partial W^{(2)}} = (a^{(1)})^{\top} \delta^{(2)}", "E"),
    "bishop": (r"\delta^{(2)} = (y - t) \odot y \odot (1 - y)",
               r"\frac{\partial E}{\partial W^{(2)}} = (a^{(1)})^{\top} \delta^{(2)}", "E"),
    "cs231n": (r"\mathrm{d}z _{2} = (a _{2} - y) \odot a _{2} \odot (1 - a _{2})",
               r"\mathrm{d}W _{2} = a _{1}^{\top} \mathrm{d}z _{2}", "L"),
    "d2l": (r"\frac{\partial J}{\partial z^{(2)}} = (o - y) \odot o \odot (1 - o)",
            r"\frac{\partial J}{\partial W^{(2)}} = h^{\top} "
            r"\frac{\partial J}{\partial z^{(2)}}", "J"),
    "derivatives": (r"\frac{\partial L}{\partial z^{(2)}} = (a^{(2)} - y) \odot a^{(2)} "
                    r"\odot (1 - a^{(2)})",
                    r"\frac{\partial L}{\partial W^{(2)}} = (a^{(1)})^{\top} "
                    r"\frac{\partial L}{\partial z^{(2)}}", "L"),
}


def test_there_is_a_row_for_each_preset() -> None:
    folder = Path(gp.__file__).parent / "notations"
    assert {file.stem for file in folder.glob("*.toml")} == {*PRESETS} == {*WRITTEN}


@pytest.mark.parametrize("name", PRESETS)
def test_the_same_derivation_is_written_as_the_preset_says(name: str) -> None:
    plain = derive(example("2-2-1"))
    written = in_notation(plain, name)
    delta, gradient, loss = WRITTEN[name]
    assert written.deltas["Z2"].latex() == delta
    assert written.gradients["W2"].latex() == gradient
    assert written.forward["L"].latex().startswith(f"{loss} = ")
    assert written.chain is plain.chain
    assert written.numpy_source() == plain.numpy_source()


TEXTS = sorted((Path(__file__).parents[2] / "examples" / "five-texts" / "notations").iterdir())


@pytest.mark.parametrize(("file", "delta", "gradient"), [
    ("1", r"\delta^{(2)} = (\hat{y} - y)", r"\frac{\partial L}{\partial W^{(2)}}"),
    ("2", r"\delta^{(2)} = (\hat{y} - y)", r"\frac{\partial L}{\partial W^{(2)}}"),
    ("3", r"\delta^{(2)} = (o - t)", r"\frac{\partial E}{\partial W^{(2)}} = h^{\top}"),
    ("4", r"\mathrm{d}z^{2} = (a^{2} - y)", r"\mathrm{d}W^{2} = (a^{1})^{\top}"),
    ("5", r"\frac{\partial L}{\partial z _{2}} = (\hat{y} - y)",
     r"\frac{\partial L}{\partial W _{2}} = a _{1}^{\top}"),
])
def test_each_of_the_five_texts_has_its_notation(file: str, delta: str, gradient: str) -> None:
    path = next(text for text in TEXTS if text.stem == file)
    written = in_notation(derive(example("2-2-1")), str(path))
    assert written.deltas["Z2"].latex().startswith(delta)
    assert written.gradients["W2"].latex().startswith(gradient)
    assert len(TEXTS) == 5


def test_the_entries_of_layers_as_subscripts_are_told_apart() -> None:
    written = in_notation(derive(example("2-2-1")), "cs231n")
    entries = written.entries().gradients
    assert entries["W1[0,1]"].latex() == r"\mathrm{d}w _{1,1 2} = \mathrm{d}z _{1,2} x _{1}"


def test_the_general_rule_counts_layers_as_the_formulas_do() -> None:
    written = in_notation(derive(example("2-2-1")), "nielsen")
    formulas = [latex for latex, _, _ in written.general_rule]
    assert r"\delta^{l} = (\delta^{l+1} (W^{l+1})^{\top}) \odot f'(z^{l})" in formulas
    assert [scope for _, scope, _ in written.general_rule] == [
        "l = L", "2 ≤ l < L", "2 ≤ l ≤ L", "2 ≤ l ≤ L"]
    assert written.general_symbols == "a⁽¹⁾ = x, C the loss"


@pytest.mark.parametrize("name", PRESETS)
def test_a_report_in_a_notation_has_no_other(name: str, tmp_path: Path) -> None:
    report(gp.load("2-2-1"), tmp_path, notation=name, sections=["network", "forward", "result"])
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    delta, gradient, loss = WRITTEN[name]
    for formula in (delta, gradient):
        assert formula.replace(" = ", " &= ") in text
    assert f"Loss $`{loss}`$" in text
    assert (r"\delta" in text) == (name in ("bishop", "nielsen", "mitchell"))
    assert ("^{(" in text) == (name in ("bishop", "d2l", "mitchell", "derivatives"))
    assert (r"\mathrm{d}z^{[l]} = \frac{\partial J}{\partial z^{[l]}}".replace(
        r"\frac{\partial J}{\partial z^{[l]}}", r"\partial J/\partial z^{[l]}") in text) == (
            name == "ng")


def test_a_preset_of_one_s_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('loss = "Q"\nadjoints = "d"\nfirst_layer = 0\n')
    assert main(["derive", "2-2-1", "--notation", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "Q = ½ (y - a⁽¹⁾)²" in shown
    assert "dW⁽⁰⁾ = xᵀ dz⁽⁰⁾" in shown


@pytest.mark.parametrize(("text", "told"), [
    ("loss = 3", "loss: expected a letter or a word of letters, got 3"),
    ('loss = "\\\\input{x}"', "loss: expected a letter or a word"),
    ('brackets = "<>"', "brackets: expected"),
    ('adjoints = "grad"', 'adjoints: expected "delta", "partial" or "d", got \'grad\''),
    ("first_layer = true", "first_layer: expected a whole number from 0 to 9"),
    ("layers = 2", "unknown key 'layers'; expected loss, target"),
    ("loss = ", "mine.toml: "),
])
def test_what_is_no_preset_is_told(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(PresetError) as error:
        preset(str(tmp_path / "mine.toml"))
    assert told in str(error.value)


def test_what_does_not_fit_is_told(tmp_path: Path) -> None:
    with pytest.raises(PresetError, match="did you mean 'nielsen'"):
        preset("nilsen")
    with pytest.raises(PresetError, match=r"none\.toml"):
        preset(str(tmp_path / "none.toml"))
    with pytest.raises(PresetError, match="a preset is for networks and models"):
        in_notation(gp.derive(gp.equations("L = sum(x**2)", x="n")), "ng")
    network = gp.Network([2, 1], output="sigmoid", loss="mean_squared_error", delta="sample")
    with pytest.raises(PresetError, match="keeps them per sample"):
        in_notation(derive(network), "derivatives")
    assert in_notation(derive(network), "ng").deltas["Z1"].latex().startswith(r"\mathrm{d}Z^{[1]}")
    with pytest.raises(PresetError, match="nielsen writes L as C, which is a size here"):
        in_notation(derive(gp.Network(["C", 1])), "nielsen")
    for name in ("target", "output"):
        (tmp_path / "same.toml").write_text(f'loss = "J"\n{name} = "J"\n')
        with pytest.raises(PresetError, match="'J' is written for two"):
            preset(str(tmp_path / "same.toml"))


@pytest.mark.slow
@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("model", ["lstm", "transformer"])
def test_models_are_written_so_too(model: str, name: str) -> None:
    plain = derive(gp.load(model))
    if name in ("bishop", "mitchell"):
        with pytest.raises(PresetError, match="writes Y as T, which is a size here"):
            in_notation(plain, name)
        return
    written = in_notation(plain, name)
    assert written.forward["L"].latex().startswith(f"{WRITTEN[name][2]} = ")
    assert [*written.gradients] == [*plain.gradients]
    # the presets change names alone, so that every formula keeps its form
    assert [str(f).count("Σ") for f in written.all()] == [str(f).count("Σ") for f in plain.all()]


@pytest.mark.parametrize("letter", ["W", "b", "z"])
def test_a_symbol_that_is_a_letter_of_a_layer_is_refused(letter: str, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(f'output = "{letter}"\n', encoding="utf-8")
    with pytest.raises(PresetError, match=f"writes {letter}, which is the letter of {letter}"):
        in_notation(derive(example("2-2-1")), str(tmp_path / "own.toml"))


def test_the_figure_is_in_the_notation_too() -> None:
    derived = in_notation(derive(example("2-2-1")), "ng")
    report = build(derived.network, derived.chain, derived.writer)
    drawing, = report.drawings
    assert not any("δ" in label.text for label in drawing.labels)
    assert any(label.text.startswith("dz = ") for label in drawing.labels)
