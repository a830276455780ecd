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
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, groupby, product
from typing import Any, NamedTuple

import numpy as np
import sympy as sp

from gradproof.checks.causes.meanings import Meaning, Values, same, shaped
from gradproof.symbolic.dependence import arrays_read, needed_part
from gradproof.symbolic.equation import Array, Equation, System, is_unnamed
from gradproof.symbolic.proof.sampling import TOLERANCE, Evaluate, Sample, size_monomial
from gradproof.symbolic.tracing.source import Place


@dataclass(frozen=True)
class Due:
    """What an array has to be: `factor` times a quantity, or what it is where there is none."""

    values: Values
    meaning: Meaning | None = None
    factor: sp.Expr = sp.S.One

    @property
    def is_adjoint(self) -> bool:
        return self.meaning is not None and self.meaning.role == "adjoint"


@dataclass(frozen=True)
class Blame:
    """A line that is wrong: it computes the array `name`, which has to be `due`; where it reads
    the wrong one, that is `read`, and `due` what is to stand in its place.  `callers` are the
    lines to blame in its place, if it makes the right thing in another call.  `is_quantity` says
    that the array is a quantity of the derivation, but not the one that is due."""

    name: str
    place: Place
    due: Due
    read: str = ""
    callers: tuple[Blame, ...] = ()
    is_quantity: bool = False


class Asked(NamedTuple):
    """What an array that is read has to be, for the sake of its reader."""

    reader: str
    read: str
    due: Due


_RIGHT_IN_ITSELF, _SCALED, _SCALED_FORWARD = 2, 1, 3
"""What it costs to ask another value of an array that is a quantity of the derivation, or to ask
for an adjoint, or for a quantity that is none, times a number."""


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
            name: self._numbers("right", name) for name in self.system.shapes}

    def first_wrong(
        self, pairs: Mapping[str, str], refuted: Collection[str], of: Mapping[str, str]
    ) -> Blame | None:
        """The first line that cannot make what all the gradients need of it.

        pairs: the array that is the gradient by each name.  of: the derived one.
        """
        due = {pairs[name]: Due(self._numbers("left", of[name]) if name in refuted
                                else self.values[pairs[name]]) for name in pairs}
        blame = next(iter(self.blamed(due)), None)
        if blame is None or blame.read not in ("", blame.name):
            return blame
        return replace(blame, read="", is_quantity=self._role(blame.name) is not None)

    def called(self, values: Values, names: Collection[str]) -> str:
        """The name, of those given, of an array that has these values; empty where none has."""
        return next((name for name in names if same(self.values[name], values)), "")

    def _numbers(self, side: str, name: str) -> Values:
        return tuple(np.asarray(getattr(point, side)[name], float) for point in self.points)

    def blamed(self, results: Mapping[str, Due]) -> list[Blame]:
        """The wrong lines in the order of the program, given what each result has to be."""
        equations = list(needed_part(self.system, results).equations)
        stacks = [self.stacks.get(e.name, ()) for e in equations]
        if not equations or not all(stacks) or (len(equations) < sum(1 for _ in self.system.items) \
                and any(not isinstance(item, Equation) for item in self.system.items)):
            return []
        depth = 0
        while all(len(s) > depth + 1 and s[depth] == stacks[0][depth] for s in stacks):
            depth += 1
        found, asked = self._walk(equations, dict(results), depth)
        found += [Blame(one.reader, self._place(one.reader, depth), one.due, one.read)
                  for one in asked]
        return sorted(map(self._resolved, found), key=lambda blame: self.order[blame.name])

    # --- one walk -------------------------------------------------------------------------------

    def _walk(
        self, equations: Sequence[Equation], results: Mapping[str, Due], depth: int
    ) -> tuple[list[Blame], list[Asked]]:
        """The wrong lines of equations, seen as calls of functions so deep, and what is asked of
        the arrays that they read and do not compute."""
        groups = self._statements(equations, depth)
        inside = {equation.name for equation in equations}
        wants: dict[str, list[tuple[str, Due]]] = defaultdict(list)
        for name, due in results.items():
            wants[name].append(("", due))
        dues: dict[str, Due] = {}
        misread, found, outside = list[Asked](), list[Blame](), list[Asked]()
        for statement in reversed(groups):
            asked = list[Asked]()
            wrong: dict[str, Due] = {}
            outputs = [e.name for e in statement if e.name in wants]
            for name in reversed(outputs):
                dues[name], others = self._settled(name, wants[name])
                misread += [Asked(reader or name, name, due) for reader, due in others]
                cone = self._cone(statement, name)
                sources = self._sources(cone)
                made = {} if self._is(name, dues[name]) else self._explained(
                    cone, name, dues[name], sources)
                if made is None:
                    wrong[name] = dues[name]
                    continue
                self._acquit(cone)
                asked += [Asked(name, source, made.get(source, Due(self.values[source])))
                          for source in sources]
            if wrong:
                every = {name: wrong.get(name, Due(self.values[name])) for name in outputs}
                blames, further = self._within(statement, every, wrong, depth)
                found, asked = found + blames, asked + further
            for one in asked:
                if one.read in inside:
                    wants[one.read].append((one.reader, one.due))
                elif not self._is(one.read, one.due):
                    outside.append(one)
        of = {equation.name: statement for statement in groups for equation in statement}
        return found + self._in_one_function(misread, of, dues, depth), outside

    def _place(self, name: str, depth: int) -> Place:
        stack = self.stacks[name]
        return stack[min(depth, len(stack) - 1)]

    def _in_one_function(
        self, misread: Sequence[Asked], of: Mapping[str, Sequence[Equation]],
        dues: Mapping[str, Due], depth: int,
    ) -> list[Blame]:
        """The blames for wrong arrays read; where several lines call one function, and one line of
        it is wrong for them all, that line."""
        blames = [Blame(one.reader, self._place(one.reader, depth), one.due, one.read)
                  for one in misread]
        if len({blame.place for blame in blames}) < 2:
            return blames
        inner = list[Blame]()
        for one in misread:
            if one.reader in dues and not self._is(one.reader, dues[one.reader]):
                results = {one.reader: dues[one.reader]}
                found, asked = self._within(of[one.reader], results, results, depth)
                inner += [blame for blame in found if blame.name != one.reader]
                inner += [Blame(a.reader, self._place(a.reader, depth + 1), a.due, a.read)
                          for a in asked if a.reader != one.reader]
        lines = {(blame.place.filename, blame.place.line) for blame in inner}
        return inner if len(lines) == 1 and len(inner) == len(misread) else blames

    def _statements(self, equations: Sequence[Equation], depth: int) -> list[list[Equation]]:
        """Equations in a row with the same place at a depth."""
        return [list(group) for _, group in groupby(
            equations, key=lambda equation: self.stacks[equation.name][: depth + 1])]

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
        if keep or not other or all(self._stands(name, *entry) for entry in other):
            return Due(self.values[name]), other
        groups: list[list[tuple[str, Due]]] = []
        for reader, due in other:
            group = next((g for g in groups if same(g[0][1].values, due.values)), None)
            if group is None:
                groups.append(group := [])
            group.append((reader, due))
        groups.sort(key=lambda group: -len(group))
        return groups[0][0][1], [entry for group in groups[1:] for entry in group if entry[0]]

    def _stands(self, name: str, reader: str, due: Due) -> bool:
        """Whether a reader could read what it needs by another name, and this array is right."""
        before = self.order.get(reader, 0)
        return any(place < before and not is_unnamed(other) and self._is(other, due)
                   for other, place in self.order.items()) and self._role(name) is not None

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
        lost = {source for source in computed if self._role(source) is None}
        pairs = [pair for pair in combinations(computed, 2) if lost.intersection(pair)]
        pairs.sort(key=lambda pair: -len(lost.intersection(pair)))
        for chosen in (*pairs, *combinations(sorted(lost), 3)):
            every = [(sum(self._cost(source, made) for source, made in put.items()), place, put)
                     for place, put in enumerate(self._several(cone, name, due, chosen))]
            if every:
                return min(every, key=lambda entry: entry[:2])[2]
        return None

    def _several(
        self, cone: Sequence[Equation], name: str, due: Due, chosen: Sequence[str]
    ) -> Iterator[dict[str, Due]]:
        """Other values for some sources at once with which a statement is right."""
        for dues in product(*(list(self._candidates(source)) for source in chosen)):
            put = dict(zip(chosen, dues, strict=True))
            values = {source: made.values for source, made in put.items()}
            if self._ratio(self._run(cone, name, values, 1), due.values[:1], one=True):
                for factor in self._ratio(self._run(cone, name, values), due.values):
                    scaled = next((s for s in chosen if put[s].is_adjoint), chosen[0])
                    put[scaled] = self._scaled(put[scaled], 1 / factor)
                    if self._puts_right(cone, name, due, put):
                        yield put

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
            cost += _SCALED if due.is_adjoint else _SCALED_FORWARD
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
        self, statement: Sequence[Equation], results: Mapping[str, Due],
        wrong: Mapping[str, Due], depth: int,
    ) -> tuple[list[Blame], list[Asked]]:
        """The wrong line of a statement: its own, or one of a function that it calls, if that is
        not right in another call; and what is asked of what it reads, by the function."""
        own = [Blame(name, self._place(name, depth), due) for name, due in wrong.items()]
        if any(len(self.stacks[equation.name]) > depth + 1 for equation in statement):
            needed = needed_part(System((), tuple(statement)), results).equations
            found, asked = self._walk(list(needed), results, depth + 1)
            if found or asked:
                return [replace(blame, callers=(*blame.callers, *own)) for blame in found], asked
        return own, []

    def _resolved(self, blame: Blame) -> Blame:
        """The innermost line that is right in no other call."""
        for one in (blame, *blame.callers):
            if not self.innocent[one.place.filename, one.place.line] - {one.place.call}:
                return one
        return blame
