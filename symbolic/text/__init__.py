"""Equations and formulas as text: a grammar, and what its trees mean as equations.

Nothing is evaluated here, and no text reaches Python's or SymPy's parser. How formulas are
printed is :mod:`gradproof.symbolic.display`.

    array_functions  functions of whole arrays by the names that equations in text call them
    formula          an activation as its user writes it, as an expression in z
    grammar          text to trees
    layer_functions  layers by the names that equations in text call them
    matrices         matrices by the names that equations in text call them
    recurrences      recurrences in the text of equations
    statements       equations as text
    values           values in the text of equations
"""
