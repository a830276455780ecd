"""What a layer is looked at with, by the library whose arrays it computes with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import sympy as sp

from gradproof.checks.circumstances.of_jax import of_jax
from gradproof.checks.circumstances.of_torch import of_torch
from gradproof.checks.circumstances.ways import Due, Framework, Values
from gradproof.checks.inputs import Inputs
from gradproof.checks.layer_objects.calling import LayerObject
from gradproof.checks.layer_objects.custom_rules import JAX
from gradproof.checks.layer_objects.frameworks import TORCH
from gradproof.checks.points import Point
from gradproof.symbolic.tracing.run import Trace


def looked(
    source: Any, layer: LayerObject, taken: Inputs, point: Point, wrt: Sequence[str],
    bars: Sequence[str], due: Due, hand: Trace | None,
) -> Framework | None:
    """source: what was handed over.  wrt: what gradients are checked by.  bars: the names of the
    upstream gradients.  hand: the passes as they were traced.

    None where no framework calls it, and where that is not taken.
    """
    of = {id(TORCH): of_torch, id(JAX): of_jax}.get(id(layer.plan.arrays))
    return None if of is None else of(
        source, layer, taken, point, wrt, bars, due, hand, _without_entries(taken, point))


def _without_entries(taken: Inputs, point: Point) -> dict[str, Values]:
    """Inputs without entries along an axis, by the size that is 0."""
    found: dict[str, Values] = {}
    for size in point.sizes:
        shapes = {array.name: tuple(int(sp.sympify(part).subs(
            {symbol: 0 if str(symbol) == size else point.sizes[str(symbol)]
             for symbol in part.free_symbols})) for part in array.shape) for array in taken.arrays}
        # an array that has entries keeps its numbers: of zeros some functions are none
        found[size] = {name: np.zeros(shape, value.dtype) if 0 in shape else value
                       for name, shape in shapes.items()
                       for value in [np.asarray(point.values[name])]}
    return found
