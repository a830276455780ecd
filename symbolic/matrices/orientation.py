"""Whether a system's vectors read better as rows (x W) or as columns (A x).

    z[j] = Σ_i x[i] W[i, j]   ->   rows: x W, with no transposition, rather than Wᵀ x
"""

from __future__ import annotations

from ..equation import System
from .loop_ends import loop_indices, loops_of, merged
from .nodes import Product, Transposed, walk
from .recognise import matrix_form


def prefers_rows(system: System) -> bool:
    """Whether products with vectors read better with the vector on the left (x W): the way with
    fewer transpositions, columns (A x) where it makes no difference."""
    loops, shapes = loops_of(system), system.shapes
    count = {True: 0, False: 0}
    for whole in system.equations:
        equation = merged(whole, loops)
        fixed = [index.name for index in loop_indices(equation, loops)]
        for rows in count:
            form = matrix_form(equation, rows, shapes, fixed=fixed)
            count[rows] += sum(
                isinstance(factor, Transposed)
                for node in (walk(form) if form is not None else ())
                if isinstance(node, Product) and len(node.axes) == 1 for factor in node.factors
            )
    return count[True] < count[False]
