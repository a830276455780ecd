"""Labels that are the places of ones: a target that is one-hot, and its argmax as a subscript."""

import numpy as np
import pytest

import gradproof as gp

ROWS = gp.Array("m k", kind="one_hot")


def softmax(x):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def by_label(x, t):
    y, label = softmax(x), t.argmax(axis=1)
    return -np.sum(np.log(y[np.arange(len(y)), label] + 1e-7)) / len(y)


def margin(x, t):
    right = x[np.arange(len(x)), np.argmax(t, axis=1)]
    return np.sum(np.exp(x - right[:, None]))


def subtracted(x, t, by=1):
    dx = softmax(x)
    dx[np.arange(len(x)), np.argmax(t, axis=1)] -= by
    return dx / len(x)


def of_margin(x, t, factor=1):
    right = x[np.arange(len(x)), np.argmax(t, axis=1)]
    e = np.exp(x - right[:, None])
    return e - factor * t * e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(("loss", "right", "wrong"), [
    (by_label, lambda x, t: (softmax(x) - t) / len(x), lambda x, t: softmax(x) - t),
    pytest.param(by_label, subtracted, lambda x, t: subtracted(x, t, by=2), marks=pytest.mark.slow),
    pytest.param(margin, of_margin, lambda x, t: of_margin(x, t, factor=2), marks=pytest.mark.slow),
])
def test_labels_of_one_hot_rows(loss, right, wrong):
    result = gp.check(loss, right, wrt=["x"], x="m k", t=ROWS)
    assert result.verdict == "proved", str(result)
    assert result["x"].scope.startswith("for all k, m")
    assert gp.check(loss, wrong, wrt=["x"], x="m k", t=ROWS,
                    repair_seconds=0).verdict == "refuted"


def test_columns_and_what_is_not_one_hot():
    def loss(x, t):
        return np.sum(x[t.argmax(axis=0), np.arange(x.shape[1])] ** 2)

    columns = gp.Array("k m", kind="one_hot", axis=0)
    assert gp.check(loss, lambda x, t: 2 * x * t, wrt=["x"], x="k m", t=columns).verdict == "proved"
    other = gp.check(loss, lambda x, t: 2 * x * t, wrt=["x"], x="k m", t="k m", repair_seconds=0)
    assert other.verdict == "refuted"


def test_by_the_rows_themselves_a_place_has_no_slope():
    def loss(x, t):
        return np.sum(x[np.arange(len(x)), t.argmax(axis=1)] ** 2)

    result = gp.check(loss, lambda x, t: {"x": 2 * x * t, "t": x**2}, wrt=["x", "t"], x="m k",
                      t=ROWS, repair_seconds=0)
    assert result["t"].verdict != "proved"
    assert result["x"].verdict != "refuted"
