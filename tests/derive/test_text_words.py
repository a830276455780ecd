"""Losses in NumPy's words: as a text and traced, beside what NumPy computes and its differences."""

from __future__ import annotations

import numpy as np
import pytest
from sayings import SAYINGS, SIZES, Saying, numbers, slopes

import gradproof as gp
from gradproof.codegen.interpret import evaluate


def holds(saying: Saying, system: object) -> None:
    """The loss is NumPy's, its gradients are the differences of NumPy's, and the printed program
    and the equations as they stand compute the same."""
    if "gamma" in saying.text:  # NumPy has none, and none of its slopes
        pytest.importorskip("scipy")
    arrays = numbers(saying)
    wrt = [name for name, array in arrays.items() if array.dtype == float]
    derived = gp.derive(system, wrt)
    loss, gradients = derived.compile()(**arrays)
    np.testing.assert_allclose(loss, saying.meant(**arrays), 1e-9, 1e-11)
    for name in wrt:
        np.testing.assert_allclose(gradients[name], slopes(saying, arrays, name), 1e-5, 1e-7)
    program: dict = {}
    exec(derived.numpy_source(), program)
    printed = program["gradient"](**arrays)
    plain = evaluate(derived.system, arrays, SIZES)
    for found, name in ((printed[0], "L"), *((printed[1][name], name) for name in wrt)):
        bar = derived.chain.loss if name == "L" else derived.gradients[name].array
        np.testing.assert_allclose(found, plain[bar], 1e-9, 1e-11)
        assert np.shape(found) == plain[bar].shape


@pytest.mark.parametrize("name", SAYINGS)
def test_a_text_means_what_numpy_means(name):
    saying = SAYINGS[name]
    holds(saying, gp.equations(saying.text, **saying.shapes))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, saying in SAYINGS.items() if saying.traced])
def test_a_trace_means_what_numpy_means(name):
    saying = SAYINGS[name]
    holds(saying, gp.trace(saying.meant, **saying.shapes).system)


@pytest.mark.slow
@pytest.mark.parametrize("name", list(SAYINGS)[::4])
def test_a_second_derivative_has_its_source(name):
    saying = SAYINGS[name]
    if "gamma" in saying.text:
        pytest.importorskip("scipy")
    arrays = numbers(saying)
    one = next(key for key, array in arrays.items() if array.dtype == float)
    found = gp.derive(gp.equations(saying.text, **saying.shapes)).hessian(one)
    program: dict = {}
    exec(found.numpy_source(), program)
    printed = program["derivative"](**{key: arrays[key] for key in found.inputs})
    np.testing.assert_allclose(
        printed, evaluate(found.system, arrays, SIZES)[found.name], 1e-9, 1e-10)


WRONG = {
    "L = sum(x[2:])": ["column 10", "needs n >= 2", '"n>=2"'],
    "L = x[3]": ["needs n >= 4", '"n>=4"'],
    "L = sum(x[n:n+1])": ["would need", "n + 1 <= n"],
    "L = sum(one_hot(x))": ["takes an array of integers", "kind=\"labels\""],
    "L = sum(roll(x))": ["missing", "shift"],
    "L = sum(sort(x))": ["an order of values has no equation"],
    "L = slogdet(outer(x, x))": ["gives 2 values", "slogdet(...)[0]"],
    "L = slogdet(outer(x, x))[2]": ["there are 2"],
    "L = sum(fill_diagonal(x, 0))": ["unknown function"],
    "L = x.shape": ["column 6", "got .shape"],
    "L = sum(grad(x, x))": ["grad is of a number"],
    "L = sum(grad(sum(x), 2*x))": ["by an input or by what has a name"],
    "L = sum(grad(sum(x), y))": ["unknown name 'y'"],
    "h[-1] = 0; h[t] = h[t-1] + sum(grad(x[t]**2, x)); L = sum(h)": ["inside of a recurrence"],
    "L = sum(eval(x))": ["unknown function 'eval'"],
    "L = sum(x[x])": ["only integers"],
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_equation_for_all_sizes_is_said_with_its_place(text):
    with pytest.raises(ValueError, match="column") as raised:
        gp.equations(text, x="n")
    for part in WRONG[text]:
        assert part in str(raised.value)


def test_what_nothing_reads_is_left_out():
    system = gp.equations("L = sum(Z[arange(m), y])", Z="m k",
                          y=gp.Array("m", kind="labels", classes="k"))
    assert [str(equation) for equation in system.equations] == [
        "t2[i<m] = Z[i, y[i]]", "L[] = Σ_i<m t2[i]"]


def test_cross_entropy_of_labels_is_a_difference_of_log_softmax():
    z = np.array([[800.0, 0.0, -800.0]])
    y = np.array([1])
    derived = gp.derive(gp.equations("L = -mean(log_softmax(Z)[arange(m), y])", Z="m k",
                                     y=gp.Array("m", kind="labels", classes="k")), ["Z"])
    loss, gradients = derived.compile()(Z=z, y=y)
    assert loss == 800
    np.testing.assert_allclose(gradients["Z"], [[1, -1, 0]])


STOPPED = {  # with what is stopped as an input of its own
    "L = sum((stop_gradient(a*x) - y)**2*x)": ("L = sum((s - y)**2*x)", "a*x"),
    "t = stop_gradient(softmax(x)); L = -sum(t*log_softmax(x))":
        ("L = -sum(s*log_softmax(x))", "softmax(x)"),
    "L = sum((x + stop_gradient(sign(x) - x))*y)": ("L = sum((x + s)*y)", "sign(x) - x"),
    "L = sum(stop_gradient(x)*exp(x)/stop_gradient(exp(x)))":
        ("L = sum(s*exp(x)/exp(s))", "x"),
}


@pytest.mark.parametrize("text", STOPPED)
def test_no_derivative_passes_what_is_stopped(text):
    other, stopped = STOPPED[text]
    rng = np.random.default_rng(3)
    shapes = {name: "n" for name in "xy" if name in other.replace("exp", "").replace("max", "")}
    shapes |= {"a": ""} if "a*x" in text else {}
    arrays = {name: rng.normal(size=4 if shape else ()) for name, shape in shapes.items()}
    loss, found = gp.derive(gp.equations(text, **shapes), ["x"]).compile()(**arrays)
    held = gp.equations(f"s = {stopped}; L = sum(s)", **shapes)
    value = evaluate(held, arrays, {"n": 4})["s"]
    shapes.pop("a", None)
    fixed = gp.derive(gp.equations(other, **shapes, s="n"), ["x"]).compile()
    given = {name: arrays[name] for name in shapes}
    np.testing.assert_allclose(loss, fixed(**given, s=value)[0], 1e-12)
    np.testing.assert_allclose(found["x"], fixed(**given, s=value)[1]["x"], 1e-12, 1e-14)
    second = gp.derive(gp.equations(text, **{**shapes, **({"a": ""} if "a" in arrays else {})}),
                       ["x"]).hessian("x").compile()(**arrays)
    due = gp.derive(gp.equations(other, **shapes, s="n"), ["x"]).hessian("x").compile()(
        **given, s=value)
    np.testing.assert_allclose(second, due, 1e-12, 1e-14)


def test_what_is_stopped_is_said_and_not_checked():
    text = "L = sum(stop_gradient(x)*x)"
    assert "stop_gradient′(z) = 0" in str(gp.derive(gp.equations(text, x="n")))
    with pytest.raises(ValueError, match="derived, not checked"):
        gp.check(text, {"x": "x"}, x="n")


def test_a_gradient_of_a_loss_with_a_derivative_is_proved():
    shapes = {"x": "m", "w": "k", "v": "k"}
    loss = "u = tanh(outer(x, w)) @ v; L = sum(grad(sum(u), x)**2)"
    right = "2*(1 - tanh(outer(x, w))**2).T @ ((1 - tanh(outer(x, w))**2) @ (v*w))*w"
    assert gp.check(loss, {"v": right}, wrt=["v"], **shapes).verdict == "proved"
    wrong = gp.check(loss, {"v": right.replace("2*", "", 1)}, wrt=["v"], repair_seconds=0, **shapes)
    assert wrong.verdict == "refuted"
