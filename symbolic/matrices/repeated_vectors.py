"""Vectors that are repeated along an axis of a matrix, put together before they are.

    X ⊘ √(v 1ᵀ + ε)          ->   X ⊘ (√(v + ε) 1ᵀ)
    (u 1ᵀ) ⊙ X ⊙ (1 wᵀ)      ->   (u wᵀ) ⊙ X

What depends on such vectors alone is a vector; two along the two axes are an outer product.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import sympy as sp

from ..equation import slot, slots_of
from .leaves import pointwise
from .nodes import Node, Outer, Pointwise, walk


def put_together(node: Pointwise, across: tuple[str, ...]) -> Pointwise:
    """The body with each largest part in vectors with the axes `across` as one argument."""
    made = _Vectors(node, across)
    if not made.slots:
        return node
    body = made.lifted(node.body)
    return _ordered(Pointwise(body, tuple(made.arguments), node.axes), node)


class _Vectors:
    """The arguments of a body: the slots of vectors along one axis, those of numbers, and the
    vectors that are made of them."""

    def __init__(self, node: Pointwise, across: tuple[str, ...]) -> None:
        self.before, self.across = node.arguments, across
        self.arguments: list[Node] = list(node.arguments)
        self.slots = {
            slot(place) for place, argument in enumerate(node.arguments)
            if across and tuple(axis for axis in argument.axes if axis) == across
        }
        self.numbers = {slot(place) for place, one in enumerate(node.arguments) if not one.axes}

    def lifted(self, part: sp.Expr) -> sp.Expr:
        """A part of the body, its largest parts in vectors as one argument each."""
        if part in self.slots or not part.free_symbols & self.slots:
            return part
        if self._is_vector(part) and isinstance(part, sp.Expr):  # and no case of a Piecewise
            number, rest = part.as_coeff_Mul()
            if _is_inverse(rest):
                return number / self._put(1 / rest)
            return number * self._put(rest)
        if not part.is_Mul and not part.is_Add:
            return part.func(*map(self.lifted, part.args))
        inside = [p for p in part.args if self._is_vector(p)]
        rest = [self.lifted(p) for p in part.args if not self._is_vector(p)]
        if part.is_Add:
            return sp.Add(*([self.lifted(sp.Add(*inside))] if inside else []), *rest)
        return sp.Mul(*rest, *self._factors(inside))

    def _factors(self, inside: Sequence[sp.Expr]) -> Iterator[sp.Expr]:
        """A vector that is multiplied by, and one that is divided by."""
        above = [p for p in inside if not _is_inverse(p)]
        below = [1 / p for p in inside if _is_inverse(p)]
        for parts, power in ((above, 1), (below, -1)):
            if parts:
                number, vector = sp.Mul(*parts).as_coeff_Mul()
                yield (number * self._put(vector)) ** power

    def _is_vector(self, part: sp.Expr) -> bool:
        slots = set(slots_of(part))
        return bool(slots & self.slots) and slots <= self.slots | self.numbers

    def _put(self, part: sp.Expr) -> sp.Expr:
        """The slot of an argument that is this part."""
        if part in self.slots:
            return part
        made = pointwise(part, self.before, self.across)
        if made not in self.arguments:
            self.arguments.append(made)
        return slot(self.arguments.index(made))


def with_outer(node: Pointwise) -> Pointwise:
    """The body with u wᵀ for a vector along either axis of a matrix as factors of one product."""
    named = tuple(axis for axis in node.axes if axis)
    if len(named) != 2 or not node.body.has(sp.Mul):
        return node
    ways = {slot(place): tuple(axis for axis in argument.axes if axis)
            for place, argument in enumerate(node.arguments)}
    arguments: list[Node] = list(node.arguments)

    def of(part: sp.Expr, axis: str) -> bool:
        slots = set(slots_of(part))
        return bool(slots) and all(ways[s] in ((axis,), ()) for s in slots) and any(
            ways[s] == (axis,) for s in slots)

    def lift(part: sp.Expr) -> sp.Expr:
        if not part.args or not set(slots_of(part)):
            return part
        if not part.is_Mul:
            return part.func(*map(lift, part.args))
        sides = [[p for p in part.args if of(p, axis)] for axis in named]
        rest = [p for p in part.args if p not in sides[0] and p not in sides[1]]
        if not all(sides) or any(map(_is_inverse, (*sides[0], *sides[1]))):
            return part.func(*map(lift, part.args))
        column, row = (pointwise(sp.Mul(*side), node.arguments, (axis,))
                       for side, axis in zip(sides, named, strict=True))
        made = Outer(column, row)
        if made not in arguments:
            arguments.append(made)
        return slot(arguments.index(made)) * sp.Mul(*map(lift, rest))

    body = lift(node.body)
    return node if len(arguments) == len(node.arguments) else _ordered(
        Pointwise(body, tuple(arguments), node.axes), node)


def _is_inverse(part: sp.Expr) -> bool:
    exponent = part.as_base_exp()[1]
    return bool(exponent.is_number and exponent.is_negative and not isinstance(part, sp.exp))


def _ordered(made: Pointwise, before: Pointwise) -> Pointwise:
    """The arguments in use, a new one where the first array it reads stood."""

    def place(node: Node) -> float:
        if node in before.arguments:
            return before.arguments.index(node)
        inside = [inner for inner in walk(node) if inner in before.arguments]
        return min(map(before.arguments.index, inside)) + 0.5

    used = [p for p in range(len(made.arguments)) if slot(p) in made.body.free_symbols]
    used.sort(key=lambda p: place(made.arguments[p]))
    move = {slot(p): slot(new) for new, p in enumerate(used)}
    return Pointwise(made.body.xreplace(move), tuple(made.arguments[p] for p in used), made.axes)
