"""Layers in other styles than an object with forward and backward: right ones and wrong ones."""

import numpy as np
import pytest

import gradproof as gp

# --- a derivative beside its function -------------------------------------------------------------


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softplus(z):
    return np.log(1 + np.exp(z))


def softmax(x):
    e = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def elu(z, alpha):
    return np.where(z > 0, z, alpha * (np.exp(z) - 1))


SLOPES = [
    (sigmoid, lambda z: sigmoid(z) * (1 - sigmoid(z)), lambda z: sigmoid(z) * (1 + sigmoid(z))),
    (sigmoid, lambda a: a * (1 - a), lambda a: a * (1 - a**2)),
    (sigmoid, lambda z: z * (1 - z), lambda z: z - z**3),
    (np.tanh, lambda z: 1 - np.tanh(z) ** 2, lambda z: 1 - np.tanh(z)),
    (np.tanh, lambda y: 1 - y**2, lambda y: 1 - 2 * y**2),
    (softplus, sigmoid, softplus),
    (lambda z: np.maximum(0, z), lambda z: z > 0, lambda z: z < 0),
    (lambda z: np.maximum(0, z), lambda z: np.where(z > 0, 1, 0), lambda z: np.where(z > 0, z, 0)),
    (lambda z: 3 * z, lambda z: 3, lambda z: 1),
    (lambda z: z * sigmoid(1.702 * z),
     lambda z: sigmoid(1.702 * z) * (1 + 1.702 * z * (1 - sigmoid(1.702 * z))),
     lambda z: sigmoid(1.702 * z) * (1 + z * (1 - sigmoid(1.702 * z)))),
    (lambda z: z * sigmoid(z), lambda z, out: out + sigmoid(z) * (1 - out),
     lambda z, out: out + sigmoid(z) * (1 + out)),
]


@pytest.mark.parametrize("place", range(len(SLOPES)))
def test_a_derivative_is_held_against_its_function(place):
    function, right, wrong = SLOPES[place]
    result = gp.check_derivative(function, right, z="m n")
    assert (result.verdict, result["z"].scope) == ("proved", "for all m, n")
    assert gp.check_derivative(function, wrong, z="m n", repair_seconds=0).verdict == "refuted"


def test_a_derivative_of_the_output_is_said_to_be_one():
    by_output = gp.check_derivative(sigmoid, lambda z: z * (1 - z), z="n")
    assert "is taken as a function of the output" in str(by_output)
    assert "output" not in str(gp.check_derivative(sigmoid, SLOPES[0][1], z="n"))
    as_input = gp.check_derivative(sigmoid, lambda z: z * (1 - z), z="n", of="input",
                                   repair_seconds=0)
    assert as_input.verdict == "refuted"
    other = gp.check_derivative(sigmoid, SLOPES[0][1], z="n", of="output", repair_seconds=0)
    assert other.verdict == "refuted"
    with pytest.raises(ValueError, match='expected "input" or "output", got'):
        gp.check_derivative(sigmoid, sigmoid, z="n", of="z")


def test_constants_and_the_wrong_line_of_a_derivative():
    def slope(z, alpha):
        return np.where(z > 0, 1, alpha * z)

    assert gp.check_derivative(elu, lambda z, alpha: np.where(z > 0, 1, alpha * np.exp(z)),
                               z="m n", alpha=0.5).verdict == "proved"
    result = gp.check_derivative(elu, slope, z="m n", alpha=0.5, repair_seconds=0)
    assert "np.where(z > 0, 1, alpha * z)" in result.first_wrong


def test_a_diagonal_of_a_jacobian_is_no_derivative():
    result = gp.check_derivative(softmax, lambda x: softmax(x) * (1 - softmax(x)), x="m n",
                                 repair_seconds=0)
    assert result.verdict == "refuted"
    assert "is the diagonal of a Jacobian" in str(result)
    with pytest.raises(gp.LayerError, match="as a Jacobian has it"):
        gp.check_derivative(softmax, lambda x: np.diag(x), x="n")


class Activation:
    def __init__(self, wrong=False):
        self.wrong = wrong

    def __call__(self, x):
        return sigmoid(x)

    def gradient(self, x):
        return self(x) * (2 if self.wrong else 1) * (1 - self(x))


class Tanh:
    def fn(self, z):
        return np.tanh(z)

    def derivative(self, a):
        return 1 - a**2


class Squares:
    """A loss for each entry; its gradient is by the prediction."""

    def loss(self, y, y_pred):
        return 0.5 * np.power(y - y_pred, 2)

    def gradient(self, y, p):
        return -(y - p)


class Mean:
    def loss(self, predicted, actual):
        return np.mean((predicted - actual) ** 2)

    def grad(self, predicted, actual):
        return 2 * (predicted - actual) / predicted.size


class PerSample:
    def loss(self, p, t):
        return np.sum((p - t) ** 2, axis=1)

    @staticmethod
    def gradient(p, t):
        return 2 * (p - t)


@pytest.mark.parametrize(("made", "shapes", "names"), [
    (Activation, {"x": "m n"}, ["x"]), (Activation(), {"x": "m n"}, ["x"]),
    (Tanh, {"z": "n"}, ["z"]), (Squares, {"y": "m k", "y_pred": "m k"}, ["y_pred"]),
    (Mean(), {"predicted": "m k", "actual": "m k"}, ["predicted"]),
    (PerSample, {"p": "m k", "t": "m k"}, ["p"]),
])
def test_objects_with_a_derivative(made, shapes, names):
    result = gp.check_layer(made, inputs=shapes)
    assert (result.verdict, [check.name for check in result]) == ("proved", names)


class Remembers:
    """Its derivative is of what it was called with last."""

    def forward(self, input):
        self.last = np.tanh(input)
        return self.last

    def derivative(self, input=None):
        last = np.tanh(input) if input else self.last
        return 1 - np.power(last, 2)


class SameNames:
    """A loss whose gradient is called backward."""

    def forward(self, outputs, targets):
        return np.sum((outputs - targets) ** 2)

    def backward(self, outputs, targets):
        return 2 * (outputs - targets)


class SlopeCalledBackward:
    def forward(self, x):
        return x**3

    def backward(self, x):
        return 3 * x**2


@pytest.mark.parametrize("made", [Remembers, SlopeCalledBackward])
def test_a_derivative_by_another_way_of_calling(made):
    shapes = dict.fromkeys(["input" if made is Remembers else "x"], "m n")
    assert gp.check_layer(made, inputs=shapes).verdict == "proved"


def test_backward_of_what_forward_takes_is_a_derivative():
    result = gp.check_layer(SameNames, outputs="m k", targets="m k")
    assert [(check.name, check.verdict) for check in result] == [("outputs", "proved")]


def test_wrong_objects_with_a_derivative():
    result = gp.check_layer(Activation(wrong=True), x="n")
    assert result.verdict == "refuted"
    assert "multiply by ½" in result["x"].diagnosis
    assert "self(x) * (2 if" in result.first_wrong

    class Wrong(Squares):
        def gradient(self, y, p):
            return y - p

    assert gp.check_layer(Wrong, y="m", y_pred="m", repair_seconds=0).verdict == "refuted"


# --- value and gradients from one function --------------------------------------------------------


def softmax_loss(x, y):
    p = softmax(x)
    rows = np.arange(len(y))
    dx = p.copy()
    dx[rows, y] -= 1
    return -np.mean(np.log(p[rows, y])), dx / len(y)


def svm_loss(W, X, y, reg, wrong=1):
    scores = X @ W
    rows = np.arange(len(X))
    margins = np.maximum(0, scores - scores[rows, y][:, None] + 1)
    margins[rows, y] = 0
    over = (margins > 0) * 1.0
    over[rows, y] -= over.sum(axis=1)
    return margins.sum() / len(X) + reg * np.sum(W * W), X.T @ over / len(X) + wrong * 2 * reg * W


LABELS = gp.Array("m", kind="labels k")


@pytest.mark.slow
def test_a_function_that_returns_value_and_gradient():
    assert gp.check_layer(softmax_loss, x="m k", y=LABELS).verdict == "proved"
    result = gp.check_layer(svm_loss, W="d k", X="m d", y=LABELS, reg=0.1)
    assert [(check.name, check.verdict) for check in result] == [("W", "proved")]
    assert result.unchecked == ("X",)
    wrong = gp.check_layer(svm_loss, W="d k", X="m d", y=LABELS, reg=0.1, wrong=2)
    assert wrong.verdict == "refuted"
    assert "wrong * 2 * reg * W" in wrong.first_wrong


def test_which_gradient_is_meant_is_asked_where_shapes_do_not_tell():
    def energy(u, v):
        return np.sum(u * v), v

    with pytest.raises(gp.LayerError, match=r"wrt=\['u'\]"):
        gp.check_layer(energy, u="n", v="n")
    assert gp.check_layer(energy, u="n", v="n", wrt=["u"]).verdict == "proved"


class Net:
    """Its parameters are its own, and its gradients come in a dict."""

    factor = 1

    def __init__(self):
        rng = np.random.default_rng(0)
        self.params = {"W1": rng.normal(size=(4, 5)), "W2": rng.normal(size=(5, 3))}

    def loss(self, X, y=None, reg=0.0):
        W1, W2 = self.params["W1"], self.params["W2"]
        hidden = np.maximum(0, X @ W1)
        value, d = softmax_loss(hidden @ W2, y)
        grads = {"W2": hidden.T @ d, "W1": self.factor * X.T @ (d @ W2.T * (hidden > 0))}
        return value, grads


def test_an_object_whose_one_method_returns_value_and_gradients():
    result = gp.check_layer(Net, X="m 4", y=gp.Array("m", kind="labels 3"), reg=0.0)
    assert [(check.name, check.verdict) for check in result] == [
        ("W1", "proved"), ("W2", "proved")]

    class Wrong(Net):
        factor = 3

    wrong = gp.check_layer(Wrong(), X="m 4", y=gp.Array("m", kind="labels 3"), repair_seconds=0)
    assert [(check.name, check.verdict) for check in wrong] == [
        ("W1", "refuted"), ("W2", "proved")]


def test_a_function_that_returns_its_backward_pass():
    def affine(x, W, wrong):
        return x @ W, lambda dout: (dout @ W.T, (1 + wrong) * x.T @ dout)

    assert gp.check_layer(affine, x="m n", W="n h", wrong=0).verdict == "proved"
    result = gp.check_layer(affine, x="m n", W="n h", wrong=1, repair_seconds=0)
    assert [check.verdict for check in result] == ["proved", "refuted"]


def test_a_function_alone_is_no_layer():
    with pytest.raises(gp.LayerError, match=r"gp.check_layer\(sigmoid, backward, ...\)"):
        gp.check_layer(sigmoid, z="n")


# --- plain functions ------------------------------------------------------------------------------


class Matmul:
    @staticmethod
    def forward(ctx, x, W):
        ctx.save_for_backward(x, W)
        return x @ W

    @staticmethod
    def backward(ctx, g):
        x, W = ctx.saved_tensors
        return g @ W.T, x.T @ g


class Doubled(Matmul):
    @staticmethod
    def backward(ctx, g):
        x, W = ctx.saved_tensors
        return g @ W.T, 2 * x.T @ g


class Namespace:
    @staticmethod
    def forward(x):
        return x**2, x

    @staticmethod
    def backward(g, x):
        return 2 * g * x


def residual_first(res, g):
    x, W = res
    return g @ W.T, x.T @ g


@pytest.mark.parametrize(("parts", "shapes"), [
    ((Matmul,), {"x": "m n", "W": "n h"}),
    ((Matmul.forward, Matmul.backward), {"x": "m n", "W": "n h"}),
    ((Namespace,), {"x": "m n"}),
    ((lambda x, W: (x @ W, (x, W)), residual_first), {"x": "m n", "W": "n h"}),
])
def test_passes_that_are_plain_functions(parts, shapes):
    assert gp.check_layer(*parts, inputs=shapes).verdict == "proved"


def test_wrong_passes_that_are_plain_functions():
    for parts in ((Doubled,), (Doubled.forward, Doubled.backward)):
        result = gp.check_layer(*parts, x="m n", W="n h")
        assert [check.verdict for check in result] == ["proved", "refuted"]
        assert result.repair.new == "return g @ W.T, x.T @ g"


@pytest.mark.parametrize("ahead", ["forward", "forward_pass", "fprop", "forwardPass", "__call__",
                                   "feed_forward", "propagate_forward", "forward_propagation"])
@pytest.mark.parametrize("behind", ["backward", "backward_pass", "bprop", "backwardPass",
                                    "backprop", "backpropagate", "backward_propagation"])
def test_every_pair_of_names(ahead, behind):
    def forward(self, x):
        self.x = x
        return x * x

    def backward(self, dout):
        return 2 * dout * self.x

    made = type("Layer", (), {ahead: forward, behind: backward, "__module__": __name__})
    assert gp.check_layer(made, x="n").verdict == "proved"


# --- containers and settings ----------------------------------------------------------------------


def test_lists_of_arrays():
    def forward(weights, x):
        hidden = np.tanh(x @ weights[0])
        return hidden @ weights[1], (weights, x, hidden)

    def backward(dout, cache):
        weights, x, hidden = cache
        d = dout @ weights[1].T * (1 - hidden**2)
        return [x.T @ d, hidden.T @ dout], d @ weights[0].T

    result = gp.check_layer(forward, backward, weights=["n h", "h k"], x="m n")
    assert [(check.name, check.verdict) for check in result] == [
        ("weights_0", "proved"), ("weights_1", "proved"), ("x", "proved")]


@pytest.mark.parametrize("key", ["ws", "dws", "ws_grad", "grad_ws"])
def test_lists_of_gradients_by_key(key):
    def forward(ws, x):
        return x @ ws[0] @ ws[1], (ws, x)

    def backward(dout, cache):
        ws, x = cache
        dx = dout @ ws[1].T @ ws[0].T
        return {key: [x.T @ (dout @ ws[1].T), (x @ ws[0]).T @ dout], "x": dx}

    result = gp.check_layer(forward, backward, ws=["n h", "h k"], x="m n")
    assert [(check.name, check.verdict) for check in result] == [
        ("ws_0", "proved"), ("ws_1", "proved"), ("x", "proved")]


@pytest.mark.parametrize("settings", [{"mode": "train", "eps": 1e-5}, {"mode": "train"},
                                      {"mode": "test", "running_mean": np.zeros(3)}])
def test_settings_are_constants_without_a_word(settings):
    def forward(x, gamma, bn_param):
        if bn_param["mode"] == "test":
            return x * gamma, (x, gamma, bn_param)
        var = np.mean(x**2, axis=0) + bn_param.get("eps", 1e-5)
        return gamma * x / np.sqrt(var), (x, gamma, bn_param, var)

    def backward(dout, cache):
        x, gamma, bn_param, *more = cache
        if bn_param["mode"] == "test":
            return dout * gamma, np.sum(dout * x, axis=0)
        std = np.sqrt(more[0])
        d, n = dout * gamma / std, x / std
        return d - n * np.mean(d * n, axis=0), np.sum(dout * n, axis=0)

    result = gp.check_layer(forward, backward, x="m 3", gamma="3", bn_param=settings)
    assert result.verdict == "proved", str(result)


def test_a_word_is_a_size_where_others_have_it():
    result = gp.check_layer(lambda x, y: (x * y, (x, y)), lambda d, c: (d * c[1], d * c[0]),
                            x="same", y="1 same")
    assert result["x"].verdict == "refuted"  # it has the shape of x, and no sum


# --- layers that are handed nothing ---------------------------------------------------------------


class Euclidean:
    """One of Caffe's: blobs with data and diff, below and on top."""

    times = 1

    def setup(self, bottom, top):
        if len(bottom) != 2:
            raise ValueError("two inputs are needed")

    def reshape(self, bottom, top):
        self.diff = np.zeros_like(bottom[0].data)
        top[0].reshape(1)

    def forward(self, bottom, top):
        self.diff[...] = bottom[0].data - bottom[1].data
        top[0].data[...] = np.sum(self.diff**2) / bottom[0].num / 2

    def backward(self, top, propagate_down, bottom):
        for place, sign in ((0, 1), (1, -1)):
            if propagate_down[place]:
                bottom[place].diff[...] = (
                    self.times * sign * self.diff / bottom[place].num * top[0].diff[0])


class Split:
    """Two blobs on top, and a target that has no gradient."""

    def reshape(self, bottom, top):
        top[0].reshape(*bottom[0].data.shape)
        top[1].reshape(*bottom[0].data.shape)

    def forward(self, bottom, top):
        top[0].data[...] = 2 * bottom[0].data
        top[1].data[...] = bottom[0].data * bottom[1].data

    def backward(self, top, propagate_down, bottom):
        bottom[0].diff[...] = 2 * top[0].diff + top[1].diff * bottom[1].data


class Standing:
    """Its arrays stand on it."""

    times = 1

    def __init__(self):
        self.W = np.random.randn(4, 3)
        self.X = self.Y = self.dX = self.dY = self.dW = None

    def forward(self):
        self.Y = np.tanh(self.X @ self.W)

    def backward(self):
        d = self.dY * (1 - self.Y**2)
        self.dX, self.dW = d @ self.W.T, self.times * self.X.T @ d


def twice(cls):
    return type("Twice", (cls,), {"times": 2, "__module__": __name__})


@pytest.mark.parametrize(("made", "shapes", "wrong"), [
    (Euclidean, {"a": "m n", "b": "m n"}, {"a", "b"}), (Standing, {"X": "m 4"}, {"W"}),
])
def test_layers_that_are_handed_nothing(made, shapes, wrong):
    for layer in (made, made()):
        assert gp.check_layer(layer, inputs=shapes).verdict == "proved"
    result = gp.check_layer(twice(made), inputs=shapes, repair_seconds=0)
    assert {check.name for check in result if check.verdict == "refuted"} == wrong
    assert "multiply by ½" in str(result)


def test_a_target_below_needs_no_gradient():
    constant = gp.Array("m n", kind="constant")
    result = gp.check_layer(Split, x="m n", mask=constant)
    assert [(check.name, check.verdict) for check in result] == [("x", "proved")]
    with pytest.raises(gp.LayerError, match="no gradient for mask"):
        gp.check_layer(Split, x="m n", mask="m n")
