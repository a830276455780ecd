"""JAX's functions and arrays for traced code: rows in NumPy's words.

A function that computes with JAX is traced as one that computes with NumPy: its module `jax.numpy`
is a stand-in whose functions stand here, and its arrays are traced arrays that nothing changes in
place.  JAX itself computes nothing in a trace.

    array    the array, its methods, and x.at[...]
    control  scan and loops of known length, trees, what is let through
    modules  the stand-ins of jax, jax.numpy, jax.nn, jax.lax and the like
    rows     what the functions are, by the names of JAX's parameters
"""
