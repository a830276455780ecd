"""Exact figures and worked lines: right, written out in full, and true as printed."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import mpmath
import pytest
import sympy as sp
from networks import SAMPLES, example

from gradproof.derivations.deriving import derive
from gradproof.reports.pages.document import ReportData, build
from gradproof.reports.sections.claims import compare
from gradproof.reports.sections.narration import all_functions
from gradproof.reports.worked.digits import show, tabled
from gradproof.reports.worked.figures import Figures, WorkedError, evaluate
from gradproof.reports.worked.lines import DigitsError, EntryNames, Worker, _Step
from gradproof.reports.worked.quantities import QuantityError, quantity
from gradproof.reports.worked.reread import Reader, UnreadableError
from gradproof.symbolic.derive.steps import Chain
from gradproof.symbolic.display.notation import Notation
from gradproof.symbolic.display.writer import Writer
from gradproof.symbolic.equation import (
    Array,
    Equal,
    Equation,
    Index,
    Read,
    System,
    Term,
    index_symbol,
    slot,
)
from gradproof.symbolic.exact.numbers import exact
from gradproof.symbolic.specs.network import Network


def worker_of(network: Network, values: dict[str, Any] | None = None) -> tuple[Chain, Worker]:
    derived = derive(network)
    chain = derived.chain
    figures = evaluate(chain.system, values or network.values,
                       [step.equation for step in chain.inlined.values()])
    return chain, Worker(EntryNames(derived.writer, figures), all_functions(chain))


def report_of(network: Network) -> ReportData:
    derived = derive(network)
    return build(network, derived.chain, derived.writer)


def plainly() -> dict[str, Any]:
    """The 2-2-1 example at fifty digits, as one would write it down without any of this."""
    with mpmath.workdps(50):
        number = mpmath.mpf
        x1, x2, t, eta = number("0.05"), number("0.1"), number("0.01"), number("0.5")
        w11, w12, w21, w22 = (number(w) for w in ("0.15", "0.2", "0.25", "0.3"))
        v1, v2, b, c = number("0.4"), number("0.45"), number("0.35"), number("0.6")

        def squash(z: Any) -> Any:
            return 1 / (1 + mpmath.exp(-z))

        z1, z2 = w11 * x1 + w21 * x2 + b, w12 * x1 + w22 * x2 + b
        h1, h2 = squash(z1), squash(z2)
        z = v1 * h1 + v2 * h2 + c
        o = squash(z)
        delta = (o - t) * o * (1 - o)
        d1, d2 = delta * v1 * h1 * (1 - h1), delta * v2 * h2 * (1 - h2)
        return {
            "Z1": [z1, z2], "A1": [h1, h2], "Z2": [z], "A2": [o], "L": [(t - o) ** 2 / 2],
            "dZ2": [delta], "dZ1": [d1, d2],
            "dW1": [d1 * x1, d2 * x1, d1 * x2, d2 * x2], "db1": [d1, d2],
            "dW2": [delta * h1, delta * h2], "db2": [delta],
            "W1.updated": [w11 - eta * d1 * x1, w12 - eta * d2 * x1,
                           w21 - eta * d1 * x2, w22 - eta * d2 * x2],
            "b1.updated": [b - eta * d1, b - eta * d2],
            "W2.updated": [v1 - eta * delta * h1, v2 - eta * delta * h2],
            "b2.updated": [c - eta * delta],
        }


def test_2_2_1_agrees_with_a_plain_evaluation_to_48_digits() -> None:
    network = example("2-2-1")
    report = report_of(network)
    assert report.figures is not None
    for name, expected in plainly().items():
        found = list(report.figures[name].values())
        assert len(found) == len(expected)
        for ours, theirs in zip(found, expected, strict=True):
            real = report.figures.arithmetic.real(ours)
            assert abs(real - theirs) <= abs(theirs) * mpmath.mpf(10) ** -48, name


@pytest.mark.parametrize(("name", "figures"), [
    ("Z1", ["0.3825", "0.39"]),
    ("A1", ["0.59447593074824", "0.596282699296788"]),
    ("Z2", ["1.10611758698285"]),
    ("A2", ["0.751404601352604"]),
    ("L", ["0.274840391453407"]),
    ("dZ2", ["0.138491211079855"]),
    ("dW2", ["0.0823296916071476", "0.082579913171577"]),
    ("dZ1", ["0.0133546686243092", "0.0150025228370706"]),
    ("dW1", ["0.000667733431215459"]),
    ("W2.updated", ["0.358835154196426", "0.408710043414212"]),
    ("b2.updated", ["0.530754394460073"]),
])
def test_2_2_1_prints_these_figures(name: str, figures: list[str]) -> None:
    network = example("2-2-1")
    report = report_of(network)
    assert report.figures is not None
    for figure, value in zip(figures, report.figures[name].values(), strict=False):
        assert tabled(value).startswith(figure)


def test_every_line_of_2_2_1_is_checked_and_reads_as_expected() -> None:
    network = example("2-2-1")
    report = report_of(network)
    assert len(report.lines) == 28
    assert all(line.checked for line in report.lines)
    lines = {(line.array, line.place): line.formula.latex for line in report.lines}
    assert lines["Z1", (0,)] == (
        r"z^{(1)} _{1} = x _{1} w^{(1)} _{1 1} + x _{2} w^{(1)} _{2 1} + b^{(1)} _{1} "
        r"= 0.05 \cdot 0.15 + 0.1 \cdot 0.25 + 0.35 = 0.3825"
    )
    assert lines["L", ()].endswith(r"\frac{1}{2} \cdot (0.01 - 0.7514046)^{2} \approx 0.274840")


NETWORKS = {
    "softmax": Network([2, 3, 2], activation="leaky_relu", output="softmax",
                       loss="cross_entropy"),
    "per sample": Network([2, 3, 2], activation="softplus", output="sigmoid",
                          loss="binary_cross_entropy", delta="sample"),
    "formula": Network([2, 3, 2], activation="z*sigmoid(z)", loss="mean_squared_error"),
    "logits": Network([2, 3, 2], activation="tanh", loss="cross_entropy_from_logits"),
    "relu": Network([2, 3, 2], activation="relu", loss="half_squared_error"),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_entry_of_other_networks_is_checked(name: str) -> None:
    chain, worker = worker_of(NETWORKS[name], SAMPLES)
    for step in chain.steps:
        places = worker.names.figures[step.name]
        for line in worker.lines(step.equation, places):
            assert line.checked, line.formula.latex


def test_exact_figures_agree_with_floating_point() -> None:
    import numpy as np

    from gradproof.codegen.interpret import evaluate as in_floats

    for network in NETWORKS.values():
        chain = derive(network).chain
        floats = in_floats(chain.system, SAMPLES)
        figures = evaluate(chain.system, SAMPLES)
        for name, entries in figures.entries.items():
            ours = [float(value) for value in entries.values()]
            np.testing.assert_allclose(ours, floats[name].ravel(), rtol=1e-12, atol=1e-14)


def test_negative_operands_are_bracketed() -> None:
    _, worker = worker_of(NETWORKS["relu"], SAMPLES)
    chain = derive(NETWORKS["relu"]).chain
    line = worker.line(chain.step("Z1").equation, (0, 1))
    assert line.formula.sides[1].latex == r"0.5 \cdot (-0.2) + (-1) \cdot 0.5 + (-0.1)"


# --- digits -------------------------------------------------------------------------------------


def test_a_saturated_output_keeps_its_digits() -> None:
    network = Network([1, 1], output="sigmoid", batch=False)
    chain = derive(network).chain
    figures = evaluate(chain.system, {"X": [300], "W1": [[1]], "b1": [0], "Y": [1]})
    # (a - 1) a (1 - a) with 1 - a = exp(-300) / (1 + exp(-300)): nothing but digits past 130.
    with mpmath.workdps(400):
        small = mpmath.exp(-300) / (1 + mpmath.exp(-300))
        expected = -small * (1 - small) * small
        assert mpmath.almosteq(figures["dZ1"][0,], expected, rel_eps=mpmath.mpf(10) ** -49)


def test_a_logarithm_of_what_is_left_of_one_is_finite() -> None:
    network = Network([1, 1], output="sigmoid", batch=False, loss="binary_cross_entropy")
    chain = derive(network).chain
    values = {"X": [400], "W1": [[1]], "b1": [0], "Y": [0]}
    assert float(evaluate(chain.system, values)["L"][()]) == pytest.approx(400, rel=1e-12)
    values["X"] = [10**7]
    with pytest.raises(WorkedError, match="L has no finite value"):
        evaluate(chain.system, values)


def test_a_sum_that_cancels_is_exactly_zero() -> None:
    figures = worker_of(NETWORKS["softmax"], SAMPLES)[1].names.figures
    assert figures["dZ1"][0, 1] == Fraction(0)


def test_a_float_is_the_decimal_that_it_prints_as() -> None:
    assert exact(0.1) == Fraction(1, 10)
    assert exact("1e-3") == Fraction(1, 1000)
    for wrong in (float("nan"), float("inf"), None, True, "one"):
        with pytest.raises(ValueError, match="expected a"):
            exact(wrong)


@pytest.mark.parametrize(("value", "digits", "latex"), [
    (Fraction(1, 3), 6, "0.333333"),
    (Fraction(-2, 3), 3, "-0.667"),
    (Fraction(3825, 10000), 6, "0.3825"),
    (Fraction(1, 2 * 10**7), 4, r"5 \times 10^{-8}"),
    (Fraction(0), 4, "0"),
    (Fraction(12), 6, "12"),
    (Fraction(2, 3) * 10**12, 4, r"6.667 \times 10^{11}"),
])
def test_shown_digits(value: Fraction, digits: int, latex: str) -> None:
    assert show(value, digits).latex == latex


# --- reading back -------------------------------------------------------------------------------


@pytest.mark.parametrize(("latex", "value"), [
    (r"1 - (-0.15)", Fraction(115, 100)),
    (r"-2 \cdot 3^{2}", Fraction(-18)),
    (r"\frac{1 - 4}{2} \cdot \bigl( 2 + 1 \bigr)", Fraction(-9, 2)),
    (r"\max(1, 2.5, -3)", Fraction(5, 2)),
    (r"5 \times 10^{-3} + 1", Fraction(1005, 1000)),
    (r"\left( \frac{1}{2} \right)^{2}", Fraction(1, 4)),
])
def test_printed_numbers_are_read_as_they_look(latex: str, value: Fraction) -> None:
    assert Reader({}).gives(latex, show(value, 12))


def test_a_lost_bracket_or_a_wrong_digit_is_found() -> None:
    reader = Reader({})
    result = show(Fraction(9), 6)
    assert reader.gives(r"3 \cdot (1 + 2)", result)
    assert not reader.gives(r"3 \cdot 1 + 2", result)
    assert not reader.gives(r"3 \cdot 2.99", result)
    operand = show(Fraction(2, 3), 3)
    assert reader.allows(rf"3 \cdot {operand.latex}", show(Fraction(2), 6), [operand])
    assert not reader.allows(rf"3 \cdot {operand.latex}", show(Fraction(21, 10), 6), [operand])
    with pytest.raises(UnreadableError):
        reader.gives(r"\unknown(1)", result)


def test_a_line_that_contradicts_its_operands_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    chain, worker = worker_of(example("2-2-1"))
    figures: Figures = worker.names.figures
    figures["A2"][0,] = Fraction(3, 4)
    with pytest.raises(DigitsError, match="do not give"):
        worker.line(chain.step("A2").equation, (0,))
    assert _Step.relation == "="


@pytest.mark.parametrize(("z", "substituted"), [(5, True), (20, True), (40, False), (80, False)])
def test_a_saturated_unit_shows_no_numbers_that_say_nothing(z: int, substituted: bool) -> None:
    network = Network([1, 1], output="sigmoid", batch=False,
                      values={"X": [z], "Y": [0.5], "W1": [[1]], "b1": [0]})
    chain, worker = worker_of(network)
    line = worker.line(chain.step("dZ1").equation, (0,))
    assert line.checked == substituted
    assert len(line.formula.sides) == 2 + substituted
    with mpmath.workdps(60):
        reached = 1 / (1 + mpmath.exp(-z))
        slope = (reached - 0.5) * reached * (1 - reached)
        assert line.formula.sides[-1].latex == show(worker.names.figures["dZ1"][0,], 6).latex
        assert abs(Fraction(str(slope)) / show(line.value, 40).decimal - 1) < Fraction(1, 10**12)


@pytest.mark.parametrize(("z", "digits"), [(-95.49, 6), (-492.66, 3), (-80863, 6)])
def test_results_below_all_the_digits_that_are_computed(z: float, digits: int) -> None:
    """σ(-493) is no 1e-214, and σ(-80863) is about 0 and not 0."""
    network = Network([1, 1], output="sigmoid", batch=False,
                      values={"X": [z], "Y": [0.5], "W1": [[1]], "b1": [0]})
    derived = derive(network)
    made = build(derived.network, derived.chain, derived.writer, digits=digits)
    (line,) = [line for line in made.lines if line.array == "A1"]
    *_, numbers, result = line.formula.sides
    assert result.relation == r"\approx"
    given = re.fullmatch(r"\\sigma\((.*)\)", numbers.latex)
    assert given is not None
    with mpmath.workdps(60):
        reached = 1 / (1 + mpmath.exp(-mpmath.mpf(given[1])))
        assert show(reached, digits).latex == result.latex


# --- everything the equation type can say -------------------------------------------------------


def test_guards_gathers_and_maxima_are_unrolled() -> None:
    i, k = Index("i", sp.Integer(2)), Index("k", sp.Integer(3))
    at = (index_symbol("i"), index_symbol("k"))
    picked = Read("X", (at[0], Read("label", (at[0],))))
    system = System(
        (Array("X", (sp.Integer(2), sp.Integer(3))),
         Array("label", (sp.Integer(2),), "labels", classes=sp.Integer(3))),
        (
            Equation("top", (i,), (Term(slot(0), (Read("X", at),), (k,)),), "max", ("best",)),
            Equation("pick", (i,), (Term(2 * slot(0), (picked,)),)),
            Equation("trace", (), (Term(slot(0), (Read("X", at),), (i, k), (Equal(*at),)),)),
        ),
    )
    figures = evaluate(system, {"X": [[1, -2, 1], [0.5, 4, 0.25]], "label": [2, 1]})
    worker = Worker(EntryNames(Writer(Notation(layers=False), True, system.shapes), figures), {})
    shown = {e.name: worker.line(e, next(iter(figures[e.name]))).formula.latex
             for e in system.equations}
    assert figures["best"][0,] == 0  # the first of two that tie
    assert shown["top"].endswith(r"\max(1, -2, 1) = 1")
    assert shown["pick"].endswith(r"2 \cdot 1 = 2")
    assert shown["trace"].endswith("1 + 4 = 5")


def test_missing_and_misshapen_values_are_named() -> None:
    system = example("2-2-1").system()
    values = dict(example("2-2-1").values)
    with pytest.raises(WorkedError, match="no values for b2"):
        evaluate(system, {k: v for k, v in values.items() if k != "b2"})
    with pytest.raises(WorkedError, match=r"b1: expected shape \(2,\)"):
        evaluate(system, {**values, "b1": [1, 2, 3]})
    big = Network([400, 400], batch=False)
    with pytest.raises(WorkedError, match="scalar operations"):
        evaluate(big.system(), {"X": [0] * 400, "W1": [[0] * 400] * 400, "b1": [0] * 400,
                                "Y": [0] * 400})


# --- quantities and claims ----------------------------------------------------------------------


def test_stated_figures_of_2_2_1() -> None:
    network = example("2-2-1")
    report = report_of(network)
    claims = {claim.latex: claim for claim in report.claims}
    assert len(report.claims) == 40
    assert claims["h _{1}"].rounds
    wrong = claims["h _{2}"]
    assert (wrong.stated, wrong.rounds, wrong.rounded) == ("0.598", False, "0.596")
    assert show(wrong.difference, 3).latex == "0.00172"
    assert sum(claim.rounds for claim in report.claims) == 18


def test_quantities_are_found_or_refused_with_a_hint() -> None:
    _, worker = worker_of(example("2-2-1"))
    assert quantity("W2[1]", worker.names).value == Fraction(2, 5)
    assert quantity("W2[1,1]", worker.names).value == Fraction(2, 5)
    assert quantity("(X[1] + 1) / 2", worker.names).value == Fraction(105, 200)
    for text, message in [
        ("Q", "no quantity 'Q'"), ("W1[3,1]", "outside 1 to 2"), ("W1[1]", "takes 2 subscripts"),
        ("__import__('os')", "no|neither"), ("A1[", "is no quantity"), ("A1[x]", "whole numbers"),
        ("X[1] / 0", "divides by 0"), ("nope(A2)", "no function"),
    ]:
        with pytest.raises(QuantityError, match=message):
            quantity(text, worker.names)
    with pytest.raises(QuantityError, match="claim 1: stated: expected a decimal"):
        compare([{"quantity": "L", "stated": "about 1"}], worker.names)
