"""Layers as people write them, each with its inputs and one planted error.

A case is a forward and a backward pass in one of the public styles: objects that keep what they
need on themselves, pairs of functions that pass a cache, parameters in lists or dicts.
"""

import inspect
import textwrap
from dataclasses import dataclass, field

import numpy as np

from gradproof import Array


@dataclass(frozen=True)
class Case:
    """`parts` end in a class, or in a forward and a backward function.

    `bug` is an edit of their source, after which the gradients `wrong` are; `slow` to refute.
    """

    name: str
    parts: tuple
    inputs: dict
    bug: tuple
    wrong: set
    verdict: str = "proved"
    constants: dict = field(default_factory=dict)
    slow: bool = False

    def edited(self):
        """The parts with the planted error."""
        old, new = self.bug
        sources = [textwrap.dedent(inspect.getsource(part)) for part in self.parts]
        assert sum(source.count(old) for source in sources) == 1, self.name
        names = dict(globals())
        for source in sources:
            exec(source.replace(old, new), names)
        return tuple(names[part.__name__] for part in self.parts)


# --- objects ------------------------------------------------------------------------------------


class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b
        self.x = None
        self.dW = self.db = None

    def forward(self, x):
        self.x = x
        return np.dot(x, self.W) + self.b

    def backward(self, dout):
        self.dW = np.dot(self.x.T, dout)
        self.db = np.sum(dout, axis=0)
        return np.dot(dout, self.W.T)


class MatMul:
    """Parameters and gradients in lists."""

    def __init__(self, W):
        self.params = [W]
        self.grads = [np.zeros_like(W)]
        self.x = None

    def forward(self, x):
        (W,) = self.params
        self.x = x
        return x @ W

    def backward(self, dout):
        (W,) = self.params
        self.grads[0][...] = self.x.T @ dout
        return dout @ W.T


class ReLU:
    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout[self.mask] = 0
        return dout


class Sigmoid:
    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, dout):
        return dout * self.out * (1.0 - self.out)


def softmax(z):
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


class SoftmaxWithLoss:
    """A loss: backward needs no cotangent."""

    def forward(self, x, t):
        self.t = t
        self.y = softmax(x)
        return -np.sum(t * np.log(self.y)) / x.shape[0]

    def backward(self, dout=1):
        return dout * (self.y - self.t) / self.t.shape[0]


class SoftmaxWithLabels:
    def forward(self, x, t):
        self.t = t
        self.y = softmax(x)
        return -np.mean(np.log(self.y[np.arange(len(t)), t]))

    def backward(self, dout=1):
        dx = self.y.copy()
        dx[np.arange(len(self.t)), self.t] -= 1
        dx *= dout
        return dx / len(self.t)


class Dropout:
    def __init__(self, keep):
        self.keep = keep

    def forward(self, x, mask):
        self.mask = mask
        return x * mask / self.keep

    def backward(self, dout):
        return dout * self.mask / self.keep


class Softmax:
    """Not elementwise: the Jacobian's product with the cotangent."""

    def __call__(self, z):
        self.p = softmax(z)
        return self.p

    def backward(self, dout):
        inner = np.sum(dout * self.p, axis=1, keepdims=True)
        return self.p * (dout - inner)


class Tanh:
    def fn(self, z):
        return np.tanh(z)

    def grad(self, z):
        return 1 - np.tanh(z) ** 2


class FullyConnected:
    """Parameters and gradients in dicts, an activation object, derived variables kept in lists."""

    def __init__(self, W, b, activation=None):
        self.activation = activation or Tanh()
        self.parameters = {"W": W, "b": b}
        self.gradients = {"W": np.zeros_like(W), "b": np.zeros_like(b)}
        self.X, self.Z = [], []

    def forward(self, X):
        Z = X @ self.parameters["W"] + self.parameters["b"]
        self.X.append(X)
        self.Z.append(Z)
        return self.activation.fn(Z)

    def backward(self, dLdy):
        dx = []
        for dy, X, Z in zip([dLdy], self.X, self.Z, strict=True):
            dZ = dy * self.activation.grad(Z)
            self.gradients["W"] += X.T @ dZ
            self.gradients["b"] += dZ.sum(axis=0, keepdims=True)
            dx.append(dZ @ self.parameters["W"].T)
        return dx[0] if len(dx) == 1 else dx


class TwoLayerNet:
    """Layers in a list, run forward and, reversed, backward."""

    def __init__(self, W1, b1, W2, b2):
        self.layers = [Affine(W1, b1), Sigmoid(), Affine(W2, b2)]

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dout):
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        first, _, last = self.layers
        self.grads = {"W1": first.dW, "b1": first.db, "W2": last.dW, "b2": last.db}
        return dout


# --- functions with a cache ---------------------------------------------------------------------


def affine_forward(x, w, b):
    out = x.reshape(x.shape[0], -1).dot(w) + b
    return out, (x, w, b)


def affine_backward(dout, cache):
    x, w, _ = cache
    dx = dout.dot(w.T).reshape(x.shape)
    dw = x.reshape(x.shape[0], -1).T.dot(dout)
    db = np.sum(dout, axis=0)
    return dx, dw, db


def batchnorm_forward(x, gamma, beta, bn_param):
    eps = bn_param.get("eps", 1e-5)
    momentum = bn_param.get("momentum", 0.9)
    mean = x.mean(axis=0)
    var = x.var(axis=0)
    std = np.sqrt(var + eps)
    x_hat = (x - mean) / std
    out = gamma * x_hat + beta
    bn_param["running_mean"] = momentum * bn_param.get("running_mean", 0) + (1 - momentum) * mean
    return out, (x_hat, gamma, std)


def batchnorm_backward(dout, cache):
    x_hat, gamma, std = cache
    m = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = np.sum(dout * x_hat, axis=0)
    d_hat = dout * gamma
    dx = (m * d_hat - d_hat.sum(axis=0) - x_hat * np.sum(d_hat * x_hat, axis=0)) / (m * std)
    return dx, dgamma, dbeta


def layernorm_forward(x, gamma, beta, eps):
    mu = x.mean(axis=1, keepdims=True)
    centred = x - mu
    var = np.mean(centred**2, axis=1, keepdims=True)
    inv = 1 / np.sqrt(var + eps)
    return gamma * centred * inv + beta, (centred * inv, gamma, inv)


def layernorm_backward(dout, cache):
    x_hat, gamma, inv = cache
    n = x_hat.shape[1]
    d_hat = dout * gamma
    dx = inv * (
        d_hat
        - d_hat.mean(axis=1, keepdims=True)
        - x_hat * np.sum(d_hat * x_hat, axis=1, keepdims=True) / n
    )
    return {"dx": dx, "dgamma": np.sum(dout * x_hat, axis=0), "dbeta": dout.sum(axis=0)}


def conv_forward(x, w, b, conv_param):
    stride, pad = conv_param["stride"], conv_param["pad"]
    N, _, H, W = x.shape
    F, _, HH, WW = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    rows, columns = 1 + (H + 2 * pad - HH) // stride, 1 + (W + 2 * pad - WW) // stride
    out = np.zeros((N, F, rows, columns))
    for i in range(rows):
        for j in range(columns):
            top, left = i * stride, j * stride
            patch = padded[:, :, top:top + HH, left:left + WW]
            for f in range(F):
                out[:, f, i, j] = np.sum(patch * w[f], axis=(1, 2, 3)) + b[f]
    return out, (x, w, b, conv_param)


def conv_backward(dout, cache):
    x, w, _, conv_param = cache
    stride, pad = conv_param["stride"], conv_param["pad"]
    F, _, HH, WW = w.shape
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    d_padded = np.zeros_like(padded)
    dw = np.zeros_like(w)
    for i in range(dout.shape[2]):
        for j in range(dout.shape[3]):
            top, left = i * stride, j * stride
            patch = padded[:, :, top:top + HH, left:left + WW]
            for f in range(F):
                d = dout[:, f, i, j][:, None, None, None]
                dw[f] += np.sum(patch * d, axis=0)
                d_padded[:, :, top:top + HH, left:left + WW] += w[f] * d
    dx = d_padded[:, :, pad:-pad, pad:-pad]
    return dx, dw, dout.sum(axis=(0, 2, 3))


def maxpool_forward(x, size):
    N, C, H, W = x.shape
    windows = x.reshape(N, C, H // size, size, W // size, size)
    out = windows.max(axis=3).max(axis=4)
    return out, (windows, out)


def maxpool_backward(dout, cache):
    windows, out = cache
    N, C, rows, size, columns, _ = windows.shape
    mask = windows == out[:, :, :, None, :, None]
    return (mask * dout[:, :, :, None, :, None]).reshape(N, C, rows * size, columns * size)


def maxpool_loops_forward(x, size):
    N, H, W = x.shape
    out = np.zeros((N, H // size, W // size))
    for n in range(N):
        for i in range(H // size):
            for j in range(W // size):
                out[n, i, j] = np.max(x[n, i * size:(i + 1) * size, j * size:(j + 1) * size])
    return out, x


def maxpool_loops_backward(dout, x, size):
    dx = np.zeros_like(x)
    N, rows, columns = dout.shape
    for n in range(N):
        for i in range(rows):
            for j in range(columns):
                window = x[n, i * size:(i + 1) * size, j * size:(j + 1) * size]
                r, c = np.unravel_index(np.argmax(window), window.shape)
                dx[n, i * size + r, j * size + c] += dout[n, i, j]
    return dx


def embedding_forward(W, x):
    return W[x], (x, W)


def embedding_backward(dout, cache):
    x, W = cache
    dW = np.zeros_like(W)
    np.add.at(dW, x, dout)
    return dW


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b)
    return next_h, (x, prev_h, Wx, Wh, next_h)


def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    dz = dnext_h * (1 - next_h**2)
    return dz @ Wx.T, dz @ Wh.T, x.T @ dz, prev_h.T @ dz, dz.sum(axis=0)


def rnn_forward(x, h0, Wx, Wh, b):
    h, caches, hs = h0, [], []
    for t in range(x.shape[1]):
        h, cache = rnn_step_forward(x[:, t], h, Wx, Wh, b)
        caches.append(cache)
        hs.append(h)
    return np.stack(hs, axis=1), caches


def rnn_backward(dh, caches):
    T = len(caches)
    carry = 0
    dx, dWx, dWh, db = [], 0, 0, 0
    for t in reversed(range(T)):
        dx_t, carry, dWx_t, dWh_t, db_t = rnn_step_backward(dh[:, t] + carry, caches[t])
        dx.insert(0, dx_t)
        dWx, dWh, db = dWx + dWx_t, dWh + dWh_t, db + db_t
    return np.stack(dx, axis=1), carry, dWx, dWh, db


def logistic(z):
    return 1 / (1 + np.exp(-z))


def lstm_step_forward(x, prev_h, prev_c, W, U, b):
    z = {gate: x @ W[gate] + prev_h @ U[gate] + b[gate] for gate in ("i", "f", "o", "g")}
    i, f, o, g = logistic(z["i"]), logistic(z["f"]), logistic(z["o"]), np.tanh(z["g"])
    next_c = f * prev_c + i * g
    next_h = o * np.tanh(next_c)
    return next_h, next_c, (x, prev_h, prev_c, W, U, i, f, o, g, next_c)


def lstm_step_backward(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, W, U, i, f, o, g, next_c = cache
    t = np.tanh(next_c)
    dc = dnext_c + dnext_h * o * (1 - t**2)
    dz = {
        "i": dc * g * i * (1 - i),
        "f": dc * prev_c * f * (1 - f),
        "o": dnext_h * t * o * (1 - o),
        "g": dc * i * (1 - g**2),
    }
    grads = {}
    for gate, d in dz.items():
        grads[f"dW{gate}"] = x.T @ d
        grads[f"dU{gate}"] = prev_h.T @ d
        grads[f"db{gate}"] = d.sum(axis=0)
    grads["dx"] = sum(dz[gate] @ W[gate].T for gate in dz)
    grads["dprev_h"] = sum(dz[gate] @ U[gate].T for gate in dz)
    grads["dprev_c"] = dc * f
    return grads


def network_forward(X, params):
    Z1 = X @ params["W1"] + params["b1"]
    A1 = np.maximum(0, Z1)
    out = A1 @ params["W2"] + params["b2"]
    return out, {"X": X, "Z1": Z1, "A1": A1, "W1": params["W1"], "W2": params["W2"]}


def network_backward(dout, cache):
    grads = {}
    grads["W2"] = cache["A1"].T @ dout
    grads["b2"] = np.sum(dout, axis=0)
    dZ1 = dout @ cache["W2"].T * (cache["Z1"] > 0)
    grads["W1"] = cache["X"].T @ dZ1
    grads["b1"] = np.sum(dZ1, axis=0)
    return dZ1 @ cache["W1"].T, grads


def attention_forward(Q, K, V):
    P = softmax(Q @ K.T / np.sqrt(Q.shape[1]))
    return P @ V, (Q, K, V, P)


def attention_backward(dout, cache):
    Q, K, V, P = cache
    dV = P.T @ dout
    dP = dout @ V.T
    dS = P * (dP - np.sum(dP * P, axis=1, keepdims=True)) / np.sqrt(Q.shape[1])
    return dS @ K, dS.T @ Q, dV


def leaky_relu_forward(x, slope):
    return np.where(x > 0, x, slope * x)


def leaky_relu_backward(dout, x, slope):
    return dout * np.where(x > 0, 1, slope)


def l2norm_forward(x):
    norm = np.sqrt(np.sum(x**2, axis=1, keepdims=True))
    return x / norm, norm


def l2norm_backward(dout, out, norm):
    return (dout - out * np.sum(out * dout, axis=1, keepdims=True)) / norm


GATES = "ifog"
LSTM = {
    "x": "n d", "prev_h": "n h", "prev_c": "n h",
    "W": {gate: Array("d h", name=f"W{gate}") for gate in GATES},
    "U": {gate: Array("h h", name=f"U{gate}") for gate in GATES},
    "b": {gate: Array("h", name=f"b{gate}") for gate in GATES},
}

CASES = [
    Case("affine object", (Affine,), {"x": "m n", "W": "n h", "b": "h"},
         ("np.dot(dout, self.W.T)", "np.dot(dout, self.W.T) / len(dout)"), {"x"}),
    Case("parameters in lists", (MatMul,), {"x": "m n", "W": "n h"},
         ("self.x.T @ dout", "-self.x.T @ dout"), {"W"}),
    Case("relu object", (ReLU,), {"x": "m n"},
         ("dout[self.mask] = 0", "dout[~self.mask] = 0"), {"x"}),
    Case("sigmoid object", (Sigmoid,), {"x": "m n"},
         ("(1.0 - self.out)", "(1.0 + self.out)"), {"x"}),
    Case("softmax with loss", (SoftmaxWithLoss,), {"x": "m k", "t": Array("m k", kind="one_hot")},
         ("/ self.t.shape[0]", "/ self.t.shape[1]"), {"x"}),
    Case("softmax with labels", (SoftmaxWithLabels,),
         {"x": "m k", "t": Array("m", kind="labels k")}, ("-= 1", "-= 2"), {"x"}),
    Case("dropout with its mask", (Dropout,), {"x": "m n", "mask": Array("m n", kind="mask")},
         ("return dout * self.mask / self.keep", "return dout * self.mask"), {"x"},
         constants={"keep": 0.5}),
    Case("softmax object", (Softmax,), {"z": "m k"},
         ("self.p * (dout - inner)", "dout * self.p * (1 - self.p)"), {"z"}),
    Case("fully connected", (FullyConnected,), {"X": "m n", "W": "n h", "b": "1 h"},
         ("dZ = dy * self.activation.grad(Z)", "dZ = dy"), {"X", "W", "b"}),
    Case("layers in a list", (TwoLayerNet,),
         {"x": "m n", "W1": "n h", "b1": "h", "W2": "h o", "b2": "o"},
         ('"W1": first.dW', '"W1": first.dW / 2'), {"W1"}),
    Case("affine functions", (affine_forward, affine_backward),
         {"x": "m 3 2", "w": "6 o", "b": "o"},
         ("np.sum(dout, axis=0)", "np.mean(dout, axis=0)"), {"b"}),
    Case("batch norm", (batchnorm_forward, batchnorm_backward),
         {"x": "m n", "gamma": "n", "beta": "n"},
         ("- d_hat.sum(axis=0) -", "-"), {"x"},
         constants={"bn_param": {"mode": "train", "eps": 1e-5, "momentum": 0.9}}),
    Case("layer norm", (layernorm_forward, layernorm_backward),
         {"x": "m n", "gamma": "n", "beta": "n"},
         ("np.sum(dout * x_hat, axis=0)", "np.sum(dout * x_hat, axis=1)"), {"gamma"},
         constants={"eps": 1e-5}),
    Case("convolution by loops", (conv_forward, conv_backward),
         {"x": "n 1 2 2", "w": "1 1 2 2", "b": "1"},
         ("dw[f] += np.sum", "dw[f] = np.sum"), {"w"}, slow=True,
         constants={"conv_param": {"stride": 2, "pad": 1}}),
    Case("max pool by reshape", (maxpool_forward, maxpool_backward), {"x": "n c 4 4"},
         ("mask * dout", "windows * dout"), {"x"}, "agrees", constants={"size": 2}),
    Case("max pool by loops", (maxpool_loops_forward, maxpool_loops_backward), {"x": "1 2 4"},
         ("np.argmax(window)", "np.argmin(window)"), {"x"}, "agrees", constants={"size": 2}),
    Case("embedding", (embedding_forward, embedding_backward),
         {"W": "v d", "x": Array("n", kind="labels v")},
         ("np.add.at(dW, x, dout)", "dW[x] = dout"), {"W"}),
    Case("rnn step", (rnn_step_forward, rnn_step_backward),
         {"x": "n d", "prev_h": "n h", "Wx": "d h", "Wh": "h h", "b": "h"},
         ("dnext_h * (1 - next_h**2)", "dnext_h * (1 - next_h)**2"),
         {"x", "prev_h", "Wx", "Wh", "b"}),
    Case("rnn over two steps", (rnn_step_forward, rnn_step_backward, rnn_forward, rnn_backward),
         {"x": "n 2 d", "h0": "n h", "Wx": "d h", "Wh": "h h", "b": "h"},
         ("dh[:, t] + carry", "dh[:, t]"), {"x", "h0", "Wx", "Wh", "b"}),
    Case("lstm step", (lstm_step_forward, lstm_step_backward), LSTM,
         ("dc = dnext_c + dnext_h", "dc = dnext_h"),
         {"x", "prev_h", "prev_c", *(f"{p}{g}" for p in "WUb" for g in "ifg")},
         slow=True),
    Case("parameters in a dict", (network_forward, network_backward),
         {"X": "m n", "params": {"W1": "n h", "b1": "h", "W2": "h o", "b2": "o"}},
         ('(cache["Z1"] > 0)', '(cache["X"] @ cache["W1"] > 0)'), {"X", "W1", "b1"}),
    Case("attention", (attention_forward, attention_backward),
         {"Q": "m d", "K": "n d", "V": "n o"},
         ("/ np.sqrt(Q.shape[1])\n    return dS", "\n    return dS"), {"Q", "K"}),
    Case("leaky relu, by input", (leaky_relu_forward, leaky_relu_backward), {"x": "m n"},
         ("np.where(x > 0, 1, slope)", "np.where(x > 0, slope, 1)"), {"x"},
         constants={"slope": 0.1}),
    Case("norm, by output", (l2norm_forward, l2norm_backward), {"x": "m n"},
         ("- out * np.sum", "+ out * np.sum"), {"x"}),
]
