"""Right formulas, and others that look like them: each sign is read, or the formula is not."""

import pytest

import gradproof as gp

SPECS = {
    "one": {"equations": "f = x**3", "shapes": {"x": ""}},
    "xy": {"equations": "f = x**2*y", "shapes": {"x": "", "y": ""}},
    "lin": {"equations": "r = X @ w - y\nL = sum(r**2)", "shapes": {"X": "m n", "w": "n", "y": "m"},
            "samples": ["X", "y"], "symbols": {"x": "X"}, "layout": "denominator"},
    "act": {"equations": "z = W @ x\nh = tanh(z)\nL = sum(h*c)",
            "shapes": {"W": "k n", "x": "n", "c": "k"}},
    "bare": {"shapes": {"beta": "", "t": "", "A": "n n", "N": "", "x": "n", "W": "n n"}},
}


@pytest.mark.parametrize(("spec", "formula", "due"), [
    ("one", r"f'(x) = 3x^2", "right"),
    ("one", r"f''(x) = 6x", "right"),
    ("one", r"f'(x) = x^3", "wrong"),
    ("one", r"f' = f", "unread"),
    ("one", r"f'(x) = f(x)", "wrong"),
    ("one", r"f(x+1) = f(x) + 1", "unread"),
    ("one", r"f(x) = x^3", "right"),
    ("one", r"\frac{d^2f}{dx^2} = 6x", "right"),
    ("one", r"\frac{d^2f}{dx^2} = 3x^2", "wrong"),
    ("one", r"\frac{d^3f}{dx^3} = 6", "unread"),
    ("one", r"\frac{d^2f}{dx^3} = 6x", "unread"),
    ("one", r"\frac{df}{dx} = 3x^2 = 0", "right"),
    ("one", r"\frac{df}{dx} = 2x^2 = 0", "wrong"),
    ("one", r"\frac{df}{dx} = 0", "undecided"),
    ("one", r"\frac{df}{dx} \approx 3x", "undecided"),
    ("xy", r"f(x, y) = f(y, x)", "unread"),
    ("xy", r"f(x,y) = x^2 y", "right"),
    ("xy", r"\nabla f(x,y) = \begin{bmatrix} 2xy \\ x^2\end{bmatrix}", "right"),
    ("xy", r"\nabla f(x,y) = \begin{bmatrix} x^2 \\ 2xy\end{bmatrix}", "wrong"),
    ("xy", r"\nabla^2 f(x,y) = \begin{bmatrix} 2y & 2x \\ 2x & 0\end{bmatrix}", "right"),
    ("xy", r"\frac{\partial^2 f}{\partial x\partial y} = 2x", "right"),
    ("xy", r"\frac{\partial^2 f}{\partial x^2} = 2x", "wrong"),
    ("xy", r"\frac{\partial^2 f}{\partial x} = 2y", "unread"),
    ("lin", r"\nabla_w L = 2 \sum_i (x_i^\top w - y_i) x_i", "right"),
    ("lin", r"\nabla_w L = 2 \sum_i (x_i^\top w - y_i) x_i^\top", "wrong"),
    ("lin", r"\nabla_w L = 2 \sum_i (w^\top x^{(i)} - y^{(i)}) x^{(i)}", "right"),
    ("lin", r"\nabla_w L = 2 \sum_i (w^\top x^{(i)} - y^{(j)}) x^{(i)}", "wrong"),
    ("lin", r"\frac{\partial^2 L}{\partial w\partial w^\top} = 2X^\top X", "right"),
    ("lin", r"\frac{\partial^2 L}{\partial w\partial w^\top} = X^\top X", "wrong"),
    ("lin", r"\nabla^2_w L = 2XX^\top", "wrong"),
    ("lin", r"\nabla_w^2 L = 2\sum_i x_i x_i^\top", "right"),
    ("lin", r"\nabla_w^2 L = 2\sum_i x_i^\top x_i", "wrong"),
    ("lin", r"\nabla_w L = 2X^{\top} r", "right"),
    ("lin", r"\nabla_w \mathbb{E}[L] = 2X^{\top} r", "unread"),
    ("lin", r"\nabla_w L = 2X_{1:n}^{\top} r", "unread"),
    ("lin", r"\nabla_w L = 2X_{i:j}^{\top} r", "unread"),
    ("lin", r"\nabla_w \mathcal{L} = 2X^{\top} r", "right"),
    ("lin", r"\nabla_w L = 2\tilde X^{\top} r", "unread"),
    ("lin", r"\nabla_w L = 2 X^{*} r", "unread"),
    ("lin", r"\nabla_w L^2 = 4 X^\top r", "wrong"),
    ("lin", r"\nabla_w L = 2X^{\top} r^{(k)}", "unread"),
    ("lin", r"\nabla_{w}^{T} L = 2X^{\top} r", "unread"),
    ("lin", r"\frac{\partial L}{\partial w^\top} = 2 r^\top X", "right"),
    ("lin", r"\frac{\partial L}{\partial w^\top} = 2 X^\top r", "wrong"),
    ("lin", r"L := \sum_i r_i^2", "right"),
    ("lin", r"L := \sum_i r_i", "wrong"),
    ("lin", r"\hat{L} = \sum_i r_i^2", "unread"),
    ("lin", r"L = \sum_{i \in S} r_i^2", "unread"),
    ("lin", r"L = \sum_{i=2}^m r_i^2", "unread"),
    ("lin", r"L = 1,000 r^\top r", "unread"),
    ("act", r"h'(z) = 1 - h \odot h", "right"),
    ("act", r"h'(z) = 1 - h", "wrong"),
    ("act", r"\frac{\partial L}{\partial W} = (c \odot h'(z)) x^\top", "right"),
    ("act", r"\frac{\partial L}{\partial W} = c h'(z) x^\top", "right"),
    ("act", r"\frac{\partial L}{\partial z} = c (1 - h^2)", "right"),
    ("act", r"\frac{\partial L}{\partial z} = c (1 - h)", "wrong"),
    ("act", r"\frac{\partial h}{\partial z} = \mathrm{diag}(1 - h^2)", "right"),
    ("act", r"\frac{\partial h}{\partial z} = 1 - h^2", "right"),
    ("act", r"\frac{\partial h}{\partial z} = 1 + h^2", "wrong"),
    ("act", r"\tanh^{-1}(h) = z", "unread"),
    ("act", r"\frac{\partial h_i}{\partial z_j} = \mathbb{1}[i = j] (1 - h_i^2)", "right"),
    ("act", r"\frac{\partial h_i}{\partial z_j} = (1 - h_i^2)", "wrong"),
    ("bare", r"1 - \beta^t = 1 - \beta", "unread"),
    ("bare", r"\beta^T = \beta", "unread"),
    ("bare", r"\mathcal{N} = N", "unread"),
    ("bare", r"\mathbb{N} = N", "unread"),
    ("bare", r"x' = x^T", "right"),
    ("bare", r"x'' = x", "right"),
    ("bare", r"(AW)^T = A^T W^T", "wrong"),
    ("bare", r"AW x= x^T W^T A^T", "wrong"),
])
def test_what_is_written_is_read_or_refused(spec, formula, due):
    audit = gp.audit({"specs": {spec: SPECS[spec]}, "claims": [{"formula": formula}]})
    assert [finding.verdict for finding in audit] == [due], audit


@pytest.mark.parametrize(("formula", "said"), [
    (r"\frac{\partial L}{\partial z} = c (1 - h^2)", "entry by entry, though no ⊙ is written"),
    (r"\frac{\partial h}{\partial z} = 1 - h^2", "entry by entry"),
    (r"H = \frac{\partial L}{\partial W} = (c \odot (1 - h \odot h)) x^\top",
     "a name for the rest"),
])
def test_a_reading_that_is_chosen_is_said(formula, said):
    (finding,) = gp.audit({"specs": {"act": SPECS["act"]}, "claims": [{"formula": formula}]})
    assert finding.verdict == "right"
    assert said in finding.why


def test_a_proof_says_what_it_assumes():
    network = {"sizes": [3, 4, 2], "output": "softmax", "loss": "cross_entropy", "batch": False,
               "convention": "columns"}
    (finding,) = gp.audit({"specs": {"net": {"network": network}},
                           "claims": [{"formula": r"\delta^{(2)} = \hat y - y"}]})
    assert finding.why == "proved for all values, where the rows of Y sum to one"


@pytest.mark.parametrize(("spec", "said"), [
    ({"equations": "L = sum(x)", "shapes": {"x": 3}}, "expected a shape"),
    ({"equations": "L = sum(x)", "shapes": {"x": {"shape": "n", "kind": "odd"}}}, "kind: expected"),
    ({"equations": "L = sum(x)", "shapes": {"x": "n"}, "symbols": {"y": "z"}}, "no array 'z'"),
    ({"equations": "L = sum(x)", "shapes": {"x": "n"}, "symbols": {"y + 1": "x"}}, "'y + 1'"),
    ({"equations": "L = sum(x)", "shapes": {"x": "n"}, "samples": ["q"]}, "got 'q'"),
    ({"equations": "L = sum(x)", "shapes": {"x": "n"}, "samples": {"x": 1}}, "got 'x', 1"),
    ({"equations": "L = sum(x)", "shapes": {"x": "n"}, "samples": "x"}, "expected a list"),
])
def test_bad_specs(spec, said):
    with pytest.raises(ValueError, match=r"\w") as error:
        gp.audit({"specs": {"bad": spec}, "claims": [{"formula": "L = 0"}]})
    assert said in str(error.value)
