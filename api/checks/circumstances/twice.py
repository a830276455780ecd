"""The derivative of a backward pass, as a framework takes it for a second derivative.

For PyTorch what forward computes and saves is a constant when backward is differentiated; only
inputs and outputs lead back to what is differentiated by.  JAX differentiates `fwd` and `bwd`, but
for what they hold back.  A rule that is right may have a second derivative that is wrong, and
nothing says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gradproof.numeric import Comparison, compare_gradient

EACH = 160
"""Evaluations of backward for each array that it is differentiated by."""


def weights_of(values: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """What the gradients are weighed by, so that there is one number to differentiate."""
    rng = np.random.default_rng(12)
    return {name: rng.normal(size=np.shape(values[name])) for name in names}


def held(
    weighed: Callable[[Mapping[str, Any]], float], values: Mapping[str, Any],
    found: Mapping[str, Any],
) -> dict[str, Comparison]:
    """The second derivatives by each array against differences of the weighed gradients."""
    with np.errstate(all="ignore"):
        return compare_gradient(weighed, values, found, budget=EACH * len(found), real=True)
