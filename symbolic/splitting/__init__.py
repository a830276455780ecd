"""A loss in blocks of a batch, or sample by sample: which are sums over the samples, and the
equations of a block and of each sample's share.

    additive  whether a loss is a sum over an axis, decided by its equations
    parts     such a loss as what each block adds to it, and what is added once
    samples   the share of each sample in such a loss, and the gradients of all shares
"""
