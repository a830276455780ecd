"""The order in which edits are tried: the likeliest first, and each line only in its turn."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from gradproof.repair.edits import Edit

ELSEWHERE = 0.7
"""What an edit costs more on a line of which nothing is known."""

CROWDING = 0.15
"""What an edit costs more for each factor e in the number of edits of its statement."""

CHEAPEST = 0.8
"""No edit costs less."""


@dataclass(frozen=True)
class Group:
    """The edits of one statement, which are only made when they are asked for."""

    file: str
    lines: range
    edits: Callable[[], Iterator[Edit]]


def ranked(
    groups: Iterable[Group], suspicion: Mapping[tuple[str, int], float]
) -> Iterator[tuple[float, Edit]]:
    """The edits, the cheapest first, each with what it costs.

    On a line that is not suspected they cost more; and each is the less likely, the more there
    are in its statement, so that short statements are done with early.
    """
    numbers = itertools.count()
    waiting: list[tuple[float, int, Group | Edit]] = []
    for group in groups:
        least = min(suspicion.get((group.file, line), ELSEWHERE) for line in group.lines)
        heapq.heappush(waiting, (CHEAPEST + least, next(numbers), group))
    while waiting:
        cost, _, first = heapq.heappop(waiting)
        if isinstance(first, Edit):
            yield cost, first
            continue
        found = list(first.edits())
        crowd = CROWDING * math.log(len(found) + 1)
        for edit in found:
            own = getattr(edit.slot.get(), "lineno", edit.line)
            line = min(suspicion.get((first.file, number), ELSEWHERE)
                       for number in (edit.line, own))
            heapq.heappush(waiting, (edit.change.cost + line + crowd, next(numbers), edit))
