"""What is judged, by proof and by numbers: functions, formulas, layers, hand-written passes.

The proof is :mod:`gradproof.symbolic.proof`, the differences :mod:`gradproof.numeric`; here they
meet.

    causes/          why a gradient is refuted: what raises, the first wrong line, a repair
    circumstances/   how a framework may call a backward pass, which algebra does not show
    orders/          Jacobians, Hessians, and how SciPy and boosting libraries call them
    layer_objects/   a layer that is an object: how it is called, what it makes itself
    networks/        PyTorch's modules around functions with a backward pass of their own
    own_process/     hand-written files in a process of their own, which can be ended
    shown/           results as a reader sees them
    places/          points that drawn numbers do not come to by themselves

    asserting        checks as assertions, for tests: they raise with the whole story
    exact_values     the derived gradients at a point in exact numbers
    formulas         sides of a check in text: a loss, its gradients
    functions        `gp.check`: a loss and a gradient as functions or text, one verdict a gradient
    given_arrays     from arrays of numbers to symbolic shapes, and such arrays at other sizes
    hand_files       files with hand-written gradients: run, and their functions found
    hand_written     hand-written backward passes, held against a network spec
    inputs           shapes, arrays and `gp.Array` as the inputs that both sides take
    judging          proof and numbers weighed: the verdict on every gradient of a subject
    layer_calls      what forward and backward are handed: inputs, constants, cotangents, the cache
    layer_rehearsal  a layer run twice at each point before it is judged: draws, writes into inputs
    layers           `gp.check_layer`: a backward pass without a loss, weighed by its cotangents
    measuring        the hand-written gradient run at the points, against differences of the loss
    observed         one gradient at one point: what was claimed, and what the numbers say
    other_targets    is a refuted gradient right for targets of a kind that was not declared
    points           the sizes and values at which a check runs the programs
    proofs           what a prover finds of a subject's gradients, within its time
    results          `CheckResult` and `Check`: verdict, scope and reasons, and how they print
    returned         whose gradient is which, in what a backward pass returned
    subject          what is to be judged: both sides traced, differentiated, generalised
"""
