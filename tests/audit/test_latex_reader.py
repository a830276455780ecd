"""LaTeX as people write it: read, refused with its place, and proved or refuted."""

import time

import pytest

from gradproof.claims.formulas import Subject
from gradproof.derivations.sources import differentiating, load, stated_equations
from gradproof.symbolic.latex.grammar import read
from gradproof.symbolic.latex.masking import parted
from gradproof.symbolic.latex.names import network_context, system_context
from gradproof.symbolic.latex.trees import LatexError
from gradproof.symbolic.specs.network import Network

COLUMNS = Network([3, 4, 2], activation="sigmoid", output="sigmoid", batch=False,
                  convention="columns")
BATCH = Network([2, 3, 1], activation="tanh", output="sigmoid", loss="binary_cross_entropy",
                delta="sample")
MEAN = Network([2, 2, 1], activation="sigmoid", output="sigmoid", loss="mean_squared_error")


def subject(network, **more):
    return Subject(network_context(network, differentiating), **more)


def verdicts(about, text):
    return [finding.verdict for finding in about.judge(text)]


@pytest.mark.parametrize(("text", "verdict"), [
    (r"\delta^{(l)} = \big(W^{(l+1)}\big)^T \delta^{(l+1)} \odot \sigma'(z^{(l)})", "right"),
    (r"\delta^{[l]} = \left[ (W^{[l+1]})^\top \delta^{[l+1]} \right] \odot \sigma'(z^{[l]})",
     "right"),
    (r"\delta^{(l)} = W^{(l+1)} \delta^{(l+1)} \odot \sigma'(z^{(l)})", "wrong"),
    (r"\frac{\partial L}{\partial W^{(l)}} = \delta^{(l)} (a^{(l-1)})^\top", "right"),
    (r"\frac{\partial L}{\partial W^{(l)}} = \delta^{(l)} a^{(l-1)}", "wrong"),
    (r"\frac{\partial L}{\partial W^{(l)}_{jk}} = \delta^{(l)}_j a^{(l-1)}_k", "right"),
    (r"\frac{\partial L}{\partial W^{(l)}_{jk}} = \delta^{(l)}_k a^{(l-1)}_j", "wrong"),
    (r"\frac{\partial L}{\partial W^{(l)}} = \delta^{(l)} a^{(l-1)^T}", "right"),
    (r"\frac{\partial L}{\partial W^{(l)}} = \delta^{(l)} a^{(l-1)_T}", "unread"),
    (r"\delta^{(2)} = (a^{(2)} - y) a^{(2)} (1 - a^{(2)})", "right"),
    (r"\delta^{(2)} = (a^{(2)} - y) a^{(2)} (1 + a^{(2)})", "wrong"),
    (r"\delta^{(l)} = \mathbb{E}[\delta^{(l)}]", "unread"),
    (r"\nabla_{b^{(l)}} L = \delta^{(l)}", "right"),
    (r"L = \frac12 \sum_{i=1}^{N} (y_i - \hat{y}_i)^2", "right"),
    (r"L = \sum_i (y_i - \hat{y}_i)^2", "wrong"),
    (r"\frac{\partial L}{\partial \hat y} = -(y - \hat y)", "right"),
    (r"\frac{\partial L}{\partial \hat y} = (y - \hat y)", "wrong"),
    (r"\frac{\partial L}{\partial W^{(l)}} = \frac{\partial L}{\partial a^{(l)}} \cdot"
     r"\frac{\partial a^{(l)}}{\partial z^{(l)}} \cdot"
     r"\frac{\partial z^{(l)}}{\partial W^{(l)}}", "right"),
    (r"W_1 = W_1 - \alpha \frac{\partial L}{\partial W_1}", "right"),
    (r"W_1 \leftarrow W_1 + \alpha \frac{\partial L}{\partial W_1}", "wrong"),
    (r"\sigma'(z) = \sigma(z) (1 - \sigma(z))", "right"),
    (r"\delta_j^{(1)} = \sigma'(z_j^{(1)}) \sum_k w_{kj}^{(2)} \delta_k^{(2)}", "right"),
    (r"\delta_j^{(1)} = \sigma'(z_j^{(1)}) \sum_k w_{jk}^{(2)} \delta_k^{(2)}", "wrong"),
    (r"\delta^{(1)} = \mathrm{diag}(\sigma'(z^{(1)})) (W^{(2)})^\top \delta^{(2)}", "right"),
    (r"L = \frac12 \sum_{i=1}^{2} (y_i - \hat{y}_i)^2", "right"),
    (r"L = \frac12 \sum_{i=1}^{3} (y_i - \hat{y}_i)^2", "wrong"),
    (r"L = \frac12 \sum_{i=0}^{2} (y_i - \hat{y}_i)^2", "wrong"),
    (r"L = \frac12 \sum_{C} (y_C - \hat{y}_C)^2", "right"),
    (r"\frac{\partial a_i^{(2)}}{\partial z_j^{(2)}} = \delta_{ij} \sigma'(z_i^{(2)})", "right"),
    (r"\frac{\partial a_i^{(2)}}{\partial z_j^{(2)}} = \sigma'(z_i^{(2)})", "wrong"),
    (r"\delta_{ij} = \delta_{ij} + 0", "unread"),
    (r"\frac{\partial z_i^{(2)}}{\partial W_{ij}^{(2)}} = a_j^{(1)}", "right"),
    (r"\frac{\partial z_i^{(2)}}{\partial W_{kj}^{(2)}} = a_j^{(1)}", "wrong"),
    (r"\delta_j^{(2)} = (a_j^{(2)} - y_i) a_j^{(2)} (1 - a_j^{(2)})", "wrong"),
    ("δ² = (a² − y) ⊙ a² ⊙ (1 − a²)", "right"),
])
def test_one_sample_in_columns(text, verdict):
    assert verdicts(subject(COLUMNS), text) == [verdict]


@pytest.mark.parametrize(("network", "text", "verdict", "said"), [
    (BATCH, "dZ² = A² − Y", "right", ""),
    (BATCH, "dW² = (A¹ᵀ · dZ²)/m", "right", ""),
    (BATCH, "dW² = A¹ᵀ · dZ²", "wrong", "1/m"),
    (BATCH, "dZ¹ = (dZ² · W²ᵀ) ⊙ (1−A¹²)", "right", ""),
    (BATCH, "dW¹ = (Xᵀ · dZ¹)/m", "right", ""),
    (BATCH, "dW¹ = (X · dZ¹)/m", "wrong", "shapes"),
    (MEAN, r"\frac{\partial L}{\partial A^{(2)}} = -(Y - A^{(2)})", "wrong", "2/m"),
    (MEAN, r"dW^{(2)} = A^{(1)T} dZ^{(2)}", "right", ""),
])
def test_batches_in_rows(network, text, verdict, said):
    (finding,) = subject(network).judge(text)
    assert finding.verdict == verdict, finding
    assert said in finding.why


@pytest.mark.parametrize(("text", "verdict", "exact"), [
    (r"h_1 \approx 0.594", "right", "0.59447593"),
    (r"h_1 \approx 0.595", "wrong", "0.59447593"),
    (r"\delta^{(2)} \approx 0.741 \times 0.187 = 0.138567 \approx 0.1386", "rounded", "0.13849121"),
    (r"\delta^{(2)} \approx 0.741 \times 0.187 = 0.148567", "wrong", ""),
    (r"0.40 \times 0.594 = 0.2376", "right", ""),
    (r"0.40 \times 0.594 = 0.2367", "wrong", ""),
    (r"e^{-0.3825} \approx 0.682", "right", ""),
    (r"z^{(1)}_1 = 0.15 \times 0.05 + 0.25 \times 0.10 + 0.35 = 0.3825", "right", ""),
    (r"E = \frac12 (t - o)^2 \approx 0.27484", "right", "0.2748"),
    (r"\sigma'(z^{(1)}_1) = h_1(1-h_1) \approx 0.594 \times 0.406 \approx 0.241", "right",
     "0.2410"),
    (r"b^{(1)}_1 = b^{(1)}_2 = 0.35", "right", ""),
    (r"w^{(2)}_{1,\text{new}} \approx 0.35884", "right", "0.3588"),
    (r"w^{(2)}_1 - 0.5 \cdot \frac{\partial E}{\partial w^{(2)}_1} \approx 0.35884", "right", ""),
])
def test_figures(text, verdict, exact):
    network = load("2-2-1")
    values = {**network.values, "rate": network.learning_rate}
    (finding,) = subject(network, values=values).judge(text)
    assert (finding.verdict, finding.kind) == (verdict, "number"), finding
    assert finding.exact.startswith(exact)


@pytest.mark.parametrize(("text", "shapes", "verdict"), [
    (r"\frac{\partial \mathrm{tr}(A X)}{\partial X} = A^T", {"A": "m n", "X": "n m"}, "right"),
    (r"\frac{\partial \mathrm{tr}(A X)}{\partial X} = A", {"A": "m n", "X": "n m"}, "wrong"),
    (r"\frac{\partial a^T x}{\partial x} = a", {"a": "n", "x": "n"}, "right"),
    (r"\frac{\partial x^T A x}{\partial x} = (A + A^T) x", {"A": "n n", "x": "n"}, "right"),
    (r"\nabla_x (d^T x) = d", {"d": "n", "x": "n"}, "right"),
    (r"\frac{\partial p_i}{\partial z_j} = p_i (\delta_{ij} - p_j)", {"p": "n", "z": "n"}, "wrong"),
    (r"\frac{\partial \mathrm{softmax}(z)_i}{\partial z_j} ="
     r"\mathrm{softmax}(z)_i (\delta_{ij} - \mathrm{softmax}(z)_j)", {"z": "n"}, "right"),
    (r"\frac{\partial x^T A x}{\partial x} = 2 A x", {"A": "n n", "x": "n"}, "wrong"),
    (r"\frac{\partial A x}{\partial x} = A", {"A": "n n", "x": "n"}, "depends"),
    (r"\frac{\partial A x}{\partial x} = A", {"A": "m n", "x": "n"}, "right"),
    (r"\nabla_w \|X w - y\|_2^2 = 2 X^T (X w - y)", {"X": "m n", "w": "n", "y": "m"}, "right"),
    (r"\frac{\partial}{\partial x} \log \det X = 1", {"x": "n", "X": "n n"}, "wrong"),
])
def test_matrix_calculus(text, shapes, verdict):
    context = system_context(stated_equations("L__ = 0", shapes), differentiating)
    assert verdicts(Subject(context), text) == [verdict]


def test_what_is_open_is_asked():
    context = system_context(stated_equations("u = 0", {"A": "n n", "x": "n"}), differentiating)
    (finding,) = Subject(context).judge(r"\frac{\partial A x}{\partial x} = A")
    assert any("denominator layout" in question for question in finding.questions)
    answered = Subject(context, answers={"vector by a vector": "numerator"})
    assert verdicts(answered, r"\frac{\partial A x}{\partial x} = A") == ["right"]


@pytest.mark.parametrize(("text", "said", "place"), [
    (r"a + \foo{b}", r"the command \foo", 5), (r"\input{secret} = 1", r"\input is not read", 1),
    ("(a + b", "ends in the middle", 7), ("a + + b", "not expected", 5),
    (r"\write18{rm} = 1", r"\write18", 1), (r"\def\x{y}", r"\def", 1), ("", "empty", 1),
    ("(" * 60 + "a" + ")" * 60, "nested deeper", 41), ("a" * 5000, "at most 4000", 0),
    (r"\frac{a}{b = c", "ends in the middle", 15),
])
def test_errors_name_the_place(text, said, place):
    with pytest.raises(LatexError) as error:
        read(text)
    assert said in str(error.value)
    assert error.value.place == place


@pytest.mark.parametrize("text", [
    r"9^{9^{9^{9}}} = 1", r"x^{99999} = 1", "{" * 39 + "a" + "}" * 39 + "=1",
    r"a \cdot " * 400 + "a = b", "=".join(["x"] * 300) + "=2x", r"\sum_{i}" * 30 + "x_i = 1",
    r"\begin{bmatrix} 1 & 2 \\ 3 \end{bmatrix} = x", r"x_{i_{j_{k}}} = 1", "1/0 = 1",
    r"\frac{1}{0} = x", r"\log 0 = x", r"\sqrt{-1} = 1",
])
def test_hostile_formulas_end(text):
    context = system_context(stated_equations("L = sum(x)", {"x": "n"}), differentiating)
    start = time.monotonic()
    assert "right" not in verdicts(Subject(context), text)
    assert time.monotonic() - start < 10


def test_rows_of_an_alignment():
    text = r"\begin{aligned} a &= b \\ &= c \\ \text{and} \quad d &= e \end{aligned}"
    assert len(parted(text)) == 2
