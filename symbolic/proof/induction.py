"""Arrays of a recurrence, proven equal to left arrays together.

    g[t] = h[t + 1] + w g[t + 1],  left array d   ->   d satisfies it, so g = d

A recurrence has one solution.  The left arrays are it, up to their factors, if they satisfy its
equations: so the equations are looked at with the left arrays put in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction

from ..assumptions import Assumption
from ..equation import Equation, Read, System, Term, slot
from ..normalform.forms import Forms, Name, Notes
from ..normalform.guards import size_poly
from ..normalform.polynomial import BudgetError, UnsupportedError, plus
from ..substitution import rename_bound, substitute_term
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


def settle_unknown(sides: Sides, right: str, wanted_left: list[str]) -> None:
    """Finds a left array for what the right side solves for by numbers, and proves it.

    The left array is a solution if it satisfies the right equation, by what it is solved for
    itself, where it is: that it is the same solution, of several, is assumed.
    """
    forms = sides.forms
    name = sides.names[1], right
    sides.proven[right] = []
    for left in sides.alike(right, wanted_left):
        found = sides.match(left, right)
        if found is None or found.factor != 1 or sides.same:
            continue
        notes = Notes(set(), {Assumption(left, "same solution")})
        try:
            first = sides.form(0, left, notes)
            forms.notes[name] = Notes()
            sides.put(right, found, first)
            with _held_against(forms, name):
                solves = _solves(sides, left, right, found, notes)
            if solves:
                for other in forms.unknowns[name][:-1]:  # which may read the unknown from here on
                    forms.forms.pop(other, None)
                forms.fold(name, forms.forms[name])
                sides.proven[right].append((left, found))
                sides.used[left, right] = notes
                sides.steps.append(ProvenPair(left, right, found.factor))
                return
        except (BudgetError, UnsupportedError):
            pass
        for other in forms.unknowns[name]:  # what was assumed of it is undone
            forms.forms.pop(other, None)
            forms.definitions.pop(forms.cut_base(other), None)


@contextmanager
def _held_against(forms: Forms, name: Name) -> Iterator[None]:
    """While it is asked whether what is put in for an unknown solves its equation, that equation is
    not used: an unknown is not read where its right side stands."""
    forms.unproven = name
    try:
        yield
    finally:
        forms.unproven = None


def _solves(sides: Sides, left: str, right: str, found: Match, notes: Notes) -> bool:
    """Whether the left array, put in for the right one, is what the right one is solved for."""
    forms = sides.forms
    said, relied = forms.right_side((sides.names[1], right))
    notes.add(relied)
    mine = sides.form(0, left, notes)
    gap = plus(mine, sides.moved(right, found, said), -1)
    if sides.is_zero(sides.table.rewrite(gap, {}, forms.folds), notes):
        return True
    if (sides.names[0], left) not in forms.unknowns:
        return False
    said, relied = forms.right_side((sides.names[0], left))
    notes.add(relied)
    own = plus(mine, said, -1)
    factors = [Fraction(gap[mono]) / Fraction(number) for mono, number in own.items()
               if mono in gap]
    return any(sides.is_zero(plus(gap, own, -factor), notes)  # x - f, up to a number
               for factor in dict.fromkeys(factors) if factor)


def settle_explicit(sides: Sides, left: str, right: str, found: Match) -> bool:
    """Whether a right array, which is computed, satisfies what the left one is solved for; then it
    is that, as the same solution."""
    forms, name = sides.forms, (sides.names[0], left)
    if sides.same or found.factor != 1:
        return False
    notes = Notes(set(), {Assumption(left, "same solution")})
    known, folds, definitions = dict(forms.forms), dict(forms.folds), dict(forms.definitions)
    try:
        poly = sides.moved(right, found, sides.form(1, right, notes))
        if any(forms.cut_base(name) in sides.table.inner(base)
               for mono in poly for base, _, _ in mono):
            return False
        forms.folds.clear()
        for other in [other for other in forms.forms if other[0] == name[0]]:
            del forms.forms[other]  # all that may read it
        forms.forms[name] = poly
        with _held_against(forms, name):
            said, relied = forms.right_side(name)
        notes.add(relied)
        if sides.is_zero(plus(poly, said, -1), notes):
            sides.used[left, right] = notes
            return True
    except (BudgetError, UnsupportedError):
        pass
    forms.forms, forms.folds, forms.definitions = known, folds, definitions
    return False


def settle_inverted(sides: Sides, left: str, right: str, found: Match) -> bool:
    """Whether what the left side solves for, x, satisfies F x = v where the right array is F⁻¹ v;
    then it is that array."""
    name = sides.names[1], right
    product = _with_inverse(sides.right, right)
    if sides.same or product is None or found.factor != 1:
        return False
    forms, notes = sides.forms, Notes(set(), {Assumption(left, "same solution")})
    known = forms.forms.get(name)
    try:
        mine = sides.form(0, left, notes)
        forms.notes[name] = Notes()
        sides.put(right, found, mine)
        gap, relied = forms.side_of(name, product)
        notes.add(relied)
        said, relied = forms.right_side((sides.names[0], left))
        notes.add(relied)
        own, gap = plus(mine, said, -1), sides.moved(right, found, gap)
        factors = [Fraction(gap[mono]) / Fraction(number) for mono, number in own.items()
                   if mono in gap]
        if any(sides.is_zero(plus(gap, own, -factor), notes)
               for factor in dict.fromkeys(factors) if factor):
            sides.used[left, right] = notes
            return True
    except (BudgetError, UnsupportedError):
        pass
    forms.forms.pop(name, None)
    if known is not None:
        forms.forms[name] = known
    return False


def _with_inverse(system: System, name: str) -> Equation | None:
    """F x - v for an array x that is F⁻¹ v; None for another."""
    made = system[name]
    if len(made.terms) != 1 or len(made.out) != 1 or len(made.terms[0].over) != 1:
        return None
    (term,), (row,) = made.terms, made.out
    (column,) = term.over
    if term.body != slot(0) * slot(1) or len(term.reads) != 2 or term.guards:
        return None
    inverses = {e.name: e for e in system.equations if e.reduction == "inv" and len(e.out) == 2}
    for matrix, vector in (term.reads, term.reads[::-1]):
        inverse = inverses.get(matrix.array)
        if inverse is None or matrix.at != (row.symbol, column.symbol) or (
                vector.at != (column.symbol,)):
            continue
        (entry,) = inverse.terms
        by = {index.symbol: own.symbol for index, own in zip(
            inverse.out, (row, column), strict=True)}
        entry = substitute_term(rename_bound(entry, [row.name, column.name]), by)
        times = Term(entry.body * slot(len(entry.reads)),
                     (*entry.reads, Read(name, (column.symbol,))),
                     (*entry.over, column), entry.guards)
        return Equation(name, (row,), (times, Term(-slot(0), (Read(vector.array, (row.symbol,)),))))
    return None
