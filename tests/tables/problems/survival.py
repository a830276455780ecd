"""Survival analysis."""

from __future__ import annotations

import numpy as np

import gradproof as gp
from problems.problem import Field

field = Field("Survival analysis")

field.text("cox", """
    z = X @ w
    L = sum(d*(log(R @ exp(z)) - z))
""", X="m n", w="n", d="m", R="m m", draws={"d": "mask", "R": lambda rng, shape: np.tri(*shape)})

field.text("Cox with an order of times", """
    eta = X @ beta
    L = -sum(d*(eta - log(cumsum(exp(eta)))))
""", by="beta", X="m n", beta="n", d=gp.Array("m", kind="mask"))

field.text("exponential times, censored", """
    h = exp(X @ w)
    L = sum(t*h - d*log(h))
""", by="w", X="m n", w="n", t=gp.Array("m", kind="positive"), d=gp.Array("m", kind="mask"))

field.text("Weibull, accelerated failure", """
    z = (log(t) - X @ w)/s
    L = -sum(d*(z - log(s)) - exp(z))
""", by="w s", X="m n", w="n", s=gp.Array("", kind="positive"),
           t=gp.Array("m", kind="positive"), d=gp.Array("m", kind="mask"))

field.text("log-logistic times", """
    z = (log(t) - X @ w)/s
    L = sum((1 + d)*log(1 + exp(z)) - d*(z - log(s)))
""", by="w s", X="m n", w="n", s=gp.Array("", kind="positive"),
           t=gp.Array("m", kind="positive"), d=gp.Array("m", kind="mask"))

field.text("log-normal times", """
    z = (log(t) - X @ w)/s
    L = -sum(d*(-z**2/2 - log(s)) + (1 - d)*log(1 - ndtr(z)))
""", by="w s", X="m n", w="n", s=gp.Array("", kind="positive"), second="w",
           t=gp.Array("m", kind="positive"), d=gp.Array("m", kind="mask"))

field.text("Gompertz hazards", """
    b = exp(X @ w)
    L = sum(b/a*(exp(a*t) - 1) - d*(log(b) + a*t))
""", by="w a", X="m n", w="n", a=gp.Array("", kind="positive"),
           t=gp.Array("m", kind="positive"), d=gp.Array("m", kind="mask"))

field.text("discrete hazards", """
    h = sigmoid(X @ W + b)
    L = -sum(E*log(h) + R*log(1 - h))
""", by="W b", X="m n", W="n k", b="k", E=gp.Array("m k", kind="mask"),
           R=gp.Array("m k", kind="mask"))


@field.numpy("survival by a product of hazards", Z="m k", e=gp.Array("m k", kind="one_hot"),
             by="Z")
def survival(Z, e):
    S = np.cumprod(1 - 1 / (1 + np.exp(-Z)), axis=1)
    return -np.sum(np.log(np.sum(S * e, axis=1)))


field.text("piecewise exponential", """
    L = sum(T*exp(a + X @ w)[:, None]*exp(b)) - sum(D*(b + (a + X @ w)[:, None]))
""", by="w b", X="m n", w="n", a="", b="k", T=gp.Array("m k", kind="positive"),
           D=gp.Array("m k", kind="mask"))

field.text("DeepHit", """
    P = softmax(tanh(X @ W1) @ W2)
    F = cumsum(P, axis=1)
    L = -sum(log(sum(Y*P, axis=1))) + sum(A*exp((F @ Y.T - sum(F*Y, axis=1, keepdims=True))/s))
""", by="W1 W2", X="m n", W1="n h", W2="h k", Y=gp.Array("m k", kind="one_hot"),
           A=gp.Array("m m", kind="mask"), s="", draws={"s": "positive"})

field.text("gamma frailty", """
    h = exp(X @ w)*t
    L = sum((1/v + d)*log(1 + v*h) - d*(X @ w))
""", by="w v", X="m n", w="n", v=gp.Array("", kind="positive"),
           t=gp.Array("m", kind="positive"), d=gp.Array("m", kind="mask"))
