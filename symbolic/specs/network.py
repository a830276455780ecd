"""A dense network as forward equations; its gradient is nobody's business here.

A layer is a row of equations, a loss is a scalar body summed over the output; both conventions
(X W + b with a sample per row, W x + b with a sample per column) are the same equations with
their axes in another order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import sympy as sp

from ..equation import Array, Equation, Index, Kind, Read, Size, System, Term, as_size, slot
from ..functions import ACTIVATIONS
from ..validation import validate
from .checks import NetworkError as NetworkError
from .checks import activation_function as activation_function
from .checks import check_apart, check_notation, check_size, choice
from .losses import BOUNDED, Objective

Convention = Literal["rows", "columns"]
BATCH = "m"
"""The batch size's symbol where none is given."""


@dataclass(frozen=True)
class Network:
    """A dense network: layer sizes, activations, loss, and the convention its arrays follow.

    sizes: layer widths from input to output, each a positive integer or the name of a size.
    activation: of the hidden layers; a name, a formula in ``z``, or a list with one a layer.
    output: activation of the last layer ("identity" by default; "softmax" is possible here).
    loss: a key of ``LOSSES``.
    convention: "rows" is X W + b, W of shape (in, out), a sample per row; "columns" is W x + b,
        W of shape (out, in), a sample per column.  b has shape (out,) in both.
    batch: name or number of the batch size; False for a single sample without a batch axis.
    delta: "loss" lets δ carry the loss's 1/m; "sample" has δ per sample, and 1/m in the gradients.
    values: numbers for X, Y, W1, b1, ... where there are any.
    l1, l2, label_smoothing, sample_weights: options of the loss, see :class:`Objective`.

    Raises NetworkError, which names the key, for anything that cannot be built.
    """

    sizes: Sequence[int | str]
    activation: str | Sequence[str] = "sigmoid"
    output: str = "identity"
    loss: str = "half_squared_error"
    convention: Convention = "rows"
    batch: str | int | bool = BATCH
    delta: Literal["loss", "sample"] = "loss"
    name: str = "network"
    values: Mapping[str, Any] = field(default_factory=dict)
    learning_rate: Any = None
    notation: Mapping[str, Any] = field(default_factory=dict)
    source: Mapping[str, Any] = field(default_factory=dict)
    claims: Sequence[Mapping[str, Any]] = ()
    l1: Any = 0
    l2: Any = 0
    label_smoothing: Any = 0
    sample_weights: bool = False

    def __post_init__(self) -> None:
        sizes = self.sizes
        if isinstance(sizes, str) or not isinstance(sizes, Sequence) or len(sizes) < 2:
            raise NetworkError("sizes", "expected a list of at least two layer widths, from input "
                               f"to output, such as [2, 3, 1]; got {sizes!r}")
        for place, size in enumerate(sizes):
            check_size(f"sizes[{place}]", size)
        if self.batch is not False:
            if self.batch is True:
                raise NetworkError("batch", "expected a name, a number, or false for a single "
                                   "sample; got true")
            check_size("batch", self.batch)
        choice("convention", self.convention, ("rows", "columns"))
        choice("delta", self.delta, ("loss", "sample"))
        self._check_activations()
        self._check_loss()
        self._check_names()

    def _check_activations(self) -> None:
        for place, name in enumerate(self.activations):
            last = place == self.depth - 1
            key = "output" if last else "activation"
            if name == "softmax" and not last:
                raise NetworkError(key, "softmax is for the output layer; hidden layers take one "
                                   f"of {sorted(ACTIVATIONS)} or a formula in z")
            if name != "softmax":
                activation_function(name, key)

    def _check_loss(self) -> None:
        loss = self.objective.row
        if self.sample_weights and self.batch is False:
            raise NetworkError("sample_weights", "need a batch; this network has batch = false")
        if self.delta == "sample" and self.batch is False:
            raise NetworkError("delta", "'sample' needs a batch; this network has batch = false, "
                               "where δ is per sample already")
        if self.delta == "sample" and loss.mean is None:
            raise NetworkError("delta", f"'sample' moves a mean's 1/m into the gradients, and "
                               f"{self.loss} is a sum, whose δ is per sample already; leave delta "
                               "out")
        if loss.output == "logits" and self.output != "identity":
            raise NetworkError("output", f"{self.loss} takes logits, so the output must be "
                               f"'identity'; got {self.output!r}")
        bounded = BOUNDED.get(loss.output)
        if bounded and self.output in ACTIVATIONS and self.output not in bounded:
            wanted = "softmax" if loss.output == "distribution" else "sigmoid"
            raise NetworkError("output", f"{self.loss} needs outputs between 0 and 1, such as "
                               f"{wanted!r}; got {self.output!r} (for logits use "
                               f"{self.loss}_from_logits)")

    def _check_names(self) -> None:
        """That sizes, arrays and symbols are called differently."""
        layers = range(1, self.depth + 1)
        arrays = {"X": "x", "Y": "y", **{f"{kind}{n}": kind.lower() for n in layers
                                         for kind in "WbZA"}}
        taken = dict.fromkeys([*arrays, "L", "S", "R", "sample_weights",
                               *(f"S{layer}" for layer in layers)], "an array of the network")
        if self.batch is not False:
            check_apart("batch", self.batch, taken)
            for place, size in enumerate(self.sizes):
                check_apart(f"sizes[{place}]", size, {**taken, str(self.batch): "the batch size"})
        for place, size in enumerate(self.sizes):
            check_apart(f"sizes[{place}]", size, taken)
        sizes = [str(size) for size in (*self.sizes, self.batch) if isinstance(size, str)]
        self.objective.check_names([*taken, *sizes])
        check_notation(self.notation, arrays, sizes)

    @property
    def objective(self) -> Objective:
        """The loss with its options."""
        return Objective(self.loss, self.l1, self.l2, self.label_smoothing, self.sample_weights)

    @property
    def depth(self) -> int:
        """The number of layers with weights."""
        return len(self.sizes) - 1

    @property
    def activations(self) -> tuple[str, ...]:
        """One activation a layer, the output's last."""
        hidden = self.depth - 1
        if isinstance(self.activation, str):
            return (self.activation,) * hidden + (self.output,)
        if not isinstance(self.activation, Sequence):
            raise NetworkError("activation", "expected a name, a formula in z, or a list with one "
                               f"a hidden layer; got {self.activation!r}")
        if len(self.activation) != hidden:
            raise NetworkError("activation", f"expected one name for all hidden layers or a list "
                               f"of {hidden}, got {len(self.activation)}: {self.activation!r}")
        return (*self.activation, self.output)

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(f"{kind}{layer}" for layer in range(1, self.depth + 1) for kind in "Wb")

    @property
    def prediction(self) -> str:
        """The array that the loss compares with Y."""
        return f"A{self.depth}"

    @property
    def batch_size(self) -> Size | None:
        return None if self.batch is False else as_size(self.batch)

    def system(self) -> System:
        """The forward equations, down to the scalar loss ``L``."""
        return _forward(self)

    def shapes(self) -> dict[str, tuple[Size, ...]]:
        """The shape of every input array: X, Y, W1, b1, ..."""
        return {array.name: array.shape for array in self.system().inputs}


# --- forward equations --------------------------------------------------------------------------

_LETTERS = "ijkpqruvw"


def _forward(network: Network) -> System:
    sizes = [as_size(size) for size in network.sizes]
    rows = network.convention == "rows"
    sample = (
        () if network.batch_size is None else (Index("s", network.batch_size),)
    )
    layer_index = [
        Index(_LETTERS[place] if place < len(_LETTERS) else f"i{place}", size)
        for place, size in enumerate(sizes)
    ]

    def axes(feature: Index) -> tuple[Index, ...]:
        """The axes of an activation: (sample, feature) in rows, (feature, sample) in columns."""
        return (*sample, feature) if rows else (feature, *sample)

    def at(name: str, indices: Sequence[Index]) -> Read:
        return Read(name, tuple(index.symbol for index in indices))

    def declare(name: str, indices: Sequence[Index], kind: Kind = "real") -> Array:
        return Array(name, tuple(i.size for i in indices), kind, tuple(i.name for i in indices))

    inputs = [
        declare("X", axes(layer_index[0])),
        declare("Y", axes(layer_index[-1]), network.objective.row.target),
    ]
    weights = []
    equations: list[Equation] = []
    previous = "X"
    for layer, name in enumerate(network.activations, 1):
        before, here = layer_index[layer - 1], layer_index[layer]
        weight = (before, here) if rows else (here, before)
        weights.append(declare(f"W{layer}", weight))
        inputs += [weights[-1], declare(f"b{layer}", (here,))]
        read_a, read_w = at(previous, axes(before)), at(f"W{layer}", weight)
        reads = (read_a, read_w) if rows else (read_w, read_a)
        equations.append(Equation(f"Z{layer}", axes(here), (
            Term(slot(0) * slot(1), reads, (before,)),
            Term(slot(0), (at(f"b{layer}", (here,)),)),
        )))
        z = at(f"Z{layer}", axes(here))
        if name == "softmax":
            equations.append(Equation(
                f"S{layer}", sample, (Term(slot(0), (z,), (here,)),), "logsumexp"
            ))
            body = sp.exp(slot(0) - slot(1))
            arguments: tuple[Read, ...] = (z, at(f"S{layer}", sample))
        else:
            function = activation_function(name)
            body, arguments = (slot(0) if function is None else function(slot(0))), (z,)
        equations.append(Equation(f"A{layer}", axes(here), (Term(body, arguments),)))
        previous = f"A{layer}"
    further, last = network.objective.equations(
        previous, axes(layer_index[-1]), layer_index[-1], weights
    )
    return validate(System((*inputs, *further), (*equations, *last)))
