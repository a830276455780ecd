"""Optimal transport."""

from __future__ import annotations

import numpy as np

import gradproof as gp
from problems.problem import Field

field = Field("Optimal transport")


field.text("Sinkhorn in logarithms", """
    g[-1] = zeros(k)
    f[t] = log(a) - logsumexp(g[t-1] - C/eps, axis=1)
    g[t] = log(b) - logsumexp(f[t][:, None] - C/eps, axis=0) for t in range(3)
    P = exp(f[2][:, None] + g[2] - C/eps)
    L = sum(P*C)
""", by="C", C="n k", a=gp.Array("n", kind="positive"), b=gp.Array("k", kind="positive"),
           eps=gp.Array("", kind="positive"))


@field.numpy("Sinkhorn, three rounds", X="m d", Y="n d", eps="", by="X Y",
             draws={"eps": "positive"})
def sinkhorn(X, Y, eps):
    m, n = X.shape[0], Y.shape[0]
    C = np.sum((X[:, None, :] - Y[None, :, :]) ** 2, axis=-1)
    K = np.exp(-C / eps)
    v = np.ones(n)
    for _ in range(3):
        u = (1 / m) / (K @ v)
        v = (1 / n) / (K.T @ u)
    P = u[:, None] * K * v
    return np.sum(P * C)


field.text("entropic transport, dual", """
    L = -a @ f - b @ g + eps*sum(exp((f[:, None] + g - C)/eps))
""", by="f g C", second="f", f="m", g="n", a="m", b="n", C="m n", eps=gp.Array("", kind="positive"))

field.text("entropic transport, semi-dual", """
    h = -eps*logsumexp((g - C)/eps + log(b), axis=1)
    L = -a @ h - b @ g
""", by="g", g="n", a="m", b=gp.Array("n", kind="positive"), C="m n",
           eps=gp.Array("", kind="positive"))

field.text("unbalanced transport", """
    P = exp(Z)
    r = sum(P, axis=1)
    c = sum(P, axis=0)
    L = sum(P*C) + rho*sum(r*log(r/a) - r + a) + rho*sum(c*log(c/b) - c + b)
""", by="Z", Z="m n", C="m n", a=gp.Array("m", kind="positive"), b=gp.Array("n", kind="positive"),
           rho="")

field.text("distance of Gaussians, diagonal", "L = sum((a - b)**2) + sum((exp(s) - exp(r))**2)",
           a="n", b="n", s="n", r="n")

field.text("transport on a line", """
    d = cumsum(softmax(a)) - cumsum(b)
    L = sum(sqrt(d**2 + 0.0001))
""", by="a", a="n", b=gp.Array("n", kind="probability"))


@field.numpy("energy distance", X="m d", Y="n d", by="X")
def energy(X, Y):
    def mean_distance(A, B):
        D = np.sum((A[:, None, :] - B[None, :, :]) ** 2, axis=2)
        return np.mean(np.sqrt(D + 1e-8))
    return 2 * mean_distance(X, Y) - mean_distance(X, X) - mean_distance(Y, Y)


field.text("Gromov-Wasserstein", """
    L = sum((A**2) @ p*p) + sum((B**2) @ q*q) - 2*tr(A @ P @ B.T @ P.T)
""", by="P A", second="", P="m n", A="m m", B="n n", p="m", q="n")

field.text("sliced transport of sorted samples", """
    L = mean((X @ theta - Y @ theta)**2)/(theta @ theta)
""", by="X theta", second="theta", X="m d", Y="m d", theta="d")

field.text("barycentre of histograms", """
    p = softmax(z)
    L = w @ sum(D*(log(D) - log(p)), axis=1)
""", by="z", z="n", w="k", D=gp.Array("k n", kind="probability"))
