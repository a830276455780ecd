"""What comes in by the door of programs: notebooks, what is missing, what is shown."""

import json
import re
from types import SimpleNamespace

import pytest
from tables.programs import CARRIED, DATA, LOOP, TRAINER

from gradproof.checks.hand_files import HandError
from gradproof.checks.shown.html import result_html
from gradproof.cli import main
from gradproof.ipython_ext import check_cell
from gradproof.programs.checking import program_of
from gradproof.programs.losses import is_said_loss
from gradproof.programs.options import Options
from gradproof.programs.statements import effects, is_of_sizes, moves
from gradproof.programs.texts import python_alone, read_program

WRONG = LOOP.replace("(1 - a1 ** 2)", "(1 - a1)")


def notebook(*cells):
    return json.dumps({"nbformat": 4, "cells": [
        {"cell_type": kind, "source": text.splitlines(True)} for kind, text in cells]})


def found(file, **options):
    made = program_of(str(file), Options(**options), 30)
    return made, made.check(60, 0)


@pytest.mark.slow
def test_a_notebook_is_its_cells_without_what_is_no_python(tmp_path, alone):
    head, _, loop = WRONG.partition("m = X.shape[0]\n")
    file = tmp_path / "net.ipynb"
    file.write_text(notebook(
        ("markdown", "# A net"), ("code", "%matplotlib inline\n" + head),
        ("code", "%%bash\nls\n"), ("code", "!ls\nm = X.shape[0]\n"), ("code", loop)))
    made, result = found(file)
    assert [one.verdict for one in result] == ["refuted", "refuted", "proved", "proved"]
    assert "net.ipynb: cell 5, line " in result.first_wrong
    assert made.taken[:3] == (
        "left out, which is no Python: cell 2, line 1: %matplotlib inline",
        "left out, which is no Python: cell 3, line 1: %%bash (the whole cell)",
        "left out, which is no Python: cell 4, line 1: !ls")
    assert "cell 5, line 1" in made.taken[3]


@pytest.mark.parametrize(("text", "said"), [
    ("", "expected a notebook in JSON"),
    ("[1]", "a list of \"cells\""),
    ('{"cells": 3}', "a list of \"cells\""),
    (notebook(("code", "x = (\n")), "net.ipynb: cell 1, line 1: '(' was never closed"),
])
def test_what_is_no_notebook_is_said(text, said, tmp_path):
    file = tmp_path / "net.ipynb"
    file.write_text(text)
    with pytest.raises(HandError, match=re.escape(said)):
        _ = read_program(file).tree


@pytest.mark.parametrize(("cell", "lines"), [
    ("x = 7 % 3\ny = [1,\n  2]", ["x = 7 % 3", "y = [1,", "  2]"]),
    ("if x:\n    %time f()\n", ["if x:", "    pass"]),
    ("files = !ls\nx?\n%%time", ["pass", "pass", "pass"]),
    ("%%time\nx = 1", ["", "x = 1"]),
])
def test_lines_of_a_cell_that_are_python_are_kept_in_their_places(cell, lines):
    assert python_alone(cell)[0] == lines


def test_where_no_loss_is_stated_one_is_proposed_whose_gradients_these_are(tmp_path, alone):
    file = tmp_path / "net.py"
    text = LOOP.replace("    loss = -np", "    what = -np").replace("epoch, loss", "epoch")
    file.write_text(text)
    with pytest.raises(HandError, match="The gradients are those of this one") as caught:
        found(file)
    loss = re.search(r'--loss="(.*)"$', str(caught.value))[1]
    assert loss == "-np.sum(y*np.log(a2) + (1 - y)*np.log(1 - a2))"
    _, result = found(file, loss=f"({loss}) / m")
    assert result.verdict == "proved"


@pytest.mark.parametrize(("options", "said"), [
    ({"loss": "loss +"}, "--loss: expected a name or an expression"),
    ({"loss": "costs"}, "has no 'costs'; it has "),
    ({"wrt": ("W3",)}, "--wrt: 'W3' is no array at the start of the pass"),
    ({"loss": "np.sum(y)"}, "does not depend on W1"),
])
def test_an_option_that_fits_nothing_is_said_with_what_there_is(options, said, tmp_path, alone):
    file = tmp_path / "net.py"
    file.write_text(LOOP)
    with pytest.raises(HandError, match=re.escape(said)):
        found(file, **options)


@pytest.mark.slow
def test_a_class_that_trains_nothing_by_itself_is_given_a_call(tmp_path, alone):
    file = tmp_path / "net.py"
    file.write_text(TRAINER[:TRAINER.index("X = np.array")])
    with pytest.raises(HandError, match=r"for i in range\(3\): model.learn\(X, y, out\)"):
        found(file)
    call = ("model, X, y = Model(), np.eye(3), np.ones((3, 1))\n"
            "for _ in range(9): model.learn(X, y, model.predict(X))")
    _, result = found(file, call=call, loss="np.sum((y - model.predict(X))**2)")
    assert result.verdict == "proved"


@pytest.mark.slow
def test_gradients_that_are_a_multiple_of_the_losss_are_undecided_and_said(tmp_path, alone):
    file = tmp_path / "net.py"
    file.write_text(LOOP.replace("(a2 - y) / m", "a2 - y"))
    _, result = found(file)
    assert result.verdict == "undecided"
    assert "all gradients are those of X.shape[0] × loss" in result["W1"].reason
    assert found(file, loss="loss")[1].verdict == "refuted"
    assert found(file, loss="(X.shape[0]) * loss")[1].verdict == "proved"


@pytest.mark.slow
def test_a_weight_decay_that_the_loss_lacks_is_said(tmp_path, alone):
    file = tmp_path / "net.py"
    text = CARRIED.replace("X.T @ (T - Y)", "(X.T @ (T - Y) - 0.05 * w)")
    file.write_text(text)
    _, result = found(file)
    assert result["w"].verdict == "undecided"
    loss = re.search(r'--loss="(.*)"$', result["w"].reason)[1]
    assert loss == "loss + 0.05/2 * np.sum(w**2)"
    assert found(file, loss=loss)[1].verdict == "proved"


@pytest.mark.slow
def test_the_command_says_what_it_took_and_where(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(WRONG)
    assert main(["check", "net.py", "--format", "json", "--time-limit", "30"]) == 1
    (answer,) = json.loads(capsys.readouterr().out)
    assert answer["verdict"] == "refuted"
    assert answer["place"] == {"file": "net.py", "line": 20}
    assert answer["taken"][1:] == [
        "the loss: loss, line 16", "the gradients: dW1 by W1, db1 by b1, dW2 by W2, db2 by b2"]


# --- a cell ---------------------------------------------------------------------------------------


class Shell:
    """What the magic asks of IPython."""

    def __init__(self, *before):
        self.user_ns = {"In": ["", *before, "%%gradproof"]}
        self.compile = SimpleNamespace(_filename_map={})
        for cell in before:
            exec(cell, self.user_ns)


@pytest.mark.slow
def test_a_cell_is_checked_with_the_variables_that_are_there():
    made = check_cell(Shell(DATA + "m = X.shape[0]\n"), "--wrt W1,W2",
                      WRONG.partition("m = X.shape[0]\n")[2])
    assert [one.verdict for one in made.result] == ["refuted", "proved"]
    assert made.result["W2"].scope.startswith("for all m, n")
    assert made.taken[0] == "the pass: cell [2], line 2, the first of the loop"
    page = made._repr_html_()
    assert "cell [2], line 9" in page
    assert page.count("#cf222e;background") == 1  # the line that is marked
    assert len(page) < 9000


def test_the_magics_options_are_checked():
    with pytest.raises(ValueError, match="unrecognized arguments: --los"):
        check_cell(Shell(DATA), "--los x", "pass")


@pytest.mark.slow
def test_nothing_of_a_program_becomes_markup(tmp_path, alone):
    file = tmp_path / "net.py"
    file.write_text(WRONG.replace("d1 = d2", "x = '<script>&</script>'; d1 = d2"))
    _, result = found(file)
    page = result_html(result, ("<b>",))
    assert "<script" not in page
    assert "&lt;script&gt;&amp;&lt;/script&gt;" in page
    assert "&lt;b&gt;" in page
    assert "http" not in page


# --- statements -----------------------------------------------------------------------------------


def parsed(text):
    import ast

    return ast.parse(text).body[0]


@pytest.mark.parametrize(("text", "sets", "touches"), [
    ("a = b + c", {"a"}, set()),
    ("a[0] = b", set(), {"a"}),
    ("a.b -= c", set(), {"a"}),
    ("xs.append(a)", set(), {"xs"}),
    ("if a:\n    b = 1", set(), {"b"}),
    ("np.clip(a, 0, 1, out=a)", set(), {"a"}),
    ("b = np.sum(a)", {"b"}, set()),
    ("print(a, len(xs))", set(), set()),
])
def test_what_a_statement_sets_and_touches(text, sets, touches):
    import numpy as np

    found = effects(parsed(text), {"np": np, "a": np.ones(2), "b": np.ones(2), "xs": []})
    assert (found.sets, found.touches) == (sets, touches)


@pytest.mark.parametrize(("name", "due"), [
    ("loss", True), ("J", True), ("total_cost", True), ("log_likelihood", True),
    ("smooth_loss", True),
    ("c", False), ("l", False), ("e", False), ("W", False), ("closs_", False), ("losses", True),
])
def test_which_names_say_a_loss(name, due):
    assert is_said_loss(name) is due


@pytest.mark.parametrize(("text", "due"), [
    ("W = W - s * d", True), ("W = (1 - r) * W - d", True), ("W = [w - d for w in W]", True),
    ("W = np.tanh(U @ W + x)", False), ("W = U @ W + x", False), ("W = x - W", False),
])
def test_a_step_is_from_the_targets_own_value(text, due):
    statement = parsed(text)
    assert moves(statement.targets[0], statement.value) is due


def test_what_follows_from_sizes_is_no_data():
    import numpy as np

    values = {"np": np, "X": np.ones((3, 2)), "k": 4}
    assert is_of_sizes(parsed("m, n = X.shape"), values)
    assert is_of_sizes(parsed("d = np.zeros((len(X), k))"), values)
    assert not is_of_sizes(parsed("m = X.sum()"), values)
    assert not is_of_sizes(parsed("m = X * 2"), values)
