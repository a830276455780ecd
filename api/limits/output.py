"""What a program prints, run in a process of its own, within a time and a memory."""

from __future__ import annotations

import io
import os
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from gradproof.limits.process import EndedError, Process, Send, ready

SECONDS = 60.0
"""How long a program may run."""
GIGABYTES = 2.0
MOST_PRINTED = 1_000_000
"""Bytes of output that are kept."""
STARTING = 60.0


@dataclass(frozen=True)
class Run:
    """What a program printed, and how it ended: "" where it ended by itself, without an error."""

    printed: str
    ended: str = ""
    missing: bool = False

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.printed.splitlines() if line.strip()]



def run(program: Path, seconds: float = SECONDS) -> Run:
    """What a program prints, as ``python PROGRAM`` would, within a time and a memory."""
    with Process("gradproof.limits.output:serve_output", [str(program)], GIGABYTES) as child:
        ends, length = time.monotonic() + STARTING, 0
        chunks: list[bytes] = []

        def told(how: str = "", missing: bool = False) -> Run:
            return Run(b"".join(chunks).decode("utf-8", "replace"), how, missing)

        try:
            while length <= MOST_PRINTED:
                message = child.receive(ends)
                if message is None:
                    return told(f"was ended at its limit of {seconds:g} s")
                word, what = message
                if word == "ready":
                    ends = time.monotonic() + seconds
                elif word == "printed":
                    chunks.append(what)
                    length += len(what)
                elif word == "failed":
                    return told(*what)
                elif word == "done":
                    return told()
        except EndedError as ended:
            return told(str(ended))
        return told(f"printed more than its limit of {MOST_PRINTED} bytes")


class _Told(io.RawIOBase):
    """A stream that sends what is written to it."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def writable(self) -> bool:
        return True

    def write(self, text: Any) -> int:
        self._send("printed", bytes(text))
        return len(text)


def serve_output(arguments: Sequence[str], send: Send) -> None:
    """In the child: runs a program as ``__main__`` and sends what it prints."""
    (file,) = arguments
    path = Path(file).resolve()
    os.environ.setdefault("MPLBACKEND", "Agg")  # windows would wait for somebody
    sys.path.insert(0, str(path.parent))
    sys.argv[:] = [file]
    module = ModuleType("__main__")
    module.__file__ = file
    sys.modules["__main__"] = module
    ready(send)
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(_Told(send)), "utf-8", "replace")
    try:
        text = path.read_text(encoding="utf-8-sig")
        exec(compile(text, file, "exec", dont_inherit=True), vars(module))
        sys.stdout.flush()
    except SystemExit:
        sys.stdout.flush()
    except BaseException as raised:
        lines = [frame.lineno for frame in traceback.extract_tb(raised.__traceback__)
                 if frame.filename == file]
        where = f" at line {lines[-1]}" if lines else ""
        sys.stdout.flush()
        send("failed", (f"ends with {type(raised).__name__}{where}: {raised}",
                        isinstance(raised, ImportError)))
