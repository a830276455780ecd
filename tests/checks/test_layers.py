"""Layers in the styles of public code: proved where they are right, refuted where they are not."""

import numpy as np
import pytest
from layer_cases import CASES, Affine, affine_backward, affine_forward

import gradproof as gp

TWICE = [pytest.param(case, id=case.name, marks=[pytest.mark.slow] if case.slow else [])
         for case in CASES]


def checked(case, parts):
    return gp.check_layer(*parts[-2:], inputs=case.inputs, constants=case.constants)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_right_layer_passes(case):
    result = checked(case, case.parts)
    assert result.verdict == case.verdict, str(result)


@pytest.mark.parametrize("case", TWICE)
def test_a_planted_error_is_refuted_where_it_is(case):
    result = checked(case, case.edited())
    refuted = {check.name for check in result if check.verdict == "refuted"}
    assert refuted == case.wrong, str(result)


def test_the_scope_is_all_sizes_and_the_numbers_agree():
    result = gp.check_layer(Affine, x="m n", W="n h", b="h")
    assert {check.scope for check in result} == {"for all h, m, n"}
    assert all(check.bound < 1e-9 for check in result)
    assert [check.name for check in result] == ["x", "W", "b"]


def test_the_first_wrong_line_is_that_of_the_layer():
    class Wrong(Affine):
        def backward(self, dout):
            self.dW = np.dot(self.x.T, dout) / len(dout)
            self.db = dout.sum(axis=0)
            return dout @ self.W.T

    result = gp.check_layer(Wrong, x="m n", W="n h", b="h")
    assert result["W"].verdict == "refuted"
    assert "multiply by m" in result["W"].diagnosis
    assert "self.dW = np.dot(self.x.T, dout) / len(dout)" in result.first_wrong
    assert result.place.filename == __file__
    assert result.repair.new == "self.dW = np.dot(self.x.T, dout)"


def test_a_layer_with_its_parameters_in_it_is_checked_by_its_inputs():
    class Scale:
        def __init__(self):
            self.factor = np.arange(1.0, 4.0)
            self.calls = []

        def forward(self, x):
            self.calls.append(x)
            return x * self.factor

        def backward(self, dout):
            return dout * self.factor

    layer = Scale()
    assert gp.check_layer(layer, x="m 3").verdict == "proved"
    assert layer.calls == []


def test_a_factory_makes_what_its_class_does_not():
    class Lazy:
        def __init__(self, size):
            self.parameters, self.gradients = {}, {}
            self.size = size

        def forward(self, X):
            self.X = X
            return X @ self.parameters["W"]

        def backward(self, dLdy):
            self.gradients["W"] = self.X.T @ dLdy
            return dLdy @ self.parameters["W"].T

    def make(W):
        layer = Lazy(W.shape[1])
        layer.parameters["W"] = W
        return layer

    assert gp.check_layer(make, X="m n", W="n h").verdict == "proved"


def test_gradients_beside_their_values():
    class Parameter:
        def __init__(self, data):
            self.data, self.grad = data, None

    class Linear:
        def __init__(self, W):
            self.W = Parameter(W)

        def __call__(self, x):
            self.x = x
            return x @ self.W.data

        def backward(self, grad_output):
            self.W.grad = self.x.T @ grad_output
            return grad_output @ self.W.data.T

    assert gp.check_layer(Linear, x="m n", W="n h").verdict == "proved"


def test_real_arrays_stand_for_their_sizes():
    rng = np.random.default_rng(1)
    x, w, b = rng.normal(size=(4, 3)), rng.normal(size=(3, 2)), rng.normal(size=2)
    result = gp.check_layer(affine_forward, affine_backward, x=x, w=w, b=b)
    assert result.verdict == "proved"
    assert result["w"].scope == "for all m, n, p"


def test_wrt_says_what_is_checked():
    result = gp.check_layer(affine_forward, affine_backward, x="m n", w="n h", b="h", wrt=["w"])
    assert [check.name for check in result] == ["w"]


# --- what is no pass ----------------------------------------------------------------------------


def test_a_layer_that_draws_is_undecided():
    class Dropout:
        def forward(self, x):
            self.mask = np.random.rand(*x.shape) > 0.5
            return x * self.mask

        def backward(self, dout):
            return dout * self.mask

    result = gp.check_layer(Dropout, x="m n")
    assert result.verdict == "undecided"
    assert "forward gives two results" in result["x"].reason
    assert "seed" in result["x"].reason


def test_a_backward_pass_that_draws_again_is_undecided():
    rng = np.random.default_rng(0)
    result = gp.check_layer(lambda x: 2 * x, lambda dout: 2 * dout + rng.normal(), x="n")
    assert result.verdict == "undecided"
    assert "backward gives two gradients of x" in result["x"].reason


def test_inputs_changed_in_place_are_undecided():
    def forward(x):
        x[x < 0] = 0
        return x, x > 0

    result = gp.check_layer(forward, lambda dout, mask: dout * mask, x="m n")
    assert result.verdict == "undecided"
    assert "changes its input x in place" in result["x"].reason


def test_a_parameter_updated_before_its_use_is_refuted():
    class Impatient(Affine):
        def backward(self, dout):
            self.dW = self.x.T @ dout
            self.db = dout.sum(axis=0)
            self.W -= 0.1 * self.dW
            return dout @ self.W.T

    result = gp.check_layer(Impatient, x="m n", W="n h", b="h")
    assert result["x"].verdict == "refuted"
    assert result["W"].verdict == "proved"  # a layer may take the step that it has the gradient of


def test_a_wrong_shape_is_refuted_and_not_broadcast():
    result = gp.check_layer(lambda x, b: x + b, lambda dout: (dout, dout), x="m n", b="n")
    assert result["x"].verdict == "proved"
    assert result["b"].verdict == "refuted"
    assert "expected (" in result["b"].reason


@pytest.mark.parametrize("broken", ["forward", "backward"])
def test_what_a_pass_raises_is_a_reason_with_its_line(broken):
    class Broken:
        def forward(self, x):
            if broken == "forward":
                raise RuntimeError("out of order")
            return x

        def backward(self, dout):
            raise RuntimeError("out of order")

    result = gp.check_layer(Broken, x="m n")
    assert result.verdict == "undecided"
    assert f"{broken} fails at m = 3" in result["x"].reason
    assert "RuntimeError: out of order" in result["x"].reason
    assert "test_layers.py" in result["x"].reason


def test_a_layer_that_cannot_be_made_is_undecided():
    class Picky:
        def __init__(self, W):
            raise TypeError("not this W")

        def forward(self, x): ...
        def backward(self, dout): ...

    result = gp.check_layer(Picky, x="m n", W="n h")
    assert result.verdict == "undecided"
    assert "not this W" in result["W"].reason


def test_one_batch_size_only_is_refuted():
    def forward(x):
        return np.mean(x, axis=0)

    def backward(dout, x):
        return np.ones_like(x) * dout / 3

    assert gp.check_layer(forward, backward, x="m n").verdict == "refuted"


class Forgetful(Affine):
    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.bias_gradient = dout.sum(axis=0)
        return dout @ self.W.T


@pytest.mark.parametrize(("parts", "inputs", "message"), [
    ((Forgetful,), {"x": "m n", "W": "n h", "b": "h"}, r"no gradient for b.*bias_gradient"),
    ((Affine,), {"x": "m n", "V": "n h", "W": "n h", "b": "h"}, r"'V' is a parameter neither of"),
    ((Affine,), {}, "nothing to check"),
    ((Affine,), {"x": "m n", "W": "n h", "b": "h", "wrt": []}, "nothing to check"),
    ((Affine,), {"x": "m n", "W": "n h", "b": "h", "wrt": ["c"]}, "is no input"),
    ((Affine,), {"x": "m n", "W": "n h", "b": "h", "stride": 1}, "'stride' is a parameter of no"),
    ((object,), {"x": "m n"}, r"takes no keyword|method forward|expected an object"),
    ((3,), {"x": "m n"}, "expected a layer"),
    ((affine_forward, 3), {"x": "m n", "w": "n h", "b": "h"}, "expected a function"),
    ((affine_forward, affine_backward), {"x": "m n", "w": "n h"}, "forward: missing"),
    ((lambda x: x, lambda dout, cache: dout), {"x": "n"}, "backward needs cache"),
    ((lambda x: {"out": x}, lambda dout: dout), {"x": "n"}, "forward returns dict"),
    ((lambda x, y: x * y, lambda dout, x: dout * x), {"x": "n", "y": "n"},
     r"one gradient, expected 2 \(x, y\)"),
    ((lambda x: x, lambda dout: {"z": dout}), {"x": "n"}, "no gradient for x.*keyed z"),
    ((lambda x: x, lambda dout: None), {"x": "n"}, "no gradient for x: backward returns nothing"),
    ((lambda x: x, lambda dout: dout), {"x": gp.Array("n", kind="labels k")}, "nothing to check"),
])
def test_what_does_not_fit_is_an_error_that_says_so(parts, inputs, message):
    with pytest.raises(ValueError, match=message):
        gp.check_layer(*parts, **inputs)


def test_a_kind_that_there_is_not_is_an_error():
    with pytest.raises(ValueError, match="kind: expected one of real"):
        gp.Array("m n", kind="onehot")


# --- assertions ---------------------------------------------------------------------------------


def test_assertions_pass_or_tell_the_story():
    gp.assert_layer(Affine, x="m n", W="n h", b="h", require="proved")
    with pytest.raises(AssertionError, match=r"x: refuted\n(.|\n)*multiply by 2"):
        gp.assert_layer(lambda x: x**2, lambda dout, x: dout * x, x="n")
    with pytest.raises(AssertionError, match="multiply by 2"):
        gp.assert_gradient(lambda x: np.sum(x**2), lambda x: x, x="n")


def test_a_proof_can_be_required():
    def loss(x):
        return np.sum(np.sort(x) ** 2)

    assert gp.assert_gradient(loss, lambda x: 2 * x, x="n").verdict == "agrees"
    with pytest.raises(AssertionError, match=r"not traced(.|\n)*required: proved"):
        gp.assert_gradient(loss, lambda x: 2 * x, x="n", require="proved")
    with pytest.raises(ValueError, match="agrees"):
        gp.assert_gradient(loss, lambda x: 2 * x, x="n", require="certain")


# --- formulas in text ---------------------------------------------------------------------------

LEAST_SQUARES = "L = sum((X @ w - y)**2)/2"
NET = """
z1 = X @ W1 + b1
a1 = sigmoid(z1)
L = sum((a1 - y)**2)/(2*m)
"""


def numpy_loss(X, w, y):
    return np.sum((X @ w - y) ** 2) / 2


@pytest.mark.parametrize(("loss", "gradient"), [
    (LEAST_SQUARES, {"w": "X.T @ (X @ w - y)"}),
    (LEAST_SQUARES.removeprefix("L = "), {"dw": "r = X @ w - y; X.T @ r"}),
    (LEAST_SQUARES, "r = X @ w - y\ndw = X.T @ r"),
    (numpy_loss, {"w": "X.T @ (X @ w - y)"}),
    (LEAST_SQUARES, lambda X, w, y: {"w": X.T @ (X @ w - y)}),
])
def test_formulas_in_text_are_proved(loss, gradient):
    result = gp.check(loss, gradient, X="m n", w="n", y="m")
    assert [(check.name, check.verdict) for check in result] == [("w", "proved")]
    assert result["w"].scope == "for all m, n"


def test_a_wrong_line_of_text_is_named():
    text = "d1 = (a1 - y)*a1*(1 - a1); dW1 = X.T @ d1\ndb1 = sum(d1, axis=0)/m"
    result = gp.check(NET, text, X="m n", W1="n h", b1="h", y="m h")
    assert result["b1"].verdict == "proved"
    assert result["W1"].verdict == "refuted"
    assert "multiply by 1/m" in result["W1"].diagnosis
    assert "dW1 = X.T @ d1" in result.first_wrong


@pytest.mark.parametrize(("gradient", "message"), [
    ({"q": "1"}, "'q' is no input"),
    ({}, "nothing to check"),
    ("z = 1", "expected an assignment to dX"),
    ({"w": "X.T @"}, "column"),
    ({"w": "# nothing"}, "only a comment"),
])
def test_text_that_is_no_gradient_is_an_error(gradient, message):
    with pytest.raises(ValueError, match=message):
        gp.check(LEAST_SQUARES, gradient, X="m n", w="n", y="m")


def test_wrt_without_a_formula_is_an_error():
    with pytest.raises(ValueError, match="no formula for X"):
        gp.check(LEAST_SQUARES, {"w": "X.T @ (X @ w - y)"}, X="m n", w="n", y="m", wrt=["X"])


# --- what forward returns beside ----------------------------------------------------------------


class Halves:
    """Two outputs, or one and what is saved: the names of backward's parameters say which."""

    def forward(self, x, W, V):
        self.x, self.W, self.V = x, W, V
        return x @ W, x @ V


class Both(Halves):
    def backward(self, dout, dother):
        return {"x": dout @ self.W.T + dother @ self.V.T, "W": self.x.T @ dout,
                "V": self.x.T @ dother}


class First(Halves):
    def backward(self, dout, other):
        return {"x": dout @ self.W.T, "W": self.x.T @ dout, "V": 0 * self.V}


class Cached(Halves):
    def backward(self, dout, cache):
        return {"x": dout @ self.W.T, "W": self.x.T @ dout, "V": 0 * self.V}


HALVES = {"x": "m n", "W": "n k", "V": "n h"}


@pytest.mark.parametrize(("layer", "is_noted"), [(Both, False), (First, True), (Cached, False)])
def test_a_second_value_that_is_no_output_is_said(layer, is_noted):
    result = gp.check_layer(layer, repair_seconds=0, **HALVES)
    assert result.verdict == "proved", str(result)
    noted = [note for check in result for note in check.notes if "is not weighed" in note]
    assert bool(noted) == is_noted
    if is_noted:
        assert "the first is taken for the output" in noted[0]
        assert "handed to backward as other" in noted[0]


def test_a_second_value_of_a_function_is_said_too():
    def forward(x, W):
        return x @ W, np.tanh(x)

    def backward(dout, weights, W):
        return dout @ W.T

    (found,) = gp.check_layer(forward, backward, wrt=["x"], x="m n", W="n k")
    assert any("handed to backward as weights" in note for note in found.notes)
    (found,) = gp.check_layer(forward, lambda dout, x, W: dout @ W.T, wrt=["x"], x="m n", W="n k")
    assert not any("the rest is not weighed, and" in note for note in found.notes)
