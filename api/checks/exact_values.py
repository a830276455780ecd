"""The derived gradients at a point in exact numbers, to decide what floats cannot.

A loss that loses digits (1 - s for s near 1) loses them in every difference that is taken of it,
and often in its derived gradient too; a hand-written one may be the better program.  Before such a
difference refutes anything, the derived equations are evaluated in fractions and sixty digits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp

from gradproof.symbolic.dependence import needed_part
from gradproof.symbolic.equation import System, size_symbols
from gradproof.symbolic.evaluator import NotComputableError, operations
from gradproof.symbolic.exact.evaluation import Evaluation, fractions
from gradproof.symbolic.exact.numbers import Arithmetic

DIGITS = 60
BUDGET = 40_000
"""Scalar bodies to evaluate, about: two seconds or so."""


def exact_arrays(
    system: System, names: Sequence[str], values: Mapping[str, Any]
) -> dict[str, Any]:
    """The named arrays of a system for floating inputs, each entry rounded from its exact value.

    Empty where an entry has no value, an input is not finite, or the work is beyond the budget.
    """
    part = needed_part(system, names)
    try:
        sizes = _sizes(part, values)
        if operations(part.equations, sizes) > BUDGET:
            return {}
        inputs = {array.name: fractions(values[array.name]) for array in part.inputs}
        found = Evaluation(Arithmetic(DIGITS), sizes, inputs)
        found.run(part.items)
        made = {name: found.arrays[name].astype(float) for name in names}
    except (NotComputableError, ValueError, TypeError, LookupError, ArithmeticError):
        return {}
    return made if all(np.all(np.isfinite(array)) for array in made.values()) else {}


def _sizes(system: System, values: Mapping[str, Any]) -> dict[sp.Symbol, int]:
    """The sizes that the shapes of the inputs give; LookupError where one is not given by any, or
    an input is not of the size that the system is for."""
    sizes: dict[sp.Symbol, int] = {}
    for array in system.inputs:
        for size, number in zip(array.shape, np.shape(values[array.name]), strict=True):
            if size.is_Symbol:
                sizes[size] = number
            elif size.is_Integer and size != number:
                raise LookupError(f"{array.name} has {number} entries along an axis of {size}")
    if missing := set(size_symbols(system.shapes.values())) - set(sizes):
        raise LookupError(f"the sizes {missing} are those of no input's axis")
    return sizes
