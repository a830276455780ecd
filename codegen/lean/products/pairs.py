"""The product of two arrays: one product of matrices, or of entries, with what turns their axes."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from math import prod

from ..flat import Flat
from ..named_once import unchanging
from .contractions import Factor, Known


class Pairs:
    """Writes products; `known` is what there is, `lasting` are names that keep their values."""

    def __init__(self, flat: Flat) -> None:
        self.flat = flat
        self.lasting = unchanging(flat)
        self.known = Known()
        self.count = 0

    def new(self) -> str:
        while f"p{self.count}" in self.flat.taken:
            self.count += 1
        self.flat.taken.add(f"p{self.count}")
        return f"p{self.count}"

    def based(self, factor: Factor) -> Factor:
        """The array whose axes stand in another order, with their letters in its own."""
        array, labels = factor
        base, order = self.known.turned.get(array, (array, tuple(range(len(labels)))))
        return base, "".join(labels[order.index(axis)] for axis in range(len(labels)))

    def pair(
        self, name: str, one: Factor, two: Factor, out: str, sizes: Mapping[str, int]
    ) -> list[ast.stmt]:
        """The product of two arrays, summed over the axes that `out` has not."""
        made: list[ast.stmt] = []
        one, two = (self._summed(made, factor, other, out, sizes) for factor, other in (
            (one, two), (two, one)))
        both = {*one[1]} & {*two[1]}
        summed = both - {*out}
        alone = ({*one[1]} ^ {*two[1]}) & {*out}
        if summed and (alone or not both - summed) and out:
            return made + self.matmul(name, one, two, out, sizes)
        order = one[1] + "".join(x for x in two[1] if x not in one[1]) if summed else out
        texts = [self.aligned(made, factor, order) for factor in (one, two)]
        product = f"{texts[0]} * {texts[1]}"
        if summed:
            axes = tuple(place for place, x in enumerate(order) if x in summed)
            along = f", axis={axes[0] if len(axes) == 1 else axes}" if out else ""
            product = f"np.sum({self.named(made, product)}{along})"
            kept = "".join(x for x in order if x not in summed)
            if kept != out:
                product = f"{self.named(made, product)}.transpose({_at(out, kept)})"
        return made + ast.parse(f"{name} = {product}").body

    def _summed(
        self, made: list[ast.stmt], factor: Factor, other: Factor, out: str,
        sizes: Mapping[str, int],
    ) -> Factor:
        """A factor summed over the axes that it alone has."""
        array, labels = factor
        axes = tuple(p for p, x in enumerate(labels) if x not in other[1] and x not in out)
        if not axes:
            return factor
        rest = "".join(x for p, x in enumerate(labels) if p not in axes)
        if all(sizes[labels[p]] == 1 for p in axes):
            shape = tuple(map(sizes.__getitem__, rest))
            return self.named(made, f"{array}.reshape({shape})"), rest
        name = self.named(made, f"np.sum({array}, axis={axes[0] if len(axes) == 1 else axes})")
        return name, rest

    def aligned(self, made: list[ast.stmt], factor: Factor, order: str) -> str:
        """An array as it broadcasts against one with the axes of `order`."""
        text, labels = factor
        own = [x for x in order if x in labels]
        if own != list(labels):
            text = self.named(made, f"{text}.transpose({_at(own, labels)})")
        if own and len(own) < len(order):
            parts = [":" if x in labels else "None" for x in order]
            while parts[0] == "None":
                del parts[0]
            if len(parts) > len(own):
                text = self.named(made, f"{text}[{', '.join(parts)}]")
        return text

    def matmul(
        self, name: str, left: Factor, right: Factor, out: str, sizes: Mapping[str, int]
    ) -> list[ast.stmt]:
        """The product as transposes and reshapes around one matmul."""
        both = [x for x in left[1] if x in right[1]]
        stacks, summed = [x for x in both if x in out], [x for x in both if x not in out]
        rows, columns = ([x for x in out if x in side[1] and x not in both]
                         for side in (left, right))
        summed.sort(key=left[1].index)
        made: list[ast.stmt] = []
        texts = [self._arranged(made, array, labels, (stacks, *parts), sizes)
                 for (array, labels), parts in (
                     (left, (rows, summed)), (right, (summed, columns)))]
        order = [*stacks, *rows, *columns]
        steps = [f"{texts[0]} @ {texts[1]}"]
        alone = (0, 1) if not stacks else (1,)  # a vector stays one
        if len(rows) not in alone or len(columns) not in alone:
            steps.append(f"{{}}.reshape({tuple(sizes[x] for x in order)})")
        if order != list(out):
            steps.append(f"{{}}.transpose({_at(list(out), order)})")
        text = ""
        for step in steps[:-1]:
            text = self.named(made, step.format(text))
        return made + ast.parse(f"{name} = {steps[-1].format(text)}").body

    def _arranged(
        self, made: list[ast.stmt], array: str, labels: str,
        parts: tuple[list[str], list[str], list[str]], sizes: Mapping[str, int],
    ) -> str:
        """The name of an array as a stack of matrices: its stacks, rows and columns.  One that is
        there the other way around is turned, which copies nothing."""
        stacks, rows, columns = parts
        order, text = [*stacks, *rows, *columns], array
        base, own = self.based((array, labels))
        both = [tuple(own.index(x) for x in part) for part in (rows, columns)]
        if not stacks and array in self.lasting:
            there = self.known.arranged.get((base, both[0], both[1]))
            turned_there = self.known.arranged.get((base, both[1], both[0]))
            if there is not None or turned_there is not None:
                return there or self.named(made, f"{turned_there}.T")
        if order != list(labels):
            text = self.named(made, f"{text}.transpose({_at(order, labels)})")
        shape = [*map(sizes.__getitem__, stacks),
                 *(prod(map(sizes.__getitem__, part)) for part in (rows, columns)
                   if part or stacks)]
        if shape != [sizes[x] for x in order]:
            text = self.named(made, f"{text}.reshape({tuple(shape)})")
            if not stacks and array in self.lasting:
                self.known.arranged[base, both[0], both[1]] = text
        return text

    def named(self, made: list[ast.stmt], text: str) -> str:
        name = self.new()
        made += ast.parse(f"{name} = {text}").body
        return name


def _at(labels: Sequence[str], within: str | Sequence[str]) -> str:
    return ", ".join(str(list(within).index(x)) for x in labels)
