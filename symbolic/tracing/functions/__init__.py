"""NumPy's functions on traced arrays, each as equations.

    array_functions  reductions, and `FUNCTIONS`, the table of all that takes whole arrays
    assembly         blocks, grids, stacks, turned and rolled arrays, np.r_, np.vectorize
    creation         np.zeros, np.empty, np.array, np.eye of symbolic sizes
    matrices         np.linalg: inverses, determinants, Cholesky factors, norms
    products         dot, matmul, outer, einsum, tensordot, trace
    rearrange        shapes of traced arrays: transpose, reshape, new axes, stacking
    selecting        entries taken, left out, put in, chosen by masks
    sequences        running sums, products, differences, repetitions, triangles
    signals          windows, convolutions, running products, integrals, polynomials
    special          SciPy's: scipy.special, matrices of scipy.linalg, the normal distribution
    statistics       weighted and masked sums, covariances, np.all, np.isnan
    ufuncs           `ARITHMETIC`, the table of NumPy's elementwise functions; comparisons, np.where
    unknowns         what is solved for: a fixed point, a root, where a number is smallest
    words            all of them by name, for a text, which has no program to run
"""
