"""Contractions recognised: products of matrices in a row, outer products, sums of rows.

    Σ_k A[i, k] B[k, j]          -> A B          Σ_i X[i, j] d[i]   -> Xᵀ d
    Σ_k A[i, k] v[k] B[k, j]     -> (A ⊙ v) B    Σ_ij u[i] M[i, j]  -> (Mᵀ u) 1

Leading axes that all matrices share (a batch, heads, time) go along, as in NumPy's matmul: the
last two axes are the matrix.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..equation import slot
from .nodes import Diagonal, Einsum, Node, Outer, Pointwise, Product, Total, Transposed

Groups = Mapping[frozenset[str], Node]
"""The factors of a body, gathered by the axes that they have."""

Path = list[tuple[str, Node]]
"""Matrices and vectors in a row, each with the axis that it is entered by."""


def contract_sums(
    groups: Groups, over: set[str], out: tuple[str, ...], row_vectors: bool,
    diagonals: bool = False,
) -> Node:
    """The sum over `over` of a product of groups: a chain of matrices where it is one."""
    nodes = dict(groups)
    # In the order of names, not of a set, so that a formula is the same in every run.
    for axis in sorted(over):
        _weigh(nodes, axis, row_vectors)
    for axis in sorted(over):
        _sum_alone(nodes, axis)
    rest = over & {axis for axes in nodes for axis in axes}
    if len(nodes) == 1:
        (node,) = nodes.values()
        return Total(node, tuple(axis for axis in node.axes if axis in rest)) if rest else node
    free = {axis for axes in nodes for axis in axes} - rest
    return (
        _scaled(nodes, rest, out, row_vectors, diagonals)
        or _outer(nodes, rest, out, row_vectors, diagonals)
        or _matrix_product(nodes, out, row_vectors, diagonals)
        or Einsum(tuple(nodes.values()), tuple(axis for axis in out if axis in free))
    )


def _sum_alone(nodes: dict[frozenset[str], Node], axis: str) -> None:
    """An axis that one group alone has is summed there, before anything is multiplied."""
    holders = [axes for axes in nodes if axis in axes]
    if len(holders) != 1 or len(nodes) == 1 or len(holders[0]) == 1:
        return
    summed: Node = Total(nodes.pop(holders[0]), (axis,))
    axes = frozenset(summed.axes)
    nodes[axes] = _times(nodes[axes], summed) if axes in nodes else summed


def _matrix_product(
    nodes: Groups, out: tuple[str, ...], row_vectors: bool, diagonals: bool
) -> Node | None:
    """Matrices (or stacks of them) and vectors in a row; None where they form none."""
    stack = _stack(nodes, out)
    if stack is None:
        return None
    chain = _chain(_in_stack(nodes, stack), out[len(stack):], diagonals)
    if chain is None:
        return None
    path, free = chain
    return Product(tuple(_oriented(path, free, row_vectors)), (*stack, *free))


def _weigh(nodes: dict[frozenset[str], Node], axis: str, row_vectors: bool) -> None:
    """A product of two matrices that a third one weighs entry by entry: M ⊙ (A B)."""
    holders = [axes for axes in nodes if axis in axes]
    between = frozenset().union(*holders) - {axis}
    if len(holders) != 2 or between not in nodes or any(len(axes) != 2 for axes in holders):
        return
    weight = nodes[between]
    product = contract_sums(
        {axes: nodes.pop(axes) for axes in holders}, {axis}, weight.axes, row_vectors
    )
    nodes[between] = _times(weight, product)


def _stack(nodes: Groups, out: tuple[str, ...]) -> tuple[str, ...] | None:
    """The leading axes that the matrices are stacked along; None where there is no such order."""
    if not nodes:  # a sum of what reads no array
        return None
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
        if own in found:  # a matrix for each of a stack, times one for all
            wide, narrow = sorted((found[own], node), key=lambda n: -len(n.axes))
            node = _times(wide, narrow)
        found[own] = node
    return found


def _oriented(path: Path, free: tuple[str, ...], row_vectors: bool) -> list[Node]:
    """The path's nodes, transposed where they are walked through backwards."""
    factors = [
        node if len(node.axes) == 1 or isinstance(node, Diagonal) or node.axes[-2] == here
        else Transposed(node)
        for here, node in path
    ]
    if len(free) == 1 and row_vectors and len(path[-1][1].axes) == 1:
        factors = [_flip(factor) for factor in reversed(factors)]  # A x of columns is x Aᵀ of rows
    return factors


def _scaled(
    nodes: Groups, over: set[str], out: tuple[str, ...], row_vectors: bool, diagonals: bool
) -> Node | None:
    """A product whose rows or columns another one scales: (A B)[p, i] (C v)[i]; else None."""
    held = frozenset().union(*nodes)
    free = [axis for axis in out if axis in held and axis not in over]
    if len(free) != 2:
        return None
    for axis in free:
        (other,) = set(free) - {axis}
        reached = {other}  # what hangs together with the other axis, but for this one
        while (wider := reached.union(*(axes for axes in nodes if (axes - {axis}) & reached))
               - {axis}) != reached:
            reached = wider
        apart = {axes: n for axes, n in nodes.items() if not axes & reached}
        rest = {axes: n for axes, n in nodes.items() if axes & reached}
        if not any(over & axes for axes in apart) or not any(axis in axes for axes in rest):
            continue
        scale = contract_sums(apart, over & frozenset().union(*apart), (axis,), row_vectors,
                              diagonals)
        product = contract_sums(rest, over & reached, out, row_vectors, diagonals)
        if len(scale.axes) == 1 and set(product.axes) == set(free):
            return _times(product, scale)
    return None


def _outer(
    nodes: Groups, over: set[str], out: tuple[str, ...], row_vectors: bool, diagonals: bool
) -> Node | None:
    """(A a) (B b)ᵀ where the groups fall apart into one for either axis; else None."""
    if len(out) != 2:
        return None
    reached = {out[0]}  # the axes that hang together with the first of the left side
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
        contract_sums(side, over & frozenset().union(*side), (axis,), row_vectors, diagonals)
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
) -> tuple[Path, tuple[str, ...]] | None:
    """(the matrices and vectors in order, the free axes) when the groups form one path; else
    None."""
    if max(map(len, nodes)) > 2:
        return None
    matrices = {axes: node for axes, node in nodes.items() if len(axes) == 2}
    vectors = {next(iter(axes)): node for axes, node in nodes.items() if len(axes) == 1}
    held = frozenset().union(*nodes)
    free = tuple(axis for axis in out if axis in held)
    if len(free) > 2 or not vectors.keys().isdisjoint(free):
        return None
    path: Path = []
    if free:
        here = free[0]
    elif vectors and (matrices or len(vectors) == 1):  # a number: from one vector to another
        here = min(vectors)
        path = [(here, vectors.pop(here))]
    else:
        return None
    here = _walk_on(path, here, matrices, vectors, diagonals)
    if here in vectors and len(free) < 2:
        path.append((here, vectors.pop(here)))
    elif len(free) != 2 or here != free[1]:
        return None
    return None if matrices or vectors else (path, free)


def _walk_on(
    path: Path, here: str, matrices: dict[frozenset[str], Node], vectors: dict[str, Node],
    diagonals: bool,
) -> str:
    """Takes matrices into the path as long as one alone leads on; the axis where that ends."""
    while len(ways := [axes for axes in matrices if here in axes]) == 1:
        node = matrices.pop(ways[0])
        path.append((here, node))
        (here,) = ways[0] - {here}
        if here in vectors and any(here in axes for axes in matrices):
            # A vector on the way scales the matrix before it: M diag(v) N = (M ⊙ v) N.
            if diagonals:
                path.append((here, Diagonal(vectors.pop(here), (here, here))))
            else:
                path[-1] = (path[-1][0], _times(node, vectors.pop(here)))
    return here
