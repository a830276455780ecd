"""Gradients as papers and textbooks print them, each with the loss that it is the gradient of.

The published formulas are written in our own hand, in the dialect in which formulas are printed
here (arrays with one axis are columns, ⊙ and ⊘ entry by entry, 1 a column of ones), under the
names of their source.  `docs/papers.md` has them beside what is derived; likeness.py has the rule
by which the two are held against each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import gradproof as gp

Array = gp.Array


@dataclass(frozen=True)
class Published:
    """A published gradient.

    field, title, source: of what, and where it was published.
    text, shapes: the loss as text of equations; by: what it is differentiated by (twice where
        `hessian` is set).
    lines: the published formulas; the last is the gradient, the others are what it reads.
    signs: how the source writes the arrays of the text, where it writes them otherwise; dz is the
        adjoint of z.
    differs: why the two are not alike, where they are not.
    """

    field: str
    title: str
    source: str
    text: str
    shapes: Mapping[str, Any]
    by: str
    lines: tuple[str, ...]
    signs: Mapping[str, str] = field(default_factory=dict)
    hessian: bool = False
    differs: str = ""


def symmetric(shape: str) -> Any:
    return Array(shape, kind="symmetric")


REGRESSION = "p = sigmoid(X @ w)\nL = -sum(t*log(p) + (1 - t)*log(1 - p))"
POINTS = {"X": "m n", "w": "n", "t": "m"}

PUBLISHED = [
    # --- statistics -----------------------------------------------------------------------------
    Published(
        "Statistics", "Least squares",
        "Hastie, Tibshirani & Friedman 2009, The Elements of Statistical Learning, eq. 3.4",
        "L = sum((y - X @ b)**2)", {"X": "m n", "b": "n", "y": "m"}, "b",
        ("∂RSS/∂β = -2 Xᵀ (y - X β)",), {"β": "b"}),
    Published(
        "Statistics", "Ridge regression", "Hastie et al. 2009, section 3.4.1",
        "L = sum((y - X @ b)**2) + lam*sum(b**2)", {"X": "m n", "b": "n", "y": "m", "lam": ""},
        "b", ("∂RSS/∂β = -2 Xᵀ (y - X β) + 2 λ β",), {"β": "b", "λ": "lam"}),
    Published(
        "Statistics", "Logistic regression",
        "Bishop 2006, Pattern Recognition and Machine Learning, eq. 4.91",
        REGRESSION, POINTS, "w", ("∂E/∂w = Φᵀ (y - t)",), {"Φ": "X", "y": "p"}),
    Published(
        "Statistics", "Logistic regression, the Hessian", "Bishop 2006, eq. 4.97 and 4.98",
        REGRESSION, POINTS, "w", ("R = diag(y ⊙ (1 - y))", "H = Φᵀ R Φ"), {"Φ": "X", "y": "p"},
        hessian=True),
    Published(
        "Statistics", "Softmax regression", "Bishop 2006, eq. 4.109",
        "Y = softmax(X @ W)\nL = -sum(T*log(Y))",
        {"X": "m n", "W": "n k", "T": Array("m k", kind="one_hot")}, "W",
        ("∂E/∂W = Φᵀ (Y - T)",), {"Φ": "X"}),
    Published(
        "Statistics", "Poisson regression",
        "McCullagh & Nelder 1989, Generalized Linear Models, section 2.5",
        "mu = exp(X @ b)\nL = sum(y*log(mu) - mu)", {"X": "m n", "b": "n", "y": "m"}, "b",
        ("∂l/∂β = Xᵀ (y - μ)",), {"β": "b", "μ": "mu"}),
    Published(
        "Statistics", "Gamma regression with a log link",
        "McCullagh & Nelder 1989, section 2.5, with V(μ) = μ² and dμ/dη = μ",
        "mu = exp(X @ b)\nL = sum(-y/mu - log(mu))", {"X": "m n", "b": "n", "y": "m"}, "b",
        ("∂l/∂β = Xᵀ ((y - μ) ⊘ μ)",), {"β": "b", "μ": "mu"}),
    Published(
        "Statistics", "Huber's M-estimator",
        "Huber 1964, Annals of Mathematical Statistics 35, section 4",
        "r = y - X @ b\nL = sum(where(abs(r) <= k, r**2/2, k*abs(r) - k**2/2))",
        {"X": "m n", "b": "n", "y": "m", "k": Array("", kind="positive")}, "b",
        ("ψ = {r if abs(r) ≤ k, k sign(r) otherwise}", "∂ρ/∂β = -Xᵀ ψ"), {"β": "b"}),
    Published(
        "Statistics", "Regression with t-distributed errors",
        "Lange, Little & Taylor 1989, JASA 84, section 3: the weights of iterated least squares",
        "L = -(nu + 1)/2*sum(log(1 + (y - X @ b)**2/(nu*s)))",
        {"X": "m n", "b": "n", "y": "m", "nu": "", "s": ""}, "b",
        ("w = (ν + 1) ⊘ (ν s + (y - X β)∘²)", "∂l/∂β = Xᵀ (w ⊙ (y - X β))"),
        {"β": "b", "ν": "nu"}),
    Published(
        "Statistics", "Cox's partial likelihood",
        "Simon, Friedman, Hastie & Tibshirani 2011, J. Stat. Software 39(5), section 2; Rᵢⱼ is 1 "
        "where j is at risk at the time of i",
        "eta = X @ b\nL = sum(d*(eta - log(R @ exp(eta))))",
        {"X": "n p", "b": "p", "d": "n", "R": Array("n n", kind="mask")}, "b",
        ("g = δ - exp(η) ⊙ (Rᵀ (δ ⊘ (R exp(η))))", "∂l/∂β = Xᵀ g"),
        {"β": "b", "η": "eta", "δ": "d"}),
    Published(
        "Statistics", "Covariance of a Gaussian",
        "Petersen & Pedersen 2012, The Matrix Cookbook, eq. 57 and 124",
        "L = -logdet(S)/2 - tr(inv(S) @ C)/2", {"C": symmetric("d d"), "S": symmetric("d d")}, "S",
        ("∂l/∂Σ = -½ Σ⁻¹ + ½ Σ⁻¹ C Σ⁻¹",), {"Σ": "S"}),
    Published(
        "Statistics", "Precision of a Gaussian",
        "Murphy 2012, Machine Learning, section 4.1.3",
        "D = X - mu\nL = m*logdet(P)/2 - tr(D @ P @ D.T)/2",
        {"X": "m d", "mu": "d", "P": symmetric("d d")}, "P",
        ("S = Dᵀ D", "∂l/∂Λ = ½ m Λ⁻¹ - ½ S"), {"Λ": "P"}),
    Published(
        "Statistics", "Means of a mixture of Gaussians", "Bishop 2006, eq. 9.16, with Σ = I",
        "a = log(w) - sum((X[:, None, :] - M[None, :, :])**2, axis=2)/2\n"
        "g = softmax(a)\nL = sum(logsumexp(a, axis=1))",
        {"X": "m d", "M": "k d", "w": Array("k", kind="positive")}, "M",
        ("∂l/∂μᵢⱼ = Σ_n γₙᵢ (xₙⱼ - μᵢⱼ)",), {"μ": "M", "γ": "g", "x": "X"}),
    Published(
        "Statistics", "Sparse inverse covariance",
        "Friedman, Hastie & Tibshirani 2008, Biostatistics 9, section 2, without the penalty",
        "L = logdet(T) - tr(S @ T)", {"S": symmetric("n n"), "T": symmetric("n n")}, "T",
        ("∂l/∂Θ = Θ⁻¹ - S",), {"Θ": "T"}),
    # --- Gaussian processes, filters, control ----------------------------------------------------
    Published(
        "Gaussian processes and filters", "Marginal likelihood of a Gaussian process",
        "Rasmussen & Williams 2006, Gaussian Processes for Machine Learning, eq. 5.9",
        "K = K0 + th*D\na = inv(K) @ y\nL = -y @ a/2 - logdet(K)/2",
        {"K0": symmetric("n n"), "D": symmetric("n n"), "th": "", "y": "n"}, "th",
        ("∂l/∂θ = ½ αᵀ D α - ½ tr(K⁻¹ D)",), {"α": "a", "θ": "th"},
        differs="a number is written as sums over entries"),
    Published(
        "Gaussian processes and filters", "The same by the covariance",
        "Rasmussen & Williams 2006, eq. 5.9",
        "a = inv(K) @ y\nL = -y @ a/2 - logdet(K)/2", {"K": symmetric("n n"), "y": "n"}, "K",
        ("∂l/∂K = ½ (α αᵀ - K⁻¹)",), {"α": "a"}),
    Published(
        "Gaussian processes and filters", "Variational data assimilation (3D-Var)",
        "Ide, Courtier, Ghil & Lorenc 1997, J. Met. Soc. Japan 75, section 3",
        "L = (x - xb) @ inv(B) @ (x - xb)/2 + (y - H @ x) @ inv(R) @ (y - H @ x)/2",
        {"x": "n", "xb": "n", "B": symmetric("n n"), "y": "m", "H": "m n", "R": symmetric("m m")},
        "x", ("∂J/∂x = B⁻¹ (x - xb) - Hᵀ R⁻¹ (y - H x)",)),
    Published(
        "Gaussian processes and filters", "Linear quadratic control",
        "Bertsekas 2017, Dynamic Programming and Optimal Control, section 3.1: one stage",
        "z = A @ x + B @ u\nL = z @ Q @ z + u @ R @ u",
        {"A": "n n", "x": "n", "B": "n k", "u": "k", "Q": symmetric("n n"), "R": symmetric("k k")},
        "u", ("∂J/∂u = 2 R u + 2 Bᵀ Q z",)),
    # --- embeddings, ranking, preferences -------------------------------------------------------
    Published(
        "Embeddings, ranking, preferences", "t-SNE",
        "van der Maaten & Hinton 2008, JMLR 9, eq. 5",
        "D = sum((Y[:, None, :] - Y[None, :, :])**2, axis=2)\nV = 1/(1 + D)\n"
        "L = sum(P*log1p(D)) + log(sum(V) - n)", {"Y": "n d", "P": symmetric("n n")}, "Y",
        ("Z = Σ_i Σ_j Vᵢⱼ - n",
         "∂C/∂yᵢⱼ = 4 Σ_k (pᵢₖ - Vᵢₖ/Z) (yᵢⱼ - yₖⱼ) Vᵢₖ"), {"y": "Y", "p": "P"}),
    Published(
        "Embeddings, ranking, preferences", "Skip-gram with negative samples, context vectors",
        "Jurafsky & Martin 2024, Speech and Language Processing, chapter 6 (the context vectors "
        "of negative samples)",
        "L = -log(sigmoid(u @ v)) - sum(log(sigmoid(-(U @ v))))",
        {"u": "d", "v": "d", "U": "k d"}, "U", ("∂L/∂C = σ(C w) wᵀ",), {"C": "U", "w": "v"}),
    Published(
        "Embeddings, ranking, preferences", "Skip-gram with negative samples, the word vector",
        "Jurafsky & Martin 2024, chapter 6",
        "L = -log(sigmoid(u @ v)) - sum(log(sigmoid(-(U @ v))))",
        {"u": "d", "v": "d", "U": "k d"}, "v",
        ("∂L/∂w = (σ(cᵀ w) - 1) c + Cᵀ σ(C w)",), {"C": "U", "w": "v", "c": "u"},
        differs="-σ(-u) for σ(u) - 1, which keeps its digits"),
    Published(
        "Embeddings, ranking, preferences", "InfoNCE by the similarities",
        "Wang & Liu 2021, CVPR, section 3, of a mean over m anchors",
        "P = softmax(S/tau)\nL = -mean(diag(log_softmax(S/tau)))", {"S": "m m", "tau": ""}, "S",
        ("∂L/∂S = (P - I)/(m τ)",), {"τ": "tau"}),
    Published(
        "Embeddings, ranking, preferences", "InfoNCE by the embeddings",
        "Wang & Liu 2021, CVPR, by the chain rule through S = Z Vᵀ",
        "S = Z @ V.T\nP = softmax(S/tau)\nL = -mean(diag(log_softmax(S/tau)))",
        {"Z": "m d", "V": "m d", "tau": ""}, "Z", ("∂L/∂Z = (P - I) V/(m τ)",), {"τ": "tau"}),
    Published(
        "Embeddings, ranking, preferences", "Direct preference optimisation",
        "Rafailov et al. 2023, NeurIPS 36, section 4: by log π of the preferred answers",
        "rw = beta*(pw - qw)\nrl = beta*(pl - ql)\nL = -sum(log(sigmoid(rw - rl)))",
        {"beta": "", "pw": "m", "pl": "m", "qw": "m", "ql": "m"}, "pw",
        ("∂L/∂pw = -β σ(rl - rw)",), {"β": "beta"}),
    Published(
        "Embeddings, ranking, preferences", "Bayesian personalised ranking",
        "Rendle et al. 2009, UAI, section 4.1; exp(-x)/(1 + exp(-x)) there is σ(-x)",
        "x = sum(W*(H - G), axis=1)\nL = sum(log(sigmoid(x))) - lam*sum(W**2)/2",
        {"W": "m k", "H": "m k", "G": "m k", "lam": ""}, "W",
        ("∂O/∂W = (σ(-x) 1ᵀ) ⊙ (H - G) - λ W",), {"λ": "lam"}),
    Published(
        "Embeddings, ranking, preferences", "RankNet",
        "Burges 2010, MSR-TR-2010-82, section 2; the sum over i of C less its mirror image",
        "D = s[:, None] - s[None, :]\nL = sum((1 - S)*a*D/2 + log(1 + exp(-a*D)))",
        {"s": "n", "S": "n n", "a": ""}, "s",
        ("λ = a (½ (1 - S) - σ(-a D))", "∂C/∂s = λ 1 - λᵀ 1")),
    Published(
        "Embeddings, ranking, preferences", "Elo ratings",
        "Elo 1978, The Rating of Chessplayers: the update of a player is K (S - E)",
        "E = sigmoid(a - b)\nL = sum(S*log(E) + (1 - S)*log(1 - E))",
        {"a": "m", "b": "m", "S": "m"}, "a", ("∂l/∂a = S - E",)),
    Published(
        "Embeddings, ranking, preferences", "Matrix factorisation",
        "Koren, Bell & Volinsky 2009, IEEE Computer 42(8), the update of stochastic gradient "
        "descent",
        "L = sum(M*(R - U @ V.T)**2)/2 + lam*(sum(U**2) + sum(V**2))/2",
        {"R": "m n", "M": Array("m n", kind="mask"), "U": "m k", "V": "n k", "lam": ""}, "U",
        ("E = M ⊙ (R - P Qᵀ)", "∂L/∂P = -E Q + λ P"), {"P": "U", "Q": "V", "λ": "lam"}),
    Published(
        "Embeddings, ranking, preferences", "Non-negative matrix factorisation",
        "Lin 2007, Neural Computation 19, section 2 (by H)",
        "L = sum((V - W @ H)**2)/2", {"V": "m n", "W": "m k", "H": "k n"}, "H",
        ("∂f/∂H = Wᵀ (W H - V)",)),
    # --- networks -------------------------------------------------------------------------------
    Published(
        "Networks", "Backpropagation, two layers of sigmoids",
        "Nielsen 2015, Neural Networks and Deep Learning, BP1, BP2 and BP4; σ′ = a (1 - a)",
        "z1 = W1 @ x + b1\na1 = sigmoid(z1)\nz2 = W2 @ a1 + b2\na2 = sigmoid(z2)\n"
        "L = sum((a2 - y)**2)/2",
        {"x": "n", "W1": "h n", "b1": "h", "W2": "k h", "b2": "k", "y": "k"}, "W1",
        ("d₂ = (a₂ - y) ⊙ a₂ ⊙ (1 - a₂)", "d₁ = (W₂ᵀ d₂) ⊙ a₁ ⊙ (1 - a₁)", "∂C/∂W₁ = d₁ xᵀ"),
        {"a₁": "a1", "a₂": "a2", "W₂": "W2"}),
    Published(
        "Networks", "The softmax of attention",
        "Dao et al. 2022, NeurIPS 35, appendix B.2",
        "P = softmax(S)\nL = sum(dP*P)", {"S": "n k", "dP": "n k"}, "S",
        ("D = (dP ⊙ P) 1", "∂L/∂S = P ⊙ (dP - D 1ᵀ)")),
    Published(
        "Networks", "Layer normalisation",
        "Xu et al. 2019, NeurIPS 32, section 3: without gain and bias, y of its outputs, σ of its "
        "deviations, g the adjoints of y",
        "mu = mean(X, axis=1)\nv = mean((X - mu[:, None])**2, axis=1)\ns = sqrt(v)\n"
        "Y = (X - mu[:, None])/s[:, None]\nL = sum(G*Y)", {"X": "m n", "G": "m n"}, "X",
        ("∂L/∂X = (G - (G 1) 1ᵀ/n - Y ⊙ (((G ⊙ Y) 1) 1ᵀ)/n) ⊘ (σ 1ᵀ)",), {"σ": "s"}),
    Published(
        "Networks", "Batch normalisation",
        "Santurkar et al. 2018, NeurIPS 31, appendix C, with γ of 1",
        "mu = mean(X, axis=0)\nv = mean((X - mu)**2, axis=0)\ns = sqrt(v)\n"
        "Y = (X - mu)/s\nL = sum(G*Y)", {"X": "m n", "G": "m n"}, "X",
        ("∂L/∂X = (G - 1 (Gᵀ 1)ᵀ/m - Y ⊙ (1 ((G ⊙ Y)ᵀ 1)ᵀ)/m) ⊘ (1 σᵀ)",), {"σ": "s"}),
    Published(
        "Networks", "Distillation", "Hinton, Vinyals & Dean 2015, eq. 2",
        "q = softmax(z/T)\np = softmax(v/T)\nL = -sum(p*log(q))", {"z": "k", "v": "k", "T": ""},
        "z", ("∂C/∂z = (q - p)/T",)),
    Published(
        "Networks", "Focal loss", "Lin et al. 2017, ICCV, appendix B, with xₜ for y x",
        "p = sigmoid(x)\nL = -sum((1 - p)**g*log(p))", {"x": "m", "g": Array("", kind="positive")},
        "x", ("∂FL/∂x = (1 - p)∘^γ ⊙ (γ p ⊙ log(p) + p - 1)",), {"γ": "g"}),
    Published(
        "Networks", "Support vector machine",
        "Shalev-Shwartz, Singer & Srebro 2007, ICML, section 2; ReLU′(u) is [u > 0]",
        "L = lam*sum(w**2)/2 + mean(maximum(0, 1 - y*(X @ w)))",
        {"X": "m n", "w": "n", "y": "m", "lam": ""}, "w",
        ("∂f/∂w = λ w - Xᵀ (y ⊙ ReLU′(1 - y ⊙ (X w)))/m",), {"λ": "lam"}),
    # --- graphical models, decisions, signals ----------------------------------------------------
    Published(
        "Graphical models and decisions", "Log-linear model",
        "Lafferty, McCallum & Pereira 2001, ICML: expected less observed features",
        "L = logsumexp(F @ w) - c @ w", {"F": "n k", "w": "k", "c": "k"}, "w",
        ("p = softmax(F w)", "∂L/∂w = Fᵀ p - c")),
    Published(
        "Graphical models and decisions", "Conditional random field, a chain",
        "Sutton & McCallum 2012, An Introduction to Conditional Random Fields, section 5.1: the "
        "marginals q of a place, less the labels, by its scores",
        "a[0] = p + s[0]\na[t] = s[t] + logsumexp(a[t-1][:, None] + A, axis=0)\n"
        "L = logsumexp(a[T-1]) - sum(Y*s)",
        {"p": "k", "A": "k k", "s": "T k", "Y": Array("T k", kind="one_hot")}, "s",
        ("∂L/∂sₜ = qₜ - Yₜ",), {"q": "da"}),
    Published(
        "Graphical models and decisions", "Restricted Boltzmann machine, free energy",
        "Bengio 2009, Learning Deep Architectures for AI, section 5.3",
        "L = -v @ b - sum(log(1 + exp(c + v @ W)))", {"v": "n", "b": "n", "c": "k", "W": "n k"},
        "W", ("∂F/∂W = -v σ(c + Wᵀ v)ᵀ",)),
    Published(
        "Graphical models and decisions", "Gradient bandit",
        "Sutton & Barto 2018, Reinforcement Learning, eq. 2.12",
        "p = softmax(H)\nL = R*sum(a*log(p))",
        {"H": "k", "R": "", "a": Array("k", kind="one_hot")}, "H",
        ("∂J/∂H = R (a - π)",), {"π": "p"}),
    Published(
        "Graphical models and decisions", "Policy gradient of a softmax",
        "Sutton & Barto 2018, section 2.8: the expected reward J, which is the baseline, too",
        "p = softmax(H)\nL = p @ q", {"H": "k", "q": "k"}, "H",
        ("∂J/∂H = π ⊙ (q - J)",), {"π": "p", "J": "L"}),
    Published(
        "Graphical models and decisions", "Semi-supervised learning on a graph",
        "Zhou et al. 2004, NeurIPS 16, section 2",
        "L = tr(F.T @ F)/2 - tr(F.T @ S @ F)/2 + mu*sum((F - Y)**2)/2",
        {"F": "n c", "S": symmetric("n n"), "Y": "n c", "mu": ""}, "F",
        ("∂Q/∂F = F - S F + μ (F - Y)",), {"μ": "mu"}),
    Published(
        "Graphical models and decisions", "Regularised optimal transport, the dual",
        "Peyré & Cuturi 2019, Computational Optimal Transport, section 4.4",
        "P = exp((f[:, None] + g[None, :] - C)/eps)\nL = a @ f + b @ g - eps*sum(P)",
        {"f": "n", "g": "m", "C": "n m", "a": "n", "b": "m", "eps": Array("", kind="positive")},
        "f", ("∂L/∂f = a - P 1",)),
    Published(
        "Graphical models and decisions", "Mean and variance of a portfolio",
        "Boyd & Vandenberghe 2004, Convex Optimization, section 4.4.1",
        "L = mu @ w - g*(w @ S @ w)/2", {"mu": "n", "w": "n", "g": "", "S": symmetric("n n")}, "w",
        ("∂U/∂w = μ - γ Σ w",), {"μ": "mu", "γ": "g", "Σ": "S"}),
    Published(
        "Algebra and signals", "Trace of a quadratic form",
        "Petersen & Pedersen 2012, eq. 118",
        "L = tr(A @ X @ B @ X.T @ C)", {"A": "n n", "B": "k k", "C": "n n", "X": "n k"}, "X",
        ("∂L/∂X = Aᵀ Cᵀ X Bᵀ + C A X B",)),
    Published(
        "Algebra and signals", "Weighted least squares by the matrix",
        "Petersen & Pedersen 2012, eq. 88, W symmetric",
        "L = (x - A @ s) @ W @ (x - A @ s)",
        {"x": "m", "A": "m n", "s": "n", "W": symmetric("m m")}, "A",
        ("∂L/∂A = -2 W (x - A s) sᵀ",)),
    Published(
        "Algebra and signals", "Rayleigh's quotient",
        "Absil, Mahony & Sepulchre 2008, Optimization Algorithms on Matrix Manifolds, section 2.1",
        "r = (x @ A @ x)/sum(x**2)\nL = r", {"A": symmetric("n n"), "x": "n"}, "x",
        ("n = Σ_i xᵢ²", "∂f/∂x = 2 (A x - r x)/n")),
    Published(
        "Algebra and signals", "Independent components (infomax)",
        "Bell & Sejnowski 1995, Neural Computation 7, section 2, of m samples",
        "Y = sigmoid(W @ X)\nL = m*logdet(W) + sum(log(Y*(1 - Y)))", {"W": "n n", "X": "n m"}, "W",
        ("∂l/∂W = m (Wᵀ)⁻¹ + (1 - 2 Y) Xᵀ",)),
    Published(
        "Algebra and signals", "Emission tomography",
        "Lange & Carson 1984, J. Computer Assisted Tomography 8, the score of the likelihood",
        "L = sum(y*log(A @ x) - A @ x)", {"A": "m n", "x": "n", "y": "m"}, "x",
        ("∂l/∂x = Aᵀ (y ⊘ (A x) - 1)",), differs="over one denominator"),
]
