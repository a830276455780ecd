"""Why a gradient is refuted: what is said beside the verdict.

    common_factor  a factor that all gradients have in common
    failures       a gradient function that raises, and whether that is a fact about the gradient
    loss_faults    a loss that returns no number
    repair_search  what a search for an edit is given: suspected lines, likely factors, what is due
    wrong_line     the first wrong line, in words
"""
