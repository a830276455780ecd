"""What each array of a wrong hand-written pass would have to be, from its results backwards.

    dZ = error;  dW = A.T @ dZ,  db = dZ.sum(0),  both wrong   ->   both are right if error were
    the adjoint of Z: nothing that `error` is made of can make it that, so its line is the wrong one

A *statement* is what one line computes in one go, with all the functions that it calls.  Where
another quantity of the derivation in the place of what a statement reads makes its value what it
has to be, the demand goes on to that; where none does, the statement itself is wrong.  Where
another reader has use for what is there, the statement reads the wrong array.  Values at points
decide: this names lines, it proves nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import Any

import numpy as np
import sympy as sp

from ..dependence import arrays_read, needed_part
from ..equation import Array, Equation, System
from ..tracing.source import Place
from .meanings import Meaning, Values, same, shaped
from .sampling import TOLERANCE, Evaluate, Sample, size_monomial


@dataclass(frozen=True)
class Due:
    """What an array has to be: `factor` times a quantity, or what it is where there is none."""

    values: Values
    meaning: Meaning | None = None
    factor: sp.Expr = sp.S.One


@dataclass(frozen=True)
class Blame:
    """A line that is wrong: it computes the array `name`, which has to be `due`; where it reads
    the wrong one, that is `read`, and `due` what is to stand in its place."""

    name: str
    place: Place
    due: Due
    read: str = ""


def due_of(points: Sequence[Sample], left: str, right: str, is_wrong: bool) -> Due:
    """What a result has to be: the derived array, or what it is."""
    values = [point.left[left] if is_wrong else point.right[right] for point in points]
    return Due(tuple(np.asarray(value, float) for value in values))


_RIGHT_IN_ITSELF, _SCALED, _SCALED_FORWARD = 2, 1, 3
"""What it costs to ask another value of an array that is a quantity of the derivation, or to ask
for an adjoint, or for a quantity that is none, times a number."""

_MOST = 3
"""Arrays that a statement reads and that may all have to be others at once."""


@dataclass
class Demands:
    """The walk from wrong results to wrong lines.

    stacks: the lines of calls, outermost first, on which each array was computed.
    """

    system: System
    points: Sequence[Sample]
    evaluate: Evaluate
    known: Sequence[Meaning]
    stacks: Mapping[str, tuple[Place, ...]]
    innocent: dict[tuple[str, int], set[int]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        self.order = {e.name: place for place, e in enumerate(self.system.equations)}
        self.values: dict[str, Values] = {
            name: tuple(np.asarray(point.right[name], float) for point in self.points)
            for name in self.system.shapes}

    def blamed(self, results: Mapping[str, Due]) -> list[Blame]:
        """The wrong lines in the order of the program, given what each result has to be."""
        equations = list(needed_part(self.system, results).equations)
        stacks = [self.stacks.get(e.name, ()) for e in equations]
        if not equations or not all(stacks) or len(equations) < sum(1 for _ in self.system.items) \
                and any(not isinstance(item, Equation) for item in self.system.items):
            return []
        depth = 0
        while all(len(s) > depth + 1 and s[depth] == stacks[0][depth] for s in stacks):
            depth += 1
        found = self._walk(equations, dict(results), depth)
        return sorted(found, key=lambda blame: self.order[blame.name])

    # --- one walk -------------------------------------------------------------------------------

    def _walk(
        self, equations: Sequence[Equation], results: Mapping[str, Due], depth: int
    ) -> list[Blame]:
        statements = self._statements(equations, depth)
        wants: dict[str, list[tuple[str, Due]]] = defaultdict(list)
        for name, due in results.items():
            wants[name].append(("", due))
        wrong: dict[int, dict[str, Due]] = defaultdict(dict)
        found = []
        for equation in reversed(equations):
            name = equation.name
            if name not in wants:
                continue
            due, misread = self._settled(name, wants[name])
            for reader, other in misread:
                place = self.stacks[reader][min(depth, len(self.stacks[reader]) - 1)]
                found.append(Blame(reader, place, other, name))
            cone = self._cone(statements[name], name)
            sources = self._sources(cone)
            if self._is(name, due):
                asked: dict[str, Due] | None = {}
            else:
                asked = self._explained(cone, name, due, sources)
            if asked is None:
                wrong[id(statements[name])][name] = due
                continue
            self._acquit(cone)
            for source in sources:
                if source in self.order:
                    wants[source].append((name, asked.get(source, Due(self.values[source]))))
        for made in wrong.values():
            found += self._within(statements[next(iter(made))], made, wants, depth)
        return found

    def _statements(
        self, equations: Sequence[Equation], depth: int
    ) -> dict[str, list[Equation]]:
        """The statement of each array: equations in a row with the same place at a depth."""
        found: dict[str, list[Equation]] = {}
        last: tuple[Place, ...] = ()
        group: list[Equation] = []
        for equation in equations:
            key = self.stacks[equation.name][: depth + 1]
            if key != last:
                group, last = [], key
            group.append(equation)
            found[equation.name] = group
        return found

    def _cone(self, statement: Sequence[Equation], name: str) -> list[Equation]:
        return list(needed_part(System((), tuple(statement)), [name]).equations)

    def _sources(self, cone: Sequence[Equation]) -> list[str]:
        """What a part of a statement reads from outside."""
        made = {name for e in cone for name in (e.name, *e.argmax)}
        return list(dict.fromkeys(a for e in cone for a in arrays_read(e)
                                  if a not in made and a in self.values))

    def _settled(
        self, name: str, wanted: Sequence[tuple[str, Due]]
    ) -> tuple[Due, list[tuple[str, Due]]]:
        """What an array has to be by most of its readers, and those that want another."""
        keep = [(reader, due) for reader, due in wanted if self._is(name, due)]
        other = [(reader, due) for reader, due in wanted if not self._is(name, due)]
        if keep or not other:
            return Due(self.values[name]), other
        groups: list[list[tuple[str, Due]]] = []
        for reader, due in other:
            group = next((g for g in groups if same(g[0][1].values, due.values)), None)
            if group is None:
                groups.append(group := [])
            group.append((reader, due))
        groups.sort(key=lambda group: -len(group))
        return groups[0][0][1], [entry for group in groups[1:] for entry in group if entry[0]]

    def _is(self, name: str, due: Due) -> bool:
        return same(self.values[name], due.values)

    # --- one statement --------------------------------------------------------------------------

    def _explained(
        self, cone: Sequence[Equation], name: str, due: Due, sources: Sequence[str]
    ) -> dict[str, Due] | None:
        """What the sources of a statement have to be so that it is right; None where no quantity
        of the derivation does it, as few others as may be."""
        computed = [source for source in sources if self.values[source][0].dtype.kind == "f"]
        single = [(self._cost(source, made), source, made)
                  for source in computed for made in self._single(cone, name, due, source)]
        if single:
            _, source, made = min(single, key=lambda entry: entry[0])
            return {source: made}
        lost = [source for source in computed if self._role(source) is None]
        for count in range(2, min(_MOST, len(lost)) + 1):
            for chosen in combinations(lost, count):
                for dues in product(*(list(self._candidates(source)) for source in chosen)):
                    put = dict(zip(chosen, dues, strict=True))
                    if self._puts_right(cone, name, due, put):
                        return put
        return None

    def _single(
        self, cone: Sequence[Equation], name: str, due: Due, source: str
    ) -> Iterator[Due]:
        for candidate in self._candidates(source):
            if same(candidate.values, self.values[source]):
                factors = [1 / f for f in self._ratio(self.values[name], due.values)]
            else:
                factors = self._ratio(self._run(cone, name, {source: candidate.values}, 1),
                                      due.values[:1], one=True)
            if not factors:
                continue
            if self._puts_right(cone, name, due, {source: candidate}):
                yield candidate
                continue
            made = self._run(cone, name, {source: candidate.values})
            for factor in self._ratio(made, due.values):
                scaled = self._scaled(candidate, 1 / factor)
                if self._puts_right(cone, name, due, {source: scaled}):
                    yield scaled

    def _candidates(self, source: str) -> Iterator[Due]:
        for meaning in self.known:
            for values in shaped(meaning.values, self.values[source]):
                yield Due(values, meaning)

    def _scaled(self, due: Due, factor: sp.Expr) -> Due:
        numbers = [float(factor.xreplace({s: sp.Integer(n) for s, n in point.sizes.items()}))
                   for point in self.points]
        return Due(tuple(n * value for n, value in zip(numbers, due.values, strict=True)),
                   due.meaning, factor)

    def _ratio(self, made: Values | None, due: Values, one: bool = False) -> list[sp.Expr]:
        """made / due where that is a product of sizes, at all points or, to begin with, `one`."""
        if made is None:
            return []
        ratios = []
        for a, b in zip(made, due, strict=True):
            a, b = np.squeeze(a), np.squeeze(b)
            top = float(np.max(np.abs(b), initial=0.0))
            if a.shape != b.shape or top == 0 or not np.all(np.isfinite(a)):
                return []
            ratio = float(a.ravel() @ b.ravel() / (b.ravel() @ b.ravel()))
            if ratio == 0 or np.max(np.abs(a - ratio * b)) > TOLERANCE * abs(ratio) * top:
                return []
            ratios.append(ratio)
        if one:
            return [sp.S.One]
        found = size_monomial(list(self.points), ratios)
        return [] if found is None else [found]

    def _puts_right(
        self, cone: Sequence[Equation], name: str, due: Due, put: Mapping[str, Due]
    ) -> bool:
        changed = {source: made.values for source, made in put.items()}
        for count in (1, len(self.points)):
            made = self._run(cone, name, changed, count)
            if made is None or not same(made, due.values[:count]):
                return False
        return True

    def _run(
        self, cone: Sequence[Equation], name: str, put: Mapping[str, Values],
        count: int | None = None,
    ) -> Values | None:
        """An array at the points, with other values for some of what its statement reads."""
        sources = self._sources(cone)
        shapes = self.system.shapes
        kinds = {array.name: array for array in self.system.inputs}
        system = System(tuple(kinds.get(s, Array(s, shapes[s])) for s in sources), tuple(cone))
        found = []
        for number, point in enumerate(self.points[:count]):
            at: dict[str, Any] = {source: point.right[source] for source in sources}
            at.update({source: values[number] for source, values in put.items()})
            try:
                made = self.evaluate(system, at, {str(s): n for s, n in point.sizes.items()})
            except (ValueError, TypeError, KeyError, IndexError):
                return None
            found.append(np.asarray(made[name], float))
        return tuple(found)

    # --- what speaks for whom -------------------------------------------------------------------

    def _cost(self, source: str, due: Due) -> int:
        cost = _RIGHT_IN_ITSELF if self._role(source) is not None else 0
        if due.factor != 1:
            assert due.meaning is not None
            cost += _SCALED if due.meaning.role == "adjoint" else _SCALED_FORWARD
        return cost

    def _role(self, name: str) -> str | None:
        """Which kind of quantity of the derivation an array is, if it is any."""
        values = self.values[name]
        return next((meaning.role for meaning in self.known
                     for turned in shaped(meaning.values, values) if same(turned, values)), None)

    def _acquit(self, cone: Sequence[Equation]) -> None:
        """Lines that make the right thing of what they are given."""
        for equation in cone:
            for place in self.stacks[equation.name]:
                self.innocent[place.filename, place.line].add(place.call)

    def _within(
        self, statement: Sequence[Equation], made: Mapping[str, Due],
        wants: Mapping[str, list[tuple[str, Due]]], depth: int,
    ) -> list[Blame]:
        """The wrong line of a statement: its own, or one of a function that it calls, if that is
        not right in another call."""
        if any(len(self.stacks[e.name]) > depth + 1 for e in statement):
            results = {e.name: Due(self.values[e.name]) for e in statement if e.name in wants}
            found = self._walk(self._needed(statement, {**results, **made}), {**results, **made},
                               depth + 1)
            found = [blame for blame in found
                     if not self.innocent[blame.place.filename, blame.place.line]
                     - {blame.place.call}]
            if found:
                return found
        return [Blame(name, self.stacks[name][min(depth, len(self.stacks[name]) - 1)], due)
                for name, due in made.items()]

    def _needed(
        self, statement: Sequence[Equation], results: Mapping[str, Due]
    ) -> list[Equation]:
        return list(needed_part(System((), tuple(statement)), results).equations)
