"""The part of a pass that some of its values follow from, as a function of what it reads.

    for i in range(n):                          def values(X, W, b, Y):
        batch = X[rng.permutation(m)]               a = X @ W + b
        a = batch @ W + b                 ->        loss = np.mean((a - Y) ** 2)
        loss = np.mean((a - Y) ** 2)                return {"loss": loss}
        print(loss)

Its statements are the user's, at their places in the file.  Those that do not depend on the
parameters are not run again: what they assigned in the pass is handed in.
"""

from __future__ import annotations

import ast
import builtins
import copy
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from types import FunctionType
from typing import Any

import numpy as np

from gradproof.programs.copies import is_code, is_drawn, is_drawn_from, shown
from gradproof.programs.sites import Site, flat
from gradproof.programs.statements import (
    Effects,
    aliases,
    asks_sizes,
    defines,
    effects,
    first_set,
    is_of_sizes,
    only_added_to,
    only_says,
    outside,
    targets,
)
from gradproof.programs.watching import Pass
from gradproof.repair.program import MADE, Made, codes_of

WHOLE = "the_pass"


@dataclass(frozen=True)
class Demand:
    """A value that is wanted: an expression as it is before a statement of the pass.

    at: the place of the statement; the number of statements for the end.
    """

    key: str
    value: ast.expr
    at: int


@dataclass(frozen=True)
class Slice:
    """Statements from which demands follow.

    kept: places of the statements that are run; ahead: of those before them.  sizes: statements
    before the pass that are run first.  handed: the names that are handed in.  frozen: those of
    them that a statement of the pass assigns, with its place.  within: functions that stand in the
    function of the loop, which read its variables.  renamed: by the name of such a value what the
    program calls it, where that has one value after another.
    """

    seen: Pass
    demands: tuple[Demand, ...]
    kept: tuple[int, ...]
    sizes: tuple[ast.stmt, ...]
    handed: tuple[str, ...]
    frozen: Mapping[str, int]
    outside: frozenset[str] = frozenset()
    ahead: tuple[int, ...] = ()
    within: tuple[ast.stmt, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)

    @property
    def used(self) -> frozenset[str]:
        """The names that its statements read, other than to add to them."""
        values = self.seen.values
        return frozenset().union(*(
            effects(statement, values).by_value - only_added_to(statement)
            for statement in map(self.seen.site.body.__getitem__, self.kept)))

    def value(self, name: str) -> Any:
        """What a name is handed in as."""
        if name in self.frozen:
            return self.seen.after[self.frozen[name]][self.renamed.get(name, name)]
        return getattr(self.seen.start, name)

    def _statements(self) -> Iterable[ast.stmt]:
        """The statements of the pass that are run, and for those that are not, what they gave."""
        body = self.seen.site.body
        given = {self.frozen[name] for name in self.renamed}
        yield from (copy.deepcopy(body[place]) for place in self.ahead)
        for place in sorted({*self.kept, *given}):
            if place in self.kept:
                yield copy.deepcopy(body[place])
            yield from (_made(ast.Assign([ast.Name(name, ast.Store())], ast.Name(
                new, ast.Load())), body[place].lineno) for new, name in self.renamed.items()
                if self.frozen[new] == place)

    def function(self) -> FunctionType:
        """The function of the names that are handed in; it returns the demands by their keys."""
        site = self.seen.site
        body = [*self._statements()]
        sizes = [copy.deepcopy(statement) for statement in self.sizes]
        for statement in sizes:
            statement.is_made = True  # type: ignore[attr-defined]
        body = [*sizes, *body]
        body = [_Plain().visit(statement) for statement in body]
        line = body[0].lineno if body else site.line
        jumps = any(isinstance(node, ast.Break | ast.Continue) for statement in body
                    for node in _own(statement))
        if jumps:
            once = ast.For(ast.Name("_once", ast.Store()), ast.Tuple([ast.Constant(0)], ast.Load()),
                           body, [])
            body = [_made(once, line)]
        both = sorted(self.outside & _stored(body))
        if both:
            body.insert(0, _made(ast.Global(both), line))
        body[len(both) > 0:len(both) > 0] = map(copy.deepcopy, self.within)
        result = ast.Dict([ast.Constant(one.key) for one in self.demands],
                          [copy.deepcopy(one.value) for one in self.demands])
        body.append(_made(ast.Return(result), line))
        handed = [name for name in self.handed if name not in both]
        node = ast.FunctionDef(WHOLE, ast.arguments(
            [], [ast.arg(name) for name in handed], None, [], [], None, []), body, [], None)
        node.lineno, node.end_lineno, node.col_offset, node.end_col_offset = line, line, 0, 0
        return _function(ast.fix_missing_locations(node), site, self.seen.names)


class _Plain(ast.NodeTransformer):
    """A return out of the pass is the end of it."""

    def visit_Return(self, node: ast.Return) -> ast.AST:
        return ast.copy_location(ast.Break(), node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return node


def _own(statement: ast.AST) -> Iterable[ast.AST]:
    """The nodes of a statement, but for those of loops and functions within it."""
    left = [statement]
    while left:
        node = left.pop()
        yield node
        if not isinstance(node, ast.For | ast.While | ast.FunctionDef | ast.Lambda):
            left += ast.iter_child_nodes(node)


def _stored(body: Sequence[ast.stmt]) -> frozenset[str]:
    return frozenset(node.id for statement in body for node in ast.walk(statement)
                     if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))


def _made(statement: ast.stmt, line: int) -> ast.stmt:
    """A statement of ours, which is no line of the user's."""
    for node in ast.walk(statement):
        if isinstance(node, ast.stmt | ast.expr) and not hasattr(node, "lineno"):
            node.lineno = node.end_lineno = line
            node.col_offset = node.end_col_offset = 0
    statement.is_made = True  # type: ignore[attr-defined]
    return statement


def _function(node: ast.FunctionDef, site: Site, names: dict[str, Any]) -> FunctionType:
    whole: ast.stmt = node
    if site.owner:  # so that names such as self.__W are what they are within the class
        whole = ast.fix_missing_locations(ast.copy_location(
            ast.ClassDef(site.owner, [], [], [node], []), node))
    code = compile(ast.Module([whole], []), site.file, "exec",
                   dont_inherit=True)
    found = next(inner for inner in codes_of(code) if inner.co_name == WHOLE)
    MADE[found] = Made(node)
    return FunctionType(found, names, site.function or WHOLE)


# --- which statements -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Slicer:
    """What the statements of a pass do.

    varied: the names through which parameters are reached.  without: places of statements that are
    left out, as those that move the parameters are for a loss.  fixed: of statements that move
    other parameters, which are numbers from there on.
    """

    seen: Pass
    varied: frozenset[str]
    fixed: frozenset[int] = frozenset()

    def sliced(self, demands: Sequence[Demand], without: Set[int] = frozenset()) -> Slice:
        """The statements from which the demands follow."""
        body = self.seen.site.body
        done = [self._effects(place) for place in range(len(body))]
        needed, kept = self._needed(demands, without, done)
        kept, frozen, renamed = self._run_again(kept, done)
        used = [body[place] for place in kept]
        read = frozenset(needed).union(*(done[place].reads for place in kept),
                                       *(self._read_by([d], d.at) for d in demands))
        within, free = self._within(read)
        sizes, further = self._sizes(read | free, done)
        known = {*vars(self.seen.start), *frozen}
        names = [name for name in dict.fromkeys((*sorted(read | free), *sorted(further)))
                 if name in known and not self._is_of_file(name) and name not in within]
        given = {place: frozenset(renamed[new] for new in renamed if frozen[new] == place)
                 for place in frozen.values()}
        none = frozenset[str]()
        own = first_set([done[place] if place in kept else Effects(none, none, given[place], none)
                         for place in sorted({*kept, *given})])
        made = own | _stored(sizes)
        handed = (*(name for name in names if name in frozen or name not in made), *renamed)
        outside = frozenset().union(*map(self._outside, (
            *used, *(one.value for one in demands)))) & {*handed, *_stored((*used, *sizes))} - free
        return Slice(self.seen, tuple(demands), tuple(kept), tuple(sizes), handed, {
            name: place for name, place in frozen.items() if name in handed}, outside,
            within=tuple(within.values()), renamed=renamed)

    def _needed(
        self, demands: Sequence[Demand], without: Set[int], done: Sequence[Effects]
    ) -> tuple[set[str], list[int]]:
        """What the demands need to be there before the pass, and the places of what they follow
        from."""
        needed: set[str] = set()
        kept: list[int] = []
        for place, effect in reversed([*enumerate(done)]):
            needed |= self._read_by(demands, place + 1)
            if place not in without and effect.writes & needed \
                    and not only_says(self.seen.site.body[place]):
                kept.insert(0, place)
                needed = (needed - effect.sets) | effect.reads
        return needed | self._read_by(demands, 0), kept

    def _within(self, read: Set[str]) -> tuple[dict[str, ast.stmt], frozenset[str]]:
        """Of the names that are read, the functions that stand in the function of the loop, as
        their statements in the order of the text; and what these read of it."""
        defined = {name: statement for statement in self.seen.site.before
                   for name in [*defines(statement)]}
        found: dict[str, ast.stmt] = {}
        free: set[str] = set()
        waiting = sorted(read)
        while waiting:
            name = waiting.pop()
            value = getattr(self.seen.start, name, None)
            if isinstance(value, FunctionType) and name in defined and name not in found \
                    and value.__closure__:
                found[name] = defined[name]
                free |= {*value.__code__.co_freevars}
                waiting += value.__code__.co_freevars
        return dict(sorted(found.items(), key=lambda one: one[1].lineno)), frozenset(free)

    @property
    def read_first(self) -> frozenset[str]:
        """The names that the pass reads before it sets them, and sets."""
        done = [self._effects(place) for place in range(len(self.seen.site.body))]
        sets = frozenset().union(*(effect.sets for effect in done))
        return sets - first_set(done)

    def _is_of_file(self, name: str) -> bool:
        """Whether a name is that of a module, a class or a function of the file."""
        value = getattr(self.seen.start, name, None)
        return is_code(value) and self.seen.names.get(name) is value

    def _effects(self, place: int) -> Effects:
        values = self.seen.values
        for before in range(place + 1):
            values.update(self.seen.after.get(before, {}))
        found = effects(self.seen.site.body[place], values)
        touches, known = set(found.touches), aliases(self.seen.site.body)
        waiting = list(touches)
        while waiting:
            waiting += [name for name in known.get(waiting.pop(), ()) if name not in touches
                        and not touches.add(name)]  # type: ignore[func-returns-value]
        # An array that a function was handed was looked at: it was left as it was, or has moved.
        stored = targets(self.seen.site.body[place])
        moved = {path[0].key for path, places in self.seen.moved.items() if place in places}
        moved |= {name for name, places in self.seen.changed.items() if place in places}
        same = {name for name in touches if isinstance(values.get(name), np.ndarray)
                and name not in stored and name not in moved}
        touches = (touches | {str(name) for name in moved}) - same - found.sets
        return replace(found, touches=frozenset(touches))

    def _outside(self, part: ast.AST) -> frozenset[str]:
        """The names of the file that functions which are called read, or assign."""
        found: frozenset[str] = frozenset()
        values = self.seen.values
        for node in ast.walk(part):
            if isinstance(node, ast.Name):
                found |= outside(values.get(node.id))
                found |= outside(values.get(node.id), written=True)
        return found

    def _read_by(self, demands: Sequence[Demand], at: int) -> set[str]:
        """The names from which the demands at a place follow."""
        values = self.seen.values
        found: set[str] = set()
        for one in demands:
            for node in ast.walk(one.value) if one.at == at else ():
                if isinstance(node, ast.Name) and not hasattr(builtins, node.id):
                    found |= {node.id, *outside(values.get(node.id))}
        return found

    def _run_again(
        self, kept: Sequence[int], done: Sequence[Effects]
    ) -> tuple[list[int], dict[str, int], dict[str, str]]:
        """Of the kept statements those that depend on the parameters, or on sizes alone; what the
        others have assigned, by a name and its place; and of these names what they are called."""
        body, varied = self.seen.site.body, set(self.varied)
        again: list[int] = []
        frozen: dict[str, int] = {}
        renamed: dict[str, str] = {}
        values = self.seen.values
        moved = {shown(path) for path in self.seen.moved}
        for place in kept:
            effect = done[place]
            assigned = self.seen.after.get(place, {})
            values.update(assigned)
            again_set = effect.writes & {n for p in again for n in done[p].writes}
            # What is drawn from goes on by itself, and is no value of the pass.
            given = {name for name in effect.writes if not is_drawn_from(values.get(name))}
            follows = effect.by_value & varied or effect.touches & varied
            # What is drawn is what it is, whatever it is drawn by.
            if follows and place not in self.fixed and not is_drawn(
                    body[place], values, varied, moved):
                varied |= effect.writes
            elif not (is_of_sizes(body[place], values) or again_set
                      or not given or not given <= assigned.keys()):
                for name in sorted(given):
                    new = name
                    if self._has_versions(name, done):
                        new = f"{name}_at_{body[place].lineno}"
                        renamed[new] = name
                    frozen[new] = place
                continue
            again.append(place)
        return again, frozen, renamed

    def _has_versions(self, name: str, done: Sequence[Effects]) -> bool:
        """Whether one value of a name is read, and then another one assigned."""
        writing = [-1] * hasattr(self.seen.start, name) + [
            place for place, effect in enumerate(done) if name in effect.writes]
        return any(name in effect.reads - effect.writes
                   for effect in done[writing[0] + 1:writing[-1]])

    def _sizes(
        self, read: Set[str], done: Sequence[Effects]
    ) -> tuple[list[ast.stmt], frozenset[str]]:
        """Statements before the pass that say what a number is a size of: ``m = X.shape[0]``."""
        values = self.seen.values
        written = frozenset().union(*(effect.writes for effect in done))
        once: dict[str, list[ast.stmt]] = {}
        for statement in flat(self.seen.site.before):
            for name in _stored([statement]):
                once.setdefault(name, []).append(statement)
        found: list[ast.stmt] = []
        further: set[str] = set()
        waiting = sorted(read)
        while waiting:
            name = waiting.pop(0)
            value = values.get(name)
            made = list({ast.dump(one): one for one in once.get(name, [])}.values())
            if name in written or len(made) != 1 or made[0] in found or isinstance(value, bool) \
                    or not is_of_sizes(made[0], values) or not asks_sizes(made[0]) \
                    or self.varied & {*_stored(made)} or not all(
                        isinstance(values.get(n), int | float) for n in (name, *_stored(made))):
                continue
            reads = {node.id for node in ast.walk(made[0])
                     if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
            if reads & written:
                continue
            found.insert(0, made[0])
            further |= reads
            waiting += sorted(reads - {*read})
        return found, frozenset(further)
