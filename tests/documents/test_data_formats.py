"""Reports as JSON and as notebooks: of the published form, with the derivation's own content, and
programs that run."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import jsonschema
import numpy as np
import pytest
from networks import SAMPLES, example

import gradproof as gp
from gradproof.derivations.deriving import derive
from gradproof.reporting import report
from gradproof.reports.pages.document import ReportData, build
from gradproof.reports.pages.json_form import decimal, json_form
from gradproof.reports.pages.notebook_page import notebook
from gradproof.symbolic.derive.steps import Rule
from gradproof.symbolic.specs.network import Network

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text())
NETWORKS = {
    "2-2-1": lambda: example("2-2-1"),
    "worked softmax": lambda: Network([2, 3, 2], activation="leaky_relu", output="softmax",
                                      loss="cross_entropy", values=SAMPLES, learning_rate=0.1),
    "lstm": lambda: gp.load("lstm"),
    "hostile": lambda: Network([2, 1], name="\"} \\ <b> `x` $y$"),
}


def report_of(network: Any) -> ReportData:
    derived = derive(network)
    return build(network, derived.chain, derived.writer, source_text=derived.numpy_source())


@pytest.fixture(scope="module", params=NETWORKS)
def data(request: pytest.FixtureRequest) -> ReportData:
    return report_of(NETWORKS[request.param]())


def test_json_is_of_the_published_form(data: ReportData) -> None:
    jsonschema.validate(json.loads(json_form(data)), SCHEMA)


def test_the_schema_lets_nothing_else_through() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    good = json.loads(json_form(report_of(example("2-2-1"))))
    for spoil in (lambda d: d.pop("steps"), lambda d: d.update(more=1),
                  lambda d: d["steps"][0].update(role="other"),
                  lambda d: d["numbers"]["arrays"].update(X=0.5)):
        bad = json.loads(json.dumps(good))
        spoil(bad)
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(bad, SCHEMA)


def test_the_schema_knows_every_rule() -> None:
    assert SCHEMA["$defs"]["form"]["properties"]["rule"]["enum"] == list(get_args(Rule))


def test_json_has_the_whole_derivation(tmp_path: Path) -> None:
    network = gp.load("2-2-1")
    report(network, tmp_path, formats=["json"], length="short")
    found = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    jsonschema.validate(found, SCHEMA)
    derived = gp.derive(network)
    steps = {step["array"]: step for step in found["steps"]}
    for formula in derived.all():
        assert steps[formula.array]["text"] == str(formula)
        assert len(steps[formula.array]["forms"]) == len(formula.step.forms)
    assert steps["dZ1"]["forms"][1]["because"] == "insert ∂E/∂h = δ⁽²⁾ W⁽²⁾ᵀ"
    assert found["numbers"]["arrays"]["X"] == ["0.05", "0.1"]
    assert found["numbers"]["arrays"]["L"].startswith("0.2748403914534070")
    assert [check["verdict"] for check in found["comparison"]] == ["proved"] * 4
    gradients = derived.compile()(**{name: np.array(found["numbers"]["arrays"][name], float)
                                     for name in ("X", "Y", "W1", "b1", "W2", "b2")})[1]
    for name, gradient in gradients.items():
        np.testing.assert_allclose(np.array(found["numbers"]["arrays"]["d" + name], float),
                                   gradient, rtol=1e-14)


@pytest.mark.parametrize("value", ["0", "1", "-1", "100", "1/8", "-1/3", "1/3000000000000000000000",
                                   "12345678901234567890", "7/10000000000000000000000000000"])
def test_decimals_are_the_number_to_fifty_digits(value: str) -> None:
    number = Fraction(value)
    shown = Fraction(Decimal(decimal(number)))
    assert abs(shown - number) <= abs(number) / 10**49


# --- notebooks ----------------------------------------------------------------------------------


def cells(text: str) -> list[dict[str, Any]]:
    """The cells of a notebook, which is of format 4.5."""
    found = json.loads(text)
    assert (found["nbformat"], found["nbformat_minor"]) == (4, 5)
    assert set(found) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    ids = [cell["id"] for cell in found["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in found["cells"]:
        more = {"outputs", "execution_count"} if cell["cell_type"] == "code" else set()
        assert set(cell) - {"attachments"} == {"cell_type", "id", "metadata", "source"} | more
    kept: list[dict[str, Any]] = found["cells"]
    return kept


def test_a_notebook_says_what_the_report_says(data: ReportData) -> None:
    text = [cell["source"] for cell in cells(notebook(data)) if cell["cell_type"] == "markdown"]
    heads = [line for source in text for line in source.splitlines() if line.startswith("## ")]
    assert len(heads) == sum(section.level == 2 for section in data.sections)
    assert not [source for source in text if "```math" in source or "$`" in source]


def test_the_programs_of_a_notebook_run(tmp_path: Path) -> None:
    network = gp.load("2-2-1")
    report(network, tmp_path, formats=["notebook"])
    found = cells((tmp_path / "report.ipynb").read_text(encoding="utf-8"))
    programs = [cell["source"] for cell in found if cell["cell_type"] == "code"]
    names: dict[str, Any] = {}
    for program in programs[:2]:
        exec(compile(program, "cell", "exec"), names)
    assert names["loss"] == pytest.approx(0.274840391453407)
    assert names["gradients"]["W2"].ravel() == pytest.approx([0.0823296916071, 0.0825799131716])
    drawings = [cell["attachments"] for cell in found if "attachments" in cell]
    assert [list(drawing) for drawing in drawings] == [
        ["network.svg"], ["loss.svg"], ["valley.svg"]]


def test_json_says_of_each_array_and_number_what_the_derivation_says() -> None:
    """Told apart: text from LaTeX, one form from the last, rows from columns, derived from hand."""
    spec = example("2-2-1")
    derived = derive(spec)
    data = report_of(spec)
    found = json.loads(json_form(data))
    shapes = {name: [int(size) for size in shape]
              for name, shape in derived.chain.system.shapes.items()}
    assert {name: array["shape"] for name, array in found["arrays"].items()} == shapes
    for name, array in found["arrays"].items():
        assert array["latex"] == derived.writer.notation.latex(name)
        assert array["text"] == derived.writer.notation.text(name)
    forms = {step.name: len(step.forms) for step in derived.chain.steps}
    several = [step for step in found["steps"] if len(step["forms"]) > 1]
    assert several
    for step in found["steps"]:
        assert len({form["latex"] for form in step["forms"]}) == len(step["forms"]) == forms.get(
            step["array"], len(step["forms"]))
        assert step["forms"][-1]["latex"] == step["latex"]
        assert "\\" not in step["text"]
    values = {name: np.array(value, dtype=float) for name, value in spec.values.items()}
    _, gradients = derived.compile()(**values)
    numbers = found["numbers"]["arrays"]
    for name, gradient in gradients.items():
        assert np.allclose(np.array(numbers[f"d{name}"], dtype=float), gradient, rtol=1e-12)
    relu = json.loads(json_form(report_of(Network([2, 3, 1], activation="relu"))))
    assert relu["kinks"]
