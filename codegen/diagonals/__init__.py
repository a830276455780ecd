"""Arrays that are 0 but along a diagonal: what a derivative by a matrix is full of.

    compressed  what reads D[i, s, j] = [i = j] x[s, i] reads x instead
    writes      equations whose terms hold along a diagonal, written into that diagonal
"""
