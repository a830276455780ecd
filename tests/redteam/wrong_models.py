"""Wrong guards, labels, recurrences, layers, and slips of algebra in whole models."""

from __future__ import annotations

import numpy as np
from redteam.case import row


def sig(z):
    return 1 / (1 + np.exp(-z))


def soft(Z):
    e = np.exp(Z - Z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


# --- guards ---------------------------------------------------------------------------------------

X1 = {"x": "n"}
CASES = [row("guards", f"guards: {name}", loss, gradient, "x", fault, x=shape)
         for name, loss, gradient, fault, shape in [
    ("a clip that acts, ignored", lambda x: np.sum(np.clip(x, -0.5, 0.5) ** 2), lambda x: 2 * x,
     "0 beyond the bounds", "n"),
    ("a clip turned round", lambda x: np.sum(np.clip(x, -1, 1) ** 2),
     lambda x: 2 * x * (np.abs(x) > 1), "inside, not outside", "n"),
    ("one side of a clip", lambda x: np.sum(np.clip(x, -0.5, 0.5) ** 2),
     lambda x: 2 * x * (x < 0.5), "below, too", "n"),
    ("another bound", lambda x: np.sum(np.clip(x, -0.5, 0.5) ** 2),
     lambda x: 2 * x * (np.abs(x) < 0.9), "0.5", "n"),
    ("relu with its slope turned", lambda x: np.sum(np.maximum(x, 0) ** 2),
     lambda x: 2 * x * (x < 0), "turned round", "n"),
    ("relu without its slope", lambda x: np.sum(np.maximum(x, 0) * 3), lambda x: 3 + 0 * x,
     "0 below 0", "n"),
    ("a leak squared", lambda x: np.sum(np.where(x > 0, x, 0.1 * x) ** 2),
     lambda x: 2 * np.where(x > 0, x, 0.1 * x), "the leak is a factor twice", "n"),
    ("an epsilon left out", lambda x: np.sum(np.log(x**2 + 0.1)), lambda x: 2 / x,
     "0.1 is in the denominator", "n"),
    ("an epsilon outside of the root", lambda x: np.sqrt(np.sum(x**2) + 0.1),
     lambda x: x / (np.sqrt(np.sum(x**2)) + 0.1), "inside", "n"),
    ("a norm's guard", lambda x: np.sqrt(np.sum(x**2) + 1e-2), lambda x: x / np.sqrt(np.sum(x**2)),
     "the guard counts", "n"),
    ("huber's bound", lambda x: np.sum(np.where(np.abs(x) < 0.7, x**2 / 2, 0.7 * np.abs(x))),
     lambda x: np.where(np.abs(x) < 1.0, x, 0.7 * np.sign(x)), "0.7", "n"),
    ("huber's sign", lambda x: np.sum(np.where(np.abs(x) < 0.7, x**2 / 2, 0.7 * np.abs(x))),
     lambda x: np.where(np.abs(x) < 0.7, x, 0.7), "the sign of x", "n"),
    ("absolute value taken as x", lambda x: np.sum(np.abs(x)), lambda x: np.ones_like(x),
     "the sign", "n"),
    ("a floor that acts", lambda x: np.sum(np.log(np.maximum(x, 1.0))), lambda x: 1 / x,
     "0 below 1", "n|positive"),
    ("the largest with the smallest's place", lambda x: np.max(x),
     lambda x: (np.arange(len(x)) == np.argmin(x)) * 1.0, "argmax", "n"),
    ("softplus by relu", lambda x: np.sum(np.log(1 + np.exp(x))), lambda x: (x > 0) * 1.0,
     "sigmoid", "n"),
    ("elu's slope", lambda x: np.sum(np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1)),
     lambda x: np.where(x > 0, 1.0, np.exp(np.minimum(x, 0)) - 1), "exp(x)", "n"),
]]

# --- labels ---------------------------------------------------------------------------------------


def picked(Z, y):
    return -np.mean(np.log(soft(Z))[np.arange(len(y)), y])


def picked_back(shift=0, scale=None, whole=False):
    def gradient(Z, y):
        P = soft(Z)
        P[np.arange(len(y)), (y + shift) % Z.shape[1]] -= 1
        if whole:
            P = P - 1 / Z.shape[1]
        return P / (len(y) if scale is None else scale)

    return gradient


def embedded(E, i, C):
    return np.sum(E[i] * C)


def last_wins(E, i, C):
    d = np.zeros_like(E)
    d[i] = C
    return d


def lost_duplicates(E, i, C):
    d = np.zeros_like(E)
    d[i] += C
    return d


def by_unique(E, i, C):
    d = np.zeros_like(E)
    for one in set(i.tolist()):
        d[one] = C[i == one][0]
    return d


def whole_table(E, i, C):
    return np.zeros_like(E) + C.sum(axis=0)


def averaged(E, i, C):
    d = np.zeros_like(E)
    np.add.at(d, i, C)
    return d / len(i)


def skips_first(E, i, C):
    d = np.zeros_like(E)
    np.add.at(d, i[1:], C[1:])
    return d


REPEATED = {"E": np.ones((5, 2)), "i": np.array([1, 3, 1]), "C": np.arange(6.0).reshape(3, 2)}
TABLE = {"E": "5 d", "i": "m|labels 5", "C": "m d"}
LONG = {"E": "50 d", "i": "m|labels 50", "C": "m d"}
WIDE = {"E": np.ones((50, 2)), "i": np.array([11, 3, 11]), "C": np.arange(6.0).reshape(3, 2)}
ZY = {"Z": "m k", "y": "m|labels k"}
CASES += [
    row("labels", "labels: duplicates lost, five", embedded, lost_duplicates, "E", "d[i] += C",
        at=REPEATED, special=True, **TABLE),
    row("labels", "labels: duplicates lost, fifty", embedded, lost_duplicates, "E", "d[i] += C",
        at=WIDE, special=True, **LONG),
    row("labels", "labels: the last one wins", embedded, last_wins, "E", "d[i] = C",
        at=REPEATED, special=True, **TABLE),
    row("labels", "labels: the last one wins, fifty", embedded, last_wins, "E", "d[i] = C",
        at=WIDE, special=True, **LONG),
    row("labels", "labels: one of each", embedded, by_unique, "E", "the first of each alone",
        at=REPEATED, special=True, **TABLE),
    row("labels", "labels: all rows of the table", embedded, whole_table, "E", "those named alone",
        **TABLE),
    row("labels", "labels: averaged", embedded, averaged, "E", "no mean is taken", **TABLE),
    row("labels", "labels: the first is skipped", embedded, skips_first, "E", "from 0 on", **TABLE),
    row("labels", "labels: one class too far", picked, picked_back(1), "Z", "y, not y + 1", **ZY),
    row("labels", "labels: not divided", picked, picked_back(0, 1), "Z", "the mean is due", **ZY),
    row("labels", "labels: divided by a number", picked, picked_back(0, 4.0), "Z", "by m",
        at={"m": 6, "k": 3}, **ZY),
    row("labels", "labels: a mean over classes taken off", picked, picked_back(0, None, True), "Z",
        "1/k too little", **ZY),
    row("labels", "labels: nothing taken off", picked, lambda Z, y: soft(Z) / len(y), "Z",
        "p - 1 at the label", **ZY),
    row("labels", "labels: all labels are 0", picked,
        lambda Z, y: (soft(Z) - np.eye(Z.shape[1])[0 * y]) / len(y), "Z", "at y", **ZY),
    row("labels", "labels: class weights forgotten", lambda Z, y, c: np.sum(
        Z[np.arange(len(y)), y] * c[y]), lambda Z, y, c: np.eye(Z.shape[1])[y], "Z",
        "weights are due", c="k", **ZY),
    row("labels", "labels: a hinge without the count", lambda Z, y: np.sum(np.maximum(
        0, Z - Z[np.arange(len(y)), y][:, None] + 1)),
        lambda Z, y: ((Z - Z[np.arange(len(y)), y][:, None] + 1) > 0) * 1.0, "Z",
        "the right class loses the count", **ZY),
]

# --- recurrences ----------------------------------------------------------------------------------


def states(x, W, U, h0, steps=3):
    h = [h0]
    for t in range(steps):
        h.append(np.tanh(x[t] @ W + h[-1] @ U))
    return h


def run(x, W, U, h0):
    return sum(np.sum(h**2) for h in states(x, W, U, h0)[1:]) / 2


def through_time(slip):
    """Backpropagation through three steps with one slip, by name."""
    def gradient(x, W, U, h0):
        h = states(x, W, U, h0)
        dW, dU, carry = np.zeros_like(W), np.zeros_like(U), np.zeros_like(h0)
        for t in (2, 1, 0) if slip != "forward" else (0, 1, 2):
            if slip == "two steps" and t == 0:
                break
            d = h[t + 1] + (0 if slip == "no carry" else carry)
            slope = {"sech": 1 - h[t] ** 2, "z": 1 - np.tanh(h[t + 1]) ** 2,
                     "none": 1.0}.get(slip, 1 - h[t + 1] ** 2)
            a = d * slope
            dW = (0 if slip == "last W" else dW) + x[t].T @ a
            dU = (0 if slip == "last U" else dU) + h[t + 1 if slip == "new h" else t].T @ a
            carry = a @ (U if slip == "U" else W.T if slip == "W" else U.T)
            if slip == "decay":
                carry = 0.9 * carry
            if slip == "clip":
                carry = np.clip(carry, -0.2, 0.2)
        if slip == "h0":
            carry = carry @ U.T
        if slip == "zero h0":
            carry = 0 * carry
        return {"W": dW, "U": dU, "h0": carry}

    return gradient


STEPS = {"x": "3 m k", "W": "k k", "U": "k k", "h0": "m k"}
RIGHT_STEPS = through_time("")
CASES += [row("recurrences", f"recurrences: {name}", run, through_time(slip), "W U h0", fault,
              **STEPS)
          for name, slip, fault in [
    ("two steps back alone", "two steps", "the first step is due"),
    ("nothing carried", "no carry", "later steps count"),
    ("the slope of the state before", "sech", "h at t"), ("tanh taken twice", "z", "1 - h²"),
    ("no slope", "none", "1 - h²"), ("the last step's W", "last W", "summed over steps"),
    ("the last step's U", "last U", "summed over steps"),
    ("the new state for the old", "new h", "h at t - 1"), ("U untransposed", "U", "Uᵀ"),
    ("carried by W", "W", "Uᵀ"), ("carried with a decay", "decay", "no decay"),
    ("carried with a clip", "clip", "no clip"), ("forward in time", "forward", "backward"),
    ("one step too far", "h0", "h0 comes before the first"), ("h0 has none", "zero h0", "carry"),
]]


def running(x, a):
    s, total = 0.0, 0.0
    for t in range(4):
        s = a * s + x[t]
        total = total + s**2
    return total


CASES += [
    row("recurrences", "recurrences: a filter, two steps back", running,
        lambda x, a: np.array([sum(2 * a ** max(0, t - i) * sum(
            a ** (t - j) * x[j] for j in range(t + 1)) for t in range(i, min(4, i + 2)))
            for i in range(4)]), "x", "to the end", x="4", a=""),
    row("recurrences", "recurrences: given arrays, three steps", lambda x, U: sum(
        np.sum(h) for h in states(x, np.eye(2), U, np.zeros((1, 2)), len(x))),
        lambda x, U: 0 * U, "U", "not 0", x=np.random.default_rng(0).normal(size=(3, 1, 2)),
        U=np.random.default_rng(1).normal(size=(2, 2))),
    row("recurrences", "recurrences: at most three steps back, of given arrays",
        lambda x, U: np.sum(states(x, np.eye(2), U, np.zeros((1, 2)), len(x))[-1]),
        lambda x, U: short_memory(x, U), "U", "right for three steps or fewer",
        at={"x": np.random.default_rng(0).normal(size=(5, 1, 2)), "U": [[0.5, 0.1], [0.2, -0.3]]},
        special=True, words=("3",), x=np.random.default_rng(0).normal(size=(3, 1, 2)),
        U=np.random.default_rng(1).normal(size=(2, 2))),
]


def short_memory(x, U):
    h = states(x, np.eye(2), U, np.zeros((1, 2)), len(x))
    d, g = np.ones((1, 2)), np.zeros_like(U)
    for t in list(reversed(range(len(x))))[:3]:
        a = d * (1 - h[t + 1] ** 2)
        g, d = g + h[t].T @ a, a @ U.T
    return g


# --- layers ---------------------------------------------------------------------------------------


class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


class WrongWeights(Affine):
    def backward(self, dout):
        back = super().backward(dout)
        self.dW = self.dW * 17
        return back


class WrongBias(Affine):
    def backward(self, dout):
        back = super().backward(dout)
        self.db = dout.mean(axis=0)
        return back


class WrongInput(Affine):
    def backward(self, dout):
        super().backward(dout)
        return dout @ self.W.T * 2


class WrongAttribute(Affine):
    def backward(self, dout):
        back = super().backward(dout)
        self.db = self.dW.sum(axis=0)
        return back


class Summing(Affine):
    def __init__(self, W, b):
        super().__init__(W, b)
        self.dW, self.db = np.ones_like(W), np.zeros_like(b)

    def backward(self, dout):
        self.dW += self.x.T @ dout
        self.db += dout.sum(axis=0)
        return dout @ self.W.T


class FirstInput(Affine):
    seen: dict = {}  # noqa: RUF012 - that is the fault

    def forward(self, x):
        self.x = self.seen.setdefault(x.shape, x.copy())
        return x @ self.W + self.b


class Relu:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, dout):
        return dout * ~self.mask


class Swish:
    def forward(self, x):
        self.x, self.s = x, sig(x)
        return x * self.s

    def backward(self, dout):
        return dout * (self.s + self.x * self.s)


class Softmax:
    def forward(self, x):
        self.p = soft(x)
        return self.p

    def backward(self, dout):
        return dout * self.p * (1 - self.p)


class Normed:
    def __init__(self, gamma):
        self.gamma = gamma

    def forward(self, x):
        self.std = np.sqrt(x.var(axis=0) + 1e-3)
        self.hat = (x - x.mean(axis=0)) / self.std
        return self.gamma * self.hat

    def backward(self, dout):
        self.dgamma = np.sum(dout * self.hat, axis=0)
        return dout * self.gamma / self.std


class Scaled:
    def __init__(self, s):
        self.s = s

    def forward(self, x):
        self.x = x
        return self.s * x

    def backward(self, dout):
        self.ds = np.sum(dout, axis=0)
        return dout * self.s


class Pooled:
    def forward(self, x):
        self.shape = x.shape
        return x.reshape(len(x), 2, 3).mean(axis=2)

    def backward(self, dout):
        return np.repeat(dout, 3, axis=1)


class MaxPooled:
    def forward(self, x):
        self.x = x.reshape(len(x), 2, 3)
        return self.x.max(axis=2)

    def backward(self, dout):
        return np.repeat(dout, 3, axis=1)


def dense(x, W, b):
    return np.tanh(x @ W + b), (x, W, np.tanh(x @ W + b))


def dense_no_slope(dout, cache):
    x, W, _ = cache
    return dout @ W.T, x.T @ dout, dout.sum(axis=0)


def dense_exchanged(dout, cache):
    x, W, a = cache
    d = dout * (1 - a**2)
    return d @ W.T, x.T @ d, d.mean(axis=0)


def dense_ignores(dout, cache):
    x, W, a = cache
    d = np.ones_like(dout) * (1 - a**2)
    return d @ W.T, x.T @ d, d.sum(axis=0)


def gated(x, g):
    return x * sig(g), (x, g)


def gated_back(dout, cache):
    x, g = cache
    return dout * sig(g), dout * x * sig(g)


def normalised(x, gamma):
    mean, std = x.mean(axis=1, keepdims=True), np.sqrt(x.var(axis=1, keepdims=True) + 1e-3)
    return gamma * (x - mean) / std, ((x - mean) / std, std, gamma)


def normalised_back(dout, cache):
    hat, std, gamma = cache
    d = dout * gamma
    dx = (d - d.mean(axis=1, keepdims=True)) / std
    return dx, np.sum(dout * hat, axis=0)


def attended(q, k, v):
    p = soft(q @ k.T)
    return p @ v, (q, k, v, p)


def attended_back(dout, cache):
    q, k, v, p = cache
    dp = dout @ v.T
    ds = p * (dp - dp.sum(axis=1, keepdims=True))
    return ds @ k, ds.T @ q, p.T @ dout


DENSE = {"x": "m n", "W": "n h", "b": "h"}
CASES += [row("layers", f"layers: {name}", None, layer, wrt, fault, layer=True, **inputs)
          for name, layer, wrt, fault, inputs in [
    ("dW seventeenfold", WrongWeights, "x W b", "17 dW", DENSE),
    ("db is a mean", WrongBias, "x W b", "a sum is due", DENSE),
    ("dx doubled", WrongInput, "x W b", "2 dx", DENSE),
    ("db of dW", WrongAttribute, "x W b", "dW's sum", DENSE),
    ("dW begins at one", Summing, "x W b", "begins at 1", DENSE),
    ("relu turned", Relu, "x", "the mask is turned", {"x": "m n"}),
    ("swish", Swish, "x", "times 1 - s", {"x": "m n"}),
    ("softmax by entries", Softmax, "x", "rows depend on one another", {"x": "m n"}),
    ("norm as a scale", Normed, "x gamma", "mean and variance move", {"x": "m n", "gamma": "n"}),
    ("scale's slope", Scaled, "x s", "times x", {"x": "m n", "s": "n"}),
    ("mean pool undivided", Pooled, "x", "a third", {"x": "m 6"}),
    ("max pool to all", MaxPooled, "x", "the largest alone", {"x": "m 6"}),
    ("functions: no slope", (dense, dense_no_slope), "x W b", "1 - a²", DENSE),
    ("functions: mean for b", (dense, dense_exchanged), "x W b", "a sum", DENSE),
    ("functions: dout ignored", (dense, dense_ignores), "x W b", "dout is a factor", DENSE),
    ("functions: a gate's slope", (gated, gated_back), "x g", "1 - σ", {"x": "m n", "g": "m n"}),
    ("functions: layer norm", (normalised, normalised_back), "x gamma", "the variance's term",
     {"x": "m n", "gamma": "n"}),
    ("functions: attention", (attended, attended_back), "q k v", "Σ p dp, not Σ dp",
     {"q": "m d", "k": "n d", "v": "n h"}),
]]
CASES += [row("layers", "layers: the first input of a shape", None, FirstInput, "x W b",
              "kept by the class", at=({"m": 4, "n": 3, "h": 2}, {"m": 4, "n": 3, "h": 2}),
              layer=True, **DENSE)]

# --- algebra --------------------------------------------------------------------------------------

TWO = {"X": "m n", "W": "n k", "y": "m k"}


def mse(X, W, y):
    return np.mean((X @ W - y) ** 2)


def logistic(X, w, y):
    return np.mean(np.log(1 + np.exp(X @ w)) - y * (X @ w))


XWY = {"X": "m n", "w": "n", "y": "m"}
CASES += [
    row("algebra", "algebra: a factor of two", mse, lambda X, W, y: X.T @ (X @ W - y) / y.size,
        "W", "2 is due", **TWO),
    row("algebra", "algebra: the sign", mse, lambda X, W, y: 2 * X.T @ (y - X @ W) / y.size, "W",
        "turned", **TWO),
    row("algebra", "algebra: one part in a thousand", mse,
        lambda X, W, y: 2.002 * X.T @ (X @ W - y) / y.size, "W", "2", **TWO),
    row("algebra", "algebra: one part in ten million", mse,
        lambda X, W, y: 2.0000002 * X.T @ (X @ W - y) / y.size, "W", "2", digits=1e-9, **TWO),
    row("algebra", "algebra: 1e-12 apart", mse,
        lambda X, W, y: (2 + 2e-12) * X.T @ (X @ W - y) / y.size, "W", "2", digits=0,
        special=True, **TWO),
    row("algebra", "algebra: one entry of many", mse, lambda X, W, y: 2 * X.T @ (X @ W - y)
        / y.size + np.pad(np.ones((1, 1)) * 1e-3, ((0, X.shape[1] - 1), (0, y.shape[1] - 1))), "W",
        "1e-3 at [0, 0]", **TWO),
    row("algebra", "algebra: weight decay forgotten", lambda X, W, y: mse(X, W, y)
        + 0.1 * np.sum(W**2), lambda X, W, y: 2 * X.T @ (X @ W - y) / y.size, "W", "0.2 W", **TWO),
    row("algebra", "algebra: weight decay halved", lambda X, W, y: mse(X, W, y)
        + 0.1 * np.sum(W**2), lambda X, W, y: 2 * X.T @ (X @ W - y) / y.size + 0.1 * W, "W",
        "0.2 W", **TWO),
    row("algebra", "algebra: logistic without sigmoid", logistic,
        lambda X, w, y: X.T @ (X @ w - y) / len(y), "w", "σ(X w)", **XWY),
    row("algebra", "algebra: logistic, slope too many", logistic,
        lambda X, w, y: X.T @ ((sig(X @ w) - y) * sig(X @ w) * (1 - sig(X @ w))) / len(y), "w",
        "σ' cancels", **XWY),
    row("algebra", "algebra: quotient rule", lambda x: np.sum(x / (1 + x**2)),
        lambda x: 1 / (1 + x**2) + 2 * x**2 / (1 + x**2) ** 2, "x", "minus", x="n"),
    row("algebra", "algebra: chain of exponentials", lambda x: np.sum(np.exp(np.sin(x))),
        lambda x: np.exp(np.cos(x)), "x", "exp(sin) cos", x="n"),
    row("algebra", "algebra: product rule", lambda x: np.sum(x * np.exp(x)),
        lambda x: np.exp(x), "x", "(1 + x) exp", x="n"),
    row("algebra", "algebra: log of a norm", lambda x: np.log(np.sqrt(np.sum(x**2))),
        lambda x: x / np.sqrt(np.sum(x**2)), "x", "the square", x="n"),
    row("algebra", "algebra: variance as a mean of squares", lambda x: x.var(),
        lambda x: 2 * x / len(x), "x", "the mean is taken off", x="n"),
    row("algebra", "algebra: softmax by a vector", lambda z, c: soft(z) @ c,
        lambda z, c: soft(z) * c, "z", "p (c - p·c)", z="n", c="n"),
    row("algebra", "algebra: quadratic form of any matrix", lambda x, A: x @ A @ x,
        lambda x, A: 2 * A @ x, "x", "(A + Aᵀ) x", x="n", A="n n"),
    row("algebra", "algebra: text, a factor", lambda A, x: np.sum((A @ x) ** 2),
        lambda A, x: A.T @ (A @ x), "x", "2", checked=("L = sum((A @ x)**2)",
                                                       {"x": "A.T @ (A @ x)"}), A="m n", x="n"),
    row("algebra", "algebra: text, no transpose", lambda A, x: np.sum((A @ x) ** 2),
        lambda A, x: 2 * A @ (A @ x), "x", "Aᵀ", checked=("L = sum((A @ x)**2)",
                                                          {"x": "2*A @ (A @ x)"}), A="n n", x="n"),
    row("algebra", "algebra: text, the slope", lambda X, w: np.sum(np.tanh(X @ w)),
        lambda X, w: X.T @ (1 - np.tanh(X @ w)), "w", "squared",
        checked=("a = tanh(X @ w)\nL = sum(a)", {"w": "X.T @ (1 - a)"}), X="m n", w="n"),
]
