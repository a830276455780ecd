"""Examples that are worked rather than trained: the report of a spec behind a figure, in which its
inputs are made larger and smaller."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import sympy as sp

from gradproof.checks.hand_files import load_function
from gradproof.derivations.deriving import derive
from gradproof.derivations.examples import EXAMPLES
from gradproof.derivations.sources import load_source, values_of
from gradproof.reporting import report_data
from gradproof.reports.content import Block, Math, Paragraph, Picture, Prose, Section, Table
from gradproof.reports.drawing import Ink
from gradproof.reports.pages.document import ReportData
from gradproof.reports.sections.plots import Axis, Series, plot
from gradproof.symbolic.equation import slot
from gradproof.symbolic.specs.stated import Stated
from gradproof.training.examples import Study

CURVE = "sweep"
"""The name of the drawing."""
POINTS = 60
NEAR = 1e-5
"""How far from 1 factors are taken for a slope."""
INKS: tuple[Ink, ...] = ("forward", "backward", "third", "")


class Sweeping:
    """A study's loss as one of its inputs after the other is multiplied by a factor."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.network = load_source(study.spec)
        self.values = values_of(self.network)
        self.derivation = derive(self.network)
        self.loss = self.derivation.loss_function()
        self.by_hand: Callable[..., Any] | None = None
        if study.sweep.by_hand:
            self.by_hand = load_function(EXAMPLES / study.sweep.by_hand, "loss")

    @property
    def factors(self) -> list[float]:
        sweep = self.study.sweep
        spaced = np.geomspace if sweep.is_log else np.linspace
        return [float(factor) for factor in spaced(sweep.start, sweep.end, POINTS)]

    def at(self, loss: Callable[..., Any], name: str, factor: float) -> float:
        """The loss with one input so many times what it is; what a program computes is looked at
        without a word about overflow, which is what may be seen."""
        with np.errstate(all="ignore"):
            return float(loss(**{**self.values, name: factor * self.values[name]}))

    def series(self) -> list[Series]:
        names = self.study.sweep.over
        lines = [(name if self.by_hand is None else "derived", self.loss, name) for name in names]
        if self.by_hand is not None:
            lines += [("as it stands", self.by_hand, name) for name in names]
        return [Series(said, [(factor, self.at(loss, name, factor)) for factor in self.factors],
                       ink) for (said, loss, name), ink in zip(lines, INKS, strict=False)]

    def slopes(self) -> dict[str, tuple[float, float]]:
        """For each input the slope of its curve at the factor 1, by the derived gradient, the sum
        of x ∂L/∂x over its entries, and by a difference of the loss."""
        _, gradients = self.derivation.compile()(**self.values)
        return {name: (float(np.sum(self.values[name] * gradients[name])), (
            self.at(self.loss, name, 1 + NEAR) - self.at(self.loss, name, 1 - NEAR)) / (2 * NEAR))
            for name in self.study.sweep.over if name in gradients}

    def breaks(self) -> float | None:
        """The first factor at which the program by hand gives no finite number; None where it
        always does."""
        (name,) = self.study.sweep.over
        assert self.by_hand is not None
        return next((factor for factor in self.factors
                     if not np.isfinite(self.at(self.by_hand, name, factor))), None)


def study_page(study: Study) -> tuple[ReportData, list[str]]:
    """The page of a study: what it teaches, its figure, the report; and what is not as it says."""
    sweeping = Sweeping(study)
    blocks: list[Block] = [Paragraph((study.teaches,))]
    drawn = plot(CURVE, "The loss, as an input is multiplied", Axis("factor", study.sweep.is_log),
                 Axis("loss" if sweeping.derivation.chain.loss == "L" else
                      sweeping.derivation.chain.loss, study.sweep.is_log), sweeping.series())
    if drawn is not None:
        blocks.append(Picture(("The loss, as an input is multiplied.",), drawn))
    more, wrong = _by_hand(sweeping) if sweeping.by_hand else _slopes(sweeping)
    if isinstance(sweeping.network, Stated):
        blocks += _local(sweeping)
    data, _ = report_data(sweeping.network)
    seen = Section(("What is seen",), (*blocks, *more), name="seen")
    return replace(data, title=(study.title,), sections=(seen, *data.sections)), wrong


def _local(sweeping: Sweeping) -> list[Block]:
    """Each equation, of numbers, with its derivatives by what it reads, and their values."""
    known = {sp.Symbol(name): sp.Float(float(value)) for name, value in sweeping.values.items()}
    rows: list[tuple[Prose, ...]] = []
    for equation in sweeping.network.system().equations:
        body = sum((term.body.xreplace({slot(place): sp.Symbol(read.array)
                                        for place, read in enumerate(term.reads)})
                    for term in equation.terms), sp.S.Zero)
        for symbol in sorted(body.free_symbols, key=str):
            slope = sp.diff(body, symbol)
            rows.append(((Math(f"{equation.name} = {sp.latex(body)}"),), (Math(
                rf"\partial {equation.name}/\partial {symbol} = {sp.latex(slope)}"),),
                (f"{float(slope.xreplace(known)):.6g}",)))
        known[sp.Symbol(equation.name)] = body.xreplace(known)
    return [Table((("equation",), ("local derivative",), ("value",)), tuple(rows), "llr")]


def _slopes(sweeping: Sweeping) -> tuple[list[Block], list[str]]:
    found = sweeping.slopes()
    rows = tuple(((Math(sweeping.derivation.writer.notation.latex(name)),), (f"{derived:.6g}",),
                  (f"{measured:.6g}",)) for name, (derived, measured) in found.items())
    wrong = [f"{name}: its slope is derived as {derived:.6g}, and measured as {measured:.6g}"
             for name, (derived, measured) in found.items()
             if not np.isclose(derived, measured, rtol=1e-6, atol=1e-9)]
    table = Table((("",), ("slope at 1, derived",), ("measured",)), rows, "lrr")
    return [table], wrong


def _by_hand(sweeping: Sweeping) -> tuple[list[Block], list[str]]:
    """Where the program by hand breaks off, and whether the derived one does anywhere."""
    (name,), by_hand = sweeping.study.sweep.over, sweeping.by_hand
    assert by_hand is not None
    broken = sweeping.breaks()
    finite = sum(np.isfinite(sweeping.at(sweeping.loss, name, factor))
                 for factor in sweeping.factors)
    near = [factor for factor in sweeping.factors if broken is None or factor < broken]
    apart = max(abs(sweeping.at(by_hand, name, factor) - sweeping.at(sweeping.loss, name, factor))
                for factor in near)
    told = (f"The program as it stands gives no number from a factor of {broken:.4g} on; before, "
            f"both agree within {apart:.1g}. The derived one is finite at {finite} of the "
            f"{POINTS} factors." if broken is not None else "")
    wrong = [] if broken is not None and finite == POINTS and apart < NEAR else [
        f"the program by hand breaks off at {broken}, the derived one is finite at {finite} of "
        f"{POINTS} factors, and they are {apart:.2g} apart"]
    return [Paragraph((told,))], wrong
