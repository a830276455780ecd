"""Derivatives beside the gradient: Jacobians, Hessians, products with them, second derivatives per
sample; and the ways in which SciPy and boosting libraries call them.

    boosting       `gp.check_objective`: a gradient and a second derivative for each sample
    calls          functions as SciPy calls them, (x, *args), as functions of arrays by name
    claims         a claimed derivative as a subject, judged as every gradient is
    derivatives    `gp.check_jacobian` and `gp.check_hessian`
    kinds          which check a function goes through that is marked as a derivative
    displaced      a derivative measured: as the gradient of a function of displacements
"""
