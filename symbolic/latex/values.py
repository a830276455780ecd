"""What a part of a formula stands for: a body over arrays whose axes have labels.

An axis is labelled ROW or COLUMN where it is that of a matrix (a column vector has ROW alone), and
by a letter where the formula has an index.  An axis of one entry has no label, so that a matrix
with one column is a column.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import sympy as sp

from ..equation import Equal, Index, Read, Reduction, Size, Term, slot
from ..layers.builder import Builder

Label: TypeAlias = str
ROW, COLUMN = "rows", "columns"
"""Labels that no index of a formula has."""


class FitError(ValueError):
    """Shapes that do not fit; says which."""


@dataclass(frozen=True)
class Val:
    """body(reads); `axes` are the labels with their sizes.

    special: "eye", the identity of whatever size fits, or "ones", the column of ones ("onesT" the
    row); then the body and its reads are the number that it is multiplied by.
    function: of a name that is a function without its argument.
    """

    body: sp.Expr
    reads: tuple[tuple[str, tuple[Label | int, ...]], ...] = ()
    axes: Mapping[Label, Size] = field(default_factory=dict)
    special: str = ""

    @property
    def matrix_axes(self) -> frozenset[str]:
        return frozenset(self.axes) & {ROW, COLUMN}

    @property
    def is_number(self) -> bool:
        return not self.reads and not self.special

    @property
    def shape(self) -> str:
        """In words: 3 × n, for messages."""
        if self.special:
            return "any size"
        rows, columns = self.axes.get(ROW, 1), self.axes.get(COLUMN, 1)
        named = [label for label in self.axes if label not in (ROW, COLUMN)]
        shown = f"{rows}×{columns}" if self.matrix_axes else "a number"
        return shown + (f" at each {', '.join(named)}" if named else "")


def number(value: sp.Expr) -> Val:
    return Val(sp.sympify(value))


class Algebra:
    """Operations on values, which append equations to a builder."""

    def __init__(self, builder: Builder, taken: Sequence[str] = ()) -> None:
        self.builder = builder
        self.taken = set(taken)

    def shape(self, name: str) -> tuple[Size, ...]:
        """The shape of an array that there is so far."""
        return self.builder.build().shapes[name]

    # --- entry by entry -------------------------------------------------------------------------

    def pointwise(self, body: Callable[..., sp.Expr], *values: Val) -> Val:
        """Entry by entry, of values with the same axes; a number stands beside anything.

        A column beside a matrix is repeated, as in Z = W A + b.
        """
        values = tuple(self.sized(value, values) for value in values)
        kinds = {value.matrix_axes for value in values if value.matrix_axes}
        if len(kinds) > 1 and frozenset((ROW, COLUMN)) not in kinds:
            first, other = (next(v for v in values if v.matrix_axes == kind) for kind in
                            ({ROW}, {COLUMN}))
            raise FitError(f"a column ({first.shape}) stands beside a row ({other.shape})")
        axes: dict[Label, Size] = {}
        for value in values:
            for label, size in value.axes.items():
                if sp.expand(axes.setdefault(label, size) - size) != 0:
                    raise FitError(f"shapes differ: {values[0].shape} and {value.shape}")
        reads = tuple(dict.fromkeys(read for value in values for read in value.reads))
        bodies = [value.body.xreplace({slot(k): slot(reads.index(read))
                                       for k, read in enumerate(value.reads)})
                  for value in values]
        return Val(sp.sympify(body(*bodies)), reads, axes)

    def sized(self, value: Val, others: Sequence[Val]) -> Val:
        """The identity, or the ones, of the size that the others have."""
        if not value.special:
            return value
        for other in others:
            if value.special == "eye" and other.matrix_axes == {ROW, COLUMN}:
                same = self.delta(ROW, COLUMN, other.axes[ROW])
                return self.pointwise(lambda x, y: x * y, Val(value.body, value.reads), same)
        for other in others:
            if value.special != "eye" and (other.matrix_axes or not other.special):
                return Val(value.body, value.reads)  # which is repeated along whatever there is
        raise FitError("what size the identity, or the ones, have is not said")

    def eye(self, size: Size, factor: sp.Expr = sp.S.One) -> Val:
        made = self.delta(ROW, COLUMN, size)
        return Val(factor * made.body, made.reads, made.axes)

    def delta(self, left: Label, right: Label, size: Size) -> Val:
        """1 where two indices are the same."""
        row, column = self._indices({left: size, right: size})
        name = self.builder.emit(None, (row, column), [
            Term(sp.S.One, (), (), (Equal(row.symbol, column.symbol),))]).name
        return Val(slot(0), ((name, (left, right)),), {left: size, right: size})

    # --- sums -----------------------------------------------------------------------------------

    def settle(self, value: Val, over: Sequence[Label] = (), reduction: Reduction = "sum") -> Val:
        """The value, summed over some labels, as an array with a name."""
        if not over and value.body == slot(0) and len(value.reads) == 1 and \
                tuple(value.axes) == value.reads[0][1]:
            return value
        indices = dict(zip(value.axes, self._indices(value.axes), strict=True))
        reads = tuple(Read(name, tuple(
            sp.Integer(at) if isinstance(at, int) else indices[at].symbol for at in places))
            for name, places in value.reads)
        out = tuple(index for label, index in indices.items() if label not in over)
        bound = tuple(indices[label] for label in over)
        argmax = tuple(self.builder.fresh("at1") for _ in bound) if reduction == "max" else ()
        name = self.builder.emit(None, out, [Term(value.body, reads, bound)], reduction,
                                 argmax).name
        axes = {label: size for label, size in value.axes.items() if label not in over}
        return Val(slot(0), ((name, tuple(axes)),), axes)

    def _indices(self, axes: Mapping[Label, Size]) -> tuple[Index, ...]:
        letters = [letter for letter in "ijkpqruvw" if letter not in self.taken]
        wanted = [letters[place % len(letters)] for place in range(len(axes))]
        return self.builder.named(list(axes.values()), wanted)

    def total(self, value: Val, label: Label, size: Size | None = None) -> Val:
        """Σ over an index; of what does not have it, `size` times that."""
        if label in value.axes:
            return self.settle(value, (label,))
        if size is None:
            raise FitError(f"the sum runs over {label}, which nothing behind it has")
        return Val(value.body * size, value.reads, value.axes)

    # --- matrices -------------------------------------------------------------------------------

    def transposed(self, value: Val) -> Val:
        if value.special in ("ones", "onesT"):
            return replace(value, special="ones" if value.special == "onesT" else "onesT")
        return self.renamed(value, {ROW: COLUMN, COLUMN: ROW})

    @staticmethod
    def renamed(value: Val, names: Mapping[Label, Label]) -> Val:
        reads = tuple((array, tuple(at if isinstance(at, int) else names.get(at, at)
                                    for at in places)) for array, places in value.reads)
        axes = {names.get(label, label): size for label, size in value.axes.items()}
        return Val(value.body, reads, axes, value.special)

    def product(self, left: Val, right: Val) -> Val:
        """The product of matrices; a number beside one scales it.  FitError where they do not
        fit."""
        if left.special or right.special:
            return self._special(left, right)
        if not left.matrix_axes or not right.matrix_axes:
            return self.pointwise(lambda x, y: x * y, left, right)
        inner, other = left.axes.get(COLUMN), right.axes.get(ROW)
        if inner is None and other is None:  # a column and a row
            return self.pointwise_outer(left, right)
        if inner is None or other is None or sp.expand(inner - other) != 0:
            raise FitError(f"{left.shape} times {right.shape}: the inner sizes differ")
        left = self.renamed(left, {COLUMN: "·"})
        right = self.renamed(right, {ROW: "·"})
        both = self._free(left, right)
        return self.settle(both, ("·",))

    def _free(self, left: Val, right: Val) -> Val:
        """The product entry by entry, whatever the axes."""
        reads = tuple(dict.fromkeys((*left.reads, *right.reads)))
        bodies = [value.body.xreplace({slot(k): slot(reads.index(read))
                                       for k, read in enumerate(value.reads)})
                  for value in (left, right)]
        return Val(bodies[0] * bodies[1], reads, {**left.axes, **right.axes})

    def pointwise_outer(self, left: Val, right: Val) -> Val:
        return self._free(left, right)

    def _special(self, left: Val, right: Val) -> Val:
        """With the identity, or with ones, which sum the rows or the columns of a matrix."""
        one, other, first = (left, right, True) if left.special else (right, left, False)
        scaled = self.pointwise(lambda x, y: x * y, replace(one, special=""),
                                replace(other, special=""))
        if other.special == one.special == "eye":
            return replace(scaled, special="eye")
        if other.special:
            raise FitError("what size the ones have is not said")
        if one.special == "eye" or not other.matrix_axes:
            return scaled if other.matrix_axes else replace(scaled, special=one.special)
        label = ROW if first else COLUMN
        if one.special == ("onesT" if first else "ones") and label in other.axes:
            return self.settle(scaled, (label,))
        raise FitError(f"the ones do not fit beside {other.shape}")

    def square_named(self, value: Val, reduction: Reduction) -> Val:
        """inv, det or logdet of a square matrix."""
        if value.matrix_axes != {ROW, COLUMN} or sp.expand(value.axes[ROW] - value.axes[COLUMN]):
            if not value.matrix_axes and reduction != "logdet":
                return self.pointwise(lambda x: 1 / x if reduction == "inv" else x, value)
            raise FitError(f"{reduction} of a matrix that is not square: {value.shape}")
        made = self.settle(value)
        (name, places), = made.reads
        axes = dict(made.axes)
        indices = dict(zip(axes, self._indices(axes), strict=True))
        at = tuple(indices[place].symbol if isinstance(place, str) else sp.Integer(place)
                   for place in places)
        pair = (indices[ROW], indices[COLUMN])
        rest = tuple(index for label, index in indices.items() if label not in (ROW, COLUMN))
        if reduction == "inv":
            out = self.builder.emit(None, (*rest, *pair), [Term(slot(0), (Read(name, at),))], "inv")
        else:
            out = self.builder.emit(None, rest, [Term(slot(0), (Read(name, at),), pair)], reduction)
            axes = {label: size for label, size in axes.items() if label not in (ROW, COLUMN)}
        order = [label for label in axes if label not in (ROW, COLUMN)] + (
            [ROW, COLUMN] if reduction == "inv" else [])
        return Val(slot(0), ((out.name, tuple(order)),), {label: axes[label] for label in order})

    def literal(self, rows: Sequence[Sequence[Val]]) -> Val:
        """A matrix of scalars written out."""
        sizes = {ROW: sp.Integer(len(rows)), COLUMN: sp.Integer(len(rows[0]))}
        axes = {label: size for label, size in sizes.items() if size != 1}
        indices = dict(zip(axes, self._indices(axes), strict=True))
        terms = []
        for r, row in enumerate(rows):
            for c, cell in enumerate(row):
                guards = tuple(Equal(indices[label].symbol, sp.Integer(place)) for label, place in
                               ((ROW, r), (COLUMN, c)) if label in axes)
                reads = tuple(Read(name, tuple(map(sp.Integer, places)))
                              for name, places in cell.reads)
                terms.append(Term(cell.body, reads, (), guards))
        name = self.builder.emit(None, tuple(indices.values()), terms).name
        return Val(slot(0), ((name, tuple(axes)),), axes)
