"""Equations as loops over their indices, in C and in Python for Numba.

    blas           SciPy's products of matrices
    bound          compiled loops called with arrays
    c_functions    what C texts call, and the names that are not free in C
    c_library      C compiled by the machine's compiler, and kept
    c_source       equations as a C function that stands alone, and its header
    numba_library  loops compiled by Numba in this process
    numba_source   equations as a Python function of loops, for Numba
    products       sums of products as products of matrices, for a BLAS
    writing        loops in any language
"""
