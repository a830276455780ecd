"""What a printed formula says, as equations: the trees of gradproof.symbolic.reread for a prover.

    2 Aᵀ (A x - b)   ->   s1[i] = Σ_k A[i, k] x[k],  s2[i] = s1[i] - b[i],  s3[j] = Σ_i A[i, j] ...

Each node is an array of its own: its rows and columns, behind the indices of the Σ around it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from gradproof.symbolic.equation import (
    Equal,
    Equation,
    Index,
    Read,
    Size,
    System,
    Term,
    fresh_name,
    index_symbol,
    slot,
)
from gradproof.symbolic.functions import ACTIVATIONS, derivative
from gradproof.symbolic.reread.shapes import Convention, check, free_indices
from gradproof.symbolic.reread.trees import (
    Binary,
    Call,
    Comparison,
    Constant,
    Entry,
    Eye,
    Length,
    Number,
    Ones,
    Power,
    Range,
    Statement,
    Sum,
    Tree,
    Unary,
)

ROW, COLUMN, MET = "row", "column", "met"
KNOWN = {"exp": sp.exp, "log": sp.log, "abs": sp.Abs, "sign": sp.sign,
         **{{"sigmoid": "σ", "relu": "ReLU"}.get(name, name): function
            for name, function in ACTIVATIONS.items() if function is not None}}
COMPARED = {"<": sp.Lt, "<=": sp.Le, ">": sp.Gt, ">=": sp.Ge, "==": sp.Eq, "!=": sp.Ne}


@dataclass(frozen=True)
class Said:
    """An array that was made of a tree: the indices of the Σ around it, its rows and columns."""

    array: str
    around: tuple[str, ...]
    rows: Size
    columns: Size

    def at(self, row: Any, column: Any) -> Read:
        """Its entry; an axis of length 1 is none."""
        own = [place for size, place in ((self.rows, row), (self.columns, column)) if size != 1]
        return Read(self.array, (*map(index_symbol, self.around), *own))


@dataclass
class Sayer:
    """Adds to a system what formulas say.  symbols: the number of a size, by which shapes are
    told apart -> its symbol."""

    system: System
    convention: Convention
    symbols: Mapping[int, Size]
    around: dict[str, Size] = field(default_factory=dict)

    def state(self, said: Statement, wish: str) -> str:
        """The array that a formula says its left side to be, with the axes of that."""
        check(said, self.convention)
        array = said.left.array
        shape = [self._size(number) for number in self.convention.shapes[array]]
        names = free_indices(said.left)
        self.around = dict(zip(names, shape, strict=False))
        found = self.of(said.right)
        rest = [place for place, size in zip((ROW, COLUMN), (found.rows, found.columns),
                                             strict=True) if size != 1]
        out = (*names, *rest) if rest or len(names) == len(shape) else (
            *names, *(ROW, COLUMN)[:len(shape) - len(names)])  # a number for every entry
        indices = tuple(Index(name, size) for name, size in zip(out, shape, strict=True))
        self.around = {}
        return self._add(wish, indices, Term(slot(0), (found.at(*map(index_symbol,
                                                                    (ROW, COLUMN))),)))

    def of(self, tree: Tree) -> Said:
        found: Said = getattr(self, "_" + type(tree).__name__.lower())(tree)
        return found

    # --- making arrays --------------------------------------------------------------------------

    def _size(self, dim: Length | int) -> Size:
        found = dim.found if isinstance(dim, Length) else dim
        assert isinstance(found, int), "a length that nothing says"
        return self.symbols.get(found, sp.Integer(found))

    def _add(self, wish: str, out: Sequence[Index], *terms: Term, reduction: Any = "sum") -> str:
        name = fresh_name(wish, self.system.names)
        self.system = self.system.extended([Equation(name, tuple(out), terms, reduction)])
        return name

    def _made(self, rows: Size, columns: Size, around: Sequence[str], *terms: Term,
              reduction: Any = "sum") -> Said:
        own = [Index(name, size) for name, size in ((ROW, rows), (COLUMN, columns)) if size != 1]
        outer = [Index(name, self.around[name]) for name in around]
        return Said(self._add("s1", [*outer, *own], *terms, reduction=reduction), tuple(around),
                    rows, columns)

    def _entrywise(self, body: sp.Expr, *parts: Said) -> Said:
        """A body over arrays of one shape, and numbers."""
        rows = next((part.rows for part in parts if part.rows != 1), sp.S.One)
        columns = next((part.columns for part in parts if part.columns != 1), sp.S.One)
        here = index_symbol(ROW), index_symbol(COLUMN)
        return self._made(rows, columns, self._around(parts),
                          Term(body, tuple(part.at(*here) for part in parts)))

    def _around(self, parts: Sequence[Said]) -> list[str]:
        return [name for name in self.around if any(name in part.around for part in parts)]

    # --- leaves ---------------------------------------------------------------------------------

    def _number(self, tree: Number) -> Said:
        return self._entrywise(sp.Rational(tree.value.numerator, tree.value.denominator))

    def _constant(self, tree: Constant) -> Said:
        if tree.name in self.convention.sizes:
            return self._entrywise(self.symbols[self.convention.sizes[tree.name]])
        return self._entrywise({"π": sp.pi, "e": sp.E}[tree.name])

    def _ones(self, tree: Ones) -> Said:
        return self._made(self._size(tree.length), sp.S.One, (), Term(sp.S.One))

    def _eye(self, tree: Eye) -> Said:
        size = self._size(tree.size)
        here = Equal(index_symbol(ROW), index_symbol(COLUMN))
        return self._made(size, size, (), Term(sp.S.One, guards=(here,)))

    def _entry(self, tree: Entry) -> Said:
        shape = [self._size(number) for number in self.convention.shapes[tree.array]]
        places: list[Any] = []
        around: list[str] = []
        free = [axis for axis in range(len(shape)) if axis >= len(tree.at)
                or isinstance(tree.at[axis], Range)]
        own = dict(zip(free, (ROW, COLUMN), strict=False))
        for axis in range(len(shape)):
            if axis in own:
                places.append(index_symbol(own[axis]))
                continue
            place = tree.at[axis]
            assert isinstance(place, Constant), "a place that is no index"
            places.append(index_symbol(place.name))
            around.append(place.name)
        rows, columns = ([shape[axis] for axis in free] + [sp.S.One] * 2)[:2]
        kept = [name for name in self.around if name in around]
        return self._made(rows, columns, kept, Term(slot(0), (Read(tree.array, tuple(places)),)))

    # --- operations -----------------------------------------------------------------------------

    def _unary(self, tree: Unary) -> Said:
        of = self.of(tree.of)
        if tree.sign == "-":
            return self._entrywise(-slot(0), of)
        if tree.sign == "sqrt":
            return self._entrywise(sp.sqrt(slot(0)), of)
        if tree.sign == "T" or (of.rows, of.columns) == (1, 1):
            if tree.sign == "inv":
                return self._entrywise(1 / slot(0), of)
            turned = of.at(index_symbol(COLUMN), index_symbol(ROW))
            return self._made(of.columns, of.rows, of.around, Term(slot(0), (turned,)))
        here = of.at(index_symbol(ROW), index_symbol(COLUMN))
        return self._made(of.rows, of.columns, of.around, Term(slot(0), (here,)), reduction="inv")

    def _binary(self, tree: Binary) -> Said:
        left, right = self.of(tree.left), self.of(tree.right)
        x, y = slot(0), slot(1)
        if tree.sign != "·":
            body = {"+": x + y, "-": x - y, "⊙": x * y, "⊘": x / y, "/": x / y}[tree.sign]
            return self._entrywise(body, left, right)
        if (left.rows, left.columns) == (1, 1) or (right.rows, right.columns) == (1, 1):
            return self._entrywise(x * y, left, right)
        met = index_symbol(MET)
        over = () if left.columns == 1 else (Index(MET, left.columns),)
        reads = left.at(index_symbol(ROW), met), right.at(met, index_symbol(COLUMN))
        return self._made(left.rows, right.columns, self._around((left, right)),
                          Term(x * y, reads, over))

    def _power(self, tree: Power) -> Said:
        base, exponent = self.of(tree.base), tree.exponent
        if isinstance(exponent, Number):
            power = sp.Rational(exponent.value.numerator, exponent.value.denominator)
            return self._entrywise(slot(0) ** power, base)
        return self._entrywise(slot(0) ** slot(1), base, self.of(exponent))

    def _call(self, tree: Call) -> Said:
        parts = [self.of(part) for part in tree.of]
        if tree.function == "softmax":
            return self._softmax(parts[0], tree.axis)
        if tree.function == "diag":
            (of,) = parts
            size, here = max(of.rows, of.columns, key=lambda size: size != 1), index_symbol(ROW)
            where = Equal(here, index_symbol(COLUMN))
            return self._made(size, size, of.around, Term(slot(0), (of.at(here, here),),
                                                          guards=(where,)))
        if tree.function == "tr":
            (of,), met = parts, index_symbol(MET)
            return self._made(sp.S.One, sp.S.One, of.around,
                              Term(slot(0), (of.at(met, met),), (Index(MET, of.rows),)))
        name = tree.function.rstrip("'′")
        function: Any = KNOWN[name]
        for _ in range(len(tree.function) - len(name)):
            function = sp.sign if function is sp.Abs else derivative(function)
        return self._entrywise(function(slot(0)), *parts)

    def _softmax(self, of: Said, axis: int | None) -> Said:
        """exp(z - log Σ exp z)."""
        down = (of.columns == 1) if axis is None else axis in (0, -2)
        met, row, column = map(index_symbol, (MET, ROW, COLUMN))
        at = of.at(met, column) if down else of.at(row, met)
        rows, columns = (sp.S.One, of.columns) if down else (of.rows, sp.S.One)
        over = (Index(MET, of.rows if down else of.columns),)
        level = self._made(rows, columns, of.around, Term(slot(0), (at,), over),
                           reduction="logsumexp")
        return self._entrywise(sp.exp(slot(0) - slot(1)), of, level)

    def _sum(self, tree: Sum) -> Said:
        outer = dict(self.around)
        assert tree.index not in outer, "an index twice"
        size = self._size(tree.ranges[0])
        self.around[tree.index] = size
        of = self.of(tree.of)
        self.around = outer
        here = of.at(index_symbol(ROW), index_symbol(COLUMN))
        kept = [name for name in of.around if name != tree.index]
        return self._made(of.rows, of.columns, kept,
                          Term(slot(0), (here,), (Index(tree.index, size),)))

    def _comparison(self, tree: Comparison) -> Said:
        (sign,) = tree.signs
        left, right = map(self.of, tree.sides)
        held = sp.Piecewise((sp.S.One, COMPARED[sign](slot(0), slot(1))), (sp.S.Zero, True))
        return self._entrywise(held, left, right)

    def _cases(self, tree: Any) -> Said:
        parts, pieces = [], []
        for value, condition in tree.of:
            parts.append(self.of(value))
            chosen = slot(len(parts) - 1)
            if condition is None:
                pieces.append((chosen, True))
                continue
            (sign,), sides = condition.signs, list(map(self.of, condition.sides))
            parts += sides
            pieces.append((chosen, COMPARED[sign](slot(len(parts) - 2), slot(len(parts) - 1))))
        return self._entrywise(sp.Piecewise(*pieces), *parts)
