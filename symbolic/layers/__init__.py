"""What arrays and layers compute, as forward equations on a Builder.

No slope and no gradient of a layer stands here (the rule derives them), and no name by which a
text or a spec asks for one (:mod:`gradproof.symbolic.text`, :mod:`gradproof.symbolic.specs`).

    attention    attention as rows of forward equations (Vaswani et al
    builder      array operations as equations
    feedforward  layers as rows of forward equations, on a Builder
    loops        recurrences on a Builder
    rearrange    rearranging arrays on a Builder
    recurrent    recurrent layers over a symbolic number of steps
"""
