"""A short run of what holds compiled, printed and interpreted programs together, and a look at
whether it would see a difference."""

import random

import differential
import numpy as np
import pytest
from random_models import drawn_model, layers_of

import gradproof as gp
from gradproof.symbolic.layers.table import SPEC, rows


@pytest.mark.slow
@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.0.0",
                    reason="a printed text does as NumPy 1 does: scalars of float32 are widened")
def test_some_programs_are_one_program_in_every_spelling():
    counts, found = differential.some_programs(10_000_000, 6)
    assert counts["programs"] == 6
    assert found == []


@pytest.mark.slow
@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.0.0",
                    reason="a printed text does as NumPy 1 does: scalars of float32 are widened")
def test_some_models_are_one_program_in_every_spelling():
    counts, found = differential.some_models(10_000_000, 4)
    assert counts["models"] == 4
    assert counts["texts of gradients"]
    assert found == []


@pytest.mark.parametrize("fault", ["value", "shape", "type"])
def test_a_difference_is_seen(fault, monkeypatch):
    model = gp.Model("m 3", [{"type": "dense", "units": 2}])
    derivation = gp.derive(model)
    values = differential.values_for(model)
    wanted = ["L", *(formula.array for formula in derivation.gradients.values())]
    compiled = differential.compile_system

    def wrong(*arguments):
        def run(**arrays):
            loss, first, *rest = compiled(*arguments)(**arrays)
            changed = {"value": first * (1 + 1e-6), "shape": first[None],
                       "type": first.astype(np.float32)}[fault]
            return loss, changed, *rest
        return run

    key = list(derivation.gradients)
    assert differential.differences(derivation.system, wanted, values, {"m": 4}, key) == ([], 2)
    monkeypatch.setattr(differential, "compile_system", wrong)
    found, _ = differential.differences(derivation.system, wanted, values, {"m": 4}, key)
    assert len(found) == 2  # rows and columns


def test_models_are_drawn_of_every_kind_of_layer():
    drawn = {kind for at in range(1500) for kind in layers_of(
        drawn_model(random.Random(f"kinds {at}")))}
    volumes = {name for name in rows(SPEC) if name.endswith("3d")}  # too slow to draw
    assert rows(SPEC).keys() - drawn <= {"identity", *volumes}


@pytest.mark.parametrize(("x", "at_a_jump"), [(1.0, True), (1.001, False), (0.5, False)])
def test_only_at_a_jump_is_a_difference_nobodys_mistake(x, at_a_jump):
    system = gp.equations("L = where(x > 1, 5*x, 0)", x="")
    values = {"x": np.asarray(x)}
    assert differential.jumps(system, ["L"], values, {}, 1e-9) is at_a_jump
