"""Typical mistakes of students: all refuted, the wrong line named, the teacher's repair found."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from redteam.case import due
from redteam.mistakes import COLUMN_INPUTS, COLUMNS, MISTAKES, ROW_INPUTS, ROWS, Mistake

import gradproof as gp

QUICK = ("rows: the sign", "rows: a mean for the bias", "columns: no slope")
SAMPLE = ("rows: σ′(z) in the middle", "rows: divided by m", "columns: from the wrong side",
          "columns: σ everywhere")
INPUTS = {"rows": ROW_INPUTS, "columns": COLUMN_INPUTS}


def answer(folder: Path, source: str, style: str, seconds: float = 3.0) -> gp.CheckResult:
    """What is said of the functions of a file."""
    file = folder / f"student_{abs(hash(source))}.py"
    file.write_text(source, "utf-8")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    inputs: dict[str, Any] = INPUTS[style]
    return gp.check(module.loss, module.gradient, inputs=inputs, repair_seconds=seconds,
                    wrt=[f"{kind}{i}" for i in (1, 2, 3) for kind in "Wb"])


def squeezed(line: str) -> str:
    return "".join(line.split())


def named(mistake: Mistake, result: gp.CheckResult) -> bool:
    """Whether the place that is named, or else the repair, is the wrong line."""
    place = result.place or result.repair
    lines = mistake.source.split("\n")
    return place is not None and lines[place.line - 1].strip() in mistake.lines


def mended(mistake: Mistake, result: gp.CheckResult) -> bool:
    """Whether the repair is one that a teacher would write."""
    return result.repair is not None and squeezed(result.repair.new) in map(
        squeezed, mistake.repairs)


def titled(suite: str) -> list[Any]:
    waiting = due(suite)
    found = []
    for mistake in MISTAKES:
        how = waiting.get(mistake.name)
        marks = [] if mistake.name in QUICK else [pytest.mark.slow]
        if how is not None:
            marks.append(pytest.mark.xfail(reason=how, strict=False,
                                           run=not how.startswith("no end")))
        found.append(pytest.param(mistake, id=mistake.name, marks=marks))
    return found


def test_what_is_due_is_there():
    assert set(due("mistake")) <= {mistake.name for mistake in MISTAKES}
    assert set(due("lines")) <= {"rows", "columns"}


@pytest.mark.parametrize("mistake", titled("mistake"))
def test_a_mistake_is_refuted(mistake, tmp_path):
    result = answer(tmp_path, mistake.source, mistake.style, 0)
    assert result.verdict == "refuted", str(result)


@pytest.mark.slow
@pytest.mark.parametrize("style", ["rows", "columns"])
def test_the_right_network_is_not_refuted(style, tmp_path):
    result = answer(tmp_path, {"rows": ROWS, "columns": COLUMNS}[style], style, 0)
    assert result.verdict in ("proved", "agrees"), str(result)


@pytest.mark.parametrize("name", SAMPLE)
def test_a_wrong_line_is_named_and_mended_as_a_teacher_would(name, tmp_path):
    mistake = next(mistake for mistake in MISTAKES if mistake.name == name)
    result = answer(tmp_path, mistake.source, mistake.style)
    assert named(mistake, result), str(result)
    assert mended(mistake, result), str(result)


@pytest.mark.slow
@pytest.mark.parametrize("style", [
    pytest.param(style, marks=[pytest.mark.xfail(reason=how, strict=False)] if how else [])
    for style in ("rows", "columns") for how in [due("lines").get(style)]])
def test_the_wrong_line_is_named_and_mended_as_a_teacher_would(style, tmp_path):
    mistakes = [mistake for mistake in MISTAKES if mistake.style == style]
    assert len(mistakes) == 28
    answers = [(mistake, answer(tmp_path, mistake.source, style)) for mistake in mistakes]
    lost = [f"{mistake.name}: {result.place}" for mistake, result in answers
            if not named(mistake, result)]
    other = [f"{mistake.name}: {result.repair or result.unrepaired}" for mistake, result in answers
             if not mended(mistake, result)]
    assert len(lost) <= 3, "\n".join(lost)
    assert len(other) <= 4, "\n".join(other)


@pytest.mark.parametrize("name", SAMPLE[:2])
def test_a_wrong_line_is_named_where_nothing_is_tried(name, tmp_path):
    mistake = next(mistake for mistake in MISTAKES if mistake.name == name)
    assert named(mistake, answer(tmp_path, mistake.source, mistake.style, 0))


@pytest.mark.slow
@pytest.mark.parametrize(("style", "least"), [("rows", 27), ("columns", 24)])
def test_the_wrong_line_is_named_where_nothing_is_tried(style, least, tmp_path):
    mistakes = [mistake for mistake in MISTAKES if mistake.style == style]
    lost = [mistake.name for mistake in mistakes
            if not named(mistake, answer(tmp_path, mistake.source, style, 0))]
    assert len(mistakes) - len(lost) >= least, lost
