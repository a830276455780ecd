"""Flattened axes split into what they were: the same values, and proofs across reshapes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradproof as gp
from gradproof.codegen.interpret import evaluate
from gradproof.symbolic.proof.digits import NotInDigitsError, in_digits
from gradproof.symbolic.tracing.run import trace

SIZES = {"m": 3, "t": 2, "k": 4}
SHAPES = [lambda x, m, t, k: x.reshape(m * t, k), lambda x, m, t, k: x.reshape(m, t * k),
          lambda x, m, t, k: x.reshape(-1), lambda x, m, t, k: x.reshape(m, t, k),
          lambda x, m, t, k: x.reshape(m, 1, t, k), lambda x, m, t, k: x.reshape(t * m * k)]
STEPS = [np.tanh, lambda x: x - x.max(axis=-1, keepdims=True), lambda x: x * x.sum(axis=0),
         lambda x: x / np.exp(x).sum(axis=-1, keepdims=True), lambda x: x[..., 1:] * x[..., :-1],
         lambda x: x * np.arange(x.shape[-1]), lambda x: np.cumsum(x, axis=-1)]


@pytest.mark.slow
@settings(max_examples=25)
@given(st.lists(st.tuples(st.sampled_from(SHAPES), st.sampled_from(STEPS[:4] + STEPS[5:])),
                min_size=1, max_size=3), st.sampled_from(STEPS))
def test_the_values_are_the_same(ways, last):
    def function(x):
        m, t, k = x.shape
        for shaped, step in ways:
            x = step(shaped(x, m, t, k))
        return last(x)

    traced = trace(function, {"x": "m t k"})
    try:
        (split,) = in_digits([(traced.system, [traced.result])])
    except NotInDigitsError:
        return
    x = np.random.default_rng(0).normal(size=(3, 2, 4))
    np.testing.assert_allclose(evaluate(split, {"x": x}, SIZES)[traced.result], function(x), 1e-9)


def test_no_array_that_a_reshape_flattened_is_left():
    def function(x):
        return np.exp(np.exp(x.reshape(-1, x.shape[2])).sum(axis=1)).reshape(x.shape[:2])

    traced = trace(function, {"x": "m t k"})
    (split,) = in_digits([(traced.system, [traced.result])])
    assert {len(equation.terms[0].guards) for equation in split.equations} == {0}
    assert all(size.is_Symbol for equation in split.equations for size in equation.shape)


def test_a_matrix_and_its_transpose_flattened_disagree():
    traced = trace(lambda x: np.exp(x.ravel()) * np.exp(x.T.ravel()), {"x": "m t"})
    with pytest.raises(NotInDigitsError):
        in_digits([(traced.system, [traced.result])])


# --- gradients ----------------------------------------------------------------------------------


def softmax(Z):
    E = np.exp(Z - Z.max(axis=-1, keepdims=True))
    return E / E.sum(axis=-1, keepdims=True)


def rows(X):
    return X.reshape(-1, X.shape[-1])


def sentence_loss(X, y):
    flat = rows(X)
    return -np.log(softmax(flat)[np.arange(flat.shape[0]), y.reshape(-1)]).mean()


def sentence_gradient(X, y):
    found = softmax(rows(X))
    found[np.arange(y.size), y.ravel()] -= 1
    return (found / y.size).reshape(X.shape)


def one_word_forgotten(X, y):
    return sentence_gradient(X, y) * y.shape[1]


def flattened_layer(X, W, w):
    return np.sum(np.tanh(X.ravel().reshape(X.shape[0], -1) @ W) * w)


def flattened_gradient(X, W, w):
    flat = X.reshape(X.shape[0], -1)
    delta = w * (1 - np.tanh(flat @ W) ** 2)
    return {"X": (delta @ W.T).ravel().reshape(X.shape), "W": flat.T @ delta}


def transposed_back(X, W, w):
    right = flattened_gradient(X, W, w)
    m, c, h = X.shape
    return {**right, "X": right["X"].reshape(m, h, c).transpose(0, 2, 1)}


def grouped(x, groups):
    parts = x.reshape(x.shape[0], groups, -1)
    mean, variance = parts.mean(axis=-1, keepdims=True), parts.var(axis=-1, keepdims=True)
    return ((parts - mean) / np.sqrt(variance + 1e-5)).reshape(x.shape), variance


def group_norm(x, g, b, w):
    return np.sum((g[:, None] * grouped(x, 2)[0] + b[:, None]) * w)


def group_norm_gradient(x, g, b, w):
    normal, variance = grouped(x, 2)
    inner = (w * g[:, None]).reshape(x.shape[0], 2, -1)
    parts = normal.reshape(inner.shape)
    dx = (inner - inner.mean(axis=-1, keepdims=True)
          - parts * (inner * parts).mean(axis=-1, keepdims=True)) / np.sqrt(variance + 1e-5)
    return {"x": dx.reshape(x.shape), "g": (w * normal).sum(axis=(0, 2)), "b": w.sum(axis=(0, 2))}


def group_norm_by_channels(x, g, b, w):
    """The means of the backward pass over a channel, not over its group."""
    right = group_norm_gradient(x, g, b, w)
    normal, variance = grouped(x, 2)
    inner = w * g[:, None]
    dx = inner - inner.mean(axis=-1, keepdims=True) - normal * (inner * normal).mean(
        axis=-1, keepdims=True)
    return {**right, "x": dx / np.sqrt(variance.repeat(2, axis=1) + 1e-5)}


def two_heads(q, k, v):
    def split(z):
        return z.reshape(z.shape[0], z.shape[1], 2, -1).transpose(0, 2, 1, 3)

    Q, K, V = split(q), split(k), split(v)
    P = softmax(Q @ K.swapaxes(-1, -2) / np.sqrt(Q.shape[-1]))
    return (P @ V).transpose(0, 2, 1, 3).reshape(q.shape), (Q, K, V, P)


def two_heads_gradient(q, k, v, w):
    _, (Q, K, V, P) = two_heads(q, k, v)
    out = w.reshape(q.shape[0], q.shape[1], 2, -1).transpose(0, 2, 1, 3)
    dP = out @ V.swapaxes(-1, -2)
    scores = P * (dP - (dP * P).sum(axis=-1, keepdims=True)) / np.sqrt(Q.shape[-1])
    found = {"q": scores @ K, "k": scores.swapaxes(-1, -2) @ Q, "v": P.swapaxes(-1, -2) @ out}
    return {name: z.transpose(0, 2, 1, 3).reshape(q.shape) for name, z in found.items()}


def loop_over_labels(Z, y):
    P = softmax(Z)
    return -sum(np.log(P[i, y[i]]) for i in range(Z.shape[0])) / Z.shape[0]


def loop_gradient(Z, y):
    P = softmax(Z)
    for i in range(Z.shape[0]):
        P[i, y[i]] -= 1
    return P / Z.shape[0]


SENTENCES = {"X": "m t k", "y": gp.Array("m t", kind="labels k")}
LAYER = {"X": "m c h", "W": "c*h k", "w": "m k"}
GROUPS = {"x": "m 4 h", "g": "4", "b": "4", "w": "m 4 h"}
ROWS = {"Z": "3 k", "y": gp.Array("3", kind="labels k")}
RIGHT = {
    "cross-entropy of sentences made flat": (sentence_loss, sentence_gradient, SENTENCES, "X"),
    "softmax of rows made flat, gradient as it is": (
        lambda X, w: np.sum(softmax(rows(X)) * rows(w)),
        lambda X, w: softmax(X) * (w - (softmax(X) * w).sum(axis=-1, keepdims=True)),
        {"X": "m t k", "w": "m t k"}, "X"),
    "flattened layer": (flattened_layer, flattened_gradient, LAYER, "X W"),
    "flattened layer of an image": (
        flattened_layer, flattened_gradient, {"X": "m 2 3", "W": "6 k", "w": "m k"}, "X W"),
    "attention of two heads": (
        lambda q, k, v, w: np.sum(two_heads(q, k, v)[0] * w), two_heads_gradient,
        dict.fromkeys("qkvw", "b t 2*d"), "q k v"),
    "group norm": (group_norm, group_norm_gradient, GROUPS, "x g b"),
    "loop over labels": (loop_over_labels, loop_gradient, ROWS, "Z"),
}
WRONG = {
    "words counted per sentence": (sentence_loss, one_word_forgotten, SENTENCES, "X"),
    "reshaped as if transposed": (flattened_layer, transposed_back, LAYER, "X"),
    "means over a channel": (group_norm, group_norm_by_channels, GROUPS, "x"),
    "one label forgotten": (
        loop_over_labels, lambda Z, y: loop_gradient(Z, y[[0, 1, 1]]), ROWS, "Z"),
}


@pytest.mark.parametrize(("loss", "gradient", "inputs", "wrt"), [
    pytest.param(*case, id=name, marks=pytest.mark.slow if name == "group norm" else ())
    for name, case in RIGHT.items()])
def test_right_gradients_are_proved(loss, gradient, inputs, wrt):
    result = gp.check(loss, gradient, wrt=wrt.split(), inputs=inputs, repair_seconds=0)
    assert result.verdict == "proved", str(result)


@pytest.mark.parametrize(("loss", "gradient", "inputs", "wrt"), WRONG.values(), ids=WRONG)
def test_wrong_ones_are_refuted(loss, gradient, inputs, wrt):
    result = gp.check(loss, gradient, wrt=wrt.split(), inputs=inputs, repair_seconds=0)
    assert {check.verdict for check in result} == {"refuted"}, str(result)


def test_a_size_that_no_axis_shows_alone_is_found():
    """Of x with 2 d columns, and of y with m + d entries."""
    result = gp.check(lambda x, y: np.sum(x**2) + np.sum(y), lambda x, y: 2 * x, wrt=["x"],
                      x="m 2*d", y="m+d", repair_seconds=0)
    assert result.verdict == "proved", str(result)
