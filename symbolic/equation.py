"""The one data type: an ordered, single-assignment list of index equations.

    y[out] = Σ_terms  R_over  [guards]  f(x1[I1], x2[I2], ...)

Forward and backward passes, traced programs and derived ones are all values of :class:`System`.
What makes a value of it valid is in :mod:`validation`, terms are changed by :mod:`substitution`,
and what follows from what is asked of :mod:`dependence`.

Three reductions R close the form under the adjoint rule: a sum; a maximum, which records where it
was attained; and log Σ exp, the smooth maximum, which keeps softmax and its cross-entropy finite
for every input without a rewrite.  What has no index form, the inverse and the determinant of the
matrix that a term states, stands in their place as a named operation; what is known by an equation
alone, x = f(x), is a group of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import count
from typing import Literal, TypeAlias

import sympy as sp

Size: TypeAlias = sp.Expr
"""A positive integer, a size symbol, or an expression in them (and in outer indices, ``n(l)``)."""

INDEX_VALUE = "#"
"""Name of the pseudo-array whose entry at (e,) is the number e itself (what ``arange`` reads)."""


class EquationError(ValueError):
    """An equation that breaks the rules of the type; the message names it."""


@cache
def slot(position: int) -> sp.Symbol:
    """The real symbol that stands for the value of a term's read number `position` in its body."""
    return sp.Symbol(f"_x{position}", real=True)


def slot_number(symbol: sp.Symbol) -> int | None:
    """The number of the read that a symbol stands for; None for what is no slot (a size)."""
    return int(symbol.name[2:]) if symbol.name.startswith("_x") else None


def slot_numbers(expression: sp.Expr) -> list[int]:
    """The numbers of the reads that a body uses, in order."""
    numbers = map(slot_number, expression.free_symbols)
    return sorted(number for number in numbers if number is not None)


def slots_of(expression: sp.Expr) -> list[sp.Symbol]:
    """The slots in a body, by number."""
    return [slot(number) for number in slot_numbers(expression)]


@cache
def size_symbol(name: str) -> sp.Symbol:
    """The positive integer symbol of a named size."""
    return sp.Symbol(name, integer=True, positive=True)


def as_size(size: Size | int | str) -> Size:
    """A size from a number, a name or an expression; a size of zero or less is an EquationError."""
    if isinstance(size, str):
        return size_symbol(size)
    result = sp.sympify(size)
    if result.is_Integer and result <= 0:
        raise EquationError(f"a size must be a positive integer, got {result}")
    return result


@cache
def index_symbol(name: str) -> sp.Symbol:
    """The integer symbol of an index; its sign is unknown to SymPy, its range is the index's."""
    return sp.Symbol(name, integer=True)


@dataclass(frozen=True)
class Index:
    """An index that runs over 0 ... size - 1."""

    name: str
    size: Size

    @property
    def symbol(self) -> sp.Symbol:
        return index_symbol(self.name)

    def __repr__(self) -> str:
        return f"{self.name}<{self.size}"


@dataclass(frozen=True)
class Read:
    """An occurrence x[I1, I2, ...] of an array in a body, or of an integer array in a subscript."""

    array: str
    at: tuple[Subscript, ...]

    def __repr__(self) -> str:
        return f"{self.array}[{', '.join(map(str, self.at))}]"


Subscript: TypeAlias = sp.Expr | Read
"""An affine expression in indices, or the occurrence of an integer array (a gather)."""


@dataclass(frozen=True)
class Equal:
    """The guard [left = right]."""

    left: Subscript
    right: Subscript

    def __repr__(self) -> str:
        return f"[{self.left} = {self.right}]"


@dataclass(frozen=True)
class Within:
    """The guard [low <= value < high]."""

    low: sp.Expr
    value: sp.Expr
    high: sp.Expr

    def __repr__(self) -> str:
        return f"[{self.low} <= {self.value} < {self.high}]"


Guard: TypeAlias = Equal | Within
Reduction: TypeAlias = Literal["sum", "max", "logsumexp", "inv", "cholesky", "det", "logdet"]

NAMED = ("inv", "cholesky", "det", "logdet")
"""The operations on matrices that have no index form; their rules are in `named_operations`."""

MATRIX_VALUED = ("inv", "cholesky")
"""Those of them whose value is a matrix again."""


@dataclass(frozen=True)
class Term:
    """One summand: the reduction over `over` of `body`, where all `guards` hold.

    `body` is a scalar SymPy expression in ``slot(0) ... slot(len(reads) - 1)`` and size symbols.
    `via` names the forward equation through which the chain rule put this term here, if one did.
    """

    body: sp.Expr
    reads: tuple[Read, ...] = ()
    over: tuple[Index, ...] = ()
    guards: tuple[Guard, ...] = ()
    via: str = field(default="", compare=False)

    def __repr__(self) -> str:
        shown = str(self.body)
        for position, read in reversed(list(enumerate(self.reads))):
            shown = shown.replace(f"_x{position}", repr(read))
        head = "".join(f"Σ_{index} " for index in self.over)
        return head + "".join(map(repr, self.guards)) + shown


@dataclass(frozen=True)
class Equation:
    """`name`[out] = Σ_terms R ...; see the module.

    Only a sum may have several terms.  A "det" or "logdet" (of the absolute value) is taken over
    its term's two indices `over`, an "inv" or a "cholesky" (the lower factor of a symmetric
    matrix) over the last two of `out`, and binds none.  The arrays
    named in `argmax`, one for each index of a maximum's `over`, hold the first place (in row-major
    order) it was attained.
    """

    name: str
    out: tuple[Index, ...]
    terms: tuple[Term, ...]
    reduction: Reduction = "sum"
    argmax: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[Size, ...]:
        return tuple(index.size for index in self.out)

    @property
    def reads(self) -> Iterator[Read]:
        """Every occurrence in every term, those inside subscripts and guards included."""
        for term in self.terms:
            yield from term_reads(term)

    @property
    def is_pointwise(self) -> bool:
        """One unguarded term without a reduction: y[out] = f(...)."""
        return (self.reduction == "sum" and len(self.terms) == 1
                and not self.terms[0].over and not self.terms[0].guards)

    def __repr__(self) -> str:
        reduction = "" if self.reduction == "sum" else self.reduction + " "
        left = f"{self.name}[{', '.join(map(repr, self.out))}]"
        return f"{left} = {reduction}" + " + ".join(map(repr, self.terms))


@dataclass(frozen=True)
class Recurrence:
    """Equations that occur in each other at a shifted loop index (h[t] from h[t - 1]).

    Every equation has an index named `loop` among its `out`; the group is evaluated for the loop
    index 0, 1, ... (`direction` = 1) or from its last value down (`direction` = -1).  Boundary
    cases are guards: a term that reads h[t - 1] carries [1 <= t].
    """

    loop: str
    direction: Literal[1, -1]
    equations: tuple[Equation, ...]

    def __repr__(self) -> str:
        arrow = "upwards" if self.direction == 1 else "downwards"
        body = "\n".join(f"  {equation!r}" for equation in self.equations)
        return f"for {self.loop} {arrow}:\n{body}"


@dataclass(frozen=True)
class Implicit:
    """Equations that hold together: the last says what its array, the unknown, is by itself.

    x = f(x).  The first says where the search starts and is no part of what holds.  `slope` names
    ∂(x - f)/∂x, which equations behind the group define; empty where nobody has asked.
    """

    equations: tuple[Equation, ...]
    slope: str = ""

    @property
    def unknown(self) -> Equation:
        return self.equations[-1]

    def __repr__(self) -> str:
        return f"solved for {self.unknown.name}:" + "".join(f"\n  {e!r}" for e in self.equations)


Item: TypeAlias = Equation | Recurrence | Implicit
Kind: TypeAlias = Literal[
    "real", "integer", "one_hot", "probability", "positive", "labels", "mask", "constant",
    "symmetric", "orthogonal", "invertible", "interval", "sign",
]

SQUARE = ("symmetric", "orthogonal", "invertible")
"""The kinds of square matrices."""


@dataclass(frozen=True)
class Array:
    """An input: its name, shape, and what is assumed of its entries.

    `kind`: "one_hot" and "probability" entries sum to one along the axis `along`; "positive"
    entries are > 0; those of an "interval" lie strictly between `low` and `high`, where None is no
    end; "labels" are integers below `classes`; "mask" entries are 0 or 1, those of a "sign" 1 or
    -1; "symmetric", "orthogonal" and "invertible" are square matrices.  `axes` are names for the
    axes' indices in printed formulas, `least` the least values that names of sizes have; `truths`
    come as True and False, which NumPy adds and inverts as such.
    """

    name: str
    shape: tuple[Size, ...]
    kind: Kind = "real"
    axes: tuple[str, ...] = ()
    classes: Size | None = None
    low: sp.Rational | None = None
    high: sp.Rational | None = None
    along: int = -1
    least: tuple[tuple[str, int], ...] = ()
    truths: bool = False

    @property
    def is_positive(self) -> bool:
        low = self.bounds[0]
        return low is not None and low >= 0

    @property
    def bounds(self) -> tuple[sp.Rational | None, sp.Rational | None]:
        """The open interval that every entry lies in; None for no end."""
        return (sp.S.Zero, None) if self.kind == "positive" else (self.low, self.high)

    @property
    def is_integer(self) -> bool:
        return self.truths or self.kind in ("integer", "labels")


@dataclass(frozen=True)
class System:
    """Inputs and the items computed from them, in order; each name is assigned once."""

    inputs: tuple[Array, ...]
    items: tuple[Item, ...]

    @property
    def equations(self) -> Iterator[Equation]:
        """All equations, those of groups included, in order."""
        for item in self.items:
            yield from equations_of(item)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.shapes)

    @property
    def shapes(self) -> dict[str, tuple[Size, ...]]:
        """The shape of every array, inputs and argmax arrays included."""
        shapes = {array.name: array.shape for array in self.inputs}
        for equation in self.equations:
            shapes[equation.name] = equation.shape
            shapes.update(dict.fromkeys(equation.argmax, equation.shape))
        return shapes

    def __getitem__(self, name: str) -> Equation:
        for equation in self.equations:
            if equation.name == name:
                return equation
        raise KeyError(f"no equation defines {name!r}; there are {sorted(self.names)}")

    def input(self, name: str) -> Array:
        for array in self.inputs:
            if array.name == name:
                return array
        raise KeyError(f"no input {name!r}; there are {[array.name for array in self.inputs]}")

    def extended(self, items: Iterable[Item]) -> System:
        return replace(self, items=(*self.items, *items))

    def mapped(self, change: Callable[[Equation], Equation]) -> System:
        """The system with every equation changed, those of recurrences where they stand."""
        return replace(self, items=tuple(
            replace(item, equations=tuple(map(change, item.equations)))
            if not isinstance(item, Equation) else change(item) for item in self.items))

    def __repr__(self) -> str:
        return "\n".join(map(repr, self.items))


def equations_of(item: Item) -> tuple[Equation, ...]:
    """The equations of a group, or the one equation that an item is."""
    return (item,) if isinstance(item, Equation) else item.equations


def size_symbols(shapes: Iterable[Iterable[Size]]) -> list[sp.Symbol]:
    """The sizes that shapes are made of, in order; an outer index that one depends on is none."""
    return list(dict.fromkeys(
        symbol for shape in shapes for size in shape
        for symbol in sorted(size.free_symbols, key=str) if symbol.is_positive))


def size_names(shapes: Iterable[Iterable[Size]]) -> set[str]:
    """The names of the sizes that shapes are made of, which are no letters for an index."""
    return {symbol.name for symbol in size_symbols(shapes)}


def is_unnamed(name: str) -> bool:
    """Whether an array has the name that a text or a trace gives what nobody named (t1, t2)."""
    return name.startswith("t") and name[1:].isdigit()


def fresh_name(name: str, taken: Iterable[str]) -> str:
    """`name`, or `name` with the smallest number behind it that is not taken."""
    taken = set(taken)
    stem = name.rstrip("0123456789") or name
    return name if name not in taken else next(
        numbered for numbered in (f"{stem}{number}" for number in count(1))
        if numbered not in taken)


def subscript_reads(subscript: Subscript) -> Iterator[Read]:
    """The occurrences of integer arrays in a subscript, from the outside in."""
    if isinstance(subscript, Read):
        yield subscript
        for inner in subscript.at:
            yield from subscript_reads(inner)


def guard_subscripts(guard: Guard) -> tuple[Subscript, ...]:
    if isinstance(guard, Equal):
        return guard.left, guard.right
    return guard.low, guard.value, guard.high


def term_reads(term: Term) -> Iterator[Read]:
    """Every occurrence in a term: of the body, of its subscripts, and of its guards."""
    for read in term.reads:
        yield from subscript_reads(read)
    for guard in term.guards:
        for subscript in guard_subscripts(guard):
            yield from subscript_reads(subscript)


def subscript_indices(subscript: Subscript) -> frozenset[sp.Symbol]:
    """The free symbols (indices, and sizes inside constants) of a subscript."""
    if isinstance(subscript, Read):
        return frozenset().union(*(subscript_indices(inner) for inner in subscript.at))
    return frozenset(subscript.free_symbols)
