"""What people write in a loss, as a text and as the NumPy that it means: one row for each."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import gradproof as gp
from gradproof.symbolic.equation import Array, size_symbol
from gradproof.symbolic.shapes import parse_shape

SIZES = {"m": 5, "n": 4, "k": 3, "T": 6, "d": 2, "t": 7, "h": 8, "c": 4, "f": 6}


class Saying(NamedTuple):
    """A text, the shapes of its inputs, and the NumPy function of them that it means; `traced`
    where a trace sees the function, too."""

    text: str
    shapes: dict[str, Any]
    meant: Callable[..., Any]
    traced: bool = True


def labels(shape: str, classes: str | int) -> Array:
    return gp.Array(shape, kind="labels", classes=classes)


def positive(shape: str) -> Array:
    return gp.Array(shape, kind="positive")


def between(shape: str) -> Array:
    return gp.Array(shape, kind="interval", low=0, high=1)


lgamma, erf = np.vectorize(math.lgamma), np.vectorize(math.erf)


def log_softmax(z):
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


LABELS = {
    "picked": Saying("L = -mean(log_softmax(Z)[arange(m), y])",
                     {"Z": "m k", "y": labels("m", "k")},
                     lambda Z, y: -np.mean(log_softmax(Z)[np.arange(Z.shape[0]), y])),
    "one-hot": Saying("L = -mean(sum(one_hot(y)*log_softmax(Z), axis=1))",
                      {"Z": "m k", "y": labels("m", "k")},
                      lambda Z, y: -np.mean((np.eye(Z.shape[1])[y] * log_softmax(Z)).sum(1))),
    "one-hot of so many": Saying("L = sum((one_hot(y, k) @ W)**2)",
                                 {"W": "k n", "y": labels("T m", "k")},
                                 lambda W, y: np.sum((np.eye(W.shape[0])[y] @ W) ** 2)),
    "rows of eye": Saying("L = sum(eye(k)[y]*Z**2)", {"Z": "m k", "y": labels("m", "k")},
                          lambda Z, y: np.sum(np.eye(Z.shape[1])[y] * Z**2)),
    "columns": Saying("L = sum(Z[:, y]**2)", {"Z": "n k", "y": labels("m", "k")},
                      lambda Z, y: np.sum(Z[:, y] ** 2)),
    "along an axis": Saying("L = sum(take_along_axis(Z, y, axis=1)**2)",
                            {"Z": "m k", "y": labels("m d", "k")},
                            lambda Z, y: np.sum(np.take_along_axis(Z, y, axis=1) ** 2)),
    "in a batch": Saying("L = sum(Z[arange(T)[:, None], arange(m), y]**2)",
                         {"Z": "T m k", "y": labels("T m", "k")},
                         lambda Z, y: np.sum(Z[np.arange(Z.shape[0])[:, None],
                                               np.arange(Z.shape[1]), y] ** 2)),
}

FUNCTIONS = {
    "clip": Saying("L = sum(minimum(r*a, clip(r, 1 - e, 1 + e)*a))",
                   {"r": positive("n"), "a": "n", "e": between("")},
                   lambda r, a, e: np.sum(np.minimum(r * a, np.clip(r, 1 - e, 1 + e) * a))),
    "clip from below": Saying("L = sum(x.clip(-1/3, None)*y)", {"x": "n", "y": "n"},
                              lambda x, y: np.sum(x.clip(-1 / 3, None) * y)),
    "log sigmoid": Saying("L = -sum(log_sigmoid(s*z))", {"s": "", "z": "n"},
                          lambda s, z: np.sum(np.logaddexp(0, -s * z))),
    "inverse functions": Saying(
        "L = sum(arcsin(x) + 2*arccos(x)*y + arctan(x) + arctanh(x) + arcsinh(x) + arccosh(1 + x))",
        {"x": between("n"), "y": "n"},
        lambda x, y: np.sum(np.arcsin(x) + 2 * np.arccos(x) * y + np.arctan(x) + np.arctanh(x)
                            + np.arcsinh(x) + np.arccosh(1 + x))),
    "arctan2": Saying("L = sum(w*arctan2(y, x))", {"w": "n", "x": "n", "y": "n"},
                      lambda w, x, y: np.sum(w * np.arctan2(y, x))),
    "hypot": Saying("L = sum(hypot(x, y))", {"x": "n", "y": "n"},
                    lambda x, y: np.sum(np.hypot(x, y))),
    "error functions": Saying("L = sum(erfc(x)*y + log(ndtr(x)))", {"x": "n", "y": "n"},
                              lambda x, y: np.sum((1 - erf(x)) * y
                                                  + np.log((1 + erf(x / 2**0.5)) / 2)), False),
    "gamma functions": Saying("L = sum(lgamma(x) + betaln(x, y))",
                              {"x": positive("n"), "y": positive("n")},
                              lambda x, y: np.sum(2 * lgamma(x) + lgamma(y) - lgamma(x + y)),
                              False),
    "logit": Saying("L = sum(logit(p)*y + xlogy(p, p))", {"p": between("n"), "y": "n"},
                    lambda p, y: np.sum(np.log(p / (1 - p)) * y + p * np.log(p))),
    "powers and roots": Saying("L = sum(exp2(x) + cbrt(y))", {"x": "n", "y": "n"},
                               lambda x, y: np.sum(np.exp2(x) + np.cbrt(y))),
}

STATISTICS = {
    "variance": Saying("L = sum(var(X, axis=0)**2)", {"X": "m n"},
                       lambda X: np.sum(np.var(X, axis=0) ** 2)),
    "standardised": Saying("L = sum((X - X.mean(axis=0))/X.std(axis=0)*C)",
                           {"X": "m n", "C": "m n"},
                           lambda X, C: np.sum((X - X.mean(0)) / X.std(0) * C)),
    "of a sample": Saying("L = sum(var(X, axis=1, ddof=1, keepdims=True)*X)", {"X": "m n>=2"},
                          lambda X: np.sum(np.var(X, axis=1, ddof=1, keepdims=True) * X)),
    "norms of rows": Saying("L = sum((X/norm(X, axis=-1, keepdims=True)) @ w)",
                            {"X": "m n", "w": "n"},
                            lambda X, w: np.sum(X / np.linalg.norm(X, axis=-1, keepdims=True) @ w)),
    "other norms": Saying("L = norm(x, 1) + norm(x, 3)", {"x": "n"},
                          lambda x: np.linalg.norm(x, 1) + np.linalg.norm(x, 3)),
    "average": Saying("L = average(x, weights=p)", {"x": "n", "p": positive("n")},
                      lambda x, p: np.average(x, weights=p)),
}

ARRANGED = {
    "new axes": Saying("L = sum((X[:, None] - Y[None])**2 @ w)",
                       {"X": "m n", "Y": "k n", "w": "n"},
                       lambda X, Y, w: np.sum((X[:, None] - Y[None]) ** 2 @ w)),
    "a kernel": Saying("L = sum(exp(-(x[:, None] - y)**2))", {"x": "m", "y": "n"},
                       lambda x, y: np.sum(np.exp(-((x[:, None] - y) ** 2)))),
    "ellipsis": Saying("L = sum(X[..., 0]**2 + X[..., -1])", {"X": "m n k"},
                       lambda X: np.sum(X[..., 0] ** 2 + X[..., -1])),
    "every other": Saying("L = sum(x[::2]**2)", {"x": "2*n"}, lambda x: np.sum(x[::2] ** 2), False),
    "backwards": Saying("L = sum(x[::-1]*y)", {"x": "n", "y": "n"},
                        lambda x, y: np.sum(x[::-1] * y)),
    "stacked": Saying("L = sum(stack([x, y], axis=1)**2 @ w)", {"x": "n", "y": "n", "w": "2"},
                      lambda x, y, w: np.sum(np.stack([x, y], axis=1) ** 2 @ w)),
    "rolled": Saying("L = sum((x - roll(x, 1))**2)", {"x": "n>=2"},
                     lambda x: np.sum((x - np.roll(x, 1)) ** 2)),
    "differences": Saying("L = sum(diff(x)**2)", {"x": "n>=2"},
                          lambda x: np.sum(np.diff(x) ** 2)),
    "broadcast": Saying("L = sum(broadcast_to(x, (m, n))*Y)", {"x": "n", "Y": "m n"},
                        lambda x, Y: np.sum(np.broadcast_to(x, Y.shape) * Y)),
    "numbers in a row": Saying("L = np.sum(np.arange(n)*x)", {"x": "n"},
                               lambda x: np.sum(np.arange(x.shape[0]) * x)),
    "the largest": Saying("L = sum(X[arange(m), argmax(X, axis=1)]**2)", {"X": "m n"},
                          lambda X: np.sum(X[np.arange(X.shape[0]), np.argmax(X, axis=1)] ** 2)),
    "counted": Saying("L = count_nonzero(x > 0)*sum(x)", {"x": "n"},
                      lambda x: np.count_nonzero(x > 0) * np.sum(x)),
    "lower triangle": Saying("L = sum((tril(A) @ x)**2)", {"A": "n n", "x": "n"},
                             lambda A, x: np.sum((np.tril(A) @ x) ** 2)),
    "above the diagonal": Saying("L = sum((triu(A, 1) @ x)**2)", {"A": "n n", "x": "n"},
                                 lambda A, x: np.sum((np.triu(A, 1) @ x) ** 2)),
    "running sums": Saying("L = sum(cumsum(X, axis=1)**2)", {"X": "m n"},
                           lambda X: np.sum(np.cumsum(X, axis=1) ** 2)),
    "running products": Saying("L = sum(cumprod(x)**2)", {"x": "4"},
                               lambda x: np.sum(np.cumprod(x) ** 2)),
}

PRODUCTS = {
    "a product": Saying("L = prod(x)", {"x": "n"}, lambda x: np.prod(x)),
    "products of rows": Saying("L = sum(prod(1 + X, axis=1)*y)", {"X": "m n", "y": "m"},
                               lambda X, y: np.sum(np.prod(1 + X, axis=1) * y)),
    "products so far": Saying("L = sum(cumprod(1 - X, axis=1)*Y)", {"X": "m n", "Y": "m n"},
                              lambda X, Y: np.sum(np.cumprod(1 - X, axis=1) * Y)),
}

MATRICES = {
    "a linear system": Saying("L = sum(solve(A, B)**2)", {"A": "n n", "B": "n k"},
                              lambda A, B: np.sum(np.linalg.solve(A, B) ** 2)),
    "slogdet": Saying("L = slogdet(A)[1]", {"A": "n n"}, lambda A: np.linalg.slogdet(A)[1]),
    "inverses": Saying("L = sum(np.linalg.inv(A)**2)", {"A": "m n n"},
                       lambda A: np.sum(np.linalg.inv(A) ** 2)),
    "linear systems": Saying("L = sum(solve(A, B)**2)", {"A": "m n n", "B": "m n k"},
                             lambda A, B: np.sum(np.linalg.solve(A, B) ** 2)),
    "logarithms of determinants": Saying("L = sum(logdet(A))", {"A": "m n n"},
                                         lambda A: np.sum(np.linalg.slogdet(A)[1])),
    "diagonals": Saying("L = sum(diagonal(A, axis1=1, axis2=2)**2)", {"A": "m n n"},
                        lambda A: np.sum(np.diagonal(A, axis1=1, axis2=2) ** 2)),
    "powers": Saying("L = sum(matrix_power(A, 3))", {"A": "n n"},
                     lambda A: np.sum(np.linalg.matrix_power(A, 3))),
    "ridge": Saying("L = sum((X @ solve(X.T @ X + lam*eye(n), X.T @ y) - y)**2)",
                    {"X": "m n", "y": "m", "lam": positive("")},
                    lambda X, y, lam: np.sum((X @ np.linalg.solve(
                        X.T @ X + lam * np.eye(X.shape[1]), X.T @ y) - y) ** 2)),
}

RANGES = {
    "n - k": Saying("L = sum((x[k:] - y)**2)", {"x": "n", "y": "n-k"},
                    lambda x, y: np.sum((x[x.shape[0] - y.shape[0]:] - y) ** 2)),
    "n + k": Saying("L = sum((x - y[k:])**2)", {"x": "n", "y": "n+k"},
                    lambda x, y: np.sum((x - y[-x.shape[0]:]) ** 2)),
    "2 n": Saying("L = sum((x[:n] - x[n:])**2)", {"x": "2*n"},
                  lambda x: np.sum((x[:x.shape[0] // 2] - x[x.shape[0] // 2:]) ** 2)),
    "at least 3": Saying("L = sum((x[2:] - 2*x[1:-1] + x[:-2])**2)", {"x": "n>=3"},
                         lambda x: np.sum((x[2:] - 2 * x[1:-1] + x[:-2]) ** 2)),
    "at least 2": Saying("L = sum((x - mean(x))**2)/(n - 1)", {"x": "n>=2"},
                         lambda x: np.sum((x - x.mean()) ** 2) / (x.shape[0] - 1)),
}



def network(x, w, b, v):
    """Values, slopes and second slopes of x -> tanh(w x + b) · v."""
    t = np.tanh(np.outer(x, w) + b)
    return t @ v, (1 - t**2) @ (v * w), -2 * (t * (1 - t**2)) @ (v * w**2)


def gradient_penalty(X, W, v):
    slopes = ((1 - np.tanh(X @ W) ** 2) * v) @ W.T
    return np.mean((np.linalg.norm(slopes, axis=1) - 1) ** 2)


def score(X, A):
    """Of log p = -Σ log cosh(A x): ½ |s|² + div s, in the mean."""
    t = np.tanh(X @ A.T)
    return np.mean(((t @ A) ** 2).sum(1) / 2 - ((1 - t**2) @ A**2).sum(1))


DERIVATIVES = {
    "a differential equation": Saying(
        "u = tanh(outer(x, w) + b) @ v; ux = grad(sum(u), x); uxx = grad(sum(ux), x)\n"
        "L = mean((uxx + u*ux)**2)", {"x": "m", "w": "k", "b": "k", "v": "k"},
        lambda x, w, b, v: np.mean((lambda u, ux, uxx: uxx + u * ux)(*network(x, w, b, v)) ** 2)),
    "a gradient penalty": Saying(
        "f = sum(tanh(X @ W) @ v); G = grad(f, X); L = mean((norm(G, axis=1) - 1)**2)",
        {"X": "m n", "W": "n k", "v": "k"}, gradient_penalty),
    "score matching": Saying(
        "logp = -sum(log(cosh(X @ A.T))); S = grad(logp, X); J = jacobian(S, X)\n"
        "L = mean(sum(S**2, axis=1))/2 + einsum(\"ijij->\", J)/m",
        {"X": "m n", "A": "k n"}, score),
    "a step of gradient descent": Saying(
        "inner = sum((X @ w - y)**2)/m; W = w - a*grad(inner, w); L = sum((Z @ W - t)**2)",
        {"X": "m n", "w": "n", "y": "m", "a": "", "Z": "k n", "t": "k"},
        lambda X, w, y, a, Z, t: np.sum(
            (Z @ (w - a * 2 * X.T @ (X @ w - y) / len(y)) - t) ** 2)),
    "by an intermediate": Saying(
        "z = A @ x; f = sum(exp(z)*z); L = sum(grad(f, z)**2)", {"A": "m n", "x": "n"},
        lambda A, x: np.sum((np.exp(A @ x) * (1 + A @ x)) ** 2)),
    "of a recurrence": Saying(
        "h[-1] = h0; h[t] = tanh(a*h[t-1] + x[t]); f = sum(h**2); L = sum(grad(f, h0)**2)",
        {"x": "T n", "a": "", "h0": "n"},
        lambda x, a, h0: np.sum(through_time(x, a, h0) ** 2), False),
}


def through_time(x, a, h):
    states = []
    for step in x:
        h = np.tanh(a * h + step)
        states.append(h)
    slope = 0
    for h in reversed(states):
        slope = a * (1 - h**2) * (2 * h + slope)
    return slope


def oscillator(x, a, b, h0, h1):
    before, now, total = h0, h1, 0
    for t in range(len(x)):
        before, now = now, np.tanh(a * now + b * before + x[t])
        total = total + np.sum(now**2)
    return total


def smoothed(x, a, h0):
    h, total = h0, np.sum(h0**2)
    for t in range(1, len(x)):
        h = np.tanh(a * h + x[t] - x[t - 1])
        total = total + np.sum(h**2)
    return total


def moved(x, a, h0):
    h, last, total = h0, np.zeros_like(h0), 0
    for t in range(len(x)):
        h, last = np.sin(a * h + x[t] - 2 * last), x[t]
        total = total + np.sum(h**2)
    return total


def looked_ahead(r, g, v, last):
    total = 0
    for t in reversed(range(len(r))):
        v = r[t] + g * v * (r[t + 1] if t + 1 < len(r) else last)
        total = total + np.sum(v**2)
    return total


def repeated(A, x):
    for _ in range(6):
        x = np.tanh(A @ x)
    return np.sum(x**2)


def forward_algorithm(p, A, B, y):
    a = p + B[:, y[0]]
    for t in range(1, len(y)):
        a = B[:, y[t]] + np.log(np.exp(a[:, None] + A).sum(0))
    return np.log(np.exp(a).sum())


def best_path(p, A, b):
    a = p + b[0]
    for t in range(1, len(b)):
        a = b[t] + np.max(a[:, None] + A, axis=0)
    return np.max(a)


def attended(q, K, s):
    total = 0
    for t in range(len(q)):
        weights = np.exp(K @ (q[t] + s))
        s = (weights / weights.sum()) @ K
        total = total + np.sum(s**2)
    return total


def filtered(F, Q, P):
    total = 0
    for t in range(len(Q)):
        P = np.linalg.inv(F @ P @ F.T + Q[t].T @ Q[t] + np.eye(len(F)))
        total = total + np.sum(P**2)
    return total


def likelihood(F, Q, P, y):
    """Of a Kalman filter's innovations, whose covariances are P."""
    total = 0
    for t in range(len(Q)):
        P = F @ P @ F.T + Q[t].T @ Q[t] + np.eye(len(F))
        total = total + np.linalg.slogdet(P)[1] + y[t] @ np.linalg.inv(P) @ y[t]
    return total


def sampled(F, P, e):
    total = 0
    for t in range(len(e)):
        P = F @ P @ P.T @ F.T + np.eye(len(F))
        total = total + np.sum((np.linalg.cholesky(P) @ e[t]) ** 3)
    return total


RECURRENCES = {
    "determinants in steps": Saying(
        "P[-1] = P0; P[t] = F @ P[t-1] @ F.T + Q[t].T @ Q[t] + eye(n)\n"
        "l[t] = logdet(P[t]) + y[t] @ inv(P[t]) @ y[t]; L = sum(l)",
        {"F": "n n", "Q": "T n n", "P0": "n n", "y": "T n"},
        lambda F, Q, P0, y: likelihood(F, Q, P0, y), False),
    "Cholesky factors in steps": Saying(
        "P[-1] = P0; P[t] = F @ P[t-1] @ P[t-1].T @ F.T + eye(n)\n"
        "z[t] = cholesky(P[t]) @ e[t]; L = sum(z**3)",
        {"F": "n n", "P0": "n n", "e": "3 n"}, lambda F, P0, e: sampled(F, P0, e), False),
    "two steps back": Saying(
        "h[-2] = h0; h[-1] = h1; h[t] = tanh(a*h[t-1] + b*h[t-2] + x[t]); L = sum(h**2)",
        {"x": "T n", "a": "", "b": "", "h0": "n", "h1": "n"}, oscillator, False),
    "two steps, begun later": Saying(
        "h[0] = h0; h[1] = h1; h[t] = tanh(a*h[t-1] + b*h[t-2] + x[t-2]) for t in range(T+2)\n"
        "L = sum(h[2:]**2)",
        {"x": "T n", "a": "", "b": "", "h0": "n", "h1": "n"}, oscillator, False),
    "a difference of inputs": Saying(
        "h[0] = h0; h[t] = tanh(a*h[t-1] + x[t] - x[t-1]); L = sum(h**2)",
        {"x": "T n", "a": "", "h0": "n"}, smoothed, False),
    "inputs before the first": Saying(
        "h[-1] = h0; x[-1] = zeros(n); h[t] = sin(a*h[t-1] + x[t] - 2*x[t-1]); L = sum(h**2)",
        {"x": "T n", "a": "", "h0": "n"}, moved, False),
    "inputs behind the last": Saying(
        "v[T] = v0; r[T] = last; v[t] = r[t] + g*v[t+1]*r[t+1]; L = sum(v**2)",
        {"r": "T n", "g": "", "v0": "n", "last": "n"},
        lambda r, g, v0, last: looked_ahead(r, g, v0, last), False),
    "a number of steps": Saying(
        "x[-1] = x0; x[t] = tanh(A @ x[t-1]) for t in range(6); L = sum(x[5]**2)",
        {"A": "n n", "x0": "n"}, lambda A, x0: repeated(A, x0)),
    "a hidden chain": Saying(
        "a[0] = p + B[:, y[0]]\n"
        "a[t] = B[:, y[t]] + logsumexp(a[t-1][:, None] + A, axis=0)\nL = logsumexp(a[T-1])",
        {"p": "k", "A": "k k", "B": "k n", "y": labels("T", "n")}, forward_algorithm, False),
    "the best path": Saying(
        "a[0] = p + b[0]; a[t] = b[t] + max(a[t-1][:, None] + A, axis=0); L = max(a[T-1])",
        {"p": "k", "A": "k k", "b": "T k"}, best_path, False),
    "attention in steps": Saying(
        "s[-1] = s0; w[t] = softmax(K @ (q[t] + s[t-1])); s[t] = w[t] @ K; L = sum(s**2)",
        {"q": "T n", "K": "m n", "s0": "n"}, lambda q, K, s0: attended(q, K, s0), False),
    "inverses in steps": Saying(
        "P[-1] = P0; P[t] = inv(F @ P[t-1] @ F.T + Q[t].T @ Q[t] + eye(n)); L = sum(P**2)",
        {"F": "n n", "Q": "T n n", "P0": "n n"}, lambda F, Q, P0: filtered(F, Q, P0), False),
}

def convolved(x, W):
    """In two groups, with a zero on either side."""
    x = np.pad(x, ((0, 0), (0, 0), (1, 1)))
    return np.stack([np.einsum("mct,ct->m", x[:, 2 * (f // 3):2 * (f // 3) + 2, i:i + 3], W[f])
                     for f in range(6) for i in range(x.shape[2] - 2)])


def transposed(x, W):
    made = np.zeros((x.shape[0], W.shape[1], 2 * (x.shape[2] - 1) + 3))
    for i in range(x.shape[2]):
        made[:, :, 2 * i:2 * i + 3] += np.einsum("mc,cfu->mfu", x[:, :, i], W)
    return made


CONVOLUTIONS = {
    "in groups": Saying("L = sum(conv1d(x, W, groups=2, padding=1)**2)",
                        {"x": "m 4 t", "W": "6 2 3"}, lambda x, W: np.sum(convolved(x, W) ** 2),
                        False),
    "depthwise": Saying(
        "L = sum(depthwise_conv1d(x, W)**2)", {"x": "m c t", "W": "c 3"},
        lambda x, W: np.sum(np.einsum(
            "mctu,cu->mct", np.lib.stride_tricks.sliding_window_view(x, 3, 2), W) ** 2)),
    "transposed": Saying("L = sum(conv_transpose1d(x, W, stride=2)**3)",
                         {"x": "m c t", "W": "c f 3"},
                         lambda x, W: np.sum(transposed(x, W) ** 3), False),
    "three axes": Saying(
        "L = sum(conv3d(x, W)**2)", {"x": "d c 3 4 3", "W": "2 c 2 2 2"},
        lambda x, W: np.sum(np.einsum(
            "mcijkuvq,fcuvq->mfijk",
            np.lib.stride_tricks.sliding_window_view(x, (2, 2, 2), (2, 3, 4)), W) ** 2), False),
}

SAYINGS = {**LABELS, **FUNCTIONS, **STATISTICS, **ARRANGED, **PRODUCTS, **MATRICES, **RANGES,
           **RECURRENCES, **DERIVATIVES, **CONVOLUTIONS}


def numbers(saying: Saying, seed: int = 1) -> dict[str, np.ndarray]:
    """Arrays for the inputs, as their kinds say."""
    rng = np.random.default_rng(seed)
    by = {size_symbol(name): number for name, number in SIZES.items()}
    found = {}
    for name, spec in saying.shapes.items():
        sizes = spec.shape if isinstance(spec, Array) else parse_shape(spec)
        shape = tuple(int(size.xreplace(by)) for size in sizes)
        kind = spec.kind if isinstance(spec, Array) else "real"
        if kind == "labels":
            found[name] = rng.integers(int(spec.classes.xreplace(by)), size=shape)
        else:
            drawn = rng.normal(size=shape)
            found[name] = np.asarray({"positive": np.exp(drawn), "interval": 1 / (1 + np.exp(drawn))
                                      }.get(kind, drawn))
    return found


def slopes(saying: Saying, arrays: dict[str, np.ndarray], name: str) -> np.ndarray:
    """The gradient by differences of the NumPy function, of the fourth order."""
    step, found = 2e-4, np.zeros(arrays[name].shape)
    for place in np.ndindex(found.shape):
        def at(count, place=place):
            moved = arrays[name].copy()
            moved[place] += count * step
            return float(saying.meant(**{**arrays, name: moved}))

        found[place] = (at(-2) - 8 * at(-1) + 8 * at(1) - at(2)) / (12 * step)
    return found
