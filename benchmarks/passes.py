"""Hand-written backward passes, each beside its loss: what the mutation benchmark makes wrong.

Twenty layers and losses, written as people write them, and the passes of the example networks.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import gradproof


@dataclass(frozen=True)
class Pass:
    """A loss, the functions of a hand-written gradient (the last one is it), and their inputs."""

    name: str
    loss: Callable[..., Any]
    functions: tuple[Callable[..., Any], ...]
    shapes: dict[str, Any]
    wrt: tuple[str, ...]


PASSES: list[Pass] = []


def made(name: str, loss: Callable[..., Any], *functions: Callable[..., Any], wrt: str,
         **shapes: Any) -> None:
    PASSES.append(Pass(name, loss, functions, shapes, tuple(wrt.split())))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def slope(z):
    return sigmoid(z) * (1 - sigmoid(z))


# --- pointwise, G weighs the outputs ------------------------------------------------------------


def affine_loss(X, W, b, G):
    return np.sum(G * (X @ W + b))


def affine(X, W, b, G):
    dX = G @ W.T
    dW = X.T @ G
    db = G.sum(axis=0)
    return {"X": dX, "W": dW, "b": db}


made("affine", affine_loss, affine, X="m n", W="n h", b="h", G="m h", wrt="X W b")


def sigmoid_loss(Z, G):
    return np.sum(G / (1 + np.exp(-Z)))


def sigmoid_pass(Z, G):
    a = 1 / (1 + np.exp(-Z))
    return {"Z": G * a * (1 - a)}


made("sigmoid", sigmoid_loss, sigmoid_pass, Z="m n", G="m n", wrt="Z")


def tanh_loss(Z, G):
    return np.sum(G * np.tanh(Z))


def tanh_pass(Z, G):
    a = np.tanh(Z)
    dZ = G * (1 - a ** 2)
    return {"Z": dZ}


made("tanh", tanh_loss, tanh_pass, Z="m n", G="m n", wrt="Z")


def relu_loss(Z, G):
    return np.sum(G * np.maximum(Z, 0))


def relu_pass(Z, G):
    dZ = G.copy()
    dZ[Z <= 0] = 0
    return {"Z": dZ}


made("relu", relu_loss, relu_pass, Z="m n", G="m n", wrt="Z")


def leaky_loss(Z, G):
    return np.sum(G * np.where(Z > 0, Z, 0.01 * Z))


def leaky_pass(Z, G):
    dZ = np.where(Z > 0, 1, 0.01)
    return {"Z": G * dZ}


made("leaky relu", leaky_loss, leaky_pass, Z="m n", G="m n", wrt="Z")


def elu_loss(Z, G):
    return np.sum(G * np.where(Z > 0, Z, 1.5 * (np.exp(Z) - 1)))


def elu_pass(Z, G):
    below = 1.5 * np.exp(Z)
    return {"Z": G * np.where(Z > 0, 1, below)}


made("elu", elu_loss, elu_pass, Z="m n", G="m n", wrt="Z")


def gelu_loss(Z, G):
    return np.sum(G * 0.5 * Z * (1 + np.tanh(0.8 * (Z + 0.044 * Z ** 3))))


def gelu_pass(Z, G):
    t = np.tanh(0.8 * (Z + 0.044 * Z ** 3))
    inner = 0.8 * (1 + 3 * 0.044 * Z ** 2)
    dZ = 0.5 * (1 + t) + 0.5 * Z * (1 - t ** 2) * inner
    return {"Z": G * dZ}


made("gelu", gelu_loss, gelu_pass, Z="m n", G="m n", wrt="Z")


def softplus_loss(Z, G):
    return np.sum(G * np.log(1 + np.exp(Z)))


def softplus_pass(Z, G):
    return {"Z": G / (1 + np.exp(-Z))}


made("softplus", softplus_loss, softplus_pass, Z="m n", G="m n", wrt="Z")


# --- losses -------------------------------------------------------------------------------------


def cross_entropy_loss(X, W, Y):
    scores = X @ W
    e = np.exp(scores)
    p = e / e.sum(axis=1, keepdims=True)
    return -np.sum(Y * np.log(p)) / X.shape[0]


def cross_entropy(X, W, Y):
    m = X.shape[0]
    e = np.exp(X @ W)
    p = e / e.sum(axis=1, keepdims=True)
    d = (p - Y) / m
    return {"X": d @ W.T, "W": X.T @ d}


made("softmax, cross-entropy", cross_entropy_loss, cross_entropy, X="m n", W="n k",
     Y=gradproof.Array("m k", kind="one_hot"), wrt="X W")


def mse_loss(X, w, y):
    return np.mean((X @ w - y) ** 2)


def mse(X, w, y):
    r = X @ w - y
    return {"X": 2 * np.outer(r, w) / len(y), "w": 2 * X.T @ r / len(y), "y": -2 * r / len(y)}


made("mean squared error", mse_loss, mse, X="m n", w="n", y="m", wrt="X w y")


def hinge_loss(X, w, y):
    return np.sum(np.maximum(0, 1 - y * (X @ w))) / len(y) + 0.05 * np.sum(w ** 2)


def hinge(X, w, y):
    margin = 1 - y * (X @ w)
    active = (margin > 0) * y
    return {"w": -(X.T @ active) / len(y) + 0.1 * w}


made("hinge", hinge_loss, hinge, X="m n", w="n", y="m", wrt="w")


def ridge_loss(X, W, Y, reg):
    return 0.5 * np.sum((X @ W - Y) ** 2) + 0.5 * reg * np.sum(W * W)


def ridge(X, W, Y, reg):
    r = X @ W - Y
    dW = X.T @ r
    dW += reg * W
    return {"W": dW}


made("l2 penalty", ridge_loss, ridge, X="m n", W="n k", Y="m k", reg="", wrt="W")


# --- layers -------------------------------------------------------------------------------------


def batch_norm_loss(X, g, b, G):
    mu = X.mean(axis=0)
    var = np.mean((X - mu) ** 2, axis=0)
    return np.sum(G * (g * (X - mu) / np.sqrt(var + 1e-5) + b))


def batch_norm(X, g, b, G):
    m = X.shape[0]
    mu = X.mean(axis=0)
    std = np.sqrt(np.mean((X - mu) ** 2, axis=0) + 1e-5)
    hat = (X - mu) / std
    d = G * g
    dX = (d - d.sum(axis=0) / m - hat * np.sum(d * hat, axis=0) / m) / std
    return {"X": dX, "g": np.sum(G * hat, axis=0), "b": np.sum(G, axis=0)}


made("batch norm", batch_norm_loss, batch_norm, X="m n", g="n", b="n", G="m n", wrt="X g b")


def layer_norm_loss(X, g, b, G):
    mu = X.mean(axis=1, keepdims=True)
    var = np.mean((X - mu) ** 2, axis=1, keepdims=True)
    return np.sum(G * (g * (X - mu) / np.sqrt(var + 1e-5) + b))


def layer_norm(X, g, b, G):
    mu = X.mean(axis=1, keepdims=True)
    std = np.sqrt(np.mean((X - mu) ** 2, axis=1, keepdims=True) + 1e-5)
    hat = (X - mu) / std
    d = G * g
    centred = d - np.mean(d, axis=1, keepdims=True)
    dX = (centred - hat * np.mean(d * hat, axis=1, keepdims=True)) / std
    return {"X": dX, "g": np.sum(G * hat, axis=0), "b": np.sum(G, axis=0)}


made("layer norm", layer_norm_loss, layer_norm, X="m n", g="n", b="n", G="m n", wrt="X g b")


def residual_loss(X, W1, W2, G):
    return np.sum(G * (X + np.maximum(X @ W1, 0) @ W2))


def residual(X, W1, W2, G):
    z = X @ W1
    a = np.maximum(z, 0)
    dz = G @ W2.T * (z > 0)
    return {"X": G + dz @ W1.T, "W1": X.T @ dz, "W2": a.T @ G}


made("residual", residual_loss, residual, X="m n", W1="n h", W2="h n", G="m n", wrt="X W1 W2")


def rnn_loss(X, h0, U, W, b, G):
    h, total = h0, 0
    for t in range(3):
        h = np.tanh(X[t] @ U + h @ W + b)
        total = total + np.sum(G[t] * h)
    return total


def rnn(X, h0, U, W, b, G):
    hs = [h0]
    for t in range(3):
        hs.append(np.tanh(X[t] @ U + hs[t] @ W + b))
    dU, dW, db = np.zeros_like(U), np.zeros_like(W), np.zeros_like(b)
    dnext = np.zeros_like(h0)
    for t in reversed(range(3)):
        dz = (G[t] + dnext) * (1 - hs[t + 1] ** 2)
        dU += np.outer(X[t], dz)
        dW += np.outer(hs[t], dz)
        db += dz
        dnext = dz @ W.T
    return {"h0": dnext, "U": dU, "W": dW, "b": db}


made("rnn, three steps", rnn_loss, rnn, X="3 n", h0="h", U="n h", W="h h", b="h", G="3 h",
     wrt="h0 U W b")


def lstm_loss(x, c, Wi, Wf, Wo, Wg, G):
    i, f, o = sigmoid(x @ Wi), sigmoid(x @ Wf), sigmoid(x @ Wo)
    new = f * c + i * np.tanh(x @ Wg)
    return np.sum(G * o * np.tanh(new))


def lstm(x, c, Wi, Wf, Wo, Wg, G):
    i, f, o = sigmoid(x @ Wi), sigmoid(x @ Wf), sigmoid(x @ Wo)
    g = np.tanh(x @ Wg)
    new = f * c + i * g
    t = np.tanh(new)
    do = G * t
    dnew = G * o * (1 - t ** 2)
    df = dnew * c
    di = dnew * g
    dg = dnew * i
    return {"c": dnew * f, "Wi": np.outer(x, di * i * (1 - i)),
            "Wf": np.outer(x, df * f * (1 - f)), "Wo": np.outer(x, do * o * (1 - o)),
            "Wg": np.outer(x, dg * (1 - g ** 2))}


made("lstm step", lstm_loss, sigmoid, lstm, x="n", c="h", Wi="n h", Wf="n h", Wo="n h",
     Wg="n h", G="h", wrt="c Wi Wf Wo Wg")


def attention_loss(Q, K, V, G):
    e = np.exp(Q @ K.T / np.sqrt(Q.shape[1]))
    return np.sum(G * ((e / e.sum(axis=1, keepdims=True)) @ V))


def attention(Q, K, V, G):
    scale = np.sqrt(Q.shape[1])
    e = np.exp(Q @ K.T / scale)
    p = e / e.sum(axis=1, keepdims=True)
    dp = G @ V.T
    ds = p * (dp - np.sum(dp * p, axis=1, keepdims=True)) / scale
    return {"Q": ds @ K, "K": ds.T @ Q, "V": p.T @ G}


made("attention", attention_loss, attention, Q="m h", K="n h", V="n o", G="m o", wrt="Q K V")


def conv_loss(x, w, b, G):
    y = b
    for k in range(3):
        y = y + w[k] * x[k:x.shape[0] - 2 + k]
    return np.sum(G[:x.shape[0] - 2] * y)


def conv(x, w, b, G):
    n = x.shape[0] - 2
    d = G[:n]
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for k in range(3):
        dx[k:n + k] += w[k] * d
        dw[k] = np.sum(d * x[k:n + k])
    return {"x": dx, "w": dw, "b": np.sum(d)}


made("convolution", conv_loss, conv, x="8", w="3", b="", G="8", wrt="x w b")


def embedding_loss(E, W, i, G):
    return np.sum(G * (E[i] @ W))


def embedding(E, W, i, G):
    rows = E[i]
    drows = G @ W.T
    dE = np.zeros_like(E)
    np.add.at(dE, i, drows)
    return {"E": dE, "W": rows.T @ G}


made("embedding", embedding_loss, embedding, E="v n", W="n h",
     i=gradproof.Array("m", kind="labels v"), G="m h", wrt="E W")


# --- networks -----------------------------------------------------------------------------------


def half_squared(X, y, W1, b1, W2, b2):
    return 0.5 * np.sum((y - sigmoid(sigmoid(X @ W1 + b1) @ W2 + b2)) ** 2)


def by_chain(X, y, W1, b1, W2, b2):
    z1 = X @ W1 + b1
    a1 = sigmoid(z1)
    z2 = a1 @ W2 + b2
    a2 = sigmoid(z2)
    d_z2 = -(y - a2) * slope(z2)
    d_z1 = d_z2 @ W2.T * slope(z1)
    return {"dW1": X.T @ d_z1, "db1": np.sum(d_z1, axis=0, keepdims=True),
            "dW2": a1.T @ d_z2, "db2": np.sum(d_z2, axis=0, keepdims=True)}


made("sigmoid chain", half_squared, sigmoid, slope, by_chain, X="m n", y="m o", W1="n h",
     b1="1 h", W2="h o", b2="1 o", wrt="W1 b1 W2 b2")


def lecture_loss(X, Y, W1, b1, W2, b2):
    A2 = sigmoid(np.dot(np.tanh(np.dot(X, W1) + b1), W2) + b2)
    return -np.sum(np.multiply(np.log(A2), Y) + np.multiply(1 - Y, np.log(1 - A2))) / Y.shape[0]


def by_lecture(X, Y, W1, b1, W2, b2):
    m = X.shape[0]
    A1 = np.tanh(np.dot(X, W1) + b1)
    A2 = sigmoid(np.dot(A1, W2) + b2)
    dZ2 = A2 - Y
    dW2 = np.dot(A1.T, dZ2) / m
    db2 = np.sum(dZ2, axis=0, keepdims=True) / m
    dZ1 = np.dot(dZ2, W2.T) * (1 - np.power(A1, 2))
    dW1 = np.dot(X.T, dZ1) / m
    db1 = np.sum(dZ1, axis=0, keepdims=True) / m
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


made("lecture, tanh and sigmoid", lecture_loss, sigmoid, by_lecture, X="m n",
     Y=gradproof.Array("m o", kind="mask"), W1="n h", b1="1 h", W2="h o", b2="1 o",
     wrt="W1 b1 W2 b2")


def columns_loss(X, Y, W1, b1, W2, b2):
    A2 = sigmoid(W2 @ np.tanh(W1 @ X + b1) + b2)
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / X.shape[1]


def by_columns(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    A1 = np.tanh(W1 @ X + b1)
    A2 = sigmoid(W2 @ A1 + b2)
    dZ2 = A2 - Y
    dW2 = dZ2 @ A1.T / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = W2.T @ dZ2 * (1 - A1 ** 2)
    dW1 = dZ1 @ X.T / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


made("columns", columns_loss, sigmoid, by_columns, X="n m", Y=gradproof.Array("o m", kind="mask"),
     W1="h n", b1="h 1", W2="o h", b2="o 1", wrt="W1 b1 W2 b2")


def classifier_loss(X, Y, W1, b1, W2, b2):
    scores = np.maximum(0, X @ W1 + b1) @ W2 + b2
    e = np.exp(scores)
    return -np.sum(Y * np.log(e / e.sum(axis=1, keepdims=True))) / X.shape[0]


def classifier(X, Y, W1, b1, W2, b2):
    h = np.maximum(0, X @ W1 + b1)
    scores = h @ W2 + b2
    e = np.exp(scores - scores.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    d = (p - Y) / len(X)
    dh = d @ W2.T
    dh[h <= 0] = 0
    return {"W1": X.T @ dh, "b1": dh.sum(axis=0), "W2": h.T @ d, "b2": d.sum(axis=0)}


made("softmax and relu", classifier_loss, classifier, X="m n",
     Y=gradproof.Array("m k", kind="one_hot"), W1="n h", b1="h", W2="h k", b2="k",
     wrt="W1 b1 W2 b2")


def example(name: str) -> Any:
    """The module of an example network's backward pass."""
    file = Path(gradproof.__file__).parent / "networks" / f"{name}_backward.py"
    spec = importlib.util.spec_from_file_location(f"passes_{name.replace('-', '_')}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def textbook_loss(X, Y, W1, b1, W2, b2):
    return 0.5 * np.sum((Y - sigmoid(sigmoid(X @ W1 + b1) @ W2 + b2)) ** 2)


TEXTBOOK, XOR, MOONS = example("2-2-1"), example("xor"), example("moons")
made("network 2-2-1", textbook_loss, TEXTBOOK.sigmoid, TEXTBOOK.gradient, X="2", Y="1",
     W1="2 2", b1="2", W2="2 1", b2="1", wrt="W1 b1 W2 b2")
made("network xor", XOR.loss, XOR.squash, XOR.squash_slope, XOR.forward, XOR.gradient,
     X="m 2", Y="m 1", W1="2 2", b1="2", W2="2 1", b2="1", wrt="W1 b1 W2 b2")
made("network moons", MOONS.loss, MOONS.run_forward, MOONS.run_backward, MOONS.gradient,
     X="m 2", Y=gradproof.Array("m 1", kind="mask"), W1="2 4", b1="4", W2="4 1", b2="1",
     wrt="W1 b1 W2 b2")
