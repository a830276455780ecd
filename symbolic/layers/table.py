"""Every layer, once: what builds it, the arrays and options it takes, the parameters it declares.

A text calls a layer with its arrays, `conv2d(X, W, b, stride=2)`; a spec (and a ``gp.Model``) lists
it with sizes, `type = "conv2d", channels = 6, kernel = 5, stride = 2`, and the layer declares
W and b.  Both read these rows, so an option means, checks and defaults to the same in each.  Where
a door is to differ, a column says so: `doors`, `sizes`, `in_text`.

A new layer is a function on a :class:`Builder` (a file beside this one) and a row here.  No name of
a key or a place in a text is known here; those belong to the doors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

import sympy as sp

from ..equation import Size
from ..functions import ACTIVATIONS
from . import attention, convolution, feedforward, norms, options, rearrange, recurrent
from .builder import Builder, Operand, ShapeError
from .options import FunctionOption, Option
from .site import Site

Built: TypeAlias = Operand | tuple[Operand, ...]
Given: TypeAlias = dict[str, Any]
"""Arrays by the names under which `build` takes them; a group of them is a tuple."""

TEXT, SPEC = "text", "spec"
BOTH = frozenset((TEXT, SPEC))


@dataclass(frozen=True)
class LayerRow:
    """A layer.

    build: `build(builder, **arrays, **options)` appends the equations and gives the output.
    arrays: what a text hands over, in order: `?` may be missing, `*` is a group with one array a
        gate, `+` collects any number of arrays.
    options: of `build`, by name.
    inputs: those of the arrays that are outputs of layers before, in a spec; with `+` it takes at
        least two.
    parameters: `parameters(site, *inputs)` declares the other arrays of a spec.
    sizes: options that only `parameters` reads, so a spec alone has them.
    activated: whether a spec may add `activation` to it.
    doors: who calls it by this name; NumPy's functions of a name have their own form in a text.
    in_text: defaults that differ there, because the text means what NumPy would mean by it.
    example: the shape of X and the options of the least model with it; None where the gallery of
        the tests has its own rows of it.
    """

    build: Callable[..., Built]
    arrays: str = "x"
    options: Mapping[str, Option] = field(default_factory=dict)
    inputs: str = "x"
    parameters: Callable[..., Given] | None = None
    sizes: Mapping[str, Option] = field(default_factory=dict)
    activated: bool = False
    doors: frozenset[str] = BOTH
    in_text: Mapping[str, Any] = field(default_factory=dict)
    example: tuple[str, Mapping[str, Any]] | None = None

    @property
    def spec_options(self) -> dict[str, Option]:
        """The options that a spec may state."""
        behind = {"activation": FUNCTION} if self.activated else {}
        return {**self.sizes, **self.options, **behind}

    @property
    def counts(self) -> tuple[int, int | None]:
        """How many layers before it reads in a spec: least and most (None: any number)."""
        words = self.inputs.split()
        if words[0].endswith("+"):
            return 2, None
        return sum(not word.endswith("?") for word in words), len(words)

    def at(self, site: Site, *inputs: Operand) -> Built:
        """The layer at its place in a spec, on the outputs of layers before."""
        names = [word.rstrip("?+") for word in self.inputs.split()]
        arrays: Given = ({names[0]: inputs} if self.counts[1] is None
                         else dict(zip(names, inputs, strict=False)))
        if self.parameters is not None:
            arrays |= self.parameters(site, *inputs)
        return self.build(site.builder, **arrays, **{key: site[key] for key in self.options})

    def usage(self, name: str) -> str:
        """How a text calls it.

        >>> LAYERS["conv2d"].usage("conv2d")
        'conv2d(x, w, [bias], stride=..., padding=..., dilation=...)'
        """
        shown = [f"[{word.rstrip('?*')}]" if word.endswith("?") else word.rstrip("*").replace(
            "+", ", ...") for word in self.arrays.split()]
        return f"{name}({', '.join([*shown, *(f'{option}=...' for option in self.options)])})"


UNITS, BIAS = Option(options.size), Option(options.flag, True)
EPS = Option(options.between(0, None), norms.EPSILON)
AXIS = Option(options.integer, -1)
CAUSAL = Option(options.flag, False)
PADDING = Option(options.whole(0), 0)
FUNCTION = FunctionOption(default=None)
DENSE = {"units": UNITS, "bias": BIAS}
CONV_SIZES = {"channels": UNITS, "kernel": Option(options.kernel), "bias": BIAS}
CONV = {"stride": Option(options.whole(1), 1), "padding": PADDING,
        "dilation": Option(options.whole(1), 1)}
GROUPED = {**CONV, "groups": Option(options.whole(1), 1)}
POOL = {"kernel": Option(options.kernel), "stride": Option(options.whole(1), None),
        "padding": PADDING}
HEADS = {"heads": Option(options.whole(1)), "size": Option(options.size, None)}


# --- what layers of a spec declare --------------------------------------------------------------


def _width(x: Operand) -> Size:
    """The length of the last axis.  ShapeError for an output of no axes."""
    x.expect_axis()
    return x.shape[-1]


def _dense(site: Site, x: Operand) -> Given:
    return {"w": site.weight("W", _width(x), site["units"]),
            "bias": site.bias("b", site["units"])}


def _conv(site: Site, x: Operand, *, spatial: int) -> Given:
    convolution.expect_spatial(x, spatial)
    kernel = convolution.kernel_sizes(site["kernel"], spatial)
    width = sp.cancel(x.shape[1] / site["groups"])
    if not width.is_integer:
        raise ShapeError(f"the {x.shape[1]} channels do not fall into {site['groups']} groups for "
                         "all sizes")
    return {"w": site.weight("W", site["channels"], width, *kernel),
            "bias": site.bias("b", site["channels"])}


def _depthwise(site: Site, x: Operand, *, spatial: int) -> Given:
    convolution.expect_spatial(x, spatial)
    return {"w": site.weight("W", x.shape[1], *convolution.kernel_sizes(site["kernel"], spatial)),
            "bias": site.bias("b", x.shape[1])}


def _transposed(site: Site, x: Operand, *, spatial: int) -> Given:
    convolution.expect_spatial(x, spatial)
    kernel = convolution.kernel_sizes(site["kernel"], spatial)
    return {"w": site.weight("W", x.shape[1], site["channels"], *kernel),
            "bias": site.bias("b", site["channels"])}


def _affine(site: Site, x: Operand, *, axis: int, suffix: str = "") -> Given:
    """Gain and shift for the entries of an axis."""
    size = x.shape[rearrange.axis_of(x, axis)]
    return {word: site.vector(f"{word}{suffix}", size) for word in ("gamma", "beta")}


def _gain(site: Site, x: Operand) -> Given:
    return {"gamma": site.vector("gamma", x.shape[rearrange.axis_of(x, -1)])}


def _table(site: Site, labels: Operand) -> Given:
    if site.classes is None:
        raise ShapeError('an embedding takes integers: give the model kind = "labels 50" for 50 '
                         "of them, and let it be the first layer")
    return {"table": site.weight("E", site.classes, site["units"])}


def _itself(site: Site, q: Operand, k: Operand | None = None, v: Operand | None = None) -> Given:
    """A single input attends to itself."""
    if v is None and k is not None:
        raise ShapeError("attention takes one input, which attends to itself, or three: q, k, v")
    return {"k": k or q, "v": v or q}


def _heads(site: Site, x: Operand, memory: Operand | None = None) -> Given:
    """W_Q, W_K, W_V and W_O of attention with several heads."""
    width, source = _width(x), _width(memory or x)
    heads, size = sp.Integer(site["heads"]), site["size"]
    if size is None:
        size = sp.cancel(width / heads)
        if not size.is_integer:
            raise ShapeError(f"a width of {width} does not fall into {heads} heads; give the size "
                             "of a head")
    return {"wq": site.weight("WQ", heads, width, size),
            "wk": site.weight("WK", heads, source, size),
            "wv": site.weight("WV", heads, source, size),
            "wo": site.weight("WO", heads, size, width)}


def _block(site: Site, x: Operand) -> Given:
    width, units = _width(x), site["units"]
    heads = _heads(site, x)
    first = _affine(site, x, axis=-1)
    feed = {"w1": site.weight("WF", width, units), "b1": site.vector("bF", units),
            "w2": site.weight("WG", units, width), "b2": site.vector("bG", width)}
    second = _affine(site, x, axis=-1, suffix="F")
    return {**heads, **feed, **{f"{word}1": array for word, array in first.items()},
            **{f"{word}2": array for word, array in second.items()}}


def _built_block(b: Builder, x: Operand, *, activation: Any, causal: bool, norm_first: bool,
                 eps: sp.Expr, **weights: Operand) -> Operand:
    return attention.transformer_block(b, x, attention.BlockWeights(**weights), activation,
                                       causal=causal, norm_first=norm_first, eps=eps)


def _rnn(site: Site, x: Operand) -> Given:
    units: Size = site["units"]
    return {"wx": site.weight("W", _width(x), units), "wh": site.weight("U", units, units),
            "bias": site.bias("b", units)}


def _gated(site: Site, x: Operand, *, gates: str) -> Given:
    units: Size = site["units"]
    found: Given = {"wx": tuple(site.weight(f"W{gate}", _width(x), units) for gate in gates),
                    "wh": tuple(site.weight(f"U{gate}", units, units) for gate in gates)}
    if site["bias"]:
        found["bias"] = tuple(site.vector(f"b{gate}", units) for gate in gates)
        if site.options.get("reset_after"):
            found["hidden_bias"] = site.vector("c", units)
    return found


# --- the table ----------------------------------------------------------------------------------

IN_SPECS = frozenset((SPEC,))
"""In a text, `+`, `*`, subscripts and NumPy's own functions say these."""

LAYERS: dict[str, LayerRow] = {
    "dense": LayerRow(feedforward.dense, "x w bias?", parameters=_dense, sizes=DENSE,
                      activated=True),
    **{f"conv{n}d": LayerRow(
        partial(convolution.conv, spatial=n), "x w bias?", GROUPED,
        parameters=partial(_conv, spatial=n), sizes=CONV_SIZES, activated=True,
    ) for n in (1, 2, 3)},
    **{f"depthwise_conv{n}d": LayerRow(
        partial(convolution.depthwise, spatial=n), "x w bias?", CONV,
        parameters=partial(_depthwise, spatial=n), sizes={k: v for k, v in CONV_SIZES.items()
                                                          if k != "channels"}, activated=True,
    ) for n in (1, 2, 3)},
    **{f"conv_transpose{n}d": LayerRow(
        partial(convolution.transposed, spatial=n), "x w bias?",
        {**CONV, "output_padding": PADDING}, parameters=partial(_transposed, spatial=n),
        sizes=CONV_SIZES, activated=True,
    ) for n in (1, 2, 3)},
    **{f"{kind}_pool{n}d": LayerRow(
        partial(convolution.pool, spatial=n, mean=kind == "avg"), "x", POOL,
    ) for kind in ("max", "avg") for n in (1, 2, 3)},
    "flatten": LayerRow(feedforward.flatten, "x", {"start": Option(options.integer, 1)}),
    "reshape": LayerRow(rearrange.reshape, "operand", {"shape": Option(options.shape)}, "operand",
                        doors=IN_SPECS),
    "batch_norm": LayerRow(norms.batch_norm, "x gamma? beta?", {"eps": EPS},
                           parameters=partial(_affine, axis=1)),
    "layer_norm": LayerRow(norms.layer_norm, "x gamma? beta?", {"eps": EPS},
                           parameters=partial(_affine, axis=-1)),
    "rms_norm": LayerRow(norms.rms_norm, "x gamma?", {"eps": EPS}, parameters=_gain),
    "group_norm": LayerRow(
        norms.group_norm, "x gamma? beta?", {"groups": Option(options.whole(1)), "eps": EPS},
        parameters=partial(_affine, axis=1)),
    "dropout": LayerRow(
        feedforward.dropout, "x mask", {"keep": Option(options.between(0, 1))},
        parameters=lambda site, x: {"mask": site.given("mask", x.shape, "mask")}),
    "embedding": LayerRow(rearrange.gather, "table labels", inputs="labels", parameters=_table,
                          sizes={"units": UNITS}),
    "add": LayerRow(feedforward.add, "parts+", inputs="parts+", doors=IN_SPECS),
    "multiply": LayerRow(feedforward.multiply, "parts+", inputs="parts+", doors=IN_SPECS),
    **{name: LayerRow(
        rearrange.concatenate, "parts+", {"axis": AXIS}, "parts+", in_text={"axis": 0},
        doors=doors,
    ) for name, doors in (("concat", BOTH), ("concatenate", frozenset((TEXT,))))},
    "split": LayerRow(feedforward.split, "x", {"sizes": Option(options.sizes), "axis": AXIS},
                      doors=IN_SPECS),
    "mean": LayerRow(feedforward.mean, "x", {"axis": AXIS}, doors=IN_SPECS),
    "last": LayerRow(partial(rearrange.entry, axis=0, at=-1), "operand", inputs="operand",
                     doors=IN_SPECS),
    "softmax": LayerRow(feedforward.softmax, "x", {"axis": AXIS}, doors=IN_SPECS),
    "log_softmax": LayerRow(partial(feedforward.softmax, log=True), "x", {"axis": AXIS},
                            doors=IN_SPECS),
    "activation": LayerRow(feedforward.activation, "x", {"function": FunctionOption()},
                           doors=IN_SPECS),
    "attention": LayerRow(attention.attention, "q k v mask?", {"causal": CAUSAL}, "q k? v?",
                          parameters=_itself),
    "multi_head_attention": LayerRow(
        attention.multi_head_attention, "x wq wk wv wo memory?", {"causal": CAUSAL}, "x memory?",
        parameters=_heads, sizes=HEADS),
    "transformer_block": LayerRow(
        _built_block, "x wq wk wv wo w1 b1 w2 b2 gamma1 beta1 gamma2 beta2",
        {"causal": CAUSAL, "norm_first": Option(options.flag, True), "eps": EPS,
         "activation": FunctionOption(default=ACTIVATIONS["gelu"])},
        parameters=_block, sizes={**HEADS, "units": UNITS}),
    "rnn": LayerRow(
        recurrent.rnn, "x wx wh bias? h0?",
        {"activation": FunctionOption(default=ACTIVATIONS["tanh"])},
        parameters=_rnn, sizes=DENSE),
    "lstm": LayerRow(recurrent.lstm, "x wx* wh* bias*? h0? c0?",
                     parameters=partial(_gated, gates="ifgo"), sizes=DENSE),
    "gru": LayerRow(
        recurrent.gru, "x wx* wh* bias*? hidden_bias? h0?",
        {"reset_after": Option(options.flag, True)},
        parameters=partial(_gated, gates="rzn"), sizes=DENSE),
    **{name: LayerRow(partial(feedforward.activation, function=function), doors=IN_SPECS)
       for name, function in ACTIVATIONS.items()},
}
"""Layers by name; "last" is the last entry of the first axis, as of time."""


def rows(door: str) -> dict[str, LayerRow]:
    """The layers that a door, ``TEXT`` or ``SPEC``, calls by name."""
    return {name: row for name, row in LAYERS.items() if door in row.doors}
