"""Equations as loops over their indices, in C.

    c_functions  what the texts call, and the names that are not free in C
    c_library    a function compiled, and called with arrays
    c_source     equations as a C function that stands alone, and its header
"""
