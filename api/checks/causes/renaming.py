"""The line that gives an array another name: where the array is right, that line may be wrong.

    dZ2 = dA2 * (1 - A2 ** 2)
    db2 = dZ2                    <- no sum: dZ2 is right, and not what db2 has to be
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from linecache import getlines


def renamed(filename: str, line: int) -> int | None:
    """The line of the only statement after a line, in its function, that calls what the line
    computes by another name; None where there is none, or more than one."""
    statements = _around(filename, line)
    made = set[str]().union(*(_names(node) for node in statements if node.lineno == line))
    found = [node.lineno for node in statements if node.lineno > line and isinstance(
        node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id in made]
    return found[0] if len(found) == 1 else None


def renamed_before(filename: str, line: int, read: str) -> int | None:
    """The line that gave the array `read` the name by which a line reads it; None for none."""
    statements = _around(filename, line)
    names = {node.id for here in statements if here.lineno == line for node in ast.walk(here)
             if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    for name in sorted(names - {read}):
        first, at = None, line
        while name != read:
            node = max((n for n in statements if n.lineno < at and name in _names(n)),
                       key=lambda n: n.lineno, default=None)
            if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Name)):
                break
            at, name = node.lineno, node.value.id
            first = first or at
        else:
            return first
    return None


def _around(filename: str, line: int) -> list[ast.stmt]:
    """The statements of the innermost function around a line, in their order."""
    try:
        tree = ast.parse("".join(getlines(filename)))
    except (SyntaxError, ValueError):
        return []
    functions = [node for node in ast.walk(tree)
                 if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                 and node.lineno <= line <= (node.end_lineno or node.lineno)]
    inner = max(functions, key=lambda node: node.lineno, default=None)
    found = [] if inner is None else [n for n in ast.walk(inner) if isinstance(n, ast.stmt)]
    return sorted(found, key=lambda node: node.lineno)


def _names(node: ast.stmt) -> set[str]:
    return {target.id for target in _targets(node) if isinstance(target, ast.Name)}


def _targets(node: ast.stmt) -> Iterator[ast.expr]:
    if isinstance(node, ast.Assign):
        yield from node.targets
    elif isinstance(node, ast.AnnAssign | ast.AugAssign):
        yield node.target
