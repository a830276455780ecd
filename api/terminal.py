"""What the shell and somebody at a terminal are told: exit codes, and what takes long."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import TextIO

from gradproof.symbolic import escaping

FINE, FINDINGS, FAILED = 0, 1, 2
"""Exit codes: all fine; something refuted, undecided or stale; usage, configuration or crash, or
nothing to do."""


def say(text: str, file: TextIO | None = None) -> None:
    """Prints lines in which nothing steers the terminal, or the runner that keeps the log."""
    print(escaping.printed(text), file=file)


def bear_any_text() -> None:
    """What a terminal's encoding has not is spelled out (``\\u03b4``), rather than an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def progress(what: str) -> Iterator[None]:
    """Says on a terminal's stderr what is going on, once it has taken more than a second."""
    if not sys.stderr.isatty():
        yield
        return
    said = threading.Timer(1.0, lambda: print(f"gradproof: {what} ...", file=sys.stderr))
    said.daemon = True
    said.start()
    try:
        yield
    finally:
        said.cancel()
