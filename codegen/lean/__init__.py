"""Printed texts as NumPy runs them in the least time, for arrays of known types and shapes.

    apart            arguments that have memory of a workspace
    bindings         names that stand for one thing throughout
    calls_once       repeated calls of a text named once
    error_functions  erf and erfc for arrays where there is no SciPy
    fitted           a text as a function for arguments like some that are given
    flat             a text as statements that do one operation each
    keyed            what a function returns: a loss, and the others by their keys
    lives            how long the memory of a value is read
    masks            where a ReLU was positive, asked of its output
    measured         types, shapes and memory of the values, seen in one run
    named_once       no operation is done a second time on the same values
    narrowed         arrays of a loop's steps in less memory
    pool             memory of a workspace
    products/        products of arrays as one product of matrices each
    quiet            no warnings, and those of before
    single           erfc in single precision
    spelled          each operation by the quickest call, into memory that is free
    stores           stores into parts of arrays, diagonals as views
    uncopied         no copies of what nothing else reads
    views_last       operations on views, done on the arrays
"""
