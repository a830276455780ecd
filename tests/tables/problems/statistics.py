"""Statistics and likelihoods."""

from __future__ import annotations

import numpy as np

import gradproof as gp
from problems.problem import Field

field = Field("Statistics and likelihoods")

field.text("least squares", """
    L = sum((A @ x - b)**2)
""", A="m n", x="n", b="m")

field.text("weighted least squares", """
    r = X @ w - y
    L = sum(v*r**2)/2
""", X="m n", w="n", y="m", v="m")

field.text("ridge", """
    L = sum((X @ w - y)**2)/2 + lam/2*sum(w**2)
""", X="m n", w="n", y="m", lam="")

field.text("several outputs", """
    L = sum((X @ W + b - Y)**2)/(2*m)
""", X="m n", W="n k", b="k", Y="m k")

field.text("logistic regression", """
    z = X @ w + b
    p = sigmoid(z)
    L = -mean(y*log(p) + (1-y)*log(1-p))
""", X="m n", w="n", y="m", b="")

field.text("logistic, signs", """
    L = mean(log(1 + exp(-y*(X @ w + b))))
""", X="m n", w="n", y="m", b="")

field.text("softmax regression", """
    Z = X @ W + b
    L = -mean(sum(Y*log_softmax(Z), axis=1))
""", X="m n", W="n k", b="k", Y="m k")

field.text("poisson regression", """
    L = sum(exp(X @ w) - y*(X @ w))
""", X="m n", w="n", y="m")

field.text("gamma regression", """
    z = X @ w
    L = sum(z + y*exp(-z))
""", X="m n", w="n", y="m")

field.text("probit-like", """
    z = X @ w
    L = -sum(log(sigmoid(y*z)))
""", X="m n", w="n", y="m")

field.text("gaussian means", """
    D = X - mu
    L = sum(D**2)/(2*s**2) + m*n*log(s)
""", X="m n", mu="n", s="", draws={"s": "positive"})

field.text("gaussian, variances", """
    L = sum((X - mu)**2/(2*exp(t)) + t/2)
""", X="m n", mu="n", t="n")

field.text("gaussian covariance", """
    L = (x - mu) @ inv(S) @ (x - mu)/2 + logdet(S)/2
""", x="n", mu="n", S="n n", draws={"S": "definite"})

field.text("factor analysis", """
    S = W @ W.T + s*eye(n)
    L = logdet(S)/2 + tr(inv(S) @ C)/2
""", W="n k", C="n n", s="")

field.text("principal components", """
    L = sum((X - X @ W @ W.T)**2)
""", X="m n", W="n k")

field.text("rayleigh quotient", """
    L = x @ A @ x/(x @ x)
""", x="n", A="n n")

field.text("whitening", """
    C = X.T @ X/m
    L = sum((C - eye(n))**2)
""", X="m n")

field.text("student t", """
    L = sum(log(1 + (x - mu)**2/(nu*s**2)))*(nu + 1)/2 + m*log(s)
""", x="m", mu="", s="", nu="")

field.text("mixture", """
    L = -sum(logsumexp(log_softmax(a) - (x - mu)**2/2, axis=1))
""", x="m 1", mu="k", a="k")

field.text("entropy", """
    P = softmax(Z)
    L = -sum(P*log(P))
""", Z="m k")

field.text("kl", """
    L = sum(P*(log(P) - log_softmax(Z)))
""", P="m k", Z="m k", draws={"P": "distribution"})

field.text("elastic net", """
    r = y - X @ w
    L = sum(r**2)/(2*m) + alpha*(rho*sum(abs(w)) + (1 - rho)/2*sum(w**2))
""", by="w", X="m n", y="m", w="n", alpha="", rho="")

field.text("Gaussian likelihood of a line", """
    L = m/2*log(2*pi*s2) + sum((y - a - b*x)**2)/(2*s2)
""", by="a b s2", x="m", y="m", a="", b="", s2=gp.Array("", kind="positive"))

field.text("heteroscedastic regression", """
    mu = X @ w
    s = X @ v
    L = sum(s + (y - mu)**2*exp(-2*s)/2)
""", by="w v", X="m n", y="m", w="n", v="n")

field.text("gamma likelihood", """
    L = -sum(alpha*log(beta) - lgamma(alpha) + (alpha - 1)*log(x) - beta*x)
""", by="alpha beta", x=gp.Array("m", kind="positive"), alpha=gp.Array("", kind="positive"),
           beta=gp.Array("", kind="positive"))

field.text("beta likelihood", """
    L = sum(lgamma(a) + lgamma(b) - lgamma(a + b) - (a - 1)*log(x) - (b - 1)*log(1 - x))
""", by="a b", second="a", x=gp.Array("m", kind="interval", low=0, high=1),
           a=gp.Array("", kind="positive"), b=gp.Array("", kind="positive"))

field.text("Dirichlet likelihood", """
    L = -m*(lgamma(sum(alpha)) - sum(lgamma(alpha))) - sum((alpha - 1)*log(P))
""", by="alpha", alpha=gp.Array("k", kind="positive"), P=gp.Array("m k", kind="probability"))

field.text("negative binomial regression", """
    mu = exp(X @ w)
    L = -sum(lgamma(y + r) - lgamma(r) - lgamma(y + 1) + r*log(r/(r + mu)) + y*log(mu/(r + mu)))
""", by="w r", X="m n", w="n", y="m", r=gp.Array("", kind="positive"), draws={"y": "counts"})

field.text("zero-inflated Poisson", """
    lam = exp(X @ w)
    q = sigmoid(g)
    L = -sum(z*log(q + (1 - q)*exp(-lam)) + (1 - z)*(log(1 - q) - lam + y*log(lam)))
""", by="w g", X="m n", w="n", g="", y="m", z=gp.Array("m", kind="mask"), draws={"y": "counts"})

field.text("probit regression", """
    L = -sum(log(ndtr(s*(X @ w))))
""", by="w", X="m n", w="n", s=gp.Array("m", kind="sign"))

field.text("Tobit regression", """
    r = (y - X @ w)/sigma
    L = -sum(d*(-r**2/2 - log(sigma)) + (1 - d)*log(ndtr(-r)))
""", by="w sigma", second="w", X="m n", w="n", y="m", d=gp.Array("m", kind="mask"),
           sigma=gp.Array("", kind="positive"))

field.text("proportional odds", """
    z = X @ w
    L = -sum(log(sigmoid(u - z) - sigmoid(l - z)))
""", by="w u l", X="m n", w="n", u="m", l="m", draws={
    "l": lambda rng, shape: -1 - rng.uniform(size=shape),
    "u": lambda rng, shape: 1 + rng.uniform(size=shape)})

field.text("Tweedie deviance", """
    mu = exp(X @ w)
    L = sum(mu**(2 - p)/(2 - p) - y*mu**(1 - p)/(1 - p))
""", by="w", X="m n", w="n", y=gp.Array("m", kind="positive"), p="", draws={
    "p": lambda rng, shape: np.full(shape, 1.5)})

field.text("inverse Gaussian likelihood", """
    L = sum(lam*(x - mu)**2/(2*mu**2*x) - log(lam)/2)
""", by="mu lam", x=gp.Array("m", kind="positive"), mu=gp.Array("", kind="positive"),
           lam=gp.Array("", kind="positive"))

field.text("von Mises directions", """
    L = -kappa*sum(cos(theta - mu))
""", by="mu kappa", theta="m", mu="", kappa="")

field.text("Gaussian mixture in the plane", """
    D = sum(X**2, axis=1, keepdims=True) - 2*X @ M.T + sum(M**2, axis=1)
    L = -sum(logsumexp(log_softmax(a) - exp(-2*s)*D/2 - d*s, axis=1))
""", by="M a s", X="m d", M="k d", a="k", s="k")


@field.numpy("multivariate Gaussian", by="mu S", X="m d", mu="d", S="d d", second="mu",
             draws={"S": "definite"})
def gaussian(X, mu, S):
    m, d = X.shape
    R = X - mu
    logdet = np.linalg.slogdet(S)[1]
    quadratic = np.sum(R @ np.linalg.inv(S) * R)
    return 0.5 * (m * logdet + quadratic + m * d * np.log(2 * np.pi))


field.text("Gaussian by a Cholesky factor", """
    z = solve(C, x - mu)
    L = sum(z**2)/2 + sum(log(diag(C)))
""", by="C mu", second="mu", C="n n", x="n", mu="n", draws={
    "C": lambda rng, shape: np.tril(rng.normal(size=shape), -1) + 2 * np.eye(shape[0])})

field.text("precision matrix, graphical lasso", """
    L = tr(S @ K) - logdet(K) + lam*sum(abs(K))
""", by="K", S="n n", K="n n", lam="", draws={"S": "definite", "K": "definite"}, sizes={"n": 3})

field.text("Wishart likelihood", """
    L = nu/2*logdet(V) + tr(inv(V) @ S)/2
""", by="V", V=gp.Array("p p", kind="symmetric"), S=gp.Array("p p", kind="symmetric"), nu="",
           sizes={"p": 3})

field.text("mixed effects", """
    V = Z @ Z.T*s + t*eye(m)
    r = y - X @ b
    L = logdet(V)/2 + r @ inv(V) @ r/2
""", by="b s t", X="m n", Z="m k", y="m", b="n", s=gp.Array("", kind="positive"),
           t=gp.Array("", kind="positive"))

field.text("multivariate t", """
    q = (x - mu) @ inv(S) @ (x - mu)
    L = logdet(S)/2 + (nu + n)/2*log(1 + q/nu)
""", by="mu S", x="n", mu="n", S="n n", nu=gp.Array("", kind="positive"),
           draws={"S": "definite"})


@field.numpy("autoregression of order one", y="n>=2", phi="", c="", s="", by="phi c s",
             draws={"s": "positive"})
def autoregression(y, phi, c, s):
    e = y[1:] - c - phi * y[:-1]
    return np.sum(e**2) / (2 * s**2) + len(e) * np.log(s)


field.text("GARCH(1,1)", """
    v[0] = v0
    v[t] = w + a*r[t-1]**2 + b*v[t-1]
    L = sum(log(v) + r**2/v)/2
""", by="w a b", r="T", v0=gp.Array("", kind="positive"), w=gp.Array("", kind="positive"),
           a=gp.Array("", kind="positive"), b=gp.Array("", kind="positive"))

field.text("Box-Cox likelihood", """
    z = (y**lam - 1)/lam
    L = m/2*log(mean((z - mean(z))**2)) - (lam - 1)*sum(log(y))
""", by="lam", y=gp.Array("m", kind="positive"), lam=gp.Array("", kind="positive"))

field.text("Laplace likelihood", "L = sum(abs(x - mu))/b + m*log(2*b)", by="mu b",
           x="m", mu="", b=gp.Array("", kind="positive"))

field.text("canonical correlation", """
    L = -(a @ C @ b)/sqrt((a @ A @ a)*(b @ B @ b))
""", by="a b", a="n", b="k", C="n k", A=gp.Array("n n", kind="symmetric"),
           B=gp.Array("k k", kind="symmetric"))

field.text("Fisher's discriminant", "L = -(w @ B @ w)/(w @ S @ w)", by="w", w="n",
           B=gp.Array("n n", kind="symmetric"), S=gp.Array("n n", kind="symmetric"))

field.text("independent components", """
    Y = X @ W.T
    L = sum(log(cosh(Y)))/m - logdet(W)
""", by="W", X="m n", W="n n", draws={"W": "definite"})


@field.numpy("kernel density, leave-one-out", x="m", h="", by="h", draws={"h": "positive"})
def density(x, h):
    m = len(x)
    K = np.exp(-((x[:, None] - x[None, :]) ** 2) / (2 * h**2)) / h
    K = K * (1 - np.eye(m))
    return -np.mean(np.log(np.sum(K, axis=1) / (m - 1)))


field.text("logistic regression with labels", """
    L = -mean(log_softmax(X @ W + b)[arange(m), y]) + lam/2*sum(W**2)
""", by="W b", X="m n", W="n k", b="k", lam="", y=gp.Array("m", kind="labels", classes="k"))

field.text("multi-label classification", """
    Z = X @ W
    L = mean(logaddexp(0, Z) - Y*Z)
""", by="W", X="m n", W="n k", Y="m k")

field.text("Bayesian linear regression, evidence", """
    A = alpha*eye(n) + beta*X.T @ X
    mu = beta*solve(A, X.T @ y)
    E = beta/2*sum((y - X @ mu)**2) + alpha/2*sum(mu**2)
    L = E + logdet(A)/2 - n/2*log(alpha) - m/2*log(beta)
""", by="alpha beta", X="m n", y="m", alpha=gp.Array("", kind="positive"),
           beta=gp.Array("", kind="positive"))

field.text("item response, two parameters", """
    P = sigmoid(a*(outer(theta, ones(k)) - b))
    L = -sum(R*log(P) + (1 - R)*log(1 - P))
""", by="theta a b", theta="m", a="k", b="k", R="m k", draws={"R": "mask"})
