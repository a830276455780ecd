"""Mutants of a function: one operator, operand, axis, constant or index changed, nothing else.

Written apart from the edits that a repair tries (``gradproof.repair.wrong_parts``), so that neither
is made to fit the other.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """The text of a file of functions with one mutation."""

    kind: str
    line: int
    text: str
    was: str
    now: str


def mutants(text: str) -> list[Mutant]:
    """All mutants of a file, each once; docstrings and signatures stay."""
    tree = ast.parse(text)
    text = ast.unparse(tree)
    tree = ast.parse(text)
    found: dict[str, Mutant] = {}
    places = list(_expressions(tree))
    for place, node in enumerate(places):
        for kind, new in _mutations(node, tree):
            changed = _replaced(tree, place, new)
            if changed != text and changed not in found:
                found[changed] = Mutant(kind, node.lineno, changed, ast.unparse(node),
                                        ast.unparse(new))
    return list(found.values())


def _expressions(tree: ast.AST) -> Iterator[ast.expr]:
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for statement in function.body:
                for node in ast.walk(statement):
                    if isinstance(node, ast.expr):
                        yield node


def _replaced(tree: ast.Module, place: int, new: ast.expr) -> str:
    made = copy.deepcopy(tree)
    target = list(_expressions(made))[place]

    class Exchange(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return copy.deepcopy(new) if node is target else self.generic_visit(node)

    return ast.unparse(Exchange().visit(made))


def _mutations(node: ast.expr, tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    if not isinstance(getattr(node, "ctx", ast.Load()), ast.Load):
        return
    if isinstance(node, ast.BinOp):
        yield from _binary(node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "sign", node.operand
    elif isinstance(node, ast.Name):
        yield from (("operand", ast.Name(name, ast.Load())) for name in _neighbours(node, tree))
    elif isinstance(node, ast.Attribute) and node.attr == "T":
        yield "transpose", node.value
    elif isinstance(node, ast.Call):
        yield from _call(node)
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield "constant", ast.Constant(node.value + 1)
        yield "constant", ast.Constant(node.value * 2)
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        for op in (ast.Gt, ast.GtE, ast.Lt, ast.LtE):
            if not isinstance(node.ops[0], op):
                yield "comparison", ast.Compare(node.left, [op()], node.comparators)
    elif isinstance(node, ast.Subscript):
        yield from _index(node)
    elif isinstance(node, ast.Dict):
        for at, value in enumerate(node.values):
            if not isinstance(value, ast.UnaryOp):
                values = list(node.values)
                values[at] = ast.UnaryOp(ast.USub(), value)
                yield "sign", ast.Dict(node.keys, values)


def _binary(node: ast.BinOp) -> Iterator[tuple[str, ast.expr]]:
    swaps: dict[type[ast.operator], tuple[str, tuple[type[ast.operator], ...]]] = {
        ast.Add: ("sign", (ast.Sub,)),
        ast.Sub: ("sign", (ast.Add,)),
        ast.Mult: ("operator", (ast.Div, ast.Add)),
        ast.Div: ("operator", (ast.Mult,)),
        ast.MatMult: ("operator", (ast.Mult,)),
        ast.Pow: ("operator", (ast.Mult,)),
    }
    kind, others = swaps.get(type(node.op), ("", ()))
    for other in others:
        yield kind, ast.BinOp(node.left, other(), node.right)
    if not isinstance(node.op, ast.Pow):
        yield "dropped", node.left
        if not isinstance(node.op, ast.Div):
            yield "dropped", node.right
    if isinstance(node.op, ast.Sub | ast.MatMult):
        yield "operand", ast.BinOp(node.right, node.op, node.left)
    if isinstance(node.op, ast.MatMult):
        for side in ("left", "right"):
            operand = getattr(node, side)
            if isinstance(operand, ast.Name):
                made = copy.copy(node)
                setattr(made, side, ast.Attribute(operand, "T", ast.Load()))
                yield "transpose", made


def _call(node: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    for at, word in enumerate(node.keywords):
        words = list(node.keywords)
        if word.arg == "axis" and isinstance(word.value, ast.Constant):
            words[at] = ast.keyword("axis", ast.Constant(0 if word.value.value else 1))
            yield "axis", ast.Call(node.func, node.args, words)
        if word.arg in ("axis", "keepdims"):
            yield "axis", ast.Call(node.func, node.args, words[:at] + words[at + 1:])
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    other = {"sum": "mean", "mean": "sum", "tanh": "sin", "maximum": "minimum"}.get(name)
    if other is not None and isinstance(node.func, ast.Attribute):
        func = ast.Attribute(node.func.value, other, ast.Load())
        yield "function", ast.Call(func, node.args, node.keywords)


def _index(node: ast.Subscript) -> Iterator[tuple[str, ast.expr]]:
    at = node.slice
    if isinstance(at, ast.Name | ast.BinOp):
        for op in (ast.Add, ast.Sub):
            shifted = ast.BinOp(at, op(), ast.Constant(1))
            yield "index", ast.Subscript(node.value, shifted, ast.Load())
    elif isinstance(at, ast.Slice):
        for bound in ("lower", "upper"):
            value = getattr(at, bound)
            if value is not None:
                made = copy.copy(at)
                setattr(made, bound, ast.BinOp(value, ast.Add(), ast.Constant(1)))
                yield "index", ast.Subscript(node.value, made, ast.Load())


def _neighbours(node: ast.Name, tree: ast.Module) -> list[str]:
    """The variables introduced just before and just after one, in the function it stands in."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and any(part is node
                                                         for part in ast.walk(function)):
            names = [argument.arg for argument in function.args.args]
            stored = [part for part in ast.walk(function)
                      if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]
            for part in sorted(stored, key=lambda part: (part.lineno, part.col_offset)):
                if part.id not in names:
                    names.append(part.id)
            if node.id in names:
                at = names.index(node.id)
                return [*names[max(at - 1, 0):at], *names[at + 1:at + 2]]
    return []
