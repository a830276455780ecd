"""A NumPy function as equations: it is run once, on arrays with symbolic sizes.

The source text of the function is read for messages, never for the equations; whether two traces
are equal is asked in :mod:`gradproof.symbolic.proof`.  What NumPy's functions are as equations is
in the folder `functions`.

    assignment       assignment to subscripts
    draws            what differs from run to run: random draws, the clock, files
    kept_state       what traced code leaves behind for its next call
    masked           x[mask], entries in unknown number
    mixed_radix      equalities of flattened places, digit by digit
    number_types     the types that traced code sees: int, float, np.ndarray, type
    rebinding        the user's functions, classes and objects as traced code sees them
    run              A NumPy function as equations
    same_equations   whether two calls compute the same
    session          one trace under way
    sizes            sizes while a function is traced: exact numbers with symbols in them
    source           where in the user's source a traced operation stands
    stand_ins        what a traced function sees in place of NumPy, math, built-ins
    subscripts       subscripts of traced arrays
    swallowed        exceptions that the traced code catches
    tracer           arrays of a trace
    unwritten        which entries of np.empty nobody has written
"""
