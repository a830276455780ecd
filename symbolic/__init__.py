"""Equations: the doors into them, the rule, matrix form, print and proof.

The files here are the ground: the one data type (``equation.py``), terms changed and solved, what
follows from what (``dependence.py``), text as each medium may hold it (``escaping.py``), what is
assumed, scalar functions, shapes. The folders build
on it, each on those named behind the arrow (a test holds it):

    layers/     what arrays and layers compute, as equations       -> ground
    text/       equations and formulas as text                     -> ground, layers
    specs/      networks, models, their TOML files                 -> ground, layers, text
    tracing/    a NumPy function, run once on symbolic sizes       -> ground, layers
    matrices/   index equations as products of matrices            -> ground
    derive/     the rule, and what makes its result short          -> ground, matrices
    display/    equations as Unicode and LaTeX, and the reasons    -> ground, matrices, derive
    normalform/ arrays as polynomials in atoms                     -> ground
    exact/      values in fractions, and else in many digits       -> ground
    proof/      are two arrays equal, and the first that is not    -> ground, normalform, exact

The three doors (text, specs, tracing) never meet the rule, the rule never meets a door, and the
proof meets neither. A newcomer starts with ``equation.py`` (the type) and ``derive/adjoint.py``
(the rule).
"""
