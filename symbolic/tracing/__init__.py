"""A NumPy function as equations: it is run once, on arrays with symbolic sizes.

The source text of the function is read for messages, never for the equations; whether two traces
are equal is asked in :mod:`gradproof.symbolic.proof`.

    array_functions  NumPy functions of whole arrays on traced arrays
    mixed_radix      equalities of flattened places, digit by digit
    products         products of traced arrays
    rearrange        shapes of traced arrays: transpose, reshape, new axes, stacking
    rebinding        the user's functions, classes and objects as traced code sees them
    run              A NumPy function as equations
    session          one trace under way
    sizes            sizes while a function is traced: exact numbers with symbols in them
    source           where in the user's source a traced operation stands
    stand_ins        what a traced function sees in place of NumPy, math, built-ins
    subscripts       subscripts of traced arrays
    tracer           arrays of a trace
    ufuncs           NumPy's elementwise functions on traced arrays
"""
