"""What is said of a refuted gradient beside the verdict: a failure, the wrong line, the repair."""

import numpy as np
import pytest

import gradproof as gp


def loss(x, A):
    return np.sum((A @ x) ** 2)


SHAPES = {"A": "m n", "x": "n"}


def test_a_gradient_that_fails_where_the_loss_works_is_refuted_at_its_line():
    def gradient(x, A):
        r = A @ x
        return 2 * A @ r

    result = gp.check(loss, gradient, wrt=["x"], **SHAPES)
    assert result.verdict == "refuted"
    assert "ValueError" in result["x"].reason
    assert result.place is not None
    assert result.place.text == "return 2 * A @ r"


@pytest.mark.parametrize("kind", ["refuses", "asserts", "machine"])
def test_what_says_nothing_of_the_gradient_is_no_refutation(kind):
    def gradient(x, A):
        if kind == "refuses":
            raise ValueError("not for me")
        assert kind != "asserts"
        with open("/no/such/file") as file:
            return file

    assert gp.check(loss, gradient, wrt=["x"], **SHAPES).verdict == "undecided"


def test_a_failure_at_a_size_of_one_alone_is_no_refutation():
    def gradient(x, A):
        row = A[1] if A.shape[0] > 0 else A[0]  # fails for one row
        return 2 * A.T @ (A @ x) + 0 * row

    result = gp.check(loss, gradient, wrt=["x"], **SHAPES)
    assert result.verdict == "undecided"
    assert "IndexError" in result["x"].reason


def test_a_failure_at_the_given_arrays_is_a_fact_and_at_others_is_not():
    A = np.arange(6.0).reshape(2, 3)

    def hard_coded(x, A):
        return 2 * A.T @ (A @ x) * np.ones(3)

    def failing(x, A):
        return 2 * A @ (A @ x)

    given = {"A": A, "x": np.ones(3)}
    assert gp.check(loss, hard_coded, wrt=["x"], **given).verdict != "refuted"
    assert gp.check(loss, failing, wrt=["x"], **given).verdict == "refuted"


def test_a_missing_gradient_is_refuted_and_the_others_are_judged():
    def gradient(x, A):
        return {"dx": 2 * A.T @ (A @ x)}

    result = gp.check(loss, gradient, wrt=["x", "A"], **SHAPES)
    assert result["x"].verdict == "proved"
    assert result["A"].verdict == "refuted"
    assert "not returned" in result["A"].reason


def test_a_backward_pass_that_fails_where_the_forward_pass_works_is_refuted():
    def forward(x, w):
        return x @ w, (x, w)

    def backward(dout, cache):
        x, w = cache
        return dout @ w, x.T @ dout

    result = gp.check_layer(forward, backward, x="m n", w="n h")
    assert result.verdict == "refuted"
    assert result.place.text == "return dout @ w, x.T @ dout"
