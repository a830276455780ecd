"""Layers, written out."""

from __future__ import annotations

from problems.problem import Field

field = Field("Layers, written out")

field.text("perceptron", """
    H = tanh(X @ W + b)
    f = H @ v + c
    L = mean((f - y)**2)
""", X="m n", W="n h", b="h", v="h", c="", y="m")

field.text("two layers of columns", """
    a = sigmoid(W1 @ x + b1)
    o = sigmoid(W2 @ a + b2)
    L = sum((o - y)**2)/2
""", x="n", W1="h n", b1="h", W2="k h", b2="k", y="k")

field.text("layer norm", """
    Z = X @ W
    mu = mean(Z, axis=1, keepdims=True)
    v = mean((Z - mu)**2, axis=1, keepdims=True)
    N = (Z - mu)/sqrt(v + 0.00001)
    Y = N*g + b
    L = sum(Y*C)
""", X="m k", W="k n", g="n", b="n", C="m n")

field.text("batch norm", """
    mu = mean(X, axis=0)
    v = mean((X - mu)**2, axis=0)
    Y = (X - mu)/sqrt(v + 0.00001)*g + b
    L = sum(Y*C)
""", X="m n", g="n", b="n", C="m n")

field.text("rms norm", """
    r = sqrt(mean(X**2, axis=1, keepdims=True) + 0.00001)
    Y = X/r*g
    L = sum(Y*C)
""", X="m n", g="n", C="m n")

field.text("squeeze and excite", """
    s = sigmoid(tanh(mean(X, axis=0) @ W1) @ W2)
    L = sum(X*s*C)
""", X="m n", W1="n h", W2="h n", C="m n")

field.text("gated unit", """
    L = sum((X @ A)*sigmoid(X @ B + b)*C)
""", X="m n", A="n k", B="n k", b="k", C="m k")
