"""Losses of what is known by an equation alone: text, shapes of inputs, what is differentiated by.

Sizes are m, n and k.  Values are drawn small, so that what is solved for has one solution nearby.
"""

from __future__ import annotations

LOSSES: dict[str, tuple[str, dict[str, str], tuple[str, ...]]] = {
    "deep equilibrium": (
        "x = fixed_point(tanh(W @ x + U @ u + b), start=zeros(n))\nL = sum((x - y)**2)/2",
        {"W": "n n", "U": "n k", "u": "k", "b": "n", "y": "n"}, ("W", "U", "u", "b")),
    "deep equilibrium of a batch": (
        "Z = fixed_point(tanh(Z @ W + X @ U + b), start=zeros(m, n))\nL = sum((Z - Y)**2)/m",
        {"W": "n n", "X": "m k", "U": "k n", "b": "n", "Y": "m n"}, ("W", "U", "X", "b")),
    "samples in columns": (
        "Z = fixed_point(tanh(W @ Z + U @ X), start=zeros(n, m))\nL = sum((Z - Y)**2)/2",
        {"W": "n n", "X": "k m", "U": "n k", "Y": "n m"}, ("W", "U")),
    "Kepler's equation": (
        "E = root(E - e*sin(E) - M, start=M)\nL = sum((cos(E) - x)**2)",
        {"M": "m", "e": "m", "x": "m"}, ("e", "M")),
    "one Kepler's equation": (
        "E = root(E - e*sin(E) - M, start=M)\nL = E**2", {"M": "", "e": ""}, ("e", "M")),
    "a linear system": (
        "x = fixed_point(W @ x + b, start=b)\nL = c @ x", {"W": "n n", "b": "n", "c": "n"},
        ("W", "b")),
    "ridge regression": (
        "w = minimizer(sum((X @ w - y)**2)/2 + l*sum(w**2)/2, start=zeros(k))\n"
        "L = sum((V @ w - v)**2)/2",
        {"X": "m k", "y": "m", "l": "positive", "V": "n k", "v": "n"}, ("l", "X", "y")),
    "logistic regression": (
        "w = minimizer(sum(softplus(-y*(X @ w))) + exp(l)*sum(w**2)/2, start=zeros(k))\n"
        "L = mean(softplus(-v*(V @ w)))",
        {"X": "m k", "y": "m", "l": "", "V": "n k", "v": "n"}, ("l", "X")),
    "softmax regression to itself": (
        "p = fixed_point(softmax(W @ p + b), start=zeros(n))\nL = -sum(y*log(p))",
        {"W": "n n", "b": "n", "y": "n"}, ("W", "b")),
    "Sinkhorn, one potential": (
        "f = root(concatenate([f[1:] - a[1:] + log(sum(exp(f[1:, None] + log(b) - "
        "log(sum(exp(f[:, None] + K), axis=0)) + K[1:]), axis=1)), f[:1]]), start=zeros(n))\n"
        "L = sum(c*f)",
        {"a": "n>=2", "b": "positive k", "K": "n k", "c": "n"}, ("K", "b", "a")),
    "mean field": (
        "u = fixed_point(tanh(beta*(J @ u + h)), start=zeros(n))\nL = -u @ J @ u/2 - h @ u",
        {"J": "n n", "h": "n", "beta": ""}, ("J", "h", "beta")),
    "named on the way": (
        "s = fixed_point(sigmoid(W @ s + b) - s**3/9, start=zeros(n))\n"
        "L = sum(s**2) + sum(W @ s)", {"W": "n n", "b": "n"}, ("W", "b")),
    "two in a row": (
        "x = fixed_point(tanh(W @ x + b), start=zeros(n))\n"
        "z = root(z + z**3 - x, start=x)\nL = sum(z*y)",
        {"W": "n n", "b": "n", "y": "n"}, ("W", "b")),
    "a largest entry": (
        "x = fixed_point(relu(W @ x + b), start=b)\nL = max(x) + sum(x**2)",
        {"W": "n n", "b": "n"}, ("W", "b")),
    "the matrix of a Riccati equation": (
        "P = fixed_point(Q + A.T @ inv(inv(P) + B @ B.T) @ A, start=Q)\nL = tr(P)",
        {"Q": "definite n n", "A": "n n", "B": "n k"}, ("Q", "A", "B")),
    "the matrix of a Lyapunov equation": (
        "P = root(A @ P @ A.T - P + Q, start=Q)\nL = sum(P**2)/2",
        {"A": "n n", "Q": "definite n n"}, ("A", "Q")),
    "a matrix between two": (
        "Z = fixed_point(tanh(W @ Z @ V + X), start=zeros(n, k))\nL = sum((Z - Y)**2)",
        {"W": "n n", "V": "k k", "X": "n k", "Y": "n k"}, ("W", "V")),
    "matrices of a batch": (
        "Z = fixed_point(tanh(W @ Z @ V + X), start=zeros(m, n, k))\nL = sum((Z - Y)**2)",
        {"W": "n n", "V": "k k", "X": "m n k", "Y": "m n k"}, ("W", "V")),
    "a batch between its axes": (
        "Z = fixed_point(tanh(swapaxes(W @ swapaxes(Z, 0, 1) @ V, 0, 1) + X), "
        "start=zeros(n, m, k))\nL = sum((Z - Y)**2)",
        {"W": "n n", "V": "k k", "X": "n m k", "Y": "n m k"}, ("W", "V")),
}
