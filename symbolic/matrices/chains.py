"""Contractions recognised: products of matrices in a row, outer products, sums of rows.

Leading axes that all matrices share (a batch, heads, time) go along, as in NumPy's matmul: the
last two axes are the matrix.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..equation import slot
from .nodes import Diagonal, Einsum, Node, Outer, Pointwise, Product, Total, Transposed

Groups = Mapping[frozenset[str], Node]
"""The factors of a body, gathered by the axes that they have."""


def contract(
    groups: Groups, over: set[str], out: tuple[str, ...], row_vectors: bool,
    diagonals: bool = False,
) -> Node:
    """The sum over `over` of a product of groups: a chain of matrices where it is one."""
    nodes = dict(groups)
    for axis in sorted(over):
        _weigh(nodes, axis, row_vectors)
    for axis in sorted(over):
        holders = [axes for axes in nodes if axis in axes]
        if len(holders) == 1 and len(nodes) > 1 and len(holders[0]) > 1:
            summed: Node = Total(nodes.pop(holders[0]), (axis,))
            axes = frozenset(summed.axes)
            if axes in nodes:
                summed = _times(nodes[axes], summed)
            nodes[axes] = summed
    rest = over & {axis for axes in nodes for axis in axes}
    if len(nodes) == 1:
        (node,) = nodes.values()
        return Total(node, tuple(axis for axis in node.axes if axis in rest)) if rest else node
    outer = _outer(nodes, rest, out, row_vectors, diagonals)
    if outer is not None:
        return outer
    stack = _stack(nodes, out)
    matrices = None if stack is None else _in_stack(nodes, stack)
    chain = None if matrices is None else _chain(matrices, out[len(stack or ()):], diagonals)
    if stack is None or chain is None:
        free = {axis for axes in nodes for axis in axes} - rest
        return Einsum(tuple(nodes.values()), tuple(a for a in out if a in free))
    factors, ends = _oriented(*chain, row_vectors)
    return Product(tuple(factors), (*stack, *ends))


def _weigh(nodes: dict[frozenset[str], Node], axis: str, row_vectors: bool) -> None:
    """A product of two matrices that a third one weighs entry by entry: M ⊙ (A B)."""
    holders = [axes for axes in nodes if axis in axes]
    between = frozenset().union(*holders) - {axis}
    if len(holders) != 2 or between not in nodes or any(len(axes) != 2 for axes in holders):
        return
    weight = nodes[between]
    product = contract(
        {axes: nodes.pop(axes) for axes in holders}, {axis}, weight.axes, row_vectors
    )
    nodes[between] = _times(weight, product)


def _stack(nodes: Groups, out: tuple[str, ...]) -> tuple[str, ...] | None:
    """The leading axes that the matrices are stacked along; None where there is no such order."""
    widest = max(nodes.values(), key=lambda node: len(node.axes))
    stack = widest.axes[:-2]
    if out[: len(stack)] != stack:
        return None
    for node in nodes.values():
        shared = tuple(axis for axis in node.axes if axis in stack)
        count = len(shared)
        if node.axes[:count] != shared or shared != stack[len(stack) - count:]:
            return None
        if len(node.axes) - count > 2 or (count and len(node.axes) - count < 2):
            return None
    return stack


def _in_stack(nodes: Groups, stack: tuple[str, ...]) -> dict[frozenset[str], Node]:
    """The groups by the axes that are theirs alone, doubled ones multiplied entry by entry."""
    found: dict[frozenset[str], Node] = {}
    for axes, node in nodes.items():
        own = axes - set(stack)
        if own in found:
            wide, narrow = sorted((found[own], node), key=lambda n: -len(n.axes))
            node = _times(wide, narrow)
        found[own] = node
    return found


def _oriented(
    path: list[tuple[str, Node]], last: str, ends: tuple[str, ...], row_vectors: bool
) -> tuple[list[Node], tuple[str, ...]]:
    """The path's nodes, transposed where they are walked through backwards."""
    factors = [
        node if len(node.axes) == 1 or isinstance(node, Diagonal) or node.axes[-2] == here
        else Transposed(node)
        for here, node in path
    ]
    if len(ends) == 1 and row_vectors and len(path[-1][1].axes) == 1:
        factors = [_flip(factor) for factor in reversed(factors)]
    return factors, ends


def _outer(
    nodes: Groups, over: set[str], out: tuple[str, ...], row_vectors: bool, diagonals: bool
) -> Node | None:
    """(A a) (B b)ᵀ where the groups fall apart into one for either axis; else None."""
    if len(out) != 2:
        return None
    reached = {out[0]}
    while True:
        wider = reached.union(*(axes for axes in nodes if axes & reached))
        if wider == reached:
            break
        reached = wider
    sides = ({axes: n for axes, n in nodes.items() if axes <= reached},
             {axes: n for axes, n in nodes.items() if not axes & reached})
    if out[1] in reached or not all(
        any(axis in axes for axes in side) for axis, side in zip(out, sides, strict=True)
    ):
        return None
    column, row = (
        contract(side, over & {a for axes in side for a in axes}, (axis,), row_vectors, diagonals)
        for axis, side in zip(out, sides, strict=True)
    )
    return Outer(column, row) if len(column.axes) == len(row.axes) == 1 else None


def _times(one: Node, other: Node) -> Node:
    return Pointwise(slot(0) * slot(1), (one, other), one.axes)


def _flip(node: Node) -> Node:
    if len(node.axes) == 1:
        return node
    return node.of if isinstance(node, Transposed) else Transposed(node)


def _chain(
    nodes: Groups, out: tuple[str, ...], diagonals: bool
) -> tuple[list[tuple[str, Node]], str, tuple[str, ...]] | None:
    """(matrices and vectors in order, each with the axis it is entered by; the last axis; the
    free axes) when the groups form one path; else None."""
    if any(len(axes) > 2 for axes in nodes):
        return None
    matrices = {axes: node for axes, node in nodes.items() if len(axes) == 2}
    vectors = {next(iter(axes)): node for axes, node in nodes.items() if len(axes) == 1}
    ends = [axis for axis in out if any(axis in axes for axes in nodes)]
    if len(ends) > 2 or any(end in vectors for end in ends):
        return None
    free = tuple(ends)
    walk: list[tuple[str, Node]] = []
    if not ends:
        ends = sorted(vectors)[:1]
        if not ends or (not matrices and len(vectors) > 1):
            return None
        walk = [(ends[0], vectors.pop(ends[0]))]
    here = ends[0]
    unused = dict(matrices)
    while True:
        step = [axes for axes in unused if here in axes]
        if len(step) != 1:
            break
        node = unused.pop(step[0])
        walk.append((here, node))
        (here,) = step[0] - {here}
        if here in vectors and any(here in axes for axes in unused):
            # A vector on the way scales the matrix before it: M diag(v) N = (M ⊙ v) N.
            if diagonals:
                walk.append((here, Diagonal(vectors.pop(here), (here, here))))
            else:
                walk[-1] = (walk[-1][0], _times(node, vectors.pop(here)))
    if here in vectors:
        walk.append((here, vectors.pop(here)))
    elif not (len(ends) == 2 and here == ends[1]):
        return None
    return None if unused or vectors else (walk, here, free)
