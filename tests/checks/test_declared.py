"""What inputs are declared to be: the formulas it shortens, what they say they used, the proofs."""

from __future__ import annotations

import numpy as np
import pytest

import gradproof as gp
from gradproof.symbolic.equation import EquationError, size_symbol
from gradproof.symbolic.proof.sampling import draw
from gradproof.symbolic.text.trees import FormulaError

SQUARE = {kind: gp.Array("n n", kind=kind) for kind in ("symmetric", "orthogonal", "invertible")}
SHAPES = {
    "S": SQUARE["symmetric"], "Q": SQUARE["orthogonal"], "V": SQUARE["invertible"],
    "p": gp.Array("n", kind="positive"), "A": "n n", "X": "n n", "x": "n", "b": "n",
}

CASES = [
    ("sum((S @ x - b)**2)/2", "x", "∂L/∂x = S (S x - b)", "S is symmetric"),
    ("x @ S @ x", "S", "∂L/∂S = x xᵀ", ""),
    ("tr(S @ S)", "S", "∂L/∂S = 2 S", "S is symmetric"),
    ("tr(S @ X @ S)", "X", "∂L/∂X = S S", "S is symmetric"),
    ("sum((Q @ x)**2)/2", "x", "∂L/∂x = x", "Q is orthogonal"),
    ("sum((Q @ x - b)**2)/2", "x", "∂L/∂x = x - Qᵀ b", "Q is orthogonal"),
    ("b @ inv(V) @ V @ x", "x", "∂L/∂x = b", "V is invertible"),
    ("sum(abs(p)*x)", "p", "∂L/∂p = x", "p is positive"),
    ("sum(max(p, 0)*x)", "x", "∂L/∂x = p", "p is positive"),
]


def derivation(text: str, wrt: str) -> gp.Derivation:
    named = {name: shape for name, shape in SHAPES.items() if name in text}
    return gp.derive(gp.equations("L = " + text, **named), [wrt])


@pytest.mark.parametrize(("text", "wrt", "formula", "assumed"), CASES)
def test_a_declaration_shortens_the_formula_and_is_listed(text, wrt, formula, assumed):
    found = derivation(text, wrt)
    gradient = found.gradients[wrt]
    assert str(gradient) == formula
    assert gradient.assumptions == ((assumed,) if assumed else ())
    assert found.assumptions == gradient.assumptions
    if assumed:
        assert any(f"{assumed} (assumed)" in line for line in gradient.because)


@pytest.mark.parametrize(("text", "wrt", "formula", "assumed"), CASES)
def test_the_shortened_formula_is_the_gradient_where_the_declaration_holds(
    text, wrt, formula, assumed
):
    """Beside it: the gradient of the same loss with nothing declared, at the same point."""
    found = derivation(text, wrt)
    plain = gp.derive(gp.equations("L = " + text, **{
        array.name: gp.Array(" ".join(map(str, array.shape))) for array in found.system.inputs
    }), [wrt])
    assert not plain.assumptions
    random = np.random.default_rng(0)
    values = {a.name: draw(a, {size_symbol("n"): 4}, random) for a in found.system.inputs}
    first, second = (d.compile()(**values)[1][wrt] for d in (found, plain))
    np.testing.assert_allclose(first, second, 1e-12, 1e-12)


@pytest.mark.parametrize("wrt", ["S", "Y"])
def test_second_derivatives_by_a_declared_array_are_those_of_free_entries(wrt):
    """Its symmetry, or that its rows sum to one, must not be used before it is varied."""
    text = "L = tr(S @ S)" if wrt == "S" else "L = -sum(Y*log_softmax(A, axis=1))"
    one = "S" if wrt == "S" else "A"
    shapes = {"S": SQUARE["symmetric"]} if wrt == "S" else {
        "Y": gp.Array("n n", kind="probability"), "A": "n n"}
    found = gp.derive(gp.equations(text, **shapes), [one])
    plain = gp.derive(gp.equations(text, **dict.fromkeys(shapes, "n n")), [one])
    random = np.random.default_rng(1)
    values = {a.name: draw(a, {size_symbol("n"): 3}, random) for a in found.system.inputs}
    first, second = (d.hessian(one, wrt).compile()(**values) for d in (found, plain))
    np.testing.assert_allclose(first, second, 1e-12, 1e-12)
    direction = {f"{wrt}_dot": random.normal(size=(3, 3))}
    product = found.hvp(one, wrt).compile()(**values, **direction)
    np.testing.assert_allclose(product, np.tensordot(second, direction[f"{wrt}_dot"], 2), 1e-10)


@pytest.mark.parametrize(("kind", "holds"), [
    ("symmetric", lambda A: np.array_equal(A, A.T)),
    ("orthogonal", lambda A: np.allclose(A.T @ A, np.eye(len(A)), atol=1e-14)),
    ("invertible", lambda A: np.linalg.cond(A) < 10),
])
def test_samples_are_of_their_kind(kind, holds):
    for seed in range(5):
        found = draw(SQUARE[kind], {size_symbol("n"): 4}, np.random.default_rng(seed))
        assert found.shape == (4, 4)
        assert holds(found)


def test_a_square_kind_wants_a_square_matrix():
    with pytest.raises((EquationError, FormulaError), match="expected a square matrix"):
        gp.equations("L = sum(S)", S=gp.Array("m n", kind="symmetric"))


def loss(S, x):
    return x @ S @ x / 2


def short(S, x):
    return S @ x


def test_a_hand_written_gradient_may_use_what_is_declared():
    declared = gp.check(loss, short, S=SQUARE["symmetric"], x="n", wrt=["x"])
    assert declared.verdict == "proved"
    assert "S is symmetric" in str(declared)
    assert gp.check(loss, short, S="n n", x="n", wrt=["x"]).verdict == "refuted"


def rotated(Q, x):
    return ((Q @ x) ** 2).sum() / 2


def unrotated(Q, x):
    return x


def test_an_orthogonal_matrix_cancels_in_a_proof():
    declared = gp.check(rotated, unrotated, Q=SQUARE["orthogonal"], x="n", wrt=["x"])
    assert declared.verdict == "proved"
    assert "Q is orthogonal" in str(declared)
    assert gp.check(rotated, unrotated, Q="n n", x="n", wrt=["x"]).verdict == "refuted"


def returned(Q, x):
    return Q.T @ (Q @ x)


def test_an_orthogonal_matrix_cancels_in_the_hand_written_gradient():
    assert gp.check(rotated, returned, Q=SQUARE["orthogonal"], x="n", wrt=["x"]).verdict == "proved"
