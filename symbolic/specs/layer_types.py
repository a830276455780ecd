"""The types of layers a model may have: options with checks, parameters, and the operation called.

Nothing is computed here: each row calls array operations (:mod:`layers`, :mod:`attention`,
:mod:`recurrent`, :mod:`arrays`), which append equations.  A new type is a function of a
:class:`Site` and its inputs, and a row of ``LAYER_TYPES``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import sympy as sp

from ..equation import Array, Kind, Size, slot
from ..functions import ACTIVATIONS, Opaque
from ..layers import attention, recurrent
from ..layers import feedforward as layers
from ..layers import rearrange as arrays
from ..layers.builder import Builder, Operand, ShapeError
from . import options
from .options import Option


@dataclass
class Site:
    """Where a layer stands: its place in the list, its options, and what it declares."""

    builder: Builder
    place: int
    options: Mapping[str, Any]
    classes: Size | None = None
    parameters: list[Array] = field(default_factory=list)
    weights: list[Array] = field(default_factory=list)
    others: list[Array] = field(default_factory=list)

    def weight(self, stem: str, *shape: Size) -> Operand:
        """A parameter that penalties count: a matrix, a kernel, a table."""
        made = self._input(stem, shape, "real", self.parameters)
        self.weights.append(self.parameters[-1])
        return made

    def vector(self, stem: str, *shape: Size) -> Operand:
        """A parameter that penalties leave alone: a bias, a gain, a shift."""
        return self._input(stem, shape, "real", self.parameters)

    def bias(self, stem: str, *shape: Size) -> Operand | None:
        return self.vector(stem, *shape) if self.options["bias"] else None

    def given(self, stem: str, shape: Sequence[Size], kind: Kind = "real") -> Operand:
        """An input that is no parameter: a mask."""
        return self._input(stem, tuple(shape), kind, self.others)

    def affine(self, size: Size, suffix: str = "") -> tuple[Operand, Operand]:
        """Gain and shift of a norm."""
        return self.vector(f"gamma{suffix}", size), self.vector(f"beta{suffix}", size)

    def _input(
        self, stem: str, shape: tuple[Size, ...], kind: Kind, kept: list[Array]
    ) -> Operand:
        letters = tuple("ijkl"[place] for place in range(len(shape)))
        kept.append(Array(f"{stem}{self.place}", shape, kind, letters))
        return self.builder.input(kept[-1])


Build = Callable[..., Operand | tuple[Operand, ...]]


@dataclass(frozen=True)
class LayerType:
    """build(site, *inputs); `inputs` is how many it takes: least and most (None: any number)."""

    build: Build
    options: Mapping[str, Option] = field(default_factory=dict)
    inputs: tuple[int, int | None] = (1, 1)


UNITS, BIAS = Option(options.size), Option(options.flag, True)
KERNEL, STRIDE = Option(options.kernel), Option(options.whole(1), 1)
PADDING, DILATION = Option(options.whole(0), 0), Option(options.whole(1), 1)
EPS = Option(options.between(0, None), layers.EPSILON)
AXIS, HEADS = Option(options.integer, -1), Option(options.whole(1))
CAUSAL = Option(options.flag, False)
FUNCTION = Option(options.function, None)


# --- rows ---------------------------------------------------------------------------------------


def _dense(site: Site, x: Operand) -> Operand:
    units = site.options["units"]
    w = site.weight("W", x.shape[-1], units)
    return layers.dense(site.builder, x, w, site.bias("b", units))


def _conv(site: Site, x: Operand, *, spatial: int) -> Operand:
    if x.ndim != spatial + 2:
        raise ShapeError(f"expected an input of shape (n, c, {'*' * spatial}), that is, "
                         f"{spatial + 2} axes; got {x}")
    o = site.options
    kernel = (o["kernel"],) * spatial if isinstance(o["kernel"], int) else o["kernel"]
    if len(kernel) != spatial:
        raise ShapeError(f"a kernel of {len(kernel)} sizes for {spatial} spatial axes")
    w = site.weight("W", o["channels"], x.shape[1], *map(sp.Integer, kernel))
    return layers.conv(site.builder, x, w, site.bias("b", o["channels"]), stride=o["stride"],
                       padding=o["padding"], dilation=o["dilation"])


def _pool(site: Site, x: Operand, *, spatial: int, operation: Any) -> Operand:
    if x.ndim != spatial + 2:
        raise ShapeError(f"expected an input with {spatial + 2} axes, (n, c) and {spatial} "
                         f"spatial; got {x}")
    o = site.options
    made: Operand = operation(site.builder, x, o["kernel"], stride=o["stride"],
                              padding=o["padding"])
    return made


def _normed(site: Site, x: Operand, *, operation: Any, axis: int) -> Operand:
    gamma, beta = site.affine(x.shape[arrays.axis_of(x, axis)])
    made: Operand = operation(site.builder, x, gamma, beta, eps=site.options["eps"])
    return made


def _group_norm(site: Site, x: Operand) -> Operand:
    gamma, beta = site.affine(x.shape[arrays.axis_of(x, 1)])
    return layers.group_norm(site.builder, x, gamma, beta, groups=site.options["groups"],
                             eps=site.options["eps"])


def _rms_norm(site: Site, x: Operand) -> Operand:
    gain = site.vector("gamma", x.shape[arrays.axis_of(x, -1)])
    return layers.rms_norm(site.builder, x, gain, eps=site.options["eps"])


def _dropout(site: Site, x: Operand) -> Operand:
    mask = site.given("mask", x.shape, "mask")
    return layers.dropout(site.builder, x, mask, site.options["keep"])


def _embedding(site: Site, x: Operand) -> Operand:
    if site.classes is None:
        raise ShapeError('an embedding takes integers: give the model kind = "labels 50" for 50 '
                         "of them, and let it be the first layer")
    table = site.weight("E", site.classes, site.options["units"])
    return arrays.gather(site.builder, table, x)


def _add(site: Site, *parts: Operand) -> Operand:
    return site.builder.pointwise(sp.Add(*(slot(place) for place in range(len(parts)))), *parts)


def _multiply(site: Site, *parts: Operand) -> Operand:
    return site.builder.pointwise(sp.Mul(*(slot(place) for place in range(len(parts)))), *parts)


def _concat(site: Site, *parts: Operand) -> Operand:
    return arrays.concatenate(site.builder, parts, site.options["axis"])


def _split(site: Site, x: Operand) -> tuple[Operand, ...]:
    axis, sizes = site.options["axis"], site.options["sizes"]
    if sp.expand(x.shape[arrays.axis_of(x, axis)] - sum(sizes)) != 0:
        raise ShapeError(f"the sizes {list(sizes)} do not add up to axis {axis} of {x}")
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    return tuple(arrays.part(site.builder, x, axis, start, start + size)
                 for start, size in zip(starts, sizes, strict=True))


def _mean(site: Site, x: Operand) -> Operand:
    axis = arrays.axis_of(x, site.options["axis"])
    return site.builder.contract(slot(0) / x.shape[axis], x, over=[axis])


def _attention(site: Site, q: Operand, k: Operand | None = None, v: Operand | None = None
               ) -> Operand:
    if v is None and k is not None:
        raise ShapeError("attention takes one input, which attends to itself, or three: q, k, v")
    return attention.attention(site.builder, q, k or q, v or q, causal=site.options["causal"])


def _projections(
    site: Site, width: Size, source: Size
) -> tuple[Operand, Operand, Operand, Operand]:
    """W_Q, W_K, W_V and W_O of attention with several heads."""
    heads, size = sp.Integer(site.options["heads"]), site.options["size"]
    if size is None:
        size = sp.cancel(width / heads)
        if not size.is_integer:
            raise ShapeError(f"a width of {width} does not fall into {heads} heads; give the size "
                             "of a head")
    return (site.weight("WQ", heads, width, size), site.weight("WK", heads, source, size),
            site.weight("WV", heads, source, size), site.weight("WO", heads, size, width))


def _multi_head(site: Site, x: Operand, memory: Operand | None = None) -> Operand:
    source = x if memory is None else memory
    return attention.multi_head_attention(
        site.builder, x, *_projections(site, x.shape[-1], source.shape[-1]), memory=memory,
        causal=site.options["causal"],
    )


def _transformer_block(site: Site, x: Operand) -> Operand:
    o, width = site.options, x.shape[-1]
    heads = _projections(site, width, width)
    first = site.affine(width)
    feed = (site.weight("WF", width, o["units"]), site.vector("bF", o["units"]),
            site.weight("WG", o["units"], width), site.vector("bG", width))
    weights = attention.BlockWeights(*heads, *feed, *first, *site.affine(width, "F"))
    function = o["activation"]
    return attention.transformer_block(
        site.builder, x, weights, lambda z: z if function is None else function(z),
        causal=o["causal"], norm_first=o["norm_first"], eps=o["eps"],
    )


def _recurrent(site: Site, x: Operand, *, gates: str, operation: Any) -> Operand:
    h = site.options["units"]
    wx = [site.weight(f"W{gate}", x.shape[-1], h) for gate in gates]
    wh = [site.weight(f"U{gate}", h, h) for gate in gates]
    bias = [site.vector(f"b{gate}", h) for gate in gates] if site.options["bias"] else None
    made: Operand
    if operation is recurrent.gru:
        after = site.options["reset_after"]
        inner = site.vector("c", h) if after and site.options["bias"] else None
        made = operation(site.builder, x, wx, wh, bias, inner, reset_after=after)
    else:
        made = operation(site.builder, x, wx, wh, bias)
    return made


def _rnn(site: Site, x: Operand) -> Operand:
    h, function = site.options["units"], site.options["activation"]
    return recurrent.rnn(
        site.builder, x, site.weight("W", x.shape[-1], h), site.weight("U", h, h),
        site.bias("b", h), activation=lambda z: z if function is None else function(z),
    )


def _activation(site: Site, x: Operand) -> Operand:
    return applied(site, x, site.options["function"])


def applied(site: Site, x: Operand, function: type[Opaque] | None) -> Operand:
    """A(l) = f(x), entry by entry."""
    body = slot(0) if function is None else function(slot(0))
    return site.builder.pointwise(body, x, name=f"A{site.place}")


_CONV = {"channels": UNITS, "kernel": KERNEL, "stride": STRIDE, "padding": PADDING,
         "dilation": DILATION, "bias": BIAS, "activation": FUNCTION}
_POOL = {"kernel": KERNEL, "stride": Option(options.whole(1), None), "padding": PADDING}
_HEADS = {"heads": HEADS, "size": Option(options.size, None), "causal": CAUSAL}
_GATES = {"units": UNITS, "bias": BIAS}

LAYER_TYPES: dict[str, LayerType] = {
    "dense": LayerType(_dense, {"units": UNITS, "bias": BIAS, "activation": FUNCTION}),
    "conv1d": LayerType(partial(_conv, spatial=1), _CONV),
    "conv2d": LayerType(partial(_conv, spatial=2), _CONV),
    "max_pool1d": LayerType(partial(_pool, spatial=1, operation=layers.max_pool), _POOL),
    "max_pool2d": LayerType(partial(_pool, spatial=2, operation=layers.max_pool), _POOL),
    "avg_pool1d": LayerType(partial(_pool, spatial=1, operation=layers.avg_pool), _POOL),
    "avg_pool2d": LayerType(partial(_pool, spatial=2, operation=layers.avg_pool), _POOL),
    "flatten": LayerType(
        lambda site, x: layers.flatten(site.builder, x, site.options["start"]),
        {"start": Option(options.integer, 1)},
    ),
    "reshape": LayerType(
        lambda site, x: arrays.reshape(site.builder, x, site.options["shape"]),
        {"shape": Option(options.shape)},
    ),
    "batch_norm": LayerType(
        partial(_normed, operation=layers.batch_norm, axis=1), {"eps": EPS}),
    "layer_norm": LayerType(
        partial(_normed, operation=layers.layer_norm, axis=-1), {"eps": EPS}),
    "rms_norm": LayerType(_rms_norm, {"eps": EPS}),
    "group_norm": LayerType(_group_norm, {"groups": Option(options.whole(1)), "eps": EPS}),
    "dropout": LayerType(_dropout, {"keep": Option(options.between(0, 1))}),
    "embedding": LayerType(_embedding, {"units": UNITS}),
    "add": LayerType(_add, inputs=(2, None)),
    "multiply": LayerType(_multiply, inputs=(2, None)),
    "concat": LayerType(_concat, {"axis": AXIS}, (2, None)),
    "split": LayerType(_split, {"sizes": Option(options.sizes), "axis": AXIS}),
    "mean": LayerType(_mean, {"axis": AXIS}),
    "last": LayerType(lambda site, x: arrays.entry(site.builder, x, 0, -1)),
    "softmax": LayerType(
        lambda site, x: layers.softmax(site.builder, x, site.options["axis"]), {"axis": AXIS}),
    "log_softmax": LayerType(
        lambda site, x: layers.softmax(site.builder, x, site.options["axis"], log=True),
        {"axis": AXIS},
    ),
    "activation": LayerType(_activation, {"function": Option(options.function)}),
    "attention": LayerType(_attention, {"causal": CAUSAL}, (1, 3)),
    "multi_head_attention": LayerType(_multi_head, _HEADS, (1, 2)),
    "transformer_block": LayerType(_transformer_block, {
        **_HEADS, "units": UNITS, "activation": Option(options.function, ACTIVATIONS["gelu"]),
        "norm_first": Option(options.flag, True), "eps": EPS,
    }),
    "rnn": LayerType(_rnn, {**_GATES, "activation": Option(options.function, ACTIVATIONS["tanh"])}),
    "lstm": LayerType(partial(_recurrent, gates="ifgo", operation=recurrent.lstm), _GATES),
    "gru": LayerType(partial(_recurrent, gates="rzn", operation=recurrent.gru),
                     {**_GATES, "reset_after": Option(options.flag, True)}),
    **{name: LayerType(partial(
        lambda site, x, function: applied(site, x, function), function=function))
        for name, function in ACTIVATIONS.items()},
}
"""Layers by the name of their type; "last" is the last entry of the first axis, as of time."""
