"""Products of arrays as one product of matrices each, several of them in the order of least cost.

    contractions  sums of products of several arrays, two at a time
    pairs         the product of two arrays as one of matrices, or of entries
    writing       the products of a text, written anew
"""
