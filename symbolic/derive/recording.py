"""What the rule will ask for, given a name in the forward pass before the rule is applied.

    m = max_j X[i, j]   ->   m[i], m_at[i] = max_j X[i, j] and the j it was attained at

A maximum's place, and the inverse beside a determinant: both are computed once, forwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ..equation import Equation, Index, Size, System, fresh_name
from ..shapes import axis_names


def record_argmax(system: System) -> System:
    """The system with a name for every place where a maximum is attained."""
    names = FreshNames(system)

    def named(equation: Equation) -> Equation:
        if equation.reduction != "max" or equation.argmax:
            return equation
        at = tuple(names.fresh(equation.name + "_at") for _ in equation.terms[0].over)
        return replace(equation, argmax=at)

    return system.mapped(named)


class FreshNames:
    """Fresh names, and the indices of an array's left side."""

    def __init__(self, system: System) -> None:
        self.shapes: dict[str, tuple[Size, ...]] = system.shapes
        self.taken = set(self.shapes)
        self._out = {equation.name: equation.out for equation in system.equations}
        self._axes = {array.name: array.axes for array in system.inputs}

    def fresh(self, name: str) -> str:
        name = fresh_name(name, self.taken)
        self.taken.add(name)
        return name

    def out(self, name: str, avoid: Iterable[str] = ()) -> tuple[Index, ...]:
        if name in self._out:
            found = self._out[name]
        else:
            shape = self.shapes[name]
            # An input has no left side: its axes' own names, or letters in their order.
            letters = self._axes.get(name) or axis_names(len(shape))
            found = tuple(map(Index, letters, shape))
        taken = set(avoid)
        out: list[Index] = []
        for index in found:
            fresh = fresh_name(index.name, taken)
            taken.add(fresh)
            out.append(Index(fresh, index.size))
        return tuple(out)
