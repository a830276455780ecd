"""Problems that practitioners differentiate, as texts of equations: name -> (text, shapes).

By field: statistics, contrastive and preference losses, sequences, Gaussian processes, embeddings,
reinforcement learning, layers written out.
"""

from __future__ import annotations

PROBLEMS: dict[str, tuple[str, dict[str, str]]] = {
    # --- statistics -----------------------------------------------------------------------------
    "least squares": ("L = sum((A @ x - b)**2)", {"A": "m n", "x": "n", "b": "m"}),
    "weighted least squares": (
        "r = X @ w - y\nL = sum(v*r**2)/2", {"X": "m n", "w": "n", "y": "m", "v": "m"}),
    "ridge": ("L = sum((X @ w - y)**2)/2 + lam/2*sum(w**2)",
              {"X": "m n", "w": "n", "y": "m", "lam": ""}),
    "several outputs": ("L = sum((X @ W + b - Y)**2)/(2*m)",
                        {"X": "m n", "W": "n k", "b": "k", "Y": "m k"}),
    "logistic regression": ("z = X @ w + b\np = sigmoid(z)\nL = -mean(y*log(p) + (1-y)*log(1-p))",
                            {"X": "m n", "w": "n", "y": "m", "b": ""}),
    "logistic, signs": ("L = mean(log(1 + exp(-y*(X @ w + b))))",
                        {"X": "m n", "w": "n", "y": "m", "b": ""}),
    "softmax regression": ("Z = X @ W + b\nL = -mean(sum(Y*log_softmax(Z), axis=1))",
                           {"X": "m n", "W": "n k", "b": "k", "Y": "m k"}),
    "poisson regression": ("L = sum(exp(X @ w) - y*(X @ w))", {"X": "m n", "w": "n", "y": "m"}),
    "gamma regression": ("z = X @ w\nL = sum(z + y*exp(-z))", {"X": "m n", "w": "n", "y": "m"}),
    "huber": ("r = X @ w - y\nL = sum(where(abs(r) < 1, r**2/2, abs(r) - 0.5))",
              {"X": "m n", "w": "n", "y": "m"}),
    "hinge": ("L = mean(maximum(0, 1 - y*(X @ w + b))) + lam/2*sum(w**2)",
              {"X": "m n", "w": "n", "y": "m", "b": "", "lam": ""}),
    "probit-like": ("z = X @ w\nL = -sum(log(sigmoid(y*z)))", {"X": "m n", "w": "n", "y": "m"}),
    "gaussian means": (
        "D = X - mu\nL = sum(D**2)/(2*s**2) + m*n*log(s)", {"X": "m n", "mu": "n", "s": ""}),
    "gaussian, variances": ("L = sum((X - mu)**2/(2*exp(t)) + t/2)",
                            {"X": "m n", "mu": "n", "t": "n"}),
    "gaussian covariance": ("L = (x - mu) @ inv(S) @ (x - mu)/2 + logdet(S)/2",
                            {"x": "n", "mu": "n", "S": "n n"}),
    "factor analysis": ("S = W @ W.T + s*eye(n)\nL = logdet(S)/2 + tr(inv(S) @ C)/2",
                        {"W": "n k", "C": "n n", "s": ""}),
    "matrix factorisation": (
        "L = sum((U @ V.T - R)**2)/2 + lam/2*(sum(U**2) + sum(V**2))",
        {"U": "m k", "V": "n k", "R": "m n", "lam": ""}),
    "factorisation with biases": (
        "E = U @ V.T + b + c - R\nL = sum(M*E**2)/2",
        {"U": "m k", "V": "n k", "R": "m n", "M": "m n", "b": "m 1", "c": "n"}),
    "principal components": ("L = sum((X - X @ W @ W.T)**2)", {"X": "m n", "W": "n k"}),
    "rayleigh quotient": ("L = x @ A @ x/(x @ x)", {"x": "n", "A": "n n"}),
    "whitening": ("C = X.T @ X/m\nL = sum((C - eye(n))**2)", {"X": "m n"}),
    "vae": ("""
        H = tanh(X @ W1 + b1)
        M = H @ Wm + bm
        S = H @ Ws + bs
        Z = M + exp(S/2)*E
        R = Z @ Wd + bd
        L = sum((X - R)**2)/(2*m) - sum(1 + S - M**2 - exp(S))/(2*m)
     """, {"X": "m n", "W1": "n h", "b1": "h", "Wm": "h k", "bm": "k", "Ws": "h k", "bs": "k",
           "E": "m k", "Wd": "k n", "bd": "n"}),
    "student t": ("L = sum(log(1 + (x - mu)**2/(nu*s**2)))*(nu + 1)/2 + m*log(s)",
                  {"x": "m", "mu": "", "s": "", "nu": ""}),
    "mixture": ("L = -sum(logsumexp(log_softmax(a) - (x - mu)**2/2, axis=1))",
                {"x": "m 1", "mu": "k", "a": "k"}),
    "cox": ("z = X @ w\nL = sum(d*(log(R @ exp(z)) - z))",
            {"X": "m n", "w": "n", "d": "m", "R": "m m"}),
    # --- contrastive, preference ----------------------------------------------------------------
    "info nce": ("S = U @ V.T/tau\nL = -mean(diag(log_softmax(S)))",
                 {"U": "m d", "V": "m d", "tau": ""}),
    "clip": ("S = U @ V.T/tau\n"
             "L = -mean(diag(log_softmax(S)))/2 - mean(diag(log_softmax(S.T)))/2",
             {"U": "m d", "V": "m d", "tau": ""}),
    "triplet": ("g = sum((A - P)**2, axis=1) - sum((A - N)**2, axis=1)\n"
                "L = sum(maximum(0, g + 1))", {"A": "m d", "P": "m d", "N": "m d"}),
    "bradley terry": ("L = -mean(log(sigmoid((P - N) @ w)))", {"P": "m n", "N": "m n", "w": "n"}),
    "dpo": ("z = beta*((p - q) - (r - s))\nL = -mean(log(sigmoid(z)))",
            {"p": "m", "q": "m", "r": "m", "s": "m", "beta": ""}),
    "ranknet": ("s = X @ w\nc = sum(X*w, axis=1, keepdims=True)\nD = c - s\n"
                "L = sum(M*log(1 + exp(-D)))",
                {"X": "m n", "w": "n", "M": "m m"}),
    "barlow twins": ("C = A.T @ B/m\nL = sum((diag(C) - 1)**2) + lam*sum(C**2)",
                     {"A": "m d", "B": "m d", "lam": ""}),
    "cosine": ("L = a @ x/(norm(a)*norm(x))", {"a": "n", "x": "n"}),
    "distances": ("D = sum(X**2, axis=1, keepdims=True) - 2*X @ X.T + sum(X**2, axis=1)\n"
                  "L = sum((D - T)**2)", {"X": "m d", "T": "m m"}),
    "t-sne": ("N = 1/(1 + sum(X**2, axis=1, keepdims=True) - 2*X @ X.T + sum(X**2, axis=1))\n"
              "Q = N/sum(N)\nL = -sum(P*log(Q))", {"X": "m d", "P": "m m"}),
    "skip-gram": ("L = -log(sigmoid(u @ v)) - sum(log(sigmoid(-(N @ v))))",
                  {"u": "d", "v": "d", "N": "k d"}),
    "glove": ("E = W @ C.T + b + c - log(X)\nL = sum(F*E**2)",
              {"W": "m d", "C": "n d", "b": "m 1", "c": "n", "X": "m n", "F": "m n"}),
    "distillation": ("P = softmax(T/t)\nL = -t**2*sum(P*log_softmax(Z/t))",
                     {"T": "m k", "Z": "m k", "t": ""}),
    "label smoothing": ("L = -sum(((1 - e)*Y + e/k)*log_softmax(Z))/m",
                        {"Y": "m k", "Z": "m k", "e": ""}),
    "focal": ("P = softmax(Z)\nL = -sum(Y*(1 - P)**2*log(P))", {"Y": "m k", "Z": "m k"}),
    "entropy": ("P = softmax(Z)\nL = -sum(P*log(P))", {"Z": "m k"}),
    "kl": ("L = sum(P*(log(P) - log_softmax(Z)))", {"P": "m k", "Z": "m k"}),
    # --- sequences ------------------------------------------------------------------------------
    "rnn": ("""
        h[-1] = h0
        z[t] = x[t] @ W + h[t-1] @ U + b
        h[t] = tanh(z[t])
        L = sum((h - y)**2)/2
     """, {"x": "T m n", "W": "n k", "U": "k k", "b": "k", "h0": "m k", "y": "T m k"}),
    "rnn, one sequence": ("""
        h[-1] = h0
        h[t] = tanh(W @ x[t] + U @ h[t-1] + b)
        L = sum((V @ h[T-1] - y)**2)/2
     """, {"x": "T n", "W": "k n", "U": "k k", "b": "k", "h0": "k", "V": "o k", "y": "o"}),
    "linear dynamics": ("x[-1] = x0\nx[t] = A @ x[t-1] + B @ u[t]\nL = sum((x - r)**2)/2",
                        {"x0": "n", "A": "n n", "B": "n k", "u": "T k", "r": "T n"}),
    "hidden markov": ("a[-1] = p\na[t] = (A.T @ a[t-1])*b[t]\nL = -log(sum(a[T-1]))",
                      {"p": "k", "b": "T k", "A": "k k"}),
    "hidden markov, logs": (
        "a[-1] = p\na[t] = b[t] + logsumexp(a[t-1] + A.T, axis=1)\nL = -logsumexp(a[T-1])",
        {"p": "k", "b": "T k", "A": "k k"}),
    "attention": ("S = Q @ K.T/sqrt(d)\nP = softmax(S)\nO = P @ V\nL = sum((O - Y)**2)/2",
                  {"Q": "t d", "K": "s d", "V": "s e", "Y": "t e"}),
    "additive attention": (
        "H = tanh(K @ W + q @ U)\ns = H @ v\na = softmax(s)\nc = a @ K\nL = sum((c - y)**2)",
        {"K": "t d", "W": "d h", "q": "e", "U": "e h", "v": "h", "y": "d"}),
    "linear attention": ("O = exp(Q) @ (exp(K).T @ V)\nL = sum(O*C)",
                         {"Q": "t d", "K": "t d", "V": "t e", "C": "t e"}),
    # --- Gaussian processes, kernels --------------------------------------------------------------
    "gaussian process": ("C = K + s*eye(n)\nL = y @ inv(C) @ y/2 + logdet(C)/2",
                         {"K": "n n", "y": "n", "s": ""}),
    "rbf": ("D = sum(X**2, axis=1, keepdims=True) - 2*X @ X.T + sum(X**2, axis=1)\n"
            "K = exp(-D/(2*l**2))\nL = a @ K @ a/2", {"X": "m d", "a": "m", "l": ""}),
    "kernel ridge": ("L = sum((K @ a - y)**2)/2 + lam/2*(a @ K @ a)",
                     {"K": "n n", "a": "n", "y": "n", "lam": ""}),
    "kalman update": (
        "S = H @ P @ H.T + R\ne = y - H @ x\nL = e @ inv(S) @ e/2 + logdet(S)/2",
        {"H": "m n", "P": "n n", "R": "m m", "y": "m", "x": "n"}),
    # --- reinforcement learning, control ----------------------------------------------------------
    "policy gradient": ("L = -mean(sum(A*log_softmax(X @ W + b), axis=1)*g)",
                        {"X": "m n", "W": "n k", "b": "k", "A": "m k", "g": "m"}),
    "ppo": ("r = exp(p - q)\nL = -mean(minimum(r*a, minimum(maximum(r, 0.8), 1.2)*a))",
            {"p": "m", "q": "m", "a": "m"}),
    "td": ("L = mean((r + 0.9*(N @ w) - X @ w)**2)/2",
           {"r": "m", "N": "m n", "X": "m n", "w": "n"}),
    "quadratic control": ("L = x @ Q @ x + u @ R @ u + (A @ x + B @ u) @ P @ (A @ x + B @ u)",
                          {"x": "n", "u": "k", "Q": "n n", "R": "k k", "A": "n n", "B": "n k",
                           "P": "n n"}),
    "one step of descent": ("g = X.T @ (X @ w - y)\nv = w - a*g\nL = sum((Z @ v - t)**2)/2",
                            {"X": "m n", "w": "n", "y": "m", "a": "", "Z": "p n", "t": "p"}),
    # --- layers, written out ----------------------------------------------------------------------
    "perceptron": ("H = tanh(X @ W + b)\nf = H @ v + c\nL = mean((f - y)**2)",
                   {"X": "m n", "W": "n h", "b": "h", "v": "h", "c": "", "y": "m"}),
    "two layers of columns": (
        "a = sigmoid(W1 @ x + b1)\no = sigmoid(W2 @ a + b2)\nL = sum((o - y)**2)/2",
        {"x": "n", "W1": "h n", "b1": "h", "W2": "k h", "b2": "k", "y": "k"}),
    "layer norm": ("""
        Z = X @ W
        mu = mean(Z, axis=1, keepdims=True)
        v = mean((Z - mu)**2, axis=1, keepdims=True)
        N = (Z - mu)/sqrt(v + 0.00001)
        Y = N*g + b
        L = sum(Y*C)
     """, {"X": "m k", "W": "k n", "g": "n", "b": "n", "C": "m n"}),
    "batch norm": ("""
        mu = mean(X, axis=0)
        v = mean((X - mu)**2, axis=0)
        Y = (X - mu)/sqrt(v + 0.00001)*g + b
        L = sum(Y*C)
     """, {"X": "m n", "g": "n", "b": "n", "C": "m n"}),
    "rms norm": ("r = sqrt(mean(X**2, axis=1, keepdims=True) + 0.00001)\nY = X/r*g\nL = sum(Y*C)",
                 {"X": "m n", "g": "n", "C": "m n"}),
    "squeeze and excite": ("s = sigmoid(tanh(mean(X, axis=0) @ W1) @ W2)\nL = sum(X*s*C)",
                           {"X": "m n", "W1": "n h", "W2": "h n", "C": "m n"}),
    "gated unit": ("L = sum((X @ A)*sigmoid(X @ B + b)*C)",
                   {"X": "m n", "A": "n k", "B": "n k", "b": "k", "C": "m k"}),
    "graph convolution": ("H = relu(A @ X @ W)\nL = sum((H @ V - Y)**2)/2",
                          {"A": "m m", "X": "m n", "W": "n h", "V": "h k", "Y": "m k"}),
    "spring energies": ("L = sum(k*(sqrt(sum((B @ X)**2, axis=1)) - l)**2)/2",
                        {"B": "e m", "X": "m d", "k": "e", "l": "e"}),
    "bilinear": ("L = sum((einsum(\"mi,ij,mj->m\", X, A, Y) - t)**2)",
                 {"X": "m n", "A": "n k", "Y": "m k", "t": "m"}),
    "sequence of samples": ("Y = tanh(X @ W + b)\nL = sum(Y*C)",
                            {"X": "m t n", "W": "n k", "b": "k", "C": "m t k"}),
    "means of sequences": ("mu = mean(X, axis=2, keepdims=True)\nL = sum((X - mu)**2*C)",
                           {"X": "m t n", "C": "m t n"}),
}
"""Arrays are as in the literature of each field; vectors of samples are 1-D."""
