"""Layers by the names that equations in text call them: `conv2d(X, W, b, stride=2)`.

A row states the arrays a layer takes (`?` marks those that may be missing, `*` a group of them, one
for each gate) and its options; the equations are in :mod:`layers`, :mod:`attention` and
:mod:`recurrent`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import sympy as sp

from ..functions import ACTIVATIONS, RELU
from ..layers import attention, recurrent
from ..layers import feedforward as layers
from ..layers import rearrange as arrays
from ..layers.builder import Builder, Operand
from .grammar import Node, exact_number, nearest
from .values import Value, Values, entries

Reader: TypeAlias = Callable[[Values, Node], Any]


@dataclass(frozen=True)
class Layer:
    """What builds a layer, the arrays it takes in order, its options and the ones it must have."""

    build: Callable[..., Operand]
    arrays: str
    options: Mapping[str, Reader] = field(default_factory=dict)
    needs: tuple[str, ...] = ()

    def usage(self, name: str) -> str:
        """How it is called: ``conv2d(x, w, [bias], stride=...)``."""
        shown = [f"[{word.rstrip('?*')}]" if word.endswith("?") else word.rstrip("*")
                 for word in self.arrays.split()]
        return f"{name}({', '.join([*shown, *(f'{option}=...' for option in self.options)])})"


def applied_layer(row: Layer) -> Callable[[Values, Node, Callable[[int], Value]], Value]:
    """The row as a function of the text of equations."""

    def call(values: Values, node: Node, argument: Callable[[int], Value]) -> Value:
        words = row.arrays.split()
        names = [word.rstrip("?*") for word in words]
        given: dict[str, Node] = dict(zip(names, node.arguments, strict=False))
        if len(node.arguments) > len(names):
            values.source.fail(node.arguments[len(names)], f"one array too many; expected "
                                                           f"{row.usage(node.text)}")
        options: dict[str, Any] = {}
        for key, value in node.keywords:
            if key in given or key not in (*names, *row.options):
                why = "is given twice" if key in given else "is no argument"
                values.source.fail(value, f"{key!r} {why}; expected {row.usage(node.text)}")
            if key in row.options:
                options[key] = row.options[key](values, value)
            else:
                given[key] = value
        missing = [word for word, name in zip(words, names, strict=True)
                   if name not in given and not word.endswith("?")]
        missing += [option for option in row.needs if option not in options]
        if missing:
            values.source.fail(node, f"{', '.join(m.rstrip('*') for m in missing)} missing; "
                                     f"expected {row.usage(node.text)}")
        found: dict[str, Any] = {}
        for word, name in zip(words, names, strict=True):
            if name in given:
                found[name] = _array(values, given[name], "*" in word)
        return values.shaped(node, lambda: row.build(values.builder, **found, **options))

    return call


def _array(values: Values, node: Node, group: bool) -> Operand | tuple[Operand, ...]:
    if group:
        if node.kind != "tuple":
            values.source.fail(node, "expected a group of arrays, one for each gate, such as "
                                     "(Wi, Wf, Wg, Wo)")
        return tuple(values.settle(values.value(part)) for part in node.arguments)
    return values.settle(values.value(node))


# --- options ------------------------------------------------------------------------------------


def _integer(values: Values, node: Node) -> int:
    return values.integer(node, "a whole number such as 2")


def _kernel(values: Values, node: Node) -> int | tuple[int, ...]:
    if node.kind == "tuple":
        return tuple(_integer(values, part) for part in node.arguments)
    return _integer(values, node)


def _number(values: Values, node: Node) -> sp.Expr:
    if node.kind != "number":
        values.source.fail(node, "expected a number such as 0.001")
    number = exact_number(node, values.source)
    if number <= 0:
        values.source.fail(node, "expected a number above 0")
    return number


def _flag(values: Values, node: Node) -> bool:
    if node.kind != "name" or node.text not in ("True", "False"):
        values.source.fail(node, "expected True or False")
    return node.text == "True"


def _activation(values: Values, node: Node) -> Callable[[sp.Expr], sp.Expr]:
    known = [name for name, function in ACTIVATIONS.items() if function is not None]
    if node.kind not in ("name", "string") or node.text not in known:
        values.source.fail(node, f"expected the name of an activation; {nearest(node.text, known)}")
    return ACTIVATIONS[node.text]  # type: ignore[return-value]


# --- functions of another form ------------------------------------------------------------------


def _concatenate(values: Values, node: Node, argument: Callable[[int], Value]) -> Value:
    axis = values.keywords(node, ("axis",)).get("axis")
    place = values.integer(axis, "an axis such as 0 or -1") if axis is not None else 0
    if not node.arguments:
        values.source.fail(node, f"{node.text} takes arrays, such as {node.text}(A, B, axis=1)")
    parts = [values.settle(argument(p)) for p in range(len(node.arguments))]
    return values.shaped(node, lambda: arrays.concatenate(values.builder, parts, place))


def _reshape(values: Values, node: Node, argument: Callable[[int], Value]) -> Value:
    values.keywords(node, ())
    if len(node.arguments) < 2:
        values.source.fail(node, "reshape takes an array and sizes, such as reshape(X, m, n*k)")
    shape = [values.size(part) for part in node.arguments[1:]]
    operand = values.settle(argument(0))
    return values.shaped(node, lambda: arrays.reshape(values.builder, operand, shape))


def _swapaxes(values: Values, node: Node, argument: Callable[[int], Value]) -> Value:
    values.keywords(node, ())
    if len(node.arguments) != 3:
        values.source.fail(node, "swapaxes takes an array and two axes, such as "
                                 "swapaxes(X, 0, 1)")
    operand = values.settle(argument(0))
    one, other = (values.axis(part, operand.shape) for part in node.arguments[1:])
    order = list(range(operand.ndim))
    order[one], order[other] = other, one
    return entries(values.builder.transpose(operand, order))


def _filled(number: sp.Expr) -> Callable[[Values, Node, Callable[[int], Value]], Value]:
    def fill(values: Values, node: Node, argument: Callable[[int], Value]) -> Value:
        values.keywords(node, ())
        shape = tuple(values.size(part) for part in node.arguments)
        return entries(arrays.full(values.builder, shape, number))

    return fill


def _block(b: Builder, x: Operand, **given: Any) -> Operand:
    options = {key: given.pop(key) for key in ("causal", "norm_first", "eps") if key in given}
    activation = given.pop("activation", RELU)
    return attention.transformer_block(b, x, attention.BlockWeights(**given), activation, **options)


_POOL = {"kernel": _kernel, "stride": _integer, "padding": _integer}
_CONV = {"stride": _integer, "padding": _integer, "dilation": _integer}

LAYERS: dict[str, Layer] = {
    "dense": Layer(layers.dense, "x w bias?"),
    "conv1d": Layer(layers.conv, "x w bias?", _CONV),
    "conv2d": Layer(layers.conv, "x w bias?", _CONV),
    "max_pool1d": Layer(layers.max_pool, "x", _POOL, ("kernel",)),
    "max_pool2d": Layer(layers.max_pool, "x", _POOL, ("kernel",)),
    "avg_pool1d": Layer(layers.avg_pool, "x", _POOL, ("kernel",)),
    "avg_pool2d": Layer(layers.avg_pool, "x", _POOL, ("kernel",)),
    "flatten": Layer(layers.flatten, "x", {"start": _integer}),
    "batch_norm": Layer(layers.batch_norm, "x gamma? beta?", {"eps": _number}),
    "layer_norm": Layer(layers.layer_norm, "x gamma? beta?", {"eps": _number}),
    "rms_norm": Layer(layers.rms_norm, "x gamma?", {"eps": _number}),
    "group_norm": Layer(layers.group_norm, "x gamma? beta?",
                        {"groups": _integer, "eps": _number}, ("groups",)),
    "dropout": Layer(layers.dropout, "x mask", {"keep": _number}, ("keep",)),
    "embedding": Layer(arrays.gather, "table labels"),
    "attention": Layer(attention.attention, "q k v mask?", {"causal": _flag}),
    "multi_head_attention": Layer(attention.multi_head_attention, "x wq wk wv wo memory?",
                                  {"causal": _flag}),
    "transformer_block": Layer(
        _block, "x wq wk wv wo w1 b1 w2 b2 gamma1 beta1 gamma2 beta2",
        {"causal": _flag, "norm_first": _flag, "eps": _number, "activation": _activation},
    ),
    "rnn": Layer(recurrent.rnn, "x wx wh bias? h0?", {"activation": _activation}),
    "lstm": Layer(recurrent.lstm, "x wx* wh* bias*? h0? c0?"),
    "gru": Layer(recurrent.gru, "x wx* wh* bias*? hidden_bias? h0?", {"reset_after": _flag}),
}

LAYER_FUNCTIONS: dict[str, Callable[[Values, Node, Callable[[int], Value]], Value]] = {
    **{name: applied_layer(row) for name, row in LAYERS.items()},
    "concatenate": _concatenate,
    "concat": _concatenate,
    "reshape": _reshape,
    "swapaxes": _swapaxes,
    "zeros": _filled(sp.S.Zero),
    "ones": _filled(sp.S.One),
}
