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
        if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
            continue
        of = _of_zero(node.value)
        if of in outputs and isinstance(node.value, ast.Compare):
            masks.setdefault(of, []).append(node.value)
        elif isinstance(node.value, ast.Call) and {of, node.targets[0].id} <= fixed:
            outputs.setdefault(of, node.targets[0].id)
    for name, found in masks.items():
        reads = sum(1 for node in flat.body for one in names_in(node) if one == name)
        bound_and_max = 2
        if name not in flat.returned and reads == bound_and_max + len(found):
            for mask in found:
                mask.left = ast.Name(outputs[name], ast.Load())


def _of_zero(value: ast.expr) -> str:
    """The name Z of np.maximum(Z, 0) or Z > 0; "" for others."""
    if isinstance(value, ast.Compare) and isinstance(value.ops[0], ast.Gt):
        pair = [value.left, value.comparators[0]]
    elif isinstance(value, ast.Call) and ast.unparse(value.func) == "np.maximum":
        pair = value.args
    else:
        return ""
    of, zero = pair
    is_zero = isinstance(zero, ast.Constant) and type(zero.value) in (int, float) and (
        zero.value == 0)
    return of.id if is_zero and isinstance(of, ast.Name) else ""
