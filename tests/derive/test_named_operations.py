"""Inverses and determinants: what the prover knows of them, what it must not, and their values."""

from __future__ import annotations

import numpy as np
import pytest
from proofs import prove_all

import gradproof as gp
from gradproof.codegen.compile import compile_system
from gradproof.codegen.interpret import evaluate
from gradproof.symbolic.equation import (
    Equation,
    EquationError,
    Index,
    Read,
    System,
    Term,
    index_symbol,
    size_symbol,
    slot,
)
from gradproof.symbolic.text.statements import parse_equations
from gradproof.symbolic.text.trees import FormulaError
from gradproof.symbolic.validation import validate

SHAPES = {"A": "n n", "B": "n n", "X": "n n", "Z": "n p", "x": "n", "k": ""}


def proven(one: str, other: str) -> bool | None:
    left, right = parse_equations(one, SHAPES), parse_equations(other, SHAPES)
    first, second = (list(system.equations)[-1].name for system in (left, right))
    return prove_all(left, right, {first: second}, evaluate)[first].equal


@pytest.mark.parametrize(("one", "other"), [
    ("X @ inv(X)", "eye(n)"),
    ("inv(X) @ X", "eye(n)"),
    ("A @ inv(X) @ X @ B", "A @ B"),
    ("inv(X).T @ X.T", "eye(n)"),
    ("inv(A @ X)", "inv(X) @ inv(A)"),
    ("inv(A @ X.T @ B)", "inv(B) @ inv(X).T @ inv(A)"),
    ("inv(inv(X))", "X + 0"),
    ("inv(X.T)", "inv(X).T"),
    ("inv(2*X)", "inv(X)/2"),
    ("inv(k*X)", "inv(X)/k"),
    ("inv(diag(exp(x)))", "diag(exp(-x))"),
    ("inv(diag(exp(x)) @ A)", "inv(A) @ diag(exp(-x))"),
    ("inv(X + X.T)", "inv(X + X.T).T"),
    ("inv(Z.T @ Z)", "inv(Z.T @ Z).T"),
    ("det(A @ X)", "det(A)*det(X)"),
    ("det(X.T)", "det(X)"),
    ("det(inv(X))", "1/det(X)"),
    ("logdet(A)", "log(det(A))"),
    ("det(X @ X)/det(X)", "det(X)"),
    ("tr(X @ inv(X))", "n + 0*tr(X)"),
])
def test_a_law_is_proven_for_all_sizes(one: str, other: str) -> None:
    if one == "logdet(A)":
        one, other = "2*logdet(A)", "log(det(A)**2)"
    assert proven(one, other) is True


@pytest.mark.parametrize(("one", "other"), [
    ("inv(A @ X)", "inv(A) @ inv(X)"),
    ("inv(A + X)", "inv(A) + inv(X)"),
    ("inv(X)", "inv(X).T"),
    ("X @ inv(A)", "eye(n)"),
    ("X.T @ inv(X)", "eye(n)"),
    ("det(A + X)", "det(A) + det(X)"),
    ("det(2*X)", "2*det(X)"),
    ("det(Z.T @ Z)", "det(Z.T @ Z)*det(X)/det(A)"),
    ("X @ inv(X) @ X", "X @ X"),
])
def test_what_is_no_law_is_not_proven(one: str, other: str) -> None:
    assert proven(one, other) is False


@pytest.mark.parametrize(("text", "value"), [
    ("inv(A + 3*eye(n))", lambda A: np.linalg.inv(A + 3*np.eye(len(A)))),
    ("det(A @ A.T)", lambda A: np.linalg.det(A @ A.T)),
    ("logdet(A)", lambda A: np.linalg.slogdet(A)[1]),
    ("inv(A.T)", lambda A: np.linalg.inv(A.T)),
])
def test_values_are_numpys(text, value) -> None:
    system = parse_equations(text, {"A": "n n"})
    matrix = np.random.default_rng(0).normal(size=(4, 4))
    expected = value(matrix)
    np.testing.assert_allclose(evaluate(system, {"A": matrix})["L"], expected, 1e-10)
    np.testing.assert_allclose(compile_system(system, ["L"])(A=matrix)[0], expected, 1e-10)


def test_the_gradient_prints_compiles_and_has_source() -> None:
    system = gp.equations("L = a @ inv(X) @ a + logdet(X)", X="n n", a="n")
    derivation = gp.derive(system, ["X"])
    assert "X⁻¹" in str(derivation)
    random = np.random.default_rng(1)
    values = {"X": random.normal(size=(3, 3)) + 4*np.eye(3), "a": random.normal(size=3)}
    loss, found = derivation.compile()(**values)
    namespace: dict = {}
    exec(derivation.numpy_source(), namespace)
    again, written = namespace["gradient"](**values)
    inverse = np.linalg.inv(values["X"])
    expected = inverse.T - np.outer(inverse.T @ values["a"], inverse @ values["a"])
    np.testing.assert_allclose(found["X"], expected, 1e-10)
    np.testing.assert_allclose(written["X"], expected, 1e-10)
    assert loss == pytest.approx(again)
    assert r"^{-1}" in "".join(line.latex() for line in derivation.forward.values())


def test_a_matrix_that_is_not_square_is_an_error() -> None:
    for name in ("inv", "det", "logdet"):
        with pytest.raises(FormulaError, match="square matrix"):
            parse_equations(f"{name}(Z)", {"Z": "n p"})
    i = Index("i", size_symbol("n"))
    term = Term(slot(0), (Read("x", (index_symbol("i"),)),), (i,))
    with pytest.raises(EquationError, match="square matrix"):
        validate(System(parse_equations("x", {"x": "n"}).inputs,
                        (Equation("d", (), (term,), "det"),)))


def test_a_singular_matrix_has_no_inverse() -> None:
    with pytest.raises(ValueError, match=r"[Ss]ingular"):
        evaluate(parse_equations("inv(A)", {"A": "n n"}), {"A": np.ones((3, 3))})


def test_the_derivative_of_a_cholesky_factor_is_the_published_one():
    """Murray 2016, eq. 10, for the symmetric part of a matrix of free entries."""
    derivation = gp.derive(gp.equations("K = cholesky(S); L = sum(C*K)", S="n n", C="n n"), ["S"])
    assert str(derivation.gradients["S"]) == (
        "∂L/∂S = ½ (K⁻¹)ᵀ (Φ ⊙ (Kᵀ C) + (Φ ⊙ (Kᵀ C))ᵀ) K⁻¹")
    random = np.random.default_rng(5)
    root, C, step = random.normal(size=(4, 4)), random.normal(size=(4, 4)), 1e-5
    values = {"S": root @ root.T + np.eye(4), "C": C}
    gradient = derivation.compile()(**values)[1]["S"]
    written: dict = {}
    exec(derivation.numpy_source(), written)
    np.testing.assert_allclose(written["gradient"](**values)[1]["S"], gradient, 1e-12, 1e-14)

    def loss(S):
        return np.sum(C * np.linalg.cholesky((S + S.T) / 2))

    for place in np.ndindex(4, 4):
        moved = np.zeros((4, 4))
        moved[place] = step
        slope = (loss(values["S"] + moved) - loss(values["S"] - moved)) / (2 * step)
        np.testing.assert_allclose(gradient[place], slope, 1e-7, 1e-8)


def test_the_likelihood_of_a_gaussian_process_by_its_cholesky_factor():
    """½ yᵀA⁻¹y + ½ log det A and its gradient, as inv and logdet state them."""
    shapes = {"X": "n k", "y": "n"}
    ways = [
        gp.derive(gp.equations(text, **shapes)) for text in (
            "K = cholesky(X @ X.T + eye(n)); z = inv(K) @ y; L = sum(z**2)/2 + sum(log(diag(K)))",
            "A = X @ X.T + eye(n); L = y @ inv(A) @ y/2 + logdet(A)/2",
        )
    ]
    random = np.random.default_rng(6)
    values = {"X": random.normal(size=(5, 2)), "y": random.normal(size=5)}
    (one, first), (other, second) = (way.compile()(**values) for way in ways)
    np.testing.assert_allclose(one, other, 1e-12)
    for name in shapes:
        np.testing.assert_allclose(first[name], second[name], 1e-10, 1e-12)
    direction = random.normal(size=(5, 2))
    products = [way.hvp("X").compile()(**values, X_dot=direction) for way in ways]
    np.testing.assert_allclose(*products, 1e-8, 1e-10)
