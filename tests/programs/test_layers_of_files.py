"""Layers in a file that does not train: found by their names, with shapes that fit, and said."""

import pytest

from gradproof.cli import main

PARTS = {
    "slope": ("""
def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))
""", "sigmoid_prime", 'sigmoid and its derivative sigmoid_prime, with z="m n"',
              ("(1 - sigmoid", "(1 + sigmoid")),
    "prefix": ("""
def tanh(x):
    return np.tanh(x)

def d_tanh(a):
    return 1 - a**2
""", "d_tanh", "tanh and its derivative d_tanh", ("a**2", "a")),
    "affine": ("""
def affine_forward(x, w, b):
    return x @ w + b, (x, w)

def affine_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout, dout.sum(axis=0)
""", "affine_backward", 'affine_forward and affine_backward, with x="m n", w="n h", b="h"',
               ("x.T @ dout", "2 * x.T @ dout")),
    "columns": ("""
def linear_forward(A, W, b):
    return W @ A + b, (A, W)

def linear_backward(dZ, cache):
    A, W = cache
    return W.T @ dZ, dZ @ A.T, dZ.sum(axis=1, keepdims=True)
""", "linear_backward", 'with A="n m", W="h n", b="h 1"', ("dZ @ A.T", "dZ @ A.T / 2")),
    "relu_backward": ("""
def relu(Z):
    return np.maximum(0, Z), Z

def relu_backward(dA, cache):
    return dA * (cache > 0)
""", "relu_backward", 'relu and relu_backward, with Z="m n"', ("cache > 0", "cache < 0")),
    "loss": ("""
def softmax_loss(x, y):
    p = np.exp(x - x.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    rows = np.arange(len(y))
    dx = p.copy()
    dx[rows, y] -= 1
    return -np.mean(np.log(p[rows, y])), dx / len(y)
""", "softmax_loss", 'y=gp.Array("m", kind="labels n")', ("dx / len(y)", "dx")),
    "one_hot": ("""
class CrossEntropy:
    def loss(self, logits, labels):
        p = np.exp(logits)
        p = p / p.sum(axis=1, keepdims=True)
        return -np.sum(labels * np.log(p)) / len(p)

    def grad(self, logits, labels):
        p = np.exp(logits)
        return (p / p.sum(axis=1, keepdims=True) - labels) / len(p)
""", "CrossEntropy", "loss and the derivative grad", ("- labels) / len(p)", "- labels)")),
    "class": ("""
class Layer:
    def forward(self, x):
        raise NotImplementedError

    def backward(self, dout):
        raise NotImplementedError

class Dense(Layer):
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dout):
        self.dW = self.x.T @ dout
        return dout @ self.W.T
""", "Dense", 'forward and the backward pass backward, with n_in=4, n_out=3, x="m 4"',
              ("self.x.T @ dout", "-self.x.T @ dout")),
    "table": ("""
ACTIVATIONS = {"relu": (lambda z: np.maximum(0, z), lambda z: (z > 0) * 1.0)}
""", "<lambda>", "ACTIVATIONS['relu']: a function and its derivative", ("(z > 0)", "(z < 0)")),
}


def checked(tmp_path, capsys, source):
    file = tmp_path / "layers.py"
    file.write_text(f"import numpy as np\n{source}")
    code = main(["check", str(file), "--time-limit", "60"])
    return code, capsys.readouterr()


@pytest.mark.parametrize("name", PARTS)
def test_what_a_file_has_is_found_and_said(name, tmp_path, capsys):
    source, title, taken, _ = PARTS[name]
    code, shown = checked(tmp_path, capsys, source)
    assert code == 0, shown
    assert f"{title}: proved" in shown.out
    assert taken in shown.out
    assert "Layer:" not in shown.out  # which has only the names of its methods


@pytest.mark.parametrize("names", [
    ["slope", "class"], [*PARTS]])
@pytest.mark.slow
def test_wrong_ones_are_refuted_each_by_itself(tmp_path, capsys, names):
    source = ""
    for part, *_, (old, new) in map(PARTS.get, names):
        assert part.count(old) == 1
        source += part.replace(old, new)
    code, shown = checked(tmp_path, capsys, source)
    assert code == 1
    for _, title, *_ in map(PARTS.get, names):
        assert f"{title}: refuted" in shown.out, title


def test_where_nothing_fits_the_line_to_add_is_said(tmp_path, capsys):
    source = """
def odd_forward(q, wibble):
    return np.sum(q[:, None] * wibble, axis=0), (q, wibble)

def odd_backward(dout, cache):
    q, wibble = cache
    return wibble @ dout, np.outer(q, dout)
"""
    code, shown = checked(tmp_path, capsys, source)
    assert code == 1
    line = '@gp.backward_of(odd_forward, q="...", wibble="...")'
    assert line in shown.out
    marked = source.replace("def odd_backward", line.replace(
        'q="..."', 'q="m"').replace('wibble="..."', 'wibble="m n"') + "\ndef odd_backward")
    code, shown = checked(tmp_path, capsys, f"import gradproof as gp\n{marked}")
    assert code == 0, shown
    assert "odd_backward: proved" in shown.out


@pytest.mark.slow
def test_marks_of_layers_and_derivatives(tmp_path, capsys):
    source = """
import gradproof as gp

@gp.layer(x="m n", W="n h")
class Linear:
    def __init__(self, W):
        self.W = W
    def forward(self, x):
        self.x = x
        return x @ self.W
    def backward(self, dout):
        self.dW = self.x.T @ dout
        return dout @ self.W.T

@gp.derivative_of(np.tanh, z="n")
def slope(z):
    return 1 - np.tanh(z)
"""
    code, shown = checked(tmp_path, capsys, source)
    assert code == 1
    assert "Linear: proved" in shown.out
    assert "slope: refuted" in shown.out


@pytest.mark.slow
def test_a_whole_backward_pass_is_no_layer(tmp_path, capsys):
    """Its first parameter is no cotangent, so nothing says what it is the gradient of."""
    source = """
def forward_propagation(X, W):
    return X @ W

def backward_propagation(X, Y, W):
    return X.T @ (X @ W - Y)
"""
    code, shown = checked(tmp_path, capsys, source)
    assert code == 2
    assert "nothing to check" in shown.err


DATACLASS_FILE = """\
from __future__ import annotations
from dataclasses import dataclass
from typing import ClassVar
import numpy as np
import gradproof as gp

@dataclass
class Scale:
    by: float = 2.0
    count: ClassVar[int] = 0

def loss(x):
    return np.sum(Scale().by * x ** 2)

@gp.gradient_of(loss, x="n")
def grad_x(x):
    return {factor} * x
"""


@pytest.mark.parametrize(("factor", "due"), [(4, "proved"), (2, "refuted")])
def test_a_file_may_have_dataclasses_and_annotations_that_are_text(
        factor, due, tmp_path, capsys):
    file = tmp_path / "hand.py"
    file.write_text(DATACLASS_FILE.replace("{factor}", str(factor)))
    said = main(["check", str(file)])
    assert said == (0 if due == "proved" else 1)
    assert f"grad_x: {due}" in capsys.readouterr().out
