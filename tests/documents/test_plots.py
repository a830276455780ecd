"""Curves, the training that is drawn, the valley of a difference quotient, and the glossary."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from math import inf, nan
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import example

from gradproof.checks.hand_written import check_network
from gradproof.derivations.deriving import derive
from gradproof.derivations.sources import values_of
from gradproof.report_runs import _norm, error_curve_of, training_of
from gradproof.reports.content import Bullets, Picture, plain
from gradproof.reports.drawing import WIDTH, Drawing
from gradproof.reports.pages.document import SHORT, build
from gradproof.reports.pages.drawn import svg, tikz
from gradproof.reports.pages.json_form import json_form
from gradproof.reports.sections.error_curve import error_blocks
from gradproof.reports.sections.plots import HEIGHT, Axis, Series, plot
from gradproof.reports.sections.training import Training, training_section
from gradproof.reports.worked.quantities import UPDATED, with_updates
from gradproof.symbolic.exact.numbers import exact
from gradproof.symbolic.specs.network import Network
from gradproof.symbolic.specs.reader import SpecError, read_text

FLOATS = st.floats(-1e12, 1e12) | st.sampled_from([0.0, -1.0, 1e-30, nan, inf, 5e-324])


@given(st.lists(st.tuples(FLOATS, FLOATS), max_size=60), st.booleans(), st.booleans())
def test_every_curve_lies_in_its_frame(points, log_x, log_y):
    drawn = plot("a", "title", Axis("x", log_x), Axis("y", log_y), [Series("one", points)])
    seen = [(x, y) for x, y in points if abs(x) < inf and abs(y) < inf
            and (x > 0 or not log_x) and (y > 0 or not log_y)]
    assert (drawn is None) == (not seen)
    if drawn is None:
        return
    assert sum(len(curve.points) for curve in drawn.curves) == len(seen)
    for x, y in (point for curve in drawn.curves for point in curve.points):
        assert 0 < x < WIDTH
        assert 0 < y < HEIGHT
    texts = [label.text for label in drawn.labels]
    assert len(texts) > 3
    assert not any("e+" in text and "." not in text and len(text) > 9 for text in texts)
    ElementTree.fromstring(svg(drawn))


def test_ticks_are_ones_twos_and_fives_of_a_power_of_ten():
    drawn = plot("a", "t", Axis("x"), Axis("y"), [Series("", [(0, 0.0), (100, 0.27)])])
    assert drawn is not None
    assert [label.text for label in drawn.labels if re.fullmatch(r"[\d.]+", label.text)] == [
        "0.00", "0.05", "0.10", "0.15", "0.20", "0.25", "0.30", "0", "20", "40", "60", "80", "100"]
    powers = plot("a", "t", Axis("x", True), Axis("y", True), [Series("", [(1e-8, 1e-3), (1, 1)])])
    assert powers is not None
    assert {label.text for label in powers.labels if label.is_math} == {
        *(f"10^{{{power}}}" for power in (-8, -7, -6, -5, -4, -3, -2, -1, 0))}


def test_a_legend_of_any_length_stands_above_the_frame():
    for number in range(1, 6):
        drawn = plot("a", "t", Axis("epoch", counts=True), Axis("y"), [
            Series(f"run {k}", [(1, 0.7), (5, 0.7 - k)]) for k in range(number)])
        assert drawn is not None
        legend = [label.y for label in drawn.labels if label.text.startswith("run")]
        assert len(legend) == (number if number > 1 else 0)
        assert all(y < min(line.y1 for line in drawn.lines) for y in legend)
        assert all(y < drawn.height for curve in drawn.curves for _, y in curve.points)
        across = [label.text for label in drawn.labels if label.y > drawn.height - 40]
        assert across == ["1", "2", "3", "4", "5", "epoch"]


def descended(network: Network, steps: int) -> list[float]:
    """The losses of gradient descent, written once more."""
    derived = derive(network)
    values, run, losses = values_of(network), derived.compile(), []
    for _ in range(steps + 1):
        loss, gradients = run(**values)
        losses.append(loss)
        for name, gradient in gradients.items():
            values[name] = values[name] - float(network.learning_rate) * gradient
    return losses


@pytest.mark.parametrize("name", ["2-2-1", "xor"])
def test_the_training_is_gradient_descent(name: str) -> None:
    network = replace(example(name), steps=7)
    found = training_of(derive(network), network)
    assert found is not None
    assert found.losses == pytest.approx(descended(network, 7), rel=1e-12)
    told = " ".join(plain(block.prose) for block in training_section(found, "E").blocks
                    if block.kind == "paragraph")
    assert f"takes 7 steps of gradient descent from the given values, with learning rate " \
           rf"\eta = {float(network.learning_rate):g}" in told
    assert "no step raises it" in told


def test_a_first_step_is_that_of_the_worked_numbers() -> None:
    network = example("2-2-1")
    derived = derive(network)
    figures = build(network, derived.chain, derived.writer).figures
    assert figures is not None
    with_updates(figures, {name: f"d{name}" for name in derived.chain.wrt},
                 exact(network.learning_rate))
    found = training_of(derived, network)
    assert found is not None
    values = values_of(network)
    moved = {name: np.reshape([float(value) for value in figures[name + UPDATED].values()],
                              values[name].shape)
             for name in derived.chain.wrt if name + UPDATED in figures.entries}
    assert len(moved) == 4
    assert derived.compile()(**{**values, **moved})[0] == pytest.approx(found.losses[1], rel=1e-13)


def test_a_training_that_diverges_ends_and_says_so() -> None:
    network = Network([1, 1], activation="identity", output="identity", batch=False, steps=500,
                      learning_rate=10, values={"X": [3], "Y": [1], "W1": [[1]], "b1": [0]})
    found = training_of(derive(network), network)
    assert found is not None
    assert found.steps < 500
    *blocks, last = training_section(found, "L").blocks
    assert "the learning rate is too large here" in plain(last.prose)
    assert any(isinstance(block, Picture) for block in blocks)
    data = json.loads(json_form(build(network, derive(network).chain, derive(network).writer,
                                      training=found)))
    assert data["training"]["losses"][-1] is None
    assert None not in data["training"]["losses"][:-1]


@pytest.mark.parametrize("changed", [{"learning_rate": None}, {"steps": 0}, {"values": {}}])
def test_no_training_without_rate_values_or_steps(changed) -> None:
    network = replace(example("2-2-1"), **changed)
    assert training_of(derive(network), network) is None


def test_the_norm_of_a_gradient_whose_squares_no_float_holds() -> None:
    assert _norm({"W": np.array([3e200]), "b": np.array([-4e200])}) == pytest.approx(5e200)


def test_a_loss_that_rises_is_told() -> None:
    said = training_section(Training([1.0, 2.0, 0.5], [1.0, 1.0, 1.0], "1", ["w"]), "L").blocks[-1]
    assert plain(said.prose) == "In 2 steps the loss goes from 1 to 0.5; 1 of the steps raise it."


@pytest.mark.parametrize("steps", ["-1", "1.5", '"many"', "10001", "true"])
def test_steps_that_are_none_are_refused(steps: str) -> None:
    with pytest.raises(SpecError, match=r"update.steps: expected a whole number from 0 to 10000"):
        read_text(f"[network]\nsizes = [1, 1]\n[update]\nsteps = {steps}\n", "net.toml")


# --- the valley ---------------------------------------------------------------------------------


def right(X, Y, W1, b1, W2, b2):
    h = 1 / (1 + np.exp(-(X @ W1 + b1)))
    o = 1 / (1 + np.exp(-(h @ W2 + b2)))
    d2 = (o - Y) * o * (1 - o)
    d1 = (W2 @ d2) * h * (1 - h)
    return {"dW1": np.outer(X, d1), "db1": d1, "dW2": np.outer(h, d2), "db2": d2}


def wrong(X, Y, W1, b1, W2, b2):
    return {**right(X, Y, W1, b1, W2, b2), "dW1": 2 * right(X, Y, W1, b1, W2, b2)["dW1"]}


@pytest.mark.parametrize("function", [right, wrong])
@pytest.mark.parametrize("given", [True, False])
def test_the_error_of_a_difference_has_a_valley(function, given: bool) -> None:
    network = example("2-2-1") if given else replace(example("2-2-1"), values={}, claims=())
    derived = derive(network)
    curve = error_curve_of(derived, check_network(derived, function, repair_seconds=0))
    assert curve is not None
    forward, central = dict(curve.forward), dict(curve.central)
    large, fine = max(forward), min(forward)
    for errors in (forward, central):  # it is lower than at both ends by far
        assert min(errors.values()) < 1e-4 * min(errors[large], errors[fine])
    # cut off as h and as h², over a decade from the large end
    tenth = sorted(forward)[-4]
    assert large / tenth == pytest.approx(10)
    assert 5 < forward[large] / forward[tenth] < 20
    assert 50 < central[large] / central[tenth] < 200
    assert (curve.hand is None) == (function is right)
    if curve.hand is not None:
        assert curve.entry.startswith("W1")
        assert curve.hand == pytest.approx(2 * curve.derived, rel=1e-9)
    assert (curve.values == "") == given
    drawn = next(block.drawing for block in error_blocks(curve) if isinstance(block, Picture))
    assert len(drawn.curves) == (2 if function is right else 3)
    if not given:
        names: dict[str, np.ndarray] = {}
        exec(compile(curve.values, "values", "exec"), names)
        _, gradients = derived.compile()(**{name: names[name] for name in network.shapes()})
        assert curve.derived in gradients[curve.entry.partition("[")[0]].ravel()


def test_tikz_has_every_mark_of_the_drawing() -> None:
    network = example("2-2-1")
    derived = derive(network)
    drawing: Drawing = build(network, derived.chain, derived.writer).drawings[0]
    text = tikz(drawing, str, lambda latex: f"${latex}$")
    assert text.count("circle[") == len(drawing.circles) == 5
    assert text.count(r"\node") == len(drawing.labels)
    assert text.count(r"\draw") == len(drawing.lines) + len(drawing.circles) * 0
    assert text.startswith(r"\ifdefined\tikzpicture")
    for color in set(re.findall(r"(?:text|fill)=(gp\w+)|\\draw\[(gp\w+)", text)):
        assert rf"\definecolor{{{color[0] or color[1]}}}" in text


# --- glossary -----------------------------------------------------------------------------------


def test_a_glossary_has_the_terms_of_the_page_and_no_others() -> None:
    network = example("2-2-1")
    derived = derive(network)

    def terms(sections) -> list[str]:
        made = build(network, derived.chain, derived.writer, sections=sections)
        block = made.sections[-1].blocks[0]
        assert made.sections[-1].name == "glossary"
        assert isinstance(block, Bullets)
        return [plain(item).partition(":")[0] for item in block.items]

    assert {"adjoint", "chain rule", "bias", "sample", "target"} <= set(terms(None))
    assert not {"logits", "one-hot", "exploding gradient"} & set(terms(["network", "glossary"]))
    assert {"loss", "target"} <= set(terms([*SHORT, "glossary"])) < set(terms(["glossary"]))


def test_files_of_markdown_are_the_drawings(tmp_path: Path) -> None:
    from gradproof.reporting import report

    paths, _ = report(example("xor"), tmp_path, formats=["markdown"])
    assert {path.name for path in paths} >= {"report.md", "network.svg", "loss.svg"}
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    for path in paths[1:]:
        assert f"]({path.name})" in text
        ElementTree.parse(path)
