"""A program run with a look at the passes of its loops, and stopped after the one that trains.

A pass trains when it moves arrays by a step, the same ones as the pass before it: ``W -= lr * dW``.
What the loop's variables were at its start is kept, and what each of its statements assigned.
"""

from __future__ import annotations

import ast
import builtins
import gc
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import CodeType, FunctionType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from gradproof.checks.hand_files import HandError, on_path
from gradproof.checks.layer_objects.places import Path as Place
from gradproof.checks.layer_objects.places import gradient_places, is_real, reached
from gradproof.limits.deadline import TimeLimitError, bounded
from gradproof.programs.copies import LARGEST, copied, held_by_names, scope_of
from gradproof.programs.sites import HOOK, Site, sites, watched
from gradproof.programs.statements import base, moves, updated
from gradproof.programs.texts import ProgramText
from gradproof.symbolic.places import said_place

MOST_PASSES = 6
"""Passes of one loop that are looked at."""

MOST_ARRAYS = 400
"""Arrays of a scope that are looked at."""


@dataclass
class Pass:
    """One pass of a loop.

    names: the names of its file.  start: the variables at its start, copied.  after: what each
    statement that ran assigned, by its place.  moved: which statements changed which arrays.
    end: the variables at its end.
    """

    site: Site
    names: dict[str, Any]
    start: SimpleNamespace
    after: dict[int, dict[str, Any]] = field(default_factory=dict)
    moved: dict[Place, list[int]] = field(default_factory=dict)
    end: SimpleNamespace | None = None
    stepped: tuple[Place, ...] = ()
    live: dict[Place, Any] = field(default_factory=dict)
    _last: dict[Place, Any] = field(default_factory=dict)

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


def _space(scope: Mapping[str, Any]) -> SimpleNamespace:
    return SimpleNamespace(**{name: value for name, value in scope.items() if name.isidentifier()})


class Enough(BaseException):
    """The program has been seen to train; it need not go on."""


@dataclass
class Watcher:
    """What the program meets under the name of the hook.

    line: of the one loop that is looked at; 0 for all.
    """

    tree: ast.Module
    names: dict[str, Any]
    folder: Path
    line: int = 0
    stops: bool = True
    passes: list[Pass] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sites = sites(self.tree)
        self.open = [(site.is_loop and (not self.line or site.line == self.line))
                     for site in self.sites]
        self._now: dict[int, Pass] = {}
        self._before: dict[int, Pass] = {}
        self._count = [0] * len(self.sites)
        self._is_over = False

    def begin(self, number: int) -> None:
        self._before.pop(number, None)
        self._now.pop(number, None)

    def enter(self, number: int, scope: Mapping[str, Any]) -> None:
        self._check()
        self._finish(number, scope)
        if self._count[number] < MOST_PASSES:
            self._count[number] += 1
            names = self._visible(number, scope)
            made = self._now[number] = Pass(self.sites[number], self.names, scope_of(names))
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
        first = self.sites[number].names
        return {**{name: scope[name] for name in scope if name in first}, **{
            name: value for name, value in self.names.items() if name in first
            and name not in scope}, **{name: value for name, value in self.names.items()
                                       if name not in scope}, **scope}

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
        if before is not None and {*made.stepped} & {*before.stepped} and self.stops:
            self._is_over = True
            raise Enough

    # --- what moves by a step -------------------------------------------------------------------

    @cached_property
    def words(self) -> frozenset[str]:
        """What the program, and what of it is imported, says that it moves."""
        found = set(updated(self.tree))
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None)
            if file and Path(file).parent == self.folder and file.endswith(".py"):
                try:
                    found |= updated(ast.parse(Path(file).read_text(encoding="utf-8")))
                except (OSError, ValueError, SyntaxError):
                    continue
        return frozenset(found)

    def _stepped(self, made: Pass, now: SimpleNamespace) -> Iterator[Place]:
        """The arrays that a pass moves by a step, and that are no gradients of others."""
        gradients = {other for one in held_by_names(made.start)[:MOST_ARRAYS] for path in one.paths
                     for other in gradient_places(made.start, path)} if made.moved else set()
        for path in made.moved:
            if path in gradients or not self._is_moved(made, path, now):
                continue
            if self._is_read(made.site.body, str(path[0].key)):
                yield path

    def _is_moved(self, made: Pass, path: Place, now: SimpleNamespace) -> bool:
        last = path[-1]
        if last.is_item and "[]" in self.words:
            return True
        if any(str(step.key) in self.words for step in path):
            return True
        if len(path) == 1 and any(
                _is_handed_on(statement, str(path[0].key)) for statement in made.site.body):
            return True
        value = reached(now, path)  # one array under two names: p -= step
        return isinstance(value, np.ndarray) and value is made.live[path] and bool(self.words)

    @staticmethod
    def _is_read(body: Sequence[ast.stmt], name: str) -> bool:
        """Whether a name is read by more than its own steps."""
        for statement in body:
            for node in _without_steps(statement, name):
                if isinstance(node, ast.Name) and node.id == name:
                    return True
        return _read_elsewhere(body, name)


def _without_steps(statement: ast.stmt, name: str) -> Iterator[ast.AST]:
    left: list[ast.AST] = [statement]
    while left:
        node = left.pop()
        if isinstance(node, ast.AugAssign) and base(node.target) == name:
            left.append(node.value)
        elif isinstance(node, ast.Assign) and len(node.targets) == 1 and base(
                node.targets[0]) == name and moves(node.targets[0], node.value):
            continue
        else:
            yield node
            left += ast.iter_child_nodes(node)


def _read_elsewhere(body: Sequence[ast.stmt], name: str) -> bool:
    """Whether functions are called, which may read a name of their file."""
    own = {node.id for statement in body for node in ast.walk(statement)
           if isinstance(node, ast.Name)}
    return name not in own


def _is_handed_on(statement: ast.stmt, name: str) -> bool:
    """Whether a function is handed an array with its gradient, and gives it back."""
    if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.Call):
        return False
    stored = {node.id for target in statement.targets for node in ast.walk(target)
              if isinstance(node, ast.Name)}
    handed = {node.id for node in ast.walk(statement.value) if isinstance(node, ast.Name)}
    return name in stored & handed and any(
        other.lower() in (f"d{name}".lower(), f"grad_{name}".lower(), f"{name}_grad".lower(),
                          "grads", "gradients", "lr", "learning_rate", "alpha", "eta")
        for other in handed)


# --- running --------------------------------------------------------------------------------------


def run_watched(
    text: ProgramText, names: dict[str, Any], line: int = 0, further: str = "",
    seconds: float = 60.0,
) -> Watcher:
    """Runs a program, as ``__main__``, until it has been seen to train, or to its end.

    names: its variables, which it fills.  further: lines that are run after it.  seconds: how long
    it may run.  Raises HandError with the line at which it fails before anything was seen.
    """
    tree, clean = watched(text.tree), text.tree
    folder = Path(text.file).resolve().parent
    watcher = Watcher(clean, names, folder, line)
    names[HOOK] = watcher
    text.shown()
    error: BaseException | None = None

    def run() -> None:
        exec(compile(tree, text.file, "exec", dont_inherit=True), names)
        if further:
            exec(compile(further, "<--call>", "exec", dont_inherit=True), names)

    try:
        bounded(seconds, run)
    except Enough:
        pass
    except (Exception, SystemExit) as raised:
        error = raised
    _give_back(compile(clean, text.file, "exec", dont_inherit=True),
               compile(tree, text.file, "exec", dont_inherit=True))
    if error is not None and not watcher.passes:
        raise HandError(_failed(text.file, error)) from error
    return watcher


def main_module(file: str) -> dict[str, Any]:
    """The names of a module that is ``__main__``, as for ``python FILE``."""
    os.environ.setdefault("MPLBACKEND", "Agg")  # windows would wait for somebody
    on_path(Path(file).resolve().parent)
    module = ModuleType("__main__")
    module.__file__ = file
    module.__builtins__ = builtins  # type: ignore[attr-defined]
    sys.modules["__main__"] = module
    sys.argv[:] = [file]
    return vars(module)


def _failed(file: str, error: BaseException) -> str:
    if isinstance(error, TimeLimitError):
        return (f"{file}: was not seen to train within {error.seconds:.3g} s "
                "(--time-limit says how long it may take)")
    number, step = 0, error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename == file:
            number = step.tb_lineno
        step = step.tb_next
    return f"{said_place(file, number)}: {type(error).__name__} while the file was run: {error}"


def _give_back(clean: CodeType, made: CodeType) -> None:
    """Gives functions their own code back, without a look into their loops."""
    by = {(code.co_qualname, code.co_firstlineno): code for code in _codes(clean)}
    pairs = {code: by.get((code.co_qualname, code.co_firstlineno)) for code in _codes(made)}
    for function in gc.get_objects():
        own = pairs.get(function.__code__) if isinstance(function, FunctionType) else None
        if own is not None and own.co_freevars == function.__code__.co_freevars:
            function.__code__ = own


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)
