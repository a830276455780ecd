"""Every door for a hand-written gradient of PyTorch, JAX and the Array API, right and wrong:
`@gp.gradient_of`, `@gp.layer`, the pytest plugin, `gradproof check FILE.py` and the assertions."""

import re

import pytest

import gradproof as gp
from gradproof.checks import hand_files
from gradproof.checks.asserting import assert_marked
from gradproof.cli import main

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.peers
pytest.importorskip("torch")
pytest.importorskip("jax")

MARKED = '''
import jax
import jax.numpy as jnp
import torch

import gradproof as gp
from torch import nn
SH = {"x": "m n", "w": "n k"}
def torch_loss(x, w): return torch.sum(torch.sigmoid(x @ w) ** 2)
@gp.gradient_of(torch_loss, wrt=["w"], **SH)
def torch_gradient(x, w):
    a = torch.sigmoid(x @ w)
    return x.T @ (2 * a * a * (1 - a))
@gp.gradient_of(torch_loss, wrt=["w"], **SH)
def torch_wrong(x, w):
    a = torch.sigmoid(x @ w)
    return x.T @ (2 * a * (1 - a))
def jax_loss(x, w): return jnp.sum(jax.nn.sigmoid(x @ w) ** 2)
@gp.gradient_of(jax_loss, wrt=["w"], **SH)
@jax.jit
def jax_gradient(x, w):
    a = jax.nn.sigmoid(x @ w)
    return x.T @ (2 * a * a * (1 - a))
@gp.gradient_of(jax_loss, wrt=["w"], **SH)
def jax_wrong(x, w):
    a = jax.nn.sigmoid(x @ w)
    return x.T @ (a * a * (1 - a))
def xp_loss(x, w):
    xp = x.__array_namespace__()
    return xp.sum(xp.tanh(x @ w))
@gp.gradient_of(xp_loss, wrt=["w"], **SH)
def xp_gradient(x, w):
    xp = x.__array_namespace__()
    return xp.matrix_transpose(x) @ (1 - xp.tanh(x @ w) ** 2)
@gp.gradient_of(xp_loss, wrt=["w"], **SH)
def xp_wrong(x, w):
    xp = x.__array_namespace__()
    return xp.matrix_transpose(x) @ (1 - xp.tanh(x @ w))
@gp.layer(x="m n")
class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x
    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * x * g
@gp.layer(x="m n")
class SquareWrong(Square):
    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return x * g
@gp.layer(x="m n")
@jax.custom_vjp
def ruled(x): return jnp.tanh(x)
ruled.defvjp(lambda x: (jnp.tanh(x), jnp.tanh(x)), lambda y, g: ((1 - y * y) * g,))
@jax.custom_vjp
def ruled_wrong(x): return jnp.tanh(x)
ruled_wrong.defvjp(lambda x: (jnp.tanh(x), jnp.tanh(x)), lambda y, g: ((1 - y) * g,))
ruled_wrong = gp.layer(x="m n")(ruled_wrong)
@gp.layer(x="m n")
@jax.custom_jvp
def jruled(x): return jnp.tanh(x)
jruled.defjvps(lambda d, y, x: (1 - y * y) * d)
@gp.layer(x="m n")
@jax.custom_jvp
def jruled_wrong(x): return jnp.tanh(x)
jruled_wrong.defjvps(lambda d, y, x: (1 - y) * d)
@torch.library.custom_op("doors::cube", mutates_args=())
def cube(x: torch.Tensor) -> torch.Tensor: return x ** 3
def setup(ctx, inputs, output): ctx.save_for_backward(*inputs)
cube.register_autograd(lambda ctx, g: 3 * ctx.saved_tensors[0] ** 2 * g, setup_context=setup)
cube = gp.layer(x="m n")(cube)
class Net(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.fc = nn.Linear(3, 2)
        self.f = f
    def forward(self, x): return self.f.apply(self.fc(x))
net = gp.layer(x="m n")(Net(Square))
net_wrong = gp.layer(x="m n")(Net(SquareWrong))
'''
WRONG = {"torch_wrong", "jax_wrong", "xp_wrong", "SquareWrong", "ruled_wrong", "jruled_wrong",
         "net_wrong"}
RIGHT = {"torch_gradient", "jax_gradient", "xp_gradient", "Square", "ruled", "jruled", "cube",
         "net"}


@pytest.fixture
def file(tmp_path):
    made = tmp_path / "marked.py"
    made.write_text(MARKED)
    return made


def test_a_file_of_marked_functions(file, capsys):
    assert main(["check", str(file), "--time-limit", "60"]) == 1
    found = dict(re.findall(r"^(\w+): (\w+)$", capsys.readouterr().out, re.MULTILINE))
    verdicts = {name: "refuted" if name in WRONG else "proved" for name in RIGHT | WRONG}
    assert found == verdicts


def test_a_test_file(pytester):
    pytester.makepyfile(test_marked=MARKED)
    result = pytester.runpytest("-rA", "--assert=plain", "-p", "no:hypothesispytest")
    said = result.stdout.str()
    assert {*re.findall(r"^PASSED test_marked.py::(\w+)", said, re.MULTILINE)} == RIGHT
    assert {*re.findall(r"^FAILED test_marked.py::(\w+)", said, re.MULTILINE)} == WRONG


@pytest.mark.rows
def test_the_assertions(file):
    before = len(hand_files.MARKED)
    names = {id(value): name for name, value in vars(hand_files.run_file(file)).items()}
    for mark in hand_files.MARKED[before:]:
        options = {"wrt": mark.wrt, "inputs": mark.shapes, "repair_seconds": 0}
        if names[id(mark.gradient)] in RIGHT:
            assert_marked(mark.order, mark.loss, mark.gradient, **options)
            continue
        with pytest.raises(AssertionError, match="refuted"):
            assert_marked(mark.order, mark.loss, mark.gradient, **options)


def test_a_name_of_an_attribute_is_no_global():
    """jax.nn is not the nn that a file has of PyTorch's."""
    scope = {}
    exec("import jax, jax.numpy as jnp\nfrom torch import nn\n"
         "def loss(x):\n    return jnp.sum(jax.nn.sigmoid(x))\n"
         "def gradient(x):\n    a = jax.nn.sigmoid(x)\n    return a * (1 - a)\n", scope)
    assert gp.check(scope["loss"], scope["gradient"], x="n").verdict == "proved"
