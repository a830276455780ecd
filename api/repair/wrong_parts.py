"""Slips in what is written: another operator, operand, axis, number or function was meant."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from functools import partial

import numpy as np

from gradproof.repair.edits import (
    SYMBOLS,
    Change,
    Context,
    attribute,
    binary,
    function_name,
    is_module,
)
from gradproof.repair.in_scope import NamedValue, expression

NEAR = {frozenset((ast.Add, ast.Sub)): 1.0, frozenset((ast.Mult, ast.Div)): 1.0,
        frozenset((ast.MatMult, ast.Mult)): 1.3}
"""What it costs to take one operator for another; 1.8 for the rest."""

FUNCTIONS = (
    ("sum", "mean"), ("max", "min"), ("maximum", "minimum"), ("dot", "multiply", "outer", "matmul"),
    ("add", "subtract", "multiply", "divide"), ("zeros_like", "ones_like"), ("zeros", "ones"),
    ("tanh", "exp", "log", "sqrt", "square", "sin", "cos", "abs", "sign", "log1p", "expm1"),
    ("logical_and", "logical_or"),
)
"""Functions that are taken for one another, under the names that NumPy and its arrays have."""


def operators(node: ast.expr, context: Context) -> Iterator[Change]:
    """Another operator; one operand alone; operands in the other order, or grouped otherwise."""
    if not isinstance(node, ast.BinOp) or type(node.op) not in SYMBOLS:
        return
    left, op, right = node.left, node.op, node.right
    for other, symbol in SYMBOLS.items():
        if not isinstance(op, other):
            yield Change(NEAR.get(frozenset((type(op), other)), 1.8),
                         f"{SYMBOLS[type(op)]!r} where {symbol!r} is due",
                         partial(binary, left, other, right))
    for kept, dropped in ((left, right), (right, left)):
        plain = kept is left or isinstance(left, ast.Constant)
        what = f"{context.text(dropped)} is too much"
        if context.level == "index":
            what = f"{context.text(node)} where {context.text(kept)} is due"
        yield Change(1.0 if plain else 1.2, what, kept)
    if isinstance(op, ast.Mult) and isinstance(left, ast.BinOp) and isinstance(left.op, ast.Mult):
        slope = ast.unparse(binary(left.right, ast.Mult, right))
        yield Change(1.2, f"the slope {slope} is too much", left.left)
    if isinstance(op, ast.MatMult):
        yield from _turned(left, right)
    if isinstance(op, ast.Div) and isinstance(right, ast.Constant) and type(right.value) is int:
        yield from _multiplied(left, right.value, context)
    if not isinstance(op, ast.Add | ast.Mult):
        is_sign = (Fraction(-1), {}) in context.constants
        cost = (0.9 if is_sign else 1.1) if isinstance(op, ast.Sub) else 1.5
        yield Change(cost, f"the operands of {SYMBOLS[type(op)]!r} are in the wrong order",
                     binary(right, type(op), left))
    for grouped in _regrouped(left, type(op), right):
        yield Change(1.8, "the brackets are in the wrong place", grouped)


def _regrouped(
    left: ast.expr, op: type[ast.operator], right: ast.expr
) -> Iterator[ast.expr]:
    """(a ∘ b) ∘ c for a ∘ (b ∘ c), and the other way."""
    if isinstance(right, ast.BinOp):
        yield binary(binary(left, op, right.left), type(right.op), right.right)
    if isinstance(left, ast.BinOp):
        yield binary(left.left, type(left.op), binary(left.right, op, right))


def _multiplied(left: ast.expr, divisor: int, context: Context) -> Iterator[Change]:
    """A product where the line divides: 2 * x for x / 500."""
    for coefficient, powers in context.constants:
        times = coefficient / divisor if divisor and not powers else Fraction(1)
        if times > 1 and times.denominator == 1:
            yield Change(0.9, f"/ {divisor} where * {times} is due",
                         binary(ast.Constant(int(times)), ast.Mult, left))


def _turned(left: ast.expr, right: ast.expr) -> Iterator[Change]:
    """The transpose of a product, or the other of its operands transposed."""
    first, second = _transposed(left), _transposed(right)
    is_left, is_right = (isinstance(part, ast.Attribute) and part.attr == "T"
                         for part in (left, right))
    whole = 0.7 if is_left != is_right else 1.7
    yield Change(whole, "the product is the transpose of what is due",
                 binary(second, ast.MatMult, first))
    if is_left != is_right:
        yield Change(1.3, "the other operand is to be transposed",
                     binary(first, ast.MatMult, second))
    elif not is_left:
        yield Change(1.8, "the operands are in the wrong order, and one is to be transposed",
                     binary(right, ast.MatMult, first))
        yield Change(1.8, "the operands are in the wrong order, and one is to be transposed",
                     binary(second, ast.MatMult, left))


def _transposed(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return node.value
    return attribute(node, "T")


def signs(node: ast.expr, context: Context) -> Iterator[Change]:
    if isinstance(node, ast.UnaryOp):
        cost = 0.7 if isinstance(node.operand, ast.Constant) else 0.9  # 2 for -2, before --2
        yield Change(cost, f"the {'sign' if isinstance(node.op, ast.USub) else 'operator'} of "
                     f"{context.text(node.operand)} is wrong", node.operand)
    elif context.level == "term" and not _counts(node, context):
        yield Change(1.1, f"the sign of {context.text(node)} is wrong",
                     ast.UnaryOp(ast.USub(), node))


def _counts(node: ast.expr, context: Context) -> bool:
    """Whether an expression is a size, which has no sign."""
    text = ast.unparse(node)
    return ".shape" in text or text.startswith("len(") or any(
        q.is_count and q.text == text for q in context.scope.scalars)


def names(node: ast.expr, context: Context) -> Iterator[Change]:
    """Another quantity in scope."""
    known = {q.text: q for q in context.scope.quantities}
    if not isinstance(node, ast.Name | ast.Subscript | ast.Attribute):
        for other in known.values() if not isinstance(node, ast.Constant) else ():
            yield Change(2.6, f"{context.text(node)} where {other.text} is due", other.node)
        return
    text, held = ast.unparse(node), context.scope.variables
    if isinstance(node, ast.Name) and context.level == "container":
        for name, value in held.items():
            if name != text and isinstance(value, Mapping | list | tuple | np.ndarray):
                yield Change(1.2, f"{text} where {name} is due", ast.Name(name, ast.Load()))
    elif isinstance(node, ast.Name) and (text not in context.scope.names or isinstance(
            held.get(text), Mapping | list | tuple)):
        for other in known.values():
            yield Change(1.1, f"{text} where {other.text} is due", other.node)
    elif text in known:
        yield from _in_place_of(known[text], known, context)


def _in_place_of(
    mine: NamedValue, known: Mapping[str, NamedValue], context: Context
) -> Iterator[Change]:
    """The other quantities, those of its shape first; then parts of the derivative that are held
    under no name."""
    for other in known.values():
        if other.text != mine.text:
            near = 0.0 if other.shape == mine.shape else 0.3
            far = 0.2 * (len(other.shape) != len(mine.shape))
            yield Change(1.1 + near + far, f"{mine.text} where {other.text} is due", other.node)
    for part in context.ingredients:
        if part.entry and part.text not in known:
            near = 0.0 if part.shape == mine.shape else 0.3
            yield Change(1.1 + near, f"{mine.text} where {part.text} is due",
                         partial(expression, part.text))


def transposes(node: ast.expr, context: Context) -> Iterator[Change]:
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield Change(1.0, f"{context.text(node.value)} is not to be transposed", node.value)
    elif isinstance(node, ast.Name | ast.Subscript | ast.BinOp | ast.Call | ast.Attribute):
        cost = 1.1 if isinstance(node, ast.Name) else 1.6
        yield Change(cost, f"{context.text(node)} is to be transposed",
                     attribute(node, "T"))


AXES = ("0", "1", "-1", "2", "None", "(0, 1)")


def axes(node: ast.expr, context: Context) -> Iterator[Change]:
    """Another axis, kept or not."""
    if not isinstance(node, ast.Call):
        return
    given = {word.arg: place_ for place_, word in enumerate(node.keywords)}
    reduces = function_name(node) in ("sum", "mean", "max", "min", "std", "var", "prod", "argmax")

    def with_word(name: str, value: str) -> ast.expr:
        words = list(node.keywords)
        new = ast.keyword(name, expression(value))
        if name in given:
            words[given[name]] = new
        else:
            words.append(new)
        return ast.Call(node.func, node.args, words)

    def without(name: str) -> ast.expr:
        words = [word for word in node.keywords if word.arg != name]
        return ast.Call(node.func, node.args, words)

    if reduces or "axis" in given:
        old = ast.unparse(node.keywords[given["axis"]].value) if "axis" in given else ""
        for axis in AXES:
            if axis != old and (old or axis != "None"):
                what = f"axis={old} where axis={axis} is due" if old else f"axis={axis} is missing"
                yield Change(1.0 if axis in AXES[:2] else 1.4, what,
                             partial(with_word, "axis", axis))
        if old:
            yield Change(1.4, f"axis={old} is too much", partial(without, "axis"))
    if "keepdims" in given:
        yield Change(1.0, "keepdims is too much", partial(without, "keepdims"))
    elif reduces and function_name(node) != "argmax":
        yield Change(1.2, "keepdims=True is missing", partial(with_word, "keepdims", "True"))
        if "axis" not in given:
            for axis in AXES[:3]:
                words = expression(f"f(axis={axis}, keepdims=True)").keywords  # type: ignore[attr-defined]
                yield Change(1.4, f"axis={axis} and keepdims=True are missing",
                             ast.Call(node.func, node.args, [*node.keywords, *words]))


def numbers(node: ast.expr, context: Context) -> Iterator[Change]:
    """Another number."""
    if not isinstance(node, ast.Constant):
        return
    old = node.value
    if isinstance(old, bool):
        yield Change(1.0, f"{old} where {not old} is due", ast.Constant(not old))
    elif isinstance(old, int | float):
        exact = Decimal(repr(old))
        near: list[Decimal | int] = [exact + 1, exact - 1, exact * 2, exact / 2, exact * 3,
                                     1 - exact, 0, 1, 2, Decimal("0.5"),
                                     *map(Decimal, context.numbers)]
        yield Change(1.0, f"the sign of {old} is wrong", partial(expression, f"-{old!r}"))
        mended = [_as_number(exact * coefficient.numerator / coefficient.denominator)
                  for coefficient, powers in context.constants if not powers]
        for new in dict.fromkeys((*mended, *map(_as_number, near))):
            if new != old:
                whole = isinstance(old, float) or isinstance(new, int)
                yield Change(0.8 if new in mended and whole else 1.3, f"{old} where {new} is due",
                             partial(expression, repr(new)))
        for size in context.scope.sizes.values():
            yield Change(1.7, f"{old} where {size} is due",
                         partial(expression, size))


def counted(node: ast.expr) -> Iterator[Change]:
    """What a loop runs over: the other way, or with one number more or fewer."""
    numbers = node.elts if isinstance(node, ast.Tuple | ast.List) else []
    if numbers and all(isinstance(one, ast.Constant) and type(one.value) is int
                       for one in numbers):
        values: list[int] = [ast.literal_eval(one) for one in numbers]
        step = values[1] - values[0] if len(values) > 1 else 1
        for due, what in (
            (values[::-1], "the loop runs the wrong way"),
            ([*values, values[-1] + step], f"{values[-1] + step} is left out"),
            ([values[0] - step, *values], f"{values[0] - step} is left out"),
            (values[1:], f"{values[0]} is too much"), (values[:-1], f"{values[-1]} is too much"),
        ):
            yield Change(1.2, what, partial(expression, repr(
                due if isinstance(node, ast.List) else tuple(due))))
    else:
        yield Change(2.0, "the loop runs the wrong way",
                     ast.Call(ast.Name("reversed", ast.Load()), [node], []))


def _as_number(exact: Decimal | int) -> int | float:
    return int(exact) if exact == int(exact) else float(exact)


def comparisons(node: ast.expr, context: Context) -> Iterator[Change]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        ordered = (ast.Gt, ast.Lt, ast.GtE, ast.LtE)
        # Nothing continuous is equal to anything: that would take the condition away unsaid.
        kinds = ordered if isinstance(node.ops[0], ordered) else (*ordered, ast.Eq, ast.NotEq)
        for kind in kinds:
            if not isinstance(node.ops[0], kind):
                yield Change(1.0, "the comparison is wrong",
                             ast.Compare(node.left, [kind()], node.comparators))


def functions(node: ast.expr, context: Context) -> Iterator[Change]:
    """Another function; its argument alone; its arguments in another order."""
    if not isinstance(node, ast.Call):
        return
    name = function_name(node)
    others = [other for group in FUNCTIONS if name in group for other in group if other != name]
    for other in others:
        func = (ast.Attribute(node.func.value, other, ast.Load())
                if isinstance(node.func, ast.Attribute) else ast.Name(other, ast.Load()))
        near = 1.0 if len(others) == 1 else 1.5
        yield Change(near, f"{name} where {other} is due",
                     ast.Call(func, node.args, node.keywords))
    if name in context.scope.functions:
        for other in context.scope.functions:
            if other != name:
                yield Change(1.2, f"{name} where {other} is due", ast.Call(
                    ast.Name(other, ast.Load()), node.args, node.keywords))
    if len(node.args) == 1:
        yield Change(1.5, f"{name} is too much", node.args[0])
    for i in range(len(node.args)):
        for j in range(i):
            order = list(node.args)
            order[i], order[j] = order[j], order[i]
            yield Change(1.4, f"the arguments of {name} are in the wrong order",
                         ast.Call(node.func, order, node.keywords))
    if isinstance(node.func, ast.Attribute) and not node.args and not is_module(node.func.value):
        value = node.func.value
        yield Change(1.5, f"{name} is too much", value)


def indices(node: ast.expr, context: Context) -> Iterator[Change]:
    """An index or a bound that is one off, or off by a size."""
    if context.level != "index" or isinstance(node, ast.Slice | ast.Tuple | ast.Constant):
        return
    text = context.text(node)
    counts = [q.text for q in context.scope.scalars if q.is_count and q.text != text]
    for op, sign in ((ast.Add, "+"), (ast.Sub, "-")):
        due = _shifted(node, op)
        yield Change(1.2, f"{text} where {ast.unparse(due)} is due", due)
        for count in counts:
            yield Change(1.8, f"{text} where {text} {sign} {count} is due",
                         partial(binary, node, op, expression(count)))


def _shifted(node: ast.expr, op: type[ast.operator]) -> ast.expr:
    """One more or one less, as t + 1 for t + 2 - 1."""
    match node:
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=ast.Constant(value=int(count))):
            moved = count + 1 if isinstance(node.op, op) else count - 1
            return binary(left, type(node.op), ast.Constant(moved)) if moved else left
    return binary(node, op, ast.Constant(1))


def counts(node: ast.expr, context: Context) -> Iterator[Change]:
    """The number of all entries where that along an axis stands, or the other way round."""
    match node:
        case ast.Subscript(value=ast.Attribute(value=array, attr="shape"), slice=ast.Constant()):
            due = f"{ast.unparse(array)}.size"
        case ast.Attribute(value=array, attr="size") if not is_module(array):
            due = f"{ast.unparse(array)}.shape[0]"
        case ast.Call(func=ast.Name("len"), args=[array]):
            due = f"{ast.unparse(array)}.size"
        case _:
            return
    yield Change(1.1, f"{context.text(node)} where {due} is due", partial(expression, due))


def reversals(node: ast.expr, context: Context) -> Iterator[Change]:
    match node:
        case ast.Subscript(value=value, slice=ast.Slice(lower=None, upper=None, step=ast.UnaryOp(
                op=ast.USub(), operand=ast.Constant(1)))):
            yield Change(1.2, f"{context.text(value)} is not to be reversed", value)


SLIPS = (operators, signs, names, counts, reversals, transposes, axes, numbers, comparisons,
         functions, indices)
