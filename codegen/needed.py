"""What of a system is computed, in which order, and with which axes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sympy as sp

from ..symbolic.equation import Equation, Item, Recurrence, System
from ..symbolic.matrices.leaves import Levels, levels_of
from ..symbolic.matrices.recognise import Leaf, matrix_form, walk, without_units
from .saturated import Saturated


def needed(system: System, results: Sequence[str]) -> list[Item]:
    """The items that the results depend on, in order, each in a spelling that does not overflow."""
    saturated = Saturated(system)
    levels, shapes = levels_of(system), system.shapes
    wanted = set(results)
    kept: list[Item] = []
    for item in reversed(system.items):
        if isinstance(item, Recurrence):
            if wanted & {equation.name for equation in item.equations}:
                wanted |= {read.array for e in item.equations for read in e.reads}
                kept.append(item)
        elif wanted & {item.name, *item.argmax}:
            spelled = saturated.steady(item)
            wanted |= arrays_read(spelled, shapes, levels)
            kept.append(spelled)
    return kept[::-1]


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
