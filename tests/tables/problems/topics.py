"""Topic models and counts."""

from __future__ import annotations

import gradproof as gp
from problems.problem import Field

field = Field("Topic models and counts")


field.text("latent Dirichlet allocation, one document", """
    E = digamma(gamma) - digamma(sum(gamma))
    H = lgamma(sum(gamma)) - sum(lgamma(gamma)) + (gamma - 1) @ E
    L = H - (alpha - 1) @ E - sum(P*(E + C - log(P)))
""", by="gamma P", gamma=gp.Array("k", kind="positive"), alpha=gp.Array("k", kind="positive"),
           P=gp.Array("n k", kind="positive"), C="n k", draws={"P": "distribution"})

field.text("probabilistic latent semantics", "L = -sum(N*log(A @ B))", by="A B",
           N="m n", A=gp.Array("m k", kind="positive"), B=gp.Array("k n", kind="positive"),
           draws={"N": "counts"})

field.text("ProdLDA", """
    H = softplus(X @ W)
    mu = H @ Wm
    s = H @ Ws
    theta = softmax(mu + exp(s/2)*eps)
    R = log_softmax(theta @ B)
    L = -mean(sum(X*R, axis=1)) + mean(sum(exp(s) + mu**2 - 1 - s, axis=1))/2
""", by="W Wm Ws B", X="m n", W="n h", Wm="h k", Ws="h k", eps="m k", B="k n",
           draws={"X": "counts", "Wm": "small", "Ws": "small"})

field.text("embedded topics", """
    beta = softmax(alpha @ rho.T)
    L = -sum(X*log(theta @ beta))
""", by="alpha rho", X="m n", theta=gp.Array("m k", kind="probability"), alpha="k d", rho="n d",
           draws={"X": "counts"})

field.text("Dirichlet multinomial", """
    A = sum(alpha)
    N = sum(X, axis=1)
    L = -sum(lgamma(A) - lgamma(N + A)) - sum(lgamma(X + alpha) - lgamma(alpha))
""", by="alpha", X="m k", alpha=gp.Array("k", kind="positive"), draws={"X": "counts"})

field.text("Poisson factorisation", """
    R = exp(U) @ exp(V).T
    L = sum(R - X*log(R))
""", by="U V", X="m n", U="m k", V="n k", draws={"X": "counts"})

field.text("sparse additive topics", """
    P = log_softmax(b + A)
    L = -sum(X*P) + lam*sum(abs(A))
""", by="A", X="k n", A="k n", b="n", lam="", draws={"X": "counts"})

field.text("mixture of multinomials", """
    L = -sum(logsumexp(log_softmax(p) + X @ log_softmax(B).T, axis=1))
""", by="p B", X="m n", p="k", B="k n", draws={"X": "counts"})

field.text("correlated topics", """
    theta = softmax(eta)
    L = (eta - mu) @ inv(S) @ (eta - mu)/2 - x @ log(theta @ B)
""", by="eta mu", eta="k", mu="k", S="k k", x="n", B=gp.Array("k n", kind="probability"),
           draws={"x": "counts", "S": "definite"})

field.text("zero-inflated negative binomial", """
    mu = exp(Z @ W)
    t = log(r) - log(r + mu)
    q = logaddexp(log_sigmoid(P), log_sigmoid(-P) + r*t)
    s = lgamma(X + r) - lgamma(r) + r*t + X*log(mu) - X*log(r + mu)
    L = -sum(where(X > 0, log_sigmoid(-P) + s, q))
""", by="W P r", second="r", X="m n", Z="m k", W="k n", P="m n", r=gp.Array("", kind="positive"),
           draws={"X": "counts"}, short=(1e-6, "PyTorch's trigamma has nine digits"))
