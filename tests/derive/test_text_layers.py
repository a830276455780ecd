"""Layers, subscripts and recurrences in the text of equations: they mean what NumPy code means."""

from __future__ import annotations

import numpy as np
import pytest

import gradproof as gp
from gradproof.symbolic.equation import Array, size_symbol
from gradproof.symbolic.layers import table
from gradproof.symbolic.text.statements import FormulaError, parse_equations

SIZES = {"T": 4, "m": 2, "n": 3, "k": 5, "c": 2, "f": 3}
LABELS = Array("", (size_symbol("m"),), "labels", classes=size_symbol("k"))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def elman(x, W, U, b, h0, C):
    h, total = h0, 0
    for t in range(len(x)):
        h = np.tanh(x[t] @ W + h @ U + b)
        total = total + np.sum(C[t] * h)
    return total


def long_memory(x, Wi, Wf, Wg, Wo, Ui, Uf, Ug, Uo, b, C):
    h = c = np.zeros_like(x[0] @ Wi)
    total = 0
    for t in range(len(x)):
        i, f, g, o = (
            act(x[t] @ W + h @ U + b)
            for act, W, U in ((sigmoid, Wi, Ui), (sigmoid, Wf, Uf), (np.tanh, Wg, Ug),
                              (sigmoid, Wo, Uo))
        )
        c = f * c + i * g
        h = o * np.tanh(c)
        total = total + np.sum(C[t] * h)
    return total


def returns(r, g, C):
    v = np.zeros_like(r[0])
    total = 0
    for t in reversed(range(len(r))):
        v = r[t] + g * np.sin(v)
        total = total + np.sum(C[t] * v)
    return total


def normal(X, axis, eps=1e-5):
    deviation = X - X.mean(axis, keepdims=True)
    return deviation / np.sqrt((deviation**2).mean(axis, keepdims=True) + eps)


def convolved(X, W):
    padded = np.pad(X, ((0, 0), (0, 0), (2, 2)))
    return np.stack([np.einsum("fcu,ncu->nf", W, padded[:, :, 2 * i : 2 * i + 5 : 2])
                     for i in range((X.shape[2] - 1) // 2 + 1)], axis=2)


GATES = {f"W{gate}": "n k" for gate in "ifgo"} | {f"U{gate}": "k k" for gate in "ifgo"}
STEPS = "; ".join(
    f"{gate}[t] = {'tanh' if gate == 'g' else 'sigmoid'}(x[t] @ W{gate} + h[t-1] @ U{gate} + b)"
    for gate in "ifgo"
)

CASES = {
    "entries": ("L = sum(X[0] * X[m-1]) + sum(X[:, 1:n]**3) + X[-1, 0]", {"X": "m n"},
                lambda X: np.sum(X[0] * X[-1]) + np.sum(X[:, 1:] ** 3) + X[-1, 0]),
    "gather": ("L = sum(C*E[y]**2)", {"E": "k n", "y": LABELS, "C": "m n"},
               lambda E, y, C: np.sum(C * E[y] ** 2)),
    "rearranged": ("L = sum(C*concat(reshape(X, m, 6), swapaxes(Y, 0, 1), axis=1)**2)",
                   {"X": "m 3 2", "Y": "5 m", "C": "m 11"},
                   lambda X, Y, C: np.sum(
                       C * np.concatenate([X.reshape(len(X), -1), Y.T], axis=1) ** 2)),
    "filled": ("L = sum(C*(ones(m, n) + zeros(n)))", {"C": "m n"}, lambda C: np.sum(C)),
    "elman": ("h[-1] = h0; h[t] = tanh(x[t] @ W + h[t-1] @ U + b); L = sum(C*h)",
              {"x": "T m n", "W": "n k", "U": "k k", "b": "k", "h0": "m k", "C": "T m k"}, elman),
    "elman, a layer": ("L = sum(C*rnn(x, W, U, b, h0))",
                       {"x": "T m n", "W": "n k", "U": "k k", "b": "k", "h0": "m k",
                        "C": "T m k"}, elman),
    "two states": (f"h[-1] = zeros(m, k); c[-1] = zeros(m, k); {STEPS}; "
                   "c[t] = f[t]*c[t-1] + i[t]*g[t]; h[t] = o[t]*tanh(c[t]); L = sum(C*h)",
                   {"x": "T m n", **GATES, "b": "k", "C": "T m k"}, long_memory),
    "two states, a layer": ("L = sum(C*lstm(x, (Wi, Wf, Wg, Wo), (Ui, Uf, Ug, Uo), (b, b, b, b)))",
                            {"x": "T m n", **GATES, "b": "k", "C": "T m k"}, long_memory),
    "downwards": ("v[T] = zeros(n); v[t] = r[t] + g*sin(v[t+1]); L = sum(C*v)",
                  {"r": "T n", "g": "", "C": "T n"}, returns),
    "a carry in a maximum": ("p[-1] = a; p[t] = logsumexp(p[t-1] + M[t]) + x[t]; L = sum(p[T-1])",
                             {"x": "T n", "M": "T n", "a": "n"},
                             lambda x, M, a: np.sum(step(x, M, a))),
    "layer norm": ("L = sum(C*layer_norm(X, g, b))", {"X": "m n", "g": "n", "b": "n", "C": "m n"},
                   lambda X, g, b, C: np.sum(C * (normal(X, -1) * g + b))),
    "batch norm": ("L = sum(C*batch_norm(X, eps=0.5))", {"X": "m n T", "C": "m n T"},
                   lambda X, C: np.sum(C * normal(X, (0, 2), 0.5))),
    "convolution": ("L = sum(C*conv1d(X, W, stride=2, padding=2, dilation=2))",
                    {"X": "m c 7", "W": "f c 3", "C": "m f 4"},
                    lambda X, W, C: np.sum(C * convolved(X, W))),
}


def step(x, M, a):
    for now, shift in zip(x, M, strict=True):
        a = np.log(np.sum(np.exp(a + shift))) + now
    return a


@pytest.mark.parametrize("name", CASES)
def test_text_means_what_numpy_means(name):
    text, shapes, function = CASES[name]
    random = np.random.default_rng(3)
    values = {}
    for array, shape in shapes.items():
        if isinstance(shape, Array):
            values[array] = random.integers(0, SIZES["k"], SIZES["m"])
        else:
            sizes = tuple(SIZES.get(word) or int(word) for word in shape.split())
            values[array] = random.normal(size=sizes)
    derivation = gp.derive(gp.equations(text, **shapes))
    loss, gradients = derivation.compile()(**values)
    np.testing.assert_allclose(loss, function(**values), 1e-12)
    for array, gradient in gradients.items():
        direction = random.normal(size=np.shape(values[array]))
        moved = function(**{**values, array: values[array] + 1e-30j * direction})
        np.testing.assert_allclose(np.sum(gradient * direction), np.imag(moved) / 1e-30, 1e-10)


LOOP = {"x": "T n", "y": "m n"}

WRONG = [
    ("h[t] = x[t] + h[t-1]; L = sum(h)", ["before its first step is not stated", "h[-1] ="]),
    ("h[-1] = zeros(n); h[t] = x[t] + h[t-2]; L = sum(h)",
     ["h is before its first step is not stated", "h[-2] ="]),
    ("h[-1] = zeros(n); h[t] = h[t-1]; L = sum(h)", ["how many steps t has is not known"]),
    ("h[9] = zeros(n); h[t] = x[t] + h[t-1]; L = sum(h)", ["h[-1], or h[0]", "got the step 9"]),
    ("h[T] = zeros(n); h[t] = x[t] + h[t-1]; L = sum(h)", ["h[T] is not near the first step"]),
    ("h[-1] = zeros(n); h[-1] = x[0]; h[t] = x[t] + h[t-1]; L = sum(h)", ["stated twice"]),
    ("h[-3] = x[0]; h[-1] = x[0]; h[t] = x[t] + h[t-3]; L = sum(h)", ["with a gap"]),
    ("h[-1] = x[0]; g[0] = x[0]; h[t] = x[t] + h[t-1]; g[t] = g[t-1]; L = sum(h)",
     ["begins at one step for all", "g at 1", "h at 0"]),
    ("h[0] = x[0]; z[t] = x[t] + h[t-1]; h[t] = z[t]**2; L = sum(z)",
     ["z has no value where its loop has not begun", "z[0]"]),
    ("h[-1] = x[0]; h[t] = h[t-1] + h[t+1] + x[t]; L = sum(h)", ["not both"]),
    ("h[-1] = x[0]; h[t] = h[t-1] + x[t+1]; L = sum(h)", ["there is no x[T]"]),
    ("h[-1] = x[0]; h[t] = h[t-9]; L = sum(h)", ["of 8 at most"]),
    ("h[-1] = x[0]; h[t] = h[t-1] for t in range(K); L = sum(h)", ["unknown name 'K'"]),
    ("h[-1] = x[0]; h[t] = h[t-1] for s in range(4); L = sum(h)", ["this statement is t, not s"]),
    ("h[-1] = x[0]; h[t] = h[t-1] for t < 4; L = sum(h)", ["for t in range(T)"]),
    ("h[-1] = zeros(m); h[t] = x[t] + h[t-1]; L = sum(h)", ["h", "(n)", "(m)"]),
    ("h[-1] = zeros(n); h[t] = x[t-1] + h[t-1]; L = sum(h)", ["there is no x[-1]", "h[0] ="]),
    ("h[-1] = zeros(n); h[t] = x[t] + y[t] + h[t-1]; L = sum(h)", ["y", "entry for each of the"]),
    ("h[-1] = zeros(n); h[t] = x[t] + h; L = sum(h)", ["computed step by step", "h[t-1]"]),
    ("h[-1] = zeros(n); h[t] = g[t] + h[t-1]; g[t] = x[t]; L = sum(h)", ["read before it is"]),
    ("h[-1] = zeros(n); L = sum(x)", ["no h[t] = ... follows"]),
    ("L = sum(conv2d(x, y))", ["expected an input with n, c and 2 spatial, that is, 4 axes"]),
    ("L = sum(layer_norm(x, eps=0))", ["a number above 0"]),
    ("L = sum(layer_norm(x, gain=y))", ["'gain' is no argument", "layer_norm(x, [gamma], [beta]"]),
    ("L = sum(layer_norm(x, y))", ["the gain y", "needs the shape (n)"]),
    ("L = sum(max_pool1d(x))", ["kernel missing"]),
    ("L = sum(dropout(x, y, keep=2))", ["keep: expected a number above 0 and at most 1, got 2"]),
    ("h[-1] = zeros(n); h[t] = h[t-1] + x[t]*rnn(x, x.T @ x, x.T @ x)[0]; L = sum(h)",
     ["inside of the steps of t", "before them"]),
    ("L = sum(flatten(x, start=0.5))", ["start: expected a whole number, got 1/2"]),
    ("L = sum(layer_norm(x, eps=n))", ["eps: expected a number, got 'n'"]),
    ("L = sum(concat())", ["parts missing; expected concat(parts, ..., axis=...)"]),
    ("L = sum(rnn(x, y, y, activation=rlu))", ["unknown activation 'rlu'", "did you mean 'relu'"]),
    ("L = sum(lstm(x, y, y))", ["a group of arrays, one for each gate"]),
    ("L = sum(lstm(x, (y, y), (y, y)))", ["4 arrays for its gates i, f, g, o, got 2"]),
    ("L = sum(reshape(x, m))", ["cannot be reshaped into (m)"]),
    ("L = sum(concat(x, y, axis=1))", ["y", "does not fit beside x"]),
]


@pytest.mark.parametrize(("text", "parts"), WRONG, ids=[text for text, _ in WRONG])
def test_what_cannot_be_meant_is_explained(text, parts):
    with pytest.raises(FormulaError) as raised:
        parse_equations(text, LOOP)
    for part in ["column", *parts]:
        assert part in str(raised.value)


@pytest.mark.parametrize("layer", [
    "rnn(x, Wi, Ui)", "lstm(x, (Wi, Wf, Wg, Wo), (Ui, Uf, Ug, Uo))",
    "gru(x, (Wi, Wf, Wg), (Ui, Uf, Ug))",
])
@pytest.mark.parametrize("name", ["H", "h", "c", "i", "t", "a_i"])
def test_a_recurrent_layer_takes_any_name(layer, name):
    """Its steps read the state before them by the name that it was given."""
    shapes = {"x": "T m n", **GATES, "C": "T m k"}
    plain = gp.derive(gp.equations(f"L = sum(C*{layer}**2)", **shapes))
    called = gp.derive(gp.equations(f"{name} = {layer}; L = sum(C*{name}**2)", **shapes))
    random = np.random.default_rng(5)
    values = {array.name: random.normal(size=[SIZES[str(size)] for size in array.shape])
              for array in called.system.inputs}
    assert name in called.system.names
    for one, other in zip(plain.compile()(**values)[1].values(),
                          called.compile()(**values)[1].values(), strict=True):
        np.testing.assert_array_equal(one, other)


DOORS = {
    "dropout": ("dropout(X, mask1, keep=0.75)", {"keep": 0.75}, "m n"),
    "transformer_block": (
        "transformer_block(X, WQ1, WK1, WV1, WO1, WF1, bF1, WG1, bG1, gamma1, beta1, gammaF1, "
        "betaF1)", {"heads": 2, "size": "d", "units": "k"}, "m T n"),
    "rnn": ("rnn(X, W1, U1, b1)", {"units": "k"}, "T m n"),
    "conv2d": ("conv2d(X, W1, b1, padding=1)", {"channels": "f", "kernel": 3, "padding": 1},
               "m c h w"),
    "avg_pool2d": ("avg_pool2d(X, kernel=(2, 3))", {"kernel": [2, 3]}, "m c h w"),
    "group_norm": ("group_norm(X, gamma1, beta1, groups=2)", {"groups": 2}, "m 4 w"),
}


@pytest.mark.parametrize("kind", DOORS)
def test_a_layer_is_the_same_by_text_and_by_spec(kind):
    """Options that are left out, too, mean the same."""
    text, options, shape = DOORS[kind]
    model = gp.Model(shape, [{"type": kind, **options}])
    arrays = {a.name: a for a in model.system().inputs if a.name != "Y"}
    system = parse_equations(f"{model.prediction} = {text}; L = sum({model.prediction})",
                             arrays)
    assert [str(e) for e in system.equations][:-1] == (
        [str(e) for e in model.system().equations][:-1])


@pytest.mark.parametrize(("kind", "options"), [
    ("dropout", {"keep": 2}), ("dropout", {"keep": 0}), ("layer_norm", {"eps": 0}),
    ("max_pool1d", {"kernel": 0}), ("max_pool1d", {"kernel": 2, "stride": 0}),
    ("avg_pool1d", {"kernel": [2, 0]}), ("group_norm", {"groups": 0}), ("flatten", {"start": 0.5}),
])
def test_an_option_is_refused_by_text_as_by_spec(kind, options):
    """With the same words."""
    with pytest.raises(ValueError, match=r"layers\[0\]") as by_spec:
        gp.Model("m n T", [{"type": kind, **options}])
    given = ", ".join(f"{key}={tuple(v) if isinstance(v, list) else v}"
                      for key, v in options.items())
    mask = ", X" if kind == "dropout" else ""
    with pytest.raises(FormulaError) as by_text:
        parse_equations(f"L = sum({kind}(X{mask}, {given}))", {"X": "m n T"})
    said = str(by_spec.value).removeprefix("layers[0].")
    assert said.replace("0.5", "1/2") in str(by_text.value)


def test_concat_joins_the_first_axis_in_text_and_the_last_in_a_spec():
    """As NumPy does; the one default in which they differ."""
    differing = {name: row.in_text for name, row in table.LAYERS.items() if row.in_text}
    assert differing == {"concat": {"axis": 0}, "concatenate": {"axis": 0}}
    text = parse_equations("L = sum(concat(X, X)**2)", {"X": "m n"})
    spec = gp.Model("m n", [{"type": "concat", "inputs": ["input", "input"]}])
    assert [str(size) for size in next(iter(text.equations)).shape] == ["2*m", "n"]
    assert [str(size) for size in spec.summary[0].outputs[0].shape] == ["m", "2*n"]
