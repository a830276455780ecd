"""Right gradients of models, layers and norms in the styles of public code."""

from __future__ import annotations

import numpy as np
from redteam import wrong_models as slips
from redteam.case import row

rng = np.random.default_rng(21)


def sig(z):
    return 1.0 / (1.0 + np.exp(-z))


def soft(Z):
    e = np.exp(Z - np.max(Z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def soft_columns(Z):
    e = np.exp(Z - np.max(Z, axis=0, keepdims=True))
    return e / np.sum(e, axis=0, keepdims=True)


def normal(*shape, scale=1.0, seed=0):
    return scale * np.random.default_rng(seed).normal(size=shape)


def zero_one(*shape, seed=0):
    return (np.random.default_rng(seed).random(shape) > 0.5) * 1.0


# --- regressions ----------------------------------------------------------------------------------

XWY = {"X": "m n", "w": "n", "y": "m"}


def entropy(X, w, y):
    p = sig(X @ w)
    return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))


def entropy_back(X, w, y):
    return X.T @ (sig(X @ w) - y) / len(y)


def guarded(epsilon, how):
    def loss(X, w, y):
        p = sig(X @ w)
        if how == "clip":
            p = np.clip(p, epsilon, 1 - epsilon)
        if how == "add":
            return -np.mean(y * np.log(p + epsilon) + (1 - y) * np.log(1 - p + epsilon))
        if how == "max":
            return -np.mean(y * np.log(np.maximum(p, epsilon))
                            + (1 - y) * np.log(np.maximum(1 - p, epsilon)))
        return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))

    return loss


CASES = [row("logistic", f"logistic: {name}", entropy, entropy_back, "w",
             X=normal(20, 4, scale=scale, seed=seed), w=normal(4, seed=seed + 50),
             y=zero_one(20, seed=seed), digits=1e-5)
         for seed, (name, scale) in enumerate([
             ("X of 1", 1), ("X of 1, again", 1), ("X of 3", 3), ("X of 3, again", 3),
             ("X of 0.01", 0.01), ("X of 6", 6), ("X of 6, again", 6)])]
CASES += [row("logistic", f"logistic: whole numbers, {seed}", entropy, entropy_back, "w",
              X=np.random.default_rng(seed).integers(-3, 4, size=(6, 4)).astype(float),
              w=np.random.default_rng(seed + 9).integers(-2, 3, size=4).astype(float),
              y=zero_one(6, seed=seed), digits=1e-4) for seed in (3, 4, 5)]
CASES += [row("guards", f"guards: cross-entropy, {how} {epsilon:g}, {kind}",
              guarded(epsilon, how), entropy_back, "w", digits=max(1e-6, 100 * epsilon),
              at=({"m": 4, "n": 2},) if kind == "shapes" else (), **inputs)
          for how, epsilon in (("clip", 1e-7), ("clip", 1e-15), ("add", 1e-12), ("max", 1e-10))
          for kind, inputs in (("shapes", XWY), ("arrays", {
              "X": normal(9, 3, seed=8), "w": normal(3, seed=9), "y": zero_one(9, seed=8)}))]


def ridge(X, w, y, lam):
    return np.mean((X @ w - y) ** 2) + lam * w @ w


SCALES = [1e-6, 1e-3, 1.0, 1e3, 1e6]
CASES += [row("regression", f"regression: {name}", loss, gradient, "w", **inputs)
          for name, loss, gradient, inputs in [
    ("half squares", lambda X, w, y: np.sum((X @ w - y) ** 2) / 2,
     lambda X, w, y: X.T @ (X @ w - y), XWY),
    ("mean squares", lambda X, w, y: np.mean((X @ w - y) ** 2),
     lambda X, w, y: 2 / len(y) * X.T.dot(X.dot(w) - y), XWY),
    ("mean squares by norm", lambda X, w, y: np.linalg.norm(X @ w - y) ** 2 / len(y),
     lambda X, w, y: 2 / X.shape[0] * X.T @ (X @ w - y), XWY),
    ("by a loop over samples", lambda X, w, y: sum((X[i] @ w - y[i]) ** 2 for i in range(4)),
     lambda X, w, y: sum(2 * (X[i] @ w - y[i]) * X[i] for i in range(4)),
     {"X": "4 n", "w": "n", "y": "4"}),
    ("ridge", ridge, lambda X, w, y, lam: 2 * X.T @ (X @ w - y) / len(y) + 2 * lam * w,
     {**XWY, "lam": ""}),
    ("lasso", lambda X, w, y: np.sum((X @ w - y) ** 2) / 2 + 0.1 * np.sum(np.abs(w)),
     lambda X, w, y: X.T @ (X @ w - y) + 0.1 * np.sign(w), XWY),
    ("elastic net", lambda X, w, y: np.mean((X @ w - y) ** 2) / 2 + 0.1 * np.abs(w).sum()
     + 0.05 * (w**2).sum(), lambda X, w, y: X.T @ (X @ w - y) / len(y) + 0.1 * np.sign(w) + 0.1 * w,
     XWY),
    ("weighted", lambda X, w, y, c: np.sum(c * (X @ w - y) ** 2) / np.sum(c),
     lambda X, w, y, c: 2 * X.T @ (c * (X @ w - y)) / c.sum(), {**XWY, "c": "m|positive"}),
    ("huber", lambda X, w, y: np.sum(np.where(np.abs(X @ w - y) < 1, (X @ w - y) ** 2 / 2,
                                              np.abs(X @ w - y) - 0.5)),
     lambda X, w, y: X.T @ np.clip(X @ w - y, -1, 1), XWY),
    ("svm", lambda X, w, y: np.mean(np.maximum(0, 1 - y * (X @ w))) + 0.01 * w @ w,
     lambda X, w, y: -X.T @ (y * (y * (X @ w) < 1)) / len(y) + 0.02 * w, XWY),
    ("svm, given signs", lambda X, w, y: np.mean(np.maximum(0, 1 - y * (X @ w))) + 0.01 * w @ w,
     lambda X, w, y: -(X[y * (X @ w) < 1].T @ y[y * (X @ w) < 1]) / len(y) + 0.02 * w,
     {"X": normal(8, 3), "w": normal(3), "y": np.array([1.0, -1, 1, 1, -1, -1, 1, -1])}),
    ("perceptron", lambda X, w, y: np.sum(np.maximum(0, -y * (X @ w))),
     lambda X, w, y: -X.T @ (y * (y * (X @ w) < 0)), XWY),
    ("poisson", lambda X, w, y: np.mean(np.exp(X @ w) - y * (X @ w)),
     lambda X, w, y: X.T @ (np.exp(X @ w) - y) / len(y), XWY),
    ("poisson, counts", lambda X, w, y: np.mean(np.exp(X @ w) - y * (X @ w)),
     lambda X, w, y: X.T @ (np.exp(X @ w) - y) / len(y),
     {"X": normal(8, 3), "w": normal(3) / 3, "y": np.array([0.0, 1, 4, 2, 0, 3, 1, 9])}),
    ("gamma", lambda X, w, y: np.sum(y * np.exp(-X @ w) + X @ w),
     lambda X, w, y: X.T @ (1 - y * np.exp(-X @ w)), {**XWY, "y": "m|positive"}),
    ("probit by logistic", lambda X, w, y: np.sum(np.log(1 + np.exp(-1.702 * y * (X @ w)))),
     lambda X, w, y: -1.702 * X.T @ (y * sig(-1.702 * y * (X @ w))), XWY),
    ("quantile", lambda X, w, y: np.mean(np.maximum(0.3 * (y - X @ w), -0.7 * (y - X @ w))),
     lambda X, w, y: X.T @ np.where(y > X @ w, -0.3, 0.7) / len(y), XWY),
    ("logistic, labels of signs", lambda X, w, y: np.mean(np.log(1 + np.exp(-y * (X @ w)))),
     lambda X, w, y: X.T @ (sig(X @ w) - (y + 1) / 2) / len(y),
     {"X": normal(8, 3), "w": normal(3), "y": np.array([1.0, -1, 1, 1, -1, -1, 1, -1])}),
    ("years as data", lambda X, w, y: np.mean((X @ w - y) ** 2),
     lambda X, w, y: 2 * X.T @ (X @ w - y) / len(y),
     {"X": np.array([[1.0, 1950], [1, 1970], [1, 1999]]), "w": np.array([-40.0, 0.02]),
      "y": np.array([0.1, 0.4, 0.9])}),
    ("sparse", lambda X, w, y: np.sum((X @ w - y) ** 2), lambda X, w, y: 2 * X.T @ (X @ w - y),
     {"X": normal(6, 5) * (normal(6, 5, seed=1) > 1), "w": normal(5), "y": normal(6)}),
    ("adjacency", lambda A, w: np.sum((A @ w - w) ** 2), lambda A, w: 2 * (A - np.eye(4)) @ (
        A @ w - w), {"A": np.array([[0.0, 1, 0, 1], [1, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0]]),
                     "w": normal(4)}),
    ("a symmetric kernel", lambda w, K: w @ K @ w / 2, lambda w, K: K @ w,
     {"w": normal(4), "K": normal(4, 4) @ normal(4, 4).T}),
    ("a declared symmetric kernel", lambda w, K: w @ K @ w / 2, lambda w, K: K @ w,
     {"w": "n", "K": "n n|symmetric"}),
    ("a flat θ", lambda X, w, y: np.mean((X @ w[:-1] + w[-1] - y) ** 2),
     lambda X, w, y: 2 * np.append(X.T @ (X @ w[:-1] + w[-1] - y), (X @ w[:-1] + w[-1] - y).sum())
     / len(y), {"X": normal(6, 3), "w": normal(4), "y": normal(6)}),
    ("a flat θ by concatenate", lambda X, w, y: np.mean((X @ w[1:] + w[0] - y) ** 2),
     lambda X, w, y: 2 * np.concatenate([[np.sum(X @ w[1:] + w[0] - y)],
                                         X.T @ (X @ w[1:] + w[0] - y)]) / len(y),
     {"X": normal(6, 3), "w": normal(4), "y": normal(6)}),
    ("a flat θ, sizes", lambda X, w, y: np.mean((X @ w[:-1] + w[-1] - y) ** 2),
     lambda X, w, y: 2 * np.concatenate([X.T @ (X @ w[:-1] + w[-1] - y),
                                         np.sum(X @ w[:-1] + w[-1] - y, keepdims=True)]) / len(y),
     {"X": "m n", "w": "n+1", "y": "m"}),
    ("one column, transposed", lambda X, w, y: np.mean((X.dot(w) - y) ** 2),
     lambda X, w, y: 2 * X.T.dot(X.dot(w) - y) / X.shape[0], {"X": "m n", "w": "n 1", "y": "m 1"}),
    ("as columns", lambda X, w, y: np.mean((w @ X - y) ** 2),
     lambda X, w, y: 2 * (w @ X - y) @ X.T / X.shape[1], {"X": "n m", "w": "1 n", "y": "1 m"}),
]]
CASES += [row("scales", f"scales: squares of {scale:g}", lambda X, w, y: np.mean((X @ w - y) ** 2),
              lambda X, w, y: 2 * X.T @ (X @ w - y) / len(y), "w", X=normal(7, 3, scale=scale),
              w=normal(3), y=normal(7, scale=scale, seed=1)) for scale in SCALES]
CASES += [row("scales", f"scales: a tanh net of {scale:g}", lambda X, W, v, s: np.sum(
    np.tanh(X @ W / s) @ v), lambda X, W, v, s: X.T @ ((1 - np.tanh(X @ W / s) ** 2) * v) / s,
    "W", s=scale, X=normal(5, 3, scale=scale), W=normal(3, 2), v=normal(2)) for scale in SCALES]

# --- networks -------------------------------------------------------------------------------------


def rows_net(act, slope, out, delta, loss):
    """A two-layer network by rows, its gradients by name."""
    def total(X, Y, W1, b1, W2, b2):
        return loss(out(act(X @ W1 + b1) @ W2 + b2), Y)

    def gradients(X, Y, W1, b1, W2, b2):
        Z1 = X @ W1 + b1
        A1 = act(Z1)
        A2 = out(A1 @ W2 + b2)
        dZ2 = delta(A2, Y)
        dZ1 = dZ2 @ W2.T * slope(Z1, A1)
        return {"W1": X.T @ dZ1, "b1": dZ1.sum(axis=0), "W2": A1.T @ dZ2, "b2": dZ2.sum(axis=0)}

    return total, gradients


def columns_net(act, slope, out, delta, loss):
    def total(X, Y, W1, b1, W2, b2):
        return loss(out(W2 @ act(W1 @ X + b1) + b2), Y)

    def gradients(X, Y, W1, b1, W2, b2):
        Z1 = np.dot(W1, X) + b1
        A1 = act(Z1)
        A2 = out(np.dot(W2, A1) + b2)
        dZ2 = delta(A2, Y)
        dZ1 = np.dot(W2.T, dZ2) * slope(Z1, A1)
        return {"dW1": np.dot(dZ1, X.T), "db1": np.sum(dZ1, axis=1, keepdims=True),
                "dW2": np.dot(dZ2, A1.T), "db2": np.sum(dZ2, axis=1, keepdims=True)}

    return total, gradients


ROWS = {"X": "m n", "Y": "m k", "W1": "n h", "b1": "h", "W2": "h k", "b2": "k"}
COLUMNS = {"X": "n m", "Y": "k m", "W1": "h n", "b1": "h 1", "W2": "k h", "b2": "k 1"}
GIVEN = {"X": normal(6, 3), "Y": normal(6, 2, seed=2), "W1": normal(3, 4, seed=3),
         "b1": normal(4, seed=4), "W2": normal(4, 2, seed=5), "b2": normal(2, seed=6)}
ACTS = {
    "sigmoid": (sig, lambda Z, A: A * (1 - A)), "tanh": (np.tanh, lambda Z, A: 1 - A**2),
    "relu": (lambda Z: np.maximum(0, Z), lambda Z, A: (Z > 0) * 1.0),
    "leaky": (lambda Z: np.where(Z > 0, Z, 0.01 * Z), lambda Z, A: np.where(Z > 0, 1, 0.01)),
    "softplus": (lambda Z: np.log(1 + np.exp(Z)), lambda Z, A: sig(Z)),
    "square": (lambda Z: Z**2, lambda Z, A: 2 * Z),
}
HALF = (lambda Z: Z, lambda A, Y: A - Y, lambda A, Y: np.sum((A - Y) ** 2) / 2)
MEAN = (lambda Z: Z, lambda A, Y: 2 * (A - Y) / A.size, lambda A, Y: np.mean((A - Y) ** 2))
SIGMOID = (sig, lambda A, Y: (A - Y) * A * (1 - A), lambda A, Y: 0.5 * np.sum((Y - A) ** 2))
ENTROPY = (sig, lambda A, Y: (A - Y) / len(Y),
           lambda A, Y: -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / len(Y))
SOFTMAX = (soft, lambda A, Y: (A - Y) / len(Y), lambda A, Y: -np.sum(Y * np.log(A)) / len(Y))
ENTROPY_COLUMNS = (sig, lambda A, Y: (A - Y) / Y.shape[1],
                   lambda A, Y: -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / Y.shape[1])
SOFTMAX_COLUMNS = (soft_columns, lambda A, Y: (A - Y) / Y.shape[1],
                   lambda A, Y: -np.sum(Y * np.log(A)) / Y.shape[1])
WEIGHTS = "W1 b1 W2 b2"


def network(name, build, act, ending, inputs, **rest):
    loss, gradient = build(*ACTS[act], *ending)
    return row("networks", f"networks: {name}, {act}", loss, gradient, WEIGHTS, **inputs, **rest)


ONE_HOT = {**ROWS, "Y": "m k|one_hot"}
CASES += [network("rows, half squares", rows_net, act, HALF, ROWS) for act in ACTS]
CASES += [network("columns, half squares", columns_net, act, HALF, COLUMNS) for act in ACTS]
CASES += [network("rows, mean squares, arrays", rows_net, act, MEAN, GIVEN) for act in ACTS]
CASES += [network("rows, sigmoid output", rows_net, act, SIGMOID, ROWS)
          for act in ("sigmoid", "tanh", "relu")]
CASES += [network("rows, cross-entropy", rows_net, act, ENTROPY, {**ROWS, "Y": "m k|mask"})
          for act in ("sigmoid", "tanh", "relu")]
CASES += [network("rows, softmax", rows_net, act, SOFTMAX, ONE_HOT)
          for act in ("sigmoid", "tanh", "relu")]
CASES += [network("columns, cross-entropy", columns_net, act, ENTROPY_COLUMNS,
                  {**COLUMNS, "Y": "k m|mask"}) for act in ("tanh", "relu")]
CASES += [network("columns, softmax, arrays", columns_net, "tanh", SOFTMAX_COLUMNS, {
    "X": normal(3, 6), "Y": np.eye(2)[[0, 1, 1, 0, 1, 0]].T, "W1": normal(4, 3, seed=3),
    "b1": normal(4, 1, seed=4), "W2": normal(2, 4, seed=5), "b2": normal(2, 1, seed=6)})]
CASES += [network("rows, softmax, arrays", rows_net, "relu", SOFTMAX, {
    **GIVEN, "Y": np.eye(2)[[0, 1, 1, 0, 1, 0]]})]
CASES += [network("zero biases, arrays", rows_net, "tanh", HALF, {
    **GIVEN, "b1": np.zeros(4), "b2": np.zeros(2)})]
CASES += [network("float32 arrays", rows_net, "tanh", HALF, {
    name: a.astype(np.float32) for name, a in GIVEN.items()}, digits=1e-3)]


def tanh_deep(depth):
    def forward(x, Ws):
        A = [x]
        for W in Ws:
            A.append(np.tanh(A[-1] @ W))
        return A

    def loss(x, **Ws):
        return np.sum(forward(x, Ws.values())[-1] ** 2) / 2

    def gradient(x, **Ws):
        A, names = forward(x, Ws.values()), list(Ws)
        d, found = A[-1], {}
        for i in reversed(range(depth)):
            d = d * (1 - A[i + 1] ** 2)
            found[names[i]] = A[i].T @ d
            d = d @ Ws[names[i]].T
        return found

    names = [f"W{i}" for i in range(1, depth + 1)]
    made: dict = {}
    text = (f"def loss(x, {', '.join(names)}):\n    return inner(x, "
            f"{', '.join(f'{n}={n}' for n in names)})\n")
    exec(text, {"inner": loss}, made)  # the signature that a user would write out
    exec(text.replace("loss", "gradient"), {"inner": gradient}, made)
    return made["loss"], made["gradient"], {
        "x": normal(5, 4), **{n: normal(4, 4, seed=i) / 1.5 for i, n in enumerate(names)}}


for depth in (3, 6, 12):
    deep_loss, deep_gradient, deep_inputs = tanh_deep(depth)
    CASES.append(row("networks", f"networks: {depth} tanh layers of arrays", deep_loss,
                     deep_gradient, " ".join(n for n in deep_inputs if n != "x"), **deep_inputs))

# --- softmax, labels, embeddings ------------------------------------------------------------------


def log_soft(Z):
    Z = Z - Z.max(axis=1, keepdims=True)
    return Z - np.log(np.exp(Z).sum(axis=1, keepdims=True))


def add_at(E, i, C):
    d = np.zeros_like(E)
    np.add.at(d, i, C)
    return d


def eye_less(Z, y):
    return (soft(Z) - np.eye(Z.shape[1])[y]) / len(y)


CASES += [row("labels", f"labels: {name}", loss, gradient, wrt, **inputs)
          for name, loss, gradient, wrt, inputs in [
    ("cross-entropy in place", slips.picked, slips.picked_back(), "Z", slips.ZY),
    ("cross-entropy by eye", slips.picked, eye_less, "Z", slips.ZY),
    ("log softmax", lambda Z, y: -np.mean(log_soft(Z)[np.arange(len(y)), y]), eye_less, "Z",
     slips.ZY),
    ("cross-entropy, given", slips.picked, slips.picked_back(), "Z",
     {"Z": normal(5, 3, scale=4), "y": np.array([0, 2, 1, 1, 0])}),
    ("one-hot", lambda Z, Y: -np.sum(Y * np.log(soft(Z))), lambda Z, Y: soft(Z) - Y, "Z",
     {"Z": "m k", "Y": "m k|one_hot"}),
    ("soft targets", lambda Z, Y: -np.sum(Y * np.log(soft(Z))), lambda Z, Y: soft(Z) - Y, "Z",
     {"Z": "m k", "Y": "m k|probability"}),
    ("free targets", lambda Z, Y: -np.sum(Y * np.log(soft(Z))),
     lambda Z, Y: soft(Z) * Y.sum(axis=1, keepdims=True) - Y, "Z", {"Z": "m k", "Y": "m k"}),
    ("one-hot, with an epsilon", lambda Z, Y: -np.sum(Y * np.log(soft(Z) + 1e-12)),
     lambda Z, Y: soft(Z) - Y, "Z", {"Z": "m k", "Y": "m k|one_hot"}),
    ("confident", lambda Z, Y: -np.sum(Y * np.log(soft(Z))), lambda Z, Y: soft(Z) - Y, "Z",
     {"Z": np.array([[50.0, 0, -50], [0, 30, 3]]), "Y": np.array([[1.0, 0, 0], [0, 1, 0]])}),
    ("embedding", slips.embedded, add_at, "E", slips.TABLE),
    ("embedding, fifty", slips.embedded, add_at, "E", slips.LONG),
    ("embedding, repeated", slips.embedded, add_at, "E", slips.REPEATED),
    ("embedding by one-hot", slips.embedded, lambda E, i, C: np.eye(len(E))[i].T @ C, "E",
     slips.TABLE),
    ("class weights", lambda Z, y, c: np.sum(Z[np.arange(len(y)), y] * c[y]),
     lambda Z, y, c: np.eye(Z.shape[1])[y] * c[y][:, None], "Z", {**slips.ZY, "c": "k"}),
    ("a multiclass hinge", lambda Z, Y: np.sum(np.maximum(0, Z - np.sum(
        Z * Y, axis=1, keepdims=True) + 1) * (1 - Y)),
     lambda Z, Y: (lambda on: on - Y * on.sum(axis=1, keepdims=True))(
         ((Z - np.sum(Z * Y, axis=1, keepdims=True) + 1) > 0) * (1 - Y)), "Z",
     {"Z": "m k", "Y": "m k|one_hot"}),
    ("smoothed", lambda Z, Y: -np.mean(np.sum((0.9 * Y + 0.1 / 3) * log_soft(Z), axis=1)),
     lambda Z, Y: (soft(Z) - 0.9 * Y - 0.1 / 3) / len(Z), "Z", {"Z": "m 3", "Y": "m 3|one_hot"}),
    ("temperature", lambda Z, Y: -np.sum(Y * np.log(soft(Z / 4))), lambda Z, Y: (soft(Z / 4) - Y)
     / 4, "Z", {"Z": "m k", "Y": "m k|probability"}),
]]

# --- norms, factorisations, kernels, attention, recurrences ---------------------------------------


def layer_norm(x, U):
    mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    return np.sum(U * (x - mean) / np.sqrt(var + 1e-5))


def layer_norm_back(x, U):
    s = np.sqrt(x.var(axis=1, keepdims=True) + 1e-5)
    h, n = (x - x.mean(axis=1, keepdims=True)) / s, x.shape[1]
    return (U - U.sum(axis=1, keepdims=True) / n
            - h * (U * h).sum(axis=1, keepdims=True) / n) / s


def batch_norm_back(x, U):
    s = np.sqrt(x.var(axis=0) + 1e-5)
    h, m = (x - x.mean(axis=0)) / s, len(x)
    return (m * U - U.sum(axis=0) - h * np.sum(U * h, axis=0)) / (m * s)


def attention(Q, K, V, C):
    return np.sum(soft(Q @ K.T / np.sqrt(Q.shape[1])) @ V * C)


def attention_back(Q, K, V, C):
    r = np.sqrt(Q.shape[1])
    P = soft(Q @ K.T / r)
    dP = C @ V.T
    dS = P * (dP - np.sum(P * dP, axis=1, keepdims=True))
    return {"Q": dS @ K / r, "K": dS.T @ Q / r, "V": P.T @ C}


def rbf(X, Z, a):
    d = (X**2).sum(axis=1)[:, None] + (Z**2).sum(axis=1)[None, :] - 2 * X @ Z.T
    return np.sum(a * np.exp(-d / 2))


def rbf_back(X, Z, a):
    d = (X**2).sum(axis=1)[:, None] + (Z**2).sum(axis=1)[None, :] - 2 * X @ Z.T
    G = a * np.exp(-d / 2)
    return {"X": G @ Z - G.sum(axis=1)[:, None] * X}


def lstm(x, W, U, b):
    h = c = np.zeros(U.shape[0])
    n = U.shape[0]
    for t in range(2):
        z = x[t] @ W + h @ U + b
        i, f, o, g = sig(z[:n]), sig(z[n:2 * n]), sig(z[2 * n:3 * n]), np.tanh(z[3 * n:])
        c = f * c + i * g
        h = o * np.tanh(c)
    return np.sum(h**2) / 2


def lstm_back(x, W, U, b):
    n, kept = U.shape[0], []
    h = c = np.zeros(n)
    for t in range(2):
        z = x[t] @ W + h @ U + b
        i, f, o, g = sig(z[:n]), sig(z[n:2 * n]), sig(z[2 * n:3 * n]), np.tanh(z[3 * n:])
        kept.append((h, c, i, f, o, g, f * c + i * g))
        c = f * c + i * g
        h = o * np.tanh(c)
    dh, dc = h, np.zeros(n)
    dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros_like(b)
    for t in (1, 0):
        h0, c0, i, f, o, g, c1 = kept[t]
        dc = dc + dh * o * (1 - np.tanh(c1) ** 2)
        dz = np.concatenate([dc * g * i * (1 - i), dc * c0 * f * (1 - f),
                             dh * np.tanh(c1) * o * (1 - o), dc * i * (1 - g**2)])
        dW, dU, db = dW + np.outer(x[t], dz), dU + np.outer(h0, dz), db + dz
        dh, dc = U @ dz, dc * f
    return {"W": dW, "U": dU, "b": db}


def gru_free(x, W, U):
    h = np.zeros(U.shape[0])
    for t in range(3):
        u = sig(x[t] @ W)
        h = u * h + (1 - u) * np.tanh(h @ U + x[t] @ W)
    return np.sum(h)


CASES += [row("models", f"models: {name}", loss, gradient, wrt, **inputs)
          for name, loss, gradient, wrt, inputs in [
    ("layer norm", layer_norm, layer_norm_back, "x", {"x": "m n", "U": "m n"}),
    ("layer norm, arrays", layer_norm, layer_norm_back, "x", {"x": normal(4, 6), "U": normal(
        4, 6, seed=1)}),
    ("batch norm", lambda x, U: np.sum(U * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)),
     batch_norm_back, "x", {"x": "m n", "U": "m n"}),
    ("standardised by std", lambda x, U: np.sum(U * (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-8)),
     lambda x, U: (lambda s, c: (U - U.mean(axis=0)) / (s + 1e-8) - c * np.sum(
         U * c, axis=0) / (len(x) * s * (s + 1e-8) ** 2))(x.std(axis=0), x - x.mean(axis=0)), "x",
     {"x": normal(5, 3), "U": normal(5, 3, seed=1)}),
    ("a unit vector", lambda x, u: u @ x / np.sqrt(x @ x),
     lambda x, u: u / np.sqrt(x @ x) - x * (u @ x) / (x @ x) ** 1.5, "x", {"x": "n", "u": "n"}),
    ("a unit vector by norm", lambda x, u: u @ (x / np.linalg.norm(x)),
     lambda x, u: (u - (u @ x) * x / (x @ x)) / np.linalg.norm(x), "x", {"x": "n", "u": "n"}),
    ("cosine", lambda x, y: x @ y / (np.linalg.norm(x) * np.linalg.norm(y)),
     lambda x, y: y / (np.linalg.norm(x) * np.linalg.norm(y)) - x * (x @ y) / (
         np.linalg.norm(x) ** 3 * np.linalg.norm(y)), "x", {"x": "n", "y": "n"}),
    ("RMS norm", lambda x, u: np.sum(u * x / np.sqrt(np.mean(x**2) + 1e-6)),
     lambda x, u: (lambda r: u / r - x * (u @ x) / (len(x) * r**3))(
         np.sqrt(np.mean(x**2) + 1e-6)), "x", {"x": "n", "u": "n"}),
    ("Euclidean norm", lambda x: np.linalg.norm(x), lambda x: x / np.linalg.norm(x), "x",
     {"x": "n"}),
    ("p-norm", lambda x: np.sum(np.abs(x) ** 3) ** (1 / 3),
     lambda x: np.abs(x) * x * np.sum(np.abs(x) ** 3) ** (-2 / 3), "x", {"x": "n"}),
    ("Frobenius", lambda A: np.sqrt(np.sum(A * A)), lambda A: A / np.sqrt(np.sum(A * A)), "A",
     {"A": "m n"}),
    ("group lasso", lambda W: np.sum(np.sqrt(np.sum(W**2, axis=1))),
     lambda W: W / np.sqrt(np.sum(W**2, axis=1, keepdims=True)), "W", {"W": "m n"}),
    ("a variance", lambda x: np.var(x), lambda x: 2 * (x - x.mean()) / len(x), "x", {"x": "n"}),
    ("a deviation", lambda x: np.std(x), lambda x: (x - x.mean()) / (len(x) * np.std(x)), "x",
     {"x": "n"}),
    ("total variation, squared", lambda x: np.sum((x[1:] - x[:-1]) ** 2),
     lambda x: 2 * np.concatenate([[x[0] - x[1]], 2 * x[1:-1] - x[:-2] - x[2:], [x[-1] - x[-2]]]),
     "x", {"x": normal(6)}),
    ("Rosenbrock", lambda x: np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2),
     lambda x: np.concatenate([-400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1]), [0.0]])
     + np.concatenate([[0.0], 200 * (x[1:] - x[:-1] ** 2)]), "x", {"x": normal(5)}),
    ("matrix factorisation", lambda U, V, R: np.sum((R - U @ V.T) ** 2) / 2,
     lambda U, V, R: {"U": -(R - U @ V.T) @ V, "V": -(R - U @ V.T).T @ U}, "U V",
     {"U": "m k", "V": "n k", "R": "m n"}),
    ("masked factorisation", lambda U, V, R, M: np.sum(M * (R - U @ V.T) ** 2) + 0.1 * (
        np.sum(U**2) + np.sum(V**2)), lambda U, V, R, M: {
        "U": -2 * (M * (R - U @ V.T)) @ V + 0.2 * U, "V": -2 * (M * (R - U @ V.T)).T @ U + 0.2 * V},
     "U V", {"U": "m k", "V": "n k", "R": "m n", "M": "m n|mask"}),
    ("ratings, nought unrated", lambda U, V, R: np.sum((R != 0) * (R - U @ V.T) ** 2),
     lambda U, V, R: {"U": -2 * ((R != 0) * (R - U @ V.T)) @ V}, "U",
     {"U": normal(4, 2), "V": normal(3, 2, seed=1),
      "R": np.array([[0.0, 2, 0], [1, 0, 3], [0, 0, 1], [2, 1, 0]])}),
    ("nonnegative, KL", lambda W, H, V: np.sum(W @ H - V * np.log(W @ H)),
     lambda W, H, V: {"W": (1 - V / (W @ H)) @ H.T}, "W",
     {"W": "m k|positive", "H": "k n|positive", "V": "m n|positive"}),
    ("autoencoder, tied", lambda X, W: np.sum((np.tanh(X @ W) @ W.T - X) ** 2) / 2,
     lambda X, W: (lambda H: (lambda E: E.T @ H + X.T @ ((E @ W) * (1 - H**2)))(H @ W.T - X))(
         np.tanh(X @ W)), "W", {"X": "m n", "W": "n k"}),
    ("word2vec", lambda u, v, N: -np.log(sig(u @ v)) - np.sum(np.log(sig(-N @ v))),
     lambda u, v, N: {"v": (sig(u @ v) - 1) * u + N.T @ sig(N @ v), "u": (sig(u @ v) - 1) * v},
     "u v", {"u": "d", "v": "d", "N": "k d"}),
    ("triplet", lambda a, p, n: np.maximum(0, np.sum((a - p) ** 2) - np.sum((a - n) ** 2) + 1),
     lambda a, p, n: 2 * (n - p) * (np.sum((a - p) ** 2) - np.sum((a - n) ** 2) + 1 > 0), "a",
     {"a": "d", "p": "d", "n": "d"}),
    ("contrastive", lambda d, y: np.mean(y * d**2 + (1 - y) * np.maximum(0, 1 - d) ** 2) / 2,
     lambda d, y: (y * d - (1 - y) * np.maximum(0, 1 - d)) / len(d), "d",
     {"d": "m", "y": "m|mask"}),
    ("attention", attention, attention_back, "Q K V",
     {"Q": "m d", "K": "n d", "V": "n h", "C": "m h"}),
    ("additive attention", lambda v, Q, K: np.log(np.sum(np.exp(np.tanh(Q + K) @ v))),
     lambda v, Q, K: np.tanh(Q + K).T @ soft(np.tanh(Q + K) @ v), "v",
     {"v": "d", "Q": "m d", "K": "m d"}),
    ("RBF kernel", rbf, rbf_back, "X", {"X": "m d", "Z": "n d", "a": "m n"}),
    ("k-means", lambda X, M, R: np.sum(R * ((X[:, None, :] - M[None]) ** 2).sum(axis=2)),
     lambda X, M, R: 2 * (R.sum(axis=0)[:, None] * M - R.T @ X), "M",
     {"X": "m d", "M": "k d", "R": "m k|one_hot"}),
    ("log-sum-exp", lambda z: np.log(np.sum(np.exp(z))), lambda z: soft(z), "z", {"z": "n"}),
    ("log-sum-exp, shifted", lambda z: z.max() + np.log(np.sum(np.exp(z - z.max()))),
     lambda z: soft(z), "z", {"z": "n"}),
    ("mixture", lambda a, p: -np.log(np.sum(soft(a) * p)),
     lambda a, p: soft(a) - soft(a) * p / np.sum(soft(a) * p), "a", {"a": "k", "p": "k|positive"}),
    ("KL of Gaussians", lambda mu, v: -0.5 * np.sum(1 + v - mu**2 - np.exp(v)),
     lambda mu, v: {"mu": mu, "v": 0.5 * (np.exp(v) - 1)}, "mu v", {"mu": "m n", "v": "m n"}),
    ("reparametrised", lambda mu, v, e: np.sum((mu + np.exp(v / 2) * e) ** 2),
     lambda mu, v, e: {"mu": 2 * (mu + np.exp(v / 2) * e), "v": (mu + np.exp(v / 2) * e)
                       * np.exp(v / 2) * e}, "mu v", {"mu": "n", "v": "n", "e": "n"}),
    ("policy gradient", lambda Z, Y, G: -np.sum(G * np.sum(Y * np.log(soft(Z)), axis=1)),
     lambda Z, Y, G: G[:, None] * (soft(Z) - Y), "Z", {"Z": "m k", "Y": "m k|one_hot", "G": "m"}),
    ("PPO", lambda r, A: -np.mean(np.minimum(r * A, np.clip(r, 0.8, 1.2) * A)),
     lambda r, A: -np.where(A > 0, (r < 1.2) * A, (r > 0.8) * A) / len(r), "r",
     {"r": np.array([0.7, 0.9, 1.1, 1.3, 0.6]), "A": np.array([1.0, -1, 2, 0.5, -0.3])}),
    ("entropy bonus", lambda Z: np.sum(soft(Z) * np.log(soft(Z))),
     lambda Z: soft(Z) * (np.log(soft(Z)) - np.sum(soft(Z) * np.log(soft(Z)), axis=1,
                                                   keepdims=True)), "Z", {"Z": "m k"}),
    ("dropout", lambda x, M: np.sum((x * M / 0.8) ** 2), lambda x, M: 2 * x * M / 0.64, "x",
     {"x": "m n", "M": "m n|mask"}),
    ("recurrence", slips.run, slips.RIGHT_STEPS, "W U h0", slips.STEPS),
    ("LSTM of two steps", lstm, lstm_back, "W U b", {"x": normal(2, 2), "W": normal(2, 8) / 2,
                                                     "U": normal(2, 8, seed=1) / 2,
                                                     "b": normal(8, seed=2)}),
    ("a convolution by hand", lambda x, w: np.sum(np.stack([x[i:i + 3] @ w for i in range(4)]) ** 2)
     / 2, lambda x, w: sum((x[i:i + 3] @ w) * x[i:i + 3] for i in range(4)), "w",
     {"x": "6", "w": "3"}),
    ("a two by two pool", lambda x, C: np.sum(x.reshape(len(x), 2, 2, 2, 2).mean(axis=(2, 4)) * C),
     lambda x, C: np.repeat(np.repeat(C, 2, axis=1), 2, axis=2) / 4, "x",
     {"x": "m 4 4", "C": "m 2 2"}),
    ("bilinear", lambda x, W, y: np.tanh(x @ W @ y), lambda x, W, y: (1 - np.tanh(x @ W @ y) ** 2)
     * np.outer(x, y), "W", {"x": "m", "W": "m n", "y": "n"}),
    ("factorisation machine", lambda x, V: ((x @ V) ** 2 - (x**2) @ (V**2)).sum() / 2,
     lambda x, V: np.outer(x, x @ V) - V * (x**2)[:, None], "V", {"x": "n", "V": "n k"}),
    ("Gaussian process, given inverse", lambda y, K: y @ K @ y, lambda y, K: (K + K.T) @ y, "y",
     {"y": "n", "K": "n n"}),
    ("Laplacian", lambda f, A: f @ (np.diag(A.sum(axis=1)) - A) @ f,
     lambda f, A: 2 * (np.diag(A.sum(axis=1)) - A) @ f, "f",
     {"f": normal(4), "A": np.array([[0.0, 1, 0, 2], [1, 0, 3, 0], [0, 3, 0, 0], [2, 0, 0, 0]])}),
    ("Hopfield", lambda s, W: -0.5 * s @ W @ s, lambda s, W: -W @ s, "s",
     {"s": np.array([1.0, -1, 1, 1]), "W": normal(4, 4) + normal(4, 4).T}),
    ("a loss by ndarray methods", lambda X, w: X.dot(w).clip(-5, 5).sum(),
     lambda X, w: X.T.dot((np.abs(X.dot(w)) < 5).astype(float)), "w", {"X": "m n", "w": "n"}),
    ("einsum", lambda A, B, C: np.einsum("ij,jk,ki->", A, B, C), lambda A, B, C: (B @ C).T, "A",
     {"A": "m n", "B": "n k", "C": "k m"}),
    ("parameters in a dict", lambda X, p: np.sum(np.tanh(X @ p["W"] + p["b"])), lambda X, p: {
        "W": X.T @ (1 - np.tanh(X @ p["W"] + p["b"]) ** 2)}, "W",
     {"X": "m n", "p": {"W": "n h", "b": "h"}}),
]]

# --- layers ---------------------------------------------------------------------------------------


def dense_back(dout, cache):
    x, W, a = cache
    d = dout * (1 - a**2)
    return d @ W.T, x.T @ d, d.sum(axis=0)


def normalised_back(dout, cache):
    hat, std, gamma = cache
    d = dout * gamma
    dx = (d - d.mean(axis=1, keepdims=True) - hat * (d * hat).mean(axis=1, keepdims=True)) / std
    return dx, np.sum(dout * hat, axis=0)


def attended_back(dout, cache):
    q, k, v, p = cache
    dp = dout @ v.T
    ds = p * (dp - (p * dp).sum(axis=1, keepdims=True))
    return ds @ k, ds.T @ q, p.T @ dout


class Relu:
    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout[self.mask] = 0
        return dout


class Sigmoid:
    def __init__(self):
        self.out = None

    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, dout):
        return dout * (1.0 - self.out) * self.out


class Softmax:
    def forward(self, x):
        self.p = soft(x)
        return self.p

    def backward(self, dout):
        return self.p * (dout - np.sum(dout * self.p, axis=1, keepdims=True))


class Drawn:
    """Draws what the caller then sets, as nearly every layer class does."""

    def __init__(self, W, b):
        self.W = 0.01 * np.random.randn(*W.shape)
        self.b = np.zeros(b.shape)
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return np.dot(x, self.W) + self.b

    def backward(self, dout):
        self.dW, self.db = np.dot(self.x.T, dout), np.sum(dout, axis=0)
        return np.dot(dout, self.W.T)


CASES += [row("layers", f"layers: {name}", None, layer, wrt, layer=True, **inputs)
          for name, layer, wrt, inputs in [
    ("affine", slips.Affine, "x W b", slips.DENSE), ("affine, drawn first", Drawn, "x W b",
                                                     slips.DENSE),
    ("relu in place", Relu, "x", {"x": "m n"}), ("sigmoid", Sigmoid, "x", {"x": "m n"}),
    ("softmax", Softmax, "x", {"x": "m n"}),
    ("functions: dense", (slips.dense, dense_back), "x W b", slips.DENSE),
    ("functions: layer norm", (slips.normalised, normalised_back), "x gamma",
     {"x": "m n", "gamma": "n"}),
    ("functions: attention", (slips.attended, attended_back), "q k v",
     {"q": "m d", "k": "n d", "v": "n h"}),
]]
