"""Index equations recognised as products of matrices, outer products, slices and softmaxes.

How these are printed is :mod:`gradproof.symbolic.display` (formulas) and :mod:`gradproof.codegen`
(NumPy).

    chains            contractions recognised
    kronecker         derivatives by matrices in compressed form
    leaves            what a term reads as the leaves of a matrix form
    loop_ends         where a recurrence begins and ends
    nodes             the nodes of matrix form
    orientation       whether vectors read better as rows or as columns
    recognise         matrix form: index equations recognised as what people write
    summands          one summand as a body with one argument for everything that is summed
    repeated_vectors  vectors repeated along an axis, put together before they are repeated
"""
