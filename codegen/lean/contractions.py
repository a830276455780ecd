"""Sums of products of several arrays, as products of two at a time, in the order of least cost.

    Σ_abc x[a, b, c] y[a, b, d] w[d, c]    ->    t[a, b, d] = Σ_c x w,    Σ_ab t y
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import prod
from string import ascii_letters
from typing import TypeAlias

from .measured import Seen

Factor: TypeAlias = tuple[str, str]
"""An array, and a letter for each of its axes."""

Pair: TypeAlias = tuple[int, int]

MOST = 6
"""Factors up to which every order is looked at."""

CALL = 1000
"""What a call costs beside a multiplication."""


def order_of(
    factors: Sequence[Factor], out: str, sizes: Mapping[str, int],
    known: Callable[[Factor, Factor, str], str | None],
) -> tuple[float, list[Pair]]:
    """The least cost of a sum of products, in multiplications, and the pairs to multiply one after
    the other; each product stands last among those that are left.

    known: the axes of a product, in its order, that there is already, of two factors and the axes
    that are kept; it costs nothing.
    """
    if len(factors) == 1:
        (_, labels), = factors
        return (0.0 if {*labels} == {*out} else float(prod(map(sizes.__getitem__, labels)))), []
    best: tuple[float, list[Pair]] | None = None
    for one, two in combinations(range(len(factors)), 2):
        rest = [factor for place, factor in enumerate(factors) if place not in (one, two)]
        kept = kept_axes(factors[one], factors[two], rest, out)
        found = known(factors[one], factors[two], kept)
        cost = 0.0 if found is not None else CALL + float(prod(
            sizes[x] for x in {*factors[one][1], *factors[two][1]}))
        if best is not None and cost >= best[0]:
            continue
        more, pairs = order_of([*rest, (f"({factors[one][0]}*{factors[two][0]})", kept)], out,
                               sizes, known)
        if best is None or cost + more < best[0]:
            best = cost + more, [(one, two), *pairs]
    assert best is not None
    return best


def kept_axes(one: Factor, two: Factor, rest: Sequence[Factor], out: str) -> str:
    """The axes of a product of two that others, or the result, have."""
    wanted = {*out}.union(*(labels for _, labels in rest))
    own = dict.fromkeys(one[1] + two[1])
    return "".join(x for x in own if x in wanted)


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
    block.  turned: an array whose axes are those of another one, in an
    order.  arranged: matrices that have axes of an array as rows, and others as columns.
    """

    products: dict[tuple[tuple[Factor, Factor], frozenset[str]], Factor] = field(
        default_factory=dict)
    factors: dict[str, tuple[list[Factor], str, float]] = field(default_factory=dict)
    turned: dict[str, tuple[str, tuple[int, ...]]] = field(default_factory=dict)
    arranged: dict[tuple[str, tuple[int, ...], tuple[int, ...]], str] = field(default_factory=dict)

    def copy(self) -> Known:
        return Known(dict(self.products), {}, dict(self.turned), dict(self.arranged))

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


def matmul_labels(
    pair: Sequence[str], arrays: Mapping[str, Seen]
) -> tuple[list[Factor], str] | None:
    """The axes of a matmul; None where a stack is repeated over more than a matrix."""
    one, two = (arrays[name].shape for name in pair)
    stacks = max(len(one), len(two)) - 2
    if min(len(one), len(two)) < 1 or (len(one) > 2 and len(two) > 2 and one[:-2] != two[:-2]):
        return None
    if stacks > 0 and min(len(one), len(two)) < 2:
        return None
    axes = ascii_letters[:max(stacks, 0)]
    left = (axes if len(one) > 2 else "") + ("Y" if len(one) > 1 else "") + "X"
    right = (axes if len(two) > 2 else "") + "X" + ("Z" if len(two) > 1 else "")
    out = axes + ("Y" if len(one) > 1 else "") + ("Z" if len(two) > 1 else "")
    return [(pair[0], left), (pair[1], right)], out


def tensordot_labels(
    pair: Sequence[str], axes: ast.expr, arrays: Mapping[str, Seen]
) -> tuple[list[Factor], str]:
    one, two = (arrays[name].shape for name in pair)
    first, second = ast.literal_eval(axes)
    first, second = ([side] if isinstance(side, int) else list(side) for side in (first, second))
    labels = list(ascii_letters[:len(one)])
    others = list(ascii_letters[26:26 + len(two)])
    for mine, yours in zip(first, second, strict=True):
        others[yours] = labels[mine]
    out = [x for x in labels if x not in others] + [x for x in others if x not in labels]
    return [(pair[0], "".join(labels)), (pair[1], "".join(others))], "".join(out)


def turned(value: ast.expr, arrays: Mapping[str, Seen]) -> tuple[str, tuple[int, ...]]:
    """The array that an expression is with its axes in an order, and that; no order for others."""
    node = value.func if isinstance(value, ast.Call) else value
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name) or (
            node.value.id not in arrays):
        return "", ()
    axes = list(range(len(arrays[node.value.id].shape)))
    if isinstance(value, ast.Attribute) and node.attr == "T":
        return node.value.id, tuple(reversed(axes))
    if not isinstance(value, ast.Call) or node.attr not in ("swapaxes", "transpose"):
        return "", ()
    try:
        given = [ast.literal_eval(part) for part in value.args]
    except ValueError:
        return "", ()
    if node.attr == "transpose":
        flat = given[0] if len(given) == 1 and isinstance(given[0], tuple) else given
        return node.value.id, tuple(axes[place] for place in flat)
    one, two = given
    axes[one], axes[two] = axes[two], axes[one]
    return node.value.id, tuple(axes)
