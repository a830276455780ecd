"""Gaussian processes and kernels."""

from __future__ import annotations

import numpy as np

import gradproof as gp
from problems.problem import Field

field = Field("Gaussian processes and kernels")

field.text("gaussian process", """
    C = K + s*eye(n)
    L = y @ inv(C) @ y/2 + logdet(C)/2
""", K="n n", y="n", s="", draws={"K": "definite", "s": "positive"})

field.text("rbf", """
    D = sum(X**2, axis=1, keepdims=True) - 2*X @ X.T + sum(X**2, axis=1)
    K = exp(-D/(2*l**2))
    L = a @ K @ a/2
""", X="m d", a="m", l="")

field.text("kernel ridge", """
    L = sum((K @ a - y)**2)/2 + lam/2*(a @ K @ a)
""", K="n n", a="n", y="n", lam="")

@field.numpy("Gaussian process with a squared exponential", X="m d", y="m", a="", ell="", s="",
             by="a ell s", draws={"a": "positive", "ell": "positive", "s": "positive"})
def gp_evidence(X, y, a, ell, s):
    D = np.sum((X[:, None, :] - X[None, :, :]) ** 2, axis=-1)
    K = a**2 * np.exp(-D / (2 * ell**2)) + s**2 * np.eye(len(y))
    logdet = np.linalg.slogdet(K)[1]
    return 0.5 * y @ np.linalg.solve(K, y) + 0.5 * logdet + 0.5 * len(y) * np.log(2 * np.pi)


field.text("automatic relevance", """
    Z = X*exp(r)
    D = sum(Z**2, axis=1, keepdims=True) - 2*Z @ Z.T + sum(Z**2, axis=1)
    C = exp(-D/2) + s*eye(m)
    L = y @ inv(C) @ y/2 + logdet(C)/2
""", by="r s", X="m d", r="d", y="m", s=gp.Array("", kind="positive"))

field.text("Matern 3/2", """
    D = sqrt(sum((X[:, None, :] - X[None, :, :])**2, axis=2) + 0.000001)
    u = sqrt(3)*D/l
    C = (1 + u)*exp(-u) + s*eye(m)
    L = y @ solve(C, y)/2 + logdet(C)/2
""", by="l s", X="m d", y="m", l=gp.Array("", kind="positive"), s=gp.Array("", kind="positive"))

field.text("periodic kernel", """
    D = x[:, None] - x[None, :]
    K = exp(-2*sin(pi*D/p)**2/l**2)
    L = a @ K @ a
""", by="p l", x="m", a="m", p=gp.Array("", kind="positive"), l=gp.Array("", kind="positive"))

field.text("rational quadratic kernel", """
    D = (x[:, None] - x[None, :])**2
    K = (1 + D/(2*alpha*l**2))**(-alpha)
    L = sum((K @ a - y)**2)/2
""", by="alpha l a", second="l", x="m", a="m", y="m", alpha=gp.Array("", kind="positive"),
           l=gp.Array("", kind="positive"))

field.text("sparse Gaussian process bound", """
    Q = F @ inv(K) @ F.T + s*eye(m)
    L = y @ inv(Q) @ y/2 + logdet(Q)/2 + (t - tr(F @ inv(K) @ F.T))/(2*s)
""", by="F K s", second="s", F="m k", K="k k", y="m", t="", s=gp.Array("", kind="positive"),
           draws={"K": "definite"})

field.text("predictive likelihood", """
    C = K + s*eye(n)
    f = k @ solve(C, y)
    v = c + s - k @ solve(C, k)
    L = (t - f)**2/(2*v) + log(v)/2
""", by="k s", second="k", K="n n", k="n", y="n", c="", t="", s=gp.Array("", kind="positive"),
           draws={"K": "definite", "c": lambda rng, shape: np.full(shape, 9.0), "k": "small"})

field.text("leave-one-out of a Gaussian process", """
    Q = inv(K + s*eye(n))
    e = (Q @ y)/diag(Q)
    L = sum(e**2*diag(Q) - log(diag(Q)))/2
""", by="s", K="n n", y="n", s=gp.Array("", kind="positive"), draws={"K": "definite"})

field.text("support vector machine, dual", "L = a @ (Y*K) @ a/2 - sum(a)", by="a", a="n",
           Y="n n", K="n n")


@field.numpy("maximum mean discrepancy", X="m d", Y="n d", s="", by="X", draws={"s": "positive"})
def mmd(X, Y, s):
    def k(A, B):
        D = np.sum(A**2, axis=1)[:, None] + np.sum(B**2, axis=1) - 2 * A @ B.T
        return np.exp(-D / (2 * s**2))
    return np.mean(k(X, X)) + np.mean(k(Y, Y)) - 2 * np.mean(k(X, Y))


field.text("independence criterion", """
    H = eye(m) - ones(m, m)/m
    K = X @ X.T
    G = Y @ Y.T
    L = tr(K @ H @ G @ H)/(m - 1)**2
""", by="X Y", X="m>=2 d", Y="m k")

field.text("kernel alignment", """
    L = -sum((X @ X.T)*(Y @ Y.T))/(norm(X.T @ X)*norm(Y.T @ Y))
""", by="X", X="m d", Y="m k")

field.text("radial basis network", """
    D = sum(X**2, axis=1, keepdims=True) - 2*X @ C.T + sum(C**2, axis=1)
    L = sum((exp(-g*D) @ w - y)**2)/2
""", by="C w g", X="m d", C="k d", w="k", y="m", g=gp.Array("k", kind="positive"))

field.text("random Fourier features", """
    Z = sqrt(2/k)*cos(X @ W + b)
    L = sum((Z @ a - y)**2)/2 + lam/2*sum(a**2)
""", by="a W b", X="m d", W="d k", b="k", a="k", y="m", lam="")

field.text("spectral mixture kernel", """
    D = x[:, None] - x[None, :]
    K = w*exp(-2*pi**2*D**2*v)*cos(2*pi*D*mu)
    C = K + s*eye(m)
    L = y @ inv(C) @ y/2 + logdet(C)/2
""", by="w v mu", x="m", y="m", w=gp.Array("", kind="positive"), v="", mu="",
           s=gp.Array("", kind="positive"), draws={"v": "small", "s": lambda rng, shape: np.full(
               shape, 4.0), "w": "unit"})

field.text("kernel logistic regression", """
    f = K @ a
    L = sum(log(1 + exp(-y*f))) + lam/2*(a @ K @ a)
""", by="a", K=gp.Array("n n", kind="symmetric"), a="n", y=gp.Array("n", kind="sign"), lam="")

field.text("Nadaraya-Watson", """
    D = (q[:, None] - x[None, :])**2
    A = softmax(-D/(2*h**2))
    L = sum((A @ y - t)**2)
""", by="h y", q="k", x="m", y="m", t="k", h=gp.Array("", kind="positive"))

field.text("kernel Stein discrepancy, linear scores", """
    S = mu - X
    D = sum(X**2, axis=1, keepdims=True) - 2*X @ X.T + sum(X**2, axis=1)
    K = exp(-D/2)
    L = sum(K*(S @ S.T - D + d))/m**2
""", by="mu", X="m d", mu="d")
