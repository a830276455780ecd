"""Networks, models of layers and the TOML files that say them, down to forward equations.

What a layer computes is in :mod:`gradproof.symbolic.layers`; no derivative is taken here.

    checks       what networks and models are told, checked
    layer_types  the types of layers a model may have
    losses       losses
    model        A model
    network      A dense network as forward equations; its gradient is nobody's business here
    options      options of layers
    reader       specs
"""
