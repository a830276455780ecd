"""NumPy's functions and subscripts in the text of equations: what a trace knows, a text may call.

A word that a text has no row for is the function of NumPy's (or of np.linalg, or scipy.special) of
that name; its arguments are read here, and what it computes is :mod:`gradproof.symbolic.tracing`'s:

>>> print(gp.equations("y = cumsum(x)[1:]", x="n"))
t1[i<n] = Σ_i1<n [0 <= i1 < i + 1]x[i1]
y[i<n - 1] = t1[i + 1]
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import sympy as sp

from ..layers.builder import Operand, ShapeError
from ..tracing.functions.words import value_of
from ..tracing.run import TraceError
from ..tracing.sizes import Number
from .trees import Node
from .values import Value, Values, entries

Given: TypeAlias = "Value | tuple[Any, ...]"
"""A value, or the several that np.linalg.slogdet and the like give."""

PLAIN = {"None": None, "True": True, "False": False, "...": ...}


def called(values: Values, node: Node) -> Given:
    """The function of a call, called."""
    args = [argument(values, part) for part in node.arguments]
    options = {name: argument(values, part) for name, part in node.keywords}
    return _given(values, node, lambda: values.words.call(node.text, args, options))


def picked(values: Values, node: Node, operand: Operand, key: tuple[Node, ...]) -> Value:
    """``operand[key]`` as NumPy has it: entries, ranges, None, arrays of integers."""
    array = values.words.array(operand, values.types.get(operand.name, "float"))
    found = _given(values, node, lambda: values.words.pick(
        array, tuple(argument(values, part) for part in key)))
    assert isinstance(found, Value)
    return found


def argument(values: Values, node: Node) -> Any:
    """What stands for a part of a call or of a subscript."""
    match node.kind:
        case "name" if node.text in PLAIN:
            return PLAIN[node.text]
        case "string":
            return node.text
        case "tuple":
            return tuple(argument(values, part) for part in node.arguments)
        case "slice":
            return slice(*(None if part.kind == "nothing" else argument(values, part)
                           for part in node.arguments))
        case "compare":
            left, right = (argument(values, part) for part in node.arguments)
            return values.words.compared(node.text, left, right)
    value = values.value(node)
    if not value.operands:
        number = value.body
        return int(number) if number.is_Integer else Number(
            number, "int" if number.is_integer else "float")
    operand = values.settle(value)
    return values.words.array(operand, values.types.get(operand.name, "float"))


def _given(values: Values, node: Node, call: Callable[[], Any]) -> Given:
    """What a call gave, with a failure at its place in the text."""
    try:
        made = call()
    except TraceError as error:
        why = error.__cause__
        values.source.fail(node, str(why if isinstance(why, (ShapeError, TypeError)) else error))
    if isinstance(made, (tuple, list)):
        return tuple(made)
    found = value_of(made)
    if found is None:
        values.source.fail(node, f"{node.text} gives no array that a text can go on with")
    if isinstance(found, sp.Expr):
        return Value(found)
    operand, kind = found
    values.types[operand.name] = kind
    return entries(operand)


def one_of(values: Values, node: Node, several: tuple[Any, ...], key: Node) -> Value:
    """The entry of what a function gave as several."""
    place = values.integer(key, f"the number of one of the {len(several)} that it gives")
    if not -len(several) <= place < len(several):
        values.source.fail(key, f"there are {len(several)}, counted from 0")
    found = _given(values, node, lambda: several[place])
    assert isinstance(found, Value)
    return found
