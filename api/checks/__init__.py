"""What is judged, by proof and by numbers: functions, formulas, layers, hand-written passes.

The proof is :mod:`gradproof.symbolic.proof`, the differences :mod:`gradproof.numeric`; here they
meet; `places` holds points that drawn numbers do not come to.

    asserting        checks as assertions, for tests: they raise with the whole story
    exact_values     the derived gradients at a point in exact numbers
    formulas         sides of a check in text: a loss, its gradients
    functions        A check
    given_arrays     from arrays of numbers to symbolic shapes, and such arrays at other sizes
    hand_files       files with hand-written gradients: run, and their functions found
    hand_written     hand-written backward passes, held against a network spec
    inputs           the inputs of a check as they are given
    judging          proof and numbers weighed: the verdict on every gradient of a subject
    layer_calls      how a layer is called
    layer_rehearsal  A layer run twice at each point, before anything is judged
    layers           `check_layer`
    measuring        the numbers of a check
    other_targets    is a refuted gradient right for targets of a kind that was not declared
    points           points at which a check looks
    results          what a check found
    returned         whose gradient is which, in what a backward pass returned
    subject          what is to be judged: both sides traced, differentiated, generalised
"""
