"""What the documents state is what the program does: their code runs, their output is its own."""

import doctest
import importlib
import re
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest

from gradproof.cli import main
from gradproof.symbolic.equation import Kind
from gradproof.symbolic.functions import ACTIVATIONS
from gradproof.symbolic.layers import table
from gradproof.symbolic.layers.losses import LOSSES
from gradproof.symbolic.text.array_functions import ARRAY_FUNCTIONS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_readmes_python_runs_and_prints_what_it_says(capsys):
    code = blocks(README, "python")[-1]
    exec(code, {})
    shown = capsys.readouterr().out
    stated = [line.lstrip("# ").rstrip() for line in code.splitlines()
              if line.startswith("# ") and "..." not in line]
    stated += [line.partition("# ")[2].strip() for line in code.splitlines()
               if line.startswith("print(d.gradients")]
    assert len(stated) >= 3
    for line in stated:
        assert line in shown


def test_the_readmes_console_output_is_the_programs(capsys):
    (block,) = blocks(README, "console")
    command, *stated = block.splitlines()
    assert main(command.removeprefix("$ gradproof ").split()) == 0
    shown = capsys.readouterr().out.splitlines()
    whole = [line for line in stated if line.strip() != "..."]
    assert shown[: len(whole)] == whole


def test_the_readmes_refutation_is_what_such_a_file_gives(tmp_path, monkeypatch, capsys):
    (spec,) = blocks(README, "toml")
    (tmp_path / "moons.toml").write_text(spec)
    (tmp_path / "backward.py").write_text(blocks(README, "python")[0])
    monkeypatch.chdir(tmp_path)
    assert main(["check", "backward.py", "--spec", "moons.toml"]) == 1
    shown = [_to_six_digits(line).strip() for line in capsys.readouterr().out.splitlines()]
    (stated,) = blocks(README, "text")
    for line in stated.splitlines():
        assert _to_six_digits(line).strip() in shown, line
    assert sum("proved, for all m" in line for line in shown) == 3


def _to_six_digits(line):
    return re.sub(r"\d+\.\d{7,}", lambda found: f"{float(found[0]):.6g}", line)


def test_the_committed_report_is_what_the_program_writes(tmp_path, capsys):
    assert main(["report", "2-2-1", "-o", str(tmp_path)]) == 0
    capsys.readouterr()
    for name in ("report.md", "report.tex", "network.svg", "loss.svg"):
        made = (tmp_path / name).read_text(encoding="utf-8")
        kept = (ROOT / "docs" / "2-2-1" / name).read_text(encoding="utf-8")
        assert _without_rounding(made) == _without_rounding(kept), (
            f"docs/2-2-1/{name} is stale: gradproof report 2-2-1 -o docs/2-2-1"
        )


def _without_rounding(text):
    """The text without figures that are rounding errors, which differ between machines, without
    the drawing of these and without the mark that they enter."""
    inside = r"(?:(?!\\end\{tikzpicture\}).)*"
    text = re.sub(rf"(?s)\\begin\{{tikzpicture\}}{inside}distance from the derived {inside}", "",
                  text)
    text = re.sub(r"gradproof report [0-9a-f]{16}", "~", text)
    return re.sub(r"\d(\.\d+)?e-\d\d|10\^\{-\d+\}", "~", text)


def test_links_in_the_documents_lead_somewhere():
    for file in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        text = file.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#\s]+)\)", text):
            if not target.startswith("http"):
                assert (file.parent / target).exists(), f"{file.name}: {target}"


def test_the_readme_states_two_commands_for_a_fresh_machine():
    commands = [line for block in blocks(README, "sh") for line in block.splitlines()
                if line.startswith("python3 -m venv")]
    assert len(commands) == 2
    assert commands[0].endswith("gradproof report 2-2-1")
    assert commands[1].endswith("pytest")


@pytest.mark.parametrize("key", ["sizes", "activation", "output", "loss", "convention", "batch",
                                 "delta"])
def test_the_page_on_specs_has_every_key(key):
    assert f"`network.{key}`" in (ROOT / "docs" / "specs.md").read_text(encoding="utf-8")


def test_the_page_on_equations_prints_what_it_says(capsys):
    """Each line `print(...)  # text` prints that text."""
    text = (ROOT / "docs" / "equations.md").read_text(encoding="utf-8")
    known: dict = {}
    for code in blocks(text, "python"):
        exec(code, known)
        shown = capsys.readouterr().out.splitlines()
        stated = [line.partition("# ")[2] for line in code.splitlines()
                  if line.startswith("print(")]
        assert all(stated)
        assert [line for line in shown if line in stated] == stated


PAGES = {page.stem: page.read_text(encoding="utf-8") for page in (ROOT / "docs").glob("*.md")}
PAGES = {name: PAGES[name] for name in sorted(PAGES)
         if blocks(PAGES[name], "python") and not blocks(PAGES[name], "pycon")}
"""Those of whole programs."""


def asks(page):
    """The frameworks that a page is about."""
    return [name for name in ("torch", "jax") if f"import {name}\n" in PAGES[page]]


@pytest.mark.parametrize("page", [
    pytest.param(page, marks=pytest.mark.peers if asks(page) else
                 pytest.mark.slow if place else ()) for place, page in enumerate(PAGES)])
def test_the_python_of_a_page_runs_and_prints_what_it_says(page, tmp_path, monkeypatch, capsys):
    """A page's Python is a file of its own; a text after a piece of it is what that prints."""
    for name in asks(page):
        pytest.importorskip(name)
    pieces = re.findall(r"^```(\w*)\n(.*?)^```$", PAGES[page], re.MULTILINE | re.DOTALL)
    code = [piece for language, piece in pieces if language == "python"]
    module = f"page_{page.replace('-', '_')}"
    (tmp_path / f"{module}.py").write_text("\n".join(code), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module(module)
    shown = capsys.readouterr().out.replace(module, "gradients")
    for (before, _), (language, stated) in pairwise(pieces):
        if (before, language) == ("python", "text"):
            assert stated in shown


NEW = {name for name, row in table.LAYERS.items() if row.example is not None}
"""Layers that only a test of theirs knows."""


def named(text):
    """The words in the code of a page, but for its blocks."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return {word for code in re.findall(r"`([^`]+)`", text) for word in re.findall(r"\w+", code)}


def test_the_page_on_equations_has_every_kind_and_function():
    text = (ROOT / "docs" / "equations.md").read_text(encoding="utf-8")
    missing = {*get_args(Kind), *ARRAY_FUNCTIONS} - NEW - set(LOSSES) - named(text)
    assert not missing, f"not in docs/equations.md: {missing}"


def test_the_page_on_specs_has_every_activation_loss_and_layer():
    text = (ROOT / "docs" / "specs.md").read_text(encoding="utf-8")
    rows = {name: row for name, row in table.rows("spec").items() if name not in NEW}
    options = {key for row in rows.values() for key in row.spec_options}
    missing = {*ACTIVATIONS, *LOSSES, *rows, *options} - named(text)
    assert not missing, f"not in docs/specs.md: {missing}"


def test_the_tour_of_the_house_runs_and_shows_what_it_says():
    tour = str(ROOT / "docs" / "architecture.md")
    found = doctest.testfile(tour, module_relative=False, encoding="utf-8")
    assert found.attempted >= 10
    assert not found.failed
