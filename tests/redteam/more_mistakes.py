"""Mistakes in passes of other kinds: depth, softmax, residuals, norms, convolution, attention,
recurrences; dicts, loops, helper functions, classes.

A program's rows: what is wrong, the edit of its right gradient, and further lines that may be
named instead of the changed one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradproof as gp


@dataclass(frozen=True)
class Program:
    """A loss and its right gradient in one source, with the inputs of both."""

    source: str
    inputs: dict[str, Any]
    wrt: tuple[str, ...]


DEEP = Program('''import numpy as np


def softmax(Z):
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


def forward(X, params):
    cache = [X]
    for i in range(1, 5):
        Z = cache[-1] @ params[f"W{i}"] + params[f"b{i}"]
        cache.append(np.maximum(0, Z) if i < 4 else softmax(Z))
    return cache


def loss(X, Y, params):
    P = forward(X, params)[-1]
    return -np.mean(np.sum(Y * np.log(P), axis=1))


def relu_back(delta, A):
    return delta * (A > 0)


def gradient(X, Y, params):
    cache = forward(X, params)
    n = len(X)
    grads = {}
    delta = (cache[-1] - Y) / n
    for i in reversed(range(1, 5)):
        A_prev = cache[i - 1]
        grads[f"W{i}"] = A_prev.T @ delta
        grads[f"b{i}"] = np.sum(delta, axis=0)
        if i > 1:
            delta = delta @ params[f"W{i}"].T
            delta = relu_back(delta, A_prev)
    return grads
''', {"X": "m a", "Y": gp.Array("m k", kind="one_hot"), "params": {
    "W1": "a b", "b1": "b", "W2": "b c", "b2": "c", "W3": "c d", "b3": "d", "W4": "d k",
    "b4": "k"}}, tuple(f"{kind}{i}" for i in range(1, 5) for kind in "Wb"))

RESIDUAL = Program('''import numpy as np


def loss(X, Y, U, V, w):
    H = np.tanh(X @ U)
    R = X + H @ V
    p = R @ w
    return 0.5 * np.mean((p - Y) ** 2)


def gradient(X, Y, U, V, w):
    m = X.shape[0]
    H = np.tanh(X @ U)
    R = X + H @ V
    p = R @ w
    g_p = (p - Y) / m
    g_w = R.T @ g_p
    g_R = np.outer(g_p, w)
    g_V = H.T @ g_R
    g_H = g_R @ V.T
    g_S = g_H * (1 - H * H)
    g_U = X.T @ g_S
    g_X = g_R + g_S @ U.T
    return {"U": g_U, "V": g_V, "w": g_w, "X": g_X}
''', {"X": "m n", "Y": "m", "U": "n h", "V": "h n", "w": "n"}, ("U", "V", "w", "X"))

NORM = Program('''import numpy as np

EPS = 1e-5


def normalise(x):
    mu = x.mean(axis=1, keepdims=True)
    xc = x - mu
    var = (xc ** 2).mean(axis=1, keepdims=True)
    inv = 1 / np.sqrt(var + EPS)
    return xc * inv, inv


def loss(x, gamma, beta, t):
    xhat, _ = normalise(x)
    y = gamma * xhat + beta
    return np.sum((y - t) ** 2)


def gradient(x, gamma, beta, t):
    xhat, inv = normalise(x)
    y = gamma * xhat + beta
    dy = 2 * (y - t)
    dgamma = (dy * xhat).sum(axis=0)
    dbeta = dy.sum(axis=0)
    dxhat = dy * gamma
    mean1 = dxhat.mean(axis=1, keepdims=True)
    mean2 = (dxhat * xhat).mean(axis=1, keepdims=True)
    dx = inv * (dxhat - mean1 - xhat * mean2)
    return dx, dgamma, dbeta
''', {"x": "m n", "gamma": "n", "beta": "n", "t": "m n"}, ("x", "gamma", "beta"))

CONV = Program('''import numpy as np


def convolve(x, k):
    n = x.shape[0] - 2
    return sum(k[j] * x[j:j + n] for j in range(3))


def loss(x, k, b, v):
    z = convolve(x, k) + b
    a = np.tanh(z)
    return (a * v).sum()


def gradient(x, k, b, v):
    n = x.shape[0] - 2
    z = convolve(x, k) + b
    a = np.tanh(z)
    da = v
    dz = da * (1 - a ** 2)
    db = dz.sum()
    dk = np.zeros(3)
    dx = np.zeros_like(x)
    for j in range(3):
        dk[j] = (x[j:j + n] * dz).sum()
        dx[j:j + n] += k[j] * dz
    return {"x": dx, "k": dk, "b": db, "v": a}
''', {"x": "n+2", "k": "3", "b": "", "v": "n"}, ("x", "k", "b", "v"))

ATTENTION = Program('''import numpy as np


def rows_softmax(S):
    E = np.exp(S)
    return E / E.sum(axis=-1, keepdims=True)


def loss(Q, K, V, G):
    d = Q.shape[1]
    P = rows_softmax(Q @ K.T / np.sqrt(d))
    return np.sum(G * (P @ V))


def softmax_back(dP, P):
    return P * (dP - (dP * P).sum(axis=-1, keepdims=True))


def gradient(Q, K, V, G):
    d = Q.shape[1]
    P = rows_softmax(Q @ K.T / np.sqrt(d))
    dV = P.T @ G
    dP = G @ V.T
    dS = softmax_back(dP, P)
    dQ = dS @ K / np.sqrt(d)
    dK = dS.T @ Q / np.sqrt(d)
    return dict(Q=dQ, K=dK, V=dV)
''', {"Q": "s d", "K": "t d", "V": "t e", "G": "s e"}, ("Q", "K", "V"))

RECURRENT = Program('''import numpy as np

STEPS = 3


def loss(x, Wx, Wh, w, y):
    h = np.zeros(Wh.shape[0])
    total = 0.0
    for t in range(STEPS):
        h = np.tanh(Wx @ x[t] + Wh @ h)
        total = total + 0.5 * (w @ h - y[t]) ** 2
    return total


def gradient(x, Wx, Wh, w, y):
    hs = [np.zeros(Wh.shape[0])]
    for t in range(STEPS):
        hs.append(np.tanh(Wx @ x[t] + Wh @ hs[-1]))
    dWx, dWh, dw = np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(w)
    carry = np.zeros(Wh.shape[0])
    for t in reversed(range(STEPS)):
        e = w @ hs[t + 1] - y[t]
        dw += e * hs[t + 1]
        dh = e * w + carry
        dz = dh * (1 - hs[t + 1] ** 2)
        dWx += np.outer(dz, x[t])
        dWh += np.outer(dz, hs[t])
        carry = Wh.T @ dz
    return {"Wx": dWx, "Wh": dWh, "w": dw}
''', {"x": "3 n", "Wx": "h n", "Wh": "h h", "w": "h", "y": "3"}, ("Wx", "Wh", "w"))

CLASSES = Program('''import numpy as np


class Dense:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, g):
        self.dW = self.x.T @ g
        self.db = g.sum(axis=0)
        return g @ self.W.T


class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, g):
        return g * (1 - self.y ** 2)


class Squared:
    def forward(self, p, t):
        self.p, self.t = p, t
        return np.mean(np.sum((p - t) ** 2, axis=1))

    def backward(self):
        return 2 * (self.p - self.t) / len(self.p)


def loss(X, Y, W1, b1, W2, b2, W3, b3):
    H = np.tanh(np.tanh(X @ W1 + b1) @ W2 + b2)
    return np.mean(np.sum((H @ W3 + b3 - Y) ** 2, axis=1))


def gradient(X, Y, W1, b1, W2, b2, W3, b3):
    layers = [Dense(W1, b1), Tanh(), Dense(W2, b2), Tanh(), Dense(W3, b3)]
    out = X
    for layer in layers:
        out = layer.forward(out)
    end = Squared()
    end.forward(out, Y)
    g = end.backward()
    for layer in layers[::-1]:
        g = layer.backward(g)
    dense = [layer for layer in layers if isinstance(layer, Dense)]
    return [a for layer in dense for a in (layer.dW, layer.db)]
''', {"X": "m n", "Y": "m k", "W1": "n h", "b1": "h", "W2": "h p", "b2": "p", "W3": "p k",
      "b3": "k"}, ("W1", "b1", "W2", "b2", "W3", "b3"))

LOGISTIC = Program('''import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def loss(X, y, w, b, lam):
    p = sigmoid(X @ w + b)
    data = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    return data + lam / 2 * np.sum(w ** 2)


def gradient(X, y, w, b, lam):
    m = X.shape[0]
    p = sigmoid(X @ w + b)
    error = p - y
    penalty = lam * w
    dw = X.T @ error / m + penalty
    db = np.mean(error)
    return dw, db
''', {"X": "m n", "y": "m", "w": "n", "b": "", "lam": ""}, ("w", "b"))

TIED = Program('''import numpy as np


def sig(z):
    return 1.0 / (1.0 + np.exp(-z))


def loss(x, W, b, c):
    code = sig(W @ x + b)
    back = W.T @ code + c
    return 0.5 * np.sum((back - x) ** 2)


def gradient(x, W, b, c):
    code = sig(W @ x + b)
    back = W.T @ code + c
    r = back - x
    gc = r
    g_code = W @ r
    g_pre = g_code * code * (1 - code)
    gb = g_pre
    from_encoder = np.outer(g_pre, x)
    from_decoder = np.outer(code, r)
    gW = from_encoder + from_decoder
    return {"W": gW, "b": gb, "c": gc}
''', {"x": "n", "W": "h n", "b": "h", "c": "n"}, ("W", "b", "c"))

GATED = Program('''import numpy as np


def sigma(z):
    return 1 / (1 + np.exp(-z))


def loss(x, h, Wz, Uz, Wc, Uc, v):
    z = sigma(Wz @ x + Uz @ h)
    c = np.tanh(Wc @ x + Uc @ h)
    new = z * h + (1 - z) * c
    return v @ new


def gradient(x, h, Wz, Uz, Wc, Uc, v):
    z = sigma(Wz @ x + Uz @ h)
    c = np.tanh(Wc @ x + Uc @ h)
    dnew = v
    dz = dnew * (h - c)
    dc = dnew * (1 - z)
    dzi = dz * z * (1 - z)
    dci = dc * (1 - c ** 2)
    dh = dnew * z + Uz.T @ dzi + Uc.T @ dci
    out = {}
    out["Wz"], out["Uz"] = np.outer(dzi, x), np.outer(dzi, h)
    out["Wc"], out["Uc"] = np.outer(dci, x), np.outer(dci, h)
    out["h"] = dh
    return out
''', {"x": "n", "h": "k", "Wz": "k n", "Uz": "k k", "Wc": "k n", "Uc": "k k", "v": "k"},
    ("Wz", "Uz", "Wc", "Uc", "h"))


@dataclass(frozen=True)
class Variation:
    """`old` becomes `new` in the gradient of a program; one of `lines` is the wrong line."""

    name: str
    program: Program
    source: str
    lines: tuple[str, ...]


def of(kind: str, program: Program, rows: list[tuple[str, ...]]) -> list[Variation]:
    """Rows (name, old, new, further lines …); the last place of `old` is meant."""
    found = []
    for name, old, new, *more in rows:
        before, _, after = program.source.rpartition(old)
        assert before, old
        wrong = before + new + after
        changed = wrong.split("\n")[before.count("\n") + (new.count("\n") if new.startswith(
            old) else 0)]
        found.append(Variation(f"{kind}: {name}", program, wrong, (changed.strip(), *more)))
    return found


VARIATIONS = [
    *of("deep", DEEP, [
        ("no mask", "            delta = relu_back(delta, A_prev)\n", "",
         "delta = delta @ params[f\"W{i}\"].T"),
        ("a mask too high", "return delta * (A > 0)", "return delta * (A > 0.5)"),
        ("not averaged", "(cache[-1] - Y) / n", "cache[-1] - Y"),
        ("the softmax's slope too", "(cache[-1] - Y) / n",
         "(cache[-1] - Y) * cache[-1] * (1 - cache[-1]) / n"),
        ("relu's slope is its value", "return delta * (A > 0)", "return delta * A"),
        ("a bias averaged", "np.sum(delta, axis=0)", "np.mean(delta, axis=0)"),
        ("the sign", "(cache[-1] - Y) / n", "(Y - cache[-1]) / n"),
    ]),
    *of("residual", RESIDUAL, [
        ("no skip", "g_X = g_R + g_S @ U.T", "g_X = g_S @ U.T"),
        ("the slope of the input", "1 - H * H", "1 - H"),
        ("the branch reads the loss's error", "g_V = H.T @ g_R", "g_V = H.T @ g_R / m"),
        ("the other activation", "g_w = R.T @ g_p", "g_w = H.T @ g_p"),
        ("the slope of σ", "(1 - H * H)", "H * (1 - H)"),
        ("not averaged", "g_p = (p - Y) / m", "g_p = p - Y"),
        ("twice", "g_p = (p - Y) / m", "g_p = 2 * (p - Y) / m"),
    ]),
    *of("norm", NORM, [
        ("no mean", "dxhat - mean1 - xhat", "dxhat - xhat"),
        ("no projection", " - xhat * mean2", ""),
        ("γ forgotten", "dxhat = dy * gamma", "dxhat = dy"),
        ("β for γ", "dxhat = dy * gamma", "dxhat = dy * beta"),
        ("the factor of two", "dy = 2 * (y - t)", "dy = y - t"),
        ("x for x̂", "dgamma = (dy * xhat)", "dgamma = (dy * x)"),
        ("a sum for a mean", "mean1 = dxhat.mean(", "mean1 = dxhat.sum("),
        ("the wrong axis", "(dxhat * xhat).mean(axis=1", "(dxhat * xhat).mean(axis=0"),
    ]),
    *of("convolution", CONV, [
        ("no slope", "dz = da * (1 - a ** 2)", "dz = da"),
        ("the slope at z", "1 - a ** 2", "1 - z ** 2"),
        ("overwritten", "dx[j:j + n] += k[j] * dz", "dx[j:j + n] = k[j] * dz"),
        ("the kernel turned round", "dx[j:j + n] += k[j] * dz", "dx[j:j + n] += k[2 - j] * dz"),
        ("the entry of the kernel", "(x[j:j + n] * dz)", "(x[0:n] * dz)"),
        ("a mean", "db = dz.sum()", "db = dz.mean()"),
    ]),
    *of("attention", ATTENTION, [
        ("softmax entry by entry", "return P * (dP - (dP * P).sum(axis=-1, keepdims=True))",
         "return P * (1 - P) * dP"),
        ("not scaled", "dQ = dS @ K / np.sqrt(d)", "dQ = dS @ K"),
        ("no softmax", "dS = softmax_back(dP, P)", "dS = dP"),
        ("P transposed", "dV = P.T @ G", "dV = np.exp(P).T @ G"),
        ("scaled by d", "dK = dS.T @ Q / np.sqrt(d)", "dK = dS.T @ Q / d"),
    ]),
    *of("recurrent", RECURRENT, [
        ("no carry", "dh = e * w + carry", "dh = e * w"),
        ("the state after", "np.outer(dz, hs[t])", "np.outer(dz, hs[t + 1])"),
        ("no slope", "dz = dh * (1 - hs[t + 1] ** 2)", "dz = dh",
         "dh = e * w + carry"),
        ("no transpose", "carry = Wh.T @ dz", "carry = Wh @ dz"),
        ("carry before the slope", "carry = Wh.T @ dz", "carry = Wh.T @ dh"),
        ("the slope of the state before", "hs[t + 1] ** 2", "hs[t] ** 2"),
        ("overwritten", "dWx += np.outer", "dWx = np.outer"),
    ]),
    *of("classes", CLASSES, [
        ("the slope", "g * (1 - self.y ** 2)", "g * (1 - self.y)"),
        ("not averaged", "2 * (self.p - self.t) / len(self.p)", "2 * (self.p - self.t)"),
        ("a mean", "self.db = g.sum(axis=0)", "self.db = g.mean(axis=0)"),
        ("tanh kept before", "self.y = np.tanh(x)", "self.y = x"),
        ("the factor of two", "2 * (self.p - self.t) / len", "(self.p - self.t) / len"),
    ]),
    *of("logistic", LOGISTIC, [
        ("penalised twice", "penalty = lam * w", "penalty = 2 * lam * w"),
        ("the penalty averaged", "X.T @ error / m + penalty", "(X.T @ error + penalty) / m"),
        ("no mean", "db = np.mean(error)", "db = np.sum(error)"),
        ("the slope too", "error = p - y", "error = (p - y) * p * (1 - p)"),
        ("no penalty", " + penalty", ""),
        ("the sign", "error = p - y", "error = y - p"),
    ]),
    *of("tied", TIED, [
        ("no decoder", "gW = from_encoder + from_decoder", "gW = from_encoder"),
        ("the pre-activation", "np.outer(g_pre, x)", "np.outer(g_code, x)"),
        ("a bias before the slope", "gb = g_pre", "gb = g_code"),
        ("the slope of tanh", "g_code * code * (1 - code)", "g_code * (1 - code ** 2)"),
        ("the other product", "np.outer(code, r)", "np.outer(code, back)"),
        ("the slope forgotten", "g_code * code * (1 - code)", "g_code"),
    ]),
    *of("gated", GATED, [
        ("the gate's other half", "dc = dnew * (1 - z)", "dc = dnew * z"),
        ("the sign of the difference", "dz = dnew * (h - c)", "dz = dnew * (c - h)"),
        ("no slope of the gate", "dzi = dz * z * (1 - z)", "dzi = dz"),
        ("σ for tanh", "dci = dc * (1 - c ** 2)", "dci = dc * c * (1 - c)"),
        ("no direct way", "dh = dnew * z + Uz.T", "dh = Uz.T"),
        ("no transpose", "Uc.T @ dci", "Uc @ dci"),
    ]),
]
