"""The students' page: its programs are checked as they stand there, and answered as it says."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from gradproof.cli import main

PAGE = (Path(__file__).parents[2] / "docs" / "for-students.md").read_text(encoding="utf-8")
PIECES = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLES = [(code, shown) for (one, code), (other, shown) in pairwise(PIECES)
            if (one, other) == ("python", "console")]


@pytest.mark.parametrize(("code", "shown"), EXAMPLES)
@pytest.mark.slow
def test_a_program_of_the_page_is_answered_as_it_says(code, shown, tmp_path, monkeypatch, capsys):
    command, *stated = shown.splitlines()
    *_, name = command.split()
    (tmp_path / name).write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(command.removeprefix("$ gradproof ").split()) == 1
    lines = iter(capsys.readouterr().out.splitlines())
    for line in stated:
        if line.strip() != "...":
            assert line in lines, line  # in this order


def test_the_page_has_a_script_and_a_class():
    assert [code.splitlines()[0] for code, _ in EXAMPLES] == ["# train.py", "# net.py"]
