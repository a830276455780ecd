"""Matrix form: index equations recognised as what people write.

    dW[j, k] = Σ_i X[i, j] δ[i, k]   ->   Xᵀ δ

δ aᵀ, Wᵀδ ⊙ σ'(z), Xᵀδ, row sums, outer products: a small tree of such operations, from which
LaTeX, text and NumPy are all written, so that a document and its code cannot disagree.  What is
no chain of matrices stays an ``Einsum``; what is no contraction at all has no matrix form.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import sympy as sp

from ..equation import (
    MATRIX_VALUED,
    NAMED,
    Equal,
    Equation,
    Guard,
    Index,
    Read,
    Size,
    Term,
    guard_subscripts,
    slot,
    slots_of,
    subscript_indices,
)
from ..solving import drop_idle
from ..substitution import substitute_term
from .leaves import Levels, Summand, pointwise, summand
from .nodes import (
    Applied,
    Diagonal,
    Leaf,
    Node,
    Pointwise,
    Series,
    Total,
    Where,
    aligned,
    walk,
)
from .summands import between_diagonals, contracted_form, in_order, lone, outer_parts


def matrix_form(
    equation: Equation,
    row_vectors: bool = False,
    shapes: Mapping[str, tuple[Size, ...]] | None = None,
    diagonals: bool = False,
    *,
    fixed: Collection[str] = (),
    levels: Levels | None = None,
    identities: bool = False,
) -> Node | None:
    """The right side as matrix operations; None when subscripts or guards do not allow it.

    `shapes` are those of the arrays that are read: an index that does not run over a whole axis
    reads a part of it.  The indices `fixed` stand as subscripts: the form is that of each slice.
    `levels` are the log Σ exp that may be read as parts of a softmax.
    With `identities`, a constant where [i = j] is that times I.
    With `diagonals`, a guard [i = j] and a vector that scales rows or columns become diag(v).
    With `row_vectors`, a product that is a vector is written with the vector on the left (x W).
    The result's axes are those of the left side, in some order a :class:`Transposed` mends;
    axes of length 1 that nothing on the right side has are left out (:func:`without_units`).
    """
    manner = _Manner(row_vectors, shapes or {}, diagonals, fixed, levels or {}, identities)
    # Axes of length 1 and sums over nothing would stand between factors that are a product.
    equation = without_units(drop_idle(equation))
    out = tuple(index.name for index in equation.out if index.name not in fixed)
    if equation.reduction != "sum":
        return _reduced(equation, manner, out)
    total = _Sum(out)
    for term in _parted(equation, diagonals):
        if not _add_term(total, equation, term, manner):
            return None
    return total.node(share=len(equation.terms) > 1)


@dataclass(frozen=True)
class _Manner:
    """How a form is asked for: the arguments of :func:`matrix_form`."""

    row_vectors: bool
    shapes: Mapping[str, tuple[Size, ...]]
    diagonals: bool
    fixed: Collection[str]
    levels: Levels
    identities: bool

    def diagonals_of(self, term: Term) -> bool:
        """Whether a term where [i = j] is written with diag, or, of scalars alone, with I."""
        scalar = not any(read.at for read in term.reads) and not term.over
        return self.diagonals or (self.identities and scalar and not self.fixed)


@dataclass
class _Sum:
    """Terms added up: one body over arguments, equal ones in one slot.

    `sums` are the forms that are summed over indices that stand as subscripts, by the factor in
    front and those indices with their sizes: forms under one Σ are added under it.
    """

    out: tuple[str, ...]
    body: sp.Expr = sp.S.Zero
    arguments: list[Node] = field(default_factory=list)
    sums: dict[tuple[sp.Expr, tuple[Index, ...]], list[Node]] = field(default_factory=dict)

    def add(self, factor: sp.Expr, found: Sequence[Node]) -> None:
        """A body over nodes of its own."""
        for node in found:
            if node not in self.arguments:
                self.arguments.append(node)
        move = {slot(p): slot(self.arguments.index(node)) for p, node in enumerate(found)}
        self.body += factor.xreplace(move)

    def node(self, share: bool) -> Node:
        """The form of it all; with `share`, what its terms have in common stands in front."""
        for (front, series), nodes in self.sums.items():
            added = sp.Add(*map(slot, range(len(nodes))))
            summed = nodes[0] if len(nodes) == 1 else Pointwise(added, tuple(nodes), self.out)
            self.add(front * slot(0), [Series(summed, tuple(index.name for index in series))])
        body = _shared(self.body) if share else self.body
        return lone(pointwise(body, self.arguments, self.out), self.out)


def _add_term(total: _Sum, equation: Equation, term: Term, manner: _Manner) -> bool:
    """Whether a term of a sum has a form, which is then added."""
    if manner.diagonals_of(term) and term.guards:
        diagonal = _diagonal(equation, term, manner)
        if diagonal is not None:
            number, *nodes = diagonal
            scalar = nodes[0]
            if len(nodes) > 1 and isinstance(scalar, Pointwise):
                number, nodes = number * scalar.body.xreplace({
                    slot(p): slot(p + 1) for p in range(len(scalar.arguments))}), [
                    nodes[1], *scalar.arguments]
                total.add(number * slot(0), nodes)
            else:
                total.add(number * sp.Mul(*map(slot, range(len(nodes)))), nodes)
            return True
        masked = _masked(equation, term, manner)
        if masked is not None:
            total.add(slot(0) * slot(1), masked)
            return True
        if manner.diagonals:
            return False
    made = summand(equation, term, manner.shapes, manner.fixed, manner.levels)
    if made is None:
        return False
    if made.guards and not made.leaves and not made.over:  # a constant on a part, [i <= j]
        sizes = tuple(index.size for index in equation.out if index.name in total.out)
        _add_constant(total, made, sizes)
        return True
    if not all(_is_condition(guard, manner.fixed) for guard in made.guards):
        return False
    if not made.leaves and set(made.over) - set(manner.fixed):
        return False  # a constant is summed: there is no array that has the axis
    for part in outer_parts(made, total.out):
        _add_part(total, part, manner, term.over)
    return True


def _add_constant(total: _Sum, made: Summand, sizes: tuple[Size, ...]) -> None:
    """A constant where guards hold, a minus in front of them."""
    sign = _sign(made.body)
    constant = Pointwise(sign * made.body, (), total.out)
    total.add(sign * slot(0), [Where(constant, made.guards, sizes)])


def _sign(factor: sp.Expr) -> int:
    return -1 if factor.as_coeff_Mul()[0].is_negative else 1


def _add_part(total: _Sum, part: Summand, manner: _Manner, over: Sequence[Index]) -> None:
    """A summand as a contraction times the rest, under its guards and under Σ where it has one."""
    out = total.out
    series = tuple(index for index in over
                   if index.name in part.over and index.name in manner.fixed)
    rest = replace(part, over=tuple(name for name in part.over if name not in manner.fixed))
    scaled = between_diagonals(rest, out, manner.row_vectors) \
        if manner.diagonals and len(out) == 2 else None
    factor, found = scaled or contracted_form(rest, out, manner.row_vectors, manner.diagonals)
    if part.guards:  # a minus stands in front of the condition
        sign = _sign(factor)
        inner = aligned(lone(pointwise(sign * factor, found, out), out), out)
        factor, found = sign * slot(0), (Where(inner, part.guards),)
    if not series:
        total.add(factor, found)
        return
    front, factor = factor.as_independent(*slots_of(factor), as_Add=False)
    node = aligned(lone(pointwise(factor, found, out), out), out)
    total.sums.setdefault((front, series), []).append(node)


def _shared(body: sp.Expr) -> sp.Expr:
    """p x - p y as p (x - y)."""
    parts = [set(sp.Mul.make_args(part)) for part in sp.Add.make_args(body)]
    common = set.intersection(*parts)
    # Numbers stay in the terms: 2 x - 2 y is laid out as 2 (x - y) by the printer.
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
    # An index that a read has is an axis to broadcast along, whatever its length.
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
        return term  # a guard may be about the very index
    over = tuple(index for index in term.over if index not in gone)
    return substitute_term(replace(term, over=over), {i.symbol: sp.S.Zero for i in gone})


def _is_condition(guard: Guard, fixed: Collection[str]) -> bool:
    """Whether a guard is about indices alone that stand as subscripts."""
    return not any(isinstance(part, Read) for part in guard_subscripts(guard)) and all(
        symbol.is_positive or str(symbol) in fixed
        for part in guard_subscripts(guard) for symbol in subscript_indices(part)
    )


def _reduced(equation: Equation, manner: _Manner, out: tuple[str, ...]) -> Node | None:
    """A named operation, or a maximum or log Σ exp over some axes (and places of them)."""
    (term,) = equation.terms
    made = None if manner.diagonals and term.guards else summand(
        equation, term, manner.shapes, manner.fixed, manner.levels)
    if made is None or not set(manner.fixed).isdisjoint(made.over):
        return None
    if equation.reduction in NAMED:
        return None if made.guards else _applied(equation, made, out)
    inner = pointwise(made.body, made.leaves, _all_axes(made, out))
    if made.guards:
        if any(isinstance(p, Read) for guard in made.guards for p in guard_subscripts(guard)):
            return None
        sizes = {index.name: index.size for index in (*equation.out, *term.over)}
        inner = Where(inner, made.guards, tuple(sizes[axis] for axis in inner.axes), True)
    return Total(inner, made.over, equation.reduction)


def _parted(equation: Equation, diagonals: bool) -> Iterator[Term]:
    """The terms of a sum; with `diagonals`, a term for each summand of a body."""
    for term in equation.terms:
        parts = sp.Add.make_args(term.body)
        if diagonals and len(parts) > 1:
            yield from (replace(term, body=part) for part in in_order(parts))
        else:
            yield term


def _applied(equation: Equation, made: Summand, indices: tuple[str, ...]) -> Node | None:
    """A named operation on a matrix that stands alone, or at fixed places of a stack.

    indices: those of the left side that are not fixed.
    """
    if len(indices) != (2 if equation.reduction in MATRIX_VALUED else 0):
        return None
    axes = indices or made.over
    inner = aligned(pointwise(made.body, made.leaves, axes), axes)
    return Applied(equation.reduction, inner, indices)


def _diagonal(
    equation: Equation, term: Term, manner: _Manner
) -> tuple[sp.Expr, *tuple[Node, ...]] | None:
    """A term with the guard [row = column] as a number, a scalar if any, a diagonal matrix."""
    (guard, *more), out = term.guards, equation.out
    if more or len(out) != 2 or not isinstance(guard, Equal):
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
    form = matrix_form(vector, manner.row_vectors, manner.shapes, levels=manner.levels)
    if form is None:
        return None
    if not any(str(row) in inner.axes for inner in walk(form) if isinstance(inner, Leaf)):
        scalar = replace(form, axes=()) if isinstance(form, Pointwise) else form
        return number, scalar, Diagonal(None, axes)
    return number, Diagonal(form, axes)


def _masked(equation: Equation, term: Term, manner: _Manner) -> tuple[Node, Node] | None:
    """I and A for a term A[row, column] where [row = column]: I ⊙ A."""
    (guard, *more), out = term.guards, equation.out
    pair = {index.symbol for index in out}
    if more or len(out) != 2 or not isinstance(guard, Equal) or {guard.left, guard.right} != pair:
        return None
    form = matrix_form(replace(equation, terms=(replace(term, guards=()),)), manner.row_vectors,
                       manner.shapes, levels=manner.levels)
    axes = tuple(index.name for index in out)
    return None if form is None else (Diagonal(None, axes), aligned(form, axes))


def _all_axes(made: Summand, out: Sequence[str]) -> tuple[str, ...]:
    """The axes a reduction's argument has: an array's own order where it has them all."""
    names = {*out, *made.over}
    for node in made.leaves:
        if set(node.axes) == names:
            return node.axes
    return (*out, *made.over)
