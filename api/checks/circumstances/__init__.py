"""Circumstances in which a framework may call a backward pass, and algebra does not show them.

    applied      a function of PyTorch's as PyTorch itself runs it, on tensors that lie as they may
    lines        the first line that computes something else than it does otherwise
    looking      which framework a layer is looked at with
    of_jax       a rule of JAX's in all its circumstances
    of_torch     a function of PyTorch's in all its circumstances
    precision    float32 and bfloat16, judged by what their digits allow
    ruled        a function with a rule of its own as JAX itself runs it
    tensors      how upstream gradients and inputs lie in memory, what is None, what runs twice
    transforms   jit, vmap, outputs that are not used, tangents
    twice        the derivative of a backward pass against differences
    verdicts     a result with what was seen in such circumstances
    ways         a circumstance, and gradients that are not as they are due in it
"""
