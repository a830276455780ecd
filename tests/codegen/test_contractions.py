"""Products of several arrays in the order of least cost, and what is computed once around them."""

import re
import tracemalloc

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradproof as gp
from gradproof.codegen.arguments import SCALARS_WIDEN
from gradproof.codegen.lean import single
from gradproof.codegen.lean.fitted import fitted, spelled
from gradproof.codegen.lean.products.contractions import cheapest, pair_cost

pytestmark = pytest.mark.skipif(SCALARS_WIDEN, reason="NumPy 1 runs the text as it stands")

HEAD = "import numpy as np\n\n\ndef run({}):\n"


def program(arguments, *lines):
    return HEAD.format(arguments) + "".join(f"    {line}\n" for line in lines)


def assert_runs_as_it_stands(source, arrays, workspace=False):
    space = {}
    exec(source, space)
    before = [one.copy() for one in arrays]
    run = fitted(source, arrays, workspace=workspace)
    for _ in range(2):
        for found, due in zip(run(*arrays), space["run"](*arrays), strict=True):
            assert np.shape(found) == np.shape(due)
            assert np.asarray(found).dtype == np.asarray(due).dtype
            np.testing.assert_allclose(found, due, rtol=0, atol=1e-12 * (1 + np.abs(due).max()))
    for one, other in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(one, other)


def drawn(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [np.array(rng.normal(size=shape)) for shape in shapes]


@st.composite
def sums_of_products(draw):
    """Letters of two to five factors, those of the result, and a size for each."""
    letters = "abcde"
    count = draw(st.integers(2, 5))
    factors = [draw(st.lists(st.sampled_from(letters), max_size=3, unique=True))
               for _ in range(count)]
    there = sorted({x for one in factors for x in one})
    out = draw(st.lists(st.sampled_from(there), unique=True, max_size=3)) if there else []
    sizes = {x: draw(st.integers(1, 3)) for x in letters}
    return ["".join(one) for one in factors], "".join(out), sizes


@settings(max_examples=60, deadline=None)
@given(sums_of_products(), st.booleans())
def test_a_sum_of_products_is_numpys_in_any_order(drawn_sum, workspace):
    factors, out, sizes = drawn_sum
    names = [f"x{place}" for place in range(len(factors))]
    source = program(", ".join(names), f'z = np.einsum("{",".join(factors)}->{out}", '
                     f"{', '.join(names)}, optimize=True)", "w = z * 2", "return z, w, ")
    arrays = drawn(*([sizes[x] for x in one] for one in factors))
    if out:
        assert_runs_as_it_stands(source, arrays, workspace)
    else:  # a number is one of Python's or an array without axes
        space = {}
        exec(source, space)
        for found, due in zip(fitted(source, arrays)(*arrays), space["run"](*arrays), strict=True):
            np.testing.assert_allclose(found, due, rtol=1e-11, atol=1e-12)


def test_the_order_is_that_of_least_cost():
    factors, sizes = [("x", "ab"), ("y", "bc"), ("z", "cd")], {
        "a": 10, "b": 1000, "c": 1000, "d": 2}
    cost, tree = cheapest(factors, "ad", sizes, lambda *_: False)
    assert tree == (0, (1, 2))
    assert cost == pair_cost("bc", "cd", "bd", sizes) + pair_cost("ab", "bd", "ad", sizes)
    # what is there already costs nothing
    cost, tree = cheapest(factors, "ad", sizes,
                          lambda one, two, kept: (one[0], two[0], kept) == ("x", "y", "ac"))
    assert tree == ((0, 1), 2)
    assert cost == pair_cost("ac", "cd", "ad", sizes)


@pytest.mark.parametrize("workspace", [False, True])
def test_a_chain_is_multiplied_from_its_vector(workspace):
    source = program("A, B, y", "z = A @ B @ y", "w = y @ A @ B @ A.T @ B", "return z, w, ")
    arrays = drawn((30, 30), (30, 30), (30,))
    text = spelled(source, arrays).text
    assert re.search(r"(\w+) = dot\(B, y\)|(\w+) = B @ y|matmul\(B, y\)", text)
    assert_runs_as_it_stands(source, arrays, workspace)


def test_a_product_that_two_read_is_left_as_it_is():
    source = program("A, B, y", "C = A @ B", "z = C @ y", "w = np.sum(C)", "return z, w, ")
    text = spelled(source, drawn((9, 9), (9, 9), (9,))).text
    assert text.count("@") + text.count("dot(") + text.count("matmul(") >= 2
    assert "B @ y" not in text
    assert "(B, y)" not in text


@pytest.mark.parametrize("workspace", [False, True])
def test_a_product_that_is_there_is_not_computed_again(workspace):
    source = program(
        "x, y, w", "s = x @ w.T", "t = np.tanh(s) * 2",
        'g = np.einsum("abc,abd,dc->d", x, y, w, optimize=True)',
        'h = np.einsum("dc,abc->dab", w, x, optimize=True)', "return t, g, h, ")
    arrays = drawn((4, 5, 6), (4, 5, 7), (7, 6))
    text = spelled(source, arrays).text
    assert "einsum" not in text
    assert text.count("dot(") + text.count("matmul(") + text.count("@") == 1
    assert_runs_as_it_stands(source, arrays, workspace)


@pytest.mark.parametrize("workspace", [False, True])
def test_a_product_of_what_was_changed_is_computed_again(workspace):
    source = program(
        "x, y, w", "v = w * 1", "s = x @ v.T", "v[0] += 1",
        'g = np.einsum("abc,abd,dc->d", x, y, v, optimize=True)', "return s, g, ")
    assert_runs_as_it_stands(source, drawn((4, 5, 6), (4, 5, 7), (7, 6)), workspace)


@pytest.mark.parametrize("workspace", [False, True])
def test_a_product_of_a_loop_is_not_that_of_the_next_step(workspace):
    source = program(
        "x, w, v", "y = np.zeros((4, 3))", "z = np.zeros((4, 3))", "c = np.zeros((4, 3))",
        "for t in range(4):", "    c[t] = x[t] + 1", "    y[t] = c[t] @ w @ v",
        "    if t > 0:", "        z[t] += c[t - 1] @ w", "    c[t] += 1",
        "    if t > 0:", "        y[t] += c[t - 1] @ w @ v + c[t]",
        "for t in reversed(range(4)):", "    z[t] += np.tanh(c[t])", "    y[t] += np.tanh(c[t])",
        "return y, z, ")
    assert_runs_as_it_stands(source, drawn((4, 3), (3, 3), (3, 3)), workspace)


def test_a_value_of_a_condition_is_known_under_the_same_one():
    source = program(
        "x, w", "y = np.zeros((4, 3))", "for t in range(4):", "    if t > 1:",
        "        y[t] += np.tanh(x[t] @ w)", "    if t > 2:", "        y[t] += np.tanh(x[t] @ w)",
        "    if t > 1:", "        y[t] += np.exp(np.tanh(x[t] @ w))", "return y, ")
    arrays = drawn((4, 3), (3, 3))
    assert spelled(source, arrays).text.count("tanh(") == 2
    assert_runs_as_it_stands(source, arrays)


def test_a_value_of_a_condition_that_changed_is_not_known():
    source = program(
        "x", "y = np.zeros((3, 3))", "for t in range(3):", "    k = t", "    if k > 0:",
        "        y[t] += np.tanh(x[t])", "    k = t + 1", "    if k > 0:",
        "        y[t] += np.tanh(x[t]) * 2", "return y, ")
    assert_runs_as_it_stands(source, drawn((3, 3)))


def test_memory_is_used_again_where_its_axes_stand_in_another_order():
    source = program("x, y", "a = x.transpose((1, 0, 2)) * 2", "b = a + y", "c = np.exp(b)",
                     "return c, ")
    arrays = drawn((2, 3, 4), (4,))
    text = spelled(source, arrays).text
    assert re.search(r"b = add\(a, y, a\)", text)
    assert re.search(r"c = exp\(b, b\)", text)
    for workspace in (False, True):
        assert_runs_as_it_stands(source, arrays, workspace)


def test_the_windows_of_a_convolution_are_copied_once():
    derivation = gp.derive(gp.Model(
        "m 2 5 5", [{"type": "conv2d", "channels": 3, "kernel": 3}, "relu", "flatten",
                    {"type": "dense", "units": 2}], loss="mean_squared_error"))
    values = dict(zip(("X", "Y", "W1", "b1", "W4", "b4"), drawn(
        (4, 2, 5, 5), (4, 2), (3, 2, 3, 3), (3,), (27, 2), (2,)), strict=True))
    run = derivation.compile()
    run(**values)
    space = {}
    exec(derivation.numpy_source(), space)
    loss, gradients = space["gradient"](**values)
    found = run(**values)
    assert found[0] == pytest.approx(loss, rel=1e-13)
    for name, due in gradients.items():
        np.testing.assert_allclose(found[1][name], due, rtol=0, atol=1e-12)


LOOPS = {  # what a loop does with the arrays a and b, and how much of them is kept
    "one step alone": (["a[t] = np.exp(x[t])", "b[t] = a[t] / (1 + a[t])"], "np.zeros((3,)"),
    "added to what is 0": (["if t > 1:", "    a[t] += x[t]", "b[t] = np.tanh(a[t])"],
                           "np.zeros((3,)"),
    "added twice": (["a[t] += x[t]", "a[t] += a[t] * 2", "b[t] = np.tanh(a[t])"],
                    "np.zeros((3,)"),
    "a part of a step": (["a[t, 1:] = x[t, 1:]", "b[t] = np.tanh(a[t])"], "np.zeros((4, 3)"),
    "the step before": (["a[t] = np.exp(x[t])", "if t > 0:", "    b[t] = a[t - 1]"],
                        "np.zeros((4, 3)"),
    "another step": (["a[t] = np.exp(x[t])", "b[t] = a[3 - t]"], "np.zeros((4, 3)"),
    "in another's memory": (["b[t] = np.tanh(y[t]) * 2"], "b = y"),
    "read afterwards": (["b[t] = np.tanh(y[t]) * 2", "a[t] = y[t]"], ""),
    "not every step": (["if t > 0:", "    b[t] = np.tanh(y[t]) * 2"], ""),
    "a product": (["b[t] = y[t] @ w"], ""),
}


@pytest.mark.parametrize("workspace", [False, True])
@pytest.mark.parametrize("over", ["range(4)", "reversed(range(4))"])
@pytest.mark.parametrize("name", LOOPS)
def test_arrays_of_a_loop_in_less_memory_are_the_same(name, over, workspace):
    lines, kept = LOOPS[name]
    source = program("x, w", "y = x @ w", "a = np.zeros((4, 3))", "b = np.zeros((4, 3))",
                     f"for t in {over}:", *(f"    {line}" for line in lines),
                     "c = np.sum(b, axis=0)", "z = np.zeros((4, 3))", f"for t in {over}:",
                     "    z[t] = b[t] + 1", "return c, z, ")
    arrays = drawn((4, 3), (3, 3))
    assert kept in spelled(source, arrays).text
    assert_runs_as_it_stands(source, arrays, workspace)


def test_large_arrays_are_given_back_when_nothing_reads_them():
    source = program("x", "a = np.exp(x)", "b = a.T", "c = np.tanh(b @ a)", "d = np.exp(c @ c)",
                     "e = d @ d", "return np.sum(e), ")
    source = source.replace("return np.sum(e)", "s = np.sum(e)\n    return s")
    (x,) = drawn((300, 300))
    run = fitted(source, [x])
    run(x)
    tracemalloc.start()
    run(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3.2 * x.nbytes  # two factors and a product, at most, of five arrays
    assert_runs_as_it_stands(source.replace("np.exp(c @ c)", "c @ c / 1e6"), [x / 10])


def test_erfc_in_single_precision_keeps_its_digits():
    """Below 5e-7 where it is no denormal number, at its ends, in the memory of its argument."""
    places = np.concatenate([np.linspace(-11, 11, 2001), np.geomspace(1e-9, 10, 500)]).astype("f")
    with mp.workdps(30):
        due = np.array([float(mp.erfc(mp.mpf(float(z)))) for z in places])
    found = single.erfc(places)
    assert found.dtype == np.float32
    normal = due > np.finfo(np.float32).tiny
    assert np.max(np.abs(found[normal] / due[normal] - 1)) < 5e-7
    assert np.all(found[~normal] <= np.finfo(np.float32).tiny * (1 + 1e-5))
    ends = single.erfc(np.array([np.inf, -np.inf, 0.0, -0.0, np.nan], np.float32))
    assert list(ends[:4]) == [0, 2, 1, 1]
    assert np.isnan(ends[4])
    turned = places[:2500].reshape(50, 50).T
    np.testing.assert_array_equal(single.erfc(turned), found[:2500].reshape(50, 50).T)
    assert single.erfc(places, places) is places
    np.testing.assert_array_equal(places, found)


@pytest.mark.parametrize("workspace", [False, True])
def test_a_gelu_in_single_precision_is_that_of_double(workspace):
    derivation = gp.derive(gp.Network([3, 40, 2], activation="gelu", loss="mean_squared_error"))
    rng = np.random.default_rng(0)
    sizes = {"m": 200}
    values = {a.name: 2 * rng.normal(size=[
        int(n.subs({s: sizes[s.name] for s in n.free_symbols})) for n in a.shape])
        for a in derivation.system.inputs}
    single_ones = {name: value.astype(np.float32) for name, value in values.items()}
    run = derivation.compile(workspace=workspace)
    (loss, gradients), (due, double) = run(**single_ones), derivation.compile()(**values)
    assert loss == pytest.approx(due, rel=1e-5)
    for name, one in double.items():
        assert gradients[name].dtype == np.float32
        np.testing.assert_allclose(gradients[name], one, rtol=0, atol=1e-5 * np.abs(one).max())
