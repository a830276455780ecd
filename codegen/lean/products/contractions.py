"""Sums of products of several arrays, as products of two at a time, in the order of least cost.

    Σ_abc x[a, b, c] y[a, b, d] w[d, c]    ->    t[a, b, d] = Σ_c x w,    Σ_ab t y
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import TypeAlias

Factor: TypeAlias = tuple[str, str]
"""An array, and a letter for each of its axes."""

Places: TypeAlias = "tuple[int | None, ...]"
"""For each axis of a view, that of the array; None for one of length 1."""

Tree: TypeAlias = "int | tuple[Tree, Tree]"
"""A factor by its number, or the product of two."""

MOST = 7
"""Factors up to which every order is looked at."""

CALL, WRITE = 8000.0, 8.0
"""What a call, and an entry that is written, cost beside a multiplication inside a product of
matrices.  A call that repeats entries of an array along axes of the other one costs twice that."""


def cheapest(
    factors: Sequence[Factor], out: str, sizes: Mapping[str, int],
    is_known: Callable[[Factor, Factor, str], bool],
) -> tuple[float, Tree]:
    """The least cost of a sum of products, and how it is multiplied then.

    is_known: whether the product of two factors with the axes that are kept is there already; it
    costs nothing.
    """
    count = len(factors)
    best: dict[int, tuple[float, Tree]] = {1 << place: (0.0, place) for place in range(count)}
    labels = {1 << place: factor[1] for place, factor in enumerate(factors)}
    every = (1 << count) - 1
    for group in range(1, every + 1):
        if group in best:
            continue
        rest = [factor for place, factor in enumerate(factors) if not group >> place & 1]
        for one in range(group & -group, group, 1):
            two = group ^ one
            if one & group != one or not one & group & -group or not two:
                continue
            kept = kept_axes(labels[one], labels[two], [r[1] for r in rest], out)
            pair = best[one][1], best[two][1]
            cost = 0.0
            if not (isinstance(pair[0], int) and isinstance(pair[1], int) and is_known(
                    factors[pair[0]], factors[pair[1]], kept)):
                cost = pair_cost(labels[one], labels[two], kept, sizes)
            cost += best[one][0] + best[two][0]
            if group not in best or cost < best[group][0]:
                best[group], labels[group] = (cost, pair), kept
    return best[every]


def pair_cost(one: str, two: str, kept: str, sizes: Mapping[str, int]) -> float:
    """What the product of two arrays costs, in multiplications."""
    def size(axes: Iterable[str]) -> float:
        return float(prod(map(sizes.__getitem__, axes)))

    axes = {*one, *two}
    cost = sum(CALL + WRITE * size(own) for own, other in ((one, two), (two, one))
               if {*own} - {*other} - {*kept})
    if axes <= {*kept}:
        repeated = bool(one and two and {*one} != {*two})
        return cost + CALL * (1 + repeated) + WRITE * size(axes)
    if kept and ((({*one} ^ {*two}) & {*kept}) or not {*one} & {*two} & {*kept}):
        return cost + CALL + size(axes) + WRITE * size(kept)
    return cost + 2 * (CALL + WRITE * size(axes))


def leaves(tree: Tree) -> list[int]:
    """The factors in a tree."""
    return [tree] if isinstance(tree, int) else [*leaves(tree[0]), *leaves(tree[1])]


def kept_axes(one: str, two: str, rest: Iterable[str], out: str) -> str:
    """The axes of a product of two that others, or the result, have."""
    wanted = {*out}.union(*rest)
    return "".join(x for x in dict.fromkeys(one + two) if x in wanted)


def canonical(one: Factor, two: Factor) -> tuple[tuple[Factor, Factor], dict[str, str]]:
    """Two factors under letters that do not depend on how their axes were called, and those."""
    found = []
    for first, second in ((one, two), (two, one)):
        letters: dict[str, str] = {}
        for x in first[1] + second[1]:
            letters.setdefault(x, chr(ord("a") + len(letters)))
        found.append((((first[0], "".join(map(letters.__getitem__, first[1]))),
                       (second[0], "".join(map(letters.__getitem__, second[1])))), letters))
    return min(found, key=lambda pair: pair[0])


@dataclass
class Known:
    """What is computed before a place, of arrays that keep their values.

    products: the axes that are kept of two factors, as `canonical` calls them -> the product.
    factors: of a product's name, with the letters of its axes and its cost, if it is of the same
    block.  views: an array that is another one with its axes in an order: which, and the places
    of its axes; None is an axis of length 1.
    arranged: matrices that have axes of an array as rows, and others as columns.
    """

    products: dict[tuple[tuple[Factor, Factor], frozenset[str]], Factor] = field(
        default_factory=dict)
    factors: dict[str, tuple[list[Factor], str, float]] = field(default_factory=dict)
    views: dict[str, tuple[str, Places]] = field(default_factory=dict)
    arranged: dict[tuple[str, tuple[int, ...], tuple[int, ...]], str] = field(default_factory=dict)

    def copy(self) -> Known:
        return Known(dict(self.products), {}, dict(self.views), dict(self.arranged))

    def add(self, one: Factor, two: Factor, name: str, out: str) -> None:
        pair, letters = canonical(one, two)
        axes = "".join(map(letters.__getitem__, out))
        self.products.setdefault((pair, frozenset(axes)), (name, axes))

    def forget(self, names: Collection[str]) -> None:
        """Products that are not there any more."""
        self.products = {key: found for key, found in self.products.items()
                         if found[0] not in names}

    def find(self, one: Factor, two: Factor, kept: str) -> Factor | None:
        """A product that is there, and the letters of its axes."""
        pair, letters = canonical(one, two)
        found = self.products.get((pair, frozenset(map(letters.__getitem__, kept))))
        if found is None:
            return None
        back = {own: x for x, own in letters.items()}
        return found[0], "".join(map(back.__getitem__, found[1]))
