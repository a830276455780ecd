"""Matrix form: index equations recognised as what people write.

δ aᵀ, Wᵀδ ⊙ σ'(z), Xᵀδ, row sums, outer products: a small tree of such operations, from which
LaTeX, text and NumPy are all written, so that a document and its code cannot disagree.  What is
no chain of matrices stays an ``Einsum``; what is no contraction at all has no matrix form.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

import sympy as sp

from ..equation import (
    MATRIX_VALUED,
    NAMED,
    Equal,
    Equation,
    Guard,
    Read,
    Size,
    Term,
    guard_subscripts,
    slot,
    slot_numbers,
    slots_of,
    subscript_indices,
)
from ..solving import drop_idle
from ..substitution import substitute_term
from .chains import contract
from .leaves import Levels, Summand, pointwise, summand
from .nodes import (
    Applied,
    Diagonal,
    Einsum,
    Leaf,
    Node,
    Outer,
    Pointwise,
    Product,
    Series,
    Softmax,
    Span,
    Total,
    Transposed,
    Where,
    aligned,
    walk,
)

__all__ = [
    "Applied", "Diagonal", "Einsum", "Leaf", "Node", "Outer", "Pointwise", "Product", "Series",
    "Softmax", "Span", "Total", "Transposed", "Where", "aligned", "matrix_form", "walk",
    "without_units",
]


def matrix_form(
    equation: Equation,
    row_vectors: bool = False,
    shapes: Mapping[str, tuple[Size, ...]] | None = None,
    diagonals: bool = False,
    *,
    fixed: Collection[str] = (),
    levels: Levels | None = None,
) -> Node | None:
    """The right side as matrix operations; None when subscripts or guards do not allow it.

    `shapes` are those of the arrays that are read: an index that does not run over a whole axis
    reads a part of it.  The indices `fixed` stand as subscripts: the form is that of each slice.
    `levels` are the log Σ exp that may be read as parts of a softmax.
    With `diagonals`, a guard [i = j] and a vector that scales rows or columns become diag(v).
    With `row_vectors`, a product that is a vector is written with the vector on the left (x W).
    The result's axes are those of the left side, in some order a :class:`Transposed` mends;
    axes of length 1 that nothing on the right side has are left out (:func:`without_units`).
    """
    shapes, levels = shapes or {}, levels or {}
    equation = without_units(drop_idle(equation))
    out = tuple(index.name for index in equation.out if index.name not in fixed)
    body: sp.Expr = sp.S.Zero
    arguments: list[Node] = []
    sums: dict[tuple[sp.Expr, tuple[str, ...]], list[Node]] = {}

    def add(factor: sp.Expr, found: Sequence[Node]) -> None:
        nonlocal body
        move = {slot(p): slot(_place(arguments, node)) for p, node in enumerate(found)}
        body += factor.xreplace(move)

    for term in _parted(equation, diagonals):
        if diagonals and term.guards:
            found_diagonal = _diagonal(equation, term, row_vectors, shapes, levels)
            if found_diagonal is None:
                return None
            number, *nodes = found_diagonal
            add(number * sp.Mul(*map(slot, range(len(nodes)))), nodes)
            continue
        made = summand(equation, term, shapes, fixed, levels)
        if made is None:
            return None
        if equation.reduction != "sum":
            return None if fixed and set(made.over) & set(fixed) else _reduced(
                equation, term, made, out)
        if made.guards and not made.leaves and not made.over:
            constant = Pointwise(made.body, (), out)
            sizes = tuple(index.size for index in equation.out if index.name in out)
            add(slot(0), [Where(constant, made.guards, sizes)])
            continue
        if not all(_is_condition(guard, fixed) for guard in made.guards):
            return None
        for part in _outer_parts(made, out):
            series = tuple(name for name in part.over if name in fixed)
            rest = replace(part, over=tuple(name for name in part.over if name not in fixed))
            factor, found = (
                _between_diagonals(rest, out, row_vectors) if diagonals and len(out) == 2 else None
            ) or _term_form(rest, out, row_vectors, diagonals)
            if made.guards:
                node = aligned(_lone(pointwise(factor, found, out), out), out)
                factor, found = slot(0), (Where(node, made.guards),)
            if series:
                front, factor = _constant(factor)
                node = aligned(_lone(pointwise(factor, found, out), out), out)
                sums.setdefault((front, series), []).append(node)
            else:
                add(factor, found)
    for (front, series), nodes in sums.items():
        total = sp.Add(*map(slot, range(len(nodes))))
        summed = nodes[0] if len(nodes) == 1 else Pointwise(total, tuple(nodes), out)
        add(front * slot(0), [Series(summed, series)])
    if len(equation.terms) > 1:
        body = _shared(body)
    return _lone(pointwise(body, arguments, out), out)


def _shared(body: sp.Expr) -> sp.Expr:
    """p x - p y as p (x - y)."""
    parts = [set(sp.Mul.make_args(part)) for part in sp.Add.make_args(body)]
    common = set.intersection(*parts)
    factor = sp.Mul(*(part for part in common if not part.is_number))
    if factor == 1 or len(parts) < 2:
        return body
    return factor * sp.Add(*(part / factor for part in body.args))


def without_units(equation: Equation) -> Equation:
    """The equation without indices of axes of length 1 that keepdims left behind: those of the
    left side that nothing reads, and those summed over that one array alone has."""
    if equation.reduction in NAMED:
        return equation
    units = [index for index in equation.out if index.size == 1]
    held = {s for read in equation.reads for entry in read.at for s in subscript_indices(entry)}
    gone = [index for index in units if index.symbol not in held]
    out = tuple(index for index in equation.out if index not in gone)
    terms = tuple(map(_without_unit_sums, equation.terms))
    if len(out) == len(equation.out) and terms == equation.terms:
        return equation
    return replace(equation, out=out, terms=terms)


def _without_unit_sums(term: Term) -> Term:
    gone = [
        index for index in term.over if index.size == 1 and sum(
            any(index.symbol in subscript_indices(entry) for entry in read.at)
            for read in term.reads
        ) == 1
    ]
    if not gone or term.guards:
        return term
    over = tuple(index for index in term.over if index not in gone)
    return substitute_term(replace(term, over=over), {i.symbol: sp.S.Zero for i in gone})


def _constant(factor: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """(what depends on no array, the rest) of a product."""
    slots = slots_of(factor)
    front, rest = factor.as_independent(*slots, as_Add=False)
    return front, rest


def _lone(node: Node, out: tuple[str, ...]) -> Node:
    """A body that is one argument by itself as that argument, where a transposition mends it."""
    if isinstance(node, Pointwise) and node.body == slot(0):
        (lone,) = node.arguments
        if aligned(lone, out).axes == out:
            return lone
    return node


def _is_condition(guard: Guard, fixed: Collection[str]) -> bool:
    """Whether a guard is about indices alone that stand as subscripts."""
    return not any(isinstance(part, Read) for part in guard_subscripts(guard)) and all(
        symbol.is_positive or str(symbol) in fixed
        for part in guard_subscripts(guard) for symbol in subscript_indices(part)
    )


def _reduced(
    equation: Equation, term: Term, made: Summand, out: tuple[str, ...]
) -> Node | None:
    """A named operation, or a maximum or log Σ exp over some axes (and places of them)."""
    if equation.reduction in NAMED:
        return None if made.guards else _applied(equation, made)
    inner = pointwise(made.body, made.leaves, _all_axes(made, out))
    if made.guards:
        if any(isinstance(p, Read) for guard in made.guards for p in guard_subscripts(guard)):
            return None
        sizes = {index.name: index.size for index in (*equation.out, *term.over)}
        inner = Where(inner, made.guards, tuple(sizes[axis] for axis in inner.axes), True)
    return Total(inner, made.over, equation.reduction)


def _parted(equation: Equation, diagonals: bool) -> Iterator[Term]:
    """The terms; with `diagonals`, a term for each summand of a body."""
    for term in equation.terms:
        parts = sp.Add.make_args(term.body)
        if diagonals and len(parts) > 1 and equation.reduction == "sum":
            yield from (replace(term, body=part) for part in _ordered(parts))
        else:
            yield term


def _outer_parts(made: Summand, out: tuple[str, ...]) -> Iterator[Summand]:
    """The summand; one that adds outer products entry by entry as one for each of them."""
    parts = sp.Add.make_args(made.body)
    outer = len(out) == 2 and not made.over and any(
        all(any(_axes_of(f, made.leaves) == {axis} for f in sp.Mul.make_args(part))
            for axis in out)
        for part in parts
    )
    if outer and len(parts) > 1:
        yield from (replace(made, body=part) for part in _ordered(parts))
    else:
        yield made


def _ordered(parts: Sequence[sp.Expr]) -> list[sp.Expr]:
    return sorted(parts, key=lambda part: min(slot_numbers(part), default=-1))


def _applied(equation: Equation, made: Summand) -> Node | None:
    """A named operation on a matrix that stands alone (not one for each entry of a batch)."""
    indices = tuple(index.name for index in equation.out)
    if len(indices) != (2 if equation.reduction in MATRIX_VALUED else 0):
        return None
    axes = indices or made.over
    inner = aligned(pointwise(made.body, made.leaves, axes), axes)
    return Applied(equation.reduction, inner, indices)


def _diagonal(
    equation: Equation,
    term: Term,
    row_vectors: bool,
    shapes: Mapping[str, tuple[Size, ...]],
    levels: Levels,
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
    form = matrix_form(vector, row_vectors, shapes, levels=levels)
    if form is None:
        return None
    if not any(str(row) in inner.axes for inner in walk(form) if isinstance(inner, Leaf)):
        scalar = replace(form, axes=()) if isinstance(form, Pointwise) else form
        return number, scalar, Diagonal(None, axes)
    return number, Diagonal(form, axes)


def _between_diagonals(
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
    inner, arguments = _term_form(replace(made, body=sp.Mul(*rest)), out, row_vectors, True)
    core = aligned(_lone(pointwise(inner, arguments, out), out), out)
    if isinstance(core, Pointwise) and core.body == slot(0):
        core = core.arguments[0]
    if core.axes != out:
        return None
    factors: list[Node] = list(core.factors) if isinstance(core, Product) else [core]
    row, column = (
        Diagonal(pointwise(sp.Mul(*sides[axis]), leaves, (axis,)), (axis, axis))
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


def _all_axes(made: Summand, out: Sequence[str]) -> tuple[str, ...]:
    """The axes a reduction's argument has: an array's own order where it has them all."""
    names = {*out, *made.over}
    for node in made.leaves:
        if set(node.axes) == names:
            return node.axes
    return (*out, *made.over)


def _term_form(
    made: Summand, out: tuple[str, ...], row_vectors: bool, diagonals: bool = False
) -> tuple[sp.Expr, tuple[Node, ...]]:
    """A term as (body, arguments) with one argument for everything that is summed."""
    leaves, over = made.leaves, set(made.over)
    outside: list[sp.Expr] = []
    groups: dict[frozenset[str], list[sp.Expr]] = {}
    for factor in sp.Mul.make_args(made.body):
        axes = _axes_of(factor, leaves)
        if axes & over or (not over and len(out) == 2 and len(axes) == 1):
            groups.setdefault(axes, []).append(factor)
        else:
            outside.append(factor)
    if not over and not (
        len(out) == 2 and set(groups) == {frozenset(out[:1]), frozenset(out[1:])}
        and all(f.is_number or not _axes_of(f, leaves) for f in outside)
    ):
        return made.body, leaves
    nodes = {
        axes: pointwise(sp.Mul(*factors), leaves, _order(axes, leaves, factors, out))
        for axes, factors in groups.items()
    }
    if not over:
        contracted: Node = Outer(nodes[frozenset(out[:1])], nodes[frozenset(out[1:])])
    else:
        contracted = contract(nodes, over, out, row_vectors, diagonals)
        lone = _outer_with(contracted, outside, leaves, out)
        if lone is not None:
            scalars, contracted = lone
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
