"""200 submissions of one exercise, graded: right ones, ones that are wrong in known ways, and
programs that never end, exit, crash, print or are no programs.

    python benchmarks/grading.py            # a table, the time, and what is not as it should be
    python benchmarks/grading.py --count 28 # the first of them

The exercise is a network of two layers.  Every grade has to be the due one, the line that is hinted
at that of the slip, and the edit one that makes the submission right, which is tried.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EXERCISE = """\
import numpy as np
import gradproof as gp

def loss(X, Y, W1, b1, W2, b2):
    a1 = np.tanh(X @ W1 + b1)
    z2 = a1 @ W2 + b2
    return np.mean(np.sum((z2 - Y) ** 2, axis=1)) / 2

@gp.gradient_of(loss, X="m n", Y="m k", W1="n h", b1="h", W2="h k", b2="k",
                wrt=["W1", "b1", "W2", "b2"])
def backward(X, Y, W1, b1, W2, b2):
    a1 = np.tanh(X @ W1 + b1)
    d2 = (a1 @ W2 + b2 - Y) / len(X)
    d1 = (d2 @ W2.T) * (1 - a1 ** 2)
    return {"W1": X.T @ d1, "b1": d1.sum(axis=0), "W2": a1.T @ d2, "b2": d2.sum(axis=0)}
"""

STYLES = ["""\
import numpy as np

def backward(X, Y, W1, b1, W2, b2):
    a1 = np.tanh(X @ W1 + b1)
    d2 = (a1 @ W2 + b2 - Y) / len(X)
    d1 = (d2 @ W2.T) * (1 - a1 ** 2)
    dW1 = X.T @ d1
    db1 = d1.sum(axis=0)
    dW2 = a1.T @ d2
    db2 = d2.sum(axis=0)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}
""", """\
import numpy as np

def forward(X, W1, b1, W2, b2):
    z1 = np.dot(X, W1) + b1
    a1 = np.tanh(z1)
    return z1, a1, np.dot(a1, W2) + b2

def backward(X, Y, W1, b1, W2, b2):
    m = X.shape[0]
    z1, a1, y = forward(X, W1, b1, W2, b2)
    grads = {}
    dz2 = y - Y
    grads["dW2"] = np.dot(a1.T, dz2) / m
    grads["db2"] = np.sum(dz2, axis=0) / m
    da1 = np.dot(dz2, W2.T)
    dz1 = da1 * (1 - np.tanh(z1) ** 2)
    grads["dW1"] = np.dot(X.T, dz1) / m
    grads["db1"] = np.sum(dz1, axis=0) / m
    return grads
"""]
"""Right programs; what is made of them is one slip."""

SLIPS: list[list[tuple[str, str, tuple[str, ...]]]] = [[
    ("(a1 @ W2 + b2 - Y) / len(X)", "(Y - a1 @ W2 - b2) / len(X)", ("W1", "b1", "W2", "b2")),
    ("(a1 @ W2 + b2 - Y) / len(X)", "a1 @ W2 + b2 - Y", ("W1", "b1", "W2", "b2")),
    ("(a1 @ W2 + b2 - Y) / len(X)", "2 * (a1 @ W2 + b2 - Y) / len(X)", ("W1", "b1", "W2", "b2")),
    ("* (1 - a1 ** 2)", "* (1 - a1)", ("W1", "b1")),
    ("* (1 - a1 ** 2)", "* (1 + a1 ** 2)", ("W1", "b1")),
    ("(d2 @ W2.T) * (1 - a1 ** 2)", "d2 @ W2.T", ("W1", "b1")),
    ("X.T @ d1", "X.T @ d1 / len(X)", ("W1",)),
    ("d1.sum(axis=0)", "d1.mean(axis=0)", ("b1",)),
    ("a1.T @ d2", "-a1.T @ d2", ("W2",)),
    ("d2.sum(axis=0)", "2 * d2.sum(axis=0)", ("b2",)),
], [
    ("dz2 = y - Y", "dz2 = Y - y", ("W1", "b1", "W2", "b2")),
    ("np.dot(a1.T, dz2) / m", "np.dot(a1.T, dz2)", ("W2",)),
    ("np.sum(dz2, axis=0) / m", "np.sum(dz2, axis=0)", ("b2",)),
    ("np.dot(dz2, W2.T)", "np.dot(dz2, W2.T) / m", ("W1", "b1")),
    ("(1 - np.tanh(z1) ** 2)", "(1 - np.tanh(z1))", ("W1", "b1")),
    ("(1 - np.tanh(z1) ** 2)", "(1 - z1 ** 2)", ("W1", "b1")),
    ("(1 - np.tanh(z1) ** 2)", "np.tanh(z1) ** 2", ("W1", "b1")),
    ("np.dot(X.T, dz1) / m", "np.dot(X.T, dz1) * m", ("W1",)),
    ("np.sum(dz1, axis=0) / m", "np.sum(dz1, axis=0) / 2", ("b1",)),
    ("np.sum(dz1, axis=0) / m", "np.mean(dz1, axis=0) / m", ("b1",)),
]]
"""For each style: what stands there, the slip, and the gradients that it makes wrong."""

HEAD = "def backward(X, Y, W1, b1, W2, b2):\n"
BROKEN = {
    "endless": (HEAD, HEAD + "    while True:\n        pass\n"),
    "exits": (HEAD, HEAD + "    import sys\n    sys.exit(0)\n"),
    "ends its process": (HEAD, HEAD + "    import os\n    os._exit(0)\n"),
    "crashes": (HEAD, HEAD + "    import ctypes\n    ctypes.string_at(0)\n"),
    "raises": (HEAD, HEAD + "    raise RuntimeError('todo')\n"),
    "no program": ("def backward", "def def backward"),
    "no function": ("def backward", "def my_backward"),
    "exits at the top": ("import numpy as np\n", "import numpy as np\nimport os\nos._exit(0)\n"),
}
"""What earns nothing."""
PRINTS = (HEAD, HEAD + "    print('{\"verdict\": \"proved\"}', flush=True)\n")
NAMES = ("W1", "b1", "W2", "b2")


@dataclass(frozen=True)
class Submission:
    """A program, what it is, the gradients that are wrong (None: nothing is earned), and the line
    of its slip (0 for none)."""

    text: str
    what: str
    wrong: tuple[str, ...] | None = ()
    line: int = 0


def submissions(count: int) -> list[Submission]:
    """As many as wanted: every kind in turn, in other spellings."""
    kinds: list[Submission] = []
    for style, slips in zip(STYLES, SLIPS, strict=True):
        kinds += [Submission(style, "right"), Submission(style.replace(*PRINTS), "prints")]
        for old, new, wrong in slips:
            line = style[:style.index(old)].count("\n") + 1
            kinds.append(Submission(style.replace(old, new, 1), new, wrong, line))
        kinds += [Submission(style.replace(old, new, 1), what, None)
                  for what, (old, new) in BROKEN.items()]
    return [_respelled(kinds[place % len(kinds)], place // len(kinds)) for place in range(count)]


def _respelled(one: Submission, turn: int) -> Submission:
    """With other names of its own, and a comment at its head, as two students' programs differ."""
    own = r"\b(a1|d1|d2|z1|dz1|dz2|da1)\b(?!\")"
    text = re.sub(own, rf"\1_{turn}", one.text) if turn else one.text
    return Submission(text, one.what, one.wrong, one.line)


def failings(one: Submission, found: list[dict[str, Any]], gradients: Any) -> list[str]:
    """What is not as it should be in what was found of a submission."""
    if one.wrong is None:
        return ["earns points"] if sum(record["points"] for record in found) else []
    record = found[0]
    wrong = tuple(check["name"] for check in record.get("checks", ())
                  if check["verdict"] not in ("proved", "agrees"))
    if wrong != one.wrong or record["points"] != len(NAMES) - len(wrong):
        return [f"wrong: {wrong}, due {one.wrong}"]
    if not one.wrong:
        return []
    failed = []
    repair = record["repair"]
    if repair is None:
        failed.append("no edit")
    elif not gradients(_edited(one.text, repair)):
        failed.append("the edit does not mend it")
    place = record["place"]["line"] if record["place"] else 0
    if place != one.line:
        failed.append(f"line {place}, due {one.line}")
    return failed


def _edited(text: str, repair: dict[str, Any]) -> str:
    lines = text.splitlines(keepends=True)
    for edit in sorted([repair, *repair["further"]], key=lambda edit: -edit["line"]):
        first, count = edit["line"] - 1, edit["old"].count("\n") + 1 if edit["old"] else 0
        new = [" " * edit["indent"] + line + "\n" for line in edit["new"].splitlines()]
        lines[first:first + count] = new
    return "".join(lines)


def mends(text: str) -> bool:
    """Whether a program's gradients are those of the exercise, at numbers."""
    import numpy as np

    rng = np.random.default_rng(0)
    shapes = {"X": (4, 3), "Y": (4, 2), "W1": (3, 5), "b1": (5,), "W2": (5, 2), "b2": (2,)}
    arrays = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    names: dict[str, Any] = {}
    due: dict[str, Any] = {}
    exec(text, names)
    exec(STYLES[0], due)
    found, right = names["backward"](**arrays), due["backward"](**arrays)
    return all(np.allclose(found.get(name, found.get(f"d{name}")), right[name], rtol=1e-10)
               for name in NAMES)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--time-limit", type=float, default=10.0)
    options = parser.parse_args()
    every = submissions(options.count)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "exercise.py").write_text(EXERCISE)
        files = []
        for place, one in enumerate(every):
            files.append(f"student{place:03}.py")
            (folder / files[-1]).write_text(one.text)
        shuffled = random.Random(0).sample(files, len(files))
        began = time.perf_counter()
        ran = subprocess.run(
            [sys.executable, "-m", "gradproof", "check", *shuffled, "--against", "exercise.py",
             "--format", "json", "--time-limit", str(options.time_limit)],
            cwd=folder, capture_output=True, text=True)
        seconds = time.perf_counter() - began
    by_file: dict[str, list[dict[str, Any]]] = {}
    for record in json.loads(ran.stdout):
        by_file.setdefault(record["file"], []).append(record)
    failed = []
    for file, one in zip(files, every, strict=True):
        failed += [f"{file} ({one.what}): {what}"
                   for what in failings(one, by_file.get(file, [{"points": 0}]), mends)]
    slips = sum(bool(one.wrong) for one in every)
    print(f"{len(every)} submissions, {slips} of them with a slip, graded in {seconds:.0f} s; "
          f"{len(failed)} answers that are not as they should be")
    print(*failed, sep="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
