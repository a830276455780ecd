"""The commands ``gradproof examples`` and ``gradproof run``: what they print, and their exit codes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gradproof.symbolic import escaping
from gradproof.terminal import FINDINGS, FINE, bar, say

if TYPE_CHECKING:
    from gradproof.reports.pages.document import ReportData
    from gradproof.training.examples import Example, Study, Variant
    from gradproof.training.loop import Training


def add_options(command: argparse.ArgumentParser) -> None:
    """The arguments of ``gradproof run``."""
    command.add_argument("example", help="its name: gradproof examples lists them")
    command.add_argument("-o", "--output", default="gradproof-run", metavar="DIR",
                         help="where its page goes (default: %(default)s)")
    command.add_argument("--format", metavar="FORMATS", default="markdown,html",
                         help="of the page, with commas: markdown, latex, html, pdf, json, "
                              "notebook, typst (default: %(default)s)")
    command.add_argument("--language", metavar="CODE", default="en", help="en (the default) or zh")
    command.add_argument("--force", action="store_true",
                         help="replace files of these names that are no report's")


def listed(options: argparse.Namespace) -> int:
    """Prints the examples there are, with what each is about."""
    from gradproof.training.examples import chosen, names

    width = max(map(len, names()))
    for name in names():
        say(f"{name:{width}}  {chosen(name).title}")
    return FINE


def run(options: argparse.Namespace) -> int:
    """Checks, trains, writes the page; 1 where something is not as the example says."""
    from gradproof.training.examples import Study, chosen
    from gradproof.training.page import expect_page, written

    example = chosen(options.example)
    formats = [part.strip() for part in options.format.split(",") if part.strip()]
    expect_page(Path(options.output), formats, language=options.language, force=options.force,
                drawing="sweep" if isinstance(example, Study) else "training")
    say(f"{example.title}\n{example.teaches}")
    made, found = _worked(example) if isinstance(example, Study) else _told(example)
    for path in written(made, Path(options.output), formats, language=options.language,
                        force=options.force):
        say(escaping.path(path))
    for line in found:
        say(f"gradproof: not as the example says: {line}", sys.stderr)
    return FINDINGS if found else FINE


def _worked(study: Study) -> tuple[ReportData, list[str]]:
    from gradproof.studying import study_page

    return study_page(study)


def _told(example: Example) -> tuple[ReportData, list[str]]:
    """The page of an example that is trained, and what is not as it says."""
    from gradproof.checking_runs import checked
    from gradproof.reports.content import Paragraph, plain
    from gradproof.training.comparison import example_page

    findings: list[str] = []
    told = checked(example, findings)
    for block in told:
        if isinstance(block, Paragraph):
            say(plain(block.prose))
    runs = {variant.label: _trained(example, variant) for variant in example.variants}
    made = example_page(example, runs, told, findings)
    return made, [*findings, *example.findings(runs)]


def _trained(example: Example, variant: Variant) -> Training:
    from gradproof.training.loop import DivergedError

    training = example.begun(variant)
    try:
        for epoch in training.run():
            bar(epoch.number, variant.plan.epochs)
    except DivergedError as error:
        say(f"{variant.label}: {error}")
        return training
    last = training.history[-1]
    said = f"{variant.label}: loss {training.history[0].loss:.4g} to {last.loss:.4g}"
    if last.accuracy is not None:
        said += (f", {last.accuracy:.1%} of {example.seeds} learned" if example.seeds
                 else f", {last.accuracy:.2%} of those set aside right")
    say(said)
    return training
