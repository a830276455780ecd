"""Printed output and tables as claims: run within limits, found or not, by how much."""

import json

import pytest

import gradproof as gp
from gradproof.claims.files import ClaimsError
from gradproof.claims.printed import compared
from gradproof.cli import main

PROGRAM = """import sys
print("start")
for step in range(0, 30, 10):
    print(f"Epoch {step}, loss: {1 / (step + 3):.6f}")
print("[[0.021]\\n [0.981]]")
"""
PRINTED = ["start", "Epoch 0, loss: 0.333333", "Epoch 10, loss: 0.076923",
           "Epoch 20, loss: 0.043478", "[[0.021]", " [0.981]]"]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "train.py").write_text(PROGRAM, encoding="utf-8")
    return tmp_path


def outcome(folder, output, program="train.py", **more):
    path = folder / "claims.toml"
    keys = "".join(f"{key} = {json.dumps(value)}\n" for key, value in more.items())
    path.write_text(f"[[claims]]\nprogram = {json.dumps(program)}\noutput = {json.dumps(output)}\n"
                    f"{keys}", encoding="utf-8")
    (finding,) = gp.audit(path, run=True)
    return finding


@pytest.mark.parametrize(("output", "due", "said"), [
    ("Epoch 0, loss: 0.333333\n...\nEpoch 20, loss: 0.0435", "right", "2 lines"),
    ("Epoch 0, loss: 0.334", "wrong", "0.333333” is printed"),
    ("Epoch 0, loss: 0.33\nEpoch 10, loss: 0.08\n[[0.021]\n [0.981]]", "right", ""),
    ("[[0.021]\n [0.980]]", "wrong", "[0.980]]” is claimed"),
    ("Epoch 30, loss: 0.03", "wrong", "not printed"),
    ("Epoch 10, loss: 0.0769\nEpoch 0, loss: 0.3333", "wrong", "Epoch 0, loss: 0.3333” is not"),
    ("Epoch 0, accuracy: 0.333", "wrong", "not printed"), ("Epoch 0, loss: 0", "wrong", ""),
])
def test_an_output_is_found_or_not(output, due, said):
    found = compared(output.splitlines(), PRINTED)
    assert ("wrong" if found.told else "right") == due, found
    assert said in f"{found.told} {found.count} lines"


def test_a_tolerance_and_the_size_of_a_difference(folder):
    finding = outcome(folder, "Epoch 0, loss: 0.334")
    assert (finding.verdict, finding.error, finding.kind) == ("wrong", "6.67e-4", "output")
    assert outcome(folder, "Epoch 0, loss: 0.334", tolerance="1e-3").verdict == "right"


@pytest.mark.parametrize(("text", "due", "said"), [
    ("print('x 1.0')\n1 / 0", "wrong", "ZeroDivisionError at line 2"),
    ("import there_is_no_such_module", "undecided", "cannot be run here"),
    ("print('x 2.0')\nraise ValueError('late')", "right", "ends with ValueError"),
    *(pytest.param(*row, marks=pytest.mark.slow) for row in [
        ("import time\nprint('y')\ntime.sleep(60)", "undecided", "limit of 1 s"),
        ("import random\nprint('x', random.random())", "undecided", "something else each time"),
        ("import sys\nsys.stdout.buffer.write(b'x 2.0\\n')", "right", ""),
        ("while True: print('y' * 10000)", "undecided", "limit of 1000000"),
    ]),
])
def test_programs_that_end_otherwise(folder, text, due, said):
    (folder / "own.py").write_text(text, encoding="utf-8")
    finding = outcome(folder, "x 2.0", "own.py", seconds=1 if "sleep" in text else 30)
    assert finding.verdict == due, finding
    assert said in finding.why


def test_a_program_is_run_only_where_that_is_asked_for(folder, capsys):
    outcome(folder, "start")
    (folder / "train.py").write_text("open('ran', 'w')", encoding="utf-8")
    (finding,) = gp.audit(folder / "claims.toml")
    assert finding.verdict == "undecided"
    assert main(["audit", str(folder / "claims.toml")]) == 1
    assert "--run" in capsys.readouterr().out
    assert not (folder / "ran").exists()


@pytest.mark.parametrize(("keys", "said"), [
    ({"program": "../x.py"}, "in the folder of the claims"), ({"program": "no.py"}, "got 'no.py'"),
    ({"seconds": 0}, "seconds: expected"), ({"tolerance": "x"}, "tolerance: expected"),
])
def test_bad_outputs(folder, keys, said):
    with pytest.raises(ClaimsError) as error:
        outcome(folder, "start", **keys)
    assert said in str(error.value)


CAR = {"equations": "T = p * q * r", "shapes": {"p": "", "q": "", "r": ""},
       "values": {"p": 20, "q": 2, "r": "1.1"}}
TABLE = """| step | what | slope |
|---|:---:|---|
| 1 | price | 2.2 |
| 2 | number | 23 |
"""


@pytest.mark.parametrize("column", ["slope", 3])
def test_a_table_is_held_cell_by_cell(column):
    claim = {"table": TABLE, "column": column,
             "rows": [r"\frac{\partial T}{\partial p}", r"\frac{\partial T}{\partial q}"]}
    audit = gp.audit({"specs": {"car": CAR}, "claims": [claim]})
    assert [finding.verdict for finding in audit] == ["right", "wrong"]
    assert list(audit)[1].exact.startswith("22")


@pytest.mark.parametrize(("claim", "said"), [
    ({"table": "| a |", "column": "a"}, "expected a table"),
    ({"table": TABLE, "column": "x"}, "no column 'x'; there are step, what, slope"),
    ({"table": TABLE, "column": 4}, "no column 4"),
    ({"table": TABLE, "column": 3, "rows": ["T"]}, "2 rows, 1 are named"),
    ({"table": TABLE}, "no column ''"),
])
def test_bad_tables(claim, said):
    with pytest.raises(ClaimsError) as error:
        gp.audit({"specs": {"car": CAR}, "claims": [claim]})
    assert said in str(error.value)


def test_texts_are_looked_up_where_they_are(tmp_path):
    (tmp_path / "a.md").write_text("one\n$$T =\n p q r$$\n", encoding="utf-8")
    table = {"specs": {"car": CAR}, "texts": {"a": "a.md", "b": "b.md"},
             "claims": [{"formula": "T = p q r", "in": "a"}, {"formula": "T = q r p", "in": "b"}]}
    audit = gp.audit(table, texts=tmp_path)
    assert [finding.where for finding in audit] == ["line 2", ""]
    assert audit.notes == ("not looked up, as the texts are not there: b.md",)
    table["claims"][1]["in"] = "a"
    with pytest.raises(ClaimsError, match="does not hold"):
        gp.audit(table, texts=tmp_path)
    table["claims"][1]["in"] = "c"
    with pytest.raises(ClaimsError, match="no text 'c'"):
        gp.audit(table, texts=tmp_path)


def test_the_language_of_a_report(folder, capsys):
    outcome(folder, "start")
    arguments = ["audit", str(folder / "claims.toml"), "--run", "--language", "zh"]
    assert main(arguments) == 0
    assert "1 条断言：1 正确" in capsys.readouterr().out
    assert main([*arguments, "--format", "html"]) == 0
    assert '<html lang="zh">' in capsys.readouterr().out
