"""A report replaces what gradproof wrote and nobody changed since, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradproof.derivations.sources import load_source
from gradproof.reporting import report_data
from gradproof.reports.pages.document import ReportData
from gradproof.reports.pages.files import FORMATS, OthersError, write_report
from gradproof.reports.pages.marks import is_marked, marked
from gradproof.reports.pages.render import figure_file

THERE = [form for form in FORMATS if form != "pdf"]
OTHERS = [
    "", "# My notes\n\nBackpropagation through the network, by gradproof report\n",
    "\\documentclass{article}\n% gradproof report\n", '{\n  "gradproof report": 1}',
    '<svg role="img">\n<title>mine</title></svg>\n', "<!-- gradproof report 0123456789abcdef -->\n",
    "<!-- gradproof report 0000000000000000 -->\n",
]


@pytest.fixture(scope="module")
def data() -> ReportData:
    return report_data(load_source("moons"), sections=["network", "forward"])[0]


@pytest.mark.parametrize("form", THERE)
def test_its_own_files_are_replaced(form: str, data: ReportData, tmp_path: Path) -> None:
    written = write_report(data, tmp_path, [form], force=False)
    before = {path: path.read_bytes() for path in written}
    assert all(map(is_marked, before.values()))
    assert write_report(data, tmp_path, [form], force=False) == written
    assert before == {path: path.read_bytes() for path in written}


@pytest.mark.parametrize("form", THERE)
@pytest.mark.parametrize("content", OTHERS)
def test_a_file_of_somebody_else_is_kept(
    content: str, form: str, data: ReportData, tmp_path: Path
) -> None:
    file = tmp_path / FORMATS[form]
    file.write_text(content, encoding="utf-8")
    with pytest.raises(OthersError, match="is no report that gradproof wrote"):
        write_report(data, tmp_path, [form], force=False)
    assert file.read_text(encoding="utf-8") == content
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("form", THERE)
def test_a_changed_report_is_kept(form: str, data: ReportData, tmp_path: Path) -> None:
    file = write_report(data, tmp_path, [form], force=False)[0]
    changed = file.read_bytes() + b" "
    file.write_bytes(changed)
    with pytest.raises(OthersError, match="changed since"):
        write_report(data, tmp_path, [form], force=False)
    assert file.read_bytes() == changed
    write_report(data, tmp_path, [form], force=True)
    assert is_marked(file.read_bytes())


def _folder(place: Path) -> None:
    place.mkdir()
    (place / "kept").touch()


def _dead_link(place: Path) -> None:
    place.symlink_to(place.parent / "nowhere" / "report")


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(("stands", "says"), [
    (_folder, "expected a file of the report, or nothing; a folder of this name is there"),
    (_dead_link, "expected a file of the report, or nothing; a symbolic link to .* which is not"),
    (os.mkfifo, "no regular file of this name is there"),
])
@pytest.mark.parametrize("name", ["report.tex", "drawing"])
def test_what_stands_in_a_files_place_is_said_before_anything_is_written(
    name: str, stands: Callable[[Path], None], says: str, force: bool, data: ReportData,
    tmp_path: Path,
) -> None:
    place = tmp_path / (name if name != "drawing" else figure_file(data.drawings[0]))
    stands(place)
    with pytest.raises(OthersError, match=says):
        write_report(data, tmp_path, ["markdown", "latex"], force=force)
    assert [*tmp_path.iterdir()] == [place]


def test_a_folder_that_is_a_dead_link_is_said(data: ReportData, tmp_path: Path) -> None:
    _dead_link(tmp_path / "out")
    with pytest.raises(OthersError, match="expected a folder for the report, or nothing"):
        write_report(data, tmp_path / "out" / "here", ["latex"])
    assert [*tmp_path.iterdir()] == [tmp_path / "out"]


@given(st.text(alphabet="ab\n0é-> "), st.integers(0, 200), st.sampled_from(["x.md", "x.tex"]))
def test_every_change_is_seen(text: str, at: int, name: str) -> None:
    data = marked(name, text)
    assert is_marked(data)
    assert is_marked(data.replace(b"\n", b"\r\n"))
    place = at % len(data)
    assert not is_marked(data[:place] + b"~" + data[place:])
    assert not is_marked(data[:place] + bytes([data[place] ^ 1]) + data[place + 1:])
