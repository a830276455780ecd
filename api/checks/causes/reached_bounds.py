"""A gradient that is right until a bound of its own acts, which the loss's gradient does not have.

    grad = np.clip(grad, -10, 10)   ->   right at all random points, wrong beyond 10
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gradproof.checks.causes.sides import BY_CHANCE
from gradproof.checks.causes.wrong_line import FirstWrong
from gradproof.checks.measuring import Measurements
from gradproof.checks.results import Check


def beyond_bounds(
    numbers: Measurements, checks: Sequence[Check]
) -> tuple[tuple[Check, ...], FirstWrong | None]:
    """The checks with this as their diagnosis where numbers alone say nothing, and the line with
    the bound; None where no gradient is wrong beyond a bound alone."""
    made, place = list[Check](), None
    for check in checks:
        wrong = [found.point for found in numbers.observed[check.name]
                 if found.comparison.verdict == "refuted"]
        right = any(not found.point.branch for found in numbers.observed[check.name])
        if check.verdict == "refuted" and right and wrong \
                and all(point.bound is not None for point in wrong):
            point = wrong[0]
            place = place or point.bound
            found = numbers.diagnosis(check.name)
            if found is None or found.kind in BY_CHANCE:
                check = replace(check, diagnosis=(
                    f"right at random points, wrong {point.branch}: a bound that the loss's "
                    "gradient does not have"))
        made.append(check)
    return tuple(made), None if place is None else FirstWrong(f"first wrong: {place}", place)
