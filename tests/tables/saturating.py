"""Losses whose exponentials overflow, or whose probabilities vanish, on the way to finite values.

Sizes are m, n and k; a word in front says of which numbers an input is.
"""

from __future__ import annotations

VECTORS = {"x": "n", "y": "n"}
ONE = {"x": "n"}
ROWS = {"Z": "m n", "Y": "m n"}

LOSSES: dict[str, tuple[str, dict[str, str]]] = {
    # margins and preferences
    "logistic margin": ("L = mean(log(1 + exp(-y*(X @ w + b))))",
                        {"X": "m n", "w": "n", "b": "", "y": "m"}),
    "penalised margin": ("L = sum(log(1 + exp(-y*(X @ w))))/m + c*sum(w**2)",
                         {"X": "m n", "w": "n", "y": "m", "c": ""}),
    "DPO": ("L = -mean(log(sigmoid(c*((x - y) - (u - v)))))",
            {"x": "n", "y": "n", "u": "n", "v": "n", "c": ""}),
    "DPO with smoothed labels": (
        "d = c*(x - y)\nL = -mean(0.9*log(sigmoid(d)) + 0.1*log(sigmoid(-d)))",
        {**VECTORS, "c": ""}),
    "KTO": ("L = mean(1 - sigmoid(c*(x - y)))", {**VECTORS, "c": ""}),
    "BPR": ("L = -sum(log(sigmoid(sum(U*P, axis=1) - sum(U*N, axis=1))))",
            {"U": "m n", "P": "m n", "N": "m n"}),
    "Bradley-Terry in strengths": (
        "L = -sum(W*log(exp(x)[:, None]/(exp(x)[:, None] + exp(x)[None, :])))",
        {"x": "n", "W": "n n"}),
    "ORPO": ("p = exp(x)\nq = exp(y)\nL = -sum(log(sigmoid(log(p/(1 + p)) - log(q/(1 + q)))))",
             VECTORS),
    "RankNet": ("L = sum(log(1 + exp(-c*(x[:, None] - x[None, :]))))", {**ONE, "c": ""}),
    "smooth hinge": ("L = sum(log(1 + exp(c*(1 - y*x)))/c)", {**VECTORS, "c": ""}),
    "GAN": ("L = -mean(log(sigmoid(x))) - mean(log(1 - sigmoid(y)))", VECTORS),
    "skip-gram": ("L = -log(sigmoid(u @ v)) - sum(log(sigmoid(-(N @ v))))",
                  {"u": "n", "v": "n", "N": "m n"}),
    "NCE": ("L = -sum(log(exp(x)/(exp(x) + q)))", {"x": "n", "q": "n"}),
    # focal losses and their like
    "focal over softmax": ("p = softmax(Z)\nL = -mean(sum(Y*(1 - p)**2*log(p), axis=1))", ROWS),
    "focal of labels": ("p = softmax(Z)[arange(m), k]\nL = -mean((1 - p)**2*log(p))",
                        {"Z": "m n", "k": "labels"}),
    "focal over sigmoid": ("p = sigmoid(x)\nq = y*p + (1 - y)*(1 - p)\n"
                           "L = -mean((1 - q)**2*log(q))", VECTORS),
    "poly loss": ("p = softmax(Z)[arange(m), k]\nL = mean(-log(p) + c*(1 - p))",
                  {"Z": "m n", "k": "labels", "c": ""}),
    "generalised cross-entropy": ("p = softmax(Z)[arange(m), k]\nL = mean((1 - p**0.7)/0.7)",
                                  {"Z": "m n", "k": "labels"}),
    "asymmetric loss": ("p = sigmoid(x)\nL = -sum(y*log(p) + (1 - y)*p**4*log(1 - p))", VECTORS),
    # log Σ exp, softmax, mixtures
    "log sum exp": ("L = log(sum(exp(X @ w)))", {"X": "m n", "w": "n"}),
    "log mean exp of rows": ("L = mean(log(mean(exp(Z), axis=1)))", {"Z": "m n"}),
    "soft minimum": ("L = -c*log(sum(exp(-x/c)))", {**ONE, "c": ""}),
    "scores less log Σ exp": ("L = mean(log(sum(exp(Z), axis=1)) - sum(Y*Z, axis=1))", ROWS),
    "picked log of a quotient": (
        "L = -mean(log(exp(Z)/sum(exp(Z), axis=1, keepdims=True))[arange(m), k])",
        {"Z": "m n", "k": "labels"}),
    "picked log softmax": ("L = -mean(log(softmax(X @ W)[arange(m), k]))",
                           {"X": "m n", "W": "n n", "k": "labels"}),
    "smoothed labels": ("L = -mean(sum((0.9*Y + 0.1/n)*log(softmax(Z)), axis=1))", ROWS),
    "relative entropy": ("p = softmax(x)\nq = softmax(y)\nL = sum(p*log(p/q))", VECTORS),
    "entropy": ("p = softmax(x)\nL = -sum(p*log(p))", ONE),
    "Jensen-Shannon": ("p = softmax(x)\nq = softmax(y)\nr = (p + q)/2\n"
                       "L = sum(p*log(p/r) + q*log(q/r))/2", VECTORS),
    "Renyi": ("p = softmax(x)\nq = softmax(y)\nL = log(sum(p**2/q))", VECTORS),
    "Hellinger": ("L = sum((sqrt(softmax(x)) - sqrt(softmax(y)))**2)", VECTORS),
    "overlap of softmaxes": ("L = log(sum(softmax(x)*softmax(y)))", VECTORS),
    "mixture of softmaxes": (
        "g = sigmoid(a)\np = g*softmax(x) + (1 - g)*softmax(y)\nL = -sum(c*log(p))",
        {**VECTORS, "a": "", "c": "n"}),
    "temperature": ("L = sum(c*softmax(x/0.01))", {**ONE, "c": "n"}),
    "attention": ("P = exp(S)/sum(exp(S), axis=1, keepdims=True)\nL = sum(C*(P @ V))",
                  {"S": "m m", "V": "m n", "C": "m n"}),
    "InfoNCE": ("S = A @ B.T\nL = -mean(log(exp(diag(S))/sum(exp(S), axis=1)))",
                {"A": "m n", "B": "m n"}),
    "CLIP": ("S = A @ B.T\nL = -mean(log(diag(softmax(S, axis=1)))) "
             "- mean(log(diag(softmax(S, axis=0))))", {"A": "m n", "B": "m n"}),
    "contrast without oneself": ("E = exp(S)*(1 - eye(m))\nL = mean(log(sum(E, axis=1)))",
                                 {"S": "m m"}),
    "mixture of Gaussians": (
        "L = -sum(log(sum(exp(a[None, :] - (x[:, None] - u[None, :])**2/2), axis=1)))",
        {"x": "n", "u": "k", "a": "k"}),
    "weighted mixture of Gaussians": (
        "p = softmax(a)\ns = exp(l)\nL = -sum(log(sum(p[None, :]"
        "*exp(-((x[:, None] - u[None, :])/s[None, :])**2/2)/s[None, :], axis=1)))",
        {"x": "n", "u": "k", "a": "k", "l": "small k"}),
    "two Gaussians": ("g = sigmoid(a)\nL = -sum(log(g*exp(-(x - 1)**2/2) + "
                      "(1 - g)*exp(-(x + 1)**2/2)))", {**ONE, "a": ""}),
    "Cox": ("L = -sum(d*(x - log(R @ exp(x))))", {"x": "n", "d": "n", "R": "mask n n"}),
    "Plackett-Luce": ("L = -sum(x - log(cumsum(exp(x))))", ONE),
    "weighted log Σ exp": ("L = log(sum(c*exp(x)))", {**ONE, "c": "positive n"}),
    # sums and differences of two exponentials
    "Bernoulli in odds": ("L = -sum(y*log(exp(x)/(1 + exp(x))) + (1 - y)*log(1/(1 + exp(x))))",
                          VECTORS),
    "log cosh": ("L = mean(log(cosh(X @ w - y)))", {"X": "m n", "w": "n", "y": "m"}),
    "log of a mean of two": ("L = sum(log((exp(x) + exp(-x))/2))", ONE),
    "log1p of exp": ("L = sum(log1p(exp(x)))", ONE),
    "stable by hand": ("L = sum(relu(x) + log(1 + exp(-abs(x))) - y*x)", VECTORS),
    "squashed normal": ("a = tanh(x)\nL = -sum(log(1 - a**2))", ONE),
    "squared log-odds": ("p = sigmoid(x)\nL = sum(log(p/(1 - p))**2)", ONE),
    "logistic density": ("z = (x - y)/s\nL = -sum(log(exp(-z)/(s*(1 + exp(-z))**2)))",
                         {**VECTORS, "s": "positive"}),
    "negative binomial": ("u = exp(x)\nL = -sum(y*log(u/(u + r)) + r*log(r/(u + r)))",
                          {**VECTORS, "r": "positive"}),
    "zero-inflated Poisson": ("p = sigmoid(x)\nL = -sum(log(p + (1 - p)*exp(-y)))",
                              {"x": "n", "y": "positive n"}),
    "ordinal regression": ("L = -sum(log(sigmoid(a + 1 - x) - sigmoid(a - x)))",
                           {**ONE, "a": ""}),
    "discretised logistic": ("L = -sum(log(sigmoid((x + 0.5 - y)/s) - sigmoid((x - 0.5 - y)/s)))",
                             {**VECTORS, "s": "positive"}),
    "log of softplus": ("L = sum(log(log(1 + exp(x))))", ONE),
    "scale by softplus": ("s = log(1 + exp(x))\nL = sum(log(s) + y**2/s)", VECTORS),
    "inverse softplus": ("L = sum(log(exp(x) - 1))", {"x": "positive n"}),
    "Bose-Einstein": ("L = sum(1/(exp(x) - 1))", {"x": "positive n"}),
    "x over sinh": ("L = sum(x/sinh(x))", ONE),
    "Langevin": ("L = sum(1/tanh(x) - 1/x)", {"x": "positive n"}),
    "complementary log-log": (
        "p = 1 - exp(-exp(x))\nL = -sum(y*log(p) + (1 - y)*log(1 - p))",
        {"x": "small n", "y": "n"}),
    "Gompertz": ("L = sum(y*exp(-exp(-x)))", VECTORS),
    "probit": ("L = -sum(y*log(ndtr(x)) + (1 - y)*log(1 - ndtr(x)))", VECTORS),
    "probit by a name": ("p = ndtr(x)\nL = -sum(log(p))", ONE),
    "log erfc": ("L = sum(log(erfc(x)))", ONE),
    "inverse Mills ratio": ("L = sum(exp(-x**2)/erfc(x))", ONE),
    "scaled erfc": ("L = sum(exp(x**2)*erfc(x))", {"x": "positive n"}),
    "swish of swish": ("s = x/(1 + exp(-x))\nL = sum(s/(1 + exp(-s)))", ONE),
    "gate": ("L = sum(sigmoid(x)*tanh(y)/(sigmoid(x) + sigmoid(-y)))", VECTORS),
}

DUE: dict[str, set[str]] = {
    "first": {"contrast without oneself", "Cox", "scale by softplus"},
    "second": {"focal of labels", "poly loss", "ORPO", "generalised cross-entropy", "Hellinger",
               "Jensen-Shannon", "weighted mixture of Gaussians", "zero-inflated Poisson",
               "ordinal regression", "discretised logistic", "Langevin", "Gompertz",
               "inverse Mills ratio", "scaled erfc", "probit", "probit by a name", "log erfc"},
}
"""Rows whose gradients, or whose second derivatives alone, are not finite or right everywhere."""

FAR: dict[str, tuple[float, ...]] = {
    "mixture of softmaxes": (0.7, 40), "weighted mixture of Gaussians": (0.7,),
    "Plackett-Luce": (0.7, 40), "weighted log Σ exp": (0.7, 40), "inverse Mills ratio": (0.7, 40),
    "contrast without oneself": (0.7, 40), "Cox": (0.7, 40), "scale by softplus": (0.7, 40),
}
"""Rows that are not finite and right for all scores: those that single precision takes.  Sums of
exponentials with weights, or without some of their terms, have no largest term taken out, and few
digits are left of erfcx in single precision."""
