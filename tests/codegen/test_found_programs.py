"""Programs that long runs of the differential test found printed or compiled otherwise than they
say; each is one of its kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp

import gradproof as gp
from gradproof.codegen.compile import compile_system
from gradproof.codegen.interpret import computes, evaluate
from gradproof.codegen.source import array_source
from gradproof.symbolic.equation import (
    INDEX_VALUE,
    Array,
    Equation,
    Index,
    Read,
    System,
    Term,
    Within,
    index_symbol,
    size_symbol,
    slot,
)
from gradproof.symbolic.validation import validate

M, P = size_symbol("m"), index_symbol("p")


def alone(shift: int) -> System:
    """t = Σ_p [0 <= p + shift < 1] c[p], which is one entry of c, or none where there is none."""
    term = Term(slot(0), (Read("c", (P,)),), (Index("p", M),),
                (Within(sp.S.Zero, P + shift, sp.S.One),))
    return validate(System((Array("c", (M,)),), (Equation("t", (), (term,)),)))


@pytest.mark.parametrize("shift", [-2, -1, 0, 1])
@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_the_one_place_that_a_guard_leaves_need_not_be_there(shift, m):
    c = np.arange(1.0, m + 1)
    due = c[-shift] if 0 <= -shift < m else 0.0
    system = alone(shift)
    assert evaluate(system, {"c": c})["t"] == due
    assert compile_system(system, ["t"])(c=c) == (due,)
    space: dict[str, Any] = {}
    exec(array_source(system, "t", name="f"), space)
    assert space["f"](c) == due


BROADCAST = "T = logsumexp(b*c + zeros(k, m), axis=1)\nL = sum(T)"


def test_a_softmax_of_fewer_axes_than_its_sum_is_counted():
    """T has k equal rows, so each gradient has a factor k, in numbers and on paper."""
    derivation = gp.derive(gp.equations(BROADCAST, b="", c="m", w="k"), ["b", "c"])
    random = np.random.default_rng(0)
    values = {"b": 0.3, "c": random.normal(size=4), "w": np.ones(5)}
    p = np.exp(0.3 * values["c"]) / np.sum(np.exp(0.3 * values["c"]))
    due = {"b": 5 * p @ values["c"], "c": 5 * 0.3 * p}
    space: dict[str, Any] = {}
    exec(derivation.numpy_source(), space)
    for function in (derivation.compile(), space["gradient"]):
        _, found = function(**values)
        for name, one in due.items():
            np.testing.assert_allclose(found[name], one, rtol=1e-12)
    assert str(derivation.gradients["b"]) == "∂L/∂b = k Σ_j softmax(b c)ⱼ cⱼ"
    assert str(derivation.gradients["c"]) == "∂L/∂c = k b softmax(b c)"


def test_no_softmax_is_taken_along_an_axis_of_equal_entries():
    """Λ = log Σ_p exp(c) is no sum over what a has, though its axis has the same size."""
    level = Term(slot(0), (Read("c", ()),), (Index("p", M),))
    product = Term(slot(0) * sp.exp(slot(1) - slot(2)),
                   (Read("a", (P,)), Read("c", ()), Read("level", ())), (Index("p", M),))
    system = validate(System((Array("a", (M,)), Array("c", ())), (
        Equation("level", (), (level,), "logsumexp"), Equation("y", (), (product,)))))
    a = np.array([0.5, 1.0, -3.0])
    (found,) = compile_system(system, ["y"])(a=a, c=0.3)
    np.testing.assert_allclose(found, a.mean())
    assert found == pytest.approx(evaluate(system, {"a": a, "c": 0.3})["y"])


def test_slopes_of_several_outputs_are_put_in_one_after_another():
    derivation = gp.derive(gp.equations(
        "y = tanh(a)\nL = tanh(a) + sum(tanh(b)) + tanh(y)", a="", b="1 1"))
    a, b = 0.7, np.array([[0.4]])
    _, found = derivation.compile()(a=a, b=b)
    slope = 1 - np.tanh(a) ** 2
    np.testing.assert_allclose(found["a"], slope + (1 - np.tanh(np.tanh(a)) ** 2) * slope)
    np.testing.assert_allclose(found["b"], 1 - np.tanh(b) ** 2)


def test_functions_of_constants_keep_the_precision():
    """σ(σ(0)) is a number of Python's, which widens nothing."""
    derivation = gp.derive(gp.equations("L = sum(x**2) + sigmoid(sigmoid(0))", x="n"))
    loss, found = derivation.compile()(x=np.ones(3, np.float32))
    assert loss.dtype == found["x"].dtype == np.float32


def test_a_maximum_of_a_constant_keeps_the_precision():
    """t[p] = max_q 1, which reads a[p] for its axis alone."""
    q = index_symbol("q")
    largest = Equation("t", (Index("p", M),), (
        Term(sp.S.One, (Read("a", (P,)),), (Index("q", M),)),), reduction="max", argmax=("t_at",))
    total = Equation("L", (), (
        Term(sp.tanh(slot(0)) * slot(1), (Read("t", (q,)), Read("a", (q,))), (Index("q", M),)),))
    system = validate(System((Array("a", (M,)),), (largest, total)))
    (found,) = compile_system(system, ["L"], True)(a=np.ones(3, np.float32))
    assert found.dtype == np.float32
    assert np.isclose(found, 3 * np.tanh(1.0))


def test_a_condition_on_an_axis_is_no_number():
    """The gradient by x has [j = 0] and [j = 1] along the axis of two."""
    derivation = gp.derive(gp.equations("L = sum(tanh(x[:, 0] @ W)*(x[:, 1] @ W))",
                                        x="n 2 d", W="d h"), ["x"])
    random = np.random.default_rng(0)
    x, W = random.normal(size=(3, 2, 4)), random.normal(size=(4, 5))
    _, found = derivation.compile()(x=x, W=W)
    one, two = x[:, 0] @ W, x[:, 1] @ W
    due = np.stack([(two * (1 - np.tanh(one) ** 2)) @ W.T, np.tanh(one) @ W.T], axis=1)
    np.testing.assert_allclose(found["x"], due)


@pytest.mark.parametrize(("line", "does"), [
    ("y = np.cumsum(x**2)", True), ("y = np.cumsum(x)**2", False),
    ("y = np.cumsum(x**2)[:2]", False),
    ("y = undefined", False), ("y = np.cumsum(x[:-1]**2)", False)])
def test_a_text_on_indices_is_tried_against_its_equation(line, does):
    """y[i] = Σ_p [p <= i] x[p]²"""
    i = index_symbol("i")
    term = Term(slot(0) ** 2, (Read("x", (P,)),), (Index("p", M),), (Within(sp.S.Zero, P, i + 1),))
    equation = Equation("y", (Index("i", M),), (term,))
    shapes = {"x": (M,), "y": (M,)}
    assert computes(equation, [line], shapes, (), ()) is does


@pytest.mark.parametrize("kernel", [1, 3])
def test_windows_beside_the_value_of_an_index(kernel):
    """y[i] = Σ_u x[i + u - 1] w[u] / (i + 2): the place itself is no array with windows."""
    i, u = index_symbol("i"), index_symbol("u")
    reads = (Read("x", (i + u - 1,)), Read("w", (u,)), Read(INDEX_VALUE, (i,)))
    term = Term(slot(0) * slot(1) / (slot(2) + 2), reads, (Index("u", sp.Integer(kernel)),),
                (Within(sp.S.Zero, i + u - 1, M),))
    system = validate(System((Array("x", (M,)), Array("w", (sp.Integer(kernel),))), (
        Equation("y", (Index("i", M),), (term,)),)))
    x, w = np.random.default_rng(0).normal(size=(2, 6))
    (found,) = compile_system(system, ["y"])(x=x, w=w[:kernel])
    wide = np.pad(x, (1, kernel))
    due = [wide[k:k + kernel] @ w[:kernel] / (k + 2) for k in range(6)]
    np.testing.assert_allclose(found, due)


def test_an_interval_is_two_comparisons_in_numpy():
    """0.8 < r < 1.2 asks for the truth of an array."""
    derivation = gp.derive(gp.equations(
        "L = sum(minimum(r*a, clip(r, 0.8, 1.2)*a))", r="m", a="m"))
    values = {"r": np.array([0.5, 0.9, 1.0, 1.5]), "a": np.array([1.0, -2.0, 3.0, 4.0])}
    space = {}
    exec(derivation.numpy_source(), space)
    due = np.where((values["r"] > 0.8) & (values["r"] < 1.2) | (values["r"] <= 0.8), values["a"], 0)
    for found in (derivation.compile()(**values), space["gradient"](**values)):
        np.testing.assert_allclose(found[1]["r"], due)
