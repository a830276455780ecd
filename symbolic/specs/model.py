"""A model: layers in a list, each reading the one before or layers it names, down to a loss.

Arrays are numbered by the place of their layer in the list: W3 and b3 are the parameters of the
third, Z3 is what a layer with parameters makes of its input and A3 an activation's, or any other
layer's, output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from ..equation import Array, EquationError, Kind, Size, System, as_size, size_names
from ..layers import feedforward
from ..layers.builder import Builder, Operand, ShapeError
from ..layers.options import Option, Required
from ..layers.site import Site
from ..layers.table import SPEC, LayerRow, rows
from ..shapes import ShapeTextError, axis_names, parse_shape
from ..text.formula import parse_formula
from ..validation import validate
from .checks import NetworkError, check_apart, check_name, check_notation, told
from .common import BATCH, Described

COMMON = ("type", "name", "inputs")
"""What every layer may say."""


@dataclass(frozen=True)
class LayerSummary:
    """A layer as it was built: its place from 1, type, what it read, its output and parameters."""

    place: int
    type: str
    reads: tuple[str, ...]
    outputs: tuple[Operand, ...]
    parameters: tuple[Array, ...]


@dataclass(frozen=True)
class Model(Described):
    """A network of layers.

    input: the shape of ``X`` as text: names are symbolic sizes, numbers are fixed ("m 1 28 28").
    layers: for each a type, or a mapping with its ``type``, its options, and where it matters a
        ``name`` and ``inputs`` (names of layers before; "input" is X; "name.0" a part of a split).
    loss: a key of ``LOSSES``, over the last axis of the last layer's output; every other axis
        counts samples.
    kind: of X: "real", or "labels 50" for integers below 50 (what an embedding takes).

    Further settings, by name alone, are those of :class:`Described`.

    >>> print(Model("m n", [{"type": "dense", "units": 3}, "tanh"]).system())
    Z1[s<m, j<3] = Σ_i<n X[s, i]*W1[i, j] + b1[j]
    A2[s<m, j<3] = tanh(Z1[s, j])
    L[] = Σ_s<m Σ_j<3 (Y[s, j] - A2[s, j])**2/2

    Raises NetworkError, which names the key, for anything that cannot be built.
    """

    input: str
    layers: Sequence[str | Mapping[str, Any]]
    loss: str = "half_squared_error"
    kind: str = "real"
    name: str = field(default="model", kw_only=True)

    def __post_init__(self) -> None:
        self.check_name()
        system = self.system()
        sizes = size_names(array.shape for array in system.inputs)
        for size in sizes:
            check_apart("input", size, dict.fromkeys(system.names, "an array of the model"))
        letters = {"Y": "y", **{a.name: a.name.rstrip("0123456789") for a in system.inputs
                                if a.name != "Y"}}
        letters |= {name: name[0].lower() for name in system.names if name[0] in "ZA"}
        check_notation(self.notation, letters, sizes)

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(array.name for layer in self.summary for array in layer.parameters)

    @property
    def prediction(self) -> str:
        """The array that the loss compares with Y."""
        return self.summary[-1].outputs[0].name

    @property
    def batch_size(self) -> Size | None:
        """The size called m, where the input has one."""
        size = as_size(BATCH)
        return size if size in self.shapes()["X"] else None

    @property
    def summary(self) -> tuple[LayerSummary, ...]:
        """The layers as they were built, with the shapes of their outputs."""
        return self._built[1]

    def system(self) -> System:
        """The forward equations, down to the scalar loss ``L``."""
        return self._built[0]

    @cached_property
    def _built(self) -> tuple[System, tuple[LayerSummary, ...]]:
        return _Build(self).run()


class _Build:
    """One pass through the layers of a model."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.builder = Builder()
        for name in ("L", "Y", "sample_weights"):
            self.builder.reserve(name)
        kind, self.classes = _kind(model.kind)
        shape = _shape_of("input", model.input)
        letters = iter(axis_names(len(shape), "ijkpq"))
        axes = tuple({BATCH: "s", "T": "t"}.get(str(n)) or next(letters) for n in shape)
        self.x = Array("X", shape, kind, axes, self.classes)
        self.outputs: dict[str, tuple[Operand, ...]] = {"input": (self.builder.input(self.x),)}
        self.last = self.outputs["input"]
        self.sites: list[Site] = []

    def run(self) -> tuple[System, tuple[LayerSummary, ...]]:
        layers = self.model.layers
        if isinstance(layers, str) or not isinstance(layers, Sequence) or not layers:
            raise NetworkError("layers", f"expected a list of layers, got {layers!r}")
        words = {word for layer in layers if isinstance(layer, Mapping)
                 for word in layer.values() if isinstance(word, str)}
        for size in (*words, *map(str, self.x.shape)):  # source gives sizes names beside arrays
            self.builder.reserve(size)
        summary = tuple(self._layer(place, layer) for place, layer in enumerate(layers, 1))
        return self._system(), summary

    def _layer(self, place: int, layer: str | Mapping[str, Any]) -> LayerSummary:
        key = f"layers[{place - 1}]"
        given = {"type": layer} if isinstance(layer, str) else layer
        if not isinstance(given, Mapping) or "type" not in given:
            raise NetworkError(key, "expected a layer's type, or a table with its type; got "
                               f"{layer!r}")
        kind = given["type"]
        known = rows(SPEC)
        if not isinstance(kind, str) or kind not in known:
            near = get_close_matches(str(kind), list(known), n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {sorted(known)}"
            raise NetworkError(f"{key}.type", f"unknown type of layer {kind!r}; {hint}")
        row = known[kind]
        site = Site(self.builder, place, _options(key, kind, row, given), self.classes)
        inputs = self._inputs(key, given, row)
        try:
            made = row.at(site, *inputs)
            outputs = made if isinstance(made, tuple) else (self._named(site, row, made),)
        except (ShapeError, EquationError) as error:
            raise NetworkError(f"{key} ({kind})", str(error)) from None
        self.sites.append(site)
        self.last = outputs
        self._remember(key, given, outputs)
        return LayerSummary(place, kind, tuple(x.name for x in inputs), outputs,
                            tuple(site.parameters))

    def _inputs(self, key: str, given: Mapping[str, Any], row: LayerRow) -> tuple[Operand, ...]:
        wanted = given.get("inputs")
        found = self.last
        if wanted is not None:
            if isinstance(wanted, str) or not isinstance(wanted, Sequence):
                raise NetworkError(f"{key}.inputs", f"expected a list of names, got {wanted!r}")
            for name in wanted:
                if not isinstance(name, str) or name not in self.outputs:
                    near = get_close_matches(str(name), list(self.outputs), n=1)
                    hint = f"did you mean {near[0]!r}?" if near else (
                        f"named so far: {list(self.outputs)}")
                    raise NetworkError(f"{key}.inputs", f"no layer before is named {name!r}; "
                                       f"{hint}")
            found = tuple(operand for name in wanted for operand in self.outputs[name])
        least, most = row.counts
        if len(found) < least or (most is not None and len(found) > most):
            count = str(least) if least == most else f"{least} to {most}" if most else (
                f"at least {least}")
            raise NetworkError(f"{key}.inputs", f"a layer of type {given['type']!r} takes {count} "
                               f"inputs, got {len(found)}; inputs = [\"name\", ...] says which")
        return found

    def _named(self, site: Site, row: LayerRow, made: Operand) -> Operand:
        """The output as Z of a layer with parameters, or A, and its activation behind it."""
        stem = "Z" if site.parameters else "A"
        name = f"{stem}{site.place}"
        last = self.builder.equations[-1].name
        in_loop = any(len(self.builder.equations) == places.stop
                      for places, _ in self.builder.recurrences)
        if made.name == last and made.name != name and not in_loop:
            made = self.builder.rename_last(made.name, name)
        if row.activated and site["activation"] is not None:
            name = f"A{site.place}"
            made = feedforward.activation(self.builder, made, site["activation"], name)
        return made

    def _remember(
        self, key: str, given: Mapping[str, Any], outputs: tuple[Operand, ...]
    ) -> None:
        name = given.get("name")
        if name is None:
            return
        if not isinstance(name, str):
            raise NetworkError(f"{key}.name", f"expected a name, got {name!r}")
        check_name(f"{key}.name", name)
        if name in self.outputs:
            raise NetworkError(f"{key}.name", f"{name!r} names another layer already")
        self.outputs[name] = outputs
        if len(outputs) > 1:
            self.outputs |= {f"{name}.{place}": (part,) for place, part in enumerate(outputs)}

    def _system(self) -> System:
        if len(self.last) != 1 or not self.last[0].ndim:
            raise NetworkError("layers", "the last layer needs one output, with an axis of "
                               f"predictions; got {', '.join(map(str, self.last))}")
        output, objective = self.last[0], self.model.objective
        axes = self.builder.axes(output)
        target = Array("Y", output.shape, objective.row.target, tuple(i.name for i in axes))
        weights = [array for site in self.sites for array in site.weights]
        taken = [*(array.name for array in self.builder.inputs),
                 *(equation.name for equation in self.builder.equations)]
        objective.check_names(taken)
        further, last = objective.equations(output.name, axes, axes[-1], weights,
                                            self.builder.fresh)
        first, *others = self.builder.inputs
        made = self.builder.build()
        return validate(System((first, target, *others, *further), (*made.items, *last)))


def _options(
    key: str, kind: str, row: LayerRow, given: Mapping[str, Any]
) -> dict[str, Any]:
    for name in given:
        if name not in COMMON and name not in row.spec_options:
            known = [*row.spec_options, *COMMON]
            near = get_close_matches(str(name), known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"expected one of {known}"
            raise NetworkError(f"{key}.{name}", f"a layer of type {kind!r} has no such option; "
                               f"{hint}")
    return {name: _value(f"{key}.{name}", kind, name, option, given)
            for name, option in row.spec_options.items()}


def _value(key: str, kind: str, name: str, option: Option, given: Mapping[str, Any]) -> Any:
    if name in given:
        return told(key, lambda value: option.read(value, parse_formula), given[name])
    if option.default is Required:
        raise NetworkError(key, f"is missing; a layer of type {kind!r} needs it")
    return option.default


def _shape_of(key: str, text: Any) -> tuple[Size, ...]:
    try:
        shape = parse_shape(text)
    except ShapeTextError as error:
        raise NetworkError(key, str(error)) from None
    if not shape:
        raise NetworkError(key, 'expected the shape of X, such as "m 1 28 28", got none')
    return shape


def _kind(text: Any) -> tuple[Kind, Size | None]:
    words = text.split() if isinstance(text, str) else []
    if words == ["real"]:
        return "real", None
    if len(words) == 2 and words[0] == "labels":
        return "labels", _shape_of("kind", words[1])[0]
    raise NetworkError("kind", 'expected "real", or "labels 50" for integers below 50, got '
                       f"{text!r}")
