"""Graph networks."""

from __future__ import annotations

import numpy as np

import gradproof as gp
from problems.problem import Field

field = Field("Graph networks")

field.text("graph convolution", """
    H = relu(A @ X @ W)
    L = sum((H @ V - Y)**2)/2
""", A="m m", X="m n", W="n h", V="h k", Y="m k")

field.text("graph convolution, normalised", """
    d = sum(A, axis=1)
    N = A/sqrt(outer(d, d))
    P = softmax(N @ relu(N @ X @ W1) @ W2)
    L = -sum(Y*log(P))/m
""", by="W1 W2", A="m m", X="m n", W1="n h", W2="h k", Y=gp.Array("m k", kind="one_hot"),
           draws={"A": "neighbours"})

field.text("mean of neighbours", """
    H = relu(X @ W + (A @ X)/sum(A, axis=1, keepdims=True) @ V)
    L = sum((H @ u - y)**2)/2
""", by="W V u", A="m m", X="m n", W="n h", V="n h", u="h", y="m", draws={"A": "neighbours"})

field.text("graph attention", """
    H = X @ W
    e = leaky_relu((H @ a)[:, None] + (H @ b)[None, :])
    P = softmax(e + M)
    L = sum((P @ H - Y)**2)/2
""", by="W a b", X="m n", W="n k", a="k", b="k", M="m m", Y="m k")

field.text("graph isomorphism network", """
    H = relu(((1 + eps)*X + A @ X) @ W + b)
    g = sum(H, axis=0) @ v
    L = softplus(g) - y*g
""", by="W b v eps", A="m m", X="m n", W="n h", b="h", v="h", eps="", y="",
           draws={"A": "neighbours"})

field.text("messages along edges", """
    M = tanh(X[src] @ U + X[dst] @ V)
    H = B @ M
    L = sum((H @ w - y)**2)/2
""", by="U V w", X="m n", U="n h", V="n h", w="h", y="m", B="m e",
           src=gp.Array("e", kind="labels", classes="m"),
           dst=gp.Array("e", kind="labels", classes="m"))


@field.numpy("edges added up", X="m n", W="n h", w="h", y="m", by="X W w",
             src=gp.Array("e", kind="labels", classes="m"),
             dst=gp.Array("e", kind="labels", classes="m"), peer=lambda X, W, w, y, src, dst: (
                 ((X @ W).tanh().index_add(0, dst, (X @ W).tanh()[src]) @ w - y) ** 2).mean())
def scatter(X, W, w, y, src, dst):
    H = np.tanh(X @ W)
    out = H.copy()
    np.add.at(out, dst, H[src])
    return np.mean((out @ w - y) ** 2)


field.text("link prediction", """
    Z = A @ relu(A @ X @ W1) @ W2
    S = Z @ Z.T
    L = mean(softplus(S) - Y*S)
""", by="W1 W2", A="m m", X="m n", W1="n h", W2="h d", Y="m m",
           draws={"A": "neighbours", "Y": "neighbours"})

field.text("personalised propagation", """
    Z[-1] = H
    Z[t] = (1 - alpha)*(A @ Z[t-1]) + alpha*H for t in range(3)
    L = -sum(Y*log_softmax(Z[2]))
""", by="H alpha", second="alpha", H="m k", A="m m", alpha="", Y=gp.Array("m k", kind="one_hot"),)

field.text("smoothness on a graph", "L = sum((F - Y)**2)/2 + lam/2*tr(F.T @ D @ F)", by="F",
           F="m k", Y="m k", D=gp.Array("m m", kind="symmetric"), lam="")

field.text("modularity", """
    P = softmax(Z)
    L = -tr(P.T @ (A - outer(d, d)/(2*q)) @ P)/(2*q)
""", by="Z", Z="m k", A="m m", d="m", q=gp.Array("", kind="positive"), draws={"A": "neighbours"})

field.text("pooling by minimal cuts", """
    S = softmax(X @ W)
    L = -tr(S.T @ A @ S)/tr(S.T @ D @ S) + norm(S.T @ S/norm(S.T @ S) - eye(k)/sqrt(k))
""", by="W", X="m n", W="n k", A="m m", D="m m", draws={"A": "neighbours", "D": "definite"})

field.text("Chebyshev filters", """
    T1 = D @ X
    T2 = 2*D @ T1 - X
    L = sum((X @ W0 + T1 @ W1 + T2 @ W2 - Y)**2)/2
""", by="W0 W1 W2", D="m m", X="m n", W0="n k", W1="n k", W2="n k", Y="m k")

field.text("graph diffusion, implicit", """
    Z = solve(eye(m) + t*D, X @ W)
    L = sum((Z - Y)**2)/2
""", by="W t", second="t", D="m m", X="m n", W="n k", Y="m k", t=gp.Array("", kind="positive"),
           draws={"D": "definite"})

field.text("random walks", """
    S = Z @ U.T
    L = -sum(N*log_softmax(S))
""", by="Z U", Z="m d", U="m d", N="m m", draws={"N": "counts"})
