"""What a compiled gradient runs after its text was fitted to the types and shapes of a call."""

import gc
import itertools
import pickle
import platform
import re
import shutil
import subprocess
import sys
import tracemalloc
import warnings

import mpmath as mp
import numpy as np
import pytest

import gradproof as gp
from gradproof.codegen.arguments import SCALARS_WIDEN
from gradproof.codegen.compile import compile_system
from gradproof.codegen.lean import error_functions
from gradproof.codegen.lean.fitted import fitted, spelled

SIGMOID = gp.Network([2, 3, 1], output="sigmoid")
DEEP = gp.Network([3, 5, 4, 2], activation=["tanh", "gelu"], loss="mean_squared_error")
CLASSES = gp.Network([4, 6, 3], activation="relu", output="softmax", loss="cross_entropy")
LSTM = gp.Model("T m 3", [{"type": "lstm", "units": 4}, "last", {"type": "dense", "units": 2}],
                loss="mean_squared_error")
CONVOLUTION = gp.Model("m 2 6 6", [{"type": "conv2d", "channels": 3, "kernel": 3, "padding": 1},
                                   "relu", "flatten", {"type": "dense", "units": 2}],
                       loss="mean_squared_error")
NORMED = gp.Model("m 6", ["layer_norm", "gelu", {"type": "dense", "units": 2}],
                  loss="mean_squared_error")
ALL = {"sigmoid": SIGMOID, "deep": DEEP, "classes": CLASSES, "lstm": LSTM,
       "convolution": CONVOLUTION, "normed": NORMED}


whole = pytest.mark.skipif(SCALARS_WIDEN, reason="NumPy 1 runs the text as it stands")


def drawn(derivation, m=5, dtype=float, seed=0):
    rng = np.random.default_rng(seed)
    sizes = {"m": m, "T": 4}
    return {a.name: rng.normal(size=[int(n.subs({s: sizes[s.name] for s in n.free_symbols}))
                                     for n in a.shape]).astype(dtype)
            for a in derivation.system.inputs}


def plain(derivation, values):
    """What the text gives as it stands."""
    names = [derivation.chain.loss, *(one.array for one in derivation.gradients.values())]
    loss, *found = compile_system(derivation.system, names)(**values)
    return loss, dict(zip(derivation.gradients, found, strict=True))


def assert_same(found, expected, close=1e-12):
    assert found[0] == pytest.approx(expected[0], rel=close)
    assert list(found[1]) == list(expected[1])
    for key, one in expected[1].items():
        assert found[1][key].dtype == one.dtype
        assert found[1][key].shape == one.shape
        np.testing.assert_allclose(found[1][key], one, rtol=0, atol=close * np.abs(one).max())


@pytest.mark.parametrize("workspace", [False, True])
@pytest.mark.parametrize("name", ALL)
def test_what_is_fitted_computes_what_the_text_does(name, workspace):
    derivation = gp.derive(ALL[name])
    run = derivation.compile(workspace=workspace)
    for m, seed in ((5, 0), (5, 1), (2, 2), (5, 3)):  # shapes that come again, other values
        values = drawn(derivation, m, seed=seed)
        assert_same(run(**values), plain(derivation, values))
    single = drawn(derivation, dtype=np.float32)
    found = run(**single)
    assert found[0].dtype == np.float32
    assert_same(found, plain(derivation, single), 1e-5)


@pytest.mark.parametrize("name", ALL)
def test_results_are_the_callers_own(name):
    derivation = gp.derive(ALL[name])
    values = drawn(derivation)
    before = {key: value.copy() for key, value in values.items()}
    run = derivation.compile()
    first = run(**values)[1]
    kept = {key: value.copy() for key, value in first.items()}
    again = run(**values)[1]
    for one, other in itertools.combinations([*values.values(), *first.values(),
                                              *again.values()], 2):
        assert one is other or not np.shares_memory(one, other)
    for value in again.values():
        value += 1
    assert all(np.array_equal(first[key], kept[key]) for key in kept)
    assert all(np.array_equal(values[key], before[key]) for key in before)


@whole
def test_a_workspace_returns_the_same_arrays_and_allocates_nothing():
    derivation = gp.derive(gp.Network([20, 300, 200, 5], activation=["tanh", "relu"],
                                      loss="mean_squared_error"))
    run, values = derivation.compile(workspace=True), drawn(derivation, 100)
    first = run(**values)[1]
    tracemalloc.start()
    second = run(**values)[1]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert all(first[key] is second[key] for key in first)
    assert peak < 100_000  # NumPy's own buffers; the activations have 240,000 bytes


@whole
@pytest.mark.parametrize("workspace", [False, True])
def test_values_whose_times_do_not_meet_share_memory(workspace):
    """Beside the gradients: the outputs of three layers, the derivative by one of them, and that by
    the one before with its slope.  What the first call saw is let go without a collection."""
    derivation = gp.derive(gp.Network([50, *[300] * 3, 60], activation="tanh",
                                      loss="mean_squared_error"))
    values = drawn(derivation, 100)
    unit = 8 * 100 * 300
    results = sum(values[key].nbytes for key in derivation.gradients)
    arrays = tracemalloc.DomainFilter(True, np.lib.tracemalloc_domain)
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        run = derivation.compile(workspace=workspace)
        run(**values)
        kept = tracemalloc.take_snapshot().filter_traces([arrays]).statistics("filename")
        held, before = sum(one.size for one in kept), tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        run(**values)
        peak = held + tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
        gc.enable()
    assert workspace or held < 2000  # ones that sum, numbers
    assert peak < results + 5.5 * unit


def test_what_is_left_for_the_next_step_of_a_loop_keeps_its_memory():
    text = ("import numpy as np\n\n\ndef run(x):\n    h = x * 1\n    y = np.zeros((4, 3, 2))\n"
            "    for t in range(4):\n        a = np.exp(x)\n        b = a * x\n"
            "        y[t] = b + h\n        h = np.tanh(x + t)\n    return y, ")
    x = np.arange(6.0).reshape(3, 2)
    due = np.stack([np.exp(x) * x + (np.tanh(x + t - 1) if t else x) for t in range(4)])
    for workspace in (False, True):
        np.testing.assert_allclose(fitted(text, [x], None, workspace)(x)[0], due, rtol=1e-14)


@whole
def test_warnings_are_what_they_were_after_a_call():
    text = "import numpy as np\n\n\ndef run(x):\n    a = 1 / x\n    b = a @ a\n    return b, "
    run, x = fitted(text, [np.ones(3)]), np.zeros(3)
    with warnings.catch_warnings(), np.errstate(divide="raise", over="warn"):
        warnings.simplefilter("error")
        before = np.geterr()
        assert run(x)[0] == np.inf
        assert np.geterr() == before
        with pytest.raises(FloatingPointError):
            1 / x
        failing = fitted(text.replace("1 / x", "np.linalg.inv(x)"), [np.eye(3)])
        with pytest.raises(np.linalg.LinAlgError):
            failing(np.zeros((3, 3)))
        assert np.geterr() == before


@pytest.mark.parametrize(("read", "is_kept"), [("a", False), ("z", True)])
def test_where_a_relu_was_positive_is_asked_of_its_output(read, is_kept):
    text = ("import numpy as np\n\n\ndef run(x, y):\n    z = x * y\n    a = np.maximum(z, 0)\n"
            f"    s = y * (z > 0)\n    r = np.exp({read})\n    return a, s, r, \n")
    x = np.array([np.nan, -0.0, 0.0, 1e-300, -1e-300, np.inf, -np.inf, 2.0])
    given = x, np.ones(8)
    source = spelled(text, given).text
    assert ("greater(z, " in source) is is_kept
    assert ("out=z" in source) is not is_kept
    space = {}
    exec(text, space)
    with np.errstate(invalid="ignore"):
        expected = space["run"](*given)
    for found, due in zip(fitted(text, given)(*given), expected, strict=True):
        np.testing.assert_array_equal(found, due)


def test_a_value_is_computed_once_and_into_memory_that_is_free():
    text = ("import numpy as np\n\n\ndef run(x, y):\n    a = np.tanh(x + y)\n"
            "    b = (np.tanh(x + y) - 1) * y\n    c = np.exp(b) * 2\n    return a, c, \n")
    given = np.ones((3, 2)), np.ones((3, 2))
    source = spelled(text, given).text
    assert source.count("tanh(") == 1
    assert re.search(r"b = multiply\((t\d), y, \1\)", source)
    found = fitted(text, given)(*given)
    np.testing.assert_allclose(found[1], 2 * np.exp(np.tanh(2) - 1))


def test_a_value_that_is_changed_between_two_reads_is_computed_twice():
    text = ("import numpy as np\n\n\ndef run(x):\n    a = x * 2\n    b = np.exp(a)\n"
            "    a[0] += 1\n    c = np.exp(a)\n    d = x * 2\n    return a, b, c, d, \n")
    x = np.zeros(2)
    a, b, c, d = fitted(text, [x])(x)
    assert [list(one) for one in (a, b, d)] == [[1, 0], [1, 1], [0, 0]]
    np.testing.assert_allclose(c, [np.e, 1])


@pytest.mark.parametrize("body", [
    # a value of before the loop, which the end of each step changes
    "a = x * 2\n    b = np.exp(a)\n    y = np.zeros(x.shape)\n    for t in range(3):\n"
    "        c = np.exp(a)\n        y[t] = c[t]\n        a[:] += 1\n    return b, y, ",
    # rows times a matrix, which the loop makes
    "h = np.zeros((3, 3, 3))\n    y = np.zeros((3, 3, 3))\n    for t in range(3):\n"
    "        h[t] = np.tanh(x + t)\n        y[t] = h[t] @ x\n    return h, y, ",
    # rows times a matrix that the loop changes
    "h = np.ones((3, 3, 3))\n    V = x * 1\n    y = np.zeros((3, 3, 3))\n"
    "    for t in range(3):\n        y[t] = h[t] @ V\n        V[:] += 1\n    return h, y, ",
])
def test_what_a_loop_changes_is_computed_in_it(body):
    text = f"import numpy as np\n\n\ndef run(x):\n    {body}\n"
    space, x = {}, np.arange(9.0).reshape(3, 3) / 9
    exec(text, space)
    for workspace in (False, True):
        for found, due in zip(fitted(text, [x], workspace=workspace)(x), space["run"](x),
                              strict=True):
            np.testing.assert_allclose(found, due, rtol=1e-13)


def test_arguments_of_other_kinds_are_taken_as_before():
    derivation = gp.derive(SIGMOID)
    run, values = derivation.compile(), drawn(derivation)
    expected = run(**values)
    lists = {key: value.tolist() for key, value in values.items()}
    assert_same(run(**lists), expected)
    turned = {key: np.asfortranarray(value) for key, value in values.items()}
    assert_same(run(**turned), expected)
    with pytest.raises(TypeError, match="missing \\['b2'\\]"):
        run(**{key: value for key, value in values.items() if key != "b2"})
    with pytest.raises(TypeError, match="unknown \\['b3'\\]"):
        run(**values, b3=1.0)
    with pytest.raises(ValueError, match="b2: expected shape"):
        run(**{**values, "b2": np.zeros(2)})
    mixed = {**values, "X": values["X"].astype(np.float32)}
    assert_same(run(**mixed), plain(derivation, mixed), 1e-6)


@pytest.mark.parametrize("target", ["numpy", *(["c"] if shutil.which("cc") else [])])
def test_arrays_from_another_process_are_taken_as_others(target):
    """Their types are equal, and not the same objects."""
    derivation = gp.derive(SIGMOID)
    run, values = derivation.compile(target=target), drawn(derivation)
    sent = pickle.loads(pickle.dumps(values))
    assert sent["X"].dtype is not values["X"].dtype
    expected = run(**values)
    for _ in range(2):
        assert_same(run(**sent), expected)
        assert_same(run(**values), expected)


def test_labels_are_checked_at_every_call():
    def loss(X, W, k):
        Z = X @ W
        return np.mean(np.log(np.sum(np.exp(Z), axis=1)) - Z[np.arange(len(k)), k])

    traced = gp.trace(loss, X="m n", W="n c", k=gp.Array("m", kind="labels", classes="c"))
    derivation = gp.derive(traced.system, wrt=["W"])
    run = derivation.compile()
    values = {"X": np.ones((3, 2)), "W": np.ones((2, 4)), "k": np.array([0, 3, 1])}
    for _ in range(2):
        run(**values)
        with pytest.raises(ValueError, match="from 0 to 3"):
            run(**{**values, "k": np.array([0, 4, 1])})


def test_labels_of_other_shapes_are_not_held_to_the_range_of_the_shapes_before():
    def loss(W, k):
        return np.sum(W[k] ** 2)

    system = gp.trace(loss, W="n c", k=gp.Array("m", kind="labels", classes="n")).system
    for target in ("numpy", "c") if shutil.which("cc") else ("numpy",):
        run = gp.derive(system, wrt=["W"]).compile(target=target)
        assert run(W=np.ones((1, 3)), k=np.zeros(2, int))[0] == 6
        assert run(W=np.ones((4, 3)), k=np.array([3, 1]))[0] == 6
        with pytest.raises(ValueError, match=r"k\[1\]: expected an integer from 0 to 0"):
            run(W=np.ones((1, 3)), k=np.array([0, 1]))


SQUARE = gp.equations("H = tanh(X @ W)\nG = tanh(H @ W + v)\nL = sum((G @ U - X)**2*exp(v))",
                      X="n n", W="n n", U="n n", v="n")


@pytest.mark.parametrize("target", ["numpy", "c"])
def test_what_a_workspace_returned_may_be_given_back(target):
    """The memory that a result stands in is written to before every argument is read."""
    if target == "c" and not shutil.which("cc"):
        pytest.skip("no C compiler")
    derivation = gp.derive(SQUARE)
    run, plainly = derivation.compile(workspace=True, target=target), derivation.compile()
    rng = np.random.default_rng(0)
    values = {a.name: rng.normal(size=[3] * len(a.shape)) for a in derivation.system.inputs}
    views = (lambda a: a, np.transpose, lambda a: a[::-1], lambda a: np.asarray(memoryview(a)))
    for key, name, view in itertools.product(values, values, views):
        back = view(run(**values)[1][key])
        if back.shape == values[name].shape:
            given = {**values, name: back}
            expected = plainly(**{**values, name: back.copy()})
            assert_same(run(**given), expected)
            back[...] = values[name]  # and again, as the caller changed it
            assert_same(run(**given), plainly(**values))


@pytest.mark.parametrize("workspace", [False, True])
def test_what_a_function_of_scipys_left_in_memory_is_kept_for_all_that_read_it(workspace):
    """Which of its two arrays that memory is of is not known; sets gave one or the other."""
    pytest.importorskip("scipy")
    text = ("import numpy as np\n\n\nfrom scipy.special import gammaln\n\n\ndef run(x, y):\n"
            + "".join(f"    a{k} = gammaln(x + {k + 1})\n    b{k} = a{k} + y\n    c{k} = b{k} * y\n"
                      f"    d{k} = np.exp(x - {k})\n" for k in range(6))
            + f"    z = {' + '.join(f'c{k} * d{k}' for k in range(6))}\n    return z, \n")
    space, given = {}, [np.linspace(0, 1, 5), np.linspace(1, 2, 5)]
    exec(text, space)
    (found,) = fitted(text, given, None, workspace)(*given)
    np.testing.assert_allclose(found, space["run"](*given)[0], rtol=1e-13)


def test_an_array_in_another_order_changes_no_argument():
    """A reshape of an array that stands column after column is a copy, of another one a view."""
    text = ("import numpy as np\n\n\ndef run(x):\n    y = np.reshape(x, (3, 2))\n"
            "    z = y.T\n    return z, \n")
    x = np.arange(6.0).reshape(2, 3)
    run = fitted(text, [np.asfortranarray(x)])
    assert not np.shares_memory(run(x)[0], x)


@pytest.mark.parametrize("workspace", [False, True])
def test_a_sum_is_left_in_a_part_of_an_array(workspace):
    text = ("import numpy as np\n\n\ndef run(x):\n    y = np.zeros((3, 4))\n"
            "    for t in range(4):\n        y[:, t] = np.sum(x, axis=0)\n    return y, \n")
    x = np.arange(6.0).reshape(2, 3)
    (found,) = fitted(text, [x], None, workspace)(x)
    np.testing.assert_array_equal(found, np.tile([[3], [5], [7]], 4))


def test_a_size_of_zero_is_refused_as_before():
    derivation = gp.derive(gp.equations("L = sum(x)*max(x)", x="n"))
    run = derivation.compile()
    run(x=np.ones(3))
    with pytest.raises(ValueError, match="n = 0"):
        run(x=np.ones(0))


@pytest.mark.parametrize("name", ["erf", "erfc"])
def test_error_functions_keep_their_digits(name):
    """Below 1e-15 of 40 digits (Cody 1969), at infinities and in single precision."""
    function = getattr(error_functions, name)
    places = np.concatenate([np.linspace(-6, 6, 101), np.geomspace(1e-9, 26, 60)])
    with mp.workdps(40):
        exact = np.array([float(getattr(mp, name)(mp.mpf(z))) for z in places])
    nonzero = exact != 0
    found = function(places)
    assert np.max(np.abs(found[nonzero] / exact[nonzero] - 1)) < 1e-15
    ends = function(np.array([-np.inf, np.inf, 0.0, np.nan]))
    assert list(ends[:3]) == ([-1, 1, 0] if name == "erf" else [2, 0, 1])
    assert np.isnan(ends[3])
    assert function(np.array([0.5], np.float32)).dtype == np.float32


PRODUCTS = {  # the text of a product, and the shapes of its two arrays
    'np.einsum("abc,dce->adbe", x, y, optimize=True)': ((2, 3, 4), (5, 4, 6)),
    'np.einsum("abcd,ace->bed", x, y, optimize=True)': ((2, 3, 4, 5), (2, 4, 6)),
    'np.einsum("ab,cbde->cade", x, y)': ((2, 3), (4, 3, 5, 6)),
    'np.einsum("abc,abd->abcd", x, y)': ((2, 3, 4), (2, 3, 5)),
    'np.einsum("abc,adc->abd", x, y)': ((2, 3, 4), (2, 5, 4)),
    'np.einsum("ab,ab->b", x, y)': ((2, 3), (2, 3)),
    'np.einsum("a,b->ba", x, y)': ((2,), (3,)),
    'np.einsum("ab,bc->a", x, y)': ((2, 3), (3, 4)),
    'np.einsum("aab,b->a", x, y)': ((2, 2, 3), (3,)),
    "np.tensordot(x, y, axes=((0, 2), (1, 0)))": ((2, 3, 4), (4, 2, 5)),
    "np.tensordot(x, y, axes=(1, 0))": ((2, 3), (3, 4)),
    "np.tensordot(x, y, axes=((0, 1), (0, 1)))": ((2, 3), (2, 3)),
    "x @ y": ((2, 3, 4), (4, 5)),
    "x.swapaxes(0, 1) @ y": ((2, 3, 4), (4, 5)),
    "x @ y + np.einsum('ab,bc->ac', x, y)": ((2, 3), (3, 4)),
}


@pytest.mark.parametrize("workspace", [False, True])
@pytest.mark.parametrize("text", PRODUCTS)
def test_products_are_what_numpy_makes_of_them(text, workspace):
    source = (f"import numpy as np\n\n\ndef run(x, y):\n    z = {text}\n    w = z * 2 + 1\n"
              "    return z, w, \n")
    space = {}
    exec(source, space)
    rng = np.random.default_rng(0)
    given = [rng.normal(size=shape) for shape in PRODUCTS[text]]
    run = fitted(source, given, workspace=workspace)
    for _ in range(2):
        given = [rng.normal(size=one.shape) for one in given]
        for found, expected in zip(run(*given), space["run"](*given), strict=True):
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def test_products_of_the_rows_that_a_loop_goes_through_are_one_before_it():
    source = ("import numpy as np\n\n\ndef run(x, W, V):\n    h = np.zeros((4, 2, 3))\n"
              "    for t in range(4):\n        h[t] = x[t] @ W\n        if t > 0:\n"
              "            h[t] += h[t - 1] @ V\n        h[t] = np.tanh(h[t])\n"
              "    g = np.zeros((4, 2, 3))\n    for t in reversed(range(4)):\n"
              "        g[t] = h[t] @ V\n        g[t] += x[t] @ W\n    return h, g, \n")
    rng = np.random.default_rng(0)
    given = [rng.normal(size=shape) for shape in ((4, 2, 5), (5, 3), (3, 3))]
    text = spelled(source, given).text
    before, _, inside = text.partition("for t in")
    assert "W" in before
    assert "W" not in inside  # and h @ V, whose h is made in the loop, is left in the first one
    assert inside.count("dot(") + inside.count("matmul(") == 2
    space = {}
    exec(source, space)
    for workspace in (False, True):
        run = fitted(source, given, workspace=workspace)
        for found, expected in zip(run(*given), space["run"](*given), strict=True):
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_later_calls_ask_the_system_for_no_memory():
    """In a process that has given back no large array before."""
    code = """if True:
        import resource
        import gradproof as gp, numpy as np
        derived = gp.derive(gp.Network([512, 512, 512, 512], activation="tanh"))
        grad, random = derived.compile(), np.random.default_rng(0)
        arrays = {name: random.normal(size=(512,) if name[0] == "b" else (512, 512))
                  for name in ["X", "Y", "W1", "b1", "W2", "b2", "W3", "b3"]}
        for _ in range(3):
            grad(**arrays)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        grad(**arrays)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 500, "of the 3000 pages of its arrays"
