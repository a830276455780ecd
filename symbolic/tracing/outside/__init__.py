"""What differs from run to run, and what traced code sees in its place.

    draws       random draws: arrays that no formula gives; what a trace cannot hold
    of_numpy    NumPy's files, settings and clock
    sets        sets, which stand in another order in every process
    settings    other settings for another call: how arrays are printed, how errors are handled
    standard    Python's own modules: what is pure in them, and the rest, which is not seen
    telling     attributes that tell of the process: addresses, hashes, frames, subclasses
"""
