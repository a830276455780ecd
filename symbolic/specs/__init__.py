"""Networks, models of layers and the TOML files that say them, down to forward equations.

What a layer computes, declares and may be told is in :mod:`gradproof.symbolic.layers`; no
derivative is taken here.

    checks   checks of sizes, choices, names and numbers, whose errors name the key
    common   what Network and Model share: loss and options, values, notation, claims
    losses   a loss with penalties, smoothed labels and weights of samples, as equations
    model    `gp.Model`: layers in a list, a spec's [model] and [[layers]]
    network  `gp.Network`: dense layers by their sizes, a spec's [network]
    program  a module or a function that is derived as it is, for its report
    reader   from a TOML file to any of them, every mistake with its key
    stated   a loss stated in equations: a spec's `equations` and [shapes]
"""
