"""What a report shows of running the generated program: steps of training, and the error of a
difference quotient against its step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

import numpy as np

from gradproof.checks.hand_written import ranged
from gradproof.checks.points import random_points
from gradproof.checks.results import Check, CheckResult
from gradproof.derivations.derivation import Derivation
from gradproof.derivations.sources import values_of
from gradproof.reports.sections.error_curve import ErrorCurve
from gradproof.reports.sections.training import Training
from gradproof.reports.worked.digits import show
from gradproof.symbolic.equation import Array, EquationError
from gradproof.symbolic.exact.numbers import exact
from gradproof.symbolic.specs.program import Program, Spec

Values = dict[str, Any]

STEPS_OF_H = tuple(10 ** (-place / 3) for place in range(1, 43))
"""From about 0.5 down to 1e-14, three a decade."""
MOST_NUMBERS = 1_000_000
"""Of the inputs of a loss that is evaluated some ninety times."""
MOST_LISTED = 60
"""Numbers that are listed one by one, to see a measurement again."""


def training_of(derivation: Derivation, spec: Spec) -> Training | None:
    """Gradient descent from the values that a spec has, with its learning rate and as many steps as
    it says, fewer where the loss is finite no more; None where it lacks something of these, or
    where the equations have no spelling in NumPy."""
    if spec.learning_rate is None or not spec.steps:
        return None
    values = _given(derivation, spec)
    if values is None:
        return None
    rate = exact(spec.learning_rate)
    try:
        run = derivation.compile()
    except EquationError:
        return None
    losses, norms, left = [], [], ""
    with np.errstate(all="ignore"):
        for step in range(spec.steps + 1):
            loss, gradients = run(**values)
            losses.append(float(loss))
            norms.append(_norm(gradients))
            if not isfinite(losses[-1]) or step == spec.steps:
                break
            moved = {name: values[name] - float(rate) * gradient
                     for name, gradient in gradients.items()}
            left = next((array.name for array in derivation.system.inputs
                         if array.name in moved and not _is_within(array, moved[array.name])), "")
            if left:
                break
            values |= moved
    writer = derivation.writer
    return Training(losses, norms, show(rate, 12).latex,
                    [writer.name(name, latex=True) for name in derivation.chain.wrt],
                    writer.name(left, latex=True) if left else "")


def _is_within(array: Array, values: Any) -> bool:
    """Whether numbers are between the bounds that are declared of an input."""
    low, high = array.bounds
    return not ((low is not None and np.any(values <= float(low)))
                or (high is not None and np.any(values >= float(high))))


def _norm(gradients: Mapping[str, Any]) -> float:
    """The root of the sum of all squares, which may themselves be too large for a float."""
    largest = max((float(np.max(np.abs(g), initial=0)) for g in gradients.values()), default=0.0)
    if not largest or not isfinite(largest):
        return largest
    return largest * float(np.sqrt(sum(np.sum(np.square(g / largest)) for g in gradients.values())))


def _given(derivation: Derivation, spec: Spec) -> Values | None:
    """The spec's values; None where some are missing."""
    found = {} if isinstance(spec, Program) else values_of(spec)
    if not {array.name for array in derivation.system.inputs} <= found.keys():
        return None
    return {array.name: found[array.name] for array in derivation.system.inputs}


def error_curve_of(derivation: Derivation, result: CheckResult) -> ErrorCurve | None:
    """The error of difference quotients of one entry of a gradient that was checked: where one is
    refuted, of the entry that is furthest off, else of the largest.

    The values are the spec's, or the first at which the check looked; the hand-written entry is
    known where the check has it of the same values.  None where all gradients are zero, where a
    loss would be evaluated on more than MOST_NUMBERS, or has no spelling in NumPy.
    """
    assert derivation.network is not None
    values, listed = _given(derivation, derivation.network), ""
    if values is None:
        values = random_points(ranged(list(derivation.system.inputs), derivation.network))[0].values
        listed = _listing(values)
    if sum(np.size(value) for value in values.values()) > MOST_NUMBERS:
        return None
    try:
        loss, run = derivation.loss_function(), derivation.compile()
    except EquationError:
        return None
    with np.errstate(all="ignore"):
        _, gradients = run(**values)
        chosen = _chosen(result, gradients)
        if chosen is None:
            return None
        name, at, hand = chosen
        derived = float(gradients[name][at])
        points = list(_quotients(loss, values, name, at, derived))
    entry = name + (f"[{','.join(map(str, at))}]" if at else "")
    return ErrorCurve(entry, [(h, one) for h, one, _ in points], [(h, two) for h, _, two in points],
                      derived, hand, listed)


def _chosen(
    result: CheckResult, gradients: Mapping[str, Any]
) -> tuple[str, tuple[int, ...], float | None] | None:
    """Which entry, and what the hand-written program has for it at these values, where that is
    known."""
    refuted = [check for check in result if check.verdict == "refuted"]
    for check in refuted:
        known = [(abs(hand - derived), at, hand) for at, derived, hand, _ in check.sample
                 if _is_same(check, at, derived, gradients) and isfinite(hand)]
        if known and max(known)[0] > 0:
            _, at, hand = max(known)
            return check.name, at, hand
    for check in (*refuted, *result):
        largest = np.abs(np.asarray(gradients.get(check.name, 0.0), dtype=float))
        if largest.size and isfinite(largest.max()) and largest.max() > 0:
            at = tuple(map(int, np.unravel_index(largest.argmax(), largest.shape)))
            return check.name, at, None
    return None


def _is_same(
    check: Check, at: tuple[int, ...], derived: float, gradients: Mapping[str, Any]
) -> bool:
    """Whether a check's entry is of these values: its derived value is that computed here."""
    found = np.asarray(gradients.get(check.name, np.nan))
    return found.ndim == len(at) and bool(np.isclose(found[at], derived, rtol=1e-12, atol=0))


def _quotients(
    loss: Any, values: Values, name: str, at: tuple[int, ...], derived: float
) -> Iterator[tuple[float, float, float]]:
    """(step, distance of the forward quotient, of the central one)."""
    here = float(loss(**values))

    def moved(step: float) -> float:
        array = np.array(values[name], dtype=float)
        array[at] += step
        return float(loss(**{**values, name: array}))

    for step in STEPS_OF_H:
        above, below = moved(step), moved(-step)
        yield (step, abs((above - here) / step - derived),
               abs((above - below) / (2 * step) - derived))


def _listing(values: Values) -> str:
    """A program that makes the values: their numbers, or where these are many the draw itself."""
    if sum(np.size(value) for value in values.values()) > MOST_LISTED:
        return ("from gradproof.checks.hand_written import ranged\n"
                "from gradproof.checks.points import random_points\n\n"
                "values = random_points(ranged(list(derivation.system.inputs), network))[0].values")
    return "import numpy as np\n\n" + "\n".join(
        f"{name} = np.array({np.asarray(value).tolist()!r})" for name, value in values.items())
