"""Equations as Unicode text and LaTeX, and the reasons of their steps.

No algebra is done here: what is printed is the matrix form or the index form of an equation as it
is.

    cases           cases of cases in one brace, and intervals in their conditions
    definitions     the lines "With": what named functions are, and their slopes
    fits            whether what was written is matrix algebra: the text read back
    function_names  what functions are called: ψ, arccos, σ for the slope of softplus
    in_indices      the chain rule entry by entry: where the transposes come from
    index_letters   letters for the indices of an equation: i, j, k rather than i, i1, j1
    index_text      index forms written out: Σ and subscripts
    layout          scalar bodies laid out: one walk, a style for each target
    logistic        σ where it stands, though it was written with exp
    lone_places     axes of length 1 without their index, and what guards say then
    matrix_text     matrix forms written out
    notation        what arrays are called in formulas
    pen             names, subscripts and conditions: what every written form starts from
    readable        index form or matrix form: which of the two reads well
    reasons         `because`: why an equation stands there, rule by rule
    temporaries     which arrays need no line of their own
    text_and_latex  `Style`: how each of the two media spells bodies, matrices and sums
    traces          sums around a circle of matrices
    typst           formulas in Typst, from what is written in LaTeX
    writer          equations written out, each in the form that reads well
"""
