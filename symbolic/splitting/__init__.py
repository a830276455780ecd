"""A loss in blocks of a batch: which are sums over the samples, and the equations of a block.

    additive  whether a loss is a sum over an axis, decided by its equations
    parts     such a loss as what each block adds to it, and what is added once
"""
