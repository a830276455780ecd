"""Variational bounds and generative models."""

from __future__ import annotations

import numpy as np

import gradproof as gp
from problems.problem import Field

field = Field("Variational bounds and generative models")

field.text("vae", """
    H = tanh(X @ W1 + b1)
    M = H @ Wm + bm
    S = H @ Ws + bs
    Z = M + exp(S/2)*E
    R = Z @ Wd + bd
    L = sum((X - R)**2)/(2*m) - sum(1 + S - M**2 - exp(S))/(2*m)
""", X="m n", W1="n h", b1="h", Wm="h k", bm="k", Ws="h k", bs="k", E="m k", Wd="k n", bd="n")

field.text("variational autoencoder, Bernoulli", """
    H = relu(X @ W1 + b1)
    mu = H @ Wm + bm
    s = H @ Ws + bs
    z = mu + exp(s/2)*eps
    A = relu(z @ V1 + c1) @ V2 + c2
    L = mean(sum(logaddexp(0, A) - X*A, axis=1)) - mean(sum(1 + s - mu**2 - exp(s), axis=1))/2
""", by="W1 b1 Wm bm Ws bs V1 c1 V2 c2", X="m n", W1="n h", b1="h", Wm="h k", bm="k",
           Ws="h k", bs="k", eps="m k", V1="k h", c1="h", V2="h n", c2="n",
           draws={"X": "unit"})

field.text("KL of diagonal Gaussians", """
    L = sum(s - r + (exp(2*r) + (mu - nu)**2)/(2*exp(2*s)) - 1/2)
""", mu="n", r="n", nu="n", s="n")

field.text("KL of Gaussians", """
    L = (tr(inv(B) @ A) + (b - a) @ inv(B) @ (b - a) - n + logdet(B) - logdet(A))/2
""", by="a b A B", second="a", a="n", b="n", A="n n", B="n n",
           draws={"A": "definite", "B": "definite"})

field.text("KL of gamma distributions", """
    L = (a - b)*digamma(a) - lgamma(a) + lgamma(b) + b*(log(r) - log(s)) + a*(s - r)/r
""", by="a r", a=gp.Array("", kind="positive"), b=gp.Array("", kind="positive"),
           r=gp.Array("", kind="positive"), s=gp.Array("", kind="positive"))

field.text("KL of Dirichlet distributions", """
    a0 = sum(a)
    E = digamma(a) - digamma(a0)
    L = lgamma(a0) - sum(lgamma(a)) + sum(lgamma(b)) - lgamma(sum(b)) + (a - b) @ E
""", by="a b", a=gp.Array("k", kind="positive"), b=gp.Array("k", kind="positive"))

field.text("importance-weighted bound", """
    z = mu + exp(s)*eps
    logp = -sum((X[:, None, :] - z @ W)**2, axis=2)/2 - sum(z**2, axis=2)/2
    logq = -sum(eps**2, axis=2)/2 - sum(s)
    L = -mean(logsumexp(logp - logq, axis=1) - log(k))
""", by="mu s W", X="m n", mu="d", s="d", eps="m k d", W="d n")

field.text("Bayesian logistic regression, reparameterised", """
    W = mu + exp(rho)*E
    Z = W @ X.T
    L = -mean(sum(log_sigmoid(y*Z), axis=1)) + sum(exp(2*rho) + mu**2 - 1 - 2*rho)/2
""", by="mu rho", X="m n", mu="n", rho="n", E="k n", y=gp.Array("m", kind="sign"))

field.text("mean field of an Ising model", """
    p = (1 + mu)/2
    L = -sum(mu*(J @ mu))/2 - h @ mu + sum(p*log(p) + (1 - p)*log(1 - p))
""", by="mu", mu=gp.Array("n", kind="interval", low=-1, high=1),
           J=gp.Array("n n", kind="symmetric"), h="n")

field.text("planar flow", """
    f = z + u*tanh(w @ z + b)
    psi = (1 - tanh(w @ z + b)**2)*w
    L = sum(f**2)/2 - log(abs(1 + u @ psi))
""", by="u w b", z="n", u="n", w="n", b="")

field.text("affine coupling flow", """
    s = tanh(A @ Ws)
    t = A @ Wt
    Z = B*exp(s) + t
    L = mean(sum(Z**2, axis=1)/2 - sum(s, axis=1))
""", by="Ws Wt", A="m k", B="m d", Ws="k d", Wt="k d")

field.text("denoising diffusion", """
    Xt = sqrt(a)*X0 + sqrt(1 - a)*E
    R = tanh(Xt @ W + b) @ V
    L = mean(sum((E - R)**2, axis=1))
""", by="W b V", a=gp.Array("", kind="interval", low=0, high=1), X0="m n", E="m n", W="n h",
           b="h", V="h n")

field.text("Gumbel softmax", """
    y = softmax((log_softmax(a) + g)/tau)
    L = sum(y*c) + tau*sum(softmax(a)*log_softmax(a))
""", by="a", a="k", g="k", c="k", tau=gp.Array("", kind="positive"))

field.text("vector quantisation", """
    z = X @ W
    q = C[y]
    u = z + stop_gradient(q - z)
    R = mean(sum((u @ V - X)**2, axis=1))
    L = R + mean((stop_gradient(z) - q)**2) + beta*mean((z - stop_gradient(q))**2)
""", by="W C V", X="m n", W="n d", C="k d", V="d n", beta="",
           y=gp.Array("m", kind="labels", classes="k"))

field.text("score function gradient", """
    z = mu + s*eps
    f = sum(stop_gradient(z)**2, axis=1)
    logq = -sum((stop_gradient(z) - mu)**2, axis=1)/(2*s**2) - d*log(s)
    L = mean(f*logq)
""", by="mu s", mu="d", s=gp.Array("", kind="positive"), eps="m d")

field.text("Gaussian variational approximation of a Poisson model", """
    eta = X @ mu
    v = sum((X @ C)**2, axis=1)
    L = sum(exp(eta + v/2) - y*eta) + (sum(C**2) + sum(mu**2))/2 - sum(log(diag(C)))
""", by="mu C", second="mu", X="m n", mu="n", C="n n", y="m", draws={
    "C": lambda rng, shape: np.eye(shape[0]) + rng.uniform(size=shape) / 10, "y": "counts"})

field.text("normal Wishart, expected log-likelihood", """
    L = sum(digamma((nu - i)/2)) + logdet(W) - nu*((x - m0) @ W @ (x - m0))
""", by="nu W", second="nu", nu="", i="n", W="n n", x="n", m0="n", draws={
    "W": "definite", "nu": lambda rng, shape: np.full(shape, 9.0), "i": "unit"})

field.text("Stein's variational kernel", """
    D = sum(X**2, axis=1, keepdims=True) - 2*X @ X.T + sum(X**2, axis=1)
    K = exp(-D/h)
    L = sum(K*(S @ S.T)) + 2/h*sum(K*(S @ X.T - sum(S*X, axis=1, keepdims=True)))
""", by="S X", X="m d", S="m d", h=gp.Array("", kind="positive"))

field.text("generative adversarial, non-saturating", """
    D = tanh((Z @ G) @ W) @ v
    L = mean(softplus(-D))
""", by="G", Z="m k", G="k n", W="n h", v="h")

field.text("discriminator", """
    r = relu(X @ W) @ v
    f = relu((Z @ G) @ W) @ v
    L = -mean(log_sigmoid(r)) - mean(log_sigmoid(-f))
""", by="W v", X="m n", Z="p k", G="k n", W="n h", v="h")
