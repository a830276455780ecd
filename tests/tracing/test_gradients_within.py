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


def semi_gradient(w, X, r, N, g):
    target = gp.stop_gradient(r + g*(N @ w))
    return np.mean((target - X @ w)**2)/2


def semi_gradient_right(w, X, r, N, g):
    return {"w": -X.T @ (gp.stop_gradient(r + g*(N @ w)) - X @ w)/len(r)}


def semi_gradient_through_the_target(w, X, r, N, g):
    return {"w": (g*N - X).T @ (r + g*(N @ w) - X @ w)/len(r)}


TD = {"w": "n", "X": "m n", "r": "m", "N": "m n", "g": ""}


def straight_through(x, W):
    z = x @ W
    return z + gp.stop_gradient(np.sign(z) - z)


@pytest.mark.slow
def test_no_derivative_passes_what_is_stopped():
    assert str(gp.derive(gp.trace(semi_gradient, **TD), ["w"]).gradients["w"]
               ) == "∂L/∂w = -Xᵀ (target - X w)/m"
    assert gp.check(semi_gradient, semi_gradient_right, inputs=TD).verdict == "proved"
    assert gp.check(semi_gradient, semi_gradient_through_the_target, inputs=TD,
                    repair_seconds=0).verdict == "refuted"
    for turned, due in ((lambda W: W.T, "proved"), (lambda W: W, "refuted")):
        layer = gp.check_layer(
            straight_through, lambda g, x, W, turned=turned: {"x": g @ turned(W), "W": x.T @ g},
            x="m n", W="n n")
        assert layer.verdict == due


@pytest.mark.slow
def test_second_derivatives_hold_what_is_stopped():
    def loss(x, y):
        return np.sum(gp.stop_gradient(x)*x**2*y)

    shapes = {"x": "n", "y": "n"}
    right = gp.check_hessian(loss, lambda x, y: np.diag(2*x*y), inputs=shapes)
    assert right.verdict == "proved"
    wrong = gp.check_hessian(loss, lambda x, y: np.diag(6*x*y), inputs=shapes)
    assert wrong.verdict == "refuted"


def test_what_is_stopped_is_a_constant_for_steps_too():
    x = np.array([1.0, -2.0])
    inner = gp.grad(lambda x: np.sum(x*gp.stop_gradient(x**2) + np.abs(x)), x)
    assert np.allclose(inner, x**2 + np.sign(x))

    def nested(x):  # the outer one holds the inner one's, too
        return np.sum(gp.grad(lambda y: np.sum(y**2*gp.stop_gradient(x*y)), x))

    assert np.allclose(gp.grad(nested, x), 2*x**2)
