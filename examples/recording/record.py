"""The recording at the top of the README: commands that are run, and what they print, as one SVG.

    python examples/recording/record.py docs/recording.svg

Nothing on it is typed that the program does not print.  A reader who wants no motion sees the first
scene, whole.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

from gradproof.cli import main

WIDTH, ROW, TOP, LEFT = 900, 19, 52, 22
SECONDS = 9.0
"""Of a scene."""
HAND = """\
import numpy as np

def backward(X, Y, W1, b1, W2, b2):
    m = X.shape[0]
    A1 = np.tanh(X @ W1 + b1)
    A2 = 1 / (1 + np.exp(-(A1 @ W2 + b2)))
    dZ2 = A2 - Y
    dW2 = A1.T @ dZ2
    db2 = dZ2.sum(axis=0) / m
    dZ1 = dZ2 @ W2.T * (1 - A1 ** 2)
    dW1 = X.T @ dZ1 / m
    db1 = dZ1.sum(axis=0) / m
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}
"""
COMMANDS = ("check backward.py --spec moons", "derive 2-2-1", "report 2-2-1 --format html,latex")


@dataclass(frozen=True)
class Scene:
    """A command and the lines that it prints."""

    command: str
    lines: tuple[str, ...]


def scenes() -> Iterator[Scene]:
    """Runs the commands, in a folder of their own."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("backward.py").write_text(HAND, encoding="utf-8")
        for command in COMMANDS:
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                main(command.split())
            lines = printed.getvalue().replace(folder + os.sep, "").rstrip("\n").split("\n")
            yield Scene(f"gradproof {command}", tuple(lines))


def drawn(shown: list[Scene]) -> str:
    """The scenes as one SVG, one after the other, for ever."""
    rows = max(len(scene.lines) for scene in shown) + 1
    height = TOP + rows * ROW + 18
    whole = SECONDS * len(shown)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img" aria-label="{escape(_told(shown), quote=True)}">',
        f"<style>{_style(shown, whole)}</style>",
        f'<rect width="{WIDTH}" height="{height}" rx="10" fill="#17202b"/>',
        *(f'<circle cx="{22 + 20 * n}" cy="20" r="6" fill="{colour}"/>'
          for n, colour in enumerate(("#e5655f", "#e0b34c", "#67b568"))),
    ]
    for number, scene in enumerate(shown):
        parts.append(f'<g class="s s{number}">')
        parts.append(f'<text x="{LEFT}" y="{TOP}"><tspan class="p">$ </tspan>'
                     f"{escape(scene.command)}</text>")
        for place, line in enumerate(scene.lines):
            if line.strip():
                parts.append(f'<text x="{LEFT}" y="{TOP + (place + 1) * ROW}" '
                             f'class="{_kind(line)}">{escape(line)}</text>')
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])


def _told(shown: list[Scene]) -> str:
    return "A terminal: " + "; ".join(scene.command for scene in shown)


def _kind(line: str) -> str:
    bare = line.strip()
    if bare.startswith("+ ") or "proved" in bare:
        return "good"
    if bare.startswith(("- ", "first wrong")) or "refuted" in bare:
        return "bad"
    return "out"


def _style(shown: list[Scene], whole: float) -> str:
    share = 100 / len(shown)
    rules = [
        "text{font:14px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#e8edf3;"
        "white-space:pre}",
        ".p{fill:#6fa8dc}.out{fill:#c4ced9}.good{fill:#8fce8f}.bad{fill:#f08f88}",
        ".s{visibility:hidden}.s0{visibility:visible}",
    ]
    moving = [f".s{{animation:{whole:g}s steps(1) infinite}}"]
    for number, _ in enumerate(shown):
        start, end = number * share, (number + 1) * share
        before = "" if number == 0 else "0%{visibility:hidden}"
        after = "" if number == len(shown) - 1 else f"{end:.3f}%{{visibility:hidden}}"
        moving.append(f"@keyframes k{number}{{{before}{start:.3f}%{{visibility:visible}}{after}}}"
                      f".s{number}{{animation-name:k{number}}}")
    rules.append("@media (prefers-reduced-motion:no-preference){" + "".join(moving) + "}")
    return "".join(rules)


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/recording.svg")
    target.write_text(drawn(list(scenes())), encoding="utf-8")
    print(target)
