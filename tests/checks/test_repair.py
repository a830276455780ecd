"""Repairs: the smallest edit of a hand-written gradient, verified, or honestly not found."""

import importlib.util
import json
import linecache
import sys
from itertools import count
from pathlib import Path

import numpy as np
import pytest

import gradproof as gp
from gradproof.cli import main
from gradproof.repair.program import Program, source_of

SHAPES = {"X": "m n", "y": "m o", "W1": "n h", "b1": "1 h", "W2": "h o", "b2": "1 o"}

GRADIENT = '''
def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def slope(x):
    return sigmoid(x) * (1 - sigmoid(x))

def gradient(X, y, W1, b1, W2, b2):
    z1 = X @ W1 + b1
    a1 = sigmoid(z1)
    z2 = a1 @ W2 + b2
    a2 = sigmoid(z2)
    dz2 = -(y - a2) * slope(z2)
    dz1 = dz2 @ W2.T * slope(z1)
    return {"W1": X.T @ dz1, "b1": np.sum(dz1, axis=0, keepdims=True),
            "W2": a1.T @ dz2, "b2": np.sum(dz2, axis=0, keepdims=True)}
'''
NUMBERS = count()


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def loss(X, y, W1, b1, W2, b2):
    return 0.5 * np.sum((y - sigmoid(sigmoid(X @ W1 + b1) @ W2 + b2)) ** 2)


def function(text, name="gradient"):
    """The function of a text, which `linecache` knows as it knows a file."""
    file = f"<hand {next(NUMBERS)}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    namespace = {"np": np, "__name__": "hand"}
    exec(compile(text, file, "exec"), namespace)
    return namespace[name]


@pytest.mark.parametrize(("right", "wrong"), [
    ("-(y - a2) * slope(z2)", "-(y + a2) * slope(z2)"),
    ("slope(z2)\n", "slope(a2)\n"),
    ("W2.T * slope(z1)", "W2.T * slope(a1)"),
    ('"W2": a1.T @ dz2', '"W2": z1.T @ dz2'),
    ('"W1": X.T @ dz1', '"W1": X.T @ dz1 / len(X)'),
    ('"b1": np.sum(dz1, axis=0', '"b1": np.sum(dz1, axis=1'),
    ("dz2 @ W2.T", "dz2 @ W2"),
    ("sigmoid(x) * (1 - sigmoid(x))", "sigmoid(x) * (1 + sigmoid(x))"),
])
def test_the_very_edit_is_undone(right, wrong):
    text = GRADIENT.replace(right, wrong)
    assert text != GRADIENT
    repair = gp.check(loss, function(text), **SHAPES, wrt=["W1", "b1", "W2", "b2"]).repair
    assert repair is not None
    assert repair.verified == "proved"
    lines = text.splitlines()
    assert repair.old.strip() == lines[repair.line - 1].strip()
    mended = GRADIENT.splitlines()[repair.line - 1].strip()
    assert repair.new.strip() == mended


def test_a_factor_is_spelled_in_the_users_own_names():
    def squares(X, w, y):
        return np.mean((X @ w - y) ** 2)

    text = """
def gradient(X, w, y):
    m = len(y)
    r = X @ w - y
    return {"w": X.T @ r}
"""
    result = gp.check(squares, function(text), X="m n", w="n", y="m", wrt=["w"])
    assert "multiply by 2/m" in result["w"].diagnosis
    assert "* 2 / m" in result.repair.new
    assert "a factor 2 / m is missing" in str(result)


def test_brackets_that_an_edit_makes_idle_go():
    def squares(X, w, b, y):
        return np.sum((X @ w + b - y) ** 2) / (2 * len(y))

    text = """
def gradient(X, w, b, y):
    m = len(y)
    d = (X @ w + b - y)
    return {"w": X.T @ d, "b": np.sum(d)}
"""
    repair = gp.check(squares, function(text), X="m n", w="n", b="", y="m", wrt=["w", "b"]).repair
    assert repair.new.strip() == "d = (X @ w + b - y) / m"


def test_a_missing_term_of_the_penalty_is_found_by_the_numbers_of_the_loss():
    def ridge(X, w, y):
        return np.sum((X @ w - y) ** 2) + 0.3 * np.sum(w ** 2)

    text = "def gradient(X, w, y):\n    return {'w': 2 * X.T @ (X @ w - y)}\n"
    repair = gp.check(ridge, function(text), X="m n", w="n", y="m", wrt=["w"]).repair
    assert repair.verified == "proved"
    assert "0.3 * w" in repair.new


def test_two_slips_are_not_called_one():
    text = GRADIENT.replace("dz2 @ W2.T * slope(z1)", "dz2 @ W2.T * a1 * 3").replace(
        "-(y - a2) * slope(z2)", "-(y * a2) * a2")
    result = gp.check(loss, function(text), **SHAPES, wrt=["W1", "b1", "W2", "b2"],
                      repair_seconds=0.3)
    assert result.repair is None
    assert "no single edit was found" in str(result)


def test_nothing_of_the_users_is_changed():
    made = function(GRADIENT.replace("slope(z1)", "slope(a1)"))
    before, names = made.__code__, dict(made.__globals__)
    assert gp.check(loss, made, **SHAPES).repair is not None
    assert made.__code__ is before
    assert made.__globals__ == names


def test_without_source_it_says_so_and_without_time_it_does_not_search():
    namespace = {"np": np}
    exec("def gradient(x):\n    return {'x': x}\n", namespace)
    result = gp.check(lambda x: np.sum(x**2), namespace["gradient"], x="n")
    assert result.verdict == "refuted"
    assert "no source text" in str(result)
    quick = gp.check(lambda x: np.sum(x**2), namespace["gradient"], x="n", repair_seconds=0)
    assert "repair" not in str(quick)


def test_a_right_gradient_has_no_repair():
    result = gp.check(loss, function(GRADIENT), **SHAPES)
    assert result.verdict == "proved"
    assert result.repair is None
    assert not result.unrepaired


def test_closures_run_with_an_edit_of_their_own():
    scale = 3

    def inner(x):
        return x * scale

    def outer(x):
        return inner(x) + 1

    program = Program.of(outer, lambda: outer(2))
    source = next(s for s in program.sources if s.function is inner)
    source.node.body[0].value.op = type(source_of(outer).node.body[0].value.op)()
    assert program.install(source, source.code())
    assert (program.entry(2), outer(2)) == (6, 7)
    program.restore(source)
    assert program.entry(2) == 7


def test_the_command_line_has_the_repair_in_its_json(tmp_path, capsys):
    file = tmp_path / "gradients.py"
    file.write_text('''
import numpy as np
import gradproof as gp

def loss(A, x):
    return np.sum((A @ x) ** 2)

@gp.gradient_of(loss, A="m n", x="n", wrt=["x"])
def gradient(A, x):
    return {"x": 3 * A.T @ (A @ x)}
''')
    assert main(["check", str(file), "--format", "json"]) == 1
    (row,) = json.loads(capsys.readouterr().out)
    assert row["repair"]["new"].strip() == 'return {"x": 2 * A.T @ (A @ x)}'
    assert row["repair"]["verified"] == "proved"


# --- mutation -----------------------------------------------------------------------------------


def mutation():
    """The benchmark's module."""
    file = Path(__file__).parents[2] / "benchmarks" / "mutation.py"
    spec = importlib.util.spec_from_file_location("mutation", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutation"] = module  # where its dataclasses, and processes, look for it
    spec.loader.exec_module(module)
    return module


def assert_all_killed(module, outcomes):
    left = module.survivors(outcomes)
    assert not left, [(o.name, o.mutant.was, o.mutant.now, o.verdict, o.reason) for o in left]


@pytest.mark.slow
def test_mutants_of_small_passes_are_killed():
    module = mutation()
    names = ["affine", "tanh", "softmax, cross-entropy", "relu"]
    outcomes = module.run(12, seed=3, only=names, repair_seconds=0)
    assert len(outcomes) == 12
    assert_all_killed(module, outcomes)


@pytest.mark.slow
def test_a_sample_of_all_mutants_is_killed_and_most_are_repaired():
    module = mutation()
    outcomes = module.run(15, seed=0)
    assert_all_killed(module, outcomes)
    wrong = [o for o in outcomes if o.verdict != "proved"]
    assert sum(bool(o.repair) for o in wrong) >= 0.8 * len(wrong)


REACHED = '''import numpy as np


class Slopes:
    @staticmethod
    def tanh(a):
        return 1 + a ** 2


class Net:
    def slope(self, a):
        return 1 + a ** 2

    def gradient(self, x, w):
        a = np.tanh(x @ w)
        return {"w": x.T @ (a * self.slope(a))}


def loss(x, w):
    return np.sum(np.tanh(x @ w) ** 2) / 2


def by_class(x, w):
    a = np.tanh(x @ w)
    return {"w": x.T @ (a * Slopes.tanh(a))}


first, second = (lambda a: a * 1.0), (lambda a: 1 + a ** 2)


def by_lambda(x, w):
    a = np.tanh(x @ w)
    return {"w": x.T @ (first(a) * second(a))}


by_self = Net().gradient
'''


@pytest.mark.parametrize("name", ["by_class", "by_lambda", "by_self", "by_module"])
def test_a_repair_reaches_what_is_called_by_a_class_a_module_self_or_a_lambda(
        name, tmp_path, monkeypatch):
    (tmp_path / "reached_slopes.py").write_text("def tanh(a):\n    return 1 + a ** 2\n")
    (tmp_path / "reached_net.py").write_text(
        REACHED + "\n\nimport reached_slopes\n\n\ndef by_module(x, w):\n    a = np.tanh(x @ w)\n"
        "    return {'w': x.T @ (a * reached_slopes.tanh(a))}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for known in ("reached_net", "reached_slopes"):
        monkeypatch.delitem(sys.modules, known, raising=False)
    net = importlib.import_module("reached_net")
    result = gp.check(net.loss, getattr(net, name), x="m n", w="n k", wrt=["w"])
    assert result.repair is not None, str(result)
    assert "1 - a ** 2" in result.repair.new
    assert net.Slopes.tanh(2.0) == 5.0  # nothing of the user's is changed


def test_an_edit_that_can_be_no_more_natural_is_not_run():
    def loss(A, x, b):
        return np.sum((A @ x - b) ** 2)

    def gradient(A, x, b):
        r = A @ x - b
        return {"x": -2 * A.T @ r}

    repair = gp.check(loss, gradient, wrt=["x"], A="m n", x="n", b="m").repair
    assert repair is not None
    assert repair.verified == "proved"
    assert repair.tried < 100


def test_a_mask_that_lets_everything_through_mends_nothing():
    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    def loss(x, w, y):
        p = sigmoid(x @ w)
        return -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p))

    def gradient(x, w, y):
        p = sigmoid(x @ w)
        d = (p - y) * p * (1 - p)
        return {"w": x.T @ d}

    repair = gp.check(loss, gradient, wrt=["w"], x="m n", w="n", y="m").repair
    assert repair is not None
    assert repair.new.strip() == "d = p - y"
