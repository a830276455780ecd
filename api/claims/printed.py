"""Printed output that a text claims: the program is run, in a process of its own, and what it
prints is held against what is claimed, line by line and number by number.

A claimed line is found where its words stand; "..." leaves out any lines.  A number is right where
the printed one, rounded to as many digits, is the claimed one, or within `tolerance` of it.
"""

from __future__ import annotations

import io
import re
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from gradproof.claims.findings import Finding
from gradproof.claims.stated_numbers import error
from gradproof.limits.process import EndedError, Process, Send, ready

SECONDS = 60.0
"""How long a program may run."""
GIGABYTES = 2.0
MOST_PRINTED = 1_000_000
"""Bytes of output that are kept."""
MOST_TOLD = 3
"""Lines that are shown of those that differ."""
STARTING = 60.0

_NUMBER = re.compile(r"(?<![\w.])[-+−]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w])")
_LEFT_OUT = re.compile(r"\.\.\.|…+|⋮|\[\.\.\.\]")


@dataclass(frozen=True)
class Run:
    """What a program printed, and how it ended: "" where it ended by itself, without an error."""

    printed: str
    ended: str = ""
    missing: bool = False

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.printed.splitlines() if line.strip()]


def output(
    claimed: str, program: Path, seconds: float = SECONDS, tolerance: Fraction = Fraction(0)
) -> Finding:
    """The finding on an output that a program is said to print."""
    shown = _first(claimed, program.name)
    wanted = [line.rstrip() for line in claimed.splitlines() if line.strip()]
    ran = run(program, seconds)
    compared = _compared(wanted, ran.lines, tolerance)
    if not compared.told:
        lines = f"{compared.count} line{'s' * (compared.count != 1)}"
        return Finding(shown, "right", f"{program.name} prints this, {lines}, each number to the "
                       "digits claimed", kind="output")
    if ran.ended and ran.missing:
        return Finding(shown, "undecided", f"{program.name} cannot be run here: {ran.ended}",
                       kind="output")
    if ran.ended:
        return Finding(shown, "undecided" if "limit" in ran.ended else "wrong",
                       f"{program.name} {ran.ended}; {compared.told[0]}", kind="output")
    again = run(program, seconds)
    if again.lines != ran.lines and _compared(ran.lines, again.lines, tolerance).told:
        return Finding(shown, "undecided", f"{program.name} prints something else each time: "
                       f"{_compared(ran.lines, again.lines, tolerance).told[0]}", kind="output")
    told = [*compared.told[:MOST_TOLD]]
    if len(compared.told) > MOST_TOLD:
        told.append(f"and {len(compared.told) - MOST_TOLD} more")
    off = error(compared.largest) if compared.largest is not None else ""
    return Finding(shown, "wrong", "\n".join(told), error=off, kind="output")


def _first(claimed: str, program: str) -> str:
    lines = [line.strip() for line in claimed.splitlines() if line.strip()]
    return f"{program} prints {lines[0] if lines else ''}{' …' * (len(lines) > 1)}"


# --- what is claimed beside what is printed -----------------------------------------------------


@dataclass(frozen=True)
class Compared:
    """told: a sentence a line that differs.  count: lines that are claimed.  largest: the largest
    difference of a number, claimed minus printed."""

    told: tuple[str, ...]
    count: int
    largest: Fraction | None = None


def _compared(wanted: Sequence[str], lines: Sequence[str], tolerance: Fraction) -> Compared:
    told: list[str] = []
    differences: list[Fraction] = []
    place = count = 0
    for line in wanted:
        if _LEFT_OUT.fullmatch(line.strip()):
            continue
        count += 1
        found = next((at for at in range(place, len(lines)) if _alike(line, lines[at])), None)
        if found is None:
            told.append(f"“{line.strip()}” is not printed")
            continue
        place = found + 1
        off = [difference for difference, unit in _differences(line, lines[found])
               if abs(difference) > max(unit / 2, tolerance)]
        differences += off
        if off:
            told.append(f"“{line.strip()}” is claimed, “{lines[found].strip()}” is printed")
    return Compared(tuple(told), count, max(differences, key=abs, default=None))


def _skeleton(line: str) -> tuple[str, ...]:
    """The words between the numbers, and the numbers that count: whole ones, which name a line."""
    parts: list[str] = []
    last = 0
    for found in _NUMBER.finditer(line):
        parts.append("".join(line[last:found.start()].split()))
        parts.append(found[0] if re.fullmatch(r"\d+", found[0]) else "#")
        last = found.end()
    return (*parts, "".join(line[last:].split()))


def _alike(claimed: str, printed: str) -> bool:
    """Whether the words of two lines are the same; a whole number where another has decimals is
    taken for a number."""
    left, right = _skeleton(claimed), _skeleton(printed)
    return len(left) == len(right) and all(
        one == other or (place % 2 == 1 and "#" in (one, other))
        for place, (one, other) in enumerate(zip(left, right, strict=True)))


def _differences(claimed: str, printed: str) -> list[tuple[Fraction, Fraction]]:
    """Claimed minus printed of each number, and the unit of the last place claimed: 0 for a whole
    number, which is no rounding."""
    found = []
    for left, right in zip(_NUMBER.finditer(claimed), _NUMBER.finditer(printed), strict=True):
        one, other = (Decimal(text[0].replace("−", "-")) for text in (left, right))
        whole = re.fullmatch(r"[-+−]?\d+", left[0])
        unit = Fraction(0) if whole else Fraction(10) ** int(one.as_tuple().exponent)
        found.append((Fraction(one) - Fraction(other), unit))
    return found


# --- the run ------------------------------------------------------------------------------------


def run(program: Path, seconds: float = SECONDS) -> Run:
    """What a program prints, as ``python PROGRAM`` would, within a time and a memory."""
    with Process("gradproof.claims.printed:serve_output", [str(program)], GIGABYTES) as child:
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
    import os
    from types import ModuleType

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
