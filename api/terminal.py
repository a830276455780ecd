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

SILENCE = 1.0
"""Seconds after which somebody at a terminal is told what is going on."""


def say(text: str, file: TextIO | None = None) -> None:
    """Prints lines in which nothing steers the terminal, or the runner that keeps the log."""
    print(escaping.printed(text), file=file)


def bear_any_text() -> None:
    """What a terminal's encoding has not is spelled out (``\\u03b4``), rather than an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


class Progress:
    """Says on a terminal's stderr what is going on, once that has taken more than a second."""

    def __init__(self) -> None:
        self._timer: threading.Timer | None = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def says(self, what: str) -> None:
        """What is going on from now on."""
        self._stop()
        if sys.stderr.isatty():
            self._timer = threading.Timer(
                SILENCE, lambda: say(f"gradproof: {what} ...", sys.stderr))
            self._timer.daemon = True
            self._timer.start()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


@contextmanager
def progress(what: str) -> Iterator[None]:
    """:class:`Progress` with one thing to say."""
    with Progress() as said:
        said.says(what)
        yield


def bar(done: int, of: int, width: int = 30) -> None:
    """How far something has come, on a terminal's stderr; the last one takes the bar away."""
    if not sys.stderr.isatty():
        return
    filled = width * done // of
    text = f"[{'#' * filled}{'.' * (width - filled)}] {done}/{of}"
    print(f"\r{' ' * len(text) if done >= of else text}\r", end="", file=sys.stderr, flush=True)
