"""A derivation's forward and backward pass in the words of PyTorch and of JAX.

The passes are printed as NumPy, as any other text, and that text is translated statement by
statement: each function of NumPy's that a text may call has a row, and one without is named.

    for_jax    a jax.custom_vjp function
    for_torch  a torch.autograd.Function
    passes     the two passes as NumPy text, and what the first keeps for the second
    words      NumPy's functions in those of each framework
"""
