r"""What the names of a formula stand for: the arrays of a system, as books write them.

    W^{(l)}, W^{[l]}, W_1, w_{ij}^{(2)} -> W1, W2;  \hat y, o -> A2;  \delta^{(l)} -> ∂L/∂Z2
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import sympy as sp

from ..equation import System, fresh_name, size_symbols
from ..functions import ACTIVATIONS
from ..specs.network import Network, activation_function
from .grammar import GREEK, read
from .scripts import Scripts
from .symbols import Symbol, spelled, stem_of
from .trees import LatexError

Rule: TypeAlias = Callable[[System, str, str], tuple[System, str]]
"""Extends a system by the derivative of one of its arrays by another, and names it."""

Layout: TypeAlias = Literal["numerator", "denominator", ""]
ADJOINT = "∂"
"""Before the name of an array: the derivative of the loss by it."""
RATES = ("η", "α", "lr", "ε")


@dataclass(frozen=True)
class Context:
    """What a formula is about.

    named: stem -> layer ("" for none) -> array, or ∂ and an array for the loss's derivative by it.
    columns: whether a vector is a column.  features: the axis of a matrix of samples that counts
    no samples; None where there are no samples.  functions: names of functions, as bodies of a
    scalar; by layers, as "f1", where each layer has its own.  sizes: names of sizes.
    layout: of the derivative of a vector by a vector; "" where that is not declared.
    per_sample: what δ is multiplied by, where it is of one sample.  samples: arrays one of
    whose axes counts samples, and which.  scripted: names of the text with scripts of their own.
    """

    system: System
    rule: Rule
    output: str
    named: Mapping[str, Mapping[str, str]]
    depth: int = 0
    columns: bool = True
    features: int | None = None
    samples: Mapping[str, int] = field(default_factory=dict)
    scripted: tuple[Symbol, ...] = ()
    functions: Mapping[str, Callable[[sp.Expr], sp.Expr]] = field(default_factory=dict)
    layered: frozenset[str] = frozenset()
    sizes: Mapping[str, sp.Expr] = field(default_factory=dict)
    layout: Layout = ""
    first: int = 1
    per_sample: sp.Expr = sp.S.One
    vectors_at: Mapping[str, bool] = field(default_factory=dict)

    def known(self) -> list[str]:
        return sorted({*self.named, *self.functions, *self.sizes})


GENERIC = ("f", "g", "φ", "ϕ", "σ", "ψ", "h")
"""Letters for an activation that is not said."""


def network_context(network: Network, rule: Rule, layout: Layout = "") -> Context:
    """The names that books give a network's arrays, and those of its own notation."""
    system, depth = network.system(), network.depth
    layers = [str(layer) for layer in range(1, depth + 1)]
    kinds = {"W": "WwΘ", "b": "b", "Z": "zZ", "A": "aA"}
    named: dict[str, dict[str, str]] = {}
    for kind, stems in kinds.items():
        for stem in stems:
            named[stem] = {layer: f"{kind}{layer}" for layer in layers}
            named[f"d{stem}"] = {layer: f"{ADJOINT}{kind}{layer}" for layer in layers}
            if depth == 1:
                named[stem][""] = f"{kind}1"
                named[f"d{stem}"][""] = f"{ADJOINT}{kind}1"
    for stem in "aA":
        named[stem]["0"] = "X"
    named["h"] = {**named["a"], **({"": "A1"} if depth == 2 else {})}
    named["δ"] = {layer: f"{ADJOINT}Z{layer}" for layer in layers}
    last = network.prediction
    for stem, array in (("x", "X"), ("X", "X"), ("y", "Y"), ("Y", "Y"), ("t", "Y"),
                        ("y_hat", last), ("Y_hat", last), ("o", last)):
        named[stem] = {"": array}
    for stem in ("L", "E", "J", "C", "ℓ", "loss", "Loss", "cost", "𝓛"):
        named[stem] = {"": "L"}
    notation = network.notation
    named[_stem(str(notation.get("target", "y")))] = {"": "Y"}
    named[_stem(str(notation.get("loss", "L")))] = {"": "L"}
    for array, symbol in notation.get("symbols", {}).items():
        named[_stem(str(symbol))] = {"": array, **(
            {array[1:]: array} if array[1:].isdigit() else {})}
    functions, layered = _activations(network)
    batch = network.batch_size
    sizes = {str(size): size for size in size_symbols(system.shapes.values())}
    if batch is not None:
        sizes.setdefault("m", batch)
    return Context(
        system, rule, "L", named, depth, network.convention == "columns",
        None if batch is None else (1 if network.convention == "rows" else 0),
        functions=functions, layered=layered, sizes=sizes, layout=layout,
        per_sample=batch if network.delta == "sample" and batch is not None else sp.S.One)


def _activations(
    network: Network,
) -> tuple[dict[str, Callable[[sp.Expr], sp.Expr]], frozenset[str]]:
    """The generic letters, by layer: "f1" -> the activation of layer 1."""
    found: dict[str, Callable[[sp.Expr], sp.Expr]] = {}
    bodies: list[Callable[[sp.Expr], sp.Expr] | None] = []
    for name in network.activations:
        made = None if name == "softmax" else activation_function(name)
        bodies.append(None if name == "softmax" else made or (lambda z: z))
    for letter in GENERIC:
        for layer, body in enumerate(bodies, 1):
            if body is not None:
                found[f"{letter}{layer}"] = body
        if len(set(network.activations)) == 1 and bodies[0] is not None:
            found[letter] = bodies[0]
    return found, frozenset(GENERIC)


def system_context(
    system: System, rule: Rule, *, rows: bool = False, layout: Layout = "",
    functions: Mapping[str, str] | None = None,
) -> Context:
    r"""The names of a system's arrays as they are: W1 is written W_1, W^{(1)} or W1, W_xh W_{xh},
    theta θ."""
    named: dict[str, dict[str, str]] = {}
    for array in system.shapes:
        found = re.fullmatch(r"(.*?[A-Za-z])(\d+)", array)
        named.setdefault(_stem(array), {})[""] = array
        if found:
            named.setdefault(_stem(found[1]), {})[found[2]] = array
    output = list(system.equations)[-1].name if system.items else ""
    for array in list(system.shapes):
        named.setdefault(f"d{array}", {})[""] = f"{ADJOINT}{array}"
        found = re.fullmatch(r"(.*?[A-Za-z])(\d+)", array)
        if found:
            named.setdefault(f"d{_stem(found[1])}", {})[found[2]] = f"{ADJOINT}{array}"
    if output:
        for stem in ("L", "E", "J", "C", "ℓ", "𝓛"):
            if stem not in named:
                named[stem] = {"": output}
    depth = max((int(layer) for table in named.values() for layer in table if layer), default=0)
    bodies = {_stem(name): _function(of) for name, of in (functions or {}).items()}
    sizes = {str(size): size for size in size_symbols(system.shapes.values())}
    return Context(system, rule, output, named, depth, not rows, sizes=sizes, layout=layout,
                   functions=bodies)


def _function(name: str) -> Callable[[sp.Expr], sp.Expr]:
    if name in ACTIVATIONS:
        made: Any = ACTIVATIONS[name]
        return made if made is not None else (lambda z: z)
    return activation_function(name) or (lambda z: z)


def _stem(name: str) -> str:
    """A name as the grammar spells it: theta and \\theta are θ."""
    plain = name.lstrip("\\")
    return GREEK.get(plain, plain)


def with_symbols(
    context: Context, symbols: Mapping[str, str], samples: Mapping[str, int] | None = None
) -> Context:
    """The context with a text's own names.  ValueError, with the symbol, for what is no name or no
    array."""
    named = {stem: dict(table) for stem, table in context.named.items()}
    scripted = list(context.scripted)
    shapes = context.system.shapes
    for symbol, of in symbols.items():
        array = of if of in shapes or of[:1] != "d" else f"∂{of[1:]}"
        if array.removeprefix("∂") not in shapes:
            raise ValueError(f"symbols: {symbol!r}: there is no array {of!r}; there are "
                             f"{', '.join(shapes)}")
        try:
            (node,) = read(symbol)
            found = Scripts.of(node)
        except (LatexError, ValueError) as error:
            raise ValueError(f"symbols: {symbol!r}: {error}") from None
        if found.base.kind != "name" or found.primes:
            raise ValueError(f"symbols: {symbol!r}: expected a letter or a word, which may have "
                             "subscripts and superscripts")
        stem = stem_of(found.base)
        if found.downs or found.ups:
            scripted.append(Symbol(stem, tuple(map(spelled, found.downs)),
                                   tuple(map(spelled, found.ups)), array))
        else:
            named.setdefault(stem, {})[""] = array
    for array, axis in (samples or {}).items():
        rank = len(shapes.get(array, ()))
        if rank not in (1, 2) or not 0 <= axis < rank:
            raise ValueError(f"samples: expected names of arrays with one axis or two, and which "
                             f"of them counts samples, 0 or 1; got {array!r}, {axis}")
    scripted.sort(key=lambda each: -len(each.downs) - len(each.ups))
    return replace(context, named=named, scripted=tuple(scripted),
                   samples={**context.samples, **(samples or {})})


class Store:
    """A context whose derivatives are taken once: what formulas read beyond the forward pass."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.system = context.system
        self._made: dict[tuple[str, str], str] = {}

    def derivative(self, by: str) -> str:
        """The loss's derivative by an array, as an array of the store's system."""
        key = self.context.output, by
        if key not in self._made:
            self.system, name = self.context.rule(self.system, *key)
            self._made[key] = name
        return self._made[key]

    def with_inputs(self, *names: str) -> None:
        """Scalars that a formula has of its own, such as a learning rate."""
        from ..equation import Array

        missing = [Array(name, ()) for name in names if name not in self.system.names]
        self.system = replace(self.system, inputs=(*self.system.inputs, *missing))

    def fresh(self, name: str) -> str:
        return fresh_name(name, self.system.names)
