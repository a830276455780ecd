"""Recurrences as loops over their steps; one step of what is solved for."""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from ..symbolic.derive.implicit import coupled_axes
from ..symbolic.equation import (
    Equation,
    EquationError,
    Implicit,
    Read,
    Recurrence,
    System,
    index_symbol,
)
from ..symbolic.matrices.loop_ends import Loops, Side, loops_of, merged
from .blocks import Blocks
from .grids import Grids
from .patches import Scope, decided, patches


class LoopLines:
    """Lines for recurrences, the blocks of whose steps `blocks` writes."""

    def __init__(self, blocks: Blocks, system: System) -> None:
        self.blocks = blocks
        self.names = blocks.names
        self.loops = loops_of(system)
        self.grids = Grids(blocks.expressions)

    def recurrence(self, group: Recurrence) -> list[str]:
        """A recurrence as a loop.  Raises EquationError for a step that has no text."""
        loop = next(i for i in group.equations[0].out if i.name == group.loop)
        counter = self.names.variable(group.loop)
        count = self.names.size_text(loop.size)
        empty = [f"{e.name} = {self.blocks.empty(e.shape)}" for e in group.equations]
        empty += [f"{name} = np.zeros({self.names.shape_text(e.shape)}, int)"
                  for e in group.equations for name in e.argmax]
        lines, equations = self._started(group)
        scope = replace(self.blocks.scope, fixed=(group.loop,), shapes=self.names.shapes)
        for equation in equations:
            lines += self._step(equation, group.loop, scope)
        if not lines:  # no term is anywhere
            return empty
        steps = f"range({count})" if group.direction == 1 else f"reversed(range({count}))"
        return [*empty, f"for {counter} in {steps}:", *(f"    {line}" for line in lines)]

    def _step(self, equation: Equation, loop: str, scope: Scope) -> list[str]:
        """One step of an equation: as sums over slices, or on its indices."""
        found = patches(equation, scope) if equation.reduction == "sum" else None
        if found is None:
            return self.grids.lines(decided(equation), loop)
        place = next(p for p, i in enumerate(equation.out) if i.name == loop)
        counter = self.names.variable(loop)
        try:
            return [line for number, patch in enumerate(found) for line in self.blocks.patch(
                patch, equation.name, (place, counter), equation, False, first=number == 0)]
        except EquationError:
            return self.grids.lines(decided(equation), loop)

    # --- the ends of a loop ---------------------------------------------------------------------

    def _started(self, group: Recurrence) -> tuple[list[str], list[Equation]]:
        """Lines that choose what stands for h[t - 1] at the first step, and equations with it."""
        given = replace(self.loops, boundaries={
            key: value for key, value in self.loops.boundaries.items() if value})
        names: dict[tuple[str, Side], str] = {}
        symbol = index_symbol(group.loop)

        def placed(read: Read) -> Read:
            axis = given.places.get(read.array)
            if axis is None or isinstance(read.at[axis], Read):
                return read
            shift = sp.expand(read.at[axis] - symbol)
            side: Side = -1 if shift == -1 else 1
            if shift not in (-1, 1) or (read.array, side) not in given.boundaries:
                return read
            names[read.array, side] = self._neighbour(read.array, side, axis)
            return Read(names[read.array, side], (*read.at[:axis], *read.at[axis + 1:]))

        equations = [
            replace(e, terms=tuple(replace(t, reads=tuple(map(placed, t.reads))) for t in e.terms))
            for e in (self._merged(equation, given, group.loop) for equation in group.equations)
        ]
        lines = []
        size = next(i.size for i in group.equations[0].out if i.name == group.loop)
        for (array, side), name in names.items():
            at = [":"] * given.places[array] + [self.names.size_text(symbol + side)]
            there = f"{array}[{', '.join(at)}]"
            inside = f"{self.names.size_text(symbol)} > 0" if side == -1 else (
                f"{self.names.size_text(symbol)} < {self.names.size_text(size - 1)}")
            lines.append(f"{name} = {there} if {inside} else {given.boundaries[array, side]}")
        return lines, equations

    def _merged(self, equation: Equation, given: Loops, loop: str) -> Equation:
        """The equation with its ends left to the values beyond them, where its steps are still
        counted by the group's index."""
        found = merged(equation, given)
        return found if any(index.name == loop for index in found.out) else equation

    def _neighbour(self, array: str, side: Side, axis: int) -> str:
        """The name of an array's value one step before (or after), which has no loop axis."""
        name = f"{array}_before" if side == -1 else f"{array}_after"
        while name in self.names.taken:
            name += "_"
        shape = self.names.system.shapes[array]
        self.names.shapes[name] = (*shape[:axis], *shape[axis + 1:])
        return name


def solved_text(item: Implicit, rest: str) -> str:
    """A⁻¹ (f - x), with A the slope of a group."""
    coupled, count, slope = coupled_axes(item), len(item.unknown.out), item.slope
    name = item.unknown.name
    if not coupled:
        return f"({rest}) / {slope}"
    if len(coupled) == count == 1:
        return f"np.linalg.solve({slope}, {rest})"
    if len(coupled) == count:
        square = f"{slope}.reshape({name}.size, {name}.size)"
        return f"np.linalg.solve({square}, ({rest}).ravel()).reshape({name}.shape)"
    apart = count - len(coupled)
    front, last = tuple(range(apart)), coupled == tuple(range(apart, count))
    there = tuple(axis for axis in range(count) if axis not in coupled)
    moved = f"({rest})" if last else f"np.moveaxis({rest}, {there}, {front})"
    if len(coupled) == 1:
        found = f"np.linalg.solve({slope}, {moved}[..., None])[..., 0]"
    else:
        lead, whole = f"*{slope}.shape[:{apart}]", f"{slope}.shape[:{count}]"
        side = f"np.prod({slope}.shape[{apart}:{count}], dtype=int)"
        found = (f"np.linalg.solve({slope}.reshape({lead}, {side}, {side}), "
                 f"{moved}.reshape({lead}, {side}, 1)).reshape({whole})")
    return found if last else f"np.moveaxis({found}, {front}, {there})"
