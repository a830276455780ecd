"""Sums that have a name, sums that are 0, quotients, conditions: rewritten exactly, or not."""

import numpy as np
import pytest
import sympy as sp

import gradproof as gp
from gradproof.codegen.interpret import evaluate
from gradproof.symbolic.derive.adjoint import reverse
from gradproof.symbolic.derive.joined_guards import joined
from gradproof.symbolic.equation import (
    Equal,
    Equation,
    Index,
    Read,
    Term,
    Within,
    index_symbol,
    size_symbol,
    slot,
)

SHAPES = {"X": "m n", "Y": "m n", "G": "m n", "u": "m", "w": "n", "c": "",
          "S": gp.Array("n n", kind="symmetric"), "A": "n n"}
READ = [  # text, by, printed (None: only its numbers are looked at)
    ("p = softmax(w)\nL = p @ (A @ w)", "w", None),
    ("r = (w @ S @ w)/sum(w**2)\nL = r", "w", "2 (S w - r w)/t₃"),
    ("mu = mean(X, axis=1)\nL = sum(G*(X - mu[:, None])) + sum(Y*(X - mu[:, None])**2)", "X", None),
    ("mu = mean(X, axis=1)\nv = mean((X - mu[:, None])**2, axis=1)\nL = sum(u*v)", "X",
     "2 (u 1ᵀ) ⊙ (X - μ 1ᵀ)/n"),
    ("mu = mean(X, axis=1)\ns = sqrt(mean((X - mu[:, None])**2, axis=1))\n"
     "Y1 = (X - mu[:, None])/s[:, None]\nL = sum(G*Y1)", "X",
     "(G - (((G ⊙ Y₁) 1) 1ᵀ) ⊙ Y₁/n - (G 1/n) 1ᵀ) ⊘ (s 1ᵀ)"),
    ("C = X.T @ X\nL = w @ inv(C + eye(n)) @ w", "w", None),
    ("q = softmax(w)\np = softmax(c*w)\nL = -sum(p*log(q))", "w", None),
    ("z = mean((X - X)**2, axis=1)\nL = sum(softmax(X)*G) + sum(z)", "X", None),
    ("L = sum(softmax((X - X)**2)*X)", "X", None),
    ("L = sum(log(1 + (u - X @ w)**2))", "w", "Xᵀ (2 (X w - u) ⊘ (1 + (u - X w)∘²))"),
    ("E = sigmoid(u - c)\nL = -sum(log(E*(1 - E)))", "c", None),
]


@pytest.mark.parametrize(("text", "by", "printed"), READ)
def test_what_is_named_is_what_the_rule_gives(text, by, printed):
    used = {name: shape for name, shape in SHAPES.items() if name in text}
    derivation = gp.derive(gp.equations(text, **used), [by])
    if printed is not None:
        assert str(derivation.gradients[by]) == f"∂L/∂{by} = {printed}"
    raw = reverse(derivation.system, "L", [by])
    rng = np.random.default_rng(1)
    sizes = {"m": 3, "n": 4}
    values = {name: rng.uniform(0.3, 1.5, [sizes[size] for size in str(getattr(
        shape, "shape", shape)).strip("()").replace(",", " ").split()])
        for name, shape in used.items()}
    if "S" in values:
        values["S"] = values["S"] + values["S"].T
    _, found = derivation.compile()(**values)
    np.testing.assert_allclose(found[by], evaluate(raw.system, values)[raw.of[by]], 1e-9, 1e-12)


def test_a_name_is_not_used_where_it_would_divide_by_what_was_not_divided_by():
    """Y = (X - μ)/s is not put in for X - μ where nothing else divides by s, which may be 0."""
    text = "s = sum(w)\nY1 = (X - u[:, None])/s\nL = sum(G*(X - u[:, None])**2) + sum(0*Y1)"
    derivation = gp.derive(gp.equations(text, X="m n", u="m", w="n", G="m n"), ["X"])
    values = {"X": np.ones((2, 3)), "u": np.zeros(2), "w": np.zeros(3), "G": np.ones((2, 3))}
    assert "Y₁" not in str(derivation.gradients["X"])
    assert np.all(derivation.compile()(**values)[1]["X"] == 2)


# --- conditions ---------------------------------------------------------------------------------

T, t = size_symbol("T"), index_symbol("t")
AT, FIRST, LATER = Read("x", (t,)), Equal(t, sp.S.Zero), Within(sp.S.One, t, T)
JOINED = [
    ([(slot(0), "t", LATER), (slot(0), 0, FIRST)], 1, ()),
    ([(slot(0), 0, FIRST), (slot(0), "t", LATER)], 1, ()),
    ([(slot(0), "t", Within(sp.S.Zero, t, T - 1)), (slot(0), T - 1, Equal(t, T - 1))], 1, ()),
    ([(slot(0), "t", Within(sp.S.Zero, t, sp.S(2))), (slot(0), "t", Within(sp.S(2), t, T))], 1, ()),
    ([(slot(0), "t", Within(sp.S(2), t, T)), (slot(0), 1, Equal(t, sp.S.One))], 1,
     (Within(sp.S.One, t, T),)),
    ([(slot(0), "t", LATER), (2 * slot(0), 0, FIRST)], 2, None),
    ([(slot(0), "t", LATER), (slot(0), 1, FIRST)], 2, None),
    ([(slot(0), "t", Within(sp.S(2), t, T)), (slot(0), 0, FIRST)], 2, None),
    ([(slot(0), "t", LATER), (slot(0), 1, Equal(t, sp.S.One))], 2, None),
]


@pytest.mark.parametrize(("parts", "count", "guards"), JOINED)
def test_neighbouring_conditions_are_joined_where_the_terms_are_the_same(parts, count, guards):
    terms = tuple(Term(body, (Read("x", (t if at == "t" else sp.sympify(at),)),), (), (guard,))
                  for body, at, guard in parts)
    found = joined(Equation("y", (Index("t", T),), terms))
    assert len(found.terms) == count
    if guards is not None:
        (term,) = found.terms
        assert term.guards == guards
        assert term.reads == (AT,)


def parts(a, g):
    r, z = np.tanh(a[:, :4]), np.tanh(a[:, 4:])
    return np.sum(g * r * z)


def parts_of_any_width(a, g):
    k = g.shape[1]
    r, z = np.tanh(a[:, :k]), np.tanh(a[:, k:])
    return np.sum(g * r * z)


@pytest.mark.parametrize(("loss", "shapes"), [
    (parts, {"a": "m 8", "g": "m 4"}), (parts_of_any_width, {"a": "m 2*k", "g": "m k"})])
def test_a_value_is_not_named_beyond_its_own_ends(loss, shapes):
    """r[i, j] = tanh(a[i, j]) ends where z begins, and says nothing of a behind it."""
    derivation = gp.derive(gp.trace(loss, **shapes), wrt=["a"])
    rng = np.random.default_rng(3)
    a, g = rng.normal(size=(3, 8)), rng.normal(size=(3, 4))
    r, z = np.tanh(a[:, :4]), np.tanh(a[:, 4:])
    due = np.hstack([g * z * (1 - r**2), g * r * (1 - z**2)])
    np.testing.assert_allclose(derivation.compile()(a=a, g=g)[1]["a"], due, 1e-12, 1e-14)
    assert "(1 - rᵢⱼ²)" in str(derivation.gradients["a"])
