"""Why an equation stands there: every rule has a sentence, in a line and in a report."""

import re
from typing import get_args

import pytest
import sympy as sp

import gradproof as gp
from gradproof.reports.content import Math
from gradproof.reports.sections.narration import Narrator
from gradproof.symbolic.assumptions import Assumption
from gradproof.symbolic.derive.kinks import Kink
from gradproof.symbolic.derive.steps import Form, Rule, Step
from gradproof.symbolic.display.reasons import Opened, kink_line, opened, reason, wording


@pytest.fixture(scope="module")
def derivation():
    text = "A = tanh(X @ W)\nL = sum((A - Y)**2)"
    return gp.derive(gp.equations(text, X="m n", W="n k", Y="m k"))


@pytest.mark.parametrize("rule", get_args(Rule))
def test_every_rule_has_a_sentence_in_a_line_and_in_a_report(rule, derivation):
    chain, writer = derivation.chain, derivation.writer
    uses = {"per sample": ("m",)}.get(rule, ("A",))
    assumes = (Assumption("S", "symmetric"),) if rule == "declared" else ()
    form = Form(chain.system["A"], rule, uses, assumes)
    step = Step("dW", "adjoint", "W", (form,))
    line = reason(form, step, chain, writer)
    assert line
    latex = reason(form, step, chain, writer, latex=True)
    assert latex.count("$") % 2 == 0
    told = wording(form, step, chain).report
    assert isinstance(told[-1], str)
    assert told[-1].endswith(":")


def test_an_assumption_is_told_as_one(derivation):
    """The report had no sentence for what is declared of an input, and said "By declared:"."""
    found = gp.derive(
        gp.equations("L = sum((S @ x - b)**2)/2", S=gp.Array("n n", kind="symmetric"), x="n",
                     b="n"), ["x"])
    told = [block for section in Narrator(found.chain, found.writer).derivation()
            for block in section.blocks]
    prose = [block.prose for block in told if hasattr(block, "prose")]
    assert ("Assuming that ", "S is symmetric", ":") in prose


def test_a_line_names_the_output_that_an_identity_is_of(derivation):
    (line,) = [line for line in derivation.gradients["W"].because + tuple(
        text for formula in derivation.deltas.values() for text in formula.because)
        if "with a = " in line][:1]
    assert "tanh′(z) = 1 - a² with a = A" in line


def test_a_kink_is_said_once_for_all():
    found = gp.derive(gp.equations("A = relu(X)\nm = max(A, axis=1)\nL = sum(m)", X="a b"))
    chain = found.chain
    assert found.kinks == tuple(map(kink_line, chain.kinks))
    relu, tie = chain.kinks
    assert (relu.place, relu.slope) == ("X = 0", "0")
    assert [(str(root), str(slope)) for root, slope in relu.slopes] == [("0", "0")]
    assert tie.is_tie
    assert kink_line(tie) == "max in m at a tie: the first place where the maximum is attained"
    items = Narrator(chain, found.writer).assumptions().blocks[0].items
    told = ["".join(run if isinstance(run, str) else getattr(run, "latex", "") for run in item)
            for item in items]
    assert "has a kink where z = 0 for an entry z of X: relu has no derivative there" in told[0]
    assert "a maximum over entries of A is attained twice" in told[1]
    assert any(isinstance(run, Math) for run in items[1])


def test_slopes_that_differ_are_said_root_by_root():
    one = Kink("A", "f", "Z", "z**2 - 1", ((sp.Integer(-1), sp.S.Zero), (sp.S.One, sp.S.Half)))
    assert one.slope == "0 at z = -1, 1/2 at z = 1"
    assert Kink("A", "f", "Z", "z - 1").slope == "undefined"
    spelled = Kink("A", "f", "Z", "z - 1", argument="Z[i] + c")
    assert spelled.place == "Z where z - 1 = 0 for z = Z[i] + c"


@pytest.mark.parametrize(("text", "lines"), [
    ("L = norm(x)", ["sqrt in L where t1 = 0: no slope"]),
    ("L = sum(sqrt(x))", ["sqrt in L where x = 0: no slope"]),
    ("L = sum(sqrt(p))", []),
    ("L = sum(sqrt(x**2 + p**2))", []),
    ("L = sum(sqrt(x**2 + 0.001))", []),
    ("L = sum(sqrt(1 + exp(x)))", []),
    ("L = sum(x**(1/3))", ["the power 1/3 in L where x = 0: no slope"]),
    ("L = sum(x**1.5)", []),
    ("L = sum(x/(norm(c) + 1))", []),
    ("L = sum(c*layer_norm(X, c, c))", []),
    ("L = sum(sqrt(sum(X**2, axis=0)))", ["sqrt in L where t1 = 0: no slope"]),
])
def test_a_root_has_no_slope_where_it_is_zero(text, lines):
    inputs = {"x": "n", "X": "m n", "p": gp.Array("n", kind="positive"), "c": "n"}
    used = {name: shape for name, shape in inputs.items() if re.search(rf"\b{name}\b", text)}
    wrt = [name for name in used if name != "c"] or ["c"]
    assert list(gp.derive(gp.equations(text, **used), wrt).kinks) == lines


HIDDEN = [
    gp.Network([3, 4, 2], activation="tanh", output="softmax", loss="cross_entropy"),
    gp.equations("S = Q @ K.T\nP = softmax(S)\nL = sum((P @ V)**2)",
                 Q="m k", K="n k", V="n p"),
    gp.equations("P = softmax(X @ W)\nL = sum((P - Y)**2)", X="m n", W="n k", Y="m k"),
]


@pytest.mark.parametrize("source", HIDDEN, ids=["network", "attention", "text"])
def test_each_chain_rule_is_true_of_the_equation_that_it_names(source):
    """E depends on Λ through A, equation (5): (5) has a Λ, or is said again with its Λ."""
    derivation = gp.derive(source)
    chain, writer = derivation.chain, derivation.stepwise
    opened_ones = 0
    for step in (*chain.inlined.values(), *chain.steps):
        for form in step.forms:
            for run in wording(form, step, chain).report:
                if not isinstance(run, Opened):
                    continue
                told = opened(run, chain, writer, latex=False)
                equation = (chain.inlined.get(run.array) or chain.step(run.array)).equation
                seen = writer.text(equation).right if not told else told.partition(" = ")[2]
                name = writer.name(run.hidden)
                stem = re.match(r"[^\W\d_]+(⁽\d⁾)?", name)
                assert stem is None or stem[0].lower() in seen.lower(), (name, seen)
                opened_ones += bool(told)
    assert opened_ones
