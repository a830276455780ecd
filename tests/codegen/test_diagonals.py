"""Derivatives that hold along a diagonal: kept without their zeros, and written into it."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import sympy as sp

import gradproof as gp
from gradproof.codegen.diagonals.compressed import compressed
from gradproof.codegen.interpret import evaluate
from gradproof.symbolic.equation import Equation, Read, Term, slot

SIZES = {"m": 3, "n": 4, "p": 2, "q": 5}
NETWORK = gp.Network([2, 3, 1], activation="tanh", output="sigmoid", loss="binary_cross_entropy")
CASES = {  # what is derived, by which two arrays, and what its source has to say
    "left factor": (gp.equations("L = sum((A - U @ V)**2)/2", A="m n", U="m p", V="p n"),
                    ("U", "U"), ["H[i, :, i] = V @ V.T"]),
    "right factor": (gp.equations("L = sum((A - U @ V)**2)/2", A="m n", U="m p", V="p n"),
                     ("V", "V"), ["H[:, j, :, j] = U.T @ U"]),
    "both factors": (gp.equations("L = sum((A - U @ V)**2)/2", A="m n", U="m p", V="p n"),
                     ("U", "V"), ["H[:, j, j] +="]),
    "entry by entry": (gp.equations("L = sum(X**3)/6", X="m n"), ("X", "X"),
                       ["H[i[:, None], j, i[:, None], j] = X"]),
    "entries in three axes": (gp.equations("L = sum(tanh(X)*w)", X="m n", w="n"), ("X", "w"),
                              ["H[:, j, j] ="]),
    "rows": (gp.equations("L = sum(tanh(X @ w)**2)", X="m n", w="n"), ("X", "X"), ["H[i, :, i] ="]),
    "turned": (gp.equations("L = tr(X @ X)", X="n n"), ("X", "X"), ["H["]),
    "squares": (gp.equations("L = tr(X @ X @ X)", X="n n"), ("X", "X"), ["H["]),
    "hidden layer": (NETWORK, ("W1", "W1"), ["H[:, j, :, j] +="]),
    "hidden by output": (NETWORK, ("W1", "W2"), ["H[:, j, j] +="]),
    "hidden by bias": (NETWORK, ("W1", "b1"), ["H[:, j, j] +="]),
    "two hidden layers": (gp.Network([2, 3, 2, 1], activation="tanh", loss="mean_squared_error"),
                          ("W1", "W1"), ["H[:, j, :, j] +="]),
    "a ReLU": (gp.Network([2, 3, 1], activation="relu", loss="mean_squared_error"),
               ("W1", "W2"), []),
    "a softmax": (gp.Network([2, 3, 3], activation="tanh", output="softmax", loss="cross_entropy"),
                  ("W1", "W1"), []),
    "a stack": (gp.equations("L = sum(tanh(A @ X)**2)", A="p m n", X="n q"), ("A", "A"), []),
    "a penalty": (gp.equations("L = sum((A - U @ V)**2)/2 + sum(U**4)", A="m n", U="m p", V="p n"),
                  ("U", "U"), ["H[i, :, i] = V @ V.T"]),
}


def sample(derivative, dtype=float, seed=0):
    random = np.random.default_rng(seed)
    sizes = {**SIZES, "m": 4}
    return {a.name: np.asarray(random.normal(size=[
        int(size.subs({s: sizes[s.name] for s in size.free_symbols})) for size in a.shape]), dtype)
        for a in derivative.system.inputs}


@pytest.mark.parametrize("name", CASES)
def test_what_is_compressed_is_what_the_equations_are(name):
    source, of, said = CASES[name]
    derivative = gp.derive(source).hessian(*of)
    values = sample(derivative)
    due = evaluate(derivative.system, values)[derivative.name]
    close = 1e-12 * (1 + np.abs(due).max())
    np.testing.assert_allclose(derivative.compile()(**values), due, rtol=0, atol=close)
    text = derivative.numpy_source()
    assert all(line in text for line in said), text
    space = {}
    exec(text, space)
    np.testing.assert_allclose(space["derivative"](**values), due, rtol=0, atol=close)
    small = compressed(derivative.system, [derivative.name])
    np.testing.assert_allclose(evaluate(small, values)[derivative.name], due, rtol=0, atol=close)
    single = sample(derivative, np.float32)
    for found in (derivative.compile()(**single), space["derivative"](**single)):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, due, rtol=0, atol=1e-4 * (1 + np.abs(due).max()))


def test_no_array_on_the_way_has_the_zeros():
    """D[p, i, s, j] = [i = j] x[s, p] is read as x; what is left of it has no second axis."""
    derivative = gp.derive(NETWORK).hessian("W1", "W1")
    assert any(term.guards for e in [*derivative.steps][:-1] for term in e.terms)
    small = compressed(derivative.system, [derivative.name])
    assert not any(term.guards for e in [*small.equations][:-1] for term in e.terms)


def test_what_a_function_reads_is_left_whole():
    """tanh of an array with zeros is no sum of its parts."""
    derivative = gp.derive(gp.equations("L = sum(tanh(X @ X)**2)", X="n n")).hessian("X")
    whole = next(e for e in derivative.steps if any(term.guards for term in e.terms))
    first, *_ = whole.terms
    nonlinear = Equation("y", whole.out, (Term(sp.exp(slot(0)), (Read(whole.name, tuple(
        index.symbol for index in whole.out)),)),))
    before = [e for e in derivative.system.equations if e.name != derivative.name]
    system = replace(derivative.system, items=(*before, nonlinear))
    assert compressed(system, ["y"]) is system
    assert first.guards


def test_a_large_factorisation_has_no_dense_products():
    """60 × 8 by 60 × 8: its source writes 60 blocks and makes no other array of its size."""
    derivative = gp.derive(gp.equations("L = sum((A - U @ V)**2)/2", A="m n", U="m p", V="p n")
                           ).hessian("U")
    text = derivative.numpy_source()
    assert "einsum" not in text
    assert text.count("np.zeros") == 1
    random = np.random.default_rng(0)
    U, V = random.normal(size=(60, 8)), random.normal(size=(8, 80))
    found = derivative.compile()(A=np.zeros((60, 80)), U=U, V=V)
    np.testing.assert_allclose(found, np.einsum("ik,jl->ijkl", np.eye(60), V @ V.T), atol=1e-12)


@pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler")
@pytest.mark.parametrize("name", ["both factors", "hidden layer", "hidden by output"])
def test_a_hessian_in_c_is_the_same(name):
    source, of, _ = CASES[name]
    derivative = gp.derive(source).hessian(*of)
    values = sample(derivative)
    due = evaluate(derivative.system, values)[derivative.name]
    np.testing.assert_allclose(derivative.compile(target="c")(**values), due, rtol=0,
                               atol=1e-12 * (1 + np.abs(due).max()))
    with pytest.raises(ValueError, match="expected one of numpy, c, numba"):
        derivative.compile(target="fortran")
