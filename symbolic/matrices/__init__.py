"""Index equations recognised as products of matrices, outer products, slices and softmaxes.

How these are printed is :mod:`gradproof.symbolic.display` (formulas) and :mod:`gradproof.codegen`
(NumPy).

    chains            products of matrices in a row, outer products, sums of rows
    guard_spans       what guards leave of an axis, said once: [1 <= t < T]
    kronecker         Jacobians and Hessians by matrices as sums of A ⊗ B
    leaves            whole arrays, slices of them and softmaxes, read off a term's subscripts
    loop_ends         guards at the ends of a recurrence as values beyond them: h[-1] = h0
    nodes             the tree of operations that a matrix form is: Product, Transposed, Leaf, ...
    orientation       whether vectors read better as rows or as columns
    put_in            definitions put into the forms that read them
    recognise         the entry of this folder: the matrix form of an equation that has one
    summands          what a sum reaches as one argument, the rest entry by entry outside of it
    repeated_vectors  vectors repeated along an axis, put together before they are repeated
"""
