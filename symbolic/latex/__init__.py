r"""LaTeX as people write backpropagation and matrix calculus, read into equations of a system.

    \delta^{(l)} = (W^{(l+1)})^\top \delta^{(l+1)} \odot \sigma'(z^{(l)})

Nothing is evaluated, no file is read and no command defined.  What a formula leaves open is a
question with its answers; every answer makes a reading.  Formulas that this program printed are
read back by :mod:`gradproof.symbolic.reread`, which knows each of their signs beforehand.

    calls        calls of functions: σ(z), log p_k, softmax(z), tr(A B), J(θ)
    choices      what a formula leaves open, and every way to answer it
    derivatives  ∂L/∂W, chains of them, ∇_W L, dW
    grammar      text to trees, by a grammar in lark
    masking      what stands for the eye alone, blanked; rows of an alignment parted
    meaning      trees to values: sums, fractions, powers
    named_calls  calls of arrays: f(x), h_θ(x^{(i)}); indicators
    names        what names stand for: the arrays of a network, of equations
    naming       names: their layer, their indices
    products     what stands side by side, and what a dot means
    quotients    derivatives as they stand: fractions of ∂, once or twice, ∂L/∂z
    scripts      layers, indices, transposes and powers at a name
    symbols      a text's own symbols with their scripts, and what counts samples
    trees        nodes with their places, and errors that point at them
    values       bodies over arrays with labelled axes, and operations on them
"""
