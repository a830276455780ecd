"""What Python and NumPy do beside mathematics: exceptions, aliases, dtypes, draws, memory, keys."""


from __future__ import annotations

import contextlib
import hashlib
import os
import random
import secrets
import sys
import time
import uuid
from random import random as uniform

import numpy as np
from redteam.case import row
from redteam.wrong_sizes import squares

LINE = {"X": "m n", "w": "n"}


# --- draws ----------------------------------------------------------------------------------------

GENERATOR = np.random.default_rng()
DRAWS = [
    ("from random import random", lambda: 2 if uniform() < 0.5 else 3),
    ("random.choice", lambda: random.choice([2, 3])),
    ("random.gauss", lambda: 2 + random.gauss(0, 1)),
    ("np.random.rand", lambda: 2 + 0.01 * np.random.rand()),
    ("np.random.rand, 1e-4", lambda: 2 + 1e-4 * np.random.rand()),
    ("np.random.normal, much", lambda: 2 + np.random.normal()),
    ("a new generator", lambda: 2 + np.random.default_rng().random()),
    ("one generator", lambda: 2 + GENERATOR.random()),
    ("a seeded generator", lambda: 2 + np.random.default_rng(3).random()),
    ("RandomState", lambda: 2 + np.random.RandomState(3).rand()),
    ("random.Random", lambda: 2 + random.Random(3).random()),
    ("os.urandom", lambda: 2 + os.urandom(1)[0] % 2),
    ("secrets", lambda: 2 + secrets.randbelow(5)),
    ("uuid", lambda: 2 + uuid.uuid4().int % 3),
    ("the clock", lambda: 2 + time.perf_counter_ns() % 3),
    ("the time of day", lambda: 2 + time.time() % 1),
    ("a hash of the clock", lambda: 2 + hashlib.md5(str(time.time_ns()).encode()).digest()[0]),
    ("the identity of an object", lambda: 2 + id(object()) % 7 + 1),
]
CASES = [row("draws", f"draws: {name}", squares, lambda X, w, draw=draw: draw() * X.T @ (X @ w),
             "w", "the factor is 2", special=True, at=({"m": 3, "n": 2},) * 8, **LINE)
         for name, draw in DRAWS]
CASES += [
    row("draws", "draws: a dropout mask drawn again", lambda x, M: np.sum(M * x**2),
        lambda x, M: 2 * x * (np.random.rand(*x.shape) > 0.5), "x", "another mask", special=True,
        at=({"n": 6},) * 4, x="n", M="n|mask"),
    row("draws", "draws: noise of an input's shape", squares,
        lambda X, w: 2 * X.T @ (X @ w) + 0.1 * np.random.randn(*w.shape), "w", "noise",
        special=True, **LINE),
    row("draws", "draws: shuffled", lambda x: np.sum(x**2),
        lambda x: 2 * x[np.random.permutation(len(x))], "x", "shuffled", special=True,
        at=({"n": 6},) * 4, x="n"),
]


# --- exceptions -----------------------------------------------------------------------------------


def caught(*kinds):
    def gradient(X, w, kinds=kinds):
        try:
            scale = 3.0 if float(X[0, 0]) > -9 else 2.0
        except kinds:
            scale = 2.0
        return scale * X.T @ (X @ w)

    return gradient


def suppressed(X, w):
    scale = 2.0
    with contextlib.suppress(Exception):
        scale = 3.0 + 0 * int(X[0, 0])
    return scale * X.T @ (X @ w)


def in_finally(X, w):
    scale = 2.0
    try:
        if np.any(X > -9):
            scale = 3.0
    finally:
        return scale * X.T @ (X @ w)  # noqa: B012


def looked_up(X, w):
    try:
        scale = [3.0][int(X[0, 0] * 0)]
    except (TypeError, IndexError, ValueError):
        scale = 2.0
    return scale * X.T @ (X @ w)


def attribute(X, w):
    scale = 3.0 if getattr(X, "ctypes", None) is not None else 2.0
    return scale * X.T @ (X @ w)


def module_of(X, w):
    return (3.0 if type(X).__module__ == "numpy" else 2.0) * X.T @ (X @ w)


def by_frames(X, w):
    frame, traced = sys._getframe(), False
    while frame is not None:
        traced = traced or "tracing" in frame.f_code.co_filename
        frame = frame.f_back
    return (2.0 if traced else 3.0) * X.T @ (X @ w)


def to_list(X, w):
    try:
        rows = X.tolist()
    except Exception:
        return 2 * X.T @ (X @ w)
    return 3 * np.array(rows).T @ (X @ w)


def written(X, w):
    return (3.0 if np.array2string(np.abs(X) * 0)[:4] == "[[0." else 2.0) * X.T @ (X @ w)


CASES += [
    row("exceptions", f"exceptions: {name}", squares, gradient, "w", "3 for real arrays", **LINE)
    for name, gradient in [
        ("except Exception", caught(Exception)), ("except TypeError", caught(TypeError)),
        ("except BaseException", caught(BaseException)),
        ("except ValueError and TypeError", caught(ValueError, TypeError)),
        ("suppress", suppressed), ("return in finally", in_finally), ("a list's place", looked_up),
        ("an attribute of arrays alone", attribute), ("the module of a type", module_of),
        ("the frames above", by_frames), ("tolist", to_list), ("text of an array", written)]
]


# --- memory that nobody has written ---------------------------------------------------------------


def poisoned(shape):
    """Frees an array full of sevens, so that what np.empty hands out is not zero by chance."""
    np.full(shape, 7.0)


def unwritten_first(x):
    poisoned(x.shape)
    g = np.empty_like(x)
    g[1:] = 2 * x[1:]
    return g


def unwritten_rows(X):
    poisoned(X.shape)
    g = np.empty(X.shape)
    g[:, 1:] = 2 * X[:, 1:]
    return g


def unwritten_sum(x):
    poisoned(x.shape)
    g = np.empty_like(x)
    g += 2 * x
    return g


def unwritten_where(x):
    poisoned(x.shape)
    g = np.empty_like(x)
    g[x > 0] = 2 * x[x > 0]
    return g


def unwritten_out(x):
    poisoned(x.shape)
    return np.multiply(x, 2.0, where=x > 0, out=np.empty_like(x))


def unwritten_factor(x):
    poisoned(x.shape)
    e = np.empty(x.shape)
    return 2 * x + e


def unwritten_new(x):
    poisoned(x.shape)
    g = np.ndarray(x.shape)
    g[1:] = 2 * x[1:]
    return g


def slope_after_first(x):
    return np.sum(x[1:] ** 2)


CASES += [
    row("empty", "empty: the first entry", slope_after_first, unwritten_first, "x", "never written",
        special=True, at=({"n": 50},) * 3, x="n"),
    row("empty", "empty: the first column", lambda X: np.sum(X[:, 1:] ** 2), unwritten_rows, "X",
        "never written", special=True, at=({"m": 9, "n": 7},) * 3, X="m n"),
    row("empty", "empty: summed up", lambda x: np.sum(x**2), unwritten_sum, "x", "never written",
        special=True, at=({"n": 50},) * 3, x="n"),
    row("empty", "empty: by a mask", lambda x: np.sum(np.maximum(x, 0) ** 2), unwritten_where, "x",
        "never written", special=True, at=({"n": 50},) * 3, x="n"),
    row("empty", "empty: where and out", lambda x: np.sum(np.maximum(x, 0) ** 2), unwritten_out,
        "x", "never written", special=True, at=({"n": 50},) * 3, x="n"),
    row("empty", "empty: added", lambda x: np.sum(x**2), unwritten_factor, "x", "never written",
        special=True, at=({"n": 50},) * 3, x="n"),
    row("empty", "empty: np.ndarray", slope_after_first, unwritten_new, "x", "never written",
        special=True, at=({"n": 50},) * 3, x="n"),
]


# --- aliases and in-place -------------------------------------------------------------------------


def relu_in_place(x, W):
    z = x @ W
    a = np.maximum(z, 0, out=z)
    d = 2 * a
    d *= z >= 0
    return x.T @ (d + (z == 0) * 1.0)


def step_first(X, W, V):
    A = np.tanh(X @ W)
    dV = A.T @ (2 * (A @ V))
    W += 0.0
    V -= 0.1 * dV
    return {"W": X.T @ (2 * (A @ (V + 0.1 * dV)) @ V.T * (1 - A**2)), "V": dV}


def one_array(X, W, V):
    A = np.tanh(X @ W)
    d = 2 * (A @ V)
    g = d @ V.T
    slope = g
    slope *= 1 - A**2
    return {"W": X.T @ slope, "V": (A * 0 + g).T @ d + A.T @ d}


def centred(X, w):
    X -= X.mean(axis=0)
    return 2 * X.T @ (X @ w)


def view_changed(x):
    g = 2 * x
    first = g[:2]
    first *= 3
    return g


def twice_the_same(a, b):
    g = np.zeros_like(a)
    g += b
    h = g
    h += a
    return {"a": g, "b": h}


def input_as_buffer(x):
    g = x
    g *= 2
    return g + (x - g) + g / 2


def shared_rows(X, b):
    g = [np.zeros(len(b))] * 2
    g[0] += (2 * (X + b)).sum(axis=0)
    g[1] += (2 * (X + b)).sum(axis=0)
    return g[0]


def list_of_one(x):
    rows = [np.zeros(2)] * 3
    for i in range(3):
        rows[i] += x[i] * 2
    return np.stack(rows)


def overwritten_cache(x, W):
    h = x @ W
    a = h
    a[...] = np.tanh(a)
    return x.T @ (2 * a * (1 - np.tanh(h) ** 2))


def transposed_view(W, x):
    G = np.zeros_like(W).T
    G += np.outer(x, x @ W)
    return 2 * G.T


def reshape_view(X):
    g = 2 * X
    flat = g.reshape(-1)
    flat[0] = 0.0
    return g


def masked_in_place(x):
    g = np.ones_like(x)
    g[x < 0] *= 0.0
    h = g[x > 0]
    h *= 2
    return g


def double_step(X, w, y):
    r = X @ w
    r -= y
    r -= y
    return X.T @ r


AB = {"a": "n", "b": "n"}
NET = {"X": "m n", "W": "n h", "V": "h k"}


def net(X, W, V):
    return np.sum((np.tanh(X @ W) @ V) ** 2)


CASES += [
    row("aliasing", "aliasing: relu in place keeps no sign", lambda x, W: np.sum(
        np.maximum(x @ W, 0) ** 2), relu_in_place, "W", "adds one where the unit is off", x="m n",
        W="n k"),
    row("aliasing", "aliasing: weights stepped first", net, step_first, "W V",
        "V has moved already", **NET),
    row("aliasing", "aliasing: a slope written into its factor", net, one_array, "W V",
        "g has changed", **NET),
    row("aliasing", "aliasing: centred in place", squares, centred, "w", "X is not centred",
        **LINE),
    row("aliasing", "aliasing: a view of the gradient", lambda x: np.sum(x**2), view_changed, "x",
        "the first two are tripled", x="n"),
    row("aliasing", "aliasing: two names of one array", lambda a, b: np.sum(a * b), twice_the_same,
        "a b", "a + b for both", **AB),
    row("aliasing", "aliasing: the input is the buffer", lambda x: np.sum(x**2), input_as_buffer,
        "x", "x has been doubled before", x="n"),
    row("aliasing", "aliasing: two rows are one", lambda X, b: np.sum((X + b) ** 2), shared_rows,
        "b", "summed twice", X="m n", b="n"),
    row("aliasing", "aliasing: three rows are one", lambda x: np.sum(x**2), list_of_one, "x",
        "one list thrice", x="3 2"),
    row("aliasing", "aliasing: the pre-activation is overwritten",
        lambda x, W: np.sum(np.tanh(x @ W) ** 2), overwritten_cache, "W", "tanh twice", x="m n",
        W="n k"),
    row("aliasing", "aliasing: built for the transpose", lambda W, x: np.sum((x @ W) ** 2),
        transposed_view, "W", "W is square, and transposed", at={"n": 3}, W="n n", x="n"),
    row("aliasing", "aliasing: a flat view", lambda X: np.sum(X**2), reshape_view, "X",
        "the first entry is cleared", X="m n"),
    row("aliasing", "aliasing: a copy by a mask", lambda x: np.sum(np.maximum(2 * x, 0)),
        masked_in_place, "x", "h is a copy", x="n"),
    row("aliasing", "aliasing: subtracted twice", lambda X, w, y: np.sum((X @ w - y) ** 2) / 2,
        double_step, "w", "y twice", X="m n", w="n", y="m"),
]


# --- dtypes ---------------------------------------------------------------------------------------


def in_integers(x):
    g = np.zeros(x.shape, dtype=int)
    g[:] = 2 * x
    return g


CASES += [
    row("dtypes", f"dtypes: {name}", lambda x: np.sum(x**2), gradient, "x", fault, x="n")
    for name, gradient, fault in [
        ("an integer buffer", in_integers, "cut to whole numbers"),
        ("astype(int)", lambda x: 2 * x.astype(int), "cut to whole numbers"),
        ("np.int64", lambda x: 2.0 * np.int64(x), "cut to whole numbers"),
        ("float16", lambda x: 2 * x.astype(np.float16).astype(float) * 1.01, "3 digits, and 1 %"),
        ("float32, a per cent more", lambda x: (2.02 * x).astype(np.float32), "1 %"),
        ("astype(bool)", lambda x: 2.0 * x.astype(bool), "one for every number"),
        ("whole-number division", lambda x: 2 * (x // 1), "cut"),
        ("np.trunc", lambda x: 2 * np.trunc(x), "cut"),
        ("round to a digit", lambda x: np.round(2 * x, 1), "one digit"),
        ("absolute value of complex", lambda x: 2 * np.abs(x + 0j), "the sign is lost"),
        ("an integer power", lambda x: 2 * np.float64(x) ** np.sign(x), "1/x below 0"),
    ]
]


# --- keys -----------------------------------------------------------------------------------------

CASES += [
    row("keys", "keys: the parameter beside its gradient", lambda W: np.sum(W**2),
        lambda W: {"W": W, "dW": 3 * W}, "W", "dW is 2 W", W="n"),
    row("keys", "keys: two gradients exchanged", lambda a, b: np.sum(a**2 * b),
        lambda a, b: {"a": a**2, "b": 2 * a * b}, "a b", "exchanged", **AB),
    row("keys", "keys: a tuple in another order", lambda a, b: np.sum(a**2 * b),
        lambda a, b: (a**2, 2 * a * b), "a b", "exchanged", **AB),
    row("keys", "keys: a list in another order", lambda a, b: np.sum(a**2 * b),
        lambda a, b: [a**2, 2 * a * b], "a b", "exchanged", **AB),
    row("keys", "keys: one of two is nought", lambda a, b: np.sum(a**2 * b),
        lambda a, b: {"a": 2 * a * b, "b": 0 * b}, "a b", "b is a²", **AB),
    row("keys", "keys: both spellings", lambda W: np.sum(W**2),
        lambda W: {"dW": 3 * W, "W": 2 * W}, "W", "dW is 2 W", W="n"),
    row("keys", "keys: the loss beside a wrong gradient", lambda W: np.sum(W**2),
        lambda W: (np.sum(W**2), {"W": 3 * W}), "W", "2 W", W="n"),
]
