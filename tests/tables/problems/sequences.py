"""Sequence models."""

from __future__ import annotations

import numpy as np

import gradproof as gp
from problems.problem import Field

field = Field("Sequence models")

field.text("rnn", """
    h[-1] = h0
    z[t] = x[t] @ W + h[t-1] @ U + b
    h[t] = tanh(z[t])
    L = sum((h - y)**2)/2
""", x="T m n", W="n k", U="k k", b="k", h0="m k", y="T m k")

field.text("rnn, one sequence", """
    h[-1] = h0
    h[t] = tanh(W @ x[t] + U @ h[t-1] + b)
    L = sum((V @ h[T-1] - y)**2)/2
""", x="T n", W="k n", U="k k", b="k", h0="k", V="o k", y="o")

field.text("attention", """
    S = Q @ K.T/sqrt(d)
    P = softmax(S)
    O = P @ V
    L = sum((O - Y)**2)/2
""", Q="t d", K="s d", V="s e", Y="t e")

field.text("additive attention", """
    H = tanh(K @ W + q @ U)
    s = H @ v
    a = softmax(s)
    c = a @ K
    L = sum((c - y)**2)
""", K="t d", W="d h", q="e", U="e h", v="h", y="d")

field.text("linear attention", """
    O = exp(Q) @ (exp(K).T @ V)
    L = sum(O*C)
""", Q="t d", K="t d", V="t e", C="t e")

field.text("sequence of samples", """
    Y = tanh(X @ W + b)
    L = sum(Y*C)
""", X="m t n", W="n k", b="k", C="m t k")

field.text("means of sequences", """
    mu = mean(X, axis=2, keepdims=True)
    L = sum((X - mu)**2*C)
""", X="m t n", C="m t n")

field.text("causal attention", """
    S = Q @ K.T/sqrt(d) + M
    L = sum((softmax(S) @ V - Y)**2)/2
""", by="Q K V", Q="t d", K="t d", V="t e", M="t t", Y="t e")


@field.numpy("attention with a mask", Q="t d", K="t d", V="t e", C="t e", by="Q K V")
def masked(Q, K, V, C):
    S = Q @ K.T / np.sqrt(Q.shape[1])
    E = np.exp(S - np.max(S, axis=1, keepdims=True)) * np.tril(np.ones(S.shape))
    P = E / np.sum(E, axis=1, keepdims=True)
    return np.sum(C * (P @ V))


field.text("language model, one layer", """
    h[-1] = zeros(k)
    h[t] = tanh(E[x[t]] @ W + h[t-1] @ U)
    Z = h @ V
    L = -mean(log_softmax(Z)[arange(T), y])
""", by="E W U V", E="n d", W="d k", U="k k", V="k n", x=gp.Array("T", kind="labels", classes="n"),
           y=gp.Array("T", kind="labels", classes="n"))

field.text("LSTM", """
    h[-1] = h0
    c[-1] = c0
    i[t] = sigmoid(x[t] @ Wi + h[t-1] @ Ui + bi)
    f[t] = sigmoid(x[t] @ Wf + h[t-1] @ Uf + bf)
    o[t] = sigmoid(x[t] @ Wo + h[t-1] @ Uo + bo)
    g[t] = tanh(x[t] @ Wg + h[t-1] @ Ug + bg)
    c[t] = f[t]*c[t-1] + i[t]*g[t]
    h[t] = o[t]*tanh(c[t])
    L = sum((h - y)**2)/2
""", x="T m n", Wi="n k", Ui="k k", bi="k", Wf="n k", Uf="k k", bf="k", Wo="n k", Uo="k k",
           bo="k", Wg="n k", Ug="k k", bg="k", h0="m k", c0="m k", y="T m k", second="bf",
           by="Wi Ui bi Wf Uf bf Wo Uo bo Wg Ug bg")

field.text("GRU", """
    h[-1] = h0
    r[t] = sigmoid(Wr @ x[t] + Ur @ h[t-1] + br)
    z[t] = sigmoid(Wz @ x[t] + Uz @ h[t-1] + bz)
    n[t] = tanh(Wn @ x[t] + Un @ (r[t]*h[t-1]) + bn)
    h[t] = (1 - z[t])*n[t] + z[t]*h[t-1]
    L = sum((h[T-1] - y)**2)/2
""", x="T d", Wr="k d", Ur="k k", br="k", Wz="k d", Uz="k k", bz="k", Wn="k d", Un="k k", bn="k",
           h0="k", y="k", by="Wr Ur br Wz Uz bz Wn Un bn", second="bz")

field.text("autoregression with two lags", """
    e = y[2:] - a*y[1:T-1] - b*y[:T-2] - c
    L = sum(e**2)/(2*s**2) + (T - 2)*log(s)
""", by="a b c s", second="s", y="T>=3", a="", b="", c="", s=gp.Array("", kind="positive"))

field.text("moving average of order one", """
    e[-1] = 0
    e[t] = y[t] - mu - theta*e[t-1]
    L = sum(e**2)/2
""", by="theta mu", y="T", theta="", mu="")

field.text("exponential smoothing", """
    s[0] = y[0]
    s[t] = alpha*y[t] + (1 - alpha)*s[t-1]
    L = sum((y[1:] - s[:T-1])**2)/2
""", by="alpha", y="T>=2", alpha="", draws={"alpha": "unit"})

field.text("Holt's trend", """
    l[-1] = l0
    b[-1] = b0
    e[t] = y[t] - l[t-1] - b[t-1]
    l[t] = l[t-1] + b[t-1] + alpha*e[t]
    b[t] = b[t-1] + beta*e[t]
    L = mean(e**2)
""", by="alpha beta l0 b0", second="alpha", y="T", l0="", b0="", alpha="", beta="")

field.text("temporal convolution", """
    H = relu(conv1d(x, w, b, padding=1))
    L = mean((mean(H, axis=2) @ v - y)**2)
""", by="w b v", x="m c t", w="k c 3", b="k", v="k", y="m", sizes={"t": 5},
           peer=lambda x, w, b, v, y: ((__import__("torch").conv1d(x, w, b, padding=1).relu().mean(
               2) @ v - y) ** 2).mean())

field.text("diagonal state space", """
    s[-1] = zeros(n)
    s[t] = a*s[t-1] + B @ x[t]
    y[t] = C @ s[t] + D @ x[t]
    L = sum((y - r)**2)/2
""", by="a B C D", x="T k", a="n", B="n k", C="p n", D="p k", r="T p", draws={"a": "unit"})

field.text("selective state space", """
    d[t] = softplus(x[t] @ Wd)
    s[-1] = zeros(n)
    s[t] = exp(-d[t]*a)*s[t-1] + d[t]*x[t]
    L = sum((s - y)**2)/2
""", by="a Wd", x="T n", a="n", Wd="n n", y="T n", draws={"a": "positive"})

field.text("gated linear recurrence", """
    Z = sigmoid(X @ A)
    h[-1] = h0
    h[t] = Z[t]*h[t-1] + (1 - Z[t])*(X[t] @ B)
    L = sum((h @ v - y)**2)/2
""", by="A B v", X="T n", A="n k", B="n k", h0="k", v="k", y="T")

field.text("copying with coverage", """
    a = softmax(E @ q)
    p = g*softmax(V @ c) + (1 - g)*(M @ a)
    L = -log(p @ y) + lam*sum(minimum(a, b))
""", by="q V", E="t d", q="d", V="n k", c="k", M="n t", y=gp.Array("n", kind="one_hot"), g="",
           b="t", lam="", draws={"g": "unit", "M": "unit", "b": "unit"})

field.text("key-value memory", """
    p = softmax(q @ K.T)
    o = p @ V
    L = -sum(y*log_softmax((o + q) @ W))
""", by="q K V W", q="d", K="n d", V="n d", W="d k", y=gp.Array("k", kind="one_hot"))

field.text("fast weights", """
    A[-1] = zeros(n, n)
    A[t] = lam*A[t-1] + eta*outer(v[t], k[t])
    o[t] = A[t] @ q[t]
    L = sum((o - y)**2)/2
""", by="k v q lam", second="lam", k="T n", v="T n", q="T n", y="T n", lam="", eta="",
           draws={"lam": "unit"})

field.text("Transformer's feed-forward block", """
    H = X + gelu(X @ W1 + b1) @ W2 + b2
    mu = mean(H, axis=1, keepdims=True)
    N = (H - mu)/sqrt(var(H, axis=1, keepdims=True) + 0.00001)
    L = sum((N*g + b - Y)**2)/2
""", by="W1 b1 W2 b2 g b", X="t d", W1="d h", b1="h", W2="h d", b2="d", g="d", b="d", Y="t d")
