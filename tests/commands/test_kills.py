"""Commands that are killed at any moment leave the old bytes or the new ones, and commands that run
beside each other on the same files all succeed.

How many kills is set by GRADPROOF_KILLS; the slow run has a few dozen.
"""

from __future__ import annotations

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
PAGE = """# A page

E is <!-- gradproof 2-2-1 E = .6f --><!-- /gradproof -->, and its gradient by W2 is
here <!-- gradproof 2-2-1 W2.gradient format=text --><!-- /gradproof -->.
"""


def started(home: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "gradproof", *arguments], cwd=home,
        env={**os.environ, "XDG_CACHE_HOME": str(home / "cache")},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes()
            for file in sorted(folder.rglob("*")) if file.is_file()}


def embedded(home: Path) -> tuple[str, ...]:
    (home / "work" / "page.md").write_text(PAGE)
    return "embed", str(home / "work" / "page.md")


def reported(home: Path) -> tuple[str, ...]:
    return "report", "2-2-1", "-o", str(home / "work" / "report")


COMMANDS: Mapping[str, Callable[[Path], tuple[str, ...]]] = {
    "embed": embedded, "report": reported,
}


@pytest.mark.slow
@pytest.mark.parametrize("what", COMMANDS)
def test_a_kill_leaves_old_or_new(what, tmp_path):
    draw = random.Random(11)
    (tmp_path / "work").mkdir()
    arguments = COMMANDS[what](tmp_path)
    before = contents(tmp_path / "work")
    start = time.monotonic()
    assert started(tmp_path, *arguments).wait(timeout=120) == 0
    lasts = time.monotonic() - start
    after = contents(tmp_path / "work")
    assert before != after
    for _ in range(KILLS // len(COMMANDS)):
        shutil.rmtree(tmp_path / "work")
        (tmp_path / "work").mkdir()
        COMMANDS[what](tmp_path)
        if draw.random() < 0.5:
            shutil.rmtree(tmp_path / "cache", ignore_errors=True)
        run = started(tmp_path, *arguments)
        time.sleep(draw.uniform(0.5, 1.1) * lasts)
        run.kill()
        run.wait(timeout=60)
        left = contents(tmp_path / "work")
        for name, data in left.items():
            if name in after:
                assert data in (before.get(name), after[name]), name
        # What a kill left unfinished is gone after the next run, which has the right content.
        assert started(tmp_path, *arguments).wait(timeout=120) == 0
        assert contents(tmp_path / "work") == after


@pytest.mark.slow
@pytest.mark.parametrize("what", COMMANDS)
def test_eight_runs_at_once_all_succeed(what, tmp_path):
    (tmp_path / "work").mkdir()
    arguments = COMMANDS[what](tmp_path)
    assert started(tmp_path, *arguments).wait(timeout=120) == 0
    after = contents(tmp_path / "work")
    COMMANDS[what](tmp_path)
    runs = [started(tmp_path, *arguments) for _ in range(8)]
    assert [run.wait(timeout=300) for run in runs] == [0] * 8
    assert contents(tmp_path / "work") == after
