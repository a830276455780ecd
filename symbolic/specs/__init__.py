"""Networks, models of layers and the TOML files that say them, down to forward equations.

What a layer computes, declares and may be told is in :mod:`gradproof.symbolic.layers`; no
derivative is taken here.

    checks   what networks and models are told, checked
    common   what networks and models have in common
    losses   losses as a table of scalar bodies, and their equations
    model    models: layers in a list
    network  dense networks
    reader   TOML files read
"""
