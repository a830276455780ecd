"""C for several numbers at once: the values are those of one at a time, to the last numbers that a
type has, and sums over columns are whole whatever their number."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest

import gradproof as gp
from gradproof.codegen.loops import c_library

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
FUNCTIONS = ["exp(x)", "tanh(x)", "erf(x)", "sigmoid(x)", "softplus(x)", "gelu(x)", "log(x)",
             "sin(x)", "relu(x)", "sqrt(x)"]
NUMBERS = np.array([0.0, -0.0, 5e-324, 1e-300, 1e-17, 1e-8, 0.3, 1.0, 2.7, 5.9, 19.1, 36.7, 37.1,
                    709.7, 710.0, 745.2, 1e4, 1e300, np.inf, np.nan])


@pytest.fixture(autouse=True)
def _own_state(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.fixture
def plainly(monkeypatch):
    """C without vectors."""
    def made(derivation, **values):
        with monkeypatch.context() as patch:
            patch.setattr(c_library, "VECTORS", ())
            return derivation.compile(target="c")(**values)
    return made


@pytest.mark.parametrize("text", [" + ".join(f"sum(v*{name})" for name in FUNCTIONS[:7]),
                                  *(pytest.param(f"sum(v*{name})", marks=pytest.mark.rows)
                                    for name in FUNCTIONS)])
def test_functions_of_any_number(text, plainly):
    derivation = gp.derive(gp.equations(f"L = {text}", x="n", v="n"))
    x = np.concatenate([NUMBERS, -NUMBERS, np.linspace(-9, 9, 97)])
    for real, close in ((np.float64, 1e-14), (np.float32, 1e-6)):
        with np.errstate(over="ignore"):
            values = {"x": x.astype(real), "v": np.ones(len(x), real)}
        found = derivation.compile(target="c")(**values)[1]
        due = plainly(derivation, **values)[1]
        for key, one in due.items():
            assert found[key].dtype == real
            np.testing.assert_allclose(found[key], one, rtol=close, atol=0)


@pytest.mark.parametrize("columns", [1, 63, 64, 65, 130])
def test_sums_over_columns(columns):
    derivation = gp.derive(gp.equations("L = sum(tanh(A*b + c)**2)", A="k m n", b="n", c="m n"))
    rng = np.random.default_rng(columns)
    values = {"A": rng.normal(size=(3, 2, columns)), "b": rng.normal(size=columns),
              "c": rng.normal(size=(2, columns))}
    loss, due = derivation.compile()(**values)
    value, found = derivation.compile(target="c")(**values)
    np.testing.assert_allclose(value, loss, rtol=1e-13)
    for key, one in due.items():
        np.testing.assert_allclose(found[key], one, atol=1e-12 * np.abs(one).max())


def test_without_functions_of_several_numbers_there_are_those_of_one(monkeypatch):
    monkeypatch.setattr(c_library, "VECTORS", ("-no-such-option",))
    derivation = gp.derive(gp.equations("L = sum(exp(x))", x="n"))
    assert derivation.compile(target="c")(x=np.zeros(70))[0] == 70


def test_a_library_of_another_processor_is_not_read(monkeypatch):
    derivation = gp.derive(gp.equations("L = sum(exp(x)*2.25)", x="n"))
    derivation.compile(target="c")(x=np.zeros(3))
    monkeypatch.setattr(c_library, "machine", lambda: "another one")
    monkeypatch.setattr(subprocess, "run", None)
    with pytest.raises(TypeError):  # compiled anew
        derivation.compile(target="c")(x=np.zeros(3))


def test_what_is_exported_asks_for_no_compiler_of_its_own():
    text = gp.derive(gp.equations("L = sum(tanh(A @ x))", A="m n", x="n")).c_source().text
    assert not any(word in text for word in ("pragma", "__attribute__", "VECTORS"))
