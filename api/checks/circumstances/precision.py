"""Float32 and bfloat16: gradients there, against those of the same numbers in float64.

A backward pass may lose digits as any program does: what its inputs' last digits change of its
gradients, and what rounding leaves of them, is allowed many times over.  What is left is a pass
that computes something else at that precision, or that does not run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gradproof.checks.causes.failures import in_one_line
from gradproof.checks.circumstances.applied import Applied, Values, quietly

GROSS = {"float32": 1e-3, "bfloat16": 0.25}
"""Relative to the largest entry: what no loss of digits of a usable program comes to."""
TIMES = 30.0
"""By how much more than what the last digits of the inputs change."""
LACKS = ("not implemented for", "not supported", "unsupported")
"""What PyTorch says of an operation that it has not at a precision."""


def narrow(
    applied: Applied, values: Values, bars: Sequence[str],
    due: Callable[[Values], Mapping[str, Any]],
) -> dict[str, str]:
    """What is to be said of each gradient that is another one at a precision."""
    said: dict[str, str] = {}
    for title in GROSS:
        for name, text in _at(title, applied, values, bars, due).items():
            said.setdefault(name, text)
    return said


def _at(
    title: str, applied: Applied, values: Values, bars: Sequence[str],
    due: Callable[[Values], Mapping[str, Any]],
) -> dict[str, str]:
    torch = sys.modules["torch"]
    dtype = getattr(torch, title)

    def rounded(value: Any) -> Any:
        if np.asarray(value).dtype.kind != "f":
            return value
        return torch.from_numpy(np.array(value)).to(dtype).double().numpy()

    there = {name: rounded(value) for name, value in values.items()}
    with quietly(dtype if title == "float32" else torch.float32):
        tensors = applied.tensors(there, applied.wrt, dtype=dtype)
        try:
            outputs = applied.outputs(tensors)
        except Exception:  # what the forward pass does not take says nothing of backward
            return {}
        if any(not torch.isfinite(out).all() for out in outputs):
            return {}
        back = [torch.from_numpy(np.array(there[name])).to(out.dtype)
                for name, out in zip(bars, outputs, strict=True)]
        try:
            found = applied.gradients(tensors, outputs, back)
        except Exception as error:
            if any(text in str(error) for text in LACKS):
                return {}
            return dict.fromkeys(applied.wrt, f"fails in {title}: {in_one_line(error)}")
    return _apart(title, found, there, due, 0.5 * torch.finfo(dtype).eps)


def _apart(
    title: str, found: Mapping[str, Any], there: Values,
    due: Callable[[Values], Mapping[str, Any]], digit: float,
) -> dict[str, str]:
    wanted, moves, said = due(there), dict[str, Any](), dict[str, str]()
    rng = np.random.default_rng(6)
    for _ in range(3):
        near = {name: value * (1 + digit * rng.choice([-1, 1], size=np.shape(value)))
                if np.asarray(value).dtype.kind == "f" else value for name, value in there.items()}
        with np.errstate(all="ignore"):
            for name, value in due(near).items():
                moves[name] = np.maximum(np.abs(value - wanted[name]), moves.get(name, 0.0))
    for name, value in found.items():
        one, other = value.double().cpu().numpy(), np.asarray(wanted[name])
        if one.shape != other.shape or not np.all(np.isfinite(other)):
            continue
        largest = float(np.max(np.abs(other), initial=0.0))
        allowed = TIMES * float(np.max(moves[name], initial=0.0)) + GROSS[title] * max(largest, 1.0)
        with np.errstate(all="ignore"):
            gap = float(np.max(np.abs(one - other), initial=0.0))
        if not gap <= allowed:
            said[name] = (f"wrong in {title}: it differs by {gap:.2g} from what it gives in "
                          f"float64, of {largest:.2g} at most")
    return said
