"""Typical mistakes in networks of three layers of weights, by rows and by columns.

A row: what is wrong, the edit of the right source, and what else a teacher might write than the
right line; the changed line is the wrong one, and so is what stands behind an "@".
"""

from __future__ import annotations

from dataclasses import dataclass

ROWS = '''import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def sigmoid_deriv(a):
    return a * (1 - a)


def loss(X, Y, W1, b1, W2, b2, W3, b3):
    A1 = np.tanh(X @ W1 + b1)
    A2 = sigmoid(A1 @ W2 + b2)
    A3 = sigmoid(A2 @ W3 + b3)
    return np.sum((A3 - Y) ** 2) / 2


def gradient(X, Y, W1, b1, W2, b2, W3, b3):
    m = X.shape[0]
    Z1 = X @ W1 + b1
    A1 = np.tanh(Z1)
    Z2 = A1 @ W2 + b2
    A2 = sigmoid(Z2)
    Z3 = A2 @ W3 + b3
    A3 = sigmoid(Z3)
    error = A3 - Y
    dZ3 = error * sigmoid_deriv(A3)
    dW3 = A2.T @ dZ3
    db3 = dZ3.sum(axis=0)
    dA2 = dZ3 @ W3.T
    dZ2 = dA2 * sigmoid_deriv(A2)
    dW2 = A1.T @ dZ2
    db2 = dZ2.sum(axis=0)
    dA1 = dZ2 @ W2.T
    dZ1 = dA1 * (1 - A1 ** 2)
    dW1 = X.T @ dZ1
    db1 = dZ1.sum(axis=0)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2, "W3": dW3, "b3": db3}
'''
COLUMNS = '''import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward(X, parameters):
    A = {0: X}
    for l in range(1, 4):
        Z = parameters["W" + str(l)] @ A[l - 1] + parameters["b" + str(l)]
        A[l] = sigmoid(Z) if l == 3 else np.tanh(Z)
    return A


def loss(X, Y, parameters):
    P = forward(X, parameters)[3]
    return -np.sum(Y * np.log(P) + (1 - Y) * np.log(1 - P)) / X.shape[1]


def gradient(X, Y, parameters):
    m = X.shape[1]
    A = {0: X}
    for l in range(1, 4):
        Z = parameters["W" + str(l)] @ A[l - 1] + parameters["b" + str(l)]
        A[l] = sigmoid(Z) if l == 3 else np.tanh(Z)
    grads = {}
    dZ = A[3] - Y
    for l in (3, 2, 1):
        grads["dW" + str(l)] = dZ @ A[l - 1].T / m
        grads["db" + str(l)] = dZ.sum(axis=1, keepdims=True) / m
        dA = parameters["W" + str(l)].T @ dZ
        dZ = dA * (1 - A[l - 1] ** 2)
    return grads
'''
ROW_INPUTS = {"X": "m n", "Y": "m k", "W1": "n h", "b1": "h", "W2": "h p", "b2": "p", "W3": "p k",
              "b3": "k"}
COLUMN_INPUTS = {"X": "n m", "Y": "k m", "parameters": {
    "W1": "h n", "b1": "h 1", "W2": "p h", "b2": "p 1", "W3": "k p", "b3": "k 1"}}


@dataclass(frozen=True)
class Mistake:
    """`old` becomes `new` in the source of a style; `lines` may be named, `repairs` mend it."""

    name: str
    style: str
    old: str
    new: str
    repairs: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def source(self) -> str:
        text = {"rows": ROWS, "columns": COLUMNS}[self.style]
        at = text.index("def sigmoid_deriv" if "return a" in self.old else "def gradient")
        assert text.count(self.old, at) == 1, self.old
        return text[:at] + text[at:].replace(self.old, self.new)


def by_style(style: str, table: list[tuple[str, ...]]) -> list[Mistake]:
    """Rows (name, old, new, further repairs …); "@ line" is a line that may be named as well."""
    found = []
    for name, old, new, *more in table:
        lines = [text[2:] for text in more if text.startswith("@ ")]
        repairs = [text for text in more if not text.startswith("@ ")]
        right = {"rows": ROWS, "columns": COLUMNS}[style]
        wrong = Mistake("", style, old, new, (), ()).source
        was, now = right.split("\n"), wrong.split("\n")
        first = next(i for i, (one, other) in enumerate(zip(was, now, strict=False))
                     if one != other)
        found.append(Mistake(f"{style}: {name}", style, old, new,
                             (was[first].strip(), *repairs), (now[first].strip(), *lines)))
    return found


MISTAKES = by_style("rows", [
    ("σ′(z) at the output", "error * sigmoid_deriv(A3)", "error * sigmoid_deriv(Z3)"),
    ("σ′(z) in the middle", "dA2 * sigmoid_deriv(A2)", "dA2 * sigmoid_deriv(Z2)"),
    ("tanh′(z)", "1 - A1 ** 2", "1 - Z1 ** 2"),
    ("σ′(σ(a))", "    return a * (1 - a)", "    s = sigmoid(a)\n    return s * (1 - s)",
     "s = a", "return a * (1 - a)",
     "@ return s * (1 - s)"),
    ("no slope at the output", "dZ3 = error * sigmoid_deriv(A3)", "dZ3 = error",
     "error = (A3 - Y) * sigmoid_deriv(A3)", "@ error = A3 - Y"),
    ("no slope in the middle", "dZ2 = dA2 * sigmoid_deriv(A2)", "dZ2 = dA2",
     "dA2 = dZ3 @ W3.T * sigmoid_deriv(A2)", "@ dA2 = dZ3 @ W3.T"),
    ("no slope at the bottom", "dZ1 = dA1 * (1 - A1 ** 2)", "dZ1 = dA1",
     "dA1 = dZ2 @ W2.T * (1 - A1 ** 2)", "@ dA1 = dZ2 @ W2.T"),
    ("the slope of tanh for σ", "dA2 * sigmoid_deriv(A2)", "dA2 * (1 - A2 ** 2)",
     "dZ2 = dA2 * (A2 - A2 ** 2)", "dZ2 = dA2 * (A2 * (1 - A2))", "dZ2 = dA2 * A2 * (1 - A2)"),
    ("the slope of σ for tanh", "dA1 * (1 - A1 ** 2)", "dA1 * sigmoid_deriv(A1)"),
    ("a (1 + a)", "return a * (1 - a)", "return a * (1 + a)"),
    ("the sign", "error = A3 - Y", "error = Y - A3", "error = -(Y - A3)"),
    ("a factor of two", "error = A3 - Y", "error = 2 * (A3 - Y)",
     "error = (A3 - Y)"),
    ("divided by m", "error = A3 - Y", "error = (A3 - Y) / m", "error = (A3 - Y)"),
    ("one gradient divided by m", "dW3 = A2.T @ dZ3", "dW3 = A2.T @ dZ3 / m"),
    ("a mean for the bias", "db3 = dZ3.sum(axis=0)", "db3 = dZ3.mean(axis=0)"),
    ("the other axis", "db2 = dZ2.sum(axis=0)", "db2 = dZ2.sum(axis=1)"),
    ("no axis", "db1 = dZ1.sum(axis=0)", "db1 = dZ1.sum()"),
    ("a bias not summed", "db2 = dZ2.sum(axis=0)", "db2 = dZ2", "db2 = np.sum(dZ2, axis=0)"),
    ("no transpose of the weights", "dA2 = dZ3 @ W3.T", "dA2 = dZ3 @ W3"),
    ("the weights of the layer below", "dA1 = dZ2 @ W2.T", "dA1 = dZ2 @ W1.T"),
    ("a transposed gradient", "dW1 = X.T @ dZ1", "dW1 = dZ1.T @ X", "dW1 = (dZ1.T @ X).T"),
    ("the δ of the layer above", "dW2 = A1.T @ dZ2", "dW2 = A1.T @ dZ3"),
    ("the activation of the layer above", "dW2 = A1.T @ dZ2", "dW2 = A2.T @ dZ2"),
    ("z for a", "dW3 = A2.T @ dZ3", "dW3 = Z2.T @ dZ3"),
    ("the error for δ", "dA2 = dZ3 @ W3.T", "dA2 = error @ W3.T"),
    ("no activation in the forward pass", "A1 = np.tanh(Z1)", "A1 = Z1"),
    ("no bias in the forward pass", "Z2 = A1 @ W2 + b2", "Z2 = A1 @ W2"),
    ("weights stepped before they are read", "    dA2 = dZ3 @ W3.T",
     "    W3 = W3 - 0.1 * dW3\n    dA2 = dZ3 @ W3.T", "", "dA2 = dZ3 @ (W3 + 0.1 * dW3).T",
     "@ dA2 = dZ3 @ W3.T"),
])
MISTAKES += by_style("columns", [
    ("no slope", "        dZ = dA * (1 - A[l - 1] ** 2)", "        dZ = dA",
     'dA = parameters["W" + str(l)].T @ dZ * (1 - A[l - 1] ** 2)',
     '@ dA = parameters["W" + str(l)].T @ dZ'),
    ("the slope at z", "(1 - A[l - 1] ** 2)", "(1 - Z ** 2)"),
    ("the slope of σ for tanh", "dA * (1 - A[l - 1] ** 2)", "dA * A[l - 1] * (1 - A[l - 1])",
     "dZ = dA * (1 + A[l - 1]) * (1 - A[l - 1])"),
    ("the slope of the layer above", "1 - A[l - 1] ** 2", "1 - A[l] ** 2"),
    ("the slope's sign", "1 - A[l - 1] ** 2", "1 + A[l - 1] ** 2"),
    ("the slope unsquared", "1 - A[l - 1] ** 2", "1 - A[l - 1]"),
    ("the slope twice", "dA * (1 - A[l - 1] ** 2)", "dA * (1 - A[l - 1] ** 2) ** 2"),
    ("the sign", "dZ = A[3] - Y", "dZ = Y - A[3]", "dZ = -(Y - A[3])"),
    ("the output's slope", "dZ = A[3] - Y", "dZ = (A[3] - Y) * A[3] * (1 - A[3])"),
    ("a factor of two", "dZ = A[3] - Y", "dZ = 2 * (A[3] - Y)",
     "dZ = (A[3] - Y)"),
    ("divided by m twice", "dZ = A[3] - Y", "dZ = (A[3] - Y) / m", "dZ = (A[3] - Y)"),
    ("weights not divided by m", "dZ @ A[l - 1].T / m", "dZ @ A[l - 1].T"),
    ("biases not divided by m", "keepdims=True) / m", "keepdims=True)",
     'grads["db" + str(l)] = dZ.mean(axis=1, keepdims=True)'),
    ("m is the other size", "m = X.shape[1]", "m = X.shape[0]"),
    ("a mean for the bias", "dZ.sum(axis=1, keepdims=True) / m",
     "dZ.mean(axis=1, keepdims=True) / m", 'grads["db" + str(l)] = dZ.mean(axis=1, keepdims=True)'),
    ("the other axis", "dZ.sum(axis=1", "dZ.sum(axis=0"),
    ("no axes kept", "dZ.sum(axis=1, keepdims=True)", "dZ.sum()"),
    ("a bias not summed", "dZ.sum(axis=1, keepdims=True) / m", "dZ / m",
     'grads["db" + str(l)] = np.sum(dZ / m, axis=1, keepdims=True)',
     'grads["db" + str(l)] = np.sum(dZ, axis=1, keepdims=True) / m'),
    ("no transpose of the weights", 'parameters["W" + str(l)].T @ dZ',
     'parameters["W" + str(l)] @ dZ'),
    ("the weights of the layer below", 'parameters["W" + str(l)].T @ dZ',
     'parameters["W" + str(max(1, l - 1))].T @ dZ',
     'dA = parameters["W" + str(max(1, l))].T @ dZ'),
    ("a transposed gradient", "dZ @ A[l - 1].T / m", "A[l - 1] @ dZ.T / m",
     'grads["dW" + str(l)] = (A[l - 1] @ dZ.T / m).T',
     'grads["dW" + str(l)] = (A[l - 1] @ dZ.T).T / m'),
    ("the activation of the layer above", "dZ @ A[l - 1].T / m", "dZ @ A[l].T / m"),
    ("from the wrong side", 'parameters["W" + str(l)].T @ dZ', 'dZ.T @ parameters["W" + str(l)]'),
    ("σ everywhere", "sigmoid(Z) if l == 3 else np.tanh(Z)", "sigmoid(Z)"),
    ("no bias in the forward pass", ' @ A[l - 1] + parameters["b" + str(l)]', " @ A[l - 1]"),
    ("the first layer is left out", "for l in (3, 2, 1):", "for l in (3, 2):"),
    ("the order is turned round", "for l in (3, 2, 1):", "for l in (1, 2, 3):"),
    ("the last activation of the pass is tanh", "sigmoid(Z) if l == 3 else np.tanh(Z)",
     "np.tanh(Z)"),
])
