"""Small axes written out: the same values, and proofs that loops over windows needed."""

import numpy as np
import pytest
import sympy as sp

import gradproof as gp
from gradproof.codegen.interpret import evaluate
from gradproof.symbolic.equation import Array, size_symbol
from gradproof.symbolic.proof.unrolling import NotUnrolledError, unrolled
from gradproof.symbolic.tracing.run import trace
from gradproof.symbolic.validation import validate


def window_sums(x):
    out = np.zeros((len(x), 3))
    for i in range(3):
        out[:, i] = x[:, i:i + 2].sum(axis=1)
    return out


def padded(x):
    return np.pad(x, ((0, 0), (1, 1)))[:, 1:] * 2


def window_maxima(x):
    out = np.zeros((len(x), 2))
    for i in range(2):
        out[:, i] = np.max(x[:, 2 * i:2 * i + 2], axis=1)
    return out


def masked(x):
    y = x.copy()
    y[x < 0] = 0.5
    return y[:, ::-1]


def gates(x):
    a = np.concatenate([np.tanh(x), x], axis=1)
    return a[:, :4] * a[:, 4:] + a.sum(axis=1, keepdims=True)


def picked(x, y):
    p = np.exp(x)
    p[np.arange(len(x)), y] -= 1
    return p / p.sum(axis=1, keepdims=True)


def softmax(x):
    return np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)


def product(x):
    return x.T @ x


def constant(x):
    return np.zeros_like(x) + 1


@pytest.mark.parametrize("function", [
    window_sums, padded, window_maxima, masked, gates, softmax, product, constant])
def test_the_parts_are_the_entries(function):
    made = trace(function, {"x": "m 4"})
    parts = unrolled(made.system, [made.result])
    validate(parts.system)
    values = {"x": np.random.default_rng(0).normal(size=(3, 4))}
    whole = evaluate(made.system, values)[made.result]
    found = evaluate(parts.system, values)
    axes = [axis for axis, size in enumerate(made.system.shapes[made.result]) if size.is_Integer]
    for place, name in parts.parts[made.result].items():
        at = [slice(None)] * whole.ndim
        for axis, entry in zip(axes, place, strict=True):
            at[axis] = entry
        np.testing.assert_allclose(found[name], whole[tuple(at)], rtol=1e-14)
    assert len(parts.parts[made.result]) == np.prod([whole.shape[axis] for axis in axes])


def test_a_place_that_is_looked_up_keeps_its_array_whole():
    labels = Array("y", (size_symbol("m"),), "labels", (), sp.Integer(4))
    made = trace(picked, {"x": "m 4", "y": labels})
    parts = unrolled(made.system, [made.result])
    validate(parts.system)
    values = {"x": np.random.default_rng(0).normal(size=(3, 4)), "y": np.array([0, 3, 1])}
    whole, found = evaluate(made.system, values)[made.result], evaluate(parts.system, values)
    for (column,), name in parts.parts[made.result].items():
        np.testing.assert_allclose(found[name], whole[:, column], rtol=1e-14)


@pytest.mark.parametrize("shape", ["m n", "m 9"])
def test_nothing_to_write_out(shape):
    made = trace(lambda x: np.tanh(x), {"x": shape})
    with pytest.raises(NotUnrolledError):
        unrolled(made.system, [made.result])


def pool_loss(x, w):
    return np.sum(window_maxima(x) * w)


def pool_gradient(x, w):
    dx = np.zeros_like(x)
    for i in range(2):
        window = x[:, 2 * i:2 * i + 2]
        dx[:, 2 * i:2 * i + 2] += (window == window.max(axis=1, keepdims=True)) * w[:, i:i + 1]
    return {"x": dx}


def test_the_mask_of_a_maximum_is_where_it_is_attained():
    result = gp.check(pool_loss, pool_gradient, wrt=["x"], x="m 4", w="m 2")
    assert result.verdict == "proved", str(result)
    assert any("tie" in kink for kink in result["x"].kinks)


def conv_loss(x, k, w):
    out = np.zeros_like(w)
    for i in range(w.shape[2]):
        for j in range(w.shape[3]):
            out[:, :, i, j] = np.sum(x[:, None, :, i:i + 2, j:j + 2] * k, axis=(2, 3, 4))
    return np.sum(out * w)


def conv_gradient(x, k, w):
    dx, dk = np.zeros_like(x), np.zeros_like(k)
    for i in range(w.shape[2]):
        for j in range(w.shape[3]):
            d = w[:, :, i, j][:, :, None, None, None]
            dk += np.sum(x[:, None, :, i:i + 2, j:j + 2] * d, axis=0)
            dx[:, :, i:i + 2, j:j + 2] += np.sum(k * d, axis=1)
    return {"x": dx, "k": dk}


CONVOLUTION = {"x": "m c 3 2", "k": "f c 2 2", "w": "m f 2 1"}


def test_a_convolution_by_loops_over_windows_is_proved():
    result = gp.check(conv_loss, conv_gradient, wrt=["x", "k"], **CONVOLUTION)
    assert result.verdict == "proved", str(result)


@pytest.mark.slow
def test_a_convolution_with_a_window_too_few_is_refuted():
    def short(x, k, w):
        found = conv_gradient(x, k, w)
        found["x"][:, :, 2, 1] = 0
        return found

    result = gp.check(conv_loss, short, wrt=["x", "k"], repair_seconds=0, **CONVOLUTION)
    assert {check.name: check.verdict for check in result} == {"x": "refuted", "k": "proved"}


def test_a_bias_summed_over_two_axes_reshaped_into_one_is_proved():
    def forward(x, w, b):
        out = np.zeros((len(x), 2, 3, 3))
        for n in range(1):
            out[n] = (w @ x[n].reshape(2, 9) + b.reshape(2, 1)).reshape(2, 3, 3)
        return out, (x, w)

    def backward(dout, cache):
        x, w = cache
        dx, dw, db = np.zeros(x.shape), np.zeros(w.shape), np.zeros(2)
        for n in range(1):
            d = dout[n].reshape(2, 9)
            dx[n] = (w.T @ d).reshape(2, 3, 3)
            dw += d @ x[n].reshape(2, 9).T
            db += d.sum(axis=1)
        return dx, dw, db

    found = gp.check_layer(forward, backward, x="1 2 3 3", w="2 2", b="2")
    assert [made.verdict for made in found.checks] == ["proved"] * 3
