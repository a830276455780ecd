"""Graphical models and filters."""

from __future__ import annotations

import numpy as np

import gradproof as gp
from problems.problem import Field

field = Field("Graphical models and filters")

field.text("hidden markov", """
    a[-1] = p
    a[t] = (A.T @ a[t-1])*b[t]
    L = -log(sum(a[T-1]))
""", p="k", b="T k", A="k k")

field.text("hidden markov, logs", """
    a[-1] = p
    a[t] = b[t] + logsumexp(a[t-1] + A.T, axis=1)
    L = -logsumexp(a[T-1])
""", p="k", b="T k", A="k k")

field.text("kalman update", """
    S = H @ P @ H.T + R
    e = y - H @ x
    L = e @ inv(S) @ e/2 + logdet(S)/2
""", H="m n", P="n n", R="m m", y="m", x="n",
           draws={"P": "definite", "R": "definite"})

field.text("linear-chain CRF", """
    a[0] = E[0]
    a[t] = E[t] + logsumexp(a[t-1][:, None] + A, axis=0)
    L = logsumexp(a[T-1]) - sum(Y*E) - sum(P*A)
""", by="E A", E="T k", A="k k", Y=gp.Array("T k", kind="one_hot"), P="k k")


@field.numpy("CRF with labels", E="4 k", A="k k", y=gp.Array("4", kind="labels", classes="k"),
             by="E A")
def crf(E, A, y):
    a = E[0]
    for t in range(1, E.shape[0]):
        a = E[t] + np.log(np.sum(np.exp(a[:, None] + A), axis=0))
    score = np.sum(E[np.arange(len(y)), y]) + np.sum(A[y[:-1], y[1:]])
    return np.log(np.sum(np.exp(a))) - score


field.text("hidden Markov with softmax emissions", """
    B = log_softmax(S)
    A = log_softmax(R)
    a[0] = log_softmax(p) + B[:, y[0]]
    a[t] = B[:, y[t]] + logsumexp(a[t-1][:, None] + A, axis=0)
    L = -logsumexp(a[T-1])
""", by="S R p", S="k n", R="k k", p="k", y=gp.Array("T", kind="labels", classes="n"))

field.text("Kalman filter", """
    m[-1] = m0
    P[-1] = P0
    a[t] = F @ m[t-1]
    R[t] = F @ P[t-1] @ F.T + Q
    e[t] = y[t] - H @ a[t]
    S[t] = H @ R[t] @ H.T + V
    K[t] = R[t] @ H.T @ inv(S[t])
    m[t] = a[t] + K[t] @ e[t]
    P[t] = R[t] - K[t] @ H @ R[t]
    l[t] = e[t] @ inv(S[t]) @ e[t]/2 + logdet(S[t])/2
    L = sum(l)
""", by="F H Q V", second="V", m0="n", P0="n n", F="n n", Q="n n", H="k n", V="k k", y="T k",
           draws={"P0": "definite", "Q": "definite", "V": "definite", "F": "small"},
           sizes={"n": 3, "k": 2, "T": 4})

field.text("local level model", """
    a[-1] = a0
    p[-1] = p0
    v[t] = y[t] - a[t-1]
    f[t] = p[t-1] + q + r
    a[t] = a[t-1] + (p[t-1] + q)/f[t]*v[t]
    p[t] = (p[t-1] + q)*r/f[t]
    L = sum(log(f) + v**2/f)/2
""", by="q r", y="T", a0="", p0=gp.Array("", kind="positive"), q=gp.Array("", kind="positive"),
           r=gp.Array("", kind="positive"))

field.text("Ising pseudolikelihood", """
    H = X @ J + h
    L = sum(log(1 + exp(-2*X*H)))
""", by="J h", X=gp.Array("m n", kind="sign"), J="n n", h="n")

field.text("Boltzmann machine, free energy", """
    F = -X @ b - sum(softplus(X @ W + c), axis=1)
    G = -V @ b - sum(softplus(V @ W + c), axis=1)
    L = mean(F) - mean(G)
""", by="W b c", X="m n", V="p n", W="n h", b="n", c="h", draws={"X": "mask", "V": "mask"})

field.text("Gaussian Markov field", """
    L = x @ (kappa*D + tau*eye(n)) @ x/2 - logdet(kappa*D + tau*eye(n))/2
""", by="kappa tau", x="n", D="n n", kappa=gp.Array("", kind="positive"),
           tau=gp.Array("", kind="positive"), draws={"D": "definite"})

field.text("Gaussian mixture, expected", """
    D = sum(X**2, axis=1, keepdims=True) - 2*X @ M.T + sum(M**2, axis=1)
    L = sum(R*(exp(-2*s)*D/2 + d*s - log_softmax(a)))
""", by="M s a", X="m d", M="k d", s="k", a="k", R=gp.Array("m k", kind="probability"))

field.text("contrastive divergence", """
    hx = sigmoid(X @ W + c)
    hv = sigmoid(V @ W + c)
    L = mean(sum((V @ W)*stop_gradient(hv), axis=1)) - mean(sum((X @ W)*stop_gradient(hx), axis=1))
""", by="W", X="m n", V="m n", W="n h", c="h")

field.text("mean field of a pairwise field", """
    Q0 = softmax(U)
    Q1 = softmax(U + A @ Q0 @ C)
    Q2 = softmax(U + A @ Q1 @ C)
    L = -sum(Y*log(Q2))
""", by="U C", U="n k", A="n n", C="k k", Y=gp.Array("n k", kind="one_hot"),
           draws={"A": "neighbours"})

field.text("belief propagation on a chain", """
    f[-1] = ones(k)
    f[t] = (f[t-1]*U[t]) @ M
    L = -log(sum(f[T-1]))
""", by="U M", U=gp.Array("T k", kind="positive"), M=gp.Array("k k", kind="positive"))

field.text("autoregressive density", """
    A = tril(W, -1)
    Z = X @ A.T + b
    L = mean(sum(softplus(Z) - X*Z, axis=1))
""", by="W b", X=gp.Array("m n", kind="mask"), W="n n", b="n")

field.text("structure by acyclicity", """
    A = W*W
    M = eye(n) + A/n
    L = sum((X - X @ W)**2)/(2*m) + rho*(tr(M @ M @ M) - n)**2 + lam*sum(abs(W))
""", by="W", X="m n", W="n n", rho="", lam="")

field.text("particle weights", """
    w = softmax(-(y - X @ h)**2/(2*s**2))
    L = -log(sum(exp(-(y - X @ h)**2/(2*s**2)))) + log(s) + (w @ (X @ g) - t)**2
""", by="h s", X="m n", h="n", g="n", y="", t="", s=gp.Array("", kind="positive"))

field.text("switching of two regimes", """
    p[-1] = p0
    q[t] = p[t-1] @ A
    g[t] = q[t] @ B[t]
    p[t] = q[t]*B[t]/g[t]
    L = -sum(log(g))
""", by="A B", A=gp.Array("k k", kind="positive"), B=gp.Array("T k", kind="positive"),
           p0=gp.Array("k", kind="positive"))
