"""NumPy's functions on traced arrays, each as equations.

    array_functions  reductions, and `FUNCTIONS`, the table of all that takes whole arrays
    coverage         what NumPy has and a trace has not, and the table of it in the documentation
    creation         np.zeros, np.empty, np.array, np.eye of symbolic sizes
    matrices         np.linalg: inverses and determinants
    products         dot, matmul, outer, einsum, tensordot, trace
    rearrange        shapes of traced arrays: transpose, reshape, new axes, stacking
    sequences        running sums, products, differences, repetitions, triangles
    ufuncs           `ARITHMETIC`, the table of NumPy's elementwise functions; comparisons, np.where
"""
