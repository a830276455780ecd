"""A dense network as forward equations; its gradient is nobody's business here.

A layer is a row of equations, a loss is a scalar body summed over the output; both conventions
(X W + b with a sample per row, W x + b with a sample per column) are the same equations with
their axes in another order:

    >>> print(Network([2, 1], convention="columns").system())
    Z1[j<1, s<m] = Σ_i<2 W1[j, i]*X[i, s] + b1[j]
    A1[j<1, s<m] = Z1[j, s]
    L[] = Σ_j<1 Σ_s<m (Y[j, s] - A1[j, s])**2/2
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import sympy as sp

from ..equation import Array, Equation, Index, Kind, Read, Size, System, Term, as_size, slot
from ..functions import ACTIVATIONS
from ..shapes import axis_names
from ..validation import validate
from .checks import NetworkError as NetworkError
from .checks import activation_function as activation_function
from .checks import check_apart, check_notation, check_size, choice
from .common import BATCH, Described
from .losses import BOUNDED

Convention = Literal["rows", "columns"]


@dataclass(frozen=True)
class Network(Described):
    """A dense network: layer sizes, activations, loss, and the convention its arrays follow.

    sizes: layer widths from input to output, each a positive integer or the name of a size.
    activation: of the hidden layers; a name, a formula in ``z``, or a list with one a layer.
    output: activation of the last layer ("identity" by default; "softmax" is possible here).
    loss: a key of ``LOSSES``.
    convention: "rows" is X W + b, W of shape (in, out), a sample per row; "columns" is W x + b,
        W of shape (out, in), a sample per column.  b has shape (out,) in both.
    batch: name or number of the batch size; False for a single sample without a batch axis.
    delta: "loss" lets δ carry the loss's 1/m; "sample" has δ per sample, and 1/m in the gradients.

    Further settings, by name alone, are those of :class:`Described`.

    Raises NetworkError, which names the key, for anything that cannot be built.
    """

    sizes: Sequence[int | str]
    activation: str | Sequence[str] = "sigmoid"
    output: str = "identity"
    loss: str = "half_squared_error"
    convention: Convention = "rows"
    batch: str | int | bool = BATCH
    delta: Literal["loss", "sample"] = "loss"

    def __post_init__(self) -> None:
        self.check_name()
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
        return _Forward(self).system()


# --- forward equations --------------------------------------------------------------------------

class _Forward:
    """The equations of a network, layer by layer."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.rows = network.convention == "rows"
        batch = network.batch_size
        self.sample = () if batch is None else (Index("s", batch),)
        names = axis_names(len(network.sizes), "ijkpqruvw")
        self.features = list(map(Index, names, map(as_size, network.sizes)))

    def system(self) -> System:
        """All equations, down to ``L``."""
        first, last = self.features[0], self.features[-1]
        objective = self.network.objective
        inputs = [_declared("X", self.axes(first)),
                  _declared("Y", self.axes(last), objective.row.target,
                            -1 if self.rows else 0)]
        weights: list[Array] = []
        equations: list[Equation] = []
        previous = "X"
        for layer, activation in enumerate(self.network.activations, 1):
            before, here = self.features[layer - 1 : layer + 1]
            weights.append(_declared(f"W{layer}", self.weight(before, here)))
            inputs += [weights[-1], _declared(f"b{layer}", (here,))]
            equations += [self.affine(layer, previous, before, here),
                          *self.activated(layer, activation, here)]
            previous = f"A{layer}"
        further, ends = objective.equations(previous, self.axes(last), last, weights)
        return validate(System((*inputs, *further), (*equations, *ends)))

    def axes(self, feature: Index) -> tuple[Index, ...]:
        """The axes of an activation: (sample, feature) in rows, (feature, sample) in columns."""
        return (*self.sample, feature) if self.rows else (feature, *self.sample)

    def weight(self, before: Index, here: Index) -> tuple[Index, Index]:
        """The axes of a weight: (in, out) in rows, (out, in) in columns."""
        return (before, here) if self.rows else (here, before)

    def affine(self, layer: int, previous: str, before: Index, here: Index) -> Equation:
        """Z = A W + b, or W A + b."""
        a = _read(previous, self.axes(before))
        w = _read(f"W{layer}", self.weight(before, here))
        product = Term(slot(0) * slot(1), (a, w) if self.rows else (w, a), (before,))
        bias = Term(slot(0), (_read(f"b{layer}", (here,)),))
        return Equation(f"Z{layer}", self.axes(here), (product, bias))

    def activated(self, layer: int, activation: str, here: Index) -> list[Equation]:
        """A = f(Z); a softmax reads its log Σ exp, which is an equation of its own."""
        z, out = _read(f"Z{layer}", self.axes(here)), self.axes(here)
        if activation != "softmax":
            function = activation_function(activation)
            body = slot(0) if function is None else function(slot(0))
            return [Equation(f"A{layer}", out, (Term(body, (z,)),))]
        level = Equation(f"S{layer}", self.sample, (Term(slot(0), (z,), (here,)),), "logsumexp")
        softmax = Term(sp.exp(slot(0) - slot(1)), (z, _read(level.name, self.sample)))
        return [level, Equation(f"A{layer}", out, (softmax,))]


def _read(name: str, indices: Sequence[Index]) -> Read:
    return Read(name, tuple(index.symbol for index in indices))


def _declared(
    name: str, indices: Sequence[Index], kind: Kind = "real", along: int = -1
) -> Array:
    return Array(name, tuple(i.size for i in indices), kind, tuple(i.name for i in indices),
                 along=along)
