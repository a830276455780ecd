"""The loops of a program, and its text with a look into each of their passes."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

HOOK = "__gradproof__"
"""The name under which the program meets who watches it."""

Loop = ast.For | ast.While


@dataclass(frozen=True)
class Site:
    """A loop, or the program's own lines, whose passes are watched.

    loop: None for the program's own.  body: its statements, those of a ``try`` or a ``with`` one by
    one.  file, line: where it begins.  before: the statements of its file and of its function.
    function, owner: the names of the function and of the class that it stands in; "" for none.
    """

    number: int
    body: Sequence[ast.stmt]
    line: int
    before: Sequence[ast.stmt]
    function: str = ""
    owner: str = ""
    loop: Loop | None = None
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
    found = [Site(first, tree.body, 1, tree.body, file=file)]
    for loop, function, owner, scope in _loops(tree, "", "", []):
        found.append(Site(first + len(found), [*_plain(loop.body)], loop.lineno,
                          [*tree.body, *scope], function, owner, loop, file))
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
    found = sites(tree, "", first)
    loops = {id(site.loop): site.number for site in found if site.loop is not None}
    places = {id(statement): (site.number, place) for site in found
              for place, statement in enumerate(site.body)}
    for node in list(ast.walk(tree)):
        for name in ("body", "orelse", "finalbody"):
            body = getattr(node, name, None)
            if not isinstance(body, list) or not body or not isinstance(body[0], ast.stmt):
                continue
            made: list[ast.stmt] = []
            if name == "body" and (number := loops.get(id(node))) is not None:
                made.append(_call(
                    f"{HOOK}.open[{number}] and {HOOK}.enter({number}, locals())", body[0]))
            for statement in body:
                number = loops.get(id(statement))
                around = [] if number is None else [
                    _call(f"{HOOK}.{word}({number})", statement) for word in ("begin", "ended")]
                made += [*around[:1], statement, *around[1:]]
                if id(statement) in places and not _is_future(statement):
                    number, place = places[id(statement)]
                    made.append(_call(f"{HOOK}.open[{number}] and "
                                      f"{HOOK}.after({number}, {place}, locals())", statement))
            setattr(node, name, made)
    return ast.fix_missing_locations(tree)


def _plain(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a pass, those of a ``try`` or a ``with`` among them, as they run where
    nothing is wrong."""
    for statement in body:
        if isinstance(statement, ast.Try):
            yield from _plain([*statement.body, *statement.orelse, *statement.finalbody])
        elif isinstance(statement, ast.With) and not any(
                item.optional_vars for item in statement.items):
            yield from _plain(statement.body)
        else:
            yield statement


def _is_future(statement: ast.stmt) -> bool:
    """Whether a statement has to be the first: an import from the future, a docstring."""
    return (isinstance(statement, ast.ImportFrom) and statement.module == "__future__") or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))


def _call(text: str, beside: ast.stmt) -> ast.stmt:
    made = ast.parse(text).body[0]
    for node in ast.walk(made):
        ast.copy_location(node, beside)
    return made


def flat(statements: Sequence[ast.stmt]) -> Iterable[ast.stmt]:
    """The statements of a scope, those within others too; not those of functions."""
    for statement in statements:
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            continue
        yield statement
        for name in ("body", "orelse", "finalbody"):
            yield from flat(getattr(statement, name, None) or ())
