"""What the shell and somebody at a terminal are told: exit codes, and what takes long."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

FINE, FINDINGS, FAILED = 0, 1, 2
"""Exit codes: all fine; something refuted, undecided or stale; usage, configuration or crash, or
nothing to do."""


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
