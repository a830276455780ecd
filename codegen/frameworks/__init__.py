"""A derivation in the words of PyTorch, of JAX, and of the array API standard.

The passes are printed as NumPy, as any other text, and that text is translated statement by
statement: each function of NumPy's that a text may call has a row, and one without is named.

    for_arrays  one text for arrays of NumPy, PyTorch, JAX, CuPy, Dask: the array API standard
    for_jax     a jax.custom_vjp function
    for_torch   a torch.autograd.Function
    passes      the two passes as NumPy text, and what the first keeps for the second
    words       NumPy's functions in those of each framework
"""
