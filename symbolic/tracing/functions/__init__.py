"""NumPy's functions on traced arrays, each as equations.

    array_functions  reductions, and the table of all functions
    creation         new arrays
    products         products of traced arrays
    rearrange        shapes of traced arrays: transpose, reshape, new axes, stacking
    ufuncs           NumPy's elementwise functions
"""
