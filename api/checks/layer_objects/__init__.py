"""A layer that is an object: how it is called, and the parameters that it makes itself.

    autograd_functions  PyTorch's functions and operators with a backward pass of their own
    blobs            layers that are handed nothing: Caffe's blobs, arrays on the layer itself
    calling          how the object is called, and what its second pass does to its parameters
    contexts         passes that are plain functions, with or without a context
    custom_jvps      JAX's functions with rules for tangents, transposed
    custom_rules     JAX's functions with rules of their own
    finding          which arrays of a layer its forward pass reads, and where their gradients are
    frameworks       passes that compute with another library's arrays: what goes in and comes out
    making           methods such as initialize() and build(), in which it makes its parameters
    methods          the names that public code gives to the two passes, in one table
    places           where an object holds arrays, and where the gradient of one may be
    planning         how the two passes are called, and what nothing takes
    reuse            a layer used again: two steps of one object, on different inputs
    running          the object made and run: what goes into its two passes and what comes out
    settings         which keywords of a check are no inputs but handed on as they are
    slopes           a derivative beside its function, such as an activation's
    sources          what may be handed over: an object, a class, functions
    updates          gradients that backward hands to an optimiser, or steps along
    which_arrays     which library a plain function computes with, by the names that it reads
"""
