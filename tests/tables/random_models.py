"""Models that nobody wrote: layers of every kind and option, one after the other, down to a loss.

The drawing follows the shape as it goes, so that most models can be built; what cannot is refused
with a reason, and drawn anew by whoever needs one that can.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from gradproof.symbolic.functions import ACTIVATIONS
from gradproof.symbolic.layers.losses import LOSSES

INPUTS = {
    "features": ["m 4", "m n", "m 6"], "sequence": ["m T 4", "m 3 4", "m T n", "m 4 6"],
    "steps": ["T m n", "T m 3", "3 m 2"], "signal": ["m 2 9", "m 4 8"],
    "image": ["m 1 6 6", "m 2 8 5", "m 4 6 6"], "words": ["m T", "m 3"],
}
"""Shapes of X by what they are read as."""
FORMULAS = ["z*tanh(z) + z", "1/(1 + exp(-z))", "where(z > 0, z, exp(z) - 1)", "z**2/(1 + z**2)",
            "log(1 + exp(z))", "maximum(z, 0.1*z)"]
SMOOTH = [name for name in ACTIVATIONS if name not in ("softmax",)]

Layer = Any
"""A type, or a table with one."""


def drawn_model(draw: random.Random, most: int = 6) -> dict[str, Any]:
    """The arguments of ``gp.Model``: plain data, as a spec would state them."""
    kind = draw.choice([*INPUTS])
    chain = _Chain(draw, kind)
    for _ in range(draw.randint(1, most)):
        chain.grow()
    chain.end()
    made: dict[str, Any] = {"input": chain.input, "layers": chain.layers, "loss": chain.loss()}
    if kind == "words":
        made["kind"] = "labels 5"
    for option, value in (("l1", 0.5), ("l2", "lam"), ("label_smoothing", 0.1),
                          ("sample_weights", True)):
        if draw.random() < 0.08:
            made[option] = value
    return made


class _Chain:
    """Layers on their way; `kind` is how the last output is read."""

    def __init__(self, draw: random.Random, kind: str) -> None:
        self.draw = draw
        self.kind = kind
        self.input = draw.choice(INPUTS[kind])
        self.layers: list[Layer] = []
        self.width: int | str = self.input.split()[-1]
        if kind == "words":
            self.width = draw.choice([4, 6])
            self.add("embedding", units=self.width)
            self.kind = "sequence"

    def add(self, kind: str, **options: Any) -> None:
        """A layer, with some of the options that are not asked for left out."""
        self.layers.append({"type": kind, **options} if options else kind)

    def some(self, **options: Any) -> dict[str, Any]:
        """Each of the options in one of three models."""
        return {key: value for key, value in options.items() if self.draw.random() < 0.35}

    def function(self) -> str:
        return self.draw.choice(SMOOTH if self.draw.random() < 0.8 else FORMULAS)

    def units(self) -> int | str:
        return self.draw.choice([1, 2, 3, 4, 6, "h"])

    def whole_width(self) -> int | None:
        return int(self.width) if str(self.width).isdigit() else None

    # --- one more -------------------------------------------------------------------------------

    def grow(self) -> None:
        """One more layer, or a few that belong together."""
        several: dict[str, list[Callable[[], None]]] = {
            "features": [self.dense, self.batch_norm, self.concat, self.split, self.residual],
            "sequence": [self.dense, self.attention, self.heads, self.block, self.conv1d,
                         self.pool1d, self.batch_norm, self.mean, self.flatten, self.residual,
                         self.split],
            "steps": [self.rnn, self.rnn, self.last, self.dense, self.residual],
            "signal": [self.conv1d, self.conv1d, self.other_convolution, self.pool1d,
                       self.batch_norm, self.group_norm, self.flatten, self.mean],
            "image": [self.conv2d, self.conv2d, self.other_convolution, self.pool2d,
                      self.batch_norm, self.group_norm, self.flatten, self.reshape],
        }
        everywhere = [self.activation, self.norm, self.dropout, self.softmax]
        self.draw.choice([*several[self.kind] * 2, *everywhere])()

    def dense(self) -> None:
        self.width = self.units()
        self.add("dense", units=self.width, **self.some(bias=False, activation=self.function()))

    def activation(self) -> None:
        if self.draw.random() < 0.5:
            self.add(self.draw.choice(SMOOTH))
        else:
            self.add("activation", function=self.function())

    def norm(self) -> None:
        self.add(self.draw.choice(["layer_norm", "rms_norm"]),
                 **self.some(eps=self.draw.choice([0.1, 1e-5, 1])))

    def dropout(self) -> None:
        self.add("dropout", keep=self.draw.choice([0.5, 0.75, 1]))

    def softmax(self) -> None:
        self.add(self.draw.choice(["softmax", "log_softmax"]),
                 **self.some(axis=self.draw.choice([-1, -1, 1])))

    def batch_norm(self) -> None:
        self.add("batch_norm", **self.some(eps=0.1))

    def group_norm(self) -> None:
        self.add("group_norm", groups=self.draw.choice([1, 2]), **self.some(eps=0.01))

    def residual(self) -> None:
        """A branch that is added to, or multiplied with, what it came from."""
        start = self.called()
        ways = [self.activation, self.norm]
        if self.width != "?":
            ways.append(lambda: self.add("dense", units=self.whole_width() or self.width))
        for _ in range(self.draw.randint(1, 2)):
            self.draw.choice(ways)()
        self.add(self.draw.choice(["add", "add", "multiply"]), inputs=[start, self.called()])

    def called(self) -> str:
        """A name for the last output."""
        if not self.layers:
            return "input"
        name = f"part{len(self.layers)}"
        last = self.layers[-1]
        if isinstance(last, dict) and "name" in last:
            return str(last["name"])
        self.layers[-1] = {**({"type": last} if isinstance(last, str) else last), "name": name}
        return name

    def concat(self) -> None:
        start, width = self.called(), self.whole_width()
        self.dense()
        added = self.whole_width()
        self.add("concat", inputs=[start, self.called()], **self.some(axis=-1))
        self.width = width + added if width and added else "?"

    def split(self) -> None:
        """Two parts, of which one goes on or both meet again."""
        width = self.whole_width()
        if width is None or width < 2:
            return self.dense()
        cut = self.draw.randint(1, width - 1)
        name = f"cut{len(self.layers)}"
        self.add("split", sizes=[cut, width - cut], name=name)
        if self.draw.random() < 0.5:
            self.add("dense", units=2, inputs=[f"{name}.{self.draw.choice([0, 1])}"])
            self.width = 2
        else:
            self.add("concat", inputs=[f"{name}.1", f"{name}.0"])
        return None

    def attention(self) -> None:
        self.add("attention", **self.some(causal=True))

    def heads(self) -> None:
        heads = self.draw.choice([1, 2])
        size = {} if self.whole_width() and self.whole_width() % heads == 0 else {"size": 2}
        self.add("multi_head_attention", heads=heads, **size, **self.some(causal=True))

    def block(self) -> None:
        heads = self.draw.choice([1, 2])
        size = {} if self.whole_width() and self.whole_width() % heads == 0 else {"size": 2}
        self.add("transformer_block", heads=heads, units=self.draw.choice([2, 3]), **size,
                 **self.some(causal=True, norm_first=False, activation=self.function()))

    def conv1d(self) -> None:
        self.kind = "signal" if self.kind == "sequence" and self.draw.random() < 0.5 else self.kind
        self.add("conv1d", channels=self.draw.choice([1, 2, 4]), kernel=self.draw.choice([1, 2, 3]),
                 **self.some(stride=2, padding=1, dilation=2, bias=False,
                             activation=self.function()))
        self.width = "?"

    def conv2d(self) -> None:
        self.add("conv2d", channels=self.draw.choice([1, 2, 4]),
                 kernel=self.draw.choice([1, 2, 3, [2, 3], [3, 1]]),
                 **self.some(stride=2, padding=1, dilation=2, bias=False,
                             activation=self.function()))
        self.width = "?"

    def other_convolution(self) -> None:
        kind = self.draw.choice(["depthwise_conv", "conv_transpose"])
        channels = {} if kind == "depthwise_conv" else {"channels": self.draw.choice([1, 2])}
        self.add(f"{kind}{1 if self.kind == 'signal' else 2}d", kernel=2, **channels,
                 **self.some(stride=2, bias=False, activation=self.function()))
        self.width = "?"

    def pool1d(self) -> None:
        self._pool("1d", [2, 3])

    def pool2d(self) -> None:
        self._pool("2d", [2, [2, 1], [1, 2]])

    def _pool(self, suffix: str, kernels: list[Any]) -> None:
        self.add(self.draw.choice(["max_pool", "avg_pool"]) + suffix,
                 kernel=self.draw.choice(kernels), **self.some(stride=1, padding=1))
        self.width = "?"

    def flatten(self) -> None:
        self.add("flatten", **self.some(start=1))
        self.kind, self.width = "features", "?"

    def reshape(self) -> None:
        self.add("flatten")
        self.dense()
        if self.whole_width() and int(self.width) % 2 == 0:
            self.add("reshape", shape=f"m {int(self.width) // 2} 2")
            self.kind, self.width = "sequence", 2
        else:
            self.kind = "features"

    def mean(self) -> None:
        axis = self.draw.choice([1, 1, -2])
        self.add("mean", axis=axis)
        self.kind = "features"

    def rnn(self) -> None:
        kind = self.draw.choice(["rnn", "lstm", "gru"])
        own = {"rnn": {"activation": self.function()}, "gru": {"reset_after": False}}.get(kind, {})
        self.width = self.units()
        self.add(kind, units=self.width, **self.some(bias=False, **own))

    def last(self) -> None:
        self.add("last")
        self.kind = "features"

    # --- the end --------------------------------------------------------------------------------

    def end(self) -> None:
        """Something with parameters, most of the time, so that there is a gradient."""
        if self.kind in ("image", "signal") and self.draw.random() < 0.7:
            self.flatten()
        if self.draw.random() < 0.8:
            self.add("dense", units=self.draw.choice([1, 2, 3]))

    def loss(self) -> str:
        """One that fits what the last layer gives."""
        last = self.layers[-1]
        kind = last if isinstance(last, str) else last["type"]
        needs = {"softmax": ("distribution", "any"), "sigmoid": ("probability", "any")}.get(
            kind, ("logits", "any"))
        return self.draw.choice([name for name, loss in LOSSES.items() if loss.output in needs])


def layers_of(model: dict[str, Any]) -> Iterator[str]:
    """The types of a model's layers."""
    for layer in model["layers"]:
        yield layer if isinstance(layer, str) else layer["type"]
