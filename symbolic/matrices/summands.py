"""One summand as a body over arguments: everything that is summed becomes one argument.

    Σ_k a[i] X[i, k] w[k] / n   ->   a ⊙ c / n   with   c = X w

What the sum does not reach stays outside of it, entry by entry; a vector for the rows and one for
the columns are an outer product.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import sympy as sp

from ..equation import slot, slot_numbers, slots_of
from .chains import contract_sums
from .leaves import Summand, pointwise
from .nodes import Diagonal, Node, Outer, Pointwise, Product, aligned


def outer_parts(made: Summand, out: tuple[str, ...]) -> Iterator[Summand]:
    """The summand; one that adds outer products entry by entry as one for each of them."""
    parts = sp.Add.make_args(made.body)
    outer = len(out) == 2 and not made.over and any(
        all(any(_axes_of(f, made.leaves) == {axis} for f in sp.Mul.make_args(part))
            for axis in out)
        for part in parts
    )
    if outer and len(parts) > 1:
        yield from (replace(made, body=part) for part in in_order(parts))
    else:
        yield made


def in_order(parts: Sequence[sp.Expr]) -> list[sp.Expr]:
    """Summands by the first array they read."""
    return sorted(parts, key=lambda part: min(slot_numbers(part), default=-1))


def contracted_form(
    made: Summand, out: tuple[str, ...], row_vectors: bool, diagonals: bool = False
) -> tuple[sp.Expr, tuple[Node, ...]]:
    """A term as (body, arguments) with one argument for everything that is summed."""
    leaves, over = made.leaves, set(made.over)
    outside: list[sp.Expr] = []
    groups: dict[frozenset[str], list[sp.Expr]] = {}
    for factor in sp.Mul.make_args(made.body):
        axes = _axes_of(factor, leaves)
        # With nothing summed, a factor for each axis of a matrix may be an outer product.
        if axes & over or (not over and len(out) == 2 and len(axes) == 1):
            groups.setdefault(axes, []).append(factor)
        else:
            outside.append(factor)
    if not over and not (
        len(out) == 2 and set(groups) == {frozenset(out[:1]), frozenset(out[1:])}
        and all(f.is_number or not _axes_of(f, leaves) for f in outside)
    ):
        return made.body, leaves
    # Factors with the same axes are multiplied entry by entry before anything is summed.
    nodes = {
        axes: pointwise(sp.Mul(*factors), leaves, _order(axes, leaves, factors, out))
        for axes, factors in groups.items()
    }
    if not over:
        contracted: Node = Outer(nodes[frozenset(out[:1])], nodes[frozenset(out[1:])])
    else:
        contracted = contract_sums(nodes, over, out, row_vectors, diagonals)
        whole = _outer_with(contracted, outside, leaves, out)
        if whole is not None:
            scalars, contracted = whole
            return slot(0) * scalars, (contracted,)
    # In front, where the first factor of the product stood.
    move = {slot(place): slot(place + 1) for place in range(len(leaves))}
    return slot(0) * sp.Mul(*outside).xreplace(move), (contracted, *leaves)


def _outer_with(
    contracted: Node, outside: Sequence[sp.Expr], leaves: Sequence[Node], out: tuple[str, ...]
) -> tuple[sp.Expr, Node] | None:
    """A contraction that is a vector, times a vector along the other axis: an outer product."""
    if len(out) != 2 or len(contracted.axes) != 1 or contracted.axes[0] not in out:
        return None
    (other,) = set(out) - set(contracted.axes)
    vectors = [factor for factor in outside if _axes_of(factor, leaves)]
    if not vectors or any(_axes_of(factor, leaves) != {other} for factor in vectors):
        return None
    vector = pointwise(sp.Mul(*vectors), leaves, (other,))
    scalars = sp.Mul(*(factor for factor in outside if factor not in vectors))
    if slots_of(scalars):
        return None  # the values of scalars, which have slots of their own
    pair = (contracted, vector) if other == out[1] else (vector, contracted)
    return scalars, Outer(*pair)


def between_diagonals(
    made: Summand, out: tuple[str, ...], row_vectors: bool
) -> tuple[sp.Expr, tuple[Node, ...]] | None:
    """diag(u) M diag(v) for a matrix whose rows or columns are scaled."""
    leaves = made.leaves
    sides: dict[str, list[sp.Expr]] = {out[0]: [], out[1]: []}
    scalars: list[sp.Expr] = []
    rest: list[sp.Expr] = []
    for factor in sp.Mul.make_args(made.body):
        axes = _axes_of(factor, leaves)
        if len(axes) == 1 and axes <= set(out):
            sides[next(iter(axes))].append(factor)
        else:
            (rest if axes else scalars).append(factor)
    if not rest or not any(sides.values()):
        return None
    inner, arguments = contracted_form(replace(made, body=sp.Mul(*rest)), out, row_vectors, True)
    core = aligned(lone(pointwise(inner, arguments, out), out), out)
    if isinstance(core, Pointwise) and core.body == slot(0):
        core = core.arguments[0]
    if core.axes != out:
        return None  # what is left is no matrix with these rows and columns
    factors: list[Node] = list(core.factors) if isinstance(core, Product) else [core]
    row, column = (
        Diagonal(pointwise(sp.Mul(*sides[axis]), leaves, (axis,)), (axis, axis))
        if sides[axis] else None
        for axis in out
    )
    factors = [*([row] if row else []), *factors, *([column] if column else [])]
    move = {slot(place): slot(place + 1) for place in range(len(leaves))}
    return slot(0) * sp.Mul(*scalars).xreplace(move), (Product(tuple(factors), out), *leaves)


def lone(node: Node, out: tuple[str, ...]) -> Node:
    """A body that is one argument by itself as that argument, where a transposition mends it."""
    if isinstance(node, Pointwise) and node.body == slot(0):
        (argument,) = node.arguments
        if aligned(argument, out).axes == out:
            return argument
    return node


def _axes_of(factor: sp.Expr, leaves: Sequence[Node]) -> frozenset[str]:
    symbols = factor.free_symbols
    return frozenset(
        axis
        for place, leaf in enumerate(leaves)
        if slot(place) in symbols
        for axis in leaf.axes
        if axis
    )


def _order(
    axes: frozenset[str], leaves: Sequence[Node], factors: Sequence[sp.Expr], out: tuple[str, ...]
) -> tuple[str, ...]:
    """The order of a group's axes: that of an array that has them all, else left side first."""
    for place, leaf in enumerate(leaves):
        if any(slot(place) in f.free_symbols for f in factors) and frozenset(leaf.axes) == axes:
            return leaf.axes
    return tuple(sorted(axes, key=lambda axis: (out.index(axis) if axis in out else 9, axis)))
