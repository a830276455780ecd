"""The ways in to a derivation, and what a user holds of it: formulas, functions, derivatives.

The rule is :mod:`gradproof.symbolic.derive`.

    additive     `d.additive()`: the gradient of a batch from blocks of it
    blocks       the same on one process, block by block
    computed     functions of it and source texts: `d.compile()`, `d.numpy_source()`
    dask_blocks  and over Dask arrays, on several processes
    declare      `gp.Array`: an input that is more than a shape
    derivation   A loss derived: formulas that print, and functions that compute
    deriving     from each of them to its derivation: `gp.derive`
    derivatives  Jacobians, Hessians and products with them
    examples     where the example networks lie, and what they are called
    formula      one derived equation: its texts and the way to it
    libraries    the same in the words of PyTorch and of JAX: `d.torch_source()`, `d.jax_source()`
    notations    `in_notation`: how a derivation is written, as books do
    per_sample   `d.per_sample()`: the gradients of each sample's share of the loss
    scalars      `d.entries()`: a small loss scalar by scalar, as SymPy expressions and functions
    solving      `gp.fixed_point`, `gp.root`, `gp.minimizer`, `gp.grad`, `gp.stop_gradient`
    sources      the ways in: a spec file, equations as text, a NumPy function
"""
