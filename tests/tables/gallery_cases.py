"""The gallery: a row for every layer, activation and loss, with PyTorch's own form of each.

Names are symbolic sizes; kernels, strides, dilations, heads and groups are numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gallery_peers import (
    FUNCTIONS,
    LOSS_TERMS,
    Peer,
    attention,
    block,
    conv,
    dense,
    depthwise,
    gru_as_published,
    heads,
    normed,
    pool,
    recurrent,
    split,
)

from gradproof.symbolic.functions import ACTIVATIONS
from gradproof.symbolic.layers import table
from gradproof.symbolic.layers.losses import LOSSES
from gradproof.symbolic.specs.model import Model


@dataclass(frozen=True)
class Case:
    """A model that is little more than the row's layer, differentiated by X and all parameters.

    peer: the last layer's output in PyTorch, from the arrays by name and the module.
    sums: over what published forms have a Σ -> in which arrays, as patterns of their names.
    options: of the loss (l1, l2, label_smoothing, sample_weights).
    flaw: why a formula is printed with a Σ that published ones have not, where one is.
    """

    name: str
    group: str
    input: str
    layers: Sequence[str | Mapping[str, Any]]
    peer: Peer
    sums: Mapping[str, str] = field(default_factory=dict)
    loss: str = "half_squared_error"
    kind: str = "real"
    options: Mapping[str, Any] = field(default_factory=dict)
    flaw: str = ""

    def model(self) -> Model:
        """The model, built anew."""
        return Model(self.input, self.layers, self.loss, self.kind, **self.options)


def _rows(group: str, *rows: tuple[Any, ...]) -> list[Case]:
    return [Case(row[0], group, *row[1:]) for row in rows]


def layer(kind: str, **options: Any) -> dict[str, Any]:
    """A layer as specs have it."""
    return {"type": kind, **options}


# --- the rows -----------------------------------------------------------------------------------

QKV = [layer("dense", units=units, bias=False, name=name, inputs=["input"])
       for units, name in (("d", "q"), ("d", "k"), ("e", "v"))]
PATCH = {"stride": 2, "padding": 1, "dilation": 2}
BATCH, STEPS = {"samples": "d[WEb]*"}, {"steps": "dW* dU* db* dc1"}
HEADS = {"heads": "Z? t? dt? dX", "samples": "d[Wbg]*"}
WINDOWS, POOLED = {"channels, kernel, places": "Z1 dX dW1 db1"}, {"windows": "A1 dX"}
NORMED = {"what is normalised": "mu var ms dmu dvar dms dgamma1 dbeta1"}
AXIS, CLASSES = {"the axis": "A1 dX"}, {"classes": "R S"}  # of a score, of log Σ exp

LAYERS: list[Case] = [
    *_rows(
        "layers",
        ("dense", "m n", [layer("dense", units="k")], dense),
        ("dense, no bias, tanh", "m n", [layer("dense", units="k", bias=False, activation="tanh")],
         lambda t, torch: torch.tanh(t["X"] @ t["W1"])),
        ("dense on a sequence", "m T n", [layer("dense", units="k")], dense, BATCH),
        ("embedding", "m T", [layer("embedding", units="d")],
         lambda t, torch: torch.nn.functional.embedding(t["X"], t["E1"]), {"equal labels": "dE1"},
         "half_squared_error", "labels v"),
        ("dropout", "m n", [layer("dropout", keep=0.75)],
         lambda t, torch: t["X"] * t["mask1"] / 0.75),
        ("activation, a formula", "m n", [layer("activation", function="z*tanh(z) + z")],
         lambda t, torch: t["X"] * torch.tanh(t["X"]) + t["X"]),
    ),
    *_rows(
        "convolution and pooling",
        ("conv1d", "m c w", [layer("conv1d", channels="f", kernel=3)], conv(), WINDOWS),
        ("conv1d, stride, padding, dilation", "m c w",
         [layer("conv1d", channels="f", kernel=3, **PATCH)], conv(**PATCH), WINDOWS),
        ("conv2d", "m c h w", [layer("conv2d", channels="f", kernel=[2, 3])], conv(), WINDOWS),
        ("conv2d, stride", "m c h w", [layer("conv2d", channels="f", kernel=3, stride=2)],
         conv(stride=2), WINDOWS),
        ("conv2d, padding, no bias", "m c h w",
         [layer("conv2d", channels="f", kernel=3, padding=1, bias=False)], conv(padding=1),
         WINDOWS),
        ("conv2d, dilation", "m c h w", [layer("conv2d", channels="f", kernel=2, dilation=3)],
         conv(dilation=3), WINDOWS),
        ("conv2d, stride, padding, dilation", "m c h w",
         [layer("conv2d", channels="f", kernel=[2, 3], **PATCH)], conv(**PATCH), WINDOWS),
        ("conv3d", "m c h w t", [layer("conv3d", channels="f", kernel=2)], conv(), WINDOWS),
        *((f"depthwise_conv{n}d", shape, [layer(f"depthwise_conv{n}d", kernel=2)], depthwise,
           WINDOWS) for n, shape in ((1, "m c w"), (2, "m c h w"), (3, "m c h w t"))),
        *((f"conv_transpose{n}d", shape,
           [layer(f"conv_transpose{n}d", channels="f", kernel=3, stride=2)],
           conv("conv_transpose", stride=2), WINDOWS)
          for n, shape in ((1, "m c w"), (2, "m c h w"), (3, "m c h w t"))),
        *((f"{kind}_pool3d", "m c h w t", [layer(f"{kind}_pool3d", kernel=2)], pool(kind, 2),
           POOLED) for kind in ("max", "avg")),
        ("max_pool1d", "m c w", [layer("max_pool1d", kernel=2)], pool("max", 2), POOLED),
        ("max_pool1d, stride, padding", "m c w",
         [layer("max_pool1d", kernel=3, stride=2, padding=1)], pool("max", 3, 2, 1), POOLED),
        ("max_pool2d", "m c h w", [layer("max_pool2d", kernel=2)], pool("max", 2), POOLED),
        ("max_pool2d, stride, padding", "m c h w",
         [layer("max_pool2d", kernel=3, stride=2, padding=1)], pool("max", 3, 2, 1), POOLED),
        ("avg_pool1d", "m c w", [layer("avg_pool1d", kernel=2)], pool("avg", 2), POOLED),
        ("avg_pool1d, stride, padding", "m c w",
         [layer("avg_pool1d", kernel=3, stride=2, padding=1)], pool("avg", 3, 2, 1), POOLED),
        ("avg_pool2d", "m c h w", [layer("avg_pool2d", kernel=2)], pool("avg", 2), POOLED),
        ("avg_pool2d, stride, padding", "m c h w",
         [layer("avg_pool2d", kernel=3, stride=2, padding=1)], pool("avg", 3, 2, 1), POOLED),
    ),
    *(replace(case, flaw="channels and filters are counted through all groups") for case in _rows(
        "convolution and pooling",
        ("conv2d, groups", "m 4 h w", [layer("conv2d", channels=6, kernel=3, groups=2)],
         conv(groups=2), WINDOWS),
    )),
    *(replace(case, flaw="entries are found by guarded sums") for case in _rows(
        "shapes and paths",
        ("flatten", "m c h w", ["flatten"], lambda t, torch: t["X"].flatten(1)),
        ("reshape, an axis into two", "m 6 n", [layer("reshape", shape="m 2 3 n")],
         lambda t, torch: t["X"].reshape(len(t["X"]), 2, 3, -1)),
        ("reshape, two axes into one", "m 2 3", [layer("reshape", shape="m 6")],
         lambda t, torch: t["X"].reshape(-1, 6)),
    )),
    *_rows(
        "shapes and paths",
        ("residual (add)", "m n", [layer("dense", units="n", activation="tanh", name="inner"),
                                   layer("add", inputs=["input", "inner"])],
         lambda t, torch: t["X"] + dense(t, torch, "tanh")),
        ("gate (multiply)", "m n", [layer("dense", units="n", activation="sigmoid", name="gate"),
                                    layer("multiply", inputs=["input", "gate"])],
         lambda t, torch: t["X"] * dense(t, torch, "sigmoid")),
        ("concat, last axis", "m n", [layer("tanh", name="t"),
                                      layer("concat", inputs=["input", "t"])],
         lambda t, torch: torch.cat([t["X"], torch.tanh(t["X"])], -1)),
        ("concat, first axis", "m n", [layer("tanh", name="t"),
                                       layer("concat", inputs=["input", "t"], axis=0)],
         lambda t, torch: torch.cat([t["X"], torch.tanh(t["X"])], 0)),
        ("split", "m 5", [layer("split", sizes=[2, 3], name="s"),
                          layer("tanh", inputs=["s.1"], name="t"),
                          layer("concat", inputs=["t", "s.0"])], split),
        ("mean", "m n p", [layer("mean", axis=1)], lambda t, torch: t["X"].mean(1), AXIS),
        ("last", "T m n", ["last"], lambda t, torch: t["X"][-1]),
    ),
    *_rows(
        "norms and softmax",
        ("batch_norm", "m c", ["batch_norm"], lambda t, torch: torch.nn.functional.batch_norm(
            t["X"], None, None, t["gamma1"], t["beta1"], True), NORMED),
        ("batch_norm, images", "m c h w", ["batch_norm"],
         lambda t, torch: torch.nn.functional.batch_norm(
             t["X"], None, None, t["gamma1"], t["beta1"], True), NORMED),
        ("layer_norm", "m n", ["layer_norm"], lambda t, torch: normed(t["X"], t, torch), NORMED),
        ("rms_norm", "m n", ["rms_norm"], lambda t, torch: torch.nn.functional.rms_norm(
            t["X"], t["X"].shape[-1:], t["gamma1"], 1e-5), NORMED),
        ("group_norm", "m 4 w", [layer("group_norm", groups=2)],
         lambda t, torch: torch.nn.functional.group_norm(t["X"], 2, t["gamma1"], t["beta1"]),
         NORMED, "half_squared_error", "real", {},
         "the group of a channel is found by a guarded sum"),
        *((f"{name}, axis {axis} of 3", "m n p", [layer(name, axis=axis)],
           lambda t, torch, name=name, axis=axis: getattr(torch, name)(t["X"], axis), AXIS)
          for name in ("softmax", "log_softmax") for axis in range(3)),
    ),
    *_rows(
        "attention",
        ("attention", "m T n", [*QKV, layer("attention", inputs=["q", "k", "v"])],
         attention(False), BATCH),
        ("attention, causal", "m T n",
         [*QKV, layer("attention", inputs=["q", "k", "v"], causal=True)], attention(True), BATCH),
        ("multi_head_attention", "m T n", [layer("multi_head_attention", heads=2, size="d")],
         lambda t, torch: heads(t["X"], t["X"], t, torch, False), HEADS),
        ("multi_head_attention, causal", "m T n",
         [layer("multi_head_attention", heads=3, size="d", causal=True)],
         lambda t, torch: heads(t["X"], t["X"], t, torch, True), HEADS),
        ("multi_head_attention to a memory", "m T n",
         [layer("tanh", name="memory"),
          layer("multi_head_attention", heads=2, size="d", inputs=["input", "memory"])],
         lambda t, torch: heads(t["X"], torch.tanh(t["X"]), t, torch, False, 2), HEADS),
        ("transformer_block, pre-norm", "m T n",
         [layer("transformer_block", heads=2, size="d", units="k")], block(False, True), HEADS),
        ("transformer_block, pre-norm, causal", "m T n",
         [layer("transformer_block", heads=2, size="d", units="k", causal=True)],
         block(True, True), HEADS),
        ("transformer_block, post-norm", "m T n",
         [layer("transformer_block", heads=2, size="d", units="k", norm_first=False)],
         block(False, False), HEADS),
    ),
    *_rows(
        "recurrences",
        ("rnn, tanh", "T m n", [layer("rnn", units="d")], recurrent("RNN", [""]), STEPS),
        ("rnn, relu", "T m n", [layer("rnn", units="d", activation="relu")],
         recurrent("RNN", [""], nonlinearity="relu"), STEPS),
        ("lstm", "T m n", [layer("lstm", units="d")], recurrent("LSTM", "ifgo"), STEPS),
        ("gru, reset after (PyTorch)", "T m n", [layer("gru", units="d")],
         recurrent("GRU", "rzn"), STEPS),
        ("gru, reset before (published)", "T m n", [layer("gru", units="d", reset_after=False)],
         gru_as_published, STEPS),
    ),
]

ACTIVATION_ROWS: list[Case] = [
    Case(name, "activations", "m n", [name],
         lambda t, torch, name=name: FUNCTIONS[name](t["X"], torch))
    for name in ACTIVATIONS if name in FUNCTIONS
]


def _losses(title: str, names: Sequence[str], **options: Any) -> list[Case]:
    made = []
    for name in names:
        output = {"probability": "sigmoid", "distribution": "softmax"}.get(
            LOSSES[name].output, "identity")
        layers = [layer("dense", units="k")] + ([output] if output != "identity" else [])
        made.append(Case(
            name + title, "losses", "m n", layers,
            lambda t, torch, output=output: dense(t, torch, output),
            CLASSES, name, "real", options))
    return made


PEERED = [name for name in LOSSES if name in LOSS_TERMS]
LOSS_ROWS: list[Case] = [
    *_losses("", PEERED),
    *_losses(", L1 and L2 penalties", PEERED, l1="lam", l2=0.5),
    *_losses(", weights per sample", PEERED, sample_weights=True),
    *_losses(", smoothed labels", [n for n in PEERED if n.startswith("cross_entropy")],
             label_smoothing=0.1),
]

CASES: list[Case] = [*ACTIVATION_ROWS, *LAYERS, *LOSS_ROWS]
"""The rows of docs/gallery.md."""


def _none(t: Mapping[str, Any], torch: Any) -> Any:
    raise NotImplementedError("PyTorch's form of this row is not stated")


WITHOUT_PEER: list[Case] = [
    *(Case(name, "activations", "m n", [name], _none) for name in ACTIVATIONS
      if name not in FUNCTIONS),
    *(replace(case, peer=_none) for case in _losses("", [n for n in LOSSES if n not in PEERED])),
    *(Case(name, "layers", row.example[0], [layer(name, **row.example[1])], _none)
      for name, row in table.rows(table.SPEC).items() if row.example is not None),
]
"""What the tables have and no row compares with PyTorch yet: derived, and held against
differences alone."""
