"""All targets give the same numbers: to 1e-12 of the largest entry in double precision, and single
precision stays.

Compiled NumPy (with a workspace, too), printed source, C, Numba, and the text over the array API on
NumPy, PyTorch and JAX.
"""

from __future__ import annotations

import random
import shutil
from typing import Any

import models
import numpy as np
import pytest
from every_target import apart
from gallery_cases import CASES as GALLERY
from gallery_columns import derived
from gallery_columns import values_for as gallery_values
from hypothesis import given, settings
from networks import random_networks, values_for
from problems import PROBLEMS
from random_models import drawn_model

import gradproof as gp
from gradproof.codegen.arguments import SCALARS_WIDEN

HERE = ("numpy", "workspace", "source", "xp", *(["c"] if shutil.which("cc") else []))
pytest.importorskip("array_api_compat")
pytest.importorskip("array_api_extra")


@pytest.fixture(autouse=True, scope="module")
def _own_state(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


def agree(derivation: Any, values: dict[str, Any], targets: tuple[str, ...] = HERE) -> None:
    # with NumPy 1, whose numbers are of double precision, a text's loss is of that, too
    for dtype in (np.float64,) if SCALARS_WIDEN else (np.float64, np.float32):
        assert not apart(derivation, values, targets, dtype)


@settings(max_examples=2)
@given(random_networks())
def test_of_random_networks(network):
    agree(gp.derive(network), values_for(network))


@pytest.mark.slow
@settings(max_examples=40)
@given(random_networks())
def test_of_many_random_networks(network):
    agree(gp.derive(network), values_for(network, seed=2))


def random_model(at: int) -> Any:
    """A model of any kinds of layers: the first that can be built at the sizes of the table."""
    for again in range(50):
        case = drawn_model(random.Random(f"targets {at} {again}"))
        options = {key: one for key, one in case.items() if key not in ("input", "layers")}
        try:
            model = gp.Model(case["input"], case["layers"], **options)
        except ValueError:
            continue
        if all(models.number(size) >= 1 for array in model.system().inputs for size in array.shape):
            return model
    raise AssertionError("no model")


@pytest.mark.parametrize("at", [
    pytest.param(at, marks=[] if at == 0 else pytest.mark.slow if at < 6 else pytest.mark.rows)
    for at in range(30)])
def test_of_random_models(at):
    """Dense, convolutional, recurrent and attention layers, norms, losses."""
    model = random_model(at)
    agree(gp.derive(model), models.values_for(model, at))


@pytest.mark.rows
@pytest.mark.parametrize("name", [case.name for case in GALLERY])
def test_of_the_gallery(name):
    found = derived(name)
    agree(found.derivation, gallery_values(found))


@pytest.mark.rows
@pytest.mark.parametrize("name", PROBLEMS)
def test_of_the_problems(name):
    agree(PROBLEMS[name].derivation, PROBLEMS[name].values(), ("numpy", "source", "c"))


@pytest.mark.peers
@pytest.mark.parametrize("library", ["torch", "jax", pytest.param("numba", marks=pytest.mark.rows)])
def test_of_random_networks_elsewhere(library):
    pytest.importorskip(library)

    @settings(max_examples=2 if library == "numba" else 5)
    @given(random_networks())
    def holds(network):
        agree(gp.derive(network), values_for(network), ("numpy", library))

    holds()


def test_a_difference_is_seen():
    network = gp.Network([2, 3, 1], activation="tanh")
    derivation, values = gp.derive(network), values_for(network)
    other = gp.derive(gp.Network([2, 3, 1], activation="sigmoid"))
    derivation.array_api_source = other.array_api_source
    said = apart(derivation, values, ("numpy", "xp"))
    assert said
    assert all(one.startswith("xp, call 0: ") and one.endswith("off") for one in said)
