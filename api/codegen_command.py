"""The command ``gradproof codegen``: the gradient's source, printed."""

from __future__ import annotations

import argparse
import keyword
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING

from gradproof.terminal import FINE

if TYPE_CHECKING:
    from gradproof.derivations.computed import Computed


def add_options(command: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    command.add_argument("--name", default="gradient", help="of the function (default: gradient)")
    command.add_argument("--target", default="numpy",
                         choices=["numpy", "xp", "numba", "c", "c-header"],
                         help="NumPy source, source over the array API standard (PyTorch, JAX, "
                              "...), loops for Numba, C source that stands alone, or its header")
    command.add_argument("--only", metavar="NAMES", help="gradients to compute, as W1,b1 "
                         "(default: all)")
    command.add_argument("--no-loss", action="store_true", help="the gradients without the loss")
    command.add_argument("--per-sample", nargs="?", const="m", metavar="SIZE",
                         help="the loss and the gradients of each sample's share, with an axis of "
                              "samples in front; SIZE is the number of samples (default: m)")


def _text(derivation: Computed, options: argparse.Namespace) -> str:
    only = None if options.only is None else [
        name.strip() for name in options.only.split(",") if name.strip()]
    loss = not options.no_loss
    if options.target == "numpy":
        return derivation.numpy_source(only, options.name, loss)
    if options.target == "xp":
        return derivation.array_api_source(options.name, only=only, loss=loss)
    if options.target == "numba":
        return derivation.numba_source(options.name, only=only, loss=loss)
    source = derivation.c_source(options.name, only=only, loss=loss)
    return source.text if options.target == "c" else source.header


def run(options: argparse.Namespace) -> int:
    from gradproof.modules.files import derived

    if not options.name.isidentifier() or keyword.iskeyword(options.name) or (
        options.name in ("np", "sigmoid", "softplus", "logsumexp")
    ):
        raise ValueError("--name: expected a Python name that the program does not use itself, "
                         f"got {options.name!r}")
    found = derived(options.spec, options.shape, options.loss, options.sizes)
    text = _text(found if options.per_sample is None else found.per_sample(options.per_sample),
                 options)
    if isinstance(sys.stdout, TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8")  # that of source files, whatever the terminal's
    print(text, end="")
    return FINE
