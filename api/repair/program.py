"""A function and the functions it calls, as source that can be run with one place changed.

The user's functions and files stay as they are: copies of the functions run, in a copy of their
globals, and an edit changes the code of one copy.
"""

from __future__ import annotations
import __future__

import ast
import copy
import linecache
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import CellType, CodeType, FrameType, FunctionType, MethodType, ModuleType
from typing import Any

PLAIN = frozenset(sys.stdlib_module_names) | {"numpy", "scipy", "sympy", "gradproof", "torch"}
"""Modules whose functions are nobody's hand-written pass."""

FUTURE = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names
             if name not in ("nested_scopes", "generators"))

Scope = Mapping[str, Any]


@dataclass(frozen=True)
class Made:
    """A function that was put together of statements of a file, with the tree of it.

    Statements that are no one's own have an attribute `is_made`.
    """

    node: ast.FunctionDef


MADE: dict[CodeType, Made] = {}
"""Functions that stand in no file as they are, by their code."""


@dataclass(frozen=True)
class FunctionSource:
    """A function with its syntax tree and the lines of its file."""

    function: FunctionType
    node: ast.FunctionDef | ast.Lambda
    lines: tuple[str, ...]
    is_made: bool = False

    @property
    def file(self) -> str:
        return self.function.__code__.co_filename

    def code(self) -> CodeType | None:
        """The code of the tree as it stands; None where it cannot be compiled."""
        return _compiled(self.node, self.function.__code__)

    def segment(self, node: ast.AST) -> str | None:
        """The user's own text of an expression of the tree."""
        if not hasattr(node, "end_col_offset"):
            return None
        first, last = node.lineno - 1, node.end_lineno - 1  # type: ignore[attr-defined]
        start, end = node.col_offset, node.end_col_offset  # type: ignore[attr-defined]
        if first == last:
            return str(self.lines[first].encode()[start:end].decode())
        return "".join((self.lines[first].encode()[start:].decode(),
                        *self.lines[first + 1:last], self.lines[last].encode()[:end].decode()))

    def replaced(self, node: ast.AST, text: str, bare: bool = False) -> tuple[str, ...]:
        """The lines of the file with the text of `node` replaced.

        bare: with the brackets around it, where it has some.
        """
        first, last = node.lineno - 1, node.end_lineno - 1  # type: ignore[attr-defined]
        before = self.lines[first].encode()[:node.col_offset].decode()  # type: ignore[attr-defined]
        after = self.lines[last].encode()[node.end_col_offset:].decode()  # type: ignore[attr-defined]
        if bare and before.endswith("(") and after.startswith(")"):
            before, after = before[:-1], after[1:]
        return (*self.lines[:first], before + text + after, *self.lines[last + 1:])

    def reads_as(self, lines: tuple[str, ...]) -> bool:
        """Whether these lines are the function as its tree stands now."""
        try:
            tree = ast.parse("".join(lines))
        except (SyntaxError, ValueError):
            return False
        if self.is_made:
            there = {ast.dump(node) for node in ast.walk(tree) if isinstance(node, ast.stmt)}
            body: list[ast.stmt] = getattr(self.node, "body", [])
            return all(ast.dump(part) in there for part in body if not hasattr(part, "is_made"))
        meant = ast.dump(self.node)
        start = self.node.lineno
        return any(ast.dump(node) == meant for node in _functions(tree)
                   if node.lineno == start)


def source_of(function: FunctionType) -> FunctionSource | None:
    """The source of a function; None where there is none that is this very code."""
    code = function.__code__
    lines = tuple(linecache.getlines(code.co_filename, function.__globals__))
    if (made := MADE.get(code)) is not None:
        return FunctionSource(function, copy.deepcopy(made.node), lines, is_made=True)
    read = _read("".join(lines), code.co_filename, code.co_flags & FUTURE)
    if read is None or code not in read.codes:  # the file has changed since it was loaded
        return None
    for node in read.functions:
        start = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        if start == code.co_firstlineno and getattr(node, "name", "<lambda>") == code.co_name \
                and (isinstance(node, ast.FunctionDef) or _encloses(node, code)):
            return FunctionSource(function, copy.deepcopy(node), lines)
    return None


@dataclass(frozen=True)
class _File:
    """What a file's text says: its functions, and the code of all that is in it."""

    functions: tuple[ast.FunctionDef | ast.Lambda, ...]
    codes: frozenset[CodeType]


@lru_cache(maxsize=8)
def _read(text: str, file: str, flags: int) -> _File | None:
    """A file's text read once for all of its functions; None where it is no program."""
    try:
        tree = ast.parse(text)
        whole = compile(tree, file, "exec", flags=flags, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return _File(tuple(_functions(tree)), frozenset(codes_of(whole)))


def _encloses(node: ast.Lambda, code: CodeType) -> bool:
    """Whether it is this of several lambdas on a line whose code it is."""
    body = node.body
    ends = [end for _, end, _, _ in code.co_positions() if end is not None]
    columns = [first for _, _, first, _ in code.co_positions() if first]
    if not columns or not ends or max(ends) > code.co_firstlineno:
        return True
    return body.col_offset <= min(columns) and max(columns) <= (body.end_col_offset or 0)


def codes_of(code: CodeType) -> Iterator[CodeType]:
    """Code, and that of what is defined within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes_of(constant)


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.Lambda]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            yield node


def _compiled(node: ast.FunctionDef | ast.Lambda, old: CodeType) -> CodeType | None:
    """The code of a function's tree, with the enclosed variables that `old` has."""
    shell: ast.stmt
    if isinstance(node, ast.FunctionDef):
        bare = copy.copy(node)
        bare.decorator_list = []
        if old.co_freevars:  # named once, so that an edit does not change which they are
            names = ast.Tuple([ast.Name(n, ast.Load()) for n in old.co_freevars], ast.Load())
            unused = ast.If(ast.Constant(False), [ast.Expr(names)], [])
            bare.body = [*node.body, ast.fix_missing_locations(ast.copy_location(unused, node))]
        shell = bare
    else:
        shell = ast.copy_location(ast.Expr(node), node)
    if old.co_freevars:
        arguments = ast.arguments([], [ast.arg(name) for name in old.co_freevars], None, [], [],
                                  None, [])
        outer = ast.FunctionDef("enclosing", arguments, [shell], [])
        shell = ast.fix_missing_locations(ast.copy_location(outer, node))
    try:
        code = compile(ast.Module([shell], []), old.co_filename, "exec",
                       flags=old.co_flags & FUTURE, dont_inherit=True)
    except (SyntaxError, ValueError, TypeError, RecursionError):
        return None
    return next((made for made in codes_of(code) if made.co_name == old.co_name), None)


@dataclass
class Program:
    """Copies of a function and of those it reaches by its globals and closures.

    `entry` is the copy to call.  An edit installed with :meth:`install` stays until
    :meth:`restore`.
    """

    entry: Callable[..., Any]
    sources: list[FunctionSource]
    _copies: _Copies

    @classmethod
    def of(
        cls, function: Callable[..., Any], run: Callable[[], object] | None = None
    ) -> Program:
        """The program of a function.  run: calls of it; functions that are not called then stay
        as they are: a package of a thousand functions is reached by way of its imports."""
        copies = _Copies(_called(run) if run is not None else None)
        made = copies(function)
        sources = []
        for original in copies.functions:
            if not copies.is_left(original):
                found = source_of(original)
                if found is not None:
                    sources.append(found)
        return cls(made, sources, copies)

    def install(self, source: FunctionSource, code: CodeType) -> bool:
        """Lets the copy of a function run another code; False where its variables do not fit."""
        if code.co_freevars != source.function.__code__.co_freevars:
            return False
        self._copies(source.function).__code__ = code
        return True

    def restore(self, source: FunctionSource) -> None:
        self._copies(source.function).__code__ = source.function.__code__

    def observed(self, run: Callable[[], object]) -> dict[tuple[CodeType, int], Scope]:
        """What the local variables were before each line, the last time it ran during `run`."""
        codes = {source.function.__code__ for source in self.sources}
        found: dict[tuple[CodeType, int], Scope] = {}

        def line(frame: FrameType, event: str, _: Any) -> Any:
            if event == "line":
                found[frame.f_code, frame.f_lineno] = dict(frame.f_locals)
            return line

        def call(frame: FrameType, event: str, _: Any) -> Any:
            return line if frame.f_code in codes else None

        before = sys.gettrace()
        sys.settrace(call)
        try:
            run()
        finally:
            sys.settrace(before)
        return found


def _called(run: Callable[[], object]) -> frozenset[CodeType]:
    """The code of all functions that are called while something runs."""
    found: set[CodeType] = set()

    def call(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            found.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(call)
    try:
        run()
    finally:
        sys.setprofile(before)
    return frozenset(found)


class _Copies:
    """Copies of functions that refer to one another as the originals do."""

    def __init__(self, called: Collection[CodeType] | None) -> None:
        self.functions: list[FunctionType] = []
        self._called = called
        self._made: dict[int, Any] = {}

    def is_left(self, function: FunctionType) -> bool:
        """Whether a function is nobody's hand-written pass, or is not called."""
        return str(function.__module__).split(".")[0] in PLAIN or (
            self._called is not None and function.__code__ not in self._called)

    def __call__(self, value: Any) -> Any:
        if id(value) in self._made:
            return self._made[id(value)]
        if isinstance(value, MethodType):
            return MethodType(self(value.__func__), self._instance(value.__self__))
        if not isinstance(value, FunctionType):
            return value
        left = self.is_left(value)
        if left and not value.__closure__:
            return value
        cells = tuple(CellType() for _ in value.__closure__ or ())
        names = value.__globals__ if left else self._globals(value)
        made = FunctionType(value.__code__, names, value.__name__, value.__defaults__,
                            cells or None)
        made.__kwdefaults__ = value.__kwdefaults__
        made.__module__, made.__qualname__ = value.__module__, value.__qualname__
        made.__dict__.update(value.__dict__)
        self._made[id(value)] = made
        self.functions.append(value)
        if not left:
            for name in _names(value.__code__):
                if name in value.__globals__:
                    names[name] = self._reached(value.__globals__[name], value.__code__)
        for name, cell, old in zip(value.__code__.co_freevars, cells, value.__closure__ or (),
                                   strict=True):
            try:
                found = old.cell_contents
                cell.cell_contents = found if name == "__class__" else self._reached(
                    found, value.__code__)
            except ValueError:  # an empty cell
                continue
        return made

    def _reached(self, value: Any, code: CodeType) -> Any:
        """A value that code names, with copies of the functions that it reaches through it."""
        if isinstance(value, ModuleType) and value.__name__.split(".")[0] not in PLAIN:
            return self._module(value, code)
        if isinstance(value, type) and value.__module__.split(".")[0] not in PLAIN:
            return self._class(value)
        if type(value) in (list, tuple) and any(isinstance(v, FunctionType) for v in value):
            return type(value)(map(self, value))
        if type(value) is dict and any(isinstance(v, FunctionType) for v in value.values()):
            return {key: self(inner) for key, inner in value.items()}
        return self(value)

    def _module(self, module: ModuleType, code: CodeType) -> ModuleType:
        """A module in which the functions that the code names are copies."""
        made: ModuleType = self._made.get(id(module)) or ModuleType(module.__name__)
        if id(module) not in self._made:
            made.__dict__.update(vars(module))
            self._made[id(module)] = made
        for name in _names(code):
            if isinstance(vars(module).get(name), FunctionType):
                setattr(made, name, self(vars(module)[name]))
        return made

    def _class(self, kind: type) -> type:
        """A subclass whose methods are copies; the class itself where there can be none."""
        if id(kind) not in self._made:
            self._made[id(kind)] = kind
            methods = {name: value for base in reversed(kind.__mro__[:-1])
                       for name, value in vars(base).items()
                       if isinstance(value, FunctionType | staticmethod | classmethod)}
            try:
                made = type(kind.__name__, (kind,), {"__module__": kind.__module__})
            except Exception:  # a metaclass may refuse
                return kind
            self._made[id(kind)] = made
            for name, value in methods.items():
                if isinstance(value, FunctionType):
                    setattr(made, name, self(value))
                elif isinstance(value.__func__, FunctionType):
                    setattr(made, name, type(value)(self(value.__func__)))
        found: type = self._made[id(kind)]
        return found

    def _instance(self, value: Any) -> Any:
        """The object a method is bound to, as one of the class with copies; it shares its arrays.
        """
        kind = type(value)
        if kind.__module__.split(".")[0] in PLAIN or not hasattr(value, "__dict__") \
                or isinstance(value, type):
            return value
        if id(value) not in self._made:
            self._made[id(value)] = value
            try:
                made = copy.copy(value)
                made.__class__ = self._class(kind)
            except Exception:  # slots, or a copy of its own
                return value
            self._made[id(value)] = made
        return self._made[id(value)]

    def _globals(self, function: FunctionType) -> dict[str, Any]:
        shared = function.__globals__
        if id(shared) not in self._made:
            self._made[id(shared)] = dict(shared)
        names: dict[str, Any] = self._made[id(shared)]
        return names


def _names(code: CodeType) -> Iterator[str]:
    for inner in codes_of(code):
        yield from inner.co_names
