"""NumPy's functions on traced arrays, each as equations.

    array_functions  reductions, and the table of all functions
    coverage         what NumPy has and a trace has not
    creation         new arrays
    matrices         np.linalg: inverses and determinants
    products         products of traced arrays
    rearrange        shapes of traced arrays: transpose, reshape, new axes, stacking
    sequences        running sums, products, differences, repetitions, triangles
    ufuncs           NumPy's elementwise functions
"""
