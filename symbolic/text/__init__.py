"""Equations and formulas as text: a grammar, and what its trees mean as equations.

Nothing is evaluated here, and no text reaches Python's or SymPy's parser. How formulas are
printed is :mod:`gradproof.symbolic.display`.

    array_functions  the words for arrays: sums, means, reshape, concatenate, zeros
    formula          an activation as its user writes it, `z/(1 + exp(-z))`, as an expression in z
    grammar          text to trees
    layer_functions  layers and losses as a text calls them: conv2d(X, W, b, stride=2)
    matrices         the words of linear algebra: diag, eye, einsum, inv, cholesky, det, logdet
    numpy_words      NumPy's functions and subscripts, by the names that traces know
    recurrences      statements `h[t] = ...` in a row as one loop
    statements       `Z = X @ W + b; L = sum(Z**2)` to a system: the entry of this folder
    trees            places in a tree, statements, and the source that messages point into
    unknowns         what is solved for: x = fixed_point(..., start=...)
    values           what a part of a statement stands for: a body over arrays, subscripts, a number
"""
