"""Programs that train, in the styles that students have beside a plain loop: what is to be found.

A case is a program's parts with slips in their places; the same program is right without them.
"""

from tables.programs import Case

LINE = """\
import numpy as np
rng = np.random.default_rng(0)
X, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 1))
W, b = rng.normal(size=(3, 1)), np.zeros((1, 1))
lr, wd = 0.1, 0.01
m = X.shape[0]

for i in range(50):
    r = X @ W + b - y
    loss = np.mean(r ** 2)
    dW = 2 * X.T @ r / m
    db = 2 * np.mean(r, axis=0, keepdims=True)
    W -= lr * dW
    b -= lr * db
"""
"""A straight line's fit, on which styles are tried."""

STEPS = "    W -= lr * dW\n    b -= lr * db\n"
BOTH = {"W": "proved", "b": "proved"}
FIRST = {"W": "refuted", "b": "proved"}
LAST = {"W": "proved", "b": "refuted"}


def before_the_steps(text: str) -> tuple[str, str]:
    return STEPS, text + STEPS


CLIPS = {
    "in_place": "    for g in (dW, db):\n        np.clip(g, -0.1, 0.1, out=g)\n",
    "anew": "    dW = np.clip(dW, -0.1, 0.1)\n    db = np.clip(db, -0.1, 0.1)\n",
    "by_norm": "    n = np.sqrt(np.sum(dW ** 2) + np.sum(db ** 2))\n    if n > 0.01:\n"
               "        dW *= 0.01 / n\n        db *= 0.01 / n\n",
}
"""How gradients are made shorter before they are used, which is the optimiser's."""

TUPLES = ("    dW = 2 * X.T @ r / m\n    db = 2 * np.mean(r, axis=0, keepdims=True)\n" + STEPS,
          "    dW, db = 2 * X.T @ r / m, 2 * np.mean(r, axis=0, keepdims=True)\n"
          "    W, b = W - lr * dW, b - lr * db\n")

SAMPLES = """\
import numpy as np
rng = np.random.default_rng(0)
X, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 1))
W, b = rng.normal(size=(3, 1)), np.zeros((1, 1))

def predict(X):
    return X @ W + b

def mse_loss(y, p):
    return np.mean((y - p) ** 2)

for e in range(5):
    for i in range(len(X)):
        x, t = X[i:i + 1], y[i:i + 1]
        r = predict(x) - t
        dW = 2 * x.T @ r
        db = 2 * r
        W -= 0.1 * dW
        b -= 0.1 * db
    loss = mse_loss(y, predict(X))
    print(e, loss)
"""

DATACLASS = """\
from __future__ import annotations
from dataclasses import dataclass, field
import numpy as np

@dataclass
class Net:
    n: int = 3
    W: np.ndarray = field(init=False)

    def __post_init__(self):
        self.W = np.random.default_rng(0).normal(size=self.n)

    def loss(self, X, y):
        return np.sum((X @ self.W - y) ** 2)

    def fit(self, X, y, n=10):
        for _ in range(n):
            self.W = self.W - 1e-3 * (2 * X.T @ (X @ self.W - y))
        return self

X = np.random.default_rng(1).normal(size=(8, 3))
Net().fit(X, X @ [1, 2, 3.])
"""

SAMPLED = """\
import numpy as np
rng = np.random.default_rng(0)
X, y, m = rng.normal(size=(6, 3)), rng.normal(size=(6, 1)), 6
W, b = rng.normal(size=(3, 1)), np.zeros((1, 1))

for epoch in range(50):
    dW, db, loss = np.zeros_like(W), np.zeros_like(b), 0.0
    for k in range(m):
        r = X[k:k + 1] @ W + b - y[k:k + 1]
        loss += r[0, 0] ** 2
        dW += 2 * X[k:k + 1].T @ r
        db += 2 * r
    W -= 0.1 * dW / m
    b -= 0.1 * db / m
    print(epoch, loss)
"""
"""A sum over samples, with the loss in the same loop."""

WITHIN = """\
import numpy as np
rng = np.random.default_rng(0)
X, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 1))

def train(W, b):
    m = X.shape[0]
    def forward():
        return X @ W + b
    cost = lambda out: np.mean((out - y) ** 2)
    for epoch in range(50):
        out = forward()
        J = cost(out)
        d = 2 * (out - y) / m
        dW = X.T @ d
        db = d.sum(0, keepdims=True)
        W -= 0.1 * dW
        b -= 0.1 * db

train(rng.normal(size=(3, 1)), np.zeros((1, 1)))
"""
"""Functions of the training function, which read its variables."""

OUTSIDE = """\
import numpy as np
rng = np.random.default_rng(0)
X = rng.normal(size=(9, 2))
y, w = X @ [1, -1], np.zeros(2)

def forward():
    global out
    out = X @ w

def backward():
    global gw
    gw = X.T @ (out - y) / len(y)

def update(lr):
    global w
    w = w - lr * gw

def loss():
    return np.mean((out - y) ** 2) / 2

for i in range(50):
    forward(); backward(); update(0.1)
    print(loss())
"""
"""Functions that leave what they compute in the file's names."""

MASKS = """\
import numpy as np
rng = np.random.default_rng(0)
X, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 1))
W1, W2 = rng.normal(size=(3, 4)), rng.normal(size=(4, 1))
for i in range(50):
    m0 = (rng.random(X.shape) < 0.8) / 0.8
    x = X * m0
    h = np.tanh(x @ W1)
    m1 = (rng.random(h.shape) < 0.5) / 0.5
    h1 = h * m1
    r = h1 @ W2 - y
    loss = np.mean(r ** 2)
    d = 2 * r / len(r)
    dW2 = h1.T @ d
    dW1 = x.T @ (d @ W2.T * m1 * (1 - h ** 2))
    W1 -= 0.1 * dW1
    W2 -= 0.1 * dW2
"""
"""Two draws from one source."""

BATCH = """\
import numpy as np
rng = np.random.default_rng(0)
X, y, w = rng.normal(size=(20, 3)), rng.normal(size=20), rng.normal(size=3)
idx = np.arange(20)
for i in range(50):
    rng.shuffle(idx)
    xb, yb = X[idx[:7]], y[idx[:7]]
    r = xb @ w - yb
    loss = np.mean(r ** 2)
    dw = 2 * xb.T @ r / 7
    w -= 0.1 * dw
"""

TWO_BATCHES = """\
import numpy as np
rng = np.random.default_rng(0)
X, y, w = rng.normal(size=(20, 3)), rng.normal(size=20), rng.normal(size=3)
for i in range(50):
    idx = rng.integers(0, 20, 5)
    r = X[idx] @ w - y[idx]
    loss = np.mean(r ** 2)
    dw = 2 * X[idx].T @ r / len(r)
    idx = rng.integers(0, 20, 5)
    s = X[idx] @ w - y[idx]
    loss = loss + np.mean(s ** 2)
    dw = dw + 2 * X[idx].T @ s / len(s)
    w -= 0.1 * dw
"""
"""One name has two values in a pass."""

HELPER = """\
import numpy as np
rng = np.random.default_rng(0)
X, y, W = rng.normal(size=(20, 3)), rng.normal(size=(20, 1)), rng.normal(size=(3, 1))

def without(d, z):
    d[z <= 0] = 0

def grads(W, X, y):
    z = X @ W
    r = np.maximum(z, 0) - y
    d = 2 * r / len(y)
    without(d, z)
    return {"W": X.T @ d}, np.mean(r ** 2)

params = {"W": W}
for e in range(50):
    g, l = grads(params["W"], X, y)
    for key in params:
        params[key] -= 0.1 * g[key]
"""
"""A helper that writes into what it is handed; a loss that nothing calls so."""

GUARDED = (("    r = X @ W + b - y\n    loss = np.mean(r ** 2)\n",
            "    with np.errstate(over='ignore'):\n        r = X @ W + b - y\n"
            "    try:\n        loss = np.mean(r ** 2)\n"),
           ("    dW =", "    except FloatingPointError:\n        break\n    dW ="))

PENALTY = ("loss = np.mean(r ** 2)", "loss = np.mean(r ** 2) + wd / 2 * np.sum(W ** 2)")
OVER_M = (("2 * X.T @ r / m", "2 * X.T @ r"), ("2 * np.mean(r, axis", "2 * np.sum(r, axis"),
          (STEPS, "    W = W - lr * dW / m\n    b = b - lr * db / m\n"))

AT_AN_INDEX = (
    ("    r = X @ W + b - y\n    loss = np.mean(r ** 2)\n",
     "    k = rng.integers(0, m)\n    r = X[k:k+1] @ W + b - y[k:k+1]\n"),
    ("dW = 2 * X.T @ r / m", "dW = 2 * X[k:k+1].T @ r"),
    (STEPS, STEPS + "    loss = np.mean((X @ W + b - y) ** 2)\n"))

RIGHT = (
    *(Case(f"clipped_{name}", LINE, (before_the_steps(text),), BOTH)
      for name, text in CLIPS.items()),
    Case("tuples", LINE, (TUPLES,), BOTH),
    Case("dataclass", DATACLASS, (), "proved"),
    # The epoch's loss is not that of a sample, but says what it is.
    Case("loss_of_all_samples", SAMPLES, (), "proved"),
    Case("loss_of_all_by_zip", SAMPLES, (
        ("for i in range(len(X)):", "for x, t in zip(X, y):"),
        ("        x, t = X[i:i + 1], y[i:i + 1]\n", "        x = x[None]\n")), "proved"),
    Case("loss_of_all_by_index", LINE, AT_AN_INDEX, "proved"),
    Case("sampled", SAMPLED, (), BOTH),
    Case("within", WITHIN, (), BOTH),
    Case("outside", OUTSIDE, (), "proved"),
    Case("masks", MASKS, (), "proved"),
    Case("batch_of_seven", BATCH, (), "proved"),
    Case("two_batches", TWO_BATCHES, (), "proved"),
    Case("helper", HELPER, (), "proved"),
    Case("guarded", LINE, GUARDED, BOTH),
    Case("shuffled", LINE, (("    r = ", "    rng.shuffle(X)\n    r = "),), BOTH),
    # What is added in the step is part of what the program goes down.
    Case("decay_in_the_step", LINE, (PENALTY, ("lr * dW", "lr * (dW + wd * W)")), BOTH),
    Case("decay_beside", LINE, (PENALTY, (STEPS, "    W -= lr * wd * W\n" + STEPS)), BOTH),
    Case("divided_in_the_step", LINE, OVER_M, BOTH),
    *(Case(f"put_back_{name}", LINE, ((STEPS, STEPS + text),), BOTH) for name, text in {
        "clipped": "    W = np.clip(W, -0.1, 0.1)\n",
        "scaled": "    W /= np.sqrt(np.sum(W ** 2))\n",
        "in_place": "    np.clip(W, -0.1, 0.1, out=W)\n"}.items()),
)
"""Programs that are right: none may be refuted."""

HELD_OUT = ("mse_loss(y, predict(X))", "mse_loss(yv, predict(Xv))")

UNKNOWN = (
    # A loss of data of which a sample is no part.
    Case("loss_of_other_data", SAMPLES, (
        ("W, b =", "Xv, yv = X + 1, y - 1\nW, b ="), HELD_OUT), "undecided"),
    # A decay, of which the loss that is named knows nothing.
    Case("decay_without_a_penalty", LINE, (("r / m", "r / m + wd * W"),),
         {"W": "undecided", "b": "proved"}),
)
"""Programs of which nothing is known without --loss."""

WRONG = (
    *(Case(f"clipped_{name}_wrong", LINE, (
        before_the_steps(text), ("2 * X.T @ r / m", "2 * X.T @ np.abs(r) / m")), FIRST)
      for name, text in CLIPS.items()),
    # Made longer in a branch that asks nothing of it: the gradient is what is used.
    Case("longer_in_a_branch", LINE, (
        before_the_steps("    if i >= 0:\n        dW = dW * 2\n"),), FIRST),
    Case("tuples_wrong", LINE, (TUPLES, ("2 * np.mean(r, axis", "np.mean(r, axis")), LAST),
    Case("tuples_step_wrong", LINE, (TUPLES, ("b - lr * db", "b + lr * db")), LAST),
    # The gradient is right, and another one is used.
    Case("other_gradient_used", LINE, (
        ("m = X", "V = rng.normal(size=(3, 1))\nm = X"), ("X @ W + b", "X @ W + X ** 2 @ V + b"),
        ("    db =", "    dV = 2 * (X ** 2).T @ r / m\n    db ="),
        (STEPS, STEPS + "    V -= lr * dW\n")), {**BOTH, "V": "refuted"}),
    Case("loss_of_all_samples_wrong", SAMPLES, (("2 * x.T @ r", "2 * x.T @ r * r"),), FIRST),
    Case("loss_of_all_by_index_wrong", LINE, (*AT_AN_INDEX, ("2 * np.mean(r, axis", "np.mean("
                                                             "r, axis")), LAST),
    Case("sampled_wrong", SAMPLED, (("db += 2 * r", "db += r"),), LAST),
    Case("sampled_never_zeroed", SAMPLED, (
        ("for epoch", "dW = np.zeros_like(W)\nfor epoch"), ("    dW, db, loss = np.zeros_like(W), ",
                                                          "    db, loss = ")), FIRST),
    Case("within_wrong", WITHIN, (("d.sum(0", "d.mean(0"),), LAST),
    Case("outside_wrong", OUTSIDE, (("X.T @ (out - y)", "X.T @ (out - y) ** 2"),), "refuted"),
    Case("masks_wrong", MASKS, (("W2.T * m1 *", "W2.T *"),), {"W1": "refuted", "W2": "proved"}),
    Case("stale_batch", BATCH, (("    dw =", "    xb = X[rng.permutation(20)[:7]]\n    dw ="),),
         "refuted"),
    Case("two_batches_mixed", TWO_BATCHES, (("dw + 2 * X[idx].T @ s", "dw + 2 * X[idx].T @ r"),),
         "refuted"),
    Case("helper_wrong", HELPER, (
        ("    without(d, z)\n    r", "    without(d, r)\n    r"),),
         {"W": "not a pass"}),  # the loss is a guess
    Case("guarded_wrong", LINE, (*GUARDED, ("2 * np.mean(r, axis", "np.mean(r, axis")), LAST),
    Case("decay_of_another_penalty", LINE, (
        (PENALTY[0], PENALTY[1].replace("wd / 2", "wd")), ("lr * dW", "lr * (dW + wd * W)")),
        FIRST),
    Case("divided_in_one_step", LINE, (*OVER_M, ("lr * db / m", "lr * db")), LAST),
    Case("divided_and_wrong", LINE, (*OVER_M, ("X.T @ r", "X.T @ np.abs(r)")), FIRST),
    Case("put_back_wrong", LINE, (
        (STEPS, STEPS + "    W = np.clip(W, -0.1, 0.1)\n"), ("X.T @ r", "X.T @ (r + 1)")), FIRST),
    Case("dataclass_wrong", DATACLASS, (("1e-3 * (2 * X.T", "1e-3 * (X.T * X.mean()"),),
         "refuted"),
)
"""Programs with a slip each: what is wrong may not be proved."""

CASES = (*RIGHT, *UNKNOWN, *WRONG)
