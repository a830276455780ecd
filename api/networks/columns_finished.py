"""The backward pass of a network with a sample in each column, written by hand layer by layer."""

import numpy as np


def linear_forward(A, W, b):
    return np.dot(W, A) + b[:, None]


def sigmoid(Z):
    return 1 / (1 + np.exp(-Z))


def forward_propagation(X, W1, b1, W2, b2, W3, b3):
    Z1 = linear_forward(X, W1, b1)
    A1 = np.maximum(0, Z1)
    Z2 = linear_forward(A1, W2, b2)
    A2 = np.maximum(0, Z2)
    AL = sigmoid(linear_forward(A2, W3, b3))
    return Z1, A1, Z2, A2, AL


def loss(X, Y, W1, b1, W2, b2, W3, b3):
    *_, AL = forward_propagation(X, W1, b1, W2, b2, W3, b3)
    m = Y.shape[1]
    return -np.sum(Y * np.log(AL) + (1 - Y) * np.log(1 - AL)) / m


def linear_backward(dZ, A_prev, W):
    m = A_prev.shape[1]
    return np.dot(W.T, dZ), np.dot(dZ, A_prev.T) / m, np.sum(dZ, axis=1) / m


def gradient(X, Y, W1, b1, W2, b2, W3, b3):
    Z1, A1, Z2, A2, AL = forward_propagation(X, W1, b1, W2, b2, W3, b3)
    dA2, dW3, db3 = linear_backward(AL - Y, A2, W3)
    dA1, dW2, db2 = linear_backward(dA2 * (Z2 > 0), A1, W2)
    _, dW1, db1 = linear_backward(dA1 * (Z1 > 0), X, W1)
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2, "W3": dW3, "b3": db3}
