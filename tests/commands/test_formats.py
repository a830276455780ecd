"""Submissions against an exercise, and what is written for the programs that read it."""

import json
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import numpy as np
import pytest

from gradproof.cli import main

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "check.schema.json").read_text())

EXERCISE = """
import numpy as np
import gradproof as gp

def loss(X, y, w, b):
    return np.sum((X @ w + b - y) ** 2) / 2

@gp.gradient_of(loss, X="m n", y="m", w="n", b="", wrt=["w", "b"])
def gradient(X, y, w, b):
    d = X @ w + b - y
    return {"w": X.T @ d, "b": d.sum()}
"""
RIGHT = """
def gradient(X, y, w, b):
    print("::error ::graded, 10 of 10")
    d = X @ w + b - y
    return {"w": X.T @ d, "b": d.sum()}
"""
WRONG = RIGHT.replace("X.T @ d,", "X.T @ d / len(y),")
FILES = {
    "exercise.py": EXERCISE, "right.py": RIGHT, "wrong.py": WRONG,
    "ends.py": "import os\nos._exit(0)\n", "other.py": "def grad(X):\n    return X\n",
    "broken.py": "def gradient(:\n",
}
SUBMITTED = [name for name in FILES if name != "exercise.py"]


@pytest.fixture
def work(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def graded(capsys, form, files, *options):
    code = main(["check", *files, "--against", "exercise.py", "--format", form, *options])
    return code, capsys.readouterr().out


@pytest.mark.slow
def test_records_of_many_submissions(work, capsys):
    code, shown = graded(capsys, "json", SUBMITTED, "--jobs", "2")
    records = json.loads(shown)
    jsonschema.validate(records, SCHEMA)
    by_file = {record["file"]: record for record in records}
    assert list(by_file) == SUBMITTED
    assert code == 2  # some of them could not be checked
    assert {name: (r["verdict"], r["points"], r["max_points"]) for name, r in by_file.items()} == {
        "right.py": ("proved", 2, 2), "wrong.py": ("refuted", 1, 2), "ends.py": ("error", 0, 1),
        "other.py": ("error", 0, 2), "broken.py": ("error", 0, 1)}
    wrong = by_file["wrong.py"]
    assert wrong["place"]["line"] == 5
    hints = {check["name"]: check["hint"] for check in wrong["checks"]}
    assert hints["b"].startswith("b: proved")
    assert "repair: " in hints["w"]
    assert "no function 'gradient' is defined" in by_file["other.py"]["error"]
    assert "broken.py:1" in by_file["broken.py"]["error"]
    _mends(wrong["repair"])


def _mends(repair):
    lines = WRONG.splitlines(keepends=True)
    count = repair["old"].count("\n") + 1 if repair["old"] else 0
    lines[repair["line"] - 1:repair["line"] - 1 + count] = [
        " " * repair["indent"] + line + "\n" for line in repair["new"].splitlines()]
    _is_right("".join(lines))


def _is_right(text):
    """Whether a program gives the gradient at numbers."""
    names = {}
    exec(text.replace("print(", "str("), names)
    X, y, w, b = np.array([[1.0, 2.0], [3.0, 5.0], [0.5, 1.0]]), np.ones(3), np.ones(2), 0.25
    found = names["gradient"](X, y, w, b)
    assert np.allclose(found["w"], X.T @ (X @ w + b - y))
    assert np.allclose(found["b"], np.sum(X @ w + b - y))


@pytest.mark.parametrize(("hints", "told"), [
    pytest.param("verdict", (False, False), marks=pytest.mark.slow),
    ("line", (True, False)), ("edit", (True, True)),
])
def test_gradescope_tells_as_much_as_is_wanted_and_counts(work, capsys, hints, told):
    code, shown = graded(capsys, "gradescope", ["wrong.py"], "--hints", hints, "--points", "10")
    results = json.loads(shown)
    assert code == 1
    assert results["score"] == 5.0
    w, b = results["tests"]
    assert (w["score"], w["max_score"], w["status"]) == (0.0, 5.0, "failed")
    assert (b["score"], b["max_score"], b["status"]) == (5.0, 5.0, "passed")
    assert ("wrong.py:5" in w["output"], "repair" in w["output"]) == told


@pytest.mark.slow
def test_junit_has_a_case_for_each_gradient(work, capsys):
    _, shown = graded(capsys, "junit", ["right.py", "wrong.py", "ends.py"])
    suites = ElementTree.fromstring(shown)
    counts = {s.get("name"): (s.get("tests"), s.get("failures"), s.get("errors")) for s in suites}
    assert counts == {"right.py": ("2", "0", "0"), "wrong.py": ("2", "1", "0"),
                      "ends.py": ("1", "0", "1")}
    (failure,) = suites.iter("failure")
    assert failure.get("message") == "w: refuted"
    assert failure.text.startswith("w: refuted\n")


@pytest.mark.slow
def test_sarif_has_places_and_fixes_that_mend(work, capsys):
    _, shown = graded(capsys, "sarif", ["right.py", "wrong.py", "other.py"])
    log = json.loads(shown)
    (run,) = log["runs"]
    assert log["version"] == "2.1.0"
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    found = {r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]: r
             for r in run["results"]}
    assert found.keys() == {"wrong.py", "other.py"}
    assert {r["ruleId"] for r in found.values()} <= rules
    wrong = found["wrong.py"]
    assert wrong["locations"][0]["physicalLocation"]["region"] == {"startLine": 5}
    (change,) = wrong["fixes"][0]["artifactChanges"]
    (replacement,) = change["replacements"]
    region, lines = replacement["deletedRegion"], WRONG.splitlines(keepends=True)
    assert region["startColumn"] == region["endColumn"] == 1
    lines[region["startLine"] - 1:region["endLine"] - 1] = [replacement["insertedContent"]["text"]]
    _is_right("".join(lines))


@pytest.mark.slow
def test_a_sample_is_the_same_at_each_time(work, capsys):
    files = [f"copy{place}.py" for place in range(4)]
    for file in files:
        (work / file).write_text("def gradient(:\n")
    first, second = ([record["file"] for record in json.loads(
        graded(capsys, "json", order, "--sample", "2")[1])] for order in (files, files[::-1]))
    assert len(set(first)) == 2
    assert first == second[::-1]


def test_an_exercise_that_marks_nothing_is_said_to(work, capsys):
    assert main(["check", "right.py", "--against", "right.py"]) == 2
    assert "right.py: an exercise marks" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--sample", "0"], ["--jobs", "x"], ["--points", "-1"],
                                     ["--jobs", "9" * 5000], ["--hints", "all"]])
def test_options_that_say_nothing_are_refused(work, options):
    with pytest.raises(SystemExit):
        main(["check", "right.py", "--against", "exercise.py", *options])
