"""Optimisation through a step."""

from __future__ import annotations

import numpy as np

import gradproof as gp
from problems.problem import Field

field = Field("Optimisation through a step")

field.text("one step of descent", """
    g = X.T @ (X @ w - y)
    v = w - a*g
    L = sum((Z @ v - t)**2)/2
""", X="m n", w="n", y="m", a="", Z="p n", t="p")

field.text("model-agnostic meta-learning", """
    z = X @ w
    g = X.T @ (sigmoid(z) - y)/m
    v = w - alpha*g
    q = Z @ v
    L = mean(logaddexp(0, q) - t*q)
""", by="w alpha", X="m n", y="m", w="n", alpha="", Z="p n", t="p",
           draws={"y": "mask", "t": "mask"})

field.text("meta-learning by a derivative inside", """
    E = mean((tanh(X @ W) @ w - y)**2)
    U = W - alpha*grad(E, W)
    u = w - alpha*grad(E, w)
    L = mean((tanh(Z @ U) @ u - t)**2)
""", by="W w", second="w", X="m n", y="m", W="n h", w="h", alpha="", Z="p n", t="p")

field.text("unrolled descent", """
    w[-1] = w0
    w[s] = w[s-1] - alpha*(X.T @ (X @ w[s-1] - y)) for s in range(3)
    L = sum((Z @ w[2] - t)**2)/2
""", by="w0 alpha", X="m n", y="m", w0="n", alpha="", Z="p n", t="p",
           draws={"alpha": "small"})


@field.numpy("unrolled descent with momentum", X="m n", y="m", w="n", a="", b="", Z="p n", t="p",
             by="w a b")
def momentum(X, y, w, a, b, Z, t):
    v = 0 * w
    for _ in range(3):
        v = b * v + X.T @ (X @ w - y) / len(y)
        w = w - a * v
    return np.mean((Z @ w - t) ** 2)


field.text("ridge with a learned penalty", """
    w = solve(X.T @ X + exp(lam)*eye(n), X.T @ y)
    L = sum((Z @ w - t)**2)/2
""", by="lam y", second="lam", X="m n", y="m", lam="", Z="p n", t="p")

field.text("weights of samples, by a validation loss", """
    w = solve(X.T @ (v[:, None]*X) + lam*eye(n), X.T @ (v*y))
    L = sum((Z @ w - t)**2)/2
""", by="v", X="m n", y="m", v=gp.Array("m", kind="positive"), lam=gp.Array("", kind="positive"),
           Z="p n", t="p")

field.text("Newton's step", """
    q = sigmoid(X @ w)
    g = X.T @ (q - y) + lam*w
    H = X.T @ ((q*(1 - q))[:, None]*X) + lam*eye(n)
    v = w - solve(H, g)
    L = sum((Z @ v - t)**2)/2
""", by="w lam", second="lam", X="m n", y="m", w="n", lam=gp.Array("", kind="positive"),
           Z="p n", t="p")

field.text("Adam's first step", """
    g = X.T @ (X @ w - y)/m
    v = w - alpha*g/(sqrt(g**2) + eps)
    L = sum((Z @ v - t)**2)/2
""", by="w alpha", X="m n", y="m", w="n", alpha="", Z="p n", t="p",
           eps=gp.Array("", kind="positive"))

field.text("learned shrinkage, unrolled", """
    u = y @ A
    z0 = sign(u)*maximum(abs(u) - theta, 0)
    v = u + z0 @ S
    z1 = sign(v)*maximum(abs(v) - theta, 0)
    L = sum((z1 @ D - y)**2)/2
""", by="A S D theta", second="theta", y="m n", A="n k", S="k k", D="k n",
           theta=gp.Array("k", kind="positive"), draws={"theta": "unit"})

field.text("proximal descent", """
    x[-1] = x0
    v[t] = x[t-1] - eta*(A.T @ (A @ x[t-1] - b))
    x[t] = maximum(v[t], 0) for t in range(3)
    L = sum((x[2] - c)**2)/2
""", by="x0 eta b", second="x0", A="m n", b="m", x0="n", c="n", eta="",
           draws={"eta": "unit"})

field.text("sharpness-aware step", """
    E = mean(log(1 + exp(-y*(X @ w))))
    g = grad(E, w)
    v = w + rho*stop_gradient(g)/norm(stop_gradient(g))
    L = mean(log(1 + exp(-y*(X @ v))))
""", by="w", X="m n", w="n", y=gp.Array("m", kind="sign"), rho="")

field.text("matching of gradients", """
    g = A.T @ (softmax(A @ W) - B)
    h = X.T @ (softmax(X @ W) - Y)
    L = 1 - sum(g*h)/(norm(g)*norm(h))
""", by="A", A="p n", B="p k", X="m n", Y="m k", W="n k")

field.text("equilibrium of a linear layer", """
    z = solve(eye(n) - W, U @ x + b)
    L = sum((V @ z - y)**2)/2
""", by="W U b V", second="b", W="n n", U="n k", x="k", b="n", V="p n", y="p",
           draws={"W": "small"})

field.text("influence of a sample", """
    H = X.T @ X/m + lam*eye(n)
    L = -(Z.T @ (Z @ w - t)) @ inv(H) @ (x*(x @ w - y))
""", by="x w", X="m n", lam=gp.Array("", kind="positive"), Z="p n", t="p", w="n", x="n", y="")

field.text("learned step sizes", """
    E = mean((X @ w - y)**2)
    v = w - exp(r)*grad(E, w)
    F = mean((X @ v - y)**2)
    u = v - exp(r)*grad(F, v)
    L = mean((Z @ u - t)**2)
""", by="w r", X="m n", y="m", w="n", r="n", Z="p n", t="p", draws={
    "r": lambda rng, shape: rng.normal(size=shape) / 4 - 2})

field.text("meta-learning with a proximal term", """
    v = solve(X.T @ X + lam*eye(n), X.T @ y + lam*w)
    L = sum((Z @ v - t)**2)/2
""", by="w lam", X="m n", y="m", w="n", lam=gp.Array("", kind="positive"), Z="p n", t="p")

field.text("quasi-Newton step", """
    r = 1/(y @ s)
    V = eye(n) - r*outer(y, s)
    d = (V.T @ H @ V + r*outer(s, s)) @ g
    L = d @ d
""", by="H g s", second="g", H="n n", g="n", y="n", s="n")
