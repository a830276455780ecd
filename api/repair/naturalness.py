"""How natural a repair is: of the edits that fit, a teacher writes the one that undoes a slip.

Taking something away or putting the right thing in its place comes before adding what makes up for
it; what cancels by itself (``1 * a``, ``a * (1 / a)``, ``W = W``) is nobody's repair.
"""

from __future__ import annotations

import ast
import re
from difflib import SequenceMatcher

from gradproof.repair.edits import Edit

IDLE = 3.0
"""What a form costs that nobody writes."""

RETURNED = 0.6
"""What it costs to mend a gradient where it is returned, instead of where it is computed."""

ADDED = 0.4
"""What it costs to multiply or divide once more, where something else may be taken away."""

AWAY = 0.5
"""What it costs to mend a line that is not suspected."""

_RETURNED = re.compile(r"return\s*[{(]|return [\w.]+$")
"""A line that hands back what others have computed."""

TOKEN = 0.05
"""What each token costs that comes or goes."""


def unnaturalness(edit: Edit, old: str, new: str, elsewhere: float = 0.5) -> float:
    """The less, the likelier a teacher writes it; old and new are its lines.

    elsewhere: how little its line is suspected; 0 for the wrong line.
    """
    idle = -_idle(edit)
    with edit.applied():
        idle += _idle(edit)
    returned = elsewhere > 0 and _RETURNED.match(old.lstrip()) is not None
    added = edit.change.what.startswith(("a factor", "the division"))
    return (edit.change.cost + min(elsewhere, AWAY) + IDLE * max(0, idle)
            + RETURNED * returned + ADDED * added + TOKEN * _distance(_tokens(old), _tokens(new)))


def _tokens(text: str) -> list[str]:
    return re.findall(r"\w+|\S", text)


def _distance(old: list[str], new: list[str]) -> int:
    """How many tokens go and come."""
    kept = sum(block.size for block in SequenceMatcher(None, old, new, False).get_matching_blocks())
    return len(old) + len(new) - 2 * kept


def _idle(edit: Edit) -> int:
    """How many operations of the edit's statement do nothing."""
    statements: list[ast.AST] = [
        node for node in ast.walk(edit.source.node)
        if isinstance(node, ast.stmt) and node.lineno == edit.line] or [edit.source.node]
    return sum(1 for node in ast.walk(statements[-1]) if _is_idle(node))


def _is_idle(node: ast.AST) -> bool:
    """Whether an operation does nothing, or undoes another beside it."""
    match node:
        case ast.Assign(targets=[target], value=value):
            return ast.unparse(target) == ast.unparse(value)
        case ast.BinOp(left=left, op=ast.Mult() | ast.Div(), right=right):
            if _is_idle_number(_number(left), node.op, 0) or _is_idle_number(
                    _number(right), node.op, 1):
                return True
            above, below = _factors(node)
            return bool(set(above) & set(below))
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=right):
            if 0 in (_number(left), _number(right)):
                return True
            if isinstance(node.op, ast.Sub):
                return ast.unparse(left) == ast.unparse(right)
            return ast.unparse(right) in _addends(left)
        case ast.BinOp(op=ast.Pow(), right=right):
            return _number(right) in (0, 1)
        case ast.Attribute(value=ast.Attribute(attr="T"), attr="T"):
            return True
    return False


def _is_idle_number(number: float | None, op: ast.operator, place: int) -> bool:
    """Whether a factor does nothing, or no more than a sign; -2 * x and x * -0.5 are written."""
    if number is None or number >= 0:
        return number in (0, 1) and not (number == 1 and isinstance(op, ast.Div) and place == 0)
    return isinstance(op, ast.Div) or (number == int(number) and (place == 1 or number == -1))


def _addends(node: ast.expr) -> list[str]:
    """The terms of a sum, as text."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*_addends(node.left), *_addends(node.right)]
    return [ast.unparse(node)]


def _number(node: ast.AST) -> float | None:
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        sign, node = -1, node.operand
    value = node.value if isinstance(node, ast.Constant) else None
    return sign * value if isinstance(value, int | float) else None


def _factors(node: ast.expr, below: bool = False) -> tuple[list[str], list[str]]:
    """The factors of a product, and those of what it is divided by, as text."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        first = _factors(node.left, below)
        second = _factors(node.right, below != isinstance(node.op, ast.Div))
        return first[0] + second[0], first[1] + second[1]
    if isinstance(node, ast.Constant):
        return [], []
    text = [ast.unparse(node)]
    return ([], text) if below else (text, [])
