"""The page of an example: what it teaches, its curves, what was seen, and how it was trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite

import numpy as np

from gradproof.derivations.deriving import derive
from gradproof.reports.content import (
    Block,
    Display,
    Paragraph,
    Prose,
    Section,
    Table,
    equation,
)
from gradproof.reports.drawing import Ink
from gradproof.reports.pages.document import ReportData
from gradproof.reports.sections.plots import Series
from gradproof.symbolic.derive.any_depth import through_layers
from gradproof.symbolic.display.notation import Notation, general_notation
from gradproof.symbolic.display.writer import Writer
from gradproof.symbolic.specs.network import Network
from gradproof.symbolic.text.statements import parse_equations

from .beside import NEAR, scikit_learn
from .examples import Example, Seen, figure
from .loop import Training
from .many import Many, quartiles
from .page import curves, page_of

INKS: tuple[Ink, ...] = ("forward", "backward", "third", "")


def example_page(
    example: Example, runs: Mapping[str, Training], checked: Sequence[Block] = (),
    findings: list[str] | None = None,
) -> ReportData:
    """The page of an example whose runs, by their labels, are at their ends.

    checked: what was found before.  findings: what is not as it should be of
    what the page adds is put there.
    """
    wrong: list[str] = [] if findings is None else findings
    first = runs[example.variants[0].label]
    series = [Series(label, [(epoch.number, epoch.loss) for epoch in run.history], ink)
              for (label, run), ink in zip(runs.items(), INKS, strict=False)]
    blocks: list[Block] = [Paragraph((example.teaches,)), *curves(series),
                           Paragraph((first.data.description,))]
    copies = {label: run for label, run in runs.items() if isinstance(run, Many)}
    blocks.append(_copies_table(copies) if copies else _table(runs))
    blocks += [Paragraph(_told(seen, runs)) for seen in example.seen]
    blocks += [Paragraph(_ended(label, run)) for label, run in runs.items() if run.ended]
    if example.beside:
        blocks.append(_beside(example.variants[0].label, first, wrong))
    if example.slopes:
        blocks.append(_slopes(example))
    if example.any_depth:
        blocks += _any_depth(wrong)
    blocks += checked
    if len(runs) > 1:
        blocks.append(Paragraph(("What follows, the formulas, the step and the program, is of “",
                                 example.variants[0].label, "”.")))
    return page_of(first, (example.title,), Section(("What is seen",), tuple(blocks), name="seen"))


def _copies_table(runs: Mapping[str, Many]) -> Table:
    header = ("", "learned", "lower quartile of the loss", "median", "upper quartile")
    rows = []
    for label, run in runs.items():
        share = f"{run.learned.mean():.1%}"
        rows.append(tuple((cell,) for cell in (
            label, share, *(f"{value:.4g}" for value in quartiles(run.losses)))))
    return Table(tuple((title,) for title in header), tuple(rows), "lrrrr")


def _table(runs: Mapping[str, Training]) -> Table:
    header = ["", "parameters", "loss in the first epoch", "loss in the last"]
    tested = any(len(run.test_places) for run in runs.values())
    judged = tested and all(run.data.classes for run in runs.values())
    header += ["loss of those set aside"] * tested + ["rightly classified"] * judged
    rows = []
    for label, run in runs.items():
        last = run.history[-1] if run.history else None
        cells = [label, str(len(run.w)),
                 _number(run.history[0].loss if run.history else None),
                 _number(last.loss if last and not run.ended else None)]
        over = last is None or bool(run.ended)
        if tested:
            cells.append(_number(None if over or last is None else last.test_loss))
        if judged:
            share = None if over or last is None else last.accuracy
            cells.append("–" if share is None else f"{share:.2%}")
        rows.append(tuple((cell,) for cell in cells))
    return Table(tuple((title,) for title in header), tuple(rows), "l" + "r" * (len(header) - 1))


def _number(value: float | None) -> str:
    return f"{value:.4g}" if value is not None and isfinite(value) else "–"


WHAT = {"loss": "The loss of the last epoch", "test_loss": "The loss of the samples set aside",
        "accuracy": "The part that is classified rightly",
        "first_gradient": "The norm of the gradient in the first epoch"}


def _told(seen: Seen, runs: Mapping[str, Training]) -> Prose:
    one, other = figure(runs[seen.one], seen.of), figure(runs[seen.other], seen.of)
    if isinstance(runs[seen.one], Many) and seen.of == "accuracy":
        return (f"Every sample is classified rightly by "
                f"{one:.1%} of the copies with “", seen.one, f"” and by {other:.1%} with “",
                seen.other, "”.")
    if seen.within is not None:
        return (f"{WHAT[seen.of]} is {_number(one)} with “", seen.one, f"” and {_number(other)} "
                "with “", seen.other, f"”: alike within {seen.within:.0%}.")
    if not isfinite(other):
        return (f"{WHAT[seen.of]} is {_number(one)} with “", seen.one, "”; the run “", seen.other,
                "” does not come to its end.")
    return (f"{WHAT[seen.of]} is {_number(one)} with “", seen.one, f"” and {_number(other)} with “",
            seen.other, "”.")


def _ended(label: str, run: Training) -> Prose:
    return ("“", label, f"” ends after {run.taken} steps: its loss, or its gradient, is no number "
            "that a float holds any more.")


def _beside(label: str, training: Training, findings: list[str]) -> Paragraph:
    """The accuracy of scikit-learn's network on the same split."""
    theirs = scikit_learn(training)
    if theirs is None:
        return Paragraph(("scikit-learn, whose network would be trained on the same samples, is "
                          "not installed.",))
    own = figure(training, "accuracy")
    if abs(own - theirs) > NEAR:
        findings.append(f"scikit-learn: {theirs:.4g} are right, and {own:.4g} here")
    return Paragraph((
        "scikit-learn's MLPClassifier of the same sizes, trained on the same samples by the same "
        f"rule with as many epochs, classifies {theirs:.2%} of those set aside rightly; “", label,
        f"” {own:.2%}."))


def _any_depth(findings: list[str]) -> list[Block]:
    """That layers without activations are one, for any number of them."""
    rule, same = through_layers(linear=True)
    _, with_activations = through_layers()
    if not same or with_activations:
        findings.append("any depth: layers without activations alone should be one")
    writer = Writer(general_notation(Notation()), False, {})
    return [
        Paragraph(("For any depth and any widths: without activations the derived gradient of an "
                   "output goes through a layer by",)),
        Display((equation(*str(writer.latex(rule)).split(" = ", 1)),)),
        Paragraph(("which reads no value that depends on the input. So it is the same at every "
                   "input, and the network is one layer: proved. With activations it reads their "
                   "slopes, and is not." if same and not with_activations else "not proved",)),
    ]


def _slopes(example: Example) -> Table:
    """The derived slopes of the variants' activations at some places."""
    rows = []
    for variant in example.variants:
        assert isinstance(variant.network, Network)
        name = variant.network.activations[0]
        made = derive(parse_equations(f"L = sum({name}(z))", {"z": "n"}))
        _, gradient = made.compile()(z=np.array(PLACES))
        rows.append(((variant.label,), *((f"{slope:.3g}",) for slope in gradient["z"])))
    header = (("slope at",), *((f"{place:g}".replace("-", "−"),) for place in PLACES))
    return Table(header, tuple(rows), "l" + "r" * len(PLACES))


PLACES = (-10.0, -2.0, 0.0, 2.0, 10.0)
"""Where slopes of activations are told."""
