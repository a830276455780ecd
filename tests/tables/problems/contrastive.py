"""Contrastive and preference losses."""

from __future__ import annotations

import numpy as np

import gradproof as gp
from problems.problem import Field

field = Field("Contrastive and preference losses")

field.text("info nce", """
    S = U @ V.T/tau
    L = -mean(diag(log_softmax(S)))
""", U="m d", V="m d", tau="")

field.text("clip", """
    S = U @ V.T/tau
    L = -mean(diag(log_softmax(S)))/2 - mean(diag(log_softmax(S.T)))/2
""", U="m d", V="m d", tau="")

field.text("triplet", """
    g = sum((A - P)**2, axis=1) - sum((A - N)**2, axis=1)
    L = sum(maximum(0, g + 1))
""", A="m d", P="m d", N="m d")

field.text("bradley terry", """
    L = -mean(log(sigmoid((P - N) @ w)))
""", P="m n", N="m n", w="n")

field.text("dpo", """
    z = beta*((p - q) - (r - s))
    L = -mean(log(sigmoid(z)))
""", p="m", q="m", r="m", s="m", beta="")

field.text("barlow twins", """
    C = A.T @ B/m
    L = sum((diag(C) - 1)**2) + lam*sum(C**2)
""", A="m d", B="m d", lam="")

field.text("distillation", """
    P = softmax(T/t)
    L = -t**2*sum(P*log_softmax(Z/t))
""", T="m k", Z="m k", t="")

field.text("label smoothing", """
    L = -sum(((1 - e)*Y + e/k)*log_softmax(Z))/m
""", Y="m k", Z="m k", e="")

field.text("focal", """
    P = softmax(Z)
    L = -sum(Y*(1 - P)**2*log(P))
""", Y="m k", Z="m k")

field.text("SimCLR", """
    S = Z @ Z.T/tau - 1000000000*eye(m)
    L = -mean(sum(P*log_softmax(S), axis=1))
""", by="Z", Z="m d", tau=gp.Array("", kind="positive"), P="m m",
           draws={"P": "neighbours"})


@field.numpy("SimCLR of two views", A="m d", B="m d", tau="", by="A B", draws={"tau": "positive"})
def nt_xent(A, B, tau):
    A = A / np.linalg.norm(A, axis=1, keepdims=True)
    B = B / np.linalg.norm(B, axis=1, keepdims=True)
    S = A @ B.T / tau
    positive = np.sum(A * B, axis=1) / tau
    return np.mean(np.log(np.sum(np.exp(S), axis=1)) - positive)


field.text("supervised contrastive", """
    S = Z @ Z.T/tau
    E = exp(S)*(1 - eye(m))
    logp = S - log(sum(E, axis=1, keepdims=True))
    L = -mean(sum(M*logp, axis=1)/sum(M, axis=1))
""", by="Z", Z="m d", tau=gp.Array("", kind="positive"), M="m m", draws={"M": "neighbours"})

field.text("n-pair", """
    S = A @ P.T
    L = mean(logsumexp(S - diag(S)[:, None], axis=1))
""", by="A P", A="m d", P="m d")

field.text("contrastive with a margin", """
    r = norm(A - B, axis=1)
    L = mean(y*r**2 + (1 - y)*maximum(0, margin - r)**2)/2
""", by="A B", A="m d", B="m d", y=gp.Array("m", kind="mask"), margin="",
           draws={"margin": lambda rng, shape: np.full(shape, 3.0)})

field.text("triplet of distances", """
    dp = norm(A - P, axis=1)
    dn = norm(A - N, axis=1)
    L = mean(maximum(0, dp - dn + margin))
""", by="A P N", A="m d", P="m d", N="m d", margin="")

field.text("SigLIP", """
    Z = t*(U @ V.T) + b
    L = -sum(log_sigmoid((2*eye(m) - 1)*Z))/m
""", by="U V t b", U="m d", V="m d", t="", b="")

field.text("BYOL", """
    p = tanh(X @ W) @ V
    z = stop_gradient(tanh(Y @ W) @ V)
    c = sum(p*z, axis=1)/(norm(p, axis=1)*norm(z, axis=1))
    L = mean(2 - 2*c)
""", by="W V", X="m n", Y="m n", W="n h", V="h d")


@field.numpy("VICReg", A="m d", B="m d", by="A B", draws={"A": "small", "B": "small"})
def vicreg(A, B):
    def terms(Z):
        Z = Z - np.mean(Z, axis=0)
        std = np.sqrt(np.mean(Z**2, axis=0) + 1e-4)
        C = Z.T @ Z / (Z.shape[0] - 1)
        off = C * (1 - np.eye(Z.shape[1]))
        return np.mean(np.maximum(0, 1 - std)), np.sum(off**2) / Z.shape[1]
    va, ca = terms(A)
    vb, cb = terms(B)
    return 25 * np.mean((A - B) ** 2) + 25 * (va + vb) + ca + cb


field.text("DINO", """
    P = softmax((T - c)/t)
    L = -mean(sum(stop_gradient(P)*log_softmax((X @ W)/s), axis=1))
""", by="W", T="m k", c="k", t=gp.Array("", kind="positive"), X="m n", W="n k",
           s=gp.Array("", kind="positive"))

field.text("identity preference optimisation", """
    h = (p - q) - (r - s)
    L = mean((h - 1/(2*beta))**2)
""", by="p r", p="m", q="m", r="m", s="m", beta=gp.Array("", kind="positive"))

field.text("simple preference optimisation", """
    L = -mean(log_sigmoid(beta*(p/n - r/k) - gamma))
""", by="p r", p="m", r="m", n=gp.Array("m", kind="positive"), k=gp.Array("m", kind="positive"),
           beta="", gamma="")

field.text("odds-ratio preference", """
    u = p - log1p(-exp(p))
    v = r - log1p(-exp(r))
    L = -mean(p + lam*log_sigmoid(u - v))
""", by="p r", p="m", r="m", lam="", draws={"p": lambda rng, shape: -rng.uniform(0.5, 2, shape),
                                            "r": lambda rng, shape: -rng.uniform(0.5, 2, shape)})

field.text("Kahneman-Tversky optimisation", """
    z = beta*(p - q)
    L = mean(where(d > 0, u*(1 - sigmoid(z - k)), v*(1 - sigmoid(k - z))))
""", by="p", p="m", q="m", d=gp.Array("m", kind="sign"), u="", v="", k="", beta="")

field.text("direct preference optimisation of a policy", """
    w = log_softmax(X @ W)[arange(m), y]
    l = log_softmax(X @ W)[arange(m), z]
    L = -mean(log_sigmoid(beta*(w - q - l + r)))
""", by="W", X="m n", W="n k", q="m", r="m", beta="",
           y=gp.Array("m", kind="labels", classes="k"), z=gp.Array("m", kind="labels", classes="k"))

field.text("Bradley-Terry abilities", """
    d = theta[i] - theta[j]
    L = sum(log(1 + exp(-d))) + lam/2*sum(theta**2)
""", by="theta", theta="n", lam="", i=gp.Array("m", kind="labels", classes="n"),
           j=gp.Array("m", kind="labels", classes="n"))

field.text("Plackett-Luce", """
    L = -sum(s - log(cumsum(exp(s[::-1]))[::-1]))
""", by="s", s="n", peer=lambda s: -(s - s.flip(0).logcumsumexp(0).flip(0)).sum())

field.text("Bayesian personalised ranking", """
    x = sum(U*(I - J), axis=1)
    L = -sum(log(sigmoid(x))) + lam/2*(sum(U**2) + sum(I**2) + sum(J**2))
""", by="U I J", U="m d", I="m d", J="m d", lam="")

field.text("margin ranking", "L = mean(maximum(0, -y*(a - b) + margin))", by="a b",
           a="m", b="m", y=gp.Array("m", kind="sign"), margin="")

field.text("center loss", """
    Z = X @ W
    L = sum((Z - C[y])**2)/2 - sum(log_softmax(Z @ V)[arange(m), y])
""", by="W C V", X="m n", W="n d", C="k d", V="d k",
           y=gp.Array("m", kind="labels", classes="k"))

field.text("additive angular margin", """
    c = (X @ W)/(norm(X, axis=1, keepdims=True)*norm(W, axis=0))
    theta = arccos(c)
    S = s*cos(theta + margin*Y)
    L = -mean(sum(Y*log_softmax(S), axis=1))
""", by="X W", X="m n", W="n k", Y=gp.Array("m k", kind="one_hot"), s="", margin="",
           draws={"margin": "unit"})

field.text("large margin cosine", """
    c = X @ W.T/(norm(X, axis=1, keepdims=True)*norm(W, axis=1))
    L = -mean(log_softmax(s*(c - margin*one_hot(y, k)))[arange(m), y])
""", by="X W", X="m n", W="k n", s="", margin="", y=gp.Array("m", kind="labels", classes="k"))

field.text("reward model with a margin", """
    a = tanh(P @ W) @ v
    b = tanh(N @ W) @ v
    L = -mean(log(sigmoid(a - b - margin)))
""", by="W v", P="m n", N="m n", W="n h", v="h", margin="m")

field.text("alignment and uniformity", """
    D = sum(X**2, axis=1, keepdims=True) - 2*X @ X.T + sum(X**2, axis=1)
    L = mean(sum((X - Y)**2, axis=1)) + lam*log(mean(exp(-2*D)))
""", by="X Y", X="m d", Y="m d", lam="")
