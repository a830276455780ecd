"""The loops of a program, and its text with a look into each of their passes."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

HOOK = "__gradproof__"
"""The name under which the program meets who watches it."""

Loop = ast.For | ast.While


@dataclass(frozen=True)
class Site:
    """A loop, or the program's own lines, whose passes are watched.

    body: its statements.  file, line: where it begins.  before: the statements of its file and of
    its function.
    function, owner: the names of the function and of the class that it stands in; "" for none.
    """

    number: int
    body: Sequence[ast.stmt]
    line: int
    before: Sequence[ast.stmt]
    function: str = ""
    owner: str = ""
    is_loop: bool = True
    file: str = ""

    @cached_property
    def names(self) -> frozenset[str]:
        """The names that stand in it."""
        return frozenset(node.id for statement in self.body for node in ast.walk(statement)
                         if isinstance(node, ast.Name))

    @property
    def title(self) -> str:
        """What it is called: the function that it stands in."""
        return ".".join(filter(None, (self.owner, self.function))) or "the program"


def sites(tree: ast.Module, file: str, first: int = 0) -> list[Site]:
    """A file's own lines, and every loop, in the order of the text, numbered from the first on."""
    found = [Site(first, tree.body, 1, tree.body, is_loop=False, file=file)]
    for loop, function, owner, scope in _loops(tree, "", "", []):
        found.append(Site(first + len(found), loop.body, loop.lineno, [*tree.body, *scope],
                          function, owner, file=file))
    return found


def _loops(
    node: ast.AST, function: str, owner: str, scope: Sequence[ast.stmt]
) -> Iterator[tuple[Loop, str, str, Sequence[ast.stmt]]]:
    for part in ast.iter_child_nodes(node):
        if isinstance(part, Loop):
            yield part, function, owner, scope
        if isinstance(part, ast.FunctionDef):
            yield from _loops(part, part.name, owner, part.body)
        elif isinstance(part, ast.ClassDef):
            yield from _loops(part, "", part.name, scope)
        elif not isinstance(part, ast.Lambda | ast.AsyncFunctionDef | ast.expr):
            yield from _loops(part, function, owner, scope)


def watched(tree: ast.Module, first: int = 0) -> ast.Module:
    """The tree, which is changed, with calls of the hook in the body of every site.

    ``begin(k)`` before a loop, ``enter(k, locals())`` at the start of each pass,
    ``after(k, i, locals())`` behind each of its statements, ``ended(k)`` behind the loop.
    """
    numbered = {id(site.body): site.number for site in sites(tree, "", first)}
    for node in list(ast.walk(tree)):
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if not isinstance(body, list) or not body or not isinstance(body[0], ast.stmt):
                continue
            made: list[ast.stmt] = []
            for statement in body:
                number = numbered.get(id(getattr(statement, "body", None)))
                around = isinstance(statement, Loop) and number is not None
                if around:
                    made.append(_call(f"{HOOK}.begin({number})", statement))
                made.append(statement)
                if around:
                    made.append(_call(f"{HOOK}.ended({number})", statement))
            if id(body) not in numbered or (node is tree and name != "body"):
                _put(node, name, made)
                continue
            number = numbered[id(body)]
            inside = [] if node is tree else [
                _call(f"{HOOK}.open[{number}] and {HOOK}.enter({number}, locals())", body[0])]
            place = 0
            for statement in made:
                inside.append(statement)
                if statement in body and not _is_future(statement):
                    inside.append(_call(f"{HOOK}.open[{number}] and "
                                        f"{HOOK}.after({number}, {place}, locals())", statement))
                place += statement in body
            _put(node, name, inside)
    return ast.fix_missing_locations(tree)


def _is_future(statement: ast.stmt) -> bool:
    """Whether a statement has to be the first: an import from the future, a docstring."""
    return (isinstance(statement, ast.ImportFrom) and statement.module == "__future__") or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))


def _put(node: ast.AST, name: str, body: list[ast.stmt]) -> None:
    setattr(node, name, body)


def _call(text: str, beside: ast.stmt) -> ast.stmt:
    made = ast.parse(text).body[0]
    for node in ast.walk(made):
        ast.copy_location(node, beside)
    return made
