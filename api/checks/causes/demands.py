"""What each array of a wrong hand-written pass would have to be, from its results backwards.

    dZ = error;  dW = A.T @ dZ,  db = dZ.sum(0),  both wrong   ->   both are right if error were
    the adjoint of Z: nothing that `error` is made of can make it that, so its line is the wrong one

A *statement* is what is computed in one go, with all the functions that it calls.  Where
another quantity of the derivation in the place of what a statement reads makes its value what it
has to be (:mod:`remedies`), the demand goes on to that; where none does, the statement itself is
wrong.  Where another reader has use for what is there, the statement reads the wrong array.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import NamedTuple

from gradproof.checks.causes.meanings import Meaning, same
from gradproof.checks.causes.remedies import Due, Remedies, Remedy
from gradproof.symbolic.dependence import arrays_read, needed_part
from gradproof.symbolic.equation import Equation, System, is_unnamed
from gradproof.symbolic.tracing.source import Place, statement_start


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


@dataclass
class Demands:
    """The walk from wrong results to wrong lines.

    stacks: the lines of calls, outermost first, on which each array was computed.
    """

    remedies: Remedies
    stacks: Mapping[str, tuple[Place, ...]]
    right: dict[str, Remedy] = field(default_factory=dict)
    dues: dict[str, Due] = field(default_factory=dict)
    rejected: set[str] = field(default_factory=set)
    gradients: frozenset[str] = frozenset()
    innocent: dict[tuple[str, int], set[int]] = field(default_factory=lambda: defaultdict(set))

    def __post_init__(self) -> None:
        self.system, self.values = self.remedies.system, self.remedies.values
        self.order = {e.name: place for place, e in enumerate(self.system.equations)}

    def first_wrong(
        self, pairs: Mapping[str, str], refuted: Collection[str], of: Mapping[str, str]
    ) -> Blame | None:
        """The first line that cannot make what all the gradients need of it.

        pairs: the array that is the gradient by each name.  of: the derived one.
        """
        due = {}
        for name, array in pairs.items():
            values = self.remedies.numbers("left", of[name]) if name in refuted \
                else self.values[array]
            due[array] = Due(values, Meaning(name, "adjoint", values))
        due = dict(self._of_users(array, needed) for array, needed in due.items())
        self.gradients = frozenset(due)
        blame = next(iter(self._blamed(due)), None)
        if blame is None or blame.read not in ("", blame.name):
            return blame
        return replace(blame, read="", is_quantity=self._is_other(blame))

    def _of_users(self, name: str, due: Due) -> tuple[str, Due]:
        """What the user's code has to make for an array that is made of it and of a weight
        elsewhere, where it has no line: a derivative of each entry."""
        while not self.stacks.get(name) and name in self.order:
            equation = self.system[name]
            made = [source for source in self.remedies.sources([equation]) if source in self.order]
            solved = self.remedies.solved(equation, due, made[0]) if len(made) == 1 else None
            if solved is None:
                break
            name, due = made[0], replace(solved, meaning=Meaning(
                due.meaning.name if due.meaning else name, "slope", solved.values))
        return name, due

    def _is_other(self, blame: Blame) -> bool:
        """Whether an array is right, but not what is due: another quantity, or a part of what is
        due whose other part stands, too."""
        found, asked = self.remedies.quantity(blame.name), blame.due.meaning
        if found is None or asked is None:
            return False
        if found.role != "adjoint" or found.name != asked.name:
            return True
        rest = [due - part for due, part in zip(blame.due.values, self.values[blame.name],
                                                strict=True) if due.shape == part.shape]
        return len(rest) == len(blame.due.values) and bool(self.remedies.called(
            tuple(rest), [name for name in self.order if not is_unnamed(name)]))

    def _blamed(self, results: Mapping[str, Due]) -> list[Blame]:
        """The wrong lines in the order of the program, given what each result has to be."""
        part = needed_part(self.system, results)
        equations = list(part.equations)
        stacks = [self.stacks.get(e.name, ()) for e in equations]
        if not equations or not all(stacks) or len(equations) > len(part.items):
            return []
        depth = 0
        while all(len(s) > depth + 1 and s[depth] == stacks[0][depth] for s in stacks):
            depth += 1
        found, asked = self._walk(equations, dict(results), depth)
        found += [self._misreading(one, depth) for one in asked]
        self._acquit()
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
        for name, needed in results.items():
            wants[name].append(("", needed))
        misread, found, outside = list[Asked](), list[Blame](), list[Asked]()
        settled = set[str]()
        for place, statement in reversed(list(enumerate(groups))):
            outputs = [e.name for e in statement if e.name in wants]
            for name in outputs:
                self.dues[name], others = self._settled(name, wants[name])
                misread += [Asked(reader or name, name, due) for reader, due in others]
            above = [equation for group in groups[:place] for equation in group]
            settled.update(outputs)
            due = {name: self.dues[name] for name in outputs}
            asked, wrong = self._judged(statement, due, above, depth)
            if wrong:
                every = {name: wrong.get(name, Due(self.values[name])) for name in outputs}
                blames, further = self._within(statement, every, wrong, depth)
                found, asked = found + blames, asked + further
            for one in asked:
                if one.read in inside:
                    wants[one.read].append((one.reader, one.due))
                elif not self._is(one.read, one.due):
                    outside.append(one)
        return found + self._of_misread(misread, groups, settled, depth), outside

    def _judged(
        self, statement: Sequence[Equation], dues: Mapping[str, Due], above: Sequence[Equation],
        depth: int,
    ) -> tuple[list[Asked], dict[str, Due]]:
        """What a statement asks of what it reads so that its arrays are what they have to be, and
        those that nothing makes right."""
        asked, wrong = list[Asked](), dict[str, Due]()
        for name in reversed(list(dues)):
            remedy = self._remedy(statement, name, dues[name], above)
            if remedy is None or (self._is_call(statement, depth) and remedy.asked and not any(
                    source in self.order or self._stands(name, due)
                    for source, due in remedy.asked.items())):
                wrong[name] = dues[name]  # of what is handed in nothing else is to be had
                continue
            self.right[name] = remedy
            asked += [Asked(name, source, remedy.asked.get(source, Due(self.values[source])))
                      for source in self.remedies.sources(remedy.equations)]
        return asked, wrong

    def _remedy(
        self, statement: Sequence[Equation], name: str, due: Due, above: Sequence[Equation]
    ) -> Remedy | None:
        if self._is(name, due):
            return Remedy([*needed_part(System((), tuple(statement)), [name]).equations], {})
        return self.remedies.remedy(
            statement, name, due, above, name in self.gradients
        ) or self.remedies.moved(statement, name, due)

    def _place(self, name: str, depth: int) -> Place:
        stack = self.stacks[name]
        return stack[min(depth, len(stack) - 1)]

    def _misreading(self, one: Asked, depth: int) -> Blame:
        """The line that reads a wrong array: the one that hands it to a function, where what is due
        stands before that, else the one in the function that reads it."""
        self.rejected.add(one.reader)
        stack, made = self.stacks[one.reader], self.stacks.get(one.read, ())
        place = self._place(one.reader, depth)
        inner = self._reading(one, depth) or place
        inside = (other for other in self._before(one.reader) if self._is(other, one.due) and any(
            at.call == inner.call for at in self.stacks[other]))
        if not self._stands(one.reader, one.due) or any(inside):
            place = inner
        elif 0 < len(made) <= depth and _common(made, stack) == len(made):
            place = stack[len(made) - 1]
        return Blame(one.reader, place, one.due, one.read)

    def _reading(self, one: Asked, depth: int) -> Place | None:
        """The one line below a statement that reads an array, in the function that made the reader
        or in those that it calls."""
        stack, lines = self.stacks[one.reader], dict[bool, dict[tuple[str, int], Place]]()
        for equation in needed_part(self.system, [one.reader]).equations:
            places = self.stacks.get(equation.name, ())
            if one.read in arrays_read(equation) and places[: depth + 1] == stack[: depth + 1]:
                inner, at = places[-1].call == stack[-1].call, places[-1]
                lines.setdefault(inner, {})[at.filename, at.line] = at
        nearest = list((lines.get(True) or lines.get(False) or {}).values())
        return nearest[0] if len(nearest) == 1 else None

    def _of_misread(
        self, misread: Sequence[Asked], groups: Sequence[Sequence[Equation]],
        settled: Container[str], depth: int,
    ) -> list[Blame]:
        """The blames for wrong arrays read: the lines that read them, or the one line of a function
        that they call, where that is wrong for them all, and what it needs stands nowhere."""
        blames = [self._misreading(one, depth) for one in misread]
        inner = list[Blame]()
        for statement in groups:
            results = {e.name: self.dues[e.name] for e in statement if e.name in settled}
            here = [one for one in misread if one.reader in results]
            if here and self._is_call(statement, depth):
                found, asked = self._within(statement, results, {}, depth)
                reads = {one.read for one in here}
                inner += [*found, *(self._misreading(one, depth + 1) for one in asked
                                    if one.read in reads)]
        stand = any(self._stands(one.reader, one.due) for one in misread)
        if stand and len({blame.place for blame in blames}) < 2:
            return blames
        lines = {(blame.place.filename, blame.place.line) for blame in inner}
        return inner if len(lines) == 1 and len(inner) == len(misread) else blames

    def _is_call(self, statement: Sequence[Equation], depth: int) -> bool:
        return any(len(self.stacks[equation.name]) > depth + 1 for equation in statement)

    def _statements(self, equations: Sequence[Equation], depth: int) -> list[list[Equation]]:
        """Equations in a row that one statement makes at a depth."""
        def made_by(equation: Equation) -> tuple[Place, ...]:
            return tuple(place._replace(line=statement_start(place.filename, place.line))
                         for place in self.stacks[equation.name][: depth + 1])

        return [list(group) for _, group in groupby(equations, key=made_by)]

    def _settled(
        self, name: str, wanted: Sequence[tuple[str, Due]]
    ) -> tuple[Due, list[tuple[str, Due]]]:
        """What an array has to be by most of its readers, and those that want another."""
        other = [(reader, due) for reader, due in wanted if not self._is(name, due)]
        keep = other and any(self._needs(reader, name) for reader, due in wanted
                             if self._is(name, due))
        if keep or not other or (self.remedies.quantity(name) is not None and all(
                self._stands(*entry) for entry in other)):
            return Due(self.values[name]), other
        groups: list[list[tuple[str, Due]]] = []
        for reader, due in other:
            group = next((g for g in groups if same(g[0][1].values, due.values)), None)
            if group is None:
                groups.append(group := [])
            group.append((reader, due))
        groups.sort(key=lambda group: (all(self._due_elsewhere(*entry) for entry in group),
                                       -len(group)))
        return groups[0][0][1], [entry for group in groups[1:] for entry in group if entry[0]]

    def _needs(self, reader: str, name: str) -> bool:
        """Whether another value of an array would be one of its reader's, too."""
        remedy = self.right.get(reader)
        return remedy is None or self.remedies.depends(remedy.equations, reader, name)

    def _stands(self, reader: str, due: Due) -> bool:
        """Whether what a reader needs stands before it under a name."""
        return any(self._is(other, due) for other in self._before(reader)
                   if not is_unnamed(other))

    def _due_elsewhere(self, reader: str, due: Due) -> bool:
        """Whether what a reader needs is what another array before it has to be."""
        return any(same(self.dues[other].values, due.values) for other in self._before(reader)
                   if other in self.dues)

    def _before(self, reader: str) -> list[str]:
        end = self.order.get(reader, 0)
        return [other for other, place in self.order.items() if place < end]

    def _is(self, name: str, due: Due) -> bool:
        return same(self.values[name], due.values)

    # --- what speaks for whom -------------------------------------------------------------------

    def _acquit(self) -> None:
        """Lines that make the right thing of what they are given."""
        for name, remedy in self.right.items():
            for equation in remedy.equations if name not in self.rejected else ():
                for place in self.stacks[equation.name]:
                    self.innocent[place.filename, place.line].add(place.call)

    def _within(
        self, statement: Sequence[Equation], results: Mapping[str, Due],
        wrong: Mapping[str, Due], depth: int,
    ) -> tuple[list[Blame], list[Asked]]:
        """The wrong line of a statement: its own, or one of a function that it calls, if that is
        not right in another call; and what is asked of what it reads, by the function."""
        own = [Blame(name, self._place(self._part(statement, name, due, depth), depth), due)
               for name, due in wrong.items()]
        if self._is_call(statement, depth):
            needed = needed_part(System((), tuple(statement)), results).equations
            found, asked = self._walk(list(needed), results, depth + 1)
            if found or asked:
                return [replace(blame, callers=(*blame.callers, *own)) for blame in found], asked
        return own, []

    def _part(
        self, statement: Sequence[Equation], name: str, due: Due, depth: int
    ) -> str:
        """Of a statement over several lines the array of the one that is wrong: where what it reads
        explains what it has to be for the rest to be right."""
        made = {equation.name: equation for equation in statement}
        if len({self._place(each, depth).line for each in made}) < 2:
            return name
        found, open_ = list[str](), [(name, due)]
        while open_:
            at, needed = open_.pop()
            for source in self.remedies.sources([made[at]]):
                if source not in made or self.remedies.is_known(source):
                    continue
                solved = self.remedies.solved(made[at], needed, source)
                if solved is None or self._is(source, solved):
                    continue
                if self.remedies.remedy([made[source]], source, solved, ()) is not None:
                    found.append(source)
                open_.append((source, solved))
        return found[0] if len(found) == 1 else name

    def _resolved(self, blame: Blame) -> Blame:
        """The innermost line that is right in no other call."""
        for one in (blame, *blame.callers):
            if not self.innocent[one.place.filename, one.place.line] - {one.place.call}:
                return one
        return blame


def _common(one: Sequence[Place], other: Sequence[Place]) -> int:
    """How many calls two arrays were made in together."""
    return next((number for number, (a, b) in enumerate(zip(one, other, strict=False))
                 if a.call != b.call), min(len(one), len(other)))
