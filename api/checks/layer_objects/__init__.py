"""A layer that is an object: how it is called, and the parameters that it makes itself.

    calling          how the object is made of its inputs, and its two methods run
    finding          which arrays of a layer its forward pass reads, and where their gradients are
    places           where an object holds arrays, and where the gradient of one may be
    reuse            a layer used again: two steps of one object, on different inputs
"""
