"""Edits of a user's function, and the search for the smallest that makes it right.

Knows Python's syntax, NumPy and the standard library alone: no equation, no layer, no gradient.

    candidates     what may have been left out, taken from what is there
    edits          single edits of a function
    fits           does an edited gradient give what is wanted
    in_scope       what a line of the user's code could have named instead
    masks          slopes of what has corners: where it is on which side of them
    missing_parts  what may have been left out of an expression
    naturalness    how natural a repair is
    places         the places of a function at which an edit can be made
    program        a function and those it calls, as source to be run with one place changed
    ranking        the order in which edits are tried
    search         the smallest edit that makes a gradient right, found by trying, verified
    spelling       an edit as text
    wrong_parts    slips in what is written
"""
