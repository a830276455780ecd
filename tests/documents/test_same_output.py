"""What is written does not depend on how Python orders its sets, or on where it runs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

PROGRAM = '''
import hashlib, pathlib, sys
import gradproof as gp
from gradproof.cli import main


def take(what, text):
    print(what, hashlib.sha256(text.encode()).hexdigest())

TEXTS = {
    "network": gp.Network([2, 3, 1]),
    "model": gp.Network([2, 2], output="softmax",
                         loss="cross_entropy"),
    "lstm": gp.equations("H = lstm(x, (A, B, C, D), (E, F, G, K)); L = sum(H**2)", x="T m k",
                         A="k n", B="k n", C="k n", D="k n", E="n n", F="n n", G="n n", K="n n"),
    "focal": gp.equations("p = softmax(z); L = -sum(y*(1-p)**2*log(p))", z="m n", y="m n"),
    "chain": gp.equations("a = x*w; b = tanh(a) + a; c = tanh(b)*w + a; L = sum(c**2)", x="n",
                          w="n"),
    "convolution": gp.equations("L = sum(conv2d(X, W, stride=2, padding=1)**2)", X="m k h w",
                                W="f k 3 3"),
}
for name, system in TEXTS.items():
    derivation = gp.derive(system)
    take(name, str(derivation))
    take(name + " LaTeX", derivation._repr_markdown_())
    take(name + " code", derivation.numpy_source())

here = pathlib.Path(sys.argv[1])
(here / "page.md").write_text(
    "E is <!-- gradproof 2-2-1 E = .6f --><!-- /gradproof -->, its gradient "
    "<!-- gradproof 2-2-1 W2.gradient format=text --><!-- /gradproof -->, and the pass is "
    "<!-- gradproof 2-2-1 check.verdict --><!-- /gradproof -->.")
assert main(["report", "2-2-1", "-o", str(here / "report")]) == 0
assert main(["embed", str(here / "page.md")]) == 0
for file in sorted(here.rglob("*")):
    if file.is_file():
        print(file.relative_to(here), hashlib.sha256(file.read_bytes()).hexdigest())
'''


def written(seed: int, folder: Path) -> str:
    folder.mkdir(parents=True)
    environment = {**os.environ, "PYTHONHASHSEED": str(seed), "XDG_CACHE_HOME": str(folder.parent)}
    run = subprocess.run([sys.executable, "-c", PROGRAM, str(folder)], cwd=folder, text=True,
                         env=environment, capture_output=True, timeout=300)
    assert run.returncode == 0, run.stderr
    return run.stdout.replace(str(folder), "FOLDER")


def all_alike(seeds: Iterable[int], tmp_path: Path) -> None:
    texts = [written(seed, tmp_path / f"home {seed}" / ("here" if seed % 2 else "a longer way"))
             for seed in seeds]
    assert texts[0].count("\n") > 20
    for text in texts[1:]:
        assert text.splitlines() == texts[0].splitlines()


@pytest.mark.slow
def test_two_orders_of_sets_write_the_same_bytes(tmp_path):
    all_alike((1, 2), tmp_path)


@pytest.mark.rows
def test_twenty_orders_of_sets_write_the_same_bytes(tmp_path):
    all_alike(range(1, 21), tmp_path)
