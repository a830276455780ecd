"""`gradproof derive`, `report` and `codegen` of FILE.py:NAME: modules and functions of PyTorch and
JAX as a person has them."""

import json
import re

import numpy as np
import pytest

from gradproof.cli import main
from gradproof.reports.pages.files import FORMATS

pytestmark = pytest.mark.peers
torch = pytest.importorskip("torch")

MODULES = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(3, 4)
        self.output = nn.Linear(4, 2)

    def forward(self, x):
        return torch.sigmoid(self.output(torch.sigmoid(self.hidden(x))))


class Wide(nn.Module):
    def __init__(self, sizes, depth=2):
        super().__init__()


class Broken(nn.Module):
    def __init__(self):
        raise OSError("no weights")


net = Net()
block = nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0, batch_first=True)
number = 3


def half_squares(y, t):
    return ((y - t) ** 2).sum() / 2


def cross_entropy(y, t):
    return nn.functional.cross_entropy(y, t)


def gated(x, w, v):
    return nn.functional.silu(x @ w) * (x @ v)
"""
NET = ["--shape", "x=m n", "--shape", "t=m k", "--loss", "half_squares"]
GATED = ["--shape", "x=m n", "--shape", "w=n k", "--shape", "v=n k"]


@pytest.fixture
def file(tmp_path):
    made = tmp_path / "net.py"
    made.write_text(MODULES)
    return made


@pytest.mark.parametrize(("name", "options", "derived", "program"), [
    ("net", NET, "∂L/∂W₁ = (∂L/∂Z₁)ᵀ x", "def gradient(x, t, W1, b1, W2, b2):"),
    ("Net", NET, "W₁  hidden.weight  4 × 3", "def gradient(x, t, W1, b1, W2, b2):"),
    ("net", ["--shape", "x=m n", "--size", "m=5"], "n = 3, as the parameters have it",
     "def gradient(x, W1, b1, W2, b2, dA2):"),
    ("net", ["--shape", "x=m 3", "--shape", "t=m: labels k", "--loss", "cross_entropy"],
     "∂L/∂W₂ = ", "def gradient(x, t, W1, b1, W2, b2):"),
    ("gated", GATED, "∂L/∂w = xᵀ ∂L/∂U", "def gradient(x, w, v, dy):"),
    ("block", ["--shape", "src=b t 4"], "∂L/∂Q = ", "def gradient(src, W_in, b_in, W_out"),
])
def test_a_module_and_a_function(file, capsys, name, options, derived, program):
    assert main(["derive", f"{file}:{name}", *options]) == 0
    assert derived in capsys.readouterr().out
    assert main(["codegen", f"{file}:{name}", *options]) == 0
    assert program in capsys.readouterr().out


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(("name", "options"), [("net", NET), ("gated", GATED)])
def test_a_report_in_every_format(file, tmp_path, capsys, name, options, language):
    out = tmp_path / "report"
    formats = [name for name in FORMATS if name != "pdf"]
    assert main(["report", f"{file}:{name}", *options, "-o", str(out), "--language", language,
                 "--format", ",".join(formats)]) == 0
    assert {one.name for one in out.iterdir()} == {FORMATS[name] for name in formats}
    text = (out / "report.md").read_text()
    assert "hidden.weight" in text or "dy" in text
    assert not re.search(r"\bt_?\{?\d+", text), "a machine name"
    told = json.loads((out / "report.json").read_text())
    assert told["numbers"] is None
    if language == "zh":
        words = re.sub(r"<!--.*?-->|`[^`]*`|\$.*?\$|```.*?```|（[a-z -]+）", "", text,
                       flags=re.DOTALL)
        assert not {*re.findall(r"[A-Za-z]{4,}", words)} - {"NumPy", "gated"}
    assert main(["report", f"{file}:{name}", *options, "-o", str(out)]) == 0  # over its own
    capsys.readouterr()


def test_the_program_of_a_module_computes_what_autograd_does(file, capsys):
    assert main(["codegen", f"{file}:net", *NET]) == 0
    made = {}
    exec(capsys.readouterr().out, made)
    exec(MODULES, made)
    net, rng = made["net"].double(), np.random.default_rng(0)
    x, t = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    loss = made["half_squares"](net(torch.tensor(x)), torch.tensor(t))
    loss.backward()
    arrays = {"W1": net.hidden.weight, "b1": net.hidden.bias, "W2": net.output.weight,
              "b2": net.output.bias}
    value, gradients = made["gradient"](x, t, **{
        name: one.detach().numpy() for name, one in arrays.items()})
    assert value == pytest.approx(loss.item(), rel=1e-12)
    for name, one in arrays.items():
        np.testing.assert_allclose(gradients[name], one.grad.numpy(), rtol=1e-12, atol=1e-14)


UNFIT = [  # name, options, what is said
    ("other", [], "has no 'other'; it has"),
    ("number", [], "is a int; expected a module or a function"),
    ("Wide", ["--shape", "x=m n"], r"Wide in .* needs arguments; .* net = Wide\(sizes=...\)"),
    ("Broken", ["--shape", "x=m n"], r"Broken\(\) raises OSError: no weights"),
    ("net", [], "Net needs an input for 'x' of its forward"),
    ("net", ["--shape", "x=m 7"], "Net does not take inputs of these shapes"),
    ("net", ["--shape", "x"], "--shape: expected NAME=SIZES"),
    ("net", ["--shape", "x=m: foo"], "kind: expected one of real"),
    ("net", ["--shape", "x=m n", "--size", "q=4"], "--size: no --shape has a size 'q'"),
    ("net", ["--shape", "x=m n", "--size", "m=0"], "--size: expected NAME=N"),
    ("net", [*NET[:4], "--loss", "nothing"], "--loss: .* has no 'nothing'"),
    ("gated", ["--shape", "x=m n"], "gated: missing a required argument: 'w'; its"),
    ("gated", [*GATED, "--shape", "q=m"], "gated: got an unexpected keyword argument 'q'"),
    ("gated", [*GATED, "--loss", "half_squares"], "let the function return the loss"),
]


@pytest.mark.parametrize(("name", "options", "said"), UNFIT)
def test_what_does_not_fit_is_said_and_nothing_is_written(
    file, tmp_path, capsys, name, options, said
):
    for command in (["derive"], ["report", "-o", str(tmp_path / "out")]):
        assert main([*command[:1], f"{file}:{name}", *command[1:], *options]) == 2
        assert re.search(said, capsys.readouterr().err)
    assert not (tmp_path / "out").exists()


def test_what_is_missing_is_said(tmp_path, capsys):
    file = tmp_path / "far.py"
    file.write_text("import numpy\nimport frame_work_that_is_not_there\n")
    assert main(["derive", f"{file}:net"]) == 2
    assert "far.py:2: ModuleNotFoundError" in (said := capsys.readouterr().err)
    assert "install frame_work_that_is_not_there where gradproof runs" in said
    assert main(["derive", f"{tmp_path / 'none.py'}:net"]) == 2
    assert "there is no such file" in capsys.readouterr().err
    assert main(["report", "2-2-1", "--shape", "x=m"]) == 2
    assert "for FILE.py:NAME" in capsys.readouterr().err


def test_a_function_of_jax(tmp_path, capsys):
    pytest.importorskip("jax")
    file = tmp_path / "jaxed.py"
    file.write_text("import jax\nimport jax.numpy as jnp\n"
                    "def loss(x, w):\n    return jnp.sum(jax.nn.sigmoid(x @ w) ** 2)\n")
    shapes = ["--shape", "x=m n", "--shape", "w=n k"]
    assert main(["derive", f"{file}:loss", *shapes]) == 0
    assert "∂L/∂w = xᵀ" in capsys.readouterr().out
    assert main(["report", f"{file}:loss", *shapes, "-o", str(tmp_path / "out")]) == 0
    assert "through the function loss" in (tmp_path / "out" / "report.md").read_text()
