"""Arrays of a recurrence, proven equal to left arrays together.

    g[t] = h[t + 1] + w g[t + 1],  left array d   ->   d satisfies it, so g = d

A recurrence has one solution.  The left arrays are it, up to their factors, if they satisfy its
equations: so the equations are looked at with the left arrays put in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..normalform.forms import Notes
from ..normalform.guards import size_poly
from ..normalform.polynomial import BudgetError, UnsupportedError, plus
from .sampling import Match
from .sides import ProvenPair, Sides

Pairs = Mapping[str, tuple[str, Match]]


def settle_recurrence(sides: Sides, group: Sequence[str], wanted_left: list[str]) -> None:
    """Finds a left array for the right arrays of a group by numbers, and proves all or none."""
    pairs: dict[str, tuple[str, Match]] = {}
    for right in group:
        sides.proven[right] = []
        for left in sides.alike(right, wanted_left):
            found = sides.match(left, right)
            if found is not None and not (sides.same and left in group):
                pairs[right] = left, found
                break
    known = dict(sides.forms.definitions)
    try:
        notes = _satisfied(sides, group, pairs) if pairs else None
    except (BudgetError, UnsupportedError):
        notes = None
    if notes is None:
        sides.forms.definitions = known
        for right in group:
            sides.forms.forms.pop((sides.names[1], right), None)
        return
    for right, (left, found) in pairs.items():
        sides.proven[right].append((left, found))
        sides.used[left, right] = notes
        sides.steps.append(ProvenPair(left, right, found.factor))


def _satisfied(sides: Sides, group: Sequence[str], pairs: Pairs) -> Notes | None:
    """What it relies on that the left arrays satisfy the group's equations; None if not.

    The left side is worked out before the left arrays take the place of the right ones, so that
    nothing on it is assumed.
    """
    forms, notes = sides.forms, Notes()
    near = {
        member
        for left, _ in pairs.values()
        for member in forms.recurrent.get((sides.names[0], left), ())
    }
    said = {}
    for name in near:
        said[name], relied = forms.right_side(name)
        notes.add(relied)
    first = {left: sides.form(0, left, notes) for left, _ in pairs.values()}
    for right, (left, found) in pairs.items():
        sides.form(1, right, notes)
        sides.put(right, found, first[left])
    for right in group:
        said[sides.names[1], right], relied = forms.right_side((sides.names[1], right))
        notes.add(relied)
    apart = {(sides.names[1], right) for right in group if right not in pairs}
    for name in near | apart:
        forms.definitions[forms.cut_base(name)] = said[name]
    for right, (left, found) in pairs.items():
        second = sides.moved(right, found, said[sides.names[1], right])
        scale = size_poly(sides.table, found.factor)
        mine = said.get((sides.names[0], left), first[left])
        if not sides.is_zero(plus(mine, sides.table.times(scale, second), -1), notes):
            return None
    return notes
