"""Points where arrays hold the very numbers that a program compares them with.

    where(x == 0, 5, 3*x**2)   ->   a point where half of x's entries are 0

Drawn numbers never meet such a value.  A proof counts it as a kink for what is differentiated by;
where the loss has none, the numbers are to decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from gradproof.checks.inputs import leaves
from gradproof.checks.points import Point
from gradproof.checks.subject import Subject
from gradproof.symbolic.proof.compared_values import (
    at_compared_values,
    compared_values,
    equated_values,
)


def coinciding_points(subject: Subject, points: Sequence[Point]) -> list[Point]:
    """Points with data at the numbers that they are compared with, and with what is
    differentiated by at those where only equality, or both sides, are asked for."""
    if subject.derived is None or subject.hand is None:
        return []
    at = next((point for point in points if not point.elsewhere), None)
    if at is None:
        return []
    systems = subject.derived, subject.hand.system
    declared = {a.name: a for spec in subject.declared.values() for a in leaves(spec)}
    data = set() if at.given else {name for name in declared if name not in subject.by}
    values = {**compared_values(systems, data), **equated_values(systems, subject.by)}
    found = []
    for number in range(2 if values else 0):
        rng = np.random.default_rng([11, number])
        chosen = {name: at_compared_values(declared[name], at.values[name], some, rng, number)
                  for name, some in values.items()
                  if np.asarray(at.values[name]).dtype.kind == "f"}
        said = ", ".join(f"{name} = {' or '.join(f'{v:g}' for v in values[name])}"
                         for name, value in chosen.items()
                         if np.any(value != at.values[name]))
        if said:
            found.append(replace(at, values={**at.values, **chosen}, given=False, branch=said))
    return found
