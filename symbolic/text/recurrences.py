"""Recurrences in the text of equations: `h[t] = tanh(x[t] @ W + h[t-1] @ U + b)`.

Statements in a row whose left sides have the same subscript t are one loop; it runs upwards where
they read h[t-1], h[t-2], ... and downwards where they read h[t+1], ....  What stands before the
first step is stated by `h[-1] = h0` or `h[-1] = zeros(m, n)`, and by `h[T] = ...` for a loop that
runs downwards:

    >>> print(gp.equations("v[T] = zeros(n); v[t] = r[t] + g*v[t+1]", r="T n", g=""))
    for t downwards:
      v[t<T, j<n] = r[t, j] + [0 <= t < T - 1]g[]*v[t + 1, j]

Where `h[0] = h0` is stated the loop begins at 1.  There are as many steps as arrays that are read
at [t] have entries, or as `for t in range(T)` behind a statement says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn, TypeAlias

import sympy as sp

from ..equation import Size
from ..layers.builder import Builder, Operand, ShapeError
from ..layers.loops import Beyond, Loop
from .trees import Node, Source, Statement


@dataclass(frozen=True)
class Initial:
    """What is stated for an array at one place; no operand is zero."""

    statement: Statement
    operand: Operand | None
    shape: tuple[Size, ...]


Initials: TypeAlias = "Mapping[str, Mapping[sp.Expr, Initial]]"
"""By name and place."""


class Steps:
    """The open loop of a group of statements, and the values of the step they are written for."""

    def __init__(
        self,
        source: Source,
        builder: Builder,
        index: str,
        group: Sequence[Statement],
        arrays: Mapping[str, Operand],
        initials: Initials,
        size: Size | None,
    ) -> None:
        self.source = source
        self.index = index
        self.defined = {statement.name for statement in group}
        self.done: dict[str, Operand] = {}
        self._initials = initials
        shifts: dict[int, Node] = {}
        for node in _subscripts(statement.value for statement in group):
            name, shift = node.arguments[0].text, self.shift(node)
            if shift is None:
                continue
            if name in self.defined:
                shifts.setdefault(shift, node)
            elif name in arrays and arrays[name].ndim and size is None:
                size = arrays[name].shape[0]
        ahead = [node for shift, node in shifts.items() if shift > 0]
        if ahead and min(shifts) < 0:
            source.fail(ahead[0], "a recurrence reads steps before it or steps after it, not both; "
                                  "let one of the two be a loop of its own")
        if size is None:
            source.fail(group[0], f"how many steps {self.index} has is not known: no array with an "
                                  f"entry for each step is read, such as x[{self.index}]; say it "
                                  f"by `for {index} in range(10)` behind the statement")
        self.direction: Literal[1, -1] = -1 if ahead else 1
        self.size = size
        self.start = self._started()
        self.loop = Loop(builder, self.index, size, self.direction, self.start)
        for name in sorted(self.defined & initials.keys()):
            if self.start:
                stated = self._by_step(name)
                self.loop.begin(name, [stated[place].operand if place in stated else None
                                       for place in range(self.start)])

    def _by_step(self, name: str) -> dict[int, Initial]:
        """What is stated of an array, by the step counted in the loop's direction: -1 is before
        the first."""
        found = {}
        for place, initial in self._initials.get(name, {}).items():
            step = sp.expand(place if self.direction > 0 else self.size - 1 - place)
            if not step.is_Integer:
                at = "-1, or 0" if self.direction > 0 else f"{self.size}"
                self.source.fail(initial.statement, f"{name}[{place}] is not near the first step "
                                                    f"of the loop over {self.index}; expected "
                                                    f"{name}[{at}]")
            found[int(step)] = initial
        return found

    def _started(self) -> int:
        """The first step that is computed: behind those that are stated."""
        starts = {}
        for name in sorted(self.defined & self._initials.keys()):
            steps = sorted(self._by_step(name))
            first = self._initials[name]
            initial = next(iter(first.values()))
            if steps != list(range(steps[0], steps[-1] + 1)):
                self.source.fail(initial.statement, f"{name} is stated at {steps}, with a gap")
            if steps[-1] < -1 or steps[-1] > 7:
                self.source.fail(initial.statement, f"what stands before the first step of {name} "
                                                    f"is {name}[-1], or {name}[0] for a loop that "
                                                    f"begins at 1; got the step {steps[-1]}")
            starts[name] = steps[-1] + 1
        if len(set(starts.values())) > 1:
            name = max(starts, key=lambda each: starts[each])
            self.source.fail(next(iter(self._initials[name].values())).statement,
                             "the loop begins at one step for all: "
                             + ", ".join(f"{n} at {k}" for n, k in starts.items()))
        return next(iter(starts.values()), 0)

    def shift(self, node: Node) -> int | None:
        """How far from t a subscript with t in it is: 0 for x[t]; None for one without it."""
        if node.arguments[0].kind != "name":
            return None
        at = node.arguments[1]
        if at.kind == "name" and at.text == self.index:
            return 0
        if at.kind == "binary" and at.text in ("+", "-"):
            left, right = at.arguments
            if left.kind == "name" and left.text == self.index and right.kind == "number":
                if not right.text.isdigit() or len(right.text) > 2 or int(right.text) > 8:
                    self.source.fail(right, "a step is shifted by a whole number, of 8 at most")
                return int(right.text) * (1 if at.text == "+" else -1)
        return None

    def value(self, node: Node, arrays: Mapping[str, Operand]) -> Operand | None:
        """The operand of x[t], h[t] or h[t-1]; None for a subscript without t."""
        shift = self.shift(node)
        if shift is None:
            return None
        name = node.arguments[0].text
        try:
            if name in self.defined and shift:
                beyond, shape = self._beyond(node, name, shift)
                return self.loop.shifted(name, shift, beyond, shape)
            if name in self.defined:
                if name not in self.done:
                    self.source.fail(node, f"{name}[{self.index}] is read before it is assigned")
                return self.done[name]
            if name not in arrays:
                return None
            longer = self.loop.longer(arrays[name])
            beyond = self._beyond(node, name, shift, longer)[0] if shift or longer else ()
            return self.loop.at(arrays[name], shift, beyond)
        except ShapeError as error:
            self.source.fail(node, str(error))

    def _beyond(
        self, node: Node, name: str, shift: int, longer: int = 0
    ) -> tuple[Beyond, tuple[Size, ...]]:
        """What stands for an array where it has no entry that is so far away, and its shape."""
        stated = self._initials.get(name, {})
        back, ahead = max(0, -shift), max(0, shift - longer)
        first, last = (self.start, 0) if self.direction > 0 else (0, self.start)
        before = {-int(place): initial for place, initial in stated.items()
                  if place.is_Integer and place < 0}
        behind = {int(at) + 1: initial for place, initial in stated.items()
                  if (at := sp.expand(place - self.size - longer)).is_Integer and at >= 0}
        for distance in range(1, max(back - first, ahead - last) + 1):
            if distance not in (before if back else behind):
                at = -distance if back else sp.expand(self.size + longer - 1 + distance)
                self._not_stated(node, name, f"{name}[{at}]")
        shape = next((initial.shape for initial in stated.values()), ())
        places = before if back else behind
        return [places[k].operand if k in places else None
                for k in range(1, max(back, ahead) + 1)], shape

    def _not_stated(self, node: Node, name: str, entry: str) -> NoReturn:
        if name in self.defined:
            self.source.fail(node, f"what {name} is before its first step is not stated; put "
                                   f"{entry} = ... before the loop, such as {entry} = zeros(m, n)")
        later = f"{min(self.defined)}[0] = ..." if self.direction > 0 else "..."
        self.source.fail(node, f"there is no {entry}; state it before the loop, such as {entry} = "
                               f"zeros(n), or let the loop begin later, by {later}")

    def close(self) -> dict[str, Operand]:
        """The whole arrays that the loop computed."""
        for name in self._initials:
            made = self.done.get(name)
            for initial in self._initials[name].values() if made is not None else ():
                if made is not None and made.shape != initial.shape:
                    shown = ", ".join(map(str, made.shape))
                    raise ShapeError(f"a step of {name} has the shape ({shown}), and what stands "
                                     f"before it ({', '.join(map(str, initial.shape))})")
        self.loop.close()
        return {name: self.loop.made(name) for name in self.done}

    def unbegun(self) -> set[str]:
        """The arrays that have no value at the first steps."""
        return self.defined - self._initials.keys() if self.start else set()


def _subscripts(nodes: Iterator[Node]) -> Iterator[Node]:
    """The subscripts of names in trees, in the order of the text."""
    waiting = list(nodes)[::-1]
    while waiting:
        node = waiting.pop()
        if node.kind == "subscript" and node.arguments[0].kind == "name":
            yield node
        waiting += [*node.arguments, *(value for _, value in node.keywords)][::-1]
