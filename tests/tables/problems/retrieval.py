"""Embeddings and retrieval."""

from __future__ import annotations

import numpy as np

import gradproof as gp
from problems.problem import Field

field = Field("Embeddings and retrieval")

field.text("matrix factorisation", """
    L = sum((U @ V.T - R)**2)/2 + lam/2*(sum(U**2) + sum(V**2))
""", U="m k", V="n k", R="m n", lam="")

field.text("factorisation with biases", """
    E = U @ V.T + b + c - R
    L = sum(M*E**2)/2
""", U="m k", V="n k", R="m n", M="m n", b="m 1", c="n")

field.text("ranknet", """
    s = X @ w
    c = sum(X*w, axis=1, keepdims=True)
    D = c - s
    L = sum(M*log(1 + exp(-D)))
""", X="m n", w="n", M="m m")

field.text("t-sne", """
    N = 1/(1 + sum(X**2, axis=1, keepdims=True) - 2*X @ X.T + sum(X**2, axis=1))
    Q = N/sum(N)
    L = -sum(P*log(Q))
""", X="m d", P="m m")

field.text("skip-gram", """
    L = -log(sigmoid(u @ v)) - sum(log(sigmoid(-(N @ v))))
""", u="d", v="d", N="k d")

field.text("glove", """
    E = W @ C.T + b + c - log(X)
    L = sum(F*E**2)
""", W="m d", C="n d", b="m 1", c="n", X="m n", F="m n", draws={"X": "positive"})

field.text("distances", """
    D = sum(X**2, axis=1, keepdims=True) - 2*X @ X.T + sum(X**2, axis=1)
    L = sum((D - T)**2)
""", X="m d", T="m m")

field.text("cosine", """
    L = a @ x/(norm(a)*norm(x))
""", a="n", x="n")

field.text("bilinear", """
    L = sum((einsum("mi,ij,mj->m", X, A, Y) - t)**2)
""", X="m n", A="n k", Y="m k", t="m")

field.text("stochastic neighbours", """
    D = sum(X**2, axis=1, keepdims=True) - 2*X @ X.T + sum(X**2, axis=1)
    S = -D - 1000000000*eye(m)
    L = -sum(P*log_softmax(S))
""", by="X", X="m d", P="m m", draws={"P": "neighbours"})


@field.numpy("t-SNE, without the diagonal", Y="m d", P="m m", by="Y", draws={"P": "neighbours"})
def tsne(Y, P):
    m = Y.shape[0]
    D = np.sum((Y[:, None, :] - Y[None, :, :]) ** 2, axis=2)
    W = (1 - np.eye(m)) / (1 + D)
    Q = W / np.sum(W)
    return -np.sum(P * np.log(Q + np.eye(m)))


field.text("UMAP", """
    D = sum(X**2, axis=1, keepdims=True) - 2*X @ X.T + sum(X**2, axis=1)
    Q = 1/(1 + a*D)
    L = -sum(P*log(Q) + (1 - P)*log(1 - Q + eps))
""", by="X", X="m d", P="m m", a=gp.Array("", kind="positive"), eps=gp.Array("", kind="positive"),
           draws={"P": "unit"})

field.text("skip-gram with labels", """
    v = V[c]
    L = -log_sigmoid(U[o] @ v) - sum(log_sigmoid(-(U[neg] @ v)))
""", by="V U", V="n d", U="n d", c=gp.Array("", kind="labels", classes="n"),
           o=gp.Array("", kind="labels", classes="n"),
           neg=gp.Array("k", kind="labels", classes="n"))

field.text("continuous bag of words", """
    h = mean(V[context], axis=0)
    L = -log_softmax(U @ h)[word]
""", by="V U", V="n d", U="n d", context=gp.Array("c", kind="labels", classes="n"),
           word=gp.Array("", kind="labels", classes="n"))

field.text("rotary embedding", """
    q0 = Q[:, :h]*cos(A) - Q[:, h:]*sin(A)
    q1 = Q[:, h:]*cos(A) + Q[:, :h]*sin(A)
    k0 = K[:, :h]*cos(A) - K[:, h:]*sin(A)
    k1 = K[:, h:]*cos(A) + K[:, :h]*sin(A)
    S = q0 @ k0.T + q1 @ k1.T
    L = sum(C*softmax(S))
""", by="Q K", Q="t 2*h", K="t 2*h", A="t h", C="t t")

field.text("RankNet", """
    s = X @ w
    D = s[:, None] - s[None, :]
    L = sum(P*log(1 + exp(-D)))
""", by="w", X="m n", w="n", P="m m", draws={"P": "mask"})

field.text("ListNet", """
    L = -sum(softmax(y)*log_softmax(X @ w))
""", by="w", X="m n", w="n", y="m")


@field.numpy("ListMLE", X="m n", w="n", by="w", peer=lambda X, w: (
    (X @ w).flip(0).logcumsumexp(0) - (X @ w).flip(0)).sum())
def listmle(X, w):
    s = (X @ w)[::-1]
    return np.sum(np.log(np.cumsum(np.exp(s))) - s)


field.text("approximate NDCG", """
    s = X @ w
    D = s[:, None] - s[None, :]
    r = 1/2 + sum(sigmoid(-D/T), axis=1)
    L = -sum((2**y - 1)/log(1 + r))
""", by="w", X="m n", w="n", y="m", T=gp.Array("", kind="positive"))

field.text("TransE", """
    dp = norm(E[h] + R[r] - E[t], axis=1)
    dn = norm(E[a] + R[r] - E[b], axis=1)
    L = sum(maximum(0, margin + dp - dn))
""", by="E R", E="n d", R="k d", margin="", h=gp.Array("m", kind="labels", classes="n"),
           t=gp.Array("m", kind="labels", classes="n"), a=gp.Array("m", kind="labels", classes="n"),
           b=gp.Array("m", kind="labels", classes="n"), r=gp.Array("m", kind="labels", classes="k"))

field.text("DistMult", """
    s = sum(E[h]*R[r]*E[t], axis=1)
    L = sum(softplus(-y*s)) + lam*sum(E**2)
""", by="E R", E="n d", R="k d", lam="", y=gp.Array("m", kind="sign"),
           h=gp.Array("m", kind="labels", classes="n"), t=gp.Array("m", kind="labels", classes="n"),
           r=gp.Array("m", kind="labels", classes="k"))

field.text("ComplEx", """
    s = sum(A*R*B, axis=1) + sum(A*S*D, axis=1) + sum(C*R*D, axis=1) - sum(C*S*B, axis=1)
    L = mean(log(1 + exp(-y*s)))
""", by="A C R S B D", A="m d", C="m d", R="m d", S="m d", B="m d", D="m d",
           y=gp.Array("m", kind="sign"))

field.text("factorisation machine", """
    f = w0 + X @ w + sum((X @ V)**2 - X**2 @ V**2, axis=1)/2
    L = mean((f - y)**2)
""", by="w0 w V", X="m n", w0="", w="n", V="n k", y="m")

field.text("field of implicit feedback", """
    L = sum((1 + alpha*R)*(B - U @ V.T)**2) + lam*(sum(U**2) + sum(V**2))
""", by="U V", R="m n", B=gp.Array("m n", kind="mask"), U="m k", V="n k", alpha="", lam="")

field.text("two towers, corrected for popularity", """
    U = relu(X @ A)
    V = relu(Y @ B)
    S = U @ V.T/tau - log(q)
    L = -mean(diag(log_softmax(S)))
""", by="A B", X="m n", Y="m k", A="n d", B="k d", q=gp.Array("m", kind="positive"),
           tau=gp.Array("", kind="positive"))

field.text("nonnegative factorisation", """
    V = W @ H
    L = sum(X*log(X/V) - X + V)
""", by="W H", X=gp.Array("m n", kind="positive"), W=gp.Array("m k", kind="positive"),
           H=gp.Array("k n", kind="positive"))


@field.numpy("multidimensional scaling", X="m d", D="m m", by="X", draws={"D": "unit"})
def stress(X, D):
    G = X[:, None, :] - X[None, :, :]
    E = np.sqrt(np.sum(G**2, axis=-1) + 1e-9)
    return np.sum((E - D) ** 2)


field.text("neighbourhood components", """
    Z = X @ A.T
    D = sum(Z**2, axis=1, keepdims=True) - 2*Z @ Z.T + sum(Z**2, axis=1)
    P = softmax(-D - 1000000000*eye(m))
    L = -sum(M*P)
""", by="A", X="m n", A="d n", M="m m", draws={"M": "neighbours"})

field.text("autoencoder with tied weights", """
    H = sigmoid(X @ W + b)
    R = sigmoid(H @ W.T + c)
    L = -sum(X*log(R) + (1 - X)*log(1 - R))/m
""", by="W b c", X="m n", W="n k", b="k", c="n", draws={"X": "unit"})

field.text("sparse autoencoder", """
    Z = relu((X - c) @ W + b)
    L = sum((Z @ V + c - X)**2)/m + lam*sum(abs(Z))/m
""", by="W b V c", X="m n", W="n k", b="k", V="k n", c="n", lam="")

field.text("sparse coding", "L = sum((X - A @ D)**2)/2 + lam*sum(abs(A))", by="A D",
           X="m n", A="m k", D="k n", lam="")

field.text("Poincare distance", """
    a = sum((u - v)**2)/((1 - sum(u**2))*(1 - sum(v**2)))
    L = (arccosh(1 + 2*a) - d)**2
""", by="u v", u="n", v="n", d="", draws={
    "u": lambda rng, shape: rng.uniform(0.05, 0.3, shape),
    "v": lambda rng, shape: -rng.uniform(0.05, 0.3, shape)})

field.text("hashing with a quantisation penalty", """
    B = tanh(X @ W)
    L = sum((B @ B.T/k - S)**2) + lam*sum((abs(B) - 1)**2)
""", by="W", X="m n", W="n k", S="m m", lam="")
