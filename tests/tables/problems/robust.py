"""Robust and penalised regression."""

from __future__ import annotations

import numpy as np

import gradproof as gp
from problems.problem import Field

field = Field("Robust and penalised regression")

field.text("huber", """
    r = X @ w - y
    L = sum(where(abs(r) < 1, r**2/2, abs(r) - 0.5))
""", X="m n", w="n", y="m")

field.text("hinge", """
    L = mean(maximum(0, 1 - y*(X @ w + b))) + lam/2*sum(w**2)
""", X="m n", w="n", y="m", b="", lam="")

field.text("pseudo-Huber", "L = sum(d**2*(sqrt(1 + ((X @ w - y)/d)**2) - 1))", by="w",
           X="m n", w="n", y="m", d="")

field.text("Cauchy", "L = c**2/2*sum(log(1 + ((X @ w - y)/c)**2))", by="w",
           X="m n", w="n", y="m", c="")

field.text("Welsch", """
    r = X @ w - y
    L = c**2/2*sum(1 - exp(-(r/c)**2))
""", by="w", X="m n", w="n", y="m", c="")

field.text("Geman-McClure", """
    r = X @ w - y
    L = sum(r**2/(c**2 + r**2))/2
""", by="w", X="m n", w="n", y="m", c="")

field.text("Tukey's biweight", """
    u = (X @ w - y)/c
    L = c**2/6*sum(where(abs(u) <= 1, 1 - (1 - u**2)**3, 1))
""", by="w", X="m n", w="n", y="m", c="", draws={"c": "positive"})


@field.numpy("log-cosh", X="m n", w="n", y="m", by="w")
def log_cosh(X, w, y):
    r = X @ w - y
    return np.mean(np.log(np.cosh(r)))


@field.numpy("quantile regression", X="m n", w="n", y="m", tau="", by="w", draws={"tau": "unit"})
def pinball(X, w, y, tau):
    e = y - X @ w
    return np.mean(np.maximum(tau * e, (tau - 1) * e))


field.text("expectile regression", """
    e = y - X @ w
    L = sum(where(e > 0, tau, 1 - tau)*e**2)
""", by="w", X="m n", w="n", y="m", tau="", draws={"tau": "unit"})

field.text("support vector regression", """
    L = c*sum(maximum(abs(X @ w + b - y) - epsilon, 0)) + sum(w**2)/2
""", by="w b", X="m n", w="n", y="m", b="", c="", epsilon="", draws={"epsilon": "unit"})

field.text("squared hinge", "L = mean(maximum(0, 1 - y*(X @ w))**2) + lam*(w @ w)", by="w",
           X="m n", w="n", y=gp.Array("m", kind="sign"), lam="")

field.text("Barron's general loss", """
    u = ((X @ w - y)/c)**2
    b = abs(alpha - 2)
    L = sum(b/alpha*((u/b + 1)**(alpha/2) - 1))
""", by="w", X="m n", w="n", y="m", c="", alpha=gp.Array("", kind="positive"), draws={
    "c": "positive", "alpha": lambda rng, shape: np.full(shape, 1.3)})

field.text("group lasso", """
    r = y - X @ reshape(W, g*k)
    L = sum(r**2)/2 + lam*sum(sqrt(sum(W**2, axis=1)))
""", by="W", X="m g*k", W="g k", y="m", lam="")

field.text("fused lasso, smoothed", """
    d = w[1:] - w[:n-1]
    L = sum((y - w)**2)/2 + lam*sum(sqrt(d**2 + mu**2))
""", by="w", w="n>=2", y="n", lam="", mu="")

field.text("smoothly clipped logistic", """
    z = y*(X @ w)
    L = mean(maximum(0, 1 - z)) + mean(log1p(exp(-z)))
""", by="w", X="m n", w="n", y=gp.Array("m", kind="sign"))

field.text("weighted least squares of outliers", """
    p = sigmoid(a - (X @ w - y)**2)
    L = sum(p*(X @ w - y)**2) - lam*sum(log(p))
""", by="w a", X="m n", w="n", y="m", a="", lam="")
