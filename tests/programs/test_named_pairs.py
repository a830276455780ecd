"""Functions that are named as derivatives of one another are checked at their file's arrays."""

import ast
import json

import pytest

from gradproof.cli import main
from gradproof.programs.untrained.named_pairs import named_pairs

NAMES = [  # the functions of a file, and which are found to belong together
    ("rosen rosen_der rosen_hess rosen_hess_prod",
     [("rosen", {"grad": "rosen_der", "hess": "rosen_hess", "hessp": "rosen_hess_prod"})]),
    ("f df", [("f", {"grad": "df"})]),
    ("fun jac hess hessp", [("fun", {"jac": "jac", "hess": "hess", "hessp": "hessp"})]),
    ("nll grad_nll other", [("nll", {"grad": "grad_nll"})]),
    ("residuals jac", [("residuals", {"jac": "jac"})]),
    ("nll nll_grad residuals jac", [("nll", {"grad": "nll_grad"}), ("residuals", {"jac": "jac"})]),
    ("grad loss hess f", [("loss", {"grad": "grad", "hess": "hess"})]),
    ("energy gradient_energy d_energy", [("energy", {"grad": "gradient_energy"})]),
    ("a b c", []),
    ("plot jac", []),
    ("defer f", []),
]


@pytest.mark.parametrize(("functions", "due"), NAMES)
def test_what_belongs_together_by_its_name(functions, due):
    text = "\n".join(f"def {name}(x): return x" for name in functions.split())
    found = named_pairs(ast.parse(text))
    assert [(pair.function, dict(pair.hands)) for pair in found] == due


def answers(text, tmp_path, capsys, code=0):
    """What `gradproof check` finds of a file, with the verdicts of each finding."""
    file = tmp_path / "model.py"
    file.write_text(text)
    assert main(["check", str(file), "--format", "json"]) == code
    return [{**one, "verdicts": [check["verdict"] for check in one["checks"]]}
            for one in json.loads(capsys.readouterr().out)]


FILE = """
import numpy as np
X, y, w0 = np.arange(12.0).reshape(4, 3) / 7, np.array([0.0, 1, 1, 0]), np.zeros(3)

def nll(w, X, y):
    z = X @ w
    return np.sum(np.log1p(np.exp(z)) - y * z)

def nll_grad(w, X, y):
    return X.T @ (1 / (1 + np.exp(-X @ w)) - y)

def decay(p, t):
    return p[0] * np.exp(-p[1] * t)

def decay_jac(p, t):
    e = np.exp(-p[1] * t)
    return np.stack([e, p[0] * t * e], axis=1)

t, p0 = np.linspace(0, 1, 5), [1.0, 2.0]
"""


@pytest.mark.slow
def test_they_are_checked_at_arrays_of_the_file(tmp_path, capsys):
    found = answers(FILE, tmp_path, capsys, 1)
    assert [(one["function"], [c["name"] for c in one["checks"]], one["verdicts"])
            for one in found] == [("nll", ["grad"], ["proved"]), ("decay", ["jac"], ["refuted"])]


TRAINS = """
import numpy as np

def sigmoid(x): return 1 / (1 + np.exp(-x))
def sigmoid_derivative(x): return sigmoid(x) * (1 - sigmoid(x))

x, y, W = np.arange(8.0).reshape(4, 2) / 9, np.array([[0.0], [1], [1], [0]]), np.ones((2, 1))
"""
LOOP = """
for step in range(3):
    a = sigmoid(x @ W)
    loss = np.sum((a - y) ** 2) / 2
    dW = x.T @ ((a - y) * sigmoid_derivative(x @ W))
    W -= 0.1 * dW
"""


def test_a_program_that_trains_is_checked_as_one(tmp_path, capsys):
    file = tmp_path / "train.py"
    file.write_text(TRAINS + LOOP)
    assert main(["check", str(file)]) == 0
    assert "W: proved" in capsys.readouterr().out


def test_a_slope_entry_by_entry_is_no_wrong_jacobian(tmp_path, capsys):
    found = answers(TRAINS, tmp_path, capsys)
    assert [(one["taken"][0].partition(",")[0], one["verdicts"]) for one in found] == [
        ("taken: sigmoid and its derivative sigmoid_derivative", ["proved"])]


BY = """
import numpy as np
X, w, y = np.arange(12.0).reshape(4, 3) / 7, np.ones(3), np.array([0.0, 1, 1, 0])
p = X @ w

def loss(X, w, y): return np.sum((X @ w - y)**2) / 2
def loss_grad(X, w, y): return X.T @ (X @ w - y)

def mse(y, p): return np.mean((y - p)**2)
def mse_prime(y, p): return 2 * (p - y) / y.size

def cost(p, y): return np.sum(np.exp(p) * y)
def cost_gradient(p, y): return np.exp(p)
"""


def test_by_what_a_derivative_is_follows_from_its_shape_and_from_what_fits(tmp_path, capsys):
    found = answers(BY, tmp_path, capsys)
    assert [(one["function"], one["verdicts"]) for one in found] == [
        ("loss", ["proved"]), ("mse", ["proved"]), ("cost", ["proved"])]


def test_without_arrays_for_both_it_is_checked_as_layers_are(tmp_path, capsys):
    found = answers("def f(x): return x**2\ndef f_grad(x): return 3 * x\n", tmp_path, capsys, 1)
    assert [one["verdicts"] for one in found] == [["refuted"]]
    assert "f and its derivative f_grad" in found[0]["taken"][0]


def test_what_its_arrays_do_not_fit_is_no_wrong_derivative(tmp_path, capsys):
    text = BY[:BY.index("def loss")] + (
        "def loss(X, w, y): return np.sum((X @ w - y)**2) / 2\n"
        "def loss_grad(X, w, y): return X @ w - y, w\n")
    file = tmp_path / "model.py"
    file.write_text(text)
    assert main(["check", str(file)]) == 2
    assert "named" not in capsys.readouterr().out
