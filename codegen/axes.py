"""Axes of nodes as axes of arrays: how an array is viewed so that it broadcasts, which axes a
contraction sums."""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_letters
from typing import Any

import sympy as sp

from ..symbolic.equation import EquationError, Size, guard_subscripts, subscript_indices
from ..symbolic.matrices.nodes import Einsum, Leaf, Node, Pointwise, Span, Total, Where, walk


def present(node: Node) -> tuple[str, ...]:
    """The axes that a node's value has: a body broadcasts what it reads, and a mask is as wide as
    its guards, so leading axes that nothing in it has are missing, and inner ones have length 1
    ("")."""
    if isinstance(node, Total):
        inner = present(node.of)
        return tuple(axis for axis in inner if axis not in node.over)
    if isinstance(node, Pointwise):
        found = {axis for argument in node.arguments for axis in present(argument)}
    elif isinstance(node, Where):
        found = {*present(node.of), *(
            str(symbol) for guard in node.guards for part in guard_subscripts(guard)
            for symbol in subscript_indices(part) if not symbol.is_positive)}
    else:
        return node.axes
    reached = [axis if axis in found else "" for axis in node.axes]
    while reached and not reached[0]:
        reached.pop(0)
    return tuple(reached)


def alignment_plan(
    axes: tuple[str, ...], target: tuple[str, ...]
) -> tuple[tuple[int, ...] | None, tuple[Any, ...] | None]:
    """How an array with `axes` is viewed so that it broadcasts against `target`: (transposition,
    index with None for new axes), each None where nothing is to be done."""
    if len(axes) <= len(target) and all(
        a in ("", t) for a, t in zip(axes, target[len(target) - len(axes):], strict=True)
    ):
        return None, None
    kept = [place for place, axis in enumerate(axes) if axis]
    order = sorted(kept, key=lambda place: target.index(axes[place]))
    blanks = [place for place, axis in enumerate(axes) if not axis]
    moved = order != kept
    full = (*blanks, *order) if moved else tuple(range(len(axes)))
    index = _index([axes[place] for place in full], target)
    trivial = all(part == slice(None) for part in index)
    return (full if moved else None), None if trivial else index


def _index(waiting: list[str], target: tuple[str, ...]) -> tuple[Any, ...]:
    """The index that puts axes, in the order of `target`, where it has them: those of length 1
    ("") are left out, and None stands for what they have not."""
    index: list[Any] = []
    start = next((target.index(axis) for axis in waiting if axis), len(target))
    for axis in target[start:]:
        while waiting and not waiting[0]:
            index.append(0)
            waiting = waiting[1:]
        here = bool(waiting) and waiting[0] == axis
        index.append(slice(None) if here else None)
        waiting = waiting[1:] if here else waiting
    return (*index, *(0 for _ in waiting))


def leaves_an_axis(node: Node, shapes: Mapping[str, tuple[Size, ...]]) -> bool:
    """Whether a slice that a node reads begins before an axis or ends behind it, for all sizes."""
    return any(
        isinstance(place, Span) and bool(
            sp.sympify(place.start).is_negative or sp.expand(size - place.stop).is_negative)
        for leaf in walk(node) if isinstance(leaf, Leaf)
        for place, size in zip(leaf.part, shapes[leaf.array], strict=False))


def as_tensordot(
    node: Einsum,
) -> tuple[tuple[Node, Node], tuple[tuple[int, ...], tuple[int, ...]]] | None:
    """Two operands and their summed axes where the contraction is one product of matrices after
    reshaping: they share summed axes alone, and the others come in the result's order."""
    if len(node.operands) != 2:
        return None
    for left, right in (node.operands, node.operands[::-1]):
        summed = [axis for axis in left.axes if axis not in node.axes]
        free = [axis for axis in (*left.axes, *right.axes) if axis not in summed]
        shared = summed and all(axis in right.axes for axis in summed)
        if tuple(free) == node.axes and shared:
            axes = tuple(map(left.axes.index, summed)), tuple(map(right.axes.index, summed))
            return (left, right), axes
    return None


def as_stack(node: Einsum) -> tuple[Node, Node, bool, tuple[int, ...]] | None:
    """A stack of matrices and a matrix that multiplies each of them, whether it is turned, and the
    order in which the result has their axes; None where the contraction is no such product."""
    if len(node.operands) != 2:
        return None
    for left, right in (node.operands, node.operands[::-1]):
        if len(left.axes) < 3 or len(right.axes) != 2 or left.axes[-1] not in right.axes:
            continue
        turned = right.axes[0] != left.axes[-1]
        free = (*left.axes[:-1], right.axes[0 if turned else 1])
        if len({*free, left.axes[-1]}) == len(free) + 1 and sorted(free) == sorted(node.axes):
            return left, right, turned, tuple(map(free.index, node.axes))
    return None


def einsum_subscripts(node: Einsum) -> str:
    """ "ij,jk->ik" for an einsum."""
    axes = dict.fromkeys(axis for operand in node.operands for axis in operand.axes)
    letters = dict(zip(axes, ascii_letters, strict=False))
    if len(letters) < len(axes):
        raise EquationError(f"np.einsum has {len(letters)} subscripts, got {len(axes)} axes")
    inputs = ",".join("".join(letters[axis] for axis in o.axes) for o in node.operands)
    return f"{inputs}->{''.join(letters[axis] for axis in node.axes)}"
