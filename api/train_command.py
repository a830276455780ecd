"""The command ``gradproof train``: what it prints, and its exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gradproof.symbolic import escaping
from gradproof.terminal import FAILED, FINE, bar, say

if TYPE_CHECKING:
    from gradproof.training.loop import Epoch, Training


def add_options(command: argparse.ArgumentParser, spec_help: str) -> None:
    """The arguments of the command."""
    command.add_argument("spec", help=spec_help)
    command.add_argument("--data", required=True, metavar="DATA",
                         help="xor, moons, digits, noise, echo, text, ratings, or a file: .csv "
                              "with a header, .npz with X and Y; or a folder with X.npy and "
                              "Y.npy, whose X is read as it is needed")
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
    _add_cluster(command)
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


def _add_cluster(command: argparse.ArgumentParser) -> None:
    command.add_argument("--dask", nargs="?", const="local", metavar="SCHEDULER",
                         help="spread each step over processes, blocks of its batch to each: of "
                              "this machine, or of the scheduler at tcp://HOST:PORT")
    command.add_argument("--workers", type=int, metavar="N", help="processes of this machine")
    command.add_argument("--memory", metavar="SIZE",
                         help="of each of them, such as 400MB; one that needs more is ended")
    command.add_argument("--block", type=int, metavar="N",
                         help="samples that a process computes at once (default: 16 MiB of them)")


def run(options: argparse.Namespace) -> int:
    """Trains, a line an epoch; 2 where it diverges or something does not fit."""
    from gradproof.derivations.sources import load_source
    from gradproof.training.data import load as load_data
    from gradproof.training.loop import Plan, begun
    from gradproof.training.page import expect_page

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
    with _running(options) as kind:
        training = begun(kind(load_source(options.spec), data, plan, file),
                         resume=options.resume, force=options.force)
        return _run(training, options, formats)


@contextmanager
def _running(options: argparse.Namespace) -> Iterator[Callable[..., Training]]:
    """What runs: this process, or with --dask the workers of a cluster."""
    from gradproof.training.loop import Training

    asked = {name: getattr(options, name) for name in ("workers", "memory", "block")}
    if options.dask is None:
        for name, value in asked.items():
            if value is not None:
                raise ValueError(f"--{name} goes with --dask, which spreads the steps")
        yield Training
        return
    from gradproof.training.cluster import opened
    from gradproof.training.spread import Spread

    block = asked.pop("block")
    with opened(options.dask, **asked) as client:
        yield partial(Spread, client=client, block=block)


def _run(training: Training, options: argparse.Namespace, formats: list[str]) -> int:
    from gradproof.training.loop import DivergedError
    from gradproof.training.page import milestones, write_page

    plan, file = training.plan, training.checkpoint_file
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
