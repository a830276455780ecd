"""The elementary functions that texts for Numba bring along, against mpmath's: within some units in
the last place over the whole range, and as those of NumPy and the C library where there are none.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
import pytest

from gradproof.codegen.loops.numba_functions import FUNCTIONS, brought

EXACT: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any], float]] = {
    "exp": (mp.exp, np.exp, 1.1),
    "expm1": (mp.expm1, np.expm1, 2),
    "log": (mp.log, np.log, 1),
    "log1p": (mp.log1p, np.log1p, 1.6),
    "tanh": (mp.tanh, np.tanh, 2.6),
    "erf": (mp.erf, np.vectorize(math.erf), 2),
    "erfc": (mp.erfc, np.vectorize(math.erfc), 6),
    "sigmoid": (lambda z: 1 / (1 + mp.exp(-z)),
                lambda z: np.exp(np.minimum(z, 0)) / (1 + np.exp(-np.abs(z))), 2.1),
    "softplus": (lambda z: mp.log1p(mp.exp(z)), lambda z: np.logaddexp(0, z), 2),
}
"""In many digits, for special values, and the largest error in units in the last place."""

SPECIAL = np.array([
    0, np.inf, np.nan, 5e-324, 1e-310, 2.2250738585072014e-308, 1e-17, 1, 36.7, 708.5,
    709.782712893384, 709.7827128933841, 745.1332191019411, 745.14, 1e4, 1e300, 1.7e308])


def space_of(jit: Any, single: bool = False) -> dict[str, Any]:
    space: dict[str, Any] = {"np": np, "njit": jit}
    exec("\n\n".join(brought(FUNCTIONS, single)), space)
    return space


def in_python(single: bool = False) -> dict[str, Callable[[Any], Any]]:
    space = space_of(lambda **_: lambda f: f, single)

    def on_each(name: str) -> Callable[[Any], Any]:
        return lambda x: np.array([space[name](one) for one in x])

    return {name: on_each(name) for name in EXACT}


def in_numba() -> dict[str, Callable[[Any], Any]]:
    njit = pytest.importorskip("numba").njit
    space = space_of(njit)
    for name in EXACT:
        exec(f"@njit\ndef every_{name}(x):\n    y = np.empty(x.shape)\n"
             f"    for i in range(x.size):\n        y[i] = {name}(x[i])\n    return y\n", space)
    return {name: space[f"every_{name}"] for name in EXACT}


def points(name: str, count: int) -> Any:
    """Numbers of every size, and more of them where the function changes its form."""
    rng = np.random.default_rng(sum(map(ord, name)))
    wide = np.exp(rng.uniform(-60, np.log(745), count))
    near = rng.uniform(0, 3, count)
    if name == "log":
        return np.concatenate([np.exp(rng.uniform(-744, 709, count)), near, 1 + 1e-3 * near, wide])
    if name == "log1p":
        return np.concatenate([-near / 3, wide, -1 + np.exp(rng.uniform(-36, 0, count)),
                               np.exp(rng.uniform(0, 709, count))])
    ends = rng.uniform(20, 27.2, count) if name == "erfc" else rng.uniform(0.2, 0.6, count)
    every = np.concatenate([wide, near, ends])
    return np.concatenate([every, -every])


def held(found: dict[str, Callable[[Any], Any]], name: str, count: int) -> None:
    exact, library, most = EXACT[name]
    x = points(name, count)
    with mp.workdps(40), np.errstate(all="ignore"):
        computed = found[name](x)
        for one, value in zip(x, computed, strict=True):
            due = exact(mp.mpf(float(one)))
            size = np.spacing(abs(float(due)))
            assert abs(due) > mp.mpf("1.7976931348623158e308") if np.isinf(value) else (
                abs(mp.mpf(float(value)) - due) <= most * mp.mpf(float(size))), (name, one)
        ends = np.concatenate([SPECIAL, -SPECIAL])
        values, given = found[name](ends), library(ends)
    np.testing.assert_allclose(values, given, rtol=2e-15, atol=5e-324)
    assert (np.signbit(values) == np.signbit(given))[~np.isnan(given)].all()


@pytest.mark.parametrize("name", EXACT)
def test_errors_are_some_roundings(name):
    held(in_python(), name, 60)


@pytest.mark.peers
def test_errors_are_some_roundings_where_numba_compiles_them():
    found = in_numba()
    for name in EXACT:
        held(found, name, 1000)


@pytest.mark.peers
@pytest.mark.parametrize("name", EXACT)
def test_several_numbers_are_computed_at_once(name):
    """A loop has no call, and arithmetic of packed doubles."""
    every = in_numba()[name]
    every(np.ones(3))
    (text,) = every.inspect_llvm().values()
    assert " x double>" in text


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("name", EXACT)
def test_single_precision_is_as_good_as_it_can_be(name, single):
    """By polynomials of either length; what they give is of double precision."""
    x = points(name, 40)
    x = x[np.abs(x) < 1e38].astype(np.float32)
    with mp.workdps(30), np.errstate(all="ignore"):
        due = np.array([float(EXACT[name][0](mp.mpf(float(one)))) for one in x])
        found = in_python(single)[name](x)
        ends = np.concatenate([SPECIAL, -SPECIAL]).astype(np.float32)
        values, given = in_python(single)[name](ends), EXACT[name][1](ends.astype(float))
    np.testing.assert_allclose(found, due, rtol=4e-9 if single else 2e-15, atol=1e-300)
    np.testing.assert_allclose(values, given, rtol=4e-9 if single else 2e-15, atol=1e-300)


def test_what_is_not_called_is_not_brought():
    assert [text.split("def ")[1].split("(")[0] for text in brought({"tanh"})] == [
        "two_to", "expm1", "tanh"]
    assert brought(set()) == []


def test_a_relu_has_no_part_of_what_is_below_it():
    z = np.array([-np.inf, -1.0, -0.0, 0.0, 2.0, np.inf, np.nan])
    relu = space_of(lambda **_: lambda f: f)["relu"]
    np.testing.assert_array_equal([relu(one) for one in z], [0, 0, 0, 0, 2, np.inf, np.nan])
