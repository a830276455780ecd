"""The textbook network's backward pass as one would write it down: one sample, rows times W."""

import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def gradient(X, Y, W1, b1, W2, b2):
    h = sigmoid(X @ W1 + b1)
    o = sigmoid(h @ W2 + b2)
    delta2 = (o - Y) * o * (1 - o)
    delta1 = (W2 @ delta2) * h * (1 - h)
    return {
        "dW1": np.outer(X, delta1),
        "db1": delta1,
        "dW2": np.outer(h, delta2),
        "db2": delta2,
    }
