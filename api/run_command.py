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
    from gradproof.training.examples import Example, Variant
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
    from gradproof.training.examples import example, names

    width = max(map(len, names()))
    for name in names():
        say(f"{name:{width}}  {example(name).title}")
    return FINE


def run(options: argparse.Namespace) -> int:
    """Checks, trains, writes the page; 1 where something is not as the example says."""
    from gradproof.training.comparison import example_page
    from gradproof.training.examples import example
    from gradproof.training.page import expect_page, written

    chosen = example(options.example)
    formats = [part.strip() for part in options.format.split(",") if part.strip()]
    expect_page(Path(options.output), formats, language=options.language, force=options.force)
    say(f"{chosen.title}\n{chosen.teaches}")
    checked = _checked(chosen)
    for sentence in checked:
        say(sentence)
    runs = {variant.label: _trained(chosen, variant) for variant in chosen.variants}
    for path in written(example_page(chosen, runs, checked), Path(options.output), formats,
                        language=options.language, force=options.force):
        say(escaping.path(path))
    found = chosen.findings(runs)
    for line in found:
        say(f"gradproof: not as the example says: {line}", sys.stderr)
    return FINDINGS if found else FINE


def _trained(chosen: Example, variant: Variant) -> Training:
    from gradproof.training.loop import DivergedError

    training = chosen.begun(variant)
    try:
        for epoch in training.run():
            bar(epoch.number, variant.plan.epochs)
    except DivergedError as error:
        say(f"{variant.label}: {error}")
        return training
    last = training.history[-1]
    said = f"{variant.label}: loss {training.history[0].loss:.4g} to {last.loss:.4g}"
    if last.accuracy is not None:
        said += (f", {last.accuracy:.1%} of {chosen.seeds} learned" if chosen.seeds
                 else f", {last.accuracy:.2%} of those set aside right")
    say(said)
    return training


def _checked(chosen: Example) -> list[str]:
    """What is found of the hand-written backward pass of the example."""
    from gradproof.symbolic.specs.stated import Stated

    network = chosen.variants[0].network
    if not chosen.hand or isinstance(network, Stated):
        return []
    from gradproof.checks.own_process.parent import checked_pass
    from gradproof.derivations.examples import EXAMPLES

    result = checked_pass(network, EXAMPLES / chosen.hand)
    return [f"The backward pass that was written by hand, {chosen.hand}, is held against the "
            f"derived gradient: {result.verdict}."]
