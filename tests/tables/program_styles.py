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

RIGHT = (
    *(Case(f"clipped_{name}", LINE, (before_the_steps(text),), BOTH)
      for name, text in CLIPS.items()),
    Case("tuples", LINE, (TUPLES,), BOTH),
    Case("dataclass", DATACLASS, (), "proved"),
)
"""Programs that are right: none may be refuted."""

UNKNOWN = (
    # The epoch's loss is not that of a sample.
    Case("loss_of_other_data", SAMPLES, (), "undecided"),
    Case("loss_of_an_index", LINE, (
        ("    r = X @ W + b - y\n    loss = np.mean(r ** 2)\n",
         "    k = rng.integers(0, m)\n    r = X[k:k+1] @ W + b - y[k:k+1]\n"),
        ("dW = 2 * X.T @ r / m", "dW = 2 * X[k:k+1].T @ r"),
        (STEPS, STEPS + "    loss = np.mean((X @ W + b - y) ** 2)\n")), "undecided"),
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
    Case("dataclass_wrong", DATACLASS, (("1e-3 * (2 * X.T", "1e-3 * (X.T * X.mean()"),),
         "refuted"),
)
"""Programs with a slip each: what is wrong may not be proved."""

CASES = (*RIGHT, *UNKNOWN, *WRONG)
