"""A result with what was seen of a backward pass in the circumstances of a framework."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from gradproof.checks.causes.failures import failure_of
from gradproof.checks.circumstances.ways import Framework, NotTakenError, Way, Wrong, differing
from gradproof.checks.results import PASSES, CheckResult
from gradproof.limits.deadline import attempted
from gradproof.symbolic.places import SourceLine

EXPLAINING = 0.4
"""Of the time that is left."""
NOT_LOOKED = ("not all of what its framework may do around it was looked at: that failed, or "
              "time ran out")


def in_circumstances(
    result: CheckResult, looked: Callable[[], Framework | None]
) -> CheckResult:
    """The result, where what passes is refuted that is wrong in a circumstance; `looked` gives what
    there is to look at it with.  Where that does not come to its end in time, this is said."""
    if result.verdict not in PASSES:
        return result

    def found() -> CheckResult:
        seen = looked()
        return result if seen is None else _looked_at(result, seen)

    return attempted(found, noted(result, NOT_LOOKED), EXPLAINING)


def _looked_at(result: CheckResult, seen: Framework) -> CheckResult:
    with seen.quietly(), np.errstate(all="ignore"):
        wrong, place = _found(seen, [check.name for check in result.checks])
        if not wrong:
            return _assuming(_twice(result, seen), _attempt(seen.assumed, []))
    checks = tuple(replace(check, verdict="refuted", scope="", reason=wrong[check.name],
                           entry=None) if check.name in wrong else check
                   for check in result.checks)
    first = f"first wrong: {place}" if place is not None else ""
    return replace(result, checks=checks, place=result.place or place,
                   first_wrong=result.first_wrong or first)


def _found(seen: Framework, names: list[str]) -> tuple[Wrong, SourceLine | None]:
    """The gradients that are wrong in some circumstance, with that; and the line."""
    for way in seen.ways():
        wrong, place = _wrong(way, seen, names)
        if wrong:
            return wrong, place
    for wrong, place in seen.further():
        if wrong:
            return wrong, place
    return {}, None


def _wrong(way: Way, seen: Framework, names: list[str]) -> tuple[Wrong, SourceLine | None]:
    try:
        found = way.run()
    except NotTakenError:
        return {}, None
    except Exception as error:
        raised = failure_of(error)
        text = f"fails where {way.said}: {raised.text}"
        return dict.fromkeys(names, text), seen.own(raised.place)
    apart = differing(found, way.due)
    if not apart:
        return {}, None
    said = {name: f"wrong where {way.said}: it differs by {gap:.3g} at {seen.at}"
            if gap < float("inf") else f"of another shape where {way.said}"
            for name, gap in apart.items()}
    return said, _attempt(partial(seen.line, way), None)


def _twice(result: CheckResult, seen: Framework) -> CheckResult:
    """With what is known of the derivative of backward."""
    found = _attempt(seen.second, None)
    if not found or any(one.verdict == "undecided" for one in found.values()):
        return result
    wrong = [one for one in found.values() if one.verdict == "refuted"]
    if wrong:
        by = ", ".join(f"{one.name}: {one.worst.gap:.2g}" if one.worst is not None
                       else f"{one.name}: {one.reason}" for one in wrong)
        said = (f"a second derivative through it is wrong at {seen.at} (by {by}): "
                f"{seen.of_second(True, False)}")
    elif why := seen.of_second(False, result.verdict == "proved"):
        said = f"a second derivative through it is proved as well: {why}"
    else:
        bound = max((one.bound for one in found.values()), default=0.0)
        said = (f"a second derivative through it agrees with differences at {seen.at} "
                f"(within {bound:.2g})")
    return noted(result, said)


def noted(result: CheckResult, said: str) -> CheckResult:
    return replace(result, checks=tuple(
        replace(check, notes=(*check.notes, said)) for check in result.checks))


def _assuming(result: CheckResult, said: list[str]) -> CheckResult:
    return replace(result, checks=tuple(
        replace(check, assumptions=(*check.assumptions, *said)) for check in result.checks)
    ) if said else result


def _attempt(run: Callable[[], Any], otherwise: Any) -> Any:
    try:
        return run()
    except Exception:  # what a circumstance cannot be made for says nothing
        return otherwise
