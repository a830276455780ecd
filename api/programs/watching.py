"""A program run with a look at the passes of its loops, and stopped after the one that trains.

A pass trains when it moves arrays by a step, the same ones as the pass before it: ``W -= lr * dW``.
What the loop's variables were at its start is kept, and what each of its statements assigned.
"""

from __future__ import annotations

import ast
import copy
import gc
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cache
from types import CodeType, FunctionType, SimpleNamespace
from typing import Any

import numpy as np

from gradproof.checks.layer_objects.places import Path as Place
from gradproof.checks.layer_objects.places import gradient_places, is_real, reached
from gradproof.programs.copies import LARGEST, copied, held_by_names, scope_of
from gradproof.programs.sites import HOOK, Site, sites, watched
from gradproof.programs.statements import (
    assigned,
    base,
    is_put_back,
    is_shuffled,
    moves,
    outside,
    updated,
)
from gradproof.repair.edits import function_name
from gradproof.repair.program import codes_of

MOST_PASSES = 6
"""Passes of one loop that are looked at."""

CALL = "<--call>"
"""What the lines are called that are run after a file."""

MOST_ARRAYS = 400
"""Arrays of a scope that are looked at."""


@dataclass
class Pass:
    """One pass of a loop.

    names: the names of its file.  start: the variables at its start, copied.  after: what each
    statement that ran assigned, by its place.  moved: which statements changed which arrays.
    end: the variables at its end.  changed: which statements changed, or made, which arrays that
    were not there at the start, or are of whole numbers.
    """

    site: Site
    names: dict[str, Any]
    start: SimpleNamespace
    after: dict[int, dict[str, Any]] = field(default_factory=dict)
    moved: dict[Place, list[int]] = field(default_factory=dict)
    end: SimpleNamespace | None = None
    stepped: tuple[Place, ...] = ()
    changed: dict[str, list[int]] = field(default_factory=dict)
    live: dict[Place, Any] = field(default_factory=dict)
    _last: dict[Place, Any] = field(default_factory=dict)
    _later: dict[str, Any] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, Any]:
        """What every name stands for at the start, those of the file too."""
        return {**self.names, **vars(self.start)}

    def begins(self, scope: Mapping[str, Any]) -> None:
        """Notes the arrays of the scope, which is that of which `start` is a copy."""
        for one in held_by_names(self.start)[:MOST_ARRAYS]:
            if is_real(one.value) and np.size(one.value) <= LARGEST:
                self._last[one.paths[0]] = np.array(one.value)
                self.live[one.paths[0]] = reached(_space(scope), one.paths[0])

    def look(self, statement: int, scope: Mapping[str, Any]) -> None:
        """What a statement has assigned and moved."""
        names: set[str] = set()
        if statement < len(self.site.body):
            names = {node.id for node in ast.walk(self.site.body[statement])
                     if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        known: dict[int, Any] = {}
        self.after[statement] = {
            name: copied(scope[name], known) for name in names if name in scope}
        now = _space(scope)
        for path, last in self._last.items():
            value = reached(now, path)
            if not is_real(value) or np.shape(value) != last.shape:
                continue
            if not np.array_equal(value, last, equal_nan=True):
                self.moved.setdefault(path, []).append(statement)
                self._last[path] = np.array(value)
                if len(path) == 1:
                    self.after[statement].setdefault(str(path[0].key), self._last[path])
        for name, value in scope.items():
            if isinstance(value, np.ndarray) and value.size <= LARGEST and not (
                    is_real(value) and hasattr(self.start, name)) and value.dtype.kind in "fiub":
                last = self._later.get(name, getattr(self.start, name, None))
                if last is None or not np.array_equal(value, last, equal_nan=True):
                    self.changed.setdefault(name, []).append(statement)
                    self._later[name] = value.copy()
                    self.after[statement].setdefault(name, self._later[name])


def gone_on(first: Pass, second: Pass) -> tuple[Place, ...]:
    """The arrays that both of two passes move by a step, the second from where the first left them:
    a loop over layers finds another array under each name."""
    return tuple(path for path in second.stepped if path in first.stepped and np.array_equal(
        reached(first.end, path), reached(second.start, path), equal_nan=True))


def _space(scope: Mapping[str, Any]) -> SimpleNamespace:
    return SimpleNamespace(**{name: value for name, value in scope.items() if name.isidentifier()})


Accept = Callable[["Watcher"], bool]


class Enough(BaseException):
    """The program has been seen to train; it need not go on."""


@dataclass
class Watcher:
    """What the program meets under the name of the hook.

    file: of the program.  line: of the one loop that is looked at; 0 for all.  passes: those that
    move something.  both: two of one loop, the second of which goes on where the first has ended.
    """

    file: str
    line: int = 0
    accept: Accept = lambda _: True
    passes: list[Pass] = field(default_factory=list)
    both: tuple[Pass, Pass] | None = None
    trees: list[ast.Module] = field(default_factory=list)
    sites: list[Site] = field(default_factory=list)
    open: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._names: dict[str, dict[str, Any]] = {}
        self._now: dict[int, Pass] = {}
        self._before: dict[int, Pass] = {}
        self._count: dict[int, int] = {}
        self._codes: list[tuple[CodeType, CodeType]] = []
        self._is_over = False

    def watch(
        self, tree: ast.Module, file: str, names: dict[str, Any],
        before: Sequence[ast.stmt] = (),
    ) -> ast.Module:
        """A file's tree with the calls of the hook in it, which is from now on among its names.

        before: statements that were run before it.
        """
        first = len(self.sites)
        clean = copy.deepcopy(tree)
        self.trees.append(clean)
        self.sites += [replace(site, before=[*before, *site.before])
                       for site in sites(clean, file, first)]
        self.open += [site.loop is not None and (
            not self.line or (site.line == self.line and file != CALL))
            for site in self.sites[first:]]
        self._names[file] = names
        names[HOOK] = self
        made = watched(tree, first)
        self._codes.append((compile(clean, file, "exec", dont_inherit=True),
                            compile(made, file, "exec", dont_inherit=True)))
        return made

    def gives_back(self) -> None:
        """Gives functions their own code back, without a look into their loops."""
        for clean, made in self._codes:
            _give_back(clean, made)

    def begin(self, number: int) -> None:
        self._before.pop(number, None)
        self._now.pop(number, None)

    def enter(self, number: int, scope: Mapping[str, Any]) -> None:
        self._check()
        self._finish(number, scope)
        if self._count.get(number, 0) < MOST_PASSES:
            self._count[number] = self._count.get(number, 0) + 1
            names = self._visible(number, scope)
            own = self._names[self.sites[number].file]
            made = self._now[number] = Pass(self.sites[number], own, scope_of(names))
            made.begins(names)

    def after(self, number: int, statement: int, scope: Mapping[str, Any]) -> None:
        self._check()
        made = self._now.get(number)
        if made is not None:
            made.look(statement, self._visible(number, scope))
            if statement == len(made.site.body) - 1:
                self._finish(number, scope)

    def _visible(self, number: int, scope: Mapping[str, Any]) -> dict[str, Any]:
        """The variables of a scope and of its file; those that the loop names come first, so that
        an object is known by the name that it has there."""
        first, names = self.sites[number].names, self._names[self.sites[number].file]
        both = {**names, **scope}
        return {**{name: value for name, value in both.items() if name in first}, **both}

    def ended(self, number: int) -> None:
        self._now.pop(number, None)

    def _check(self) -> None:
        if self._is_over:  # a bare except has caught it
            raise Enough

    def _finish(self, number: int, scope: Mapping[str, Any]) -> None:
        """A pass has come to its end."""
        made = self._now.pop(number, None)
        if made is None or not made.after:
            return
        now = self._visible(number, scope)
        made.end = scope_of(now)
        made.stepped = tuple(self._stepped(made, _space(now)))
        before = self._before.get(number)
        self._before[number] = made
        if made.stepped:
            self.passes.append(made)
        if before is not None and gone_on(before, made):
            self.both = before, made
            were, self.open[:] = self.open[:], [False] * len(self.open)
            if not self.accept(self):  # it is another loop that trains
                self.both, self.open[:] = None, were
                self.open[number] = False
                self.passes[:] = [one for one in self.passes if one.site is not made.site]
                return
            self._is_over = True
            raise Enough

    @property
    def waiting(self) -> list[Site]:
        """The loops of the program's own file that were not run so far."""
        return [site for number, site in enumerate(self.sites)
                if site.loop is not None and site.file == self.file and not self._count.get(number)]

    # --- what moves by a step -------------------------------------------------------------------

    @property
    def words(self) -> frozenset[str]:
        """What the program, and what it has imported of its folder, says that it moves."""
        return frozenset().union(*map(_words_of, self.trees))

    @property
    def stepping(self) -> frozenset[str]:
        """The functions of the program that return a step from what they are handed."""
        return frozenset().union(*map(_stepping_of, self.trees))

    def _stepped(self, made: Pass, now: SimpleNamespace) -> Iterator[Place]:
        """The arrays that a pass moves by a step, and that are no gradients of others."""
        found = [path for path in made.moved if self._is_moved(made, path, now)
                 and _is_read(made, str(path[0].key))]
        gradients = {other for one in held_by_names(made.start)[:MOST_ARRAYS] for path in one.paths
                     for other in gradient_places(made.start, path)} if found else set()
        yield from (path for path in found if path not in gradients)

    def _is_moved(self, made: Pass, path: Place, now: SimpleNamespace) -> bool:
        body, name = made.site.body, str(path[0].key)
        if len(path) > 1:
            if (path[-1].is_item and "[]" in self.words) or any(
                    str(step.key) in self.words for step in path):
                return True
        elif _is_made_anew(body, name, self.stepping):
            return False
        elif any(_is_handed_on(statement, name, self.stepping) for statement in body) or name in (
                updated(ast.Module([*body], [])) if _is_stored(body, name) else self.words):
            return True
        if any(_sets_items(made.site.body[place], name) or is_shuffled(made.site.body[place], name)
               for place in made.moved[path] if place < len(made.site.body)):
            return False
        value = reached(now, path)  # one array under two names: p -= step
        return isinstance(value, np.ndarray) and value is made.live[path] and bool(self.words)


def _is_read(made: Pass, name: str) -> bool:
    """Whether a name is read by more than its own steps: by a pass, or by what it calls."""
    body, values = made.site.body, made.values
    if name not in made.site.names:
        return True
    return any(isinstance(node, ast.Name) and (
        node.id == name or name in outside(values.get(node.id)))
        for statement in body for node in _without_steps(statement, name))


def _without_steps(statement: ast.stmt, name: str) -> Iterator[ast.AST]:
    left: list[ast.AST] = [statement]
    while left:
        node = left.pop()
        if isinstance(node, ast.AugAssign) and base(node.target) == name:
            left.append(node.value)
        elif isinstance(node, ast.Assign):
            for target, value in assigned(node):
                is_step = base(target) == name and moves(target, value)
                if is_step:
                    yield from _but_for(value, ast.unparse(target))
                else:
                    left += (target, value)
        else:
            yield node
            left += ast.iter_child_nodes(node)


def _but_for(value: ast.expr, text: str) -> Iterator[ast.AST]:
    """The parts of a step that are not what is moved, which stands in it once more than that."""
    moved = next((node for node in ast.walk(value) if ast.unparse(node) == text), None)
    left_out = {*map(id, ast.walk(moved))} if moved is not None else set[int]()
    return (node for node in ast.walk(value) if id(node) not in left_out)


def _is_made_anew(body: Sequence[ast.stmt], name: str, stepping: Set[str]) -> bool:
    """Whether a pass gives a name a value that does not follow from the one that it has."""
    for statement in body:
        for node in ast.walk(statement):
            if isinstance(node, ast.Assign) and not _is_handed_on(node, name, stepping) and any(
                    isinstance(target, ast.Name) and target.id == name
                    and not moves(target, value) and not is_put_back(value, name)
                    for target, value in assigned(node)):
                return True
    return False


def _is_stored(body: Sequence[ast.stmt], name: str) -> bool:
    """Whether statements assign a name themselves, rather than by what they call."""
    return any(isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Store)
               for statement in body for node in ast.walk(statement))


def _sets_items(statement: ast.stmt, name: str) -> bool:
    """Whether a statement fills an array: ``T[i, label] = 1``."""
    return any(isinstance(node, ast.Assign) and any(
        isinstance(target, ast.Subscript) and base(target) == name for target in node.targets)
        for node in ast.walk(statement))


def _is_handed_on(statement: ast.stmt, name: str, stepping: Set[str]) -> bool:
    """Whether a function is handed an array with its gradient, or what it needs for that, and gives
    it back.  stepping: functions that return a step."""
    if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Call):
        return False
    stored = {node.id for target in statement.targets for node in ast.walk(target)
              if isinstance(node, ast.Name)}
    handed = {node.id for node in ast.walk(statement.value) if isinstance(node, ast.Name)}
    return name in stored & handed and (function_name(
        statement.value) in stepping or len(stored & handed) > 1 or any(
        other.lower() in (f"d{name}".lower(), f"grad_{name}".lower(), f"{name}_grad".lower(),
                          "grads", "gradients", "lr", "learning_rate", "alpha", "eta")
        for other in handed))


@cache
def _stepping_of(tree: ast.Module) -> frozenset[str]:
    """The names of functions that return a step: ``return w - a * dw``."""
    found = set()
    for node in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        handed = [ast.Name(argument.arg) for argument in node.args.args]
        for part in (part for part in ast.walk(node) if isinstance(part, ast.Return)):
            values = part.value.elts if isinstance(part.value, ast.Tuple) else [part.value]
            if any(one is not None and moves(name, one) for one in values for name in handed):
                found.add(node.name)
    return frozenset(found)


@cache
def _words_of(tree: ast.Module) -> frozenset[str]:
    return updated(tree)


def _give_back(clean: CodeType, made: CodeType) -> None:
    """Gives functions their own code back, without a look into their loops."""
    # One after the other: several lambdas of a line have one name.
    pairs = {code: own for code, own in zip(codes_of(made), codes_of(clean), strict=False)
             if (code.co_qualname, code.co_firstlineno) == (own.co_qualname, own.co_firstlineno)}
    for function in gc.get_objects():
        # not isinstance, which asks objects of other packages for their class
        own = pairs.get(function.__code__) if type(function) is FunctionType else None
        if own is not None and own.co_freevars == function.__code__.co_freevars:
            function.__code__ = own
