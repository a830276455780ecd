"""Equations as NumPy functions and as source text.

Which equations there are, and which matrix form they have, is :mod:`gradproof.symbolic`.  A
compiled function runs the text that is printed; `source` is where to begin.

    arguments       the arrays a compiled function is given, checked and as it computes with them
    axes            transpositions and new axes, so that arrays broadcast as indices say
    blocks          what is more than one expression: sums over slices, values at places
    called          functions that a text calls, and those that it brings along
    compile         the text of `source` run as one NumPy function of the inputs by name
    diagonals/      arrays that are 0 but along a diagonal, read and written as what stands there
    expressions     matrix forms as NumPy expressions
    frameworks/     the two passes in the words of PyTorch and of JAX
    gathers         integer arrays in subscripts and guards, as NumPy takes them
    grids           equations on their indices: what no other form fits
    identifiers     names that Python can bear, and names in strings and comments
    interpret       any list of equations, as it stands: what has no text, and the reference
    lean/           texts as NumPy runs them in the least time, for types and shapes that are known
    largest         sums of several exponentials, with the largest taken out
    loops/          equations as loops over their indices, in C and for Numba
    names           how sizes, places and loop variables are called in a text, and spelled
    numpy_style     scalar bodies as NumPy expressions
    patches         equations with mixed subscripts or guards, as sums over slices
    recurrences     recurrences as loops over their steps
    saturated       equations that read values which overflow or vanish, in what those come from;
                    what of a system is computed, in which order
    source          readable NumPy source of a gradient
    spelling        scalar bodies as NumPy functions, finite wherever the value is
    stable          bodies whose exponentials would overflow, written so that they do not
    views           arrays in another shape, and copies where memory would be shared
"""
