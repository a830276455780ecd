"""From a refutation to a search: suspected lines, likely factors, and what must come out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from gradproof.numeric import Diagnosis
from gradproof.repair.fits import Wanted
from gradproof.symbolic.dependence import ancestors
from gradproof.symbolic.proof.prover import Prover
from gradproof.symbolic.tracing.run import SourceLine, Trace

ACCURACY = 1e-9
"""How far a right gradient may be from the derived one, relative to the largest entry."""

LARGEST = 1000
"""The largest denominator of a factor that is a plain number."""


def wanted_at(
    looked: Sequence[tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, float]]],
) -> list[Wanted]:
    """What is wanted, from (values, true gradients, error bounds) at each point."""
    found = []
    for values, true, bounds in looked:
        due = {}
        for name, gradient in true.items():
            array = np.asarray(gradient, dtype=float)
            if array.size and np.all(np.isfinite(array)):
                allowed = ACCURACY * float(np.max(np.abs(array))) + 2 * bounds.get(name, 0.0)
                due[name] = (array, allowed + 1e-300)
        if due:
            found.append(Wanted(values, due))
    return found


def suspicion(
    prover: Prover | None, hand: Trace | None, arrays: Sequence[str], first: SourceLine | None
) -> dict[tuple[str, int], float]:
    """What an edit costs more on each line of the trace; nothing on the first wrong line.

    One edit has to mend all the wrong `arrays`, so lines on the way to all of them come next:
    those from which no proven array follows, then those from which one does.
    """
    found: dict[tuple[str, int], float] = {}
    if prover is not None and hand is not None and arrays:
        proven = [name for name, steps in prover.proven.items() if steps]
        harmless = {*ancestors(hand.system, proven)}
        common = set.intersection(*({*_lines(hand, [array])} for array in arrays))
        wrong = {*ancestors(hand.system, arrays)} - harmless
        for array in hand.lines:
            for key in _lines(hand, [array], above=False):
                extra = 0.3 if array in wrong else 0.8
                found[key] = min(extra if key in common else 2.0, found.get(key, 9.0))
    if first is not None:
        found[first.filename, first.line] = 0.0
    return found


def _lines(
    hand: Trace, arrays: Sequence[str], above: bool = True
) -> Iterator[tuple[str, int]]:
    """The lines on which arrays, and those they follow from, are computed."""
    for array in ancestors(hand.system, arrays) if above else arrays:
        place = hand.lines.get(array)
        if place is not None:
            yield place.filename, place.line


def suggested_factors(
    measured: Iterable[tuple[Diagnosis | None, Mapping[str, int]]]
) -> list[tuple[Fraction, dict[int, int]]]:
    """The factors that would mend wrong gradients, from what each is wrong by, and the sizes at its
    first point; in the factors they are numbers."""
    found = []
    for diagnosis, sizes in measured:
        if diagnosis is not None and diagnosis.coefficient:
            powers = {sizes[size]: -power for size, power in diagnosis.exponents.items()}
            factor = (1 / diagnosis.coefficient, powers)
            if factor not in found and factor != (Fraction(1), {}):
                found.append(factor)
        elif diagnosis is not None and diagnosis.kind == "factor" and diagnosis.ratio:
            near = Fraction(1 / diagnosis.ratio).limit_denominator(LARGEST)
            if near and abs(near * Fraction(diagnosis.ratio) - 1) < ACCURACY:
                found.append((near, {}))
    return found
