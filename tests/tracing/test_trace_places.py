"""Arrays of places as subscripts: labels, aranges, constants, the index tricks of convolutions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from traced_values import same_values

import gradproof as gp
from gradproof.symbolic.tracing.run import TraceError, trace

LABELS = {"X": "m k", "y": gp.Array("m", kind="labels k")}
SENTENCES = {"X": "m t k", "y": gp.Array("m t", kind="labels k")}


def image_places(channels, height, width, kernel):
    """The three arrays of places of a convolution by columns, as courses compute them."""
    rows, columns = height - kernel + 1, width - kernel + 1
    i = np.tile(np.repeat(np.arange(kernel), kernel), channels).reshape(-1, 1) + np.repeat(
        np.arange(rows), columns)
    j = np.tile(np.arange(kernel), kernel * channels).reshape(-1, 1) + np.tile(
        np.arange(columns), rows)
    return np.repeat(np.arange(channels), kernel * kernel).reshape(-1, 1), i, j


def columns_of(x):
    c, i, j = image_places(2, 4, 3, 2)
    return x[:, c, i, j]


def image_of(x):
    c, i, j = image_places(2, 4, 3, 2)
    image = np.zeros((x.shape[0], 2, 4, 3))
    np.add.at(image, (slice(None), c, i, j), x[:, c, i, j] ** 2)
    return image


def written(x):
    out = np.zeros_like(x)
    out[:, [2, 0]] = x[:, [0, 1]]
    return out


def written_pairs(x):
    out = x.copy()
    out[[0, 1, 2], [1, 2, 0]] = 3 * x[0]
    out[np.array([[0], [2]]), np.array([0, 2])] -= x[:2, :2]
    return out


def diagonal_ones(x):
    out = x.copy()
    i = np.arange(x.shape[0])
    out[i, i] += 1
    return out


def shifted_columns(x):
    out = np.zeros((x.shape[0], x.shape[1] + 1))
    out[:, np.arange(x.shape[1]) + 1] = x
    return out


def one_hot(X, y):
    out = np.zeros(X.shape)
    out[np.arange(y.shape[0]), y] = 1
    return out * X


def one_hot_of_sentences(X, y):
    out = np.zeros((y.size, X.shape[-1]))
    out[np.arange(y.size), y.ravel()] = 1
    return out.reshape(X.shape) * X


CASES = [
    (columns_of, {"x": "m 2 4 3"}), (image_of, {"x": "m 2 4 3"}), (written, {"x": "m 3"}),
    (written_pairs, {"x": "3 3"}), (diagonal_ones, {"x": "n n"}), (shifted_columns, {"x": "m n"}),
    (lambda x: x[np.array([[0, 1], [2, 3]])], {"x": "5 n"}),
    (lambda x: x[:, np.array([True, False, True])], {"x": "m 3"}),
    (lambda x: x[np.array([[True, False], [False, True]])], {"x": "2 2 n"}),
    (lambda x: x[[0, 3, 1, 1], 1:], {"x": "5 n"}),
    (lambda x: x[[0, 3, 1, 1], ..., [0, 1, 0, 0]], {"x": "5 n 2"}),
    (lambda x: x[..., [0, -1]], {"x": "m n"}),
    (lambda x: x[[[0], [1]], :, [0, 2, 1]], {"x": "2 n 3"}),
    (lambda x: x[np.ix_([0, 1], [0, 2])], {"x": "3 3"}),
    (lambda x: x[np.arange(0, 6, 2)] + x[np.arange(5, -1, -2)], {"x": "6 n"}),
    (lambda x: x[np.arange(x.shape[0])[::-1]], {"x": "m n"}),
    (lambda x: x[np.arange(x.shape[0])[:, None], np.arange(x.shape[1])[None, :]], {"x": "m n"}),
    (lambda x: x * np.arange(x.shape[1]), {"x": "m n"}),
    (lambda x: x / np.arange(1, x.shape[1] + 1), {"x": "m n"}),
    (lambda x: x ** np.arange(3), {"x": "m 3"}),
    (lambda x: x * (np.arange(x.shape[0])[:, None] >= np.arange(x.shape[1])), {"x": "m n"}),
    (lambda x: x * (np.arange(x.shape[0])[:, None] < np.arange(x.shape[1]) + 1), {"x": "m n"}),
    (lambda x: x * (np.arange(x.shape[0]) != 0)[:, None], {"x": "m n"}),
    (lambda x: np.where(np.arange(x.shape[0])[:, None] > np.arange(x.shape[1]), x, 2.0),
     {"x": "m n"}),
    (one_hot, LABELS), (one_hot_of_sentences, SENTENCES),
    (lambda X, y: X[np.arange(len(y)), y], LABELS),
    (lambda X, y: X[range(len(y)), y][:, None], LABELS),
    (lambda X, y: X[np.arange(X.shape[0])[:, None], np.arange(X.shape[1]), y], SENTENCES),
    (lambda X, y: X.reshape(-1, X.shape[-1])[np.arange(y.size), y.ravel()], SENTENCES),
    (lambda X, y: X * (y[:, None] == np.arange(X.shape[1])), LABELS),
    (lambda X, y: X * (y[..., None] == np.arange(X.shape[-1])), SENTENCES),
    (lambda X, y: X * (np.arange(X.shape[1]) != y[:, np.newaxis]), LABELS),
    (lambda X, y: X * np.eye(X.shape[1])[y], LABELS),
    (lambda X, y: X * np.equal(y.reshape(-1, 1), np.arange(X.shape[1]).reshape(1, -1)), LABELS),
    (lambda X, y: X[:, [0, 1]] * y[:, None] + (y == 1)[:, None], LABELS),
    (lambda X, y: X[y[0], 0] + X[0, y[1]], {"X": "k k", "y": gp.Array("2", kind="labels k")}),
]


@pytest.mark.parametrize(("function", "inputs"), CASES, ids=[
    f"{k}-{getattr(f, '__name__', '')}" for k, (f, _) in enumerate(CASES)])
def test_the_equations_compute_what_numpy_computes(function, inputs):
    same_values(function, inputs)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_constants_in_any_shape(data):
    """Reads and writes by one to three arrays of places, between slices or beside them."""
    axes = data.draw(st.integers(1, 3))
    shape = tuple(data.draw(st.integers(1, 3)) for _ in range(axes + 1))
    places = data.draw(st.lists(st.integers(0, axes), min_size=1, max_size=axes + 1, unique=True))
    rows = data.draw(st.sampled_from([(4,), (2, 2), (2, 3), (1,), (6,)]))
    key = [slice(None)] * len(shape)
    for place in places:
        flat = data.draw(st.one_of(
            st.lists(st.integers(0, shape[place] - 1), min_size=int(np.prod(rows)),
                     max_size=int(np.prod(rows))),
            st.just((np.arange(int(np.prod(rows))) // 2 % shape[place]).tolist())))
        key[place] = np.array(flat).reshape(rows)
    key = tuple(key)

    def reads(x):
        return x[key] * 2

    def adds(x):
        out = np.zeros_like(x)
        np.add.at(out, key, x[key] ** 2)
        return out

    def writes(x):
        out = x.copy()
        out[key] = -1
        return out

    for function in (reads, adds, writes):
        same_values(function, {"x": " ".join(map(str, shape))}, ({},))


@pytest.mark.parametrize(("function", "inputs", "message"), [
    (lambda x: x[[0, 5]], {"x": "3"}, "no entry 5"),
    (lambda x: x[np.array([0.0])], {"x": "3"}, "no array of places"),
    (lambda x: x[np.array([True, False])], {"x": "3"}, "mask of shape"),
    (lambda x: x[[0, 1, 3, 7] * 20], {"x": "9"}, "follow no rule"),
    (lambda X, y: _assigned_rows(X, y), LABELS, "repeat a place"),
    (lambda x: np.arange(0, x.shape[0], 2) * 1.0, {"x": "n"}, "how many entries"),
    (lambda x: x[[0, 1], 0, 0], {"x": "3 3"}, "subscripts for"),
    (lambda x: x[np.arange(x.shape[0]) - 1], {"x": "n"}, "count from the end"),
    (lambda x: x[np.arange(x.shape[0]) + 1], {"x": "n"}, "no entry n"),
])
def test_what_is_not_traced_is_explained(function, inputs, message):
    with pytest.raises(TraceError, match=message):
        trace(function, inputs)


def test_places_on_a_symbolic_axis_say_how_long_it_is():
    assert trace(lambda x: x[[0, 2, 4]], {"x": "n"}).least == {"n": 5}
    assert trace(lambda x: x[[-1, -3]], {"x": "n"}).least == {"n": 3}
    crossed = trace(lambda x: x[:, np.arange(x.shape[0])], {"x": "n m"})
    assert any("m - n >= 0" in text for text in crossed.assumptions)


def _assigned_rows(X, y):
    out = X.copy()
    out[y] = 0
    return out


# --- gradients ----------------------------------------------------------------------------------


def softmax(Z):
    E = np.exp(Z - Z.max(axis=-1, keepdims=True))
    return E / E.sum(axis=-1, keepdims=True)


def sentence_loss(X, y):
    flat = X.reshape(-1, X.shape[-1])
    return -np.log(softmax(flat)[np.arange(flat.shape[0]), y.reshape(-1)]).mean()


def sentence_gradient(X, y):
    found = softmax(X.reshape(-1, X.shape[-1]))
    found[np.arange(y.size), y.ravel()] -= 1
    return (found / y.size).reshape(X.shape)


def convolution_loss(x, W, b):
    c, i, j = image_places(2, 4, 3, 2)
    out = np.einsum("fp,npq->nfq", W, x[:, c, i, j]) + b[:, None]
    return np.sum(out**2) / 2


def convolution_gradient(x, W, b):
    c, i, j = image_places(2, 4, 3, 2)
    columns = x[:, c, i, j]
    out = np.einsum("fp,npq->nfq", W, columns) + b[:, None]
    dx = np.zeros_like(x)
    np.add.at(dx, (slice(None), c, i, j), np.einsum("fp,nfq->npq", W, out))
    return {"x": dx, "W": np.einsum("nfq,npq->fp", out, columns), "b": out.sum(axis=(0, 2))}


def masked_attention_loss(X, y):
    allowed = np.arange(X.shape[0])[:, None] >= np.arange(X.shape[1])[None, :]
    return np.sum(softmax(np.where(allowed, X, -1e9)) * y)


def masked_attention_gradient(X, y):
    allowed = np.arange(X.shape[0])[:, None] >= np.arange(X.shape[1])[None, :]
    P = softmax(np.where(allowed, X, -1e9))
    return np.where(allowed, P * (y - (P * y).sum(axis=-1, keepdims=True)), 0)


RIGHT = {
    "convolution by an index trick": (
        convolution_loss, convolution_gradient, {"x": "m 2 4 3", "W": "k 8", "b": "k"},
        ["x", "W", "b"]),
    "labels of two axes": (
        lambda X, y: -np.sum(np.log(softmax(X))[
            np.arange(X.shape[0])[:, None], np.arange(X.shape[1]), y]),
        lambda X, y: softmax(X) - (y[..., None] == np.arange(X.shape[-1])), SENTENCES, ["X"]),
    "attention under a causal mask": (
        masked_attention_loss, masked_attention_gradient, {"X": "n n", "y": "n n"}, ["X"]),
    "weights by place": (
        lambda x: np.sum(x**2 * np.arange(1, x.shape[0] + 1)),
        lambda x: 2 * x * (np.arange(x.shape[0]) + 1), {"x": "n"}, ["x"]),
}


@pytest.mark.parametrize(("loss", "gradient", "inputs", "wrt"), RIGHT.values(), ids=RIGHT)
def test_right_gradients_are_proved(loss, gradient, inputs, wrt):
    result = gp.check(loss, gradient, wrt=wrt, inputs=inputs, repair_seconds=0)
    assert result.verdict == "proved", str(result)


def one_word_forgotten(X, y):
    found = softmax(X.reshape(-1, X.shape[-1]))
    found[np.arange(y.size), y.ravel()] -= 1
    return found.reshape(X.shape) / y.shape[0]


def kernel_transposed(x, W, b):
    right = convolution_gradient(x, W, b)
    return {**right, "W": right["W"].reshape(-1, 2, 2, 2).transpose(0, 1, 3, 2).reshape(W.shape)}


WRONG = {
    "mean over rows alone": (sentence_loss, one_word_forgotten, SENTENCES, ["X"]),
    "kernel transposed": (
        convolution_loss, kernel_transposed, {"x": "m 2 4 3", "W": "k 8", "b": "k"}, ["W"]),
    "mask the other way": (
        masked_attention_loss, lambda X, y: masked_attention_gradient(X, y).T,
        {"X": "n n", "y": "n n"}, ["X"]),
    "weights from zero": (
        lambda x: np.sum(x**2 * np.arange(1, x.shape[0] + 1)),
        lambda x: 2 * x * np.arange(x.shape[0]), {"x": "n"}, ["x"]),
}


@pytest.mark.parametrize(("loss", "gradient", "inputs", "wrt"), WRONG.values(), ids=WRONG)
def test_wrong_ones_are_refuted(loss, gradient, inputs, wrt):
    result = gp.check(loss, gradient, wrt=wrt, inputs=inputs, repair_seconds=0)
    assert result.verdict == "refuted", str(result)
