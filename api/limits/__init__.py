"""Limits on what a user's code, or a proof, may take, so that every check has an answer.

    deadline   a call that is ended after a time, one inside another; what is being done
    calls      a user's function called: what it raises, and where it does not return
    output     what a program prints, run in a process of its own
    process    another Python that runs a user's file and sends messages, and that can be ended

Nothing here knows what a gradient is.
"""
