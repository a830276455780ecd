"""The command ``gradproof codegen``: the gradient's source, printed."""

from __future__ import annotations

import argparse
import keyword
import sys
from io import TextIOWrapper

from gradproof.terminal import FINE


def add_options(command: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    command.add_argument("--name", default="gradient", help="of the function (default: gradient)")
    command.add_argument("--target", default="numpy",
                         choices=["numpy", "xp", "numba", "c", "c-header"],
                         help="NumPy source, source over the array API standard (PyTorch, JAX, "
                              "...), loops for Numba, C source that stands alone, or its header")


def run(options: argparse.Namespace) -> int:
    from gradproof.modules.files import derived

    if not options.name.isidentifier() or keyword.iskeyword(options.name) or (
        options.name in ("np", "sigmoid", "softplus", "logsumexp")
    ):
        raise ValueError("--name: expected a Python name that the program does not use itself, "
                         f"got {options.name!r}")
    derivation = derived(options.spec, options.shape, options.loss, options.sizes)
    if options.target == "numpy":
        text = derivation.numpy_source(name=options.name)
    elif options.target == "xp":
        text = derivation.array_api_source(options.name)
    elif options.target == "numba":
        text = derivation.numba_source(options.name)
    else:
        source = derivation.c_source(options.name)
        text = source.text if options.target == "c" else source.header
    if isinstance(sys.stdout, TextIOWrapper) and not sys.stdout.isatty():
        sys.stdout.reconfigure(encoding="utf-8")  # that of source files, whatever the terminal's
    print(text, end="")
    return FINE
