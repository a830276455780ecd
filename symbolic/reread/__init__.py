"""Printed formulas read back: what is written, as trees with a shape.

A reader has the text alone.  So has this folder: it shares no code with the writers of formulas
(:mod:`gradproof.symbolic.display`), who ask it whether what they wrote is matrix algebra.

    latex_tokens  LaTeX as the same tokens
    parsing       tokens as trees: a Pratt parser of the printed dialect
    shapes        the shape of a tree, under a declared convention for vectors
    text_tokens   Unicode formulas as tokens
    trees         what a formula says, as a tree
"""
