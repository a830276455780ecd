"""PyTorch's modules, and functions of PyTorch, JAX and NumPy, derived as they are.

    deriving  `gp.derive`: what a network, equations, a function or a module is, and its derivation
    derived   what is held of a program's derivation: names, parameters, the upstream gradient
    files     FILE.py:NAME, for the command line
    naming    what parameters are called in formulas: layers.0.weight is W₁
    network   a module with its loss as equations, and the derivation of it
"""
