"""Layers that make their own parameters: each is found, and its gradient checked or said missing.

Every layer is right, with its gradients where public code leaves them; a mutant of each has one
gradient twice as large.
"""

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest

import gradproof as gp


class Layer:
    """`times` is what a gradient is multiplied by; 1 is right."""

    __slots__ = ()
    times = 1


class Linear(Layer):
    """Attributes."""

    def __init__(self, width=4, outputs=3):
        self.W = np.random.default_rng(0).normal(size=(width, outputs))
        self.b = np.zeros(outputs)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW, self.db = self.times * self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T


class GradAttributes(Linear):
    def backward(self, dout):
        self.W_grad, self.grad_b = self.times * self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T


class Wordy(Layer):
    """Long names, and gradients called after them."""

    def __init__(self):
        self.weights, self.bias = np.full((4, 3), 0.3), np.zeros(3)

    def forward(self, x):
        self.inputs = x
        return x @ self.weights + self.bias

    def backward(self, output_gradient):
        self.weights_gradient = self.times * self.inputs.T @ output_gradient
        self.dbias = output_gradient.sum(axis=0)
        return output_gradient @ self.weights.T


class Learned(Layer):
    """Names that end in an underscore."""

    def __init__(self):
        self.coef_, self.intercept_ = np.ones((4, 3)), np.zeros(3)

    def forward(self, x):
        self._x = x
        return x @ self.coef_ + self.intercept_

    def backward(self, grad):
        self.dcoef_, self.grad_intercept = self.times * self._x.T @ grad, grad.sum(axis=0)
        return grad @ self.coef_.T


class Dicts(Layer):
    def __init__(self):
        self.params, self.grads = {"W": np.ones((4, 3)), "b": np.zeros(3)}, {}

    def forward(self, x):
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, dout):
        self.grads["W"], self.grads["db"] = self.times * self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.params["W"].T


class DictsBeside(Dicts):
    """The parameters are in a dict, their gradients are not."""

    def backward(self, dout):
        self.dW, self.db = self.times * self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.params["W"].T


class OneDict(Dicts):
    def backward(self, dout):
        self.params["dW"], self.params["db"] = self.times * self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.params["W"].T


class Lists(Linear):
    def __init__(self):
        super().__init__()
        self.parameters = [self.W, self.b]

    def backward(self, dout):
        self.gradients = [self.times * self.x.T @ dout, dout.sum(axis=0)]
        return dout @ self.W.T


class ListOfWeights(Layer):
    """Two layers in lists."""

    def __init__(self):
        self.weights, self.biases = [np.ones((4, 2)), np.ones((2, 3))], [np.zeros(2), np.zeros(3)]

    def forward(self, x):
        self.a = [x]
        for W, b in zip(self.weights, self.biases, strict=True):
            self.a.append(self.a[-1] @ W + b)
        return self.a[-1]

    def backward(self, delta):
        self.dweights, self.dbiases = [None, None], [None, None]
        for k in (1, 0):
            self.dweights[k], self.dbiases[k] = self.times * self.a[k].T @ delta, delta.sum(axis=0)
            delta = delta @ self.weights[k].T
        return delta


class Returned(Linear):
    def backward(self, dout):
        return dout @ self.W.T, self.times * self.x.T @ dout, dout.sum(axis=0)


class ReturnedFirst(Linear):
    def backward(self, dout):
        return self.times * self.x.T @ dout, dout.sum(axis=0), dout @ self.W.T


class ReturnedByKey(Linear):
    def backward(self, dout):
        return {"dx": dout @ self.W.T, "dW": self.times * self.x.T @ dout, "db": dout.sum(axis=0)}


class Parameter:
    def __init__(self, data):
        self.data, self.grad = data, None


class Objects(Layer):
    """Parameters that are objects with their numbers and their gradient."""

    def __init__(self):
        self.weight, self.bias = Parameter(np.ones((4, 3))), Parameter(np.zeros(3))

    def forward(self, x):
        self.x = x
        return x @ self.weight.data + self.bias.data

    def backward(self, dout):
        self.weight.grad, self.bias.grad = self.times * self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.weight.data.T


class Nested(Layer):
    """Sublayers, of which two have a W."""

    def __init__(self):
        self.layers = [Linear(4, 5), Linear(5, 3)]

    def forward(self, x):
        for layer in self.layers:
            x = np.tanh(layer.forward(x))
            layer.out = x
        return x

    def backward(self, dout):
        for layer in reversed(self.layers):
            layer.times = self.times
            dout = layer.backward(dout * (1 - layer.out**2))
        return dout


class Slots(Layer):
    __slots__ = ("W", "b", "dW", "db", "x")

    def __init__(self):
        self.W, self.b = np.ones((4, 3)), np.zeros(3)

    forward = Linear.forward
    backward = Linear.backward


@dataclass
class Data(Layer):
    W: np.ndarray
    b: np.ndarray

    forward = Linear.forward
    backward = Linear.backward


class Pair(NamedTuple):
    W: np.ndarray
    b: np.ndarray


class Tuples(Layer):
    def __init__(self):
        self.params, self.grads = Pair(np.ones((4, 3)), np.zeros(3)), None

    def forward(self, x):
        self.x = x
        return x @ self.params.W + self.params.b

    def backward(self, dout):
        self.grads = Pair(self.times * self.x.T @ dout, dout.sum(axis=0))
        return dout @ self.params.W.T


class Scalar(Layer):
    """A parameter that is a number, as the slope of a PReLU; eps is none."""

    def __init__(self):
        self.slope, self.eps = 0.25, 1e-3

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.slope * x) + self.eps

    def backward(self, dout):
        self.dslope = self.times * np.sum(dout * np.where(self.x > 0, 0, self.x))
        return dout * np.where(self.x > 0, 1, self.slope)


PAIRS = [
    *((cls, {"W", "b"}) for cls in (
        Linear, GradAttributes, Dicts, DictsBeside, OneDict, Lists, Returned, ReturnedFirst,
        ReturnedByKey, Slots, Tuples)),
    (Wordy, {"weights", "bias"}),
    (Learned, {"coef_", "intercept_"}),
    (ListOfWeights, {"weights_0", "weights_1", "biases_0", "biases_1"}),
    (Objects, {"weight", "bias"}),
    (Nested, {"layers_0_W", "layers_0_b", "layers_1_W", "layers_1_b"}),
    (functools.partial(Data, np.ones((4, 3)), np.zeros(3)), {"W", "b"}),
    (Scalar, {"slope"}),
]


def title(value):
    return getattr(getattr(value, "func", value), "__name__", "")


@pytest.mark.parametrize(("make", "names"), PAIRS, ids=title)
def test_every_parameter_is_found_and_proved(make, names):
    result = gp.assert_layer(make(), x="m 4", require="proved", repair_seconds=0)
    assert {made.name for made in result} == {"x", *names}, str(result)
    assert result.unchecked == ()


@pytest.mark.parametrize(("make", "names"), PAIRS, ids=title)
def test_a_wrong_gradient_of_one_is_refuted(make, names):
    class Twice(type(make())):
        times = 2

    made = functools.partial(Twice, *make.args) if isinstance(make, functools.partial) else Twice
    result = gp.check_layer(made, x="m 4", repair_seconds=0)
    refuted = {made.name for made in result if made.verdict == "refuted"}
    assert refuted, str(result)
    assert refuted < names | {"x"}, str(result)
    assert result["x"].verdict in ("proved", "agrees")


@pytest.mark.parametrize("make", [
    Linear, Linear(), lambda: Linear(4, 3), functools.partial(Linear, 4, outputs=3),
], ids=["a class", "an instance", "a lambda", "a partial"])
def test_however_the_layer_is_given(make):
    result = gp.check_layer(make, x="m 4")
    assert [(made.name, made.verdict) for made in result] == [
        ("x", "proved"), ("W", "proved"), ("b", "proved")], str(result)
    assert result["W"].scope == "for all m"


def test_sizes_given_to_the_constructor_are_constants():
    result = gp.check_layer(Linear, x="m 5", width=5, outputs=2)
    assert {made.verdict for made in result} == {"proved"}


def test_the_given_layer_stays_as_it_is():
    layer = Linear()
    start = layer.W.copy()
    gp.check_layer(layer, x="m 4")
    assert np.array_equal(layer.W, start)
    assert not hasattr(layer, "dW")


# --- what is not checked ------------------------------------------------------------------------


class Forgets(Linear):
    """No gradient by b."""

    def backward(self, dout):
        self.dW = self.x.T @ dout
        return dout @ self.W.T


def test_a_parameter_without_a_gradient_is_said():
    result = gp.check_layer(Forgets(), x="m 4")
    assert result["W"].verdict == "proved"
    assert result.unchecked == ("b",)
    assert "self.b is read by forward, and no gradient for it was found" in str(result)
    for place in ("self.db", "self.grads['b']"):
        assert place in str(result)
    gp.assert_layer(Forgets(), x="m 4")
    with pytest.raises(AssertionError, match="nothing checks the gradient by b"):
        gp.assert_layer(Forgets(), x="m 4", require="proved")


def test_wrt_says_what_is_meant():
    result = gp.assert_layer(Forgets(), x="m 4", wrt=["x", "W"], require="proved")
    assert [made.name for made in result] == ["x", "W"]
    assert result.unchecked == ()
    with pytest.raises(ValueError, match="no gradient for b"):
        gp.check_layer(Forgets(), x="m 4", wrt=["b"])
    with pytest.raises(ValueError, match=r"'V' is no input; expected some of \['x', 'W', 'b'\]"):
        gp.check_layer(Forgets(), x="m 4", wrt=["V"])


def test_what_forward_does_not_read_is_no_parameter():
    class Statistics(Linear):
        def __init__(self):
            super().__init__()
            self.buffer, self.mean, self.velocity = np.ones(9), np.zeros(3), {"W": np.ones((4, 3))}

        def forward(self, x):
            out = super().forward(x)
            self.mean = 0.9 * self.mean + 0.1 * out.mean(axis=0)
            return out

    result = gp.assert_layer(Statistics(), x="m 4", require="proved")
    assert [made.name for made in result] == ["x", "W", "b"]


def test_a_table_stays_as_it_is():
    class Masked:
        def __init__(self):
            self.W, self.mask = np.ones((4, 4)), np.tril(np.ones((4, 4)))

        def forward(self, x):
            self.x = x
            return x @ (self.W * self.mask)

        def backward(self, dout):
            self.dW = self.x.T @ dout * self.mask * self.mask
            return dout @ (self.W * self.mask).T

    result = gp.check_layer(Masked(), x="m 4")
    assert {made.verdict for made in result} == {"proved"}, str(result)
    assert result.unchecked == ("mask",)


def test_what_is_made_of_what_was_handed_in_is_no_parameter():
    class Copies:
        def __init__(self, W):
            self.W, self.transposed, self.b = W.copy(), W.T.copy(), np.zeros(W.shape[1])

        def forward(self, x):
            self.x = x
            return x @ self.W + self.b

        def backward(self, dout):
            self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
            return dout @ self.transposed

    result = gp.assert_layer(Copies, x="m n", W="n h", require="proved")
    assert {made.name for made in result} == {"x", "W", "b"}
    assert {made.scope for made in result} == {"for all h, m, n"}


def test_values_that_a_parameter_cannot_have_are_not_drawn():
    class Scales:
        def __init__(self):
            self.variance = np.ones(4)

        def forward(self, x):
            self.x = x
            return x / np.sqrt(self.variance)

        def backward(self, dout):
            self.dvariance = np.sum(-dout * self.x * self.variance**-1.5 / 2, axis=0)
            return dout / np.sqrt(self.variance)

    result = gp.check_layer(Scales(), x="m 4")
    assert {made.verdict for made in result} == {"proved"}, str(result)
    assert "variance is positive" in " ".join(result["variance"].assumptions)


# --- what is easily missed ----------------------------------------------------------------------


class Tied:
    """V is a view of W, whose gradient has both parts."""

    def __init__(self):
        self.W = np.random.default_rng(1).normal(size=(4, 3))
        self.V = self.W.T

    def forward(self, x):
        self.x, self.h = x, x @ self.W
        return self.h @ self.V

    def backward(self, dout):
        dh = dout @ self.V.T
        self.dW = self.x.T @ dh + dout.T @ self.h
        return dh @ self.W.T


class OneSided(Tied):
    def backward(self, dout):
        dh = dout @ self.V.T
        self.dW = self.x.T @ dh
        return dh @ self.W.T


def test_views_move_with_their_array():
    for make in (Tied, Tied()):
        result = gp.assert_layer(make, x="m 4", require="proved")
        assert [made.name for made in result] == ["x", "W"]
    result = gp.check_layer(OneSided(), x="m 4", repair_seconds=0)
    assert [made.verdict for made in result] == ["proved", "refuted"]


class Lazy(Linear):
    """Makes its weights when it first sees an input."""

    def __init__(self):
        self.W = None

    def forward(self, x):
        if self.W is None:
            self.W, self.b = np.ones((x.shape[1], 3)), np.zeros(3)
        return super().forward(x)


class Whole(Linear):
    """Weights that are whole numbers."""

    def __init__(self):
        self.W, self.b = np.arange(12).reshape(4, 3), np.arange(3)


class Shared(Linear):
    """Weights of the class."""

    W, b = np.ones((4, 3)), np.zeros(3)

    def __init__(self):
        """Nothing of its own."""


class ByPlace(Linear):
    """Gradients in a list of dicts, weights in a list."""

    def __init__(self):
        self.weights, self.grads = [np.ones((4, 2)), np.ones((2, 3))], [{}, {}]

    def forward(self, x):
        self.x, self.h = x, x @ self.weights[0]
        return self.h @ self.weights[1]

    def backward(self, dout):
        dh = dout @ self.weights[1].T
        self.grads[0]["W"], self.grads[1]["W"] = self.x.T @ dh, self.times * self.h.T @ dout
        return dh @ self.weights[0].T


@pytest.mark.parametrize("make", [Lazy, Whole, Shared, ByPlace])
def test_parameters_that_are_easily_missed(make):
    class Twice(make):
        times = 2

    gp.assert_layer(make(), x="m 4", require="proved")
    result = gp.check_layer(Twice(), x="m 4", repair_seconds=0)
    assert [made.verdict for made in result].count("refuted") == 1, str(result)
    assert result["x"].verdict == "proved"


class MoreThanAnArray(np.ndarray):
    grad = None


def test_an_array_with_its_gradient_on_it():
    class Layer:
        def __init__(self, times):
            self.W, self.times = np.ones((4, 3)).view(MoreThanAnArray), times

        def forward(self, x):
            self.x = x
            return x @ np.asarray(self.W)

        def backward(self, dout):
            self.W.grad = self.times * self.x.T @ dout
            return dout @ np.asarray(self.W).T

    assert gp.check_layer(Layer(1), x="m 4")["W"].verdict == "agrees"
    assert gp.check_layer(Layer(2), x="m 4", repair_seconds=0)["W"].verdict == "refuted"


OUTSIDE = np.ones((4, 3))


def test_arrays_from_outside_of_the_layer_are_said():
    def forward(x):
        return x @ OUTSIDE, x

    def backward(dout, x):
        return dout @ OUTSIDE.T

    result = gp.check_layer(forward, backward, x="m 4")
    assert result.verdict == "proved"
    assert result.unchecked == ("OUTSIDE",)
    with pytest.raises(AssertionError, match="nothing checks the gradient by OUTSIDE"):
        gp.assert_layer(forward, backward, x="m 4", require="proved")
    gp.assert_layer(forward, backward, x="m 4", wrt=["x"], require="proved")


def test_an_update_in_the_backward_pass_is_no_write_into_an_input():
    class Learns(Linear):
        def backward(self, dout, rate=0.1):
            dx = super().backward(dout)
            self.W -= rate * self.dW
            return dx

    class TooEarly(Learns):
        def backward(self, dout, rate=0.1):
            super().backward(dout, rate)
            return dout @ self.W.T

    assert gp.check_layer(Learns(), x="m 4").verdict == "proved"
    assert gp.check_layer(TooEarly(), x="m 4", repair_seconds=0)["x"].verdict == "refuted"


# --- a layer used again -------------------------------------------------------------------------


KEPT = {}


def used(backward, forward=None):
    """A layer of one weight with these methods."""

    class Layer:
        kept = KEPT

        def __init__(self):
            self.W, self.x = np.random.default_rng(2).normal(size=(4, 3)), None
            self.seen, self.grads = [], []

    Layer.forward = forward or last
    Layer.backward = backward
    return Layer


def last(self, x):
    self.x = x
    self.seen.append(x)
    type(self).kept["x"] = x
    return x @ self.W


def first(self, x):
    self.x = x if self.x is None else self.x
    return x @ self.W


def plain(self, dout):
    self.dW = self.x.T @ dout
    return dout @ self.W.T


def adds(self, dout):
    self.dW = getattr(self, "dW", 0) + self.x.T @ dout
    return dout @ self.W.T


def appends(self, dout):
    self.grads.append(self.x.T @ dout)
    return dout @ self.W.T


def of_the_class(self, dout):
    self.dW = self.kept["x"].T @ dout
    return dout @ self.W.T


def pops(self, dout):
    self.dW = self.seen.pop().T @ dout
    return dout @ self.W.T


def queues(self, dout):
    self.dW = self.seen.pop(0).T @ dout
    return dout @ self.W.T


def writes(self, dout):
    dout *= 2
    self.dW = self.x.T @ dout / 2
    return dout @ self.W.T / 2


def changes(self, dout):
    self.dW = self.x.T @ dout
    self.x *= 0
    return dout @ self.W.T


@pytest.mark.parametrize("backward", [plain, adds, appends, of_the_class, pops])
def test_a_second_step_is_as_right_as_the_first(backward):
    result = gp.check_layer(used(backward), x="m 4", repair_seconds=0)
    assert {made.verdict for made in result} <= {"proved", "agrees"}, str(result)
    assert [made.name for made in result] == ["x", "W"]
    assert not any("two forward passes" in note for note in result["W"].notes)


def test_what_is_kept_of_a_first_step_is_refuted():
    for make in (used(plain, first), used(plain, first)()):
        result = gp.check_layer(make, x="m 4", repair_seconds=0)
        assert result["W"].verdict == "refuted"
        assert "in a second step" in result["W"].reason
        assert result["x"].verdict == "proved"


@pytest.mark.parametrize(("forward", "verdict"), [(None, "agrees"), (first, "refuted")])
def test_a_second_step_in_single_precision_is_as_right_as_its_digits(forward, verdict):
    def adds_by_rows(self, dout):
        self.dW = getattr(self, "dW", np.zeros((4, 3), np.float32))
        for row, out in zip(*(a.astype(np.float32) for a in (self.x, dout)), strict=True):
            self.dW = self.dW + np.outer(row, out)  # in another order than that of two sums
        return dout @ self.W.T

    x = np.random.default_rng(0).normal(size=(30, 4))
    result = gp.check_layer(used(adds_by_rows, forward)(), x=x, repair_seconds=0)
    assert result["W"].verdict == verdict, str(result)
    assert ("in a second step" in result["W"].reason) == (verdict == "refuted")


def test_two_forward_passes_before_backward_are_said():
    result = gp.check_layer(used(queues), x="m 4", repair_seconds=0)
    assert any("after two forward passes" in note for note in result["W"].notes), str(result)


def test_what_backward_writes_into_is_said():
    result = gp.check_layer(used(writes), x="m 4", repair_seconds=0)
    assert {made.verdict for made in result} == {"proved"}, str(result)
    assert any("changes dout" in note for note in result["W"].notes)
    result = gp.check_layer(used(changes), x="m 4", repair_seconds=0)
    assert {made.verdict for made in result} == {"undecided"}
    assert "changes its input x in place" in result["W"].reason


@pytest.mark.parametrize("place", ["forward", "backward"])
def test_a_pass_that_ends_the_program_is_no_pass(place):
    class Leaves(Linear):
        """Ends the program in one of its passes."""

    def leave(self, x):
        raise SystemExit(0)

    setattr(Leaves, place, leave)
    result = gp.check_layer(Leaves(), x="m 4", repair_seconds=0)
    assert result.verdict in ("undecided", "refuted")
    assert "SystemExit" in str(result)
