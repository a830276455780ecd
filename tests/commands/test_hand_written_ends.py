"""Green means held: a hand-written pass that ends its process, or is wrong, is a finding for every
command that shows its verdict, and takes no command with it."""

from __future__ import annotations

import pytest

from gradproof.cli import main
from gradproof.embedding.documents import embed

RIGHT = "d = X @ W1 + b1 - Y\n    return {'W1': X[:, None] * d, 'b1': d}"
PASSES = {
    "right": RIGHT,
    "wrong": RIGHT.replace("'b1': d", "'b1': 2*d"),
    "exits": "raise SystemExit(0)",
    "is ended": "import os\n    os._exit(0)",
}
DUE = {"right": ("proved", 0), "wrong": ("refuted", 1), "exits": ("undecided", 1),
       "is ended": ("undecided", 1)}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / name))
    (tmp_path / "pyproject.toml").write_text(
        '[tool.gradproof.specs]\nours = { file = "s.toml", hand = "hand.py" }\n')
    (tmp_path / "s.toml").write_text("[network]\nsizes = [3, 1]\nbatch = false\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def written(folder, body, before=""):
    (folder / "hand.py").write_text(f"{before}def gradient(X, Y, W1, b1):\n    {body}\n")


@pytest.mark.parametrize("what", PASSES)
@pytest.mark.slow
def test_a_verdict_that_is_not_green_is_a_finding(folder, what, capsys):
    word, code = DUE[what]
    written(folder, PASSES[what])
    page = folder / "page.md"
    page.write_text("It is <!-- gradproof ours check.verdict --><!-- /gradproof -->, for b1\n"
                    "it is <!-- gradproof ours check.b1.verdict --><!-- /gradproof -->.\n")
    assert main(["embed", "page.md"]) == code
    assert page.read_text().count(f">{word}<") == 2  # what is written is true
    assert main(["embed", "--check", "page.md"]) == code
    said = capsys.readouterr().out
    assert (f"page.md:1: {word}: ours check.verdict" in said) == bool(code)
    assert (f"page.md:2: {word}: ours check.b1.verdict: b1: {word}" in said) == bool(code)
    assert main(["report", "s.toml", "--hand", "hand.py", "-o", "out"]) == code
    assert f"hand.py: {word}" in capsys.readouterr().out
    assert word in (folder / "out" / "report.md").read_text()


def test_a_gradient_that_is_right_is_no_finding_where_another_is_wrong(folder):
    written(folder, PASSES["wrong"])
    page = folder / "page.md"
    page.write_text("x <!-- gradproof ours check.W1.verdict --><!-- /gradproof -->\n")
    assert main(["embed", "page.md"]) == 0
    assert ">proved<" in page.read_text()


@pytest.mark.parametrize(("stated", "what", "code"), [
    ("`refuted`", "wrong", 0), ("proved", "exits", 1), ("undecided", "exits", 0),
])
def test_an_author_states_a_verdict(folder, stated, what, code, capsys):
    written(folder, PASSES[what])
    page = folder / "page.md"
    page.write_text(f"x <!-- gradproof verify ours check.verdict -->{stated}<!-- /gradproof -->\n")
    before = page.read_text()
    assert main(["embed", "--check", "page.md"]) == main(["embed", "page.md"]) == code
    assert page.read_text() == before
    assert ("is stated, the check says" in capsys.readouterr().out) == bool(code)


@pytest.mark.parametrize("before", ["import os\nos._exit(0)\n", "def (\n"])
def test_a_file_that_cannot_be_run_is_an_error(folder, before, capsys):
    """Also one that would end the command that runs it, with exit code 0."""
    written(folder, RIGHT, before)
    page = folder / "page.md"
    page.write_text("x <!-- gradproof ours check.verdict --><!-- /gradproof -->\n")
    assert main(["embed", "page.md"]) == 2
    assert main(["report", "s.toml", "--hand", "hand.py", "-o", "out"]) == 2
    assert main(["check", "hand.py", "--spec", "s.toml"]) == 2
    assert not (folder / "out").exists()
    assert "hand.py" in capsys.readouterr().err


@pytest.mark.slow
def test_time_and_memory_of_a_reports_pass_are_limited(folder, capsys):
    written(folder, "while True: pass")
    assert main(["report", "s.toml", "--hand", "hand.py", "-o", "out", "--time-limit", "3"]) == 1
    assert "hand.py: undecided" in capsys.readouterr().out


def test_what_a_pass_prints_is_no_part_of_the_output(folder, capfd):
    written(folder, f"print('::error::from the pass')\n    {RIGHT}")
    assert main(["report", "s.toml", "--hand", "hand.py", "-o", "out"]) == 0
    assert "::error::" not in capfd.readouterr().out


def test_the_function_of_embed_says_what_the_command_says(folder):
    written(folder, PASSES["exits"])
    page = folder / "page.md"
    page.write_text("x <!-- gradproof ours check.verdict --><!-- /gradproof -->\n")
    (document,) = embed([page])
    assert [problem.kind for problem in document.problems] == ["undecided"]
    assert not document.failed
