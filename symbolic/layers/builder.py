"""Array operations as equations: what the network, the text and the traced door all build with.

A :class:`Builder` collects a system; an :class:`Operand` is a named array in it.  Every operation
checks shapes as NumPy would (axes line up from the right; a size of 1 broadcasts) and appends one
equation.  Nothing here knows how to differentiate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import sympy as sp

from ..equation import (
    Array,
    Equation,
    Implicit,
    Index,
    Item,
    Read,
    Recurrence,
    Reduction,
    Size,
    System,
    Term,
    equations_of,
    fresh_name,
    slot,
)
from ..shapes import axis_names
from ..substitution import rename_arrays
from ..validation import validate


class ShapeError(ValueError):
    """Shapes that do not fit an operation; the message gives both and says which axis."""


@dataclass(frozen=True)
class Operand:
    """An array of the system under construction: its name and shape."""

    name: str
    shape: tuple[Size, ...]

    @property
    def ndim(self) -> int:
        """How many axes there are."""
        return len(self.shape)

    def expect(self, shape: tuple[Size, ...], what: str) -> None:
        """ShapeError unless the shape is this one; `what` is the part it plays: "the bias"."""
        if self.shape != shape:
            raise ShapeError(f"{what} {self} needs the shape ({', '.join(map(str, shape))})")

    def expect_axis(self) -> None:
        """ShapeError for a scalar."""
        if not self.ndim:
            raise ShapeError(f"expected an array with an axis, got the scalar {self.name}")

    def numbers(self, axes: Iterable[int], what: str) -> list[sp.Integer]:
        """The sizes of some axes, which must be numbers."""
        sizes = [self.shape[axis] for axis in axes]
        for size in sizes:
            if not size.is_Integer:
                raise ShapeError(f"{what} of {self} needs numbers, got the size {size}")
        return sizes

    def __str__(self) -> str:
        return f"{self.name} of shape ({', '.join(map(str, self.shape))})"


Scalar = sp.Expr | int
"""A number or an expression in sizes, where an operation takes arrays and scalars alike."""


class Builder:
    """A system under construction: equations in order, and which of them are groups."""

    def __init__(self) -> None:
        self.inputs: list[Array] = []
        self.equations: list[Equation] = []
        self.recurrences: list[tuple[range, Recurrence | Implicit]] = []
        self.stepping: str | None = None
        """The index of a recurrence whose steps are being appended."""
        self._names: set[str] = set()
        self._axes: dict[str, tuple[str, ...]] = {}

    def input(self, array: Array) -> Operand:
        """Declares an input."""
        self.inputs.append(array)
        self._names.add(array.name)
        self._axes[array.name] = array.axes or axis_names(len(array.shape))
        return Operand(array.name, array.shape)

    def reserve(self, name: str) -> None:
        """Keeps `name` for later, so that no intermediate takes it."""
        self._names.add(name)

    def fresh(self, name: str) -> str:
        """`name`, or the next free one like it."""
        return fresh_name(name, self._names)

    def build(self) -> System:
        """The system, validated, each group with its equations."""
        items: list[Item] = []
        done = 0
        for places, group in self.recurrences:
            items += self.equations[done : places.start]
            items.append(replace(group, equations=tuple(self.equations[places.start:places.stop])))
            done = places.stop
        return validate(System(tuple(self.inputs), (*items, *self.equations[done:])))

    def adopt(self, system: System) -> None:
        """Goes on from a system that extends the one so far."""
        self.equations, self.recurrences = [], []
        for item in system.items:
            start = len(self.equations)
            self.equations += equations_of(item)
            if not isinstance(item, Equation):
                self.recurrences.append((range(start, len(self.equations)), item))
        for equation in self.equations:
            names = (equation.name, *equation.argmax)
            self._names.update(names)
            self._axes.update(dict.fromkeys(names, tuple(i.name for i in equation.out)))

    # --- operations -----------------------------------------------------------------------------

    def pointwise(
        self,
        body: Callable[..., sp.Expr] | sp.Expr,
        *arguments: Operand,
        name: str | None = None,
        axes: Sequence[str] = (),
    ) -> Operand:
        """f of the arguments, entry by entry, with broadcasting.

        `body` is an expression in ``slot(0) ...``, one slot an argument, or a function of them.
        """
        shape = broadcast(*(argument.shape for argument in arguments))
        out = self.indices(shape, arguments, axes)
        expression = (
            body if isinstance(body, sp.Expr) else body(*map(slot, range(len(arguments))))
        )
        reads = tuple(self.read(argument, out) for argument in arguments)
        return self.emit(name, out, [Term(sp.sympify(expression), reads)])

    def matmul(
        self, left: Operand, right: Operand, name: str | None = None, axes: Sequence[str] = ()
    ) -> Operand:
        """``left @ right`` as NumPy defines it for one and two axes (and batches of matrices)."""
        out, term = self.product_term(left, right, axes)
        return self.emit(name, out, [term])

    def product_term(
        self, left: Operand, right: Operand, axes: Sequence[str] = ()
    ) -> tuple[tuple[Index, ...], Term]:
        """The free indices of ``left @ right`` and its one term."""
        if not left.ndim or not right.ndim:
            raise ShapeError(f"a matrix product needs arrays, got {left} and {right}")
        inner_left = left.shape[-1]
        inner_right = right.shape[-2] if right.ndim > 1 else right.shape[-1]
        if inner_left != inner_right:
            hint = ""
            if right.ndim == 2 and right.shape[1] == inner_left:
                hint = f"; did you mean {right.name}.T?"
            elif left.ndim == 2 and left.shape[0] == inner_right:
                hint = f"; did you mean {left.name}.T?"
            raise ShapeError(f"{left} @ {right}: the inner sizes {inner_left} and {inner_right} "
                             f"differ{hint}")
        batch = broadcast(left.shape[:-2], right.shape[:-2])
        rows = left.shape[-2:-1]
        columns = right.shape[-1:] if right.ndim > 1 else ()
        wanted = list(axes)
        if not wanted:
            stack = left if left.ndim - 2 >= len(batch) else right  # W X, of each X of a stack
            wanted = [*self._axes[stack.name][: stack.ndim - 2]][stack.ndim - 2 - len(batch) :] \
                if batch else []
            wanted += [*self._axes[left.name][-2:-1]] if rows else []
            wanted += [self._axes[right.name][-1]] if columns else []
        shape = (*batch, *rows, *columns)
        out = self.named(shape, wanted)
        taken = {index.name for index in out}
        bound = Index(fresh_name(self._axes[left.name][-1], taken), inner_left)
        lead = out[: len(batch)]
        row = out[len(batch) : len(batch) + len(rows)]
        column = out[len(batch) + len(rows) :]
        left_read = self.read(left, (*lead, *row, bound))
        right_at = (*lead, bound, *column) if right.ndim > 1 else (bound,)
        term = Term(slot(0) * slot(1), (left_read, self.read(right, right_at)), (bound,))
        return out, term

    def outer(self, left: Operand, right: Operand, name: str | None = None) -> Operand:
        """x[i] y[j] of two vectors."""
        out = self.named(
            (*left.shape, *right.shape), (*self._axes[left.name], *self._axes[right.name])
        )
        reads = self.read(left, out[:1]), self.read(right, out[1:])
        return self.emit(name, out, [Term(slot(0) * slot(1), reads)])

    def trace(self, argument: Operand, name: str | None = None) -> Operand:
        """Σ_i x[i, i] of a square matrix."""
        index = self.named(argument.shape[:1], self._axes[argument.name][:1])[0]
        diagonal = Read(argument.name, (index.symbol, index.symbol))
        return self.emit(name, (), [Term(slot(0), (diagonal,), (index,))])

    def contract(
        self,
        body: sp.Expr,
        *arguments: Operand,
        over: Sequence[int] | None = None,
        keepdims: bool = False,
        reduction: Reduction = "sum",
        argmax: tuple[str, ...] = (),
        name: str | None = None,
    ) -> Operand:
        """The reduction over the axes `over` of f(arguments), which broadcast, in one equation.

        A maximum records where it was attained in the arrays `argmax`, which get names at1, ....
        """
        shape = broadcast(*(argument.shape for argument in arguments))
        gone = set(range(len(shape)) if over is None else (axis % len(shape) for axis in over))
        everything = self.indices(shape, arguments, ())
        out: list[Index] = []
        for axis, index in enumerate(everything):
            if axis not in gone:
                out.append(index)
            elif keepdims:
                unit = fresh_name("u", {i.name for i in (*everything, *out)})
                out.append(Index(unit, sp.S.One))
        bound = tuple(index for axis, index in enumerate(everything) if axis in gone)
        reads = tuple(self.read(argument, everything) for argument in arguments)
        if reduction == "max" and not argmax:
            taken = set(self._names)
            for _ in bound:
                argmax = (*argmax, fresh_name("at1", taken))
                taken.add(argmax[-1])
        return self.emit(name, tuple(out), [Term(body, reads, bound)], reduction, argmax)

    def transpose(
        self, argument: Operand, order: Sequence[int] | None = None, name: str | None = None
    ) -> Operand:
        """The axes in the given order; reversed when it is None."""
        places = list(order) if order is not None else list(reversed(range(argument.ndim)))
        everything = self.named(argument.shape, self._axes[argument.name])
        out = tuple(everything[place] for place in places)
        return self.emit(name, out, [Term(slot(0), (self.read(argument, everything),))])

    def emit(
        self,
        name: str | None,
        out: tuple[Index, ...],
        terms: Sequence[Term],
        reduction: Reduction = "sum",
        argmax: tuple[str, ...] = (),
    ) -> Operand:
        """Appends an equation; an unnamed one gets the next free name t1, t2, ..."""
        if name is None:
            name = fresh_name("t1", self._names)
        self._names.update((name, *argmax))
        for made in (name, *argmax):
            self._axes[made] = tuple(index.name for index in out)
        self.equations.append(Equation(name, out, tuple(terms), reduction, argmax))
        return Operand(name, tuple(index.size for index in out))

    def stand_in(self, name: str, shape: tuple[Size, ...], axes: Sequence[str]) -> Operand:
        """An operand whose equation is yet to come, or which a pass will replace."""
        self._axes[name] = tuple(axes)
        return Operand(name, shape)

    def rename_last(self, old: str, new: str) -> Operand:
        """Gives the equation appended last another name.

        Nothing behind it reads it yet; within the recurrence that it ends, where it is one, the
        equations of a step read it one step before, and do so by the new name.
        """
        last = self.equations[-1]
        if last.name != old:
            raise ValueError(f"the last equation is {last.name!r}, not {old!r}")

        end = len(self.equations)
        ending = (places for places, _ in self.recurrences if places.stop == end)
        for place in next(ending, range(end - 1, end)):
            self.equations[place] = rename_arrays(self.equations[place], {old: new})
        self._axes[new] = self._axes.pop(old)
        self._names = (self._names - {old}) | {new}
        return Operand(new, last.shape)

    # --- indices --------------------------------------------------------------------------------

    def read(self, argument: Operand, out: Sequence[Index]) -> Read:
        """The occurrence of an argument whose axes line up with `out` from the right."""
        aligned = out[len(out) - argument.ndim :]
        return Read(
            argument.name,
            tuple(
                sp.S.Zero if size == 1 and index.size != 1 else index.symbol
                for size, index in zip(argument.shape, aligned, strict=True)
            ),
        )

    def indices(
        self, shape: tuple[Size, ...], arguments: Sequence[Operand], axes: Sequence[str] = ()
    ) -> tuple[Index, ...]:
        """Indices for a broadcast shape, named as in the first argument that has the axis."""
        wanted = list(axes)
        if not wanted:
            for axis in range(len(shape)):
                back = len(shape) - axis
                names = [
                    self._axes[argument.name][-back]
                    for argument in arguments
                    if argument.ndim >= back and argument.shape[-back] == shape[axis]
                ]
                wanted.append(names[0] if names else axis_names(len(shape))[axis])
        return self.named(shape, wanted)

    def axes(self, argument: Operand) -> tuple[Index, ...]:
        """One index for each axis of an array, by the names its own equation gives them."""
        return self.named(argument.shape, self._axes[argument.name])

    @staticmethod
    def named(shape: Sequence[Size], wanted: Sequence[str]) -> tuple[Index, ...]:
        """Indices of those sizes and, as far as they differ, those names."""
        out: list[Index] = []
        for size, name in zip(shape, wanted, strict=True):
            out.append(Index(fresh_name(name, {index.name for index in out}), size))
        return tuple(out)


def broadcast(*shapes: tuple[Size, ...]) -> tuple[Size, ...]:
    """The common shape by NumPy's rule: from the right, equal sizes or a 1 on one side."""
    rank = max((len(shape) for shape in shapes), default=0)
    result: list[Size] = []
    for back in range(rank, 0, -1):
        sizes = [shape[-back] for shape in shapes if len(shape) >= back]
        wide = [size for size in sizes if size != 1]
        for size in wide[1:]:
            if sp.expand(size - wide[0]) != 0:
                shown = " and ".join(f"({', '.join(map(str, shape))})" for shape in shapes)
                raise ShapeError(f"shapes {shown} do not broadcast: {wide[0]} against {size} on "
                                 f"axis -{back}")
        result.append(wide[0] if wide else sp.S.One)
    return tuple(result)
