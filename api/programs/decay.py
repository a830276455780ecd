"""Steps that go down a loss and pull a parameter to zero besides: weight decay.

    w -= rate * (dw + 0.1 * w)        is a step down        loss + 0.1/2 * np.sum(w**2)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gradproof.checks.results import Check, CheckResult
from gradproof.programs.parameters import Parameter, shown

NEAR = 1e-7
"""How far entries may be from the sum of slope and decay, relative to the largest."""


def with_decay(
    result: CheckResult, parameters: Sequence[Parameter], loss: str, scale: float = 1.0
) -> CheckResult:
    """A result in which a step with a decay is undecided: the loss that is stated may lack it.

    scale: by what the result's own loss is larger than the one that is stated.
    """
    found = {by.name: part / scale for one, by in zip(result, parameters, strict=True)
             if by.is_step and (part := _decay(one, by)) is not None}
    if not found or any(one.verdict == "refuted" and one.name not in found for one in result):
        return result
    whole = loss + "".join(
        f" + {found[by.name]:.6g}/2 * np.sum({shown(by.paths[0])}**2)"
        for by in parameters if by.name in found)
    return replace(result, first_wrong="", place=None, repair=None, unrepaired="", checks=tuple(
        replace(one, verdict="undecided", diagnosis="", reason=(
            f"the step pulls {one.name} to zero, too (weight decay), of which {loss} knows "
            f"nothing; with it: --loss=\"{whole}\"")) if one.name in found else one
        for one in result))


def _decay(check: Check, by: Parameter) -> float | None:
    """The decay of a refuted step, relative to the slope; None where it is no such step."""
    start = np.asarray(by.start, dtype=float)
    rows = [(derived, start[place], hand) for place, derived, hand, _ in check.sample]
    if check.verdict != "refuted" or len(rows) < 3:
        return None
    table = np.array(rows)
    slope, decay = np.linalg.lstsq(table[:, :2], table[:, 2], rcond=None)[0]
    rest = np.max(np.abs(table[:, :2] @ (slope, decay) - table[:, 2]))
    if slope <= 0 or decay <= 0 or rest > NEAR * np.max(np.abs(table[:, 2])):
        return None
    return float(decay / slope)
