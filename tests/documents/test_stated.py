"""Equations as a spec: read, derived, reported with their numbers; mistakes are told."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import mpmath
import numpy as np
import pytest

from gradproof.cli import main
from gradproof.derivations.deriving import derive
from gradproof.derivations.sources import load, load_source
from gradproof.report_runs import training_of
from gradproof.reporting import report_data
from gradproof.reports.content import plain
from gradproof.reports.worked.digits import fraction
from gradproof.reports.worked.figures import evaluate
from gradproof.symbolic.specs.reader import SpecError, load_any
from gradproof.symbolic.specs.stated import Stated

GOOD = """
equations = "L = sum(w*x)**2"
parameters = ["w"]
[shapes]
x = "n"
w = "n"
"""


def test_the_gaussian_process_has_the_gradients_of_the_book() -> None:
    """½ tr((K⁻¹ - αᾱᵀ) ∂K/∂θ), Rasmussen and Williams (2006), eq. 5.9, in 60 digits."""
    spec = load_source("gaussian-process")
    assert isinstance(spec, Stated)
    derived = derive(spec)
    assert list(derived.gradients) == ["a", "l", "s"]
    figures = evaluate(derived.system, spec.values)
    context = mpmath.mp.clone()
    context.dps = 60
    x = [context.mpf(str(row[0])) for row in spec.values["X"]]
    y = context.matrix([context.mpf(str(value)) for value in spec.values["y"]])
    a, ell, s = (context.mpf(str(spec.values[name])) for name in "als")
    size = len(x)
    near = context.matrix(size, size)
    for i in range(size):
        for j in range(size):
            near[i, j] = context.exp(-(x[i] - x[j]) ** 2 / (2 * ell**2))
    inverse = (a * near + s * context.eye(size)) ** -1
    inner = inverse - (inverse * y) * (inverse * y).T
    slopes = {"a": near, "s": context.eye(size), "l": context.matrix(
        [[a * near[i, j] * (x[i] - x[j]) ** 2 / ell**3 for j in range(size)]
         for i in range(size)])}
    for name, slope in slopes.items():
        expected = sum((inner * slope)[i, i] for i in range(size)) / 2
        found = fraction(figures[f"d{name}"][()])
        assert abs(context.mpf(found.numerator) / found.denominator - expected) < 1e-48
    product = [[sum(fraction(figures["P"][i, k]) * fraction(figures["C"][k, j])
                    for k in range(size)) for j in range(size)] for i in range(size)]
    assert all(abs(product[i][j] - (i == j)) < Fraction(1, 10**45)
               for i in range(size) for j in range(size))


def test_a_report_of_equations_has_every_section_that_goes_with_them() -> None:
    data, result = report_data(load_source("gaussian-process"))
    assert result is None
    assert [section.name for section in data.sections if section.name] == [
        "network", "forward", "derivation", "result", "assumptions", "numbers", "figures",
        "training", "program", "glossary"]
    said = [plain(block.prose) for section in data.sections for block in section.blocks
            if block.kind == "paragraph"]
    assert any("The adjoints, from the loss back:" in text for text in said)
    assert data.training is not None
    assert data.training.losses[-1] < data.training.losses[0]
    unread = [line for line in data.lines if not line.checked]
    assert {line.array for line in unread} == {"P", "q", "L", "da", "dl"}
    assert all(len(line.formula.sides) == 2 for line in unread)  # no numbers are put in


def test_a_training_does_not_leave_where_its_parameters_are_defined() -> None:
    spec = load_any_text(
        'equations = "L = 3*s - log(s)/100"\n[shapes]\ns = {shape = "", kind = "positive"}\n'
        "[values]\ns = 1\n[update]\nlearning_rate = 0.1\n")
    found = training_of(derive(spec), spec)
    assert found is not None
    assert found.left == "s"
    assert 1 <= found.steps < 10
    assert np.all(np.diff(found.losses) < 0)


def load_any_text(text: str) -> Stated:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        file = Path(folder) / "stated.toml"
        file.write_text(text, encoding="utf-8")
        found = load_any(file)
    assert isinstance(found, Stated)
    return found


@pytest.mark.parametrize(("text", "message"), [
    (GOOD.replace("w*x", "w*z"), "equations: "),
    (GOOD.replace('["w"]', '["v"]'), "parameters: expected names of inputs, x, w, got 'v'"),
    (GOOD.replace('["w"]', "[1]"), "parameters: expected a list of names"),
    (GOOD.replace('x = "n"', "x = 3"), "shapes.x: expected a shape such as"),
    (GOOD.replace('x = "n"', 'x = {shape = "n", kind = "big"}'), "shapes.x.kind: expected one of"),
    (GOOD + "[network]\nsizes = [1, 1]\n", "network: does not go with equations"),
    (GOOD + "[values]\nx = [1, 2]\nw = [1, 2, 3]\n", "values.w: expected shape"),
    ('[network]\nsizes = [1, 1]\n[shapes]\nx = "n"\n', "shapes: goes with equations"),
    (GOOD + '[[claims]]\nquantity = "L"\nstated = "1"\n', "claims: there is nothing to hold"),
])
def test_what_is_wrong_with_a_spec_of_equations_is_told(
    text: str, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "stated.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match=f"stated.toml: {message}"):
        load_any(file)


def test_only_derivations_programs_and_reports_take_equations(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "stated.toml"
    file.write_text(GOOD, encoding="utf-8")
    assert main(["derive", str(file)]) == 0
    assert "∂L/∂w = 2 t₁ x" in capsys.readouterr().out
    assert main(["codegen", str(file)]) == 0
    assert "def gradient(x, w):" in capsys.readouterr().out
    assert main(["report", str(file), "-o", str(tmp_path / "out"), "--format", "json"]) == 0
    assert json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))["parameters"] == ["w"]
    with pytest.raises(SpecError, match="equations are for derive, codegen, report and train"):
        load(file)
    assert main(["report", str(file), "--hand", "x.py", "-o", str(tmp_path / "out")]) == 2
    assert "gp.check holds one against equations" in capsys.readouterr().err
