"""A branch of a program as a condition, in the words of its own line.

    np.where(np.abs(r) <= 1, ...)   ->   np.abs(r) <= 1, and where it fails np.abs(r) > 1
    np.clip(x, -2, 2)               ->   x > -2, x < 2
"""

from __future__ import annotations

import ast
import linecache
import textwrap
from collections.abc import Collection, Iterator

from gradproof.numeric import Branch, said

OPPOSITE = {">": "<=", ">=": "<", "<": ">=", "<=": ">"}
TURNED = {">": "<", "<": ">", ">=": "<=", "<=": ">="}
_SYMBOLS: dict[type[ast.cmpop], str] = {ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<="}
_SIGNED = ("abs", "absolute", "fabs", "sign")
_ASKED = {"maximum": "the larger of", "fmax": "the larger of", "minimum": "the smaller of",
          "fmin": "the smaller of"}


def condition(branch: Branch, holds: bool, known: Collection[Branch]) -> str:
    """What holds on a side of a branch, as the user would write it.

    known: the branches of the program, of which several may stand on a line.
    """
    here = sorted({one.instruction for one in known if _place(one) == _place(branch)})
    found = [parts for node in _nodes(branch) for parts in _asked(node) if parts[0] == branch.asks]
    if len(found) != len(here):
        return said((branch, holds))
    _, left, symbol, right = found[here.index(branch.instruction)]
    if not holds:
        symbol = (OPPOSITE if branch.asks in OPPOSITE else TURNED)[symbol]
    if _is_number(left) and not _is_number(right):
        left, symbol, right = right, TURNED[symbol], left
    return f"{left} {symbol} {right}"


def is_named(branch: Branch) -> bool:
    """Whether a comparison is but given a name on its line, as a mask is."""
    return any(isinstance(node, ast.Assign) and any(
        isinstance(part, ast.Compare) for part in (node.value, *ast.iter_child_nodes(node.value)))
        and not isinstance(node.value, ast.Call) for node in _nodes(branch))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _place(branch: Branch) -> tuple[str, int, str]:
    return branch.filename, branch.line, branch.asks


def _nodes(branch: Branch) -> Iterator[ast.AST]:
    """What a line has, in the order in which it is run."""
    lines = linecache.getlines(branch.filename)
    try:
        tree: ast.AST = ast.parse("".join(lines))
    except SyntaxError:  # a cell of a notebook with commands in it
        try:
            tree = ast.parse(textwrap.dedent(lines[branch.line - 1]))
        except (SyntaxError, IndexError):
            return
        ast.increment_lineno(tree, branch.line - 1)
    yield from _run_in_order(tree, branch.line)


def _run_in_order(node: ast.AST, line: int) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        yield from _run_in_order(child, line)
    if getattr(node, "lineno", 0) == line:
        yield node


def _asked(node: ast.AST) -> Iterator[tuple[str, str, str, str]]:
    """What a comparison or call asks, as :class:`Branch` has it, and its condition in parts."""
    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _SYMBOLS:
            symbol = _SYMBOLS[type(op)]
            yield symbol, _side(left), symbol, _side(right)
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=[value, *bounds]):
            if name in _SIGNED and not bounds:
                yield "the sign of", _side(value), ">", "0"
            elif name in _ASKED and len(bounds) == 1:
                symbol = ">" if _ASKED[name] == "the larger of" else "<"
                yield _ASKED[name], _side(value), symbol, _side(bounds[0])
            elif name == "clip" and len(bounds) == 2:
                yield "above the lower bound", _side(value), ">", _side(bounds[0])
                yield "below the upper bound", _side(value), "<", _side(bounds[1])


def _side(node: ast.expr) -> str:
    text = ast.unparse(node)
    return f"({text})" if isinstance(node, ast.Compare | ast.BoolOp | ast.IfExp) else text
