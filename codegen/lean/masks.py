"""Where a ReLU was positive, asked of its output: its input is not kept for that.

    A = np.maximum(Z, 0)                A = np.maximum(Z, 0)    (in the memory of Z)
    s = Z > 0                    ->     s = A > 0
"""

from __future__ import annotations

import ast

from .flat import Flat, names_in
from .named_once import unchanging


def masks_of_outputs(flat: Flat) -> None:
    """Writes Z > 0 as A > 0 where A = max(Z, 0) is there and Z is read for nothing else.  A value
    that is no number is not above 0 in either."""
    fixed = unchanging(flat)
    outputs: dict[str, str] = {}
    masks: dict[str, list[ast.Compare]] = {}
    for node in flat.body:
        value = node.value if isinstance(node, ast.Assign) else None
        if isinstance(value, ast.Call) and ast.unparse(value.func) == "np.maximum" and (
                _is_zero(value.args[-1]) and isinstance(value.args[0], ast.Name)):
            assert isinstance(node, ast.Assign)
            target = node.targets[0]
            if isinstance(target, ast.Name) and {target.id, value.args[0].id} <= fixed:
                outputs.setdefault(value.args[0].id, target.id)
        elif isinstance(value, ast.Compare) and isinstance(value.ops[0], ast.Gt) and (
                isinstance(value.left, ast.Name) and value.left.id in outputs
                and _is_zero(value.comparators[0])):
            masks.setdefault(value.left.id, []).append(value)
    for name, found in masks.items():
        reads = sum(1 for node in flat.body for one in names_in(node) if one == name)
        if name not in flat.returned and reads == 2 + len(found):  # where it is bound, and max
            for mask in found:
                mask.left = ast.Name(outputs[name], ast.Load())


def _is_zero(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float) and node.value == 0
