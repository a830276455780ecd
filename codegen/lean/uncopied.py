"""Copies of what nothing else reads: the copy is the array itself.

    t = np.reshape(H, (2, 4))               t = np.reshape(H, (2, 4))
    y = t.copy()                    ->      y = t
"""

from __future__ import annotations

import ast

from .flat import Flat, names_in
from .measured import Measured
from .named_once import roots_of


def uncopied(flat: Flat, seen: Measured) -> bool:
    """Takes such copies out, where they are of whole arrays of the function's own, and no loop or
    condition holds them; whether there were any."""
    roots = roots_of(flat)
    some = False
    for place, node in enumerate(flat.body):
        of = _copied(node)
        like = seen.arrays.get(of)
        if like is None or not like.is_whole or roots[of] & {*flat.arguments}:
            continue
        assert isinstance(node, ast.Assign)
        name = node.targets[0]
        sharing = {one for one, its in roots.items() if its & roots[of]}
        later = {*flat.returned}.union(*(names_in(after) for after in flat.body[place + 1:]))
        if isinstance(name, ast.Name) and name.id not in sharing and not sharing & later:
            node.value = ast.Name(of, ast.Load())
            some, roots = True, roots_of(flat)
    return some


def _copied(node: ast.stmt) -> str:
    """The array that a statement makes a copy of; "" for another one."""
    value = node.value if isinstance(node, ast.Assign) else None
    if not isinstance(value, ast.Call) or value.args or value.keywords or not isinstance(
            value.func, ast.Attribute) or value.func.attr != "copy":
        return ""
    return value.func.value.id if isinstance(value.func.value, ast.Name) else ""
