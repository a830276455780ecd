"""Matrix form: index equations recognised as what people write.

δ aᵀ, Wᵀδ ⊙ σ'(z), Xᵀδ, row sums, outer products: a small tree of such operations, from which
LaTeX, text and NumPy are all written, so that a document and its code cannot disagree.  What is
no chain of matrices stays an ``Einsum``; what is no contraction at all has no matrix form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import sympy as sp

from .equation import (
    NAMED,
    Equal,
    Equation,
    Read,
    Size,
    Term,
    slot,
    substitute_term,
)
from .matrix_nodes import (
    Applied,
    Diagonal,
    Einsum,
    Leaf,
    Node,
    Outer,
    Pointwise,
    Product,
    Total,
    Transposed,
    aligned,
    walk,
)

__all__ = [
    "Applied", "Diagonal", "Einsum", "Leaf", "Node", "Outer", "Pointwise", "Product", "Total",
    "Transposed", "aligned", "matrix_form", "walk",
]


def matrix_form(
    equation: Equation,
    row_vectors: bool = False,
    shapes: Mapping[str, tuple[Size, ...]] | None = None,
    diagonals: bool = False,
) -> Node | None:
    """The right side as matrix operations; None when subscripts or guards do not allow it.

    `shapes` are those of the arrays that are read: an index that does not run over a whole axis
    (a slice from 0) is then no plain subscript.
    With `diagonals`, a guard [i = j] and a vector that scales rows or columns become diag(v).
    With `row_vectors`, a product that is a vector is written with the vector on the left (x W).
    The result's axes are those of the left side, in some order a :class:`Transposed` mends.
    """
    out = tuple(index.name for index in equation.out)
    body: sp.Expr = sp.S.Zero
    arguments: list[Node] = []
    for term in _summands(equation, diagonals):
        if diagonals and term.guards:
            found_diagonal = _diagonal(equation, term, row_vectors, shapes)
            if found_diagonal is None:
                return None
            number, *nodes = found_diagonal
            body += number * sp.Mul(*(slot(_place(arguments, node)) for node in nodes))
            continue
        if not _is_plain(term) or not _reads_whole_axes(equation, term, shapes or {}):
            return None
        if equation.reduction in NAMED:
            return _applied(equation, term)
        if equation.reduction != "sum":
            inner = _pointwise(term.body, _leaves(term), _all_axes(term, out))
            return Total(inner, tuple(index.name for index in term.over), equation.reduction)
        factor, found = (
            _between_diagonals(term, out, row_vectors) if diagonals and len(out) == 2 else None
        ) or _term_form(term, out, row_vectors, diagonals)
        move = {slot(p): slot(_place(arguments, node)) for p, node in enumerate(found)}
        body += factor.xreplace(move)
    result = _pointwise(body, arguments, out)
    if isinstance(result, Pointwise) and result.body == slot(0):
        (lone,) = result.arguments
        if set(lone.axes) == set(out):
            return lone
    return result


def _summands(equation: Equation, diagonals: bool) -> Iterator[Term]:
    """The terms; one that adds outer products entry by entry as a term for each of them."""
    out = [index.name for index in equation.out]
    for term in equation.terms:
        parts = sp.Add.make_args(term.body)
        leaves = _leaves(term) if _is_plain(term) or term.guards else ()
        outer = leaves and len(out) == 2 and not term.over and any(
            [f for f in sp.Mul.make_args(part) if _axes_of(f, leaves) == {out[0]}]
            and [f for f in sp.Mul.make_args(part) if _axes_of(f, leaves) == {out[1]}]
            for part in parts
        )
        if len(parts) > 1 and equation.reduction == "sum" and (outer or diagonals):
            ordered = sorted(parts, key=lambda part: min(_places(part), default=-1))
            yield from (replace(term, body=part) for part in ordered)
        else:
            yield term


def _places(body: sp.Expr) -> list[int]:
    return [int(str(s)[2:]) for s in body.free_symbols if str(s).startswith("_x")]


def _applied(equation: Equation, term: Term) -> Node | None:
    """A named operation on a matrix that stands alone (not one for each entry of a batch)."""
    indices = equation.out if equation.reduction == "inv" else term.over
    if len(equation.out) != (2 if equation.reduction == "inv" else 0):
        return None
    axes = tuple(index.name for index in indices)
    inner = aligned(_pointwise(term.body, _leaves(term), axes), axes)
    return Applied(equation.reduction, inner, tuple(index.name for index in equation.out))


def _diagonal(
    equation: Equation,
    term: Term,
    row_vectors: bool,
    shapes: Mapping[str, tuple[Size, ...]] | None,
) -> tuple[sp.Expr, *tuple[Node, ...]] | None:
    """A term with the guard [row = column] as a number, a scalar if any, a diagonal matrix."""
    (guard, *more), out = term.guards, equation.out
    if more or len(out) != 2 or not isinstance(guard, Equal) or equation.reduction != "sum":
        return None
    row, column = (index.symbol for index in out)
    if {guard.left, guard.right} != {row, column}:
        return None
    axes = tuple(index.name for index in out)
    lone = substitute_term(replace(term, guards=()), {column: row})
    number, rest = lone.body.as_coeff_Mul()
    if rest == 1:
        return number, Diagonal(None, axes)
    vector = Equation(equation.name, out[:1], (replace(lone, body=rest),))
    form = matrix_form(vector, row_vectors, shapes)
    if form is None:
        return None
    if not any(str(row) in inner.axes for inner in walk(form) if isinstance(inner, Leaf)):
        scalar = replace(form, axes=()) if isinstance(form, Pointwise) else form
        return number, scalar, Diagonal(None, axes)
    return number, Diagonal(form, axes)


def _between_diagonals(
    term: Term, out: tuple[str, ...], row_vectors: bool
) -> tuple[sp.Expr, tuple[Node, ...]] | None:
    """diag(u) M diag(v) for a matrix whose rows or columns are scaled."""
    leaves = _leaves(term)
    sides: dict[str, list[sp.Expr]] = {out[0]: [], out[1]: []}
    scalars: list[sp.Expr] = []
    rest: list[sp.Expr] = []
    for factor in sp.Mul.make_args(term.body):
        axes = _axes_of(factor, leaves)
        if len(axes) == 1 and axes <= set(out):
            sides[next(iter(axes))].append(factor)
        else:
            (rest if axes else scalars).append(factor)
    if not rest or not any(sides.values()):
        return None
    inner, arguments = _term_form(replace(term, body=sp.Mul(*rest)), out, row_vectors, True)
    core = aligned(_pointwise(inner, arguments, out), out)
    if isinstance(core, Pointwise) and core.body == slot(0):
        core = aligned(core.arguments[0], out)
    if core.axes != out:
        return None
    factors: list[Node] = list(core.factors) if isinstance(core, Product) else [core]
    row, column = (
        Diagonal(_pointwise(sp.Mul(*sides[axis]), leaves, (axis,)), (axis, axis))
        if sides[axis] else None
        for axis in out
    )
    factors = [*([row] if row else []), *factors, *([column] if column else [])]
    move = {slot(place): slot(place + 1) for place in range(len(leaves))}
    return slot(0) * sp.Mul(*scalars).xreplace(move), (Product(tuple(factors), out), *leaves)


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
    term: Term, out: tuple[str, ...], row_vectors: bool, diagonals: bool = False
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
        contracted = _contract(nodes, over, out, row_vectors, diagonals)
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
    nodes: dict[frozenset[str], Node],
    over: set[str],
    out: tuple[str, ...],
    row_vectors: bool,
    diagonals: bool = False,
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
    outer = _outer(nodes, rest, out, row_vectors, diagonals)
    if outer is not None:
        return outer
    chain = _chain(nodes, rest, out, diagonals)
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
        if isinstance(node, Diagonal):
            factors.append(node)
            continue
        forward = node.axes[0] == here
        factors.append(node if forward else Transposed(node))
        here = node.axes[1] if forward else node.axes[0]
    ends = tuple(axis for axis in out if any(axis in axes for axes in nodes))
    if len(ends) == 1 and row_vectors and len(path[-1].axes) == 1:
        factors = [_flip(factor) for factor in reversed(factors)]
    return Product(tuple(factors), ends)


def _outer(
    nodes: dict[frozenset[str], Node],
    over: set[str],
    out: tuple[str, ...],
    row_vectors: bool,
    diagonals: bool,
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
        _contract(side, over & {a for axes in side for a in axes}, (axis,), row_vectors, diagonals)
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
    nodes: dict[frozenset[str], Node], over: set[str], out: tuple[str, ...], diagonals: bool
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
            if diagonals:
                walk.append(Diagonal(vectors.pop(here), (here, here)))
            else:
                walk[-1] = _times(node, vectors.pop(here))
    if here in vectors:
        walk.append(vectors.pop(here))
    elif not (len(ends) == 2 and here == ends[1]):
        return None
    return None if unused or vectors else (ends[0], walk)
