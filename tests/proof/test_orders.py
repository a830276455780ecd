"""Jacobians, Hessians and products with them, as a user asks a derivation for them."""

from __future__ import annotations

import numpy as np
import pytest

import gradproof as gp
from gradproof.symbolic.equation import EquationError

LOGISTIC = "p = sigmoid(X @ w); L = -sum(y*log(p) + (1 - y)*log(1 - p))"


def logistic() -> tuple[gp.Derivation, dict]:
    derivation = gp.derive(gp.equations(LOGISTIC, X="m n", w="n", y="m"), ["w"])
    random = np.random.default_rng(0)
    values = {"X": random.normal(size=(5, 3)), "w": random.normal(size=3),
              "y": random.integers(0, 2, 5).astype(float)}
    return derivation, values


def test_the_hessian_of_logistic_regression_is_compressed():
    derivation, values = logistic()
    hessian = derivation.hessian("w")
    assert str(hessian) == "H = Xᵀ diag(p ⊙ (1 - p)) X"
    assert hessian.latex() == r"H = X^{\top} \mathrm{diag}(p \odot (1 - p)) X"
    p = 1 / (1 + np.exp(-values["X"] @ values["w"]))
    expected = values["X"].T @ np.diag(p * (1 - p)) @ values["X"]
    np.testing.assert_allclose(hessian.compile()(**values), expected, 1e-12)


def test_the_hessian_of_least_squares_is_the_gram_matrix():
    derivation = gp.derive(gp.equations("sum((A @ x - b)**2)/2", A="m n", x="n", b="m"))
    assert str(derivation.hessian("x")) == "H = Aᵀ A"
    assert str(derivation.hessian("x", "b")) == "H = -Aᵀ"
    assert str(derivation.hessian("b")) == "H = I"
    assert str(derivation.jacobian("L", "b")).endswith("J = b - A x")


def test_products_are_the_matrices_times_vectors():
    derivation, values = logistic()
    random = np.random.default_rng(1)
    v, u = random.normal(size=3), random.normal(size=5)
    jacobian = derivation.jacobian("p", "w").compile()(**values)
    hessian = derivation.hessian("w").compile()(**values)
    np.testing.assert_allclose(
        derivation.hvp("w").compile()(**values, w_dot=v), hessian @ v, 1e-12)
    np.testing.assert_allclose(
        derivation.jvp("p", "w").compile()(**values, w_dot=v), jacobian @ v, 1e-12)
    np.testing.assert_allclose(
        derivation.vjp("p", "w").compile()(**values, p_bar=u), u @ jacobian, 1e-12)


def test_a_direction_in_several_arrays_adds_up():
    derivation, values = logistic()
    random = np.random.default_rng(2)
    dots = {"w_dot": random.normal(size=3), "X_dot": random.normal(size=(5, 3))}
    both = derivation.jvp("p", "w", "X")
    assert {"w_dot", "X_dot"} < set(both.inputs)
    one = derivation.jvp("p", "w").compile()(**values, w_dot=dots["w_dot"])
    other = derivation.jvp("p", "X").compile()(**values, X_dot=dots["X_dot"])
    np.testing.assert_allclose(both.compile()(**values, **dots), one + other, 1e-12)


@pytest.mark.parametrize(("one", "other"), [("W1", "W1"), ("W1", "b2"), ("b1", "W2")])
def test_second_derivatives_of_a_network_are_differences_of_its_gradient(one, other):
    network = gp.Network([2, 3, 1], activation="tanh", output="sigmoid",
                         loss="binary_cross_entropy")
    derivation = gp.derive(network)
    random = np.random.default_rng(3)
    shapes = {"X": (4, 2), "Y": (4, 1), "W1": (2, 3), "b1": (3,), "W2": (3, 1), "b2": (1,)}
    values = {name: random.normal(size=shape) for name, shape in shapes.items()}
    values["Y"] = (values["Y"] > 0).astype(float)
    gradient, step = derivation.compile(), 1e-5
    found = derivation.hessian(one, other).compile()(**values)
    assert found.shape == (*shapes[one], *shapes[other])
    for place in np.ndindex(shapes[other]):
        sides = []
        for sign in (1, -1):
            moved = values[other].copy()
            moved[place] += sign * step
            sides.append(gradient(**{**values, other: moved})[1][one])
        slope = (sides[0] - sides[1]) / (2 * step)
        # h² of the third derivative and rounding/h: both below 1e-9 here
        np.testing.assert_allclose(found[(..., *place)], slope, 1e-6, 1e-8)
    v = random.normal(size=shapes[other])
    product = derivation.hvp(one, other).compile()(**values, **{other + "_dot": v})
    np.testing.assert_allclose(product, np.tensordot(found, v, v.ndim), 1e-10, 1e-12)


def test_what_does_not_depend_has_a_derivative_of_zero():
    derivation = gp.derive(gp.equations("y = A @ x; L = sum(y**2)", A="m n", x="n", z="k"), ["x"])
    values = {"A": np.ones((2, 3)), "x": np.ones(3), "z": np.ones(4)}
    assert np.all(derivation.jacobian("y", "z").compile()(**values) == np.zeros((2, 4)))
    assert np.all(derivation.jvp("y", "z").compile()(**values, z_dot=np.ones(4)) == np.zeros(2))


def test_an_unknown_array_is_an_error_that_names_those_there_are():
    derivation, _ = logistic()
    for ask in (lambda: derivation.hessian("v"), lambda: derivation.jacobian("q", "w"),
                lambda: derivation.jvp("p", "v"), lambda: derivation.vjp("q", "w")):
        with pytest.raises(EquationError, match="there is no array"):
            ask()


@pytest.mark.parametrize(("output", "wrt", "texts"), [
    ("x", "x", ("J = I", "Jv = ẋ", "vJ = x̄")),
    ("X", "X", ("J = I ⊗ I", "Jv = Ẋ", "vJ = X̄")),
    ("x", "X", ("J = 0", "Jv = 0", "vJ = 0")),
    ("X", "L", ("J = 0", "Jv = 0", "vJ = 0")),
    ("L", "L", ("J = 1", "Jv = L̇", "vJ = L̄")),
])
def test_derivatives_of_inputs_and_of_arrays_by_themselves(output, wrt, texts):
    derivation = gp.derive(gp.equations("L = sum(X @ x)", X="m n", x="n"))
    shapes = derivation.system.shapes
    made = [getattr(derivation, of)(output, wrt) for of in ("jacobian", "jvp", "vjp")]
    assert tuple(map(str, made)) == texts
    assert [one.shape for one in made] == [
        shapes[output] + shapes[wrt], shapes[output], shapes[wrt]]
    for one in made:
        space: dict = {}
        exec(one.numpy_source(), space)
        values = {name: np.full([{"m": 2, "n": 3}[str(s)] for s in one.system.shapes[name]], 2.0)
                  for name in one.inputs}
        expected = one.compile()(**values)
        np.testing.assert_array_equal(space["derivative"](**values), expected)
        assert expected.shape == tuple({"m": 2, "n": 3}[str(s)] for s in one.shape)


@pytest.mark.parametrize("subscripts", ["ip,pk->ik", "ij,jk->ik", "qp,pk->qk"])
def test_a_hessian_is_right_whatever_sums_call_their_indices(subscripts):
    """The axes of a gradient are called p, p1, ... while it is differentiated."""
    derivation = gp.derive(gp.equations(
        f'Y = einsum("{subscripts}", A, B)\nL = sum(Y**3)', A="m n", B="n k"))
    random = np.random.default_rng(0)
    values = {"A": random.normal(size=(2, 3)), "B": random.normal(size=(3, 4))}
    for one, other in (("A", "A"), ("A", "B"), ("B", "A")):
        hessian = derivation.hessian(one, other).compile()(**values)
        v = random.normal(size=values[other].shape)
        along = derivation.hvp(one, other).compile()(**values, **{f"{other}_dot": v})
        np.testing.assert_allclose(np.tensordot(hessian, v, 2), along, 1e-9, 1e-9)
    jacobian = derivation.jacobian("Y", "A").compile()(**values)
    np.testing.assert_allclose(
        jacobian, np.einsum("ac,bd->adcb", np.eye(2), values["B"]), 1e-12)


def test_second_derivatives_have_names_of_their_own():
    """D is the derivative of ∂L/∂X by t₂; it had the name of ∂L/∂t₂ itself."""
    text = "t = A @ X @ B\nL = sum(t**2*exp(t))"
    derivation = gp.derive(gp.equations(text, A="m n", X="n k", B="k p"))
    made = derivation.hessian("X")
    first = {str(made.writer.name(name)) for name in made.writer.notation.adjoints}
    shown = [str(made.writer.text(step)).partition(" = ")[0] for step in made.steps]
    assert len({*shown}) == len(shown)
    assert made.meanings
    for name, meaning in made.meanings.items():
        assert made.writer.name(name) not in first
        assert f"{made.writer.name(name)}: {meaning}" in str(made)
    for name in derivation.hvp("X").system.names - derivation.system.names:
        assert "_dot" not in derivation.hvp("X").writer.name(name)
