"""The factors of a term, by the indices that they depend on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace

import sympy as sp

from ...symbolic.equation import Guard, Size, Term, slot, slot_numbers
from .writing import guard_symbols, symbols_in


@dataclass(frozen=True)
class Factor:
    """Factors of a term that depend on the same indices."""

    body: sp.Expr
    indices: frozenset[sp.Symbol]
    guards: tuple[Guard, ...] = ()


def summed_first(
    groups: Mapping[frozenset[sp.Symbol], sp.Expr], out: Set[sp.Symbol], over: Set[sp.Symbol]
) -> set[frozenset[sp.Symbol]] | None:
    """The factors with an index that the others have not, where summing over it alone takes fewer
    indices than all, or is a product of two of several factors."""
    found = None
    for index in sorted(over, key=str):
        members = {one for one in groups if index in one}
        fewer = frozenset[sp.Symbol]().union(*members) < out | over
        if members and (fewer or len(members) == 2 < len(groups)) and (
                found is None or len(members) < len(found)):
            found = members
    return found


def two_parts(
    given: Mapping[frozenset[sp.Symbol], sp.Expr], sizes: Mapping[sp.Symbol, Size]
) -> list[Factor] | None:
    """Factors by their indices as two; None where more, or fewer, have indices that no other one
    has.  Of three, two whose product has no more entries than the third are one."""
    groups = dict(given)
    largest = [one for one in groups if not any(one < other for other in groups)]
    if len(largest) == 3:
        largest = _joined(largest, groups, sizes)
    if len(largest) != 2:
        return None
    parts = [Factor(groups[one], one) for one in largest]
    for indices in groups.keys() - {*largest}:
        at = 0 if indices <= largest[0] else 1
        parts[at] = replace(parts[at], body=parts[at].body * groups[indices])
    return parts


def _joined(
    three: Sequence[frozenset[sp.Symbol]], groups: dict[frozenset[sp.Symbol], sp.Expr],
    sizes: Mapping[sp.Symbol, Size],
) -> list[frozenset[sp.Symbol]]:
    """The indices of a factor, and of two others whose product has no more entries, which is put
    in their place in `groups`; all three where there are none."""
    def entries(indices: frozenset[sp.Symbol]) -> sp.Expr:
        return sp.Mul(*(sizes[one] for one in indices))

    for alone in three:
        one, two = (other for other in three if other != alone)
        if one & two and sp.expand(entries(alone) - entries(one | two)).is_nonnegative:
            groups[one | two] = groups.pop(one) * groups.pop(two) * groups.get(one | two, 1)
            return [alone, one | two]
    return [*three]


def grouped(
    term: Term, bound: Set[sp.Symbol], over: Set[sp.Symbol]
) -> tuple[sp.Expr, dict[frozenset[sp.Symbol], sp.Expr]]:
    """The factor of a body that depends on no summed index, and the others by their indices."""
    outside, groups = sp.S.One, dict[frozenset[sp.Symbol], sp.Expr]()
    for factor in sp.Mul.make_args(term.body):
        indices = indices_of(factor, term, bound)
        if indices & over:
            groups[indices] = groups.get(indices, sp.S.One) * factor
        else:
            outside *= factor
    return outside, groups


def indices_of(factor: sp.Expr, term: Term, among: Set[sp.Symbol]) -> frozenset[sp.Symbol]:
    """Those of some indices that the reads in a factor have."""
    return frozenset(s for k in slot_numbers(factor) for at in term.reads[k].at
                     for s in symbols_in(at) & among)


def trimmed(term: Term) -> Term:
    """A term without the reads that its body does not use."""
    used = slot_numbers(term.body)
    moved = {slot(old): slot(new) for new, old in enumerate(used)}
    return replace(term, body=term.body.xreplace(moved), reads=tuple(term.reads[k] for k in used))


def symbols_of(term: Term) -> set[sp.Symbol]:
    """The indices and sizes in the subscripts and guards of a term, and in its body."""
    places = {s for read in term.reads for at in read.at for s in symbols_in(at)}
    return places | {s for guard in term.guards for s in guard_symbols(guard)}
