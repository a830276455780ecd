"""Products of arrays as one product of matrices each, several of them in the order of least cost.

    axes          the axes of products by letters, and views of arrays
    contractions  sums of products of several arrays, two at a time
    mirrored      products that have a half twice
    pairs         the product of two arrays as one of matrices, or of entries
    writing       the products of a text, written anew
"""
