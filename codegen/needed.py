"""What of a system is computed, in which order, and with which axes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import sympy as sp

from ..symbolic.dependence import arrays_read as every_read
from ..symbolic.dependence import needed_items
from ..symbolic.equation import Equation, Item, Recurrence, System
from ..symbolic.matrices.leaves import Levels, levels_of
from ..symbolic.matrices.nodes import Leaf, walk
from ..symbolic.matrices.recognise import matrix_form, without_units
from .saturated import Saturated


def needed(system: System, results: Sequence[str]) -> list[Item]:
    """The items that the results depend on, in order, each in a spelling that does not overflow."""
    saturated = Saturated(system)
    levels, shapes = levels_of(system), system.shapes
    spelled = cache(saturated.steady)
    steps = {e for item in system.items if isinstance(item, Recurrence) for e in item.equations}

    def reads(equation: Equation) -> Iterable[str]:
        return every_read(equation) if equation in steps else arrays_read(
            spelled(equation), shapes, levels)

    return [item if isinstance(item, Recurrence) else spelled(item)
            for item in needed_items(system, results, reads)]


def arrays_read(
    equation: Equation, shapes: Mapping[str, tuple[sp.Expr, ...]], levels: Levels
) -> set[str]:
    """The arrays that an equation's value is computed from: no log Σ exp inside a softmax."""
    found = {read.array for read in equation.reads}
    form = matrix_form(equation, shapes=shapes, levels=levels) if found & levels.keys() else None
    return found if form is None or equation.argmax else {
        node.array for node in walk(form) if isinstance(node, Leaf)
    }


def shown_axes(equation: Equation) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """The axes of a matrix form, and the index that adds the axes of length 1 it leaves out."""
    kept = {index.name for index in without_units(equation).out}
    units = tuple(slice(None) if index.name in kept else None for index in equation.out)
    out = tuple(index.name for index in equation.out if index.name in kept)
    return out, () if len(out) == len(equation.out) else units
