"""The page of an example: what it teaches, its curves, what was seen, and how it was trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite

from gradproof.reports.content import Block, Paragraph, Prose, Section, Table
from gradproof.reports.drawing import Ink
from gradproof.reports.pages.document import ReportData
from gradproof.reports.sections.plots import Series

from .examples import Example, Seen, figure
from .loop import Training
from .many import Many, quartiles
from .page import curves, page_of

INKS: tuple[Ink, ...] = ("forward", "backward", "third", "")


def example_page(
    example: Example, runs: Mapping[str, Training], checked: Sequence[str] = ()
) -> ReportData:
    """The page of an example whose runs, by their labels, are at their ends.

    checked: what was found of the hand-written backward pass, sentence by sentence.
    """
    first = runs[example.variants[0].label]
    series = [Series(label, [(epoch.number, epoch.loss) for epoch in run.history], ink)
              for (label, run), ink in zip(runs.items(), INKS, strict=False)]
    blocks: list[Block] = [Paragraph((example.teaches,)), *curves(series),
                           Paragraph((first.data.description,))]
    copies = {label: run for label, run in runs.items() if isinstance(run, Many)}
    blocks.append(_copies_table(copies) if copies else _table(runs))
    blocks += [Paragraph(_told(seen, runs)) for seen in example.seen]
    blocks += [Paragraph(_ended(label, run)) for label, run in runs.items() if run.ended]
    blocks += [Paragraph((sentence,)) for sentence in checked]
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
