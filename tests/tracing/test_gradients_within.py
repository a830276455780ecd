"""Losses in NumPy that hold gradients, by gp.grad: derived, proved, and their values."""

import numpy as np
import pytest

import gradproof as gp


def network(x, w, b, v):
    return np.tanh(np.outer(x, w) + b) @ v


def equation(x, w, b, v):
    slope = gp.grad(lambda x: np.sum(network(x, w, b, v)), x)
    return np.mean((slope + network(x, w, b, v))**2)


def equation_right(x, w, b, v):
    a = np.tanh(np.outer(x, w) + b)
    s = 1 - a**2
    r = 2*(s @ (v*w) + a @ v)/len(x)
    return {"v": a.T @ r + w*(s.T @ r)}


def equation_without_a_factor(x, w, b, v):
    a = np.tanh(np.outer(x, w) + b)
    s = 1 - a**2
    r = 2*(s @ (v*w) + a @ v)/len(x)
    return {"v": a.T @ r + s.T @ r}


def step(w, X, y, V, z, rate):
    def loss(w, X, y):
        return np.sum((X @ w - y)**2)/2

    return loss(w - rate*gp.grad(lambda w: loss(w, X, y), w), V, z)


def step_right(w, X, y, V, z, rate):
    p = V.T @ (V @ (w - rate*X.T @ (X @ w - y)) - z)
    return {"w": p - rate*X.T @ (X @ p)}


ONE = {"x": "m", "w": "k", "b": "k", "v": "k"}
TWO = {"w": "n", "X": "m n", "y": "m", "V": "k n", "z": "k", "rate": ""}


@pytest.mark.parametrize(("loss", "gradient", "shapes", "due"), [
    (equation, equation_right, ONE, "proved"),
    (step, step_right, TWO, "proved"),
    (equation, equation_without_a_factor, ONE, "refuted"),
])
def test_gradients_of_losses_with_gradients(loss, gradient, shapes, due):
    assert gp.check(loss, gradient, inputs=shapes, repair_seconds=0).verdict == due


def test_what_is_traced_has_the_values_of_the_function():
    random = np.random.default_rng(0)
    values = {name: random.normal(size={"m": 4, "k": 3}[size]) for name, size in ONE.items()}
    derived = gp.derive(gp.trace(equation, **ONE), ["w"])
    assert np.isclose(derived.compile()(**values)[0], equation(**values), rtol=1e-12)
    assert str(derived.forward["slope"]) == "slope = tanh′(x wᵀ + 1 bᵀ) (v ⊙ w)"


def test_second_slopes_are_slopes_of_slopes():
    def loss(x):
        return np.sum(gp.grad(lambda x: np.sum(gp.grad(lambda x: np.sum(x**4), x)), x))

    assert str(gp.derive(gp.trace(loss, x="n"), ["x"]).gradients["x"]) == "∂L/∂x = 24 x"


def test_gradients_of_numbers_alone():
    assert np.allclose(gp.grad(lambda x: np.sum(np.abs(x)**3), np.array([-1.0, 2.0])), [-3, 12])
    with pytest.raises(ValueError, match="the gradient is that of a number"):
        gp.trace(lambda x: np.sum(gp.grad(lambda x: x**2, x)), x="n")
