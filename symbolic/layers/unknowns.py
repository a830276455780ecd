"""What is solved for on a :class:`Builder`: an array that stands in the equation it is known by.

    x = f(x)   while it is open, x is an operand like any other; closing it says what f is

Equations that do not depend on the unknown stay before the group, those that it does not need are
left out.
"""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from ..dependence import arrays_read, reached
from ..equation import Array, Implicit, Term, slot
from .builder import Builder, Operand, ShapeError


class Unknown:
    """An unknown called `name`, searched for from `start`, whose shape it has."""

    def __init__(self, builder: Builder, name: str, start: Operand) -> None:
        self._builder = builder
        self._begin = start
        self._first = len(builder.equations)
        self.operand = builder.stand_in(
            name, start.shape, [index.name for index in builder.axes(start)])
        builder.reserve(name)
        # An input as long as it is open, so that what there is so far can be differentiated.
        self._array = Array(name, start.shape)
        builder.inputs.append(self._array)

    def close(self, body: sp.Expr, *operands: Operand, root: bool = False) -> Operand:
        """Says that the unknown is the body, entry by entry; with `root` that the body is 0 there.

        Raises ShapeError for a body of another shape or without the unknown, or a recurrence on
        the way to it.
        """
        builder, name = self._builder, self.operand.name
        builder.inputs.remove(self._array)
        inside = self._inside()
        if inside.isdisjoint(operand.name for operand in operands):
            raise ShapeError(f"{name} does not stand in what it is solved for")
        if root:
            moved = {slot(place): slot(place + 1) for place in range(len(operands))}
            body, operands = slot(0) - body.xreplace(moved), (self.operand, *operands)
        made = builder.pointwise(body, *operands, name=name)
        if made.shape != self.operand.shape:
            raise ShapeError(f"{name} starts with the shape {_shown(self.operand)}, and what it is "
                             f"solved for has the shape {_shown(made)}")
        if builder.recurrences and builder.recurrences[-1][0].stop > self._first:
            raise ShapeError("a recurrence, or something else that is solved for, stands inside of "
                             f"what {name} is solved for; state it before")
        *mine, unknown = builder.equations[self._first:]
        sources = {array: equation for equation in mine
                   for array in (equation.name, *equation.argmax)}
        needed = reached(arrays_read(unknown), lambda array: (
            arrays_read(sources[array]) if array in sources else ()))
        del builder.equations[self._first:]
        builder.equations += [e for e in mine if e.name not in inside]
        place = len(builder.equations)
        indices = builder.axes(self.operand)
        builder.emit(builder.fresh(f"{name}_start"), indices,
                     [Term(slot(0), (builder.read(self._begin, indices),))])
        builder.equations += [equation for equation in mine if equation.name in inside
                              and not needed.keys().isdisjoint((equation.name, *equation.argmax))]
        builder.equations.append(replace(unknown, name=name))
        builder.recurrences.append((range(place, len(builder.equations)), Implicit(())))
        return self.operand


    def _inside(self) -> set[str]:
        """The arrays so far that depend on the unknown, and it."""
        inside = {self.operand.name}
        for equation in self._builder.equations[self._first:]:
            if not inside.isdisjoint(arrays_read(equation)):
                inside.update((equation.name, *equation.argmax))
        return inside


def _shown(operand: Operand) -> str:
    return f"({', '.join(map(str, operand.shape))})"
