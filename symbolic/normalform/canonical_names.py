"""Canonical names for the indices of a polynomial or of a contraction's body.

    A[j, k] B[k, i]   ->   A[1, 2] B[2, 3], with 1, 2, 3 for j, k, i

Colour refinement (Weisfeiler & Leman 1968) on the hypergraph of factors and indices tells most
indices apart; what it leaves ambiguous is decided by trying the members of an ambiguous class
only, and members that can be exchanged without any change are tried once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .indices import Sub
from .polynomial import Atoms, Monomial, Number, Poly, closure

Items: TypeAlias = tuple[tuple[Monomial, Number], ...]
Colours: TypeAlias = dict[int, int]

FREE, BOUND, CHOSEN, OTHER, GATHER, AFFINE = range(6)
"""Marks that keep colours of different origin apart."""

LEAVES = 200
"""Namings tried at most; more leave equal bodies possibly unequal, never the other way round."""


@dataclass
class Canonical:
    """A form in placeholders: equal up to names means equal `items`.

    `args` and `bound_args` are the indices that were named, in the order of their placeholders.
    """

    items: Items
    args: tuple[Sub, ...]
    free: tuple[int, ...]
    bound: tuple[int, ...]
    bound_args: tuple[int, ...]
    symmetries: tuple[tuple[int, ...], ...] = ()


@dataclass
class _Search:
    table: Atoms
    items: Sequence[tuple[Monomial, Number]]
    bound: Collection[int]
    best: Canonical | None = None
    orders: set[tuple[int, ...]] = field(default_factory=set)
    leaves: int = 0

    def visit(self, colours: Colours) -> None:
        colours = _refined(self.table, self.items, colours)
        classes: dict[int, list[int]] = {}
        for index, colour in colours.items():
            classes.setdefault(colour, []).append(index)
        ambiguous = [colour for colour, members in classes.items() if len(members) > 1]
        if not ambiguous:
            self.leaf(sorted(colours, key=colours.__getitem__))
            return
        colour = min(ambiguous)
        members = classes[colour]
        tried: list[int] = []
        for member in members:
            if any(self.exchangeable(earlier, member) for earlier in tried):
                continue
            tried.append(member)
            if self.leaves < LEAVES:
                self.visit({**colours, member: hash((colour, CHOSEN))})

    def exchangeable(self, left: int, right: int) -> bool:
        """Does exchanging two bound indices change nothing?  (Free ones: their order matters.)"""
        if left not in self.bound or right not in self.bound:
            return False
        swap = {left: right, right: left}
        return _renamed(self.table, self.items, swap) == _renamed(self.table, self.items, {})

    def leaf(self, ordered: list[int]) -> None:
        self.leaves += 1
        table = self.table
        free = [index for index in ordered if index not in self.bound]
        bound = [index for index in ordered if index in self.bound]
        by = {index: table.placeholder(place) for place, index in enumerate(free)}
        by |= {
            index: table.placeholder(place, table.size(index), "bound")
            for place, index in enumerate(bound)
        }
        items = _renamed(table, self.items, by)
        args = tuple(free)
        if self.best is None or items < self.best.items:
            places = tuple(by[index] for index in free)
            self.best = Canonical(items, args, places, tuple(by[i] for i in bound),
                                  tuple(bound))
            self.orders = set()
        elif items == self.best.items:  # in another order nothing changes: a symmetry
            self.orders.add(tuple(args.index(index) for index in self.best.args))


def canonical(
    table: Atoms, items: Sequence[tuple[Monomial, Number]], bound: Collection[int] = ()
) -> Canonical:
    """The polynomial with its free and `bound` indices named by what they do."""
    free = sorted(table.poly_deps(mono for mono, _ in items).difference(bound))
    if not bound and len(free) < 2:  # there is one way to name them
        places = tuple(table.placeholder(place) for place in range(len(free)))
        renamed = _renamed(table, items, dict(zip(free, places, strict=True)))
        return Canonical(renamed, tuple(free), places, (), ())
    search = _Search(table, items, bound)
    colours = dict.fromkeys(free, FREE)
    colours |= {index: hash((BOUND, table.size(index))) for index in bound}
    search.visit(colours)
    assert search.best is not None
    search.best.symmetries = closure(search.orders, len(free)) if search.orders else ()
    if search.best.symmetries:
        args = search.best.args
        search.best.args = min(
            args, *(tuple(args[p] for p in order) for order in search.best.symmetries)
        )
    return search.best


def atom(
    table: Atoms, kind: str, found: Canonical, *further: object, exponent: Number = 1, **facts: Any
) -> Poly:
    """An entry of the atom that a form, with what is `further` told of it, is the key of."""
    base = table.base(kind, (found.items, *further), free=found.free,
                      symmetries=found.symmetries, **facts)
    return table.entry(base, found.args, exponent)


def _renamed(
    table: Atoms, items: Sequence[tuple[Monomial, Number]], by: Mapping[int, int]
) -> Items:
    table.spend(len(items))
    return tuple(
        sorted(
            (
                tuple(
                    sorted(
                        (*table.factor(base, tuple(table.moved(sub, by) for sub in args)), e)
                        for base, args, e in mono
                    )
                ),
                coefficient,
            )
            for mono, coefficient in items
        )
    )


def _refined(
    table: Atoms, items: Sequence[tuple[Monomial, Number]], colours: Colours
) -> Colours:
    count = len(set(colours.values()))
    while True:
        table.spend(len(items))
        seen: dict[int, list[int]] = {index: [] for index in colours}
        for mono, coefficient in items:
            signs = [_factor_sign(table, factor, colours) for factor in mono]
            whole = hash((coefficient, tuple(sorted(signs))))
            for (base, args, _), sign in zip(mono, signs, strict=True):
                symmetric = bool(table.bases[base].symmetries)
                for place, sub in enumerate(args):
                    for index, role in _roles(table, sub, table.is_signless(base)):
                        if index in seen:
                            seen[index].append(
                                hash((whole, sign, 0 if symmetric else place, role))
                            )
        colours = {
            index: hash((colour, tuple(sorted(seen[index])))) for index, colour in colours.items()
        }
        found = len(set(colours.values()))
        if found in (count, len(colours)):
            return colours
        count = found


def _roles(table: Atoms, sub: Sub, signless: bool = False) -> Iterator[tuple[int, int]]:
    """The plain indices in a subscript, each with a number for how it occurs there."""
    if sub >= 0 and table.is_plain(sub):
        yield sub, 0
    elif sub >= 0:
        gathered = table.gathered(sub)
        assert gathered is not None
        for place, inner in enumerate(gathered[1]):
            for index, role in _roles(table, inner):
                yield index, hash((GATHER, place, role))
    else:
        for inner, coefficient in table.linear(sub)[1]:
            for index, role in _roles(table, inner):
                yield index, hash((AFFINE, coefficient**2 if signless else coefficient, role))


def _factor_sign(
    table: Atoms, factor: tuple[int, tuple[Sub, ...], Number], colours: Colours
) -> int:
    base, args, exponent = factor
    if table.is_signless(base):
        signs = [_sub_sign(table, args[0], colours) ^ _sub_sign(
            table, table.negated(args[0]), colours)]
    else:
        signs = [_sub_sign(table, sub, colours) for sub in args]
    if table.bases[base].symmetries:
        signs.sort()
    return hash((base, exponent, tuple(signs)))


def _sub_sign(table: Atoms, sub: Sub, colours: Colours) -> int:
    if sub in colours:
        return colours[sub]
    if sub >= 0:
        gathered = table.gathered(sub)
        if gathered is None:
            return hash((OTHER, sub))
        base, args = gathered
        return hash((base, tuple(_sub_sign(table, inner, colours) for inner in args)))
    shift, terms = table.linear(sub)
    inside = sorted(hash((_sub_sign(table, index, colours), c)) for index, c in terms)
    return hash((shift, tuple(inside)))


def items_of(poly: Poly) -> list[tuple[Monomial, Number]]:
    return list(poly.items())
