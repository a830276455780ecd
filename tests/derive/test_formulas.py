"""What is printed, read back by who knows the text alone, is matrix algebra and says the numbers.

The reader (gradproof.symbolic.reread) shares nothing with the writers; its trees are evaluated by
tests/tables/reread_values.py and held against the arrays of the same system.
"""

import re
import shutil
import subprocess

import numpy as np
import pytest
import sympy as sp
from printed import (
    Printed,
    arrays_of,
    collections,
    fault,
    formulas,
    of_derivation,
    of_derivative,
    problem,
)
from problems import PROBLEMS
from random_programs import over_programs
from reread_values import UnsaidError, Values

import gradproof as gp
from gradproof.symbolic.display.text_and_latex import plain
from gradproof.symbolic.equation import (
    INDEX_VALUE,
    Array,
    Equation,
    EquationError,
    Index,
    Read,
    Recurrence,
    System,
    Term,
    Within,
    index_symbol,
    size_symbol,
    slot,
)
from gradproof.symbolic.functions import TANH
from gradproof.symbolic.reread.parsing import Names, statement
from gradproof.symbolic.reread.shapes import Convention, ShapeError, check
from gradproof.symbolic.reread.trees import ReadBackError

UNSAID = {"gallery": 16, "models": 8, "identities": 20, "hessians": 4}
"""Formulas whose text alone does not say all: along which axes the conditions of a masked softmax
run, what a maximum is (a place, and its value), how large the I of a Kronecker product is."""


def faults(found: Printed) -> list[str]:
    arrays = arrays_of(found)
    return [f"{found.name}: {text}: {wrong}"
            for equation, text, latex in formulas(found)
            if (wrong := fault(found, equation, text, latex, arrays))]


def held(name: str) -> None:
    wrong = [line for found in collections()[name]() for line in faults(found)]
    apart = [line for line in wrong if ": unsaid: " not in line]
    assert not apart, "\n".join(apart)
    assert len(wrong) <= UNSAID.get(name, 0), "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.parametrize("name", [
    "networks", "identities", "gallery", "models", "problems", "hessians"])
def test_everything_that_is_printed_is_algebra_and_right(name):
    held(name)


@pytest.mark.parametrize("name", [
    "layer norm", "batch norm", "ranknet", "distances", "vae", "rnn", "hidden markov",
    "perceptron", "gaussian covariance", "huber"])
@pytest.mark.parametrize("vectors", ["columns", "rows"])
def test_either_convention_is_kept(name, vectors):
    made = PROBLEMS[name]
    derivation = gp.derive(gp.equations(made.text, **made.inputs), vectors=vectors)
    assert not faults(of_derivation(name, derivation))


@pytest.mark.slow
@over_programs(15)
def test_programs_are_printed_as_they_are(program, seed):
    of_random(program, seed)


@pytest.mark.slow
@over_programs(100)
def test_many_programs_are_printed_as_they_are(program, seed):
    of_random(program, seed)


def of_random(program, seed):
    try:
        derivation = gp.derive(program.system, program.wrt)
    except EquationError:
        return
    as_it_is(program, derivation)


def as_it_is(program, derivation):
    wrong = [line for line in faults(of_derivation(str(program), derivation))
             if ": unsaid: " not in line]
    assert not wrong, "\n".join(wrong)


def test_a_hessian_is_read_with_the_step_on_its_own_axis():
    made = problem("hidden markov").hessian("p")
    assert not faults(of_derivative("hidden markov", made))
    assert "[:,0]" in str(made.writer.text(made.steps[-1]))


# --- as in a book -------------------------------------------------------------------------------

SQUARES = {"A": "m n", "x": "n", "b": "m"}
BOOK = [
    ("L = sum((A @ x - b)**2)", SQUARES, "x", "2 Aᵀ (A x - b)"),
    ("L = sum((A @ x - b)**2)", SQUARES, "A", "2 (A x - b) xᵀ"),
    ("L = sum((A @ x - b)**2)", SQUARES, "b", "2 (b - A x)"),
    ("L = x @ S @ x", {"S": "n n", "x": "n"}, "x", "(S + Sᵀ) x"),
    ("L = tr(X @ X @ X)", {"X": "n n"}, "X", "3 Xᵀ Xᵀ"),
    ("L = (x - c) @ inv(S) @ (x - c)/2", {"S": "n n", "x": "n", "c": "n"}, "x",
     "½ (S⁻¹ + (S⁻¹)ᵀ) (x - c)"),
    ("L = sum(log(1 + exp(z)))", {"z": "n"}, "z", "σ(z)"),
    ("L = -sum(log(sigmoid(y*z)))", {"z": "n", "y": "n"}, "z", "-y ⊙ σ(-y ⊙ z)"),
    ("L = logsumexp(z)", {"z": "n"}, "z", "softmax(z)"),
    ("L = sum((C - eye(n))**2)/2", {"C": "n n"}, "C", "C - I"),
    ("a = tanh(X @ W)\nL = sum((a @ v - y)**2)/2",
     {"X": "m n", "W": "n k", "v": "k", "y": "m"}, "v", "aᵀ (a v - y)"),
    ("L = sum(softplus(X @ w) - y*(X @ w))", {"X": "m n", "w": "n", "y": "m"}, "w",
     "Xᵀ (σ(X w) - y)"),
    ("L = sum(lgamma(a) - digamma(a))", {"a": "n"}, "a", "ψ(a) - ψ′(a)"),
    ("L = pi*tau*sum(arccos(x))", {"x": "n", "tau": ""}, "x", "-π τ ⊘ √(1 - x∘²)"),
    ("L = lam*sum(abs(x)) + sum(x*x_2)", {"x": "n", "x_2": "n", "lam": ""}, "x",
     "λ sign(x) + x₂"),
    ("E = A @ X @ B + C\nL = tr(E @ E.T)", dict.fromkeys("AXBC", "n n"), "X", "2 Aᵀ E Bᵀ"),
]


@pytest.mark.parametrize(("text", "shapes", "by", "expected"), BOOK)
def test_gradients_read_as_in_a_book(text, shapes, by, expected):
    derivation = gp.derive(gp.equations(text, **shapes))
    assert str(derivation.gradients[by]) == f"∂L/∂{by} = {expected}"
    assert not faults(of_derivation(text, derivation))


WRITTEN_OUT = [
    ("L = sum(where(x > 0, x, 0)*c)", {"x": "n", "c": "n"}, "x", "[x > 0] ⊙ c"),
    ("L = sum(c*where(x > 0, 0, x))", {"x": "n", "c": "n"}, "x", "c ⊙ [x ≤ 0]"),
    ("L = sum(where(v[:, None] > 0, v[:, None], X)**2)", {"v": "m", "X": "m n"}, "X",
     "{0 if v 1ᵀ > 0, 2 X otherwise}"),
    ("K = exp(-(x[:, None] - x[None, :])**2/h)/h\nL = sum(K*M)", {"x": "n", "M": "n n", "h": ""},
     "M", "K"),
]


@pytest.mark.parametrize(("text", "shapes", "by", "expected"), WRITTEN_OUT)
def test_conditions_and_numbers_stand_where_a_reader_looks(text, shapes, by, expected):
    derivation = gp.derive(gp.equations(text, **shapes))
    assert str(derivation.gradients[by]).partition(" = ")[2] == expected
    assert "Kᵢᵢ" not in str(derivation)
    assert not faults(of_derivation(text, derivation))


SYMMETRIC = {"J": gp.Array("n n", kind="symmetric"), "s": "n", "P": "m n", "q": "m n"}


@pytest.mark.parametrize(("text", "by", "expected"), [
    ("L = s @ J @ s", "s", "2 J s"),
    ("L = s @ J @ s", "J", "s sᵀ"),
    ("L = sum(log(sigmoid(P)) + log(sigmoid(-P)))", "P", "σ(-P) - σ(P)"),
    ("L = sum(q*(-sigmoid(P) - sigmoid(-P)))", "q", "-1"),
])
def test_a_symmetric_matrix_has_no_transpose_and_two_sigmoids_are_one(text, by, expected):
    derivation = gp.derive(gp.equations(text, **{
        name: shape for name, shape in SYMMETRIC.items() if name in text}))
    assert str(derivation.gradients[by]).partition(" = ")[2] == expected


ABX = {"A": "n m", "X": "m n", "B": "n n", "S": "n n", "x": "n", "Y": "n m"}
TRACES = [
    ("L = tr(A @ X)", "tr(A X)"), ("L = tr(B)", "tr(B)"), ("L = tr(A.T @ B @ A)", "tr(Aᵀ B A)"),
    ("L = tr(B @ B @ S)/2 - n", "½ tr(B B S) - n"), ("L = sum(A*Y)", "Σ_i Σ_j Aᵢⱼ Yᵢⱼ"),
    ("L = x @ B @ x + tr(inv(S) @ B)", "xᵀ B x + tr(S⁻¹ B)"),
    ("L = sum(B**2)", "Σ_i Σ_j Bᵢⱼ²"),
]


@pytest.mark.parametrize(("text", "expected"), TRACES)
def test_a_sum_around_a_circle_of_matrices_is_a_trace(text, expected):
    read = set(re.findall(r"[A-Za-z]\w*", text))
    derivation = gp.derive(gp.equations(text, **{
        name: shape for name, shape in ABX.items() if name in read}))
    assert str(derivation.forward["L"]) == f"L = {expected}"
    assert not faults(of_derivation(text, derivation))


STACKED = [("n", "a n b"), ("m n", "a n b"), ("a b n", "n m"), ("c a b n", "a n m"),
           ("a b n", "c a n m"), ("a b n", "n")]


@pytest.mark.parametrize(("left", "right"), STACKED)
def test_a_matrix_goes_with_each_of_a_stack(left, right):
    derivation = gp.derive(gp.equations("L = sum((A @ B)**2)", A=left, B=right))
    sizes = dict(zip("abcmn", (2, 3, 4, 5, 6), strict=True))
    rng = np.random.default_rng(0)
    values = {name: rng.normal(size=[sizes[size] for size in shape.split()])
              for name, shape in (("A", left), ("B", right))}
    space = {}
    exec(derivation.numpy_source(), space)
    assert np.isclose(space["gradient"](**values)[0], np.sum((values["A"] @ values["B"])**2))
    assert not faults(of_derivation("stack", derivation))


CLASHING = [
    ("L = sum(x_1*x1)", {"x_1": "n", "x1": "n"}, "L = Σ_i x_1ᵢ x1ᵢ"),
    ("L = sum(lam*lambda)", {"lam": "n", "lambda": "n"}, "L = Σ_i lamᵢ lambdaᵢ"),
    ("L = sum(u_hat*û)", {"u_hat": "n", "û": "n"}, "L = Σ_i u_hatᵢ ûᵢ"),
    ("L = sum(u**2)*u0 + u[0]", {"u": "n", "u0": ""}, "L = Σ_i uᵢ² u0 + u₀"),
]


@pytest.mark.parametrize(("text", "shapes", "expected"), CLASHING)
def test_what_would_be_written_alike_is_spelled_out(text, shapes, expected):
    derivation = gp.derive(gp.equations(text, **shapes))
    assert str(derivation.forward["L"]) == expected
    assert not faults(of_derivation(text, derivation))


WORDS = [  # a name, as it is written in text and in LaTeX
    ("W_up", "W_up", r"{W _{\mathrm{up}}}"),
    ("gamma_q", "γ_q", r"{\gamma _{\mathrm{q}}}"),
    ("x_new_1", "x_new₁", r"{x _{\mathrm{new}}} _{1}"),
    ("x_hat", "x̂", r"\hat{x}"),
    ("mu_bar", "μ̄", r"\bar{\mu}"),
    ("what", "what", r"\mathrm{what}"),
    ("step_size", "step_size", r"\mathrm{step\_size}"),
]


@pytest.mark.parametrize(("name", "text", "latex"), WORDS)
def test_a_word_behind_a_letter_is_mathematics(name, text, latex):
    system = gp.equations(f"q = A @ {name}\nL = sum(tanh(q)*{name})", **{"A": "n n", name: "n"})
    derivation = gp.derive(system)
    made = derivation.gradients["A"]
    assert str(made) == f"∂L/∂A = ∂L/∂q {text}ᵀ"
    assert latex in made.latex()
    assert not faults(of_derivation(name, derivation))
    hessian = gp.derive(system, [name]).hessian(name)
    assert not [line for line in faults(of_derivative(name, hessian)) if "unsaid" not in line]


def test_a_commutation_beside_an_array_called_k_has_another_letter():
    made = gp.derive(gp.equations("L = sum((X @ X)*K)", X="n n", K="n n")).hessian("X")
    assert "𝒦" in str(made)
    wrong = [line for line in faults(of_derivative("commuted", made)) if "unsaid" not in line]
    assert not wrong


def test_a_hessian_by_a_matrix_says_which_places_its_steps_have():
    made = gp.derive(gp.equations("P = softmax(Z)\nL = sum(P*log(P))", Z="m k")).hessian("Z")
    assert not faults(of_derivative("entropy", made))


def test_operations_on_matrices_in_a_loop_are_of_the_step():
    text = "P[-1] = Q; S[t] = P[t-1] + y[t]*Q; P[t] = inv(S[t]); L = sum(P)"
    derivation = gp.derive(gp.equations(text, Q="n n", y="T"), ["Q"])
    assert str(derivation.forward["P"]) == "Pₜ = Sₜ⁻¹"
    assert not faults(of_derivation(text, derivation))


def test_a_loss_without_a_name_is_l():
    def loss(X, w):
        return np.sum((X @ w) ** 2)

    assert str(gp.derive(gp.trace(loss, X="m n", w="n"), ["w"])).endswith("∂L/∂w = 2 Xᵀ X w")

    def named(t, L):
        return np.sum((t - L) ** 2)

    assert "∂t" in str(gp.derive(gp.trace(named, t="n", L="n"), ["t"]).gradients["t"])


def test_what_is_put_in_has_no_line_and_is_told():
    derivation = gp.derive(gp.equations("L = sum((A @ x - b)**2)", **SQUARES))
    assert "t₁" not in str(derivation)
    chain, last = derivation.gradients["x"].because
    assert "t₁ = A x" in chain
    assert chain.startswith("∂L/∂x = Aᵀ ∂L/∂t₁ ")
    assert last == "∂L/∂x = 2 Aᵀ (A x - b)    (with ∂L/∂t₁ = 2 (t₁ - b), t₁ = A x)"


def test_what_is_long_and_read_often_keeps_its_line():
    text = "L = sum((A @ x + B @ x)*exp(A @ x + B @ x - b)*(A @ x + B @ x - b))"
    derivation = gp.derive(gp.equations(text, A="m n", B="m n", x="n", b="m"))
    assert "∂L/∂A = ∂L/∂t₁ xᵀ" in str(derivation)
    assert not faults(of_derivation(text, derivation))


@pytest.mark.parametrize("wrong", ["row", "up", 1])
def test_a_convention_that_there_is_not_is_refused(wrong):
    with pytest.raises(ValueError, match='vectors: expected "columns" or "rows"'):
        gp.derive(gp.equations("L = sum(x)", x="n"), vectors=wrong)
    with pytest.raises(ValueError, match="a network says it itself"):
        gp.derive(gp.Network([2, 1]), vectors="rows")


# --- LaTeX --------------------------------------------------------------------------------------

COMMANDS = re.compile(
    "frac|partial|sum|max|arg|min|det|exp|log|tanh|sinh|cosh|sin|cos|tan|arcsin|arccos|arctan|sqrt|top|circ|odot|oslash|otimes|mathbf"
    "|mathrm|text|left|right|le|ge|ne|lvert|rvert|lbrace|rbrace|begin|end|hat|tilde|bar"
    "|pi|alpha|beta|gamma|delta|epsilon|zeta|eta|theta|kappa|lambda|mu|nu|xi|rho|sigma|tau|phi|chi"
    "|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Sigma|Phi|Psi|Omega")
"""What amsmath, KaTeX and MathJax all have."""


def latex_of(derivation):
    return [formula.latex() for formula in derivation.all()]


def test_only_commands_that_all_have_are_used():
    texts = [("where(x > 0, x, exp(x)/2)", "n"), ("maximum(x, 0)*(x < 2)", "n"),
             ("softmax(x)*log(abs(x))", "n"), ("sqrt(x**2 + 1)", "n")]
    made = [gp.derive(gp.equations(f"L = sum({text})", x=shape)) for text, shape in texts]
    made += [problem(name) for name in ("huber", "ppo", "hidden markov, logs", "layer norm")]
    for latex in (line for derivation in made for line in latex_of(derivation)):
        used = re.findall(r"\\([A-Za-z]+)", latex)
        assert all(map(COMMANDS.fullmatch, used)), latex


def test_a_derivative_says_what_it_reads():
    made = gp.derive(gp.equations("L = norm(x - a)", x="n", a="n")).hessian("x")
    assert made.latex().startswith("\\begin{aligned}\nt _{1} &= ") or len(made.steps) == 1
    assert made.latex().count("&=") in (0, len(made.steps))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_all_of_it_compiles_with_amsmath_alone(tmp_path):
    latex = dict.fromkeys(
        plain(text) for name in ("networks", "models", "identities", "problems", "hessians")
        for found in collections()[name]() for _, text, is_latex in formulas(found) if is_latex)
    latex |= dict.fromkeys(problem(name).hessian(by).latex() for name, by in (
        ("gaussian process", "y"), ("rnn", "b"), ("layer norm", "g")))
    (tmp_path / "all.tex").write_text(
        "\\documentclass{article}\n\\usepackage{amsmath}\n\\begin{document}\n"
        + "\n".join(rf"\[ {text} \]" for text in latex) + "\n\\end{document}\n",
        encoding="utf-8")
    run = subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"],
                         cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stdout[-2000:]


# --- the reader ---------------------------------------------------------------------------------

SHAPES = {"X": (3, 4), "W": (4, 2), "w": (4,), "y": (3,), "b": (2,), "Y": (3, 2), "S": (4, 4),
          "t1": (3,), "h": (5, 3), "s": ()}
SIZES = {"m": 3, "n": 4, "k": 2, "T": 5}
WRITTEN = {**{name: [name, f"{name}ᵢ"] for name in SHAPES if name not in ("t1", "X")},
           "X": ["X", "xᵢ"], "t1": ["t₁", "t₁ᵢ"]}


def convention(vectors="column", repeated=None):
    return Convention(SHAPES, vectors, repeated, SIZES)


def read(text):
    return statement(text, Names.of(WRITTEN, {name: len(s) for name, s in SHAPES.items()}))


FITTING = [
    "y = X w - t₁", "w = Xᵀ (X w - y)", "Y = X W + 1 bᵀ", "b = Yᵀ 1", "s = yᵀ X w/m",
    "S = w wᵀ + s I", "S = diag(w) S", "X = y wᵀ", "X = (y 1ᵀ) ⊙ X ⊘ (1 wᵀ)", "s = 1ᵀ y",
    "yᵢ = Σ_j xᵢⱼ wⱼ", "s = Σ_i<2 yᵢ", "hₜ = hₜ₋₁ + y",
    "y = h[T-1]", "y = X[:,0]", "w = √(w∘² + s)", "y = {t₁ if y > 0, 0 otherwise}",
    "X = softmax(X)", "S = S⁻¹ Sᵀ", "y = exp(-½ y∘²) ⊙ [y > 0]",
]
APART = [
    "y = wᵀ Xᵀ", "Y = X W + b", "b = 1ᵀ Y", "X = y ⊙ X", "y = X y", "s = X w", "X = X⁻¹", 
    "S = w ⊙ S",
    "y = y/t₁", "X = X²", "y = X", "w = y ⊘ w", "S = diag(S)", "y = hᵀ", "Y = X W + bᵀ",
    "y = y w", "yᵢ = y", "s = Σ_i yⱼ", "y = q", "y = Σ_i 1",
]


@pytest.mark.parametrize("text", FITTING)
def test_what_fits(text):
    check(read(text), convention())


@pytest.mark.parametrize("text", APART)
def test_what_does_not_fit(text):
    with pytest.raises(ReadBackError):
        check(read(text), convention())


def test_a_bias_is_repeated_where_the_convention_says_so():
    check(read("Y = X W + b"), convention("row", "row"))
    with pytest.raises(ShapeError):
        check(read("Y = X W + b"), convention("row"))
    with pytest.raises(ShapeError):
        check(read("X = X + y"), convention("row", "row"))
    check(read("X = X + y"), convention("column", "column"))


def test_a_sign_that_stands_for_two_arrays_is_refused():
    names = Names.of({"x0": ["x₀"], "x": ["x", "xᵢ"], "x_0": ["x₀"]},
                     {"x0": 0, "x": 1, "x_0": 0})
    with pytest.raises(ReadBackError, match="may be any of"):
        statement("x = x₀ x", names)


def test_the_tree_of_a_text_is_that_of_its_latex():
    latex = {name: [name if len(name) == 1 else "t _{1}",
                    f"{name} _{{i}}" if len(name) == 1 else "t _{1 i}"] for name in WRITTEN}
    latex["X"] = ["X", "x _{i}"]
    ranks = {name: len(shape) for name, shape in SHAPES.items()}
    pairs = [
        ("Y = X W + 1 bᵀ", r"Y = X W + \mathbf{1} b^{\top}"),
        ("yᵢ = Σ_j xᵢⱼ wⱼ", r"y _{i} = \sum _{j} x _{i j} w _{j}"),
        ("s = Σ_i<2 t₁ᵢ", r"s = \sum _{i \lt 2} t _{1 i}"),
        ("y = {t₁ if y > 0, 0 otherwise}",
         r"y = \lbrace t _{1} \text{ if } y \gt 0, 0 \text{ otherwise} \rbrace"),
        ("X = (y 1ᵀ) ⊙ X ⊘ (1 wᵀ)",
         r"X = (y \mathbf{1}^{\top}) \odot X \oslash (\mathbf{1} w^{\top})"),
    ]
    for text, other in pairs:
        assert read(text) == statement(other, Names.of(latex, ranks, True), True)


def test_numbers_tell_a_wrong_formula():
    rng = np.random.default_rng(0)
    arrays = {"X": rng.normal(size=(3, 4)), "w": rng.normal(size=4)}
    arrays["y"] = arrays["X"] @ arrays["w"]
    values = Values(arrays, SIZES, "column", {})
    for text, right in (("y = X w", True), ("yᵢ = Σ_j xᵢⱼ wⱼ", True), ("y = 2 X w", False),
                        ("yᵢ = Σ_j<3 xᵢⱼ wⱼ", False), ("y = X w - 1", False)):
        said = read(text)
        check(said, convention())
        assert (values.differs(said, "y") < 1e-12) == right, text


def test_a_place_that_is_read_itself_is_one_place():
    names = Names.of({"c": ["c", "c _{i}"], "s": ["s", "s _{i}"], "u": ["u", "u _{i}"]},
                     {"c": 1, "s": 1, "u": 1}, latex=True)
    said = statement(r"u _{i} = c _{s _{0}} (u + c) _{i+2}", names, latex=True)
    assert said == statement("uᵢ = c[s₀] (u + c)ᵢ₊₂", Names.of(
        {name: [name, f"{name}ᵢ"] for name in "csu"}, dict.fromkeys("csu", 1)))


# --- sums of different lengths ------------------------------------------------------------------


def some_program(*equations, inputs):
    made = System(tuple(Array(name, shape) for name, shape in inputs.items()), equations)
    return gp.derive(made, list(inputs))


def test_a_minus_beside_a_sum_of_sizes_is_kept():
    b, n = Read("b", ()), size_symbol("n")
    derivation = some_program(
        Equation("y", (Index("l", n + 1),), (Term(1 / (1 + slot(0)**2), (b,), (
            Index("i", n + 1),)),)),
        Equation("L", (), (Term(TANH(slot(0)), (Read("y", (index_symbol("p"),)),), (
            Index("p", n + 1),)),)), inputs={"b": (), "w": (n,)})
    assert str(derivation.gradients["b"]) == "∂L/∂b = -2 (1 + n) Σ_l tanh′(yₗ) b/(1 + b²)²"
    assert not faults(of_derivation("minus", derivation))


def test_sums_of_different_lengths_are_not_under_one_sign():
    b, (n, m), (t, u) = Read("b", ()), map(size_symbol, "nm"), map(index_symbol, "tu")
    later = Term(TANH(slot(0)), (Read("y", (t + 1,)),), (), (Within(sp.S.Zero, t + 1, m),))
    derivation = some_program(
        Recurrence("t", -1, (Equation("y", (Index("t", m),), (Term(slot(0), (b,)), later)),)),
        Equation("L", (), tuple(Term(TANH(slot(0)), (Read(name, (u,)),), (Index("u", size),))
                                for name, size in (("a", n), ("y", m)))),
        inputs={"a": (n,), "b": (), "w": (m,)})
    assert str(derivation.forward["L"]) == "L = Σ_u tanh(aᵤ) + Σ_u tanh(yᵤ)"
    assert not faults(of_derivation("lengths", derivation))


def test_a_guard_stays_where_another_array_has_no_such_step():
    m, (t, i) = size_symbol("m"), map(index_symbol, "ti")
    later = Term(slot(0) * slot(1), (Read("y", (t - 1,)), Read("b", (m - t,))), (),
                 (Within(sp.S.Zero, t - 1, m),))
    inside = Term(slot(0) * slot(1), (Read("y", (t - 1,)), Read("b", (m - 1 - t,))), (),
                  (Within(sp.S.Zero, t - 1, m),))
    for term, shown in ((later, "[1 ≤ t ≤ m - 1] yₜ₋₁ bₘ₋ₜ"), (inside, "= yₜ₋₁ bₘ₋ₜ₋₁")):
        derivation = some_program(
            Recurrence("t", 1, (Equation("y", (Index("t", m),), (term, Term(
                slot(0), (Read("a", (t,)),)))),)),
            Equation("L", (), (Term(slot(0), (Read("y", (i,)),), (Index("i", m),)),)),
            inputs={"a": (m,), "b": (m,)})
        assert shown in str(derivation.forward["y"]), derivation
        assert not faults(of_derivation("guard", derivation))


def test_what_guards_leave_of_an_axis_is_said_once():
    derivation = gp.derive(gp.equations(
        "d = r[1:] - r[:-1]\nL = sum(d**2)/2 + sum(r[:-1]*r[1:])", r="n"))
    shown = str(derivation.gradients["r"])
    assert re.findall(r"\[[^]]*≤[^]]*\]", shown), shown
    assert {*re.findall(r"\[[^]]*≤[^]]*\]", shown)} <= {"[1 ≤ i ≤ n - 1]", "[0 ≤ i ≤ n - 2]"}
    assert not faults(of_derivation("axis", derivation))


def test_a_step_that_is_called_as_a_size_has_another_letter():
    k, step = size_symbol("k"), index_symbol("k")
    derivation = some_program(
        Recurrence("k", 1, (Equation("y", (Index("k", sp.Integer(3)),), (
            Term(k * slot(0), (Read("a", (step,)),)),
            Term(slot(0) / 2, (Read("y", (step - 1,)),), (),
                 (Within(sp.S.Zero, step - 1, sp.Integer(3)),)))),)),
        Equation("L", (), (Term(slot(0), (Read("y", (step,)),), (Index("k", sp.Integer(3)),)),)),
        inputs={"a": (sp.Integer(3),), "b": (k,)})
    assert str(derivation.forward["y"]) == "yᵢ = k aᵢ + ½ yᵢ₋₁"
    assert not faults(of_derivation("step", derivation))


def test_the_largest_of_one_is_that_one():
    x = Read("x", (index_symbol("u"),))
    derivation = some_program(
        Equation("y", (), (Term(slot(0)**2 - slot(1), (x, Read("c", ())), (Index("u", sp.S.One),)),
                           ), "max"),
        Equation("L", (), (Term(slot(0)**2, (Read("y", ()),)),)),
        inputs={"x": (sp.S.One,), "c": ()})
    assert str(derivation.forward["y"]) == "y = x² - c"
    assert not faults(of_derivation("one", derivation))


def test_a_number_put_in_for_a_vector_has_no_subscript_and_its_sum_says_how_far_it_runs():
    a, n = Read("a", (index_symbol("u"),)), size_symbol("n")
    derivation = some_program(
        Equation("t2", (Index("i", n),), (Term(-slot(0) / 2, (a,), (Index("u", n),)),)),
        Equation("L", (), (Term(TANH(slot(0)), (Read("t2", (index_symbol("i"),)),), (
            Index("i", n),)),)), inputs={"a": (n,)})
    assert str(derivation.forward["L"]) == "L = Σ_i<n tanh(-½ 1ᵀ a)"
    assert not faults(of_derivation("number", derivation))


def test_the_number_of_the_one_place_of_a_maximum_is_0():
    derivation = some_program(
        Equation("y", (), (Term(slot(0) - slot(1), (
            Read("c", ()), Read(INDEX_VALUE, (index_symbol("u"),))), (Index("u", sp.S.One),)),),
            "max"),
        Equation("L", (), (Term(slot(0)**2, (Read("y", ()),)),)), inputs={"c": ()})
    assert not faults(of_derivation("place", derivation))


@pytest.mark.parametrize(("text", "shapes", "due"), [
    ("L = sum(softmax(b[0,1,:])[1:]*y)", {"b": "3 2 n", "y": "n-1"}, "softmax(b₀₁)ₖ"),
    ("L = sum(softmax(b[0,0,:])[1:]*y)", {"b": "1 2 n", "y": "n-1"}, "softmax(b[:,0,:])ₖ"),
])
def test_a_softmax_in_indices_is_of_the_part_that_it_is_taken_of(text, shapes, due):
    """The first of several places is not the whole axis."""
    derived = gp.derive(gp.equations(text, **shapes))
    assert due in str(derived.gradients["b"])
    assert "softmax(b)" not in str(derived)
    assert not faults(of_derivation(text, derived))


def test_an_index_of_one_place_is_no_step_of_a_stack():
    one, m, (j, k, q), nil = sp.S.One, size_symbol("m"), map(index_symbol, "jkq"), sp.S.Zero
    derivation = some_program(
        Equation("y", (Index("j", one), Index("k", m)), (
            Term(slot(0) * TANH(slot(1) + slot(2)), (
                Read("b", (j, nil, nil)), Read("b", (j, q, nil)), Read("a", (nil,))),
                (Index("q", one),)),)),
        Equation("L", (), (
            Term(slot(0)**2 / 2, (Read("y", (j, k)),), (Index("j", one), Index("k", m))),
            Term(slot(0)**2 / 2, (Read("b", (j, k, q)),), tuple(
                Index(name, one) for name in "jkq")))),
        inputs={"a": (m,), "b": (one, one, one)})
    assert str(derivation.gradients["b"]).startswith("∂L/∂b = b + ")
    assert not faults(of_derivation("one number", derivation))


def test_what_overflows_beside_a_0_is_unsaid_and_a_wrong_number_is_not():
    arrays = {"x": np.array([1e4]), "y": np.array([0.0]), "z": np.array([3.0])}
    names = Names.of({name: [name] for name in arrays}, dict.fromkeys(arrays, 1))
    values = Values(arrays, {}, "column", {})
    with np.errstate(all="ignore"):
        with pytest.raises(UnsaidError, match="too large for a float"):
            values.differs(statement("y = (z - z) ⊙ exp(x)", names), "y")
        for wrong in ("y = exp(x)", "y = z", "y = log(-z)", "y = (z - z) ⊘ (z - z)"):
            assert not values.differs(statement(wrong, names), "y") < 1, wrong
