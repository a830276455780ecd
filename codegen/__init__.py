"""Equations as NumPy functions and as source text.

Which equations there are, and which matrix form they have, is :mod:`gradproof.symbolic`.

    arguments       the arrays a compiled function is given, as it computes with them
    axes            axes of nodes as axes of arrays
    blocks          source lines of what is more than one expression
    bundled         functions that a source text brings along, as text
    compile         equations as one NumPy function
    compiled_loops  recurrences by their printed text
    evaluators      nodes of matrix form as functions of arrays
    gathers         integer arrays in subscripts and guards, as NumPy takes them
    interpret       any list of equations, evaluated as it stands
    kronecker_step  A derivative by a matrix from its Kronecker factors
    needed          what of a system is computed, in which order, and with which axes
    numpy_style     scalar bodies as NumPy expressions
    patches         equations with mixed subscripts or guards, as sums over slices
    printing        items of a system as NumPy statements
    reshaping       equations that only read an array in another shape
    source          readable NumPy source of a gradient
    spelling        scalar bodies as NumPy functions, finite wherever the value is
    stable          bodies whose exponentials would overflow, written so that they do not
"""
