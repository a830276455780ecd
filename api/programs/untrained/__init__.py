"""What is checked of a program that does not train: its layers, and derivatives of its functions.

    pairs        layers, found by their names
    guesses      shapes for their parameters, by what fits
    named_pairs  functions that are named as derivatives of others: f, f_grad
    solvers      derivatives that are handed to SciPy's solvers
"""
