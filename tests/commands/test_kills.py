"""Commands that are killed at any moment leave the old bytes or the new ones, and commands that run
beside each other on the same files all succeed.

    GRADPROOF_KILLS=500 python -m pytest -m slow -n 2 -s tests/commands/test_kills.py

How many kills there are is set by GRADPROOF_KILLS; the slow run has a few dozen.
"""

from __future__ import annotations

import collections
import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

KILLS = int(os.environ.get("GRADPROOF_KILLS", "40"))
LONGEST = 600
"""Seconds for a command, on a machine that does much else."""
PAGE = """# A page

E is <!-- gradproof 2-2-1 E = .6f --><!-- /gradproof -->, and its gradient by W2 is
here <!-- gradproof 2-2-1 W2.gradient format=text --><!-- /gradproof -->.
"""


SPEC = "[network]\nsizes = [3, 2, 1]\nactivation = \"tanh\"\n"
HAND = """import numpy as np


def gradient(X, Y, W1, b1, W2, b2):
    A1 = np.tanh(X @ W1 + b1)
    d2 = A1 @ W2 + b2 - Y
    d1 = d2 @ W2.T * (1 - A1**2)
    return {"W1": X.T @ d1, "b1": d1.sum(axis=0), "W2": A1.T @ d2, "b2": d2.sum(axis=0)}
"""


def started(home: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "gradproof", *arguments], cwd=home,
        env={**os.environ, "XDG_CACHE_HOME": str(home / "cache"),
             "XDG_STATE_HOME": str(home / "state")},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes()
            for file in sorted(folder.rglob("*")) if file.is_file()}


def left_running(home: Path) -> list[str]:
    """Processes whose command line names the folder, some seconds later."""
    found: list[str] = []
    for _ in range(40):
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                text = entry.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                found += [text] if str(home) in text else []
        if not found:
            break
        time.sleep(0.25)
    return found


def embedded(home: Path) -> tuple[str, ...]:
    (home / "work" / "page.md").write_text(PAGE)
    return "embed", str(home / "work" / "page.md")


def cached(home: Path) -> tuple[str, ...]:
    """Nothing is to be written but what is kept: the page is as it should be."""
    shutil.rmtree(home / "cache", ignore_errors=True)
    return "embed", str(embedded_page(home))


def embedded_page(home: Path) -> Path:
    (home / "page.md").write_text(PAGE.replace("page", "page of its own"))
    return home / "page.md"


def reported(home: Path) -> tuple[str, ...]:
    return "report", "2-2-1", "-o", str(home / "work" / "report")


def checked(home: Path) -> tuple[str, ...]:
    (home / "work" / "hand.py").write_text(HAND)
    (home / "work" / "net.toml").write_text(SPEC)
    return "check", str(home / "work" / "hand.py"), "--spec", str(home / "work" / "net.toml")


COMMANDS: Mapping[str, Callable[[Path], tuple[str, ...]]] = {
    "embed": embedded, "report": reported, "check": checked, "cache": cached,
}


@pytest.mark.slow
@pytest.mark.parametrize("what", COMMANDS)
def test_a_kill_leaves_old_or_new(what, tmp_path):
    """Each file is old or new, no other file is there, no process goes on; and the next run, which
    every fifth kill is followed by, has the right content."""
    draw = random.Random(f"{what} {KILLS}")
    work = tmp_path / "work"
    work.mkdir()
    arguments = COMMANDS[what](tmp_path)
    before = contents(work)
    start = time.monotonic()
    assert started(tmp_path, *arguments).wait(timeout=LONGEST) == 0
    lasts = time.monotonic() - start
    after = contents(work)
    assert (before != after) == (what in ("embed", "report"))
    ends = collections.Counter[str]()
    for kill in range(-(-KILLS // len(COMMANDS))):
        shutil.rmtree(work)
        work.mkdir()
        COMMANDS[what](tmp_path)
        shutil.rmtree(tmp_path / "cache", ignore_errors=True)
        run = started(tmp_path, *arguments)
        time.sleep(draw.uniform(0.3, 1.1) * lasts)
        run.kill()
        run.wait(timeout=60)
        left = contents(work)
        ends["new" if left == after else "old" if left == before else "mixed"] += 1
        assert left.keys() <= before.keys() | after.keys()
        for name, data in left.items():
            assert data in (before.get(name), after.get(name)), name
        for file in (tmp_path / "cache").rglob("*"):
            assert file.is_dir() or (file.suffix == ".json" and json.loads(file.read_text()))
        if kill % 5 == 0:
            assert left_running(tmp_path) == []
            start = time.monotonic()
            assert started(tmp_path, *arguments).wait(timeout=LONGEST) == 0
            lasts = (lasts + time.monotonic() - start) / 2  # others use the machine too
            assert contents(work) == after
    print(f"{what}: {sum(ends.values())} kills, {dict(ends)}")
    assert ends["mixed"] <= max(1, KILLS // 100)  # only between names, some microseconds


@pytest.mark.slow
@pytest.mark.parametrize("what", ["embed", "report"])
def test_eight_runs_at_once_all_succeed(what, tmp_path):
    (tmp_path / "work").mkdir()
    arguments = COMMANDS[what](tmp_path)
    assert started(tmp_path, *arguments).wait(timeout=120) == 0
    after = contents(tmp_path / "work")
    COMMANDS[what](tmp_path)
    runs = [started(tmp_path, *arguments) for _ in range(8)]
    assert [run.wait(timeout=300) for run in runs] == [0] * 8
    assert contents(tmp_path / "work") == after
