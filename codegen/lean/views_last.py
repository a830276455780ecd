"""Operations entry by entry on views of arrays, done on the arrays, whose values others may share.

    a = A.T                                   a = A.T
    s = np.square(a)                  ->      v = np.square(A)
    t = np.square(A)                          s = v.T
                                              t = np.square(A)    which is v
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from .flat import Flat
from .measured import Measured
from .named_once import unchanging

BY_ENTRIES = frozenset({
    "exp", "log", "sqrt", "tanh", "sin", "cos", "tan", "sinh", "cosh", "arcsin", "arccos", "arctan",
    "arcsinh", "arccosh", "arctanh", "abs", "sign", "log1p", "expm1", "maximum", "minimum",
    "logaddexp", "square", "heaviside",
})
"""NumPy's functions of entries."""


def views_last(flat: Flat, seen: Measured) -> bool:
    """Writes an operation on views of one kind as that view of the operation; whether there was
    one."""
    writing = _Writing(flat, {**dict.fromkeys(seen.scalars, 0), **{
        name: len(one.shape) for name, one in seen.arrays.items()}})
    flat.body = writing.block(flat.body, {})
    return writing.some


class _Writing:
    """axes: how many each array has."""

    def __init__(self, flat: Flat, axes: dict[str, int]) -> None:
        self.flat = flat
        self.axes = axes
        self.lasting = unchanging(flat)
        self.some = False
        self.count = 0

    def block(
        self, body: Sequence[ast.stmt], known: Mapping[str, ast.expr]
    ) -> list[ast.stmt]:
        """The statements; known: views that are bound before them."""
        views, made = dict(known), list[ast.stmt]()
        for node in body:
            if isinstance(node, ast.For):
                made.append(ast.For(node.target, node.iter, self.block(node.body, views), []))
            elif isinstance(node, ast.If):
                made.append(ast.If(node.test, self.block(node.body, views), []))
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and (
                    node.targets[0].id in self.lasting):
                made += self._assigned(node.targets[0].id, node.value, views)
            else:
                made.append(node)
        return made

    def _assigned(
        self, name: str, value: ast.expr, views: dict[str, ast.expr]
    ) -> list[ast.stmt]:
        """The statements that give a name its value."""
        if viewed(value) in self.lasting:
            views[name] = value
        operands = [part for part in _operands(value) or [] if isinstance(part, ast.Name)
                    and self.axes.get(part.id, 1)]
        kinds = {_around(views[part.id], "") if part.id in views else "" for part in operands}
        bases = [viewed(views[part.id]) for part in operands if part.id in views]
        if len(kinds) != 1 or not bases or "" in kinds or len(
                {self.axes.get(base) for base in bases}) != 1 or bases[0] not in self.axes:
            return [ast.Assign([ast.Name(name, ast.Store())], value)]
        of = {part.id: base for part, base in zip(operands, bases, strict=True)}
        new = self._new()
        self.some = True
        self.axes[new] = self.axes[bases[0]]
        self.lasting.add(new)
        kind = _around(views[operands[0].id], new)
        inner = self._assigned(new, _Renamed(of).visit(_copy(value)), views)
        views[name] = ast.parse(kind, mode="eval").body
        return [*inner, ast.Assign([ast.Name(name, ast.Store())], views[name])]

    def _new(self) -> str:
        while f"v{self.count}" in self.flat.taken:
            self.count += 1
        self.flat.taken.add(f"v{self.count}")
        return f"v{self.count}"


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:  # as ast calls it
        return ast.Name(self.names.get(node.id, node.id), node.ctx)


def _copy(value: ast.expr) -> ast.expr:
    return ast.parse(ast.unparse(value), mode="eval").body


def _operands(value: ast.expr) -> list[ast.expr] | None:
    """What an operation entry by entry is of; None for another one."""
    if isinstance(value, ast.BinOp) and not isinstance(value.op, ast.MatMult):
        return [value.left, value.right]
    if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub):
        return [value.operand]
    if isinstance(value, ast.Call) and not value.keywords and isinstance(
            value.func, ast.Attribute) and ast.unparse(value.func.value) == "np" and (
            value.func.attr in BY_ENTRIES):
        return value.args
    return None


def viewed(value: ast.expr) -> str:
    """The array that an expression is with its axes in another order or with new ones; "" for
    another one."""
    if isinstance(value, ast.Subscript) and isinstance(value.value, ast.Name):
        entries = value.slice.elts if isinstance(value.slice, ast.Tuple) else [value.slice]
        texts = {ast.unparse(entry) for entry in entries}
        return value.value.id if texts <= {":", "None"} and "None" in texts else ""
    node = value.func if isinstance(value, ast.Call) else value
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
        return ""
    if isinstance(value, ast.Attribute):
        return node.value.id if node.attr == "T" else ""
    plain = isinstance(value, ast.Call) and not value.keywords and all(
        isinstance(part, ast.Constant) for part in value.args)
    return node.value.id if plain and node.attr in ("swapaxes", "transpose") else ""


def _around(view: ast.expr, name: str) -> str:
    """The text of a view of another array."""
    return name + ast.unparse(view)[len(viewed(view)):]
