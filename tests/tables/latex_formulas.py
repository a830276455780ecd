"""Gradient formulas of public books, course notes and papers, in our own hand, with what they are.

What is tested is the formula; the numbers beside those of books are for finding it and were not
looked up again.

Sources: MC, Petersen & Pedersen, The Matrix Cookbook, 2012-11-15, by equation number (its layout is
the denominator's); N, Nielsen, Neural Networks and Deep Learning, 2015, chapter 2, by the names of
its equations; GBC, Goodfellow, Bengio & Courville, Deep Learning, 2016, by section; B, Bishop,
Pattern Recognition and Machine Learning, 2006, by equation number.  A row: source, formula, shapes,
verdict.
"""

SQUARE = {**dict.fromkeys("ABCDX", "n n"), **dict.fromkeys("abcxw", "n")}
WIDE = {"A": "p n", "B": "m q", "X": "n m", "C": "q p", "a": "n", "b": "m", "c": "m", "D": "n n"}
ONE = {"x": "", "z": ""}
FIT = {"X": "m n", "w": "n", "y": "m", "t": "m", "Φ": "m n"}
ROWS = [
    ("MC 69", r"\frac{\partial x^T a}{\partial x} = \frac{\partial a^T x}{\partial x} = a", SQUARE),
    ("MC 70", r"\frac{\partial \mathbf{a}^T \mathbf{X} \mathbf{b}}{\partial \mathbf{X}} ="
              r"\mathbf{a}\mathbf{b}^T", WIDE),
    ("MC 71", r"\frac{\partial b^T X^T a}{\partial X} = a b^T", WIDE),
    ("MC 72", r"\frac{\partial a^T X a}{\partial X} = \frac{\partial a^T X^T a}{\partial X} "
              r"= a a^T",
     SQUARE),
    ("MC 77", r"\frac{\partial b^T X^T X c}{\partial X} = X (b c^T + c b^T)", WIDE),
    ("MC 81", r"\frac{\partial x^T B x}{\partial x} = (B + B^T) x", SQUARE),
    ("MC 82", r"\frac{\partial b^T X^T D X c}{\partial X} = D^T X b c^T + D X c b^T", WIDE),
    ("MC 83", r"\frac{\partial}{\partial X} (X b + a)^T D (X b + a) = (D + D^T)(X b + a) b^T",
     WIDE),
    ("MC 100", r"\frac{\partial}{\partial X} \mathrm{Tr}(X A) = A^T", SQUARE),
    ("MC 101", r"\frac{\partial}{\partial X} \mathrm{Tr}(A X B C) = A^T (B C)^T", WIDE),
    ("MC 102", r"\frac{\partial}{\partial X} \mathrm{Tr}(A X^T B) = B A", SQUARE),
    ("MC 103", r"\frac{\partial}{\partial X} \mathrm{Tr}(X^T A) = A", SQUARE),
    ("MC 104", r"\frac{\partial}{\partial X} \mathrm{Tr}(A X^T) = A", SQUARE),
    ("MC 106", r"\frac{\partial}{\partial X} \mathrm{Tr}(X X) = 2 X^T", SQUARE),
    ("MC 107", r"\frac{\partial}{\partial X} \mathrm{Tr}(X X B) = (X B + B X)^T", SQUARE),
    ("MC 108", r"\frac{\partial}{\partial X} \mathrm{Tr}(X^T B X) = B X + B^T X", SQUARE),
    ("MC 109", r"\frac{\partial}{\partial X} \mathrm{Tr}(B X X^T) = B X + B^T X", SQUARE),
    ("MC 110", r"\frac{\partial}{\partial X} \mathrm{Tr}(X X^T B) = B X + B^T X", SQUARE),
    ("MC 111", r"\frac{\partial}{\partial X} \mathrm{Tr}(X B X^T) = X B^T + X B", SQUARE),
    ("MC 112", r"\frac{\partial}{\partial X} \mathrm{Tr}(B X^T X) = X B^T + X B", SQUARE),
    ("MC 113", r"\frac{\partial}{\partial X} \mathrm{Tr}(X^T X B) = X B^T + X B", SQUARE),
    ("MC 114", r"\frac{\partial}{\partial X} \mathrm{Tr}(A X B X) = A^T X^T B^T + B^T X^T A^T",
     SQUARE),
    ("MC 115", r"\frac{\partial}{\partial X} \mathrm{Tr}(X^T X) ="
               r"\frac{\partial}{\partial X} \mathrm{Tr}(X X^T) = 2 X", SQUARE),
    ("MC 116", r"\frac{\partial}{\partial X} \mathrm{Tr}(B^T X^T C X B) = C^T X B B^T + C X B B^T",
     SQUARE),
    ("MC 118", r"\frac{\partial}{\partial X} \mathrm{Tr}(A X B X^T C) = A^T C^T X B^T + C A X B",
     SQUARE),
    ("MC 131", r"\frac{\partial}{\partial x} \|x\|_2^2 = \frac{\partial \|x^T x\|_2}{\partial x}"
               r"= 2 x", SQUARE),
    ("MC 132", r"\frac{\partial}{\partial X} \|X\|_F^2 = 2 X", WIDE),
    ("MC 49", r"\frac{\partial \det(X)}{\partial X} = \det(X) (X^{-1})^T", SQUARE),
    ("MC 61", r"\frac{\partial a^T X^{-1} b}{\partial X} = -X^{-T} a b^T X^{-T}", SQUARE),
    ("MC 124", r"\frac{\partial}{\partial X} \mathrm{Tr}(A X^{-1} B) = -(X^{-1} B A X^{-1})^T",
     SQUARE),
    ("GBC 3.10", r"\frac{d}{dx} \sigma(x) = \sigma(x) (1 - \sigma(x))", ONE),
    ("GBC 3.10", r"1 - \sigma(x) = \sigma(-x)", ONE),
    ("GBC 3.10", r"\frac{d}{dx} \mathrm{softplus}(x) = \sigma(x)", ONE),
    ("GBC 3.10", r"\mathrm{softplus}(x) - \mathrm{softplus}(-x) = x", ONE),
    ("GBC 6.3", r"\tanh(z) = 2 \sigma(2 z) - 1", ONE),
    ("GBC 4.5", r"\nabla_x \frac12 \|A x - b\|_2^2 = A^\top (A x - b) = A^\top A x - A^\top b",
     {"A": "m n", "x": "n", "b": "m"}),
    ("GBC 5.1", r"\nabla_w \frac{1}{m} \|X w - y\|_2^2 = \frac{2}{m} X^\top (X w - y)", FIT),
    ("B 3.12", r"\frac12 \sum_{n=1}^{N} (t_n - w^T x)^2 = \frac12 \|t - w^T x\|^2",
     FIT | {"x": "n"}),
    ("B 4.88", r"\frac{d \sigma}{d a} = \sigma (1 - \sigma)", {"a": ""}),
    ("B 5.59", r"\tanh'(x) = 1 - \tanh(x)^2", ONE),
]
"""Those that are right, with the two of a kind that no reader could take as they stand."""

UNREAD = {"B 4.88"}
"""What is not of the dialect: σ without what it is of."""

ALTERED = [
    ("MC 70", r"\frac{\partial a^T X b}{\partial X} = b a^T", WIDE),
    ("MC 81", r"\frac{\partial x^T B x}{\partial x} = 2 B x", SQUARE),
    ("MC 100", r"\frac{\partial}{\partial X} \mathrm{Tr}(X A) = A", SQUARE),
    ("MC 106", r"\frac{\partial}{\partial X} \mathrm{Tr}(X X) = 2 X", SQUARE),
    ("MC 61", r"\frac{\partial a^T X^{-1} b}{\partial X} = X^{-T} a b^T X^{-T}", SQUARE),
    ("GBC 3.10", r"\frac{d}{dx} \sigma(x) = \sigma(x) (1 + \sigma(x))", ONE),
    ("GBC 5.1", r"\nabla_w \frac{1}{m} \|X w - y\|_2^2 = \frac{1}{m} X^\top (X w - y)", FIT),
]
"""The same with a mistake put in."""

NIELSEN = [
    (r"\delta^L_j = \frac{\partial C}{\partial a^L_j} \sigma'(z^L_j)", "BP1"),
    (r"\delta^L = \nabla_{a^L} C \odot \sigma'(z^L)", "BP1a"),
    (r"\delta^L = (a^L - y) \odot \sigma'(z^L)", "30"),
    (r"\delta^l = ((w^{l+1})^T \delta^{l+1}) \odot \sigma'(z^l)", "BP2"),
    (r"\frac{\partial C}{\partial b^l_j} = \delta^l_j", "BP3"),
    (r"\frac{\partial C}{\partial w^l_{jk}} = a^{l-1}_k \delta^l_j", "BP4"),
    (r"a^l = \sigma(w^l a^{l-1} + b^l)", "25"),
    (r"\delta^l_j = \sum_k w^{l+1}_{kj} \delta^{l+1}_k \sigma'(z^l_j)", "45"),
    (r"C = \frac12 \sum_j (y_j - a^L_j)^2", "27"),
]

COURSE = [
    r"L = \frac{1}{2} \|\mathbf{a}^{(2)} - \mathbf{y}\|^2 = \frac{1}{2} \sum_{i=1}^{n_2}"
    r" (a_i^{(2)} - y_i)^2",
    r"\frac{\partial L}{\partial a_i^{(2)}} = \frac{\partial}{\partial a_i^{(2)}} \left["
    r" \frac{1}{2} \sum_{j=1}^{n_2} (a_j^{(2)} - y_j)^2 \right] = a_i^{(2)} - y_i",
    r"\frac{\partial L}{\partial \mathbf{a}^{(2)}} = \mathbf{a}^{(2)} - \mathbf{y}",
    r"\frac{\partial L}{\partial z_i^{(2)}} = \frac{\partial L}{\partial a_i^{(2)}} \cdot"
    r" \frac{\partial a_i^{(2)}}{\partial z_i^{(2)}} = (a_i^{(2)} - y_i) \cdot"
    r" \sigma'(z_i^{(2)})",
    r"\frac{\partial L}{\partial \mathbf{z}^{(2)}} = \left( \mathbf{a}^{(2)} - \mathbf{y}"
    r" \right) \odot \sigma'(\mathbf{z}^{(2)})",
    r"\boldsymbol{\delta}^{(2)} = \frac{\partial L}{\partial \mathbf{z}^{(2)}}",
    r"z_i^{(2)} = \sum_{j=1}^{n_1} W_{ij}^{(2)} a_j^{(1)} + b_i^{(2)}",
    r"\frac{\partial L}{\partial W_{ij}^{(2)}} = \frac{\partial L}{\partial z_i^{(2)}}"
    r" \cdot \frac{\partial z_i^{(2)}}{\partial W_{ij}^{(2)}} = \delta_i^{(2)} \cdot a_j^{(1)}",
    r"\frac{\partial L}{\partial \mathbf{W}^{(2)}} = \boldsymbol{\delta}^{(2)}"
    r" (\mathbf{a}^{(1)})^T",
    r"\frac{\partial L}{\partial b_i^{(2)}} = \frac{\partial L}{\partial z_i^{(2)}} \cdot"
    r" \frac{\partial z_i^{(2)}}{\partial b_i^{(2)}} = \delta_i^{(2)} \cdot 1 = \delta_i^{(2)}",
    r"\frac{\partial L}{\partial \mathbf{b}^{(2)}} = \boldsymbol{\delta}^{(2)}",
    r"\frac{\partial L}{\partial a_j^{(1)}} = \sum_{i=1}^{n_2} \frac{\partial L}{\partial"
    r" z_i^{(2)}} \cdot \frac{\partial z_i^{(2)}}{\partial a_j^{(1)}}",
    r"\frac{\partial z_i^{(2)}}{\partial a_j^{(1)}} = W_{ij}^{(2)}",
    r"\frac{\partial L}{\partial a_j^{(1)}} = \sum_{i=1}^{n_2} \delta_i^{(2)} \cdot"
    r" W_{ij}^{(2)}",
    r"\frac{\partial L}{\partial \mathbf{a}^{(1)}} = (\mathbf{W}^{(2)})^T"
    r" \boldsymbol{\delta}^{(2)}",
    r"\frac{\partial L}{\partial z_j^{(1)}} = \frac{\partial L}{\partial a_j^{(1)}} \cdot"
    r" \frac{\partial a_j^{(1)}}{\partial z_j^{(1)}} = \frac{\partial L}{\partial"
    r" a_j^{(1)}} \cdot \sigma'(z_j^{(1)})",
    r"\boldsymbol{\delta}^{(1)} = \frac{\partial L}{\partial \mathbf{z}^{(1)}} = \left["
    r" (\mathbf{W}^{(2)})^T \boldsymbol{\delta}^{(2)} \right] \odot \sigma'(\mathbf{z}^{(1)})",
    r"\frac{\partial L}{\partial \mathbf{W}^{(1)}} = \boldsymbol{\delta}^{(1)} \mathbf{x}^T",
    r"\frac{\partial L}{\partial \mathbf{b}^{(1)}} = \boldsymbol{\delta}^{(1)}",
    r"\mathbf{z}^{(1)} = \mathbf{W}^{(1)} \mathbf{x} + \mathbf{b}^{(1)}",
    r"\mathbf{a}^{(1)} = \sigma(\mathbf{z}^{(1)})",
    r"\mathbf{z}^{(\ell)} = \mathbf{W}^{(\ell)} \mathbf{a}^{(\ell-1)} + \mathbf{b}^{(\ell)}",
    r"\mathbf{a}^{(\ell)} = \sigma^{(\ell)}(\mathbf{z}^{(\ell)})",
    r"\boldsymbol{\delta}^{(L)} = \frac{\partial L}{\partial \mathbf{z}^{(L)}} ="
    r" \frac{\partial L}{\partial \mathbf{a}^{(L)}} \odot \sigma'^{(L)}(\mathbf{z}^{(L)})",
    r"\frac{\partial L}{\partial \mathbf{W}^{(\ell)}} = \boldsymbol{\delta}^{(\ell)}"
    r" (\mathbf{a}^{(\ell-1)})^T",
    r"\frac{\partial L}{\partial \mathbf{b}^{(\ell)}} = \boldsymbol{\delta}^{(\ell)}",
    r"\boldsymbol{\delta}^{(\ell-1)} = [(\mathbf{W}^{(\ell)})^T"
    r" \boldsymbol{\delta}^{(\ell)}] \odot \sigma'^{(\ell-1)}(\mathbf{z}^{(\ell-1)})",
    r"z_i^{(\ell)} = \sum_{j=1}^{n_{\ell-1}} W_{ij}^{(\ell)} a_j^{(\ell-1)} + b_i^{(\ell)}",
    r"\delta_i^{(L)} = \frac{\partial L}{\partial a_i^{(L)}} \cdot \frac{\partial"
    r" a_i^{(L)}}{\partial z_i^{(L)}} = \frac{\partial L}{\partial a_i^{(L)}} \cdot"
    r" \sigma'^{(L)}(z_i^{(L)})",
    r"\frac{\partial L}{\partial W_{ij}^{(\ell)}} = \frac{\partial L}{\partial"
    r" z_i^{(\ell)}} \cdot \frac{\partial z_i^{(\ell)}}{\partial W_{ij}^{(\ell)}}",
    r"\frac{\partial z_i^{(\ell)}}{\partial W_{ij}^{(\ell)}} = a_j^{(\ell-1)}",
    r"\frac{\partial L}{\partial W_{ij}^{(\ell)}} = \delta_i^{(\ell)} \cdot a_j^{(\ell-1)}",
    r"\frac{\partial L}{\partial a_j^{(\ell-1)}} = \sum_{i=1}^{n_\ell} \frac{\partial"
    r" L}{\partial z_i^{(\ell)}} \cdot \frac{\partial z_i^{(\ell)}}{\partial a_j^{(\ell-1)}}",
    r"\frac{\partial L}{\partial z_j^{(\ell-1)}} = \frac{\partial L}{\partial"
    r" a_j^{(\ell-1)}} \cdot \frac{\partial a_j^{(\ell-1)}}{\partial z_j^{(\ell-1)}}",
]
"""Of course notes on backpropagation as they are printed there: neuropathology-dl,
learn/session01_neural_networks/part_c_mathematical_derivations.md, on GitHub at amanraj41."""
