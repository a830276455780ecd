"""A NumPy function as equations: it is run once, on arrays with symbolic sizes.

The source text of the function is read for messages, never for the equations; whether two traces
are equal is asked in :mod:`gradproof.symbolic.proof`.

    functions/       what NumPy's functions are as equations: a new one is a row there
    outside/         what differs from run to run: draws, the clock, files, sets, settings
    jax/             JAX's functions and arrays, in NumPy's words
    torch/           PyTorch's functions and tensors, in NumPy's words

    assignment       x[1:] = ..., x[mask] = ..., x[i] += ... as equations of a new value
    constant_places  places that are constants: lists, index tricks, arrays of truth values
    held             arrays and functions of other libraries: what those of a trace have in common
    kept_state       what traced code leaves behind for its next call: caches, counters, attributes
    masked           x[mask], whose entries are in unknown number
    number_types     the types that traced code sees: int, float, np.ndarray, type
    places           integer arrays that name places: labels, aranges, what is computed of them
    rebinding        the user's functions, classes and objects as traced code sees them
    run              the door: runs the function, gives its equations or a TraceError with the line
    same_equations   whether the second call computes the same as the first
    session          one trace under way: its equations, their source lines, what was assumed
    sizes            sizes while a function is traced: exact numbers with symbols in them
    source           where in the user's source a traced operation stands
    stand_ins        what a traced function sees in place of NumPy, math, built-ins
    subscripts       x[1:, None], x[i], x[rows, labels] as reads of a traced array
    swallowed        exceptions that the traced code catches
    tracer           the array that the user's code computes with, in the place of an np.ndarray
    unbounded        arrays with entries -inf: their numbers, and where they are that
    unwritten        which entries of np.empty nobody has written
    user_names       the names of the user's modules, each copied when it is first read
"""
