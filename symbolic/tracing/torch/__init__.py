"""PyTorch's functions and tensors for traced code: rows in NumPy's words.

A function that computes with PyTorch is traced as one that computes with NumPy: its module
`torch` is a stand-in whose functions stand here, one row each, and its tensors are traced arrays
that answer to PyTorch's methods.  PyTorch itself computes nothing in a trace.

    elementwise  entry by entry: exp, sigmoid, clamp, where, comparisons
    layers       torch.nn.functional: linear, norms, losses, convolutions
    modules      the stand-ins of the modules torch, torch.nn.functional, torch.linalg, torch.special
    shapes       sums, products, rearrangements, picks: sum, matmul, permute, gather
    tensor       the tensor
"""
