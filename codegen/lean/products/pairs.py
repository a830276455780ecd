"""The product of two arrays: one product of matrices, or of entries, with what turns their axes.

A factor's letters are of the axes of its array that are longer than 1: views take the others away.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from math import prod

from ..flat import Flat
from ..measured import Measured
from ..named_once import unchanging
from .contractions import Factor, Known


class Pairs:
    """Writes products; `known` is what there is, `lasting` are names that keep their values,
    `shapes` are those of arrays."""

    def __init__(self, flat: Flat, seen: Measured) -> None:
        self.flat = flat
        self.lasting = unchanging(flat)
        self.known = Known()
        self.shapes = {name: one.shape for name, one in seen.arrays.items()}
        self.count = 0

    def new(self) -> str:
        while f"p{self.count}" in self.flat.taken:
            self.count += 1
        self.flat.taken.add(f"p{self.count}")
        return f"p{self.count}"

    def based(self, array: str, labels: str) -> Factor:
        """The array that one is a view of, with the letters of its axes that are longer than 1."""
        if array not in self.shapes:
            return array, ""  # a number
        base, places = self.known.views.get(array, (array, tuple(range(len(labels)))))
        own = dict(zip(places, labels, strict=True))
        return base, "".join(own[axis] for axis, n in enumerate(self.shapes[base]) if n != 1)

    def pair(
        self, name: str, one: Factor, two: Factor, out: str, sizes: Mapping[str, int]
    ) -> list[ast.stmt]:
        """The product of two arrays, summed over the axes that `out` has not."""
        made: list[ast.stmt] = []
        one, two = (self._summed(made, factor, other, out) for factor, other in (
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

    def alike(self, one: Factor, two: Factor, kept: str) -> tuple[str, tuple[int, ...]] | None:
        """The letters and the shape of a product of two arrays of one shape, or of one and a
        number, entry by entry; None for others."""
        arrays = [factor for factor in (one, two) if factor[0] in self.shapes]
        letters = {labels for _, labels in arrays}
        shapes = {self.shapes[array] for array, _ in arrays}
        if len(letters) != 1 or len(shapes) != 1 or {*arrays[0][1]} != {*kept}:
            return None
        return arrays[0][1], shapes.pop()

    def _summed(
        self, made: list[ast.stmt], factor: Factor, other: Factor, out: str
    ) -> Factor:
        """A factor summed over the axes that it alone has."""
        array, labels = factor
        gone = [x for x in labels if x not in other[1] and x not in out]
        if not gone:
            return factor
        long = [axis for axis, n in enumerate(self.shapes[array]) if n != 1]
        axes = tuple(axis for axis, x in zip(long, labels, strict=True) if x in gone)
        name = self.named(made, f"np.sum({array}, axis={axes[0] if len(axes) == 1 else axes})")
        self.shapes[name] = tuple(n for axis, n in enumerate(self.shapes[array])
                                  if axis not in axes)
        return name, "".join(x for x in labels if x not in gone)

    def aligned(self, made: list[ast.stmt], factor: Factor, order: str) -> str:
        """An array as it broadcasts against one with the axes of `order`."""
        array, labels = factor
        if array not in self.shapes:
            return array
        own = [x for x in order if x in labels]
        lengths = dict(zip(labels, (n for n in self.shapes[array] if n != 1), strict=True))
        shape = tuple(lengths.get(x, 1) for x in order)
        text, there = self._turned(made, factor, own)
        while there and there[0] == 1:
            there = there[1:]
        while shape and shape[0] == 1:
            shape = shape[1:]
        if there == shape and len(self.shapes[array]) <= len(order):
            return text
        return self.named(made, f"{text}.reshape({shape})")

    def _turned(
        self, made: list[ast.stmt], factor: Factor, order: Sequence[str]
    ) -> tuple[str, tuple[int, ...]]:
        """An array with its axes in another order, those of length 1 in front, and its shape."""
        array, labels = factor
        shape = self.shapes[array]
        if list(order) == list(labels):
            return array, shape
        long = [axis for axis, n in enumerate(shape) if n != 1]
        axes = [*(axis for axis, n in enumerate(shape) if n == 1),
                *(long[labels.index(x)] for x in order)]
        view = "T" if axes == [*reversed(range(len(axes)))] else (
            f"transpose({', '.join(map(str, axes))})")
        return self.named(made, f"{array}.{view}"), tuple(shape[axis] for axis in axes)

    def whole(self, made: list[ast.stmt], factor: Factor, out: str, shape: Sequence[int]) -> str:
        """An array with its axes in an order, and others of length 1, as an expression."""
        text, there = self._turned(made, factor, out)
        return text if there == tuple(shape) else f"{text}.reshape({tuple(shape)})"

    def matmul(
        self, name: str, left: Factor, right: Factor, out: str, sizes: Mapping[str, int]
    ) -> list[ast.stmt]:
        """The product as transposes and reshapes around one matmul."""
        both, stacks, summed = _shared(left[1], right[1], out)
        if not stacks and _in_a_row(left, right, out) != [*out] == _in_a_row(right, left, out):
            left, right = right, left  # the product has its axes in order
        rows, columns = ([x for x in out if x in side[1] and x not in both]
                         for side in (left, right))
        summed.sort(key=left[1].index)
        made: list[ast.stmt] = []
        texts = [self._arranged(made, factor, (stacks, *parts), sizes)
                 for factor, parts in ((left, (rows, summed)), (right, (summed, columns)))]
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
        self, made: list[ast.stmt], factor: Factor,
        parts: tuple[list[str], list[str], list[str]], sizes: Mapping[str, int],
    ) -> str:
        """The name of an array as a stack of matrices: its stacks, rows and columns.  One that is
        there the other way around, or stands so, is turned, which copies nothing."""
        stacks, rows, columns = parts
        array, labels = factor
        keeps = not stacks and array in self.lasting
        at = [tuple(labels.index(x) for x in part) for part in (rows, columns)]
        there, back = (array, at[0], at[1]), (array, at[1], at[0])
        if keeps and there in self.known.arranged:
            return self.known.arranged[there]
        if keeps and back in self.known.arranged:
            return self.named(made, f"{self.known.arranged[back]}.T")
        turns = bool(not stacks and rows and columns and [*columns, *rows] == list(labels))
        sides = (columns, rows) if turns else (rows, columns)
        text, shape = self._turned(made, factor, [*stacks, *sides[0], *sides[1]])
        wanted = (*map(sizes.__getitem__, stacks), *(
            prod(map(sizes.__getitem__, part)) for part in sides if part or stacks))
        if shape != wanted:
            text = self.named(made, f"{text}.reshape({wanted})")
            if keeps:
                self.known.arranged[back if turns else there] = text
        return self.named(made, f"{text}.T") if turns else text

    def named(self, made: list[ast.stmt], text: str) -> str:
        name = self.new()
        made += ast.parse(f"{name} = {text}").body
        return name


def _at(labels: Sequence[str], within: str | Sequence[str]) -> str:
    return ", ".join(str(list(within).index(x)) for x in labels)


def _shared(one: str, other: str, out: str) -> tuple[list[str], list[str], list[str]]:
    """The axes that two factors share; those that their product keeps, and those summed over."""
    both = [x for x in one if x in other]
    return both, [x for x in both if x in out], [x for x in both if x not in out]


def _in_a_row(one: Factor, other: Factor, out: str) -> list[str]:
    """The axes of a product of matrices: those of the one alone, and then those of the other."""
    return [x for own, whose in ((one, other), (other, one)) for x in out
            if x in own[1] and x not in whose[1]]
