"""Circumstances in which a framework may call a backward pass, and algebra does not show them.

    applied      a function of PyTorch's as PyTorch itself runs it, on tensors that lie as they may
    lines        the first line that computes something else than it does otherwise
    precision    float32 and bfloat16, judged by what their digits allow
    tensors      how upstream gradients and inputs lie in memory, what is None, what runs twice
    twice        the derivative of a backward pass, through what was saved for it
    verdicts     a result with what was seen in such circumstances
"""
