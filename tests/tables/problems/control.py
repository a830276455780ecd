"""Control and finance."""

from __future__ import annotations

import gradproof as gp
from problems.problem import Field

field = Field("Control and finance")

field.text("quadratic control", """
    L = x @ Q @ x + u @ R @ u + (A @ x + B @ u) @ P @ (A @ x + B @ u)
""", x="n", u="k", Q="n n", R="k k", A="n n", B="n k", P="n n")

field.text("linear dynamics", """
    x[-1] = x0
    x[t] = A @ x[t-1] + B @ u[t]
    L = sum((x - r)**2)/2
""", x0="n", A="n n", B="n k", u="T k", r="T n")

field.text("linear-quadratic rollout", """
    x[-1] = x0
    x[t] = A @ x[t-1] + B @ u[t]
    c[t] = x[t] @ Q @ x[t] + u[t] @ R @ u[t]
    L = sum(c)
""", by="u x0", second="x0", x0="n", u="T k", A="n n", B="n k", Q=gp.Array("n n", kind="symmetric"),
           R=gp.Array("k k", kind="symmetric"))

field.text("state feedback", """
    x[-1] = x0
    x[t] = (A - B @ K) @ x[t-1]
    c[t] = x[t] @ Q @ x[t] for t in range(3)
    L = sum(c)
""", by="K", x0="n", A="n n", B="n k", K="k n", Q=gp.Array("n n", kind="symmetric"),
           draws={"A": "small"})

field.text("pendulum by Euler's steps", """
    q[-1] = q0
    v[-1] = v0
    v[t] = v[t-1] + h*(u[t] - sin(q[t-1]))
    q[t] = q[t-1] + h*v[t]
    L = (q[T-1] - pi)**2 + v[T-1]**2 + r*sum(u**2)
""", by="u", q0="", v0="", u="T", h="", r="")

field.text("trajectory by least squares", """
    d = X[1:] - X[:T-1] @ F.T
    L = sum((X @ H.T - Y)**2)/2 + q/2*sum(d**2)
""", by="X F", X="T>=2 n", F="n n", H="k n", Y="T k", q="")

field.text("arm of two links", """
    p = stack([a*cos(u) + b*cos(u + v), a*sin(u) + b*sin(u + v)])
    L = sum((p - t)**2)/2
""", by="u v", u="", v="", a="", b="", t="2")

field.text("mean and variance", "L = gamma/2*(w @ S @ w) - mu @ w", by="w", w="n",
           S=gp.Array("n n", kind="symmetric"), mu="n", gamma="")

field.text("Sharpe ratio", "L = -(mu @ w)/sqrt(w @ S @ w)", by="w", w="n", mu="n",
           S=gp.Array("n n", kind="symmetric"))

field.text("Sharpe ratio of a policy", """
    r = sum(softmax(X @ W)*R, axis=1)
    L = -mean(r)/std(r)
""", by="W", X="m n", W="n k", R="m k")

field.text("risk parity", """
    c = w*(S @ w)
    L = sum((c/sum(c) - 1/n)**2)
""", by="w", w=gp.Array("n", kind="positive"), S=gp.Array("n n", kind="symmetric"))

field.text("conditional value at risk", """
    l = -(R @ w)
    L = t + mean(maximum(l - t, 0))/(1 - alpha)
""", by="w t", R="m n", w="n", t="", alpha="", draws={"alpha": "unit"})

field.text("growth of a portfolio", "L = -mean(log(1 + R @ softmax(z)))", by="z", R="m n", z="n",
           draws={"R": "small"})

field.text("transaction costs", """
    d = w - w0
    L = -mu @ w + gamma/2*(w @ S @ w) + c*sum(abs(d)) + k*sum(d**2)
""", by="w", w="n", w0="n", mu="n", S=gp.Array("n n", kind="symmetric"), gamma="", c="", k="")

field.text("Black-Scholes, fit of volatilities", """
    d1 = (log(S/K) + (r + s**2/2)*t)/(s*sqrt(t))
    d2 = d1 - s*sqrt(t)
    C = S*ndtr(d1) - K*exp(-r*t)*ndtr(d2)
    L = sum((C - P)**2)/2
""", by="s", S="", K=gp.Array("m", kind="positive"), r="", s=gp.Array("", kind="positive"),
           t=gp.Array("m", kind="positive"), P="m", draws={"S": "positive", "r": "unit"})

field.text("Nelson-Siegel curve", """
    u = t/tau
    g = (1 - exp(-u))/u
    L = sum((b0 + b1*g + b2*(g - exp(-u)) - y)**2)
""", by="b0 b1 b2 tau", second="tau", t=gp.Array("m", kind="positive"), y="m", b0="", b1="",
           b2="", tau=gp.Array("", kind="positive"))

field.text("deep hedging, exponential utility", """
    g = sum(tanh(X*w + b)*D, axis=1)
    L = log(mean(exp(-a*(g - Z))))/a
""", by="w b", X="m T", w="T", b="T", D="m T", Z="m", a=gp.Array("", kind="positive"))

field.text("bond prices by yields", """
    P = F @ exp(-r*t)
    L = sum(w*(P - Q)**2)/2 + lam*sum((r[1:] - r[:n-1])**2)
""", by="r", F="m n", r="n>=2", t="n", w="m", Q="m", lam="")

field.text("logit demand", """
    U = X @ beta - alpha*p
    s = exp(U)/(1 + sum(exp(U)))
    L = -(p - c) @ s
""", by="p", X="m n", beta="n", alpha="", p="m", c="m")
