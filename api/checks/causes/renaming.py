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
    try:
        tree = ast.parse("".join(getlines(filename)))
    except (SyntaxError, ValueError):
        return None
    functions = [node for node in ast.walk(tree)
                 if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                 and node.lineno <= line <= (node.end_lineno or node.lineno)]
    if not functions:
        return None
    inner = max(functions, key=lambda node: node.lineno)
    statements = [node for node in ast.walk(inner) if isinstance(node, ast.stmt)]
    made = {target.id for node in statements if node.lineno == line
            for target in _targets(node) if isinstance(target, ast.Name)}
    found = [node.lineno for node in statements
             if node.lineno > line and isinstance(node, ast.Assign)
             and isinstance(node.value, ast.Name) and node.value.id in made]
    return found[0] if len(found) == 1 else None


def _targets(node: ast.stmt) -> Iterator[ast.expr]:
    if isinstance(node, ast.Assign):
        yield from node.targets
    elif isinstance(node, ast.AnnAssign | ast.AugAssign):
        yield node.target
