"""Exact figures, and the lines of worked numbers made of them.

Every printed digit comes from an evaluation in fractions or many digits, never from a float.

    digits      numbers as they are printed
    figures     every entry of every array of a system, to fifty digits that were found twice
    lines       worked lines: each entry as formula = substituted numbers = result
    quantities  `dW2[1]`, `W2.updated[1]`, `A2 * (1 - A2)`: quantities by their names in claims
    reread      printed numbers read back as a reader would
"""
