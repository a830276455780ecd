"""A layer that is an object, made and run: what goes into its two passes and what comes out.

The functions are what a trace runs with its stand-ins, so what they need to know is plain data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from gradproof.checks.layer_calls import Gathering, Signature
from gradproof.checks.layer_objects.custom_rules import JAX, due
from gradproof.checks.layer_objects.finding import OwnParameter
from gradproof.checks.layer_objects.frameworks import (
    NUMPY,
    TORCH,
    Arrays,
    by_place,
    is_real,
    summed_to,
)
from gradproof.checks.layer_objects.methods import Methods
from gradproof.checks.layer_objects.places import Path, put, reached
from gradproof.checks.layer_objects.places import held as arrays_of
from gradproof.checks.layer_objects.slopes import Slope
from gradproof.checks.layer_objects.updates import handed, rate_of, recorded
from gradproof.checks.points import flat
from gradproof.limits.calls import called

SAVED_EARLIER = ("forward writes into a tensor after it has saved it for backward, which reads "
                 "it as written")


@dataclass(frozen=True)
class Plan:
    """What goes where when a layer is made and run.

    own, fixed: the inputs and constants that it is made of; named: the arrays in each input.
    methods: its two passes; entering, constants: the inputs and constants of the first.
    signature: of the second; slope: how the second is called where it is a derivative.
    inside: the arrays that it makes itself and that are handed over; kept: those that stay.
    optimisers: where it holds what it hands gradients to, and whether that writes into parameters.
    moved: where it holds the inputs that
    backward changes; stepped: those of them whose gradient is that step, by the rate.
    flushes: the methods by which it forgets a step.
    is_lazy: it makes them when its forward pass first runs, which it does once more than asked.
    is_built_in: its first pass takes no keywords, as np.tanh.
    arrays: what it computes with.
    places: the parameters whose gradients the second pass returns, each in its place, with None
    for those that have none; empty where it returns them otherwise.
    changed: the inputs that it says that it writes its outputs into.
    has_tangents: its second pass is the transpose of a rule for tangents.
    remarks: what a reader of any verdict should know.
    """

    own: tuple[str, ...]
    fixed: tuple[str, ...]
    named: Mapping[str, Any]
    methods: Methods
    entering: tuple[str, ...]
    constants: tuple[str, ...]
    signature: Signature
    slope: Slope | None = None
    inside: tuple[OwnParameter, ...] = ()
    kept: tuple[OwnParameter, ...] = ()
    optimisers: Mapping[Path, bool | None] = field(default_factory=dict)
    moved: Mapping[str, Path] = field(default_factory=dict)
    stepped: frozenset[str] = frozenset()
    flushes: tuple[str, ...] = ()
    is_lazy: bool = False
    is_built_in: bool = False
    arrays: Arrays = NUMPY
    places: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    has_tangents: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def steps(self) -> dict[str, Path]:
        """Where the parameters stand whose gradient is the step that backward takes."""
        return {**{name: self.moved[name] for name in self.stepped},
                **{one.name: one.paths[0] for one in self.inside if one.is_stepped}}


def made(
    make: Callable[..., Any], own: Sequence[str], fixed: Sequence[str],
    arguments: Mapping[str, Any], constants: Mapping[str, Any],
) -> Any:
    """The object that a class or a function makes of parameters."""
    return called(partial(make, **{name: arguments[name] for name in own},
                          **{name: constants[name] for name in fixed}))


def built(
    make: Callable[..., Any], plan: Plan, arguments: Mapping[str, Any], fixed: Mapping[str, Any]
) -> Any:
    """The object as it is before its first pass that counts."""
    layer = made(make, plan.own, plan.fixed, arguments, fixed)
    if plan.is_lazy:
        called(partial(forward, layer, plan, arguments, fixed))
        flush(layer, plan)
    return layer


def flush(layer: Any, plan: Plan) -> None:
    """Lets the object forget a step, as its user does before the next."""
    for name in plan.flushes:
        getattr(layer, name)()


def passes(
    make: Callable[..., Any], instead: Callable[..., Any] | None, plan: Plan,
    gathering: Gathering, arguments: Mapping[str, Any], fixed: Mapping[str, Any],
    back: Sequence[Any] | None,
) -> Any:
    """A new layer's forward pass, and its backward pass where there are cotangents."""
    layer = built(make, plan, arguments, fixed)
    for one in plan.kept:
        one.put(layer, one.start)
    outputs, found = ran(layer, instead, plan, gathering, arguments, fixed, back)
    return outputs if back is None else found


def ran(
    layer: Any, instead: Callable[..., Any] | None, plan: Plan, gathering: Gathering,
    arguments: Mapping[str, Any], fixed: Mapping[str, Any], back: Sequence[Any] | None,
    heard: dict[Path, bool | None] | None = None,
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A layer's outputs, and its gradients by name; none where there are no cotangents.

    heard: is told which optimisers got something.
    """
    owned = flat({name: plan.named[name] for name in plan.own}, arguments)
    inside = {one.name: one.put(layer, _copied(arguments[one.name])) for one in plan.inside}
    for name, path in plan.moved.items():
        put(layer, path, owned[name].copy())  # that it changes this one is its business
    with recorded(layer, plan.optimisers) as recorders:
        outputs, saved = forward(layer, plan, arguments, fixed)
        if plan.methods.style not in ("joint", "closure"):
            gathering.seen.beside = plan.signature.beside(outputs, saved)
        if back is None:
            return outputs, {}
        held = {**owned, **{name: reached(layer, path) for name, path in plan.moved.items()},
                **inside}
        every = {} if heard is None else {str(one.paths): one.value for one in arrays_of(layer)}
        for _, recorder in recorders:
            recorder.parameters = {**held, **every}
        started = {name: _copied(held[name]) for name in plan.steps}
        returned = _behind(layer, instead, plan, outputs, saved, {**arguments, **fixed}, back)
        if heard is not None:
            heard.update((path, one.is_in_place) for path, one in recorders if one.calls)
        used_up = {name: sum(given) for name, given in handed(recorders, held).items()}
    rate = rate_of(layer, fixed)
    used_up.update({name: (started[name] - reached(layer, path)) / rate
                    for name, path in plan.steps.items()})
    given = flat(plan.named, arguments)
    found = gathering(returned, layer, owned,
                      {**given, **{name: arguments[name] for name in inside}}, used_up)
    return outputs, found


def moved(
    make: Callable[..., Any], plan: Plan, arguments: Mapping[str, Any], fixed: Mapping[str, Any],
    tangents: Mapping[str, Any],
) -> tuple[Any, ...]:
    """The tangents of a layer's outputs, where it has a rule for these."""
    layer, enter = built(make, plan, arguments, fixed), plan.arrays.enter
    known = {**arguments, **fixed}
    with plan.arrays.during():
        found: tuple[Any, ...] = plan.arrays.leave(layer.tangents(
            {name: enter(known[name]) for name in (*plan.entering, *plan.constants)},
            {name: enter(value) for name, value in tangents.items()}))
    return found


def _copied(value: Any) -> Any:
    return value.copy() if hasattr(value, "copy") else value


def forward(
    layer: Any, plan: Plan, arguments: Mapping[str, Any], fixed: Mapping[str, Any]
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """What the forward pass returns: its outputs, and what else there is for backward."""
    return plan.signature.split(_ahead(layer, None, plan, {**arguments, **fixed}))


def _ahead(
    layer: Any, instead: Callable[..., Any] | None, plan: Plan, known: Mapping[str, Any]
) -> Any:
    function = _method(layer, instead, plan, plan.methods.ahead)
    if plan.is_built_in:
        return function(*(known[name] for name in plan.entering))
    names = (*plan.entering, *plan.constants)
    if plan.places and plan.arrays is not JAX:
        layer.needs_input_grad = tuple(is_real(known.get(name)) for name in plan.places)
    with plan.arrays.during():
        return plan.arrays.leave(
            function(**{name: plan.arrays.enter(_copied(known[name]) if name in plan.changed else
                                                known[name]) for name in names}))


def _behind(
    layer: Any, instead: Callable[..., Any] | None, plan: Plan, outputs: Sequence[Any],
    saved: Sequence[Any], known: Mapping[str, Any], back: Sequence[Any],
) -> Any:
    """What the backward pass returns."""
    methods = plan.methods
    if methods.style == "joint":
        return _ahead(layer, instead, plan, known)[1:] if instead else saved
    if methods.style == "closure":
        return saved[-1](*back)
    backward = _method(layer, instead, plan, methods.behind)
    if plan.slope is not None:
        return plan.slope.weighed(backward, outputs, known, back)
    positional, keywords = plan.signature.arguments(back, outputs, saved, known)
    enter = plan.arrays.enter
    with plan.arrays.during():
        entered = [enter(one) for one in positional]
        if plan.arrays is TORCH:
            entered = layer.filled(entered)
        returned = plan.arrays.leave(backward(
            *entered, **{name: enter(one) for name, one in keywords.items()}))
    if not plan.places:
        return returned
    if plan.arrays is JAX:
        return due(returned, layer.names, layer.static,
                   {name: known[name] for name in plan.places if name in known})
    found = by_place(returned, plan.places, [name for name in plan.places if name not in known])
    return {name: summed_to(value, known.get(name)) for name, value in found.items()}


def _method(
    layer: Any, instead: Callable[..., Any] | None, plan: Plan, name: str
) -> Callable[..., Any]:
    if instead is None:
        found: Callable[..., Any] = getattr(layer, name)
        return found
    return instead if plan.methods.is_static else partial(instead, layer)
