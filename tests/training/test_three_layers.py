"""The program of a text that hands PyTorch the loss for a gradient: as it is, and mended."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pytest

import gradproof as gp
from gradproof.cli import main

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers
TEXTS = Path(__file__).parents[2] / "examples" / "five-texts"


def module(name: str):
    return runpy.run_path(str(TEXTS / name))


def drawn(seed: int = 0):
    torch.manual_seed(seed)
    return torch.randn(10, 3).double(), torch.randn(10, 2).double()


def test_as_it_is_its_first_step_fails_and_says_where(capsys):
    program = module("three_layers.py")
    with pytest.raises(RuntimeError, match="Mismatch in shape"):
        program["step"](program["Net"]().double(), *drawn(), 0.01)
    file = TEXTS / "three_layers.py"
    line = file.read_text().splitlines().index("    output.backward(loss)") + 1
    assert main(["check", str(file)]) == 2
    assert f"three_layers.py:{line}: RuntimeError" in capsys.readouterr().err


def test_mended_it_takes_the_steps_of_the_derived_gradient():
    program = module("three_layers_mended.py")
    net, (x, target) = program["Net"]().double(), drawn()
    derivation = gp.derive(net, loss=program["loss_func"], x="m n", target="m k")
    run, arrays = derivation.compile(), derivation.arrays()
    w = {name: np.array(arrays[name]) for name in derivation.gradients}
    for _ in range(20):
        loss, gradient = run(x=x.numpy(), target=target.numpy(), **w)
        assert program["step"](net, x, target, 0.3) == pytest.approx(float(loss), rel=1e-12)
        w = {name: w[name] - 0.3 * gradient[name] for name in w}
    for name, array in derivation.arrays().items():
        np.testing.assert_allclose(array, w[name], rtol=1e-10)


def test_without_an_empty_gradient_at_each_step_it_follows_the_sum_of_all_before():
    """What `loss.backward()` alone would leave: the second step is that of two gradients."""
    program = module("three_layers_mended.py")
    net, (x, target) = program["Net"]().double(), drawn()
    for _ in range(2):
        loss = program["loss_func"](net(x), target)
        loss.backward()
    twice = net.fc1.weight.grad.clone()
    net.zero_grad()
    program["loss_func"](net(x), target).backward()
    torch.testing.assert_close(twice, 2 * net.fc1.weight.grad)
