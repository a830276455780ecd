"""Equations as Unicode text and LaTeX, and the reasons of their steps.

No algebra is done here: what is printed is the matrix form or the index form of an equation as it
is.

    index_letters   letters for the indices of an equation: i, j, k rather than i, i1, j1
    layout          laying out bodies and matrix operations as text
    notation        what arrays are called in formulas
    reasons         why an equation stands there
    text_and_latex  what text and LaTeX differ in beyond the style of scalar bodies
    writer          equations written out
"""
