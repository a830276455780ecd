"""Sets, which stand in another order in every process where they hold text.

The order follows from hashes, and those of texts, functions and objects are drawn when Python
begins.  In traced code a set is one of these, which stands in another order in every call of the
trace: a function that computes the same in each of them rests on no order.  Sets that are written
out are found in the source, whose code is compiled with each of them handed through one of these.
"""

from __future__ import annotations

import ast
import dis
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType
from typing import Any, ClassVar

from ..number_types import StandIn
from ..session import Session
from ..source import SESSION, source_lines
from .telling import inside

_STEADY = (int, float, complex)
MADE = "<set>"
"""The built-in name under which compiled code finds :func:`seen`; no identifier of the user's."""


def _is_steady(value: Any) -> bool:
    """Whether the hash of a member is the same in every process."""
    if isinstance(value, (tuple, frozenset)):
        return all(map(_is_steady, value))
    return isinstance(value, _STEADY) or type(value).__name__ == "Number"


def _place(member: Any) -> tuple[str, str]:
    """By which members are brought into one order, the same in every call of a trace."""
    if isinstance(member, tuple):
        return "tuple", str([*map(_place, member)])
    plain = isinstance(member, (str, bytes, *_STEADY))
    return type(member).__name__, repr(member) if plain else str(id(member))


class _Turned:
    """What both kinds of set do otherwise than Python's: the order, and what they give."""

    plain: ClassVar[Any]

    def __iter__(self) -> Iterator[Any]:
        members = list(self.plain.__iter__(self))
        session: Session | None = SESSION.get(None)
        if session is None or len(members) < 2 or all(map(_is_steady, members)):
            return iter(members)
        session.unordered = True
        members.sort(key=_place)  # where hashes collide, a set's own order is that of its making
        if session.age % 3 == 1:
            return iter([*members[1:], members[0]])
        return iter(members if session.age % 3 == 0 else members[::-1])

    def __repr__(self) -> str:
        inner = ", ".join(map(repr, self))
        if self.plain is frozenset:
            return f"frozenset({{{inner}}})" if inner else "frozenset()"
        return f"{{{inner}}}" if inner else "set()"

    __str__ = __repr__


class Set(_Turned, set[Any], metaclass=StandIn):
    """A set of traced code."""

    plain = set

    def pop(self) -> Any:
        for member in self:
            self.remove(member)
            return member
        return set().pop()


class FrozenSet(_Turned, frozenset[Any], metaclass=StandIn):
    """A frozenset of traced code."""

    plain = frozenset


def seen(value: Any) -> Any:
    """A set as one of traced code; all else as it is."""
    return Set(value) if type(value) is set else FrozenSet(value) if (
        type(value) is frozenset) else value


def _install(kind: Any, name: str) -> None:
    plain = getattr(kind.plain, name)

    def method(self: Any, *others: Any) -> Any:
        return seen(plain(self, *others))

    method.__name__ = name
    setattr(kind, name, method)


for _kind in (Set, FrozenSet):
    _kind.__name__ = _kind.__qualname__ = _kind.plain.__name__
    for _name in ("__or__", "__and__", "__sub__", "__xor__", "__ror__", "__rand__", "__rsub__",
                  "__rxor__", "union", "intersection", "difference", "symmetric_difference",
                  "copy"):
        _install(_kind, _name)


# --- sets that are written out --------------------------------------------------------------------


def writes_sets(code: CodeType) -> bool:
    """Whether code, or a function in it, makes a set without asking for `set`."""
    return any(written(part) or _computes(part) for part in inside(code))


def _computes(code: CodeType) -> bool:
    """Whether code may compute a set of the keys of dicts."""
    return not {"keys", "items"}.isdisjoint(code.co_names) and any(
        step.opname == "BINARY_OP" and step.argrepr in _SET_OPERATIONS
        for step in dis.get_instructions(code))


@lru_cache(maxsize=4096)
def written(code: CodeType) -> bool:
    """Whether a set is written out in code."""
    steps = [step for step in dis.get_instructions(code) if step.opname not in ("CACHE", "PRECALL")]
    for step, after in zip(steps, [*steps[1:], None], strict=True):
        if step.opname in ("BUILD_SET", "SET_ADD", "SET_UPDATE"):
            return True
        if step.opname == "LOAD_CONST" and isinstance(step.argval, frozenset) and not (
                after is not None and after.opname == "CONTAINS_OP"):
            return True
    return False


_SET_OPERATIONS = ("&", "|", "^", "-")
_OPERATORS = (ast.BitAnd, ast.BitOr, ast.BitXor, ast.Sub)


class _Through(ast.NodeTransformer):
    """Hands each set that is written out, or that may be computed of the keys of a dict, through
    `seen`."""

    def __init__(self) -> None:
        self._near_views = False

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._within(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._within(node)

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return self._within(node)

    def _within(self, node: ast.AST) -> ast.AST:
        """A function; where it names keys or items, any difference may be one of them."""
        outer = self._near_views
        self._near_views = outer or any(map(_is_view, ast.walk(node)))
        made = self.generic_visit(node)
        self._near_views = outer
        return made

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """A set in which something is looked up stays what it is."""
        node.left = self.visit(node.left)
        parts: list[Any] = [
            self.generic_visit(part) if isinstance(part, ast.Set) and isinstance(
                how, (ast.In, ast.NotIn)) else self.visit(part)
            for how, part in zip(node.ops, node.comparators, strict=True)]
        node.comparators = parts
        return node

    def visit_Set(self, node: ast.Set) -> ast.AST:
        return self._handed(node)

    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
        return self._handed(node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        if self._near_views and isinstance(node.op, _OPERATORS):
            return self._handed(node)
        return self.generic_visit(node)

    def _handed(self, node: Any) -> ast.AST:
        self.generic_visit(node)
        name = ast.copy_location(ast.Name(MADE, ast.Load()), node)
        return ast.copy_location(ast.Call(name, [node], []), node)


def _is_view(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr in ("keys", "items")


def of_text(text: str, mode: str) -> CodeType:
    """The code of a text that is run, with its sets handed through."""
    return compile(_Through().visit(ast.parse(text, mode=mode)), "<text>", mode,
                   dont_inherit=True)


def rewritten(code: CodeType) -> CodeType | None:
    """Code whose sets are those of traced code; None where its source is not at hand."""
    return _twins(code.co_filename, source_lines(code.co_filename)).get(code)


@lru_cache(maxsize=16)
def _twins(filename: str, lines: tuple[str, ...]) -> dict[CodeType, CodeType]:
    """Each code of a file, and the same with its sets handed through."""
    text = "".join(lines)
    try:
        plain = compile(text, filename, "exec", dont_inherit=True)
        handed = compile(_Through().visit(ast.parse(text)), filename, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return {}
    return dict(zip(inside(plain), inside(handed), strict=True))
