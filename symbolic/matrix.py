"""Matrix form: index equations recognised as what people write.

δ aᵀ, Wᵀδ ⊙ σ'(z), Xᵀδ, row sums, outer products: a small tree of such operations, from which
LaTeX, text and NumPy are all written, so that a document and its code cannot disagree.  What is
no chain of matrices stays an ``Einsum``; what is no contraction at all has no matrix form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import sympy as sp

from .equation import Equation, Read, Reduction, Size, Term, slot


@dataclass(frozen=True)
class Leaf:
    """An array; `axes` are the equation's indices its axes run with ("" for a broadcast 0)."""

    array: str
    axes: tuple[str, ...]


@dataclass(frozen=True)
class Transposed:
    """A matrix with its two axes exchanged."""

    of: Node

    @property
    def axes(self) -> tuple[str, ...]:
        return tuple(reversed(self.of.axes))


@dataclass(frozen=True)
class Product:
    """A matrix product, left to right; a vector may stand at either end."""

    factors: tuple[Node, ...]
    axes: tuple[str, ...]


@dataclass(frozen=True)
class Outer:
    """column · row: every entry of one vector times every entry of the other."""

    column: Node
    row: Node

    @property
    def axes(self) -> tuple[str, ...]:
        return (*self.column.axes, *self.row.axes)


@dataclass(frozen=True)
class Total:
    """The sum (maximum, log Σ exp) of an array over some of its axes."""

    of: Node
    over: tuple[str, ...]
    reduction: Reduction = "sum"

    @property
    def axes(self) -> tuple[str, ...]:
        return tuple(axis for axis in self.of.axes if axis not in self.over)


@dataclass(frozen=True)
class Einsum:
    """Any other contraction: the operands multiplied and summed over what is not in `axes`."""

    operands: tuple[Node, ...]
    axes: tuple[str, ...]


@dataclass(frozen=True)
class Pointwise:
    """A scalar body over arrays, entry by entry; an argument's missing axes are broadcast."""

    body: sp.Expr
    arguments: tuple[Node, ...]
    axes: tuple[str, ...]


Node: TypeAlias = Leaf | Transposed | Product | Outer | Total | Einsum | Pointwise


def matrix_form(
    equation: Equation,
    row_vectors: bool = False,
    shapes: Mapping[str, tuple[Size, ...]] | None = None,
) -> Node | None:
    """The right side as matrix operations; None when subscripts or guards do not allow it.

    `shapes` are those of the arrays that are read: an index that does not run over a whole axis
    (a slice from 0) is then no plain subscript.
    With `row_vectors`, a product that is a vector is written with the vector on the left (x W).
    The result's axes are those of the left side, in some order a :class:`Transposed` mends.
    """
    out = tuple(index.name for index in equation.out)
    body: sp.Expr = sp.S.Zero
    arguments: list[Node] = []
    for term in equation.terms:
        if not _is_plain(term) or not _reads_whole_axes(equation, term, shapes or {}):
            return None
        if equation.reduction != "sum":
            inner = _pointwise(term.body, _leaves(term), _all_axes(term, out))
            return Total(inner, tuple(index.name for index in term.over), equation.reduction)
        factor, found = _term_form(term, out, row_vectors)
        move = {slot(p): slot(_place(arguments, node)) for p, node in enumerate(found)}
        body += factor.xreplace(move)
    result = _pointwise(body, arguments, out)
    if isinstance(result, Pointwise) and result.body == slot(0):
        (lone,) = result.arguments
        if set(lone.axes) == set(out):
            return lone
    return result


def _place(arguments: list[Node], node: Node) -> int:
    """The slot of an argument, which is appended when it is new."""
    if node not in arguments:
        arguments.append(node)
    return arguments.index(node)


def _is_plain(term: Term) -> bool:
    """Whether every subscript is an index by itself (or 0) and no guard is left."""
    return not term.guards and all(
        not isinstance(entry, Read) and (entry.is_Symbol or entry == 0)
        for read in term.reads
        for entry in read.at
    ) and all(len({*read.at} - {sp.S.Zero}) == sum(e != 0 for e in read.at) for read in term.reads)


def _reads_whole_axes(
    equation: Equation, term: Term, shapes: Mapping[str, tuple[Size, ...]]
) -> bool:
    sizes = {index.symbol: index.size for index in (*equation.out, *term.over)}
    return all(
        sizes.get(entry, sp.S.One) == size
        for read in term.reads if read.array in shapes
        for entry, size in zip(read.at, shapes[read.array], strict=True)
    )


def _leaves(term: Term) -> tuple[Node, ...]:
    return tuple(
        Leaf(read.array, tuple("" if entry == 0 else str(entry) for entry in read.at))
        for read in term.reads
    )


def _all_axes(term: Term, out: Sequence[str]) -> tuple[str, ...]:
    """The axes a reduction's argument has: an array's own order where it has them all."""
    names = {*out, *(index.name for index in term.over)}
    for read in term.reads:
        axes = tuple(str(entry) for entry in read.at)
        if set(axes) == names:
            return axes
    return (*out, *(index.name for index in term.over))


def _pointwise(body: sp.Expr, leaves: Sequence[Node], axes: tuple[str, ...]) -> Node:
    """A body over the leaves it uses; the leaf itself when it is nothing more."""
    used = [p for p in range(len(leaves)) if slot(p) in body.free_symbols]
    move = {slot(p): slot(new) for new, p in enumerate(used)}
    body = body.xreplace(move)
    arguments = tuple(leaves[p] for p in used)
    if body == slot(0) and arguments[0].axes == axes:
        return arguments[0]
    return Pointwise(body, arguments, axes)


def _term_form(
    term: Term, out: tuple[str, ...], row_vectors: bool
) -> tuple[sp.Expr, tuple[Node, ...]]:
    """A term as (body, arguments) with one argument for everything that is summed."""
    leaves = _leaves(term)
    over = {index.name for index in term.over}
    outside: list[sp.Expr] = []
    groups: dict[frozenset[str], list[sp.Expr]] = {}
    for factor in sp.Mul.make_args(term.body):
        axes = _axes_of(factor, leaves)
        if axes & over or (not over and len(out) == 2 and len(axes) == 1):
            groups.setdefault(axes, []).append(factor)
        else:
            outside.append(factor)
    if not over and not (
        len(out) == 2 and set(groups) == {frozenset(out[:1]), frozenset(out[1:])}
        and all(f.is_number or not _axes_of(f, leaves) for f in outside)
    ):
        return term.body, leaves
    nodes = {
        axes: _pointwise(sp.Mul(*factors), leaves, _order(axes, leaves, factors, out))
        for axes, factors in groups.items()
    }
    if not over:
        contracted: Node = Outer(nodes[frozenset(out[:1])], nodes[frozenset(out[1:])])
    else:
        contracted = _contract(nodes, over, out, row_vectors)
    # In front, where the first factor of the product stood.
    move = {slot(place): slot(place + 1) for place in range(len(leaves))}
    return slot(0) * sp.Mul(*outside).xreplace(move), (contracted, *leaves)


def _axes_of(factor: sp.Expr, leaves: Sequence[Node]) -> frozenset[str]:
    return frozenset(
        axis
        for place, leaf in enumerate(leaves)
        if slot(place) in factor.free_symbols
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


# --- contractions -------------------------------------------------------------------------------


def _contract(
    nodes: dict[frozenset[str], Node], over: set[str], out: tuple[str, ...], row_vectors: bool
) -> Node:
    """The sum over `over` of a product of groups: a chain of matrices where it is one."""
    nodes = dict(nodes)
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
    chain = _chain(nodes, rest, out)
    if chain is None:
        free = {axis for axes in nodes for axis in axes} - rest
        return Einsum(tuple(nodes.values()), tuple(a for a in out if a in free))
    start, path = chain
    factors: list[Node] = []
    here = start
    for node in path:
        if len(node.axes) == 1:
            factors.append(node)
            continue
        forward = node.axes[0] == here
        factors.append(node if forward else Transposed(node))
        here = node.axes[1] if forward else node.axes[0]
    ends = tuple(axis for axis in out if any(axis in axes for axes in nodes))
    if len(ends) == 1 and row_vectors and len(path[-1].axes) == 1:
        factors = [_flip(factor) for factor in reversed(factors)]
    return Product(tuple(factors), ends)


def _times(one: Node, other: Node) -> Node:
    return Pointwise(slot(0) * slot(1), (one, other), one.axes)


def _flip(node: Node) -> Node:
    if len(node.axes) == 1:
        return node
    return node.of if isinstance(node, Transposed) else Transposed(node)


def _chain(
    nodes: dict[frozenset[str], Node], over: set[str], out: tuple[str, ...]
) -> tuple[str, list[Node]] | None:
    """(first axis, matrices and vectors in order) when the groups form one path; else None."""
    if any(len(axes) > 2 for axes in nodes):
        return None
    matrices = {axes: node for axes, node in nodes.items() if len(axes) == 2}
    vectors = {next(iter(axes)): node for axes, node in nodes.items() if len(axes) == 1}
    ends = [axis for axis in out if any(axis in axes for axes in nodes)]
    if len(ends) > 2 or any(end in vectors for end in ends):
        return None
    if not ends:
        ends = sorted(vectors)[:1]
        if not ends or (not matrices and len(vectors) > 1):
            return None
        walk: list[Node] = [vectors.pop(ends[0])]
    else:
        walk = []
    here = ends[0]
    unused = dict(matrices)
    while True:
        step = [axes for axes in unused if here in axes]
        if len(step) != 1:
            break
        node = unused.pop(step[0])
        walk.append(node)
        (here,) = step[0] - {here}
        if here in vectors and any(here in axes for axes in unused):
            # A vector on the way scales the matrix before it: M diag(v) N = (M ⊙ v) N.
            walk[-1] = _times(node, vectors.pop(here))
    if here in vectors:
        walk.append(vectors.pop(here))
    elif not (len(ends) == 2 and here == ends[1]):
        return None
    return None if unused or vectors else (ends[0], walk)


def walk(node: Node) -> Iterator[Node]:
    """The node and everything in it."""
    yield node
    inner: tuple[Node, ...] = ()
    if isinstance(node, Transposed | Total):
        inner = (node.of,)
    elif isinstance(node, Product):
        inner = node.factors
    elif isinstance(node, Outer):
        inner = (node.column, node.row)
    elif isinstance(node, Einsum):
        inner = node.operands
    elif isinstance(node, Pointwise):
        inner = node.arguments
    for part in inner:
        yield from walk(part)


def aligned(node: Node, axes: tuple[str, ...]) -> Node:
    """The node with its axes in the given order, where a transposition gives it."""
    if node.axes != axes and tuple(reversed(node.axes)) == axes and len(axes) == 2:
        return node.of if isinstance(node, Transposed) else Transposed(node)
    return node
