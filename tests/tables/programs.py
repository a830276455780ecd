"""Programs that train, as students write them: what is to be found of each.

A case is a program's parts with slips in their places; the same program is right without them.
"""

from __future__ import annotations

from typing import NamedTuple

DATA = """\
import numpy as np
rng = np.random.default_rng(3)
X = rng.normal(size=(7, 3))
y = (X.sum(axis=1, keepdims=True) > 0) * 1.0
W1, b1 = rng.normal(size=(3, 5)), np.zeros((1, 5))
W2, b2 = rng.normal(size=(5, 1)), np.zeros((1, 1))
lr = 0.3

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

"""

LOOP = DATA + """\
m = X.shape[0]
for epoch in range(10000):
    a1 = np.tanh(X @ W1 + b1)
    a2 = sigmoid(a1 @ W2 + b2)
    loss = -np.mean(y * np.log(a2) + (1 - y) * np.log(1 - a2))
    d2 = (a2 - y) / m
    dW2 = a1.T @ d2
    db2 = d2.sum(axis=0, keepdims=True)
    d1 = d2 @ W2.T * (1 - a1 ** 2)
    dW1 = X.T @ d1
    db1 = d1.sum(axis=0)
    W1 -= lr * dW1
    b1 -= lr * db1
    W2 -= lr * dW2
    b2 -= lr * db2
    if epoch % 1000 == 0:
        print(epoch, loss)
"""

CLASS = """\
import numpy as np

class Net:
    def __init__(self, sizes, rate=0.2):
        rng = np.random.default_rng(5)
        self.W1 = rng.normal(size=(sizes[0], sizes[1]))
        self.b1 = np.zeros(sizes[1])
        self.W2 = rng.normal(size=(sizes[1], sizes[2]))
        self.b2 = np.zeros(sizes[2])
        self.rate = rate

    def forward(self, X):
        self.a1 = np.tanh(X @ self.W1 + self.b1)
        return self.a1 @ self.W2 + self.b2

    def loss(self, X, y):
        return np.mean((self.forward(X) - y) ** 2)

    def train(self, X, y, epochs):
        for _ in range(epochs):
            out = self.forward(X)
            delta = y - out
            hidden = delta @ self.W2.T * (1 - self.a1 ** 2)
            self.W2 += self.rate * self.a1.T @ delta
            self.b2 += self.rate * delta.sum(axis=0)
            self.W1 += self.rate * X.T @ hidden
            self.b1 += self.rate * hidden.sum(axis=0)

if __name__ == "__main__":
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    net = Net([3, 4, 2])
    net.train(X, y, 100000)
    print(net.loss(X, y))
"""


class Case(NamedTuple):
    """A program, edits of its text, and the verdicts: by name, or one for all."""

    name: str
    program: str
    edits: tuple[tuple[str, str], ...]
    verdicts: str | dict[str, str]

    @property
    def text(self) -> str:
        made = self.program
        for old, new in self.edits:
            assert old in made, (self.name, old)
            made = made.replace(old, new)
        return made


ALL = ("W1", "b1", "W2", "b2")


def all_but(*wrong: str) -> dict[str, str]:
    return {name: "refuted" if name in wrong else "proved" for name in ALL}


UPDATES = """\
    W1 -= lr * dW1
    b1 -= lr * db1
    W2 -= lr * dW2
    b2 -= lr * db2
"""

LISTS = """\
import numpy as np
rng = np.random.default_rng(7)
x, t = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
sizes = [3, 4, 5, 2]
W = [rng.normal(size=(i, o)) * 0.5 for i, o in zip(sizes[:-1], sizes[1:])]
B = [np.zeros(o) for o in sizes[1:]]
alpha = 0.1
losses = []
step = 0
while step < 5000:
    a = [x]
    for l in range(3):
        z = a[l] @ W[l] + B[l]
        a.append(np.tanh(z) if l < 2 else z)
    losses.append(np.sum((a[-1] - t) ** 2) / 2)
    delta = a[-1] - t
    for l in reversed(range(3)):
        gradW, gradB = a[l].T @ delta, delta.sum(axis=0)
        if l > 0:
            delta = delta @ W[l].T * (1 - a[l] ** 2)
        W[l] = W[l] - alpha * gradW
        B[l] = B[l] - alpha * gradB
    step += 1
"""

GLOBALS = """\
import numpy as np
rng = np.random.default_rng(2)
X, T = rng.normal(size=(3, 8)), rng.normal(size=(1, 8))
params = {"W1": rng.normal(size=(4, 3)), "b1": np.zeros((4, 1)),
          "W2": rng.normal(size=(1, 4)), "b2": np.zeros((1, 1))}
learning_rate = 0.05

def forward():
    Z = params["W1"] @ X + params["b1"]
    A = np.maximum(Z, 0)
    return A, params["W2"] @ A + params["b2"]

def mse(out):
    return np.mean((out - T) ** 2)

def backward(A, out):
    d = 2 * (out - T) / T.size
    dZ = params["W2"].T @ d * (A > 0)
    return {"dW1": dZ @ X.T, "db1": dZ.sum(axis=1, keepdims=True), "dW2": d @ A.T,
            "db2": d.sum(axis=1, keepdims=True)}

def train(steps):
    for _ in range(steps):
        A, out = forward()
        cost = mse(out)
        grads = backward(A, out)
        for key in params:
            params[key] -= learning_rate * grads["d" + key]
    return cost

train(100000)
"""

LOGISTIC = """\
import numpy as np
np.random.seed(0)
X = np.random.randn(40, 3)
y = (X[:, 0] > 0).astype(int)
w, b, lr, reg = np.zeros(3), 0.0, 0.1, 0.01
for epoch in range(100000):
    p = 1 / (1 + np.exp(-(X @ w + b)))
    data_loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    reg_loss = 0.5 * reg * np.sum(w ** 2)
    loss = data_loss + reg_loss
    if loss < 1e-3:
        break
    dw = X.T @ (p - y) / len(y) + reg * w
    db = np.mean(p - y)
    w -= lr * dw
    b -= lr * db
"""

TRAINER = """\
import numpy as np

class Model:
    def __init__(self):
        rng = np.random.default_rng(4)
        self.weights_ih, self.weights_ho = rng.normal(size=(3, 4)), rng.normal(size=(4, 1))

    def sigmoid(self, s, deriv=False):
        if deriv:
            return s * (1 - s)
        return 1 / (1 + np.exp(-s))

    def predict(self, X):
        self.hidden = self.sigmoid(X @ self.weights_ih)
        return self.sigmoid(self.hidden @ self.weights_ho)

    def learn(self, X, y, out):
        self.out_error = y - out
        self.out_delta = self.out_error * self.sigmoid(out, deriv=True)
        self.hidden_error = self.out_delta @ self.weights_ho.T
        self.hidden_delta = self.hidden_error * self.sigmoid(self.hidden, deriv=True)
        self.weights_ih += X.T @ self.hidden_delta
        self.weights_ho += self.hidden.T @ self.out_delta

X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
y = np.array([[0], [1], [1], [0]])
model = Model()
for i in range(60000):
    if i % 100 == 0:
        print("Loss:", np.mean(np.square(y - model.predict(X))))
    model.learn(X, y, model.predict(X))
"""


def everywhere(old: str, new: str) -> tuple[tuple[str, str], ...]:
    """An edit of all the names of a kind."""
    return tuple((old.format(name), new.format(name)) for name in ALL)


RIGHT = (
    Case("loop", LOOP, (), "proved"),
    Case("assigned", LOOP, everywhere("{0} -= lr * d{0}", "{0} = {0} - lr * d{0}"), "proved"),
    Case("rate_in_the_gradient", LOOP, (
        *everywhere("{0} -= lr * d{0}", "{0} -= d{0}"), ("dW2 = ", "dW2 = lr * "),
        ("db2 = ", "db2 = lr * "), ("dW1 = ", "dW1 = lr * "), ("db1 = ", "db1 = lr * ")), "proved"),
    Case("rate_in_one_gradient", LOOP, (
        ("W2 -= lr * dW2", "W2 -= dW2"), ("dW2 = ", "dW2 = lr * ")), "proved"),
    Case("momentum", LOOP, (
        ("m = X", "v = np.zeros_like(W1)\nm = X"),
        ("    W1 -= lr * dW1", "    v = 0.9 * v + lr * dW1\n    W1 -= v")), "proved"),
    Case("loss_after_the_steps", LOOP, (
        ("    loss = -np.mean(y * np.log(a2) + (1 - y) * np.log(1 - a2))\n", ""),
        ("    if epoch", "    p = sigmoid(np.tanh(X @ W1 + b1) @ W2 + b2)\n"
         "    loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))\n    if epoch")), "proved"),
    Case("batches", LOOP, (
        ("for epoch in range(10000):\n", "for epoch in range(10000):\n"
         "  order = rng.permutation(m)\n  for start in range(0, m, 3):\n"
         "    Xb, yb = X[order[start:start + 3]], y[order[start:start + 3]]\n"
         "    n = len(Xb)\n"),
        ("tanh(X @", "tanh(Xb @"), ("mean(y *", "mean(yb *"), ("(1 - y) *", "(1 - yb) *"),
        ("(a2 - y) / m", "(a2 - yb) / n"), ("X.T @ d1", "Xb.T @ d1")), "proved"),
    Case("dropout", LOOP, (
        ("    a2 = sigmoid(a1 @", "    mask = (rng.random(a1.shape) < 0.8) / 0.8\n"
         "    h = a1 * mask\n    a2 = sigmoid(h @"),
        ("dW2 = a1.T", "dW2 = h.T"), ("d2 @ W2.T *", "d2 @ W2.T * mask *")), "proved"),
    Case("decay", LOOP, (("    W1 -=", "    lr = 0.3 / (1 + 0.01 * epoch)\n    W1 -="),), "proved"),
    Case("zeroed", LOOP, (("    b2 -= lr * db2\n", "    b2 -= lr * db2\n    dW1[:] = 0\n"
                           "    dW2 *= 0\n"),), "proved"),
    Case("stops", LOOP, (("    d2 =", "    if loss < 1e-4:\n        break\n    d2 ="),), "proved"),
    Case("by_samples", LOOP, (
        ("    dW2 = a1.T @ d2\n", "    dW2 = np.zeros_like(W2)\n    for i in range(m):\n"
         "        dW2 += np.outer(a1[i], d2[i])\n"),), "proved"),
    Case("ascends_a_likelihood", LOOP, (
        ("loss = -np.mean", "log_likelihood = np.mean"), ("(a2 - y) / m", "(y - a2) / m"),
        ("epoch, loss", "epoch, log_likelihood"),
        *everywhere("{0} -= lr", "{0} += lr")), "proved"),
    Case("printed_late", LOOP, (("    loss = -np", "    if epoch % 100 == 0:\n      loss = -np"),),
         "proved"),
    Case("class", CLASS, (), "proved"),
    Case("lists", LISTS, (), "proved"),
    Case("globals", GLOBALS, (), "proved"),
    Case("logistic", LOGISTIC, (), "proved"),
    Case("trainer", TRAINER, (), "proved"),
)
"""Programs that are right: none may be refuted."""

CARRIED = """\
import numpy as np
rng = np.random.default_rng(6)
X, T = rng.normal(size=(9, 3)), (rng.random(9) > 0.5) * 1.0
w, c = rng.normal(size=3), 0

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def update(w, c, Y):
    w = w + 0.1 * X.T @ (T - Y)
    c += 0.1 * np.sum(T - Y)
    return w, c

Y = sigmoid(X @ w + c)
for i in range(1000):
    loss = -np.sum(T * np.log(Y) + (1 - T) * np.log(1 - Y))
    w, c = update(w, c, Y)
    Y = sigmoid(X @ w + c)
"""

RIGHT = (*RIGHT, Case("carried_over", CARRIED, (), {"w": "proved", "c": "proved"}))

WRONG = (
    Case("carried_over_doubled", CARRIED, (("0.1 * np.sum(T - Y)", "0.2 * np.sum(T)"),),
         {"w": "proved", "c": "refuted"}),
    Case("factor", LOOP, (("a1.T @ d2", "a1.T @ d2 * m"),), all_but("W2")),
    Case("slope", LOOP, (("(1 - a1 ** 2)", "(1 - a1)"),), all_but("W1", "b1")),
    Case("too_early", LOOP, (
        ("    W2 -= lr * dW2\n", ""), ("    db2 =", "    W2 -= lr * dW2\n    db2 =")),
        all_but("W1", "b1")),
    Case("ascends", LOOP, (("W2 -= lr * dW2", "W2 += lr * dW2"),), all_but("W2")),
    Case("class_one_shorter", CLASS, (("delta.sum(axis=0)", "delta.mean(axis=0)"),),
         all_but("b2")),
    Case("class_too_early", CLASS, ((
        """            hidden = delta @ self.W2.T * (1 - self.a1 ** 2)
            self.W2 += self.rate * self.a1.T @ delta
""", """            self.W2 += self.rate * self.a1.T @ delta
            hidden = delta @ self.W2.T * (1 - self.a1 ** 2)
"""),), all_but("W1", "b1")),
    Case("class_ascends", CLASS, (("delta = y - out", "delta = out - y"),), "refuted"),
    Case("lists_transposed", LISTS, (("delta @ W[l].T * (1 - a[l] ** 2)",
                                      "delta @ W[l].T * (1 - a[l])"),),
         {"W_0": "refuted", "W_1": "refuted", "W_2": "proved", "B_0": "refuted", "B_1": "refuted",
          "B_2": "proved"}),
    Case("globals_relu", GLOBALS, ((" * (A > 0)", ""),), all_but("W1", "b1")),
    Case("logistic_penalty", LOGISTIC, (("reg * w\n", "2 * reg * w\n"),),
         {"w": "refuted", "b": "proved"}),
    Case("trainer_slope", TRAINER, (("sigmoid(self.hidden, deriv=True)", "sigmoid(self.hidden)"),),
         {"weights_ih": "refuted", "weights_ho": "proved"}),
    Case("never_zeroed", LOOP, (
        ("m = X", "dW1 = np.zeros_like(W1)\nm = X"), ("dW1 = X.T", "dW1 += X.T")),
        all_but() | {"W1": "not a pass"}),
)
"""Programs with a slip each: what is wrong may not be proved."""

CASES = (*RIGHT, *WRONG)
