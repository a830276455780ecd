"""A derivation entry by entry: SymPy expressions, and the NumPy functions SymPy makes of them."""

import numpy as np
import pytest
import sympy as sp

import gradproof as gp
from gradproof.checks.measuring import Measurements
from gradproof.derivations import scalars
from gradproof.derivations.scalars import entry_gradient
from gradproof.symbolic.dependence import restricted
from gradproof.symbolic.equation import EquationError
from gradproof.symbolic.evaluator import NotComputableError

RECURRENCE = "h[-1] = h0\nh[t] = tanh(x[t] @ W + h[t-1] @ U)\nL = sum(h**2)"
SMALL = [
    ("L = sum((X @ w - y)**2)/m", {"X": "m n", "w": "n", "y": "m"}, {"m": 3, "n": 2}),
    ("A = sigmoid(X @ W + b)\nL = -sum(Y*log(softmax(A @ V)))",
     {"X": "m n", "W": "n k", "b": "k", "V": "k c", "Y": "m c"}, {"m": 2, "n": 3, "k": 2, "c": 2}),
    (RECURRENCE, {"x": "T m n", "W": "n k", "U": "k k", "h0": "m k"},
     {"T": 3, "m": 1, "n": 2, "k": 2}),
    ("L = sum(relu(X)*x) + 2*w", {"X": "m n", "x": "n", "w": ""}, {"m": 2, "n": 3}),
    ("L = sum(exp*lambda1)", {"exp": "n", "lambda1": "n"}, {"n": 2}),
]


@pytest.mark.parametrize(("text", "shapes", "sizes"), SMALL)
def test_lambdified_scalars_agree_with_the_printed_program(text, shapes, sizes):
    rng = np.random.default_rng(3)
    derivation = gp.derive(gp.equations(text, **shapes))
    values = {name: rng.normal(size=[sizes[s] for s in shape.split()])
              for name, shape in shapes.items()}
    forward = restricted(derivation.system, derivation.forward)
    run = entry_gradient(forward, "L", list(derivation.gradients), sizes)
    (loss, slopes), (expected, gradients) = run(**values), derivation.compile()(**values)
    assert loss == pytest.approx(expected, rel=1e-12)
    for name, gradient in gradients.items():
        assert slopes[name].shape == gradient.shape
        np.testing.assert_allclose(slopes[name], gradient, rtol=1e-10, atol=1e-12)


def test_an_entry_is_an_expression_and_a_function_of_the_entries_before_it():
    entries = gp.derive(gp.equations("L = sum((A @ x)**2)", A="2 2", x="2")).entries()
    a, b, x, y = (sp.Symbol(f"{name}", real=True) for name in ("A[0,0]", "A[0,1]", "x[0]", "x[1]"))
    forward = next(name for name in entries.expressions if name.endswith("[0]") and name != "dx[0]")
    assert sp.expand(entries.expressions[forward] - a*x - b*y) == 0
    values = {"A[0,0]": 2.0, "A[0,1]": np.array([3.0, 5.0]), "x[0]": 7.0, "x[1]": 11.0}
    np.testing.assert_array_equal(entries.functions[forward](values), [47.0, 69.0])


def test_arrays_have_no_expressions_and_large_systems_no_entries():
    derivation = gp.derive(gp.equations("L = sum(x**2)", x="n"))
    with pytest.raises(EquationError, match=r"is an array, no scalar: .*entries\(\)"):
        _ = derivation.expressions
    forward = restricted(derivation.system, derivation.forward)
    with pytest.raises(EquationError, match="up to 300"):
        entry_gradient(forward, "L", ["x"], {"n": 400})
    with pytest.raises(NotComputableError, match="not determined"):
        entry_gradient(forward, "L", ["x"], {})


def square(X, w):
    return np.sum((X @ w) ** 2)


def slope(X, w):
    return {"w": 2 * X.T @ (X @ w)}


def test_a_check_of_small_arrays_has_the_scalars_as_a_witness(monkeypatch):
    """Were the program of the derived gradient wrong, its proof alone would not be believed."""
    rng = np.random.default_rng(2)
    given = {"X": rng.normal(size=(3, 2)), "w": rng.normal(size=2)}
    assert gp.check(square, slope, **given)["w"].verdict == "proved"
    seen = []
    monkeypatch.setattr(scalars, "entry_gradient", lambda *asked, **limit: (
        seen.append(asked) or entry_gradient(*asked, **limit)))
    assert gp.check(square, slope, **given)["w"].verdict == "proved"
    assert seen

    def broken(self, point):
        return {"w": 3 * point.values["X"].T @ (point.values["X"] @ point.values["w"])}

    monkeypatch.setattr(Measurements, "derived_at", broken)
    found = gp.check(square, slope, **given)["w"]
    assert found.verdict == "undecided"
    assert "two derivations of the gradient differ" in found.reason


def test_a_gradient_that_is_nearly_zero_raises_no_doubt():
    X = np.linalg.qr(np.arange(6.0).reshape(3, 2) + np.eye(3, 2))[0]
    w = np.array([1e-9, 1e6])
    y = X @ w

    def loss(X, w, y):
        return np.sum((X @ w - y) ** 2)

    def gradient(X, w, y):
        return {"w": 2 * X.T @ (X @ w - y)}

    assert gp.check(loss, gradient, X=X, w=w, y=y)["w"].verdict == "proved"
