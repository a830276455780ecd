"""Recurrences in the text of equations: `h[t] = tanh(x[t] @ W + h[t-1] @ U + b)`.

Statements in a row whose left sides have the same subscript t are one loop; it runs upwards where
they read h[t-1] and downwards where they read h[t+1].  What stands before the first step is stated
by `h[-1] = h0` or `h[-1] = zeros(m, n)`, and by `h[T] = ...` for a loop that runs downwards:

    >>> print(gp.equations("v[T] = zeros(n); v[t] = r[t] + g*v[t+1]", r="T n", g=""))
    for t downwards:
      v[t<T, j<n] = r[t, j] + [0 <= t < T - 1]g[]*v[t + 1, j]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ..equation import Size
from ..layers.builder import Builder, Operand, ShapeError
from ..layers.loops import Loop
from .trees import Node, Source, Statement


@dataclass(frozen=True)
class Initial:
    """What stands for an array before its first step; no operand is zero."""

    operand: Operand | None
    shape: tuple[Size, ...]


class Steps:
    """The open loop of a group of statements, and the values of the step they are written for."""

    def __init__(
        self,
        source: Source,
        builder: Builder,
        index: str,
        group: Sequence[Statement],
        arrays: Mapping[str, Operand],
        initials: Mapping[str, Initial],
    ) -> None:
        self.source = source
        self.index = index
        self.defined = {statement.name for statement in group}
        self.initials = initials
        self.done: dict[str, Operand] = {}
        size: Size | None = None
        shifts: dict[int, Node] = {}
        for node in _subscripts(statement.value for statement in group):
            name, shift = node.arguments[0].text, self.shift(node)
            if shift is None:
                continue
            if name in self.defined:
                if shift:
                    shifts.setdefault(shift, node)
            elif name in arrays and arrays[name].ndim and size is None:
                size = arrays[name].shape[0]
        for shift, node in shifts.items():
            if abs(shift) != 1 or len(shifts) > 1:
                source.fail(node, "a recurrence reads one step before (or after) and no other: "
                                  f"[{self.index}-1], or [{self.index}+1] in a loop that runs "
                                  "downwards")
        if size is None:
            source.fail(group[0], f"how many steps {self.index} has is not known: no array with an "
                                  f"entry for each step is read, such as x[{self.index}]")
        direction: Literal[1, -1] = -1 if 1 in shifts else 1
        self.loop = Loop(builder, self.index, size, direction)

    def shift(self, node: Node) -> int | None:
        """How far from t a subscript with t in it is: 0 for x[t]; None for one without it."""
        if node.arguments[0].kind != "name" or len(node.arguments) != 2:
            return None
        at = node.arguments[1]
        if at.kind == "name" and at.text == self.index:
            return 0
        if at.kind == "binary" and at.text in ("+", "-"):
            left, right = at.arguments
            if left.kind == "name" and left.text == self.index and right.kind == "number":
                if not right.text.isdigit() or len(right.text) > 3:
                    self.source.fail(right, "a step is shifted by a whole number")
                return int(right.text) * (1 if at.text == "+" else -1)
        return None

    def value(self, node: Node, arrays: Mapping[str, Operand]) -> Operand | None:
        """The operand of x[t], h[t] or h[t-1]; None for a subscript without t."""
        shift = self.shift(node)
        if shift is None:
            return None
        name = node.arguments[0].text
        if name in self.defined and shift:
            initial = self.initials.get(name)
            if initial is None:
                before = "-1" if shift < 0 else str(self.loop.index.size)
                self.source.fail(node, f"what {name} is before its first step is not stated; put "
                                       f"{name}[{before}] = ... before the loop, such as "
                                       f"{name}[{before}] = zeros(m, n)")
            try:
                return self.loop.before(name, initial.operand, initial.shape)
            except ShapeError as error:
                self.source.fail(node, str(error))
        if name in self.defined:
            if name not in self.done:
                self.source.fail(node, f"{name}[{self.index}] is read before it is assigned")
            return self.done[name]
        if name not in arrays:
            return None
        if shift:
            self.source.fail(node, f"{name} is no state of this loop; it is read at "
                                   f"[{self.index}] alone")
        try:
            return self.loop.at(arrays[name])
        except ShapeError as error:
            self.source.fail(node, str(error))

    def close(self) -> dict[str, Operand]:
        """The whole arrays that the loop computed."""
        for name, initial in self.initials.items():
            made = self.done.get(name)
            if made is not None and made.shape != initial.shape:
                shown = ", ".join(map(str, made.shape))
                raise ShapeError(f"a step of {name} has the shape ({shown}), and what stands "
                                 f"before it ({', '.join(map(str, initial.shape))})")
        self.loop.close()
        return {name: self.loop.made(name) for name in self.done}


def _subscripts(nodes: Iterator[Node]) -> Iterator[Node]:
    """The subscripts of names in trees, in the order of the text."""
    waiting = list(nodes)[::-1]
    while waiting:
        node = waiting.pop()
        if node.kind == "subscript" and node.arguments[0].kind == "name":
            yield node
        waiting += [*node.arguments, *(value for _, value in node.keywords)][::-1]
