"""Traced NumPy functions: the equations, evaluated, are what the function computes."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import numpy.linalg as la
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy import exp, zeros

from gradproof.codegen.interpret import evaluate
from gradproof.symbolic.equation import Array, size_symbol
from gradproof.symbolic.tracing.run import TraceError, trace
from gradproof.symbolic.validation import validate

SIZES = {"m": 5, "n": 4, "h": 3, "k": 2}
KNOWN = {size_symbol(name): value for name, value in SIZES.items()}


# --- training code as people write it -----------------------------------------------------------


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def sigmoid_derivative(z):
    s = sigmoid(z)
    return s * (1 - s)


def loss_rows(X, W1, b1, W2, b2, y):
    z1 = X @ W1 + b1
    a1 = sigmoid(z1)
    z2 = a1 @ W2 + b2
    a2 = sigmoid(z2)
    return 0.5 * np.sum((a2 - y) ** 2) / X.shape[0]


def gradient_rows(X, W1, b1, W2, b2, y):
    m = len(X)
    z1 = X @ W1 + b1
    a1 = sigmoid(z1)
    z2 = a1 @ W2 + b2
    a2 = sigmoid(z2)
    delta2 = (a2 - y) * sigmoid_derivative(z2) / m
    dW2 = a1.T @ delta2
    db2 = np.sum(delta2, axis=0, keepdims=True)
    delta1 = delta2 @ W2.T * sigmoid_derivative(z1)
    dW1 = X.T @ delta1
    db1 = np.sum(delta1, axis=0, keepdims=True)
    return dW1, db1, dW2, db2


ROWS = {"X": "m n", "W1": "n h", "b1": "1 h", "W2": "h k", "b2": "1 k", "y": "m k"}


def forward_dict(X, parameters):
    Z1 = np.dot(X, parameters["W1"]) + parameters["b1"]
    A1 = np.tanh(Z1)
    Z2 = np.dot(A1, parameters["W2"]) + parameters["b2"]
    A2 = 1.0 / (1.0 + np.exp(-Z2))
    assert A2.shape == (X.shape[0], parameters["W2"].shape[1])
    cache = {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2}
    return A2, cache


def cost_dict(X, Y, parameters):
    m = Y.shape[0]
    A2, _cache = forward_dict(X, parameters)
    logprobs = np.multiply(np.log(A2), Y) + np.multiply(np.log(1 - A2), 1 - Y)
    return float(np.squeeze(-1.0 / m * np.sum(logprobs)))


def gradient_dict(X, Y, parameters):
    m = X.shape[0]
    _, cache = forward_dict(X, parameters)
    A1, A2 = cache["A1"], cache["A2"]
    dZ2 = A2 - Y
    dW2 = (1 / m) * np.dot(A1.T, dZ2)
    db2 = (1 / m) * np.sum(dZ2, axis=0, keepdims=True)
    dZ1 = np.multiply(np.dot(dZ2, parameters["W2"].T), 1 - np.power(A1, 2))
    dW1 = (1 / m) * np.dot(X.T, dZ1)
    db1 = (1 / m) * np.sum(dZ1, axis=0, keepdims=True)
    return {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}


DICT = {
    "X": "m n",
    "Y": "m k",
    "parameters": {"W1": "n h", "b1": "1 h", "W2": "h k", "b2": "1 k"},
}


def relu(Z):
    A = np.maximum(0, Z)
    cache = Z
    return A, cache


def relu_backward(dA, cache):
    Z = cache
    dZ = np.array(dA, copy=True)
    dZ[Z <= 0] = 0
    assert dZ.shape == Z.shape
    return dZ


def gradient_columns(X, Y, W1, b1, W2, b2):
    m = X.shape[1]
    Z1 = W1 @ X + b1
    A1, cache1 = relu(Z1)
    Z2 = W2 @ A1 + b2
    A2 = sigmoid(Z2)
    dA2 = -(np.divide(Y, A2) - np.divide(1 - Y, 1 - A2))
    dZ2 = dA2 * A2 * (1 - A2)
    dW2 = np.dot(dZ2, A1.T) / m
    db2 = np.sum(dZ2, axis=1, keepdims=True) / m
    dZ1 = relu_backward(np.dot(W2.T, dZ2), cache1)
    grads = {}
    grads["dW1"] = 1.0 / m * dZ1 @ X.T
    grads["db1"] = 1.0 / m * dZ1.sum(axis=1, keepdims=True)
    grads["dW2"] = dW2
    grads["db2"] = db2
    return grads


COLUMNS = {"X": "n m", "Y": "k m", "W1": "h n", "b1": "h 1", "W2": "k h", "b2": "k 1"}


def deep(X, parameters):
    """Layers in a loop, with names made of numbers."""
    caches = []
    A = X
    L = len(parameters) // 2
    for layer in range(1, L + 1):
        A_prev = A
        Z = A_prev @ parameters["W" + str(layer)] + parameters["b" + str(layer)]
        A = np.tanh(Z) if layer < L else Z
        caches.append((A_prev, Z))
    grads = {}
    dA = 2 * A / A.size
    for layer in reversed(range(L)):
        A_prev, Z = caches[layer]
        dZ = dA if layer == L - 1 else dA * (1 - np.tanh(Z) ** 2)
        grads["dW" + str(layer + 1)] = A_prev.T @ dZ
        grads["db" + str(layer + 1)] = dZ.sum(axis=0)
        dA = dZ @ parameters["W" + str(layer + 1)].T
    return grads


DEEP = {
    "X": "m n",
    "parameters": {"W1": "n h", "b1": "h", "W2": "h h", "b2": "h", "W3": "h k", "b3": "k"},
}


def softmax_labels(X, y, W, reg):
    """Scores, a shifted softmax, and the gradient by `probs[range(m), y] -= 1`."""
    num_train = X.shape[0]
    scores = X.dot(W)
    scores -= np.max(scores, axis=1, keepdims=True)
    exp_scores = np.exp(scores)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    correct = -np.log(probs[np.arange(num_train), y])
    loss = np.sum(correct) / num_train + reg * np.sum(W * W)
    dscores = probs.copy()
    dscores[range(num_train), y] -= 1
    dscores /= num_train
    dW = np.dot(X.T, dscores) + 2 * reg * W
    return loss, {"W": dW}


CLASSES = {"X": "m n", "y": Array("y", (KNOWN and size_symbol("m"),), "labels",
                                  classes=size_symbol("k")), "W": "n k", "reg": ""}  # fmt: skip


TRAINING = [
    (loss_rows, ROWS),
    (gradient_rows, ROWS),
    (cost_dict, DICT),
    (gradient_dict, DICT),
    (gradient_columns, COLUMNS),
    (deep, DEEP),
    (softmax_labels, CLASSES),
]


# --- single operations --------------------------------------------------------------------------

SLOPES = {"leaky": 0.1}
ACTIVATIONS = {"relu": lambda z: np.where(z > 0, z, 0), "tanh": np.tanh}


def in_place(x, y):
    z = x * 1.0
    w = z
    z += y
    z *= 2
    z -= x / 3.0
    z /= 4.0
    return z, w


def transposed_view(x):
    z = x.copy()
    t = z.T
    z[0] = 1.0
    z[:, 1:] *= 2
    t[2] += 5
    return z, t


def sliced(x):
    z = x * 1
    z[1:, :] = 0
    z[:, -1] += z[:, 0]
    z[0, 0] = 7
    z[..., 1] = np.sum(x)
    return z, z[1:], z[:, :-1], z[0], z[-1, 1:3], z[:, None, 0], z[:, ::-1]


def reshaped(x, v):
    flat = x.reshape(-1)
    return (
        v.reshape(-1, 1) * v[None, :],
        np.expand_dims(v, 0) + v[:, np.newaxis],
        np.expand_dims(x, (0, -1)), np.expand_dims(x, (1, 2)) * v,
        np.concatenate([x, v], axis=None),
        np.asarray(x.item(1, 0) * x.item((0, 1)) + v.item(0) + x.item(2)),
        flat,
        x.flatten() @ x.ravel(),
        x.reshape(1, *x.shape, 1).squeeze(),
        np.reshape(flat * 2, x.shape),
        v.reshape((len(v), 1)).T,
    )


def constants(x):
    kernel = np.array([[1.0, 0.5, 0.0], [0.25, 2.0, -1.0]])
    return x * np.array([1, 2, 3]) + kernel * x, np.eye(3) * 0.1 + x.T @ x, [x, 1.5, None]


def new_arrays(x):
    m, n = x.shape
    z = np.zeros((m, n))
    z += x
    w = np.zeros_like(x)
    w[:, 0] = x[:, 0]
    e = np.empty((m, 1))
    e[:] = 3
    return z, w, e + np.ones(n) + np.full((m, n), 2.5), np.full_like(x, 2), np.ones((m, m)) @ x, (
        np.eye(n) + np.identity(n)
    )


def reductions(x):
    return (
        np.sum(x), x.sum(axis=0), np.sum(x, 1, keepdims=True), x.mean(), np.mean(x, axis=(0, 1)),
        np.max(x), x.max(axis=1), np.min(x, axis=0, keepdims=True), x.var(), np.std(x, axis=0),
        sum(x[i] for i in range(3)), np.linalg.norm(x), la.norm(x), x.argmax(axis=1),
        np.add.reduce(x), np.sum([x, x]), np.average(x, axis=0),
    )  # fmt: skip


def sizes(x):
    m, n = x.shape
    return (
        x / m, x * (m * n), x / np.sqrt(n), x * math.sqrt(m), x.size, 1.0 / float(m) * x, m**2,
        x - int(m), np.exp(-n) * x, (2 * m) // 2, x * (x.shape[0] == m), np.size(x), np.ndim(x),
        np.shape(x)[1], 3 * m - m - 2 * m,
    )  # fmt: skip


def comparisons(x, y):
    mask = (x > 0) & (y < 1) | ~(x <= y)
    return (
        (x > y) * x, (x >= 0).astype(float), 1.0 * (x < y), np.where(x > 0, x, 0.1 * x),
        np.where(mask, x, y), mask.astype(int) * 2, np.logical_not(x > y) * 1.0,
        np.where((x > 0) == (y > 0), 1.0, x), np.heaviside(x, 0.5), (x != y).sum(),
        np.where(x, 2.0, 3.0), np.greater(x, 0) * y, np.where(np.logical_and(x > 0, y > 0), x, 0),
    )  # fmt: skip


def elementwise(x, y):
    p = np.abs(x) + 1
    return (
        np.log(p), np.log1p(p), np.expm1(x), np.sqrt(p), np.square(x), np.tanh(x), np.sign(x),
        np.maximum(x, y), np.minimum(x, 0), np.maximum(0, x), np.logaddexp(x, y),
        np.logaddexp(0, x), np.reciprocal(p), np.power(p, 0.5), p**-1.5, x**2, 2**x, p**y,
        np.clip(x, -0.5, 0.5), x.clip(0, None), abs(x), -x, +x, np.negative(x), np.sinh(x),
        np.float64(2) * x, np.subtract(x, 1), np.true_divide(x, p), np.exp2(x), np.log2(p),
        0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))), np.fmax(x, y),
    )  # fmt: skip


def stable_sigmoid(x):
    out = np.zeros_like(x)
    positive = x >= 0
    out[positive] = 1 / (1 + np.exp(-x[positive]))
    ex = np.exp(x[~positive])
    out[~positive] = ex / (1 + ex)
    return out


def masked(x, y):
    z = x.copy()
    z[z < 0] *= 0.01
    w = y.copy()
    w[x > 0] = 1
    v = x + 0
    v[x > y] = v[x > y] * 2 + 1
    return z, w, v


def products(A, B, u):
    return (
        A @ B, A.dot(B), np.matmul(A, B), np.dot(u, u), np.outer(u, u),
        np.einsum("ij,jk->ik", A, B),
        np.einsum("ij,ik", A, A), np.tensordot(A, B, axes=1), np.tensordot(A, A, axes=([0], [0])),
        np.inner(u, u), np.vdot(A, A), np.trace(A @ A.T), np.einsum("ii->i", A.T @ A),
        u @ A.T, A @ u, np.dot(2, A), np.dot(A, 3.0), np.transpose(B), np.swapaxes(A, 0, 1),
        np.einsum("i,j->ij", u, u), np.einsum("ij->", A), np.multiply.outer(u, u),
    )  # fmt: skip


def stacked(x, y):
    return (
        np.concatenate([x, y]), np.concatenate((x, y), axis=1), np.vstack([x, x[0]]),
        np.hstack([x, np.ones((x.shape[0], 1))]), np.stack([x, y]), np.array([x[0, 0], y[1, 1]]),
        np.stack([x, y], axis=-1), np.broadcast_to(x[0], x.shape),
        np.hstack((x.sum(), x[0])), np.hstack([x[0, 0], 2.0, y[0, 1]]),
    )  # fmt: skip


def imported_names(x):
    return exp(x) + zeros(x.shape) + la.norm(x)


def imports_inside(x):
    import math as m
    from math import sqrt

    import numpy
    from numpy import ones

    return numpy.zeros(x.shape) + ones(x.shape) * m.exp(1) + sqrt(2) * m.pi * x


def tables(x):
    return ACTIVATIONS["relu"](x) * SLOPES["leaky"] + partial(np.multiply, 2)(x) + sum([x, x])


def nested(x):
    scale = 2.0

    def inner(z):
        return z * scale + np.ones(z.shape[0])

    def factorial(n):
        return 1 if n == 0 else n * factorial(n - 1)

    return inner(inner(x)) * factorial(3)


def defaults(x, rate=0.5, activation=sigmoid, *, shift=1):
    return activation(x) * rate + shift


def scalars(x, s):
    total = 0.0
    total += np.sum(x)
    total *= s
    return max(0, s) + min(s, 1) + abs(s), total, s**2, float(total), max([s, 2, 3])


def gather(x, i):
    rows = x[i]
    onehot = np.eye(x.shape[0])[i]
    z = x[:, 0:1] * 1
    return rows, onehot, x[np.arange(x.shape[0]), i], z, x[:, i]


def concrete(a):
    total = 0
    for row in a:
        for entry in row:
            total = total + entry**2
    for i in range(a.shape[0]):
        total += a[i, 0] / a.shape[1]
    return total, a.shape[0] / 3, np.mean(a), a.reshape(6), a.reshape(3, 2), a.reshape(3, -1).T


def out_argument(x):
    z = np.zeros(x.shape)
    np.multiply(x, 2, out=z)
    np.exp(z, out=z)
    return z


def views_of_views(x):
    z = x.copy()
    v = z[1:]
    w = v[:, 0]
    w += 10
    v *= 2
    r = z.reshape(z.shape[0], 1, z.shape[1])
    r -= 1
    return z, v, w, r


INTEGERS = Array("i", (size_symbol("n"),), "labels", classes=size_symbol("n"))

OPERATIONS = [
    (in_place, {"x": "m n", "y": "n"}),
    (transposed_view, {"x": "m n"}),
    (sliced, {"x": "m n"}),
    (reshaped, {"x": "m n", "v": "n"}),
    (constants, {"x": "2 3"}),
    (new_arrays, {"x": "m n"}),
    (reductions, {"x": "m n"}),
    (sizes, {"x": "m n"}),
    (comparisons, {"x": "m n", "y": "m n"}),
    (elementwise, {"x": "m n", "y": "m n"}),
    (stable_sigmoid, {"x": "m n"}),
    (masked, {"x": "m n", "y": "m n"}),
    (products, {"A": "m n", "B": "n k", "u": "n"}),
    (stacked, {"x": "m n", "y": "m n"}),
    (imported_names, {"x": "m n"}),
    (imports_inside, {"x": "m n"}),
    (tables, {"x": "m n"}),
    (nested, {"x": "n"}),
    (defaults, {"x": "n"}),
    (scalars, {"x": "n", "s": ""}),
    (gather, {"x": "n n", "i": INTEGERS}),
    (concrete, {"a": "2 3"}),
    (out_argument, {"x": "m n"}),
    (views_of_views, {"x": "m n"}),
]


def random_arguments(inputs, seed=0):
    """Arrays for inputs, in their containers, and by the names of a trace."""
    rng = np.random.default_rng(seed)
    flat = {}

    def made(key, spec):
        if isinstance(spec, dict):
            return {k: made(k, v) for k, v in spec.items()}
        shape = spec.shape if isinstance(spec, Array) else [
            sp.Integer(word) if word.isdigit() else size_symbol(word) for word in spec.split()
        ]  # fmt: skip
        numbers = [int(size.subs(KNOWN)) for size in shape]
        if isinstance(spec, Array):
            flat[key] = rng.integers(int(spec.classes.subs(KNOWN)), size=numbers)
        else:
            flat[key] = rng.normal(size=numbers)
        return flat[key] if numbers else float(flat[key])

    return {key: made(key, spec) for key, spec in inputs.items()}, flat


def compare(found, expected, values):
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key in expected:
            compare(found[key], expected[key], values)
    elif isinstance(expected, (list, tuple)):
        assert type(found) is type(expected)
        for one, other in zip(found, expected, strict=True):
            compare(one, other, values)
    elif expected is None:
        assert found is None
    else:
        assert values[found].shape == np.shape(expected), found
        np.testing.assert_allclose(values[found], expected, 1e-12, 1e-12, err_msg=found)


@pytest.mark.parametrize(
    ("function", "inputs"), TRAINING + OPERATIONS, ids=lambda x: getattr(x, "__name__", "")
)
def test_equations_compute_what_the_function_computes(function, inputs):
    found = trace(function, inputs)
    validate(found.system)
    for seed in range(2):
        arguments, flat = random_arguments(inputs, seed)
        values = evaluate(found.system, flat, SIZES)
        compare(found.result, function(**arguments), values)


def test_concrete_sizes_trace_the_same():
    inputs = {key: " ".join(str(SIZES.get(word, word)) for word in shape.split())
              for key, shape in ROWS.items()}  # fmt: skip
    found = trace(gradient_rows, inputs)
    arguments, flat = random_arguments(inputs)
    compare(found.result, gradient_rows(**arguments), evaluate(found.system, flat))


# --- names, lines, assumptions ------------------------------------------------------------------


def test_equations_have_the_names_of_the_users_variables():
    names = trace(gradient_dict, DICT).system.names
    assert {"Z1", "A1", "Z2", "A2", "dZ2", "dW2", "db2", "dZ1", "dW1", "db1"} <= names


def test_results_of_a_dict_are_named_by_key():
    found = trace(gradient_columns, COLUMNS)
    assert found.result == {"dW1": "dW1", "db1": "db1", "dW2": "dW2", "db2": "db2"}
    assert found.results == {name: name for name in ("dW1", "db1", "dW2", "db2")}


def test_a_variable_assigned_again_gets_a_number():
    found = trace(in_place, {"x": "m n", "y": "n"})
    assert {"z", "z_2", "z_3", "z_4"} <= found.system.names
    assert found.result == ("z_5", "z_5")


def test_lines_point_into_the_users_source():
    found = trace(gradient_rows, ROWS)
    assert found.lines["dW2"].filename == __file__
    assert found.lines["dW2"].text == "dW2 = a1.T @ delta2"


def test_arguments_are_named_in_their_containers():
    found = trace(gradient_dict, DICT)
    assert found.arguments["parameters"] == {"W1": "W1", "b1": "b1", "W2": "W2", "b2": "b2"}
    assert [array.name for array in found.system.inputs] == ["X", "Y", "W1", "b1", "W2", "b2"]


def test_equal_keys_in_two_containers_get_their_paths():
    found = trace(lambda p, q: p["W"] @ q["W"], {"p": {"W": "m n"}, "q": {"W": "n k"}})
    assert found.arguments == {"p": {"W": "W"}, "q": {"W": "q_W"}}


def test_a_tuple_of_inputs():
    found = trace(lambda weights: weights[0] @ weights[1], {"weights": ("m n", "n k")})
    assert found.arguments == {"weights": ("weights_0", "weights_1")}


def test_keyword_inputs_reach_a_function_of_keywords():
    assert trace(lambda **arrays: arrays["A"] @ arrays["x"], {"A": "m n", "x": "n"}).result == "t1"


def test_constants_are_handed_on():
    assert trace(defaults, {"x": "n"}, constants={"rate": 0.25, "activation": np.tanh})


def test_a_changed_input_is_reported():
    def step(W, x):
        W -= x
        return W.sum()

    assert trace(step, {"W": "m n", "x": "n"}).mutated == ("W",)
    assert trace(in_place, {"x": "m n", "y": "n"}).mutated == ()


def test_an_input_changed_through_a_view_is_reported():
    def step(W):
        W.T[0] = 0
        return W

    assert trace(step, {"W": "m n"}).mutated == ("W",)


def test_the_users_module_is_left_alone():
    table = dict(globals())
    trace(tables, {"x": "m n"})
    trace(imported_names, {"x": "m n"})
    assert globals() == table


def test_floats_are_the_decimals_they_print_as():
    found = trace(lambda x: x * 0.1, {"x": "n"})
    assert next(found.system.equations).terms[0].body.has(sp.Rational(1, 10))
    assert not found.assumptions


def test_a_float_that_may_mean_a_fraction_is_listed():
    found = trace(lambda x: x * (1 / 3), {"x": "n"})
    assert any("0.3333333333333333" in assumption for assumption in found.assumptions)


def test_entries_that_only_some_sizes_have_are_assumed():
    found = trace(lambda x: x[2] + x[0], {"x": "n"})
    assert any("n - 3 >= 0" in assumption for assumption in found.assumptions)


def test_a_slice_from_the_end_assumes_that_it_begins_inside():
    found = trace(lambda X: X[:, -2:].mean(axis=1), {"X": "m n"})
    assert any("n - 2 >= 0" in assumption for assumption in found.assumptions)


def test_squeeze_assumes_that_sizes_are_not_one():
    found = trace(lambda x: np.squeeze(x), {"x": "n 1"})
    assert any("n >= 2" in assumption for assumption in found.assumptions)


def test_pi_and_roots_of_numbers_are_exact():
    found = trace(lambda x: x * np.sqrt(2 / np.pi), {"x": "n"})
    assert next(found.system.equations).terms[0].body.has(sp.pi)


# --- what cannot be traced ----------------------------------------------------------------------


def branch_on_value(x):
    return x if x.sum() > 0 else -x


def branch_on_size(x):
    return x if x.shape[0] == 4 else -x


def loop_over_size(x):
    total = 0
    for i in range(x.shape[0]):
        total += x[i]
    return total


def loop_over_array(x):
    return sum(row for row in x)


def random_mask(x):
    return x * (np.random.rand(*x.shape) > 0.5)


def random_generator(x):
    return x * GENERATOR.random()


GENERATOR = np.random.default_rng(0)


def wrong_product(x):
    return x @ x


def wrong_broadcast(x):
    return x + x.sum(axis=1)


def unknown_function(x):
    return np.fft.fft(x)


def unknown_ufunc(x):
    return np.spacing(x)


def unknown_method(x):
    return x.searchsorted(0)


def unknown_attribute(x):
    return x.imag_part


def to_float(x):
    return [float(v) for v in (x,)]


def to_array(x):
    out = np.array([0.0, 0.0])
    out[0] = x[0, 0]
    return out


def swallowed(x):
    try:
        return x if x.sum() > 0 else -x
    except Exception:
        return x


def crashes(x):
    return {"a": x}["b"]


def too_many_subscripts(x):
    return x[0, 0, 0]


def bad_axis(x):
    return x.sum(axis=2)


def bad_reshape(x):
    return x.reshape(3, -1)


def mask_indexing(x):
    return x[x > 0].std()


def infinite(x):
    return x * np.inf


def not_in_place(x):
    v = x[0] * 1
    v += x
    return v


def reshape_then_change(x):
    z = x.copy()
    flat = z.T.reshape(-1)
    flat += 1
    return flat


def int_into_mask(x):
    mask = x > 0
    mask *= 0.5
    return mask


def rounds(x):
    return x.astype(int)


def big_constant(x):
    return x * np.arange(100.0)


def division_by_zero(x):
    return x / 0


def nonzero_index(x):
    return x[np.nonzero(x)]


REFUSED = [
    (branch_on_value, ["a branch depends on the value", "np.where"]),
    (branch_on_size, ["cannot decide m == 4", "give the sizes as numbers"]),
    (loop_over_size, ["cannot loop over the symbolic size m"]),
    (loop_over_array, ["a loop over the symbolic size m"]),
    (random_mask, ["random.rand", "as an argument"]),
    (random_generator, ["random.random", "as an argument"]),
    (wrong_product, ["x of shape (m, n) @ x of shape (m, n)", "did you mean x.T"]),
    (wrong_broadcast, ["do not broadcast", "(m, n)", "(m)"]),
    (unknown_function, ["np.fft is not traced"]),
    (unknown_ufunc, ["np.spacing is not traced"]),
    (unknown_method, ["no .searchsorted"]),
    (unknown_attribute, ["no .imag_part"]),
    (to_float, ["more than one entry"]),
    (to_array, ["float() of"]),
    (swallowed, ["a branch depends on the value"]),
    (crashes, ["KeyError", "'b'"]),
    (too_many_subscripts, ["3 subscripts for x of shape (m, n)"]),
    (bad_axis, ["no axis 2 in x of shape (m, n)"]),
    (bad_reshape, ["not a multiple of 3"]),
    (mask_indexing, ["unknown number of entries"]),
    (infinite, ["inf is no real number"]),
    (not_in_place, ["does not fit", "in place"]),
    (reshape_then_change, ["view or a copy"]),
    (int_into_mask, ["does not write floats"]),
    (rounds, ["would round"]),
    (big_constant, ["100 numbers", "as an argument"]),
    (division_by_zero, ["divides by zero"]),
    (lambda x: (x > 0).T @ (x > 0), ["product of two masks"]),
    (lambda x: -(x > 0), ["~mask"]),
    (lambda x: np.sum(x, dtype=int), ["would round"]),
    (lambda x: hasattr(x, "imag"), ["no .imag"]),
    (lambda x: np.full(x.shape, 1).fill(0.5), ["does not write floats"]),
    (nonzero_index, ["unknown number of entries"]),
]


@pytest.mark.parametrize(("function", "parts"), REFUSED, ids=lambda x: getattr(x, "__name__", ""))
def test_what_cannot_be_traced_is_explained(function, parts):
    with pytest.raises(TraceError) as raised:
        trace(function, {"x": "m n"})
    message = str(raised.value)
    assert __file__ in message
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("inputs", "parts"),
    [
        ({"X": "m n"}, ["needs an input for its parameter 'W1'", 'W1="m n"']),
        ({**ROWS, "q": "n"}, ["no parameter 'q'", "X, W1"]),
        ({**ROWS, "X": 3}, ["expected a shape", "int"]),
        ({**ROWS, "X": "m, n"}, ["input X", 'write "m n"']),
    ],
)
def test_wrong_inputs_are_explained(inputs, parts):
    with pytest.raises(TraceError) as raised:
        trace(loss_rows, inputs)
    for part in parts:
        assert part in str(raised.value)


# --- random programs ----------------------------------------------------------------------------

STATEMENTS = [
    "z = z * w + {c}", "w = np.tanh(z)", "z = np.where(w > {c}, z, w)", "z += w * {c}",
    "w = z.T @ z @ w.T @ v[:, None] * {c} + w.T; w = w.T", "z[0] = w[1] * {c}",
    "z[w > 0] = {c}", "z = z - z.mean(axis=0)", "w = z / (1 + np.sum(w**2, axis=1, keepdims=True))",
    "z[:, 1:] -= {c}", "w = w[::-1] if {c} > 0.5 else w * {c}", "w = z.copy(); w *= {c}",
    "t = z.T; t += {c}", "w = np.maximum(w, z)", "z = z + z.max(axis=1, keepdims=True) * {c}",
    "v = z.sum(axis=0) * v", "z = z * v", "z = np.exp(-(z**2)) + w / z.shape[0]",
]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(
    st.tuples(st.sampled_from([s for s in STATEMENTS if "w.T @ v" not in s]),
              st.sampled_from([0.25, 0.5, 2.0, -0.3])),
    min_size=1, max_size=8,
))  # fmt: skip
def test_random_programs(lines):
    body = "\n".join("    " + line.format(c=c) for line, c in lines)
    source = f"def program(z, w, v):\n    z = z * 1\n{body}\n    return z, w, v\n"
    names = {"np": np}
    exec(source, names)
    inputs = {"z": "m n", "w": "m n", "v": "n"}
    found = trace(names["program"], inputs)
    arguments, flat = random_arguments(inputs)
    expected = names["program"](**arguments)
    compare(found.result, expected, evaluate(found.system, flat, SIZES))


def test_an_entry_of_an_integer_array_is_a_place():
    def function(i, x):
        y = x.copy()
        y[i[0]] = 1
        y[i[1], 2] -= x[i[2], 0]
        return y + x[i[1]]

    labels = Array("i", (sp.Integer(3),), "labels", (), size_symbol("v"))
    made = trace(function, {"i": labels, "x": "v 4"})
    validate(made.system)
    random = np.random.default_rng(0)
    for i in ([3, 1, 4], [2, 2, 2], [0, 4, 0]):
        values = {"x": random.normal(size=(5, 4)), "i": np.array(i)}
        np.testing.assert_allclose(evaluate(made.system, values)[made.result], function(**values))


def test_variance_with_ddof():
    made = trace(lambda x: np.var(x, axis=0, ddof=1) + np.std(x, ddof=2), {"x": "m n"})
    x = np.random.default_rng(0).normal(size=(5, 4))
    np.testing.assert_allclose(evaluate(made.system, {"x": x})[made.result],
                               np.var(x, axis=0, ddof=1) + np.std(x, ddof=2))


def test_constants_of_many_digits_are_assumed_in_one_line():
    X = np.random.default_rng(0).standard_normal((4, 2))
    (said,) = trace(lambda w: np.sum(X @ w), {"w": "2"}).assumptions
    assert said.startswith("8 constants (0.12573022")
    assert said.endswith("exactly their decimals")
    (said,) = trace(lambda w: np.sum(w) * float(X[0, 0]), {"w": "2"}).assumptions
    assert said == f"the constant {X[0, 0]} is taken as exactly that decimal"
