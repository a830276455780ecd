"""The command ``gradproof train``: what it prints, and its exit code."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gradproof.symbolic import escaping
from gradproof.terminal import FAILED, FINE, bar, say

if TYPE_CHECKING:
    from gradproof.training.loop import Epoch


def add_options(command: argparse.ArgumentParser, spec_help: str) -> None:
    """The arguments of the command."""
    command.add_argument("spec", help=spec_help)
    command.add_argument("--data", required=True, metavar="DATA",
                         help="xor, moons, digits, noise, echo, text, ratings, or a file: .csv "
                              "with a header, .npz with X and Y")
    command.add_argument("--target", metavar="NAMES", default="",
                         help="columns of a .csv file that are predicted, with commas (default: "
                              "the last)")
    command.add_argument("--epochs", type=int, default=20, help="default: %(default)s")
    command.add_argument("--batch", type=_batch, default=32, metavar="N",
                         help='samples a step, or "all" (default: %(default)s)')
    command.add_argument("--optimiser", "--optimizer", default="adam", metavar="NAME",
                         help="gradient_descent, momentum, nesterov, adagrad, rmsprop, adam, adamw "
                              "(default: %(default)s)")
    command.add_argument("--rate", type=float, metavar="ETA",
                         help="the learning rate (default: what is usual for the optimiser)")
    command.add_argument("--set", action="append", default=[], type=_setting, metavar="NAME=VALUE",
                         help="a setting of the optimiser, such as mu=0.95; more than once")
    command.add_argument("--schedule", default="constant", metavar="NAME",
                         help="of the learning rate: constant, linear, exponential, cosine, "
                              "inverse_time, warmup_cosine (default: %(default)s)")
    command.add_argument("--clip", type=float, metavar="LENGTH",
                         help="shorten gradients that are longer")
    command.add_argument("--init", default="xavier", metavar="NAME",
                         help="zeros, normal, small, xavier, he, lecun, orthogonal (default: "
                              "%(default)s)")
    command.add_argument("--test", type=float, default=0.2, metavar="PART",
                         help="of the samples that is set aside (default: %(default)s)")
    command.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    command.add_argument("--size", action="append", default=[], type=_size, metavar="NAME=N",
                         help="a size of the network that the data does not decide; more than once")
    command.add_argument("--checkpoint", metavar="FILE.npz", help="written after each epoch")
    command.add_argument("--resume", action="store_true", help="go on from the checkpoint")
    command.add_argument("-o", "--output", metavar="DIR", help="where a page of the run goes")
    command.add_argument("--format", metavar="FORMATS", default="markdown,latex",
                         help="of the page, with commas: markdown, latex, html, pdf, json, "
                              "notebook, typst (default: %(default)s)")
    command.add_argument("--language", metavar="CODE", default="en", help="en (the default) or zh")
    command.add_argument("--force", action="store_true",
                         help="replace files of the page that are no report's, and a checkpoint "
                              "that is not gone on from")


def run(options: argparse.Namespace) -> int:
    """Trains, a line an epoch; 2 where it diverges or something does not fit."""
    from gradproof.derivations.sources import load_source
    from gradproof.training.data import load as load_data
    from gradproof.training.loop import DivergedError, Plan, train
    from gradproof.training.page import expect_page, milestones, write_page

    formats = [part.strip() for part in options.format.split(",") if part.strip()]
    if options.output is not None:
        expect_page(Path(options.output), formats, language=options.language, force=options.force)
    targets = [name.strip() for name in options.target.split(",") if name.strip()]
    plan = Plan(
        epochs=options.epochs, batch=options.batch, optimiser=options.optimiser,
        learning_rate=options.rate, settings=dict(options.set), schedule=options.schedule,
        clip=options.clip, init=options.init, test=options.test, seed=options.seed,
        sizes=dict(options.size))
    data = load_data(options.data, targets=targets, seed=options.seed)
    file = None if options.checkpoint is None else Path(options.checkpoint)
    training = train(load_source(options.spec), data, plan, checkpoint_file=file,
                     resume=options.resume, force=options.force)
    say(f"{len(training.w)} parameters, {len(training.train_places)} samples to train with, "
        f"{len(training.test_places)} set aside, {training.steps_in_all} steps")
    if training.history:
        over = " nothing is left to be done" if len(training.history) >= plan.epochs else ""
        say(f"after {len(training.history)} epochs, from {escaping.path(str(file))}:{over}")
    told = milestones(plan.epochs)
    try:
        for epoch in training.run():
            bar(epoch.number, plan.epochs)
            if epoch.number in told:
                say(_line(epoch))
    except DivergedError as error:
        say(f"gradproof: error: {error}", sys.stderr)
        return FAILED
    if options.output is not None:
        for path in write_page(training, Path(options.output), formats,
                               language=options.language, force=options.force):
            say(escaping.path(path))
    return FINE


def _line(epoch: Epoch) -> str:
    said = f"epoch {epoch.number}: loss {epoch.loss:.6g}"
    if epoch.test_loss is not None:
        said += f", of those set aside {epoch.test_loss:.6g}"
    if epoch.accuracy is not None:
        said += f", {epoch.accuracy:.2%} of them right"
    return said


def _batch(text: str) -> int | None:
    if text == "all":
        return None
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f'expected a whole number, or "all", got {text!r}'
                                         ) from None


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {text!r}")
    return name.strip(), value.strip()


def _setting(text: str) -> tuple[str, float]:
    name, value = _pair(text)
    try:
        return name, float(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{name}: expected a number, got {value!r}") from None


def _size(text: str) -> tuple[str, int]:
    name, value = _pair(text)
    try:
        return name, int(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{name}: expected a whole number, got {value!r}"
                                         ) from None
