"""Equations as loops over their indices, in C and in Python for Numba.

    blas             SciPy's products of matrices
    bound            compiled loops called with arrays
    c_functions      what C texts call, and the names that are not free in C
    c_library        C compiled by the machine's compiler, and kept
    c_source         equations as a C function that stands alone, and its header
    columns          sums for several places of their last axis at once
    factors          the factors of a term, by the indices that they depend on
    memory           what gives its place to others
    numba_functions  functions of one number that LLVM computes for several at once
    numba_library    loops compiled by Numba in this process
    numba_source     equations as a Python function of loops, for Numba
    operands         products of matrices as a BLAS is given them
    outer            outer products that one sum alone reads, put into it
    products         sums of products as products of matrices, for a BLAS
    remembered       equations that are there already, whatever their indices are called
    steps            what the steps of a recurrence keep for themselves
    writing          loops in any language
"""
