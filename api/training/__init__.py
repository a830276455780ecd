"""Training with generated code: a demonstration that derived gradients train, no framework.

    texts            equations as text, as functions
    optimisers       update rules, each a few equations in a table
    schedules        learning rates over the steps, likewise
    initialisations  the values that parameters begin with
    samples          samples, and what is said of those that cannot be used
    sets             sets of samples that have a name
    data             samples from names and files
    folders          samples that stay on disk
    npz              arrays from NumPy's files, whoever wrote them
    fitting          a network's declared arrays and sizes, filled from a table
    loop             mini-batches, steps, what each epoch gave
    cluster          workers that take blocks of a batch
    spread           the same loop, its steps spread over them
    examples         networks, data and plans to be compared, from the files of runs/
    comparison       the page of an example
    beside           what stands beside a run: differences, scikit-learn's network
    page             what a run is told as
    many             one network from many first values at once
    checkpoint       a run on disk: killed and resumed, the same numbers
"""
