"""The derivative of a backward pass, as PyTorch takes it for a second derivative.

For PyTorch what forward computes and saves is a constant when backward is differentiated; only
inputs and outputs lead back to what is differentiated by.  A backward pass that is right and saves
anything else has a second derivative that is wrong, and nothing says so.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gradproof.checks.circumstances.applied import Applied, Values

STEP = 1e-5
CLOSE = 1e-5
"""Relative to the largest entry: what central differences of that step leave."""
MOST = 200
"""Entries of all inputs together that differences are taken of."""

ONCE = "once_differentiable"


def second(
    applied: Applied, values: Values, bars: Sequence[str],
    due: Callable[[Values], Mapping[str, Any]],
) -> dict[str, float] | None:
    """The largest difference of the second derivatives by each input and upstream gradient that are
    wrong; None where there are none to be had."""
    torch = sys.modules["torch"]
    by = [*applied.wrt, *bars]
    if sum(np.size(values[name]) for name in by) > MOST:
        return None
    rng = np.random.default_rng(12)
    weights = {name: rng.normal(size=np.shape(values[name])) for name in applied.wrt}
    tensors = applied.tensors(values, applied.wrt)
    outputs = applied.outputs(tensors)
    back = [torch.from_numpy(np.array(values[name])).requires_grad_() for name in bars]
    first = torch.autograd.grad(outputs, [tensors[name] for name in applied.wrt], back,
                                create_graph=True, allow_unused=True)
    total = sum((one * torch.from_numpy(weights[name])).sum()
                for name, one in zip(applied.wrt, first, strict=True) if one is not None)
    leaves = [*(tensors[name] for name in applied.wrt), *back]
    try:
        found = torch.autograd.grad(total, leaves, allow_unused=True)
    except RuntimeError as error:
        if ONCE in str(error) or "does not require grad" in str(error):
            return None
        raise

    def weighed(at: Values) -> float:
        made = due(at)
        return float(sum(np.sum(made[name] * weights[name]) for name in applied.wrt))

    wrong = {}
    for name, one in zip(by, found, strict=True):
        meant = _differences(weighed, values, name)
        came = np.zeros_like(meant) if one is None else one.detach().cpu().numpy()
        gap = float(np.max(np.abs(came - meant), initial=0.0))
        if not gap <= CLOSE * max(1.0, float(np.max(np.abs(meant), initial=0.0))):
            wrong[name] = gap
    return wrong


def _differences(weighed: Callable[[Values], float], values: Values, name: str) -> Any:
    start = np.array(values[name], dtype=float)
    made = np.zeros(start.shape)
    for place in np.ndindex(*start.shape):
        sides = []
        for way in (STEP, -STEP):
            moved = start.copy()
            moved[place] += way
            sides.append(weighed({**values, name: moved}))
        made[place] = (sides[0] - sides[1]) / (2 * STEP)
    return made
