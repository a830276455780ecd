"""Right formulas in programs that lose digits are not refuted; wrong ones are, however small."""

import numpy as np
import pytest

import gradproof as gp


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def cross_entropy(X, w, y):
    s = sigmoid(X @ w)
    return -np.mean(y * np.log(s) + (1 - y) * np.log(1 - s))


def cross_entropy_gradient(X, w, y):
    return X.T @ (sigmoid(X @ w) - y) / len(y)


def logistic_data(scale, seed):
    rng = np.random.default_rng(seed)
    return {"X": rng.normal(size=(20, 4)) * scale, "y": (rng.random(20) > 0.5) * 1.0,
            "w": rng.normal(size=4)}


@pytest.mark.parametrize(("scale", "seed"), [(1, 20), (3, 2), (3, 7), (10, 2), (10, 9), (10, 16)])
def test_cross_entropy_where_the_loss_has_lost_its_digits(scale, seed):
    found = gp.check(cross_entropy, cross_entropy_gradient, wrt=["w"], repair_seconds=0,
                     **logistic_data(scale, seed))
    assert found.verdict == "proved", str(found)


@pytest.mark.parametrize(("scale", "seed"), [(1, 0), (3, 1)])
def test_a_relative_error_of_a_millionth_is_seen(scale, seed):
    def wrong(X, w, y):
        return cross_entropy_gradient(X, w, y) * np.where(np.arange(4) == 1, 1.000001, 1.0)

    found = gp.check(cross_entropy, wrong, wrt=["w"], repair_seconds=0,
                     **logistic_data(scale, seed))
    assert found.verdict == "refuted", str(found)


def softmax(Z):
    e = np.exp(Z - Z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def test_saturated_units_and_confident_softmax():
    rng = np.random.default_rng(0)
    data = {"X": rng.integers(0, 256, size=(6, 8)).astype(float), "W1": rng.random((8, 3)),
            "W2": rng.random((3, 1)), "t": rng.normal(size=(6, 1))}

    def loss(X, W1, W2, t):
        return np.mean((np.tanh(X @ W1) @ W2 - t) ** 2)

    def gradient(X, W1, W2, t):
        h = np.tanh(X @ W1)
        d = 2 * (h @ W2 - t) / len(t)
        return {"W1": X.T @ (d @ W2.T * (1 - h**2)), "W2": h.T @ d}

    assert gp.check(loss, gradient, repair_seconds=0, **data).verdict == "proved"
    found = gp.check(
        lambda Z, Y: -np.sum(Y * np.log(softmax(Z))), lambda Z, Y: softmax(Z) - Y, wrt=["Z"],
        Z=np.array([[50.0, 0, -50], [0, 100, 3]]), Y=np.array([[1.0, 0, 0], [0, 1, 0]]),
        repair_seconds=0)
    assert found.verdict == "proved", str(found)


class Single:
    """A layer whose buffer is of single precision."""

    def __init__(self, W):
        self.W = W

    def forward(self, x):
        a = np.empty((x.shape[0], self.W.shape[1]), np.float32)
        a[:] = x @ self.W
        self.x, self.h = x, np.tanh(a)
        return self.h

    def backward(self, d):
        da = d * (1 - self.h**2)
        self.dW = self.x.T @ da
        return da @ self.W.T


@pytest.mark.parametrize("seed", range(3))
def test_single_precision_inside_is_no_wrong_formula(seed):
    found = gp.check_layer(Single, x="m n", W="n h", repair_seconds=0, seed=seed)
    assert found.verdict == "proved", str(found)


def test_a_size_that_scales_by_a_ten_millionth_is_refuted():
    def gradient(X, w):
        return X.T @ (1 - np.tanh(X @ w) ** 2) * (1 if len(X) != 6 else 1 + 1e-7)

    found = gp.check(lambda X, w: np.sum(np.tanh(X @ w)), gradient, X="m n", w="n", wrt=["w"],
                     repair_seconds=0)
    assert found.verdict == "refuted"


@pytest.mark.parametrize("seed", [
    0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3))])
def test_a_deep_network_of_its_own_generated_source(seed):
    net = gp.Network(sizes=[4] * 9, activation="tanh")
    derived = gp.derive(net)
    space: dict = {}
    exec(derived.numpy_source(), space)
    rng = np.random.default_rng(seed)
    values = {"X": rng.normal(size=(3, 4)), "Y": rng.normal(size=(3, 4))}
    for layer in range(1, 9):
        values |= {f"W{layer}": rng.normal(size=(4, 4)), f"b{layer}": rng.normal(size=4)}

    def loss(**given):
        return space["gradient"](**given)[0]

    def gradient(**given):
        return space["gradient"](**given)[1]

    found = gp.check(loss, gradient, wrt=list(values)[2:], inputs=values, repair_seconds=0)
    assert found.verdict in ("proved", "agrees"), str(found)


@pytest.mark.parametrize("size", [1e-6, 1e-2, 1.0])
def test_unseeded_noise_is_undecided_in_every_run(size):
    def noisy(X, w):
        return (2 + size * np.random.rand()) * X.T @ (X @ w)

    for _ in range(5):
        found = gp.check(lambda X, w: np.sum((X @ w) ** 2), noisy, X="m n", w="n", wrt=["w"],
                         repair_seconds=0)
        assert found.verdict == "undecided"
        assert "two calls" in found["w"].reason


def test_a_buffer_that_is_used_again_is_no_other_gradient():
    buffer = np.zeros(4)

    def gradient(X, w):
        found = X.T @ (X @ w)
        buffer.resize(found.shape, refcheck=False)
        buffer[...] = found
        return buffer

    found = gp.check(lambda X, w: np.sum((X @ w) ** 2) / 2, gradient, X="m n", w="n", wrt=["w"],
                     repair_seconds=0)
    assert found.verdict == "agrees"
    assert abs(found["w"].hand - found["w"].derived) < 1e-9
