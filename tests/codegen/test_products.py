"""Equations with their products of matrices apart: the same values, and gemm gives them."""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np
import pytest
import sympy as sp
from gallery_cases import CASES
from gallery_columns import derived, values_for
from hypothesis import HealthCheck, given, settings
from networks import random_networks
from networks import values_for as values_of

import gradproof as gp
from gradproof.codegen.diagonals.compressed import compressed
from gradproof.codegen.interpret import evaluate
from gradproof.codegen.loops import bound
from gradproof.codegen.loops.c_library import built
from gradproof.codegen.loops.operands import Operand, Product
from gradproof.codegen.loops.products import with_products
from gradproof.codegen.loops.writing import Loops, loops
from gradproof.symbolic.equation import Equation, System, Within, equations_of


def loops_of(derivation: Any) -> Loops:
    return loops(derivation.system, [derivation.chain.loss, *(
        formula.array for formula in derivation.gradients.values())])


def agrees(derivation: Any, values: dict[str, Any]) -> int:
    """The number of products, each of which is of arrays as they are."""
    return len(joined_as_due(loops_of(derivation), values).products)


def joined_as_due(what: Loops, values: dict[str, Any]) -> Loops:
    """The loops with their products apart, which give what they are due."""
    joined = with_products(what)
    with np.errstate(all="ignore"):
        due = evaluate(System(what.system.inputs, what.items), values)
        found = evaluate(System(what.system.inputs, joined.items), values)
    for name in what.results:
        scale = 1 + np.max(np.abs(due[name]), initial=0)
        np.testing.assert_allclose(found[name], due[name], rtol=0, atol=1e-12 * scale)
    numbers = {s: n for array in what.system.inputs for s, n in zip(
        array.shape, np.shape(values[array.name]), strict=True)}
    for item in joined.items:
        for equation in equations_of(item):
            if equation.name in joined.products:
                holds(equation, joined.products[equation.name], found, numbers)
    return joined


def holds(equation: Equation, product: Product, found: Any, numbers: Any) -> None:
    """The matrices that a BLAS is told of have the product that is due, for each of its stack and
    of a loop's steps in which there is one."""
    rows, inner, columns = (int(sp.sympify(size).subs(numbers)) for size in (
        product.rows, product.inner, product.columns))
    fixed = [i for i, at in zip(equation.out, product.out.at, strict=True) if at == i.symbol]
    (term,) = equation.terms
    for at in np.ndindex(*(int(i.size.subs(numbers)) for i in fixed)):
        known = {**numbers, **{i.symbol: n for i, n in zip(fixed, at, strict=True)}}
        if not all(int(g.low.subs(known)) <= int(g.value.subs(known)) < int(g.high.subs(known))
                   if isinstance(g, Within) else g.left.subs(known) == g.right.subs(known)
                   for g in term.guards):
            continue
        left = matrix(found, product.left, rows, inner, known)
        right = matrix(found, product.right, inner, columns, known)
        start = [int(sp.sympify(one).subs(known)) for one in product.out.at]
        first = int(np.ravel_multi_index(start, found[equation.name].shape)) if start else 0
        out = found[equation.name].ravel()[first:first + rows * columns]
        np.testing.assert_allclose((left @ right).ravel(), out, rtol=1e-10, atol=1e-12)


def matrix(found: Any, operand: Operand, rows: int, columns: int, known: Any) -> Any:
    array = np.ascontiguousarray(found[operand.first.array])
    start = tuple(int(sp.sympify(at).subs(known)) for at in operand.first.at)
    shape = (columns, rows) if operand.turned else (rows, columns)
    first = int(np.ravel_multi_index(start, array.shape))
    apart = int(np.prod(array.shape[operand.axis + 1:], dtype=int))
    places = first + apart * np.arange(shape[0])[:, None] + np.arange(shape[1])
    made = array.ravel()[places]
    return made.T if operand.turned else made


def of_gallery(name: str) -> tuple[Any, dict[str, Any]]:
    found = derived(name)
    return found.derivation, {key: np.asarray(one) for key, one in values_for(found).items()}


@pytest.mark.parametrize(("name", "count"), [
    ("dense", 3), ("attention", 15), ("conv2d, stride, padding, dilation", 2), ("rnn, tanh", 6),
    ("conv2d, groups", 2), ("identity", 0), ("embedding", 0)])
def test_how_many_products_a_layer_has(name, count):
    assert agrees(*of_gallery(name)) == count


@pytest.mark.rows
@pytest.mark.parametrize("name", [case.name for case in CASES])
def test_layers_of_the_gallery(name):
    agrees(*of_gallery(name))


@settings(max_examples=10, suppress_health_check=list(HealthCheck))
@given(random_networks())
def test_random_networks(network):
    agrees(gp.derive(network), values_of(network))


def test_part_of_an_array_is_no_matrix_as_it_stands():
    """The first n rows of a larger array are copied; the whole of it is read where it is."""
    derivation = gp.derive(gp.equations("L = sum(tanh(A[0:4,:] @ x)**2)", A="n>=5 k", x="k l"))
    values = {"A": np.arange(18.0).reshape(6, 3) / 20, "x": np.arange(6.0).reshape(3, 2)}
    assert agrees(derivation, values) > 1


@pytest.mark.peers
@pytest.mark.parametrize("target", ["c", "numba"])
@pytest.mark.parametrize("name", [
    "attention", "conv2d, stride, padding, dilation",
    *(pytest.param(case.name, marks=pytest.mark.rows) for case in CASES)])
def test_a_layer_by_a_blas(name, target, monkeypatch, tmp_path):
    pytest.importorskip("scipy")
    if target == "c" and shutil.which("cc") is None:
        pytest.skip("no C compiler")
    if target == "numba":
        pytest.importorskip("numba")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(bound, "LARGE", 0)
    derivation, values = of_gallery(name)
    run = derivation.compile(target=target)
    for real, close in ((np.float64, 1e-12), (np.float32, 2e-3)):
        given_to = {key: one if one.dtype.kind in "iu" else one.astype(real)
                    for key, one in values.items()}
        loss, due = derivation.compile()(**given_to)
        value, found = run(**given_to)
        np.testing.assert_allclose(value, loss, rtol=close)
        for key, one in due.items():
            assert found[key].dtype == real
            np.testing.assert_allclose(found[key], one, rtol=close,
                                       atol=close * (1 + np.max(np.abs(one), initial=0)))


@pytest.mark.peers
def test_small_products_are_left_in_their_loops(monkeypatch, tmp_path):
    pytest.importorskip("scipy")
    if shutil.which("cc") is None:
        pytest.skip("no C compiler")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    derivation = gp.derive(gp.equations("L = sum((A @ B)**2)", A="m n", B="n k"))
    run, texts = derivation.compile(target="c"), []
    monkeypatch.setattr("gradproof.codegen.loops.c_library.built", lambda text, real: (
        texts.append(text), built(text, real))[1])
    for size in (3, 40):
        values = {"A": np.ones((size, size)), "B": np.ones((size, size))}
        assert run(**values)[0] == pytest.approx(size**4)
    assert ["gemm" in text for text in texts] == [False, True]




@pytest.mark.parametrize(("text", "shapes", "parts"), [
    ("L = sum((x @ (W @ A))**2)", {"x": "n", "W": "n k", "A": "k l"}, 1),
    ("P = softmax(X)\nL = sum(P**3)", {"X": "m n"}, 1),
    ('Z = einsum("nk,kl,lm->nm", A, B, C)\nL = sum(Z**2)',
     {"A": "n k", "B": "k l", "C": "l m"}, 2),  # a part that is a product of matrices itself
])
def test_what_a_part_is_summed_over_is_summed_first(text, shapes, parts):
    derivation = gp.derive(gp.equations(text, **shapes))
    rng = np.random.default_rng(0)
    sizes = {"n": 4, "k": 3, "l": 5, "m": 2}
    agrees(derivation, {name: rng.normal(size=[sizes[n] for n in shape.split()])
                        for name, shape in shapes.items()})
    joined = with_products(loops_of(derivation))
    assert sum("_sum" in item.name for item in joined.items) >= parts
    for item in joined.items:  # no more indices at once than two arrays have
        assert all(len(item.out) + len(term.over) <= 3 for term in item.terms)


@pytest.mark.parametrize(("text", "shapes", "of", "count"), [
    ("z = X @ w; L = sum(softplus(z) - y*z)/m", {"X": "m n", "w": "n", "y": "m"}, "w", 1),
    ("z = X @ w; L = sum(sigmoid(z)*y)", {"X": "m n", "w": "n", "y": "m"}, "w", 1),
    ("z = X @ w; L = sum(exp(z)*y)", {"X": "m n", "w": "n", "y": "m"}, "w", 0),  # held by the rest
])
def test_a_function_of_fewer_indices_is_called_once_for_each(text, shapes, of, count):
    hessian = gp.derive(gp.equations(text, **shapes)).hessian(of)
    rng = np.random.default_rng(0)
    sizes = {"m": 7, "n": 3}
    values = {name: rng.normal(size=[sizes[n] for n in shape.split()])
              for name, shape in shapes.items()}
    joined = joined_as_due(loops(hessian.system, [hessian.name]), values)
    weights = [item for item in joined.items if "_weight" in item.name]
    assert [len(item.out) for item in weights] == [1] * count
    assert len(joined.products) == 1
    assert not count or not any(term.body.atoms(sp.Function) for item in joined.items
                                for term in item.terms if len(item.out) + len(term.over) > 1)


@pytest.mark.parametrize(("text", "shapes", "outer"), [
    ("F = einsum('prs,sj->prsj', G, S); t = einsum('prsj,si->prji', F, X)",
     {"G": "p r m", "S": "m p", "X": "m r"}, False),
    ("F = einsum('prs,sj->prsj', G, S); t = einsum('prsj,si->prji', F, X) + sum(F)",
     {"G": "p r m", "S": "m p", "X": "m r"}, True),  # two read it
    ("F = einsum('prs,sj->prsj', G, S); t = einsum('prsj,si->prji', F, X)",
     {"G": "p r m", "S": "m p", "X": "m n"}, True),  # S X may have more entries than G
    ("E = einsum('pr,s->prs', X, T); F = einsum('prs,sj->prsj', E, S); "
     "t = einsum('prsj,si->prji', F, Y)",
     {"X": "p r", "T": "m", "S": "m p", "Y": "m r"}, False),  # one in another one
])
def test_an_outer_product_that_one_sum_reads_is_put_into_it(text, shapes, outer):
    derivation = gp.derive(gp.equations(text.replace("'", '"') + "; L = sum(t**2)", **shapes))
    rng, sizes = np.random.default_rng(0), {"p": 3, "m": 5, "r": 2, "n": 4}
    values = {name: rng.normal(size=[sizes[n] for n in shape.split()])
              for name, shape in shapes.items()}
    what = loops(derivation.system, ["t"])
    names = [item.name for item in joined_as_due(what, values).items]
    assert ("F" in names) == outer, names
    asked = joined_as_due(loops(derivation.system, ["t", "F"]), values)
    assert "F" in [item.name for item in asked.items], "what is asked for is computed"
    agrees(derivation, values)


@pytest.mark.parametrize("of", [("W1", "W1"), ("W1", "W2"), ("W2", "W2"), ("W1", "b1")])
@pytest.mark.parametrize("units", [[3, 4, 1], [2, 3, 2]])
def test_hessians_of_a_hidden_layer(units, of):
    hessian = gp.derive(gp.Network(units, activation="tanh", output="sigmoid",
                                   loss="binary_cross_entropy")).hessian(*of)
    rng = np.random.default_rng(0)
    values = {a.name: rng.normal(size=[int(n) if n.is_number else 7 for n in a.shape])
              for a in hessian.system.inputs}
    what = loops(compressed(hessian.system, [hessian.name]), [hessian.name])
    joined = joined_as_due(what, values)
    if units[-1] == 1 and of[0] == of[1] == "W1":  # no array has its samples by all but one axis
        assert max(len([i for i in e.out if i.size != 1]) for e in joined.items[:-2]) == 3
