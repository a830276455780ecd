"""Hand-written gradients through what is solved for: right ones, and wrong ones with their line."""

from __future__ import annotations

import numpy as np

import gradproof as gp


def sigmoid(z):
    return 1/(1 + np.exp(-z))


def equilibrium(W, b, y):
    x = gp.fixed_point(lambda x: np.tanh(W @ x + b), np.zeros(len(b)))
    return np.sum((x - y)**2)/2


def equilibrium_right(W, b, y):
    x = gp.fixed_point(lambda x: np.tanh(W @ x + b), np.zeros(len(b)))
    J = (1 - x**2)[:, None]*W
    u = np.linalg.solve((np.eye(len(b)) - J).T, x - y)
    s = u*(1 - x**2)
    return {"W": np.outer(s, x), "b": s}


def equilibrium_of_a_root(W, b, y):
    x = gp.root(lambda z: 3*np.tanh(W @ z + b) - 3*z, np.zeros(len(b)))
    d = 1 - np.tanh(W @ x + b)**2
    u = np.linalg.inv(np.eye(len(b)) - W.T*d) @ (x - y)
    return {"W": np.outer(u*d, x), "b": u*d}


def equilibrium_not_transposed(W, b, y):
    x = gp.fixed_point(lambda x: np.tanh(W @ x + b), np.zeros(len(b)))
    J = (1 - x**2)[:, None]*W
    u = np.linalg.solve(np.eye(len(b)) - J, x - y)  # wrong
    s = u*(1 - x**2)  # wrong, by what it reads
    return {"W": np.outer(s, x), "b": s}


def equilibrium_of_one_step(W, b, y):
    x = gp.fixed_point(lambda x: np.tanh(W @ x + b), np.zeros(len(b)))
    s = (x - y)*(1 - x**2)  # wrong
    return {"W": np.outer(s, x), "b": s}


def equilibrium_of_a_wrong_sign(W, b, y):
    x = gp.fixed_point(lambda x: np.tanh(W @ x + b), np.zeros(len(b)))
    J = (1 - x**2)[:, None]*W  # wrong
    u = np.linalg.solve((np.eye(len(b)) + J).T, x - y)
    s = u*(1 - x**2)
    return {"W": np.outer(s, x), "b": s}


def equilibrium_of_another_equation(W, b, y):
    x = gp.fixed_point(lambda x: np.tanh(W.T @ x + b), np.zeros(len(b)))  # wrong
    J = (1 - x**2)[:, None]*W
    u = np.linalg.solve((np.eye(len(b)) - J).T, x - y)
    s = u*(1 - x**2)
    return {"W": np.outer(s, x), "b": s}


def batch(W, X, U, b, Y):
    Z = gp.fixed_point(lambda Z: np.tanh(Z @ W + X @ U + b), np.zeros((len(X), len(b))))
    return np.sum((Z - Y)**2)/2


def batch_right(W, X, U, b, Y):
    Z = gp.fixed_point(lambda Z: np.tanh(Z @ W + X @ U + b), np.zeros((len(X), len(b))))
    S = 1 - Z**2
    A = np.eye(len(b)) - S[:, :, None]*W.T
    G = np.linalg.solve(np.swapaxes(A, 1, 2), (Z - Y)[:, :, None])[:, :, 0]
    D = G*S
    return {"W": Z.T @ D, "U": X.T @ D, "b": D.sum(axis=0)}


def batch_not_transposed(W, X, U, b, Y):
    Z = gp.fixed_point(lambda Z: np.tanh(Z @ W + X @ U + b), np.zeros((len(X), len(b))))
    S = 1 - Z**2
    A = np.eye(len(b)) - S[:, :, None]*W  # wrong
    G = np.linalg.solve(np.swapaxes(A, 1, 2), (Z - Y)[:, :, None])[:, :, 0]
    D = G*S
    return {"W": Z.T @ D, "U": X.T @ D, "b": D.sum(axis=0)}


def kepler(M, e, x):
    E = gp.root(lambda E: E - e*np.sin(E) - M, M)
    return np.sum((np.cos(E) - x)**2)


def kepler_right(M, e, x):
    E = gp.root(lambda E: E - e*np.sin(E) - M, M)
    d = -2*(np.cos(E) - x)*np.sin(E)/(1 - e*np.cos(E))
    return {"M": d, "e": d*np.sin(E)}


def kepler_without_slope(M, e, x):
    E = gp.root(lambda E: E - e*np.sin(E) - M, M)
    d = -2*(np.cos(E) - x)*np.sin(E)  # wrong
    return {"M": d, "e": d*np.sin(E)}


def ridge(X, y, c, V, v):
    w = gp.minimizer(lambda w: np.sum((X @ w - y)**2)/2 + c*np.sum(w**2)/2, np.zeros(X.shape[1]))
    return np.sum((V @ w - v)**2)/2


def ridge_right(X, y, c, V, v):
    w = gp.root(lambda w: X.T @ (X @ w - y) + c*w, np.zeros(X.shape[1]))
    q = np.linalg.solve(X.T @ X + c*np.eye(X.shape[1]), V.T @ (V @ w - v))
    return {"c": -q @ w}


def ridge_by_the_normal_equations(X, y, c, V, v):
    A = X.T @ X + c*np.eye(X.shape[1])
    w = np.linalg.solve(A, X.T @ y)
    return {"c": -np.linalg.solve(A, V.T @ (V @ w - v)) @ w}


def ridge_of_a_wrong_sign(X, y, c, V, v):
    w = gp.root(lambda w: X.T @ (X @ w - y) + c*w, np.zeros(X.shape[1]))
    q = np.linalg.solve(X.T @ X + c*np.eye(X.shape[1]), V.T @ (V @ w - v))
    return {"c": q @ w}  # wrong


def logistic(X, y, c, V, v):
    w = gp.minimizer(lambda w: np.sum(np.log(1 + np.exp(-y*(X @ w)))) + c*np.sum(w**2)/2,
                     np.zeros(X.shape[1]))
    return np.mean(np.log(1 + np.exp(-v*(V @ w))))


def logistic_right(X, y, c, V, v):
    w = gp.root(lambda w: -X.T @ (y*sigmoid(-y*(X @ w))) + c*w, np.zeros(X.shape[1]))
    p = sigmoid(y*(X @ w))
    H = X.T @ ((y**2*p*(1 - p))[:, None]*X) + c*np.eye(X.shape[1])
    g = -V.T @ (v*sigmoid(-v*(V @ w)))/len(v)
    return {"c": -np.linalg.solve(H, g) @ w}


def logistic_of_a_wrong_hessian(X, y, c, V, v):
    w = gp.root(lambda w: -X.T @ (y*sigmoid(-y*(X @ w))) + c*w, np.zeros(X.shape[1]))
    p = sigmoid(y*(X @ w))
    H = X.T @ ((y**2*p)[:, None]*X) + c*np.eye(X.shape[1])  # wrong
    g = -V.T @ (v*sigmoid(-v*(V @ w)))/len(v)
    return {"c": -np.linalg.solve(H, g) @ w}


def layer(x, W):
    z = gp.fixed_point(lambda z: np.tanh(z @ W + x), np.zeros(x.shape))
    return z, (x, W, z)


def layer_right(dout, cache):
    _, W, z = cache
    s = 1 - z**2
    A = np.eye(W.shape[0]) - s[:, :, None]*W.T
    g = np.linalg.solve(np.swapaxes(A, 1, 2), dout[:, :, None])[:, :, 0]*s
    return g, z.T @ g


LAYER = {"W": "n n", "b": "n", "y": "n"}
SAMPLES = {"W": "n n", "X": "m k", "U": "k n", "b": "n", "Y": "m n"}
ORBITS = {"M": "m", "e": gp.Array("m", kind="interval", low=0, high=1), "x": "m"}
HYPER = {"X": "m k", "y": "m", "c": gp.Array("", kind="positive"), "V": "n k", "v": "n"}

RIGHT = [
    (equilibrium, equilibrium_right, LAYER), (equilibrium, equilibrium_of_a_root, LAYER),
    (batch, batch_right, SAMPLES), (kepler, kepler_right, ORBITS),
    (ridge, ridge_right, HYPER), (ridge, ridge_by_the_normal_equations, HYPER),
    (logistic, logistic_right, HYPER),
]
WRONG = [
    (kepler, kepler_without_slope, ORBITS),
    (equilibrium, equilibrium_not_transposed, LAYER),
    (equilibrium, equilibrium_of_one_step, LAYER),
    (equilibrium, equilibrium_of_a_wrong_sign, LAYER),
    (equilibrium, equilibrium_of_another_equation, LAYER),
    (ridge, ridge_of_a_wrong_sign, HYPER),
    (batch, batch_not_transposed, SAMPLES), (logistic, logistic_of_a_wrong_hessian, HYPER),
]
