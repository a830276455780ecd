"""Hand-written backward passes, held against a network spec.

The parameters of the function that computes the gradients are bound by name to the network's
arrays, to dicts of them, or to forward values (a cache).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from gradproof.checks.hand_files import HandError, read_outside
from gradproof.checks.judging import judge
from gradproof.checks.points import Point, nested, random_points
from gradproof.checks.results import CheckResult, within
from gradproof.checks.returned import Asked, Keyed
from gradproof.checks.subject import Gradient, Rerun, Sides, Subject, Values
from gradproof.codegen.compile import compile_system
from gradproof.derivations.derivation import Derivation
from gradproof.derivations.sources import values_of
from gradproof.limits.calls import called
from gradproof.limits.deadline import TIME_LIMIT
from gradproof.repair.search import SECONDS
from gradproof.symbolic.dependence import ancestors
from gradproof.symbolic.equation import Array, Equation, Item, System
from gradproof.symbolic.specs.model import Model
from gradproof.symbolic.specs.network import Network
from gradproof.symbolic.substitution import rename_arrays
from gradproof.symbolic.tracing.run import Trace, trace

PARAMETER_DICTS = ("parameters", "params", "weights", "theta", "model", "p")
CACHES = ("cache", "caches", "forward", "memory", "activations", "values")


@dataclass(frozen=True)
class Binding:
    """Which arrays each parameter of a function takes: a name, or a dict of names."""

    tree: Mapping[str, Any]

    @property
    def names(self) -> tuple[str, ...]:
        found: dict[str, None] = {}
        for inner in self.tree.values():
            for name in inner.values() if isinstance(inner, Mapping) else [inner]:
                found[name] = None
        return tuple(found)


def bind(function: Callable[..., Any], derivation: Derivation, where: str) -> Binding:
    """Parameters by name: X, Y, W1, ..., a dict of the parameters, a cache of forward values.

    Raises HandError for a parameter that is none of these and has no default.
    """
    network = derivation.network
    assert network is not None
    inputs = [array.name for array in derivation.system.inputs]
    forward = [name for name in derivation.forward if name != derivation.chain.loss]
    aliases = {"x": "X", "y": "Y", "t": "Y", "T": "Y", "target": "Y", "targets": "Y",
               "inputs": "X", "labels": "Y", "y_true": "Y"}
    exact = {name: name for name in (*inputs, *forward)}
    lower = {name.lower(): name for name in reversed((*inputs, *forward))}
    last = network.prediction
    aliases.update({"y_hat": last, "y_pred": last, "output": last, "o": last, "AL": last})
    tree: dict[str, Any] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        if name in exact:
            tree[name] = name
        elif name in PARAMETER_DICTS:
            tree[name] = {key: key for key in network.parameters}
        elif name in CACHES:
            tree[name] = {"X": "X", "A0": "X", **{key: key for key in forward}}
        elif name in aliases:
            tree[name] = aliases[name]
        elif name in lower:
            tree[name] = lower[name]
        elif parameter.default is parameter.empty:
            raise HandError(
                f"{where}: {function.__name__} takes {name!r}, which {network.name!r} "
                f"does not have; expected {', '.join(inputs)}, a forward value "
                f"({', '.join(forward)}), 'parameters' for a dict of weights, or 'cache' for a "
                "dict of forward values"
            )
    return Binding(tree)


def _from_outside(
    function: Callable[..., Any], binding: Binding, network: Network | Model
) -> list[str]:
    """The network's parameters, or dicts of them, that a function reads without being handed them.
    """
    known = {name.lower() for name in network.parameters} - {n.lower() for n in binding.names}
    found = []
    for name, value in read_outside(function).items():
        numbers = isinstance(value, np.ndarray | np.number | float | int | list)
        weights = isinstance(value, Mapping) and any(str(key).lower() in known for key in value)
        if (numbers and name.lower() in known) or weights:
            found.append(name)
    return found


def check_network(
    derivation: Derivation, function: Callable[..., Any], where: str = "", seed: int = 0,
    repair_seconds: float = SECONDS, time_limit: float = TIME_LIMIT,
) -> CheckResult:
    """Holds a hand-written backward pass against a network's or model's derived gradients.

    The loss whose differences are the third witness is the network's own forward pass.  Raises
    HandError when the function's parameters cannot be bound.
    """
    network = derivation.network
    if network is None:
        raise HandError("only a network's or model's backward pass can be checked against a spec")
    where = where or function.__code__.co_filename
    inputs = list(derivation.system.inputs)
    points = random_points(ranged(inputs, network), seed)
    given = values_of(network)
    if {array.name for array in inputs} <= set(given):
        points.append(Point({}, {array.name: given[array.name] for array in inputs}, given=True))
    asked = Asked(network.parameters, tuple(array.name for array in inputs),
                  f"{where}: {function.__name__}")
    binding = bind(function, derivation, where)
    outside = _from_outside(function, binding, network)
    if outside:
        taken = ", ".join((*inspect.signature(function).parameters, *outside))
        raise HandError(
            f"{where}: {function.__name__} reads {', '.join(outside)} from the names of its file, "
            "not from its arguments, so it cannot be held against other weights; take them as "
            f"parameters: def {function.__name__}({taken})")
    plain = _Pass(derivation, binding, asked, tuple(points))
    return within(time_limit, network.parameters, lambda: plain.with_columns(function).judged(
        function, repair_seconds))


@dataclass(frozen=True)
class _Pass:
    """Functions as the backward pass of a network: the user's, and edits of it.

    columns: the biases that the function is handed with shape (n, 1).
    """

    derivation: Derivation
    binding: Binding
    asked: Asked
    points: tuple[Point, ...]
    columns: frozenset[str] = frozenset()

    def judged(self, function: Callable[..., Any], seconds: float) -> CheckResult:
        plain = Subject(
            self.asked, self._loss_at, self.bound(function), loose_units=True,
            columns=self.columns, rerun=Rerun(function, self.bound, self.verdict),
            keyed=self._keyed(function),
        )
        sides = Sides(plain, lambda _: self.derivation.chain,
                      lambda *_: _traced(function, self.binding, self.derivation, self.columns))
        return judge(sides.subject({}), self.points, repair_seconds=seconds)

    def bound(self, function: Callable[..., Any]) -> Gradient:
        return lambda values: self.asked.present(self._called(function, values))

    def verdict(self, function: Callable[..., Any]) -> str:
        return self.judged(function, 0).verdict

    def _keyed(self, function: Callable[..., Any]) -> Keyed:
        """What is to be said of the keys that it returns."""
        try:
            with np.errstate(all="ignore"):
                return self.asked.keyed(self._called(function, self.points[0].values))
        except Exception:  # it will fail again where its failure is the finding
            return Keyed()

    def _called(self, function: Callable[..., Any], values: Values) -> Any:
        """What a function returns, handed what its parameters name."""
        arrays = {**values, **self._forward_values(values)}
        return self._call(function, arrays, self.columns)

    def _call(
        self, function: Callable[..., Any], arrays: Values, columns: frozenset[str]
    ) -> Any:
        return called(partial(_stood_up, function, self.binding.tree, columns, **{
            key: nested(tree, arrays) for key, tree in self.binding.tree.items()}))

    def with_columns(self, function: Callable[..., Any]) -> _Pass:
        """The same, with biases as columns where the function fails without, and works with them.
        """
        biases = frozenset(array.name for array in self.derivation.system.inputs
                           if array.name in self.asked.names and len(array.shape) == 1)
        if not biases or self._runs(function, frozenset()) or not self._runs(function, biases):
            return self
        return replace(self, columns=biases)

    def _runs(self, function: Callable[..., Any], columns: frozenset[str]) -> bool:
        """Whether a function runs through at every point."""
        try:
            with np.errstate(all="ignore"):
                for point in self.points:
                    arrays = {**point.values, **self._forward_values(point.values)}
                    self._call(function, arrays, columns)
        except Exception:  # whatever it raises, it will again where that is the finding
            return False
        return True

    def _forward_values(self, values: Values) -> dict[str, Any]:
        """The values of the forward pass that the function asks for."""
        names, run = self._forward
        return dict(zip(names, run(**self._inputs(values)), strict=True)) if names else {}

    def _loss_at(self, values: Values) -> Any:
        return self._loss(**self._inputs(values))

    def _inputs(self, values: Values) -> dict[str, Any]:
        return {array.name: values[array.name] for array in self.derivation.system.inputs}

    @cached_property
    def _forward(self) -> tuple[list[str], Callable[..., Any]]:
        derivation = self.derivation
        names = [name for name in self.binding.names if name in derivation.forward]
        return names, compile_system(derivation.system, names, derivation.writer.row_vectors)

    @cached_property
    def _loss(self) -> Callable[..., Any]:
        return self.derivation.loss_function()


def _stood_up(
    function: Callable[..., Any], tree: Mapping[str, Any], columns: frozenset[str], /,
    **arguments: Any,
) -> Any:
    """function(**arguments), with the vectors called so as columns of shape (n, 1)."""

    def stood(names: Any, value: Any) -> Any:
        if isinstance(names, Mapping):
            return {key: stood(inner, value[key]) for key, inner in names.items()}
        return value[:, None] if names in columns else value

    return function(**{key: stood(tree[key], value) for key, value in arguments.items()})


def ranged(inputs: list[Array], network: Network | Model) -> list[Array]:
    """Targets of a binary cross-entropy are drawn between 0 and 1."""
    if not network.loss.startswith("binary"):
        return inputs
    return [replace(a, kind="mask") if a.name == "Y" else a for a in inputs]


def _traced(
    function: Callable[..., Any], binding: Binding, derivation: Derivation,
    columns: frozenset[str],
) -> Trace:
    """The hand-written function's equations behind the forward equations whose values it takes."""
    shapes = derivation.system.shapes
    declared = {array.name: array for array in derivation.system.inputs}

    def spec(name: str) -> Array:
        return declared.get(name) or Array(name, shapes[name])

    arguments: dict[str, Any] = {}
    seen: set[str] = set()
    for key, tree in binding.tree.items():
        if isinstance(tree, Mapping):
            arguments[key] = {
                inner: replace(spec(name), name=_once(name, seen)) for inner, name in tree.items()
            }
        else:
            arguments[key] = replace(spec(tree), name=_once(tree, seen))
    run = partial(_stood_up, function, binding.tree, columns)
    traced = called(partial(trace, run, arguments))
    taken = [array.name for array in traced.system.inputs]
    before = derivation.system
    needed = ancestors(before, [
        name.partition(_AGAIN)[0] for name in taken if name.partition(_AGAIN)[0] not in declared
    ])
    given = {name: f"{name}_given" for name in needed}
    rename = {name: given.get(name.partition(_AGAIN)[0], name.partition(_AGAIN)[0])
              for name in taken}
    items: list[Item] = [rename_arrays(before[name], given) for name in needed]
    for item in traced.system.items:
        assert isinstance(item, Equation)
        items.append(rename_arrays(item, rename))
    return replace(traced, system=System(before.inputs, tuple(items)))


_AGAIN = "__again"


def _once(name: str, seen: set[str]) -> str:
    """A name of its own for an array that the function is handed twice (X, and X in a cache)."""
    made = name
    while made in seen:
        made = f"{name}{_AGAIN}{len(seen)}"
    seen.add(made)
    return made
