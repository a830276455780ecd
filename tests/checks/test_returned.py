"""Whose gradient is which in what comes back: one list of keys, and nothing goes unsaid."""

import warnings

import numpy as np
import pytest

import gradproof as gp
from gradproof.checks.returned import SPELLINGS, Asked, ReturnedError, sorted_out

SHAPES = {"X": "m n", "y": "m", "w": "n", "b": ""}
KEYS = [*SPELLINGS, "{}"]


def loss(X, y, w, b):
    return np.mean((X @ w + b - y) ** 2)


def returning(make, wrong=1.0):
    """A gradient function that returns make(w's gradient, b's gradient, w)."""
    def gradient(X, y, w, b):
        r = 2 * (X @ w + b - y) / len(y)
        return make(X.T @ r, wrong * r.sum(), w)
    return gradient


@pytest.mark.parametrize("of_w", KEYS)
@pytest.mark.parametrize("of_b", KEYS)
def test_every_key_is_taken_by_functions(of_w, of_b):
    keyed = returning(lambda w, b, _: {of_w.format("w"): w, of_b.format("b"): b}, wrong=7.0)
    result = gp.check(loss, keyed, repair_seconds=0, **SHAPES)
    assert (result["w"].verdict, result["b"].verdict) == ("proved", "refuted")
    assert result.unchecked == ("X", "y")
    named = gp.check(loss, keyed, wrt=["w", "b"], repair_seconds=0, **SHAPES)
    assert [made.verdict for made in named] == ["proved", "refuted"]


@pytest.mark.parametrize("spelling", KEYS)
def test_every_key_is_taken_by_layers_and_formulas(spelling):
    def forward(X, w):
        return X @ w, (X, w)

    def backward(dout, cache):
        return {spelling.format("X"): dout @ cache[1].T, spelling.format("w"): cache[0].T @ dout}

    assert gp.check_layer(forward, backward, X="m n", w="n k").verdict == "proved"
    formula = {spelling.format("w"): "2*X.T @ (X @ w - y)"}
    assert gp.check("sum((X @ w - y)**2)", formula, X="m n", y="m", w="n")["w"].verdict == "proved"


def test_a_parameter_beside_its_gradient_is_said_not_to_be_taken():
    result = gp.check(loss, returning(lambda dw, db, w: {"w": w, "dw": dw, "db": db}), **SHAPES)
    assert result.verdict == "proved"
    said = "'w' beside 'dw' is taken for the parameter itself, and is not checked"
    assert said in result["w"].notes
    assert said not in result["b"].notes


def test_two_gradients_under_two_keys_are_no_pass_where_they_differ():
    same = gp.check(loss, returning(lambda dw, db, _: {"dw": dw, "grad_w": dw, "b": db}), **SHAPES)
    assert same.verdict == "proved"
    assert any("'grad_w' is not checked" in note for note in same["w"].notes)
    apart = gp.check(loss, returning(lambda dw, db, _: {"dw": dw, "grad_w": 2 * dw, "b": db}),
                     **SHAPES)
    assert (apart["w"].verdict, apart["b"].verdict) == ("undecided", "proved")
    assert "'dw' and 'grad_w' differ" in apart["w"].reason
    text = gp.check("sum((X @ w - y)**2)", {"dw": "2*X.T @ (X @ w - y)", "grad_w": "X.T @ y"},
                    X="m n", y="m", w="n")
    assert text["w"].verdict == "undecided"


@pytest.mark.parametrize("wrt", [None, ["w"]])
def test_a_key_that_nothing_asks_for_is_said(wrt):
    keyed = returning(lambda dw, db, _: {"dw": dw, "b3": db, "db": db})
    result = gp.check(loss, keyed, wrt=wrt, **SHAPES)
    assert result.unasked == (("b3",) if wrt is None else ("b3", "db"))
    assert f"not asked for: {', '.join(result.unasked)} (returned" in str(result)


def test_a_layer_says_what_is_beside_its_gradients():
    class Affine:
        def __init__(self, W):
            self.W = W

        def forward(self, x):
            self.x = x
            return x @ self.W

        def backward(self, dout):
            self.dW = self.x.T @ dout
            self.grads = {"W": 2 * self.dW}
            return {"dx": dout @ self.W.T, "dgamma": dout}

    result = gp.check_layer(Affine, x="m n", W="n k")
    assert result.verdict == "proved"
    assert result["W"].notes == ("another gradient, in grads['W'], is not checked",)
    assert result.unasked == ("dgamma",)


def test_a_hand_written_pass_says_what_is_beside_its_gradients():
    from gradproof.checks.hand_written import check_network

    derivation = gp.derive(gp.Network(sizes=[2, 1], output="identity"))

    def gradient(X, Y, W1, b1):
        _, found = derivation.compile()(X=X, Y=Y, W1=W1, b1=b1)
        return {"W1": W1, "dW1": found["W1"], "b1_grad": found["b1"], "dA0": X}

    result = check_network(derivation, gradient)
    assert [made.verdict in ("proved", "agrees") for made in result] == [True, True]
    assert "taken for the parameter itself" in result["W1"].notes[0]
    assert result.unasked == ("dA0",)


def test_an_input_called_dx_and_the_gradient_by_x_are_told_apart():
    both = sorted_out(["x", "dx"], ["x", "dx"])
    assert both.keys == {"x": "x", "dx": "dx"}
    assert sorted_out(["dx", "ddx"], ["x", "dx"]).keys == {"x": "dx", "dx": "ddx"}
    assert sorted_out(["dx"], ["x"], ["x", "dx"]).keys == {"x": "dx"}
    assert sorted_out(["dx"], ["dx"], ["x", "dx"]).keys == {"dx": "dx"}
    with pytest.raises(ReturnedError, match="'dx' may be for the gradient by x or by dx"):
        sorted_out(["dx"], ["x", "dx"])


@pytest.mark.parametrize(("returned", "message"), [
    ({"da": 1}, "expected gradients keyed 'b' or 'db', got the keys \\['da'\\]"),
    ((1, 2, 3), "expected 2 gradients, for a, b, got 3"),
])
def test_what_is_missing_is_named(returned, message):
    with pytest.raises(ReturnedError, match=message):
        Asked(("a", "b")).by_name(returned)


def test_a_loss_may_come_with_the_gradients():
    assert Asked(("a",)).by_name((0.5, {"da": 3})) == {"a": 3}
    assert Asked(("a", "b")).by_name([1, 2]) == {"a": 1, "b": 2}


def squares(X, w):
    return np.sum((X @ w) ** 2)


def due(X, w):
    return 2 * X.T @ (X @ w)


@pytest.mark.parametrize(("gradient", "said"), [
    (lambda X, w: None, "is None"),
    (lambda X, w: "2 X.T X w", "is a str"),
    (lambda X, w: np.array([None] * len(w)), "is an array of object"),
    (lambda X, w: due(X, w) * (1 + 1e-3j), "is complex, with an imaginary part of up to"),
])
def test_what_is_no_array_of_real_numbers_is_no_gradient(gradient, said):
    (found,) = gp.check(squares, gradient, X="m n", w="n", wrt=["w"], repair_seconds=0)
    assert (found.verdict, said in found.reason) == ("refuted", True), str(found)


@pytest.mark.parametrize("made", [
    lambda g: g.astype(object), lambda g: g + 0j, lambda g: np.fft.ifft(np.fft.fft(g))])
def test_real_numbers_in_another_dtype_are_what_they_are(made):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for factor, verdict in ((1, "agrees"), (1.5, "refuted")):
            (found,) = gp.check(squares, lambda X, w, by=factor: made(by * due(X, w)), X="m n",
                                w="n", wrt=["w"], repair_seconds=0)
            assert found.verdict == verdict, str(found)
