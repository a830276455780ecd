"""What may have been left out of an expression: a factor, a term, a function around it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial

from gradproof.edits import Change, Place, attribute, binary, called
from gradproof.quantities import expression


def factors(node: ast.expr, place: Place) -> Iterator[Change]:
    """A constant, a size or a quantity to multiply or divide by."""
    if place.level != "term" or isinstance(node, ast.Constant):
        return
    for coefficient, powers in place.constants:
        if coefficient == -1 and not powers:  # a sign
            continue
        spelled = place.scope.factor(coefficient, powers)
        if spelled is not None:
            yield Change(1.0, f"a factor {_as_text(*spelled)} is missing",
                         partial(_times, node, *spelled))
    for number in (2, 0.5):
        yield Change(1.5, f"a factor {number} is missing",
                     partial(_combined, node, ast.Mult, str(number)))
    for size in place.scope.sizes.values():
        yield Change(1.5, f"the division by {size} is missing",
                     partial(_combined, node, ast.Div, size))
        yield Change(1.6, f"a factor {size} is missing",
                     partial(_combined, node, ast.Mult, size))
    for cost, text in missing(place):
        yield Change(1.9 + cost, f"a factor {text} is missing",
                     partial(_times, node, text, ""))
        if cost < 0.5:
            yield Change(2.1 + cost, f"the division by {text} is missing",
                         partial(_combined, node, ast.Div, text))


def terms(node: ast.expr, place: Place) -> Iterator[Change]:
    """A quantity to add or subtract."""
    if place.level != "term":
        return
    for cost, text in missing(place, scaled=True):
        for op in (ast.Add, ast.Sub):
            yield Change(2.2 + cost, f"the term {'-' * (op is ast.Sub)}{text} is missing",
                         partial(_combined, node, op, text))


def missing(place: Place, scaled: bool = False) -> Iterator[tuple[float, str]]:
    """What may have been left out, cheapest first: quantities, slopes in them, other parts."""
    arrays = [q.text for q in place.scope.arrays]
    scalars = [q.text for q in place.scope.scalars if not q.is_count]
    yield from ((0.0, text) for text in (*arrays, *scalars))
    for array in arrays:
        yield from ((0.5, f"{name}({array})") for name in place.scope.functions)
        yield from ((0.6, form.format(array))
                    for form in ("{0} * (1 - {0})", "(1 - {0} ** 2)", "(1 - {0})", "({0} > 0)"))
        if scaled:
            yield from ((0.8, f"{number} * {array}") for number in (*scalars, 2))
            yield from ((1.1, f"2 * {number} * {array}") for number in scalars)
    if scaled:
        yield 0.4, "1"
    yield from ((0.6 + 0.01 * len(text), text) for text in place.pool)


def reductions(node: ast.expr, place: Place) -> Iterator[Change]:
    """A sum or a function that is missing around an expression."""
    if place.level != "term":
        return
    text = place.text(node)
    yield Change(2.2, f"a square of {text} is due",
                 binary(node, ast.Pow, ast.Constant(2)))
    for name in place.scope.functions:
        yield Change(2.0, f"{name} of {text} is due",
                     partial(called, ast.Name(name, ast.Load()), node))
    module = "np"
    for name in ("tanh", "exp", "sqrt"):
        yield Change(2.4, f"{name} of {text} is due", partial(
            called, attribute(ast.Name(module, ast.Load()), name), node))
    for axis in (0, 1, -1):
        for keep in ("", ", keepdims=True"):
            words = expression(f"f(axis={axis}{keep})").keywords  # type: ignore[attr-defined]
            yield Change(2.2, f"the sum over axis {axis} is missing", ast.Call(
                attribute(ast.Name(module, ast.Load()), "sum"), [node], words))


def _combined(node: ast.expr, op: type[ast.operator], text: str) -> ast.expr:
    return binary(node, op, expression(text))


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


OMISSIONS = (factors, terms, reductions)
