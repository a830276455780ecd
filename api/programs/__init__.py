"""Programs as they are: a script or a notebook that trains, a class with its own `train`.

The program is run, and watched: a pass of its loop that moves arrays by a step is what is checked.
Of that pass, the lines that the loss follows from and those that the gradients follow from become
two functions of its arrays, which are held against each other as any others are.

    untrained/   what a program has that does not train: layers, derivatives by their names

    texts        a file, or the cells of a notebook, as one text
    sites        the loops of a program, and its text with a look into each of their passes
    copies       the values of a scope as they are now
    statements   what a statement reads and writes
    watching     the program run until it has been seen to train
    running      the program run, as `python FILE` would, with the modules beside it
    slices       the part of a pass that some of its values follow from, as a function
    parameters   what a pass moves by a step, and where it has the gradient by each
    losses       what the pass is the gradient of
    proposing    losses that a program may mean
    replays      the pass as two functions of its arrays
    carried      what a pass has from the pass before it
    checking     what is to be checked of a program: its pass, with its losses
    trained      the gradients of a pass, held against its loss
    wording      what was taken for what, what is missing, and the command to add
    options      what a user says about a program
    child        the process in which all this happens
"""
