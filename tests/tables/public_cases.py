"""Hand-written backward passes in the style of public code, each as a loss with its gradient.

The right ones follow course notes and textbooks (CS231n's layers, deep-learning-from-scratch's
layers, min-char-rnn); the wrong ones are re-created from descriptions of mistakes found in public
repositories.  An upstream gradient is an array `w` of the output's shape: the loss is Σ out·w.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import gradproof as gp
from gradproof.symbolic.shapes import parse_shape


@dataclass(frozen=True)
class Case:
    """A pass to check.  `cause`: texts of which a refutation has to show one (wrong ones only);
    `repairs`: the seconds for which an edit is looked for."""

    name: str
    loss: Any
    gradient: Any
    inputs: dict[str, Any]
    wrt: tuple[str, ...]
    cause: tuple[str, ...] = ()
    wrong: tuple[str, ...] = field(default=())
    repairs: float = 0.0


def array(name: str, shape: str, kind: str, classes: str = "") -> gp.Array:
    size = parse_shape(classes)[0] if classes else None
    return gp.Array(name, parse_shape(shape), kind, classes=size)


# --- layers, right ------------------------------------------------------------------------------


def affine_loss(x, W, b, w):
    return np.sum((np.dot(x, W) + b) * w)


def affine_gradient(x, W, b, w):
    dout = w
    dx = np.dot(dout, W.T)
    dW = np.dot(x.T, dout)
    db = np.sum(dout, axis=0)
    return {"x": dx, "W": dW, "b": db}


def affine_flat_loss(x, W, b, w):
    return np.sum((x.reshape(x.shape[0], -1).dot(W) + b) * w)


def affine_flat_gradient(x, W, b, w):
    dout = w
    rows = x.reshape(x.shape[0], -1)
    return {"x": dout.dot(W.T).reshape(x.shape), "W": rows.T.dot(dout), "b": dout.sum(axis=0)}


def relu_loss(x, w):
    return np.sum(np.maximum(0, x) * w)


def relu_gradient(x, w):
    dx = w.copy()
    dx[x <= 0] = 0
    return {"x": dx}


def sigmoid_loss(x, w):
    return np.sum(w / (1 + np.exp(-x)))


def sigmoid_gradient(x, w):
    out = 1 / (1 + np.exp(-x))
    return {"x": w * (1.0 - out) * out}


def batchnorm_loss(x, gamma, beta, w):
    eps = 1e-5
    mean = x.mean(axis=0)
    var = x.var(axis=0)
    xhat = (x - mean) / np.sqrt(var + eps)
    return np.sum((gamma * xhat + beta) * w)


def batchnorm_gradient(x, gamma, beta, w):
    eps = 1e-5
    dout = w
    N, D = x.shape
    mu = 1.0 / N * np.sum(x, axis=0)
    xmu = x - mu
    var = 1.0 / N * np.sum(xmu ** 2, axis=0)
    sqrtvar = np.sqrt(var + eps)
    ivar = 1.0 / sqrtvar
    xhat = xmu * ivar
    dbeta = np.sum(dout, axis=0)
    dgamma = np.sum(dout * xhat, axis=0)
    dxhat = dout * gamma
    divar = np.sum(dxhat * xmu, axis=0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -1.0 / sqrtvar ** 2 * divar
    dvar = 0.5 * 1.0 / np.sqrt(var + eps) * dsqrtvar
    dsq = 1.0 / N * np.ones((N, D)) * dvar
    dxmu2 = 2 * xmu * dsq
    dx1 = dxmu1 + dxmu2
    dmu = -1 * np.sum(dxmu1 + dxmu2, axis=0)
    dx2 = 1.0 / N * np.ones((N, D)) * dmu
    return {"x": dx1 + dx2, "gamma": dgamma, "beta": dbeta}


def batchnorm_short_gradient(x, gamma, beta, w):
    eps = 1e-5
    N = x.shape[0]
    var = x.var(axis=0)
    xhat = (x - x.mean(axis=0)) / np.sqrt(var + eps)
    dbeta = w.sum(axis=0)
    dgamma = (w * xhat).sum(axis=0)
    dx = gamma / (N * np.sqrt(var + eps)) * (N * w - dbeta - xhat * dgamma)
    return {"x": dx, "gamma": dgamma, "beta": dbeta}


def batchnorm_class_gradient(x, gamma, beta, w):
    size = x.shape[0]
    xc = x - x.mean(axis=0)
    std = np.sqrt(np.mean(xc ** 2, axis=0) + 1e-5)
    xn = xc / std
    dbeta = w.sum(axis=0)
    dgamma = np.sum(xn * w, axis=0)
    dxn = gamma * w
    dxc = dxn / std
    dstd = -np.sum((dxn * xc) / (std * std), axis=0)
    dvar = 0.5 * dstd / std
    dxc += (2.0 / size) * xc * dvar
    dmu = np.sum(dxc, axis=0)
    return {"x": dxc - dmu / size, "gamma": dgamma, "beta": dbeta}


def layernorm_loss(x, gamma, beta, w):
    mean = x.mean(axis=1, keepdims=True)
    var = x.var(axis=1, keepdims=True)
    return np.sum((gamma * (x - mean) / np.sqrt(var + 1e-5) + beta) * w)


def layernorm_gradient(x, gamma, beta, w):
    D = x.shape[1]
    mean = x.mean(axis=1, keepdims=True)
    var = x.var(axis=1, keepdims=True)
    std = np.sqrt(var + 1e-5)
    xhat = (x - mean) / std
    dxhat = w * gamma
    dx = (D * dxhat - dxhat.sum(axis=1, keepdims=True)
          - xhat * (dxhat * xhat).sum(axis=1, keepdims=True)) / (D * std)
    return {"x": dx, "gamma": (w * xhat).sum(axis=0), "beta": w.sum(axis=0)}


def groupnorm_loss(x, gamma, beta, w):
    N, C, H, W = x.shape
    G = 2
    groups = x.reshape(N, G, C // G, H, W)
    mean = groups.mean(axis=(2, 3, 4), keepdims=True)
    var = groups.var(axis=(2, 3, 4), keepdims=True)
    xhat = ((groups - mean) / np.sqrt(var + 1e-5)).reshape(N, C, H, W)
    return np.sum((gamma * xhat + beta) * w)


def groupnorm_gradient(x, gamma, beta, w):
    N, C, H, W = x.shape
    G = 2
    size = C // G * H * W
    groups = x.reshape(N, G, C // G, H, W)
    mean = groups.mean(axis=(2, 3, 4), keepdims=True)
    var = groups.var(axis=(2, 3, 4), keepdims=True)
    std = np.sqrt(var + 1e-5)
    xhat = (groups - mean) / std
    dgamma = np.sum(w * xhat.reshape(N, C, H, W), axis=(0, 2, 3), keepdims=True)
    dbeta = np.sum(w, axis=(0, 2, 3), keepdims=True)
    dxhat = (w * gamma).reshape(N, G, C // G, H, W)
    total = np.sum(dxhat, axis=(2, 3, 4), keepdims=True)
    along = np.sum(dxhat * xhat, axis=(2, 3, 4), keepdims=True)
    dx = (size * dxhat - total - xhat * along) / (size * std)
    return {"x": dx.reshape(N, C, H, W), "gamma": dgamma, "beta": dbeta}


def conv_loss(x, k, b, w):
    N, _, H, W = x.shape
    F, _, HH, WW = k.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="constant")
    out = np.zeros((N, F, H, W))
    for i in range(H):
        for j in range(W):
            for f in range(F):
                window = padded[:, :, i:i + HH, j:j + WW]
                out[:, f, i, j] = np.sum(window * k[f], axis=(1, 2, 3)) + b[f]
    return np.sum(out * w)


def conv_gradient(x, k, b, w):
    _, _, H, W = x.shape
    F, _, HH, WW = k.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="constant")
    dpadded = np.zeros_like(padded)
    dk = np.zeros_like(k)
    db = np.sum(w, axis=(0, 2, 3))
    for i in range(H):
        for j in range(W):
            for f in range(F):
                window = padded[:, :, i:i + HH, j:j + WW]
                dk[f] += np.sum(window * w[:, f, i, j][:, None, None, None], axis=0)
                dpadded[:, :, i:i + HH, j:j + WW] += k[f] * w[:, f, i, j][:, None, None, None]
    return {"x": dpadded[:, :, 1:-1, 1:-1], "k": dk, "b": db}


def conv_offsets_loss(x, k, b, w):
    H, W = w.shape[2:]
    out = b[None, :, None, None]
    for i in range(3):
        for j in range(3):
            window = x[:, :, i:i + H, j:j + W]
            out = out + np.einsum("nchw,fc->nfhw", window, k[:, :, i, j])
    return np.sum(out * w)


def conv_offsets_gradient(x, k, b, w):
    H, W = w.shape[2:]
    dx, dk = np.zeros_like(x), np.zeros_like(k)
    for i in range(3):
        for j in range(3):
            window = x[:, :, i:i + H, j:j + W]
            dk[:, :, i, j] = np.einsum("nfhw,nchw->fc", w, window)
            dx[:, :, i:i + H, j:j + W] += np.einsum("nfhw,fc->nchw", w, k[:, :, i, j])
    return {"x": dx, "k": dk, "b": w.sum(axis=(0, 2, 3))}


def pool_loss(x, w):
    N, C, H, W = x.shape
    out = np.zeros((N, C, H // 2, W // 2))
    for i in range(H // 2):
        for j in range(W // 2):
            window = x[:, :, 2 * i:2 * i + 2, 2 * j:2 * j + 2]
            out[:, :, i, j] = np.max(window, axis=(2, 3))
    return np.sum(out * w)


def pool_gradient(x, w):
    _, _, H, W = x.shape
    dx = np.zeros_like(x)
    for i in range(H // 2):
        for j in range(W // 2):
            window = x[:, :, 2 * i:2 * i + 2, 2 * j:2 * j + 2]
            mask = window == np.max(window, axis=(2, 3), keepdims=True)
            dx[:, :, 2 * i:2 * i + 2, 2 * j:2 * j + 2] += mask * w[:, :, i, j][:, :, None, None]
    return {"x": dx}


def softmax_loss(scores, y):
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    log_probs = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    N = scores.shape[0]
    return -np.sum(log_probs[np.arange(N), y]) / N


def softmax_gradient(scores, y):
    shifted = scores - np.max(scores, axis=1, keepdims=True)
    probs = np.exp(shifted) / np.sum(np.exp(shifted), axis=1, keepdims=True)
    N = scores.shape[0]
    dx = probs.copy()
    dx[np.arange(N), y] -= 1
    dx /= N
    return {"scores": dx}


def svm_loss(scores, y):
    N = scores.shape[0]
    correct = scores[np.arange(N), y]
    margins = np.maximum(0, scores - correct[:, np.newaxis] + 1.0)
    margins[np.arange(N), y] = 0
    return np.sum(margins) / N


def svm_gradient(scores, y):
    N = scores.shape[0]
    correct = scores[np.arange(N), y]
    margins = np.maximum(0, scores - correct[:, np.newaxis] + 1.0)
    margins[np.arange(N), y] = 0
    positive = np.sum(margins > 0, axis=1)
    dx = np.zeros_like(scores)
    dx[margins > 0] = 1
    dx[np.arange(N), y] -= positive
    dx /= N
    return {"scores": dx}


def softmax_error_loss(x, t):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    y = e / np.sum(e, axis=-1, keepdims=True)
    return -np.sum(t * np.log(y)) / y.shape[0]


def softmax_error_gradient(x, t):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    y = e / np.sum(e, axis=-1, keepdims=True)
    return {"x": (y - t) / t.shape[0]}


def two_layer_loss(X, y, W1, b1, W2, b2):
    hidden = np.maximum(0, X.dot(W1) + b1)
    scores = hidden.dot(W2) + b2
    scores = scores - np.max(scores, axis=1, keepdims=True)
    probs = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
    data = -np.mean(np.log(probs[np.arange(X.shape[0]), y]))
    return data + 0.5 * 0.05 * (np.sum(W1 * W1) + np.sum(W2 * W2))


def two_layer_gradient(X, y, W1, b1, W2, b2):
    N = X.shape[0]
    hidden = np.maximum(0, X.dot(W1) + b1)
    scores = hidden.dot(W2) + b2
    scores = scores - np.max(scores, axis=1, keepdims=True)
    probs = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
    dscores = probs
    dscores[np.arange(N), y] -= 1
    dscores /= N
    dW2 = hidden.T.dot(dscores) + 0.05 * W2
    db2 = np.sum(dscores, axis=0)
    dhidden = dscores.dot(W2.T)
    dhidden[hidden <= 0] = 0
    dW1 = X.T.dot(dhidden) + 0.05 * W1
    db1 = np.sum(dhidden, axis=0)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


def temporal_affine_loss(x, W, b, w):
    N, T, D = x.shape
    out = x.reshape(N * T, D).dot(W).reshape(N, T, W.shape[1]) + b
    return np.sum(out * w)


def temporal_affine_gradient(x, W, b, w):
    N, T, D = x.shape
    M = b.shape[0]
    dx = w.reshape(N * T, M).dot(W.T).reshape(N, T, D)
    dW = w.reshape(N * T, M).T.dot(x.reshape(N * T, D)).T
    return {"x": dx, "W": dW, "b": w.sum(axis=(0, 1))}


def dropout_loss(x, mask, w):
    return np.sum(x * mask / 0.8 * w)


def dropout_gradient(x, mask, w):
    return {"x": w * mask / 0.8}


# --- recurrent, right; T = 3 --------------------------------------------------------------------

STEPS = 3


def rnn_loss(x, h0, Wx, Wh, b, w):
    h, total = h0, 0.0
    for t in range(STEPS):
        h = np.tanh(x[:, t] @ Wx + h @ Wh + b)
        total = total + np.sum(h * w[:, t])
    return total


def rnn_gradient(x, h0, Wx, Wh, b, w):
    states = [h0]
    for t in range(STEPS):
        states.append(np.tanh(x[:, t] @ Wx + states[-1] @ Wh + b))
    dx = np.zeros_like(x)
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
    carry = np.zeros_like(h0)
    for t in reversed(range(STEPS)):
        dh = w[:, t] + carry
        dz = dh * (1 - states[t + 1] ** 2)
        dx[:, t] = dz @ Wx.T
        carry = dz @ Wh.T
        dWx += x[:, t].T @ dz
        dWh += states[t].T @ dz
        db += dz.sum(axis=0)
    return {"x": dx, "h0": carry, "Wx": dWx, "Wh": dWh, "b": db}


def logistic(z):
    return 1 / (1 + np.exp(-z))


def lstm_loss(x, h0, Wx, Wh, b, w):
    H = h0.shape[1]
    h, c, total = h0, np.zeros_like(h0), 0.0
    for t in range(STEPS):
        a = x[:, t] @ Wx + h @ Wh + b
        i, f = logistic(a[:, :H]), logistic(a[:, H:2 * H])
        o, g = logistic(a[:, 2 * H:3 * H]), np.tanh(a[:, 3 * H:])
        c = f * c + i * g
        h = o * np.tanh(c)
        total = total + np.sum(h * w[:, t])
    return total


def lstm_caches(x, h0, Wx, Wh, b):
    H = h0.shape[1]
    h, c, caches = h0, np.zeros_like(h0), []
    for t in range(STEPS):
        a = x[:, t] @ Wx + h @ Wh + b
        i, f = logistic(a[:, :H]), logistic(a[:, H:2 * H])
        o, g = logistic(a[:, 2 * H:3 * H]), np.tanh(a[:, 3 * H:])
        before, c_before = h, c
        c = f * c + i * g
        h = o * np.tanh(c)
        caches.append((before, c_before, c, i, f, o, g))
    return caches


def lstm_gradient(x, h0, Wx, Wh, b, w):
    caches = lstm_caches(x, h0, Wx, Wh, b)
    dx = np.zeros_like(x)
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
    dh_carry, dc_carry = np.zeros_like(h0), np.zeros_like(h0)
    for t in reversed(range(STEPS)):
        before, c_before, c, i, f, o, g = caches[t]
        dh = w[:, t] + dh_carry
        dc = dc_carry + dh * o * (1 - np.tanh(c) ** 2)
        di, df, do, dg = dc * g, dc * c_before, dh * np.tanh(c), dc * i
        da = np.hstack((di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g ** 2)))
        dx[:, t] = da @ Wx.T
        dh_carry, dc_carry = da @ Wh.T, dc * f
        dWx += x[:, t].T @ da
        dWh += before.T @ da
        db += da.sum(axis=0)
    return {"x": dx, "h0": dh_carry, "Wx": dWx, "Wh": dWh, "b": db}


def char_loss(inputs, targets, Wxh, Whh, Why, bh, by):
    h, loss = np.zeros((Whh.shape[0], 1)), 0.0
    for t in range(STEPS):
        x = np.zeros((Wxh.shape[1], 1))
        x[inputs[t]] = 1
        h = np.tanh(np.dot(Wxh, x) + np.dot(Whh, h) + bh)
        y = np.dot(Why, h) + by
        p = np.exp(y) / np.sum(np.exp(y))
        loss += -np.log(p[targets[t], 0])
    return loss


def char_gradient(inputs, targets, Wxh, Whh, Why, bh, by):
    xs, hs, ps = {}, {-1: np.zeros((Whh.shape[0], 1))}, {}
    for t in range(STEPS):
        xs[t] = np.zeros((Wxh.shape[1], 1))
        xs[t][inputs[t]] = 1
        hs[t] = np.tanh(np.dot(Wxh, xs[t]) + np.dot(Whh, hs[t - 1]) + bh)
        y = np.dot(Why, hs[t]) + by
        ps[t] = np.exp(y) / np.sum(np.exp(y))
    dWxh, dWhh, dWhy = np.zeros_like(Wxh), np.zeros_like(Whh), np.zeros_like(Why)
    dbh, dby = np.zeros_like(bh), np.zeros_like(by)
    dhnext = np.zeros_like(hs[0])
    for t in reversed(range(STEPS)):
        dy = np.copy(ps[t])
        dy[targets[t]] -= 1
        dWhy += np.dot(dy, hs[t].T)
        dby += dy
        dh = np.dot(Why.T, dy) + dhnext
        dhraw = (1 - hs[t] * hs[t]) * dh
        dbh += dhraw
        dWxh += np.dot(dhraw, xs[t].T)
        dWhh += np.dot(dhraw, hs[t - 1].T)
        dhnext = np.dot(Whh.T, dhraw)
    return {"Wxh": dWxh, "Whh": dWhh, "Why": dWhy, "bh": dbh, "by": dby}


RIGHT = (
    Case("affine", affine_loss, affine_gradient,
         {"x": "m n", "W": "n h", "b": "h", "w": "m h"}, ("x", "W", "b")),
    Case("affine, flattened input", affine_flat_loss, affine_flat_gradient,
         {"x": "m 2 3", "W": "6 h", "b": "h", "w": "m h"}, ("x", "W", "b")),
    Case("relu", relu_loss, relu_gradient, {"x": "m n", "w": "m n"}, ("x",)),
    Case("sigmoid", sigmoid_loss, sigmoid_gradient, {"x": "m n", "w": "m n"}, ("x",)),
    Case("dropout, mask given", dropout_loss, dropout_gradient,
         {"x": "m n", "mask": array("mask", "m n", "mask"), "w": "m n"}, ("x",)),
    Case("batch norm, step by step", batchnorm_loss, batchnorm_gradient,
         {"x": "m n", "gamma": "n", "beta": "n", "w": "m n"}, ("x", "gamma", "beta")),
    Case("batch norm, in one line", batchnorm_loss, batchnorm_short_gradient,
         {"x": "m n", "gamma": "n", "beta": "n", "w": "m n"}, ("x", "gamma", "beta")),
    Case("batch norm, as a layer class", batchnorm_loss, batchnorm_class_gradient,
         {"x": "m n", "gamma": "n", "beta": "n", "w": "m n"}, ("x", "gamma", "beta")),
    Case("layer norm", layernorm_loss, layernorm_gradient,
         {"x": "m n", "gamma": "n", "beta": "n", "w": "m n"}, ("x", "gamma", "beta")),
    Case("group norm", groupnorm_loss, groupnorm_gradient,
         {"x": "m 4 h k", "gamma": "1 4 1 1", "beta": "1 4 1 1", "w": "m 4 h k"},
         ("x", "gamma", "beta")),
    Case("convolution, by loops", conv_loss, conv_gradient,
         {"x": "m c 3 3", "k": "2 c 3 3", "b": "2", "w": "m 2 3 3"}, ("x", "k", "b")),
    Case("convolution, by kernel offsets", conv_offsets_loss, conv_offsets_gradient,
         {"x": "m c 6 5", "k": "f c 3 3", "b": "f", "w": "m f 4 3"}, ("x", "k", "b")),
    Case("max pool, by loops", pool_loss, pool_gradient,
         {"x": "m c 4 4", "w": "m c 2 2"}, ("x",)),
    Case("softmax loss, labels", softmax_loss, softmax_gradient,
         {"scores": "m k", "y": array("y", "m", "labels", "k")}, ("scores",)),
    Case("softmax with loss, one-hot", softmax_error_loss, softmax_error_gradient,
         {"x": "m k", "t": array("t", "m k", "one_hot")}, ("x",)),
    Case("SVM loss", svm_loss, svm_gradient,
         {"scores": "m k", "y": array("y", "m", "labels", "k")}, ("scores",)),
    Case("two-layer net, softmax and L2", two_layer_loss, two_layer_gradient,
         {"X": "m n", "y": array("y", "m", "labels", "k"), "W1": "n h", "b1": "h", "W2": "h k",
          "b2": "k"}, ("W1", "b1", "W2", "b2")),
    Case("affine over time", temporal_affine_loss, temporal_affine_gradient,
         {"x": "m t n", "W": "n h", "b": "h", "w": "m t h"}, ("x", "W", "b")),
    Case("RNN", rnn_loss, rnn_gradient,
         {"x": "m 3 d", "h0": "m h", "Wx": "d h", "Wh": "h h", "b": "h", "w": "m 3 h"},
         ("x", "h0", "Wx", "Wh", "b")),
    Case("LSTM", lstm_loss, lstm_gradient,
         {"x": "m 3 d", "h0": "m 2", "Wx": "d 8", "Wh": "2 8", "b": "8", "w": "m 3 2"},
         ("x", "h0", "Wx", "Wh", "b")),
    Case("character RNN", char_loss, char_gradient,
         {"inputs": array("inputs", "3", "labels", "v"),
          "targets": array("targets", "3", "labels", "v"), "Wxh": "h v", "Whh": "h h",
          "Why": "v h", "bh": "h 1", "by": "v 1"}, ("Wxh", "Whh", "Why", "bh", "by")),
)


# --- wrong, as found in public code -------------------------------------------------------------


def gelu_loss(x, w):
    inner = np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3)
    return np.sum(0.5 * x * (1 + np.tanh(inner)) * w)


def erf(x):
    """The error function, entry by entry."""
    return np.array([math.erf(number) for number in x.ravel()]).reshape(x.shape)


def gelu_gradient(x, w):
    slope = 0.5 * (1 + erf(x / np.sqrt(2))) + x * np.exp(-x ** 2 / 2) / np.sqrt(2 * np.pi)
    return {"x": w * slope}


def elu_loss(x, w):
    return np.sum(np.where(x > 0.0, x, 0.1 * (np.exp(x) - 1)) * w)


def elu_gradient(x, w):
    slope = x > 0.0 + 0.1 * np.exp(x)
    return {"x": w * slope}


def dense_softmax_loss(X, Y, W, b):
    e = np.exp(X @ W + b)
    p = e / np.sum(e, axis=1, keepdims=True)
    return -np.sum(Y * np.log(p)) / X.shape[0]


def dense_softmax_gradient(X, Y, W, b):
    e = np.exp(X @ W + b)
    p = e / np.sum(e, axis=1, keepdims=True)
    dp = -Y / p / X.shape[0]
    dz = dp * p * (1 - p)
    return {"W": X.T @ dz, "b": dz.sum(axis=0)}


def gate_slope(z):
    s = logistic(z)
    return s * (1 - s)


def plain_rnn_loss(x, U, V, W, y):
    h, total = np.zeros((U.shape[0], 1)), 0.0
    for t in range(STEPS):
        h = logistic(U @ x[t] + V @ h)
        total = total + np.sum((W @ h - y[t]) ** 2) / 2
    return total


def rnn_states(x, U, V, steps):
    states = [np.zeros((U.shape[0], 1))]
    for t in range(steps):
        states.append(logistic(U @ x[t] + V @ states[-1]))
    return states


def rnn_wrong_slope(x, U, V, W, y):
    """σ'(σ(z)): the slope is applied to the activation."""
    states = rnn_states(x, U, V, STEPS)
    dU, dV, dW = np.zeros_like(U), np.zeros_like(V), np.zeros_like(W)
    carry = np.zeros_like(states[0])
    for t in reversed(range(STEPS)):
        dout = W @ states[t + 1] - y[t]
        dW += dout @ states[t + 1].T
        dz = (W.T @ dout + carry) * gate_slope(states[t + 1])
        dU += dz @ x[t].T
        dV += dz @ states[t].T
        carry = V.T @ dz
    return {"U": dU, "V": dV, "W": dW}


def rnn_off_by_one(x, U, V, W, y):
    """The recurrent weight sees the state of the same step."""
    states = rnn_states(x, U, V, STEPS)
    dU, dV, dW = np.zeros_like(U), np.zeros_like(V), np.zeros_like(W)
    carry = np.zeros_like(states[0])
    for t in reversed(range(STEPS)):
        dout = W @ states[t + 1] - y[t]
        dW += dout @ states[t + 1].T
        dz = (W.T @ dout + carry) * states[t + 1] * (1 - states[t + 1])
        dU += dz @ x[t].T
        dV += dz @ states[t + 1].T
        carry = V.T @ dz
    return {"U": dU, "V": dV, "W": dW}


def rnn_no_carry(x, U, V, W, y):
    """Nothing goes back through time."""
    states = rnn_states(x, U, V, STEPS)
    dU, dV, dW = np.zeros_like(U), np.zeros_like(V), np.zeros_like(W)
    for t in reversed(range(STEPS)):
        dout = W @ states[t + 1] - y[t]
        dW += dout @ states[t + 1].T
        dz = (W.T @ dout) * states[t + 1] * (1 - states[t + 1])
        dU += dz @ x[t].T
        dV += dz @ states[t].T
    return {"U": dU, "V": dV, "W": dW}


def lstm_wrong_slope(x, h0, Wx, Wh, b, w):
    """The gates' slopes are taken at their outputs, and the cell's carry is missing."""
    caches = lstm_caches(x, h0, Wx, Wh, b)
    dWx, dWh, db = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
    carry = np.zeros_like(h0)
    for t in reversed(range(STEPS)):
        before, c_before, c, i, f, o, g = caches[t]
        dh = w[:, t] + carry
        dc = dh * o * (1 - np.tanh(c) ** 2)
        da = np.hstack((dc * g * gate_slope(i), dc * c_before * gate_slope(f),
                        dh * np.tanh(c) * gate_slope(o), dc * i * (1 - g ** 2)))
        carry = da @ Wh.T
        dWx += x[:, t].T @ da
        dWh += before.T @ da
        db += da.sum(axis=0)
    return {"Wx": dWx, "Wh": dWh, "b": db}


def mlp_loss(X, Y, W1, b1, W2, b2):
    h = np.maximum(0, X @ W1 + b1)
    return np.sum((h @ W2 + b2 - Y) ** 2) / X.shape[0]


def relu_on_the_gradient(X, Y, W1, b1, W2, b2):
    h = np.maximum(0, X @ W1 + b1)
    d2 = 2 * (h @ W2 + b2 - Y) / X.shape[0]
    dh = d2 @ W2.T
    dz = np.maximum(0, dh)
    return {"W1": X.T @ dz, "b1": dz.sum(axis=0), "W2": h.T @ d2, "b2": d2.sum(axis=0)}


RNN = {"x": "3 d 1", "U": "h d", "V": "h h", "W": "o h", "y": "3 o 1"}
LSTM = {"x": "m 3 d", "h0": "m 2", "Wx": "d 8", "Wh": "2 8", "b": "8", "w": "m 3 2"}

WRONG = (
    Case("GELU: tanh forward, erf slope (numpy-ml)", gelu_loss, gelu_gradient,
         {"x": "m n", "w": "m n"}, ("x",),
         cause=("another formula for nearly the same function",), wrong=("x",)),
    Case("ELU: x > 0.0 + … is a boolean (tinynn)", elu_loss, elu_gradient,
         {"x": "m n", "w": "m n"}, ("x",), cause=("slope = x > 0.0 +",), wrong=("x",)),
    Case("softmax differentiated elementwise (ML-From-Scratch)", dense_softmax_loss,
         dense_softmax_gradient,
         {"X": "m n", "Y": array("Y", "m k", "one_hot"), "W": "n k", "b": "k"}, ("W", "b"),
         cause=("dz = dp * p * (1 - p)",), wrong=("W", "b")),
    Case("RNN: σ'(σ(z)) (rnn_lstm_from_scratch)", plain_rnn_loss, rnn_wrong_slope, RNN,
         ("U", "V", "W"), wrong=("U", "V"), repairs=4.0, cause=(
             "s = logistic(z)", "- dz = (W.T @ dout + carry) * gate_slope(states[t + 1])")),
    Case("RNN: σ'(σ(z)), no edit looked for", plain_rnn_loss, rnn_wrong_slope, RNN,
         ("U", "V", "W"), wrong=("U", "V"),
         cause=("dz = (W.T @ dout + carry) * gate_slope(states[t + 1])",)),
    Case("RNN: states off by one step (rnn_lstm_from_scratch)", plain_rnn_loss, rnn_off_by_one,
         RNN, ("U", "V", "W"), cause=("dV += dz @ states[t + 1].T",), wrong=("V",)),
    Case("RNN: no carry through time (rnn_lstm_from_scratch)", plain_rnn_loss, rnn_no_carry, RNN,
         ("U", "V", "W"), cause=("dU += dz @ x[t].T", "dz = (W.T @ dout)"), wrong=("U", "V")),
    Case("LSTM: σ'(σ(z)), no carry of the cell (rnn_lstm_from_scratch)", lstm_loss,
         lstm_wrong_slope, LSTM, ("Wx", "Wh", "b"),
         cause=("Wx: refuted",), wrong=("Wx", "Wh", "b")),  # two mistakes: no line explains both
    Case("ReLU applied to the gradient (course templates)", mlp_loss, relu_on_the_gradient,
         {"X": "m n", "Y": "m k", "W1": "n h", "b1": "h", "W2": "h k", "b2": "k"},
         ("W1", "b1", "W2", "b2"), cause=("dz = np.maximum(0, dh)",),
         wrong=("W1", "b1")),
)
