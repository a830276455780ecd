"""Printed output that a text claims: the program is run, in a process of its own, and what it
prints is held against what is claimed, line by line and number by number.

A claimed line is found where its words stand; "..." leaves out any lines.  A number is right where
the printed one, rounded to as many digits, is the claimed one, or within `tolerance` of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from gradproof.claims.findings import Finding
from gradproof.claims.stated_numbers import error
from gradproof.limits.output import SECONDS, run

MOST_TOLD = 3
"""Lines that are shown of those that differ."""

_NUMBER = re.compile(r"(?<![\w.])[-+−]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w])")
_LEFT_OUT = re.compile(r"\.\.\.|…+|⋮|\[\.\.\.\]")


def output(
    claimed: str, program: Path, seconds: float = SECONDS, tolerance: Fraction = Fraction(0)
) -> Finding:
    """The finding on an output that a program is said to print."""
    shown = _first(claimed, program.name)
    wanted = [line.rstrip() for line in claimed.splitlines() if line.strip()]
    ran = run(program, seconds)
    found = compared(wanted, ran.lines, tolerance)
    if not found.told:
        lines = f"{found.count} line{'s' * (found.count != 1)}"
        end = f"{program.name} {ran.ended}; " if ran.ended else ""  # after what is claimed
        return Finding(shown, "right", f"{end}{program.name} prints this, {lines}, each number to "
                       "the digits claimed", kind="output")
    if ran.ended and ran.missing:
        return Finding(shown, "undecided", f"{program.name} cannot be run here: {ran.ended}",
                       kind="output")
    if ran.ended:
        return Finding(shown, "undecided" if "limit" in ran.ended else "wrong",
                       f"{program.name} {ran.ended}; {found.told[0]}", kind="output")
    again = run(program, seconds)
    if again.lines != ran.lines and compared(ran.lines, again.lines, tolerance).told:
        return Finding(shown, "undecided", f"{program.name} prints something else each time: "
                       f"{compared(ran.lines, again.lines, tolerance).told[0]}", kind="output")
    told = [*found.told[:MOST_TOLD]]
    if len(found.told) > MOST_TOLD:
        told.append(f"and {len(found.told) - MOST_TOLD} more")
    off = error(found.largest) if found.largest is not None else ""
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


def compared(
    wanted: Sequence[str], lines: Sequence[str], tolerance: Fraction = Fraction(0)
) -> Compared:
    """The lines that are claimed beside those that are printed."""
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
