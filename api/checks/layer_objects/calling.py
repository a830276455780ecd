"""How a layer that is an object is made of its inputs, and its two methods run."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from gradproof.checks.causes.failures import in_one_line
from gradproof.checks.inputs import Inputs, takes
from gradproof.checks.layer_calls import (
    Gathering,
    LayerFails,
    Run,
    Signature,
    all_used,
    in_order,
    orders,
    taken_constants,
)
from gradproof.checks.layer_objects.finding import NOTHING, Own, OwnParameter
from gradproof.checks.points import Point, flat
from gradproof.checks.returned import LayerError
from gradproof.limits.calls import called

FORWARD = ("forward", "__call__")
BACKWARD = ("backward", "backprop")


@dataclass(frozen=True)
class Plan:
    """What goes where when a layer is made and run.

    own, fixed: the inputs and constants that it is made of; named: the arrays in each input.
    ahead, behind: its two methods; entering, constants: the inputs and constants of the first.
    inside: the arrays that it makes itself and that are handed over; kept: those that stay.
    is_lazy: it makes them when its forward pass first runs, which it does once more than asked.
    """

    own: tuple[str, ...]
    fixed: tuple[str, ...]
    named: Mapping[str, Any]
    ahead: str
    behind: str
    entering: tuple[str, ...]
    constants: tuple[str, ...]
    signature: Signature
    inside: tuple[OwnParameter, ...] = ()
    kept: tuple[OwnParameter, ...] = ()
    is_lazy: bool = False


@dataclass(frozen=True)
class LayerObject:
    """A layer as an object with `forward` and `backward`, or what makes one of parameters.

    first: the inputs of its forward pass, in order.  methods: its two methods, where they are
    plain functions.
    """

    make: Callable[..., Any]
    title: str
    taken: Inputs
    constants: Mapping[str, Any]
    plan: Plan
    first: tuple[str, ...] = ()
    methods: tuple[Callable[..., Any] | None, ...] = (None, None)

    @classmethod
    def of(
        cls, make: Any, taken: Inputs, constants: Mapping[str, Any], point: Point
    ) -> LayerObject:
        """LayerError for what is no layer, LayerFails where it cannot be made."""
        title = getattr(make, "__name__", type(make).__name__)
        if not isinstance(make, type) and any(hasattr(make, name) for name in BACKWARD):
            make = partial(_copied, make)  # so that each run begins with the layer as it is now
        if not callable(make):
            raise LayerError(f"expected a layer, a class or a function that makes one, got {title}")
        own, fixed = tuple(in_order(make, taken.given)), taken_constants(make, constants)
        values = taken.at(point.values)
        try:
            layer = _made(make, own, fixed, values, copy.deepcopy(dict(constants)))
        except Exception as error:
            raise LayerFails(f"{title} fails at {point}: {in_one_line(error)}") from error
        plan = _plan(layer, make, title, own, fixed, taken, constants)
        first = (name for name in in_order(getattr(layer, plan.ahead), taken.given)
                 if name in plan.entering)
        methods = (getattr(type(layer), name, None) for name in (plan.ahead, plan.behind))
        return cls(make, title, taken, constants, plan, tuple(first),
                   tuple(method if inspect.isfunction(method) else None for method in methods))

    def run(
        self, wrt: Sequence[str] | None, own: Own = NOTHING,
        instead: Callable[..., Any] | None = None,
    ) -> Run:
        """own: what it makes itself.  instead: is called in the place of its method `backward`."""
        plan, gathering = self.with_own(own).plan, self.gathering(wrt, own)
        return Run(
            partial(_passes, self.make, instead, plan, gathering), plan.signature.needs_none,
            gathering.seen, self.methods[1], partial(self.run, wrt, own), self.methods[0],
        )

    def with_own(self, own: Own) -> LayerObject:
        """The layer that is handed the parameters that it makes itself."""
        return replace(self, plan=replace(self.plan, inside=own.parameters, kept=own.kept,
                                          is_lazy=own.is_lazy))

    def gathering(self, wrt: Sequence[str] | None, own: Own) -> Gathering:
        """What takes its gradients from what backward returned and left."""
        left = {one.name: one.left for one in own.parameters if one.gradients}
        named = orders(self.taken, self.first, self.plan.own, wrt)
        return Gathering(_further(named, own.parameters), left=left)

    # What `own_parameters` asks for.

    def made(self, point: Point) -> Any:
        return _built(self.make, self.plan, self.taken.at(point.values),
                      copy.deepcopy(dict(self.constants)))

    def original(self, point: Point) -> Any:
        if isinstance(self.make, partial) and self.make.func is _copied and not self.plan.is_lazy:
            return self.make.args[0]
        return self.made(point)

    def run_before(self) -> LayerObject:
        return replace(self, plan=replace(self.plan, is_lazy=True))

    def ahead(self, layer: Any, point: Point) -> tuple[Any, ...]:
        outputs, _ = called(partial(_forward, layer, self.plan, self.taken.at(point.values),
                                    copy.deepcopy(dict(self.constants))))
        return tuple(map(np.asarray, outputs))

    def behind(
        self, layer: Any, point: Point, weights: Sequence[Any], inside: Sequence[OwnParameter]
    ) -> Mapping[str, Any]:
        arguments = {**self.taken.at(point.values), **{one.name: one.start for one in inside}}
        scalar = all(np.ndim(weight) == 0 for weight in weights)
        back = () if self.plan.signature.needs_none and scalar else weights
        gathering = Gathering(_further(orders(self.taken, self.first, self.plan.own, None), inside),
                              left=dict.fromkeys((one.name for one in inside), _nothing))
        _, found = called(partial(ran, layer, None, self.plan, gathering, arguments,
                                  copy.deepcopy(dict(self.constants)), back))
        return {one.name: found[one.name] for one in inside if one.name in found}


def _nothing(_: Any) -> list[tuple[str, Any]]:
    return []


def _further(
    named: Sequence[Sequence[str]], inside: Sequence[OwnParameter]
) -> tuple[tuple[str, ...], ...]:
    """The orders of a tuple of gradients, with those by parameters that the layer makes itself."""
    every = tuple(one.name for one in inside)
    alone = tuple(one.name for one in inside if not one.gradients)
    further = [made for order in named for group in (every, alone)
               for made in ((*order, *group), (*group, *order))]
    return tuple(dict.fromkeys((*map(tuple, named), *further)))


def _copied(layer: Any) -> Any:
    return copy.deepcopy(layer)


def _made(
    make: Callable[..., Any], own: Sequence[str], fixed: Sequence[str],
    arguments: Mapping[str, Any], constants: Mapping[str, Any],
) -> Any:
    return called(partial(make, **{name: arguments[name] for name in own},
                          **{name: constants[name] for name in fixed}))


def _plan(
    layer: Any, make: Callable[..., Any], title: str, own: tuple[str, ...],
    fixed: tuple[str, ...], taken: Inputs, constants: Mapping[str, Any],
) -> Plan:
    """How the layer is called.  LayerError for an input or a constant that nothing takes."""
    ahead, behind = _method(layer, FORWARD, title), _method(layer, BACKWARD, title)
    entering = tuple(name for name in taken.given if name not in own)
    forward = getattr(layer, ahead)
    parameters = inspect.signature(forward).parameters
    for name in entering:
        if name not in parameters and not _takes_any(forward):
            raise LayerError(f"{name!r} is a parameter neither of {title}({_listed(make)}) nor of "
                             f"its {ahead}({', '.join(parameters)})")
    fixed_ahead = taken_constants(forward, constants)
    takes(ahead, forward, dict.fromkeys((*entering, *fixed_ahead)))
    signature = Signature.of(getattr(layer, behind), entering, constants)
    all_used(constants, (*fixed, *fixed_ahead, *signature.keywords))
    return Plan(own, fixed, dict(taken.arguments), ahead, behind, entering, fixed_ahead,
                signature)


def _passes(
    make: Callable[..., Any], instead: Callable[..., Any] | None, plan: Plan,
    gathering: Gathering, arguments: Mapping[str, Any], fixed: Mapping[str, Any],
    back: Sequence[Any] | None,
) -> Any:
    """A new layer's forward pass, and its backward pass where there are cotangents."""
    built = _built(make, plan, arguments, fixed)
    for one in plan.kept:
        one.put(built, one.start)
    outputs, found = ran(built, instead, plan, gathering, arguments, fixed, back)
    return outputs if back is None else found


def _built(
    make: Callable[..., Any], plan: Plan, arguments: Mapping[str, Any], fixed: Mapping[str, Any]
) -> Any:
    built = _made(make, plan.own, plan.fixed, arguments, fixed)
    if plan.is_lazy:
        called(partial(_forward, built, plan, arguments, fixed))
    return built


def ran(
    built: Any, instead: Callable[..., Any] | None, plan: Plan, gathering: Gathering,
    arguments: Mapping[str, Any], fixed: Mapping[str, Any], back: Sequence[Any] | None,
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A layer's outputs, and its gradients by name; none where there are no cotangents."""
    inside = {one.name: one.put(built, arguments[one.name]) for one in plan.inside}
    outputs, saved = _forward(built, plan, arguments, fixed)
    if back is None:
        return outputs, {}
    positional, keywords = plan.signature.arguments(
        back, outputs, saved, {**arguments, **fixed})
    backward = partial(instead, built) if instead else getattr(built, plan.behind)
    owned = flat({name: plan.named[name] for name in plan.own}, arguments)
    given = flat(plan.named, arguments)
    found = gathering(backward(*positional, **keywords), built, owned,
                      {**given, **{name: arguments[name] for name in inside}})
    return outputs, found


def _forward(
    built: Any, plan: Plan, arguments: Mapping[str, Any], fixed: Mapping[str, Any]
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """What the forward pass returns: its outputs, and what else there is for backward."""
    returned = getattr(built, plan.ahead)(**{name: arguments[name] for name in plan.entering},
                                          **{name: fixed[name] for name in plan.constants})
    return plan.signature.split(returned)


def _method(layer: Any, names: Sequence[str], title: str) -> str:
    for name in names:
        if callable(getattr(layer, name, None)):
            return name
    public = [name for name in dir(layer) if not name.startswith("_")]
    raise LayerError(f"{title}: expected an object with a method {names[0]}; it has "
                     f"{', '.join(public) or 'nothing'}")


def _takes_any(function: Callable[..., Any]) -> bool:
    return any(p.kind is p.VAR_KEYWORD for p in inspect.signature(function).parameters.values())


def _listed(function: Callable[..., Any]) -> str:
    return ", ".join(inspect.signature(function).parameters)
