"""What holds of a compiled function whatever its target: threads, copies, pickles, odd arrays."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from networks import values_for

import gradproof as gp
from gradproof.codegen.loops import c_library

TARGETS = ["numpy", pytest.param("c", marks=pytest.mark.skipif(
    shutil.which("cc") is None, reason="no C compiler")),
    pytest.param("numba", marks=[pytest.mark.peers, pytest.mark.rows])]
NETWORK = gp.Network([3, 4, 2], activation="gelu", output="softmax", loss="cross_entropy")


@pytest.fixture(autouse=True)
def _own_state(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def compiled(target: str, derivation: Any = None, **options: Any) -> Any:
    if target == "numba":
        pytest.importorskip("numba")
    return (derivation or gp.derive(NETWORK)).compile(target=target, **options)


def same(one: Any, other: Any, close: float = 1e-12) -> None:
    np.testing.assert_allclose(one[0], other[0], rtol=close)
    for key, due in other[1].items():
        np.testing.assert_allclose(one[1][key], due, rtol=close, atol=close)


@pytest.mark.parametrize("target", TARGETS)
def test_threads_with_arrays_of_several_shapes(target):
    run = compiled(target)
    given = [values_for(NETWORK, seed) for seed in range(4)]
    for number, values in enumerate(given):
        for name in "XY":
            values[name] = values[name][:number + 2]
    due = [gp.derive(NETWORK).compile()(**values) for values in given]

    def holds(number: int) -> None:
        same(run(**given[number % 4]), due[number % 4])

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(holds, range(400))) == [None] * 400


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f))])
def test_a_copy_computes_the_same_in_memory_of_its_own(target, how):
    run, values = compiled(target, workspace=True), values_for(NETWORK)
    other = how(run)
    first, found = run(**values), other(**values)
    same(found, first)
    assert not any(np.shares_memory(found[1][key], first[1][key]) for key in found[1])


def _called(job: tuple[Any, dict[str, Any]]) -> Any:
    return job[0](**job[1])


@pytest.mark.parametrize("target", ["numpy", "c"])
def test_it_may_go_to_other_processes(target):
    run, values = compiled(target), values_for(NETWORK)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        same(pool.map(_called, [(run, values)])[0], run(**values))


@pytest.mark.parametrize("function", ["gammaln(x)", "ndtri(sigmoid(x))", "softplus(x)", "gelu(x)"])
def test_functions_by_name_are_the_same_ones_after_a_pickle(function):
    derivation = gp.derive(gp.equations(f"L = sum({function}**2)", x="n"))
    assert pickle.loads(pickle.dumps(derivation.system)) == derivation.system


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_not_finite_stays_where_it_is(target):
    run, values = compiled(target), values_for(NETWORK)
    plain = gp.derive(NETWORK).compile()
    for number in (np.nan, np.inf, 1e300):
        for name in ("X", "W1"):
            changed = {**values, name: values[name].copy()}
            changed[name][0, 0] = number
            for _ in range(2):
                loss, found = run(**changed)
                due_loss, due = plain(**changed)
                assert np.isfinite(loss) == np.isfinite(due_loss)
                for key, one in due.items():
                    np.testing.assert_array_equal(np.isfinite(found[key]), np.isfinite(one))


@pytest.mark.parametrize("target", TARGETS)
def test_any_layout_is_taken(target):
    run, values = compiled(target), values_for(NETWORK)
    due = run(**values)
    for other in (lambda one: np.stack([one, one], -1)[..., 0], np.asfortranarray,
                  lambda one: one[::-1].copy()[::-1], lambda one: one.astype(">f8"),
                  lambda one: np.frombuffer(one.tobytes()).reshape(one.shape)):
        same(run(**{key: other(one) for key, one in values.items()}), due)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_processes_that_compile_at_once_make_one_library(tmp_path):
    code = ("import gradproof as gp, numpy as np\n"
            "d = gp.derive(gp.equations('L = sum(x**4)*1.75', x='n'))\n"
            "print(d.compile(target='c')(x=np.ones(4))[0])\n")
    running = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True,
                                env={**os.environ, "XDG_STATE_HOME": str(tmp_path)})
               for _ in range(3)]
    assert [one.communicate(timeout=60)[0] for one in running] == ["7.0\n"] * 3
    assert [file.suffix for file in c_library.folder().iterdir()] == [".so"]


@pytest.mark.skipif(shutil.which("cc") is None or not hasattr(os, "getuid"), reason="no C compiler")
def test_no_library_is_read_that_others_may_have_written(tmp_path):
    derivation = gp.derive(gp.equations("L = sum(x**4)*2.75", x="n"))
    own = tmp_path / "gradproof" / "c"
    assert c_library.folder() == own
    derivation.compile(target="c")(x=np.ones(2))
    (library,) = own.iterdir()
    own.chmod(0o777)
    assert c_library.folder() != own
    own.chmod(0o700)
    elsewhere = tmp_path / "elsewhere"
    own.rename(elsewhere)
    own.symlink_to(elsewhere)
    assert c_library.folder() != own
    assert library.name.endswith(".so")
