"""Slopes of what has corners, as they are written: where it is on which side of them.

    np.clip(x, -2, 2) -> (x > -2) & (x < 2);   np.minimum(x, 6) -> x < 6;   np.abs(d) -> np.sign(d)
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from gradproof.repair.edits import Change, Context, function_name, is_module
from gradproof.repair.in_scope import expression

_LARGER, _SMALLER = ("maximum", "fmax", "max"), ("minimum", "fmin", "min")
_ABSOLUTE = ("abs", "absolute", "fabs")


def masks(node: ast.AST) -> Iterator[str]:
    """The slope of a call that has corners."""
    if not isinstance(node, ast.Call) or node.keywords:
        return
    name, args = function_name(node), list(node.args)
    if isinstance(node.func, ast.Attribute) and not is_module(node.func.value):
        args.insert(0, node.func.value)
    if name in _ABSOLUTE and len(args) == 1:
        yield f"np.sign({ast.unparse(args[0])})"
    elif name in (*_LARGER, *_SMALLER) and len(args) == 2:
        one, other = args if not isinstance(args[0], ast.Constant) else args[::-1]
        symbol = ">" if name in _LARGER else "<"
        yield f"({ast.unparse(_within(one))} {symbol} {ast.unparse(other)})"
    elif name == "clip" and len(args) == 3:
        inner, low, high = map(ast.unparse, (_within(args[0]), *args[1:]))
        if low == f"-{high}":
            yield f"(np.abs({inner}) < {high})"
        yield f"(({inner} > {low}) & ({inner} < {high}))"


def _within(node: ast.expr) -> ast.expr:
    """What a chain of bounds is put around."""
    while isinstance(node, ast.Call) and function_name(node) in (*_LARGER, *_SMALLER) and len(
            plain := [arg for arg in node.args if not isinstance(arg, ast.Constant)]) == 1:
        node = plain[0]
    return node


def chosen(node: ast.expr, context: Context) -> Iterator[Change]:
    """Another value on one of the sides of a condition: nothing, or a sign."""
    if not isinstance(node, ast.Call) or function_name(node) != "where" or len(node.args) != 3:
        return
    signs = [part.text for part in context.ingredients if part.text.startswith("np.sign(")]
    for place in (1, 2):
        old = node.args[place]
        texts = [*signs, *(f"-{sign}" for sign in signs)]
        if isinstance(old, ast.Name):
            texts.append(f"1 - {old.id}")
        for text in texts if isinstance(old, ast.Constant) else ["0", *texts]:
            args = list(node.args)
            args[place] = expression(text)
            yield Change(1.0 if text == "0" else 1.2,
                         f"{context.text(old)} where {text} is due",
                         ast.Call(node.func, args, node.keywords))
