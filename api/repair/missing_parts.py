"""What may have been left out of an expression: a factor, a term, a function around it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial

import numpy as np

from gradproof.repair.candidates import IDLE, SLOPES, Ingredient
from gradproof.repair.edits import Change, Context, attribute, binary, called
from gradproof.repair.in_scope import expression


def factors(node: ast.expr, context: Context) -> Iterator[Change]:
    """A constant, a size or a quantity to multiply or divide by."""
    if context.level != "term":
        return
    for coefficient, powers in context.constants:
        if coefficient == -1 and not powers:  # a sign
            continue
        spelled = context.scope.factor(coefficient, powers)
        if spelled is not None:
            yield Change(1.2 if all(spelled) else 1.0,
                         f"a factor {_as_text(*spelled)} is missing",
                         partial(_times, node, *spelled))
    for number in dict.fromkeys(("2", "0.5", *context.numbers)):
        yield Change(1.5, f"a factor {number} is missing",
                     partial(_combined, node, ast.Mult, number))
        if number in context.numbers:
            yield Change(1.5, f"the division by {number} is missing",
                         partial(_combined, node, ast.Div, number))
    for size in context.scope.sizes.values():
        yield Change(1.5, f"the division by {size} is missing",
                     partial(_combined, node, ast.Div, size))
        yield Change(1.6, f"a factor {size} is missing",
                     partial(_combined, node, ast.Mult, size))
    for total in context.scope.totals:
        for above in ("", "2"):
            yield Change(1.7, f"a factor {above or 1} / {total} is missing",
                         partial(_times, node, above, total))
    for part in _fitting(node, context):
        if part.added:
            continue
        wider = 0.3 * (part.shape not in ((), context.shape))  # it is stretched to fit
        yield Change(1.9 + part.cost + wider, f"a factor {part.text} is missing",
                     partial(_times, node, part.text, ""))
        if part.cost < 0.5:
            yield Change(2.1 + part.cost, f"the division by {part.text} is missing",
                         partial(_combined, node, ast.Div, part.text))


def other_slopes(node: ast.expr, context: Context) -> Iterator[Change]:
    """The slope of another function where one stands: a factor, or two factors side by side."""
    if context.level not in ("term", "factor") or not context.shape or isinstance(
            node, ast.Name | ast.Constant | ast.Subscript):
        return
    mine = ast.unparse(node)
    for part in context.ingredients:
        if not part.of or part.shape != context.shape or part.text == mine:
            continue
        idle = IDLE * (part.cost >= IDLE)
        near = (0.0 if part.of in mine else 0.5) + 0.3 * (">" in part.text) + idle
        yield Change(1.3 + near, f"{part.text} is due where {context.text(node)} stands",
                     partial(expression, part.text))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) and isinstance(
                node.left, ast.BinOp) and isinstance(node.left.op, ast.Mult):
            pair = ast.unparse(binary(node.left.right, ast.Mult, node.right))
            if part.of in pair:
                yield Change(1.4 + idle, f"{part.text} is due where {pair} stands", partial(
                    _combined, node.left.left, ast.Mult, part.text))


def of_rows(node: ast.expr, context: Context) -> Iterator[Change]:
    """The slope of a softmax, which mixes the entries of a row, where its diagonal stands."""
    if context.level != "term" or not isinstance(node, ast.BinOp):
        return
    found = [ast.unparse(part) for part in _factors(node)]
    for s in dict.fromkeys(found):
        rest = [one for one in found if one not in (s, f"1 - {s}")]
        if f"1 - {s}" in found and len(rest) == 1:
            text = f"{s} * ({rest[0]} - np.sum({rest[0]} * {s}, axis=-1, keepdims=True))"
            yield Change(1.4, f"in a softmax the entries of {s} depend on each other: {text} is "
                         "due", partial(expression, text))


def _factors(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return [*_factors(node.left), *_factors(node.right)]
    return [node]


def slopes(node: ast.expr, context: Context) -> Iterator[Change]:
    """A function of a quantity where the quantity itself stands."""
    if isinstance(node, ast.Name) and any(node.id == q.text for q in context.scope.arrays):
        for form in SLOPES:
            text = form.format(node.id)
            yield Change(1.7, f"{node.id} where {text} is due", partial(expression, text))


def products(node: ast.expr, context: Context) -> Iterator[Change]:
    """A matrix product of which one operand was left out."""
    within = 0.2 * (context.level == "factor")
    if (context.level == "term" and not isinstance(node, ast.Constant)) or (
            context.level == "factor" and isinstance(node, ast.Name)):
        for array in context.scope.arrays:
            for text in (array.text, f"{array.text}.T")[:len(array.shape)]:
                what = f"a product with {text} is missing"
                yield Change(2.2 + within, what, partial(_combined, node, ast.MatMult, text))
                yield Change(2.3 + within, what, partial(_before, node, ast.MatMult, text))


def terms(node: ast.expr, context: Context) -> Iterator[Change]:
    """A quantity to add or subtract."""
    compound = isinstance(node, ast.BinOp | ast.UnaryOp)
    if context.level != "term" and (context.level != "factor" or compound):
        return
    within = 0.4 * (context.level == "factor")
    mine = f"{ast.unparse(node)} "
    for part in context.ingredients:
        if part.text.startswith((f"{mine}+ ", f"{mine}- ")):
            yield Change(0.9, f"{part.text} is due, as elsewhere", partial(expression, part.text))
    for part in _fitting(node, context):
        for op in (ast.Add, ast.Sub):
            yield Change(2.2 + part.cost + within,
                         f"the term {'-' * (op is ast.Sub)}{part.text} is missing",
                         partial(_combined, node, op, part.text))
        if not part.added:
            yield Change(2.4 + part.cost + within, f"{part.text} is missing before the minus",
                         partial(_before, node, ast.Sub, part.text))


def _fitting(node: ast.expr, context: Context) -> Iterator[Ingredient]:
    """The ingredients that an array of this shape keeps its shape with; a number may gain one."""
    for part in context.ingredients:
        if isinstance(node, ast.Constant) or not context.shape:
            yield part
        else:
            try:
                if np.broadcast_shapes(part.shape, context.shape) == context.shape:
                    yield part
            except ValueError:
                continue


def reductions(node: ast.expr, context: Context) -> Iterator[Change]:
    """A sum or a function that is missing around an expression."""
    if context.level != "term":
        return
    text = context.text(node)
    yield Change(2.2, f"a square of {text} is due",
                 binary(node, ast.Pow, ast.Constant(2)))
    for name in context.scope.functions:
        yield Change(2.0, f"{name} of {text} is due",
                     partial(called, ast.Name(name, ast.Load()), node))
    module = "np"
    for name in ("tanh", "exp", "sqrt"):
        known = any(f".{name}(" in part.text for part in context.ingredients if not part.of)
        yield Change(1.1 if known else 2.4, f"{name} of {text} is due", partial(
            called, attribute(ast.Name(module, ast.Load()), name), node))
    for axis in (0, 1, -1):
        for keep in ("", ", keepdims=True"):
            words = expression(f"f(axis={axis}{keep})").keywords  # type: ignore[attr-defined]
            yield Change(2.2, f"the sum over axis {axis} is missing", ast.Call(
                attribute(ast.Name(module, ast.Load()), "sum"), [node], words))


def _combined(node: ast.expr, op: type[ast.operator], text: str) -> ast.expr:
    return binary(node, op, expression(text))


def _before(node: ast.expr, op: type[ast.operator], text: str) -> ast.expr:
    return binary(expression(text), op, node)


def _product(left: ast.expr, right: ast.expr) -> ast.expr:
    """left · right, without brackets around a product on the right."""
    if isinstance(right, ast.BinOp) and isinstance(right.op, ast.Mult):
        return binary(_product(left, right.left), ast.Mult, right.right)
    return binary(left, ast.Mult, right)


def _times(node: ast.expr, above: str, below: str) -> ast.expr:
    made = _product(node, expression(above)) if above else node
    return binary(made, ast.Div, expression(below)) if below else made


def _as_text(above: str, below: str) -> str:
    if not below:
        return above or "1"
    return f"{above or 1} / " + (f"({below})" if " " in below else below)


OMISSIONS = (factors, other_slopes, of_rows, slopes, products, terms, reductions)
