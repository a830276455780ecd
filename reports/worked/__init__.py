"""Exact figures, and the lines of worked numbers made of them.

Every printed digit comes from an evaluation in fractions or many digits, never from a float.

    digits      numbers as they are printed
    figures     every entry of every array of a system, to fifty digits that were found twice
    lines       worked lines: each entry as formula = substituted numbers = result
    quantities  quantities somebody names
    reread      printed numbers read back as a reader would
"""
