"""Typical mistakes of students: all refuted, the wrong line named, the teacher's repair found."""

from __future__ import annotations

import importlib.util
import runpy
from pathlib import Path
from typing import Any

import pytest
from redteam.case import due
from redteam.mistakes import COLUMN_INPUTS, COLUMNS, MISTAKES, ROW_INPUTS, ROWS, Mistake
from redteam.more_mistakes import VARIATIONS, Variation

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
        marks = [] if mistake.name in QUICK else [pytest.mark.rows]
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


@pytest.mark.parametrize(("style", "every"), [
    pytest.param(style, every,
                 marks=[pytest.mark.xfail(reason=how, strict=False)] * bool(how) + [mark])
    for style, every, mark in (("rows", 1, pytest.mark.rows), ("columns", 1, pytest.mark.rows),
                               ("columns", 3, pytest.mark.slow))
    for how in [due("lines").get(style)]])
def test_the_wrong_line_is_named_and_mended_as_a_teacher_would(style, every, tmp_path):
    mistakes = [mistake for mistake in MISTAKES if mistake.style == style]
    assert len(mistakes) == 28
    mistakes = mistakes[::every]
    answers = [(mistake, answer(tmp_path, mistake.source, style)) for mistake in mistakes]
    lost = [f"{mistake.name}: {result.place}" for mistake, result in answers
            if not named(mistake, result)]
    other = [f"{mistake.name}: {result.repair or result.unrepaired}" for mistake, result in answers
             if not mended(mistake, result)]
    assert len(lost) <= 3 / every, "\n".join(lost)
    assert len(other) <= 4 / every, "\n".join(other)


@pytest.mark.parametrize("name", SAMPLE[:2])
@pytest.mark.slow
def test_a_wrong_line_is_named_where_nothing_is_tried(name, tmp_path):
    mistake = next(mistake for mistake in MISTAKES if mistake.name == name)
    assert named(mistake, answer(tmp_path, mistake.source, mistake.style, 0))


@pytest.mark.rows
@pytest.mark.parametrize(("style", "least"), [
    ("rows", 27), ("columns", 24)])
def test_the_wrong_line_is_named_where_nothing_is_tried(style, least, tmp_path):
    mistakes = [mistake for mistake in MISTAKES if mistake.style == style]
    lost = [mistake.name for mistake in mistakes
            if not named(mistake, answer(tmp_path, mistake.source, style, 0))]
    assert len(mistakes) - len(lost) >= least, lost


OTHERS = ("residual: no skip", "norm: γ forgotten", "recurrent: carry before the slope",
          "classes: a mean", "deep: relu's slope is its value", "tied: a bias before the slope")


def of_other_kind(folder: Path, variation: Variation, source: str = "") -> gp.CheckResult:
    text = source or variation.source
    file = folder / f"other_{abs(hash(text))}.py"  # a file read before is not read again
    file.write_text(text, "utf-8")
    module = runpy.run_path(str(file))
    program = variation.program
    return gp.check(module["loss"], module["gradient"], inputs=program.inputs, repair_seconds=0,
                    wrt=list(program.wrt))


def is_named(variation: Variation, result: gp.CheckResult) -> bool:
    """Whether a program is refuted and its wrong line named; no repair is looked for."""
    place = result.place
    lines = variation.source.split("\n")
    return result.verdict == "refuted" and place is not None and (
        lines[place.line - 1].strip() in variation.lines)


@pytest.mark.parametrize("name", OTHERS)
def test_a_wrong_line_of_another_kind_of_program_is_named(name, tmp_path):
    variation = next(one for one in VARIATIONS if one.name == name)
    result = of_other_kind(tmp_path, variation)
    assert is_named(variation, result), str(result)


@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.rows),
                                   pytest.param(3, marks=pytest.mark.slow)])
def test_the_wrong_lines_of_other_kinds_of_programs_are_named(every, tmp_path):
    assert len(VARIATIONS) >= 60
    lost = [one.name for one in VARIATIONS[::every]
            if not is_named(one, of_other_kind(tmp_path, one))]
    assert len(lost) <= 4 / every, lost


@pytest.mark.slow
def test_the_right_programs_of_other_kinds_are_not_refuted(tmp_path):
    for variation in {id(one.program): one for one in VARIATIONS}.values():
        result = of_other_kind(tmp_path, variation, variation.program.source)
        assert result.verdict in ("proved", "agrees"), f"{variation.name}: {result}"
