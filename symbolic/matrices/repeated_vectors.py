"""Vectors that are repeated along an axis of a matrix, put together before they are.

    X ⊘ √(v 1ᵀ + ε)          ->   X ⊘ (√(v + ε) 1ᵀ)
    (u 1ᵀ) ⊙ X ⊙ (1 wᵀ)      ->   (u wᵀ) ⊙ X

What depends on such vectors alone is a vector; two along the two axes are an outer product.
"""

from __future__ import annotations

import sympy as sp

from ..equation import slot, slots_of
from .leaves import pointwise
from .nodes import Node, Outer, Pointwise, walk


def put_together(node: Pointwise, across: tuple[str, ...]) -> Pointwise:
    """The body with each largest part in vectors with the axes `across` as one argument."""
    vectors = {
        slot(place) for place, argument in enumerate(node.arguments)
        if across and tuple(axis for axis in argument.axes if axis) == across
    }
    if not vectors:
        return node
    arguments: list[Node] = list(node.arguments)
    scalars = {slot(place) for place, argument in enumerate(arguments) if not argument.axes}

    def is_vector(part: sp.Expr) -> bool:
        slots = set(slots_of(part))
        return bool(slots & vectors) and slots <= vectors | scalars

    def put(part: sp.Expr) -> sp.Expr:
        if part in vectors:
            return part
        made = pointwise(part, node.arguments, across)
        if made not in arguments:
            arguments.append(made)
        return slot(arguments.index(made))

    def lift(part: sp.Expr) -> sp.Expr:
        if part in vectors or not part.free_symbols & vectors:
            return part
        if is_vector(part):
            number, rest = part.as_coeff_Mul()
            base, exponent = rest.as_base_exp()
            if exponent.is_number and exponent.is_negative and not isinstance(rest, sp.exp):
                return number / put(base**-exponent)
            return number * put(rest)
        if part.is_Mul or part.is_Add:
            inside = [p for p in part.args if is_vector(p)]
            rest = [lift(p) for p in part.args if not is_vector(p)]
            if part.is_Add:
                return sp.Add(*([lift(sp.Add(*inside))] if inside else []), *rest)
            above = [p for p in inside if not _is_inverse(p)]
            below = [1 / p for p in inside if _is_inverse(p)]
            for parts, power in ((above, 1), (below, -1)):
                if parts:
                    number, vector = sp.Mul(*parts).as_coeff_Mul()
                    rest.append((number * put(vector)) ** power)
            return sp.Mul(*rest)
        return part.func(*map(lift, part.args))

    body = lift(node.body)
    return _ordered(Pointwise(body, tuple(arguments), node.axes), node)


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
