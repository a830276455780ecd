"""PyTorch's modules around autograd functions, and the sizes that a module takes.

    checking  `gp.check_layer` of a module: PyTorch's own gradients, and a proof of each function
    fitting   the sizes that a module takes: letters that have to be a number of its parameters
    sides     the values of a module, and its gradients
    values    tensors in lists, tuples and mappings
"""
