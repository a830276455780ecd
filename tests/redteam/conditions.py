"""Losses whose condition reads a product or a sum that stands nowhere else.

Each row has the condition; the loss is Σ c (X w)²/2 or a choice between two branches.  The right
gradient keeps the condition; the wrong one leaves it out, turns it round or swaps the branches.
"""

from __future__ import annotations

import numpy as np
from redteam.case import row

ROWS = {"X": "m n", "v": "n", "w": "n"}
CONDITIONS = [
    ("a product above 0", lambda X, v: X @ v > 0, False),
    ("a product below 50", lambda X, v: X @ v < 50, True),
    ("a product above -40", lambda X, v: X @ v > -40, True),
    ("a product between", lambda X, v: (X @ v > -1) & (X @ v < 1), False),
    ("its absolute value", lambda X, v: np.abs(X @ v) > 1, False),
    ("its square", lambda X, v: (X @ v) ** 2 > 1, False),
    ("one or the other", lambda X, v: (X @ v > 1) | (X @ v < -1), False),
    ("not", lambda X, v: ~(X @ v > 0), False),
    ("logical_and", lambda X, v: np.logical_and(X @ v > 0, X[:, 0] > 0), False),
    ("sum of a row", lambda X, v: X.sum(axis=1) + 0 * v.sum() > 0, False),
    ("mean of a row", lambda X, v: X.mean(axis=1) > v.mean(), False),
    ("sum of everything", lambda X, v: (X * v).sum() > 0, False),
    ("norm of a row", lambda X, v: np.sqrt((X**2).sum(axis=1)) > np.sqrt((v**2).sum()), False),
    ("a maximum of a row", lambda X, v: X.max(axis=1) > v[0], False),
    ("two products", lambda X, v: X @ v > (X**2) @ v, False),
    ("a tanh of a product", lambda X, v: np.tanh(X @ v) > 0.5, False),
    ("a relu of a product", lambda X, v: np.maximum(X @ v, 0) > 0, False),
    ("a product of products", lambda X, v: (X @ v) * (X[:, 0]) > 0, False),
    ("an outer product's sum", lambda X, v: np.outer(X[:, 0], v).sum(axis=1) > 0, False),
]


def masked(condition):
    return lambda X, v, w: np.sum(condition(X, v) * (X @ w) ** 2) / 2


def kept(condition):
    return lambda X, v, w: X.T @ (condition(X, v) * (X @ w))


def turned(condition):
    return lambda X, v, w: X.T @ (np.logical_not(condition(X, v)) * (X @ w))


def unmasked(X, v, w):
    return X.T @ (X @ w)


def chosen(condition):
    return lambda X, v, w: np.sum(np.where(condition(X, v), (X @ w) ** 2 / 2, X @ w))


def both(condition):
    return lambda X, v, w: X.T @ np.where(condition(X, v), X @ w, 1.0)


def swapped(condition):
    return lambda X, v, w: X.T @ np.where(condition(X, v), 1.0, X @ w)


FAR = {"X": np.array([[90.0, 0, 1], [-70, 1, 0]]), "v": np.array([1.0, 1, 1]),
       "w": np.array([1.0, 2, -1])}
RIGHT = [row("conditions", f"conditions: {name}, {kind}", loss(c), gradient(c), "w", **ROWS)
         for name, c, _ in CONDITIONS
         for kind, loss, gradient in (("masked", masked, kept), ("chosen", chosen, both))]
WRONG = [row("conditions", f"conditions: {name}, left out", masked(c),
             lambda X, v, w: unmasked(X, v, w), "w", "the mask is left out",
             at=FAR if far else (), special=far, **ROWS) for name, c, far in CONDITIONS]
WRONG += [row("conditions", f"conditions: {name}, turned", masked(c), turned(c), "w",
              "the mask is turned round", **ROWS) for name, c, _ in CONDITIONS[3::3]]
WRONG += [row("conditions", f"conditions: {name}, swapped", chosen(c), swapped(c), "w",
              "the branches are swapped", **ROWS) for name, c, _ in CONDITIONS[::4]]


def pinball(X, w, y):
    r = y - X @ w
    return np.sum(np.maximum(0.9 * r, -0.1 * r))


def pinball_in_place(X, w, y):
    return np.sum(np.where(y - X @ w > 0, 0.9 * (y - X @ w), -0.1 * (y - X @ w)))


def named(X, v, w):
    t1 = X @ v
    return np.sum(np.where(t1 > 0, (X @ w) ** 2, 0.0))


def over_time(x, w, v):
    h = np.zeros(w.shape[1])
    for t in range(3):
        h = np.where(x[t] @ v > 0, np.tanh(x[t] @ w + h), h)
    return np.sum(h**2)


def over_time_right(x, w, v, always=False):
    h = [np.zeros(w.shape[1])]
    for t in range(3):
        h.append(np.where(x[t] @ v > 0, np.tanh(x[t] @ w + h[-1]), h[-1]))
    d, g = 2 * h[-1], np.zeros_like(w)
    for t in (2, 1, 0):
        on = 1.0 if always else (x[t] @ v > 0) * 1.0
        a = on * d * (1 - h[t + 1] ** 2)
        g = g + np.outer(x[t], a)
        d = a + (1 - on) * d
    return g


LINE = {"X": "m n", "w": "n", "y": "m"}
RIGHT += [
    row("conditions", "conditions: pinball", pinball,
        lambda X, w, y: -X.T @ np.where(y - X @ w > 0, 0.9, -0.1), "w", **LINE),
    row("conditions", "conditions: pinball in place", pinball_in_place,
        lambda X, w, y: -X.T @ np.where(y - X @ w > 0, 0.9, -0.1), "w", **LINE),
    row("conditions", "conditions: sign of a product", lambda X, w, y: np.sum(np.sign(X @ w) * y),
        lambda X, w, y: np.sign(X @ w), "y", **LINE),
    row("conditions", "conditions: a name t1", named,
        lambda X, v, w: 2 * X.T @ ((X @ v > 0) * (X @ w)), "w", **ROWS),
    row("conditions", "conditions: off the diagonal",
        lambda S: np.sum(np.where(np.eye(len(S)) == 1, 0, S) ** 2),
        lambda S: 2 * S * (1 - np.eye(len(S))), "S", S="n n"),
    row("conditions", "conditions: inside a recurrence", over_time, over_time_right, "w",
        x="3 n", w="n k", v="n k"),
    row("conditions", "conditions: minimum of two products",
        lambda X, v, w: np.sum(np.minimum(X @ v, X @ w)),
        lambda X, v, w: X.T @ ((X @ w < X @ v) * 1.0), "w", **ROWS),
    row("conditions", "conditions: clip by a product",
        lambda X, v, w: np.sum(np.minimum((X @ w) ** 2, np.abs(X @ v))),
        lambda X, v, w: 2 * X.T @ ((X @ w) * ((X @ w) ** 2 < np.abs(X @ v))), "w", **ROWS),
]
WRONG += [
    row("conditions", "conditions: pinball, one slope", pinball,
        lambda X, w, y: -0.9 * X.T @ np.ones(len(y)), "w", "below the line it is -0.1", **LINE),
    row("conditions", "conditions: pinball in place, one slope", pinball_in_place,
        lambda X, w, y: -0.9 * X.T @ np.ones(len(y)), "w", "below the line it is -0.1", **LINE),
    row("conditions", "conditions: pinball in place, swapped", pinball_in_place,
        lambda X, w, y: -X.T @ np.where(y - X @ w > 0, -0.1, 0.9), "w", "swapped", **LINE),
    row("conditions", "conditions: sign of a product forgotten",
        lambda X, w, y: np.sum(np.sign(X @ w) * y), lambda X, w, y: np.zeros_like(y), "y",
        "the slope is the sign", **LINE),
    row("conditions", "conditions: a name t1, no mask", named,
        lambda X, v, w: 2 * X.T @ (X @ w), "w", "no mask", **ROWS),
    row("conditions", "conditions: a name t1, nothing", named, lambda X, v, w: np.zeros_like(w),
        "w", "not 0 where X v > 0", **ROWS),
    row("conditions", "conditions: the whole matrix",
        lambda S: np.sum(np.where(np.eye(len(S)) == 1, 0, S) ** 2), lambda S: 2 * S, "S",
        "the diagonal has slope 0", S="n n"),
    row("conditions", "conditions: the whole matrix, linear",
        lambda S: np.sum(np.where(np.eye(len(S)) == 1, 0, S)), lambda S: np.ones_like(S), "S",
        "the diagonal has slope 0", S="n n"),
    row("conditions", "conditions: inside a recurrence, always on", over_time,
        lambda x, w, v: over_time_right(x, w, v, True), "w", "off at times", x="3 n", w="n k",
        v="n k"),
    row("conditions", "conditions: minimum, the other", lambda X, v, w: np.sum(
        np.minimum(X @ v, X @ w)), lambda X, v, w: X.T @ ((X @ w > X @ v) * 1.0), "w",
        "the larger is not the minimum", **ROWS),
    row("conditions", "conditions: clip by a product forgotten",
        lambda X, v, w: np.sum(np.minimum((X @ w) ** 2, np.abs(X @ v))),
        lambda X, v, w: 2 * X.T @ (X @ w), "w", "slope 0 above the bound", **ROWS),
    row("conditions", "conditions: text, a branch left out",
        lambda X, v, w: np.sum(np.where(X @ v > 20, (X @ w) ** 2, X @ w)),
        lambda X, v, w: X.sum(axis=0), "w", "above 20 it is another",
        checked=("L = sum(where(X @ v > 20, (X @ w)**2, X @ w))", {"w": "sum(X, axis=0)"}),
        at=FAR, special=True, **ROWS),
    row("conditions", "conditions: text, nothing",
        lambda X, v, w: np.sum(np.where(X @ v > 0, (X @ w) ** 2, 0)),
        lambda X, v, w: 0 * w, "w", "not 0 where X v > 0",
        checked=("L = sum(where(X @ v > 0, (X @ w)**2, 0))", {"w": "0*w"}), **ROWS),
    row("conditions", "conditions: text, no mask",
        lambda X, v, w: np.sum(np.where(X @ v > 0, (X @ w) ** 2, 0)),
        lambda X, v, w: 2 * X.T @ (X @ w), "w", "0 where X v < 0",
        checked=("L = sum(where(X @ v > 0, (X @ w)**2, 0))", {"w": "2*X.T @ (X @ w)"}), **ROWS),
]
