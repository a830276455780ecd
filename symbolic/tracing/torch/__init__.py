"""PyTorch's functions and tensors for traced code: rows in NumPy's words.

A function that computes with PyTorch is traced as one that computes with NumPy: its module
`torch` is a stand-in whose functions stand here, one row each, and its tensors are traced arrays
that answer to PyTorch's methods.  PyTorch itself computes nothing in a trace.

    applied      autograd functions where they are applied, by their values
    elementwise  entry by entry: exp, sigmoid, clamp, where, comparisons
    layers       torch.nn.functional: linear, norms, losses, convolutions
    modules      the stand-ins of torch, torch.nn.functional, torch.linalg, torch.special
    networks     torch.nn.Module: copies whose parameters are arrays of the trace
    overridden   forward passes of PyTorch's modules that are compiled code
    recurrent    LSTM, GRU and plain cells, and sequences of them
    shapes       rearrangements, picks, copies: permute, reshape, gather, clone
    sums         sums, norms, products, matrix functions: sum, softmax, matmul, inverse
    tensor       the tensor
"""
