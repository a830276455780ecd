"""Values as a module takes and makes them: tensors in lists, tuples and mappings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def weighed_sum(*outputs: Any, **weights: Any) -> Any:
    """One number of several outputs; what is no real or complex number has no gradient."""
    return sum((one * weight).sum() for one, weight in zip(
        differentiable(*outputs), weights.values(), strict=True))


def differentiable(*outputs: Any) -> tuple[Any, ...]:
    """The tensors that may have a gradient; indices and masks have none."""
    return tuple(one for one in flat(outputs) if one.is_floating_point() or one.is_complex())


def converted(kind: type, value: Any) -> Any:
    """A copy of an array, whose floats are complex where others are."""
    array = np.array(value)
    return array.astype(kind) if array.dtype.kind in "fc" else array


def flat(made: Any) -> list[Any]:
    """What stands in tuples, lists and mappings, one after the other."""
    if isinstance(made, Mapping):
        made = [*made.values()]
    if isinstance(made, tuple | list):
        return [one for part in made for one in flat(part)]
    return [made]


def nested(spec: Any, tensors: Mapping[str, Any]) -> Any:
    """Tensors by name in the places of the arrays that are declared."""
    if isinstance(spec, Mapping):
        return {key: nested(one, tensors) for key, one in spec.items()}
    if isinstance(spec, list | tuple):
        return type(spec)(nested(one, tensors) for one in spec)
    return tensors[spec.name]
