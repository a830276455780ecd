"""Equations as NumPy functions and as source text.

Which equations there are, and which matrix form they have, is :mod:`gradproof.symbolic`.  A
compiled function runs the text that is printed; `source` is where to begin.

    arguments       the arrays a compiled function is given, checked and as it computes with them
    axes            axes of nodes as axes of arrays
    blocks          source lines of what is more than one expression
    called          functions that a text calls, and those that it brings along
    compile         equations as one NumPy function: their text, run
    expressions     matrix forms as NumPy expressions
    gathers         integer arrays in subscripts and guards, as NumPy takes them
    identifiers     names that Python can bear, and names in strings and comments
    interpret       any list of equations, evaluated as it stands: the reference
    names           how sizes, places and loop variables are called in a text
    needed          what of a system is computed, in which order, and with which axes
    numpy_style     scalar bodies as NumPy expressions
    patches         equations with mixed subscripts or guards, as sums over slices
    recurrences     recurrences as loops over their steps
    sizes           sizes and places: as numbers, and as text that computes integers
    source          readable NumPy source of a gradient
    spelling        scalar bodies as NumPy functions, finite wherever the value is
    stable          bodies whose exponentials would overflow, written so that they do not
    views           arrays in another shape, and copies where memory would be shared
"""
