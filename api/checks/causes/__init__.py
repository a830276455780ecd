"""Why a gradient is refuted: what is said beside the verdict.

    common_factor   a factor that all gradients have in common
    conditions      a branch of a program as a condition, in the words of its own line
    demands         what each array of a wrong pass has to be, from the results backwards
    failures        a gradient function that raises, and whether that is a fact about the gradient
    loss_faults     a loss that returns no number
    meanings        what an array may be meant to be: the quantities of the derivation
    reached_bounds  a gradient that is right until a bound of its own acts
    remedies        with which other values of what it reads a statement would be right
    renaming        the line that gives an array another name
    repair_search   what a search for an edit is given: suspected lines, likely factors, what is due
    sides           conditions on one side of which a gradient is right, and wrong on the other
    surrogates      what stands in the place of a derivative: a Gauss-Newton matrix, a bound, ...
    upstream        what a backward pass does with what it is handed: hands it on, leaves it out
    wrong_line      the first wrong line, in words
"""
