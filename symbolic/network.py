"""A dense network as forward equations; its gradient is nobody's business here.

A layer is a row of equations, a loss is a scalar body summed over the output; both conventions
(X W + b with a sample per row, W x + b with a sample per column) are the same equations with
their axes in another order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Literal

import sympy as sp

from .equation import (
    Array,
    Equation,
    Index,
    Kind,
    Read,
    Size,
    System,
    Term,
    as_size,
    slot,
    validate,
)
from .functions import ACTIVATIONS, Opaque, Z, scalar_function
from .text import parse_formula

Convention = Literal["rows", "columns"]
BATCH = "m"
"""The batch size's symbol where none is given."""


class NetworkError(ValueError):
    """A network that cannot be built; `key` names the setting at fault."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(f"{key}: {message}")
        self.key = key


@dataclass(frozen=True)
class Loss:
    """A loss as a sum over samples and outputs of `body`(target y, output a or logit z).

    `mean` divides by "samples" or by "entries".  `wants` says what the outputs must be for the
    formula to make sense; `target` what is assumed of Y.
    """

    meaning: str
    body: Callable[[sp.Expr, sp.Expr], sp.Expr]
    mean: Literal["samples", "entries"] | None = None
    target: Kind = "real"
    from_logits: Literal["entries", "rows"] | None = None


LOSSES: dict[str, Loss] = {
    "half_squared_error": Loss("½ Σ (y - a)² over all entries", lambda y, a: (y - a) ** 2 / 2),
    "mean_squared_error": Loss(
        "mean of (y - a)² over all entries", lambda y, a: (y - a) ** 2, mean="entries"
    ),
    "binary_cross_entropy": Loss(
        "-Σ (y log a + (1 - y) log(1 - a)), mean over samples; a are probabilities",
        lambda y, a: -y * sp.log(a) - (1 - y) * sp.log(1 - a),
        mean="samples",
    ),
    "binary_cross_entropy_from_logits": Loss(
        "Σ (softplus(z) - y z), mean over samples; z are logits",
        lambda y, z: ACTIVATIONS["softplus"](z) - y * z,  # type: ignore[misc]
        mean="samples",
        from_logits="entries",
    ),
    "cross_entropy": Loss(
        "-Σ y log p, mean over samples; rows of p are probabilities, rows of y sum to one",
        lambda y, p: -y * sp.log(p),
        mean="samples",
        target="probability",
    ),
    "cross_entropy_from_logits": Loss(
        "-Σ y (z - log Σ exp z), mean over samples; z are logits, rows of y sum to one",
        lambda y, log_p: -y * log_p,
        mean="samples",
        target="probability",
        from_logits="rows",
    ),
}


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

    def __post_init__(self) -> None:
        sizes = self.sizes
        if isinstance(sizes, str) or not isinstance(sizes, Sequence) or len(sizes) < 2:
            raise NetworkError("sizes", "expected a list of at least two layer widths, from input "
                               f"to output, such as [2, 3, 1]; got {sizes!r}")
        for place, size in enumerate(sizes):
            _check_size(f"sizes[{place}]", size)
        if self.batch is not False:
            if self.batch is True:
                raise NetworkError("batch", "expected a name, a number, or false for a single "
                                   "sample; got true")
            _check_size("batch", self.batch)
        _choice("loss", self.loss, LOSSES)
        _choice("convention", self.convention, ("rows", "columns"))
        _choice("delta", self.delta, ("loss", "sample"))
        for place, name in enumerate(self.activations):
            last = place == len(sizes) - 2
            key = "output" if last else "activation"
            if name == "softmax" and not last:
                raise NetworkError(key, "softmax is for the output layer; hidden layers take one "
                                   f"of {sorted(ACTIVATIONS)} or a formula in z")
            if name != "softmax":
                activation_function(name, key)
        if self.delta == "sample" and self.batch is False:
            raise NetworkError("delta", "'sample' needs a batch; this network has batch = false, "
                               "where δ is per sample already")
        if LOSSES[self.loss].from_logits and self.output != "identity":
            raise NetworkError("output", f"{self.loss} takes logits, so the output must be "
                               f"'identity'; got {self.output!r}")
        if LOSSES[self.loss].from_logits is None and self.loss.endswith("cross_entropy"):
            wanted = "softmax" if self.loss == "cross_entropy" else "sigmoid"
            if self.output in ("identity", "relu", "leaky_relu", "softplus", "tanh"):
                raise NetworkError("output", f"{self.loss} needs outputs between 0 and 1, such as "
                                   f"{wanted!r}; got {self.output!r} (for logits use "
                                   f"{self.loss}_from_logits)")

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
        if len(self.activation) != hidden:
            raise NetworkError("activation", f"expected one name for all hidden layers or a list "
                               f"of {hidden}, got {len(self.activation)}: {self.activation!r}")
        return (*self.activation, self.output)

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(f"{kind}{layer}" for layer in range(1, self.depth + 1) for kind in "Wb")

    @property
    def batch_size(self) -> Size | None:
        return None if self.batch is False else as_size(self.batch)

    def system(self) -> System:
        """The forward equations, down to the scalar loss ``L``."""
        return _forward(self)

    def shapes(self) -> dict[str, tuple[Size, ...]]:
        """The shape of every input array: X, Y, W1, b1, ..."""
        return {array.name: array.shape for array in self.system().inputs}


def _check_size(key: str, size: object) -> None:
    if isinstance(size, bool) or not isinstance(size, int | str):
        raise NetworkError(key, f"expected a positive integer or the name of a size, got {size!r}")
    if isinstance(size, int) and size < 1:
        raise NetworkError(key, f"expected a positive integer, got {size}")
    if isinstance(size, str) and not size.isidentifier():
        raise NetworkError(key, f"expected a name such as 'n', got {size!r}")


def _choice(key: str, value: object, known: Any) -> None:
    if value not in known:
        near = get_close_matches(str(value), list(known), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise NetworkError(key, f"expected one of {sorted(known)}, got {value!r}{hint}")


def activation_function(name: str, key: str = "activation") -> type[Opaque] | None:
    """The function of an activation: a name of ``ACTIVATIONS``, or a formula in ``z``.

    Raises NetworkError with the nearest name for a word that is neither.
    """
    if not isinstance(name, str):
        raise NetworkError(key, f"expected a name or a formula in z, got {name!r}")
    if name in ACTIVATIONS:
        return ACTIVATIONS[name]
    if name.strip().isidentifier() and name.strip() != "z":
        near = get_close_matches(name, [*ACTIVATIONS, "softmax"], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise NetworkError(key, f"unknown activation {name!r}: expected one of "
                           f"{sorted(ACTIVATIONS)} or a formula in z such as "
                           f"'z/(1 + exp(-z))'{hint}")
    try:
        definition = parse_formula(name)
    except ValueError as error:
        raise NetworkError(key, f"{name!r} is no formula in z: {error}") from None
    if definition == Z:
        return None
    if not definition.has(Z):
        raise NetworkError(key, f"{name!r} does not depend on z")
    if isinstance(definition, Opaque) and definition.args[0] == Z:
        return type(definition)
    return scalar_function("f", definition, "f")


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

    loss = LOSSES[network.loss]
    inputs = [
        declare("X", axes(layer_index[0])),
        declare("Y", axes(layer_index[-1]), loss.target),
    ]
    equations: list[Equation] = []
    previous = "X"
    for layer, name in enumerate(network.activations, 1):
        before, here = layer_index[layer - 1], layer_index[layer]
        weight = (before, here) if rows else (here, before)
        inputs += [declare(f"W{layer}", weight), declare(f"b{layer}", (here,))]
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
    equations += _loss(network, loss, sample, layer_index[-1], axes(layer_index[-1]))
    return validate(System(tuple(inputs), tuple(equations)))


def _loss(
    network: Network,
    loss: Loss,
    sample: tuple[Index, ...],
    feature: Index,
    axes: tuple[Index, ...],
) -> list[Equation]:
    """The loss equation, and the log Σ exp before it where it starts from logits."""
    everywhere = tuple(index.symbol for index in axes)
    output = Read(f"A{network.depth}", everywhere)
    target = Read("Y", everywhere)
    count = sp.S.One
    if loss.mean == "entries":
        count = sp.Mul(*(index.size for index in axes))
    elif loss.mean == "samples":
        count = sp.Mul(*(index.size for index in sample))
    equations = []
    reads: tuple[Read, ...] = (target, output)
    if loss.from_logits == "rows":
        equations.append(Equation("S", sample, (Term(slot(0), (output,), (feature,)),),
                                  "logsumexp"))
        rows = Read("S", tuple(index.symbol for index in sample))
        body, reads = loss.body(slot(0), slot(1) - slot(2)), (*reads, rows)
    else:
        body = loss.body(slot(0), slot(1))
    equations.append(Equation("L", (), (Term(body / count, reads, axes),)))
    return equations
