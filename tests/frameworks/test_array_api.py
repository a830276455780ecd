"""One text over the array API standard: the same numbers, types and shapes as NumPy's own text, on
arrays of each library that is there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from gallery_cases import CASES
from gallery_columns import derived, values_for
from hypothesis import HealthCheck, given, settings
from networks import random_networks
from networks import values_for as values_of
from problems import PROBLEMS

import gradproof as gp
from gradproof.cli import main
from gradproof.symbolic.equation import EquationError

pytest.importorskip("array_api_compat")
pytest.importorskip("array_api_extra")

LIBRARIES = ["numpy", *(pytest.param(name, marks=pytest.mark.peers) for name in (
    "torch", "jax", "array_api_strict", "dask"))]


def maker(library: str) -> Any:
    """A function that makes arrays of a library."""
    if library == "numpy":
        return np.asarray
    found = pytest.importorskip(library)
    if library == "torch":
        return lambda array: found.from_numpy(np.array(array))
    if library == "jax":
        return found.numpy.asarray
    if library == "dask":
        return pytest.importorskip("dask.array").from_array
    return found.asarray


def run(text: str, derivation: Any, values: dict[str, Any], make: Any = np.asarray) -> Any:
    space: dict[str, Any] = {}
    exec(text, space)
    arrays = [make(values[array.name]) for array in derivation.system.inputs]
    with np.errstate(all="ignore"):
        return space["gradient"](*arrays), arrays


def agrees(derivation: Any, values: dict[str, Any], library: str, close: float = 1e-12) -> None:
    """Values, shapes, types and library of the results."""
    (loss, due), _ = run(derivation.numpy_source(), derivation, values)
    text = derivation.array_api_source()
    make = maker(library)
    if library == "jax":
        import jax

        with jax.enable_x64(True):
            (value, found), given_to = run(text, derivation, values, make)
    else:
        (value, found), given_to = run(text, derivation, values, make)
    assert found.keys() == due.keys()
    for one, expected in [(value, loss), *((found[key], due[key]) for key in due)]:
        if library != "numpy":
            assert type(one) is type(given_to[0])
        array = np.asarray(one)
        assert array.dtype == np.asarray(expected).dtype
        assert array.shape == np.shape(expected)
        scale = 1 + np.max(np.abs(expected), initial=0)
        np.testing.assert_allclose(array, expected, rtol=close, atol=close * scale)


def of_gallery(name: str) -> tuple[Any, dict[str, Any]]:
    found = derived(name)
    return found.derivation, {key: np.asarray(one) for key, one in values_for(found).items()}


FEW = ("gelu", "embedding", "conv1d, stride, padding, dilation", "attention", "lstm",
       "max_pool1d, stride, padding", "last", "hinge")
BEYOND = "out-of-bounds|Integer index arrays"
"""What array-api-strict does not do, since the standard leaves it open."""


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", FEW)
def test_a_layer_of_the_gallery(name, library):
    if name == "embedding" and library == "dask":
        pytest.skip("Dask takes no arrays of several axes as places")
    derivation, values = of_gallery(name)
    try:
        agrees(derivation, values, library)
    except IndexError as error:
        assert library == "array_api_strict"
        pytest.skip(f"the standard does not say what such an index is: {error}")


@pytest.mark.peers
@pytest.mark.rows
@pytest.mark.parametrize("library", ["numpy", "torch", "jax"])
@pytest.mark.parametrize("name", [case.name for case in CASES])
def test_layers_of_the_gallery(name, library):
    agrees(*of_gallery(name), library)


@pytest.mark.peers
@pytest.mark.rows
@pytest.mark.parametrize("name", PROBLEMS)
def test_problems(name):
    try:
        PROBLEMS[name].derivation.array_api_source()
    except EquationError as error:
        if "scipy.special" in str(error) or "no source text" in str(error):
            pytest.skip(str(error))
        raise
    for library in ("numpy", "torch", "jax"):
        agrees(PROBLEMS[name].derivation, PROBLEMS[name].values(), library)


def test_single_precision_stays():
    derivation, values = of_gallery("gelu")
    single = {key: one.astype(np.float32) for key, one in values.items()}
    (loss, found), _ = run(derivation.array_api_source(), derivation, single)
    if np.lib.NumpyVersion(np.__version__) >= "2.0.0":  # before, a number times 0.5 is of two
        assert loss.dtype == np.float32
    assert all(one.dtype == np.float32 for one in found.values())


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(random_networks())
def test_random_networks(network):
    agrees(gp.derive(network), values_of(network), "numpy")


@pytest.mark.peers
@pytest.mark.rows
@pytest.mark.parametrize("library", ["torch", "jax"])
def test_random_networks_elsewhere(library):
    @settings(max_examples=10, suppress_health_check=list(HealthCheck))
    @given(random_networks())
    def holds(network):
        agrees(gp.derive(network), values_of(network), library)

    holds()


@pytest.mark.peers
def test_it_runs_under_jit():
    jax = pytest.importorskip("jax")
    for name in ("conv1d, stride, padding, dilation", "embedding", "lstm"):
        derivation, values = of_gallery(name)
        space: dict[str, Any] = {}
        exec(derivation.array_api_source(), space)
        (_, due), _ = run(derivation.numpy_source(), derivation, values)
        with jax.enable_x64(True):
            _, found = jax.jit(space["gradient"])(*(
                jax.numpy.asarray(values[a.name]) for a in derivation.system.inputs))
        for key, one in due.items():
            np.testing.assert_allclose(found[key], one, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", ["xp", "xpx", "dtype", "device", "einsum", "array_namespace"])
def test_an_array_may_have_any_name(name):
    derivation = gp.derive(gp.equations(f"L = sum(tanh(A @ {name})**2)", A="m n", **{name: "n"}))
    values = {"A": np.ones((2, 3)), name: np.arange(3.0)}
    agrees(derivation, values, "numpy")


def test_it_is_printed_by_the_command(capsys):
    assert main(["codegen", "2-2-1", "--target", "xp"]) == 0
    assert capsys.readouterr().out == gp.derive(gp.load("2-2-1")).array_api_source()


def test_what_the_standard_lacks_is_named():
    derivation = gp.derive(gp.equations("L = sum(gammaln(x))", x="n"))
    with pytest.raises(EquationError, match=r"scipy.special's .*no translation for the array API"):
        derivation.array_api_source()
    with pytest.raises(ValueError, match="xp is what the text calls something else"):
        derivation.array_api_source(name="xp")
