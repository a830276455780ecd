"""Backpropagation through the xor network, written by hand in plain NumPy."""

import numpy as np


def squash(z):
    return 1 / (1 + np.exp(-z))


def squash_slope(z):
    return squash(z) * (1 - squash(z))


def forward(X, W1, b1, W2, b2):
    hidden_in = X @ W1 + b1
    hidden = squash(hidden_in)
    out_in = hidden @ W2 + b2
    return hidden_in, hidden, out_in, squash(out_in)


def loss(X, Y, W1, b1, W2, b2):
    *_, out = forward(X, W1, b1, W2, b2)
    return np.sum((Y - out) ** 2) / 2


def gradient(X, Y, W1, b1, W2, b2):
    hidden_in, hidden, out_in, out = forward(X, W1, b1, W2, b2)
    d_out = -(Y - out)
    d_out_in = d_out * squash_slope(out_in)
    d_hidden_in = (d_out_in @ W2.T) * squash_slope(hidden_in)
    return {
        "W1": X.T @ d_hidden_in,
        "b1": np.sum(d_hidden_in, axis=0),
        "W2": hidden.T @ d_out_in,
        "b2": np.sum(d_out_in, axis=0),
    }
