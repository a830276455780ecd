"""Programs that hand derivatives to SciPy's solvers are checked as they stand."""

import json

import pytest

from gradproof.cli import main

STAND_IN = '''
def minimize(fun, x0, args=(), method=None, jac=None, hess=None, hessp=None):
    value = fun(x0, *args) if jac is not True else fun(x0, *args)[0]
    return inner(fun, x0)
def inner(fun, x0): return x0
def least_squares(fun, x0, jac="2-point", args=(), kwargs=None): return x0
def curve_fit(f, xdata, ydata, p0=None, jac=None): raise RuntimeError("no convergence")
def fsolve(func, x0, args=(), fprime=None, col_deriv=0): return x0
def newton(func, x0, fprime=None, args=(), fprime2=None): return x0
'''
"""SciPy's signatures: it is what is seen of a call, whatever the solver does then."""

START = '''
import numpy as np
from scipy.optimize import curve_fit, fsolve, least_squares, minimize, newton
X, y = np.arange(12.0).reshape(4, 3) / 7, np.array([0.0, 1, 1, 0])

def nll(w, X, y):
    z = X @ w
    return np.sum(np.log1p(np.exp(z)) - y * z)

def grad(w, X, y):
    return X.T @ (1 / (1 + np.exp(-X @ w)) - y)

def decay(t, a, b):
    return a * np.exp(-b * t)

def by_parameters(t, a, b):
    e = np.exp(-b * t)
    return np.column_stack([e, -a * t * e])
'''

PROGRAMS = [  # what a program goes on with, and the verdicts that are due
    ("minimize(nll, np.zeros(3), args=(X, y), jac=grad)", {"grad": "proved"}),
    ("minimize(nll, [0.1, 0.2, 0.3], (X, y), jac=lambda v, A, b: -grad(v, A, b))",
     {"grad": "refuted"}),
    ("minimize(lambda w: (nll(w, X, y), grad(w, X, y)), np.ones(3), jac=True)",
     {"grad": "proved"}),
    ("minimize(nll, np.ones(3), (X, y), jac=grad, hess=lambda w, X, y: X.T @ X / 4)",
     {"grad": "proved", "hess": "refuted"}),
    ("minimize(lambda x: np.sum(x**4), np.ones(3), jac=lambda x: 4 * x**3,"
     " hessp=lambda x, p: 12 * x**2 * p)", {"grad": "proved", "hessp": "proved"}),
    ("least_squares(lambda p, t: decay(t, *p) - 1, [1.0, 2.0], args=(y,),"
     " jac=lambda p, t: by_parameters(t, *p))", {"jac": "proved"}),
    ("least_squares(lambda p, t: decay(t, *p) - 1, [1.0, 2.0], kwargs={'t': y},"
     " jac=lambda p, t: by_parameters(t, *p).T)", {"jac": "refuted"}),
    ("curve_fit(decay, y, y, p0=[1, 2], jac=by_parameters)", {"jac": "proved"}),
    ("fsolve(lambda x: [x[0] * x[1], x[0] ** 2], [1.0, 2], col_deriv=True,"
     " fprime=lambda x: [[x[1], 2 * x[0]], [x[0], 0.0]])", {"jac": "proved"}),
    ("newton(lambda x: x**3 - 2, 1.0, fprime=lambda x: 3 * x**2, fprime2=lambda x: 3 * x)",
     {"grad": "proved", "hess": "refuted"}),
]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "scipy").mkdir()
    (tmp_path / "scipy" / "__init__.py").write_text("")
    (tmp_path / "scipy" / "optimize.py").write_text(STAND_IN)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("place", range(len(PROGRAMS)))
def test_what_is_handed_to_a_solver_is_checked(place, folder, capsys):
    text, due = PROGRAMS[place]
    file = folder / "fit.py"
    file.write_text(START + text + "\n")
    code = main(["check", str(file), "--format", "json"])
    (found,) = json.loads(capsys.readouterr().out)
    assert {one["name"]: one["verdict"] for one in found["checks"]} == due
    assert code == ("refuted" in due.values())


def test_each_call_is_one_finding_with_its_line(folder, capsys):
    file = folder / "fit.py"
    calls = ["for start in (np.zeros(3), np.ones(3)):",
             "    minimize(nll, start, (X, y), jac=grad)",
             "minimize(nll, np.ones(3), (X, y))",  # no derivative: nothing to check
             "fsolve(lambda x: x**2, np.ones(2), fprime=lambda x: np.diag(2 * x))",
             "raise SystemExit(3)"]
    file.write_text(START + "\n".join(calls) + "\n")
    assert main(["check", str(file)]) == 0
    shown = capsys.readouterr().out
    line = START.count("\n") + 2
    assert f"minimize: {file}:{line}" in shown
    assert f"fsolve: {file}:{line + 2}" in shown
    assert shown.count("proved, for") == 2


def test_without_a_derivative_the_file_is_a_program_like_any_other(folder, capsys):
    file = folder / "fit.py"
    file.write_text(START + "minimize(nll, np.ones(3), (X, y))\n")
    assert main(["check", str(file)]) == 2
    assert "nothing to check" in capsys.readouterr().err
