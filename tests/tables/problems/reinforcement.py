"""Reinforcement learning."""

from __future__ import annotations

import numpy as np

import gradproof as gp
from problems.problem import Field

field = Field("Reinforcement learning")

field.text("policy gradient", """
    L = -mean(sum(A*log_softmax(X @ W + b), axis=1)*g)
""", X="m n", W="n k", b="k", A="m k", g="m")

field.text("ppo", """
    r = exp(p - q)
    L = -mean(minimum(r*a, minimum(maximum(r, 0.8), 1.2)*a))
""", p="m", q="m", a="m")

field.text("td", """
    L = mean((r + 0.9*(N @ w) - X @ w)**2)/2
""", r="m", N="m n", X="m n", w="n")

field.text("REINFORCE with a baseline", """
    p = log_softmax(tanh(S @ W1) @ W2)[arange(m), a]
    v = S @ u
    L = -mean(p*stop_gradient(R - v)) + c*mean((R - v)**2)
""", by="W1 W2 u", S="m n", W1="n h", W2="h k", u="n", R="m", c="",
           a=gp.Array("m", kind="labels", classes="k"))

field.text("actor-critic with entropy", """
    Z = S @ W
    P = softmax(Z)
    logp = log_softmax(Z)
    L = -mean(logp[arange(m), a]*A) + beta*mean(sum(P*logp, axis=1))
""", by="W", S="m n", W="n k", A="m", beta="", a=gp.Array("m", kind="labels", classes="k"))

field.text("Gaussian policy", """
    mu = S @ W
    L = mean(A*sum((U - mu)**2/(2*exp(2*s)) + s, axis=1))
""", by="W s", S="m n", W="n k", U="m k", s="k", A="m")

field.text("clipped surrogate of a network", """
    logp = log_softmax(tanh(S @ W) @ V)[arange(m), a]
    r = exp(logp - old)
    L = -mean(minimum(r*A, clip(r, 1 - eps, 1 + eps)*A))
""", by="W V", S="m n", W="n h", V="h k", old="m", A="m", eps="",
           a=gp.Array("m", kind="labels", classes="k"), draws={
               "eps": lambda rng, shape: np.full(shape, 0.2)})

field.text("deep Q-learning", """
    q = (relu(S @ W) @ V)[arange(m), a]
    y = r + gamma*(1 - d)*max(relu(N @ Wt) @ Vt, axis=1)
    e = q - y
    L = mean(where(abs(e) < 1, e**2/2, abs(e) - 0.5))
""", by="W V", S="m n", N="m n", W="n h", V="h k", Wt="n h", Vt="h k", r="m", gamma="",
           d=gp.Array("m", kind="mask"), a=gp.Array("m", kind="labels", classes="k"))


@field.numpy("temporal differences, targets held", S="m n", N="m n", r="m", w="n", gamma="",
             wt="n", by="w")
def td_error(S, N, r, w, wt, gamma):
    target = r + gamma * (N @ wt)
    return 0.5 * np.mean((target - S @ w) ** 2)


field.text("semi-gradient", """
    v = S @ w
    L = mean((stop_gradient(r + gamma*(N @ w)) - v)**2)/2
""", by="w", S="m n", N="m n", r="m", w="n", gamma="")

field.text("soft actor-critic, policy", """
    mu = S @ W
    s = S @ V
    a = tanh(mu + exp(s)*eps)
    logp = sum(-eps**2/2 - s - log(1 - a**2 + 0.000001), axis=1)
    q = sum(a*(S @ Q), axis=1)
    L = mean(alpha*logp - q)
""", by="W V", S="m n", W="n k", V="n k", eps="m k", Q="n k", alpha="")

field.text("soft actor-critic, critics", """
    y = r + gamma*(minimum(q1, q2) - alpha*logp)
    L = mean((relu(S @ A) @ u - y)**2) + mean((relu(S @ B) @ v - y)**2)
""", by="A u B v", S="m n", A="n h", u="h", B="n h", v="h", r="m", q1="m", q2="m", logp="m",
           gamma="", alpha="")

field.text("generalised advantages", """
    d = r + gamma*N - V
    A[T] = 0
    A[t] = d[t] + gamma*lam*A[t+1]
    L = mean(A*g)
""", by="V N lam", second="lam", r="T", V="T", N="T", g="T", gamma="", lam="")

field.text("discounted returns", """
    G[T] = 0
    G[t] = r[t] + gamma*G[t+1]
    L = sum((G - S @ w)**2)/2
""", by="w gamma", r="T", S="T n", w="n", gamma="")

field.text("trust region surrogate", """
    Z = S @ W
    P = softmax(Z)
    L = -mean(sum(A*P/Q, axis=1)) + beta*mean(sum(Q*(log(Q) - log_softmax(Z)), axis=1))
""", by="W", S="m n", W="n k", A="m k", Q=gp.Array("m k", kind="probability"), beta="")

field.text("deterministic policy gradient", """
    a = tanh(S @ W)
    L = -mean(relu(S @ U + a @ V) @ q)
""", by="W", S="m n", W="n k", U="n h", V="k h", q="h")

field.text("maximum entropy inverse", """
    r = F @ w
    L = logsumexp(r) - mu @ w + lam/2*sum(w**2)
""", by="w", F="m n", w="n", mu="n", lam="")

field.text("categorical distribution of returns", """
    L = -mean(sum(T*log_softmax((S @ W).reshape(m, k)), axis=1))
""", by="W", S="m n", W="n k", T=gp.Array("m k", kind="probability"))

field.text("quantile regression of returns", """
    U = T[:, None, :] - Q[:, :, None]
    H = where(abs(U) < 1, U**2/2, abs(U) - 0.5)
    L = sum(abs(tau[:, None] - (U < 0))*H)/m
""", by="Q", T="m k", Q="m n", tau="n", draws={"tau": "unit"})

field.text("advantage-weighted regression", """
    v = S @ u
    w = stop_gradient(exp((R - v)/beta))
    L = mean(w*sum((A - S @ W)**2, axis=1))/2 + mean((R - v)**2)
""", by="W u", S="m n", W="n k", u="n", A="m k", R="m", beta=gp.Array("", kind="positive"))

field.text("group-relative policy", """
    A = (R - mean(R))/(std(R) + 0.0001)
    r = exp(p - q)
    L = -mean(minimum(r*A, clip(r, 0.8, 1.2)*A)) + beta*mean(exp(s - p) - (s - p) - 1)
""", by="p", p="m", q="m", s="m", R="m", beta="")

field.text("Bellman residual", """
    b = r + gamma*(P @ V) - V
    L = b @ diag(d) @ b
""", by="V", V="n", r="n", P=gp.Array("n n", kind="probability"), gamma="",
           d=gp.Array("n", kind="positive"))

field.text("soft Bellman residual", """
    V = tau*logsumexp(Q/tau, axis=1)
    L = sum((Q - r - gamma*(P @ V)[:, None])**2)/2
""", by="Q", Q="n k", r="n k", P=gp.Array("n n", kind="probability"), gamma="",
           tau=gp.Array("", kind="positive"))

field.text("value of a policy", """
    P = softmax(Z)
    r = sum(P*R, axis=1)
    V = solve(eye(n) - gamma*T, r)
    L = -p @ V
""", by="Z T", second="", Z="n k", R="n k", T=gp.Array("n n", kind="probability"), p="n", gamma="",
           draws={"gamma": lambda rng, shape: np.full(shape, 0.7)})

field.text("behaviour cloning, mixture of Gaussians", """
    D = sum((A[:, None, :] - reshape(S @ W, m, k, d))**2, axis=2)
    L = -mean(logsumexp(log_softmax(S @ V) - D/2, axis=1))
""", by="W V", S="m n", W="n k*d", V="n k", A="m d")
