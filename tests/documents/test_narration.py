"""The derivation as it is told: from the loss backwards, each kind of step once, and the chain rule
in indices before its matrices."""

from __future__ import annotations

import random
import re

import pytest
from networks import example
from random_models import drawn_model

import gradproof as gp
from gradproof.derivations.deriving import derive
from gradproof.derivations.notations import in_notation
from gradproof.reports.content import Display, Paragraph, Ref, plain
from gradproof.reports.pages.document import build
from gradproof.reports.pages.html_page import html_page
from gradproof.reports.sections.kinds import kind_of
from gradproof.reports.sections.narration import Narrator, backward_steps
from gradproof.symbolic.display.in_indices import in_indices
from gradproof.symbolic.specs.network import Network

DEEP = Network([3, 4, 4, 2], activation="tanh", output="softmax", loss="cross_entropy")


def told_in_indices(derived: gp.Derivation, of: str) -> str | None:
    step = next(step for step in (*derived.chain.inlined.values(), *derived.chain.steps)
                if step.of == of and step.role != "forward")
    found = in_indices(step.forms[0], step, derived.chain, derived.stepwise)
    return None if found is None else f"{found.left} = {found.through} = {found.inserted}"


@pytest.mark.parametrize(("of", "said"), [
    ("W1", r"\frac{\partial L}{\partial w^{(1)} _{i j}} = \sum _{s} \delta^{(1)} _{s j} "
           r"\frac{\partial z^{(1)} _{s j}}{\partial w^{(1)} _{i j}} "
           r"= \sum _{s} \delta^{(1)} _{s j} x _{s i}"),
    ("b1", r"\frac{\partial L}{\partial b^{(1)} _{j}} = \sum _{s} \delta^{(1)} _{s j} "
           r"\frac{\partial z^{(1)} _{s j}}{\partial b^{(1)} _{j}} "
           r"= \sum _{s} \delta^{(1)} _{s j}"),
    ("A1", r"\frac{\partial L}{\partial a^{(1)} _{s j}} = \delta^{(2)} _{s} "
           r"\frac{\partial z^{(2)} _{s}}{\partial a^{(1)} _{s j}} = \delta^{(2)} _{s} "
           r"w^{(2)} _{j}"),
])
def test_the_chain_rule_in_indices(of: str, said: str) -> None:
    assert told_in_indices(derive(example("moons")), of) == said


def test_what_reads_an_array_twice_is_not_told_in_indices() -> None:
    derived = gp.derive(gp.equations("y = outer(x, x); L = sum(y**2)", x="n"))
    assert told_in_indices(derived, "x") is None


def test_slopes_are_those_of_each_equation_by_itself() -> None:
    derived = gp.derive(gp.equations("y = x*sum(x); L = sum(y**2)", x="n"))
    assert told_in_indices(derived, "x") == (
        r"\frac{\partial L}{\partial x _{i}} = \frac{\partial L}{\partial y _{i}} "
        r"\frac{\partial y _{i}}{\partial x _{i}} + \frac{\partial L}{\partial t _{1}} "
        r"\frac{\partial t _{1}}{\partial x _{i}} "
        r"= \frac{\partial L}{\partial y _{i}} t _{1} + \frac{\partial L}{\partial t _{1}}")


def test_slopes_in_indices_are_the_derivatives() -> None:
    derived = gp.derive(gp.equations("z = A @ x + b; L = sum(z**3)", A="m n", x="n", b="m"))
    chain = derived.chain
    slopes = {}
    for of in ("A", "x", "b"):
        step = next(step for step in chain.steps if step.of == of and step.role == "gradient")
        found = in_indices(step.forms[0], step, chain, derived.stepwise)
        assert found is not None
        slopes[of] = [str(slope) for slope in found.slopes]
    assert [line.split(" = ")[1] for line in slopes["A"]] == ["x _{j}"]
    assert [line.split(" = ")[1] for line in slopes["x"]] == ["A _{j i}"]
    assert [line.split(" = ")[1] for line in slopes["b"]] == ["1"]


def test_gradients_follow_the_loss_backwards() -> None:
    names = [step.of for step in backward_steps(derive(DEEP).chain)]
    gradients = [name for name in names if name[0] in "Wb"]
    assert gradients == ["W3", "b3", "W2", "b2", "W1", "b1"]
    assert names.index("Z2") < names.index("W2") < names.index("Z1")


def test_each_kind_of_step_is_told_once_and_then_by_its_number() -> None:
    derived = derive(DEEP)
    narrator = Narrator(derived.chain, derived.writer)
    sections = narrator.derivation()
    titles = [plain(section.title) for section in sections]
    assert sum(title.startswith("The gradient by W") for title in titles) == 1
    (again,) = [section for section in sections if "W^{(1)}" in plain(section.title)]
    paragraph, display, *_ = again.blocks
    assert isinstance(paragraph, Paragraph)
    references = {run.label for run in paragraph.prose if isinstance(run, Ref)}
    labels = narrator.labels
    assert {labels["dW3"], labels["db3"]} <= references
    assert isinstance(display, Display)
    assert [label for _, label in display.tagged][-2:] == [labels["dW1"], labels["db1"]]


def test_steps_of_one_kind_have_the_same_rules_and_differ_in_names_alone() -> None:
    chain = derive(DEEP).chain
    kinds = {step.of: kind_of(step, chain) for step in chain.steps if step.role != "forward"}
    assert kinds["W1"] == kinds["W2"] == kinds["W3"] != kinds["b1"]
    assert kinds["Z1"] == kinds["Z2"] != kinds["Z3"]
    other = derive(Network([3, 4, 4, 2], activation=["tanh", "relu"], output="softmax",
                           loss="cross_entropy")).chain
    found = {step.of: kind_of(step, other) for step in other.steps if step.role != "forward"}
    assert found["Z1"] != found["Z2"]  # another function


@pytest.mark.slow
def test_pages_of_models_that_nobody_wrote() -> None:
    draw, made = random.Random(20), 0
    while made < 12:
        try:
            derived = derive(gp.Model(**drawn_model(draw)))
        except (gp.SpecError, gp.NetworkError, gp.EquationError):
            continue
        made += 1
        text = html_page(build(derived.network, derived.chain, derived.writer))
        assert 'class="tex"' not in text, derived.network
        ids = set(re.findall(r' id="([^"]+)"', text))
        assert set(re.findall(r'href="#([^"]+)"', text)) <= ids


@pytest.mark.parametrize("notation", ["ng", "nielsen"])
def test_an_adjoint_that_is_kept_per_sample_has_one_value(notation: str) -> None:
    """What is m times smaller is written as the derivative that it is."""
    moons = in_notation(derive(example("moons")), notation)
    kept = moons.writer.name("dZ2", latex=True)
    narrator = Narrator(moons.chain, moons.writer)
    shown = [formula.left for section in narrator.derivation() for block in section.blocks
             if isinstance(block, Display) for formula in block.formulas]
    assert shown.count(kept) == 1
    told = next(formula for formula in moons.shown() if formula.array == "dZ2").because
    assert [form.startswith("∂") for form in told] == [True] * (len(told) - 1) + [False]


@pytest.mark.parametrize(("name", "kept"), [
    ("2-2-1", "h and o, which are kept until then."),
    ("softmax-regression", "A^{(1)}, which is kept until then."),
])
def test_a_result_names_what_is_kept_of_the_forward_pass(name: str, kept: str) -> None:
    derived = derive(gp.load(name))
    result = Narrator(derived.chain, derived.stepwise).result()
    said = [plain(block.prose) for block in result.blocks if isinstance(block, Paragraph)][-1]
    assert said.startswith("Of the forward pass the backward pass reads ")
    assert said.endswith(kept)
