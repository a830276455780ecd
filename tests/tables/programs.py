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


CASES = (
    Case("loop", LOOP, (), "proved"),
    Case("loop_factor", LOOP, (("a1.T @ d2", "a1.T @ d2 * m"),), all_but("W2")),
    Case("loop_slope", LOOP, (("(1 - a1 ** 2)", "(1 - a1)"),), all_but("W1", "b1")),
    Case("class", CLASS, (), "proved"),
    Case("class_one_longer", CLASS, (("delta.sum(axis=0)", "delta.mean(axis=0)"),), all_but("b2")),
    Case("class_too_early", CLASS, ((
        """            hidden = delta @ self.W2.T * (1 - self.a1 ** 2)
            self.W2 += self.rate * self.a1.T @ delta
""", """            self.W2 += self.rate * self.a1.T @ delta
            hidden = delta @ self.W2.T * (1 - self.a1 ** 2)
"""),), all_but("W1", "b1")),
    Case("class_ascends", CLASS, (("delta = y - out", "delta = out - y"),), "refuted"),
)
