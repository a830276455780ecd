"""`verify` markers around formulas in LaTeX."""

import pytest

import gradproof as gp


@pytest.mark.parametrize(("quantity", "formula", "kinds"), [
    ("delta2", r"$(o - t) \odot o \odot (1 - o)$", []),
    ("delta2", r"$\delta^{(2)} = (o - t) \cdot \sigma'(z^{(2)})$", []),
    ("W2.gradient", r"$h^\top \delta^{(2)}$", []),
    ("dW2", r"$h^\top (o - t)$", ["refuted"]),
    ("L", r"$\frac{1}{2} (t - o)^2$", []),
    ("L", r"$(t - o)^2$", ["refuted"]),
    ("delta2", r"$(o - t) \foo$", ["error"]),
    ("nothing", r"$x$", ["error"]),
])
def test_latex_between_markers(quantity, formula, kinds, tmp_path):
    path = tmp_path / "page.md"
    path.write_text(f"It is <!-- gradproof verify 2-2-1 {quantity} -->{formula}"
                    "<!-- /gradproof -->.\n", encoding="utf-8")
    (document,) = gp.embed([path], check=True, cache=False)
    assert [problem.kind for problem in document.problems] == kinds


MODEL = """name = "mlp"
[model]
input = "m n"
loss = "cross_entropy_from_logits"
[[layers]]
type = "dense"
units = "h"
activation = "relu"
[[layers]]
type = "dense"
units = "k"
"""


@pytest.mark.parametrize(("quantity", "formula", "kinds"), [
    ("W2.gradient", r"$A_1^\top dZ_2$", []), ("W2.gradient", r"$dZ_2 A_1^\top$", ["refuted"]),
    ("dZ2", r"$\frac{1}{m}(\mathrm{softmax}(Z_2) - Y)$", []),
    ("dZ2", r"$\mathrm{softmax}(Z_2) - Y$", ["refuted"]),
    ("dZ1", r"$dZ_2 W_2^\top \odot \mathbb{1}[Z_1 > 0]$", []),
    ("dZ1", r"$dZ_2 W_2^\top \odot \mathbb{1}[Z_1 < 0]$", ["refuted"]),
    ("nothing", r"$1$", ["error"]),
])
def test_latex_of_a_model(quantity, formula, kinds, tmp_path):
    (tmp_path / "mlp.toml").write_text(MODEL, encoding="utf-8")
    path = tmp_path / "page.md"
    path.write_text(f"It is <!-- gradproof verify mlp.toml {quantity} -->{formula}"
                    "<!-- /gradproof -->.\n", encoding="utf-8")
    (document,) = gp.embed([path], check=True, cache=False)
    assert [problem.kind for problem in document.problems] == kinds
