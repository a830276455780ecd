"""Segmentation, detection, images."""

from __future__ import annotations

import numpy as np

import gradproof as gp
from problems.problem import Field

field = Field("Segmentation, detection, images")


field.text("dice", """
    P = sigmoid(Z)
    L = 1 - (2*sum(P*Y) + eps)/(sum(P) + sum(Y) + eps)
""", by="Z", Z="m n", Y=gp.Array("m n", kind="mask"), eps=gp.Array("", kind="positive"))

field.text("soft Jaccard", """
    P = sigmoid(Z)
    i = sum(P*Y)
    L = 1 - i/(sum(P) + sum(Y) - i)
""", by="Z", Z="m n", Y=gp.Array("m n", kind="mask"))

field.text("Tversky", """
    p = sigmoid(z)
    t = sum(p*y)
    L = 1 - t/(t + alpha*sum(p*(1 - y)) + beta*sum((1 - p)*y))
""", by="z", z="n", y=gp.Array("n", kind="mask"), alpha="", beta="",
           draws={"alpha": "unit", "beta": "unit"})

field.text("binary focal", """
    p = sigmoid(z)
    L = -mean(alpha*y*(1 - p)**gamma*log(p) + (1 - alpha)*(1 - y)*p**gamma*log(1 - p))
""", by="z", z="n", y=gp.Array("n", kind="mask"), alpha="", gamma="",
           draws={"alpha": "unit", "gamma": "positive"})


@field.numpy("focal with labels", Z="m k", y=gp.Array("m", kind="labels", classes="k"), by="Z",
             gamma="", draws={"gamma": "positive"})
def focal(Z, y, gamma):
    P = np.exp(Z) / np.sum(np.exp(Z), axis=1, keepdims=True)
    p = P[np.arange(len(y)), y]
    return -np.mean((1 - p) ** gamma * np.log(p))


field.text("cross-entropy with class weights", """
    L = mean(w[y]*(logsumexp(Z, axis=1) - Z[arange(m), y]))
""", by="Z w", Z="m k", w="k", y=gp.Array("m", kind="labels", classes="k"))

field.text("weighted binary cross-entropy", """
    L = mean((1 - Y)*Z + (1 + (c - 1)*Y)*log(1 + exp(-Z)))
""", by="Z", Z="m n", Y=gp.Array("m n", kind="mask"), c="")

field.text("smooth L1 of boxes", """
    d = B - T
    L = sum(mask[:, None]*where(abs(d) < 1, d**2/2, abs(d) - 1/2))/sum(mask)
""", by="B", B="m 4", T="m 4", mask=gp.Array("m", kind="mask"))

field.text("intersection over union of boxes", """
    w = minimum(b[2], t[2]) - maximum(b[0], t[0])
    h = minimum(b[3], t[3]) - maximum(b[1], t[1])
    i = maximum(w, 0)*maximum(h, 0)
    u = (b[2] - b[0])*(b[3] - b[1]) + (t[2] - t[0])*(t[3] - t[1]) - i
    L = 1 - i/u
""", by="b", b="4", t="4", draws={"b": lambda rng, shape: np.array([0.1, 0.2, 1.3, 1.1]),
                                  "t": lambda rng, shape: np.array([0.3, 0.1, 1.1, 1.4])})


@field.numpy("generalised intersection over union", B="m 4", T="m 4", by="B", draws={
    "B": lambda rng, shape: np.sort(rng.uniform(size=(shape[0], 2, 2)), axis=1).reshape(shape),
    "T": lambda rng, shape: np.sort(rng.uniform(size=(shape[0], 2, 2)), axis=1).reshape(shape)})
def giou(B, T):
    low = np.maximum(B[:, :2], T[:, :2])
    high = np.minimum(B[:, 2:], T[:, 2:])
    side = np.maximum(high - low, 0)
    inter = side[:, 0] * side[:, 1]
    area = (B[:, 2] - B[:, 0]) * (B[:, 3] - B[:, 1]) + (T[:, 2] - T[:, 0]) * (T[:, 3] - T[:, 1])
    union = area - inter
    hull = np.maximum(B[:, 2:], T[:, 2:]) - np.minimum(B[:, :2], T[:, :2])
    whole = hull[:, 0] * hull[:, 1]
    return np.mean(1 - inter / union + (whole - union) / whole)


field.text("structural similarity", """
    mx = mean(X)
    my = mean(Y)
    c = mean((X - mx)*(Y - my))
    L = 1 - (2*mx*my + a)*(2*c + b)/((mx**2 + my**2 + a)*(var(X) + var(Y) + b))
""", by="X", X="m n", Y="m n", a=gp.Array("", kind="positive"), b=gp.Array("", kind="positive"))

field.text("Gram matrices of style", """
    G = F.T @ F/m
    L = sum((G - A)**2)/4 + lam*sum((F - C)**2)/2
""", by="F", F="m k", A="k k", C="m k", lam="")

field.text("total variation", """
    dx = X[1:, :] - X[:m-1, :]
    dy = X[:, 1:] - X[:, :n-1]
    L = sum((X - Y)**2)/2 + lam*(sum(abs(dx)) + sum(abs(dy)))
""", by="X", X="m>=2 n>=2", Y="m n", lam="")

field.text("heat maps of centres", """
    P = sigmoid(Z)
    L = -sum(where(Y > 0.8, (1 - P)**2*log(P), (1 - Y)**4*P**2*log(1 - P)))
""", by="Z", Z="m n", Y="m n", draws={"Y": "unit"})

field.text("hinge for a discriminator", """
    L = mean(maximum(0, 1 - X @ w)) + mean(maximum(0, 1 + Z @ w))
""", by="w", X="m n", Z="p n", w="n")

field.text("deconvolution", """
    L = sum((conv2d(x, k) - y)**2)/2 + lam*sum(x**2)
""", by="x k", second="k", x="1 1 h w", k="1 1 2 2", y="1 1 h-1 w-1", lam="",
           sizes={"h": 4, "w": 5})

field.text("keypoints by soft argmax", """
    p = softmax(z)
    c = p @ G
    L = sum((c - t)**2)/2 + lam*(p @ log(p))
""", by="z", z="n", G="n 2", t="2", lam="")

field.text("bundle adjustment, one camera", """
    q = X @ R.T + t
    u = f*q[:, :2]/q[:, 2:]
    L = sum((u - p)**2)/2
""", by="R t X f", second="t", X="m 3", R="3 3", t="3", f="", p="m 2", draws={
    "X": "positive", "R": lambda rng, shape: np.eye(3), "t": "positive"})

field.text("mixup", """
    M = a*X + (1 - a)*V
    Y = a*T + (1 - a)*S
    L = -mean(sum(Y*log_softmax(M @ W), axis=1))
""", by="W a", second="a", X="m n", V="m n", T=gp.Array("m k", kind="one_hot"),
           S=gp.Array("m k", kind="one_hot"), W="n k", a="", draws={"a": "unit"})

field.text("volume rendering", """
    a = 1 - exp(-s*d)
    T = exp(-cumsum(s*d) + s*d)
    c = (T*a) @ C
    L = sum((c - t)**2)
""", by="s C", s=gp.Array("n", kind="positive"), d=gp.Array("n", kind="positive"), C="n 3", t="3")
