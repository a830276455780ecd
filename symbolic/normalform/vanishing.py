"""Is a polynomial in cuts, atoms and denominators zero?

    c - X w, with the cut c = X w opened   ->   0

The normal form over the cuts is looked at first; then the latest cut in it is opened, and so on
down to the inputs.  Every answer True is the empty polynomial, reached by substitutions and by
multiplication with denominators, which do not vanish where the arrays are defined.
"""

from __future__ import annotations

from collections.abc import Mapping

from .denominators import argument
from .guards import with_one_of_opposites
from .polynomial import Atoms, Factor, Factors, Poly, add_to, common_factors, factors_of, plus

CLEARED = 60
"""A polynomial of at most this many monomials is multiplied out before a cut is opened."""


def vanishes(table: Atoms, difference: Poly, definitions: Mapping[int, Poly]) -> bool:
    """Is the polynomial zero, over the cuts or with some of the `definitions` put in?

    Raises BudgetError where that takes more operations than the table has left.
    """
    opened: set[int] = set()
    while difference:
        inside = frozenset().union(
            *(table.inner(base) for mono in difference for base, _, _ in mono)
        )
        cuts = (inside & definitions.keys()) - opened
        if not cuts:
            whole = with_one_of_opposites(table, cleared(table, difference))
            return not whole or _summand_vanishes(table, difference)
        if len(difference) <= CLEARED and not cleared(table, difference):
            return True
        latest = max(cuts)
        opened.add(latest)
        difference = table.rewrite(difference, {}, {latest: definitions[latest]})
    return True


def cleared(table: Atoms, poly: Poly) -> Poly:
    """The polynomial multiplied by its denominators."""
    for _ in range(20):
        below = {key: -e for key, e in common_factors(poly).items() if e < 0}
        poly = _multiplied(table, poly, below) if below else poly
        inverses = {
            (base, args)
            for mono in poly
            for base, args, _ in mono
            if table.bases[base].kind == "inverse"
        }
        if not inverses:
            break
        poly = _multiplied_out(table, poly, max(inverses))
    return poly


def _multiplied(table: Atoms, poly: Poly, by: Factors) -> Poly:
    """Each monomial multiplied by factors, which are settled together with its own."""
    total: Poly = {}
    for mono, c in poly.items():
        factors = factors_of(mono)
        for key, e in by.items():
            factors[key] = factors.get(key, 0) + e
        add_to(total, table.settle({key: e for key, e in factors.items() if e}, c))
    return total


def _multiplied_out(table: Atoms, poly: Poly, inverse: Factor) -> Poly:
    """Σ_k p_k D⁻ᵏ as Σ_k p_k Dⁿ⁻ᵏ, by Horner's rule: no product of D and D⁻¹ comes up."""
    parts: dict[int, Poly] = {}
    for mono, c in poly.items():
        power = next((int(e) for base, args, e in mono if (base, args) == inverse), 0)
        rest = tuple(factor for factor in mono if factor[:2] != inverse)
        add_to(parts.setdefault(power, {}), {rest: c})
    denominator = argument(table, *inverse)
    total: Poly = {}
    for power in range(max(parts) + 1):
        total = plus(table.times(total, denominator), parts.get(power, {}))
    return total


def _summand_vanishes(table: Atoms, difference: Poly) -> bool:
    """Are the sums over the same ranges zero before they are summed?  (Enough, not needed.)"""
    summands: dict[tuple[int, ...], Poly] = {}
    for mono, coefficient in difference.items():
        sums = [f for f in mono if table.bases[f[0]].kind == "sum" and f[2] == 1]
        if len(sums) > 1:
            return False
        part: Poly = {tuple(factor for factor in mono if factor not in sums): coefficient}
        bound: tuple[int, ...] = ()
        for base, args, _ in sums:
            known = table.bases[base]
            bound = known.data[1]
            by = dict(zip(known.free, args, strict=True))
            by |= {
                index: table.placeholder(place, table.size(index), "summand")
                for place, index in enumerate(bound)
            }
            part = table.times(part, table.substitute(dict(known.data[0]), by))
        add_to(summands.setdefault(bound, {}), part)
    return not any(with_one_of_opposites(table, cleared(table, summand))
                   for summand in summands.values())
