"""Cases as a reader writes them: one brace for braces in braces, an interval for what says one.

    {{x² if x > -1, 1 otherwise} if x ≤ -1 or x < 1, 1 otherwise}
    ->  {x² if -1 < x < 1, 1 otherwise}

That is what a clip leaves.  Every point keeps the value that it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import sympy as sp
from sympy.core.relational import Relational

from ..relations import as_relations

Case = tuple[sp.Expr, sp.Basic]
LONG = 8
"""Comparisons of a condition up to which its alternatives are looked at one by one."""


class Bound(NamedTuple):
    """A comparison of `of`, whose first coefficient is 1 (so that x > 1 and -2 x < 3 are of one x),
    with a number."""

    of: sp.Expr
    at: sp.Rational
    holds: tuple[bool, bool, bool]
    """Below the number, there, and above it."""


_HOLDS = {sp.Lt: (True, False, False), sp.Le: (True, True, False), sp.Gt: (False, False, True),
          sp.Ge: (False, True, True), sp.Eq: (False, True, False), sp.Ne: (True, False, True)}


@lru_cache(maxsize=1024)
def plain_cases(part: sp.Piecewise) -> sp.Expr:
    """An equal expression whose cases are in one brace, and of one number in the order it has.

    >>> x = sp.Symbol("x", real=True)
    >>> inner = sp.Piecewise((x**2, x > -1), (1, True))
    >>> plain_cases(sp.Piecewise((inner, (x <= -1) | (x < 1)), (1, True)))
    Piecewise((x**2, (x > -1) & (x < 1)), (1, True))
    """
    if all(not isinstance(value, sp.Piecewise) and not isinstance(condition, sp.And | sp.Or)
           for value, condition in part.args):
        return part
    cases = [(value, _shortest(as_relations(condition))) for value, condition in _flat(part.args)]
    bounds = {bound for _, condition in cases for bound in _bounds(condition)}
    if None not in bounds and len({bound.of for bound in bounds if bound}) == 1:
        found = _along_a_line(cases, {bound for bound in bounds if bound})
        return part if found is None else found
    cases = [case for case in cases if case[1] != sp.false]
    while len(cases) > 1 and cases[-1][0] == cases[-2][0]:
        del cases[-2]
    return sp.Piecewise(*cases, evaluate=False) if len(cases) > 1 else cases[0][0]


def _flat(args: Iterable[Case]) -> list[Case]:
    """Cases of cases as cases: the inner ones hold where the outer one does, too."""
    found: list[Case] = []
    for value, condition in args:
        inner = _flat(value.args) if isinstance(value, sp.Piecewise) else [(value, sp.true)]
        if len(inner) == 2 and isinstance(inner[0][1], Relational) and inner[1][1] == sp.true:
            inner = [inner[0], (inner[1][0], inner[0][1].negated)]
        found += [(one, sp.And(also, _given(also, condition))) for one, also in inner]
    return found


def _given(known: sp.Basic, condition: sp.Basic) -> sp.Basic:
    """What a condition asks for beside a comparison that holds."""
    if not isinstance(known, Relational):
        return condition
    return condition.xreplace({known: sp.true, known.negated: sp.false})


def _shortest(condition: sp.Basic) -> sp.Basic:
    """The condition, or its alternatives one by one, with fewer comparisons in it."""
    forms = [_simpler(condition)]
    if isinstance(condition, sp.And | sp.Or) and len(condition.atoms(Relational)) <= LONG:
        forms.append(_simpler(sp.Or(*map(_simpler, sp.Or.make_args(
            sp.to_dnf(condition, simplify=False))))))
    return min(forms, key=lambda form: len(_bounds(form)))


def _bounds(condition: sp.Basic) -> list[Bound | None]:
    """The comparisons in a condition; None for one of another kind."""
    if condition in (sp.true, sp.false):
        return []
    if isinstance(condition, sp.And | sp.Or):
        return [bound for part in condition.args for bound in _bounds(part)]
    return [_bound(condition)]


def _bound(relation: sp.Basic) -> Bound | None:
    if not isinstance(relation, Relational) or relation.func not in _HOLDS:
        return None
    number, of = sp.expand(relation.lhs - relation.rhs).as_coeff_Add()
    scale = sp.Add.make_args(of)[0].as_coeff_Mul()[0]
    if of == 0 or not scale.is_Rational or not number.is_Rational:
        return None
    holds = _HOLDS[relation.func]
    return Bound(sp.expand(of / scale), -number / scale, holds if scale > 0 else (
        holds[2], holds[1], holds[0]))


# --- of one number ------------------------------------------------------------------------------


def _holds(condition: sp.Basic, at: sp.Rational) -> bool:
    """Whether a condition on one number holds there."""
    if condition in (sp.true, sp.false):
        return bool(condition)
    if isinstance(condition, sp.And | sp.Or):
        every = all if isinstance(condition, sp.And) else any
        return every(_holds(part, at) for part in condition.args)
    bound = _bound(condition)
    assert bound is not None
    return bound.holds[0 if at < bound.at else 1 if at == bound.at else 2]


def _cells(bounds: Iterable[Bound]) -> tuple[list[sp.Rational], list[sp.Rational]]:
    """Where a line is cut, and a number of each cell: below, at, and between the cuts."""
    cuts = sorted({bound.at for bound in bounds})
    cells = [cuts[0] - 1]
    for place, cut in enumerate(cuts):
        cells += [cut, (cut + cuts[place + 1]) / 2 if place + 1 < len(cuts) else cut + 1]
    return cuts, cells


def _runs(kept: Sequence[object]) -> list[tuple[int, int]]:
    """First and last of the cells in a row that keep the same."""
    starts = [place for place, one in enumerate(kept) if place == 0 or one != kept[place - 1]]
    return [(start, end - 1) for start, end in zip(starts, [*starts[1:], len(kept)], strict=True)]


def _said(first: int, last: int, of: sp.Expr, cuts: Sequence[sp.Rational]) -> sp.Basic:
    """The condition of the cells from first to last, of which odd ones are cuts."""
    parts = []
    if first > 0:
        cut = cuts[(first - 1) // 2]
        parts.append(sp.Ge(of, cut) if first % 2 else sp.Gt(of, cut))
    if last < 2 * len(cuts):
        cut = cuts[last // 2]
        parts.append(sp.Le(of, cut) if last % 2 else sp.Lt(of, cut))
    return sp.And(*parts)


def _along_a_line(cases: Sequence[Case], bounds: set[Bound]) -> sp.Expr | None:
    """The cases of conditions on one number, one for each stretch that has a value of its own, the
    one without an end last; None where a stretch is a point."""
    of = next(iter(bounds)).of
    cuts, cells = _cells(bounds)
    kept = []
    for cell in cells:
        value = next((value for value, condition in cases if _holds(condition, cell)), None)
        if value is None:
            return None
        kept.append(value)
    runs = _runs(kept)
    if any(first == last and first % 2 for first, last in runs):
        return None
    if len(runs) == 1:
        return kept[0]
    if len(runs) == 3 and kept[runs[0][0]] == kept[runs[2][0]]:
        return sp.Piecewise((kept[runs[1][0]], _said(*runs[1], of, cuts)), (kept[0], True),
                            evaluate=False)
    rest = [(kept[first], _said(first, 2 * len(cuts), of, cuts)) for first, _ in reversed(runs[1:])]
    return sp.Piecewise(*rest, (kept[0], True), evaluate=False)


def _simpler(condition: sp.Basic) -> sp.Basic:
    """The condition with its comparisons of one expression as one: x ≥ 6/5 for x ≥ 6/5 and x >
    4/5."""
    if not isinstance(condition, sp.And | sp.Or):
        return condition
    parts = [_simpler(part) for part in condition.args]
    groups: dict[sp.Expr, list[sp.Basic]] = {}
    others = []
    for part in parts:
        found = _bounds(part)
        of = {bound.of if bound else None for bound in found}
        if len(of) == 1 and None not in of:
            groups.setdefault(of.pop(), []).append(part)
        else:
            others.append(part)
    joined = [_joined(condition.func(*group), of) for of, group in groups.items()]
    return condition.func(*others, *joined)


def _joined(condition: sp.Basic, of: sp.Expr) -> sp.Basic:
    """A condition on one expression as the stretches where it holds."""
    bounds = [bound for bound in _bounds(condition) if bound]
    if len(bounds) < 2:
        return condition
    cuts, cells = _cells(bounds)
    kept = [_holds(condition, cell) for cell in cells]
    if not any(kept):
        return sp.false
    stretches = [_said(*run, of, cuts) for run in _runs(kept) if kept[run[0]]]
    return sp.Or(*stretches) if len(stretches) < 3 else condition
