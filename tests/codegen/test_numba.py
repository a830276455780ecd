"""Loops for Numba: as printed they are Python, which computes what the equations say; compiled by
Numba, where it is installed, they take and give arrays like the other targets."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from gallery_cases import CASES
from gallery_columns import derived, values_for
from hypothesis import HealthCheck, given, settings
from networks import random_networks
from networks import values_for as values_of

import gradproof as gp
from gradproof.cli import main
from gradproof.codegen.loops.numba_library import NoNumbaError
from gradproof.derivations.derivation import Derivation
from gradproof.symbolic.equation import EquationError

NETWORK = gp.Network([2, 3, 1], activation="gelu", output="sigmoid")


@pytest.fixture(autouse=True, scope="module")
def _own_state(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


def interpreted(derivation: Derivation, values: dict[str, Any]) -> tuple[Any, ...]:
    """The printed text run by Python itself."""
    text = derivation.numba_source()
    assert '@njit(error_model="numpy")\ndef gradient(' in text
    space: dict[str, Any] = {}
    exec(text.replace("from numba import njit", "def njit(**options): return lambda f: f"), space)
    with np.errstate(all="ignore"):
        return space["gradient"](*(values[a.name] for a in derivation.system.inputs))


def agrees(derivation: Derivation, values: dict[str, Any], results: tuple[Any, ...]) -> None:
    loss, gradients = derivation.compile()(**values)
    names = list(dict.fromkeys(formula.array for formula in derivation.gradients.values()))
    found = dict(zip(names, results[1:], strict=True))
    np.testing.assert_allclose(results[0], loss, rtol=1e-12)
    for key, formula in derivation.gradients.items():
        due = gradients[key]
        assert found[formula.array].shape == due.shape
        np.testing.assert_allclose(found[formula.array], due, rtol=1e-12,
                                   atol=1e-12 * (1 + np.max(np.abs(due), initial=0)))


def of_gallery(name: str) -> tuple[Derivation, dict[str, Any]]:
    found = derived(name)
    return found.derivation, {key: np.asarray(one) for key, one in values_for(found).items()}


@pytest.mark.parametrize("name", [
    case.name if place % 30 == 0 else pytest.param(case.name, marks=pytest.mark.rows)
    for place, case in enumerate(CASES)])
def test_a_layer_of_the_gallery_in_python(name):
    derivation, values = of_gallery(name)
    agrees(derivation, values, interpreted(derivation, values))


@settings(max_examples=10, suppress_health_check=list(HealthCheck))
@given(random_networks())
def test_random_networks_in_python(network):
    derivation, values = gp.derive(network), values_of(network)
    agrees(derivation, values, interpreted(derivation, values))


@pytest.mark.parametrize("name", ["np", "math", "njit", "value", "sum", "next", "int", "places_"])
def test_an_array_may_have_any_name(name):
    derivation = gp.derive(gp.equations(f"L = sum(erf(A @ {name})**2)", A="m n", **{name: "n"}))
    values = {"A": np.ones((2, 3)), name: np.arange(3.0)}
    agrees(derivation, values, interpreted(derivation, values))


def test_it_is_printed_by_the_command(capsys):
    assert main(["codegen", "2-2-1", "--target", "numba"]) == 0
    assert capsys.readouterr().out == gp.derive(gp.load("2-2-1")).numba_source()


def test_what_has_no_loops_says_so():
    derivation = gp.derive(gp.equations("L = sum(inv(A))", A="n n"))
    with pytest.raises(EquationError, match="no Numba's Python for inv"):
        derivation.compile(target="numba")
    with pytest.raises(ValueError, match="Python name that the text does not use"):
        gp.derive(NETWORK).numba_source("njit")


def test_without_numba_the_message_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(NoNumbaError, match=r"pip install 'gradproof\[numba\]'.*'numpy' or 'c'"):
        gp.derive(NETWORK).compile(target="numba")


# --- by Numba -----------------------------------------------------------------------------------

by_numba = pytest.mark.peers
FEW = ("gelu", "max_pool1d, stride, padding", "embedding")


@by_numba
@pytest.mark.parametrize("name", [
    name if name in FEW else pytest.param(name, marks=pytest.mark.rows)
    for name in (case.name for case in CASES)])
def test_a_layer_of_the_gallery(name):
    pytest.importorskip("numba")
    derivation, values = of_gallery(name)
    run = derivation.compile(target="numba")
    for real, close in ((np.float64, 1e-12), (np.float32, 2e-3)):
        given_to = {key: one if one.dtype.kind in "iu" else one.astype(real)
                    for key, one in values.items()}
        loss, due = derivation.compile()(**given_to)
        for _ in range(2):
            value, found = run(**given_to)
            assert value.dtype == real
            np.testing.assert_allclose(value, loss, rtol=close)
            for key, one in due.items():
                assert found[key].dtype == real
                np.testing.assert_allclose(found[key], one, rtol=close,
                                           atol=close * (1 + np.max(np.abs(one), initial=0)))


@by_numba
def test_the_printed_text_is_one_that_numba_takes():
    pytest.importorskip("numba")
    derivation = gp.derive(NETWORK)
    values = values_of(NETWORK)
    space: dict[str, Any] = {}
    exec(derivation.numba_source(), space)
    for order in ("C", "F"):
        arrays = [np.asarray(values[a.name], order=order) for a in derivation.system.inputs]
        agrees(derivation, values, space["gradient"](*arrays))


@by_numba
def test_results_are_the_callers_own_and_arguments_are_converted_or_refused():
    pytest.importorskip("numba")
    derivation, values = gp.derive(NETWORK), values_of(NETWORK)
    run = derivation.compile(target="numba")
    first, again = run(**values)[1], run(**values)[1]
    assert not any(np.shares_memory(first[key], again[key]) for key in first)
    for other in ({key: one.tolist() for key, one in values.items()},
                  {key: np.asfortranarray(one) for key, one in values.items()}):
        np.testing.assert_array_equal(run(**other)[1]["W1"], first["W1"])
    with pytest.raises(ValueError, match="b2: expected shape"):
        run(**{**values, "b2": np.zeros(2)})
    with pytest.raises(ValueError, match="m = 0"):
        run(**{**values, "X": np.zeros((0, 2)), "Y": np.zeros((0, 1))})
    with pytest.raises(TypeError, match="target 'numba' computes with real numbers"):
        run(**{**values, "b2": np.zeros(1, complex)})
    broken = run(**{**values, "X": np.full_like(values["X"], np.nan)})
    assert np.isnan(broken[0])
    kept = derivation.compile(target="numba", workspace=True)
    assert all(kept(**values)[1][key] is kept(**values)[1][key] for key in first)


@by_numba
@pytest.mark.parametrize("columns", [
    1, 9, pytest.param(7, marks=pytest.mark.rows), pytest.param(130, marks=pytest.mark.rows)])
def test_sums_over_columns_and_rows(columns):
    """Whole, whatever their number, and in a better precision than single."""
    pytest.importorskip("numba")
    derivation = gp.derive(gp.equations(
        "L = sum(tanh(A*b + c)**2) + sum(log(sum(exp(A), axis=2)))",
        A="k m n", b="n", c="m n") if columns > 100 else gp.equations(
        "L = sum(tanh(A*b + c)**2)", A=f"k m {columns}", b=f"{columns}", c=f"m {columns}"))
    rng = np.random.default_rng(columns)
    for m in (1, 2, 1000):
        values = {"A": rng.normal(size=(3, m, columns)), "b": rng.normal(size=columns),
                  "c": rng.normal(size=(m, columns))}
        loss, due = derivation.compile()(**values)
        for real, close in ((np.float64, 1e-12), (np.float32, 1e-6)):
            value, found = derivation.compile(target="numba")(
                **{key: one.astype(real) for key, one in values.items()})
            np.testing.assert_allclose(value, loss, rtol=close)
            for key, one in due.items():
                assert found[key].dtype == real
                np.testing.assert_allclose(found[key], one, atol=close * np.abs(one).max())


@by_numba
def test_what_numba_compiled_is_kept_by_its_content(monkeypatch, tmp_path):
    """A second process takes it from there; what is not whole there is compiled anew."""
    ccallback = pytest.importorskip("numba.core.ccallback")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    derivation = gp.derive(gp.equations("L = sum(tanh(A @ x)**4)*1.75", A="m n", x="n"))
    values = {"A": np.eye(3), "x": np.arange(3.0)}
    loss, due = derivation.compile(target="numba")(**values)
    with monkeypatch.context() as patch:
        patch.setattr(ccallback.CFunc, "_compile_uncached", None)
        again, same = derivation.compile(target="numba")(**values)
        with pytest.raises(TypeError):  # of another precision
            derivation.compile(target="numba")(
                **{key: one.astype(np.float32) for key, one in values.items()})
    assert again == loss
    assert all(np.array_equal(same[key], due[key]) for key in due)
    for file in tmp_path.rglob("*.nb[ci]"):
        file.write_bytes(file.read_bytes()[:20])
    again, _ = derivation.compile(target="numba")(**values)
    assert again == loss


@by_numba
def test_two_gradients_that_were_kept_are_told_apart(tmp_path):
    """In one process, and what each of them calls."""
    pytest.importorskip("numba")
    code = ("import gradproof as gp, numpy as np\n"
            "for power in (2, 3):\n"
            "    d = gp.derive(gp.equations(f'L = sum(x**{power})', x='n'))\n"
            "    print(*d.compile(target='numba')(x=np.full(2, 2.0))[1]['x'])\n")
    for _ in range(2):
        said = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={**os.environ, "XDG_STATE_HOME": str(tmp_path)}).stdout
        assert said == "4.0 4.0\n12.0 12.0\n"
