"""The softmax and its cross-entropy as their formulas stand, though exp(710) is no float."""

import numpy as np


def forward(X, W1, b1):
    powers = np.exp(X @ W1 + b1)
    return powers / np.sum(powers, axis=1, keepdims=True)


def loss(X, Y, W1, b1):
    return -np.sum(Y * np.log(forward(X, W1, b1))) / X.shape[0]


def gradient(X, Y, W1, b1):
    d = (forward(X, W1, b1) - Y) / X.shape[0]
    return {"W1": X.T @ d, "b1": np.sum(d, axis=0)}
