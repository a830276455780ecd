"""What every written form starts from: names, subscripts and conditions in one notation.

    dW1 -> ∂L/∂W⁽¹⁾      x[2*i + 1] -> x₂ᵢ₊₁      Within(0, i, n) -> [0 ≤ i ≤ n - 1]

A pen knows no matrix forms and no sums; :mod:`matrix_text` and :mod:`index_text` write with it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import sympy as sp

from ..dependence import solved_for
from ..equation import (
    INDEX_VALUE,
    Equal,
    Equation,
    Guard,
    Implicit,
    Read,
    Size,
    Subscript,
    System,
)
from ..matrices.leaves import Levels, levels_of
from ..matrices.loop_ends import Loops, loops_of
from ..matrices.put_in import Definition
from .layout import ADD, ATOM, POW, Piece
from .notation import Notation, superscript
from .text_and_latex import Medium

Way: TypeAlias = Literal["column", "row"]
"""How a vector stands."""


@dataclass(frozen=True)
class Written:
    """An equation as two sides."""

    left: str
    right: str

    def __str__(self) -> str:
        return f"{self.left} = {self.right}"


@dataclass(frozen=True)
class Setting:
    """What an equation's text depends on beyond itself: log Σ exp that are parts of a softmax,
    recurrences with the values beyond their ends, places of maxima that something reads, each with
    how many places there are, and what is solved for, with its slopes."""

    levels: Levels = field(default_factory=dict)
    loops: Loops = field(default_factory=Loops)
    places: Mapping[str, Size] = field(default_factory=dict)
    solved: Collection[str] = ()
    slopes: Collection[str] = ()

    @classmethod
    def of(cls, system: System) -> Setting:
        read = {r.array for equation in system.equations for r in equation.reads}
        places = {name: index.size for equation in system.equations if equation.argmax
                  for name, index in zip(equation.argmax, equation.terms[0].over, strict=True)
                  if name in read}
        slopes = {item.slope for item in system.items if isinstance(item, Implicit)}
        return cls(levels_of(system), loops_of(system), places, solved_for(system), slopes)


@dataclass(frozen=True)
class Conventions:
    """Everything that decides how an equation is written, but the medium.

    row_vectors: arrays with one axis are rows (x W + b) rather than columns (W x + b).
    upright: arrays that are columns all the same, and stacks of columns if they have more axes:
        with samples as rows, what has a value for each of them.
    shapes: of all arrays; an axis of size 1 needs no subscript.
    diagonals: [i = j] v is written diag(v), and so is a vector that scales rows or columns.
    setting: what is known of the system that the equations are from.
    inline: what is written for arrays that have no line of their own.
    repeats: a vector beside a matrix stands for one with equal rows (X W + b), or with equal
        columns where vectors are columns (W X + b), as biases do; otherwise that is always
        written out (X W + 1 bᵀ).
    leading: derivative -> how many of its axes are those of what is differentiated; the others are
        what by.  A derivative by a matrix is then written as a matrix, with ⊗.
    """

    notation: Notation
    row_vectors: bool
    shapes: Mapping[str, tuple[Size, ...]]
    diagonals: bool = False
    setting: Setting = field(default_factory=Setting)
    repeats: bool = True
    leading: Mapping[str, int] = field(default_factory=dict)
    upright: Collection[str] = ()
    inline: Mapping[str, Definition] = field(default_factory=dict)

    @property
    def vectors(self) -> Way:
        """What an array with one axis is."""
        return "row" if self.row_vectors else "column"

    @property
    def repeated(self) -> Way | None:
        """Which vectors stand beside a matrix for one with equal rows or columns."""
        return self.vectors if self.repeats and not self.diagonals else None

    def is_upright(self, array: str) -> bool:
        """Whether an array, or that which it is the adjoint of, is a column by name."""
        return self.notation.adjoints.get(array, array) in self.upright

    def way(self, array: str, axes: Sequence[str]) -> Way | None:
        """How a read of an array stands that runs along `axes` ("" for one of length 1)."""
        named = [axis for axis in axes if axis]
        if self.is_upright(array):
            return "column" if named else None
        if self.shapes.get(self.notation.adjoints.get(array, array)) == (1,):
            return None  # one entry stands either way
        if len(named) != 1:
            return "column" if named and axes[-1] == "" else None
        if len(axes) > 1:
            return "row" if axes[-1] else "column"
        return self.vectors

    def name(self, array: str, at: Sequence[str] = (), latex: bool = False) -> str:
        """An array, or an entry of it, as this notation writes it."""
        return self.notation.latex(array, at) if latex else self.notation.text(array, at)

    def shapes_read(self, equation: Equation) -> dict[str, tuple[Size, ...]]:
        """The shapes of what an equation reads, those of adjoints from their arrays."""
        names = {read.array for read in equation.reads}
        primal = self.notation.adjoints
        return {name: self.shapes[key] for name in names
                for key in (name if name in self.shapes else primal.get(name, name),)
                if key in self.shapes}

    def worth_showing(self, array: str, at: Sequence[str]) -> list[str]:
        """The subscripts worth showing: those of axes longer than one."""
        shape = self._shape(array)
        if len(shape) != len(at):
            return list(at)
        return [entry for entry, size in zip(at, shape, strict=True) if size != 1]

    def rank(self, array: str) -> int:
        """How many subscripts an entry of an array has: its axes longer than one."""
        return sum(size != 1 for size in self._shape(array))

    def _shape(self, array: str) -> tuple[Size, ...]:
        primal = self.notation.adjoints.get(array, array)
        return self.shapes.get(array, self.shapes.get(primal, ()))

    def across(self, axes: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
        """The axes of vectors that are not repeated without a word but have 1ᵀ behind them."""
        if len(axes) < 2:
            return ()
        both = {"column": axes[:-1], "row": axes[-1:]}
        return tuple(across for way, across in both.items() if way != self.repeated)


@dataclass(frozen=True)
class Pen:
    """Conventions in one medium: what is common to matrix forms and index forms."""

    conventions: Conventions
    medium: Medium

    def name(self, array: str, at: Sequence[str] = ()) -> str:
        return self.conventions.name(array, at, self.medium.latex)

    def entry(self, read: Read) -> Piece:
        """An entry of an array: x₂ᵢ₊₁; the place itself where that is the value."""
        if read.array == INDEX_VALUE:
            (place,) = map(self.subscript, read.at)
            return Piece(place, ATOM if place.isalnum() else ADD)
        at = [self.subscript(part) for part in read.at]
        return name_piece(self.name(read.array, self.conventions.worth_showing(read.array, at)))

    def subscript(self, part: Subscript) -> str:
        if isinstance(part, Read):
            at = [self.subscript(inner) for inner in part.at]
            return self.name(part.array, self.conventions.worth_showing(part.array, at))
        return affine(part, self.medium.latex).replace(" + ", "+").replace(" - ", "-")

    def guard(self, guard: Guard) -> str:
        """A condition as a factor that is 1 or 0, in Iverson's brackets."""
        return f"[{self.condition(guard)}]{self.medium.gap}"

    def condition(self, guard: Guard) -> str:
        if isinstance(guard, Equal):
            sides = [guard.left, guard.right]
            if getattr(guard.right, "is_Symbol", False):  # an index is on the left: t = T - 1
                sides.sort(key=lambda side: not getattr(side, "is_Symbol", False))
            return " = ".join(map(self.subscript, sides))
        bounds = (guard.low, guard.value, sp.expand(guard.high - 1))
        shown = f" {self.medium.at_most} ".join(affine(b, self.medium.latex) for b in bounds)
        return shown.replace("#", "")  # of an index that is not seen elsewhere


def name_piece(text: str, array: bool = False) -> Piece:
    """A name; a fraction (an adjoint) needs brackets before a power or a transpose."""
    return Piece(text, POW if text.startswith((r"\frac", "∂")) else ATOM, array)


def affine(place: sp.Expr, latex: bool) -> str:
    """A place as people write it: 2i + u - 1, and H i (in text H·i).

    >>> i, u, size = sp.symbols("i u H")
    >>> affine(2*i + u - 1, latex=False), affine(size*i, latex=False), affine(size*i, latex=True)
    ('2i + u - 1', 'H·i', 'H i')
    >>> affine(size**2*i, latex=False), affine(size**2*i, latex=True)
    ('H²·i', 'H^{2} i')
    """
    shown = re.sub(r"\*\*(\d+)", lambda found: (
        f"^{{{found[1]}}}" if latex else superscript(found[1])), str(place))
    shown = re.sub(r"(?<=\d)\*(?=[^\W\d])", "", shown)
    return re.sub(r"(?<!\*)\*(?!\*)", " " if latex else "·", shown)
