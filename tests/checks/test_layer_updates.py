"""Layers that use their gradients up: handed to an optimiser, or stepped along by a rate.

And layers that make their parameters in a method of their own.
"""

import copy

import numpy as np
import pytest

import gradproof as gp


class Momentum:
    """An optimiser whose step is no multiple of the gradient."""

    def __init__(self):
        self.velocity = None

    def update(self, w, gradient):
        if self.velocity is None:
            self.velocity = np.zeros(np.shape(w))
        self.velocity = 0.9 * self.velocity + gradient / (1 + np.abs(gradient))
        return w - 0.01 * self.velocity


class Dense:
    """Its parameters are made when it is told an optimiser, to which backward hands gradients."""

    times = 1

    def __init__(self, units, input_shape=None):
        self.units, self.input_shape, self.W = units, input_shape, None

    def initialize(self, optimizer):
        self.W = np.random.uniform(-1, 1, (self.input_shape[0], self.units))
        self.w0 = np.zeros((1, self.units))
        self.W_opt, self.w0_opt = copy.copy(optimizer), copy.copy(optimizer)

    def forward_pass(self, X, training=True):
        self.X = X
        return X.dot(self.W) + self.w0

    def backward_pass(self, accum_grad):
        W = self.W
        grad_w = self.times * self.X.T.dot(accum_grad)
        self.W = self.W_opt.update(self.W, grad_w)
        self.w0 = self.w0_opt.update(self.w0, np.sum(accum_grad, axis=0, keepdims=True))
        return accum_grad.dot(W.T)


class Late(Dense):
    """The gradient by its input is of the parameters after the step."""

    def backward_pass(self, accum_grad):
        self.W = self.W_opt.update(self.W, self.X.T.dot(accum_grad))
        self.w0 = self.w0_opt.update(self.w0, np.sum(accum_grad, axis=0, keepdims=True))
        return accum_grad.dot(self.W.T)


def prepared(cls):
    def make():
        layer = cls(3, (4,))
        layer.initialize(Momentum())
        return layer
    return make


@pytest.mark.parametrize("made", [Dense(3, (4,)), lambda: Dense(3, (4,)), prepared(Dense)])
def test_what_an_optimiser_is_handed_is_the_gradient(made):
    result = gp.check_layer(made, X="m 4")
    assert [(check.name, check.verdict) for check in result] == [
        ("X", "proved"), ("W", "proved"), ("w0", "proved")]
    assert not result.unchecked
    assert "what backward hands to an optimiser" in " ".join(result["W"].notes)


def test_a_wrong_gradient_that_an_optimiser_is_handed():
    class Wrong(Dense):
        times = 2

    result = gp.check_layer(Wrong(3, (4,)), X="m 4")
    assert [check.verdict for check in result] == ["proved", "refuted", "proved"]
    assert "self.times * self.X.T.dot(accum_grad)" in result.first_wrong


class InPlace:
    """An optimiser that writes into what it is handed."""

    def step(self, w, gradient):
        w -= 0.01 * gradient / (1 + np.abs(gradient))


class Writes(Dense):
    def backward_pass(self, accum_grad):
        before = accum_grad.dot(self.W.T)
        self.W_opt.step(self.W, self.X.T.dot(accum_grad))
        self.w0_opt.step(self.w0, np.sum(accum_grad, axis=0, keepdims=True))
        return before


class WritesFirst(Dense):
    def backward_pass(self, accum_grad):
        self.W_opt.step(self.W, self.X.T.dot(accum_grad))
        self.w0_opt.step(self.w0, np.sum(accum_grad, axis=0, keepdims=True))
        return accum_grad.dot(self.W.T)


def test_what_is_computed_after_the_step_is_of_the_new_parameters():
    def writing(cls):
        layer = cls(3, (4,))
        layer.initialize(InPlace())
        return layer

    for made in (Late(3, (4,)), prepared(Late), writing(WritesFirst)):
        result = gp.check_layer(made, X="m 4", repair_seconds=0)
        assert [check.verdict for check in result] == ["refuted", "proved", "proved"], str(result)
    assert [check.verdict for check in gp.check_layer(writing(Writes), X="m 4")] == ["proved"] * 3


class Handed:
    """It is handed its parameters, and an optimiser as a constant."""

    def __init__(self, W, optimizer, scale=1):
        self.W, self.optimizer, self.scale = W, optimizer, scale

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dout):
        dx = dout @ self.W.T
        self.W = self.optimizer.update(w=self.W, gradient=self.scale * self.x.T @ dout)
        return dx


def test_parameters_that_are_handed_in_and_an_optimiser():
    constants = {"optimizer": Momentum()}
    assert gp.check_layer(Handed, x="m n", W="n h", constants=constants).verdict == "proved"
    result = gp.check_layer(Handed, x="m n", W="n h", scale=0.5, constants=constants,
                            repair_seconds=0)
    assert {check.name: check.verdict for check in result} == {"x": "proved", "W": "refuted"}


def test_a_layer_with_an_optimiser_is_left_as_it_was():
    layer = prepared(Dense)()
    before = layer.W.copy()
    assert gp.check_layer(layer, X="m 4").verdict == "proved"
    assert np.array_equal(layer.W, before)
    assert gp.check_layer(lambda: layer, X="m 4").verdict == "proved"
    assert isinstance(layer.W_opt, Momentum)
    assert layer.W_opt.velocity is None


class Step:
    """Backward takes the step itself."""

    def __init__(self, weights=None, bias=None):
        self.weights = np.random.randn(4, 3) if weights is None else weights
        self.bias = np.zeros((1, 3)) if bias is None else bias

    def forward(self, input):
        self.input = input
        return np.dot(input, self.weights) + self.bias

    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(self.input.T, output_gradient)
        input_gradient = np.dot(output_gradient, self.weights.T)
        self.weights -= learning_rate * weights_gradient
        self.bias -= learning_rate * np.sum(output_gradient, axis=0, keepdims=True)
        return input_gradient


class Rate(Step):
    """The rate is its own."""

    def __init__(self):
        super().__init__()
        self.lr = 0.01

    def backward(self, output_gradient):
        return super().backward(output_gradient, self.lr)


class Assigned(Step):
    def backward(self, output_gradient, lr):
        found = output_gradient @ self.weights.T
        self.weights = self.weights - lr * self.input.T @ output_gradient
        self.bias = self.bias - lr * output_gradient.sum(axis=0, keepdims=True)
        return found


@pytest.mark.parametrize("made", [Step(), Step, Rate, Assigned])
def test_the_step_is_the_gradient_times_the_rate(made):
    names = {"input": "m 4"} if isinstance(made, Step) or made is Rate else {
        "input": "m n", "weights": "n h", "bias": "1 h"}
    result = gp.check_layer(made, inputs=names)
    assert {check.name: check.verdict for check in result} == {
        "input": "proved", "weights": "proved", "bias": "proved"}, str(result)


def test_steps_that_are_none():
    class NoRate(Step):
        def backward(self, output_gradient, learning_rate):
            found = output_gradient @ self.weights.T
            self.weights -= learning_rate * self.input.T @ output_gradient
            self.bias -= output_gradient.sum(axis=0, keepdims=True)
            return found

    class Before(Step):
        def backward(self, output_gradient, learning_rate):
            self.weights -= learning_rate * self.input.T @ output_gradient
            self.bias -= learning_rate * output_gradient.sum(axis=0, keepdims=True)
            return output_gradient @ self.weights.T  # of the weights after the step

    class Mean(Step):
        def backward(self, output_gradient, learning_rate):
            found = output_gradient @ self.weights.T
            self.weights -= learning_rate * self.input.T @ output_gradient / len(self.input)
            self.bias -= learning_rate * output_gradient.sum(axis=0, keepdims=True)
            return found

    for made, wrong in ((NoRate, {"bias"}), (Before, {"input"}), (Mean, {"weights"})):
        result = gp.check_layer(made(), input="m 4", repair_seconds=0)
        assert {check.name for check in result if check.verdict == "refuted"} == wrong, str(result)
    mean = gp.check_layer(Mean(), input="m 4", repair_seconds=0)
    assert "multiply by m" in mean["weights"].diagnosis


def test_a_step_with_weight_decay_is_no_gradient_and_said():
    class Decay(Step):
        def backward(self, output_gradient, learning_rate):
            found = output_gradient @ self.weights.T
            self.weights -= learning_rate * (
                self.input.T @ output_gradient + 0.1 * self.weights)
            self.bias -= learning_rate * output_gradient.sum(axis=0, keepdims=True)
            return found

    result = gp.check_layer(Decay(), input="m 4", repair_seconds=0)
    assert result.unchecked == ("weights",)
    assert {check.name for check in result} == {"input", "bias"}
    assert all(check.verdict in ("proved", "agrees") for check in result)


class Built:
    def __init__(self, units):
        self.units = units

    def build(self, input_shape):
        self.w = np.random.randn(input_shape[-1], self.units)

    def forward(self, x):
        self.x = x
        return x @ self.w

    def backward(self, dout):
        self.dw = self.x.T @ dout
        return dout @ self.w.T


def test_parameters_are_made_where_the_layer_does_not_run_without():
    assert gp.check_layer(Built(3), x="m 4").verdict == "proved"
    with pytest.raises(gp.LayerError, match=r"layer.build\(input_shape\)\n    return layer"):
        gp.check_layer(Built(3), x="m n")


class Keeps:
    """It keeps its inputs until it is told to forget them."""

    def __init__(self):
        self.X, self.gradients = [], {}

    def forward(self, X):
        self.X.append(X)
        return X**2

    def backward(self, dout):
        return 2 * dout * self.X[0]

    def flush_gradients(self):
        self.X = []


def test_a_step_is_forgotten_by_the_layers_own_method():
    assert gp.check_layer(Keeps, X="m n").verdict == "proved"
    kept = type("Kept", (Keeps,), {"flush_gradients": None, "__module__": __name__})
    assert gp.check_layer(kept, X="m n", repair_seconds=0).verdict == "refuted"
