"""A classifier's backward pass, written by hand: tanh, sigmoid, cross-entropy, a batch of rows."""

import numpy as np


def run_forward(X, params):
    Z1 = np.dot(X, params["W1"]) + params["b1"]
    A1 = np.tanh(Z1)
    Z2 = np.dot(A1, params["W2"]) + params["b2"]
    A2 = 1 / (1 + np.exp(-Z2))
    return A2, {"A1": A1, "A2": A2}


def mean_cross_entropy(A2, Y):
    m = Y.shape[0]
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m


def run_backward(X, Y, params, stored):
    m = X.shape[0]
    A1, A2 = stored["A1"], stored["A2"]
    dZ2 = A2 - Y
    dZ1 = np.dot(dZ2, params["W2"].T) * (1 - np.power(A1, 2))
    return {
        "dW1": np.dot(X.T, dZ1) / m,
        "db1": np.sum(dZ1, axis=0) / m,
        "dW2": np.dot(A1.T, dZ2) / m,
        "db2": np.sum(dZ2, axis=0) / m,
    }


def loss(X, Y, W1, b1, W2, b2):
    A2, _ = run_forward(X, {"W1": W1, "b1": b1, "W2": W2, "b2": b2})
    return mean_cross_entropy(A2, Y)


def gradient(X, Y, W1, b1, W2, b2):
    params = {"W1": W1, "b1": b1, "W2": W2, "b2": b2}
    _, stored = run_forward(X, params)
    return run_backward(X, Y, params, stored)
