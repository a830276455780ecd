"""The rows of `targets.py`: a loss as gradproof is given it, good hand-written NumPy for its
gradient, and the same loss for JAX.

Hand-written: every value computed once, in place where that is natural, one product for the gates
of an LSTM, one product for a convolution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import gradproof as gp

Arrays = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """A gradient that is timed.

    sizes: of the axes that are symbols.  by_hand: the loss and the gradients.  loss: of JAX's
    numpy and arrays.  precision: of the floats.
    """

    title: str
    made: Callable[[], Any]
    sizes: Mapping[str, int]
    by_hand: Callable[..., tuple[Any, dict[str, Any]]]
    loss: Callable[[Any, Arrays], Any]
    precision: str = "float64"


def sigmoid(z: Any) -> Any:
    e = np.exp(-z)
    e += 1
    return np.divide(1, e, out=e)


def xor(X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    a1 = sigmoid(X @ W1 + b1)
    a2 = sigmoid(a1 @ W2 + b2)
    error = a2 - Y
    d2 = error * a2 * (1 - a2)
    d1 = d2 @ W2.T * a1 * (1 - a1)
    return 0.5 * (error * error).sum(), {
        "W1": X.T @ d1, "b1": d1.sum(0), "W2": a1.T @ d2, "b2": d2.sum(0)}


def xor_loss(jnp: Any, v: Arrays) -> Any:
    a1 = 1 / (1 + jnp.exp(-(v["X"] @ v["W1"] + v["b1"])))
    a2 = 1 / (1 + jnp.exp(-(a1 @ v["W2"] + v["b2"])))
    return 0.5 * ((v["Y"] - a2) ** 2).sum()


def tanh_logistic(X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
    m = len(X)
    a1 = np.tanh(X @ W1 + b1)
    z2 = a1 @ W2 + b2
    loss = (np.logaddexp(0, z2) - Y * z2).sum() / m
    d2 = (sigmoid(z2) - Y) / m
    d1 = d2 @ W2.T * (1 - a1 * a1)
    return loss, {"W1": X.T @ d1, "b1": d1.sum(0), "W2": a1.T @ d2, "b2": d2.sum(0)}


def tanh_logistic_loss(jnp: Any, v: Arrays) -> Any:
    z2 = jnp.tanh(v["X"] @ v["W1"] + v["b1"]) @ v["W2"] + v["b2"]
    return (jnp.logaddexp(0, z2) - v["Y"] * z2).sum() / len(v["X"])


def relu_regression(
    X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any, W3: Any, b3: Any
) -> Any:
    m = len(X)
    a1 = np.maximum(X @ W1 + b1, 0)
    a2 = np.maximum(a1 @ W2 + b2, 0)
    error = a2 @ W3 + b3 - Y
    d3 = error * (2 / m)
    d2 = d3 @ W3.T * (a2 > 0)
    d1 = d2 @ W2.T * (a1 > 0)
    return (error * error).sum() / m, {
        "W1": X.T @ d1, "b1": d1.sum(0), "W2": a1.T @ d2, "b2": d2.sum(0),
        "W3": a2.T @ d3, "b3": d3.sum(0)}


def relu_regression_loss(jnp: Any, v: Arrays) -> Any:
    a = jnp.maximum(v["X"] @ v["W1"] + v["b1"], 0)
    a = jnp.maximum(a @ v["W2"] + v["b2"], 0)
    return ((a @ v["W3"] + v["b3"] - v["Y"]) ** 2).sum() / len(v["X"])


def cross_entropy(z: Any, Y: Any, m: int) -> tuple[Any, Any]:
    """The loss of logits, which are overwritten, and its gradient by them."""
    z -= z.max(1, keepdims=True)
    e = np.exp(z)
    total = e.sum(1, keepdims=True)
    loss = (np.log(total).sum() - (Y * z).sum()) / m
    e /= total
    e -= Y
    e /= m
    return loss, e


def classifier(X: Any, Y: Any, W1: Any, b1: Any, W2: Any, b2: Any, W3: Any, b3: Any) -> Any:
    a1 = X @ W1
    a1 += b1
    np.maximum(a1, 0, out=a1)
    a2 = a1 @ W2
    a2 += b2
    np.maximum(a2, 0, out=a2)
    z3 = a2 @ W3
    z3 += b3
    loss, d3 = cross_entropy(z3, Y, len(X))
    d2 = d3 @ W3.T
    d2 *= a2 > 0
    d1 = d2 @ W2.T
    d1 *= a1 > 0
    return loss, {"W1": X.T @ d1, "b1": d1.sum(0), "W2": a1.T @ d2, "b2": d2.sum(0),
                  "W3": a2.T @ d3, "b3": d3.sum(0)}


def _log_softmax(jnp: Any, z: Any) -> Any:
    below = z - z.max(-1, keepdims=True)
    return below - jnp.log(jnp.exp(below).sum(-1, keepdims=True))


def classifier_loss(jnp: Any, v: Arrays) -> Any:
    a = jnp.maximum(v["X"] @ v["W1"] + v["b1"], 0)
    a = jnp.maximum(a @ v["W2"] + v["b2"], 0)
    z = a @ v["W3"] + v["b3"]
    return -(v["Y"] * _log_softmax(jnp, z)).sum() / len(v["X"])


def deep(X: Any, Y: Any, **p: Any) -> Any:
    a = [X]
    for layer in range(1, 9):
        z = a[-1] @ p[f"W{layer}"]
        z += p[f"b{layer}"]
        a.append(np.tanh(z, out=z) if layer < 8 else z)
    error = a.pop()
    error -= Y
    flat = error.ravel()
    loss = flat @ flat / error.size
    error *= 2 / error.size
    d, found = error, {}
    for layer in range(8, 0, -1):
        found[f"W{layer}"], found[f"b{layer}"] = a[layer - 1].T @ d, d.sum(0)
        if layer > 1:
            d = d @ p[f"W{layer}"].T
            slope = np.square(a[layer - 1])
            d *= np.subtract(1, slope, out=slope)
    return loss, found


def deep_loss(jnp: Any, v: Arrays) -> Any:
    a = v["X"]
    for layer in range(1, 9):
        a = a @ v[f"W{layer}"] + v[f"b{layer}"]
        a = jnp.tanh(a) if layer < 8 else a
    return ((a - v["Y"]) ** 2).mean()


def convolution(X: Any, Y: Any, W1: Any, b1: Any, W4: Any, b4: Any) -> Any:
    m, _, h, w = X.shape
    padded = np.pad(X, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    columns = windows.transpose(0, 2, 3, 1, 4, 5).reshape(m * h * w, -1)
    a = columns @ W1.reshape(len(W1), -1).T
    a += b1
    np.maximum(a, 0, out=a)
    flat = a.reshape(m, h * w, -1).transpose(0, 2, 1).reshape(m, -1)
    z4 = flat @ W4
    z4 += b4
    loss, d4 = cross_entropy(z4, Y, m)
    da = (d4 @ W4.T).reshape(m, -1, h * w).transpose(0, 2, 1).reshape(a.shape)
    da *= a > 0
    return loss, {"W1": (da.T @ columns).reshape(W1.shape), "b1": da.sum(0),
                  "W4": flat.T @ d4, "b4": d4.sum(0)}


def convolution_loss(jnp: Any, v: Arrays) -> Any:
    from jax import lax

    z = lax.conv_general_dilated(v["X"], v["W1"], (1, 1), "SAME") + v["b1"][:, None, None]
    z = jnp.maximum(z, 0).reshape(len(z), -1) @ v["W4"] + v["b4"]
    return -(v["Y"] * _log_softmax(jnp, z)).sum() / len(z)


GATES = "ifgo"


def lstm(X: Any, Y: Any, W3: Any, b3: Any, **p: Any) -> Any:
    steps, m, _ = X.shape
    n = p["Ui1"].shape[0]
    W, U = (np.concatenate([p[f"{kind}{gate}1"] for gate in GATES], 1) for kind in "WU")
    a = X @ W
    a += np.concatenate([p[f"b{gate}1"] for gate in GATES])
    c, curved = np.zeros((2, steps, m, n), X.dtype)
    h = np.zeros((steps + 1, m, n), X.dtype)
    for t in range(steps):
        if t:
            a[t] += h[t] @ U
        gates = a[t].reshape(m, 4, n)
        sigmoids = gates[:, [0, 1, 3]]
        gates[:, [0, 1, 3]] = sigmoid(sigmoids)
        np.tanh(gates[:, 2], out=gates[:, 2])
        i, f, g, o = gates.transpose(1, 0, 2)
        np.multiply(i, g, out=c[t])
        if t:
            c[t] += f * c[t - 1]
        np.tanh(c[t], out=curved[t])
        np.multiply(o, curved[t], out=h[t + 1])
    z = h[-1] @ W3
    z += b3
    loss, d3 = cross_entropy(z, Y, m)
    dh, dc = d3 @ W3.T, np.zeros((m, n), X.dtype)
    da = np.empty_like(a)
    for t in reversed(range(steps)):
        i, f, g, o = a[t].reshape(m, 4, n).transpose(1, 0, 2)
        parts = da[t].reshape(m, 4, n).transpose(1, 0, 2)
        dc += dh * o * (1 - curved[t] * curved[t])
        parts[0] = dc * g * i * (1 - i)
        parts[1] = dc * c[t - 1] * f * (1 - f) if t else 0
        parts[2] = dc * i * (1 - g * g)
        parts[3] = dh * curved[t] * o * (1 - o)
        dc *= f
        dh = da[t] @ U.T
    flat = da.reshape(steps * m, -1)
    dW = X.reshape(steps * m, -1).T @ flat
    dU = h[1:-1].reshape((steps - 1) * m, n).T @ flat[m:]
    db = flat.sum(0)
    found = {"W3": h[-1].T @ d3, "b3": d3.sum(0)}
    for place, gate in enumerate(GATES):
        part = slice(place * n, place * n + n)
        found |= {f"W{gate}1": dW[:, part], f"U{gate}1": dU[:, part], f"b{gate}1": db[part]}
    return loss, found


def lstm_loss(jnp: Any, v: Arrays) -> Any:
    from jax import lax

    W, U = (jnp.concatenate([v[f"{kind}{gate}1"] for gate in GATES], 1) for kind in "WU")
    b = jnp.concatenate([v[f"b{gate}1"] for gate in GATES])
    start = jnp.zeros((v["X"].shape[1], len(U)), v["X"].dtype)

    def step(state: Any, x: Any) -> Any:
        h, c = state
        i, f, g, o = jnp.split(x + h @ U, 4, axis=1)
        c = c / (1 + jnp.exp(-f)) + jnp.tanh(g) / (1 + jnp.exp(-i))
        return (jnp.tanh(c) / (1 + jnp.exp(-o)), c), None

    (h, _), _ = lax.scan(step, (start, start), v["X"] @ W + b)
    return -(v["Y"] * _log_softmax(jnp, h @ v["W3"] + v["b3"])).sum() / len(h)


def _norm(x: Any) -> tuple[Any, Any]:
    mean = x.mean(-1, keepdims=True)
    hat = x - mean
    scale = 1 / np.sqrt((hat * hat).mean(-1, keepdims=True) + 1e-5)
    hat *= scale
    return hat, scale


def _norm_back(d: Any, hat: Any, scale: Any) -> Any:
    d -= d.mean(-1, keepdims=True) + hat * (d * hat).mean(-1, keepdims=True)
    d *= scale
    return d


def _erf(z: Any) -> Any:
    from scipy.special import erf

    return erf(z)


def block(X: Any, Y: Any, WQ1: Any, WK1: Any, WV1: Any, WO1: Any, gamma1: Any, beta1: Any,
          WF1: Any, bF1: Any, WG1: Any, bG1: Any, gammaF1: Any, betaF1: Any,
          gelu: bool = True) -> Any:
    m, steps, n = X.shape
    heads, _, size = WQ1.shape

    def joined(W: Any) -> Any:
        return W.transpose(1, 0, 2).reshape(n, -1)

    def split(x: Any) -> Any:
        return x.reshape(m, steps, heads, size).transpose(0, 2, 1, 3)

    def merged(x: Any) -> Any:
        return x.transpose(0, 2, 1, 3).reshape(m * steps, -1)

    def parted(W: Any) -> Any:
        return W.reshape(n, heads, size).transpose(1, 0, 2)

    W = np.concatenate([joined(WQ1), joined(WK1), joined(WV1)], 1)
    hat, _ = _norm(X)
    t1 = (hat * gamma1 + beta1).reshape(m * steps, n)
    q, k, v = map(split, np.split(t1 @ W, 3, axis=1))
    q = q * (1 / np.sqrt(size)).astype(X.dtype)
    p = q @ k.swapaxes(-1, -2)
    p -= p.max(-1, keepdims=True)
    np.exp(p, out=p)
    p /= p.sum(-1, keepdims=True)
    t3 = merged(p @ v)
    WO = WO1.reshape(-1, n)
    t5 = (t3 @ WO).reshape(X.shape)
    t5 += X
    hat2, scale2 = _norm(t5)
    t6 = (hat2 * gammaF1 + betaF1).reshape(m * steps, n)
    z = t6 @ WF1
    z += bF1
    if gelu:
        half = np.float64(0.5).astype(X.dtype)
        phi = _erf(z * np.sqrt(half))
        phi += 1
        phi *= half
        a = z * phi
        slope = np.exp(-half * z * z)
        slope *= z
        slope *= np.float64(1 / np.sqrt(2 * np.pi)).astype(X.dtype)
        slope += phi
    else:
        a = np.maximum(z, 0)
        slope = z > 0
    error = (a @ WG1).reshape(X.shape)
    error += bG1
    error += t5
    error -= Y
    flat = error.ravel()
    loss = flat @ flat / error.size
    error *= 2 / error.size
    rows = error.reshape(m * steps, n)
    dz = rows @ WG1.T
    dz *= slope
    dt6 = dz @ WF1.T
    found = {"WG1": a.T @ rows, "bG1": rows.sum(0), "WF1": t6.T @ dz, "bF1": dz.sum(0),
             "gammaF1": (dt6 * hat2.reshape(dt6.shape)).sum(0), "betaF1": dt6.sum(0)}
    dt6 *= gammaF1
    dt5 = _norm_back(dt6.reshape(X.shape), hat2, scale2)
    dt5 += error
    rows = dt5.reshape(m * steps, n)
    found["WO1"] = (t3.T @ rows).reshape(WO1.shape)
    dt3 = split(rows @ WO.T)
    dp = dt3 @ v.swapaxes(-1, -2)
    dp -= (dp * p).sum(-1, keepdims=True)
    dp *= p
    dv, dk = p.swapaxes(-1, -2) @ dt3, dp.swapaxes(-1, -2) @ q
    dq = dp @ k
    dq *= (1 / np.sqrt(size)).astype(X.dtype)
    d = np.concatenate([merged(dq), merged(dk), merged(dv)], 1)
    found |= {name: parted(part) for name, part in zip(
        ("WQ1", "WK1", "WV1"), np.split(t1.T @ d, 3, axis=1), strict=True)}
    dt1 = d @ W.T
    return loss, found | {"gamma1": (dt1 * hat.reshape(dt1.shape)).sum(0), "beta1": dt1.sum(0)}


def relu_block(**arrays: Any) -> Any:
    return block(**arrays, gelu=False)


def block_loss(jnp: Any, v: Arrays, gelu: bool = True) -> Any:
    def norm(x: Any) -> Any:
        return (x - x.mean(-1, keepdims=True)) / jnp.sqrt(x.var(-1, keepdims=True) + 1e-5)

    x = v["X"]
    t1 = norm(x) * v["gamma1"] + v["beta1"]
    q, k, u = (jnp.einsum("mtn,hns->mhts", t1, v[name]) for name in ("WQ1", "WK1", "WV1"))
    p = jnp.exp(_log_softmax(jnp, q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1]).astype(x.dtype)))
    t5 = x + jnp.einsum("mhts,hsn->mtn", p @ u, v["WO1"])
    z = (norm(t5) * v["gammaF1"] + v["betaF1"]) @ v["WF1"] + v["bF1"]
    if gelu:
        from jax.nn import gelu as activation

        z = activation(z, approximate=False)
    else:
        z = jnp.maximum(z, 0)
    return ((t5 + z @ v["WG1"] + v["bG1"] - v["Y"]) ** 2).mean()


def _block(activation: str) -> Callable[[], Any]:
    return lambda: gp.derive(gp.Model(
        "m T 128", [{"type": "transformer_block", "heads": 4, "units": 512,
                     "activation": activation}], loss="mean_squared_error"))


ROWS = {
    "xor": Row("2-2-1 sigmoid, batch 4", lambda: gp.derive(gp.Network([2, 2, 1], output="sigmoid")),
               {"m": 4}, xor, xor_loss),
    "tanh": Row("2-4-1 tanh, batch 32", lambda: gp.derive(gp.Network(
        [2, 4, 1], activation="tanh", output="sigmoid", loss="binary_cross_entropy")),
        {"m": 32}, tanh_logistic, tanh_logistic_loss),
    "relu": Row("3-5-4-1 ReLU, batch 100", lambda: gp.derive(gp.Network(
        [3, 5, 4, 1], activation="relu", loss="mean_squared_error")),
        {"m": 100}, relu_regression, relu_regression_loss),
    "classifier": Row("784-256-128-10, batch 128", lambda: gp.derive(gp.Network(
        [784, 256, 128, 10], activation="relu", output="softmax", loss="cross_entropy")),
        {"m": 128}, classifier, classifier_loss),
    "classifier32": Row("the same, float32", lambda: gp.derive(gp.Network(
        [784, 256, 128, 10], activation="relu", output="softmax", loss="cross_entropy")),
        {"m": 128}, classifier, classifier_loss, "float32"),
    "deep": Row("8 × 512 tanh, batch 256", lambda: gp.derive(gp.Network(
        [512] * 9, activation="tanh", loss="mean_squared_error")), {"m": 256}, deep, deep_loss),
    "convolution": Row("3×3 convolution, 32 → 64, 28×28, batch 8", lambda: gp.derive(gp.Model(
        "m 32 28 28", [{"type": "conv2d", "channels": 64, "kernel": 3, "padding": 1}, "relu",
                       "flatten", {"type": "dense", "units": 10}],
        loss="cross_entropy_from_logits")), {"m": 8}, convolution, convolution_loss),
    "lstm": Row("LSTM 128, T = 50, batch 32", lambda: gp.derive(gp.Model(
        "T m 128", [{"type": "lstm", "units": 128}, "last", {"type": "dense", "units": 10}],
        loss="cross_entropy_from_logits")), {"T": 50, "m": 32}, lstm, lstm_loss),
    "gelu": Row("transformer block, GELU, T = 64, batch 8", _block("gelu"), {"m": 8, "T": 64},
                block, block_loss),
    "gelu32": Row("the same, float32", _block("gelu"), {"m": 8, "T": 64}, block, block_loss,
                  "float32"),
    "block32": Row("transformer block, ReLU, float32", _block("relu"), {"m": 8, "T": 64},
                   relu_block, lambda jnp, v: block_loss(jnp, v, gelu=False), "float32"),
}


def arrays_of(row: Row, derivation: Any) -> dict[str, Any]:
    """Random inputs, one-hot rows where a target has classes."""
    rng = np.random.default_rng(0)
    values = {}
    for array in derivation.system.inputs:
        shape = tuple(int(n.subs({size: row.sizes[size.name] for size in n.free_symbols}))
                      for n in array.shape)
        scale = shape[-2] ** -0.5 if array.name[0] in "WU" and len(shape) > 1 else 1.0
        found = scale * rng.normal(size=shape)
        if array.name == "Y" and shape[-1] == 10:
            found = np.eye(10)[rng.integers(10, size=shape[:-1])]
        elif array.name == "Y" and "logistic" in row.by_hand.__name__:
            found = rng.integers(2, size=shape).astype(float)
        values[array.name] = found.astype(row.precision)
    return values
