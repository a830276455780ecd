"""Which entries of ``np.empty`` nobody has written yet.

Such an array has no values; a result that reads an entry before it is written is no function of
the inputs.  Unwritten entries are boxes (a range on each axis), from which an assignment cuts what
it covers; where symbolic bounds cannot be compared, nothing is cut.  After assignments under masks
they are the entries that no mask selects.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import sympy as sp

from ..equation import Size
from ..layers.builder import Operand

Range: TypeAlias = tuple[sp.Expr, sp.Expr]
Box: TypeAlias = tuple[Range, ...]
MANY = 200
"""Boxes, after which it is no longer said which entries they are."""


@dataclass(frozen=True)
class Blank:
    """Entries without a value.

    why: what they are, for the failure.  boxes: where; None is anywhere.  masks: entries that one
    of these selects have been written since.
    """

    why: str
    boxes: tuple[Box, ...] | None = None
    masks: frozenset[Any] = frozenset()

    def anywhere(self) -> Blank:
        return Blank(self.why)

    def without(self, region: Box | None) -> Blank | None:
        """What is left after a region is written; None if that is nothing."""
        if region is None:
            return self
        if all(isinstance(bounds, Whole) for bounds in region):
            return None
        if self.boxes is None:
            return self
        left = [piece for box in self.boxes for piece in _outside(box, region)]
        if not left:
            return None
        return replace(self, boxes=tuple(left)) if len(left) <= MANY else self.anywhere()

    def under(self, mask: Any, opposite: Any) -> Blank | None:
        """What is left after the entries that `mask` selects are written."""
        if opposite in self.masks:
            return None
        return replace(self, masks=self.masks | {mask})


def blank(operand: Operand, why: str) -> Blank:
    return Blank(why, (tuple((sp.S.Zero, size) for size in operand.shape),))


class Whole(tuple[sp.Expr, sp.Expr]):
    """The range of a whole axis."""

    __slots__ = ()


def _at_most(low: sp.Expr, high: sp.Expr) -> bool:
    return bool(sp.expand(high - low).is_nonnegative)


def _outside(box: Box, region: Box) -> Iterator[Box]:
    """The parts of a box outside of a region, axis by axis."""
    for (low, high), (start, stop) in zip(box, region, strict=True):
        if _at_most(high, start) or _at_most(stop, low):
            yield box
            return
    inner = list(box)
    for axis, ((low, high), (start, stop)) in enumerate(zip(box, region, strict=True)):
        if not _at_most(start, low):
            inner[axis] = (low, start if _at_most(start, high) else high)
            yield tuple(inner)
        if not _at_most(high, stop):
            inner[axis] = (stop if _at_most(low, stop) else low, high)
            yield tuple(inner)
        inner[axis] = _common((low, high), (start, stop))


def _common(one: Range, other: Range) -> Range:
    """The overlap of two ranges, or more where they cannot be compared."""
    (low, high), (start, stop) = one, other
    return (start if _at_most(low, start) else low, stop if _at_most(stop, high) else high)


def chosen_part(
    found: Blank, ranges: Sequence[Range | None], shape: Sequence[Size]
) -> Blank | None:
    """What a subscript shows of blank entries.

    ranges: the range that is read of each axis, None where that is no range; an axis read at one
    place has a range of one.  shape: of what is read, of which one axis stands for each range that
    is not of a single place.
    """
    if found.boxes is None or found.masks:
        return found.anywhere()
    boxes = []
    for box in found.boxes:
        part = []
        for (low, high), asked in zip(box, ranges, strict=True):
            if asked is None:  # somewhere on this axis
                continue
            start, stop = asked
            if _at_most(high, start) or _at_most(stop, low):
                break
            begin, end = _common((low, high), asked)
            if not isinstance(asked, Single):
                part.append((sp.expand(begin - start), sp.expand(end - start)))
        else:
            boxes.append(tuple(part))
    if not boxes:
        return None
    if None in ranges or any(len(box) != len(shape) for box in boxes):
        return found.anywhere()
    return Blank(found.why, tuple(boxes))


class Single(tuple[sp.Expr, sp.Expr]):
    """The range of one place, whose axis is gone."""

    __slots__ = ()


def put_back(value: Blank, ranges: Sequence[Range | None], ndim: int) -> tuple[Box, ...] | None:
    """The boxes of an array into whose `ranges` a value with blank entries was written."""
    kept = sum(not isinstance(entry, Single) for entry in ranges)
    if value.boxes is None or value.masks or kept != ndim or any(r is None for r in ranges):
        return None
    boxes = []
    for box in value.boxes:
        inner = iter(box)
        whole = []
        for asked in ranges:
            assert asked is not None
            if isinstance(asked, Single):
                whole.append((asked[0], asked[1]))
            else:
                low, high = next(inner)
                whole.append((sp.expand(low + asked[0]), sp.expand(high + asked[0])))
        boxes.append(tuple(whole))
    return tuple(boxes)
