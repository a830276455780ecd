"""Layers and losses in the text of equations, `conv2d(X, W, b, stride=2)`: rows, called.

What they take and compute is in `table` and `losses` of :mod:`gradproof.symbolic.layers`; here the
arguments of a call are matched with a row, and a complaint gets its place in the text.  Beside them
stand the few functions of another form, whose arguments are sizes or axes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from functools import partial
from typing import Any, TypeAlias

import sympy as sp

from ..layers import rearrange
from ..layers.builder import Operand
from ..layers.losses import LOSSES, loss
from ..layers.options import Option, OptionError, Required
from ..layers.table import TEXT, LayerRow, rows
from .formula import parse_formula
from .trees import Node, exact_number
from .values import Value, Values, entries

Argument: TypeAlias = Callable[[int], Value]


def applied_layer(row: LayerRow) -> Callable[[Values, Node, Argument], Value]:
    """The row as a function of the text of equations."""

    def call(values: Values, node: Node, argument: Argument) -> Value:
        given, stated = _matched(values, node, row)
        arrays = {word.rstrip("?*+"): _array(values, given[word.rstrip("?*+")], word)
                  for word in row.arrays.split() if word.rstrip("?*+") in given}
        options = {key: _option(values, key, row.options[key], value)
                   for key, value in stated.items()}
        for key, option in row.options.items():
            options.setdefault(key, row.in_text.get(key, option.default))

        def built() -> Operand:
            made = row.build(values.builder, **arrays, **options)
            if isinstance(made, tuple):
                values.source.fail(node, f"{node.text} has several outputs; a text takes parts of "
                                         "an axis by subscripts, such as X[:, 0:2]")
            return made

        return values.shaped(node, built)

    return call


def _matched(
    values: Values, node: Node, row: LayerRow
) -> tuple[dict[str, tuple[Node, ...]], dict[str, Node]]:
    """The arguments of a call by the names of the arrays, and by those of the options."""
    words = row.arrays.split()
    names = [word.rstrip("?*+") for word in words]
    given = _by_place(values, node, row, names)
    stated: dict[str, Node] = {}
    for key, value in node.keywords:
        if key in given or key not in (*names, *row.options):
            near = get_close_matches(key, [*names, *row.options], n=1)
            why = ("is given twice" if key in given else
                   f"is no argument (did you mean {near[0]!r}?)" if near else "is no argument")
            values.source.fail(value, f"{key!r} {why}; expected {row.usage(node.text)}")
        if key in row.options:
            stated[key] = value
        else:
            given[key] = (value,)
    missing = [name for word, name in zip(words, names, strict=True)
               if name not in given and not word.endswith("?")]
    missing += [key for key, option in row.options.items()
                if option.default is Required and key not in (*stated, *row.in_text)]
    if missing:
        values.source.fail(node, f"{', '.join(missing)} missing; expected {row.usage(node.text)}")
    return given, stated


def _by_place(
    values: Values, node: Node, row: LayerRow, names: Sequence[str]
) -> dict[str, tuple[Node, ...]]:
    """The arguments without a name, by the names of the arrays."""
    if row.arrays.split()[0].endswith("+"):
        return {names[0]: node.arguments} if node.arguments else {}
    if len(node.arguments) > len(names):
        far = node.arguments[len(names)]
        stray = far.kind in ("number", "string") or far.text in ("True", "False")
        why = "an option goes by its name" if stray and row.options else "one array too many"
        values.source.fail(far, f"{why}; expected {row.usage(node.text)}")
    return {name: (part,) for name, part in zip(names, node.arguments, strict=False)}


def _array(values: Values, given: tuple[Node, ...], word: str) -> Operand | tuple[Operand, ...]:
    """An array, or a group of them: one for each gate, or all that the call hands over."""
    if word.endswith("+"):
        return tuple(values.settle(values.value(part)) for part in flat(given))
    if "*" in word:
        if given[0].kind != "tuple":
            values.source.fail(given[0], "expected a group of arrays, one for each gate, such as "
                                         "(Wi, Wf, Wg, Wo)")
        return tuple(values.settle(values.value(part)) for part in given[0].arguments)
    return values.settle(values.value(given[0]))


def _option(values: Values, key: str, option: Option, node: Node) -> Any:
    """An option as it is used; a complaint points at it."""
    try:
        return option.read(_plain(values, node), parse_formula)
    except OptionError as error:
        values.source.fail(node, f"{key}{error.at}: {error}")


def _plain(values: Values, node: Node) -> Any:
    """What an option says, as a number, a word, true or false, or a list of those."""
    if node.kind == "number":
        number = exact_number(node, values.source)
        return int(number) if node.text.isdigit() else number
    if node.kind == "unary" and node.arguments[0].kind == "number":
        return -_plain(values, node.arguments[0])
    if node.kind == "tuple":
        return [_plain(values, part) for part in node.arguments]
    if node.kind in ("name", "string"):
        return {"True": True, "False": False}.get(node.text, node.text)
    values.source.fail(node, "expected a number, a word, True or False, or several in parentheses")


# --- functions of another form ------------------------------------------------------------------


def _reshape(values: Values, node: Node, argument: Argument) -> Value:
    values.keywords(node, ())
    if len(node.arguments) < 2:
        values.source.fail(node, "reshape takes an array and sizes, such as reshape(X, m, n*k)")
    shape = [values.size(part) for part in flat(node.arguments[1:])]
    operand = values.settle(argument(0))
    return values.shaped(node, lambda: rearrange.reshape(values.builder, operand, shape))


def flat(sizes: Iterable[Node]) -> list[Node]:
    """Sizes one by one, or in parentheses: zeros(m, n), zeros((m, n))."""
    return [part for node in sizes
            for part in (node.arguments if node.kind == "tuple" else [node])]


def _swapaxes(values: Values, node: Node, argument: Argument) -> Value:
    values.keywords(node, ())
    if len(node.arguments) != 3:
        values.source.fail(node, "swapaxes takes an array and two axes, such as "
                                 "swapaxes(X, 0, 1)")
    operand = values.settle(argument(0))
    one, other = (values.axis(part, operand.shape) for part in node.arguments[1:])
    order = list(range(operand.ndim))
    order[one], order[other] = other, one
    return entries(values.builder.transpose(operand, order))


def _filled(number: sp.Expr) -> Callable[[Values, Node, Argument], Value]:
    def fill(values: Values, node: Node, argument: Argument) -> Value:
        values.keywords(node, ())
        shape = tuple(values.size(part) for part in flat(node.arguments))
        return entries(rearrange.full(values.builder, shape, number))

    return fill


LAYER_FUNCTIONS: dict[str, Callable[[Values, Node, Argument], Value]] = {
    **{name: applied_layer(row) for name, row in rows(TEXT).items()},
    **{name: applied_layer(LayerRow(partial(loss, of=row), "target output"))
       for name, row in LOSSES.items()},
    "reshape": _reshape,
    "swapaxes": _swapaxes,
    "zeros": _filled(sp.S.Zero),
    "ones": _filled(sp.S.One),
}
