"""Printed and compiled NumPy against the equations themselves: values, shapes and types together.

The reference is :mod:`gradproof.codegen.interpret`, which evaluates the equations as they stand.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

import models
import numpy as np
import pytest
import sympy as sp
from gallery_cases import CASES as GALLERY
from gallery_columns import derived, values_for
from random_programs import SIZES, Program, over_programs

import gradproof as gp
from gradproof.codegen.arguments import SCALARS_WIDEN
from gradproof.codegen.called import SOURCES
from gradproof.codegen.compile import compile_system
from gradproof.codegen.identifiers import BUNDLED
from gradproof.codegen.interpret import evaluate
from gradproof.codegen.source import array_source, gradient_source
from gradproof.derivations.derivation import Derivation
from gradproof.symbolic.derive.chain import differentiate
from gradproof.symbolic.equation import (
    Array,
    Equal,
    Equation,
    EquationError,
    Index,
    Read,
    Recurrence,
    System,
    Term,
    size_symbol,
    slot,
)
from gradproof.symbolic.validation import validate

TOLERANCE = {np.float64: 1e-10, np.float32: 2e-3}


def ran(source: str) -> Any:
    """The last function that a text defines."""
    namespace: dict[str, Any] = {}
    exec(source, namespace)
    return list(namespace.values())[-1]


def cast(values: Mapping[str, Any], kind: type) -> dict[str, Any]:
    """Floats in a precision; integers as they are."""
    return {name: value if np.asarray(value).dtype.kind in "iu" else np.asarray(value, kind)
            for name, value in values.items()}


def same(found: Any, expected: Any, what: str, kind: type = np.float64) -> None:
    assert np.shape(found) == np.shape(expected), what
    if what.startswith("compiled") or not SCALARS_WIDEN:  # in a text, NumPy 1 widens scalars
        assert np.asarray(found).dtype == np.asarray(expected).dtype, what
    scale = 1 + np.max(np.abs(expected), initial=0)
    np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE[kind] * scale, err_msg=what)


def agree(
    system: System, loss: str, gradients: Mapping[str, str], values: Mapping[str, Any],
    sizes: Mapping[str, int] | None = None, *, rows: bool = True, must: bool = True,
) -> None:
    """Text, compiled function and equations of a gradient, in double and in single precision.

    With `must`, a text that there is not is a failure.
    """
    try:
        source = gradient_source(system, loss, gradients, row_vectors=rows)
    except EquationError:
        assert not must
        source = ""
    names = [loss, *gradients.values()]
    run = compile_system(system, names, rows)
    for kind in TOLERANCE:
        given = cast(values, kind)
        with np.errstate(all="ignore"):
            expected = evaluate(system, given, sizes)
        if not all(np.all(np.abs(expected[name]) < 1e4) for name in names):
            return  # rounding would be all there is to see
        compiled = dict(zip(names, run(**given), strict=True))
        for name in names:
            same(compiled[name], expected[name], f"compiled {name}, {kind.__name__}", kind)
        if source:
            with np.errstate(all="ignore"):
                value, slopes = ran(source)(*(given[array.name] for array in system.inputs))
            same(value, expected[loss], source, kind)
            for name, array in gradients.items():
                same(slopes[name], expected[array], f"{name}\n{source}", kind)
            owned([*given.values(), *slopes.values()], source)
        owned([*given.values(), *compiled.values()], "compiled")


def owned(arrays: list[Any], what: str) -> None:
    """Every array has memory of its own."""
    for place, one in enumerate(arrays):
        for other in arrays[:place]:
            assert not np.may_share_memory(one, other), what


def agrees(derivation: Derivation, values: Mapping[str, Any], **options: Any) -> None:
    gradients = {name: formula.array for name, formula in derivation.gradients.items()}
    agree(derivation.system, derivation.chain.loss, gradients, values,
          rows=derivation.writer.row_vectors, **options)


def drawn(system: System, **sizes: int) -> dict[str, Any]:
    """Random inputs between 0.3 and 1.2, their sizes 3 unless they are told."""
    rng = np.random.default_rng(7)
    numbers = {s: sizes.get(str(s), 3) for a in system.inputs for n in a.shape
               for s in n.free_symbols}
    return {a.name: rng.uniform(0.3, 1.2, [int(n.xreplace(numbers)) for n in a.shape])
            for a in system.inputs}


# --- programs that were wrong once ---------------------------------------------------------------

WINDOWS = [
    ("L = sum(max_pool1d(X, kernel=2)**2)", {"X": "m c w"}, {"w": 8}),
    ("L = sum(max_pool2d(X, kernel=2)**2)", {"X": "m k h w"}, {"h": 7, "w": 6}),
    ("L = sum(avg_pool1d(X, kernel=2)**2)", {"X": "m k n"}, {"n": 7}),
    ("L = mean(avg_pool1d(X, kernel=3, stride=2)**2)", {"X": "m k n"}, {"n": 9}),
    ("L = sum(conv1d(X, W, stride=2)**2)", {"X": "m c w", "W": "f c 3"}, {"w": 8}),
    ("L = sum(conv2d(X, W, stride=2, padding=1)**2)", {"X": "m k h w", "W": "f k 3 3"},
     {"h": 7, "w": 8}),
]
"""Sizes that are quotients, rounded down."""

GATES = {**dict.fromkeys("ABC", "h n"), **dict.fromkeys("DEF", "n n")}
PROGRAMS = [
    *WINDOWS,
    # what is constant along an axis, or a count
    ("L = sum(W[0])", {"W": "m n"}, {"m": 2}), ("L = sum(W[1:])", {"W": "m n"}, {"m": 2}),
    ("L = mean(W[:, 0])", {"W": "m n"}, {"m": 2}), ("L = sum(W[1:, 0])", {"W": "m n"}, {"m": 2}),
    ("L = sum(W)", {"W": "m n"}, {"m": 2}), ("L = 2*w", {"w": ""}, {}),
    ("L = w**2/2 + v**2/2 + v*w", {"w": "", "v": ""}, {}), ("L = w*v", {"w": "", "v": ""}, {}),
    ("L = w - mean(x)", {"w": "", "x": "n"}, {}), ("L = sum(W[:, 1, :2])", {"W": "m 2 3"}, {}),
    # places of maxima
    ("L = max(w)", {"w": "n"}, {}), ("L = max(w)*sum(w)", {"w": "n"}, {}),
    ("L = sum(max(X, axis=0))", {"X": "m n"}, {"m": 2}), ("L = max(X)", {"X": "m n"}, {}),
    ("L = max(X*x) + max(abs(X))", {"X": "m n", "x": "n"}, {}),
    ("L = sum(max(X, axis=(1, 2))*x)", {"X": "m n k", "x": "m"}, {"m": 2}),
    ("L = sum(max(X, axis=1)*x)", {"X": "m n k", "x": "k"}, {"m": 2}),
    # truth values
    ("L = sum(-relu(X)*x)", {"X": "m n", "x": "n"}, {}), ("L = -sum(abs(X))", {"X": "m n"}, {}),
    ("L = sum(-step(X)*X*x)", {"X": "m n", "x": "n"}, {}),
    ("L = sum(x - relu(x - 1)*relu(-X))", {"X": "m n", "x": "n"}, {}),
    ("L = sum(where(X > 1, x, 2*X))", {"X": "m n", "x": "n"}, {}),
    ("L = sum(hard_sigmoid(X)*hard_tanh(3*X))", {"X": "m n"}, {}),
    ("L = sum(2*relu(X) - where(X > 1, X, where(x > 1, -1, 1)))", {"X": "m n", "x": "n"}, {}),
    ("L = w*relu(w)/3 - m*relu(w)*sum(X)", {"X": "m n", "w": ""}, {}),
    # functions and powers of sizes
    ("L = sum(x)*tanh(2)*relu(n - 1)", {"x": "n"}, {}),
    ("L = sum(0.9**n*x)", {"x": "n"}, {}), ("L = 0.9**n*sum(x)**2", {"x": "n"}, {}),
    ("L = norm(sum(x))", {"x": "n"}, {}), ("L = sum(x)*sqrt(n + 1)*log(n)", {"x": "n"}, {}),
    # sizes and arrays of one name, and of names that the text has a use for
    ("L = sum(rnn(x, W, U))", {"x": "T m h", "W": "h n", "U": "n n"}, {"m": 2}),
    ("L = sum(gru(x, (A, B, C), (D, E, F)))", {"x": "T m h", **GATES}, {"m": 2}),
    ("L = sum(gru(x, (W, W, W), (U, U, U)))", {"x": "T m n", "W": "n n", "U": "n n"}, {"m": 2}),
    ("L = sum(exp(x))/sqrt(exp)", {"x": "exp"}, {}), ("L = mean(sqrt(x))/root", {"x": "root"}, {}),
    ("L = sum(sigmoid(np*x))", {"np": "float", "x": "float"}, {}),
    ("L = sum(sigmoid(range)*np)", {"range": "sigmoid", "np": ""}, {}),
    ("L = sum(µ*tanh(μ))", {"µ": "n", "μ": "n"}, {}),
    ("L = sum(𝐱**2 + x)", {"𝐱": "n", "x": "n"}, {}),
    # numbers that are no integers of NumPy's
    ("L = sum(x*36893488147419103232)/36893488147419103232", {"x": "n"}, {}),
]


@pytest.mark.parametrize(("text", "shapes", "sizes"), PROGRAMS)
def test_text_computes_what_the_equations_say(text, shapes, sizes):
    derivation = gp.derive(gp.equations(text, **shapes))
    agrees(derivation, drawn(derivation.system, **sizes))


@pytest.mark.parametrize(("text", "shapes", "sizes"), WINDOWS)
def test_sizes_are_printed_as_integers(text, shapes, sizes):
    source = gp.derive(gp.equations(text, **shapes)).numpy_source()
    assert " // " in source
    assert "np.floor" not in source


@pytest.mark.parametrize("text", ["L = mean(x)**2 + mean(x*y)", "L = mean((x @ w - c)**2)"])
def test_second_derivatives_have_all_their_axes(text):
    shapes = {"x": "m n", "y": "m n", "w": "n", "c": "m"}
    used = {name: shape for name, shape in shapes.items() if name in text.replace("mean", "")}
    derivation = gp.derive(gp.equations(text, **used))
    for found in (derivation.hessian("x"), derivation.hvp("x"), derivation.jacobian("L", "x"),
                  derivation.hessian("x", list(used)[1])):
        check(found, m=2)


RECURRENT = [
    ("h[-1] = s\nh[t] = tanh(x[t] @ W + h[t-1] @ U)\nL = sum(h**2)",
     {"s": "n", "x": "T k", "W": "k n", "U": "n n"}),
    ("h[-1] = s\nh[t] = h[t-1]*x[t]\nL = sum(h)", {"s": "n", "x": "T n"}),
]


@pytest.mark.parametrize(("text", "shapes"), RECURRENT)
def test_second_derivatives_of_recurrences(text, shapes):
    derivation = gp.derive(gp.equations(text, **shapes))
    for found in (derivation.hessian("s"), derivation.hvp("x"), derivation.jvp("h", "s"),
                  derivation.jacobian("h", "s"), derivation.hessian(list(shapes)[-1])):
        check(found, T=4, k=2)


def test_a_sum_of_reshaped_arrays_is_reshaped_once():
    derivation = derived("flatten").derivation
    assert "dX = (A1 - Y).reshape((m, c, h, w))" in derivation.numpy_source()
    gallery_agrees("flatten")


def test_a_loop_in_which_no_term_is_anywhere_has_no_lines():
    n, T = size_symbol("n"), size_symbol("T")
    step, i = Index("t", T), Index("i", n)
    never = Equal(sp.S.Zero, sp.S.One)
    group = Recurrence("t", 1, (Equation("y", (step, i), (Term(
        slot(0), (Read("x", (step.symbol, i.symbol)),), (), (never,)),)),))
    loss = Equation("L", (), (Term(slot(0)**2 + slot(1), (
        Read("y", (step.symbol, i.symbol)), Read("x", (step.symbol, i.symbol))), (step, i)),))
    system = System((Array("x", (T, n)),), (group, loss))
    agrees(gp.derive(system), drawn(system, T=4))


def check(found: Any, **sizes: int) -> None:
    """A derivative's text and compiled function against its equations."""
    values = drawn(found.system, **sizes)
    source = array_source(found.system, found.name, name="derivative",
                          row_vectors=found.writer.row_vectors)
    for kind in TOLERANCE:
        given = cast(values, kind)
        expected = evaluate(found.system, given)[found.name]
        same(found.compile()(**given), expected, f"compiled {found}", kind)
        same(ran(source)(*given.values()), expected, source, kind)


# --- names ---------------------------------------------------------------------------------------

EVIL = ["x; import os", 'a"]; 1/0 #', "x\n    1/0", "lambda", "__debug__", "_x0", "2nd", "", "ﬁ",
        "fi"]


@pytest.mark.parametrize("name", EVIL)
def test_a_name_is_a_name_and_nothing_that_runs(name):
    """Systems may be built with any names: the text is the same program under names like them."""
    size = size_symbol(name or "empty")
    i = Index("i", size)
    square = Equation("L", (), (Term(slot(0) ** 2 + slot(1), (
        Read(name, (i.symbol,)), Read("fi_", (i.symbol,))), (i,)),))
    system = System((Array(name, (size,)), Array("fi_", (size,))), (square,))
    derivation = gp.derive(system)
    source = derivation.numpy_source()
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    assert {ast.unparse(call.func) for call in functions} <= {
        "np.sum", "np.result_type", "np.full", "np.ones"}, source
    given = {name: np.arange(3.0), "fi_": np.ones(3)}
    for loss, slopes in (derivation.compile()(**given), ran(source)(*given.values())):
        assert loss == 8
        np.testing.assert_array_equal(slopes[name], 2 * np.arange(3.0))
        assert slopes["fi_"].dtype == np.float64


TITLES = ['a """ b', "a \\", 'a"', "two\nlines\n    1/0",
          "\u202e back", "é ∂"]


@pytest.mark.parametrize("title", TITLES)
def test_a_title_is_text_and_nothing_else(title):
    system = gp.derive(gp.equations("L = sum(x**2)", x="n")).system
    source = gradient_source(system, "L", {"x": "dx"}, summary=title, comments={"dx": title})
    (function,) = ast.parse(source).body[1:]
    assert ast.get_docstring(function, clean=False) == title
    assert len(function.body) == 4, source


def test_identifiers_reserve_what_texts_bring_along():
    brought = set()
    for node in (node for text in SOURCES.values() for node in ast.walk(ast.parse(text))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            brought |= {one.name for one in node.names}
        elif isinstance(node, ast.FunctionDef):
            brought.add(node.name)
    assert brought == BUNDLED


def test_a_place_that_is_made_of_indices_is_one_of_a_reshape():
    """A dense layer behind a flatten has one product, no loop over the places of an image."""
    model = gp.Model("m c 3 w", [{"type": "conv2d", "channels": 2, "kernel": 1}, "relu", "flatten",
                                 {"type": "dense", "units": 2}], loss="mean_squared_error")
    derivation = gp.derive(model)
    source = derivation.numpy_source()
    assert "W4.reshape((2, 3, w, 2))" in source
    assert not [line for line in source.splitlines() if "dZ1[" in line and "+=" in line]
    agrees(derivation, drawn(derivation.system, w=4))


@pytest.mark.parametrize(("text", "shapes", "sizes", "windows"), [
    ("L = sum(conv2d(X, W, padding=1)**2)", {"X": "m k h w", "W": "f k 3 3"}, {"h": 5, "w": 4}, 4),
    ("L = sum(conv1d(X, W, stride=2, padding=2)**2)", {"X": "m c w", "W": "f c 3"}, {"w": 8}, 1),
    ("L = sum(conv1d(X, W, dilation=2)**2)", {"X": "m c w", "W": "f c 2"}, {"w": 7}, 2),
    ("L = sum(conv2d(X, W)**2)", {"X": "m k h w", "W": "f k 6 6"}, {"h": 7, "w": 8}, 0),
])
def test_a_small_kernel_is_one_product_of_windows(text, shapes, sizes, windows):
    """Forwards and by the weights of the same windows, and (but for strides, which leave gaps) by
    the input; a kernel of more places is added place by place, which takes less memory."""
    derivation = gp.derive(gp.equations(text, **shapes))
    source = derivation.numpy_source().partition("def gradient")[2]
    assert source.count("windows(") == windows, source
    agrees(derivation, drawn(derivation.system, **sizes))


# --- the gallery, models and programs that nobody wrote ------------------------------------------


def gallery_agrees(name: str) -> None:
    found = derived(name)
    agrees(found.derivation, values_for(found))


FEW = [case.name for case in GALLERY][::12]


@pytest.mark.parametrize("name", FEW)
def test_a_layer_of_the_gallery(name):
    gallery_agrees(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [case.name for case in GALLERY if case.name not in FEW])
def test_every_layer_of_the_gallery(name):
    gallery_agrees(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", models.CASES)
def test_every_model(name):
    model = models.CASES[name]
    agrees(gp.derive(model), models.values_for(model))


def program_agrees(program: Program, seed: int) -> None:
    system = validate(program.system)
    chain = differentiate(system, "L", program.wrt)
    for rows in (True, False):
        agree(chain.system, "L", {name: chain.of[name] for name in program.wrt},
              program.values(seed), SIZES, rows=rows, must=False)


@over_programs(5)
@pytest.mark.slow
def test_a_random_program(program: Program, seed: int) -> None:
    program_agrees(program, seed)


@pytest.mark.slow
@over_programs(45)
def test_many_random_programs(program: Program, seed: int) -> None:
    program_agrees(program, seed)


@pytest.mark.parametrize("name", ["f", "f_prime", "gelu", "gradient"])
def test_a_function_above_the_text_never_has_its_name(name):
    """An activation that is a formula is called f in the text."""
    model = gp.Model("m 3", [{"type": "dense", "units": 2, "activation": "z*tanh(z) + z"}, "gelu"])
    derivation = gp.derive(model)
    space: dict = {}
    exec(derivation.numpy_source(name=name), space)
    random = np.random.default_rng(0)
    values = {array.name: random.normal(size=[4 if str(s) == "m" else int(s) for s in array.shape])
              for array in derivation.system.inputs}
    loss, gradients = space[name](**values)
    expected = derivation.compile()(**values)
    np.testing.assert_allclose(loss, expected[0], 1e-12)
    np.testing.assert_allclose(gradients["W1"], expected[1]["W1"], 1e-12)


@pytest.mark.parametrize("function", ["maximum(z, 0.1*z)", "z*tanh(z)"])
def test_a_loop_never_has_the_name_of_a_function(function):
    """The channels of a kernel are counted by f, and f is what a formula is called."""
    model = gp.Model("m 2 5 5", [
        {"type": "conv2d", "channels": 3, "kernel": 2, "activation": function},
        {"type": "max_pool2d", "kernel": 2}, "flatten",
        {"type": "dense", "units": 2, "activation": "z/(1 + z**2)"}])
    derivation = gp.derive(model)
    space: dict = {}
    exec(derivation.numpy_source(), space)
    values = models.values_for(model)
    every = evaluate(derivation.system, values, models.SIZES)
    _, gradients = space["gradient"](**values)
    for name, found in gradients.items():
        np.testing.assert_allclose(found, every[derivation.gradients[name].array], 1e-9, 1e-12)


def test_the_place_of_a_maximum_is_a_number_like_another():
    """max_i x[i] i has the slope i at its place, which no array holds."""
    def loss(x):
        return np.max(x * np.arange(x.shape[0]))

    derivation = gp.derive(gp.trace(loss, x="n"))
    value, gradients = derivation.compile()(x=np.array([9.0, 2.0, -3.0, 1.0]))
    assert value == 3.0
    np.testing.assert_array_equal(gradients["x"], [0.0, 0.0, 0.0, 3.0])
    hessian = derivation.hvp("x").compile()(x=np.array([9.0, 2.0, -3.0, 1.0]), x_dot=np.ones(4))
    np.testing.assert_array_equal(hessian, np.zeros(4))


@pytest.mark.parametrize("shape", ["n", "n+1", "3", "2*n", "n 2", "1 n"])
@pytest.mark.parametrize("text", [
    "x[0]**2", "x[-1]**2", "sum(x[0])*sum(x[0])", "sum(exp(x[0]))", "sum(x[0])*sum(x)",
    "sum((x[0]*x)**2)/2",
])
def test_the_gradient_by_an_entry_is_zero_elsewhere(text, shape):
    """[i = 0] x[0] has as many entries as x, and is no reshape of it."""
    system = gp.equations(f"L = sum({text}) + sum(w)", x=shape, w="n")
    values = {"w": np.ones(3), "x": np.arange(1.0, 1 + np.prod(
        sizes := [{"n": 3, "n+1": 4, "2*n": 6}.get(s) or int(s) for s in shape.split()]
        )).reshape(sizes) / 3}
    derivation = gp.derive(system, ["x"])
    every = evaluate(derivation.system, values)
    expected = every[derivation.gradients["x"].array]
    found = derivation.compile()(**values)[1]["x"]
    np.testing.assert_allclose(found, expected, 1e-12)
    step = 1e-6
    for place in np.ndindex(*sizes):
        moved = np.zeros(sizes)
        moved[place] = step
        high, low = (float(evaluate(system, {**values, "x": values["x"] + way * moved})["L"])
                     for way in (1, -1))
        assert abs((high - low) / (2 * step) - found[place]) < 1e-6
    hessian = derivation.hvp("x")
    given_ = {**values, "x_dot": np.ones(sizes)}
    np.testing.assert_allclose(hessian.compile()(**given_),
                               evaluate(hessian.system, given_)[hessian.name], 1e-12)


@pytest.mark.parametrize("shapes", [{"x": "m 3 4", "w": "m 4"}, {"x": "m t n", "w": "m n"}])
def test_the_place_of_a_kept_maximum_is_counted_by_its_loop(shapes):
    """Attention of x by itself, whose maximum keeps its axis, with its mean over a short axis."""
    def loss(x, w):
        scores = np.matmul(x, np.transpose(x, (0, 2, 1)))
        powers = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
        weights = powers / np.sum(powers, axis=-1, keepdims=True)
        return np.sum(np.mean(np.matmul(weights, x), axis=1) * w)

    derivation = gp.derive(gp.trace(loss, **shapes))
    rng = np.random.default_rng(0)
    x, w, step = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 4)), rng.normal(size=(2, 3, 4))
    value, gradients = derivation.compile()(x=x, w=w)
    assert value == pytest.approx(loss(x, w))
    slope = (loss(x + 1e-6 * step, w) - loss(x - 1e-6 * step, w)) / 2e-6
    assert np.sum(gradients["x"] * step) == pytest.approx(slope, rel=1e-7)
