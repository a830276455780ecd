"""Arguments whose entries stand in memory in any order: by columns, backwards, with gaps."""

import itertools
import shutil

import numpy as np
import pytest
from problems import PROBLEMS

import gradproof as gp
from gradproof.codegen.arguments import SCALARS_WIDEN
from gradproof.codegen.compile import compile_system
from gradproof.codegen.lean import spelled as spelling

ORDERS = {
    "by rows": lambda x: np.array(x, order="C"),
    "by columns": lambda x: np.array(x, order="F"),
    "backwards": lambda x: x[..., ::-1].copy()[..., ::-1] if x.ndim else x,
    "with gaps": lambda x: np.repeat(x, 2, axis=0)[::2] if x.ndim else x,
    "a part": lambda x: np.pad(x, 1)[(slice(1, -1),) * x.ndim],
    "turned": lambda x: np.moveaxis(np.moveaxis(x, 0, -1).copy(), -1, 0) if x.ndim else x,
}
EVERY = list(ORDERS)
LARGE = gp.Network([40, 70, 60, 3], activation=["tanh", "relu"], loss="mean_squared_error")
CLOSE = gp.equations("s = sum(tanh(C)*C)\nu = tanh(D @ C)\nL = s + sum((u @ B - D)**2)",
                     B="n n", C="n n", D="n n")
WINDOWS = gp.Model("m 2 6 6", [{"type": "conv2d", "channels": 4, "kernel": 3}, "relu", "flatten",
                               {"type": "dense", "units": 3}], loss="mean_squared_error")
STEPS = gp.Model("T m 7", [{"type": "lstm", "units": 16}, "last", {"type": "dense", "units": 2}],
                 loss="mean_squared_error")
DERIVED = {"network": LARGE, "matrices": CLOSE, "convolution": WINDOWS, "steps": STEPS}
COMPILED = [
    pytest.param("matrices", "c", marks=pytest.mark.skipif(
        shutil.which("cc") is None, reason="no C compiler")),
    pytest.param("matrices", "numba", marks=[pytest.mark.peers, pytest.mark.rows])]
SOME = ["mixup", "distances", "sparse coding", "UMAP", "denoising diffusion", "linear attention",
        "negative binomial regression"]


@pytest.fixture(autouse=True)
def _own_state(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def assert_same(found, due, close=1e-11):
    assert found[0] == pytest.approx(due[0], rel=close)
    for key, one in due[1].items():
        assert found[1][key].shape == one.shape
        np.testing.assert_allclose(found[1][key], one, rtol=0, atol=close * np.abs(one).max())


@pytest.mark.parametrize("workspace", [False, True])
@pytest.mark.parametrize(("name", "target"), [
    *((name, "numpy") for name in DERIVED), *COMPILED])
def test_large_arguments_in_every_order(name, target, workspace):
    """Of 4,096 entries and more, whose sums are no products with ones."""
    if target == "numba":
        pytest.importorskip("numba")
    derivation = gp.derive(DERIVED[name])
    rng, sizes = np.random.default_rng(0), {"m": 90, "n": 70, "T": 5}
    values = {a.name: rng.normal(size=[int(n.subs({s: sizes[s.name] for s in n.free_symbols}))
                                       for n in a.shape]) / 3 for a in derivation.system.inputs}
    names = [derivation.chain.loss, *(one.array for one in derivation.gradients.values())]
    loss, *found = compile_system(derivation.system, names)(**values)
    due = loss, dict(zip(derivation.gradients, found, strict=True))
    mixed = {key: ORDERS[EVERY[place % len(EVERY)]](one)
             for place, (key, one) in enumerate(values.items())}
    for first in EVERY[:2] if target == "numpy" else EVERY[:1]:
        run = derivation.compile(target=target, workspace=workspace)
        for order in (first, *EVERY):
            assert_same(run(**{key: ORDERS[order](one) for key, one in values.items()}), due)
        assert_same(run(**mixed), due)


@pytest.mark.skipif(SCALARS_WIDEN, reason="NumPy 1 runs the text as it stands")
@pytest.mark.parametrize("name", SOME)
def test_texts_of_problems_in_every_order_as_if_their_sums_were_large(name, monkeypatch):
    monkeypatch.setattr(spelling, "SMALL", 0)
    problem = PROBLEMS[name]
    if "scipy" in problem.derivation.numpy_source():
        pytest.importorskip("scipy")
    derivation, values = problem.derivation, {
        key: np.asarray(one) for key, one in problem.values().items()}
    due = derivation.compile()(**values)
    for first, workspace in itertools.product(EVERY[:2], (False, True)):
        run = derivation.compile(workspace=workspace)
        for order in (first, *EVERY[:4]):
            assert_same(run(**{key: ORDERS[order](one) for key, one in values.items()}), due)
