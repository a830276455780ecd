"""What arrays and layers compute, as forward equations on a Builder.

No slope and no gradient of a layer stands here (the rule derives them), and nothing of how a text
or a spec is read (:mod:`gradproof.symbolic.text`, :mod:`gradproof.symbolic.specs`).

    table        every layer, once: what builds it, its arrays, options and parameters
    options      options of layers, with their checks
    site         where a layer of a spec stands, and the parameters it declares
    builder      array operations as equations
    loops        recurrences on a Builder
    unknowns     what is solved for on a Builder
    rearrange    rearranging arrays: reshape, concatenate, pad, parts, gathers
    feedforward  dense, activations, dropout, softmax, sums and splits
    losses       every loss, once: a scalar body of target and output, and what its mean counts
    convolution  convolution and pooling
    norms        batch, layer, rms and group norm
    attention    attention with one head and several, transformer blocks (Vaswani et al. 2017)
    recurrent    Elman, LSTM and GRU over a symbolic number of steps
"""
