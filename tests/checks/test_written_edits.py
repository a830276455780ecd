"""Edits in the form in which somebody would write them, in networks of several kinds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gradproof as gp


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def classes(X, Y, W, V):
    probs = softmax(np.tanh(X @ W) @ V)
    return -np.sum(Y * np.log(probs)) / len(X)


def classes_turned(X, Y, W, V):
    A = np.tanh(X @ W)
    probs = softmax(A @ V)
    d2 = (Y - probs) / len(X)
    d1 = d2 @ V.T * (1 - A ** 2)
    return {"W": X.T @ d1, "V": A.T @ d2}


def classes_slope(X, Y, W, V):
    A = np.tanh(X @ W)
    probs = softmax(A @ V)
    d2 = (probs - Y) / len(X)
    d1 = d2 @ V.T * A * (1 - A)
    return {"W": X.T @ d1, "V": A.T @ d2}


def mean_square(X, Y, W, V):
    return np.mean((np.tanh(X @ W) @ V - Y) ** 2)


def mean_of_rows(X, Y, W, V):
    A = np.tanh(X @ W)
    dP = 2 * (A @ V - Y) / Y.shape[0]
    dA = dP @ V.T
    return {"W": X.T @ (dA * (1 - A ** 2)), "V": A.T @ dP}


def norm(x, t):
    mu, var = np.mean(x, axis=0), np.var(x, axis=0)
    return np.sum(((x - mu) / np.sqrt(var + 1e-5) - t) ** 2) / 2


def norm_without_its_mean(x, t):
    N = len(x)
    mu, var = np.mean(x, axis=0), np.var(x, axis=0)
    std = np.sqrt(var + 1e-5)
    dxhat = (x - mu) / std - t
    dvar = np.sum(dxhat * (x - mu), axis=0) * -0.5 * std ** -3
    dmu = np.sum(-dxhat / std, axis=0)  # noqa: F841
    return {"x": dxhat / std + dvar * 2 * (x - mu) / N}


def norm_with_its_sign_lost(x, t):
    N = len(x)
    mu, var = np.mean(x, axis=0), np.var(x, axis=0)
    std = np.sqrt(var + 1e-5)
    dxhat = (x - mu) / std - t
    dvar = np.sum(dxhat * (x - mu), axis=0) * 0.5 * std ** -3
    dmu = np.sum(-dxhat / std, axis=0)
    return {"x": dxhat / std + dvar * 2 * (x - mu) / N + dmu / N}


def attention(Q, K, V, T):
    return np.sum((softmax(Q @ K.T) @ V - T) ** 2) / 2


def attention_entrywise(Q, K, V, T):
    A = softmax(Q @ K.T)
    dO = A @ V - T
    dA = dO @ V.T
    dS = dA * A * (1 - A)
    return {"Q": dS @ K, "K": dS.T @ Q, "V": A.T @ dO}


def filtered(x, w, v):
    return np.sum(v * np.array([x[i:i + 3] @ w for i in range(6)]))


def filtered_turned(x, w, v):
    dx = np.zeros_like(x)
    for i in range(6):
        dx[i:i + 3] += v[i] * w[::-1]
    return {"x": dx}


def filtered_overwritten(x, w, v):
    dx = np.zeros_like(x)
    for i in range(6):
        dx[i:i + 3] = v[i] * w
    return {"x": dx}


LAYERS = {"X": "m n", "W": "n h", "V": "h k"}
CLASSES = {**LAYERS, "Y": gp.Array("m k", kind="one_hot")}
FILTER = {"x": "8", "w": "3", "v": "6"}
CASES: list[tuple[Any, Any, list[str], dict[str, Any], str, str]] = [
    (classes, classes_turned, ["W", "V"], CLASSES,
     "d2 = (Y - probs) / len(X)", "d2 = (probs - Y) / len(X)"),
    (classes, classes_slope, ["W", "V"], CLASSES,
     "d1 = d2 @ V.T * A * (1 - A)", "d1 = d2 @ V.T * (1 - A ** 2)"),
    (mean_square, mean_of_rows, ["W", "V"], {**LAYERS, "Y": "m k"},
     "dP = 2 * (A @ V - Y) / Y.shape[0]", "dP = 2 * (A @ V - Y) / Y.size"),
    (norm, norm_without_its_mean, ["x"], {"x": "m n", "t": "m n"},
     'return {"x": dxhat / std + dvar * 2 * (x - mu) / N}',
     'return {"x": dxhat / std + dvar * 2 * (x - mu) / N + dmu / N}'),
    (norm, norm_with_its_sign_lost, ["x"], {"x": "m n", "t": "m n"},
     "dvar = np.sum(dxhat * (x - mu), axis=0) * 0.5 * std ** -3",
     "dvar = np.sum(dxhat * (x - mu), axis=0) * -0.5 * std ** -3"),
    (attention, attention_entrywise, ["Q", "K", "V"],
     {"Q": "t d", "K": "t d", "V": "t p", "T": "t p"},
     "dS = dA * A * (1 - A)", "dS = A * (dA - np.sum(dA * A, axis=-1, keepdims=True))"),
    (filtered, filtered_turned, ["x"], FILTER,
     "dx[i:i + 3] += v[i] * w[::-1]", "dx[i:i + 3] += v[i] * w"),
    (filtered, filtered_overwritten, ["x"], FILTER,
     "dx[i:i + 3] = v[i] * w", "dx[i:i + 3] += v[i] * w"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[1].__name__)
def test_the_edit_is_the_one_that_undoes_the_slip(case):
    loss, gradient, wrt, inputs, old, new = case
    result = gp.check(loss, gradient, inputs=inputs, wrt=wrt)
    assert result.verdict == "refuted"
    assert result.repair is not None, str(result)
    assert (result.repair.old, result.repair.new) == (old, new), str(result)
    assert "where" not in result[wrt[0]].diagnosis  # what is 0 on both sides tells nothing


def columns(X, Y, W, V):
    return np.sum((V @ np.tanh(W @ X) - Y) ** 2) / (2 * X.shape[1])


def columns_by_the_output(X, Y, W, V):
    m = X.shape[1]
    A = np.tanh(W @ X)
    dP = V @ A - Y
    dZ = V.T @ dP * (1 - A)
    return {"W": dZ @ X.T / m, "V": dP @ A.T}


def test_what_is_due_is_told_as_its_readers_take_it():
    inputs = {"X": "n m", "Y": "k m", "W": "h n", "V": "k h"}
    result = gp.check(columns, columns_by_the_output, wrt=["V"], repair_seconds=0, **inputs)
    assert "is due" not in result.first_wrong  # dP is what it is to be, up to the number of columns
    result = gp.check(columns, columns_by_the_output, wrt=["W"], repair_seconds=0, **inputs)
    assert "dZ = V.T @ dP * (1 - A)" in result.first_wrong
    assert "A)/m" not in result.first_wrong
